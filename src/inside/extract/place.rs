//! What was made, moved to its place.
//!
//! Of its own because here, and only here, what others made is met: a target that has things in it, while others may
//! write to it. Everything is done relative to open directories, and no symlink is followed.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, Stat, Timespec, Timestamps, chmodat, fchmod,
    futimens, openat, renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;

use super::super::InsideError;
use super::{Existing, failed};

/// Moves everything in `from` into `to`, by its own name.
pub(super) fn place(from: &Path, to: &Path, existing: Existing) -> Result<(), InsideError> {
    let open = |path: &Path| {
        let opened = openat(CWD, path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        opened.map_err(|error| failed(path)(error.into()))
    };
    let (from, target) = (open(from)?, open(to)?);
    for name in names(&from).map_err(failed(to))? {
        put(from.as_fd(), target.as_fd(), &name, existing).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists if existing == Existing::Refuse => {
                InsideError::Exists(to.join(shown(&name)))
            }
            _ => failed(&to.join(shown(&name)))(error),
        })?;
    }
    Ok(())
}

/// Moves one thing. Where a directory is on both sides, what it holds is moved.
fn put(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &CStr, existing: Existing) -> io::Result<()> {
    let staged = statat(from, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let is_directory = |stat: &Stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    let there = match statat(to, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Some(stat),
        Err(Errno::NOENT) => None,
        Err(error) => return Err(error.into()),
    };
    match there {
        None => rename(from, to, name, &staged),
        Some(_) if existing == Existing::Refuse => Err(io::ErrorKind::AlreadyExists.into()),
        Some(there) => match (is_directory(&staged), is_directory(&there)) {
            (false, false) => Ok(renameat(from, name, to, name)?),
            (true, false) => {
                unlinkat(to, name, AtFlags::empty())?;
                rename(from, to, name, &staged)
            }
            (false, true) => Err(io::ErrorKind::IsADirectory.into()),
            (true, true) => {
                chmodat(from, name, Mode::RWXU, AtFlags::empty())?;
                let (from, to) = (enter(from, name)?, enter(to, name)?);
                let names = names(&from)?;
                names
                    .iter()
                    .try_for_each(|name| put(from.as_fd(), to.as_fd(), name, existing))
            }
        },
    }
}

/// Moves what was made to a name that is free.
fn rename(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &CStr, staged: &Stat) -> io::Result<()> {
    let free = || match renameat_with(from, name, to, name, RenameFlags::NOREPLACE) {
        // A file system that does not know how: it was looked for a moment ago.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => renameat(from, name, to, name),
        done => done,
    };
    if FileType::from_raw_mode(staged.st_mode) != FileType::Directory {
        return Ok(free()?);
    }
    // A directory that may not be written to cannot be moved by whoever is not root.
    chmodat(from, name, Mode::RWXU, AtFlags::empty())?;
    let directory = enter(from, name)?;
    free()?;
    fchmod(&directory, Mode::from_raw_mode(staged.st_mode))?;
    let time = |secs, nanos| Timespec {
        tv_sec: secs,
        tv_nsec: nanos,
    };
    let times = Timestamps {
        last_access: time(0, rustix::fs::UTIME_OMIT),
        last_modification: time(staged.st_mtime, i64::try_from(staged.st_mtime_nsec).unwrap_or(0)),
    };
    Ok(futimens(&directory, &times)?)
}

/// A directory in a directory, and no symlink to one.
fn enter(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

/// What is in a directory, but for itself and its parent.
fn names(directory: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let name = entry?.file_name().to_owned();
        if !matches!(name.to_bytes(), b"." | b"..") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn shown(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}
