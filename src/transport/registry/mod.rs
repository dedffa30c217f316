//! Registries: images read and written over the distribution API, with a thin client of its own.
//!
//! The client speaks only what slim needs, in constant memory: manifests (bounded, verified), blobs as
//! streams that survive a broken connection, mounts, uploads. Documents are bytes here; nothing is parsed
//! into types that could lose a key. Credentials and certificates come in [`Settings`]: nothing in here
//! reads a file. Spec: distribution-spec 1.1.

mod attached;
mod auth;
mod blob;
mod credentials;
mod error;
mod mirror;
mod patience;
mod refer;
mod sink;
mod source;
#[cfg(test)]
mod tests;
mod upload;
mod wire;

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use ureq::Body;
use ureq::http::{Method, Response, StatusCode, header};

use auth::{Access, Auth};
pub use credentials::Credentials;
pub use error::{Login, RegistryError};
use mirror::Mirrors;
pub use mirror::{Mirror, Serves};
use patience::{Patience, retry_after};
pub use sink::{Sent, write, write_index};
pub use source::{Opened, Source, attached, open, open_whole};
pub use upload::{Mount, Open, Session};
use wire::{Exchange, Payload, Wire, header_text, read_all};

use crate::http::{self, Origin, shown, without_query};
use crate::limits::Limits;
use crate::oci::{Descriptor, Digest, Hasher, MediaType, Reference};

/// The most of an error answer that is read, in bytes.
const MAX_ERROR: u64 = 64 * 1024;
/// How often a manifest is fetched whose body breaks off.
const BODY_TRIES: usize = 3;
/// Every manifest and index that slim reads.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";
/// What a registry answers that lists referrers by itself.
const SUBJECT: header::HeaderName = header::HeaderName::from_static("oci-subject");
const CONTENT_DIGEST: header::HeaderName = header::HeaderName::from_static("docker-content-digest");

/// How registries are spoken to.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The logins.
    pub credentials: Credentials,
    /// How hosts are spoken to.
    pub http: http::Settings,
    /// Registries that are asked before others, in this order.
    pub mirrors: Vec<Mirror>,
    /// What an image may ask for.
    pub limits: Limits,
}

/// A client of any number of registries. Clones share connections, tokens and what is known of hosts.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    wire: Wire,
    auth: Auth,
    mirrors: Mirrors,
    limits: Limits,
}

/// A manifest or index as a registry gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes, no more than [`Limits::document`].
    pub bytes: Vec<u8>,
    /// The `Content-Type`, without parameters.
    pub media_type: Option<MediaType>,
    /// The digest of the bytes.
    pub digest: Digest,
}

/// A manifest that a registry took.
struct Put {
    digest: Digest,
    /// Whether the registry lists it among the referrers of its subject by itself.
    lists_subject: bool,
}

/// One request to a registry's API.
struct Call<'a> {
    method: Method,
    reference: &'a Reference,
    access: Access<'a>,
    /// A path on the registry, or the URL of an upload session.
    target: Target<'a>,
    headers: Vec<(header::HeaderName, String)>,
    payload: Payload<'a>,
    patience: Patience,
}

enum Target<'a> {
    /// What follows `/v2/REPOSITORY/`.
    Path(String),
    Url(&'a str),
}

impl Client {
    /// A client; nothing is sent yet. Refuses certificates that are none.
    pub fn new(settings: Settings) -> Result<Self, RegistryError> {
        let wire = Wire::new(&settings.http)?;
        let limits = settings.limits;
        let auth = Auth::new(settings.credentials);
        let mirrors = Mirrors::new(settings.mirrors);
        Ok(Self(Arc::new(Inner {
            wire,
            auth,
            mirrors,
            limits,
        })))
    }

    /// The manifest or index that `id`, a tag or a digest, names. Verified against the digest that was
    /// asked for, and against the one that the registry sends along.
    pub fn manifest(&self, reference: &Reference, id: &str) -> Result<Fetched, RegistryError> {
        let mut outcome = self.manifest_once(reference, id);
        for _ in 0..BODY_TRIES - 1 {
            match outcome {
                Err(error) if error.is_transient() => outcome = self.manifest_once(reference, id),
                done => return done,
            }
        }
        outcome
    }

