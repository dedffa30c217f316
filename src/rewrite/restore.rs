//! The original again: a slim image with its leftovers as one more layer.
//!
//! A module of its own because nothing is planned or taken apart here: layers are stacked as they are, so that in a
//! registry which has both no layer travels.

use std::collections::HashSet;
use std::io::Read;
use std::sync::Arc;

use serde_json::Value;

use super::{Options, Output, RewriteError, Staged, documents, marks, reuse, staged};
use crate::image::{BlobRef, Image, ImageError, ImageName, OpenBlob};
use crate::oci::{Digest, Family};
use crate::store::Store;

/// What the history says of the layer.
const CREATED_BY: &str = "layerslim restore";

/// What `slim` was made from: the same tree, with `leftovers` on top of what is there.
///
/// Whether the leftovers are those of the image is for the caller to know ([`are_leftovers_of`](super::are_leftovers_of)).
pub fn restore(
    slim: &Image,
    leftovers: &Image,
    store: &Arc<Store>,
    options: &Options<'_>,
) -> Result<Image, RewriteError> {
    let mut outputs = Vec::new();
    for image in [slim, leftovers] {
        for index in 0..image.layers.len() {
            outputs.push(reuse(image, index, store, options)?);
        }
    }
    // The manifest that is changed is that of `slim`: the leftovers' descriptors are taken as they are.
    for output in &mut outputs[slim.layers.len()..] {
        output.reused = None;
    }
    let config = documents::to_bytes(&config(slim, &outputs, options));
    let mut manifest = documents::manifest(slim.manifest.as_ref(), options.family, &config, &outputs);
    if let (Family::Oci, Some(annotations)) = (options.family, manifest.get_mut("annotations")) {
        marks::remove(annotations);
    }
    let manifest = documents::to_bytes(&manifest);
    let name = ImageName {
        transport: "staged",
        reference: format!("staged:{}", Digest::of(&manifest)),
    };
    let blobs = Staged {
        store: store.clone(),
        source: Some(Arc::new(Both::new(slim, leftovers))),
    };
    staged(name, config, manifest, blobs)
}

/// The slim image's config with one more layer, and without what it says of having been slimmed.
fn config(slim: &Image, outputs: &[Output], options: &Options<'_>) -> Value {
    let mut value = slim.config.value().clone();
    if let Some(config) = value.as_object_mut() {
        documents::set_diff_ids(config, outputs);
        let rows = config.get_mut("history").and_then(Value::as_array_mut);
        if let Some(rows) = rows.filter(|rows| !rows.is_empty()) {
            rows.push(documents::history_row(options.created(slim), CREATED_BY));
        }
        if let Some(labels) = config
            .get_mut("config")
            .and_then(|config| config.get_mut("Labels"))
        {
            marks::remove(labels);
        }
    }
    value
}

/// The blobs of two images.
struct Both {
    slim: Arc<dyn OpenBlob>,
    leftovers: Arc<dyn OpenBlob>,
    of_leftovers: HashSet<Digest>,
}

impl Both {
    fn new(slim: &Image, leftovers: &Image) -> Self {
        let digests = |image: &Image| -> HashSet<Digest> {
            let blobs = image.layers.iter().filter_map(|layer| layer.descriptor());
            blobs.map(|descriptor| descriptor.digest.clone()).collect()
        };
        Self {
            slim: slim.blobs().clone(),
            leftovers: leftovers.blobs().clone(),
            of_leftovers: &digests(leftovers) - &digests(slim),
        }
    }
}

impl OpenBlob for Both {
    fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
        match blob {
            BlobRef::Stored(descriptor) if self.of_leftovers.contains(&descriptor.digest) => {
                self.leftovers.open(blob)
            }
            _ => self.slim.open(blob),
        }
    }
}
