//! Uploads: a session, then the blob in one stream, or in chunks where that is refused.
//!
//! A module of its own because an upload has its own rules of trying again: a session that broke is in no
//! known state, so that a new one is begun and the blob is opened anew. Memory is constant: one chunk.
//! Spec: distribution-spec "Pushing blobs", "Mounting a blob from another repository".

use std::cell::{Cell, RefCell};
use std::io::{self, Read};
use std::time::Duration;

use ureq::Body;
use ureq::http::{Method, Response, StatusCode, header};

use super::auth::Access;
use super::error::RegistryError;
use super::patience::{Patience, WAITS, is_transient};
use super::wire::{Payload, Reopen, header_text};
use super::{Call, Client, Target, status_error};
use crate::http::{percent_encoded, resolve};
use crate::image::ImageError;
use crate::oci::{Descriptor, Digest, Reference};

/// The largest chunk that every known registry takes (4 MiB: the limit of GHCR), in bytes.
const CHUNK: usize = 4 * 1024 * 1024;
/// The largest chunk that is held in memory because a registry asks for such, in bytes.
const LARGEST_CHUNK: usize = 32 * 1024 * 1024;
const LEAST: header::HeaderName = header::HeaderName::from_static("oci-chunk-min-length");
const OCTETS: &str = "application/octet-stream";

/// Opens what is uploaded at its first byte; called again for every try.
pub type Open<'a> = dyn Fn() -> io::Result<Box<dyn Read + Send>> + 'a;

/// What became of a mount.
#[derive(Debug)]
pub enum Mount {
    /// The target repository has the blob.
    Mounted,
    /// The registry does not mount it, and legally began an upload instead.
    Upload(Session),
}

/// An upload that a registry began.
#[derive(Debug)]
pub struct Session {
    url: String,
    /// The fewest bytes of a chunk but the last, as the registry asks; 0 where it does not.
    least: usize,
}

/// One blob on its way.
struct Parcel<'a> {
    target: &'a Reference,
    descriptor: &'a Descriptor,
    open: &'a Open<'a>,
    on_bytes: &'a dyn Fn(u64),
    /// Bytes reported: a second try reports only what is beyond the first.
    reported: Cell<u64>,
    /// Why the source could not be read, which the HTTP library would hide.
    failed: RefCell<Option<io::Error>>,
}

/// How a try ended that was no success.
enum Refusal {
    /// The registry wants no blob of this size in one request.
    TooMuchAtOnce,
    Failed(RegistryError),
}

impl Client {
    /// Asks the registry to take the blob from another of its repositories.
    pub fn mount(&self, target: &Reference, from: &str, digest: &Digest) -> Result<Mount, RegistryError> {
        let query = format!(
            "blobs/uploads/?mount={}&from={}",
            percent_encoded(&digest.to_string()),
            percent_encoded(from)
        );
        let call = Call {
            method: Method::POST,
            access: Access::Mount(from),
            payload: Payload::Bytes(&[]),
            ..Call::get(target, query)
        };
        let (answer, url) = self.call(&call)?;
        match answer.status() {
            StatusCode::CREATED => Ok(Mount::Mounted),
            StatusCode::ACCEPTED => Ok(Mount::Upload(Session::of(&answer, &url)?)),
            _ => Err(status_error(answer, &url)),
        }
    }

    /// Uploads a blob of the descriptor's size and digest, in `session` where a mount began one. Tries
    /// again, from its first byte, where the connection breaks. `on_bytes` hears of bytes once, also when
    /// they are sent twice.
    pub fn upload(
        &self,
        target: &Reference,
        descriptor: &Descriptor,
        session: Option<Session>,
        open: &Open,
        on_bytes: &dyn Fn(u64),
    ) -> Result<(), RegistryError> {
        let parcel = Parcel {
            target,
            descriptor,
            open,
            on_bytes,
            reported: Cell::new(0),
            failed: RefCell::new(None),
        };
        match self.persist(session, |session| self.send_whole(&parcel, &session), &parcel) {
            Ok(()) => return Ok(()),
            Err(Refusal::TooMuchAtOnce) => {}
            Err(Refusal::Failed(RegistryError::Lost { .. })) if descriptor.size > CHUNK as u64 => {
                // Some proxies hang up on large requests where they should say 413.
            }
            Err(Refusal::Failed(error)) => return Err(error),
        }
        match self.persist(None, |session| self.send_chunks(&parcel, session), &parcel) {
            Ok(()) => Ok(()),
            Err(Refusal::Failed(error)) => Err(error),
            Err(Refusal::TooMuchAtOnce) => Err(RegistryError::Status {
                status: StatusCode::PAYLOAD_TOO_LARGE.as_u16(),
                url: format!("{}/blobs/uploads", target.name()),
                message: "the registry takes the blob neither whole nor in chunks of 4 MiB".to_owned(),
                retry_after: None,
            }),
        }
    }

