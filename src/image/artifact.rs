//! A small document that is attached to an image: one blob, and the manifest that says whose it is.
//!
//! A module of its own because an artifact is no image: it has no layers to unpack. Where it is kept is for the medium.
//! Spec: image-spec `manifest.md`, "Guidelines for Artifact Usage".

use serde_json::json;

use super::Manifest;
use crate::oci::{Descriptor, Digest, MediaType};

/// The config of what has none.
const EMPTY: &[u8] = b"{}";
/// The annotation of a blob that gives a file its name where it is pulled.
const TITLE: &str = "org.opencontainers.image.title";
/// The annotation that says when something was made, RFC 3339.
const CREATED: &str = "org.opencontainers.image.created";

/// A document attached to an image.
#[derive(Debug, Clone)]
pub struct Artifact {
    manifest: Vec<u8>,
    kind: &'static str,
    blob: Vec<u8>,
}

impl Artifact {
    /// Attaches `blob`, a document of the media type `kind`, to the image of `subject`. `name` is what a file of it is
    /// called; `created` is a time, RFC 3339.
    pub fn new(
        kind: &'static str,
        name: &str,
        blob: Vec<u8>,
        subject: &Manifest,
        created: Option<&str>,
    ) -> Self {
        let config = Descriptor::new(MediaType::EMPTY, Digest::of(EMPTY), EMPTY.len() as u64);
        let mut content = Descriptor::new(kind, Digest::of(&blob), blob.len() as u64);
        content.annotations = Some([(TITLE.to_owned(), name.to_owned())].into());
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": MediaType::OCI_MANIFEST,
            "artifactType": kind,
            "config": config,
            "layers": [content],
            "subject": subject.descriptor(),
        });
        if let Some(created) = created {
            manifest["annotations"] = json!({ CREATED: created });
        }
        Self {
            // A `Value` has only string keys and finite numbers: writing it into memory cannot fail.
            manifest: serde_json::to_vec(&manifest).unwrap_or_default(),
            kind,
            blob,
        }
    }

    /// The manifest's bytes.
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// What the manifest points at: each blob with its descriptor.
    pub fn blobs(&self) -> [(Descriptor, &[u8]); 2] {
        let of = |kind: &str, bytes: &'_ [u8]| Descriptor::new(kind, Digest::of(bytes), bytes.len() as u64);
        [
            (of(MediaType::EMPTY, EMPTY), EMPTY),
            (of(self.kind, &self.blob), &self.blob),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_of_one_document_names_its_subject() {
        let subject = br#"{"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;
        let subject = Manifest::parse(subject.to_vec(), None).unwrap();
        let artifact = Artifact::new(
            "a/b",
            "a.json",
            b"[]".to_vec(),
            &subject,
            Some("1970-01-01T00:00:00Z"),
        );
        let manifest = Manifest::parse(artifact.manifest().to_vec(), None).unwrap();
        assert_eq!(manifest.subject(), Some(subject.descriptor()));
        assert_eq!(manifest.artifact_type(), Some("a/b"));
        assert_eq!(manifest.annotation(CREATED), Some("1970-01-01T00:00:00Z"));
        let listed = manifest.referrer();
        assert_eq!(listed.extra["artifactType"], "a/b");
        assert_eq!(listed.annotation(CREATED), Some("1970-01-01T00:00:00Z"));
        let pointed: Vec<Digest> = [manifest.config(), &manifest.layers()[0]]
            .map(|one| one.digest.clone())
            .into();
        let held = artifact.blobs().map(|(descriptor, bytes)| {
            assert_eq!(
                (Digest::of(bytes), bytes.len() as u64),
                (descriptor.digest.clone(), descriptor.size)
            );
            descriptor.digest
        });
        assert_eq!(pointed, held);
    }
}
