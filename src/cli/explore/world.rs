//! What the interface acts with: it loads what is explored, reads, extracts, saves and writes.
//!
//! A room of its own because it is the one thing that both the terminal and the threads of the interface hold.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{image, pair, saved};
use crate::cli::exit::Failure;
use crate::cli::session::Session;
use crate::cli::{extract, look, order};
use crate::content::{EntryId, Visible};
use crate::inside::{self, Body, Existing, ExtractOptions, Owners, Sight, View};
use crate::layer::NodeId;
use crate::oci::Platform;
use crate::progress::Progress;
use crate::report::Report;
use crate::tui::{Actions, Examined, Feed, Message, Order};

/// Bytes of a file that are viewed, at most.
const VIEWED: usize = 16 << 20;
/// How long work that nobody waits for any more may take to clean up.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is explored.
pub(super) enum What {
    /// The image of this name.
    Image(String),
    /// What was saved of one.
    Saved(Box<Report>),
    /// Two images or reports, the old one first.
    Pair(String, String),
}

/// What the interface is given to act with.
pub(super) struct World {
    what: What,
    session: Arc<Session>,
    failure: Mutex<Option<Failure>>,
    platform: Mutex<Option<Platform>>,
}

impl World {
    pub(super) fn new(what: What, session: &Arc<Session>) -> Self {
        Self {
            what,
            session: session.clone(),
            failure: Mutex::default(),
            platform: Mutex::default(),
        }
    }

    /// Asks what is still under way to end, and gives it a moment to clean up.
    pub(super) fn end(self: &Arc<Self>) {
        self.session.settings.stop.store(true, Ordering::Relaxed);
        let begun = Instant::now();
        // Whatever works holds on to what it works with.
        while Arc::strong_count(self) > 1 && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.session.settings.stop.store(false, Ordering::Relaxed);
    }

    /// Why nothing could be loaded.
    pub(super) fn take_failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// How the layers of an image are read again.
    fn source_of<'a>(
        &self,
        of: &'a Examined,
        progress: &'a Progress,
        stop: &'a AtomicBool,
    ) -> inside::Source<'a> {
        inside::Source {
            image: &of.image,
            map: &of.map,
            limits: self.session.settings.limits,
            progress,
            stop,
        }
    }

    fn bring(&self, feed: &Feed) -> Result<(), Failure> {
        let to = feed.clone();
        self.session
            .divert(Some(Box::new(move |event| to.send(Message::Progress(event)))));
        match &self.what {
            What::Image(source) => image::load(source, &self.session, feed, |platform| {
                *self.platform.lock().unwrap_or_else(PoisonError::into_inner) = Some(platform);
            }),
            What::Saved(report) => saved::load(report, feed),
            What::Pair(old, new) => pair::load(old, new, &self.session, feed),
        }
    }
}

impl Actions for World {
    fn load(&self, feed: &Feed) -> Result<(), String> {
        self.bring(feed).map_err(|failure| {
            let message = failure.message.clone();
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
            message
        })
    }

    fn write(&self, order: &Order, _: &Feed, stop: &Arc<AtomicBool>) -> Result<Vec<String>, String> {
        let What::Image(source) = &self.what else {
            return Err("there is no image here to write".to_owned());
        };
        let platform = self.platform.lock().unwrap_or_else(PoisonError::into_inner);
        let platform = platform.clone();
        order::carry_out(order, source, platform.as_ref(), &self.session, stop)
            .map_err(|failure| failure.message)
    }

    fn save(&self, path: &str, text: &str) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{path}: {error}");
        let mut file = std::fs::File::create_new(Path::new(path)).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)
    }

    fn read(&self, image: &Examined, id: EntryId, stop: &AtomicBool) -> Result<Body, String> {
        let progress = Progress::none();
        let source = self.source_of(image, &progress, stop);
        inside::read(&source, id, VIEWED).map_err(|error| error.to_string())
    }

    fn extract(
        &self,
        image: &Examined,
        (view, node): (View, NodeId),
        target: &str,
        stop: &AtomicBool,
    ) -> Result<Vec<String>, String> {
        let progress = Progress::none();
        let source = self.source_of(image, &progress, stop);
        let options = ExtractOptions {
            owners: Owners::Mine,
            existing: Existing::Refuse,
        };
        let sight = Sight::new(&image.map, view);
        if sight.at(node) == Visible::Nothing {
            return Err(format!("it is not in {}", look::place(view)));
        }
        let target = Path::new(target);
        let extracted = inside::extract(&source, &sight, node, target, options);
        let extracted = extracted.map_err(|error| error.to_string())?;
        let summary = extract::summary(&extracted, target);
        Ok(summary.lines().map(str::to_owned).collect())
    }

    fn is_over(&self) -> bool {
        self.session.was_interrupted()
    }
}
