//! The new image's config and manifest: every key that we don't change stays, in order (rules 17, 18, 19, 21).

use serde_json::{Map, Value, json};

use super::marks::{self, Marks};
use super::{Options, Output};
use crate::content::ContentMap;
use crate::image::{Image, Manifest};
use crate::layer::Warning;
use crate::oci::{Descriptor, DiffId, Digest, Family, MediaType};
use crate::plan::{Fate, Layout, Mode, Plan, Slot};

/// What the history says of the squashed layer.
const CREATED_BY: &str = "layerslim squash";
/// A key of the config that speaks of the old layers' blobs.
const BUILD_CACHE: &str = "moby.buildkit.cache.v0";
/// What annotations of a layer's descriptor begin with that speak of its blob: its diff id, and the tables of
/// contents of eStargz and `zstd:chunked`.
const OF_BLOB: [&str; 4] = [
    "containerd.io/uncompressed",
    "containerd.io/snapshot/",
    "io.containers.",
    "io.github.containers.",
];

/// Bytes of the new documents.
pub(super) struct Documents {
    pub(super) config: Vec<u8>,
    pub(super) manifest: Vec<u8>,
    pub(super) warnings: Vec<Warning>,
}

/// Config and manifest of an image of `outputs`.
pub(super) fn make(
    image: &Image,
    map: &ContentMap,
    plan: &Plan,
    layout: &Layout,
    outputs: &[Output],
    options: &Options<'_>,
) -> Documents {
    let mut maker = Maker {
        image,
        layout,
        outputs,
        options,
        marks: marks::of_result(image, plan, map, options),
        warnings: Vec::new(),
    };
    let config = maker.config();
    let manifest = maker.manifest(&config);
    Documents {
        config,
        manifest,
        warnings: maker.warnings,
    }
}

/// Gives `new`, which takes the place of `old`, the keys of its descriptor, but for those that speak of the old
/// blob (rule 17).
pub(super) fn inherit(new: &mut Descriptor, old: &Descriptor, warnings: &mut Vec<Warning>) {
    let speaks_of_blob = |name: &str| OF_BLOB.iter().any(|prefix| name.starts_with(prefix));
    let mut drop = |name: &str| {
        let warning = dropped(name, "a layer's descriptor", "it speaks of the old layer's blob");
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    };
    let (gone, kept): (Vec<_>, Vec<_>) = old
        .annotations
        .clone()
        .unwrap_or_default()
        .into_iter()
        .partition(|(name, _)| speaks_of_blob(name));
    for (name, _) in &gone {
        drop(name);
    }
    new.annotations = old.annotations.as_ref().map(|_| kept.into_iter().collect());
    new.extra.clone_from(&old.extra);
    for name in ["data", "urls"] {
        if new.extra.shift_remove(name).is_some() {
            drop(name);
        }
    }
}

struct Maker<'a> {
    image: &'a Image,
    layout: &'a Layout,
    outputs: &'a [Output],
    options: &'a Options<'a>,
    marks: Marks,
    warnings: Vec<Warning>,
}

