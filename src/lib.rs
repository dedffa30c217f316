//! skeleton
pub mod bytesize;
pub mod codec;
pub mod image;
pub mod oci;
pub mod progress;
pub mod store;
pub mod tar;
