//! Tar: a reader that is fed bytes, and a writer of header blocks.
//!
//! A module of its own because a layer's tar is read with the eyes of the engines: by the rules of Go's
//! `archive/tar`, every byte accounted for, whatever the archive claims. It does no input or output and knows
//! nothing of layers: names are bytes as written, whiteouts are ordinary entries.
//!
//! The dialects: v7, POSIX ustar and PAX, old GNU (long names, base-256 numbers, sparse files), star.

mod block;
mod error;
mod header;
mod pax;
mod reader;
mod resolve;
mod sparse;
mod visitor;
mod warning;
mod writer;

#[cfg(test)]
mod tests;

pub use crate::limits::Limits;
pub use error::TarError;
pub use header::{Extent, Header, Kind, Time};
pub use reader::Reader;
pub use visitor::{Totals, Visitor};
pub use warning::{Warning, WarningCode};
pub use writer::{END, padding, write_header};

/// The size of a tar block in bytes: headers are one block, bodies are padded to whole blocks.
pub const BLOCK: usize = 512;
