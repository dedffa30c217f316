//! A registry as a sink: layers, then the config, then the manifest, and the tag moves last (rule 35).
//!
//! A module of its own because it knows the order and what need not be sent: a blob that is there, or
//! that another repository of the same registry can lend. It sends blobs as they are; verifying what is
//! sent is for who made the image (rule 34a), and the registry checks every digest.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Client;
use super::auth::Access;
use super::error::RegistryError;
use super::upload::{Mount, Open};
use crate::image::{Artifact, BlobRef, Image, ImageIndex, Layer, Manifest, Member, OpenBlob};
use crate::oci::{Descriptor, Digest, Reference};
use crate::progress::{Event, Progress, Stage};

/// Blobs sent at a time.
const PARALLEL: usize = 2;

/// What was sent.
#[derive(Debug)]
pub struct Sent {
    /// Hash of the manifest or the index.
    pub digest: Digest,
    /// Why what belongs to it could not be attached, where that is so: the image is there all the same.
    pub unattached: Option<RegistryError>,
}

/// Sends an image to `target` with what is attached to it.
///
/// The manifest goes last, to the tag; where `target` has only a digest (an image of an index) it goes there,
/// and the digest must be the image's. `lender` is a repository that the image came from: where it is of
/// the same registry, blobs are mounted from it instead of sent.
pub fn write(
    image: &Image,
    target: &Reference,
    client: &Client,
    lender: Option<&Reference>,
    progress: &Progress,
) -> Result<Sent, RegistryError> {
    let manifest = image
        .manifest
        .as_ref()
        .ok_or_else(|| RegistryError::NoManifest(image.name.reference.clone()))?;
    check_digests(image, manifest, target)?;
    let mut parcels = Parcels::default();
    parcels.image(image, manifest);
    Job::new(target, client, lender, progress).send_all(&parcels.list)?;
    let id = match &target.tag {
        Some(tag) => tag.clone(),
        None => manifest.digest().to_string(),
    };
    let unattached = client.attach(target, &image.artifacts).err();
    let put = client.put(target, &id, manifest.media_type(), manifest.raw())?;
    client.refer(target, manifest, &put)?;
    Ok(Sent {
        digest: put.digest,
        unattached,
    })
}

/// Sends an index with everything that it lists to `target`, and what is attached to its images.
///
/// All blobs go first, each once; then every manifest and nested index by digest, what points at another after
/// it; what is attached; the index itself goes last, to the tag as [`write()`] says it.
pub fn write_index(
    index: &ImageIndex,
    target: &Reference,
    client: &Client,
    lender: Option<&Reference>,
    progress: &Progress,
) -> Result<Sent, RegistryError> {
    for (_, image) in index.images() {
        let manifest = image
            .manifest
            .as_ref()
            .ok_or_else(|| RegistryError::NoManifest(image.name.reference.clone()))?;
        check_config(image, manifest)?;
    }
    check_target(&index.name.reference, index.digest(), target)?;
    let mut parcels = Parcels::default();
    parcels.index(index);
    Job::new(target, client, lender, progress).send_all(&parcels.list)?;
    put_members(index, target, client, &mut HashSet::new())?;
    let id = match &target.tag {
        Some(tag) => tag.clone(),
        None => index.digest().to_string(),
    };
    let document = &index.document;
    let images = index.images();
    let mut attached = images
        .iter()
        .map(|(_, image)| client.attach(target, &image.artifacts));
    let unattached = attached.find_map(Result::err);
    Ok(Sent {
        digest: client.put_manifest(target, &id, document.media_type(), document.raw())?,
        unattached,
    })
}

/// Every manifest that an index lists, by digest and each once.
fn put_members<'a>(
    index: &'a ImageIndex,
    target: &Reference,
    client: &Client,
    seen: &mut HashSet<&'a Digest>,
) -> Result<(), RegistryError> {
    for entry in &index.entries {
        let descriptor = &entry.descriptor;
        if !seen.insert(&descriptor.digest) {
            continue;
        }
        let media_type = match &entry.member {
            Member::Image(image) => image.manifest.as_ref().map(Manifest::media_type),
            Member::Index(nested) => {
                put_members(nested, target, client, seen)?;
                Some(nested.document.media_type())
            }
            Member::Other(_) => None,
        };
        let media_type = media_type.unwrap_or(&descriptor.media_type);
        let put = client.put(target, &descriptor.digest.to_string(), media_type, entry.raw())?;
        let manifest = match &entry.member {
            Member::Image(image) => image.manifest.as_ref(),
            Member::Index(_) | Member::Other(_) => None,
        };
        if let Some(manifest) = manifest {
            client.refer(target, manifest, &put)?;
        }
    }
    Ok(())
}

/// A blob to be sent, and where it is.
struct Parcel<'a> {
    descriptor: Descriptor,
    content: Content<'a>,
}

enum Content<'a> {
    Document(&'a [u8]),
    Stored(&'a dyn OpenBlob, BlobRef),
}

impl Parcel<'_> {
    fn open(&self) -> io::Result<Box<dyn io::Read + Send>> {
        match &self.content {
            Content::Document(bytes) => Ok(Box::new(io::Cursor::new(bytes.to_vec()))),
            Content::Stored(blobs, blob) => blobs.open(blob).map_err(io::Error::other),
        }
    }
}

/// Blobs, each once; a config after its layers, and what is attached after that.
#[derive(Default)]
struct Parcels<'a> {
    list: Vec<Parcel<'a>>,
    seen: HashSet<Digest>,
}

