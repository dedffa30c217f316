//! A registry as a source: an index is walked, one image is chosen, its blobs are opened on demand.
//!
//! A module of its own because it is the only part that knows what documents mean; the client only moves
//! bytes. What is walked is bounded, for a registry may be hostile.

use std::collections::{HashSet, VecDeque};
use std::io::{self, Read};
use std::sync::Arc;

use super::attached::OfRepository;
use super::error::RegistryError;
use super::{Client, Fetched};
use crate::image::{BlobRef, Config, Image, ImageError, ImageName, Index, Manifest, OpenBlob};
use crate::oci::{Descriptor, Digest, MediaType, Platform, Reference};
use crate::transport::attached::Attached;
use crate::transport::choose::{Candidate, check, choose};
use crate::transport::tree::{Documents, Root, tree};
use crate::transport::{TransportError, Whole};

/// How deep indexes may be nested.
const MAX_DEPTH: usize = 16;
/// How many nested indexes are fetched.
const MAX_INDEXES: usize = 64;

/// What a reference names: an image, or an index of several.
#[derive(Debug, Clone)]
pub struct Source {
    client: Client,
    reference: Reference,
    root: Fetched,
    index: Option<Index>,
    candidates: Vec<Candidate>,
}

/// One image of a registry.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The image.
    pub image: Image,
    /// How many other images stand beside it in the index.
    pub others: usize,
    /// The way to what speaks of it.
    pub attached: Attached,
}

/// The image that `reference` names: for `platform` where one is asked for, else the only one, else the
/// one for this machine.
pub fn open(
    reference: &Reference,
    platform: Option<&Platform>,
    client: &Client,
) -> Result<Opened, RegistryError> {
    let source = Source::find(reference, client)?;
    let wrong = |source| RegistryError::Choose {
        reference: reference.to_string(),
        source,
    };
    let choice = choose(&source.candidates, platform).map_err(wrong)?;
    let image = source.image(choice.candidate)?;
    if choice.candidate.platform.is_none() {
        check(&image.platform(), platform).map_err(wrong)?;
    }
    let others = choice.others;
    let beside = source.candidates.iter().map(|one| one.descriptor.clone());
    Ok(Opened {
        image,
        others,
        attached: attached(reference, client, beside.collect()),
    })
}

/// What `reference` names, whole: an image, or an index with everything that it lists.
pub fn open_whole(reference: &Reference, client: &Client) -> Result<Whole, TransportError> {
    let fetched = client.manifest(reference, &reference.identifier())?;
    let index = as_index(&fetched)?;
    let documents = InRepository {
        client,
        reference,
        name: name(reference),
    };
    let root = if let Some(index) = index {
        Root::Index(Box::new(tree(&documents, index)?))
    } else {
        let manifest = Manifest::parse(fetched.bytes, fetched.media_type.as_ref())?;
        Root::Image(Box::new(documents.image(manifest)?))
    };
    let attached = attached(reference, client, root.beside());
    Ok(Whole { root, attached })
}

/// The way to what is attached to images of a repository; `beside` are rows of an index.
pub fn attached(reference: &Reference, client: &Client, beside: Vec<Descriptor>) -> Attached {
    let find = OfRepository {
        client: client.clone(),
        reference: reference.clone(),
    };
    Attached::new(beside, Arc::new(find))
}

fn name(reference: &Reference) -> ImageName {
    ImageName {
        transport: "docker",
        reference: format!("docker://{reference}"),
    }
}

/// The documents of a repository.
struct InRepository<'a> {
    client: &'a Client,
    reference: &'a Reference,
    name: ImageName,
}

impl Documents for InRepository<'_> {
    fn name(&self) -> &ImageName {
        &self.name
    }

    fn fetch(&self, entry: &Descriptor) -> Result<Vec<u8>, TransportError> {
        let fetched = self.client.manifest(self.reference, &entry.digest.to_string())?;
        Ok(fetched.bytes)
    }

    fn image(&self, manifest: Manifest) -> Result<Image, TransportError> {
        let config = self.client.document(self.reference, manifest.config())?;
        let config = Config::parse(config)?;
        Ok(Image::from_manifest(
            self.name.clone(),
            manifest,
            config,
            self.blobs(),
        )?)
    }

    fn blobs(&self) -> Arc<dyn OpenBlob> {
        Arc::new(Blobs {
            client: self.client.clone(),
            reference: self.reference.clone(),
        })
    }
}

impl Source {
    /// Fetches what `reference` names and walks its indexes; no image is fetched yet.
    pub fn find(reference: &Reference, client: &Client) -> Result<Self, RegistryError> {
        let root = client.manifest(reference, &reference.identifier())?;
        let index = as_index(&root)?;
        let candidates = match &index {
            Some(index) => walk(index, reference, client)?,
            None => vec![Candidate {
                descriptor: descriptor_of(&root)?,
                platform: None,
            }],
        };
        Ok(Self {
            client: client.clone(),
            reference: reference.clone(),
            root,
            index,
            candidates,
        })
    }

