//! Where the readers of databases put what they find: packages interned, paths followed, claims counted once.
//!
//! A module of its own because all databases name paths in the same way and none may be believed: a path leads where it
//! would lead inside the container, never out of it, and what one claim costs does not depend on the image.

use hashbrown::HashMap;

use super::{Manager, NOBODY, Owners, Package};
use crate::content::{ContentMap, Visible};
use crate::layer::{Kind, NodeId};

/// Bytes of a name, a version or an architecture, at most: what has more is no package.
const MAX_WORD: usize = 512;

/// A file that a probe kept.
#[derive(Clone, Copy)]
pub(super) struct Captured<'a> {
    pub(super) node: NodeId,
    pub(super) bytes: &'a [u8],
}

/// What a database that lists packages with their files says, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row<'a> {
    /// A package; what follows is its own.
    Package {
        name: &'a [u8],
        version: &'a [u8],
        arch: &'a [u8],
    },
    /// Where the files that follow are.
    Directory(&'a [u8]),
    File(&'a [u8]),
}

/// Takes such rows, one behind the other.
pub(super) struct Claims<'s, 'a> {
    manager: Manager,
    survey: &'s mut Survey<'a>,
    package: Option<u32>,
    directory: Option<NodeId>,
}

impl<'s, 'a> Claims<'s, 'a> {
    pub(super) fn new(manager: Manager, survey: &'s mut Survey<'a>) -> Self {
        Self {
            manager,
            survey,
            package: None,
            directory: None,
        }
    }

    pub(super) fn take(&mut self, row: Row<'_>) {
        match row {
            Row::Package { name, version, arch } => {
                self.package = self.survey.package(self.manager, name, version, arch);
            }
            Row::Directory(path) => self.directory = self.survey.directory(NodeId::ROOT, path),
            Row::File(name) => {
                if let (Some(package), Some(directory)) = (self.package, self.directory) {
                    self.survey.claim(directory, name, package);
                }
            }
        }
    }
}

/// The packages found so far, and what they own.
pub(super) struct Survey<'a> {
    pub(super) map: &'a ContentMap,
    ids: HashMap<Package, u32>,
    owners: Vec<u32>,
    /// Claims of paths that another package had already, by the databases of the merged image.
    also: Vec<(NodeId, u32)>,
    /// Where packages say what they are, by the databases of the merged image.
    homes: Vec<(u32, NodeId)>,
    is_hidden: bool,
    /// Everything below these directories.
    trees: HashMap<NodeId, u32>,
    /// Where symlinks lead that were followed.
    links: HashMap<NodeId, NodeId>,
    /// The directory of the last path: lists name the files of a directory one behind the other.
    last: (NodeId, Vec<u8>, Option<NodeId>),
}

impl<'a> Survey<'a> {
    pub(super) fn new(map: &'a ContentMap) -> Self {
        Self {
            map,
            ids: HashMap::new(),
            owners: vec![NOBODY; map.tree().len()],
            also: Vec::new(),
            homes: Vec::new(),
            is_hidden: false,
            trees: HashMap::new(),
            links: HashMap::new(),
            last: (NodeId::ROOT, Vec::new(), Some(NodeId::ROOT)),
        }
    }

    /// Ends the databases of the merged image: what follows is what later layers hid. Gives the number of packages so far.
    pub(super) fn end_of_visible(&mut self) -> usize {
        self.is_hidden = true;
        self.ids.len()
    }

    /// The file or directory that says what a package is.
    pub(super) fn home(&mut self, node: NodeId, package: u32) {
        if !self.is_hidden {
            self.homes.push((package, node));
        }
    }

    /// The package of that name, version and architecture (empty for none); `None` for what cannot be one.
    pub(super) fn package(
        &mut self,
        manager: Manager,
        name: &[u8],
        version: &[u8],
        arch: &[u8],
    ) -> Option<u32> {
        if name.is_empty() || [name, version, arch].iter().any(|word| word.len() > MAX_WORD) {
            return None;
        }
        let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
        let package = Package {
            manager,
            name: text(name),
            version: text(version),
            arch: (!arch.is_empty()).then(|| text(arch)),
        };
        let next = self.ids.len() as u32;
        Some(*self.ids.entry(package).or_insert(next))
    }

