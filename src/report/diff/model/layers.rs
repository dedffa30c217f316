//! Layers: what became of each, why it is not the old one, and which of them broke the build's cache.

use serde::Serialize;

use super::contents::{PathChange, PathTally};

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
