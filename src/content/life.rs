//! The life of one path: what every layer did to it.
//!
//! Of its own because everything else of the map speaks of what there is in the end. Nothing is decided here: which
//! entry a path shows after which layer was decided when the layers were merged.

use super::{ContentMap, EntryId, VISIBLE, Visible};
use crate::layer::{Entry, Kind, NodeId};

/// What one layer did to a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it did.
    pub deed: Deed,
    /// What the path shows once the layer is applied.
    pub after: Visible,
    /// What of the layer hid what the path showed before, but for an entry at the path itself.
    pub cause: Option<Cause>,
    /// Whether it hides what the layers below have in this directory.
    pub is_opaque: bool,
}

/// What a layer does to a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Nothing: there was nothing, and there is nothing.
    Absent,
    /// Nothing: what is there stays.
    Untouched,
    /// Puts something where there was nothing.
    Added,
    /// Writes what is there again; it stays of its kind.
    Modified(Vec<Aspect>),
    /// Puts something of another kind there.
    Replaced {
        /// What was there.
        was: Kind,
    },
    /// Takes it away; [`Step::cause`] says how.
    Removed,
}

/// Something of a file that is not what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aspect {
    /// Its bytes; of a link its target.
    Content,
    /// Perhaps its bytes: there are as many, and they were not hashed.
    PerhapsContent,
    /// Its permissions.
    Mode,
    /// Its owner or group.
    Owner,
    /// Its extended attributes, as far as they were read.
    Attributes,
    /// The time of its last modification, as far as that was read.
    Time,
}

/// What hides a path without standing at it, or by standing there for nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A whiteout of this path, which is the path itself or above it.
    Whiteout(NodeId),
    /// An opaque marker in this directory above it.
    Opaque(NodeId),
    /// What is no directory at this path above it.
    NoDirectory(NodeId),
}

impl ContentMap {
    /// What every layer, base first, did to a path.
    pub fn life(&self, node: NodeId) -> Vec<Step> {
        let own = self.entries_at(node);
        let mut before = Visible::Nothing;
        let layers = 0..self.layer_count();
        layers
            .map(|layer| {
                let after = self.after(layer, node, &own);
                let hidden = before != Visible::Nothing && before != after;
                let step = Step {
                    deed: self.deed(before, after),
                    after,
                    cause: hidden.then(|| self.cause(layer, node)).flatten(),
                    is_opaque: self.layers[layer].opaques.contains(&node),
                };
                before = after;
                step
            })
            .collect()
    }

    /// Every entry at a path, base first, in tar order.
    pub fn entries_at(&self, node: NodeId) -> Vec<EntryId> {
        let layers = self.layers.iter().zip(&self.bases);
        let entries = layers.flat_map(|(layer, base)| (*base..).zip(&layer.entries));
        entries
            .filter(|(_, entry)| entry.node == node)
            .map(|(id, _)| EntryId(id))
            .collect()
    }

    /// Whether an entry is what its path shows once `layer`, its own or one above, is applied.
    pub fn is_shown_after(&self, layer: usize, id: EntryId) -> bool {
        let state = self.states[id.index()];
        let is_hidden = state.hidden_by != VISIBLE && usize::from(state.hidden_by) <= layer;
        state.inode != super::NONE && !is_hidden && self.layer_of(id) <= layer
    }

    fn after(&self, layer: usize, node: NodeId, own: &[EntryId]) -> Visible {
        if let Some(&id) = own.iter().rfind(|&&id| self.is_shown_after(layer, id)) {
            return Visible::Entry(id);
        }
        let covers = |from: u16, until: u16| usize::from(from) <= layer && layer < usize::from(until);
        let is_implied = self
            .implied
            .iter()
            .any(|span| span.node == node && covers(span.from, span.until));
        if is_implied {
            Visible::Implied
        } else {
            Visible::Nothing
        }
    }

    fn deed(&self, before: Visible, after: Visible) -> Deed {
        match (before, after) {
            (Visible::Nothing, Visible::Nothing) => Deed::Absent,
            (before, after) if before == after => Deed::Untouched,
            (Visible::Nothing, _) => Deed::Added,
            (_, Visible::Nothing) => Deed::Removed,
            (before, after) => {
                let (was, is) = (self.kind_of(before), self.kind_of(after));
                if was != is {
                    return Deed::Replaced { was };
                }
                match (self.carrier(before), self.carrier(after)) {
                    (Some(old), Some(new)) => Deed::Modified(self.aspects(old, new)),
                    _ => Deed::Modified(Vec::new()),
                }
            }
        }
    }

    /// What a path that shows something is: of a hard link, what it is a name of.
    fn kind_of(&self, shown: Visible) -> Kind {
        self.carrier(shown)
            .map_or(Kind::Directory, |id| self.entry(id).kind)
    }

    fn carrier(&self, shown: Visible) -> Option<EntryId> {
        match shown {
            Visible::Entry(id) => self.inode(id),
            Visible::Nothing | Visible::Implied => None,
        }
    }

    /// What is not the same of two inodes of one kind.
    fn aspects(&self, old: EntryId, new: EntryId) -> Vec<Aspect> {
        if old == new {
            return Vec::new(); // one more link to it
        }
        let (was, is) = (self.entry(old), self.entry(new));
        let owner = |entry: &Entry| (entry.uid, entry.gid);
        let prints = self.fingerprint(old).zip(self.fingerprint(new));
        let mut aspects = Vec::new();
        let content = match prints {
            Some((old, new)) if old.content != new.content || old.device != new.device => {
                Some(Aspect::Content)
            }
            None if was.kind == Kind::File && is.size > 0 => Some(Aspect::PerhapsContent),
            _ => None,
        };
        let is_other = self.logical_size(old) != self.logical_size(new) || self.link(old) != self.link(new);
        aspects.extend(if is_other { Some(Aspect::Content) } else { content });
        let attributes = prints.is_some_and(|(old, new)| old.xattrs != new.xattrs);
        let time = prints
            .is_some_and(|(old, new)| (old.mtime_secs, old.mtime_nanos) != (new.mtime_secs, new.mtime_nanos));
        // A symlink has no mode on Linux.
        let mode = was.mode != is.mode && was.kind != Kind::Symlink;
        let others = [
            (mode, Aspect::Mode),
            (owner(was) != owner(is), Aspect::Owner),
            (attributes, Aspect::Attributes),
            (time, Aspect::Time),
        ];
        aspects.extend(
            others
                .into_iter()
                .filter(|(is_other, _)| *is_other)
                .map(|(_, aspect)| aspect),
        );
        aspects
    }

    /// What of a layer hides a path from the layers below, nearest first.
    fn cause(&self, layer: usize, node: NodeId) -> Option<Cause> {
        let changes = &self.layers[layer];
        let above = std::iter::successors(Some(node), |&at| self.tree.parent(at));
        for at in above.clone() {
            if changes.whiteouts.contains(&at) {
                return Some(Cause::Whiteout(at));
            }
            if at != node && changes.opaques.contains(&at) {
                return Some(Cause::Opaque(at));
            }
        }
        let is_in_the_way = |at: NodeId| {
            let mut entries = changes.entries.iter();
            entries.any(|entry| entry.node == at && entry.kind != Kind::Directory)
        };
        above
            .skip(1)
            .find(|&at| is_in_the_way(at))
            .map(Cause::NoDirectory)
    }
}
