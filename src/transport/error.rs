//! What can go wrong between a medium and an image, in one enum for all media.
//!
//! One enum, and not one for each medium, so that `cli` maps it to exit codes in one place: a name that is
//! no source or target (usage), what could not be read, what could not be written.

use std::io;
use std::path::PathBuf;

use super::ChooseError;
use crate::image::ImageError;
use crate::limits::Exceeded;
use crate::oci::Digest;

/// Why a medium could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Occurs when a text on the command line names no source or target.
    #[error("`{text}`: {reason}")]
    BadName {
        /// The text as given, shortened and escaped.
        text: String,
        /// What is wrong with it, and the way out where there is one.
        reason: String,
    },
    /// Occurs when a text is clearly a path and nothing is there.
    #[error("no such file or directory: {}", .0.display())]
    NoSuchFile(PathBuf),
    /// Occurs when a file or directory holds no image that slim reads.
    #[error("{what} is not an image: {found}")]
    NotAnImage {
        /// The path, or `standard input`.
        what: String,
        /// What was found there.
        found: String,
    },
    /// Occurs when an archive ends inside a member.
    #[error("{what} is cut short: {detail}")]
    Truncated {
        /// The archive.
        what: String,
        /// Where it ends.
        detail: String,
    },
    /// Occurs when an archive or a layout is damaged, or a name in it leads out of it.
    #[error("{what}: {reason}")]
    Damaged {
        /// The archive or layout.
        what: String,
        /// Which member or document, and what is wrong with it.
        reason: String,
    },
    /// Occurs when a manifest names a blob that the medium does not hold.
    #[error("{what}: blob {digest} is missing (expected at {file}){hint}")]
    MissingBlob {
        /// The archive or layout.
        what: String,
        /// The blob.
        digest: Digest,
        /// Where it should be, inside the archive or layout.
        file: String,
        /// The way out, beginning with `; `, or nothing.
        hint: &'static str,
    },
    /// Occurs when a document's bytes are not those that its descriptor or name promises (rule 14).
    #[error("{what}: {document} does not match its digest: expected {expected}, found {found}")]
    WrongDigest {
        /// The archive or layout.
        what: String,
        /// The member or blob.
        document: String,
        /// The digest that pointed here.
        expected: Digest,
        /// The digest of the bytes.
        found: Digest,
    },
    /// Occurs when a blob has another size than its descriptor says (rule 14).
    #[error("{what}: blob {digest} is {found} bytes, its descriptor says {expected}")]
    WrongSize {
        /// The archive or layout.
        what: String,
        /// The blob.
        digest: Digest,
        /// Bytes in the descriptor.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// Occurs when a medium holds several images and the source names none of them.
    #[error("{what} holds several images; choose one of {}", .choices.join(", "))]
    Ambiguous {
        /// The source as it was given.
        what: String,
        /// What may be written after the path.
        choices: Vec<String>,
    },
    /// Occurs when the source names an image that the medium does not hold.
    #[error("{what} holds no image `{wanted}`; it has {}", list(.known))]
    UnknownTag {
        /// The archive or layout.
        what: String,
        /// The tag, reference or index that was asked for.
        wanted: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Occurs when none of an index's images is for the platform that is wanted.
    #[error("{what}: {source}")]
    NoPlatform {
        /// The source.
        what: String,
        /// What there is.
        source: ChooseError,
    },
    /// Occurs when a member of an index cannot be read, and the whole index is wanted.
    #[error("{member}: {source}; --platform takes one platform out of the index")]
    InIndex {
        /// The member's platform, else its digest.
        member: String,
        /// What is wrong with it.
        source: Box<TransportError>,
    },
    /// Occurs when a medium holds more than slim is willing to read (rule 32).
    #[error("{what}: {limit}")]
    Limit {
        /// The archive, layout or document.
        what: String,
        /// The limit, in words.
        limit: String,
    },
    /// Occurs when the system cannot read a file.
    #[error("failed to read {what}: {source}")]
    Read {
        /// The file.
        what: String,
        /// The cause.
        source: io::Error,
    },
    /// Occurs when the system cannot write the result.
    #[error("failed to write {}: {source}", .path.display())]
    Write {
        /// The target.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Occurs when a target is something that slim does not write over or into.
    #[error("refused to write {}: {reason}", .path.display())]
    RefusedTarget {
        /// The target.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Occurs when an image has no form that the target can hold (no manifest, a layer type without a
    /// counterpart).
    #[error("{image} cannot be written as {target}: {reason}")]
    Unwritable {
        /// The image's reference.
        image: String,
        /// The target's transport.
        target: &'static str,
        /// Why.
        reason: String,
    },
    /// Occurs when the source of a copy gives other bytes than its digests promise (rule 14).
    #[error("{image}: layer {layer} does not match: expected {expected}, found {found}")]
    WrongLayer {
        /// The image's reference.
        image: String,
        /// The blob's digest or the member's name.
        layer: String,
        /// The digest or size that was promised.
        expected: String,
        /// What was read.
        found: String,
    },
    /// Occurs when a layer that streams past cannot be read.
    #[error("{0}")]
    Passing(super::LookError),
    /// Occurs when what a medium gave is no image that slim reads.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Occurs when a registry cannot be read or written.
    #[cfg(feature = "registry")]
    #[error(transparent)]
    Registry(#[from] super::registry::RegistryError),
    /// Occurs when an engine cannot be found, read or written.
    #[cfg(feature = "engine")]
    #[error(transparent)]
    Engine(#[from] super::engine::EngineError),
}

impl TransportError {
    /// The error for `what`, which is over a limit.
    pub(super) fn over(what: impl Into<String>, exceeded: Exceeded) -> Self {
        Self::Limit {
            what: what.into(),
            limit: exceeded.to_string(),
        }
    }

    /// A closure that makes a [`Self::Read`] for `what`.
    pub(super) fn reading(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Read { what, source }
    }

    /// A closure that makes a [`Self::Write`] for `path`.
    pub(super) fn writing(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Write { path, source }
    }
}

/// A name from a command line or an image, made fit for a message: no control or bidi characters, not endless.
pub(super) fn shown(text: &str) -> String {
    const MAX: usize = 200;
    let mut out = String::new();
    for c in text.chars().take(MAX) {
        match c {
            '\'' | '"' | '\\' => out.push(c),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.extend(c.escape_unicode());
            }
            _ => out.extend(c.escape_debug()),
        }
    }
    if text.chars().nth(MAX).is_some() {
        out.push('…');
    }
    out
}

fn list(known: &[String]) -> String {
    if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    }
}