    /// The directory and the name that `path` ends at, whether or not there is such a name; from the root where it is
    /// absolute, else from `from`.
    pub(super) fn place<'p>(&mut self, from: NodeId, path: &'p [u8]) -> Option<(NodeId, &'p [u8])> {
        let cut = path.iter().rposition(|&b| b == b'/').map_or(0, |at| at + 1);
        let (directory, name) = path.split_at(cut);
        if matches!(name, b"" | b"." | b"..") {
            return None;
        }
        let from = if path.starts_with(b"/") {
            NodeId::ROOT
        } else {
            from
        };
        if self.last.0 != from || self.last.1 != directory {
            let found = self.directory(from, directory);
            self.last.0 = from;
            self.last.1.clear();
            self.last.1.extend_from_slice(directory);
            self.last.2 = found;
        }
        Some((self.last.2?, name))
    }

    /// A package owns the file `name` of a directory, if there is one and nobody has it.
    pub(super) fn claim(&mut self, directory: NodeId, name: &[u8], package: u32) {
        if let Some(node) = self.map.tree().find_child(directory, name) {
            self.claim_node(node, package);
        }
    }

    /// A package owns the file at `path`, see [`Survey::place`].
    pub(super) fn claim_path(&mut self, from: NodeId, path: &[u8], package: u32) {
        if let Some((directory, name)) = self.place(from, path) {
            self.claim(directory, name, package);
        }
    }

    /// A package owns this path, if nobody has it.
    pub(super) fn claim_node(&mut self, node: NodeId, package: u32) {
        let owner = &mut self.owners[node.index()];
        if *owner == NOBODY {
            *owner = package;
        } else if *owner != package && !self.is_hidden {
            self.also.push((node, package));
        }
    }

    /// Whether nobody has this path yet.
    pub(super) fn is_free(&self, node: NodeId) -> bool {
        self.owners[node.index()] == NOBODY
    }

    /// A package owns what is below `directory` and nobody has: up to directories that another one owns, and up to
    /// those called `node_modules`.
    pub(super) fn claim_tree(&mut self, directory: NodeId, package: u32) {
        self.trees.entry(directory).or_insert(package);
    }

    /// [`Survey::claim_tree`] of the child `name` of a directory, if there is one.
    pub(super) fn claim_tree_at(&mut self, directory: NodeId, name: &[u8], package: u32) {
        if let Some(node) = self.map.tree().find_child(directory, name) {
            self.claim_tree(node, package);
        }
    }

    /// Gives out what was claimed as a tree.
    pub(super) fn grow(&mut self) {
        let trees = std::mem::take(&mut self.trees);
        if trees.is_empty() {
            return;
        }
        let tree = self.map.tree();
        let mut above = vec![NOBODY; tree.len()];
        for node in tree.ids() {
            let inherited = || {
                let parent = tree.parent(node).filter(|_| tree.name(node) != b"node_modules");
                parent.map_or(NOBODY, |parent| above[parent.index()])
            };
            let package = trees.get(&node).copied().unwrap_or_else(inherited);
            above[node.index()] = package;
            if package != NOBODY {
                self.claim_node(node, package);
            }
        }
    }

    /// What was found, the first `installed` packages being in the merged image. Compiled Python goes with its source:
    /// most installers compile and keep no record of it.
    pub(super) fn finish(mut self, installed: usize) -> Owners {
        let tree = self.map.tree();
        let caches = tree.ids().filter(|&node| tree.name(node) == b"__pycache__");
        for cache in caches {
            let Some(parent) = tree.parent(cache) else {
                continue;
            };
            let mut source = Vec::new();
            for compiled in tree.children(cache) {
                let Some(stem) = tree.name(compiled).split(|&b| b == b'.').next() else {
                    continue;
                };
                source.clear();
                source.extend_from_slice(stem);
                source.extend_from_slice(b".py");
                let owner = tree
                    .find_child(parent, &source)
                    .map(|node| self.owners[node.index()]);
                if let Some(owner) = owner {
                    self.claim_node(compiled, owner);
                }
            }
        }
        let mut packages: Vec<(u32, Package)> =
            self.ids.into_iter().map(|(package, id)| (id, package)).collect();
        packages.sort_unstable_by_key(|(id, _)| *id);
        self.also.sort_unstable();
        self.also.dedup();
        self.homes.sort_unstable();
        Owners {
            also: self.also,
            homes: self.homes,
            packages: packages.into_iter().map(|(_, package)| package).collect(),
            installed,
            of: self.owners,
        }
    }

    /// The directory that `path` leads to, symlinks followed.
    pub(super) fn directory(&mut self, from: NodeId, path: &[u8]) -> Option<NodeId> {
        let tree = self.map.tree();
        let mut at = from;
        for part in path.split(|&b| b == b'/') {
            at = match part {
                b"" | b"." => at,
                b".." => tree.parent(at).unwrap_or(NodeId::ROOT),
                part => self.follow(tree.find_child(at, part)?),
            };
        }
        Some(at)
    }

    /// Where a symlink leads; what is none, and what leads nowhere, itself. Every link is followed once.
    fn follow(&mut self, node: NodeId) -> NodeId {
        let map = self.map;
        let Visible::Entry(id) = map.visible(node) else {
            return node;
        };
        let is_link = |id| map.entry(id).kind == Kind::Symlink;
        if !map.inode(id).is_some_and(is_link) {
            return node;
        }
        let target = || map.resolve(&map.tree().path(node)).unwrap_or(node);
        *self.links.entry(node).or_insert_with(target)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The rows that a reader tells, a letter and words each.
    pub(in super::super) fn shown(read: impl FnOnce(&mut dyn FnMut(Row<'_>))) -> String {
        let mut out = String::new();
        read(&mut |row| {
            let words = match row {
                Row::Package { name, version, arch } => vec![&b"p"[..], name, version, arch],
                Row::Directory(path) => vec![&b"d"[..], path],
                Row::File(name) => vec![&b"f"[..], name],
            };
            out += &String::from_utf8_lossy(&words.join(&b' '));
            out.push(';');
        });
        out
    }
}
