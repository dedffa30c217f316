//! Descriptors: what points at a blob (image-spec `descriptor.md`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Digest, MediaType, Platform};

/// A typed, sized, hashed pointer to a blob. Unknown keys are kept in [`Descriptor::extra`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// What the blob is. Docker's own index entries always have it; hostile ones may not.
    #[serde(rename = "mediaType", default = "no_media_type")]
    pub media_type: MediaType,
    /// Hash of the blob as stored.
    pub digest: Digest,
    /// Bytes of the blob as stored.
    pub size: u64,
    /// The platform of the manifest that this points at, in an index.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub platform: Option<Platform>,
    /// Annotations, in key order.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub annotations: Option<BTreeMap<String, String>>,
    /// Every other key, as it was (`urls`, `data`, `artifactType` …).
    #[serde(flatten)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

fn no_media_type() -> MediaType {
    MediaType(String::new())
}

impl Descriptor {
    /// A descriptor with nothing but the three required keys.
    pub fn new(media_type: impl Into<MediaType>, digest: Digest, size: u64) -> Self {
        let extra = serde_json::Map::new();
        Self {
            media_type: media_type.into(),
            digest,
            size,
            platform: None,
            annotations: None,
            extra,
        }
    }

    /// The annotation of the given name.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(name).map(String::as_str)
    }
}