    fn manifest_once(&self, reference: &Reference, id: &str) -> Result<Fetched, RegistryError> {
        let call = Call {
            headers: vec![(header::ACCEPT, ACCEPT.to_owned())],
            ..Call::get(reference, format!("manifests/{id}"))
        };
        let (answer, url) = self.call(&call)?;
        let what = format!("manifest {}", named(&reference.repository, id));
        let answer = match answer.status() {
            StatusCode::OK => answer,
            StatusCode::NOT_FOUND => return Err(not_found(reference, what)),
            _ => return Err(status_error(answer, &url)),
        };
        let claimed = header_text(&answer, &header::CONTENT_TYPE).map(bare_media_type);
        let sent = header_text(&answer, &CONTENT_DIGEST).and_then(|text| text.parse::<Digest>().ok());
        let what = format!("{what} of {}", reference.host);
        let bytes = read_all(answer, self.0.limits.document, &what)?;
        let digest = Digest::of(&bytes);
        for expected in id.parse::<Digest>().ok().into_iter().chain(sent) {
            verify(&bytes, &expected, &what)?;
        }
        Ok(Fetched {
            bytes,
            media_type: claimed,
            digest,
        })
    }

    /// A small blob (a config), read whole and verified against size and digest of its descriptor.
    pub fn document(&self, reference: &Reference, descriptor: &Descriptor) -> Result<Vec<u8>, RegistryError> {
        let what = blob_name(reference, &descriptor.digest);
        let limit = self.0.limits.document;
        if descriptor.size > limit {
            return Err(RegistryError::TooLarge { what, limit });
        }
        let bytes = blob::read_whole(self, reference, descriptor)?;
        if bytes.len() as u64 != descriptor.size {
            let (expected, found) = (descriptor.size, bytes.len() as u64);
            return Err(RegistryError::SizeMismatch {
                what,
                expected,
                found,
            });
        }
        verify(&bytes, &descriptor.digest, &what)?;
        Ok(bytes)
    }

    /// The size of a blob in bytes, where the repository has it and the registry says how large it is.
    pub fn has_blob(&self, reference: &Reference, digest: &Digest) -> Result<Option<u64>, RegistryError> {
        self.head_blob(reference, digest, Access::Pull)
    }

    /// Writes a manifest or index under `id`, a tag or its digest, and gives its digest. A registry that
    /// answers with another digest is an error.
    pub fn put_manifest(
        &self,
        reference: &Reference,
        id: &str,
        media_type: &MediaType,
        bytes: &[u8],
    ) -> Result<Digest, RegistryError> {
        self.put(reference, id, media_type, bytes).map(|put| put.digest)
    }

    fn put(
        &self,
        reference: &Reference,
        id: &str,
        media_type: &MediaType,
        bytes: &[u8],
    ) -> Result<Put, RegistryError> {
        let call = Call {
            method: Method::PUT,
            access: Access::Push,
            headers: vec![(header::CONTENT_TYPE, media_type.as_str().to_owned())],
            payload: Payload::Bytes(bytes),
            ..Call::get(reference, format!("manifests/{id}"))
        };
        let (answer, url) = self.call(&call)?;
        if !answer.status().is_success() {
            return Err(status_error(answer, &url));
        }
        let what = format!(
            "manifest {} of {}",
            named(&reference.repository, id),
            reference.host
        );
        let sent = header_text(&answer, &CONTENT_DIGEST).map(str::parse::<Digest>);
        if let Some(sent) = sent {
            let sent = sent.map_err(|e| RegistryError::bad_digest(&url, &e))?;
            let mut hasher = Hasher::new(sent.algorithm());
            hasher.update(bytes);
            let expected = hasher.finish();
            if sent != expected {
                let found = sent;
                return Err(RegistryError::DigestMismatch {
                    what,
                    expected,
                    found,
                });
            }
        }
        Ok(Put {
            digest: Digest::of(bytes),
            lists_subject: answer.headers().contains_key(SUBJECT),
        })
    }

    fn head_blob(
        &self,
        reference: &Reference,
        digest: &Digest,
        access: Access,
    ) -> Result<Option<u64>, RegistryError> {
        let call = Call {
            method: Method::HEAD,
            access,
            ..Call::get(reference, format!("blobs/{digest}"))
        };
        let (answer, url) = self.call(&call)?;
        match answer.status() {
            StatusCode::OK => {
                let length = header_text(&answer, &header::CONTENT_LENGTH);
                Ok(length.and_then(|text| text.trim().parse().ok()))
            }
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(status_error(answer, &url)),
        }
    }

