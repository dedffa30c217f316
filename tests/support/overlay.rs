//! The kernel as judge: layers extracted by GNU tar, stacked by overlayfs as engines do it.
//!
//! A module of its own because it is the one place that says how an engine prepares a layer: whiteouts become 0:0
//! devices, opaque markers an attribute, and a parent that the layer does not name looks as it does below. It works
//! as root only.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes, Metadata, Permissions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::judges::{is_root, run, skipped};
use super::recipe::CREATED;
use super::tree::Tree;

/// Whether the kernel mounts an overlay for us; says it where it does not.
#[track_caller]
pub(crate) fn have_overlay() -> bool {
    let mounts = is_root() && Stack::new(&[]).is_some();
    if !mounts {
        skipped("overlayfs cannot be mounted here");
    }
    mounts
}

/// The tree an engine shows for these uncompressed layers, base first.
#[track_caller]
pub(crate) fn overlay(layers: &[Vec<u8>]) -> Tree {
    let stack = Stack::new(layers).expect("have_overlay was asked");
    Tree::read(&stack.mounted.0)
}

/// A mounted stack of layers.
struct Stack {
    /// Stands before `_scratch`: unmounted before the directory goes.
    mounted: Mounted,
    _scratch: TempDir,
}

impl Stack {
    /// `None` where the kernel does not mount an overlay.
    fn new(layers: &[Vec<u8>]) -> Option<Self> {
        let scratch = tempfile::Builder::new().prefix("ov-").tempdir().unwrap();
        // The kernel wants two lower directories at least.
        let mut dirs = ["none", "nothing"].map(|name| scratch.path().join(name)).to_vec();
        for dir in &dirs {
            fs::create_dir(dir).unwrap();
        }
        for (number, tar) in layers.iter().enumerate() {
            let dir = scratch.path().join(number.to_string());
            fs::create_dir(&dir).unwrap();
            let layer = Contents::of(tar);
            let below = Mounted::new(scratch.path(), &dirs)?;
            layer.extract(tar, &dir, &below.0);
            drop(below);
            if layer.opaque.contains(Path::new("")) {
                dirs.truncate(2); // nothing below an opaque root shows
            }
            dirs.push(dir);
        }
        let mounted = Mounted::new(scratch.path(), &dirs)?;
        Some(Self {
            mounted,
            _scratch: scratch,
        })
    }
}

/// A mount point; unmounted on drop.
struct Mounted(PathBuf);

