//! Layers applied one on another: the layer algebra, rules 1–9.
//!
//! Whiteouts and opaque markers of a layer act on the layers below, before its own entries, wherever they
//! stand in its tar (layer.md, "Opaque Whiteout"). Where engines and plain unpacking differ, engines win and
//! a warning tells both readings.

use super::dive::DiveState;
use super::live::Live;
use super::resolve::{self, Last};
use super::{ContentMap, EntryId, IMPLIED, ImpliedSpan, NONE, State, VISIBLE, Visible};
use crate::layer::{Changeset, Kind, NodeId, Warning};

const MAX_WARNINGS: usize = 1000;
/// Bytes of their paths and messages.
const MAX_WARNING_BYTES: usize = 4 << 20;

pub(super) fn merge(changesets: Vec<Changeset>) -> ContentMap {
    let map = ContentMap {
        tree: crate::layer::PathTree::default(),
        layers: Vec::with_capacity(changesets.len()),
        bases: vec![0],
        states: Vec::new(),
        current: vec![IMPLIED],
        implied: Vec::new(),
        warnings: Vec::new(),
        dive: super::Dive::default(),
    };
    let mut merger = Merger {
        map,
        dive: DiveState::default(),
        layer: 0,
        base: 0,
        tails: hashbrown::HashMap::default(),
        implied_since: hashbrown::HashMap::from_iter([(NodeId::ROOT, 0)]),
        live: Live::default(),
        warning_bytes: 0,
        dropped_warnings: 0,
    };
    for changeset in changesets {
        merger.apply(changeset);
    }
    merger.close_implied_spans();
    merger.warn_of_dropped();
    merger.map.dive = merger.dive.finish();
    merger.map
}

struct Merger {
    map: ContentMap,
    dive: DiveState,
    /// The layer being applied.
    layer: u16,
    /// First entry id of that layer.
    base: u32,
    /// Last name of each inode that has more than one.
    tails: hashbrown::HashMap<u32, u32, foldhash::fast::RandomState>,
    /// Directories that are there without an entry, and the layer that made them.
    implied_since: hashbrown::HashMap<NodeId, u16, foldhash::fast::RandomState>,
    /// The children of every node that are not `NONE`.
    live: Live,
    warning_bytes: usize,
    dropped_warnings: u64,
}

impl Merger {
    fn apply(&mut self, mut changeset: Changeset) {
        let nodes = self.adopt_paths(&changeset);
        self.dive.layer(&changeset, &nodes, &self.map.tree);
        self.base = self.map.states.len() as u32;
        self.hide_below(&changeset, &nodes);
        for entry in &mut changeset.entries {
            entry.node = nodes[entry.node.index()];
        }
        for node in changeset.whiteouts.iter_mut().chain(&mut changeset.opaques) {
            *node = nodes[node.index()];
        }
        let count = changeset.entries.len();
        self.map.states.extend((0..count as u32).map(|at| State {
            inode: self.base + at,
            next_name: NONE,
            hidden_by: VISIBLE,
        }));
        self.map.bases.push(self.base + count as u32);
        let named = named_directories(&changeset, self.map.tree.len());
        let whiteouts = changeset.whiteouts.iter().copied().collect();
        self.warn_of_repeats(&changeset, &whiteouts);
        let layer_tree = std::mem::take(&mut changeset.tree);
        self.map.layers.push(changeset);
        self.place_entries();
        self.warn_implied_parents(&layer_tree, &nodes, &named);
        self.layer += 1;
    }

    /// Gives every path of the layer a node of the merged tree.
    fn adopt_paths(&mut self, changeset: &Changeset) -> Vec<NodeId> {
        let mut nodes = Vec::with_capacity(changeset.tree.len());
        nodes.push(NodeId::ROOT);
        for node in changeset.tree.ids().skip(1) {
            let parent = changeset.tree.parent(node).unwrap_or(NodeId::ROOT);
            let merged = self
                .map
                .tree
                .insert_child(nodes[parent.index()], changeset.tree.name(node));
            nodes.push(merged);
        }
        self.map.current.resize(self.map.tree.len(), NONE);
        self.live.resize(self.map.tree.len());
        nodes
    }

    /// Whiteouts and opaque markers, before anything of this layer is there.
    fn hide_below(&mut self, changeset: &Changeset, nodes: &[NodeId]) {
        for whiteout in &changeset.whiteouts {
            self.hide_subtree(nodes[whiteout.index()]);
        }
        for opaque in &changeset.opaques {
            let directory = nodes[opaque.index()];
            let children: Vec<NodeId> = self.live.children(directory).collect();
            for child in children {
                self.hide_subtree(child);
            }
        }
        // An engine makes the directory that a whiteout stands in, as for any other member.
        for opaque in &changeset.opaques {
            self.make_directory(nodes[opaque.index()]);
        }
        for whiteout in &changeset.whiteouts {
            if let Some(parent) = self.map.tree.parent(nodes[whiteout.index()]) {
                self.make_directory(parent);
            }
        }
    }

