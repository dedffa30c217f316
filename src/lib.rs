//! skeleton
pub mod bytesize;
pub mod classify;
pub mod codec;
pub mod image;
pub mod oci;
pub mod profile;
pub mod progress;
pub mod tar;
