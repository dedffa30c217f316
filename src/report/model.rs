//! The report on one image: the keys of its JSON, which others build on.
//!
//! Plain values and nothing else, so that the contract can be read in one place; [`Report::new`] fills them.
//! All sizes are bytes. *Disk* bytes are stored bodies of regular files, *wire* bytes are compressed blobs as
//! stored, *framing* is all of a tar that is not disk bytes. **Files** are inodes that are no directories: a
//! file and its hard links count once, symlinks, devices and pipes count too; each occurrence in a layer
//! counts, also a shadowed one. So files and disk bytes of layers, of categories and of each level of a
//! breakdown sum up to the totals.

use serde::{Deserialize, Serialize};

use super::breakdown::Dimension;
use super::tree::Tree;

/// The version of the documents' keys: a key is never lost within one version.
pub const SCHEMA_VERSION: u32 = 1;

/// What an image is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Which image.
    pub image: ImageRow,
    /// Sums.
    pub totals: Totals,
    /// dive's numbers, computed as dive does.
    pub dive: DiveRow,
    /// The layers, base first.
    pub layers: Vec<LayerRow>,
    /// Categories that have files, the largest first, then by name.
    pub categories: Vec<CategoryRow>,
    /// Packages that are installed or own files, the largest first, then by name.
    pub owners: Vec<OwnerRow>,
    /// The largest files, visible or shadowed.
    pub largest: Vec<Largest>,
    /// What stripping would take off.
    pub unstripped: Unstripped,
    /// Bytes by the dimensions asked for; missing where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breakdown: Option<Vec<Group>>,
    /// How a build avoids bytes.
    pub advice: Vec<Advice>,
    /// Lines that a `.dockerignore` should hold; missing where they were not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dockerignore: Option<Vec<String>>,
    /// What should not be in an image.
    pub findings: Vec<Finding>,
    /// Oddities that slim read in one way of several.
    pub warnings: Vec<WarningRow>,
    /// Every path; missing where it was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree: Option<Tree>,
}

/// Which image a document speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ImageRow {
    /// The reference with its transport.
    pub reference: String,
    /// The transport's word.
    pub transport: String,
    /// Digest of the manifest as stored, where the medium has one.
    pub digest: Option<String>,
    /// `os/architecture[/variant]`, as the config says.
    pub platform: String,
    /// Media type of the manifest, where the medium has one.
    pub media_type: Option<String>,
    /// Digest of the config as stored.
    pub config_digest: String,
    /// When the image says it was made (RFC 3339), where it says so.
    pub created: Option<String>,
}

/// Sums over an image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Totals {
    /// Layers.
    pub layers: u64,
    /// Inodes that are no directories.
    pub files: u64,
    /// Bytes of the compressed blobs, a digest that occurs twice once; `None` where the medium stores none.
    pub wire_bytes: Option<u64>,
    /// `wire_bytes` where they are known, else an estimate from the kinds of the files.
    pub wire_bytes_estimate: u64,
    /// Stored bodies of regular files of all layers.
    pub disk_bytes: u64,
    /// The rest of the uncompressed tars.
    pub framing_bytes: u64,
    /// `disk_bytes + framing_bytes`.
    pub uncompressed_bytes: u64,
    /// Disk bytes of inodes that the merged image shows.
    pub visible_bytes: u64,
    /// Disk bytes of inodes that no name of the merged image shows.
    pub shadowed_bytes: u64,
    /// What a squash that removes nothing makes the uncompressed tars smaller; 0 where it makes them larger.
    pub reclaimable_bytes: u64,
    /// Disk bytes that go in a plan of all safe categories, so without what it refuses.
    pub removable_bytes: u64,
}

/// dive's numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DiveRow {
    /// "Image efficiency score", 0 to 1.
    pub efficiency: f64,
    /// "Potential wasted space".
    pub wasted_bytes: u64,
    /// Wasted bytes over the bytes of all layers but the first; `None` where those are 0.
    pub user_wasted_ratio: Option<f64>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LayerRow {
    /// From 0, base first.
    pub index: usize,
    /// Digest of the blob as stored, where the medium has one.
    pub digest: Option<String>,
    /// Hash of the uncompressed tar.
    pub diff_id: String,
    /// Media type of the blob, where the medium has one.
    pub media_type: Option<String>,
    /// The instruction as the builder wrote it into the history; empty where it wrote none.
    pub created_by: String,
    /// Bytes of the blob, where the medium stores it.
    pub wire_bytes: Option<u64>,
    /// Stored bodies of its regular files.
    pub disk_bytes: u64,
    /// The rest of its uncompressed tar.
    pub framing_bytes: u64,
    /// Disk bytes of its inodes that the merged image does not show.
    pub shadowed_bytes: u64,
    /// Its inodes that are no directories.
    pub files: u64,
}