    /// Sends a call, to a mirror first where there is one, and gives the answer with the URL.
    fn call(&self, call: &Call) -> Result<(Response<Body>, String), RegistryError> {
        match self.0.mirrors.ask(self, call) {
            Some(answered) => Ok(answered),
            None => self.call_once(call),
        }
    }

    /// Sends a call with the login that the registry asks for.
    fn call_once(&self, call: &Call) -> Result<(Response<Body>, String), RegistryError> {
        let Inner { wire, auth, .. } = &*self.0;
        let base = wire.base(call.reference)?;
        let url = match &call.target {
            Target::Path(path) => format!("{base}/v2/{}/{path}", call.reference.repository),
            Target::Url(url) => (*url).to_owned(),
        };
        // An upload session may live on another host, which gets no login of this one.
        let is_own = Origin::of(&url) == Origin::of(&base);
        let login = if is_own {
            auth.header(wire, call.reference, call.access)?
        } else {
            None
        };
        let send = |login: Option<&str>| {
            let exchange = Exchange {
                method: &call.method,
                url: &url,
                headers: &call.headers,
                authorization: login,
                payload: call.payload,
            };
            wire.send(&exchange, call.patience)
        };
        let mut answer = send(login.as_deref())?;
        let mut brought = login;
        while answer.status() == StatusCode::UNAUTHORIZED && is_own {
            let known = brought.as_deref();
            let login = auth.answer(wire, call.reference, call.access, &answer, &url, known)?;
            answer = send(Some(&login.header))?;
            if login.is_fresh && answer.status() == StatusCode::UNAUTHORIZED {
                return Err(auth.unauthorized(call.reference));
            }
            brought = Some(login.header);
        }
        Ok((answer, url))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl<'a> Call<'a> {
    fn get(reference: &'a Reference, path: String) -> Self {
        Self {
            method: Method::GET,
            reference,
            access: Access::Pull,
            target: Target::Path(path),
            headers: Vec::new(),
            payload: Payload::None,
            patience: Patience::Retry,
        }
    }

    /// The same call of another repository.
    fn at<'b>(&'b self, reference: &'b Reference, patience: Patience) -> Call<'b> {
        Call {
            method: self.method.clone(),
            reference,
            access: self.access,
            target: match &self.target {
                Target::Path(path) => Target::Path(path.clone()),
                Target::Url(url) => Target::Url(url),
            },
            headers: self.headers.clone(),
            payload: self.payload,
            patience,
        }
    }
}

/// `repository:tag` or `repository@digest`.
fn named(repository: &str, id: &str) -> String {
    let separator = if id.contains(':') { '@' } else { ':' };
    format!("{repository}{separator}{id}")
}

fn blob_name(reference: &Reference, digest: &Digest) -> String {
    format!("blob {digest} of {}", reference.name())
}

fn not_found(reference: &Reference, what: String) -> RegistryError {
    RegistryError::NotFound {
        host: reference.host.clone(),
        what,
    }
}

fn bare_media_type(text: &str) -> MediaType {
    MediaType::from(text.split(';').next().unwrap_or_default().trim())
}

fn verify(bytes: &[u8], expected: &Digest, what: &str) -> Result<(), RegistryError> {
    let mut hasher = Hasher::new(expected.algorithm());
    hasher.update(bytes);
    let found = hasher.finish();
    if found == *expected {
        return Ok(());
    }
    Err(RegistryError::DigestMismatch {
        what: what.to_owned(),
        expected: expected.clone(),
        found,
    })
}

/// The error for a status that nobody expected, with what the registry says about it.
fn status_error(answer: Response<Body>, url: &str) -> RegistryError {
    let status = answer.status().as_u16();
    let retry_after = retry_after(&answer);
    let text = read_all(answer, MAX_ERROR, "an error").unwrap_or_default();
    RegistryError::Status {
        status,
        url: without_query(url).to_owned(),
        message: registry_message(&text),
        retry_after,
    }
}

/// The codes and messages of an error answer; empty where it is not the JSON of the spec.
fn registry_message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Answer {
        errors: Vec<One>,
    }
    #[derive(Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct One {
        code: String,
        message: String,
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        return String::new();
    };
    let words = answer
        .errors
        .iter()
        .take(3)
        .map(|one| match one.message.as_str() {
            "" => one.code.clone(),
            message => format!("{}: {message}", one.code),
        });
    shown(&words.collect::<Vec<_>>().join("; "))
}