    fn place_entries(&mut self) {
        let mut forward = Vec::new();
        for id in (self.base..self.map.states.len() as u32).map(EntryId) {
            let entry = *self.map.entry(id);
            if entry.node == NodeId::ROOT && entry.kind != Kind::Directory {
                self.leave_out_root(id);
                continue;
            }
            if entry.kind == Kind::HardLink {
                match self.link_target(id) {
                    Some(inode) if inode != id => self.join(inode, id),
                    _ => {
                        self.map.states[id.index()].inode = NONE;
                        forward.push(id);
                        continue;
                    }
                }
            }
            self.place(id, entry.node, entry.kind);
        }
        for id in forward {
            self.place_forward(id);
        }
    }

    /// Before it is joined to any inode: what is left out is nobody's name.
    fn leave_out_root(&mut self, id: EntryId) {
        self.map.states[id.index()].inode = NONE;
        let message = "the layer's root is no directory; left out".to_owned();
        self.warn("root-not-a-directory", Vec::new(), message);
    }

    /// A hard link whose target was not there yet: engines refuse it; it is read where the target comes
    /// later in the same layer, else it is left out with a warning.
    fn place_forward(&mut self, id: EntryId) {
        let entry = *self.map.entry(id);
        let path = self.map.tree.path(entry.node);
        let is_free = self.map.current[entry.node.index()] == NONE;
        if let Some(inode) = self.link_target(id).filter(|inode| *inode > id && is_free) {
            self.join(inode, id);
            self.place(id, entry.node, entry.kind);
            self.warn(
                "forward-hard-link",
                path,
                "stands before its target in the layer".to_owned(),
            );
        } else {
            let target = String::from_utf8_lossy(self.map.link(id)).into_owned();
            self.warn(
                "hard-link-to-nothing",
                path,
                format!("its target `{target}` does not exist; left out"),
            );
        }
    }

    /// The inode that a hard link names: not a directory, and not the link's own path.
    fn link_target(&self, id: EntryId) -> Option<EntryId> {
        let node = resolve::resolve(&self.map, self.map.link(id), Last::Keep)?;
        let Visible::Entry(target) = self.map.visible(node) else {
            return None;
        };
        let inode = self.map.inode(target)?;
        let is_own_path = node == self.map.entry(id).node;
        (!is_own_path && self.map.entry(inode).kind != Kind::Directory).then_some(inode)
    }

    /// Makes `id` one more name of `inode`.
    fn join(&mut self, inode: EntryId, id: EntryId) {
        self.map.states[id.index()].inode = inode.0;
        let tail = self.tails.insert(inode.0, id.0).unwrap_or(inode.0);
        self.map.states[tail as usize].next_name = id.0;
    }

    fn place(&mut self, id: EntryId, node: NodeId, kind: Kind) {
        if let Some(parent) = self.map.tree.parent(node) {
            self.make_directory(parent);
        }
        if kind == Kind::Directory && self.is_directory(node) {
            self.hide(node); // its metadata; what it holds stays
        } else {
            self.hide_subtree(node);
        }
        self.set(node, id.0);
    }

    /// Makes `node` and its parents directories, as an engine does for a member whose parents are not named.
    fn make_directory(&mut self, node: NodeId) {
        let mut at = Some(node);
        while let Some(node) = at.filter(|&node| !self.is_directory(node)) {
            let before = self.map.current[node.index()];
            if before != NONE {
                self.warn_replaced_parent(node, EntryId(before));
                self.hide(node);
            }
            self.imply(node);
            at = self.map.tree.parent(node);
        }
    }

    fn is_directory(&self, node: NodeId) -> bool {
        match self.map.visible(node) {
            Visible::Nothing => false,
            Visible::Implied => true,
            Visible::Entry(id) => self.map.entry(id).kind == Kind::Directory,
        }
    }

    /// What `node`, which shows nothing or is being replaced, shows from now on.
    fn set(&mut self, node: NodeId, shown: u32) {
        let before = std::mem::replace(&mut self.map.current[node.index()], shown);
        if before == NONE {
            self.live.add(&self.map.tree, node);
        }
    }

    fn imply(&mut self, node: NodeId) {
        self.set(node, IMPLIED);
        self.implied_since.insert(node, self.layer);
    }

    fn hide(&mut self, node: NodeId) {
        let before = std::mem::replace(&mut self.map.current[node.index()], NONE);
        if before != NONE {
            self.live.remove(&self.map.tree, node);
        }
        match before {
            NONE => {}
            IMPLIED => {
                let from = self.implied_since.remove(&node).unwrap_or(self.layer);
                if from < self.layer {
                    let until = self.layer;
                    self.map.implied.push(ImpliedSpan { from, until, node });
                }
            }
            id => self.map.states[id as usize].hidden_by = self.layer,
        }
    }

