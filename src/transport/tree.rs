//! A whole index: every image, nested index and other manifest that it leads to.
//!
//! A module of its own because registries and OCI layouts must build the same tree and differ only in how a
//! document is found ([`Documents`]). What is read is bounded, for a medium may be hostile (rule 32).

use std::sync::Arc;

use super::TransportError;
use super::choose::Candidate;
use super::oci_resolve::is_image_config;
use crate::image::{Image, ImageIndex, ImageName, Index, Listed, Manifest, Member, OpenBlob, Other};
use crate::oci::{Descriptor, MediaType};

/// Indexes inside indexes at most; real images have one inside `index.json`.
const MAX_DEPTH: usize = 16;
/// Rows of one index, nested ones included, at most.
const MAX_ROWS: usize = 1000;
/// Bytes of all documents of one index together, at most.
const MAX_BYTES: u64 = 256 << 20;

/// What a source names, whole.
#[derive(Debug)]
pub enum Root {
    /// One image.
    Image(Box<Image>),
    /// An index of images.
    Index(Box<ImageIndex>),
}

impl Root {
    /// What it is called.
    pub fn name(&self) -> &ImageName {
        match self {
            Self::Image(image) => &image.name,
            Self::Index(index) => &index.name,
        }
    }

    /// The rows beside the images.
    pub(super) fn beside(&self) -> Vec<Descriptor> {
        match self {
            Self::Image(_) => Vec::new(),
            Self::Index(index) => beside(index),
        }
    }
}

/// Where a medium's documents are.
pub(super) trait Documents {
    /// What the medium calls the image.
    fn name(&self) -> &ImageName;

    /// The document that `entry` points at, verified.
    fn fetch(&self, entry: &Descriptor) -> Result<Vec<u8>, TransportError>;

    /// The image of a manifest.
    fn image(&self, manifest: Manifest) -> Result<Image, TransportError>;

    /// What opens blobs.
    fn blobs(&self) -> Arc<dyn OpenBlob>;
}

/// Reads everything that `index` lists.
pub(super) fn tree(documents: &dyn Documents, index: Index) -> Result<ImageIndex, TransportError> {
    let mut walk = Walk {
        documents,
        rows: 0,
        bytes: 0,
    };
    walk.index(index, 1)
}

/// The rows of what is no image, nested ones too: what may speak of an image beside it.
pub(super) fn beside(index: &ImageIndex) -> Vec<Descriptor> {
    let mut out = Vec::new();
    for entry in &index.entries {
        match &entry.member {
            Member::Other(_) => out.push(entry.descriptor.clone()),
            Member::Index(nested) => out.extend(beside(nested)),
            Member::Image(_) => {}
        }
    }
    out
}

struct Walk<'a> {
    documents: &'a dyn Documents,
    rows: usize,
    bytes: u64,
}

impl Walk<'_> {
    fn index(&mut self, document: Index, depth: usize) -> Result<ImageIndex, TransportError> {
        if depth > MAX_DEPTH {
            return Err(self.limit(format!("indexes are nested more than {MAX_DEPTH} deep")));
        }
        self.rows += document.manifests().len();
        if self.rows > MAX_ROWS {
            return Err(self.limit(format!("the index lists more than {MAX_ROWS} manifests")));
        }
        let mut entries = Vec::new();
        for descriptor in document.manifests() {
            let member = self
                .member(descriptor, depth)
                .map_err(|source| within(descriptor, source))?;
            entries.push(Listed {
                descriptor: descriptor.clone(),
                member,
            });
        }
        Ok(ImageIndex {
            name: self.documents.name().clone(),
            document,
            entries,
        })
    }

    fn member(&mut self, entry: &Descriptor, depth: usize) -> Result<Member, TransportError> {
        let raw = self.documents.fetch(entry)?;
        self.bytes += raw.len() as u64;
        if self.bytes > MAX_BYTES {
            let limit = format!("the index's documents have more than {} MiB", MAX_BYTES >> 20);
            return Err(self.limit(limit));
        }
        if let Some(index) = as_index(entry, &raw)? {
            return Ok(Member::Index(Box::new(self.index(index, depth + 1)?)));
        }
        let other = |raw| Ok(Member::Other(Other::new(raw, self.documents.blobs())));
        let is_manifest = entry.media_type.is_manifest() || entry.media_type.as_str().is_empty();
        if !is_manifest || !Candidate::new(entry.clone()).is_image() {
            return other(raw);
        }
        let manifest = Manifest::parse(raw, Some(&entry.media_type))?;
        if is_artifact(entry, &manifest) {
            return other(manifest.raw().to_owned());
        }
        Ok(Member::Image(Box::new(self.documents.image(manifest)?)))
    }

    fn limit(&self, limit: String) -> TransportError {
        TransportError::Limit {
            what: self.documents.name().reference.clone(),
            limit,
        }
    }
}

/// The index that a row points at, where it is one. Without a media type the document decides.
fn as_index(entry: &Descriptor, raw: &[u8]) -> Result<Option<Index>, TransportError> {
    let untyped = entry.media_type.as_str().is_empty();
    if !entry.media_type.is_index() && !untyped {
        return Ok(None);
    }
    match Index::parse(raw, &format!("index {}", entry.digest)) {
        Ok(index) => Ok(Some(index.or_claimed(Some(&entry.media_type)))),
        Err(_) if untyped => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether a manifest is no image: by its config, or, where its row names no platform, by its type, by what it speaks
/// of and what its layers are.
fn is_artifact(entry: &Descriptor, manifest: &Manifest) -> bool {
    let is_layer = |layer: &Descriptor| layer.media_type.layer_compression().is_some();
    let has = |key: &str| manifest.value().get(key).is_some_and(|value| !value.is_null());
    let is_other = || has("artifactType") || has("subject") || !manifest.layers().iter().all(is_layer);
    !is_image_config(&manifest.config().media_type) || (entry.platform.is_none() && is_other())
}

/// Which image of the index cannot be read; a limit is the index's own.
fn within(entry: &Descriptor, source: TransportError) -> TransportError {
    if matches!(
        source,
        TransportError::Limit { .. } | TransportError::InIndex { .. }
    ) {
        return source;
    }
    let member = match &entry.platform {
        Some(platform) if !platform.is_unknown() => platform.to_string(),
        _ => format!("{} {}", kind(&entry.media_type), entry.digest),
    };
    TransportError::InIndex {
        member,
        source: Box::new(source),
    }
}

fn kind(media_type: &MediaType) -> &'static str {
    if media_type.is_index() {
        "index"
    } else {
        "manifest"
    }
}
