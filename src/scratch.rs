//! Temporary files and directories that a later run can tell to be left over.
//!
//! A module of its own because a killed process removes nothing: whoever makes a temporary file here holds a lock
//! (flock) on it for as long as it lives, the kernel lets go of it when the process ends however it ends, and so
//! [`sweep`] knows what nobody will finish. Names are hidden and of one form, so that nothing else is ever taken
//! for one. On a file system without locks nothing is ever removed. It knows nothing of images.

use std::fs::{self, File, Metadata, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile, TempDir};

const PREFIX: &str = ".slim-";
const SUFFIX: &str = ".tmp";
/// Random characters between the two.
const RANDOM: usize = 12;
/// How often a new one may be swept away between being made and being locked.
const TRIES: usize = 16;

/// A directory that is removed when it is dropped, and by whoever sweeps once the process is gone.
#[derive(Debug)]
pub struct Directory {
    dir: TempDir,
    _lock: Option<File>,
}

impl Directory {
    /// A new directory in `parent`, with the permissions `mode` as far as the umask lets.
    pub fn new_in(parent: &Path, mode: u32) -> io::Result<Self> {
        for _ in 0..TRIES {
            let dir = builder(mode)
                .tempdir_in(parent)
                .map_err(|error| without_path(&error))?;
            let lock = match File::open(dir.path()) {
                Ok(file) if owns(&file, dir.path()) => Some(file),
                Err(error) if error.kind() != io::ErrorKind::NotFound => None,
                _ => continue, // swept away
            };
            return Ok(Self { dir, _lock: lock });
        }
        Err(swept())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Gives it its final name, where nothing or an empty directory stands.
    pub fn rename(self, to: &Path) -> io::Result<()> {
        fs::rename(self.dir.path(), to)?;
        // It is no temporary directory any more, so there is nothing to remove under the old name.
        let _ = self.dir.keep();
        Ok(())
    }
}

/// A new file in `directory`, with the permissions `mode` as far as the umask lets. It is removed when it is dropped,
/// and by whoever sweeps once the process is gone.
///
/// The lock belongs to the file that is open in there: who takes it out keeps it open until it has its final name.
pub fn file_in(directory: &Path, mode: u32) -> io::Result<NamedTempFile> {
    for _ in 0..TRIES {
        let file = builder(mode)
            .tempfile_in(directory)
            .map_err(|error| without_path(&error))?;
        if owns(file.as_file(), file.path()) {
            return Ok(file);
        }
    }
    Err(swept())
}

/// Removes the temporary files and directories in `directory` whose owner is gone. What cannot be read, locked or
/// removed stays: it is somebody else's.
pub fn sweep(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(is_name) {
            remove_dead(&entry.path());
        }
    }
}

/// Whether a file of this name is one of these.
pub fn is_name(name: &str) -> bool {
    let middle = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_suffix(SUFFIX));
    middle.is_some_and(|middle| middle.len() == RANDOM && middle.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Makes the names in `directory` outlive a loss of power. File systems that cannot are none the worse for it.
pub fn sync_names(directory: &Path) -> io::Result<()> {
    use io::ErrorKind as K;
    let directory = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    // A directory may be one that can be written and not read.
    let Ok(open) = File::open(directory) else {
        return Ok(());
    };
    match open.sync_all() {
        Err(error) if !matches!(error.kind(), K::InvalidInput | K::Unsupported) => Err(error),
        _ => Ok(()),
    }
}

/// The cause alone: `tempfile` tells the temporary file's path too, which means nothing to whoever named the target.
fn without_path(error: &io::Error) -> io::Error {
    error.kind().into()
}

fn builder(mode: u32) -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder
        .prefix(PREFIX)
        .suffix(SUFFIX)
        .rand_bytes(RANDOM)
        .permissions(Permissions::from_mode(mode));
    builder
}

