//! What a plan took, as an image of its own that refers to the slim one: an artifact that engines can pull, too.
//!
//! A module of its own because it is written beside a result and is no part of it. Its one layer is a changeset over the
//! slim image ([`NewLayer::leftovers`]), with the old bodies of what changed.

use std::sync::Arc;

use serde_json::{Value, json};

use super::marks::{self, LEFTOVERS_TYPE};
use super::{Options, Output, RewriteError, Staged, documents, new_layer, output, staged};
use crate::content::ContentMap;
use crate::image::{Image, ImageName, Manifest};
use crate::oci::{Digest, Family};
use crate::plan::{NewLayer, Plan};
use crate::store::Store;

/// What the history says of the layer.
const CREATED_BY: &str = "layerslim leftovers";
/// The annotation that says when something was made, RFC 3339.
const CREATED: &str = "org.opencontainers.image.created";

/// The leftovers of `slim`, which `plan` made of `image`; `None` where nothing was taken.
///
/// An OCI image with a `subject`, whatever the family of `slim`: Docker's manifests have none.
pub fn leftovers(
    image: &Image,
    map: &ContentMap,
    plan: &Plan,
    slim: &Image,
    store: &Arc<Store>,
    options: &Options<'_>,
) -> Result<Option<Image>, RewriteError> {
    let (Some(layer), Some(subject)) = (NewLayer::leftovers(map, plan), &slim.manifest) else {
        return Ok(None);
    };
    let options = &Options {
        family: Family::Oci,
        ..options.clone()
    };
    let encoding = options.encoding.unwrap_or_default();
    let old = Plan::empty(map);
    let made = new_layer::write(image, map, &old, &layer, store, encoding, options)?;
    let layers = [output(made, encoding, None, &mut Vec::new(), options)?];
    let config = documents::to_bytes(&config(image, &layers, options));
    let manifest = documents::to_bytes(&manifest(image, slim, subject, &config, &layers, options));
    let name = ImageName {
        transport: "staged",
        reference: format!("staged:{}", Digest::of(&manifest)),
    };
    let blobs = Staged {
        store: store.clone(),
        source: None,
    };
    staged(name, config, manifest, blobs).map(Some)
}

/// Nothing but a platform and the layer: it is not to be run.
fn config(image: &Image, layers: &[Output], options: &Options<'_>) -> Value {
    let created = options.created(image);
    let mut config = json!({});
    let source = image.config.value();
    if let Some(object) = config.as_object_mut() {
        if let Some(created) = created {
            object.insert("created".to_owned(), created.into());
        }
        for key in ["architecture", "variant", "os", "os.version"] {
            if let Some(value) = source.get(key) {
                object.insert(key.to_owned(), value.clone());
            }
        }
        object.insert("config".to_owned(), json!({}));
        object.insert("rootfs".to_owned(), json!({"type": "layers", "diff_ids": []}));
        documents::set_diff_ids(object, layers);
        let row = documents::history_row(created, CREATED_BY);
        object.insert("history".to_owned(), json!([row]));
    }
    config
}

fn manifest(
    image: &Image,
    slim: &Image,
    subject: &Manifest,
    config: &[u8],
    layers: &[Output],
    options: &Options<'_>,
) -> Value {
    let mut annotations = marks::annotations(&marks::of_leftovers(image, slim));
    if let Some(created) = options.created(image) {
        annotations.insert(CREATED.to_owned(), created.into());
    }
    let mut manifest = documents::manifest(None, Family::Oci, config, layers);
    if let Some(object) = manifest.as_object_mut() {
        object.insert("artifactType".to_owned(), LEFTOVERS_TYPE.into());
        object.insert("subject".to_owned(), json!(subject.descriptor()));
        object.insert("annotations".to_owned(), Value::Object(annotations));
    }
    manifest
}
