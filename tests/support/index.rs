//! Indexes on disk, row by row: images from recipes, and what stands beside them.
//!
//! A module of its own because an index is more than one recipe. Like `medium` it shares no code with the program.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::medium::gzip;
use super::recipe::{Recipe, digest};

pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const NAME: &str = "org.opencontainers.image.ref.name";

/// An OCI layout that grows.
pub(crate) struct Layout {
    dir: PathBuf,
    named: Vec<Value>,
}

impl Layout {
    pub(crate) fn new(dir: PathBuf) -> Self {
        fs::create_dir_all(dir.join("blobs/sha256")).unwrap();
        fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Self {
            dir,
            named: Vec::new(),
        }
    }

    /// Stores a blob and gives its descriptor.
    pub(crate) fn put(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = digest(bytes);
        fs::write(self.dir.join("blobs").join(digest.replace(':', "/")), bytes).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// An image: its row, with the platform of its config.
    pub(crate) fn image(&self, recipe: &Recipe) -> Value {
        let layer = "application/vnd.oci.image.layer.v1.tar+gzip";
        let layers: Vec<_> = recipe
            .layers
            .iter()
            .map(|tar| self.put(layer, &gzip(tar)))
            .collect();
        let config = self.put("application/vnd.oci.image.config.v1+json", &bytes(&recipe.config));
        let manifest =
            json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers});
        let mut row = self.put(OCI_MANIFEST, &bytes(&manifest));
        row["platform"] = json!({"architecture": recipe.config["architecture"], "os": "linux"});
        if let Some(variant) = recipe.config.get("variant") {
            row["platform"]["variant"] = variant.clone();
        }
        row
    }

    /// An attestation of `subject` as `BuildKit` makes it.
    pub(crate) fn attestation(&self, subject: &Value) -> Value {
        let statement = json!({"_type": "https://in-toto.io/Statement/v0.1", "subject": subject["digest"]});
        let layer = self.put("application/vnd.in-toto+json", &bytes(&statement));
        let config = json!({"architecture": "unknown", "os": "unknown", "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}});
        let config = self.put("application/vnd.oci.image.config.v1+json", &bytes(&config));
        let manifest =
            json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": [layer]});
        let mut row = self.put(OCI_MANIFEST, &bytes(&manifest));
        row["annotations"] = json!({
            "vnd.docker.reference.digest": subject["digest"], "vnd.docker.reference.type": "attestation-manifest"});
        row["platform"] = json!({"architecture": "unknown", "os": "unknown"});
        row
    }

    /// An artifact whose manifest names its `subject`.
    pub(crate) fn artifact(&self, subject: &Value) -> Value {
        let empty = self.put("application/vnd.oci.empty.v1+json", b"{}");
        let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/x-note",
            "config": empty, "layers": [empty],
            "subject": {"mediaType": OCI_MANIFEST, "digest": subject["digest"], "size": subject["size"]}});
        self.put(OCI_MANIFEST, &bytes(&manifest))
    }

    /// An index of these rows, with more keys.
    pub(crate) fn index(&self, rows: &[Value], more: &Value) -> Value {
        let mut index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": rows});
        for (key, value) in more.as_object().expect("a JSON object") {
            index[key] = value.clone();
        }
        self.put(OCI_INDEX, &bytes(&index))
    }

    /// Everything that another layout holds, and the row of its only image.
    pub(crate) fn adopt(&self, other: &Path) -> Value {
        for blob in fs::read_dir(other.join("blobs/sha256"))
            .unwrap()
            .map(Result::unwrap)
        {
            fs::copy(blob.path(), self.dir.join("blobs/sha256").join(blob.file_name())).unwrap();
        }
        let mut row = rows(&read(&other.join("index.json")))[0].clone();
        row.as_object_mut().unwrap().remove("annotations");
        row
    }

    /// Gives what `row` points at a tag in `index.json`.
    pub(crate) fn tag(&mut self, row: &Value, tag: &str) {
        let mut row = row.clone();
        row["annotations"] = json!({NAME: tag});
        self.named.push(row);
        self.list(&self.named);
    }

    /// Writes an `index.json` of these rows.
    pub(crate) fn list(&self, rows: &[Value]) {
        let index = json!({"schemaVersion": 2, "manifests": rows});
        fs::write(self.dir.join("index.json"), bytes(&index)).unwrap();
    }
}

/// The document that `tag` names in a layout, and its bytes' digest.
pub(crate) fn tagged(dir: &Path, tag: &str) -> (Value, String) {
    let index = read(&dir.join("index.json"));
    let row = rows(&index)
        .into_iter()
        .find(|row| row["annotations"][NAME] == tag)
        .unwrap_or_else(|| panic!("no {tag} in {index:#}"));
    let digest = row["digest"].as_str().unwrap().to_owned();
    (blob(dir, &row), digest)
}

/// The document that a row of a layout points at. Its digest is checked.
#[track_caller]
pub(crate) fn blob(dir: &Path, row: &Value) -> Value {
    let name = row["digest"].as_str().unwrap();
    let raw = fs::read(dir.join("blobs").join(name.replace(':', "/"))).unwrap();
    assert_eq!(digest(&raw), name);
    assert_eq!(row["size"], raw.len(), "{name}");
    serde_json::from_slice(&raw).unwrap()
}

/// The rows of an index.
pub(crate) fn rows(index: &Value) -> Vec<Value> {
    index["manifests"].as_array().unwrap().clone()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}
