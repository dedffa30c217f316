//! The second streaming pass: a new image out of an old one and a plan.
//!
//! Nothing is decided here: [`Layout`] says which layers there are and what happens to every entry, this floor
//! streams the layers once more and writes. The result lies in a [`Store`] as an image like any other; it is published by
//! others, after it was read again and verified. Rules 12–18 and 21.

mod change;
mod copier;
mod documents;
mod leftovers;
mod marks;
mod new_layer;
mod restore;
mod second;
mod strip;

pub use leftovers::leftovers;
pub use marks::{LEFTOVERS_TYPE, LIST_TYPE, are_leftovers_of, is_result, list_of};
pub use restore::restore;
pub use strip::{StripOptions, StripWhich, Stripped, strip};

use std::io::Read;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::codec::Encoding;
use crate::content::ContentMap;
use crate::image::{BlobRef, Image, ImageError, ImageName, Layer, OpenBlob};
use crate::layer::{LayerError, Limits, Warning};
use crate::oci::{Compression, Descriptor, DiffId, Digest, Family, MediaType};
use crate::plan::{Fate, Layout, Mode, Plan, Slot};
use crate::progress::Progress;
use crate::store::{Store, StoreError};

/// Why no new image could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RewriteError {
    /// Occurs when the source cannot be read a second time.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// Occurs when the result's documents do not hold together.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Occurs when the staging store cannot be written: most often a full disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Occurs when the result cannot be written while it is made.
    #[error("failed to write the new layer: {0}")]
    Write(std::io::Error),
    /// Occurs when the target's family has no layer in the form asked for (rule 15).
    #[error("a Docker v2s2 image has no {0} layers; use gzip, or write an OCI image")]
    Compression(&'static str),
    /// Occurs when a file that changes does not become what the plan says.
    #[error("/{0} did not become what was planned")]
    Unplanned(String),
    /// Occurs when the second reading of a layer shows other members than the first.
    #[error("layer {0} changed between two readings")]
    Changed(usize),
}

/// How the new image is made.
#[derive(Clone)]
pub struct Options<'a> {
    /// How new layers are stored. `None`: as the layer was whose place one takes, gzip where it takes several.
    pub encoding: Option<Encoding>,
    /// Threads that may compress at once; the result does not depend on it.
    pub threads: NonZeroUsize,
    /// Whose words the new manifest speaks.
    pub family: Family,
    /// Names of the profiles, for the annotation that says what was done.
    pub profile: String,
    /// Digest of the list of what goes and changes, which the result names; it is attached by who writes the result.
    pub list: Option<Digest>,
    /// Time of what we make, RFC 3339, where it shall not be the config's `created`.
    pub created: Option<String>,
    /// Who watches.
    pub progress: &'a Progress,
    /// What the source may ask for when it is read again.
    pub limits: Limits,
    /// Set to end the work early.
    pub stop: &'a AtomicBool,
}

impl Options<'_> {
    /// Time of what is made for `image`, RFC 3339.
    fn created<'a>(&'a self, image: &'a Image) -> Option<&'a str> {
        self.created.as_deref().or_else(|| image.config.created())
    }
}

/// A new image, staged.
#[derive(Debug)]
pub struct Rewritten {
    /// The image; its new blobs are in the store, reused ones in the source's medium.
    pub image: Image,
    /// Whether the result is the source, byte for byte.
    pub is_source: bool,
    /// Stored bytes of its layers.
    pub layer_bytes: u64,
    /// What became of the source's layers.
    pub counts: Counts,
    /// By layer of the image: the layer of the source whose blob it is, where it is one's.
    pub reused: Vec<Option<usize>>,
    /// Keys that were dropped, and other things to know.
    pub warnings: Vec<Warning>,
}

/// What became of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Layers that are the source's.
    pub reused: u64,
    /// Layers that were made.
    pub rewritten: u64,
    /// Layers of the source that have no counterpart.
    pub dropped: u64,
}

/// A layer of the result.
struct Output {
    descriptor: Descriptor,
    diff_id: DiffId,
    /// The layer of the source whose blob it is.
    reused: Option<usize>,
}

/// The image that `layout` describes: what `plan` leaves.
pub fn rewrite(
    image: &Image,
    map: &ContentMap,
    plan: &Plan,
    layout: &Layout,
    store: &Arc<Store>,
    options: &Options<'_>,
) -> Result<Rewritten, RewriteError> {
    if layout.is_source() && image.manifest.is_some() {
        return Ok(source(image));
    }
    let mut warnings = Vec::new();
    let mut outputs = Vec::new();
    for slot in &layout.slots {
        match &slot.fate {
            Fate::Dropped => {}
            Fate::Reused => outputs.push(reuse(image, slot.sources.start, store, options)?),
            Fate::Made(layer) => {
                let encoding = encoding(image, layout.mode, slot, options);
                let made = new_layer::write(image, map, plan, layer, store, encoding, options)?;
                let like = &image.layers[slot.sources.clone()];
                let like = if layout.mode == Mode::Keep {
                    like.first()
                } else {
                    None
                };
                outputs.push(output(made, encoding, like, &mut warnings, options)?);
            }
        }
    }
    if let Some(rewritten) = unchanged(image, &outputs, options) {
        return Ok(rewritten);
    }
    let documents = documents::make(image, map, plan, layout, &outputs, options);
    warnings.extend(documents.warnings);
    let name = ImageName {
        transport: "staged",
        reference: format!("staged:{}", Digest::of(&documents.manifest)),
    };
    let source = Some(image.blobs().clone());
    let blobs = Staged {
        store: store.clone(),
        source,
    };
    Ok(Rewritten {
        image: staged(name, documents.config, documents.manifest, blobs)?,
        is_source: false,
        layer_bytes: outputs.iter().map(|output| output.descriptor.size).sum(),
        counts: counts(layout),
        reused: outputs.iter().map(|output| output.reused).collect(),
        warnings,
    })
}

