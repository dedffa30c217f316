//! Forges: one comment of a pull request, made once and then updated.
//!
//! A floor of its own because GitHub, GitLab and Gitea have three APIs for one thing. It knows nothing of images: it is given
//! a text and where it belongs. Tokens are sent to the API that they belong to and shown nowhere.

mod answer;
mod api;
mod ci;
mod client;
mod error;
mod text;

pub use ci::{Surroundings, place_of};
pub use client::{Client, Posted, What};
pub use error::ForgeError;
pub use text::{Comment, LONGEST, key_of};

use std::fmt;

/// The kinds of forges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forge {
    /// GitHub, and GitHub Enterprise.
    GitHub,
    /// GitLab.
    GitLab,
    /// Gitea, and Forgejo.
    Gitea,
}

impl Forge {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::GitHub, Self::GitLab, Self::Gitea];

    /// The word in flags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Gitea => "gitea",
        }
    }

    /// What it calls a request to merge.
    fn request(self) -> &'static str {
        match self {
            Self::GitLab => "merge request",
            Self::GitHub | Self::Gitea => "pull request",
        }
    }
}

/// Where a comment belongs.
#[derive(Debug, Clone)]
pub struct Place {
    /// The forge.
    pub forge: Forge,
    /// The URL of its API, without a slash at the end: `https://api.github.com`.
    pub api: String,
    /// `owner/name`; of GitLab also the number of the project.
    pub repository: String,
    /// Which request.
    pub request: Request,
    /// Who writes; `None` where nobody may.
    pub token: Option<Token>,
}

/// A pull request or merge request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// By its number.
    Number(u64),
    /// The open one of this branch and commit: what is known of it where a workflow was started by another one.
    Head {
        /// `owner:branch`
        label: String,
        /// The commit.
        commit: String,
    },
}

/// A secret, and how it is sent.
#[derive(Clone)]
pub struct Token {
    /// How.
    pub kind: TokenKind,
    secret: String,
}

/// How a token is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// As the forge's own personal tokens are.
    Own,
    /// As the token of a GitLab job.
    Job,
}

impl Token {
    /// A token.
    pub fn new(kind: TokenKind, secret: impl Into<String>) -> Self {
        Self {
            kind,
            secret: secret.into(),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?}, ***)", self.kind)
    }
}
