//! Archives that cannot be read in place: compressed ones and streams become a temporary file.
//!
//! Of its own because every archive medium needs it. The file has no name (it is gone when it is closed, or
//! when the program is killed), holds plain tar, and does not grow past the expansion limit of rule 32.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::member::Members;
use super::{ReadOptions, TransportError};
use crate::codec::{SNIFF_BYTES, decoder, sniff};
use crate::limits::Limit;
use crate::oci::Compression;
use crate::progress::{Event, Progress, Stage};

/// What people call standard input.
const STDIN: &str = "standard input";
/// Decompressed bytes that no ratio is asked of.
const FREE: u64 = 1 << 30;
/// Bytes of a copy's buffer.
const PIECE: usize = 256 << 10;

/// The members of the archive at `path`; `-` is standard input. A plain file is read in place.
pub(super) fn members(path: &Path, options: &ReadOptions<'_>) -> Result<Members, TransportError> {
    if path == Path::new("-") {
        let spooled = spool(io::stdin(), STDIN, None, options)?;
        return Members::index(spooled, STDIN, options.limits);
    }
    let place = path.display().to_string();
    let mut file = File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => TransportError::NoSuchFile(path.to_owned()),
        _ => TransportError::reading(place.clone())(source),
    })?;
    let metadata = file.metadata().map_err(TransportError::reading(place.clone()))?;
    if metadata.is_dir() {
        return Err(TransportError::NotAnImage {
            what: place,
            found: "a directory, where an archive is needed; `oci:` reads a layout".to_owned(),
        });
    }
    if metadata.is_file() && first_bytes(&mut file, &place)? == Compression::None {
        return Members::index(file, &place, options.limits);
    }
    Members::index(spool(file, &place, None, options)?, &place, options.limits)
}

/// The members of an archive that streams past, of `total` bytes where that is known; `place` is what people call it.
#[cfg(feature = "engine")]
pub(super) fn stream(
    input: impl Read + Send,
    place: &str,
    total: Option<u64>,
    options: &ReadOptions<'_>,
) -> Result<Members, TransportError> {
    Members::index(spool(input, place, total, options)?, place, options.limits)
}

/// What the first bytes of a regular file promise. Leaves the file at its beginning.
pub(super) fn first_bytes(file: &mut File, place: &str) -> Result<Compression, TransportError> {
    let mut first = Vec::new();
    Read::by_ref(file)
        .take(SNIFF_BYTES as u64)
        .read_to_end(&mut first)
        .and_then(|_| file.seek(SeekFrom::Start(0)))
        .map_err(TransportError::reading(place))?;
    Ok(sniff(&first))
}

/// All decompressed bytes of `input` in a file without a name.
fn spool(
    input: impl Read + Send,
    place: &str,
    total: Option<u64>,
    options: &ReadOptions<'_>,
) -> Result<File, TransportError> {
    let spool_error = |source| TransportError::Write {
        path: options.spool_dir.map_or_else(std::env::temp_dir, Path::to_owned),
        source,
    };
    let mut file = match options.spool_dir {
        Some(dir) => tempfile::tempfile_in(dir),
        None => tempfile::tempfile(),
    }
    .map_err(spool_error)?;
    let stored = Arc::new(AtomicU64::new(0));
    let input = Counted {
        input,
        count: Arc::clone(&stored),
        progress: options.progress,
    };
    options.progress.send(Event::Started {
        stage: Stage::Read,
        task: 0,
        label: place.to_owned(),
        total,
    });
    let failed = |error: io::Error| TransportError::Read {
        what: place.to_owned(),
        source: error,
    };
    let mut plain = decoder(input).map_err(|error| failed(error.into()))?;
    let mut buffer = vec![0; PIECE];
    let mut written = 0u64;
    loop {
        let count = plain.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            break;
        }
        written += count as u64;
        let ratio = options.limits.expansion.max(1);
        if written > FREE && written / ratio > stored.load(Ordering::Relaxed) {
            return Err(TransportError::over(
                place,
                options.limits.exceeded(Limit::Expansion),
            ));
        }
        file.write_all(&buffer[..count]).map_err(spool_error)?;
    }
    let end = Event::Finished {
        stage: Stage::Read,
        task: 0,
    };
    options.progress.send(end);
    Ok(file)
}

/// Counts the stored bytes on their way into the decoder.
struct Counted<'a, R> {
    input: R,
    count: Arc<AtomicU64>,
    progress: &'a Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(out)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        self.progress.advance(Stage::Read, 0, count as u64);
        Ok(count)
    }
}
