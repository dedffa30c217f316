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
use crate::image::{Image, Layer, Manifest};
use crate::oci::{Descriptor, Digest, Reference};
use crate::progress::{Event, Progress, Stage};

/// Blobs sent at a time.
const PARALLEL: usize = 2;

/// Sends an image to `target` and gives the digest of its manifest.
///
/// The manifest goes to the tag; where `target` has only a digest (an image of an index) it goes there,
/// and the digest must be the image's. `lender` is a repository that the image came from: where it is of
/// the same registry, blobs are mounted from it instead of sent.
pub fn write(
    image: &Image,
    target: &Reference,
    client: &Client,
    lender: Option<&Reference>,
    progress: &Progress,
) -> Result<Digest, RegistryError> {
    let manifest = image
        .manifest
        .as_ref()
        .ok_or_else(|| RegistryError::NoManifest(image.name.reference.clone()))?;
    check_digests(image, manifest, target)?;
    let job = Job {
        target,
        client,
        lender: lender.filter(|lender| lender.host == target.host && lender.repository != target.repository),
        progress,
    };
    job.send_layers(image)?;
    job.send_config(image, manifest)?;
    let id = match &target.tag {
        Some(tag) => tag.clone(),
        None => manifest.digest().to_string(),
    };
    client.put_manifest(target, &id, manifest.media_type(), manifest.raw())
}

/// What is sent must be what it says, before the first byte goes.
fn check_digests(image: &Image, manifest: &Manifest, target: &Reference) -> Result<(), RegistryError> {
    let mismatch = |what: String, expected: &Digest, found: &Digest| RegistryError::DigestMismatch {
        what,
        expected: expected.clone(),
        found: found.clone(),
    };
    let (config, stored) = (&manifest.config().digest, Digest::of(image.config.raw()));
    if config.algorithm() == stored.algorithm() && *config != stored {
        return Err(mismatch(
            format!("config of {}", image.name.reference),
            config,
            &stored,
        ));
    }
    match &target.digest {
        Some(wanted)
            if wanted.algorithm() == manifest.digest().algorithm() && wanted != manifest.digest() =>
        {
            Err(mismatch(image.name.reference.clone(), wanted, manifest.digest()))
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

impl Job<'_> {
    /// Each layer once, two at a time; the first failure stops the others before their next layer.
    fn send_layers(&self, image: &Image) -> Result<(), RegistryError> {
        let mut seen = HashSet::new();
        let layers: Vec<(&Layer, &Descriptor)> = image
            .layers
            .iter()
            .filter_map(|layer| Some((layer, layer.descriptor()?)))
            .filter(|(_, descriptor)| !lives_elsewhere(descriptor) && seen.insert(&descriptor.digest))
            .collect();
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let failure: Mutex<Option<RegistryError>> = Mutex::new(None);
        let work = || {
            while !stop.load(Ordering::Relaxed) {
                let task = next.fetch_add(1, Ordering::Relaxed);
                let Some((layer, descriptor)) = layers.get(task) else {
                    return;
                };
                let open = || image.open(layer).map_err(io::Error::other);
                if let Err(error) = self.send(task, descriptor, &open) {
                    stop.store(true, Ordering::Relaxed);
                    let mut first = failure.lock().unwrap_or_else(PoisonError::into_inner);
                    first.get_or_insert(error);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..PARALLEL.min(layers.len()) {
                scope.spawn(work);
            }
            work();
        });
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn send_config(&self, image: &Image, manifest: &Manifest) -> Result<(), RegistryError> {
        let raw = image.config.raw().to_vec();
        let open = || Ok(Box::new(io::Cursor::new(raw.clone())) as Box<dyn io::Read + Send>);
        self.send(image.layers.len(), manifest.config(), &open)
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
