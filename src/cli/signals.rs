//! Ctrl-C and its kin: the first asks the work to end and clean up, the second ends the process.
//!
//! Of its own because it is the one part that lives in a thread beside the work. Work that cannot be asked (it waits
//! for a network or for standard input) is not waited for longer than a moment: what it staged is removed here.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator;

use super::bars::stderr_line;
use super::exit::{Code, Failure};

/// How long work may take to end by itself after it was asked.
const GRACE: Duration = Duration::from_secs(2);

/// What signals have to do with a run.
#[derive(Debug, Clone)]
pub(super) struct Signals {
    stop: Arc<AtomicBool>,
    staged: Arc<Mutex<Vec<PathBuf>>>,
}

impl Signals {
    /// Begins to listen.
    pub(super) fn listen() -> Result<Self, Failure> {
        let signals = Self {
            stop: Arc::default(),
            staged: Arc::default(),
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

    /// A directory that must not outlive the process.
    pub(super) fn clean(&self, directory: &Path) {
        self.staged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(directory.to_owned());
    }

    fn end(&self) {
        for directory in self.staged.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // It may be gone already.
            let _ = std::fs::remove_dir_all(directory);
        }
        stderr_line("slim: interrupted; nothing was published");
        std::process::exit(i32::from(Code::Interrupted as u8));
    }
}