    /// Begins a session and tries, and again where the network or the server fails.
    fn persist(
        &self,
        mut session: Option<Session>,
        attempt: impl Fn(Session) -> Result<(), Refusal>,
        parcel: &Parcel,
    ) -> Result<(), Refusal> {
        let mut waits = WAITS.iter();
        loop {
            let begun = match session.take() {
                Some(session) => Ok(session),
                None => self.begin(parcel.target),
            };
            let error = match begun.map_err(Refusal::Failed).and_then(&attempt) {
                Err(Refusal::Failed(error)) => error,
                done => return done,
            };
            if let Some(cause) = parcel.failed.take() {
                let error = cause
                    .downcast::<ImageError>()
                    .unwrap_or_else(|source| ImageError::Read {
                        what: format!(
                            "blob {}, to be sent to {}",
                            parcel.descriptor.digest,
                            parcel.target.name()
                        ),
                        source,
                    });
                return Err(Refusal::Failed(RegistryError::Source(error)));
            }
            match waits.next() {
                Some(wait) if is_worth_another_try(&error) => {
                    std::thread::sleep(asked_wait(&error).unwrap_or(*wait));
                }
                _ => return Err(Refusal::Failed(error)),
            }
        }
    }

    fn begin(&self, target: &Reference) -> Result<Session, RegistryError> {
        let call = Call {
            method: Method::POST,
            access: Access::Push,
            payload: Payload::Bytes(&[]),
            ..Call::get(target, "blobs/uploads/".to_owned())
        };
        let (answer, url) = self.call(&call)?;
        match answer.status() {
            StatusCode::ACCEPTED => Session::of(&answer, &url),
            _ => Err(status_error(answer, &url)),
        }
    }

    fn send_whole(&self, parcel: &Parcel, session: &Session) -> Result<(), Refusal> {
        let payload = Payload::Stream {
            size: parcel.descriptor.size,
            from: parcel,
        };
        self.finish(parcel, session, payload)
    }

    fn send_chunks(&self, parcel: &Parcel, mut session: Session) -> Result<(), Refusal> {
        let mut reader = parcel.reader().map_err(Refusal::Failed)?;
        let size = session.least.clamp(CHUNK, LARGEST_CHUNK);
        let mut chunk = Vec::with_capacity(size);
        let mut offset = 0;
        loop {
            chunk.clear();
            let filled = (&mut reader).take(size as u64).read_to_end(&mut chunk);
            if let Err(error) = filled {
                let lost = source_lost(parcel.target, &error);
                parcel.failed.replace(Some(error));
                return Err(Refusal::Failed(lost));
            }
            if chunk.is_empty() {
                return self.finish(parcel, &session, Payload::Bytes(&[]));
            }
            let end = offset + chunk.len() as u64 - 1;
            session = self.send_chunk(parcel, &session, &chunk, offset, end)?;
            offset = end + 1;
        }
    }

    fn send_chunk(
        &self,
        parcel: &Parcel,
        session: &Session,
        chunk: &[u8],
        start: u64,
        end: u64,
    ) -> Result<Session, Refusal> {
        let call = Call {
            method: Method::PATCH,
            access: Access::Push,
            target: Target::Url(&session.url),
            headers: vec![
                (header::CONTENT_TYPE, OCTETS.to_owned()),
                (header::CONTENT_RANGE, format!("{start}-{end}")),
            ],
            payload: Payload::Bytes(chunk),
            patience: Patience::Once,
            ..Call::get(parcel.target, String::new())
        };
        let (answer, url) = self.call(&call).map_err(Refusal::Failed)?;
        match answer.status() {
            StatusCode::ACCEPTED | StatusCode::NO_CONTENT => {}
            StatusCode::RANGE_NOT_SATISFIABLE => {
                // It holds other chunks than were sent: another session begins with none.
                return Err(Refusal::Failed(RegistryError::Lost {
                    host: parcel.target.host.clone(),
                    reason: "it lost a chunk of an upload".to_owned(),
                }));
            }
            _ => return Err(refusal(answer, &url)),
        }
        // `Range: 0-4194303`: what the registry has.
        let range = header_text(&answer, &header::RANGE);
        let last = range.and_then(|text| text.rsplit('-').next()?.trim().parse::<u64>().ok());
        if last.is_some_and(|last| last != end) {
            let reason = format!("it holds {} instead of 0-{end}", range.unwrap_or_default());
            return Err(Refusal::Failed(RegistryError::bad(&url, reason)));
        }
        Session::of(&answer, &url).map_err(Refusal::Failed)
    }

