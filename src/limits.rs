//! What an image may ask for before it is refused (rule 32): one set of numbers for the whole flow.
//!
//! A floor of its own because tars, layers, media and the merge each count something else, and a person raises any of
//! them with a flag: a limit is one row here, and its error names that row. `docs/limits.md` shows the same table.

use std::fmt;

/// One of the limits, as errors name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// Members of all layers together, directories that are only implied too.
    Entries,
    /// Bytes of a path or of a link's target.
    Path,
    /// Components of a path.
    Depth,
    /// Bytes of the PAX and GNU extension headers of one entry.
    Extension,
    /// Bytes of a JSON document: an index, a manifest, a config.
    Document,
    /// Layers of an image.
    Layers,
    /// Decompressed bytes for each stored byte, of a layer or an archive, once it has given a gibibyte.
    Expansion,
    /// Bytes of a sparse file when it is expanded.
    Sparse,
}

/// What an image may ask for. Nothing is allocated on an image's word alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// [`Limit::Entries`].
    pub entries: u64,
    /// [`Limit::Path`], in bytes.
    pub path: u64,
    /// [`Limit::Depth`].
    pub depth: u64,
    /// [`Limit::Extension`], in bytes.
    pub extension: u64,
    /// [`Limit::Document`], in bytes.
    pub document: u64,
    /// [`Limit::Layers`].
    pub layers: u64,
    /// [`Limit::Expansion`].
    pub expansion: u64,
    /// [`Limit::Sparse`], in bytes.
    pub sparse: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 20_000_000,
            path: 64 << 10,
            depth: 4096,
            extension: 1 << 20,
            document: 4 << 20,
            layers: 1000,
            expansion: 1000,
            sparse: 64 << 30,
        }
    }
}

/// A limit that an image is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} is over the limit of {max}{}; raise it with {}", limit.what(), limit.unit(), limit.flag())]
pub struct Exceeded {
    /// Which one.
    pub limit: Limit,
    /// What is allowed.
    pub max: u64,
}

/// What is counted, in words; its unit; the flag; the most that the flag takes.
type Row = (Limit, &'static str, &'static str, &'static str, u64);

#[rustfmt::skip] // a table
const TABLE: [Row; 8] = [
    (Limit::Entries, "the number of entries of the image", "", "--max-entries", 4_000_000_000),
    (Limit::Path, "the length of a path or link target", " bytes", "--max-path", 16 << 20),
    (Limit::Depth, "the depth of a path", " components", "--max-depth", 1 << 20),
    (Limit::Extension, "the size of one entry's extension headers", " bytes", "--max-extension", 1 << 30),
    (Limit::Document, "the size of a JSON document", " bytes", "--max-document", 1 << 30),
    (Limit::Layers, "the number of layers", "", "--max-layers", 60_000),
    (Limit::Expansion, "the expansion of compressed data", " to 1, which holds after the first GiB", "--max-expansion", u64::MAX),
    (Limit::Sparse, "the expanded size of a sparse file", " bytes", "--max-sparse", i64::MAX as u64),
];

impl Limit {
    /// All of them, in the order of documents and help texts.
    pub const ALL: [Self; 8] = [
        Self::Entries,
        Self::Path,
        Self::Depth,
        Self::Extension,
        Self::Document,
        Self::Layers,
        Self::Expansion,
        Self::Sparse,
    ];

    /// What is counted.
    pub fn what(self) -> &'static str {
        self.row().1
    }

    /// The flag that sets it.
    pub fn flag(self) -> &'static str {
        self.row().3
    }

    /// The most that the flag takes: past it, numbers would not fit where they are kept.
    pub fn ceiling(self) -> u64 {
        self.row().4
    }

    fn unit(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> &'static Row {
        // The table has a row for each, in the same order; a test compares them.
        &TABLE[self as usize]
    }
}

impl Limits {
    /// The number behind a limit.
    pub fn get(&self, limit: Limit) -> u64 {
        let mut copy = *self;
        *copy.field(limit)
    }

    /// The same limits with another number behind one.
    #[must_use]
    pub fn with(mut self, limit: Limit, max: u64) -> Self {
        *self.field(limit) = max;
        self
    }

    /// Refuses `value` where it is over the limit.
    pub fn check(&self, limit: Limit, value: u64) -> Result<(), Exceeded> {
        if value > self.get(limit) {
            Err(self.exceeded(limit))
        } else {
            Ok(())
        }
    }

    /// The error for a limit that was reached.
    pub fn exceeded(&self, limit: Limit) -> Exceeded {
        Exceeded {
            limit,
            max: self.get(limit),
        }
    }

    fn field(&mut self, limit: Limit) -> &mut u64 {
        match limit {
            Limit::Entries => &mut self.entries,
            Limit::Path => &mut self.path,
            Limit::Depth => &mut self.depth,
            Limit::Extension => &mut self.extension,
            Limit::Document => &mut self.document,
            Limit::Layers => &mut self.layers,
            Limit::Expansion => &mut self.expansion,
            Limit::Sparse => &mut self.sparse,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_its_row_and_its_number() {
        let mut limits = Limits::default();
        for (number, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit.row().0, limit);
            assert!(limits.get(limit) <= limit.ceiling(), "{limit}");
            limits = limits.with(limit, number as u64);
        }
        for (number, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limits.get(limit), number as u64);
            assert!(limits.check(limit, number as u64).is_ok());
            let error = limits.check(limit, number as u64 + 1).unwrap_err().to_string();
            assert!(
                error.contains(limit.flag()) && error.contains(limit.what()),
                "{error}"
            );
        }
    }
}
