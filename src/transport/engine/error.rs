//! What can go wrong with an engine, in words that name its address, the image and the way out.
//!
//! A module of its own because every part of the client answers with it. What an engine says is shortened and escaped.

use crate::image::ImageError;

/// Why an engine could not be found, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Occurs when what names an engine (`DOCKER_HOST`, a context, its certificates) cannot be used.
    #[error("{what}: {reason}")]
    Address {
        /// The variable or file, and its value where it is short.
        what: String,
        /// What is wrong with it, and the way out where there is one.
        reason: String,
    },
    /// Occurs when nothing answers where an engine should.
    #[error(
        "no engine answers at {address}: {reason}; is docker or podman running? DOCKER_HOST may name another"
    )]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// The cause.
        reason: String,
    },
    /// Occurs when this user may not speak to the engine.
    #[error("permission denied at {address}: {way}")]
    Permission {
        /// The engine.
        address: String,
        /// The way out.
        way: &'static str,
    },
    /// Occurs when an engine is older than what slim speaks.
    #[error("the engine at {address} speaks API {found}; slim needs {needed} or newer")]
    TooOld {
        /// The engine.
        address: String,
        /// Its newest version.
        found: String,
        /// The oldest that slim speaks.
        needed: &'static str,
    },
    /// Occurs when something answers that is no engine, or in no form that an engine has.
    #[error("the engine at {address} gave an odd answer: {reason}")]
    Odd {
        /// The engine.
        address: String,
        /// What is odd.
        reason: String,
    },
    /// Occurs when the engine has no image of that name or id.
    #[error("the engine at {address} has no image `{wanted}`{}", beside(.near))]
    NoImage {
        /// The engine.
        address: String,
        /// What was asked for.
        wanted: String,
        /// Names that come near.
        near: Vec<String>,
    },
    /// Occurs when the engine refuses to do what it is asked, or fails at it.
    #[error("the engine at {address} failed to {what}: {reason}")]
    Refused {
        /// The engine.
        address: String,
        /// `load app:1`, `export app:1`.
        what: String,
        /// What it says, or the HTTP status; and the way out where there is one.
        reason: String,
    },
    /// Occurs when a connection breaks or falls silent.
    #[error("the connection to the engine at {address} was lost while it was asked to {what}: {reason}")]
    Lost {
        /// The engine.
        address: String,
        /// What it was asked for.
        what: String,
        /// The cause.
        reason: String,
    },
    /// Occurs when the engine took an image and has another one under the name afterwards.
    #[error("the engine at {address} took {name} and has {found} under that name, not {expected}")]
    Another {
        /// The engine.
        address: String,
        /// The name that was loaded.
        name: String,
        /// The id that it should have.
        expected: String,
        /// The id that it has.
        found: String,
    },
    /// Occurs when the image that is sent cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
}

fn beside(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!("; it has {}", names.join(", ")),
    }
}