impl Maker<'_> {
    fn config(&mut self) -> Vec<u8> {
        let mut value = self.image.config.value().clone();
        if let Some(config) = value.as_object_mut() {
            if config.shift_remove(BUILD_CACHE).is_some() {
                let warning = dropped(BUILD_CACHE, "the config", "it speaks of the old layers");
                self.warnings.push(warning);
            }
            set_diff_ids(config, self.outputs);
            if let Some(rows) = config.get_mut("history").and_then(Value::as_array_mut) {
                self.edit_history(rows);
            }
            if self.options.family == Family::Docker {
                label(config, &self.marks);
            }
        }
        to_bytes(&value)
    }

    /// Rules 9 and 19: the rows stay to tell the story; those of layers that are squashed or gone are marked as
    /// having none, and a last one stands for the squashed layer. An image without a history stays without.
    fn edit_history(&self, rows: &mut Vec<Value>) {
        if rows.is_empty() {
            return;
        }
        let (mode, layers) = (self.layout.mode, &self.image.layers);
        let has_row = |slot: &&Slot| match slot.fate {
            Fate::Reused => true,
            Fate::Made(_) => mode == Mode::Keep,
            Fate::Dropped => false,
        };
        let without = self.layout.slots.iter().filter(|slot| !has_row(slot));
        let marked = without.flat_map(|slot| layers[slot.sources.clone()].iter());
        let marked: Vec<usize> = if mode == Mode::Squash {
            (0..rows.len()).collect()
        } else {
            marked.filter_map(|layer| layer.history).collect()
        };
        for at in marked {
            if let Some(row) = rows.get_mut(at).and_then(Value::as_object_mut) {
                row.insert("empty_layer".to_owned(), Value::Bool(true));
            }
        }
        let is_made = |slot: &Slot| matches!(slot.fate, Fate::Made(_));
        if mode != Mode::Keep && self.layout.slots.iter().any(is_made) {
            rows.push(history_row(self.options.created(self.image), CREATED_BY));
        }
    }

    fn manifest(&mut self, config: &[u8]) -> Vec<u8> {
        let mut value = manifest(
            self.image.manifest.as_ref(),
            self.options.family,
            config,
            self.outputs,
        );
        if let (Family::Oci, Some(object)) = (self.options.family, value.as_object_mut()) {
            self.annotate(object);
        }
        to_bytes(&value)
    }

    /// The source's annotations without those that speak of what is gone, and ours.
    fn annotate(&mut self, manifest: &mut Map<String, Value>) {
        let source = self.image.manifest.as_ref();
        let source = source.and_then(|manifest| manifest.value().get("annotations"));
        let mut annotations = source.and_then(Value::as_object).cloned().unwrap_or_default();
        // Rule 21: they stay only while the base's layers are there, which only that mode promises.
        let keeps_base = matches!(self.layout.mode, Mode::Base(_));
        annotations.retain(|name, _| {
            let goes = !keeps_base && name.starts_with("org.opencontainers.image.base.");
            if goes {
                let why = "the base image's layers are not all there any more";
                self.warnings
                    .push(dropped(name, "the manifest's annotations", why));
            }
            !goes
        });
        let mut annotations = Value::Object(annotations);
        marks::replace(&mut annotations, &self.marks);
        manifest.insert("annotations".to_owned(), annotations);
    }
}

/// A manifest of `outputs`: that of `like` with another config and other layers and every other key as it was, where
/// it is of `family`; else a new one.
pub(super) fn manifest(like: Option<&Manifest>, family: Family, config: &[u8], outputs: &[Output]) -> Value {
    let same_family = like.filter(|manifest| manifest.family() == family);
    let (manifest_type, config_type) = match family {
        Family::Oci => (MediaType::OCI_MANIFEST, MediaType::OCI_CONFIG),
        Family::Docker => (MediaType::DOCKER_MANIFEST, MediaType::DOCKER_CONFIG),
    };
    let mut value = same_family.map_or_else(
        || json!({"schemaVersion": 2, "mediaType": manifest_type, "config": null, "layers": null}),
        |manifest| manifest.value().clone(),
    );
    let config_type = same_family.map_or(config_type, |manifest| manifest.config().media_type.as_str());
    let config = Descriptor::new(config_type, Digest::of(config), config.len() as u64);
    let source = same_family.map(Manifest::value);
    let layers = outputs.iter().map(|output| layer(source, output)).collect();
    if let Some(object) = value.as_object_mut() {
        object.insert("config".to_owned(), json!(config));
        object.insert("layers".to_owned(), Value::Array(layers));
    }
    value
}

/// Says in a config which layers there are.
pub(super) fn set_diff_ids(config: &mut Map<String, Value>, outputs: &[Output]) {
    if let Some(rootfs) = config.get_mut("rootfs").and_then(Value::as_object_mut) {
        let diff_ids: Vec<&DiffId> = outputs.iter().map(|output| &output.diff_id).collect();
        rootfs.insert("diff_ids".to_owned(), json!(diff_ids));
    }
}

/// A row of the history, made at `created`.
pub(super) fn history_row(created: Option<&str>, created_by: &str) -> Value {
    let mut row = Map::new();
    if let Some(created) = created {
        row.insert("created".to_owned(), created.into());
    }
    row.insert("created_by".to_owned(), created_by.into());
    Value::Object(row)
}

/// A layer's descriptor in the manifest: one that is reused, as it was, every key in order.
fn layer(source: Option<&Value>, output: &Output) -> Value {
    let reused = output.reused.and_then(|at| source?.get("layers")?.get(at));
    reused.map_or_else(|| json!(output.descriptor), Value::clone)
}

/// Docker manifests have no annotations: the marks become labels.
fn label(config: &mut Map<String, Value>, marks: &Marks) {
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
    marks::replace(labels, marks);
}

fn dropped(key: &str, from: &str, why: &str) -> Warning {
    Warning {
        code: "key-dropped".into(),
        path: Vec::new(),
        message: format!("`{key}` was dropped from {from}: {why}"),
    }
}

pub(super) fn to_bytes(value: &Value) -> Vec<u8> {
    // A `Value` has only string keys and finite numbers: writing it into memory cannot fail.
    serde_json::to_vec(value).unwrap_or_default()
}
