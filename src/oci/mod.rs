//! The words of the OCI and Docker specifications, as types: nothing here does I/O.
//!
//! A module of its own because every floor above speaks these words. The three hashes that images carry
//! are three types ([`Digest`] of a stored blob, [`DiffId`] of a layer's uncompressed tar, [`ImageId`] of
//! a config) so that they can never be confused.

mod descriptor;
mod digest;
mod media_type;
mod platform;
mod reference;

pub use descriptor::Descriptor;
pub use digest::{Algorithm, DiffId, Digest, DigestError, Hasher, ImageId};
pub use media_type::{Compression, Family, MediaType};
pub use platform::Platform;
pub use reference::{Reference, ReferenceError};
