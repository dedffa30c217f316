//! What a view is asked for, and the sums that it answers with.
//!
//! Apart from the view because keys make the one and lists show the other, without knowing how it comes about.

use super::filter::Filter;
use super::{Change, Row};

/// Which entries of the layers are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// What the merged image shows.
    #[default]
    Merged,
    /// What one layer adds, modifies and removes.
    Changes,
    /// What is there after one layer.
    UpTo,
    /// Every entry of every layer, shadowed ones too.
    Everything,
}

impl Mode {
    /// The next one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Merged => Self::Changes,
            Self::Changes => Self::UpTo,
            Self::UpTo => Self::Everything,
            Self::Everything => Self::Merged,
        }
    }

    /// Whether the selected layer matters.
    pub const fn asks_for_layer(self) -> bool {
        matches!(self, Self::Changes | Self::UpTo)
    }
}

/// The order of a directory's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The largest first.
    #[default]
    Size,
    /// By name.
    Name,
    /// The most files first.
    Files,
}

impl Sort {
    /// The next one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Size => Self::Name,
            Self::Name => Self::Files,
            Self::Files => Self::Size,
        }
    }

    /// The word in the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Name => "name",
            Self::Files => "files",
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Which entries.
    pub mode: Mode,
    /// The layer of modes that ask for one.
    pub layer: usize,
    /// What narrows them.
    pub filter: Filter,
    /// Changes that are hidden, by [`Change`].
    pub hidden: [bool; 4],
    /// The order.
    pub sort: Sort,
}

/// A sum over entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Disk bytes; of two images, those of the new one.
    pub bytes: u64,
    /// Disk bytes of the old one, of two images.
    pub before: u64,
    /// Inodes that are no directories; of two images a path that both have once.
    pub files: u64,
}

impl Tally {
    /// Bytes that it is sorted by: of two images what it grew or shrank by.
    pub fn weight(self) -> u64 {
        self.bytes.abs_diff(self.before)
    }

    /// All bytes, those before too: what the weights of its parts are shares of.
    pub fn whole(self) -> u64 {
        self.bytes + self.before
    }

    /// Adds a row, where it counts.
    pub(super) fn add(&mut self, row: &Row) {
        let (bytes, files) = row.tally();
        if row.is_old {
            self.before += bytes;
        } else {
            self.bytes += bytes;
        }
        if !row.is_old || row.change == Change::Removed {
            self.files += files;
        }
    }
}
