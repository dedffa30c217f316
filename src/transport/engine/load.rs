//! An image on its way into an engine: the archive of `docker load`, made while it is sent.
//!
//! A module of its own because a stream cannot go back as a file can: a layer's size stands before its body, so a
//! compressed layer of which nobody knows the size is decompressed once more to count it. Each layer is verified
//! against its diff id while it goes; where it does not match, the archive breaks off and the engine keeps nothing.

use std::collections::{HashSet, VecDeque};
use std::io::{self, Read};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::docker_archive_write::{PIECE, Plain, documents};
use super::super::output::Sending;
use super::super::output_tar::regular;
use super::super::{Target, TransportError, WriteOptions, Written};
use super::{Engine, EngineError, of};
use crate::codec::{SNIFF_BYTES, sniff};
use crate::image::{Image, ImageError, Layer};
use crate::oci::{Compression, Reference};
use crate::progress::Progress;
use crate::tar::{BLOCK, END, padding, write_header};

/// Loads `image` into the engine under `reference`, and asks whether it is there.
pub(in crate::transport) fn write(
    image: &Image,
    reference: &Reference,
    options: &WriteOptions<'_>,
) -> Result<Written, TransportError> {
    let target = Target::Engine {
        reference: reference.clone(),
    };
    let name = reference.to_string();
    let engine = of(options.engine, &name)?;
    let is_deaf = Arc::new(AtomicBool::new(false));
    let mut archive = Archive::new(image, reference, options.progress, is_deaf.clone())?;
    let sent = engine.load(&name, &mut archive, &is_deaf);
    // What is wrong with the image is the cause, whatever the engine says of an archive that broke off.
    if let Some(error) = archive.failed.take() {
        return Err(error);
    }
    sent?;
    check(image, &name, engine)?;
    Ok(Written {
        reference: target.reference(),
        digest: image.config.id().0.clone(),
        unattached: None,
    })
}

/// The engine has the image under its name. One that keeps images in containerd gives it an id of its own, and the same
/// layers.
fn check(image: &Image, name: &str, engine: &Engine) -> Result<(), EngineError> {
    let found = engine.inspect(name)?;
    let expected = image.config.id().0.to_string();
    let has_id = found.id == expected || format!("sha256:{}", found.id) == expected;
    let layers = image.layers.iter().map(|layer| layer.diff_id.to_string());
    if has_id || layers.eq(found.layers().iter().cloned()) {
        return Ok(());
    }
    Err(EngineError::Another {
        address: engine.address().to_string(),
        name: name.to_owned(),
        expected,
        found: crate::http::shown(&found.id),
    })
}

/// The archive, to be read once from its beginning to its end.
struct Archive<'a> {
    image: &'a Image,
    parts: VecDeque<Part<'a>>,
    progress: &'a Progress,
    ready: Vec<u8>,
    at: usize,
    /// The layer that is sent.
    open: Option<(Plain, Sending<'a>, u64)>,
    is_deaf: Arc<AtomicBool>,
    /// Why it broke off, where that is so.
    failed: Option<TransportError>,
}

/// What an archive is made of.
enum Part<'a> {
    Bytes(Vec<u8>),
    /// A layer by its number, with the bytes of its plain tar.
    Layer(usize, &'a Layer, u64),
}

impl<'a> Archive<'a> {
    fn new(
        image: &'a Image,
        reference: &Reference,
        progress: &'a Progress,
        is_deaf: Arc<AtomicBool>,
    ) -> Result<Self, TransportError> {
        let documents = documents(image, Some(reference));
        let mut parts = VecDeque::new();
        for (name, bytes) in [
            documents.manifest,
            (documents.config_name, image.config.raw().to_vec()),
        ] {
            parts.push_back(Part::Bytes(member(&name, &bytes)));
        }
        let mut seen = HashSet::new();
        for (number, (layer, name)) in image.layers.iter().zip(documents.layers).enumerate() {
            if seen.insert(&layer.diff_id) {
                let size = plain_size(image, layer)?;
                parts.push_back(Part::Bytes(header(&name, size)));
                parts.push_back(Part::Layer(number, layer, size));
                parts.push_back(Part::Bytes(vec![0; padding(size)]));
            }
        }
        parts.push_back(Part::Bytes(END.to_vec()));
        Ok(Self {
            image,
            parts,
            progress,
            ready: Vec::new(),
            at: 0,
            open: None,
            is_deaf,
            failed: None,
        })
    }

