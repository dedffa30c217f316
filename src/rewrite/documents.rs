//! The new image's config and manifest: every key that we don't change stays, in order (rules 17, 18, 19, 21).

use serde_json::{Map, Value, json};

use super::Options;
use crate::content::ContentMap;
use crate::image::Image;
use crate::layer::Warning;
use crate::oci::{Descriptor, DiffId, Digest, Family, MediaType};
use crate::plan::Plan;

/// Annotation (OCI) or label (Docker): digest of the image that the result was made from.
const SOURCE: &str = "io.github.layerslim.source";
/// Annotation or label: the profiles that chose what went.
const PROFILE: &str = "io.github.layerslim.profile";
/// Annotation or label: stored bytes of the removed files.
const REMOVED: &str = "io.github.layerslim.removed-bytes";
/// What the history says of the squashed layer.
const CREATED_BY: &str = "layerslim squash";
/// A key of the config that speaks of the old layers' blobs.
const BUILD_CACHE: &str = "moby.buildkit.cache.v0";

/// Bytes of the new documents.
pub(super) struct Documents {
    pub(super) config: Vec<u8>,
    pub(super) manifest: Vec<u8>,
    pub(super) warnings: Vec<Warning>,
}

/// Config and manifest of a squashed image.
pub(super) fn squashed(
    image: &Image,
    plan: &Plan,
    map: &ContentMap,
    layer: Descriptor,
    diff_id: &DiffId,
    options: &Options<'_>,
) -> Documents {
    let mut warnings = Vec::new();
    let marks = marks(image, plan, map, options);
    let config = config(image, diff_id, options, &marks, &mut warnings);
    let manifest = manifest(image, &config, layer, options, &marks, &mut warnings);
    Documents {
        config,
        manifest,
        warnings,
    }
}

/// What the result says of where it comes from.
fn marks(image: &Image, plan: &Plan, map: &ContentMap, options: &Options<'_>) -> Vec<(&'static str, String)> {
    let source = image.digest().unwrap_or(&image.config.id().0);
    let removed = plan.totals(map).disk_bytes;
    vec![
        (SOURCE, source.to_string()),
        (PROFILE, options.profile.clone()),
        (REMOVED, removed.to_string()),
    ]
}

fn config(
    image: &Image,
    diff_id: &DiffId,
    options: &Options<'_>,
    marks: &[(&'static str, String)],
    warnings: &mut Vec<Warning>,
) -> Vec<u8> {
    let mut value = image.config.value().clone();
    let created = options
        .created
        .clone()
        .or_else(|| image.config.created().map(str::to_owned));
    if let Some(config) = value.as_object_mut() {
        if config.shift_remove(BUILD_CACHE).is_some() {
            warnings.push(dropped(BUILD_CACHE, "the config", "it speaks of the old layers"));
        }
        if let Some(rootfs) = config.get_mut("rootfs").and_then(Value::as_object_mut) {
            rootfs.insert("diff_ids".to_owned(), json!([diff_id]));
        }
        if let Some(rows) = config.get_mut("history").and_then(Value::as_array_mut) {
            squash_history(rows, created.as_deref());
        }
        if options.family == Family::Docker {
            label(config, marks);
        }
    }
    to_bytes(&value)
}

/// Rule 19: the rows stay to tell the story, none is blamed for the squashed layer. An image without a
/// history stays without.
fn squash_history(rows: &mut Vec<Value>, created: Option<&str>) {
    if rows.is_empty() {
        return;
    }
    for row in rows.iter_mut().filter_map(Value::as_object_mut) {
        row.insert("empty_layer".to_owned(), Value::Bool(true));
    }
    let mut row = Map::new();
    if let Some(created) = created {
        row.insert("created".to_owned(), created.into());
    }
    row.insert("created_by".to_owned(), CREATED_BY.into());
    rows.push(Value::Object(row));
}

/// Docker manifests have no annotations: the marks become labels.
fn label(config: &mut Map<String, Value>, marks: &[(&'static str, String)]) {
    let inner = config.entry("config").or_insert_with(|| json!({}));
    if inner.is_null() {
        *inner = json!({});
    }
    let labels = inner
        .as_object_mut()
        .map(|inner| inner.entry("Labels").or_insert_with(|| json!({})));
    let Some(labels) = labels else { return };
    if labels.is_null() {
        *labels = json!({});
    }
    if let Some(labels) = labels.as_object_mut() {
        labels.extend(
            marks
                .iter()
                .map(|(name, text)| ((*name).to_owned(), text.clone().into())),
        );
    }
}

fn manifest(
    image: &Image,
    config: &[u8],
    layer: Descriptor,
    options: &Options<'_>,
    marks: &[(&'static str, String)],
    warnings: &mut Vec<Warning>,
) -> Vec<u8> {
    let same_family = image
        .manifest
        .as_ref()
        .filter(|manifest| manifest.family() == options.family);
    let (manifest_type, config_type) = match options.family {
        Family::Oci => (MediaType::OCI_MANIFEST, MediaType::OCI_CONFIG),
        Family::Docker => (MediaType::DOCKER_MANIFEST, MediaType::DOCKER_CONFIG),
    };
    let mut value = same_family.map_or_else(
        || json!({"schemaVersion": 2, "mediaType": manifest_type, "config": null, "layers": null}),
        |manifest| manifest.value().clone(),
    );
    let config_type = same_family.map_or(config_type, |manifest| manifest.config().media_type.as_str());
    let config = Descriptor::new(config_type, Digest::of(config), config.len() as u64);
    if let Some(object) = value.as_object_mut() {
        object.insert("config".to_owned(), json!(config));
        object.insert("layers".to_owned(), json!([layer]));
        if options.family == Family::Oci {
            annotate(object, image, marks, warnings);
        }
    }
    to_bytes(&value)
}

/// The source's annotations without those that speak of what is gone, and ours.
fn annotate(
    manifest: &mut Map<String, Value>,
    image: &Image,
    marks: &[(&'static str, String)],
    warnings: &mut Vec<Warning>,
) {
    let source = image
        .manifest
        .as_ref()
        .and_then(|manifest| manifest.value().get("annotations"));
    let mut annotations = source.and_then(Value::as_object).cloned().unwrap_or_default();
    annotations.retain(|name, _| {
        let is_base = name.starts_with("org.opencontainers.image.base.");
        if is_base {
            warnings.push(dropped(
                name,
                "the manifest's annotations",
                "the base image's layers are squashed",
            ));
        }
        !is_base
    });
    annotations.extend(
        marks
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.clone().into())),
    );
    manifest.insert("annotations".to_owned(), Value::Object(annotations));
}

fn dropped(key: &str, from: &str, why: &str) -> Warning {
    Warning {
        code: "key-dropped".into(),
        path: Vec::new(),
        message: format!("`{key}` was dropped from {from}: {why}"),
    }
}

fn to_bytes(value: &Value) -> Vec<u8> {
    // A `Value` has only string keys and finite numbers: writing it into memory cannot fail.
    serde_json::to_vec(value).unwrap_or_default()
}
