//! What came of a comparison or of a write, as documents.
//!
//! A module of its own because verifying and writing are done elsewhere, on floors that this one may not know:
//! the documents are made of plain values, which `cli` fills in.

use serde::Serialize;

use super::json_path;
use super::model::{SCHEMA_VERSION, WarningRow};
use crate::image::Image;
use crate::layer::Warning;

/// What `slim verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct VerifyDocument {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The image before.
    pub original: ImageRef,
    /// The image after.
    pub slimmed: ImageRef,
    /// The plan that was given: its file's name; `None` where a selection was, or nothing.
    pub plan: Option<String>,
    /// Paths that are the same.
    pub identical: Count,
    /// Paths that are gone, as planned.
    pub removed: Count,
    /// Paths that changed, as planned.
    pub changed: Count,
    /// Every other difference, by path.
    pub unexpected: Vec<Unexpected>,
    /// Whether there is none.
    pub ok: bool,
}

/// What a write made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WriteDocument {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The image that was read.
    pub source: ImageRef,
    /// The image that was written.
    pub result: ImageRef,
    /// What became of the layers.
    pub layers: LayerCounts,
    /// Compressed bytes of the layers.
    pub wire_bytes: WireBeforeAfter,
    /// Stored bodies of regular files of all layers.
    pub disk_bytes: BeforeAfter,
    /// What went.
    pub removed: Count,
    /// What changed in place.
    pub changed: Count,
    /// Digests of attestations and the like whose subject is another image now.
    pub dropped_manifests: Vec<String>,
    /// What to know.
    pub warnings: Vec<WarningRow>,
}

/// How documents name an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ImageRef {
    /// The reference with its transport.
    pub reference: String,
    /// Digest of the manifest as stored, where the medium has one.
    pub digest: Option<String>,
    /// The transport's word.
    pub transport: String,
    /// The platform, as `os/architecture[/variant]`.
    pub platform: String,
    /// Digest of the index that the image is one platform of, where a whole index was worked on.
    pub index: Option<String>,
}

/// Paths and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Count {
    /// Paths.
    pub files: u64,
    /// Content bytes of regular files, each inode once.
    pub bytes: u64,
}

/// A difference that no plan lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Unexpected {
    /// The path.
    pub path: String,
    /// What differs.
    pub what: String,
}

/// What a comparison counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VerifyCounts {
    /// Paths that are the same.
    pub identical: Count,
    /// Paths that are gone, as planned.
    pub removed: Count,
    /// Paths that changed, as planned.
    pub changed: Count,
}

/// What became of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LayerCounts {
    /// Layers of the source.
    pub before: u64,
    /// Layers of the result.
    pub after: u64,
    /// Layers whose blob is the source's.
    pub reused: u64,
    /// Layers that were made.
    pub rewritten: u64,
    /// Layers of the source that have no counterpart.
    pub dropped: u64,
}

/// Bytes before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BeforeAfter {
    /// Of the source.
    pub before: u64,
    /// Of the result.
    pub after: u64,
}

/// Compressed bytes before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WireBeforeAfter {
    /// Of the source; `None` where its medium stores no compressed blobs.
    pub before: Option<u64>,
    /// Of the result; `None` where its medium stores no compressed blobs.
    pub after: Option<u64>,
}

/// What a write counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// What became of the layers.
    pub layers: LayerCounts,
    /// Compressed bytes of the layers.
    pub wire_bytes: WireBeforeAfter,
    /// Stored bodies of regular files of all layers.
    pub disk_bytes: BeforeAfter,
    /// What went.
    pub removed: Count,
    /// What changed in place.
    pub changed: Count,
    /// Digests of attestations and the like whose subject is another image now.
    pub dropped_manifests: Vec<String>,
}

impl VerifyDocument {
    /// The document of a comparison; `unexpected` are paths as bytes, each with what differs.
    pub fn new(
        original: ImageRef,
        slimmed: ImageRef,
        plan: Option<String>,
        counts: VerifyCounts,
        unexpected: impl IntoIterator<Item = (Vec<u8>, String)>,
    ) -> Self {
        let row = |(path, what): (Vec<u8>, String)| Unexpected {
            path: json_path(&path),
            what,
        };
        let unexpected: Vec<Unexpected> = unexpected.into_iter().map(row).collect();
        Self {
            schema_version: SCHEMA_VERSION,
            original,
            slimmed,
            plan,
            identical: counts.identical,
            removed: counts.removed,
            changed: counts.changed,
            ok: unexpected.is_empty(),
            unexpected,
        }
    }
}

impl WriteDocument {
    /// The document of a write.
    pub fn new<'a>(
        source: ImageRef,
        result: ImageRef,
        written: Written,
        warnings: impl IntoIterator<Item = &'a Warning>,
    ) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            source,
            result,
            layers: written.layers,
            wire_bytes: written.wire_bytes,
            disk_bytes: written.disk_bytes,
            removed: written.removed,
            changed: written.changed,
            dropped_manifests: written.dropped_manifests,
            warnings: warnings.into_iter().map(WarningRow::from).collect(),
        }
    }
}

impl From<&Image> for ImageRef {
    fn from(image: &Image) -> Self {
        Self {
            reference: image.name.reference.clone(),
            digest: image.digest().map(ToString::to_string),
            transport: image.name.transport.to_owned(),
            platform: image.platform().to_string(),
            index: None,
        }
    }
}
