//! What is attached to a manifest goes up, and is listed there.
//!
//! A module of its own because most registries list by themselves what refers to what; for those that do not, who sends a
//! manifest with a `subject` keeps the list under a tag. Spec: distribution-spec "Pushing Manifests with Subject",
//! "Referrers Tag Schema".

use serde_json::{Value, json};

use super::error::RegistryError;
use super::{Client, Put};
use crate::image::{Artifact, Index, Manifest};
use crate::oci::{MediaType, Reference};
use crate::transport::attached::fallback_tag;

impl Client {
    /// Sends the manifests of what is attached to an image, whose blobs are there.
    pub(super) fn attach(&self, target: &Reference, artifacts: &[Artifact]) -> Result<(), RegistryError> {
        for artifact in artifacts {
            let manifest = Manifest::parse(artifact.manifest().to_vec(), None)?;
            let id = manifest.digest().to_string();
            let put = self.put(target, &id, manifest.media_type(), manifest.raw())?;
            self.refer(target, &manifest, &put)?;
        }
        Ok(())
    }

    /// Lists a manifest among the referrers of its subject, where it has one and the registry does not do so itself.
    ///
    /// The list is read and written again: who writes at the same moment may be lost from it, as the specification says.
    pub(super) fn refer(
        &self,
        target: &Reference,
        manifest: &Manifest,
        put: &Put,
    ) -> Result<(), RegistryError> {
        let Some(subject) = manifest.subject().filter(|_| !put.lists_subject) else {
            return Ok(());
        };
        let tag = fallback_tag(&subject.digest);
        let mut index = match self.manifest(target, &tag) {
            Ok(found) => Index::parse(&found.bytes, &tag)?.value().clone(),
            Err(RegistryError::NotFound { .. }) => empty(),
            Err(error) => return Err(error),
        };
        let row = manifest.referrer();
        let digest = row.digest.to_string();
        let rows = index.get_mut("manifests").and_then(Value::as_array_mut);
        let Some(rows) = rows.filter(|rows| rows.iter().all(|row| row["digest"] != digest.as_str())) else {
            return Ok(());
        };
        rows.push(json!(row));
        let bytes = index.to_string();
        self.put_manifest(target, &tag, &MediaType::OCI_INDEX.into(), bytes.as_bytes())
            .map(drop)
    }
}

fn empty() -> Value {
    json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": []})
}
