//! The content map: every entry of every layer, and who is visible, who is shadowed by whom.
//!
//! Made once from the layers' changesets ([`ContentMap::merge`]), immutable afterwards; classification,
//! plans, reports and the terminal UI all stand on this one value. It costs about a hundred bytes a file and
//! holds no content. Bytes belong to an *inode*: a file and its hard links.

mod dive;
mod life;
mod live;
mod merge;
mod resolve;

pub use dive::Dive;
pub use life::{Aspect, Cause, Deed, Step};

use crate::layer::{Changeset, Entry, Fact, Fingerprint, Kind, LayerSizes, NodeId, PathTree, Warning};

/// An entry of the image: layers base first, tar order inside a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(pub u32);

impl EntryId {
    /// The index into tables that run beside the entries.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a path shows in the merged image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visible {
    /// Nothing.
    Nothing,
    /// A directory that no layer names, only paths below it.
    Implied,
    /// This entry.
    Entry(EntryId),
}

const NONE: u32 = u32::MAX;
const IMPLIED: u32 = u32::MAX - 1;

#[derive(Debug, Clone, Copy)]
struct State {
    /// The entry that carries the inode's bytes; `NONE` for a hard link to nothing.
    inode: u32,
    /// The next name of the same inode, in the order in which they were linked.
    next_name: u32,
    /// The layer that hides it; `u16::MAX` while it is visible.
    hidden_by: u16,
}

const VISIBLE: u16 = u16::MAX;

/// A directory that is there without an entry of its own, while some layers are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImpliedSpan {
    /// The first layer after which it is there.
    pub from: u16,
    /// The layer that gives it an entry or hides it; `u16::MAX` where none does.
    pub until: u16,
    /// The directory.
    pub node: NodeId,
}

/// Every entry of an image, merged base to top.
#[derive(Debug)]
pub struct ContentMap {
    tree: PathTree,
    /// The layers' changesets; their entries' nodes are nodes of `tree`.
    layers: Vec<Changeset>,
    /// First entry id of each layer, and one past the last.
    bases: Vec<u32>,
    states: Vec<State>,
    /// Per node: the visible entry, `IMPLIED` or `NONE`.
    current: Vec<u32>,
    implied: Vec<ImpliedSpan>,
    warnings: Vec<(usize, Warning)>,
    dive: Dive,
}

impl ContentMap {
    /// Applies `changesets`, base first (rules 1–9).
    ///
    /// It may assume what [`crate::layer::read`] ascertains: the layers are within the limits, together.
    pub fn merge(changesets: Vec<Changeset>) -> Self {
        merge::merge(changesets)
    }

    /// Every path that any layer speaks of.
    pub fn tree(&self) -> &PathTree {
        &self.tree
    }

    /// Number of layers.
    pub fn layer_count(&self) -> usize {
        self.layers.len()
    }

    /// Number of entries of all layers.
    pub fn entry_count(&self) -> usize {
        self.states.len()
    }