impl Mounted {
    fn new(scratch: &Path, dirs: &[PathBuf]) -> Option<Self> {
        let point = scratch.join("merged");
        fs::create_dir_all(&point).unwrap();
        let lower: Vec<_> = dirs.iter().rev().map(|dir| dir.display().to_string()).collect();
        let mut mount = Command::new("mount");
        mount
            .args([
                "-t",
                "overlay",
                "overlay",
                "-o",
                &format!("lowerdir={}", lower.join(":")),
            ])
            .arg(&point);
        mount
            .output()
            .is_ok_and(|output| output.status.success())
            .then(|| Self(point))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: a child of another test that is just being started may hold a file of it for a moment.
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

/// The names in one layer, without slashes and dots around them.
#[derive(Default)]
struct Contents {
    /// What the layer names itself, but for markers.
    explicit: BTreeSet<PathBuf>,
    /// Directories that it does not name but has something in.
    implied: BTreeSet<PathBuf>,
    whiteouts: BTreeSet<PathBuf>,
    opaque: BTreeSet<PathBuf>,
    /// What its hard links point to.
    targets: BTreeSet<PathBuf>,
}

impl Contents {
    fn of(tar: &[u8]) -> Self {
        let mut found = Self::default();
        let mut all = BTreeSet::new();
        for entry in tar::Archive::new(tar).entries().unwrap() {
            let entry = entry.unwrap();
            let path = clean(&entry.path_bytes());
            let name = path.file_name().unwrap_or_default().as_bytes();
            let parent = path.parent().unwrap_or(Path::new("")).to_owned();
            match name.strip_prefix(b".wh.") {
                Some(b".wh..opq") => _ = found.opaque.insert(parent),
                Some(b"") => {}
                Some(hidden) => _ = found.whiteouts.insert(parent.join(OsStr::from_bytes(hidden))),
                None => _ = found.explicit.insert(path.clone()),
            }
            if entry.header().entry_type().is_hard_link() {
                found
                    .targets
                    .insert(clean(&entry.link_name_bytes().expect("a link has a target")));
            }
            all.extend(
                path.ancestors()
                    .skip(1)
                    .filter(|dir| *dir != Path::new(""))
                    .map(Path::to_owned),
            );
        }
        found.implied = all.difference(&found.explicit).cloned().collect();
        found
    }

    /// Fills the directory of this layer; `below` shows the layers under it.
    fn extract(&self, tar: &[u8], dir: &Path, below: &Path) {
        for parent in &self.implied {
            fs::create_dir_all(dir.join(parent)).unwrap();
        }
        for hidden in self.whiteouts.difference(&self.explicit) {
            let device = dir.join(hidden);
            fs::create_dir_all(device.parent().unwrap()).unwrap();
            run(Command::new("mknod").arg(device).args(["c", "0", "0"]));
        }
        // A link to a file of a layer below: the engine copies the file up first.
        for target in self.targets.difference(&self.explicit) {
            fs::create_dir_all(dir.join(target.parent().unwrap())).unwrap();
            run(Command::new("cp")
                .arg("-a")
                .arg(below.join(target))
                .arg(dir.join(target)));
        }
        gnu_tar(tar, dir);
        let renewed = self.whiteouts.intersection(&self.explicit);
        for path in self.opaque.iter().chain(renewed).map(|path| dir.join(path)) {
            if path.is_dir() {
                xattr::set(&path, "trusted.overlay.opaque", b"y").unwrap();
            }
        }
        for parent in &self.implied {
            self.dress(&dir.join(parent), below, parent);
        }
    }

    /// Gives an implied directory the metadata it has below, or those of rule 7.
    fn dress(&self, dir: &Path, below: &Path, name: &Path) {
        let hidden = name.ancestors().any(|path| self.whiteouts.contains(path))
            || name.ancestors().skip(1).any(|path| self.opaque.contains(path));
        let lower = if hidden { None } else { lookup(below, name) };
        let mut time = SystemTime::UNIX_EPOCH + Duration::from_secs(CREATED.unsigned_abs());
        if let Some(lower) = &lower {
            chown(dir, Some(lower.uid()), Some(lower.gid())).unwrap();
            fs::set_permissions(dir, Permissions::from_mode(lower.mode())).unwrap();
            let source = below.join(name);
            for attribute in xattr::list(&source).unwrap() {
                let value = xattr::get(&source, &attribute).unwrap().unwrap_or_default();
                xattr::set(dir, &attribute, &value).unwrap();
            }
            time = lower.modified().unwrap();
        }
        File::open(dir)
            .unwrap()
            .set_times(FileTimes::new().set_modified(time))
            .unwrap();
    }
}

/// `./a`, `/a` and `a/` are `a`.
fn clean(path: &[u8]) -> PathBuf {
    let parts = path
        .split(|&byte| byte == b'/')
        .filter(|part| !matches!(*part, b"" | b"."));
    parts.map(OsStr::from_bytes).collect()
}

/// The directory of that name below, following no symlink on the way.
fn lookup(below: &Path, name: &Path) -> Option<Metadata> {
    let mut path = below.to_owned();
    let mut found = None;
    for part in name {
        path.push(part);
        found = Some(fs::symlink_metadata(&path).ok().filter(Metadata::is_dir)?);
    }
    found
}

fn gnu_tar(tar: &[u8], dir: &Path) {
    let mut child = Command::new("tar")
        .args([
            "-x",
            "-p",
            "--same-owner",
            "--numeric-owner",
            "--delay-directory-restore",
        ])
        .args([
            "--xattrs",
            "--xattrs-include=*",
            "--exclude=.wh.*",
            "-f",
            "-",
            "-C",
        ])
        .arg(dir)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().expect("piped").write_all(tar).unwrap();
    assert!(child.wait().unwrap().success(), "GNU tar refuses the layer");
}
