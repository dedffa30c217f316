//! An image as every medium shows it: a manifest, a config, and blobs that are opened when needed.
//!
//! Immutable: a change makes a new [`Image`], and a sink copies any image without knowing why it exists.
//! A medium gives only documents and a way to [open a blob](OpenBlob); digests, diff ids and
//! decompression are derived once, on the floor above. Spec: image-spec `manifest.md`, `config.md`.

mod artifact;
mod config;
mod index;
mod manifest;
mod rebuild;
#[cfg(test)]
pub(crate) mod testing;

use std::fmt;
use std::io::Read;
use std::sync::Arc;

pub use artifact::Artifact;
pub use config::{Config, History};
pub use index::{ImageIndex, Index, Listed, Member, Other};
pub use manifest::Manifest;
pub use rebuild::{Dropped, Note, Rebuilt};

use crate::oci::{Descriptor, DiffId, Digest, Family, Platform};

/// Why what a medium gave is no image that we can read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Occurs when a document is no JSON, or JSON of another shape.
    #[error("{what} is not valid: {reason}")]
    BadDocument {
        /// Which document: `manifest sha256:…`, `config sha256:…`, `index.json`.
        what: String,
        /// What the parser says.
        reason: String,
    },
    /// Occurs when manifest, config and history disagree on the number of layers (rule 18).
    #[error("{what}: {reason}")]
    Inconsistent {
        /// Which document.
        what: String,
        /// Which numbers disagree.
        reason: String,
    },
    /// Occurs when the image is of a kind that slim does not read (rule 22), named.
    #[error("{what} is {kind}, which slim does not read{hint}")]
    Unsupported {
        /// Which blob or document.
        what: String,
        /// What it is.
        kind: String,
        /// The way out, beginning with `; `, or nothing.
        hint: String,
    },
    /// Occurs when a blob cannot be opened or read.
    #[error("failed to read {what}: {source}")]
    Read {
        /// The blob or file.
        what: String,
        /// The cause.
        source: std::io::Error,
    },
}

/// Where a layer's bytes are found in its medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobRef {
    /// A blob addressed by digest, with its size and media type.
    Stored(Box<Descriptor>),
    /// A member of a docker archive: a name, with neither digest nor size of its own.
    Member(String),
}

impl BlobRef {
    /// What people call it: the short digest, or the member's name with long hashes cut.
    pub fn label(&self) -> String {
        match self {
            Self::Stored(descriptor) => {
                format!(
                    "{}:{}",
                    descriptor.digest.algorithm().as_str(),
                    descriptor.digest.short()
                )
            }
            Self::Member(name) => short_hashes(name),
        }
    }
}

/// Cuts every run of 64 and more hex digits to its first twelve.
fn short_hashes(name: &str) -> String {
    let mut out = String::new();
    let mut rest = name;
    while !rest.is_empty() {
        let run = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        out.push_str(if run >= 64 { &rest[..12] } else { &rest[..run] });
        rest = &rest[run..];
        if let Some(other) = rest.chars().next() {
            out.push(other);
            rest = &rest[other.len_utf8()..];
        }
    }
    out
}

/// A medium's way to open a blob: the bytes as stored, unverified. May be called from several threads.
pub trait OpenBlob: Send + Sync {
    /// Opens `blob` at its first byte.
    fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError>;

    /// Whether `blob` streamed past while its image was found, and cannot be opened any more.
    fn is_gone(&self, _: &BlobRef) -> bool {
        false
    }

    /// Bytes of `blob` as stored, where that is known without reading it.
    fn size(&self, blob: &BlobRef) -> Option<u64> {
        match blob {
            BlobRef::Stored(descriptor) => Some(descriptor.size),
            BlobRef::Member(_) => None,
        }
    }
}

/// One layer of an image, base first.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Where its bytes are.
    pub blob: BlobRef,
    /// Hash of its uncompressed tar, as the config claims it.
    pub diff_id: DiffId,
    /// Its index among the config's history rows, where the image has a history.
    pub history: Option<usize>,
}

impl Layer {
    /// The descriptor, where the medium stores one.
    pub fn descriptor(&self) -> Option<&Descriptor> {
        match &self.blob {
            BlobRef::Stored(descriptor) => Some(descriptor),
            BlobRef::Member(_) => None,
        }
    }
}

/// How people and reports name an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    /// The transport's word, as in containers-transports(5): `docker`, `oci`, `docker-archive` …
    pub transport: &'static str,
    /// The reference in that transport's syntax, with the transport: `oci:dir:tag`, `docker://ghcr.io/o/app:1`.
    pub reference: String,
}

