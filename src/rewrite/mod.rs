//! The second streaming pass: a new image out of an old one and a plan.
//!
//! Nothing is decided here: [`crate::plan::Squash`] says what happens to every entry, this floor streams the
//! layers once more and writes. The result lies in a [`Store`] as an image like any other; it is published by
//! others, after it was read again and verified. Rules 12–18 and 21.

mod documents;
mod squash;

use std::io::Read;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::codec::Encoding;
use crate::content::ContentMap;
use crate::image::{BlobRef, Image, ImageError, ImageName, OpenBlob};
use crate::layer::{LayerError, Limits, Warning};
use crate::oci::{Compression, Descriptor, Digest, Family, MediaType};
use crate::plan::{Plan, Squash};
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
    /// Occurs when the second reading of a layer shows other members than the first.
    #[error("layer {0} changed between two readings")]
    Changed(usize),
}

/// How the new image is made.
#[derive(Clone)]
pub struct Options<'a> {
    /// How layers are stored.
    pub encoding: Encoding,
    /// Threads that may compress at once; the result does not depend on it.
    pub threads: NonZeroUsize,
    /// Whose words the new manifest speaks.
    pub family: Family,
    /// Names of the profiles, for the annotation that says what was done.
    pub profile: String,
    /// Time of what we make, RFC 3339, where it shall not be the config's `created`.
    pub created: Option<String>,
    /// Who watches.
    pub progress: &'a Progress,
    /// What the source may ask for when it is read again.
    pub limits: Limits,
    /// Set to end the work early.
    pub stop: &'a AtomicBool,
}

/// A new image, staged.
#[derive(Debug)]
pub struct Rewritten {
    /// The image; its blobs are in the store, or in the source's medium where nothing changed.
    pub image: Image,
    /// Whether the result is the source, byte for byte.
    pub is_source: bool,
    /// Stored bytes of its layers.
    pub layer_bytes: u64,
    /// Keys that were dropped, and other things to know.
    pub warnings: Vec<Warning>,
}

/// One layer with everything that `plan` leaves.
pub fn squash(
    image: &Image,
    map: &ContentMap,
    plan: &Plan,
    store: &Arc<Store>,
    options: &Options<'_>,
) -> Result<Rewritten, RewriteError> {
    let compression = options.encoding.compression();
    let media_type = MediaType::layer(options.family, compression)
        .ok_or(RewriteError::Compression(compression.as_str()))?;
    let squash = Squash::new(map, plan);
    let layer = squash::write(image, map, &squash, store, options)?;
    if let Some(rewritten) = unchanged(image, &layer, compression, options) {
        return Ok(rewritten);
    }
    let layer_bytes = layer.size;
    let descriptor = Descriptor::new(media_type, layer.digest, layer.size);
    let documents = documents::squashed(image, plan, map, &descriptor, &layer.diff_id, options);
    let name = ImageName {
        transport: "staged",
        reference: format!("staged:{}", Digest::of(&documents.manifest)),
    };
    let image = stage(name, documents.config, documents.manifest, store)?;
    Ok(Rewritten {
        image,
        is_source: false,
        layer_bytes,
        warnings: documents.warnings,
    })
}

/// The source itself, where its one layer is what a squash of it would be: slimming twice changes nothing.
fn unchanged(
    image: &Image,
    layer: &squash::Layer,
    compression: Compression,
    options: &Options<'_>,
) -> Option<Rewritten> {
    let [only] = image.layers.as_slice() else {
        return None;
    };
    let descriptor = only.descriptor()?;
    let same_form = descriptor.media_type.layer_compression() == Some(compression);
    let same_family = image.family() == Some(options.family);
    (only.diff_id == layer.diff_id && same_form && same_family).then(|| Rewritten {
        image: image.clone(),
        is_source: true,
        layer_bytes: descriptor.size,
        warnings: Vec::new(),
    })
}

/// Puts an image's documents beside its layers in `store` and reads them back as an image.
pub fn stage(
    name: ImageName,
    config: Vec<u8>,
    manifest: Vec<u8>,
    store: &Arc<Store>,
) -> Result<Image, RewriteError> {
    store.put(&config)?;
    store.put(&manifest)?;
    let manifest = crate::image::Manifest::parse(manifest, None)?;
    let config = crate::image::Config::parse(config)?;
    Ok(Image::from_manifest(
        name,
        manifest,
        config,
        Arc::new(Staged(store.clone())),
    )?)
}

/// Opens blobs of a store.
struct Staged(Arc<Store>);

impl OpenBlob for Staged {
    fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
        let unreadable = |source| ImageError::Read {
            what: format!("staged blob {}", blob.label()),
            source,
        };
        match blob {
            BlobRef::Stored(descriptor) => {
                let file = self
                    .0
                    .read(&descriptor.digest)
                    .map_err(|error| unreadable(std::io::Error::other(error)))?;
                Ok(Box::new(file))
            }
            BlobRef::Member(_) => Err(unreadable(std::io::ErrorKind::NotFound.into())),
        }
    }
}
