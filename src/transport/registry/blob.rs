//! Blobs as streams that survive a broken connection.
//!
//! A module of its own because a stream must be able to ask again: a [`BlobReader`] keeps the client and
//! the offset, and goes on with a `Range` request where the connection broke. It does not verify: who
//! reads it hashes it anyway (rule 14). It never yields more than one byte beyond the descriptor's size.

use std::io::{self, Read};

use ureq::http::{Response, StatusCode, header};
use ureq::{Body, BodyReader};

use super::error::RegistryError;
use super::wire::header_text;
use super::{Call, Client, blob_name, not_found, status_error};
use crate::oci::{Descriptor, Reference};

/// How often a stream may be resumed, at least; once more for every 64 MiB that came through.
const RESUMES: u64 = 4;
const BYTES_PER_RESUME: u64 = 64 * 1024 * 1024;

impl Client {
    /// Opens a blob at its first byte: as stored, unverified, in constant memory.
    pub fn blob(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
    ) -> Result<Box<dyn Read + Send>, RegistryError> {
        Ok(Box::new(BlobReader::open(self, reference, descriptor)?))
    }
}

/// The whole of a blob whose descriptor was checked to be small, unverified.
pub(super) fn read_whole(
    client: &Client,
    reference: &Reference,
    descriptor: &Descriptor,
) -> Result<Vec<u8>, RegistryError> {
    let mut bytes = Vec::new();
    let mut reader = BlobReader::open(client, reference, descriptor)?;
    match reader.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(match error.downcast::<RegistryError>() {
            Ok(error) => error,
            Err(error) => lost(reference, &error),
        }),
    }
}

struct BlobReader {
    client: Client,
    reference: Reference,
    descriptor: Descriptor,
    body: BodyReader<'static>,
    offset: u64,
    resumed: u64,
}

impl BlobReader {
    fn open(client: &Client, reference: &Reference, descriptor: &Descriptor) -> Result<Self, RegistryError> {
        let body = request(client, reference, descriptor, 0)?;
        Ok(Self {
            client: client.clone(),
            reference: reference.clone(),
            descriptor: descriptor.clone(),
            body,
            offset: 0,
            resumed: 0,
        })
    }

    /// Asks again from where the stream broke.
    fn resume(&mut self, cause: &io::Error) -> io::Result<()> {
        self.resumed += 1;
        if self.resumed > RESUMES + self.offset / BYTES_PER_RESUME {
            return Err(io::Error::other(lost(&self.reference, cause)));
        }
        self.body = request(&self.client, &self.reference, &self.descriptor, self.offset)
            .map_err(io::Error::other)?;
        Ok(())
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // One byte more than promised is enough for the reader above to see the lie.
        let left = (self.descriptor.size + 1).saturating_sub(self.offset);
        let room = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if room == 0 {
            return Ok(0);
        }
        loop {
            match self.body.read(&mut buffer[..room]) {
                Ok(0) if self.offset < self.descriptor.size => {
                    self.resume(&io::Error::new(io::ErrorKind::UnexpectedEof, "it hung up"))?;
                }
                Ok(count) => {
                    self.offset += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                // All that was promised is here: what breaks now breaks nothing.
                Err(_) if self.offset >= self.descriptor.size => return Ok(0),
                Err(error) => self.resume(&error)?,
            }
        }
    }
}

/// The body of a blob from `offset` on, whether the registry knows ranges or not.
fn request(
    client: &Client,
    reference: &Reference,
    descriptor: &Descriptor,
    offset: u64,
) -> Result<BodyReader<'static>, RegistryError> {
    let mut call = Call::get(reference, format!("blobs/{}", descriptor.digest));
    if offset > 0 {
        call.headers.push((header::RANGE, format!("bytes={offset}-")));
    }
    let (mut answer, mut url) = client.call(&call)?;
    if offset > 0 && answer.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        // It knows ranges, but not this one: from the first byte on, then.
        call.headers.clear();
        (answer, url) = client.call(&call)?;
    }
    let what = blob_name(reference, &descriptor.digest);
    match answer.status() {
        StatusCode::OK => {
            if let Some(found) = answer.body().content_length()
                && found != descriptor.size
            {
                let expected = descriptor.size;
                return Err(RegistryError::SizeMismatch {
                    what,
                    expected,
                    found,
                });
            }
            let mut body = answer.into_body().into_reader();
            let skipped = io::copy(&mut (&mut body).take(offset), &mut io::sink());
            match skipped {
                Ok(count) if count == offset => Ok(body),
                Ok(_) => Err(lost(reference, &io::ErrorKind::UnexpectedEof.into())),
                Err(error) => Err(lost(reference, &error)),
            }
        }
        StatusCode::PARTIAL_CONTENT if offset > 0 && starts_at(&answer, offset) => {
            Ok(answer.into_body().into_reader())
        }
        StatusCode::PARTIAL_CONTENT => Err(RegistryError::bad(&url, "another range than the one asked for")),
        StatusCode::NOT_FOUND if descriptor.media_type.is_foreign() => {
            let hint = "; it is non-distributable: the registry need not hold its content";
            Err(not_found(reference, format!("{what}{hint}")))
        }
        StatusCode::NOT_FOUND => Err(not_found(reference, what)),
        _ => Err(status_error(answer, &url)),
    }
}

/// Whether a `206` begins at `offset`; one that does not say is believed, its digest tells.
fn starts_at(answer: &Response<Body>, offset: u64) -> bool {
    match header_text(answer, &header::CONTENT_RANGE) {
        Some(text) => text
            .trim()
            .strip_prefix("bytes ")
            .and_then(|range| range.split('-').next()?.trim().parse::<u64>().ok())
            .is_some_and(|start| start == offset),
        None => true,
    }
}

fn lost(reference: &Reference, cause: &io::Error) -> RegistryError {
    RegistryError::Lost {
        host: reference.host.clone(),
        reason: cause.to_string(),
    }
}
