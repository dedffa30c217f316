//! What can go wrong with a registry, in words that name the host, the reference or the digest.
//!
//! A module of its own because every part of the client answers with it. Nothing here ever carries a
//! secret: URLs are shown without their query (signed redirects), server texts are shortened and escaped.

use std::time::Duration;

use crate::http::{SetupError, without_query};
use crate::image::ImageError;
use crate::limits::{Exceeded, Limit};
use crate::oci::{Digest, DigestError};
use crate::transport::ChooseError;

/// Which half of a login is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// No credentials are known for the host.
    Missing,
    /// The host refused those that are.
    Refused,
}

/// Why a registry could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Occurs when the registry wants a login that there is none for, or refuses the one there is.
    #[error("{}", unauthorized(.host, .repository, *.login, .detail))]
    Unauthorized {
        /// The registry.
        host: String,
        /// The repository that was asked for.
        repository: String,
        /// Whether credentials are missing or refused.
        login: Login,
        /// What else is known (a credential helper that failed), or nothing.
        detail: String,
    },
    /// Occurs when the registry has no such manifest, tag, blob or repository.
    #[error("{host} has no {what}")]
    NotFound {
        /// The registry.
        host: String,
        /// `manifest library/nginx:1.99`, `blob sha256:… of library/nginx`.
        what: String,
    },
    /// Occurs when no connection to the registry can be made.
    #[error("cannot reach {host}: {reason}")]
    Unreachable {
        /// The host that was called.
        host: String,
        /// The cause: `connection refused`, `no such host`, what is wrong with its certificate.
        reason: String,
    },
    /// Occurs when a connection breaks or falls silent, also after several tries.
    #[error("the connection to {host} was lost: {reason}")]
    Lost {
        /// The host that was called.
        host: String,
        /// The cause.
        reason: String,
    },
    /// Occurs when the registry answers with a status that is not one of those the request may have.
    #[error("{status} from {url}{}", after_colon(.message))]
    Status {
        /// The HTTP status.
        status: u16,
        /// The URL, without its query.
        url: String,
        /// Codes and messages of the answer, where it has any.
        message: String,
        /// How long the registry asks to be left alone, where it does.
        retry_after: Option<Duration>,
    },
    /// Occurs when bytes do not have the digest they were promised with.
    #[error("{what} has digest {found}, not {expected}")]
    DigestMismatch {
        /// Which manifest or blob, with its host.
        what: String,
        /// The digest asked for, or promised.
        expected: Digest,
        /// The digest of the bytes.
        found: Digest,
    },
    /// Occurs when a blob has another size than its descriptor says.
    #[error("{what} has {found} bytes, its descriptor says {expected}")]
    SizeMismatch {
        /// Which blob, with its host.
        what: String,
        /// Bytes by the descriptor.
        expected: u64,
        /// Bytes by the registry.
        found: u64,
    },
    /// Occurs when a document is larger than any honest one (rule 32).
    #[error("{what}: {}", Exceeded { limit: Limit::Document, max: *limit })]
    TooLarge {
        /// Which document, with its host.
        what: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// Occurs when an answer breaks the protocol: no `Location`, a challenge nobody can answer, no JSON.
    #[error("{url} answered what no registry should: {reason}")]
    BadResponse {
        /// The URL, without its query.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// Occurs when indexes are nested too deep, or too many.
    #[error("{what}: {reason}")]
    Nested {
        /// Which index.
        what: String,
        /// Which limit.
        reason: String,
    },
    /// Occurs when a docker config or auth.json is not valid.
    #[error("the registry credentials are not valid: {0}")]
    Credentials(String),
    /// Occurs when a certificate or a proxy that was given cannot be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// Occurs when what is to be sent cannot be read from where it is.
    #[error(transparent)]
    Source(ImageError),
    /// Occurs when an image without a manifest is to be sent.
    #[error("{0} has no manifest: a registry takes only images that have one")]
    NoManifest(String),
    /// Occurs when what the registry gave is no image that slim reads.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Occurs when no image of an index can be taken.
    #[error("{reference}: {source}")]
    Choose {
        /// The reference of the index.
        reference: String,
        /// Why.
        source: ChooseError,
    },
}

impl RegistryError {
    /// Whether another try may succeed.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }

    pub(super) fn bad(url: &str, reason: impl Into<String>) -> Self {
        Self::BadResponse {
            url: without_query(url).to_owned(),
            reason: reason.into(),
        }
    }

    pub(super) fn bad_digest(url: &str, error: &DigestError) -> Self {
        Self::bad(url, error.to_string())
    }
}

fn unauthorized(host: &str, repository: &str, login: Login, detail: &str) -> String {
    let way_out = format!("run `docker login {host}`");
    let detail = if detail.is_empty() {
        String::new()
    } else {
        format!(" ({detail})")
    };
    match login {
        Login::Missing => format!("{host} wants a login for {repository}{detail}; {way_out}"),
        Login::Refused => {
            format!(
                "401 unauthorized for {repository}: the credentials for {host} were refused{detail}; {way_out}"
            )
        }
    }
}

fn after_colon(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}