    /// Directories that are still there without an entry.
    fn close_implied_spans(&mut self) {
        let open = self.implied_since.drain().map(|(node, from)| ImpliedSpan {
            node,
            from,
            until: VISIBLE,
        });
        self.map.implied.extend(open);
        self.map.implied.sort_unstable();
    }

    /// Costs what it hides: the parents of whatever is there are there too.
    fn hide_subtree(&mut self, node: NodeId) {
        let mut stack = vec![node];
        while let Some(node) = stack.pop() {
            if self.map.current[node.index()] != NONE || node == NodeId::ROOT {
                stack.extend(self.live.children(node));
                self.hide(node);
            }
        }
        if node == NodeId::ROOT {
            self.imply(node);
        }
    }

    fn warn(&mut self, code: &'static str, path: Vec<u8>, message: String) {
        let bytes = self.warning_bytes + path.len() + message.len();
        if self.map.warnings.len() >= MAX_WARNINGS || bytes > MAX_WARNING_BYTES {
            self.dropped_warnings += 1;
            return;
        }
        self.warning_bytes = bytes;
        let code = code.into();
        self.map
            .warnings
            .push((usize::from(self.layer), Warning { code, path, message }));
    }

    fn warn_of_dropped(&mut self) {
        if self.dropped_warnings > 0 {
            let warning = Warning {
                code: "more-warnings".into(),
                path: Vec::new(),
                message: format!(
                    "{} more warnings of the merge are left out",
                    self.dropped_warnings
                ),
            };
            let last = usize::from(self.layer).saturating_sub(1);
            self.map.warnings.push((last, warning));
        }
    }

    fn warn_replaced_parent(&mut self, node: NodeId, before: EntryId) {
        let path = self.map.tree.path(node);
        let is_link = self.map.entry(before).kind == Kind::Symlink;
        if before.0 >= self.base {
            return self.warn(
                "file-as-parent",
                path,
                "is no directory, but the same layer has paths below it".to_owned(),
            );
        }
        if is_link {
            let target = String::from_utf8_lossy(self.map.link(before)).into_owned();
            let message = format!(
                "engines make it a directory that hides the symlink to `{target}`; plain unpacking would write through the symlink"
            );
            return self.warn("implied-parent-over-symlink", path, message);
        }
        self.warn(
            "implied-parent-over-file",
            path,
            "a lower layer's file becomes a directory".to_owned(),
        );
    }

    /// Rules 3 and 6: what engines that unpack into a directory refuse, or answer in their own way.
    fn warn_of_repeats(&mut self, changeset: &Changeset, whiteouts: &hashbrown::HashSet<NodeId>) {
        let mut seen = vec![false; self.map.tree.len()];
        for entry in &changeset.entries {
            let path = || self.map.tree.path(entry.node);
            if std::mem::replace(&mut seen[entry.node.index()], true) {
                let message = "stands in the layer more than once; the last entry counts, docker refuses some such layers";
                self.warn("duplicate-path", path(), message.to_owned());
            } else if whiteouts.contains(&entry.node) && entry.kind != Kind::Directory {
                let message = "the layer has it and a whiteout of it; it stays, overlay stores may fail";
                self.warn("whiteout-and-entry", path(), message.to_owned());
            }
        }
    }

    /// Rule 7: containerd and umoci keep the metadata from below, docker's overlay2 and podman do not.
    fn warn_implied_parents(
        &mut self,
        layer_tree: &crate::layer::PathTree,
        nodes: &[NodeId],
        named: &[bool],
    ) {
        for node in layer_tree.ids().skip(1) {
            let merged = nodes[node.index()];
            let has_children = layer_tree.children(node).next().is_some();
            let Visible::Entry(id) = self.map.visible(merged) else {
                continue;
            };
            if !has_children || named[merged.index()] || id.0 >= self.base {
                continue;
            }
            let entry = self.map.entry(id);
            if (entry.mode, entry.uid, entry.gid) != (0o755, 0, 0) {
                let message = format!(
                    "the layer does not name this directory: it keeps mode {:o} and owner {}:{}; some engines show 755 and 0:0",
                    entry.mode, entry.uid, entry.gid
                );
                let path = self.map.tree.path(merged);
                self.warn("implied-parent", path, message);
            }
        }
    }
}

/// Which nodes of the merged tree the layer names as directories. Its entries' nodes are merged already.
fn named_directories(changeset: &Changeset, len: usize) -> Vec<bool> {
    let mut named = vec![false; len];
    for entry in changeset
        .entries
        .iter()
        .filter(|entry| entry.kind == Kind::Directory)
    {
        named[entry.node.index()] = true;
    }
    named
}
