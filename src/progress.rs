//! Progress events: what long work tells whoever watches.
//!
//! The library never prints. Work sends [`Event`]s to a [`Progress`]; the progress bars of the command
//! line and the terminal UI are consumers of the same stream.

use std::sync::Arc;

/// Which long work an event speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Bytes as stored, read from the source while layers are analysed.
    Read,
    /// Uncompressed bytes of the source, passed through the rewriter.
    Write,
    /// Bytes as stored of the staged result, read back.
    Verify,
    /// Bytes as stored, sent to the target.
    Send,
}

/// One thing that happened. `task` is the layer's index, or the number of the blob sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A piece of work began; `total` bytes are expected where that is known.
    Started {
        /// The kind of work.
        stage: Stage,
        /// Which piece.
        task: usize,
        /// What it is called for people: a short digest, or the instruction that made the layer.
        label: String,
        /// Bytes expected.
        total: Option<u64>,
    },
    /// `bytes` more are done.
    Advanced {
        /// The kind of work.
        stage: Stage,
        /// Which piece.
        task: usize,
        /// Bytes done since the last event.
        bytes: u64,
    },
    /// The piece is complete.
    Finished {
        /// The kind of work.
        stage: Stage,
        /// Which piece.
        task: usize,
    },
    /// Something a person should know while it runs.
    Note(String),
}

/// Where events go. Cloning is cheap; all clones feed the same consumer.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(Event) + Send + Sync>);

impl Progress {
    /// Sends every event to `consumer`.
    pub fn new(consumer: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(consumer))
    }

    /// Drops every event.
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    /// Sends one event.
    pub fn send(&self, event: Event) {
        (self.0)(event);
    }

    /// Says that `bytes` more of a piece are done.
    pub fn advance(&self, stage: Stage, task: usize, bytes: u64) {
        self.send(Event::Advanced { stage, task, bytes });
    }
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Progress")
    }
}