    /// The request that ends a session: with the whole blob, or with nothing after the last chunk.
    fn finish(&self, parcel: &Parcel, session: &Session, payload: Payload) -> Result<(), Refusal> {
        let digest = &parcel.descriptor.digest;
        let separator = if session.url.contains('?') { '&' } else { '?' };
        let url = format!(
            "{}{separator}digest={}",
            session.url,
            percent_encoded(&digest.to_string())
        );
        let call = Call {
            method: Method::PUT,
            access: Access::Push,
            target: Target::Url(&url),
            headers: vec![(header::CONTENT_TYPE, OCTETS.to_owned())],
            payload,
            patience: Patience::Once,
            ..Call::get(parcel.target, String::new())
        };
        let (answer, url) = self.call(&call).map_err(Refusal::Failed)?;
        match answer.status() {
            StatusCode::CREATED | StatusCode::OK | StatusCode::NO_CONTENT => Ok(()),
            _ => Err(refusal(answer, &url)),
        }
    }
}

impl Session {
    /// The session of an answer to POST or PATCH. A `Location` that names this very host over plain HTTP,
    /// as a registry behind a proxy writes it, is meant over TLS.
    fn of(answer: &Response<Body>, url: &str) -> Result<Self, RegistryError> {
        let location = header_text(answer, &header::LOCATION)
            .ok_or_else(|| RegistryError::bad(url, "an upload without a Location"))?;
        let resolved = resolve(url, location);
        let authority = |text: &str| text.split('/').next().unwrap_or_default().to_owned();
        let url = match (url.strip_prefix("https://"), resolved.strip_prefix("http://")) {
            (Some(ours), Some(theirs)) if authority(ours) == authority(theirs) => format!("https://{theirs}"),
            _ => resolved,
        };
        let least = header_text(answer, &LEAST).and_then(|text| text.trim().parse().ok());
        Ok(Self {
            url,
            least: least.unwrap_or(0),
        })
    }
}

impl Parcel<'_> {
    fn reader(&self) -> Result<Metered<'_>, RegistryError> {
        match (self.open)() {
            Ok(inner) => Ok(Metered {
                parcel: self,
                inner,
                read: 0,
            }),
            Err(error) => {
                let lost = source_lost(self.target, &error);
                self.failed.replace(Some(error));
                Err(lost)
            }
        }
    }
}

impl Reopen for Parcel<'_> {
    fn reopen(&self) -> Result<Box<dyn Read + '_>, RegistryError> {
        Ok(Box::new(self.reader()?))
    }
}

/// A source that tells how far it is, and keeps its error.
struct Metered<'a> {
    parcel: &'a Parcel<'a>,
    inner: Box<dyn Read + Send>,
    read: u64,
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let outcome = match self.inner.read(buffer) {
            Ok(0) if self.read < self.parcel.descriptor.size && !buffer.is_empty() => {
                let text = format!("it ended after {} bytes", self.read);
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, text))
            }
            other => other,
        };
        match outcome {
            Ok(count) => {
                self.read += count as u64;
                let new = self.read.saturating_sub(self.parcel.reported.get());
                if new > 0 {
                    self.parcel.reported.set(self.read);
                    (self.parcel.on_bytes)(new);
                }
                Ok(count)
            }
            Err(error) => {
                let copy = io::Error::new(error.kind(), error.to_string());
                self.parcel.failed.replace(Some(error));
                Err(copy)
            }
        }
    }
}

/// The error that stands in while the true one is in [`Parcel::failed`].
fn source_lost(target: &Reference, error: &io::Error) -> RegistryError {
    RegistryError::Lost {
        host: target.host.clone(),
        reason: error.to_string(),
    }
}

fn refusal(answer: Response<Body>, url: &str) -> Refusal {
    match answer.status().as_u16() {
        405 | 411 | 413 | 416 | 417 | 501 => Refusal::TooMuchAtOnce,
        _ => Refusal::Failed(status_error(answer, url)),
    }
}

/// How long the registry asks to be left alone.
fn asked_wait(error: &RegistryError) -> Option<Duration> {
    match error {
        RegistryError::Status { retry_after, .. } => *retry_after,
        _ => None,
    }
}

fn is_worth_another_try(error: &RegistryError) -> bool {
    match error {
        RegistryError::Status { status, .. } => StatusCode::from_u16(*status).is_ok_and(is_transient),
        error => error.is_transient(),
    }
}
