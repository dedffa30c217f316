//! Layer-level analysis and slimming of container images.
//!
//! The flow goes one way, and [`analyze`] and [`slim`] read like it:
//!
//! ```text
//!  docker://  docker-daemon:  docker-archive:  oci:  oci-archive:  -
//!       \____________ transport (read half) ____________/
//!                         |  Image           manifest + config + blobs opened on demand; immutable
//!                       layer                blob → digest → decompressed → diff_id → tar entries (in parallel)
//!                         |  Changeset       what ONE layer adds and whites out, with facts from probes
//!                      content               applied base → top: who is visible, who is shadowed by whom
//!                         |  ContentMap
//!                      classify              every byte → one category
//!                         |  Attribution
//!          report         +         plan     what goes, what it saves, what is refused
//!                                    |  Plan
//!                                 rewrite    second streaming pass → a NEW Image, staged
//!                                    |
//!                                 verify     read again: every difference is planned
//!                                    |
//!                        transport (write half)   blobs → config → manifest → tag, in that order
//! ```
//!
//! The library never prints, never reads the environment and never exits; long work sends
//! [`progress::Event`]s. `docs/architecture.md` has the floors, and a test holds the modules to them.

pub mod budget;
pub mod bytesize;
pub mod classify;
pub mod cli;
pub mod codec;
pub mod content;
pub mod elf;
#[cfg(feature = "registry")]
pub mod forge;
#[cfg(feature = "registry")]
pub mod http;
pub mod image;
pub mod inside;
pub mod layer;
pub mod limits;
pub mod oci;
pub mod owners;
pub mod packages;
mod pipeline;
pub mod plan;
pub mod profile;
pub mod progress;
pub mod report;
pub mod rewrite;
pub mod scratch;
pub mod shelf;
pub mod store;
pub mod tar;
pub mod transform;
pub mod transport;
#[cfg(feature = "tui")]
pub mod tui;
pub mod verify;

pub use pipeline::{
    Analysis, Check, Form, Leftovers, PipelineError, Settings, Slimmed, analyze, analyze_beside,
    analyze_each, leftovers, look, look_on, restore, slim, strip, verify_images,
};
