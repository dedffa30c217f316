//! The files of package databases that the merged image shows, with what stands in them.
//!
//! A module of its own because every reader here begins with them, and because an edit must be sure that it has the whole
//! file.

use hashbrown::HashMap;

use crate::content::{ContentMap, EntryId};
use crate::layer::{FactKind, NodeId};

/// A database file.
#[derive(Debug, Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) node: NodeId,
    /// The entry that carries the bytes.
    pub(super) inode: EntryId,
    pub(super) bytes: &'a [u8],
}

/// What was found, by path without the leading slash.
pub(super) struct Databases<'a> {
    files: HashMap<Vec<u8>, File<'a>>,
}

impl<'a> Databases<'a> {
    pub(super) fn of(map: &'a ContentMap) -> Self {
        let (mut files, mut path) = (HashMap::new(), Vec::new());
        for layer in 0..map.layer_count() {
            for (inode, fact) in map.facts(layer).filter(|(_, fact)| fact.kind == FactKind::File) {
                for name in map.names(inode).filter(|&name| map.is_visible(name)) {
                    let node = map.entry(name).node;
                    map.tree().write_path(node, &mut path);
                    if is_database(&path) {
                        let bytes = &*fact.value;
                        files.insert(path.clone(), File { node, inode, bytes });
                    }
                }
            }
        }
        Self { files }
    }

    pub(super) fn get(&self, path: &str) -> Option<File<'a>> {
        self.files.get(path.as_bytes()).copied()
    }

    /// The files right in a directory, by name, sorted.
    pub(super) fn inside(&self, directory: &str) -> Vec<(&[u8], File<'a>)> {
        let inside = |path: &'_ [u8]| -> bool {
            path.strip_prefix(directory.as_bytes())
                .and_then(|rest| rest.strip_prefix(b"/"))
                .is_some_and(|name| !name.contains(&b'/'))
        };
        let mut found: Vec<(&[u8], File<'a>)> = self
            .files
            .iter()
            .filter(|(path, _)| inside(path))
            .map(|(path, file)| (&path[directory.len() + 1..], *file))
            .collect();
        found.sort_unstable_by_key(|(name, _)| *name);
        found
    }

    /// Every file with its path, sorted.
    pub(super) fn all(&self) -> Vec<(&[u8], File<'a>)> {
        let mut all: Vec<_> = self.files.iter().map(|(path, file)| (&path[..], *file)).collect();
        all.sort_unstable_by_key(|(path, _)| *path);
        all
    }
}

/// Packages that are many files are read by name: no need to look at every captured script.
fn is_database(path: &[u8]) -> bool {
    let python = [
        &b".dist-info/METADATA"[..],
        b".dist-info/INSTALLER",
        b".egg-info",
        b".egg-info/PKG-INFO",
    ];
    path.starts_with(b"var/lib/dpkg/")
        || path == super::deb::EXTENDED.as_bytes()
        || path == super::apk::WORLD.as_bytes()
        || super::apk::INSTALLED.iter().any(|one| path == one.as_bytes())
        || python.iter().any(|end| path.ends_with(end))
        || path.ends_with(b".egg/EGG-INFO/PKG-INFO")
        || path.ends_with(b".egg-info/requires.txt")
}
