//! Indexes and Docker manifest lists: the document as it was read, and the tree of what it lists.
//!
//! A module of its own because an index is more than its images: attestations, artifacts and nested indexes
//! stand beside them and must not be lost. Immutable like an image: a changed image makes a new index
//! (`rebuild`). Spec: image-spec `image-index.md`.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use super::manifest::{object, own_media_type};
use super::{Image, ImageError, ImageName, OpenBlob};
use crate::oci::{Descriptor, Digest, Family, MediaType, Platform};

/// The annotation of an index entry that names the manifest it speaks of, as `BuildKit` writes it.
const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";

/// An index (or Docker manifest list) beside its bytes.
#[derive(Debug, Clone)]
pub struct Index {
    raw: Vec<u8>,
    value: Value,
    digest: Digest,
    media_type: MediaType,
    manifests: Vec<Descriptor>,
}

impl Index {
    /// Parses `raw`; `what` names it in errors (`index.json`, `index sha256:…`).
    pub fn parse(raw: &[u8], what: &str) -> Result<Self, ImageError> {
        let value = object(raw, what)?;
        let bad = |reason: String| ImageError::BadDocument {
            what: what.to_owned(),
            reason,
        };
        let manifests = match value.get("manifests") {
            Some(list) => serde_json::from_value(list.clone()).map_err(|e| bad(format!("manifests: {e}")))?,
            None => return Err(bad("manifests is missing".to_owned())),
        };
        let own = own_media_type(&value).filter(MediaType::is_index);
        Ok(Self {
            raw: raw.to_owned(),
            digest: Digest::of(raw),
            media_type: own.unwrap_or_else(|| MediaType::OCI_INDEX.into()),
            value,
            manifests,
        })
    }

    /// The same index, of the media type that pointed here or came with it where the document names none.
    #[must_use]
    pub fn or_claimed(mut self, claimed: Option<&MediaType>) -> Self {
        let own = own_media_type(&self.value).filter(MediaType::is_index);
        if let (None, Some(claimed)) = (own, claimed.filter(|claimed| claimed.is_index())) {
            self.media_type = claimed.clone();
        }
        self
    }

    /// The bytes as stored.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The JSON value, every key in order.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Hash of the bytes as stored.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The media type.
    pub fn media_type(&self) -> &MediaType {
        &self.media_type
    }

    /// The family: Docker only where the media type says so.
    pub fn family(&self) -> Family {
        self.media_type.family().unwrap_or(Family::Oci)
    }

    /// What it lists, in order.
    pub fn manifests(&self) -> &[Descriptor] {
        &self.manifests
    }

    /// A descriptor of this index.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(
            self.media_type.clone(),
            self.digest.clone(),
            self.raw.len() as u64,
        )
    }
}

/// An index with everything that it lists: documents in memory, blobs opened on demand.
#[derive(Debug, Clone)]
pub struct ImageIndex {
    /// What it is called.
    pub name: ImageName,
    /// The document.
    pub document: Index,
    /// What the document lists, in order, each entry once for each row.
    pub entries: Vec<Listed>,
}

/// One row of an index.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The row: platform, annotations and every other key as they were.
    pub descriptor: Descriptor,
    /// What it points at.
    pub member: Member,
}

/// What a row of an index points at.
#[derive(Debug, Clone)]
pub enum Member {
    /// An image of one platform.
    Image(Box<Image>),
    /// An index inside the index.
    Index(Box<ImageIndex>),
    /// Anything else: an attestation, a signature, an artifact.
    Other(Other),
}

/// A manifest that is no image: its bytes, and the blobs that go with it.
#[derive(Clone)]
pub struct Other {
    raw: Vec<u8>,
    blobs: Vec<Descriptor>,
    subject: Option<Digest>,
    opener: Arc<dyn OpenBlob>,
}

