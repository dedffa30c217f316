//! The engine of a run: asked only where an image may be in it, and absent where it is not built in.
//!
//! A room of its own because it is there twice: without the feature there is no engine that has anything.

use std::path::Path;
#[cfg(feature = "engine")]
use std::time::Duration;

use super::Session;
#[cfg(feature = "engine")]
use crate::cli::environment;
use crate::cli::exit::Failure;
use crate::oci::{Platform, Reference};
#[cfg(feature = "engine")]
use crate::transport::engine::{Engine, EngineError};
use crate::transport::{ReadOptions, Source};

/// How long an engine has to say whether it has an image that a bare word may mean.
#[cfg(feature = "engine")]
const LOOK_UP: Duration = Duration::from_secs(2);

#[cfg(feature = "engine")]
impl Session {
    /// What speaks to the engine.
    fn engine(&self) -> Result<&Engine, &EngineError> {
        self.engine.get_or_init(environment::engine).as_ref()
    }

    /// Whether an engine that answers at once has an image of that name.
    pub(super) fn engine_has(&self, name: &str) -> bool {
        self.engine().is_ok_and(|engine| engine.has(name, LOOK_UP))
    }

    /// Where the engine is, behind what is chosen from it.
    pub(super) fn place(&self, source: &Source) -> String {
        match (source, self.engine()) {
            (Source::Engine { .. }, Ok(engine)) => format!(" at {}", engine.address()),
            _ => String::new(),
        }
    }

    /// The name under which the engine has an image, where there is one.
    pub(in crate::cli) fn name_in_engine(&self, name: &str) -> Result<Option<Reference>, Failure> {
        let engine = self.engine().map_err(Failure::usage)?;
        engine
            .reference_of(name)
            .map_err(|error| Failure::reading(error.into()))
    }

    /// What speaks to the engine where that is needed. What is wrong with its address is said only there.
    pub(super) fn needed_engine(&self, is_needed: bool) -> Result<Option<&Engine>, Failure> {
        is_needed
            .then(|| self.engine().map_err(Failure::usage))
            .transpose()
    }

    /// How `source` is read.
    pub(super) fn options_for<'a>(
        &'a self,
        source: &Source,
        platform: Option<&'a Platform>,
        spool_dir: Option<&'a Path>,
    ) -> Result<ReadOptions<'a>, Failure> {
        Ok(ReadOptions {
            engine: self.needed_engine(matches!(source, Source::Engine { .. }))?,
            ..self.read_options(platform, spool_dir)
        })
    }
}

#[cfg(not(feature = "engine"))]
#[expect(
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "with the feature they ask the session's engine"
)]
impl Session {
    pub(super) fn engine_has(&self, _: &str) -> bool {
        false
    }

    pub(super) fn place(&self, _: &Source) -> String {
        String::new()
    }

    pub(in crate::cli) fn name_in_engine(&self, _: &str) -> Result<Option<Reference>, Failure> {
        Ok(None)
    }

    pub(super) fn options_for<'a>(
        &'a self,
        _: &Source,
        platform: Option<&'a Platform>,
        spool_dir: Option<&'a Path>,
    ) -> Result<ReadOptions<'a>, Failure> {
        Ok(self.read_options(platform, spool_dir))
    }
}
