//! Recipes on disk, in every medium that `slim` reads, and the layers of any medium read back.
//!
//! A module of its own because it is the tests' second opinion on what lies in a medium: it shares no code with
//! `transport`. It trusts what it reads; only tests' own images and the corpus go through it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::recipe::{Recipe, digest};

/// How a layout stores its layers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Codec {
    Plain,
    Gzip,
    Zstd,
}

impl Codec {
    /// The OCI media type of such a layer.
    pub(crate) fn media_type(self) -> String {
        let suffix = match self {
            Self::Plain => "",
            Self::Gzip => "+gzip",
            Self::Zstd => "+zstd",
        };
        format!("application/vnd.oci.image.layer.v1.tar{suffix}")
    }

    /// A layer as it is stored.
    pub(crate) fn encode(self, tar: &[u8]) -> Vec<u8> {
        match self {
            Self::Plain => tar.to_vec(),
            Self::Gzip => gzip(tar),
            Self::Zstd => zstd::encode_all(tar, 3).expect("compressed in memory"),
        }
    }
}

/// One gzip member without a time or a name.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("written to memory");
    encoder.finish().expect("written to memory")
}

/// A layer as it lies in a layout.
pub(crate) struct Stored {
    /// What its media type says.
    pub(crate) codec: Codec,
    /// The blob, whatever it is.
    pub(crate) bytes: Vec<u8>,
}

