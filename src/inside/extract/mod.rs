//! Files and directories of an image, put onto a disk.
//!
//! Of its own because names of an image become names of the disk here (rule 32). Everything is made in a new directory
//! that nobody else has, below the target: there no name leads through a symlink, because what lies below a symlink or a
//! file shows nothing in any view. Only when all of it is there it is moved to its place, and what is there already is
//! never followed. One pass over each layer that holds something.

mod place;
mod stage;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{InsideError, Sight, Source, pass};
use crate::content::Visible;
use crate::layer::NodeId;
use crate::scratch;
use stage::Stage;

/// Who owns what is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    /// Whoever takes it out. Set-uid and set-gid bits, which would mean somebody else then, go; so do extended attributes.
    Mine,
    /// Whoever owns it in the image, which only root can say. Set-uid bits and extended attributes stay.
    Kept,
}

/// What becomes of what is in the target already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written.
    Refuse,
    /// Files and symlinks are replaced; a directory stays and gets what is missing in it.
    Replace,
}

/// How something is taken out.
#[derive(Debug, Clone, Copy)]
pub struct ExtractOptions {
    /// Who owns it.
    pub owners: Owners,
    /// What becomes of what is there.
    pub existing: Existing,
}

/// What was taken out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extracted {
    /// Directories that were made.
    pub directories: u64,
    /// Names of files that were made, hard links too.
    pub files: u64,
    /// Symlinks that were made.
    pub symlinks: u64,
    /// Content bytes of the files, each inode once; of sparse files with their holes.
    pub bytes: u64,
    /// What was left out, in the order of the tree.
    pub skipped: Vec<Skipped>,
}

/// Something that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its path in the image.
    pub path: Vec<u8>,
    /// Why, in a few words.
    pub why: String,
}

/// Puts what `top` shows in a view, and all below it, into the directory `target` under its own name; of the root what
/// it holds. `target` is made where it is missing.
///
/// Devices, pipes and names that the disk does not take are left out and listed. Where it fails nothing is left behind
/// but what was replaced on the way with [`Existing::Replace`].
pub fn extract(
    source: &Source<'_>,
    sight: &Sight<'_>,
    top: NodeId,
    target: &Path,
    options: ExtractOptions,
) -> Result<Extracted, InsideError> {
    let tops = tops(source, sight, top);
    fs::create_dir_all(target).map_err(failed(target))?;
    if options.existing == Existing::Refuse {
        for &node in &tops {
            let path = target.join(OsStr::from_bytes(source.map.tree().name(node)));
            if fs::symlink_metadata(&path).is_ok() {
                return Err(InsideError::Exists(path));
            }
        }
    }
    scratch::sweep(target);
    let directory = scratch::Directory::new_in(target, 0o700).map_err(failed(target))?;
    let mut stage = Stage::new(source, sight, directory.path(), options.owners);
    let done = stage
        .lay_out(&tops)
        .and_then(|()| fill(source, &mut stage))
        .and_then(|()| stage.finish())
        .and_then(|()| place::place(directory.path(), target, options.existing));
    if done.is_err() {
        stage.open_up();
    }
    let staged = directory.path();
    done.map(|()| stage.extracted).map_err(|error| match error {
        // Nobody knows the new directory: what counts is where it was to be.
        InsideError::Write { path, source } => InsideError::Write {
            path: path
                .strip_prefix(staged)
                .map_or(path.clone(), |below| target.join(below)),
            source,
        },
        error => error,
    })
}

/// What is moved into the target, by its own name.
fn tops(source: &Source<'_>, sight: &Sight<'_>, top: NodeId) -> Vec<NodeId> {
    if top != NodeId::ROOT {
        return vec![top];
    }
    let children = source.map.tree().children(top);
    children
        .filter(|&node| sight.at(node) != Visible::Nothing)
        .collect()
}

/// Reads every layer that holds something that is wanted.
fn fill(source: &Source<'_>, stage: &mut Stage<'_>) -> Result<(), InsideError> {
    for layer in 0..source.map.layer_count() {
        if stage.begin_layer(layer) {
            pass::pass(source, layer, stage)?;
        }
    }
    Ok(())
}

