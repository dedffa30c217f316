//! Symlinks that a layer makes itself and then names paths through (rule 4).
//!
//! Of its own because it is the one place where a layer's names depend on its earlier members. Engines unpack a layer
//! into a directory of its own: there a symlink of the same layer is followed, inside the root, and one of a lower
//! layer is not seen.

use std::collections::HashMap;

use super::changeset::Changeset;
use super::entry::Kind;
use super::path;
use super::tree::{NodeId, PathTree};

/// As many symlinks as Linux follows (`path_resolution(7)`).
const MAX_LINKS: u32 = 40;

/// The symlinks that the layer has made so far.
#[derive(Debug, Default)]
pub(super) struct OwnLinks {
    /// Where a symlink stands, and the entry that says where it leads.
    links: HashMap<NodeId, u32>,
    /// A directory that was found to lie behind none of them: most members share it with the one before.
    clear: Option<Vec<u8>>,
}

impl OwnLinks {
    /// Where `path`, a normal one, leads through the layer's own symlinks; its last component is not followed. `None`
    /// where it leads through none of them, round in circles, or to a name that would be a whiteout.
    pub(super) fn follow(&mut self, changeset: &Changeset, path: &[u8]) -> Option<Vec<u8>> {
        let parent = path
            .iter()
            .rposition(|&b| b == b'/')
            .map_or(&b""[..], |at| &path[..at]);
        if self.links.is_empty() || self.clear.as_deref() == Some(parent) {
            return None;
        }
        let found = self.walk(changeset, path);
        if found.is_none() {
            self.clear = Some(parent.to_vec());
        }
        found
    }

    fn walk(&self, changeset: &Changeset, path: &[u8]) -> Option<Vec<u8>> {
        let mut followed = 0;
        // Components still to walk, the next one at the end; behind each resolved one, its node where it has one.
        let mut rest: Vec<&[u8]> = path.rsplit(|&b| b == b'/').collect();
        let mut way: Vec<(&[u8], Option<NodeId>)> = Vec::new();
        while let Some(part) = rest.pop() {
            if matches!(part, b"" | b".") {
                continue;
            }
            if part == b".." {
                way.pop();
                continue;
            }
            let parent = way.last().map_or(Some(NodeId::ROOT), |(_, node)| *node);
            let node = parent.and_then(|parent| changeset.tree.find_child(parent, part));
            let link = node
                .filter(|_| !rest.is_empty())
                .and_then(|node| self.links.get(&node));
            let Some(&entry) = link else {
                way.push((part, node));
                continue;
            };
            followed += 1;
            if followed > MAX_LINKS {
                return None;
            }
            let target = changeset.link(&changeset.entries[entry as usize]);
            if target.starts_with(b"/") {
                way.clear();
            }
            rest.extend(target.rsplit(|&b| b == b'/'));
        }
        let parts: Vec<&[u8]> = way.into_iter().map(|(part, _)| part).collect();
        let is_writable = !parts.iter().any(|part| part.starts_with(b".wh."));
        (followed > 0 && is_writable).then(|| parts.join(&b'/'))
    }

    /// Takes note of the last entry of `changeset`.
    pub(super) fn note(&mut self, changeset: &Changeset) {
        let Some(entry) = changeset.entries.last() else {
            return;
        };
        let link = match entry.kind {
            Kind::Symlink => Some(changeset.entries.len() as u32 - 1),
            Kind::HardLink => self.linked(changeset, changeset.link(entry)),
            _ => None,
        };
        if self.links.is_empty() && link.is_none() {
            return;
        }
        let tree = &changeset.tree;
        if entry.kind != Kind::Directory && tree.children(entry.node).next().is_some() {
            self.clear = None;
            self.links.retain(|&node, _| !is_below(tree, node, entry.node));
        }
        match link {
            Some(link) => self.links.insert(entry.node, link),
            None => self.links.remove(&entry.node),
        };
    }

    /// The symlink that a hard link to `target` is one more name of.
    fn linked(&mut self, changeset: &Changeset, target: &[u8]) -> Option<u32> {
        if self.links.is_empty() {
            return None;
        }
        let mut normal = Vec::new();
        path::normalise(target, &mut normal);
        let normal = self.follow(changeset, &normal).unwrap_or(normal);
        self.links.get(&changeset.tree.find(&normal)?).copied()
    }
}

fn is_below(tree: &PathTree, node: NodeId, directory: NodeId) -> bool {
    std::iter::successors(tree.parent(node), |&node| tree.parent(node)).any(|node| node == directory)
}
