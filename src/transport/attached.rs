//! What speaks of an image from outside it: signatures, attestations and other referrers.
//!
//! A module of its own because none of it is part of an image: it is looked for to be listed when the image that it speaks
//! of has become another one (rule 20), and for what slim attached itself (rule 21). Whatever goes wrong on the way,
//! nothing is found.
//! Spec: distribution-spec "Listing Referrers", "Referrers Tag Schema".

use std::io::Read;
use std::sync::Arc;

use super::oci_entries::REF_NAME;
use super::oci_resolve::{Files, INDEX, blob_name, document};
use crate::image::{Dropped, Index};
use crate::oci::{Descriptor, Digest, Hasher};

/// Manifests of a layout that are looked into, at most.
const MAX_LOOKED_INTO: usize = 500;
/// Bytes of a document that slim attached, at most: a list of a million paths is smaller.
pub(super) const MAX_DOCUMENT: u64 = 256 << 20;
/// The annotation of an index entry that names the manifest it speaks of.
const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";

/// Finds what a medium attaches to a manifest.
pub(super) trait Find: Send + Sync {
    /// The digests of what is attached to `subject`.
    fn find(&self, subject: &Digest) -> Vec<Digest>;

    /// The bytes of a blob, unverified; `None` where there is none of at most [`MAX_DOCUMENT`] bytes.
    fn blob(&self, digest: &Digest) -> Option<Vec<u8>>;
}

/// A way to what is attached to the images of a source.
#[derive(Clone, Default)]
pub struct Attached {
    /// What stands beside the image in its index.
    beside: Vec<Descriptor>,
    find: Option<Arc<dyn Find>>,
}

impl Attached {
    /// What `find` finds, and those of `beside`, rows of an index, that speak of the image.
    pub(super) fn new(beside: Vec<Descriptor>, find: Arc<dyn Find>) -> Self {
        Self {
            beside,
            find: Some(find),
        }
    }

    /// A document that the image names by its digest, verified. Reads the medium.
    pub fn document(&self, digest: &Digest) -> Option<Vec<u8>> {
        let bytes = self.find.as_ref()?.blob(digest)?;
        let mut hasher = Hasher::new(digest.algorithm());
        hasher.update(&bytes);
        (hasher.finish() == *digest).then_some(bytes)
    }

    /// Everything that is attached to one of `subjects`, each once. Reads the medium.
    pub fn to(&self, subjects: &[Digest]) -> Vec<Dropped> {
        let mut out: Vec<Dropped> = Vec::new();
        for subject in subjects {
            let is_noted = |row: &&Descriptor| row.annotation(REFERENCE_DIGEST) == Some(&subject.to_string());
            let beside = self.beside.iter().filter(is_noted).map(|row| row.digest.clone());
            let found = self.find.as_ref().map(|find| find.find(subject));
            for digest in beside.chain(found.into_iter().flatten()) {
                if !out.iter().any(|one| one.digest == digest) && !subjects.contains(&digest) {
                    let subject = subject.clone();
                    out.push(Dropped { digest, subject });
                }
            }
        }
        out
    }
}

impl std::fmt::Debug for Attached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attached")
            .field("beside", &self.beside)
            .finish_non_exhaustive()
    }
}

/// The tag under which registries without the referrers API keep them, and cosign its own: `sha256-HEX`.
pub(super) fn fallback_tag(subject: &Digest) -> String {
    format!("{}-{}", subject.algorithm().as_str(), subject.hex())
}

/// What an OCI layout attaches: by the tags of `index.json`, and by the `subject` of what it lists.
pub(super) struct OfLayout(pub(super) Arc<dyn Files>);

impl Find for OfLayout {
    fn find(&self, subject: &Digest) -> Vec<Digest> {
        let Some(index) = self.index(INDEX) else {
            return Vec::new();
        };
        let tag = fallback_tag(subject);
        let mut out = Vec::new();
        for (at, row) in index.manifests().iter().enumerate() {
            let rest = row.annotation(REF_NAME).and_then(|name| name.strip_prefix(&tag));
            match rest {
                Some("") if row.media_type.is_index() => {
                    let listed = self.index(&blob_name(&row.digest));
                    out.extend(
                        listed
                            .iter()
                            .flat_map(Index::manifests)
                            .map(|row| row.digest.clone()),
                    );
                }
                Some("") => out.push(row.digest.clone()),
                Some(rest) if rest.starts_with('.') => out.push(row.digest.clone()),
                _ if at < MAX_LOOKED_INTO && self.speaks_of(row, subject) => out.push(row.digest.clone()),
                _ => {}
            }
        }
        out
    }

    fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        let file = self.0.open(&blob_name(digest)).ok()??;
        let mut bytes = Vec::new();
        file.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes).ok()?;
        (bytes.len() as u64 <= MAX_DOCUMENT).then_some(bytes)
    }
}

impl OfLayout {
    fn index(&self, name: &str) -> Option<Index> {
        let raw = document(&*self.0, name).ok()??;
        Index::parse(&raw, name).ok()
    }

    fn speaks_of(&self, row: &Descriptor, subject: &Digest) -> bool {
        if row.size > self.0.limits().document || !(row.media_type.is_manifest() || row.media_type.is_index())
        {
            return false;
        }
        let raw = document(&*self.0, &blob_name(&row.digest)).ok().flatten();
        let value = raw.and_then(|raw| serde_json::from_slice::<serde_json::Value>(&raw).ok());
        let named = value
            .as_ref()
            .and_then(|value| value.pointer("/subject/digest")?.as_str());
        named == Some(&subject.to_string())
    }
}
