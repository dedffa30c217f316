//! One layer's blob as a verified stream of uncompressed bytes.
//!
//! Shared by the first reading ([`super::scan`]) and the second (the rewriter): whoever consumes the bytes,
//! size, digest and diff id are checked at the end, once, here (rule 14). A compressed blob is read and
//! decompressed in a thread of its own, over a bounded number of recycled buffers.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use super::{LayerError, Stop, Warning, label};
use crate::codec::{self, Oddity};
use crate::image::{BlobRef, Image, ImageError};
use crate::limits::{Limit, Limits};
use crate::oci::{Algorithm, Compression, Descriptor, DiffId, Hasher};
use crate::progress::{Event, Progress, Stage};

const BUFFER: usize = 256 * 1024;
/// Buffers between the decompressor and the consumer.
const DEPTH: usize = 6;
/// Expansion is limited once a layer has given a gibibyte (rule 32).
const EXPANSION_FREE: u64 = 1 << 30;

/// Streams layer `index` of `image` through `consume`, then checks size, digest and diff id. Where they do
/// not match, everything that `consume` was given must be thrown away.
///
/// `stop` ends the work early with [`LayerError::Cancelled`]. Gives what is odd about the blob: a media type that
/// its bytes contradict, bytes behind its end.
pub fn stream(
    image: &Image,
    index: usize,
    stage: Stage,
    progress: &Progress,
    limits: &Limits,
    stop: Stop<'_>,
    consume: &mut dyn FnMut(&[u8]) -> Result<(), LayerError>,
) -> Result<Vec<Warning>, LayerError> {
    let layer = &image.layers[index];
    let opening = Opening {
        blob: &layer.blob,
        index,
        total: image.blobs().size(&layer.blob),
        algorithm: layer.diff_id.0.algorithm(),
        stage,
        progress,
    };
    let (actual, warnings) = pass(&opening, &mut || image.open(layer), limits, stop, consume)?;
    if actual != layer.diff_id {
        return Err(LayerError::DiffId {
            layer: label(&layer.blob),
            expected: layer.diff_id.clone(),
            actual,
        });
    }
    progress.send(Event::Finished { stage, task: index });
    Ok(warnings)
}

/// What is opened to be streamed.
pub(super) struct Opening<'a> {
    pub(super) blob: &'a BlobRef,
    /// Which piece of the work it is.
    pub(super) index: usize,
    /// Bytes as stored, where that is known.
    pub(super) total: Option<u64>,
    /// How its uncompressed bytes are hashed.
    pub(super) algorithm: Algorithm,
    pub(super) stage: Stage,
    pub(super) progress: &'a Progress,
}

/// Opens a blob's bytes as stored.
type Open<'a, 'b> = &'b mut dyn FnMut() -> Result<Box<dyn Read + Send + 'a>, ImageError>;

/// Streams a blob, and gives the hash of its uncompressed bytes; size and digest are checked, where it has them.
pub(super) fn pass<'a>(
    opening: &Opening<'a>,
    open: Open<'a, '_>,
    limits: &Limits,
    stop: Stop<'_>,
    consume: &mut dyn FnMut(&[u8]) -> Result<(), LayerError>,
) -> Result<(DiffId, Vec<Warning>), LayerError> {
    let Opening {
        blob,
        index,
        stage,
        progress,
        ..
    } = *opening;
    let name = label(blob);
    progress.send(Event::Started {
        stage,
        task: index,
        label: blob.label(),
        total: opening.total,
    });
    let descriptor = match blob {
        BlobRef::Stored(descriptor) => Some(&**descriptor),
        BlobRef::Member(_) => None,
    };
    let mut source = Source::new(open()?, descriptor, stage, index, progress);
    let read = |source| LayerError::Read {
        layer: name.clone(),
        source,
    };
    let found = source.sniff().map_err(read)?;
    let mut diff_id = Hasher::new(opening.algorithm);
    let mut expanded = 0_u64;
    let mut take = |bytes: &[u8], stored: u64| {
        if stop.is_set() {
            return Err(LayerError::Cancelled);
        }
        expanded += bytes.len() as u64;
        if expanded > EXPANSION_FREE && expanded / limits.expansion.max(1) > stored {
            return Err(limits.exceeded(Limit::Expansion).into());
        }
        diff_id.update(bytes);
        consume(bytes)
    };
    let (source, result) = match found {
        Compression::None => plain(source, &mut take, &read),
        _ => compressed(source, &mut take, &read),
    };
    let actual = DiffId(diff_id.finish());
    let oddities = match result {
        Ok(oddities) => oddities,
        Err(error) => return Err(root_cause(error, source, blob)),
    };
    check(source.as_ref(), blob, &actual)?;
    Ok((actual, warnings(blob, found, &oddities)))
}

