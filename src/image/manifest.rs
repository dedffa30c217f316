//! Image manifests of both families: raw bytes beside the parsed keys.
//!
//! Spec: image-spec `manifest.md`; Docker's v2 schema 2.

use serde_json::Value;

use super::ImageError;
use crate::oci::{Descriptor, Digest, Family, MediaType};

/// An image manifest beside its bytes.
#[derive(Debug, Clone)]
pub struct Manifest {
    raw: Vec<u8>,
    value: Value,
    digest: Digest,
    media_type: MediaType,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

impl Manifest {
    /// Parses `raw`; `claimed` is the media type that pointed here or came with it, which counts where
    /// the document names none itself.
    pub fn parse(raw: Vec<u8>, claimed: Option<&MediaType>) -> Result<Self, ImageError> {
        let digest = Digest::of(&raw);
        let what = format!("manifest {digest}");
        let value = object(&raw, &what)?;
        if value.get("schemaVersion").and_then(Value::as_u64) == Some(1) {
            let hint = "; push it again with a current tool".to_owned();
            return Err(ImageError::Unsupported {
                what,
                kind: "a Docker schema 1 manifest".to_owned(),
                hint,
            });
        }
        let bad = |reason: String| ImageError::BadDocument {
            what: what.clone(),
            reason,
        };
        let config: Descriptor = match value.get("config") {
            Some(config) => {
                serde_json::from_value(config.clone()).map_err(|e| bad(format!("config: {e}")))?
            }
            None => return Err(bad("config is missing".to_owned())),
        };
        let layers: Vec<Descriptor> = match value.get("layers") {
            None | Some(Value::Null) => Vec::new(),
            Some(list) => serde_json::from_value(list.clone()).map_err(|e| bad(format!("layers: {e}")))?,
        };
        let media_type = own_media_type(&value).or_else(|| claimed.cloned().filter(MediaType::is_manifest));
        let media_type = media_type.unwrap_or_else(|| match config.media_type.family() {
            Some(Family::Docker) => MediaType::DOCKER_MANIFEST.into(),
            _ => MediaType::OCI_MANIFEST.into(),
        });
        Ok(Self {
            raw,
            value,
            digest,
            media_type,
            config,
            layers,
        })
    }

    /// The bytes as stored.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The JSON value, every key in order.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Hash of the bytes as stored.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The media type.
    pub fn media_type(&self) -> &MediaType {
        &self.media_type
    }

    /// The family: Docker only where the media type says so.
    pub fn family(&self) -> Family {
        self.media_type.family().unwrap_or(Family::Oci)
    }

    /// The config's descriptor.
    pub fn config(&self) -> &Descriptor {
        &self.config
    }

    /// The layers' descriptors, base first.
    pub fn layers(&self) -> &[Descriptor] {
        &self.layers
    }

    /// A descriptor of this manifest.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(
            self.media_type.clone(),
            self.digest.clone(),
            self.raw.len() as u64,
        )
    }

    /// What it is attached to (distribution-spec "Listing Referrers"); `None` for what stands for itself.
    pub fn subject(&self) -> Option<Descriptor> {
        serde_json::from_value(self.value.get("subject")?.clone()).ok()
    }

    /// What kind of artifact it says it is; `None` for a plain image.
    pub fn artifact_type(&self) -> Option<&str> {
        self.value.get("artifactType")?.as_str()
    }

    /// The annotation of the given name.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.value.get("annotations")?.get(name)?.as_str()
    }

    /// How an index lists it among what is attached to its subject: with its artifact type and its annotations, as the
    /// referrers API does.
    pub fn referrer(&self) -> Descriptor {
        let mut descriptor = self.descriptor();
        let kind = self.artifact_type().unwrap_or(self.config.media_type.as_str());
        descriptor.extra.insert("artifactType".to_owned(), kind.into());
        let annotations = self.value.get("annotations").cloned();
        descriptor.annotations = annotations.and_then(|all| serde_json::from_value(all).ok());
        descriptor
    }

    /// Refuses layers that slim cannot read, by name (rule 22): encrypted, unknown, artifacts.
    pub(super) fn check_layer_types(&self) -> Result<(), ImageError> {
        for layer in &self.layers {
            if layer.media_type.layer_compression().is_some() {
                continue;
            }
            let what = format!("layer {}", layer.digest);
            let (kind, hint) = if layer.media_type.as_str().contains("encrypted") {
                ("encrypted", "; decrypt it first".to_owned())
            } else {
                (
                    "of an unknown media type",
                    format!(" (`{}`)", layer.media_type.as_str().escape_debug()),
                )
            };
            return Err(ImageError::Unsupported {
                what,
                kind: kind.to_owned(),
                hint,
            });
        }
        Ok(())
    }
}

pub(super) fn object(raw: &[u8], what: &str) -> Result<Value, ImageError> {
    let bad = |reason: String| ImageError::BadDocument {
        what: what.to_owned(),
        reason,
    };
    let text = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    let value: Value = serde_json::from_slice(text).map_err(|e| bad(e.to_string()))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(bad("not a JSON object".to_owned()))
    }
}

pub(super) fn own_media_type(value: &Value) -> Option<MediaType> {
    value
        .get("mediaType")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(MediaType::from)
}
