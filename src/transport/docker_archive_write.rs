//! `docker-archive:`: what `docker load` reads, the write half.
//!
//! Named as docker and skopeo name things: `HEX.json` for the config, `HEX.tar` for a layer, by diff id.
//! Layers are plain tars here, whatever they were (rule 15), and each is verified against its diff id while
//! it is written. `manifest.json` stands first, so that a reader of a stream knows what comes. The same
//! image gives the same bytes. Format: moby `image/spec/v1.2.md`.

use std::collections::HashSet;
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
const PIECE: usize = 256 << 10;

/// Writes `image` to a new archive at `path`; an archive that is there is replaced.
///
/// `reference` is the name that `docker load` gives the image; without one it has only its id.
pub fn write_docker_archive(
    image: &Image,
    path: &Path,
    reference: Option<&Reference>,
    progress: &Progress,
) -> Result<Written, TransportError> {
    let config_name = format!("{}.json", image.config.id().0.hex());
    let tags: Option<Vec<String>> = reference.map(|reference| vec![reference.to_string()]);
    let names: Vec<String> = image.layers.iter().map(|layer| member(&layer.diff_id)).collect();
    let manifest = json!([{"Config": config_name, "RepoTags": tags, "Layers": names}]);
    let mut tar = NewTar::create(path)?;
    tar.file(MANIFEST, manifest.to_string().as_bytes())?;
    tar.file(&config_name, image.config.raw())?;
    let mut seen = HashSet::new();
    for (task, layer) in image.layers.iter().enumerate() {
        if seen.insert(&layer.diff_id) {
            put_layer(image, layer, &mut tar, task, progress)?;
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

fn member(diff_id: &DiffId) -> String {
    format!("{}.tar", diff_id.0.hex())
}

fn put_layer(
    image: &Image,
    layer: &Layer,
    tar: &mut NewTar,
    task: usize,
    progress: &Progress,
) -> Result<(), TransportError> {
    let stored = layer.descriptor().map(|descriptor| descriptor.size);
    let sending = Sending::start(progress, task, layer.blob.label(), None);
    let name = member(&layer.diff_id);
    // The size of a compressed layer's tar shows only at its end.
    let mut likely = stored.unwrap_or(0);
    loop {
        let open = tar.open(&name, likely)?;
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
    let blob = image.open(layer)?;
    let mut plain = decoder(blob).map_err(|error| ImageError::Read {
        what: format!("layer {}", shown(&layer.blob.label())),
        source: error.into(),
    })?;
    let mut hasher = Hasher::new(layer.diff_id.0.algorithm());
    let mut buffer = vec![0; PIECE];
    let mut size = 0;
    loop {
        let count = read(&mut plain, &mut buffer, &layer.blob)?;
        if count == 0 {
            break;
        }
        size += count as u64;
        hasher.update(&buffer[..count]);
        tar.write(&buffer[..count])?;
        sending.advance(count);
    }
    let found = hasher.finish();
    if found == layer.diff_id.0 {
        return Ok(size);
    }
    Err(TransportError::WrongLayer {
        image: image.name.reference.clone(),
        layer: shown(&layer.blob.label()),
        expected: format!("diff id {}", layer.diff_id),
        found: found.to_string(),
    })
}
