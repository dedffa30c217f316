//! `slim cache ls | prune`: what is kept between runs, and what of it goes.
//!
//! Every run prunes too, when it ends: what is above the bound, but nothing that was just used. A run that finds a file
//! gone makes it anew, so that pruning beside others costs time and nothing else.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::args::{CacheCommand, CachePruneArgs};
use super::environment::rfc3339;
use super::exit::{Code, Failure};
use super::out;
use super::session::Session;
use crate::layer::{ChangesetCache, pair_of};
use crate::report::{CacheCount, CacheDocument, CacheEntry, SCHEMA_VERSION};
use crate::shelf::{self, Bounds, Item, Pruned};
use crate::store::Store;

/// What is kept for the next run, at most, in bytes.
const KEPT_BYTES: u64 = 10_000_000_000;
/// What other runs may be about to read again.
const YOUNG: Duration = Duration::from_secs(60 * 60);

pub(super) fn run(command: &CacheCommand, session: &Session) -> Result<(), Failure> {
    let cache = session.cache().ok_or_else(|| {
        Failure::usage("there is no cache: SLIM_CACHE, XDG_CACHE_HOME and HOME are all unset")
    })?;
    match command {
        CacheCommand::Ls(args) => {
            let form = out::form(&args.output)?;
            let all = Bounds {
                max_bytes: u64::MAX,
                max_idle: Duration::MAX,
                spared: Duration::ZERO,
            };
            let found = shelf::sort_out(files(cache)?, &all);
            form.write(&[document(cache, &found, &found.left)])
        }
        CacheCommand::Prune(args) => {
            let form = out::form(&args.output)?;
            let bounds = bounds(args);
            let pruned = if args.dry_run {
                shelf::sort_out(files(cache)?, &bounds)
            } else {
                session.sweep();
                shelf::prune(files(cache)?, &bounds).map_err(|(path, error)| {
                    Failure::new(Code::Write, format!("cannot remove {}: {error}", path.display()))
                })?
            };
            form.write(&[document(cache, &pruned, &pruned.removed)])
        }
    }
}

/// Keeps the cache within its bounds. One that cannot be tidied is no reason to fail a run that succeeded.
pub(super) fn tidy(cache: &Path) {
    let bounds = Bounds {
        max_bytes: KEPT_BYTES,
        max_idle: Duration::MAX,
        spared: YOUNG,
    };
    if let Ok(files) = files(cache) {
        let _ = shelf::prune(files, &bounds);
    }
}

fn bounds(args: &CachePruneArgs) -> Bounds {
    Bounds {
        max_bytes: match (args.all, args.max_size) {
            (true, _) => 0,
            (false, Some(size)) => size.0,
            (false, None) => KEPT_BYTES,
        },
        max_idle: args.older_than.map_or(Duration::MAX, |span| span.0),
        spared: Duration::ZERO,
    }
}

fn files(cache: &Path) -> Result<Vec<Item>, Failure> {
    let changesets = changesets(cache);
    let mut files = Store::blobs_in(&cache.join("blobs"))?;
    files.extend(ChangesetCache::new(&changesets).files().map_err(|error| {
        Failure::new(
            Code::Read,
            format!("cannot read {}: {error}", changesets.display()),
        )
    })?);
    Ok(files)
}

fn changesets(cache: &Path) -> PathBuf {
    cache.join("changesets")
}

fn document(cache: &Path, pruned: &Pruned, listed: &[Item]) -> CacheDocument {
    let count = |items: &[Item]| {
        let mut count = CacheCount::default();
        for item in items {
            count.add(&entry(item));
        }
        count
    };
    CacheDocument {
        schema_version: SCHEMA_VERSION,
        directory: cache.display().to_string(),
        limit_bytes: KEPT_BYTES,
        kept: count(&pruned.left),
        removed: count(&pruned.removed),
        entries: listed.iter().map(entry).collect(),
    }
}

fn entry(item: &Item) -> CacheEntry {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let (kind, digest, diff_id) = if let Some((digest, diff_id)) = pair_of(&item.path) {
        ("changeset", digest.to_string(), Some(diff_id.0.to_string()))
    } else {
        let algorithm = item.path.parent().and_then(name).unwrap_or_default();
        let hex = name(&item.path).unwrap_or_default();
        ("blob", format!("{algorithm}:{hex}"), None)
    };
    let since = item.used.duration_since(UNIX_EPOCH).unwrap_or_default();
    CacheEntry {
        kind,
        digest,
        diff_id,
        bytes: item.bytes,
        used: rfc3339(i64::try_from(since.as_secs()).unwrap_or(i64::MAX)),
        idle_seconds: item.idle(SystemTime::now()).as_secs(),
    }
}
