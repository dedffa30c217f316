//! One run: how images are opened and written under its settings, where it keeps things, how it ends.
//!
//! A module of its own because every command needs the same; what the run was told by the world is `environment`'s.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
#[cfg(feature = "engine")]
use std::sync::OnceLock;
#[cfg(feature = "tui")]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
#[cfg(feature = "engine")]
use std::time::Duration;

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
use crate::image::{Image, ImageIndex, OpenBlob};
use crate::layer::{ChangesetCache, Detail, Passed};
use crate::oci::{Descriptor, Platform, Reference};
use crate::pipeline::{self, Settings};
use crate::scratch;
use crate::shelf;
use crate::store::Store;
#[cfg(feature = "engine")]
use crate::transport::engine::{Engine, EngineError};
#[cfg(feature = "registry")]
use crate::transport::registry;
use crate::transport::{
    self, Attached, Interruptible, Kept, LookOn, Opened, ReadOptions, Root, Source, TRANSPORTS, Target,
    TransportError, Unseen, Whole, WriteOptions, Written,
};

/// How long an engine has to say whether it has an image that a bare word may mean.
#[cfg(feature = "engine")]
const LOOK_UP: Duration = Duration::from_secs(2);

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

/// Why an image is read: it decides what is kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Once, for a document, and all its layers in this detail: what streams past is not kept.
    Once(Detail),
    /// Once, for a document or a copy.
    Look,
    /// Twice, for a document: blobs that are far away are kept.
    LookTwice,
    /// Twice, to be rewritten: blobs that are far away are kept.
    Rewrite,
}

