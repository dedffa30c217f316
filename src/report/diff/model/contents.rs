//! What the merged images hold: categories, packages, directories, paths.

use serde::Serialize;

/// One category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiffCategory {
    /// Its name.
    pub name: String,
    /// A few words for people.
    pub title: String,
    /// Disk bytes before.
    pub old_bytes: u64,
    /// Disk bytes after.
    pub new_bytes: u64,
    /// After less before.
    pub delta: i64,
}

/// What became of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum OwnerChange {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another version.
    Version,
    /// It is the same version with more or fewer bytes.
    Size,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiffOwner {
    /// The package manager.
    pub kind: String,
    /// The package.
    pub name: String,
    /// Its architecture, where the package manager has such a thing.
    pub arch: Option<String>,
    /// What became of it.
    pub change: OwnerChange,
    /// Its version before; `None` where it was not there.
    pub old_version: Option<String>,
    /// Its version after; `None` where it is not there.
    pub new_version: Option<String>,
    /// Disk bytes of all layers before.
    pub old_bytes: u64,
    /// Disk bytes of all layers after.
    pub new_bytes: u64,
}

/// A directory with all that is below it, but for what is below another one that is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiffDirectory {
    /// The directory.
    pub path: String,
    /// Visible bytes before, of the paths that changed.
    pub old_bytes: u64,
    /// Visible bytes after, of the paths that changed.
    pub new_bytes: u64,
    /// After less before.
    pub delta: i64,
    /// Paths that changed.
    pub paths: u64,
}

/// What became of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum PathChange {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is of another kind, or has another content or link target.
    Modified,
    /// Mode, owner, extended attributes or the other names of the file are others.
    Metadata,
}

impl PathChange {
    /// The word in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Modified => "modified",
            Self::Metadata => "metadata",
        }
    }
}

/// How many paths there are of each change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PathTally {
    /// New ones.
    pub added: u64,
    /// Those that are gone.
    pub removed: u64,
    /// Those with another content.
    pub modified: u64,
    /// Those with other metadata alone.
    pub metadata: u64,
}

impl PathTally {
    /// All of them.
    pub fn sum(&self) -> u64 {
        self.added + self.removed + self.modified + self.metadata
    }

    pub(in crate::report::diff) fn count(&mut self, change: PathChange) {
        let count = match change {
            PathChange::Added => &mut self.added,
            PathChange::Removed => &mut self.removed,
            PathChange::Modified => &mut self.modified,
            PathChange::Metadata => &mut self.metadata,
        };
        *count += 1;
    }
}

/// A path of the merged images that is not what it was. Directories are listed where their own metadata changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiffPath {
    /// The path.
    pub path: String,
    /// What became of it.
    pub change: PathChange,
    /// Stored bytes before; a file with several names has its bytes with the first of them by path.
    pub old_bytes: u64,
    /// Stored bytes after, likewise.
    pub new_bytes: u64,
    /// Its category: the new image's where it is there.
    pub category: String,
    /// Index of the new image's layer that holds it; `None` where it is gone.
    pub layer: Option<usize>,
    /// Index of the old image's layer that held it; `None` where it is new.
    pub old_layer: Option<usize>,
}