/// What could not be done at a path of the disk.
fn failed(path: &Path) -> impl FnOnce(io::Error) -> InsideError {
    let path: PathBuf = path.to_owned();
    move |source| InsideError::Write { path, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::super::testing::Made;
    use super::super::{Follow, View};
    use super::*;

    const MINE: ExtractOptions = ExtractOptions {
        owners: Owners::Mine,
        existing: Existing::Refuse,
    };

    fn take(
        made: &Made,
        view: View,
        path: &str,
        to: &Path,
        options: ExtractOptions,
    ) -> Result<Extracted, InsideError> {
        let sight = Sight::new(&made.map, view);
        let top = sight.find(path.as_bytes(), Follow::Nothing).unwrap();
        extract(&made.source(), &sight, top, to, options)
    }

    /// Every name below a directory, and what it is.
    fn names(dir: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let metadata = fs::symlink_metadata(&path).unwrap();
            if metadata.is_dir() {
                found.extend(names(&path).into_iter().map(|below| format!("{name}/{below}")));
                found.push(format!("{name}/"));
            } else if metadata.is_symlink() {
                found.push(format!("{name}->{}", fs::read_link(&path).unwrap().display()));
            } else {
                found.push(format!("{name}={}", fs::read_to_string(&path).unwrap()));
            }
        }
        found.sort();
        found
    }

    #[test]
    fn what_a_view_shows_is_taken_out() {
        let made = Made::new(&[
            "d/ d/a=one d/b=two",
            ".wh.d e/c=three",
            "d/z=four d/h=>e/c l->/etc n!c",
        ]);
        for (view, path, want) in [
            (
                View::Merged,
                "/",
                &["d/", "d/h=three", "d/z=four", "e/", "e/c=three", "l->/etc"][..],
            ),
            (View::Merged, "/d", &["d/", "d/h=three", "d/z=four"]),
            (View::Merged, "l", &["l->/etc"]),
            (View::UpTo(0), "d", &["d/", "d/a=one", "d/b=two"]),
            (View::Layer(2), "/", &["d/", "d/h=three", "d/z=four", "l->/etc"]),
            (View::Layer(1), "e/c", &["c=three"]),
        ] {
            let target = tempfile::tempdir().unwrap();
            let out = target.path().join("new/out");
            let extracted = take(&made, view, path, &out, MINE).unwrap();
            assert_eq!(names(&out), want, "{view:?} {path}");
            let skipped: Vec<_> = extracted.skipped.iter().map(|row| row.path.clone()).collect();
            let has_device = path == "/";
            assert_eq!(
                skipped,
                if has_device {
                    vec![b"n".to_vec()]
                } else {
                    Vec::new()
                }
            );
        }
    }

    #[test]
    fn modes_times_and_links_stay_and_set_uid_goes() {
        let made = Made::new(&["d/ d/a=one d/b=>d/a"]);
        let target = tempfile::tempdir().unwrap();
        let extracted = take(&made, View::Merged, "d", target.path(), MINE).unwrap();
        let of = |path: &str| fs::metadata(target.path().join(path)).unwrap();
        assert_eq!(of("d").permissions().mode() & 0o7777, 0o750);
        assert_eq!(
            of("d/a").permissions().mode() & 0o7777,
            0o644,
            "4755 is somebody else's"
        );
        assert_eq!(of("d/a").mtime(), 1_000_000_000);
        assert_eq!(of("d/a").ino(), of("d/b").ino());
        let counts = (extracted.directories, extracted.files, extracted.bytes);
        assert_eq!(counts, (1, 2, 3));
    }

    #[test]
    fn what_is_there_stays_unless_it_may_go() {
        let made = Made::new(&["d/a=one d/s->x e=new"]);
        let target = tempfile::tempdir().unwrap();
        let (here, elsewhere) = (target.path().join("here"), target.path().join("elsewhere"));
        fs::create_dir_all(here.join("d")).unwrap();
        fs::create_dir(&elsewhere).unwrap();
        fs::write(here.join("d/mine"), "mine").unwrap();
        fs::write(here.join("d/a"), "old").unwrap();
        let refused = take(&made, View::Merged, "/", &here, MINE).unwrap_err();
        assert!(matches!(refused, InsideError::Exists(_)), "{refused}");
        assert_eq!(names(&here), ["d/", "d/a=old", "d/mine=mine"]);
        let replace = ExtractOptions {
            existing: Existing::Replace,
            ..MINE
        };
        take(&made, View::Merged, "/", &here, replace).unwrap();
        assert_eq!(names(&here), ["d/", "d/a=one", "d/mine=mine", "d/s->x", "e=new"]);
        // A symlink where the image has a directory is not followed.
        fs::remove_dir_all(here.join("d")).unwrap();
        symlink(&elsewhere, here.join("d")).unwrap();
        take(&made, View::Merged, "/", &here, replace).unwrap();
        assert_eq!(names(&elsewhere), [""; 0], "nothing went there");
        assert_eq!(names(&here), ["d/", "d/a=one", "d/s->x", "e=new"]);
        // Nor is a directory thrown away for a file.
        fs::remove_file(here.join("e")).unwrap();
        fs::create_dir(here.join("e")).unwrap();
        take(&made, View::Merged, "e", &here, replace).unwrap_err();
        assert_eq!(
            names(&here),
            ["d/", "d/a=one", "d/s->x", "e/"],
            "and nothing is left over"
        );
    }

    #[test]
    fn names_that_a_disk_does_not_take_are_listed() {
        let long = "x".repeat(300);
        let made = Made::new(&[&format!("d/{long}/y=1 d/a=one")]);
        let target = tempfile::tempdir().unwrap();
        let extracted = take(&made, View::Merged, "d", target.path(), MINE).unwrap();
        assert_eq!(names(target.path()), ["d/", "d/a=one"]);
        assert_eq!(extracted.skipped.len(), 1, "{:?}", extracted.skipped);
        assert_eq!(extracted.skipped[0].path, format!("d/{long}").into_bytes());
    }
}
