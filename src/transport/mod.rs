//! Media that images are read from and written to.
//!
//! One module per medium, each with its read and its write half; every one of them makes the same
//! [`Image`](crate::image::Image).

mod choose;
#[cfg(feature = "registry")]
pub mod registry;

pub use choose::{Candidate, Choice, ChooseError};