/// What makes another opener of an opener of blobs.
type Wrap = dyn Fn(Arc<dyn OpenBlob>) -> Arc<dyn OpenBlob>;

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

    /// What a source's words mean. A bare word is a path, else an image of the engine, else a registry's: which one is
    /// said.
    pub(super) fn source(&self, text: &str) -> Result<Source, Failure> {
        let mut meanings = self.meanings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = meanings.get(text) {
            return Ok(known.clone());
        }
        let source = Source::parse_with(text, &|name| self.engine_has(name)).map_err(Failure::reading)?;
        if is_bare(text) {
            self.note(&format!("{text}: {}{}", source.describe(), self.place(&source)));
        }
        meanings.insert(text.to_owned(), source.clone());
        Ok(source)
    }

    /// Whether an engine that answers at once has an image of that name.
    #[cfg(feature = "engine")]
    fn engine_has(&self, name: &str) -> bool {
        self.engine().is_ok_and(|engine| engine.has(name, LOOK_UP))
    }

    #[cfg(not(feature = "engine"))]
    #[expect(clippy::unused_self, reason = "with the feature it asks the session's engine")]
    fn engine_has(&self, _: &str) -> bool {
        false
    }

    /// Where the engine is, behind what is chosen from it.
    #[cfg(feature = "engine")]
    fn place(&self, source: &Source) -> String {
        match (source, self.engine()) {
            (Source::Engine { .. }, Ok(engine)) => format!(" at {}", engine.address()),
            _ => String::new(),
        }
    }

    #[cfg(not(feature = "engine"))]
    #[expect(
        clippy::unused_self,
        reason = "with the feature it names the session's engine"
    )]
    fn place(&self, _: &Source) -> String {
        String::new()
    }

    /// What speaks to the engine.
    #[cfg(feature = "engine")]
    pub(super) fn engine(&self) -> Result<&Engine, &EngineError> {
        self.engine.get_or_init(environment::engine).as_ref()
    }

    /// The name under which the engine has an image, where there is one.
    #[cfg(feature = "engine")]
    pub(super) fn name_in_engine(&self, name: &str) -> Result<Option<Reference>, Failure> {
        let engine = self.engine().map_err(Failure::usage)?;
        engine
            .reference_of(name)
            .map_err(|error| Failure::reading(error.into()))
    }

    #[cfg(not(feature = "engine"))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "with the feature it asks the session's engine"
    )]
    pub(super) fn name_in_engine(&self, _: &str) -> Result<Option<Reference>, Failure> {
        Ok(None)
    }

    /// What speaks to the engine where that is needed. What is wrong with its address is said only there.
    #[cfg(feature = "engine")]
    fn needed_engine(&self, is_needed: bool) -> Result<Option<&Engine>, Failure> {
        is_needed
            .then(|| self.engine().map_err(Failure::usage))
            .transpose()
    }

    /// How hosts are spoken to.
    #[cfg(feature = "registry")]
    pub(super) fn http(&self) -> &http::Settings {
        &self.http
    }

    /// Whether a signal asked the run to end.
    pub(super) fn was_interrupted(&self) -> bool {
        self.settings.stop.load(Ordering::Relaxed)
    }

    /// How a run ends that a signal asked to end.
    pub(super) fn interrupted(&self) -> Failure {
        self.signals.interrupted()
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

    /// A line for people on standard error; nothing with `--quiet`.
    pub(super) fn note(&self, text: &str) {
        self.bars.note(text);
    }

    /// A document for people on standard error, escaped already; nothing with `--quiet`.
    pub(super) fn page(&self, text: &str) {
        self.bars.page(text);
    }

    /// What `--platform` asks for.
    pub(super) fn wanted(&self) -> Option<&Wanted> {
        self.platform.as_ref()
    }

    /// The images that `text` names: every platform of an index where all are asked for, else one, and then
    /// what was decided on the way is said.
    pub(super) fn images(&self, text: &str, purpose: Purpose) -> Result<Vec<(Platform, Image)>, Failure> {
        let whole = match self.platform {
            Some(Wanted::All) => self.whole(text, purpose)?,
            _ => self.one(text, purpose)?.into(),
        };
        Ok(match whole.root {
            Root::Image(image) => vec![(image.platform(), *image)],
            Root::Index(index) => index
                .images()
                .into_iter()
                .map(|(platform, image)| (platform, image.clone()))
                .collect(),
        })
    }

    /// What `text` names, whole, where no platform of it is asked for; else that platform's image.
    pub(super) fn whole(&self, text: &str, purpose: Purpose) -> Result<Whole, Failure> {
        if let Some(Wanted::One(platform)) = &self.platform {
            let opened = self.one(text, purpose)?;
            if purpose == Purpose::Rewrite && opened.platforms > 1 {
                let count = opened.platforms;
                self.note(&format!(
                    "{text}: one image, {platform}, out of an index of {count} platforms"
                ));
            }
            return Ok(opened.into());
        }
        let whole = self.find(text, purpose, transport::open_whole)?;
        let root = match whole.root {
            Root::Image(image) => Root::Image(Box::new(self.guard(*image, purpose)?)),
            Root::Index(index) => {
                let wrap = self.guarded(index.name.transport, purpose)?;
                Root::Index(Box::new(index.with_blobs(&*wrap)))
            }
        };
        Ok(Whole { root, ..whole })
    }

    /// Finds one image, and says what was decided on the way.
    fn one(&self, text: &str, purpose: Purpose) -> Result<Opened, Failure> {
        let mut opened = self.find(text, purpose, transport::open)?;
        if let Some(note) = &opened.note {
            self.note(note);
        }
        opened.image = self.guard(opened.image, purpose)?;
        Ok(opened)
    }

    /// One image: what `text` names, for the platform that is asked for.
    #[cfg(feature = "tui")]
    pub(super) fn image(&self, text: &str, purpose: Purpose) -> Result<Image, Failure> {
        Ok(self.one(text, purpose)?.image)
    }

    /// The same, and among how many platforms it was found.
    #[cfg(feature = "tui")]
    pub(super) fn image_of(&self, text: &str, purpose: Purpose) -> Result<(Image, usize), Failure> {
        let opened = self.one(text, purpose)?;
        Ok((opened.image, opened.platforms))
    }

    /// The image that `text` names for a platform, to be read.
    #[cfg(feature = "tui")]
    pub(super) fn image_for(
        &self,
        text: &str,
        platform: &Platform,
        purpose: Purpose,
    ) -> Result<Image, Failure> {
        self.guard(self.open_for(text, platform)?, purpose)
    }

    /// Finds the image that `text` names for a given platform, to look at its documents.
    pub(super) fn open_for(&self, text: &str, platform: &Platform) -> Result<Image, Failure> {
        let source = self.source(text)?;
        let spool_dir = self.scratch();
        let options = ReadOptions {
            look: Some(&Unseen),
            ..self.options_for(&source, Some(platform), spool_dir.as_deref())?
        };
        Ok(transport::open(&source, &options)
            .map_err(Failure::reading)?
            .image)
    }

    /// The way to what is attached to images of a repository; to nothing where no registry is spoken to.
    pub(super) fn attached(&self, reference: &Reference) -> Attached {
        transport::attached(reference, &self.read_options(None, None))
    }

    fn find<T>(
        &self,
        text: &str,
        purpose: Purpose,
        open: fn(&Source, &ReadOptions<'_>) -> Result<T, TransportError>,
    ) -> Result<T, Failure> {
        let source = self.source(text)?;
        let spool_dir = self.scratch();
        let platform = match &self.platform {
            Some(Wanted::One(platform)) => Some(platform),
            _ => None,
        };
        let options = self.options_for(&source, platform, spool_dir.as_deref())?;
        let look = match purpose {
            Purpose::Once(detail) => Some(pipeline::look_on(detail, &self.settings)),
            _ => None,
        };
        let options = ReadOptions {
            look: look.as_ref().map(|look| look as &dyn LookOn),
            ..options
        };
        open(&source, &options).map_err(Failure::reading)
    }

    /// How `source` is read.
    #[cfg(feature = "engine")]
    fn options_for<'a>(
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

    #[cfg(not(feature = "engine"))]
    #[expect(clippy::unnecessary_wraps, reason = "an engine's address may be wrong")]
    fn options_for<'a>(
        &'a self,
        _: &Source,
        platform: Option<&'a Platform>,
        spool_dir: Option<&'a Path>,
    ) -> Result<ReadOptions<'a>, Failure> {
        Ok(self.read_options(platform, spool_dir))
    }

    fn read_options<'a>(
        &'a self,
        platform: Option<&'a Platform>,
        spool_dir: Option<&'a Path>,
    ) -> ReadOptions<'a> {
        ReadOptions {
            platform,
            spool_dir,
            progress: &self.settings.progress,
            limits: self.settings.limits,
            look: None,
            #[cfg(feature = "registry")]
            client: Some(&self.client),
            #[cfg(feature = "engine")]
            engine: None,
        }
    }

    fn guard(&self, image: Image, purpose: Purpose) -> Result<Image, Failure> {
        let wrap = self.guarded(image.name.transport, purpose)?;
        let blobs = wrap(image.blobs().clone());
        Ok(image.with_blobs(blobs))
    }

    /// Blobs end when the run is interrupted; those of a registry are kept where they are read twice.
    fn guarded(&self, transport: &str, purpose: Purpose) -> Result<Box<Wrap>, Failure> {
        let stop = self.settings.stop.clone();
        if transport != "docker" || matches!(purpose, Purpose::Once(_) | Purpose::Look) {
            return Ok(Box::new(move |blobs| {
                Arc::new(Interruptible::new(blobs, stop.clone()))
            }));
        }
        let store = Arc::new(match &self.cache {
            // A cache that cannot be written is done without.
            Some(directory) => Store::open(&directory.join("blobs")).or_else(|_| Store::temporary(None))?,
            None => Store::temporary(None)?,
        });
        self.signals.clean_temporary(&store);
        Ok(Box::new(move |blobs| {
            let kept = Arc::new(Kept::new(blobs, store.clone()));
            Arc::new(Interruptible::new(kept, stop.clone()))
        }))
    }

    /// Writes an image to its target.
    pub(super) fn write(
        &self,
        image: &Image,
        target: &Target,
        lender: Option<&Reference>,
    ) -> Result<Written, Failure> {
        let guarded = self.guard(image.clone(), Purpose::Look)?;
        self.begin(target);
        let written = transport::write(&guarded, target, &self.write_options(target, lender)?);
        written.map_err(|error| self.unwritten(error))
    }

    /// Writes an index to its target, with everything that it lists.
    pub(super) fn write_index(
        &self,
        index: &ImageIndex,
        target: &Target,
        lender: Option<&Reference>,
    ) -> Result<Written, Failure> {
        let wrap = self.guarded(index.name.transport, Purpose::Look)?;
        let guarded = index.clone().with_blobs(&*wrap);
        self.begin(target);
        let written = transport::write_index(&guarded, target, &self.write_options(target, lender)?);
        written.map_err(|error| self.unwritten(error))
    }

    /// What a registry or an engine was sent stays there when the run is interrupted.
    fn begin(&self, target: &Target) {
        if matches!(target, Target::Registry(_) | Target::Engine { .. }) {
            self.signals.begin_push();
        }
    }

    #[cfg_attr(
        not(feature = "engine"),
        expect(clippy::unnecessary_wraps, reason = "an engine's address may be wrong")
    )]
    fn write_options<'a>(
        &'a self,
        #[cfg_attr(
            not(feature = "engine"),
            expect(unused_variables, reason = "only an engine needs it")
        )]
        target: &Target,
        lender: Option<&'a Reference>,
    ) -> Result<WriteOptions<'a>, Failure> {
        Ok(WriteOptions {
            progress: &self.settings.progress,
            lender,
            #[cfg(feature = "registry")]
            client: Some(&self.client),
            #[cfg(feature = "engine")]
            engine: self.needed_engine(matches!(target, Target::Engine { .. }))?,
        })
    }

    fn unwritten(&self, error: TransportError) -> Failure {
        if self.was_interrupted() {
            self.signals.interrupted()
        } else {
            Failure::writing(error)
        }
    }

    /// Whether a blob of a registry is kept from an earlier reading.
    pub(super) fn is_cached(&self, blob: &Descriptor) -> bool {
        let blobs = self.cache.as_ref().map(|cache| cache.join("blobs"));
        let store = blobs
            .filter(|blobs| blobs.exists())
            .and_then(|blobs| Store::open(&blobs).ok());
        store.is_some_and(|store| store.contains(&blob.digest, Some(blob.size)))
    }

    /// Whether a repository has a blob; one that cannot be asked has not.
    pub(super) fn is_in_registry(&self, repository: &Reference, blob: &Descriptor) -> bool {
        transport::holds(repository, blob, &self.read_options(None, None))
    }

    /// A store for what is not yet published, gone when the run ends.
    pub(super) fn staging(&self) -> Result<Arc<Store>, Failure> {
        let store = Store::temporary(self.scratch().as_deref())?;
        self.signals.clean_temporary(&store);
        Ok(Arc::new(store))
    }

    /// Where large temporary files go: beside the cache, which is on a disk, where there is one.
    fn scratch(&self) -> Option<PathBuf> {
        let directory = self.cache.as_ref()?.join("tmp");
        fs::create_dir_all(&directory).ok()?;
        if let Err(error) = scratch::file_in(&directory, 0o600)
            && matches!(
                error.kind(),
                ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied
            )
        {
            return None; // a cache that was only lent
        }
        self.sweep();
        Some(directory)
    }

    /// Where things are kept between runs, where there is such a place.
    pub(super) fn cache(&self) -> Option<&Path> {
        self.cache.as_deref()
    }

    /// Removes what killed runs left half-made in the cache.
    pub(super) fn sweep(&self) {
        for name in ["tmp", "changesets", "blobs/.incoming"] {
            if let Some(cache) = &self.cache {
                scratch::sweep(&cache.join(name));
            }
        }
        self.cache
            .iter()
            .for_each(|cache| shelf::remove_abandoned(&cache.join("tmp")));
    }

    /// Ends the progress display and keeps the cache within its bounds.
    pub(super) fn finish(&self) {
        self.bars.clear();
        self.cache.iter().for_each(|directory| cache::tidy(directory));
    }
}

/// Whether a source names no transport, so that what was chosen must be said.
fn is_bare(text: &str) -> bool {
    text != "-"
        && !TRANSPORTS
            .iter()
            .any(|transport| text.starts_with(transport.prefix))
}
