//! Why an archive is refused.
//!
//! Of its own because every stage of reading fails with it; messages show paths only escaped.

use crate::limits::Exceeded;

/// Bytes of a path that a message shows; a hostile path may be 64 KiB long.
const SHOWN: usize = 200;

/// What is wrong with an archive. Offsets are bytes from the start of the (uncompressed) archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TarError {
    /// Occurs when a header is due and the block's checksum is not right.
    #[error("not a tar header at offset {offset}")]
    NotAHeader {
        /// Where the block begins.
        offset: u64,
    },
    /// Occurs when the input ends inside a header, an extension, a sparse map or a body.
    #[error("the archive ends inside {part}{} at offset {offset}", of(path))]
    Truncated {
        /// What was being read.
        part: &'static str,
        /// The entry, escaped; empty where its name is not known yet.
        path: String,
        /// The length of the input.
        offset: u64,
    },
    /// Occurs when a numeric field is neither octal nor base-256, is out of range, or is a negative size.
    #[error("bad {field} in the header of `{path}` at offset {offset}")]
    BadNumber {
        /// The field's name in POSIX.
        field: &'static str,
        /// The entry, escaped.
        path: String,
        /// Where the header block begins.
        offset: u64,
    },
    /// Occurs when a PAX extended header is not a list of `length key=value` records, or a record's value
    /// cannot be what its key says.
    #[error("bad PAX header: {reason} (before the entry at offset {offset})")]
    BadPax {
        /// What is wrong with it.
        reason: &'static str,
        /// Where the block that follows the extended header begins.
        offset: u64,
    },
    /// Occurs when a sparse map overlaps, is out of order, or does not fit the file.
    #[error("bad sparse file `{path}`: {reason} (at offset {offset})")]
    BadSparse {
        /// What is wrong with it.
        reason: &'static str,
        /// The entry, escaped.
        path: String,
        /// Where the reader stands.
        offset: u64,
    },
    /// Occurs when an entry asks for more than [`Limits`](super::Limits) allow.
    #[error("`{path}` asks for {value}: {exceeded} (at offset {offset})")]
    Limit {
        /// The limit.
        exceeded: Exceeded,
        /// What the archive asks for.
        value: u64,
        /// The entry, escaped.
        path: String,
        /// Where the header block begins.
        offset: u64,
    },
    /// Occurs when a reader is used again after it, or its visitor, failed.
    #[error("the archive was given up before")]
    AlreadyFailed,
}

/// ` of` and the path, where there is one.
fn of(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!(" of `{path}`")
    }
}

/// A path as messages show it: escaped, and cut where it is very long.
pub(super) fn shown(path: &[u8]) -> String {
    match path.get(..SHOWN) {
        Some(head) if path.len() > SHOWN => format!("{}...", head.escape_ascii()),
        _ => path.escape_ascii().to_string(),
    }
}