/// What a person should know of a blob that was read all the same.
fn warnings(blob: &BlobRef, found: Compression, oddities: &[Oddity]) -> Vec<Warning> {
    let warning = |code: &'static str, message: String| Warning {
        code: code.into(),
        path: Vec::new(),
        message,
    };
    let mut warnings: Vec<Warning> = oddities
        .iter()
        .map(|oddity| warning("odd-compression", format!("the layer's blob has {oddity}")))
        .collect();
    if matches!(found, Compression::Bzip2 | Compression::Xz) {
        let text = format!(
            "the layer's blob is {}, which engines need not read",
            name_of(found)
        );
        warnings.push(warning("odd-compression", text));
    }
    if let BlobRef::Stored(descriptor) = blob {
        let claimed = descriptor.media_type.layer_compression();
        if claimed.is_some_and(|claimed| claimed != found) {
            let text = format!(
                "the media type is `{}`, the bytes are {}",
                descriptor.media_type,
                name_of(found)
            );
            warnings.push(warning("media-type", text));
        }
    }
    warnings
}

fn name_of(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "a plain tar",
        other => other.as_str(),
    }
}

/// What takes uncompressed bytes, and how many stored bytes they came from so far.
type Take<'a> = &'a mut dyn FnMut(&[u8], u64) -> Result<(), LayerError>;
type ReadError<'a> = &'a dyn Fn(io::Error) -> LayerError;
/// The blob, read as far as the work went, where it can still be read on; and how the work ended.
type Ended<'a> = (Option<Source<'a>>, Result<Vec<Oddity>, LayerError>);

/// A plain tar: one thread reads, hashes and consumes; its blob digest is its diff id.
fn plain<'a>(mut source: Source<'a>, take: Take<'_>, read: ReadError<'_>) -> Ended<'a> {
    source.hasher = source
        .hasher
        .filter(|(algorithm, _)| *algorithm != Algorithm::Sha256);
    let mut buffer = vec![0; BUFFER];
    loop {
        let step = fill(&mut source, &mut buffer).map_err(read);
        match step.and_then(|count| take(&buffer[..count], source.count).map(|()| count)) {
            Ok(0) => return (Some(source), Ok(Vec::new())),
            Ok(_) => {}
            Err(error) => return (None, Err(error)),
        }
    }
}

/// A compressed blob: a second thread reads, hashes and decompresses.
fn compressed<'a>(source: Source<'a>, take: Take<'_>, read: ReadError<'_>) -> Ended<'a> {
    let (full_in, full_out) = sync_channel::<(Vec<u8>, u64)>(DEPTH);
    let (empty_in, empty_out) = sync_channel::<Vec<u8>>(DEPTH + 1);
    std::thread::scope(|scope| {
        let decoder = scope.spawn(move || decompress(source, &full_in, &empty_out));
        let mut result = Ok(());
        for (buffer, stored) in &full_out {
            result = take(&buffer, stored);
            if result.is_err() {
                break;
            }
            // A full channel only means that the decoder needs no more buffers.
            let _ = empty_in.try_send(buffer);
        }
        drop(full_out);
        let panicked = |_| (None, Err(io::Error::other("the decompressor failed")));
        let (source, ended) = decoder.join().unwrap_or_else(panicked);
        (source, result.and(ended.map_err(read)))
    })
}

fn decompress<'a>(
    source: Source<'a>,
    full: &SyncSender<(Vec<u8>, u64)>,
    empty: &Receiver<Vec<u8>>,
) -> (Option<Source<'a>>, io::Result<Vec<Oddity>>) {
    let shared = Arc::new(Mutex::new(source));
    let result = decompress_into(&shared, full, empty);
    (
        Arc::into_inner(shared).and_then(|mutex| mutex.into_inner().ok()),
        result,
    )
}

