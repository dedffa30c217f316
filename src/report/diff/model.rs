//! The comparison of two images: the keys of its JSON, which others build on.
//!
//! Plain values and nothing else, as the report's model; [`Diff::new`] fills them. All sizes are bytes, and the
//! words *disk*, *wire* and *visible* mean what they mean in a report. Whatever has an old and a new side has
//! `old_…` and `new_…`, or is a [`Change`].

use serde::Serialize;

use crate::report::model::{Advice, ImageRow};

/// What changed from one image to another, and what a client that has the old one must download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Diff {
    /// [`SCHEMA_VERSION`](crate::report::SCHEMA_VERSION).
    pub schema_version: u32,
    /// The platform, as `os/architecture[/variant]`.
    pub platform: String,
    /// The image before; `None` where its index does not have the platform.
    pub old: Option<DiffImage>,
    /// The image after; `None` where its index does not have the platform.
    pub new: Option<DiffImage>,
    /// Whether layers and config are the same.
    pub identical: bool,
    /// Whether what layers hold was compared, path by path; not where one side is a saved report, or not there.
    pub compared_contents: bool,
    /// Sums.
    pub totals: DiffTotals,
    /// What is downloaded.
    pub transfer: Transfer,
    /// The first layer that is not the old image's; `None` where there is none.
    pub broke_cache: Option<BrokeCache>,
    /// Layers that hold what they held and were built again; `None` where there are none.
    pub rebuilt_unchanged: Option<RebuiltUnchanged>,
    /// How many layers there are of each status.
    pub layer_counts: LayerTally,
    /// The layers of both images in one order, base first.
    pub layers: Vec<DiffLayer>,
    /// Categories of either image, the largest change first, then by name.
    pub categories: Vec<DiffCategory>,
    /// Packages that are not what they were, the largest change first, then by name.
    pub owners: Vec<DiffOwner>,
    /// Where paths changed, the largest change first, then by path.
    pub directories: Vec<DiffDirectory>,
    /// How many paths there are of each change.
    pub path_counts: PathTally,
    /// Paths that are not what they were, the largest first, then by path.
    pub paths: Vec<DiffPath>,
    /// How a build avoids bytes of the layers whose content the old image does not have.
    pub advice: Vec<Advice>,
    /// Budgets that were checked with it; none where none were.
    pub budgets: Vec<BudgetRow>,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiffImage {
    /// Which image.
    #[serde(flatten)]
    pub image: ImageRow,
    /// Digest of the index that it is one platform of, where a whole index was compared.
    pub index: Option<String>,
}

/// A number before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Change {
    /// Before.
    pub old: u64,
    /// After.
    pub new: u64,
    /// After less before.
    pub delta: i64,
}

/// Sums over both images; each means what it means in a report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiffTotals {
    /// Layers.
    pub layers: Change,
    /// Inodes that are no directories.
    pub files: Change,
    /// Bytes of the compressed blobs; `None` where either medium stores none.
    pub wire_bytes: Option<Change>,
    /// `wire_bytes` where they are known, else with estimates.
    pub wire_bytes_estimate: Change,
    /// Stored bodies of regular files of all layers.
    pub disk_bytes: Change,
    /// The rest of the uncompressed tars.
    pub framing_bytes: Change,
    /// Both together.
    pub uncompressed_bytes: Change,
    /// Disk bytes that the merged image shows.
    pub visible_bytes: Change,
    /// Disk bytes that it does not show.
    pub shadowed_bytes: Change,
    /// What a squash that removes nothing saves.
    pub reclaimable_bytes: Change,
    /// Disk bytes that go with all safe categories.
    pub removable_bytes: Change,
}

/// What a client that has the old image downloads to have the new one: blobs of layers and the config, each once, that
/// the old image does not have. The manifest, which is fetched to know them, is not counted, as registries count it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Transfer {
    /// Bytes of the blobs to download; `None` where either medium stores no blobs.
    pub new_wire_bytes: Option<u64>,
    /// Bytes of the new image's blobs that the client has; `None` where either medium stores no blobs.
    pub reused_wire_bytes: Option<u64>,
    /// `new_wire_bytes` where they are known, else an estimate: layers are then told by their uncompressed tars.
    pub new_wire_bytes_estimate: u64,
    /// `reused_wire_bytes` where they are known, else an estimate.
    pub reused_wire_bytes_estimate: u64,
    /// Blobs to download.
    pub new_blobs: u64,
}

/// What became of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LayerStatus {
    /// Both images have the same uncompressed tar.
    Reused,
    /// The new image has another one in its place.
    Rebuilt,
    /// Only the new image has it.
    Added,
    /// Only the old image has it.
    Removed,
}

/// Why a layer is not the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The images stand on different base images.
    BaseImage,
    /// Its instruction is another one.
    Instruction,
    /// Instructions before it that make no layer (`ENV`, `ARG`, `WORKDIR` …) are others.
    Environment,
    /// Its build arguments are others.
    BuildArguments,
    /// The same instruction gave other files.
    Content,
    /// The same files; it was built again because a layer before it is another one.
    EarlierLayer,
    /// The same files under other times or in another order: built again, and nothing before it is another one.
    SameFiles,
    /// It stands before layers that the old image has.
    Inserted,
    /// It stands behind all that the old image has.
    Appended,
    /// A layer of the old image is gone.
    Removed,
    /// It is the same layer at another place.
    Moved,
    /// It is the same layer in another compressed blob.
    Recompressed,
    /// The same instruction made another tar; why cannot be told where what layers hold is not compared.
    Unknown,
}