/// An image of one platform: documents in memory, blobs opened on demand.
#[derive(Clone)]
pub struct Image {
    /// What it is called.
    pub name: ImageName,
    /// The manifest; `None` where the medium has none (docker archives).
    pub manifest: Option<Manifest>,
    /// The config.
    pub config: Config,
    /// The layers, base first; as many as the config has diff ids.
    pub layers: Vec<Layer>,
    /// What is written with it, attached to its manifest. What a medium attaches to an image is not read here.
    pub artifacts: Vec<Artifact>,
    blobs: Arc<dyn OpenBlob>,
}

/// Annotation or label: the base image's reference.
pub const BASE_NAME: &str = "org.opencontainers.image.base.name";
/// Annotation or label: digest of the base image's manifest.
pub const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

impl Image {
    /// An image from a manifest and its config. Refuses what rule 18 and rule 22 refuse.
    pub fn from_manifest(
        name: ImageName,
        manifest: Manifest,
        config: Config,
        blobs: Arc<dyn OpenBlob>,
    ) -> Result<Self, ImageError> {
        manifest.check_layer_types()?;
        let refs = manifest
            .layers()
            .iter()
            .cloned()
            .map(|descriptor| BlobRef::Stored(Box::new(descriptor)))
            .collect();
        let layers = pair_layers(refs, &config)?;
        Ok(Self {
            name,
            manifest: Some(manifest),
            config,
            layers,
            artifacts: Vec::new(),
            blobs,
        })
    }

    /// An image of a docker archive: the member names of its layers, base first, and its config.
    pub fn from_archive(
        name: ImageName,
        members: Vec<String>,
        config: Config,
        blobs: Arc<dyn OpenBlob>,
    ) -> Result<Self, ImageError> {
        let layers = pair_layers(members.into_iter().map(BlobRef::Member).collect(), &config)?;
        Ok(Self {
            name,
            manifest: None,
            config,
            layers,
            artifacts: Vec::new(),
            blobs,
        })
    }

    /// Opens a layer's blob as stored, unverified.
    pub fn open(&self, layer: &Layer) -> Result<Box<dyn Read + Send>, ImageError> {
        self.blobs.open(&layer.blob)
    }

    /// What opens this image's blobs.
    pub fn blobs(&self) -> &Arc<dyn OpenBlob> {
        &self.blobs
    }

    /// The same image, its blobs opened through `blobs`.
    #[must_use]
    pub fn with_blobs(self, blobs: Arc<dyn OpenBlob>) -> Self {
        Self { blobs, ..self }
    }

    /// What it says of itself under a name: in an annotation of its manifest, else in a label of its config. Nothing
    /// where that is empty.
    pub fn said(&self, name: &str) -> Option<&str> {
        let annotation = self.manifest.as_ref().and_then(|one| one.annotation(name));
        let label = || self.config.value().pointer("/config/Labels")?.get(name)?.as_str();
        let is_there = |text: &&str| !text.is_empty();
        annotation.filter(is_there).or_else(|| label().filter(is_there))
    }

    /// Digest of the manifest as stored, where there is one.
    pub fn digest(&self) -> Option<&Digest> {
        self.manifest.as_ref().map(Manifest::digest)
    }

    /// The family of the manifest, where there is one.
    pub fn family(&self) -> Option<Family> {
        self.manifest.as_ref().map(Manifest::family)
    }

    /// The platform that the config names.
    pub fn platform(&self) -> Platform {
        self.config.platform()
    }

    /// The instruction that made layer `index`, from the history; empty where there is none.
    pub fn created_by(&self, index: usize) -> String {
        let row = self.layers.get(index).and_then(|layer| layer.history);
        row.and_then(|row| self.config.history().into_iter().nth(row))
            .map(|row| row.created_by)
            .unwrap_or_default()
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image")
            .field("name", &self.name)
            .field("layers", &self.layers)
            .finish_non_exhaustive()
    }
}

/// Gives each blob its diff id and its history row (rule 18). A history that is too short is legal on read.
fn pair_layers(blobs: Vec<BlobRef>, config: &Config) -> Result<Vec<Layer>, ImageError> {
    let diff_ids = config.diff_ids()?;
    if diff_ids.len() != blobs.len() {
        return Err(ImageError::Inconsistent {
            what: config.label(),
            reason: format!("{} diff_ids for {} layers", diff_ids.len(), blobs.len()),
        });
    }
    let rows: Vec<usize> = config
        .history()
        .iter()
        .enumerate()
        .filter(|(_, row)| !row.empty_layer)
        .map(|(at, _)| at)
        .collect();
    let with_rows = blobs.into_iter().zip(diff_ids).enumerate();
    Ok(with_rows
        .map(|(at, (blob, diff_id))| Layer {
            blob,
            diff_id,
            history: rows.get(at).copied(),
        })
        .collect())
}