/// Writes an OCI layout at `dir`, which must not exist yet, with one image under `tag`.
pub(crate) fn layout(dir: &Path, tag: &str, config: &Value, layers: &[Stored]) {
    let blobs = dir.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let store = |media_type: &str, bytes: &[u8]| {
        let digest = digest(bytes);
        fs::write(blobs.join(&digest["sha256:".len()..]), bytes).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    };
    let layers: Vec<_> = layers
        .iter()
        .map(|layer| store(&layer.codec.media_type(), &layer.bytes))
        .collect();
    let config = store("application/vnd.oci.image.config.v1+json", &bytes(config));
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest =
        json!({"schemaVersion": 2, "mediaType": manifest_type, "config": config, "layers": layers});
    let mut row = store(manifest_type, &bytes(&manifest));
    row["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
    fs::write(
        dir.join("index.json"),
        bytes(&json!({"schemaVersion": 2, "manifests": [row]})),
    )
    .unwrap();
    fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}

impl Recipe {
    /// Writes an OCI layout at `dir`, which must not exist yet, with one image under `tag`.
    pub(crate) fn oci(&self, dir: &Path, tag: &str, codec: Codec) {
        let stored = |tar: &Vec<u8>| Stored {
            codec,
            bytes: codec.encode(tar),
        };
        let layers: Vec<_> = self.layers.iter().map(stored).collect();
        layout(dir, tag, &self.config, &layers);
    }

    /// Writes an OCI archive: the layout in a tar, with names that begin with `./` as `tar -C dir -cf x .` makes them.
    pub(crate) fn oci_archive(&self, path: &Path, tag: &str, codec: Codec) {
        let layout = path.with_extension("layout");
        self.oci(&layout, tag, codec);
        let mut archive = tar::Builder::new(File::create(path).unwrap());
        archive.append_dir_all(".", &layout).unwrap();
        archive.finish().unwrap();
    }

    /// The bytes of a `docker save` archive as engines before 25 wrote it: `<id>/layer.tar`, the config, `manifest.json`.
    pub(crate) fn docker_archive(&self, reference: &str) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut put = |name: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_ustar();
            header.set_mode(0o644);
            header.set_size(bytes.len() as u64);
            archive.append_data(&mut header, name, bytes).unwrap();
        };
        let mut names = Vec::new();
        for (number, tar) in self.layers.iter().enumerate() {
            let id = digest(format!("{number} {}", digest(tar)).as_bytes())["sha256:".len()..].to_owned();
            put(&format!("{id}/VERSION"), b"1.0");
            put(&format!("{id}/json"), &bytes(&json!({"id": id})));
            put(&format!("{id}/layer.tar"), tar);
            names.push(format!("{id}/layer.tar"));
        }
        let config = bytes(&self.config);
        let config_name = format!("{}.json", &digest(&config)["sha256:".len()..]);
        put(&config_name, &config);
        put(
            "manifest.json",
            &bytes(&json!([{"Config": config_name, "RepoTags": [reference], "Layers": names}])),
        );
        archive.into_inner().unwrap()
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

/// Every layer of an OCI layout's image, decompressed, base first. `tag` may be left out where there is one image.
pub(crate) fn layout_layers(dir: &Path, tag: Option<&str>, platform: &str) -> Vec<Vec<u8>> {
    let blob = |digest: &Value| {
        fs::read(dir.join("blobs").join(digest.as_str().unwrap().replace(':', "/"))).unwrap()
    };
    let index: Value = serde_json::from_slice(&fs::read(dir.join("index.json")).unwrap()).unwrap();
    let manifest = manifest(&index, tag, platform, &blob);
    manifest["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| decode(blob(&layer["digest"])))
        .collect()
}

fn manifest(index: &Value, tag: Option<&str>, platform: &str, blob: &dyn Fn(&Value) -> Vec<u8>) -> Value {
    let named = |row: &&Value| {
        let name = row["annotations"]["org.opencontainers.image.ref.name"].as_str();
        let of = &row["platform"];
        let runs_on =
            of.is_null() || format!("{}/{}", text(&of["os"]), text(&of["architecture"])) == platform;
        tag.is_none_or(|tag| name == Some(tag)) && runs_on
    };
    let rows = index["manifests"].as_array().unwrap();
    let row = match rows.as_slice() {
        [only] => only,
        several => several.iter().find(named).expect("an image of that name"),
    };
    let found: Value = serde_json::from_slice(&blob(&row["digest"])).unwrap();
    if found["manifests"].is_array() {
        self::manifest(&found, None, platform, blob)
    } else {
        found
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The manifest of the last image of a layout.
pub(crate) fn layout_manifest(dir: &Path) -> Value {
    let index: Value = serde_json::from_slice(&fs::read(dir.join("index.json")).unwrap()).unwrap();
    let last = index["manifests"].as_array().unwrap().last().unwrap();
    layout_document(dir, last)
}

/// The config of the last image of a layout.
pub(crate) fn layout_config(dir: &Path) -> Value {
    layout_document(dir, &layout_manifest(dir)["config"])
}

/// Puts another manifest into a layout of one image.
pub(crate) fn replace_manifest(dir: &Path, manifest: &Value) {
    let path = dir.join("index.json");
    let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let raw = bytes(manifest);
    fs::write(dir.join("blobs").join(digest(&raw).replace(':', "/")), &raw).unwrap();
    index["manifests"][0]["digest"] = digest(&raw).into();
    index["manifests"][0]["size"] = raw.len().into();
    fs::write(path, bytes(&index)).unwrap();
}

fn layout_document(dir: &Path, descriptor: &Value) -> Value {
    let digest = descriptor["digest"].as_str().unwrap().replace(':', "/");
    serde_json::from_slice(&fs::read(dir.join("blobs").join(digest)).unwrap()).unwrap()
}

/// Every layer of the first image of a `docker save` archive, decompressed, base first.
pub(crate) fn archive_layers(archive: &[u8]) -> Vec<Vec<u8>> {
    let files = unpack(decode(archive.to_vec()).as_slice());
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    let names = manifest[0]["Layers"].as_array().unwrap();
    names
        .iter()
        .map(|name| decode(files[name.as_str().unwrap()].clone()))
        .collect()
}

/// Unpacks an OCI archive into a layout directory.
pub(crate) fn unpack_layout(archive: &Path, dir: PathBuf) -> PathBuf {
    tar::Archive::new(File::open(archive).unwrap())
        .unpack(&dir)
        .unwrap();
    dir
}

/// The regular files of a tar by name; a symlink has the bytes of what it points to, as old engines meant it.
fn unpack(tar: &[u8]) -> std::collections::BTreeMap<String, Vec<u8>> {
    let (mut files, mut links) = (std::collections::BTreeMap::new(), Vec::new());
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let name = name.trim_start_matches("./").to_owned();
        if let Some(target) = entry.link_name_bytes() {
            links.push((name, String::from_utf8(target.into_owned()).unwrap()));
        } else {
            let mut body = Vec::new();
            entry.read_to_end(&mut body).unwrap();
            files.insert(name, body);
        }
    }
    for (name, target) in links {
        let body = files[target.trim_start_matches("../")].clone();
        files.insert(name, body);
    }
    files
}

/// Decompresses what its first bytes say; all members and frames.
pub(crate) fn decode(bytes: Vec<u8>) -> Vec<u8> {
    let mut decoded = Vec::new();
    match bytes.as_slice() {
        [0x1f, 0x8b, ..] => MultiGzDecoder::new(bytes.as_slice())
            .read_to_end(&mut decoded)
            .unwrap(),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            zstd::Decoder::new(bytes.as_slice())
                .unwrap()
                .read_to_end(&mut decoded)
                .unwrap()
        }
        _ => return bytes,
    };
    decoded
}
