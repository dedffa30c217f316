//! One run: its settings, what it says to people, how it ends.
//!
//! A module of its own because every command needs the same; what the run was told by the world is `environment`'s.
//! How images are found and read, how they are written, the engine, and where things are kept have a room each.

mod engine;
mod places;
mod read;
mod write;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Mutex;
#[cfg(feature = "engine")]
use std::sync::OnceLock;
#[cfg(feature = "tui")]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
#[cfg(feature = "tui")]
use std::sync::{Arc, PoisonError};

pub(super) use read::Purpose;

use super::args::{Global, Wanted};
use super::bars::Bars;
#[cfg(feature = "tui")]
use super::bars::Elsewhere;
use super::cache;
#[cfg(feature = "registry")]
use super::connect;
use super::environment;
use super::exit::Failure;
use super::signals::Signals;
#[cfg(feature = "registry")]
use crate::http;
use crate::layer::{ChangesetCache, Passed};
use crate::pipeline::Settings;
use crate::transport::Source;
#[cfg(feature = "engine")]
use crate::transport::engine::{Engine, EngineError};
#[cfg(feature = "registry")]
use crate::transport::registry;

/// One run of the executable.
pub(super) struct Session {
    pub(super) settings: Settings,
    bars: Bars,
    platform: Option<Wanted>,
    cache: Option<PathBuf>,
    signals: Signals,
    #[cfg(feature = "registry")]
    client: registry::Client,
    #[cfg(feature = "registry")]
    http: http::Settings,
    /// What speaks to the engine, once it is asked for.
    #[cfg(feature = "engine")]
    engine: OnceLock<Result<Engine, EngineError>>,
    /// What words turned out to mean: each is looked up once.
    meanings: Mutex<HashMap<String, Source>>,
}

impl Session {
    pub(super) fn new(global: Global) -> Result<Self, Failure> {
        let bars = Bars::new(global.quiet);
        let signals = Signals::listen()?;
        let cache = environment::cache_directory();
        let threads = global
            .threads
            .or_else(|| std::thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN);
        let settings = Settings {
            threads,
            progress: bars.progress(),
            stop: signals.stop(),
            limits: global.limits.limits(),
            cache: cache
                .as_ref()
                .map(|directory| ChangesetCache::new(directory.join("changesets"))),
            passed: Passed::default(),
        };
        #[cfg(feature = "registry")]
        let http = connect::http(&global)?;
        #[cfg(feature = "registry")]
        let client = connect::client(&http, settings.limits)?;
        Ok(Self {
            settings,
            bars,
            platform: global.platform,
            cache,
            signals,
            #[cfg(feature = "registry")]
            client,
            #[cfg(feature = "registry")]
            http,
            #[cfg(feature = "engine")]
            engine: OnceLock::new(),
            meanings: Mutex::default(),
        })
    }

    /// The same run for work that may be ended by itself, once `stop` is set; for another choice of platforms.
    #[cfg(feature = "tui")]
    pub(super) fn apart(&self, stop: Arc<AtomicBool>, platform: Option<Wanted>) -> Self {
        let meanings = self.meanings.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            settings: Settings {
                stop,
                ..self.settings.clone()
            },
            bars: self.bars.clone(),
            platform,
            cache: self.cache.clone(),
            signals: self.signals.clone(),
            #[cfg(feature = "registry")]
            client: self.client.clone(),
            #[cfg(feature = "registry")]
            http: self.http.clone(),
            #[cfg(feature = "engine")]
            engine: OnceLock::new(),
            meanings: Mutex::new(meanings.clone()),
        }
    }

    /// What `--platform` asks for.
    pub(super) fn wanted(&self) -> Option<&Wanted> {
        self.platform.as_ref()
    }

    /// How hosts are spoken to.
    #[cfg(feature = "registry")]
    pub(super) fn http(&self) -> &http::Settings {
        &self.http
    }

    /// A line for people on standard error; nothing with `--quiet`.
    pub(super) fn note(&self, text: &str) {
        self.bars.note(text);
    }

    /// A document for people on standard error, escaped already; nothing with `--quiet`.
    pub(super) fn page(&self, text: &str) {
        self.bars.page(text);
    }

    /// Sends progress and notes elsewhere from now on, or no longer.
    #[cfg(feature = "tui")]
    pub(super) fn divert(&self, elsewhere: Option<Elsewhere>) {
        self.bars.divert(elsewhere);
    }

    /// What signals have to do with the run.
    #[cfg(feature = "tui")]
    pub(super) fn signals(&self) -> &Signals {
        &self.signals
    }

    /// Whether a signal asked the run to end.
    pub(super) fn was_interrupted(&self) -> bool {
        self.settings.stop.load(Ordering::Relaxed)
    }

    /// How a run ends that a signal asked to end.
    pub(super) fn interrupted(&self) -> Failure {
        self.signals.interrupted()
    }

    /// Ends the progress display and keeps the cache within its bounds.
    pub(super) fn finish(&self) {
        self.bars.clear();
        self.cache.iter().for_each(|directory| cache::tidy(directory));
    }
}
