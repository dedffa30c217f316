//! Files that are kept as long as there is room: what is there, and what goes first.
//!
//! A module of its own because blobs and changesets share one bound, and nothing but this removes what is whole. Several
//! processes may use the files meanwhile: who finds one gone makes it again. When a file was last used is the later of
//! its access and its modification; whoever reads one says so with [`touch`], whatever the file system notes itself.

use std::fs::{self, File, FileTimes, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A temporary file not written to for so long belongs to a process that is gone, also where the file system has no locks.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// One file that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// When it was last used.
    pub used: SystemTime,
}

/// What may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of all files together.
    pub max_bytes: u64,
    /// Files not used for longer than this go in any case.
    pub max_idle: Duration,
    /// Files used within this time stay in any case: another process may be about to read them again.
    pub spared: Duration,
}

/// What was removed and what was not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pruned {
    /// The files that are gone, the least recently used first.
    pub removed: Vec<Item>,
    /// The others, in the same order.
    pub left: Vec<Item>,
}

impl Item {
    fn new(path: PathBuf, metadata: &Metadata) -> Self {
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let accessed = metadata.accessed().unwrap_or(SystemTime::UNIX_EPOCH);
        Self {
            path,
            bytes: metadata.len(),
            used: modified.max(accessed),
        }
    }

    /// How long it was not used; nothing where the clock says it was used in the future.
    pub fn idle(&self, now: SystemTime) -> Duration {
        now.duration_since(self.used).unwrap_or_default()
    }
}

/// The regular files of a directory; none where it is not there.
pub fn files_in(dir: &Path) -> io::Result<Vec<Item>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        // Gone since the directory was read: another process was faster.
        if let Ok(metadata) = entry.metadata()
            && metadata.is_file()
        {
            found.push(Item::new(entry.path(), &metadata));
        }
    }
    Ok(found)
}

/// Which of `files` the bounds leave, and which must go: the least recently used first.
pub fn sort_out(mut files: Vec<Item>, bounds: &Bounds) -> Pruned {
    let now = SystemTime::now();
    files.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
    let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
    let mut pruned = Pruned::default();
    for file in files {
        let idle = file.idle(now);
        let must_go = idle > bounds.max_idle || bytes > bounds.max_bytes;
        if must_go && idle >= bounds.spared {
            bytes -= file.bytes;
            pruned.removed.push(file);
        } else {
            pruned.left.push(file);
        }
    }
    pruned
}

/// Removes what [`sort_out`] says must go. The error is of the first file that cannot be removed, with its path; the
/// others go all the same.
pub fn prune(files: Vec<Item>, bounds: &Bounds) -> Result<Pruned, (PathBuf, io::Error)> {
    let pruned = sort_out(files, bounds);
    let mut failed = None;
    for file in &pruned.removed {
        match fs::remove_file(&file.path) {
            Ok(()) => {}
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => failed = failed.or(Some((file.path.clone(), error))),
        }
    }
    failed.map_or(Ok(pruned), Err)
}

/// Notes that a file was used. One that may only be read is not pruned by us either.
pub fn touch(file: &File) {
    let _ = file.set_times(FileTimes::new().set_accessed(SystemTime::now()));
}

/// Removes what stands in a directory for temporary files for more than a day: left by a killed process on a file system
/// without locks.
pub fn remove_abandoned(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > ABANDONED) {
            let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);
    /// Everything goes.
    const NONE: Bounds = Bounds {
        max_bytes: 0,
        max_idle: Duration::MAX,
        spared: Duration::ZERO,
    };

    fn aged(dir: &Path, name: &str, hours: u32) {
        let path = dir.join(name);
        fs::write(&path, name).unwrap();
        let then = SystemTime::now() - HOUR * hours;
        let file = File::options().write(true).open(path).unwrap();
        file.set_times(FileTimes::new().set_accessed(then).set_modified(then))
            .unwrap();
    }

    fn names(files: &[Item]) -> Vec<String> {
        let name = |file: &Item| file.path.file_name().unwrap().to_str().unwrap().to_owned();
        files.iter().map(name).collect()
    }

    #[test]
    fn the_least_recently_used_go_first_and_the_young_are_spared() {
        let dir = tempfile::tempdir().unwrap();
        for (name, hours) in [("a", 30), ("b", 40), ("c", 20), ("d", 0)] {
            aged(dir.path(), name, hours);
        }
        touch(&File::open(dir.path().join("b")).unwrap());
        let all = || files_in(dir.path()).unwrap();
        for (max_bytes, max_idle, spared, want) in [
            (4, 1000, 0, vec![]),
            (3, 1000, 1, vec!["a"]),
            (0, 1000, 1, vec!["a", "c"]),
            (0, 1000, 0, vec!["a", "c", "d", "b"]),
            (4, 25, 1, vec!["a"]),
            (4, 10, 1, vec!["a", "c"]),
        ] {
            let bounds = Bounds {
                max_bytes,
                max_idle: HOUR * max_idle,
                spared: HOUR * spared,
            };
            let mut found = names(&sort_out(all(), &bounds).removed);
            let mut want = want;
            found.sort();
            want.sort_unstable();
            assert_eq!(found, want, "{bounds:?}");
        }
        assert_eq!(names(&prune(all(), &NONE).unwrap().removed)[..2], ["a", "c"]);
        assert_eq!(all(), []);
    }

    #[test]
    fn what_another_process_removed_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        aged(dir.path(), "a", 2);
        let files = files_in(dir.path()).unwrap();
        fs::remove_file(dir.path().join("a")).unwrap();
        assert_eq!(prune(files, &NONE).unwrap().removed.len(), 1);
        assert_eq!(files_in(&dir.path().join("nowhere")).unwrap(), []);
    }

    #[test]
    fn what_was_abandoned_goes_after_a_day() {
        let dir = tempfile::tempdir().unwrap();
        aged(dir.path(), "dead", 25);
        aged(dir.path(), "new", 23);
        remove_abandoned(dir.path());
        assert_eq!(names(&files_in(dir.path()).unwrap()), ["new"]);
    }
}
