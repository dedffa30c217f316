//! skeleton
pub mod bytesize;
pub mod classify;
pub mod codec;
pub mod content;
pub mod image;
pub mod layer;
pub mod oci;
pub mod plan;
pub mod profile;
pub mod progress;
pub mod rewrite;
pub mod store;
pub mod tar;
pub mod verify;
