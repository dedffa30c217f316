//! What a registry attaches to a manifest: the referrers API, its fallback tag, cosign's tags.
//!
//! A module of its own because it is no part of reading an image: it asks little, tries once, and finds
//! nothing where anything goes wrong. Spec: distribution-spec "Listing Referrers", "Referrers Tag Schema".

use std::io::Read;

use ureq::http::{StatusCode, header};

use super::patience::Patience;
use super::wire::read_all;
use super::{Call, Client};
use crate::image::Index;
use crate::oci::{Descriptor, Digest, MediaType, Reference};
use crate::transport::attached::{Find, MAX_DOCUMENT, fallback_tag};

/// What cosign puts behind the fallback tag.
const COSIGN: [&str; 3] = [".sig", ".att", ".sbom"];

/// The referrers of a repository.
pub(super) struct OfRepository {
    pub(super) client: Client,
    pub(super) reference: Reference,
}

impl Find for OfRepository {
    fn find(&self, subject: &Digest) -> Vec<Digest> {
        let tag = fallback_tag(subject);
        let mut out = self
            .listed(&format!("referrers/{subject}"))
            .or_else(|| self.listed(&format!("manifests/{tag}")))
            .unwrap_or_default();
        let signed = COSIGN.iter().filter_map(|end| {
            let raw = self.get(&format!("manifests/{tag}{end}"))?;
            Some(Digest::of(&raw))
        });
        out.extend(signed);
        out
    }

    fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        let size = self.client.has_blob(&self.reference, digest).ok()??;
        if size > MAX_DOCUMENT {
            return None;
        }
        let descriptor = Descriptor::new("application/octet-stream", digest.clone(), size);
        let mut bytes = Vec::new();
        let mut reader = self.client.blob(&self.reference, &descriptor).ok()?;
        reader.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}

impl OfRepository {
    /// What the index at `path` lists; `None` where there is none.
    fn listed(&self, path: &str) -> Option<Vec<Digest>> {
        let raw = self.get(path)?;
        let index = Index::parse(&raw, path).ok()?;
        Some(index.manifests().iter().map(|row| row.digest.clone()).collect())
    }

    fn get(&self, path: &str) -> Option<Vec<u8>> {
        let accept = [
            MediaType::OCI_INDEX,
            MediaType::OCI_MANIFEST,
            MediaType::DOCKER_MANIFEST,
        ];
        let call = Call {
            headers: vec![(header::ACCEPT, accept.join(", "))],
            patience: Patience::Once,
            ..Call::get(&self.reference, path.to_owned())
        };
        let (answer, _) = self.client.call(&call).ok()?;
        if answer.status() != StatusCode::OK {
            return None;
        }
        read_all(answer, self.client.0.limits.document, path).ok()
    }
}