    /// Every entry, base to top, in tar order.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = EntryId> + use<> {
        (0..self.states.len() as u32).map(EntryId)
    }

    /// The entries of one layer, in tar order.
    pub fn layer_entries(&self, layer: usize) -> impl DoubleEndedIterator<Item = EntryId> + use<> {
        self.layer_ids(layer).map(EntryId)
    }

    /// The entry ids of one layer, as numbers.
    pub fn layer_ids(&self, layer: usize) -> std::ops::Range<u32> {
        self.bases[layer]..self.bases[layer + 1]
    }

    /// The layer that an entry belongs to.
    pub fn layer_of(&self, id: EntryId) -> usize {
        self.bases.partition_point(|&base| base <= id.0) - 1
    }

    /// An entry; its node is a node of [`ContentMap::tree`].
    pub fn entry(&self, id: EntryId) -> &Entry {
        let (layer, at) = self.place(id);
        &self.layers[layer].entries[at as usize]
    }

    /// The path of an entry.
    pub fn path(&self, id: EntryId) -> Vec<u8> {
        self.tree.path(self.entry(id).node)
    }

    /// The link target of an entry as written; empty for what is no link.
    pub fn link(&self, id: EntryId) -> &[u8] {
        let (layer, at) = self.place(id);
        let changeset = &self.layers[layer];
        changeset.link(&changeset.entries[at as usize])
    }

    /// Header blocks of a directory entry, as in its tar.
    pub fn directory_header(&self, id: EntryId) -> Option<Vec<u8>> {
        let (layer, at) = self.place(id);
        self.layers[layer].directory_header(at)
    }

    /// Bytes of an entry's content, expanded where it is sparse.
    pub fn logical_size(&self, id: EntryId) -> u64 {
        let (layer, at) = self.place(id);
        self.layers[layer].logical_size(at)
    }

    /// The fingerprint of an entry, where the image was read in that detail.
    pub fn fingerprint(&self, id: EntryId) -> Option<&Fingerprint> {
        let (layer, at) = self.place(id);
        self.layers[layer].fingerprints.get(at as usize)
    }

    /// What the probes learnt in one layer, with the entries they learnt it from.
    pub fn facts(&self, layer: usize) -> impl Iterator<Item = (EntryId, &Fact)> {
        let base = self.bases[layer];
        self.layers[layer]
            .facts
            .iter()
            .map(move |fact| (EntryId(base + fact.entry), fact))
    }

    /// Paths that one layer whites out.
    pub fn whiteouts(&self, layer: usize) -> &[NodeId] {
        &self.layers[layer].whiteouts
    }

    /// Directories whose lower content one layer hides.
    pub fn opaques(&self, layer: usize) -> &[NodeId] {
        &self.layers[layer].opaques
    }

    /// Directories that are there without an entry after some layer, by the layer that makes them.
    pub fn implied_spans(&self) -> &[ImpliedSpan] {
        &self.implied
    }

    /// Byte counts of one layer.
    pub fn sizes(&self, layer: usize) -> LayerSizes {
        self.layers[layer].sizes
    }

    /// One layer by itself again, as it was before it was merged.
    pub fn changeset(&self, layer: usize) -> Changeset {
        let mut changeset = self.layers[layer].clone();
        let mut path = Vec::new();
        let mut known = hashbrown::HashMap::new();
        let mut own = |tree: &mut PathTree, node: NodeId| {
            *known.entry(node).or_insert_with(|| {
                self.tree.write_path(node, &mut path);
                tree.insert(&path)
            })
        };
        let mut tree = PathTree::default();
        for entry in &mut changeset.entries {
            entry.node = own(&mut tree, entry.node);
        }
        for node in changeset.whiteouts.iter_mut().chain(&mut changeset.opaques) {
            *node = own(&mut tree, *node);
        }
        tree.freeze();
        changeset.tree = tree;
        changeset
    }

    /// What a path shows in the merged image.
    pub fn visible(&self, node: NodeId) -> Visible {
        match self.current[node.index()] {
            NONE => Visible::Nothing,
            IMPLIED => Visible::Implied,
            id => Visible::Entry(EntryId(id)),
        }
    }

    /// Whether an entry is what its path shows.
    pub fn is_visible(&self, id: EntryId) -> bool {
        self.states[id.index()].hidden_by == VISIBLE && self.states[id.index()].inode != NONE
    }

    /// The layer that hides an entry, where one does.
    pub fn hidden_by(&self, id: EntryId) -> Option<usize> {
        Some(self.states[id.index()].hidden_by)
            .filter(|&layer| layer != VISIBLE)
            .map(usize::from)
    }

    /// The entry that carries the bytes of this one's inode; itself for all but hard links. `None` for a
    /// hard link whose target does not exist: it is no content.
    pub fn inode(&self, id: EntryId) -> Option<EntryId> {
        Some(self.states[id.index()].inode)
            .filter(|&inode| inode != NONE)
            .map(EntryId)
    }

    /// All names of an inode, the carrier first, then its links in order.
    pub fn names(&self, inode: EntryId) -> impl Iterator<Item = EntryId> + '_ {
        let next = |id: &EntryId| {
            Some(self.states[id.index()].next_name)
                .filter(|&id| id != NONE)
                .map(EntryId)
        };
        std::iter::successors(Some(inode), next)
    }

    /// Whether any name of an inode is visible.
    pub fn is_inode_visible(&self, inode: EntryId) -> bool {
        self.names(inode).any(|name| self.is_visible(name))
    }

    /// Every inode that has bytes or may have: regular files that are content, in entry order.
    pub fn files(&self) -> impl Iterator<Item = EntryId> + '_ {
        self.entries().filter(|&id| self.entry(id).kind == Kind::File)
    }

    /// The node that `path` leads to inside the image, symlinks followed as in a chroot; `None` where it
    /// leads nowhere, or round in circles.
    pub fn resolve(&self, path: &[u8]) -> Option<NodeId> {
        resolve::resolve(self, path, resolve::Last::Follow)
    }

    /// As [`ContentMap::resolve`], but a symlink at the end of the path is not followed.
    pub fn locate(&self, path: &[u8]) -> Option<NodeId> {
        resolve::resolve(self, path, resolve::Last::Keep)
    }

    /// Every node on the way to where `path` leads, see [`ContentMap::resolve`]: directories and symlinks that it
    /// passes, and at last the one it ends at.
    pub fn way(&self, path: &[u8]) -> Option<Vec<NodeId>> {
        let mut way = Vec::new();
        resolve::walk(self, path, resolve::Last::Follow, &mut |node| way.push(node))?;
        Some(way)
    }

    /// Oddities of the layers and of their merge, each with its layer.
    pub fn warnings(&self) -> impl Iterator<Item = (usize, &Warning)> {
        let of_layers = self
            .layers
            .iter()
            .enumerate()
            .flat_map(|(at, layer)| layer.warnings.iter().map(move |w| (at, w)));
        of_layers.chain(self.warnings.iter().map(|(layer, warning)| (*layer, warning)))
    }

    /// The numbers that dive prints for this image.
    pub fn dive(&self) -> &Dive {
        &self.dive
    }

    fn place(&self, id: EntryId) -> (usize, u32) {
        let layer = self.layer_of(id);
        (layer, id.0 - self.bases[layer])
    }
}
