//! One run: how images are opened and written under its settings, where it keeps things, how it ends.
//!
//! A module of its own because every command needs the same; what the run was told by the world is `environment`'s.

use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::args::{Global, Wanted};
use super::bars::Bars;
#[cfg(feature = "tui")]
use super::bars::Elsewhere;
use super::environment;
use super::exit::Failure;
use super::signals::Signals;
#[cfg(feature = "registry")]
use crate::http;
use crate::image::{Image, ImageIndex, OpenBlob};
use crate::layer::ChangesetCache;
use crate::oci::{Platform, Reference};
use crate::pipeline::Settings;
use crate::scratch;
use crate::store::Store;
#[cfg(feature = "registry")]
use crate::transport::registry;
use crate::transport::{
    self, Attached, Interruptible, Kept, Opened, ReadOptions, Root, Source, TRANSPORTS, Target,
    TransportError, Whole, WriteOptions, Written,
};

/// Blobs of registries that are kept for the next run, at most, in bytes.
const KEPT_BYTES: u64 = 10_000_000_000;

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
}

/// Why an image is read: it decides what is kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Once, for a document.
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
        };
        #[cfg(feature = "registry")]
        let (client, http) = (environment::client(&global)?, environment::http(&global)?);
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
        })
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
        let whole = self.find(text, transport::open_whole)?;
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
        let mut opened = self.find(text, transport::open)?;
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
        let source = Source::parse(text).map_err(Failure::reading)?;
        let spool_dir = self.scratch();
        let options = self.read_options(Some(platform), spool_dir.as_deref());
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
        open: fn(&Source, &ReadOptions<'_>) -> Result<T, TransportError>,
    ) -> Result<T, Failure> {
        let source = Source::parse(text).map_err(Failure::reading)?;
        if is_bare(text) {
            self.note(&format!("{text}: {}", source.describe()));
        }
        let spool_dir = self.scratch();
        let platform = match &self.platform {
            Some(Wanted::One(platform)) => Some(platform),
            _ => None,
        };
        let options = self.read_options(platform, spool_dir.as_deref());
        open(&source, &options).map_err(Failure::reading)
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
            #[cfg(feature = "registry")]
            client: Some(&self.client),
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
        if transport != "docker" || purpose == Purpose::Look {
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
        let written = transport::write(&guarded, target, &self.write_options(lender));
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
        let written = transport::write_index(&guarded, target, &self.write_options(lender));
        written.map_err(|error| self.unwritten(error))
    }

    /// What a registry was sent stays there when the run is interrupted.
    fn begin(&self, target: &Target) {
        if matches!(target, Target::Registry(_)) {
            self.signals.begin_push();
        }
    }

    fn write_options<'a>(&'a self, lender: Option<&'a Reference>) -> WriteOptions<'a> {
        WriteOptions {
            progress: &self.settings.progress,
            lender,
            #[cfg(feature = "registry")]
            client: Some(&self.client),
        }
    }

    fn unwritten(&self, error: TransportError) -> Failure {
        if self.was_interrupted() {
            self.signals.interrupted()
        } else {
            Failure::writing(error)
        }
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
        remove_stale(&directory);
        scratch::sweep(&directory);
        scratch::sweep(&self.cache.as_ref()?.join("changesets"));
        Some(directory)
    }

    /// Ends the progress display and keeps the cache within its bounds.
    pub(super) fn finish(&self) {
        self.bars.clear();
        if let Some(directory) = self
            .cache
            .as_ref()
            .map(|cache| cache.join("blobs"))
            .filter(|blobs| blobs.exists())
        {
            // A cache that cannot be tidied is no reason to fail a run that succeeded.
            let _ = Store::open(&directory).and_then(|store| store.prune(KEPT_BYTES));
        }
    }
}

/// Whether a source names no transport, so that what was chosen must be said.
fn is_bare(text: &str) -> bool {
    text != "-"
        && !TRANSPORTS
            .iter()
            .any(|transport| text.starts_with(transport.prefix))
}

/// What is more than a day old: left by a killed run on a file system without locks.
fn remove_stale(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let age = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age.as_secs() > 86_400) {
            let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
        }
    }
}
