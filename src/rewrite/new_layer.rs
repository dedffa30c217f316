//! Writes one new layer: directories from the first reading, everything else from a second one.
//!
//! Layers are copied one after the other, base first, because the output is one stream; decompression runs
//! ahead in its own thread and compression in several, so that all cores work.

use std::io::{self, Write};

use super::copier::Copier;
use super::second::Source;
use super::{Options, RewriteError};
use crate::codec::{self, Encoder, Encoding};
use crate::content::ContentMap;
use crate::image::Image;
use crate::oci::{Algorithm, DiffId, Digest, Hasher};
use crate::plan::{self, NewLayer, Plan};
use crate::progress::Stage;
use crate::store::{BlobWriter, Store};
use crate::tar;

/// A layer as staged.
pub(super) struct Layer {
    /// Hash of the blob.
    pub(super) digest: Digest,
    /// Bytes of the blob.
    pub(super) size: u64,
    /// Hash of the uncompressed tar.
    pub(super) diff_id: DiffId,
}

/// Writes `layer` into `store`.
pub(super) fn write(
    image: &Image,
    map: &ContentMap,
    plan: &Plan,
    layer: &NewLayer,
    store: &Store,
    encoding: Encoding,
    options: &Options<'_>,
) -> Result<Layer, RewriteError> {
    let mut out = Output::new(store, encoding, options)?;
    write_directories(map, layer, &mut out, image).map_err(RewriteError::Write)?;
    let source = source(image, options);
    for &index in layer.layers() {
        out = Copier::new(map, plan, layer, index, out).copy(&source)?;
    }
    out.write(&tar::END).map_err(RewriteError::Write)?;
    out.finish()
}

/// Stores a layer's tar as it is, for a medium that has none of its own form to give.
pub(super) fn transcode(
    image: &Image,
    index: usize,
    store: &Store,
    encoding: Encoding,
    options: &Options<'_>,
) -> Result<Layer, RewriteError> {
    let mut out = Output::new(store, encoding, options)?;
    let source = source(image, options);
    source.bytes(index, &mut |bytes| out.write(bytes).map_err(RewriteError::Write))?;
    out.finish()
}

fn source<'a>(image: &'a Image, options: &Options<'a>) -> Source<'a> {
    Source {
        image,
        stage: Stage::Write,
        progress: options.progress,
        limits: options.limits,
        stop: options.stop,
    }
}

/// Directories first, sorted by bytes (rule 15b), then what hides the layers below; a directory that no layer names
/// is 755, 0:0 and as old as the image. A time before 1970, such as Go's zero time for "not known", is 1970, as
/// engines make it when they unpack.
fn write_directories(map: &ContentMap, layer: &NewLayer, out: &mut Output, image: &Image) -> io::Result<()> {
    let made = tar::Time {
        secs: image.config.created_secs().unwrap_or(0).max(0),
        nanos: 0,
    };
    let mut blocks = Vec::new();
    for (node, entry) in &layer.directories {
        if let Some(header) = entry.and_then(|id| map.directory_header(id)) {
            out.write(&header)?;
        } else {
            blocks.clear();
            tar::write_header(
                &mut blocks,
                &tar::Header::directory(&map.tree().path(*node), 0o755, made),
            );
            out.write(&blocks)?;
        }
    }
    let opaques = layer.opaques.iter().map(|&node| plan::opaque_path(map, node));
    let whiteouts = layer.whiteouts.iter().map(|&node| plan::whiteout_path(map, node));
    for path in opaques.chain(whiteouts) {
        let mut marker = plan::marker(&path);
        marker.mtime = made;
        blocks.clear();
        tar::write_header(&mut blocks, &marker);
        out.write(&blocks)?;
    }
    Ok(())
}

/// The tar as it is written: hashed, compressed, stored.
pub(super) struct Output {
    encoder: Encoder<BlobWriter>,
    hasher: Hasher,
}

impl Output {
    fn new(store: &Store, encoding: Encoding, options: &Options<'_>) -> Result<Self, RewriteError> {
        Ok(Self {
            encoder: codec::encoder(store.writer()?, encoding, options.threads),
            hasher: Hasher::new(Algorithm::Sha256),
        })
    }

    fn finish(self) -> Result<Layer, RewriteError> {
        let diff_id = DiffId(self.hasher.finish());
        let blob = self.encoder.finish().map_err(RewriteError::Write)?;
        let (digest, size) = blob.commit()?;
        Ok(Layer {
            digest,
            size,
            diff_id,
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.encoder.write_all(bytes)
    }
}
