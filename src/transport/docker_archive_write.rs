//! `docker-archive:`: what `docker load` reads, the write half.
//!
//! Named as docker and skopeo name things: `HEX.json` for the config, `HEX.tar` for a layer, by diff id.
//! Layers are plain tars here, whatever they were (rule 15), and each is verified against its diff id while
//! it is written. `manifest.json` stands first, so that a reader of a stream knows what comes. The same
//! image gives the same bytes. Format: moby `image/spec/v1.2.md`.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;

use serde_json::json;

use super::docker_archive::MANIFEST;
use super::error::shown;
use super::output::{Sending, read};
use super::output_tar::NewTar;
use super::{Target, TransportError, Written};
use crate::codec::decoder;
use crate::image::{Image, ImageError, Layer};
use crate::oci::{DiffId, Hasher, Reference};
use crate::progress::Progress;

/// Bytes of a copy's buffer.
pub(super) const PIECE: usize = 256 << 10;

/// Writes `image` to a new archive at `path`; an archive that is there is replaced.
///
/// `reference` is the name that `docker load` gives the image; without one it has only its id.
pub fn write_docker_archive(
    image: &Image,
    path: &Path,
    reference: Option<&Reference>,
    progress: &Progress,
) -> Result<Written, TransportError> {
    let documents = documents(image, reference);
    let mut tar = NewTar::create(path)?;
    let (name, manifest) = &documents.manifest;
    tar.file(name, manifest)?;
    tar.file(&documents.config_name, image.config.raw())?;
    let mut seen = HashSet::new();
    for (task, (layer, name)) in image.layers.iter().zip(&documents.layers).enumerate() {
        if seen.insert(&layer.diff_id) {
            put_layer(image, layer, name, &mut tar, task, progress)?;
        }
    }
    tar.finish()?;
    let target = Target::DockerArchive {
        path: path.to_owned(),
        reference: reference.cloned(),
    };
    Ok(Written {
        reference: target.reference(),
        digest: image.config.id().0.clone(),
        unattached: None,
    })
}

/// What stands before the layers, and what the layers are called.
pub(super) struct Documents {
    /// Name and content of the document that says which images the archive holds.
    pub(super) manifest: (String, Vec<u8>),
    /// The config's member.
    pub(super) config_name: String,
    /// The layers' members, base first; a layer that occurs twice has one.
    pub(super) layers: Vec<String>,
}

/// The documents of an archive that holds `image` alone.
pub(super) fn documents(image: &Image, reference: Option<&Reference>) -> Documents {
    let config_name = format!("{}.json", image.config.id().0.hex());
    let tags: Option<Vec<String>> = reference.map(|reference| vec![reference.to_string()]);
    let layers: Vec<String> = image.layers.iter().map(|layer| member(&layer.diff_id)).collect();
    let manifest = json!([{"Config": config_name, "RepoTags": tags, "Layers": layers}]);
    Documents {
        manifest: (MANIFEST.to_owned(), manifest.to_string().into_bytes()),
        config_name,
        layers,
    }
}

fn member(diff_id: &DiffId) -> String {
    format!("{}.tar", diff_id.0.hex())
}

fn put_layer(
    image: &Image,
    layer: &Layer,
    name: &str,
    tar: &mut NewTar,
    task: usize,
    progress: &Progress,
) -> Result<(), TransportError> {
    let stored = layer.descriptor().map(|descriptor| descriptor.size);
    let sending = Sending::start(progress, task, layer.blob.label(), None);
    // The size of a compressed layer's tar shows only at its end.
    let mut likely = stored.unwrap_or(0);
    loop {
        let open = tar.open(name, likely)?;
        let size = copy_plain(image, layer, tar, &sending)?;
        if tar.close(&open, size)? {
            break;
        }
        likely = size;
    }
    sending.finish();
    Ok(())
}

/// Copies a layer's uncompressed tar, verified against its diff id, and says how many bytes it has.
fn copy_plain(
    image: &Image,
    layer: &Layer,
    tar: &mut NewTar,
    sending: &Sending<'_>,
) -> Result<u64, TransportError> {
    let mut plain = Plain::open(image, layer)?;
    let mut buffer = vec![0; PIECE];
    let mut size = 0;
    loop {
        let count = plain.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        size += count as u64;
        tar.write(&buffer[..count])?;
        sending.advance(count);
    }
    plain.finish(image)?;
    Ok(size)
}

/// A layer's uncompressed tar on its way out.
pub(super) struct Plain {
    layer: Layer,
    from: Box<dyn Read + Send>,
    hasher: Hasher,
}

impl Plain {
    /// Opens a layer at its first byte.
    pub(super) fn open(image: &Image, layer: &Layer) -> Result<Self, TransportError> {
        let blob = image.open(layer)?;
        let from = decoder(blob).map_err(|error| ImageError::Read {
            what: format!("layer {}", shown(&layer.blob.label())),
            source: error.into(),
        })?;
        Ok(Self {
            from: Box::new(from),
            hasher: Hasher::new(layer.diff_id.0.algorithm()),
            layer: layer.clone(),
        })
    }

    /// The next piece; nothing at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        let count = read(&mut *self.from, buffer, &self.layer.blob)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }

    /// Checks what was read against the diff id.
    pub(super) fn finish(self, image: &Image) -> Result<(), TransportError> {
        let found = self.hasher.finish();
        if found == self.layer.diff_id.0 {
            return Ok(());
        }
        Err(TransportError::WrongLayer {
            image: image.name.reference.clone(),
            layer: shown(&self.layer.blob.label()),
            expected: format!("diff id {}", self.layer.diff_id),
            found: found.to_string(),
        })
    }
}