/// Locks what was just made. `false` where somebody swept it away before.
fn owns(file: &File, path: &Path) -> bool {
    // Where there are no locks nobody can sweep either. Where there are, whoever holds this one is about to remove it.
    file.lock().is_err() || is_same(file, path)
}

/// Whether `path` still names the file that is open.
fn is_same(file: &File, path: &Path) -> bool {
    let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => identity(open) == identity(named),
        _ => false,
    }
}

fn remove_dead(path: &PathBuf) {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return;
    };
    let opened = match metadata.file_type() {
        kind if kind.is_dir() => File::open(path),
        // To write, since some network file systems lock nothing else; and what may not be written is not ours.
        kind if kind.is_file() => File::options().write(true).open(path),
        _ => return,
    };
    let Ok(file) = opened else {
        return;
    };
    match file.try_lock() {
        Ok(()) if is_same(&file, path) => {}
        Ok(()) | Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return,
    }
    // The lock is held until it is gone: its maker, if it was only just made, waits for it and makes another.
    let _ = if metadata.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
}

fn swept() -> io::Error {
    io::Error::other("every new temporary file is removed by somebody else")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_lives_stays_and_what_is_left_goes() {
        let parent = tempfile::tempdir().unwrap();
        let file = file_in(parent.path(), 0o644).unwrap();
        let dir = Directory::new_in(parent.path(), 0o755).unwrap();
        fs::write(dir.path().join("inside"), b"x").unwrap();
        let alive = names(parent.path());
        assert!(
            alive.len() == 2 && alive.iter().all(|name| is_name(name)),
            "{alive:?}"
        );
        // As a killed process leaves them: there, and without a lock.
        fs::write(parent.path().join(".slim-aaaaaaaaaaaa.tmp"), b"half").unwrap();
        fs::create_dir_all(parent.path().join(".slim-bbbbbbbbbbbb.tmp/deep/er")).unwrap();
        sweep(parent.path());
        assert_eq!(names(parent.path()), alive);
        drop((file, dir));
        assert_eq!(names(parent.path()), [""; 0]);
    }

    #[test]
    fn nothing_else_is_ever_swept() {
        let parent = tempfile::tempdir().unwrap();
        let kept = [
            ".slim-.tmp",
            ".slim-aaaaaaaaaaa.tmp",
            ".slim-aaaaaaaaaaaa.tmp2",
            ".slim-aaaaaaa/aaaa.tmp",
            ".slim-aaaaaaa-aaaa.tmp",
            ".slim-notes.tmp",
            "x.slim-aaaaaaaaaaaa.tmp",
        ];
        for name in kept {
            assert!(!is_name(name), "{name}");
            if !name.contains('/') {
                fs::write(parent.path().join(name), b"mine").unwrap();
            }
        }
        let link = parent.path().join(".slim-llllllllllll.tmp");
        std::os::unix::fs::symlink(parent.path().join(kept[0]), &link).unwrap();
        sweep(parent.path());
        assert_eq!(names(parent.path()).len(), kept.len());
        assert_eq!(fs::read(parent.path().join(kept[0])).unwrap(), b"mine");
    }

    #[test]
    fn makers_and_sweepers_do_not_meet() {
        let parent = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            let sweeper = || (0..2000).for_each(|_| sweep(parent.path()));
            scope.spawn(sweeper);
            scope.spawn(sweeper);
            scope.spawn(|| {
                for number in 0..300 {
                    let file = file_in(parent.path(), 0o600).unwrap();
                    let dir = Directory::new_in(parent.path(), 0o700).unwrap();
                    file.persist(parent.path().join(format!("file{number}"))).unwrap();
                    dir.rename(&parent.path().join(format!("dir{number}"))).unwrap();
                }
            });
        });
        assert_eq!(names(parent.path()).len(), 600);
    }

    #[test]
    fn errors_do_not_name_what_nobody_named() {
        let parent = tempfile::tempdir().unwrap();
        let error = file_in(&parent.path().join("nowhere"), 0o600).unwrap_err();
        assert_eq!(error.to_string(), "entity not found");
    }
}