    /// Makes more of it; `false` at its end.
    fn more(&mut self) -> Result<bool, TransportError> {
        (self.at, self.ready) = (0, mem::take(&mut self.ready));
        if let Some((plain, sending, left)) = &mut self.open {
            self.ready.resize(PIECE, 0);
            let count = plain.read(&mut self.ready)?;
            self.ready.truncate(count);
            sending.advance(count);
            let size = *left;
            *left = left.saturating_sub(count as u64);
            // What is more or less than was counted is another layer than was counted.
            if count == 0 || count as u64 > size {
                return self.close(size);
            }
            return Ok(true);
        }
        match self.parts.pop_front() {
            None => Ok(false),
            Some(Part::Bytes(bytes)) => {
                self.ready = bytes;
                Ok(true)
            }
            Some(Part::Layer(number, layer, size)) => {
                let plain = Plain::open(self.image, layer)?;
                let sending = Sending::start(self.progress, number, layer.blob.label(), Some(size));
                self.open = Some((plain, sending, size));
                self.more()
            }
        }
    }

    /// The end of a layer.
    fn close(&mut self, left: u64) -> Result<bool, TransportError> {
        let Some((plain, sending, _)) = self.open.take() else {
            return Ok(true);
        };
        plain.finish(self.image)?;
        if left > 0 || !self.ready.is_empty() {
            return Err(TransportError::Damaged {
                what: self.image.name.reference.clone(),
                reason: "a layer had another size when it was read again".to_owned(),
            });
        }
        sending.finish();
        Ok(true)
    }
}

impl Read for Archive<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // What the engine does not take need not be made: what it has to say is read.
        if self.is_deaf.load(Ordering::Relaxed) {
            return Ok(0);
        }
        while self.at == self.ready.len() {
            match self.more() {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                Err(error) => {
                    self.failed = Some(error);
                    return Err(io::Error::other("the image cannot be read"));
                }
            }
        }
        let count = buffer.len().min(self.ready.len() - self.at);
        buffer[..count].copy_from_slice(&self.ready[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// A file of the archive that is in memory.
fn member(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = header(name, bytes.len() as u64);
    out.extend_from_slice(bytes);
    out.extend_from_slice(&[0; BLOCK][..padding(bytes.len() as u64)]);
    out
}

fn header(name: &str, size: u64) -> Vec<u8> {
    let mut out = Vec::new();
    write_header(&mut out, &regular(name, size));
    out
}

/// Bytes of a layer's plain tar: what is stored where that is one, else counted.
fn plain_size(image: &Image, layer: &Layer) -> Result<u64, TransportError> {
    let mut blob = image.open(layer)?;
    let mut first = Vec::new();
    let sniffed = Read::by_ref(&mut blob)
        .take(SNIFF_BYTES as u64)
        .read_to_end(&mut first);
    sniffed.map_err(|source| ImageError::Read {
        what: format!("layer {}", layer.blob.label()),
        source,
    })?;
    if sniff(&first) == Compression::None
        && let Some(size) = image.blobs().size(&layer.blob)
    {
        return Ok(size);
    }
    let mut plain = Plain::open(image, layer)?;
    let mut buffer = vec![0; PIECE];
    let mut size = 0;
    loop {
        match plain.read(&mut buffer)? {
            0 => return Ok(size),
            count => size += count as u64,
        }
    }
}
