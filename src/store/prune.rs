//! Keeping a store small: which blobs go when it grows too large.
//!
//! A module of its own because it is the only part of a store that removes anything, and several
//! processes may be using the store meanwhile. It may assume that reading a blob set its access time.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{INCOMING, Store, StoreError};
use crate::oci::Algorithm;

/// No blob used this recently is pruned: another process may be about to read it.
const YOUNG: Duration = Duration::from_secs(60 * 60);
/// A half-made blob not written to for so long belongs to a process that is gone.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// What [`Store::prune`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Files removed.
    pub files: u64,
    /// Bytes removed.
    pub bytes: u64,
    /// Bytes of blobs that are still there.
    pub kept: u64,
}

impl Store {
    /// Removes blobs, the least recently used first, until at most `max_bytes` of them are left.
    ///
    /// Blobs used within the last hour stay, even above the limit. Half-made blobs of processes that
    /// are gone are removed as well.
    pub fn prune(&self, max_bytes: u64) -> Result<Pruned, StoreError> {
        let now = SystemTime::now();
        let mut pruned = Pruned::default();
        for found in files_in(&self.dir.join(INCOMING))? {
            if found.idle(now) > ABANDONED {
                pruned.remove(&found)?;
            }
        }
        let mut blobs = Vec::new();
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            blobs.extend(files_in(&self.algorithm_dir(algorithm))?);
        }
        pruned.kept = blobs.iter().map(|found| found.bytes).sum();
        blobs.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        for found in blobs {
            if pruned.kept <= max_bytes || found.idle(now) < YOUNG {
                break;
            }
            pruned.remove(&found)?;
            pruned.kept -= found.bytes;
        }
        Ok(pruned)
    }
}

/// A file that may be pruned.
struct Found {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl Found {
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
    fn idle(&self, now: SystemTime) -> Duration {
        now.duration_since(self.used).unwrap_or_default()
    }
}

impl Pruned {
    fn remove(&mut self, found: &Found) -> Result<(), StoreError> {
        match fs::remove_file(&found.path) {
            Ok(()) => {
                self.files += 1;
                self.bytes += found.bytes;
                Ok(())
            }
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StoreError::write(&found.path)(error)),
        }
    }
}

/// The regular files of a directory; none where it is not there.
fn files_in(dir: &Path) -> Result<Vec<Found>, StoreError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::read(dir)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(StoreError::read(dir))?;
        // Gone since the directory was read: another process was faster.
        if let Ok(metadata) = entry.metadata()
            && metadata.is_file()
        {
            found.push(Found::new(entry.path(), &metadata));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};

    use super::*;

    fn store() -> Store {
        Store::temporary(None).unwrap()
    }

    fn age(path: &Path, hours: u64) {
        let then = SystemTime::now() - Duration::from_secs(hours * 3600);
        let file = File::options().write(true).open(path).unwrap();
        file.set_times(FileTimes::new().set_accessed(then).set_modified(then))
            .unwrap();
    }

    #[test]
    fn pruning_takes_the_least_recently_used_and_spares_the_young() {
        let store = store();
        let [oldest, read, old, young] = [b"1", b"2", b"3", b"4"].map(|blob| store.put(blob).unwrap());
        age(&store.path_of(&oldest), 30);
        age(&store.path_of(&read), 40);
        age(&store.path_of(&old), 20);
        store.read(&read).unwrap();
        let pruned = store.prune(3).unwrap();
        assert_eq!((pruned.files, pruned.bytes, pruned.kept), (1, 1, 3));
        assert!(!store.contains(&oldest, None));
        let pruned = store.prune(0).unwrap();
        assert_eq!((pruned.files, pruned.kept), (1, 2));
        assert!(!store.contains(&old, None));
        assert!(store.contains(&read, None) && store.contains(&young, None));
    }

    #[test]
    fn pruning_clears_away_what_dead_processes_left() {
        let store = store();
        let alive = store.writer().unwrap();
        let before = fs::read_dir(store.dir().join(INCOMING)).unwrap().count();
        let dead = store.dir().join(INCOMING).join("blob-dead");
        fs::write(&dead, b"half").unwrap();
        age(&dead, 25);
        assert_eq!(store.prune(u64::MAX).unwrap().bytes, 4);
        assert!(!dead.exists());
        let after = fs::read_dir(store.dir().join(INCOMING)).unwrap().count();
        assert_eq!(after, before);
        alive.commit().unwrap();
    }
}
