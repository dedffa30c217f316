//! What goes wrong, as one line for people and one exit code: the only place that maps errors to codes.

use std::fmt::Display;

use crate::layer::LayerError;
use crate::oci::ReferenceError;
use crate::pipeline::PipelineError;
use crate::profile::ProfileError;
use crate::rewrite::RewriteError;
use crate::store::StoreError;
use crate::transport::TransportError;
#[cfg(feature = "engine")]
use crate::transport::engine::EngineError;

/// The exit codes, as documented in `slim --help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Code {
    /// A budget or a verification failed.
    Failed = 1,
    /// Usage or configuration.
    Usage = 2,
    /// The image could not be read.
    Read = 3,
    /// The image could not be written.
    Write = 4,
    /// Interrupted.
    Interrupted = 130,
}

/// A command that did not succeed.
#[derive(Debug)]
pub(super) struct Failure {
    /// The exit code.
    pub(super) code: Code,
    /// One line, without `error:`; may be empty where everything was said.
    pub(super) message: String,
    /// Lines below it.
    pub(super) details: Vec<String>,
}

impl Failure {
    pub(super) fn new(code: Code, message: impl Display) -> Self {
        Self {
            code,
            message: message.to_string(),
            details: Vec::new(),
        }
    }

    /// The same with lines below the message, such as a list of what there is.
    pub(super) fn with(self, details: Vec<String>) -> Self {
        Self { details, ..self }
    }

    pub(super) fn usage(message: impl Display) -> Self {
        Self::new(Code::Usage, message)
    }

    /// Ended by a signal, before anything was published.
    pub(super) fn interrupted() -> Self {
        Self::new(Code::Interrupted, "interrupted; nothing was published")
    }

    /// What went wrong with a source.
    pub(super) fn reading(error: TransportError) -> Self {
        let code = match &error {
            TransportError::BadName { .. } => Code::Usage,
            _ => Code::Read,
        };
        Self::new(code, error)
    }

    /// What went wrong with a target.
    pub(super) fn writing(error: TransportError) -> Self {
        let code = match &error {
            TransportError::BadName { .. } => Code::Usage,
            #[cfg(feature = "engine")]
            TransportError::Engine(EngineError::Image(_)) => Code::Read,
            TransportError::WrongLayer { .. } | TransportError::Image(_) => Code::Read,
            _ => Code::Write,
        };
        Self::new(code, error)
    }
}

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Self {
        let code = match &error {
            PipelineError::Layer(LayerError::Cancelled)
            | PipelineError::Rewrite(RewriteError::Layer(LayerError::Cancelled))
            | PipelineError::Staged(LayerError::Cancelled) => Code::Interrupted,
            PipelineError::Rewrite(RewriteError::Compression(_)) => Code::Usage,
            PipelineError::Layer(_)
            | PipelineError::Rewrite(RewriteError::Layer(_) | RewriteError::Changed(_)) => Code::Read,
            _ => Code::Write,
        };
        if code == Code::Interrupted {
            return Self::interrupted();
        }
        Self::new(code, error)
    }
}

impl From<ProfileError> for Failure {
    fn from(error: ProfileError) -> Self {
        Self::usage(error)
    }
}

impl From<ReferenceError> for Failure {
    fn from(error: ReferenceError) -> Self {
        Self::usage(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(Code::Write, error)
    }
}
