//! What can go wrong with a forge, in words that name the URL and the request.
//!
//! A module of its own because every part of the client answers with it. Nothing here carries a token.

use std::time::Duration;

use super::answer::after_colon;
use crate::http::SetupError;

/// Why a comment could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForgeError {
    /// Occurs when neither the environment nor a flag says something that must be known.
    #[error("{what} is not known: {way}")]
    Unknown {
        /// What.
        what: &'static str,
        /// Where it is looked for.
        way: &'static str,
    },
    /// Occurs when what the environment says makes no sense.
    #[error("{name}: {reason}")]
    Odd {
        /// The variable or the file.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// Occurs when the token may read and not write, or when there is none: as in a build of somebody else's fork.
    #[error("{0}")]
    ReadOnly(String),
    /// Occurs when the forge refuses the token.
    #[error("{status} from {url}: the token is refused{}", after_colon(.message))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The URL.
        url: String,
        /// What the forge says.
        message: String,
    },
    /// Occurs when the forge has no such request, repository or API.
    #[error("{url} does not exist, or the token may not see it{}", after_colon(.message))]
    NotFound {
        /// The URL.
        url: String,
        /// What the forge says.
        message: String,
    },
    /// Occurs when no open request has the branch and commit that a workflow was started for.
    #[error(
        "{repository} has no open pull request of {label} at {commit}: it may be closed, or there are newer commits"
    )]
    NoRequest {
        /// The repository.
        repository: String,
        /// `owner:branch`
        label: String,
        /// The commit.
        commit: String,
    },
    /// Occurs when the forge asks to be left alone, for longer than a run waits or again and again.
    #[error("{url} allows no more requests for {} seconds", wait.as_secs())]
    TooMany {
        /// The URL.
        url: String,
        /// How long.
        wait: Duration,
    },
    /// Occurs when the forge finds the comment too long, also when it is cut.
    #[error("{url} refuses a comment of {characters} characters{}", after_colon(.message))]
    TooLong {
        /// The URL.
        url: String,
        /// Its length.
        characters: usize,
        /// What the forge says.
        message: String,
    },
    /// Occurs when the forge answers with another status than the request may have.
    #[error("{status} from {url}{}", after_colon(.message))]
    Status {
        /// The HTTP status.
        status: u16,
        /// The URL.
        url: String,
        /// What the forge says.
        message: String,
    },
    /// Occurs when there is no connection, or it breaks, also after several tries.
    #[error("cannot reach {host}: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// The cause.
        reason: String,
    },
    /// Occurs when an answer is not what the API documents, or a URL is none.
    #[error("{url}: {reason}")]
    BadAnswer {
        /// The URL.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// Occurs when a certificate or a proxy that was given cannot be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

impl ForgeError {
    pub(super) fn bad(url: &str, reason: impl Into<String>) -> Self {
        Self::BadAnswer {
            url: url.to_owned(),
            reason: reason.into(),
        }
    }

    /// How long to wait before another try, at least; `None` where another try would fail as well.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::TooMany { wait, .. } => Some(*wait),
            Self::Unreachable { .. } => Some(Duration::ZERO),
            Self::Status { status, .. } => {
                matches!(status, 408 | 500 | 502 | 503 | 504).then_some(Duration::ZERO)
            }
            _ => None,
        }
    }
}
