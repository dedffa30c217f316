//! Bytes of a file in, bytes of the changed file out.
//!
//! A floor of its own because a change must come out the same each time it is made: when it is measured, when it is
//! written, and when a result is verified. Nothing here knows images, paths or plans.

mod strip;

pub use crate::elf::Refused;
pub use strip::strip;
