//! Ctrl-C and its kin: the first asks the work to end and clean up, the second ends the process.
//!
//! Of its own because it is the one part that lives in a thread beside the work. Work that cannot be asked (it waits
//! for a network or for standard input) is not waited for longer than a moment: what it staged is removed here.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator;

use super::bars::stderr_line;
use super::exit::{Code, Failure};
use crate::store::Store;

/// How long work may take to end by itself after it was asked.
const GRACE: Duration = Duration::from_secs(2);

/// How often a directory is removed that work goes on in.
const REMOVALS: usize = 10;

/// What signals have to do with a run.
#[derive(Debug, Clone)]
pub(super) struct Signals {
    stop: Arc<AtomicBool>,
    is_pushing: Arc<AtomicBool>,
    staged: Arc<Mutex<Vec<PathBuf>>>,
    restore: Arc<Mutex<Option<Restore>>>,
}

/// Gives the terminal back that an interface has taken over.
type Restore = fn();

impl Signals {
    /// Begins to listen.
    pub(super) fn listen() -> Result<Self, Failure> {
        let signals = Self {
            stop: Arc::default(),
            is_pushing: Arc::default(),
            staged: Arc::default(),
            restore: Arc::default(),
        };
        let failed = |error| Failure::new(Code::Failed, format!("cannot listen for signals: {error}"));
        let mut caught = iterator::Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
        let listener = signals.clone();
        std::thread::spawn(move || {
            for _ in caught.forever() {
                if listener.stop.swap(true, Ordering::Relaxed) {
                    listener.end();
                }
                let patient = listener.clone();
                std::thread::spawn(move || {
                    std::thread::sleep(GRACE);
                    patient.end();
                });
            }
        });
        Ok(signals)
    }

    /// Set once a signal has come.
    pub(super) fn stop(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// What gives the terminal back, should the process be ended here.
    #[cfg(feature = "tui")]
    pub(super) fn restore_with(&self, restore: Restore) {
        *self.restore.lock().unwrap_or_else(PoisonError::into_inner) = Some(restore);
    }

    /// Notes a store that must not outlive the process, where it is one.
    pub(super) fn clean_temporary(&self, store: &Store) {
        if store.is_temporary() {
            let mut staged = self.staged.lock().unwrap_or_else(PoisonError::into_inner);
            staged.push(store.dir().to_owned());
        }
    }

    /// Notes that a registry is being written: whether its tag moved is known only once it answers.
    pub(super) fn begin_push(&self) {
        self.is_pushing.store(true, Ordering::Relaxed);
    }

    /// Notes that what was begun to be pushed is over, one way or another.
    #[cfg(feature = "tui")]
    pub(super) fn end_push(&self) {
        self.is_pushing.store(false, Ordering::Relaxed);
    }

    /// How a run ends that was interrupted.
    pub(super) fn interrupted(&self) -> Failure {
        if self.is_pushing.load(Ordering::Relaxed) {
            let message = "interrupted while it was pushed; the tag is the old image, or the new one";
            Failure::new(Code::Interrupted, message)
        } else {
            Failure::interrupted()
        }
    }

    fn end(&self) {
        for directory in self.staged.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // It may be gone already; work that goes on meanwhile may put something new into it.
            for _ in 0..REMOVALS {
                if std::fs::remove_dir_all(directory).is_ok() || !directory.exists() {
                    break;
                }
            }
        }
        if let Some(restore) = *self.restore.lock().unwrap_or_else(PoisonError::into_inner) {
            restore();
        }
        stderr_line(&format!("slim: {}", self.interrupted().message));
        std::process::exit(i32::from(Code::Interrupted as u8));
    }
}
