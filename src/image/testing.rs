//! Images in memory, for the tests of the floors above: a config, and layers that are plain tars.
//!
//! A module of its own because several rooms test with an image that they made up, and no medium is among them.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{BlobRef, Config, Image, ImageError, ImageName, Manifest, OpenBlob};
use crate::oci::Digest;

/// An image as a docker archive has it. `config` gets the diff ids of the layers, which stand base first.
pub(crate) fn archive(reference: &str, config: Value, layers: &[Vec<u8>]) -> Image {
    let members = layers.iter().map(|layer| Digest::of(layer).to_string());
    let (name, config) = (name("docker-archive", reference), with_ids(config, layers));
    Image::from_archive(name, members.collect(), config, Memory::of(layers)).unwrap()
}

/// The same as a layout has it: with a manifest.
pub(crate) fn layout(reference: &str, config: Value, layers: &[Vec<u8>]) -> Image {
    let config = with_ids(config, layers);
    let row = |layer: &Vec<u8>| json!({"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": Digest::of(layer), "size": layer.len()});
    let rows: Vec<_> = layers.iter().map(row).collect();
    let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": rows,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.id(), "size": config.raw().len()}});
    let manifest = Manifest::parse(manifest.to_string().into_bytes(), None).unwrap();
    Image::from_manifest(name("oci", reference), manifest, config, Memory::of(layers)).unwrap()
}

fn name(transport: &'static str, reference: &str) -> ImageName {
    ImageName {
        transport,
        reference: reference.to_owned(),
    }
}

fn with_ids(mut config: Value, layers: &[Vec<u8>]) -> Config {
    let ids: Vec<Digest> = layers.iter().map(|layer| Digest::of(layer)).collect();
    config["rootfs"] = json!({"type": "layers", "diff_ids": ids});
    Config::parse(config.to_string().into_bytes()).unwrap()
}

/// Blobs and members by digest.
struct Memory(HashMap<String, Vec<u8>>);

impl Memory {
    fn of(layers: &[Vec<u8>]) -> Arc<Self> {
        let row = |layer: &Vec<u8>| (Digest::of(layer).to_string(), layer.clone());
        Arc::new(Self(layers.iter().map(row).collect()))
    }
}

impl OpenBlob for Memory {
    fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
        let key = match blob {
            BlobRef::Stored(descriptor) => descriptor.digest.to_string(),
            BlobRef::Member(name) => name.clone(),
        };
        Ok(Box::new(Cursor::new(self.0[&key].clone())))
    }
}