/// The source itself.
fn source(image: &Image) -> Rewritten {
    let sizes = image.layers.iter().filter_map(|layer| layer.descriptor());
    Rewritten {
        image: image.clone(),
        is_source: true,
        layer_bytes: sizes.map(|descriptor| descriptor.size).sum(),
        counts: Counts {
            reused: image.layers.len() as u64,
            ..Counts::default()
        },
        reused: (0..image.layers.len()).map(Some).collect(),
        warnings: Vec::new(),
    }
}

/// How the new layer of `slot` is stored: one that is rewritten in place keeps its own form.
fn encoding(image: &Image, mode: Mode, slot: &Slot, options: &Options<'_>) -> Encoding {
    if let Some(encoding) = options.encoding {
        return encoding;
    }
    let own = image.layers[slot.sources.clone()]
        .first()
        .filter(|_| mode == Mode::Keep)
        .and_then(Layer::descriptor)
        .and_then(|descriptor| descriptor.media_type.layer_compression());
    own.and_then(Encoding::of)
        .filter(|encoding| MediaType::layer(options.family, encoding.compression()).is_some())
        .unwrap_or_default()
}

/// A layer of the source as it is; one without a blob of its own, such as a docker archive's, is given one.
fn reuse(image: &Image, index: usize, store: &Store, options: &Options<'_>) -> Result<Output, RewriteError> {
    let layer = &image.layers[index];
    let Some(descriptor) = layer.descriptor() else {
        let encoding = options.encoding.unwrap_or_default();
        let made = new_layer::transcode(image, index, store, encoding, options)?;
        return output(made, encoding, None, &mut Vec::new(), options);
    };
    let mut descriptor = descriptor.clone();
    let is_own_family = image.family() == Some(options.family);
    if !is_own_family && !descriptor.media_type.is_foreign() {
        let compression = descriptor.media_type.layer_compression();
        let compression = compression.unwrap_or(Compression::None);
        descriptor.media_type = MediaType::layer(options.family, compression)
            .ok_or(RewriteError::Compression(compression.as_str()))?;
    }
    Ok(Output {
        descriptor,
        diff_id: layer.diff_id.clone(),
        reused: Some(index),
    })
}

/// A new layer, with the keys of the descriptor of the one whose place it takes.
fn output(
    made: new_layer::Layer,
    encoding: Encoding,
    like: Option<&Layer>,
    warnings: &mut Vec<Warning>,
    options: &Options<'_>,
) -> Result<Output, RewriteError> {
    let compression = encoding.compression();
    let media_type = MediaType::layer(options.family, compression)
        .ok_or(RewriteError::Compression(compression.as_str()))?;
    let mut descriptor = Descriptor::new(media_type, made.digest, made.size);
    if let Some(old) = like.and_then(Layer::descriptor) {
        documents::inherit(&mut descriptor, old, warnings);
    }
    Ok(Output {
        descriptor,
        diff_id: made.diff_id,
        reused: None,
    })
}

/// The source itself, where its one layer is what a squash of it would be: slimming twice changes nothing.
fn unchanged(image: &Image, outputs: &[Output], options: &Options<'_>) -> Option<Rewritten> {
    let ([only], [output]) = (image.layers.as_slice(), outputs) else {
        return None;
    };
    let compression = only.descriptor()?.media_type.layer_compression();
    let same_form = compression == output.descriptor.media_type.layer_compression();
    let same_family = image.family() == Some(options.family);
    (only.diff_id == output.diff_id && same_form && same_family).then(|| source(image))
}

fn counts(layout: &Layout) -> Counts {
    let mut counts = Counts::default();
    for slot in &layout.slots {
        let sources = slot.sources.len() as u64;
        match slot.fate {
            Fate::Reused => counts.reused += 1,
            Fate::Made(_) if layout.mode == Mode::Keep => counts.rewritten += 1,
            Fate::Made(_) => {
                counts.rewritten += 1;
                counts.dropped += sources;
            }
            Fate::Dropped => counts.dropped += sources,
        }
    }
    counts
}

/// Puts an image's documents beside its layers in `store` and reads them back as an image.
pub fn stage(
    name: ImageName,
    config: Vec<u8>,
    manifest: Vec<u8>,
    store: &Arc<Store>,
) -> Result<Image, RewriteError> {
    let store = store.clone();
    staged(name, config, manifest, Staged { store, source: None })
}

fn staged(name: ImageName, config: Vec<u8>, manifest: Vec<u8>, blobs: Staged) -> Result<Image, RewriteError> {
    blobs.store.put(&config)?;
    blobs.store.put(&manifest)?;
    let manifest = crate::image::Manifest::parse(manifest, None)?;
    let config = crate::image::Config::parse(config)?;
    Ok(Image::from_manifest(name, manifest, config, Arc::new(blobs))?)
}

/// Opens blobs of a store, and those of layers that are reused where they are.
struct Staged {
    store: Arc<Store>,
    source: Option<Arc<dyn OpenBlob>>,
}

impl OpenBlob for Staged {
    fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
        let unreadable = |source| ImageError::Read {
            what: format!("staged blob {}", blob.label()),
            source,
        };
        let BlobRef::Stored(descriptor) = blob else {
            return Err(unreadable(std::io::ErrorKind::NotFound.into()));
        };
        match &self.source {
            Some(source) if !self.store.contains(&descriptor.digest, None) => source.open(blob),
            _ => {
                let file = self.store.read(&descriptor.digest);
                let file = file.map_err(|error| unreadable(std::io::Error::other(error)))?;
                Ok(Box::new(file))
            }
        }
    }
}
