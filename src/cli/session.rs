//! What a run knows of the world: environment, directories, terminal, logins, signals.
//!
//! The only module that reads the environment; everything below is handed what it needs.

use std::env;
use std::fs;
use std::io::{ErrorKind, IsTerminal};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::args::{Global, Wanted};
use super::bars::Bars;
use super::exit::Failure;
use super::signals::Signals;
use crate::image::{Image, ImageIndex, OpenBlob};
use crate::layer::ChangesetCache;
use crate::oci::{Platform, Reference};
use crate::pipeline::Settings;
use crate::report::text::{ColorMode, Style, Symbols};
use crate::scratch;
use crate::store::Store;
#[cfg(feature = "registry")]
use crate::transport::registry;
use crate::transport::{
    self, Interruptible, Kept, Opened, ReadOptions, Root, Source, TRANSPORTS, Target, TransportError, Whole,
    WriteOptions, Written,
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
}

/// Why an image is read: it decides what is kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Once, for a document.
    Look,
    /// Twice, to be rewritten: blobs that are far away are kept.
    Rewrite,
}

/// What makes another opener of an opener of blobs.
type Wrap = dyn Fn(Arc<dyn OpenBlob>) -> Arc<dyn OpenBlob>;

impl Session {
    pub(super) fn new(global: Global) -> Result<Self, Failure> {
        let bars = Bars::new(global.quiet);
        let signals = Signals::listen()?;
        let cache = cache_directory();
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
        let client = client(&global)?;
        Ok(Self {
            settings,
            bars,
            platform: global.platform,
            cache,
            signals,
            #[cfg(feature = "registry")]
            client,
        })
    }

    /// Whether a signal asked the run to end.
    pub(super) fn was_interrupted(&self) -> bool {
        self.settings.stop.load(Ordering::Relaxed)
    }

    /// How a run ends that a signal asked to end.
    pub(super) fn interrupted(&self) -> Failure {
        self.signals.interrupted()
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
    pub(super) fn images(&self, text: &str) -> Result<Vec<(Platform, Image)>, Failure> {
        let whole = match self.platform {
            Some(Wanted::All) => self.whole(text, Purpose::Look)?,
            _ => self.one(text, Purpose::Look)?.into(),
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

    /// Finds the image that `text` names for a given platform, to look at its documents.
    pub(super) fn open_for(&self, text: &str, platform: &Platform) -> Result<Image, Failure> {
        let source = Source::parse(text).map_err(Failure::reading)?;
        let spool_dir = self.scratch();
        let options = ReadOptions {
            platform: Some(platform),
            spool_dir: spool_dir.as_deref(),
            progress: &self.settings.progress,
            limits: self.settings.limits,
            #[cfg(feature = "registry")]
            client: Some(&self.client),
        };
        Ok(transport::open(&source, &options)
            .map_err(Failure::reading)?
            .image)
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
        let options = ReadOptions {
            platform,
            spool_dir: spool_dir.as_deref(),
            progress: &self.settings.progress,
            limits: self.settings.limits,
            #[cfg(feature = "registry")]
            client: Some(&self.client),
        };
        open(&source, &options).map_err(Failure::reading)
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

/// Whether colours and block characters suit where a document goes.
pub(super) fn style(is_terminal: bool) -> Style {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    let color = if no_color || !(set("CLICOLOR_FORCE") || (is_terminal && !is_dumb)) {
        ColorMode::None
    } else {
        ColorMode::Ansi
    };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
    let is_utf8 = locale.is_none_or(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"));
    Style {
        color,
        symbols: if is_utf8 { Symbols::Unicode } else { Symbols::Ascii },
    }
}

/// Columns of the terminal that standard output is; 100 where it is none, so that files read the same everywhere.
pub(super) fn width() -> usize {
    let columns = || env::var("COLUMNS").ok()?.parse().ok();
    if !std::io::stdout().is_terminal() {
        return columns().unwrap_or(100);
    }
    terminal_size::terminal_size()
        .map_or_else(|| columns().unwrap_or(80), |(width, _)| usize::from(width.0))
        .clamp(20, 300)
}

/// `SOURCE_DATE_EPOCH` as RFC 3339, where it is set (rule 16).
pub(super) fn source_date() -> Result<Option<String>, Failure> {
    let Some(text) = env::var_os("SOURCE_DATE_EPOCH").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let bad = || {
        Failure::usage(format!(
            "SOURCE_DATE_EPOCH is no number of seconds: {}",
            text.display()
        ))
    };
    let seconds: u32 = text.to_str().and_then(|text| text.parse().ok()).ok_or_else(bad)?;
    Ok(Some(rfc3339(i64::from(seconds))))
}

/// Seconds since 1970 as RFC 3339 in UTC.
fn rfc3339(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

/// `SLIM_CACHE`, else the user's cache directory; none where neither is known.
fn cache_directory() -> Option<PathBuf> {
    let from = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let of_user = || {
        Some(
            from("XDG_CACHE_HOME")
                .or_else(|| Some(from("HOME")?.join(".cache")))?
                .join("layerslim"),
        )
    };
    from("SLIM_CACHE").or_else(of_user)
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

#[cfg(feature = "registry")]
fn client(global: &Global) -> Result<registry::Client, Failure> {
    let read = |path: &PathBuf| {
        fs::read(path).map_err(|error| Failure::usage(format!("--cacert {}: {error}", path.display())))
    };
    let settings = registry::Settings {
        credentials: credentials()?,
        insecure: global.insecure_registry.clone(),
        ca_certificates: global.cacert.iter().map(read).collect::<Result<_, _>>()?,
        user_agent: concat!("layerslim/", env!("CARGO_PKG_VERSION")).to_owned(),
        proxies: registry::Proxies::Environment,
        limits: global.limits.limits(),
    };
    registry::Client::new(settings).map_err(Failure::usage)
}

/// Docker's config: `DOCKER_CONFIG`, else `~/.docker`; podman's `auth.json` where there is none.
#[cfg(feature = "registry")]
fn credentials() -> Result<registry::Credentials, Failure> {
    let from = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let docker = from("DOCKER_CONFIG")
        .or_else(|| Some(from("HOME")?.join(".docker")))
        .map(|at| at.join("config.json"));
    let podman =
        from("REGISTRY_AUTH_FILE").or_else(|| Some(from("XDG_RUNTIME_DIR")?.join("containers/auth.json")));
    for path in [docker, podman].into_iter().flatten() {
        match fs::read(&path) {
            Ok(bytes) => {
                let bad = |error| Failure::usage(format!("{}: {error}", path.display()));
                return registry::Credentials::from_docker_config(&bytes).map_err(bad);
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::usage(format!("{}: {error}", path.display()))),
        }
    }
    Ok(registry::Credentials::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339() {
        for (seconds, want) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_709_208_000, "2024-02-29T12:00:00Z"),
            (4_294_967_295, "2106-02-07T06:28:15Z"),
        ] {
            assert_eq!(rfc3339(seconds), want);
        }
    }
}
