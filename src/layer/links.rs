//! Symlinks that a layer makes itself and then names paths through (rule 4).
//!
//! Of its own because it is the one place where a layer's names depend on its earlier members. Engines unpack a layer
//! into a directory of its own: there a symlink of the same layer is followed, inside the root, and one of a lower
//! layer is not seen.

use std::collections::HashMap;

use super::changeset::Changeset;
use super::entry::Kind;
use super::path;
use super::tree::NodeId;

/// As many symlinks as Linux follows (`path_resolution(7)`).
const MAX_LINKS: u32 = 40;
/// Components that symlinks may add to one path: Linux takes no target of more than 4,095 bytes, and no sane way comes
/// near it. It keeps what one member costs within bounds (rule 32).
const MAX_STEPS: usize = 1024;

/// The symlinks that the layer has made so far.
#[derive(Debug, Default)]
pub(super) struct OwnLinks {
    /// Where a symlink stands.
    links: HashMap<NodeId, Link>,
    /// The last entry that put something else in the place of a directory, which ended the symlinks in it.
    cleared: HashMap<NodeId, u32>,
    /// A directory that was found to lie behind none of them: most members share it with the one before.
    clear: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    /// The entry that says where it leads.
    target: u32,
    /// The entry that made it: the same one, or a hard link to it.
    made: u32,
}

