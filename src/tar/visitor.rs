//! What a reader gives back: a visitor, totals.
//!
//! Of its own because this is the interface; how an archive is taken apart stands in `reader`.

use super::error::TarError;
use super::header::Header;
use super::warning::Warning;

/// What an archive is made of. `framing` and the bytes of all bodies together are `total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Bytes fed.
    pub total: u64,
    /// Bytes that were not shown to [`Visitor::body`]: headers, padding, sparse maps, skipped bodies, the end
    /// marker and whatever follows it.
    pub framing: u64,
    /// Entries shown to [`Visitor::entry`].
    pub entries: u64,
}

/// Receives what a [`Reader`](super::Reader) reads, in the order of the archive.
pub trait Visitor {
    /// How a visitor fails; the reader's own errors travel in it too.
    type Error: From<TarError>;

    /// An entry begins. Its header stays valid until the call returns.
    fn entry(&mut self, header: &Header) -> Result<(), Self::Error>;

    /// The next content bytes of the current entry, never none: `header.size` bytes in all.
    fn body(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// The current entry is complete.
    fn end_entry(&mut self) -> Result<(), Self::Error>;

    /// Something is odd. Comes before [`Visitor::entry`] of the entry it is about, or between entries.
    fn warning(&mut self, warning: Warning);
}
