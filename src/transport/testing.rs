//! Small images in every medium, for the tests of this module.
//!
//! Archives are made with the `tar` crate, so that what is read was not written by the code that reads it.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use super::{Opened, ReadOptions, Source, TransportError, open};
use crate::image::Image;
use crate::oci::{Digest, Family, MediaType, Platform};
use crate::progress::Progress;

/// A member of a tar that a test makes.
pub(super) enum Member<'a> {
    File(&'a str, &'a [u8]),
    Symlink(&'a str, &'a str),
    HardLink(&'a str, &'a str),
    Directory(&'a str),
}

pub(super) fn tar(members: &[Member<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for member in members {
        let (name, kind, link, body): (_, _, _, &[u8]) = match member {
            Member::File(name, body) => (name, tar::EntryType::Regular, "", body),
            Member::Symlink(name, link) => (name, tar::EntryType::Symlink, *link, b""),
            Member::HardLink(name, link) => (name, tar::EntryType::Link, *link, b""),
            Member::Directory(name) => (name, tar::EntryType::Directory, "", b""),
        };
        let mut header = tar::Header::new_gnu();
        // `append_data` would refuse the hostile names that tests need.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(body.len() as u64);
        header.set_cksum();
        builder.append(&header, body).unwrap();
    }
    builder.into_inner().unwrap()
}

/// The tar of a layer with one file.
pub(super) fn layer(name: &str, body: &str) -> Vec<u8> {
    tar(&[Member::File(name, body.as_bytes())])
}

/// A config for layers of these uncompressed tars.
pub(super) fn config(platform: &str, layers: &[Vec<u8>]) -> Vec<u8> {
    let platform: Platform = platform.parse().unwrap();
    let ids: Vec<String> = layers.iter().map(|tar| Digest::of(tar).to_string()).collect();
    let rootfs = json!({"type": "layers", "diff_ids": ids});
    let value = json!({"architecture": platform.architecture, "os": platform.os, "rootfs": rootfs});
    value.to_string().into_bytes()
}

/// A docker archive of one image under `tag`, as docker before version 25 wrote it.
pub(super) fn docker_archive(tag: &str, layers: &[Vec<u8>]) -> Vec<u8> {
    let config = config("linux/amd64", layers);
    let config_name = format!("{}.json", Digest::of(&config).hex());
    let names: Vec<String> = (0..layers.len()).map(|at| format!("{at}/layer.tar")).collect();
    let manifest = json!([{"Config": config_name, "RepoTags": [tag], "Layers": names}]).to_string();
    let mut members: Vec<Member> = names
        .iter()
        .zip(layers)
        .map(|(name, tar)| Member::File(name, tar))
        .collect();
    members.push(Member::File(&config_name, &config));
    members.push(Member::File("manifest.json", manifest.as_bytes()));
    tar(&members)
}

/// Stores a blob in the layout at `dir` and gives its descriptor.
pub(super) fn blob(dir: &Path, media_type: &str, bytes: &[u8]) -> Value {
    let digest = Digest::of(bytes);
    let blobs = dir.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(blobs.join(digest.hex()), bytes).unwrap();
    json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
}

/// Stores an image of plain layers and gives its manifest's descriptor.
pub(super) fn image(dir: &Path, family: Family, platform: &str, layers: &[Vec<u8>]) -> Value {
    let (manifest_type, config_type) = match family {
        Family::Oci => (MediaType::OCI_MANIFEST, MediaType::OCI_CONFIG),
        Family::Docker => (MediaType::DOCKER_MANIFEST, MediaType::DOCKER_CONFIG),
    };
    let layer_type = MediaType::layer(family, crate::oci::Compression::None).unwrap();
    let blobs: Vec<Value> = layers
        .iter()
        .map(|tar| blob(dir, layer_type.as_str(), tar))
        .collect();
    let config = blob(dir, config_type, &config(platform, layers));
    let manifest = json!({
        "schemaVersion": 2, "mediaType": manifest_type, "config": config, "layers": blobs, "x-kept": [1, 2.5],
    });
    blob(dir, manifest_type, manifest.to_string().as_bytes())
}

/// Gives a descriptor a tag.
pub(super) fn tagged(mut descriptor: Value, tag: &str) -> Value {
    descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
    descriptor
}

/// Makes `dir` a layout of the given entries.
pub(super) fn layout(dir: &Path, entries: &[Value]) {
    fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let index = json!({"schemaVersion": 2, "manifests": entries});
    fs::write(dir.join("index.json"), index.to_string()).unwrap();
}

/// Opens what a command line would name `text`.
pub(super) fn open_text(text: &str, platform: Option<&str>) -> Result<Opened, TransportError> {
    let platform = platform.map(|text| text.parse::<Platform>().unwrap());
    let options = ReadOptions {
        limits: crate::limits::Limits::default(),
        look: None,
        platform: platform.as_ref(),
        spool_dir: None,
        progress: &Progress::none(),
        #[cfg(feature = "registry")]
        client: None,
        #[cfg(feature = "engine")]
        engine: None,
    };
    open(&Source::parse(text)?, &options)
}

/// The error that opening `text` gives, as people see it.
pub(super) fn refusal(text: &str) -> String {
    match open_text(text, None) {
        Ok(opened) => panic!("{text} was opened: {:?}", opened.image),
        Err(error) => error.to_string(),
    }
}

/// The bytes of an image's layers as stored.
pub(super) fn stored(image: &Image) -> Vec<Vec<u8>> {
    let read = |layer| {
        let mut bytes = Vec::new();
        image.open(layer).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    image.layers.iter().map(read).collect()
}

/// The names in a directory, sorted.
pub(super) fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}