impl<'a> Parcels<'a> {
    fn index(&mut self, index: &'a ImageIndex) {
        for entry in &index.entries {
            match &entry.member {
                Member::Image(image) => {
                    if let Some(manifest) = &image.manifest {
                        self.image(image, manifest);
                    }
                }
                Member::Index(nested) => self.index(nested),
                Member::Other(other) => {
                    for blob in other.blobs() {
                        self.stored(blob, &**other.opener());
                    }
                }
            }
        }
    }

    fn image(&mut self, image: &'a Image, manifest: &Manifest) {
        for descriptor in image.layers.iter().filter_map(Layer::descriptor) {
            self.stored(descriptor, &**image.blobs());
        }
        let descriptor = manifest.config().clone();
        if self.seen.insert(descriptor.digest.clone()) {
            let content = Content::Document(image.config.raw());
            self.list.push(Parcel { descriptor, content });
        }
        for (descriptor, bytes) in image.artifacts.iter().flat_map(Artifact::blobs) {
            if self.seen.insert(descriptor.digest.clone()) {
                let content = Content::Document(bytes);
                self.list.push(Parcel { descriptor, content });
            }
        }
    }

    fn stored(&mut self, descriptor: &Descriptor, blobs: &'a dyn OpenBlob) {
        if !lives_elsewhere(descriptor) && self.seen.insert(descriptor.digest.clone()) {
            let content = Content::Stored(blobs, BlobRef::Stored(Box::new(descriptor.clone())));
            let descriptor = descriptor.clone();
            self.list.push(Parcel { descriptor, content });
        }
    }
}

/// What is sent must be what it says, before the first byte goes.
fn check_digests(image: &Image, manifest: &Manifest, target: &Reference) -> Result<(), RegistryError> {
    check_config(image, manifest)?;
    check_target(&image.name.reference, manifest.digest(), target)
}

fn check_config(image: &Image, manifest: &Manifest) -> Result<(), RegistryError> {
    let (expected, found) = (&manifest.config().digest, Digest::of(image.config.raw()));
    if expected.algorithm() == found.algorithm() && *expected != found {
        return Err(RegistryError::DigestMismatch {
            what: format!("config of {}", image.name.reference),
            expected: expected.clone(),
            found,
        });
    }
    Ok(())
}

/// A target with a digest takes nothing else.
fn check_target(what: &str, found: &Digest, target: &Reference) -> Result<(), RegistryError> {
    match &target.digest {
        Some(wanted) if wanted.algorithm() == found.algorithm() && wanted != found => {
            Err(RegistryError::DigestMismatch {
                what: what.to_owned(),
                expected: wanted.clone(),
                found: found.clone(),
            })
        }
        _ => Ok(()),
    }
}

struct Job<'a> {
    target: &'a Reference,
    client: &'a Client,
    lender: Option<&'a Reference>,
    progress: &'a Progress,
}

impl<'a> Job<'a> {
    fn new(
        target: &'a Reference,
        client: &'a Client,
        lender: Option<&'a Reference>,
        progress: &'a Progress,
    ) -> Self {
        let is_other =
            |lender: &&Reference| lender.host == target.host && lender.repository != target.repository;
        Self {
            target,
            client,
            lender: lender.filter(is_other),
            progress,
        }
    }

    /// Each blob, two at a time; the first failure stops the others before their next blob.
    fn send_all(&self, parcels: &[Parcel<'_>]) -> Result<(), RegistryError> {
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let failure: Mutex<Option<RegistryError>> = Mutex::new(None);
        let work = || {
            while !stop.load(Ordering::Relaxed) {
                let task = next.fetch_add(1, Ordering::Relaxed);
                let Some(parcel) = parcels.get(task) else {
                    return;
                };
                if let Err(error) = self.send(task, &parcel.descriptor, &|| parcel.open()) {
                    stop.store(true, Ordering::Relaxed);
                    let mut first = failure.lock().unwrap_or_else(PoisonError::into_inner);
                    first.get_or_insert(error);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..PARALLEL.min(parcels.len()) {
                scope.spawn(work);
            }
            work();
        });
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Sends one blob, unless it is there or can be lent.
    fn send(&self, task: usize, descriptor: &Descriptor, open: &Open) -> Result<(), RegistryError> {
        let stage = Stage::Send;
        self.progress.send(Event::Started {
            stage,
            task,
            label: descriptor.digest.short().to_owned(),
            total: Some(descriptor.size),
        });
        let found = self
            .client
            .head_blob(self.target, &descriptor.digest, Access::Push)?;
        if found == Some(descriptor.size) {
            self.progress.advance(stage, task, descriptor.size);
        } else {
            let session = match self.borrow(&descriptor.digest) {
                Some(Mount::Mounted) => {
                    self.progress.advance(stage, task, descriptor.size);
                    self.progress.send(Event::Finished { stage, task });
                    return Ok(());
                }
                Some(Mount::Upload(session)) => Some(session),
                None => None,
            };
            let on_bytes = |bytes| self.progress.advance(stage, task, bytes);
            self.client
                .upload(self.target, descriptor, session, open, &on_bytes)?;
        }
        self.progress.send(Event::Finished { stage, task });
        Ok(())
    }

    /// Asks for a blob of the lender; whatever goes wrong with that, it can still be sent.
    fn borrow(&self, digest: &Digest) -> Option<Mount> {
        let lender = self.lender?;
        self.client.mount(self.target, &lender.repository, digest).ok()
    }
}

/// A foreign layer that names where its content is: registries do not take it, and need not.
fn lives_elsewhere(descriptor: &Descriptor) -> bool {
    descriptor.media_type.is_foreign() && descriptor.extra.contains_key("urls")
}