impl Other {
    /// The document that `raw` is, whatever that may be; `opener` opens its blobs.
    pub fn new(raw: Vec<u8>, opener: Arc<dyn OpenBlob>) -> Self {
        let value: Value = serde_json::from_slice(&raw).unwrap_or_default();
        let lists = ["layers", "blobs"].map(|key| value.get(key).and_then(Value::as_array));
        let rows = value.get("config").into_iter();
        let rows = rows.chain(lists.into_iter().flatten().flatten());
        let mut seen = HashSet::new();
        let blobs = rows
            .filter_map(|row| serde_json::from_value::<Descriptor>(row.clone()).ok())
            .filter(|descriptor| seen.insert(descriptor.digest.clone()))
            .collect();
        let subject = value.pointer("/subject/digest").and_then(Value::as_str);
        let subject = subject.and_then(|text| text.parse().ok());
        Self {
            raw,
            blobs,
            subject,
            opener,
        }
    }

    /// The bytes as stored.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The blobs that it names, each once.
    pub fn blobs(&self) -> &[Descriptor] {
        &self.blobs
    }

    /// What opens them.
    pub fn opener(&self) -> &Arc<dyn OpenBlob> {
        &self.opener
    }

    /// The manifest that it speaks of, by its own word.
    pub fn subject(&self) -> Option<&Digest> {
        self.subject.as_ref()
    }
}

impl fmt::Debug for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Other")
            .field("blobs", &self.blobs)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

impl Listed {
    /// The manifest that this row speaks of: `BuildKit`'s annotation, else the manifest's own `subject`.
    pub fn subject(&self) -> Option<Digest> {
        let noted = self.descriptor.annotation(REFERENCE_DIGEST);
        let noted = noted.and_then(|text| text.parse().ok());
        noted.or_else(|| match &self.member {
            Member::Other(other) => other.subject().cloned(),
            Member::Image(_) | Member::Index(_) => None,
        })
    }

    /// The document that it points at, as stored; nothing for an image without a manifest, which no index lists.
    pub fn raw(&self) -> &[u8] {
        match &self.member {
            Member::Image(image) => image.manifest.as_ref().map_or(&[], |manifest| manifest.raw()),
            Member::Index(index) => index.document.raw(),
            Member::Other(other) => other.raw(),
        }
    }
}

impl ImageIndex {
    /// A new index of `images`, in their order, each with the platform of its config. Those without a manifest are left out.
    pub fn of(images: &[Image]) -> Result<Self, ImageError> {
        let rows = images.iter().filter_map(|image| {
            let mut row = image.manifest.as_ref()?.descriptor();
            row.platform = Some(image.platform());
            Some((row, image))
        });
        let (rows, images): (Vec<Descriptor>, Vec<&Image>) = rows.unzip();
        let raw = json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": rows});
        let document = Index::parse(raw.to_string().as_bytes(), "a new index")?;
        let name = ImageName {
            transport: "staged",
            reference: format!("staged:{}", document.digest()),
        };
        let entries = rows.into_iter().zip(images).map(|(descriptor, image)| Listed {
            descriptor,
            member: Member::Image(Box::new(image.clone())),
        });
        Ok(Self {
            name,
            document,
            entries: entries.collect(),
        })
    }

    /// Digest of the index as stored.
    pub fn digest(&self) -> &Digest {
        self.document.digest()
    }

    /// Every image, depth first in the order of the rows, with the platform of its row, or of its config
    /// where the row names none.
    pub fn images(&self) -> Vec<(Platform, &Image)> {
        let mut out = Vec::new();
        for entry in &self.entries {
            match &entry.member {
                Member::Image(image) => {
                    let platform = entry.descriptor.platform.clone();
                    out.push((platform.unwrap_or_else(|| image.platform()), &**image));
                }
                Member::Index(index) => out.extend(index.images()),
                Member::Other(_) => {}
            }
        }
        out
    }

    /// The same index, all blobs opened through what `wrap` makes of their openers.
    #[must_use]
    pub fn with_blobs(mut self, wrap: &dyn Fn(Arc<dyn OpenBlob>) -> Arc<dyn OpenBlob>) -> Self {
        for entry in &mut self.entries {
            match &mut entry.member {
                Member::Image(image) => {
                    let blobs = wrap(image.blobs().clone());
                    **image = (**image).clone().with_blobs(blobs);
                }
                Member::Index(index) => **index = (**index).clone().with_blobs(wrap),
                Member::Other(other) => other.opener = wrap(other.opener.clone()),
            }
        }
        self
    }
}