fn decompress_into(
    shared: &Arc<Mutex<Source<'_>>>,
    full: &SyncSender<(Vec<u8>, u64)>,
    empty: &Receiver<Vec<u8>>,
) -> io::Result<Vec<Oddity>> {
    let mut decoder = codec::decoder(Shared(shared.clone())).map_err(io::Error::other)?;
    loop {
        let mut buffer = empty.try_recv().unwrap_or_else(|_| vec![0; BUFFER]);
        buffer.resize(BUFFER, 0);
        let count = fill(&mut decoder, &mut buffer)?;
        buffer.truncate(count);
        let stored = shared.lock().map_or(0, |source| source.count);
        if count == 0 || full.send((buffer, stored)).is_err() {
            return Ok(decoder.oddities().to_vec());
        }
    }
}

/// A blob that cannot be decompressed, or is no tar, and does not match its digest either, is a damaged
/// blob: that is what a person must be told.
fn root_cause(error: LayerError, source: Option<Source<'_>>, blob: &BlobRef) -> LayerError {
    let (Some(mut source), LayerError::Read { .. } | LayerError::Tar { .. }) = (source, &error) else {
        return error;
    };
    if io::copy(&mut source, &mut io::sink()).is_err() || source.hasher.is_none() {
        return error;
    }
    let unknown = DiffId(crate::oci::Digest::of(b""));
    check(Some(&source), blob, &unknown).err().unwrap_or(error)
}

/// The blob, held by the decoder and by the thread that asks how far it is.
struct Shared<'a>(Arc<Mutex<Source<'a>>>);

impl Read for Shared<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut source = self.0.lock().map_err(|_| io::Error::other("the reader failed"))?;
        source.read(buffer)
    }
}

/// Reads until `buffer` is full or the stream ends.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match from.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// Compares what was read with the descriptor; a plain blob's digest is its diff id.
fn check(source: Option<&Source<'_>>, blob: &BlobRef, diff_id: &DiffId) -> Result<(), LayerError> {
    let (BlobRef::Stored(descriptor), Some(source)) = (blob, source) else {
        return Ok(());
    };
    let expected = descriptor.digest.clone();
    if source.count != descriptor.size {
        return Err(LayerError::Size {
            digest: expected,
            expected: descriptor.size,
            actual: source.count,
        });
    }
    let actual = source
        .hasher
        .as_ref()
        .map_or_else(|| diff_id.0.clone(), |(_, hasher)| hasher.clone().finish());
    if actual == expected {
        Ok(())
    } else {
        Err(LayerError::Digest { expected, actual })
    }
}

/// The blob as stored: counted, hashed, reported, and never read beyond one byte more than its size.
struct Source<'a> {
    inner: Box<dyn Read + Send + 'a>,
    head: Vec<u8>,
    hasher: Option<(Algorithm, Hasher)>,
    count: u64,
    allowed: u64,
    report: Report<'a>,
}

struct Report<'a> {
    progress: &'a Progress,
    stage: Stage,
    task: usize,
    pending: u64,
}

impl<'a> Source<'a> {
    fn new(
        inner: Box<dyn Read + Send + 'a>,
        descriptor: Option<&Descriptor>,
        stage: Stage,
        task: usize,
        progress: &'a Progress,
    ) -> Self {
        let hasher = descriptor.map(|descriptor| {
            let algorithm = descriptor.digest.algorithm();
            (algorithm, Hasher::new(algorithm))
        });
        let allowed = descriptor.map_or(u64::MAX, |descriptor| descriptor.size.saturating_add(1));
        let report = Report {
            progress,
            stage,
            task,
            pending: 0,
        };
        Self {
            inner,
            head: Vec::new(),
            hasher,
            count: 0,
            allowed,
            report,
        }
    }

    /// What the first bytes say, which stay to be read.
    fn sniff(&mut self) -> io::Result<Compression> {
        let mut head = [0; 16];
        let count = fill(&mut self.inner, &mut head)?;
        self.head = head[..count].to_vec();
        Ok(codec::sniff(&self.head))
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.allowed - self.count)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let buffer = &mut buffer[..most];
        let count = if self.head.is_empty() {
            self.inner.read(buffer)?
        } else {
            let count = self.head.len().min(buffer.len());
            buffer[..count].copy_from_slice(&self.head[..count]);
            self.head.drain(..count);
            count
        };
        if let Some((_, hasher)) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        self.count += count as u64;
        self.report.add(count as u64);
        Ok(count)
    }
}

impl Report<'_> {
    fn add(&mut self, bytes: u64) {
        self.pending += bytes;
        if self.pending >= 1 << 20 || bytes == 0 {
            self.progress
                .advance(self.stage, self.task, std::mem::take(&mut self.pending));
        }
    }
}