    /// Every manifest, in the order of the index; those of nested indexes where the nested index stands.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The index, where the reference names one.
    pub fn index(&self) -> Option<&Index> {
        self.index.as_ref()
    }

    /// What the reference itself names, as stored: the index, or the manifest.
    pub fn root(&self) -> &Fetched {
        &self.root
    }

    /// Fetches the documents of one image. Its blobs stay where they are until they are opened.
    pub fn image(&self, candidate: &Candidate) -> Result<Image, RegistryError> {
        let fetched = if candidate.descriptor.digest == self.root.digest {
            self.root.clone()
        } else {
            let digest = candidate.descriptor.digest.to_string();
            self.client.manifest(&self.reference, &digest)?
        };
        let listed = Some(candidate.descriptor.media_type.clone()).filter(MediaType::is_manifest);
        let claimed = listed.or(fetched.media_type);
        let manifest = Manifest::parse(fetched.bytes, claimed.as_ref())?;
        let config = Config::parse(self.client.document(&self.reference, manifest.config())?)?;
        let name = name(&self.reference);
        let blobs = Blobs {
            client: self.client.clone(),
            reference: self.reference.clone(),
        };
        Ok(Image::from_manifest(name, manifest, config, Arc::new(blobs))?)
    }
}

/// The blobs of a repository.
struct Blobs {
    client: Client,
    reference: Reference,
}

impl OpenBlob for Blobs {
    fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
        let failed = |source| ImageError::Read {
            what: format!("layer {}", blob.label()),
            source,
        };
        match blob {
            BlobRef::Stored(descriptor) => self
                .client
                .blob(&self.reference, descriptor)
                .map_err(|e| failed(io::Error::other(e))),
            BlobRef::Member(_) => Err(failed(io::ErrorKind::Unsupported.into())),
        }
    }
}

/// The leaves of an index, depth first; every nested index once.
fn walk(root: &Index, reference: &Reference, client: &Client) -> Result<Vec<Candidate>, RegistryError> {
    let mut candidates = Vec::new();
    let mut seen: HashSet<Digest> = HashSet::new();
    let mut queue: VecDeque<_> = root.manifests().iter().map(|entry| (1, entry.clone())).collect();
    while let Some((depth, entry)) = queue.pop_front() {
        if !entry.media_type.is_index() {
            candidates.push(Candidate::new(entry));
            continue;
        }
        if !seen.insert(entry.digest.clone()) {
            continue;
        }
        let what = format!("index {} of {}", entry.digest, reference.name());
        let limit = |reason: String| RegistryError::Nested {
            what: what.clone(),
            reason,
        };
        if depth >= MAX_DEPTH {
            return Err(limit(format!("indexes are nested more than {MAX_DEPTH} deep")));
        }
        if seen.len() > MAX_INDEXES {
            return Err(limit(format!("more than {MAX_INDEXES} nested indexes")));
        }
        let fetched = client.manifest(reference, &entry.digest.to_string())?;
        let nested = Index::parse(&fetched.bytes, &what)?;
        for child in nested.manifests().iter().rev() {
            queue.push_front((depth + 1, child.clone()));
        }
    }
    Ok(candidates)
}

/// The index that a document is: by its own word, else by the registry's, else by its shape.
fn as_index(fetched: &Fetched) -> Result<Option<Index>, RegistryError> {
    let what = format!("manifest {}", fetched.digest);
    let value: serde_json::Value =
        serde_json::from_slice(&fetched.bytes).map_err(|e| ImageError::BadDocument {
            what: what.clone(),
            reason: e.to_string(),
        })?;
    let own = value
        .get("mediaType")
        .and_then(serde_json::Value::as_str)
        .map(MediaType::from);
    let claimed = own.as_ref().or(fetched.media_type.as_ref());
    let is_index = match claimed {
        Some(media_type) if media_type.is_index() => true,
        Some(media_type) if media_type.is_manifest() => false,
        _ => value.get("manifests").is_some(),
    };
    let index = is_index.then(|| Index::parse(&fetched.bytes, &format!("index {}", fetched.digest)));
    let index = index.transpose()?;
    Ok(index.map(|index| index.or_claimed(fetched.media_type.as_ref())))
}

fn descriptor_of(fetched: &Fetched) -> Result<Descriptor, RegistryError> {
    let manifest = Manifest::parse(fetched.bytes.clone(), fetched.media_type.as_ref())?;
    Ok(manifest.descriptor())
}
