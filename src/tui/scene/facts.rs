//! What lists show of layers, categories and packages, and the sums that are there before anything is asked.
//!
//! A module of its own because the same is known of an image, of a saved report and of two images, from different sources.

use crate::profile::{Category, Safety};
use crate::report::{Cause, LayerStatus};

/// One layer as the list shows it. Bytes of blobs as stored where the medium stores them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayerFacts {
    /// The instruction as its author wrote it.
    pub instruction: String,
    /// Digest of the blob, else the diff id.
    pub digest: String,
    /// Bytes of the blob as stored; `None` where the medium has none.
    pub wire: Option<u64>,
    /// Stored bodies of its regular files.
    pub disk: u64,
    /// Those that the merged image does not show.
    pub shadowed: u64,
    /// The rest of its tar.
    pub framing: u64,
    /// Whether it is read yet.
    pub is_read: bool,
    /// What its visible files count among the bytes of the blob, and all of them.
    pub(super) weight: u64,
    /// Of a comparison: what became of it. The other numbers are then the new image's, of a removed layer the old one's.
    pub became: Option<Became>,
}

/// What became of a layer from one image to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Became {
    /// What.
    pub status: LayerStatus,
    /// Why, where that can be told.
    pub cause: Option<Cause>,
    /// Its index in the old image, and its disk bytes there.
    pub old: Option<(usize, u64)>,
    /// Its index in the new image, and its disk bytes there.
    pub new: Option<(usize, u64)>,
    /// What a client that has the old image downloads for it; an estimate where media store no blobs.
    pub transfer: u64,
}

impl LayerFacts {
    /// Bytes of the blob as stored; where no blob tells, the weight is thousandths of bytes that gzip would make.
    pub(super) fn compressed(&self) -> u64 {
        self.wire.unwrap_or(self.weight / 1000)
    }
}

/// One category as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CategoryFacts {
    /// Kebab-case and unique.
    pub name: String,
    /// A few words for people.
    pub title: String,
    /// None where it is not removed by category.
    pub safety: Option<Safety>,
    /// Why the bytes may go, or why they stay.
    pub reason: String,
    /// What may go wrong without it; empty where nothing does.
    pub breaks: String,
    /// How a build avoids the bytes; empty where there is nothing to avoid.
    pub advice: String,
}

impl From<&Category> for CategoryFacts {
    fn from(category: &Category) -> Self {
        Self {
            name: category.name.clone(),
            title: category.title.clone(),
            safety: category.safety,
            reason: category.reason.clone(),
            breaks: category.breaks.clone(),
            advice: category.advice.clone(),
        }
    }
}

/// One package as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnerFacts {
    /// `kind:name`.
    pub name: String,
    /// Its version; of a comparison where it has another one, both.
    pub version: String,
    /// Whether a package database of the merged image has it.
    pub is_installed: bool,
}

/// Disk bytes that the merged image shows, and what they weigh compressed: an estimate. Empty for a comparison.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Per node, with all below.
    pub(super) nodes: Vec<(u64, u64)>,
    /// Per category.
    pub(super) categories: Vec<(u64, u64)>,
    /// Per package.
    pub(super) packages: Vec<(u64, u64)>,
}