/// One category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CategoryRow {
    /// Its name, which selections take.
    pub name: String,
    /// A few words for people.
    pub title: String,
    /// `safe`, `review` or `risky`; `None` for what is not removed by category.
    pub safety: Option<String>,
    /// Whether a selection may name it.
    pub removable: bool,
    /// Inodes that are no directories.
    pub files: u64,
    /// Disk bytes of all layers.
    pub disk_bytes: u64,
    /// Those that the merged image shows.
    pub visible_bytes: u64,
    /// Its share of the compressed blobs, by the ratio of each layer: always an estimate.
    pub wire_bytes_estimate: u64,
}

/// A package that installed files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OwnerRow {
    /// The package manager.
    pub kind: String,
    /// The package.
    pub name: String,
    /// Its version; empty where it has none.
    pub version: String,
    /// Its architecture, where the package manager has such a thing.
    pub arch: Option<String>,
    /// Whether a package database of the merged image has it; not, where later layers removed or replaced it.
    pub installed: bool,
    /// Inodes that are no directories.
    pub files: u64,
    /// Disk bytes of all layers.
    pub disk_bytes: u64,
    /// Those of them that the merged image shows.
    pub visible_bytes: u64,
}

/// One large file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Largest {
    /// The name by which its category was chosen.
    pub path: String,
    /// Index of the layer that holds its bytes.
    pub layer: usize,
    /// Its category.
    pub category: String,
    /// The package that installed it, as `kind:name`.
    pub owner: Option<String>,
    /// Stored bytes.
    pub bytes: u64,
    /// Whether no name of the merged image shows it.
    pub shadowed: bool,
}

/// Programs and libraries of the merged image that have symbols or debug information.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Unstripped {
    /// Those that `--strip` would change.
    pub files: u64,
    /// Bytes that would go, as their headers say: exact but where a linker put the names of sections far from the headers.
    pub saved_bytes_estimate: u64,
}

/// A group of a breakdown; the children's numbers sum up to its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Group {
    /// `layer`, `category`, `owner` or `directory`.
    pub dimension: Dimension,
    /// The layer's index, the category's name, `kind:name` of a package or `none`, or the directory.
    pub key: String,
    /// Inodes that are no directories.
    pub files: u64,
    /// Disk bytes.
    pub disk_bytes: u64,
    /// Those that the merged image shows.
    pub visible_bytes: u64,
    /// Groups of the next dimension, the largest first, then by key.
    pub children: Vec<Group>,
}

/// How a build avoids bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Advice {
    /// Index of the layer that brought them.
    pub layer: usize,
    /// Its instruction.
    pub instruction: String,
    /// Their category.
    pub category: String,
    /// Disk bytes.
    pub bytes: u64,
    /// What to do.
    pub fix: String,
}

/// Something that should not be in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// What it looks like.
    pub kind: String,
    /// Where.
    pub path: String,
    /// Index of the layer that holds it.
    pub layer: usize,
    /// Whether the merged image hides it: it can be read all the same.
    pub shadowed: bool,
    /// Index of the layer that hides it.
    pub hidden_by: Option<usize>,
}

/// An oddity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct WarningRow {
    /// A stable name in kebab-case.
    pub code: String,
    /// The path it speaks of; empty where it speaks of none.
    pub path: String,
    /// One sentence.
    pub message: String,
}

impl From<&crate::layer::Warning> for WarningRow {
    fn from(warning: &crate::layer::Warning) -> Self {
        let path = if warning.path.is_empty() {
            String::new()
        } else {
            super::json_path(&warning.path)
        };
        Self {
            code: warning.code.clone().into_owned(),
            path,
            message: warning.message.clone(),
        }
    }
}