/// One layer of either image, or of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiffLayer {
    /// What became of it.
    pub status: LayerStatus,
    /// Why; `None` where both images have it at the same place in the same blob, and where that cannot be told.
    pub cause: Option<Cause>,
    /// Its index in the old image.
    pub old_index: Option<usize>,
    /// Its index in the new image.
    pub new_index: Option<usize>,
    /// Digest of the blob as stored, where the medium has one: the new image's, of a removed layer the old one's.
    pub digest: Option<String>,
    /// Hash of the uncompressed tar, likewise.
    pub diff_id: String,
    /// The instruction as the builder wrote it, likewise.
    pub created_by: String,
    /// The same without what builders add.
    pub instruction: String,
    /// The old image's instruction, where it is another one.
    pub old_instruction: Option<String>,
    /// Bytes of the old blob, where there is one.
    pub old_wire_bytes: Option<u64>,
    /// Bytes of the new blob, where there is one.
    pub new_wire_bytes: Option<u64>,
    /// Stored bodies of its regular files in the old image; `None` where it is not there.
    pub old_disk_bytes: Option<u64>,
    /// Stored bodies of its regular files in the new image; `None` where it is not there.
    pub new_disk_bytes: Option<u64>,
    /// What a client that has the old image downloads for it, or an estimate where media store no blobs.
    pub transfer_bytes_estimate: u64,
    /// What its paths became; `None` for all but rebuilt layers.
    pub changes: Option<LayerChanges>,
}

/// How the contents of two layers differ. Times are not compared.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LayerChanges {
    /// How many paths there are of each change, directories included.
    #[serde(flatten)]
    pub counts: PathTally,
    /// Some of them, the largest first.
    pub examples: Vec<LayerPath>,
}

/// A path of a layer that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LayerPath {
    /// The path.
    pub path: String,
    /// What became of it in this layer.
    pub change: PathChange,
}

/// How many layers there are of each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LayerTally {
    /// In both images.
    pub reused: u64,
    /// Built again.
    pub rebuilt: u64,
    /// Only in the new image.
    pub added: u64,
    /// Only in the old image.
    pub removed: u64,
}

/// The first layer of the new image that is not the old image's at the same place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BrokeCache {
    /// Its index in the new image.
    pub layer: usize,
    /// Its instruction; where a layer is gone, that layer's.
    pub instruction: String,
    /// What the old image has instead: the instruction, or of a base image its name.
    pub old_instruction: Option<String>,
    /// Why it is not the old image's.
    pub cause: Cause,
    /// Instructions without a layer that are others, of [`Cause::Environment`]: before, and after.
    pub environment: Option<(Vec<String>, Vec<String>)>,
    /// What its paths became, of a layer that was rebuilt.
    pub changes: Option<LayerChanges>,
}

/// Layers that were built again and hold the same paths with the same contents as before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RebuiltUnchanged {
    /// Their indexes in the new image.
    pub layers: Vec<usize>,
    /// What a client that has the old image downloads for them, or an estimate.
    pub transfer_bytes_estimate: u64,
    /// What to do, where there is something.
    pub fix: Option<String>,
}

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

/// Whether a budget is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum BudgetState {
    /// It is.
    Ok,
    /// It is not.
    Over,
    /// It is not, and that is allowed.
    Allowed,
}

/// One budget that was checked, in words for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BudgetRow {
    /// What it is called.
    pub name: String,
    /// Whether it is kept.
    pub state: BudgetState,
    /// What was found, as people read it: `322 MB`.
    pub value: String,
    /// What is allowed, as people read it.
    pub limit: String,
    /// One sentence; empty where nothing is to be said.
    pub message: String,
}

impl Change {
    /// From `old` to `new`.
    pub fn new(old: u64, new: u64) -> Self {
        Self {
            old,
            new,
            delta: delta(old, new),
        }
    }
}

/// `new - old`; the nearest number where that is none of 64 bits.
pub(in crate::report) fn delta(old: u64, new: u64) -> i64 {
    let distance = i64::try_from(old.abs_diff(new)).unwrap_or(i64::MAX);
    if new >= old { distance } else { -distance }
}

impl PathTally {
    /// All of them.
    pub fn sum(&self) -> u64 {
        self.added + self.removed + self.modified + self.metadata
    }

    pub(super) fn count(&mut self, change: PathChange) {
        let count = match change {
            PathChange::Added => &mut self.added,
            PathChange::Removed => &mut self.removed,
            PathChange::Modified => &mut self.modified,
            PathChange::Metadata => &mut self.metadata,
        };
        *count += 1;
    }
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

impl LayerStatus {
    /// The word in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reused => "reused",
            Self::Rebuilt => "rebuilt",
            Self::Added => "added",
            Self::Removed => "removed",
        }
    }
}
