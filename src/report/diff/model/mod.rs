//! The comparison of two images: the keys of its JSON, which others build on.
//!
//! Plain values and nothing else, as the report's model; [`Diff::new`] fills them. All sizes are bytes, and the
//! words *disk*, *wire* and *visible* mean what they mean in a report. Whatever has an old and a new side has
//! `old_…` and `new_…`, or is a [`Change`]. Layers and contents have a file each; here is the document, its sums and budgets.

mod contents;
mod layers;

use serde::Serialize;

pub use contents::{DiffCategory, DiffDirectory, DiffOwner, DiffPath, OwnerChange, PathChange, PathTally};
pub use layers::{
    BrokeCache, Cause, DiffLayer, LayerChanges, LayerPath, LayerStatus, LayerTally, RebuiltUnchanged,
};

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