/// A component that was walked: its name, its node where it has one, and the last entry that cleared a directory above
/// or at it.
type Step<'a> = (&'a [u8], Option<NodeId>, Option<u32>);

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
        let (followed, found) = self.walk(changeset, path);
        if followed == 0 {
            self.clear = Some(parent.to_vec());
        }
        found
    }

    /// How many of them were followed, and where to.
    fn walk(&self, changeset: &Changeset, path: &[u8]) -> (u32, Option<Vec<u8>>) {
        let (mut followed, mut steps) = (0, 0);
        // Components still to walk, the next one at the end.
        let mut rest: Vec<&[u8]> = path.rsplit(|&b| b == b'/').collect();
        let mut way: Vec<Step<'_>> = Vec::new();
        while let Some(part) = rest.pop() {
            if matches!(part, b"" | b".") {
                continue;
            }
            if part == b".." {
                way.pop();
                continue;
            }
            let root = (Some(NodeId::ROOT), None);
            let (parent, cleared) = way.last().map_or(root, |&(_, node, cleared)| (node, cleared));
            let node = parent.and_then(|parent| changeset.tree.find_child(parent, part));
            let link = node
                .filter(|_| !rest.is_empty())
                .and_then(|node| self.links.get(&node))
                .filter(|link| cleared.is_none_or(|cleared| link.made > cleared));
            let Some(link) = link else {
                let own = node.and_then(|node| self.cleared.get(&node).copied());
                way.push((part, node, cleared.max(own)));
                continue;
            };
            followed += 1;
            if followed > MAX_LINKS {
                return (followed, None);
            }
            let target = changeset.link(&changeset.entries[link.target as usize]);
            if target.starts_with(b"/") {
                way.clear();
            }
            let before = rest.len();
            rest.extend(target.rsplit(|&b| b == b'/'));
            steps += rest.len() - before;
            if steps > MAX_STEPS {
                return (followed, None);
            }
        }
        let parts: Vec<&[u8]> = way.into_iter().map(|(part, ..)| part).collect();
        let is_writable = !parts.iter().any(|part| part.starts_with(b".wh."));
        (followed, (followed > 0 && is_writable).then(|| parts.join(&b'/')))
    }

    /// Takes note of the last entry of `changeset`.
    pub(super) fn note(&mut self, changeset: &Changeset) {
        let Some(entry) = changeset.entries.last() else {
            return;
        };
        let made = changeset.entries.len() as u32 - 1;
        let target = match entry.kind {
            Kind::Symlink => Some(made),
            Kind::HardLink => self.linked(changeset, changeset.link(entry)),
            _ => None,
        };
        if self.links.is_empty() && target.is_none() {
            return;
        }
        let tree = &changeset.tree;
        if entry.kind != Kind::Directory && tree.children(entry.node).next().is_some() {
            // Symlinks below are not looked for: that they are gone shows when a way leads past here.
            self.clear = None;
            self.cleared.insert(entry.node, made);
        }
        match target {
            Some(target) => self.links.insert(entry.node, Link { target, made }),
            None => self.links.remove(&entry.node),
        };
    }

    /// The symlink that a hard link to `target` is one more name of.
    fn linked(&self, changeset: &Changeset, target: &[u8]) -> Option<u32> {
        if self.links.is_empty() {
            return None;
        }
        let mut normal = Vec::new();
        path::normalise(target, &mut normal);
        let normal = self.walk(changeset, &normal).1.unwrap_or(normal);
        let node = changeset.tree.find(&normal)?;
        let link = self.links.get(&node)?;
        let mut above = std::iter::successors(changeset.tree.parent(node), |&at| changeset.tree.parent(at));
        let is_gone = above.any(|at| self.cleared.get(&at).is_some_and(|&cleared| cleared > link.made));
        (!is_gone).then_some(link.target)
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Entry;
    use super::*;

    /// A changeset of `PATH KIND [TARGET]` lines, as the builder makes it, and its links.
    fn read(lines: &[&str]) -> (Changeset, OwnLinks) {
        let (mut changeset, mut own_links) = (Changeset::default(), OwnLinks::default());
        for line in lines {
            add(&mut changeset, &mut own_links, line);
        }
        (changeset, own_links)
    }

    fn add(changeset: &mut Changeset, own_links: &mut OwnLinks, line: &str) {
        let mut words = line.split(' ').map(str::as_bytes);
        let (path, letter) = (words.next().unwrap(), words.next().unwrap()[0]);
        let target = words.next().unwrap_or_default();
        let link = changeset.links.len() as u32;
        changeset.links.extend((target.len() as u32).to_le_bytes());
        changeset.links.extend(target);
        let node = changeset.tree.insert(path);
        changeset.entries.push(Entry {
            node,
            kind: Kind::from_letter(letter).unwrap(),
            magic: None,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: 0,
            header_blocks: 1,
            link,
        });
        own_links.note(changeset);
    }

    /// What was found clear is looked at again once a symlink stands there.
    #[test]
    fn a_target_that_is_not_in_the_layer_is_not_remembered() {
        let (changeset, mut own_links) = read(&["z l y", "c h a/x", "a l b"]);
        assert_eq!(own_links.follow(&changeset, b"a/y"), Some(b"b/y".to_vec()));
        let (mut changeset, mut own_links) = read(&["z l y", "a/x f"]);
        assert_eq!(own_links.follow(&changeset, b"a/y"), None);
        add(&mut changeset, &mut own_links, "a l b");
        assert_eq!(own_links.follow(&changeset, b"a/y"), Some(b"b/y".to_vec()));
    }

    #[test]
    fn paths_lead_through_the_layers_own_symlinks() {
        for (lines, path, want) in [
            (&[][..], "a/x", None),
            (&["a l b"], "a/x", Some("b/x")),
            (&["a l b"], "a", None),
            (&["a l b"], "ab/x", None),
            (&["d/a l ../b"], "d/a/x", Some("b/x")),
            (&["d/a l /b/"], "d/a/x/y", Some("b/x/y")),
            (&["a l ../../.."], "a/x", Some("x")),
            (&["a l b", "b l c"], "a/x", Some("c/x")),
            (&["a l b", "b l a"], "a/x", None),
            (&["a l b", "a d"], "a/x", None),
            (&["d/a l b", "d f"], "d/a/x", None),
            (&["d/a l b", "d d"], "d/a/x", Some("d/b/x")),
            (&["a l b", "c h ./a"], "c/x", Some("b/x")),
            (&["a l .wh.b"], "a/x", None),
            (&["d/a l b", "d f", "d d", "d/a l c"], "d/a/x", Some("d/c/x")),
            (&["z l y", "d/a l b", "d f", "c h d/a"], "c/x", None),
            (&["d/a l b", "c h d/a", "d f"], "c/x", Some("b/x")),
        ] {
            let (changeset, mut own_links) = read(lines);
            let got = own_links.follow(&changeset, path.as_bytes());
            assert_eq!(
                got,
                want.map(|want| want.as_bytes().to_vec()),
                "{lines:?}: {path}"
            );
        }
    }
}
