//! A tree of paths in an arena: 16 bytes a node, names interned, paths are bytes.
//!
//! A module of its own because a layer's changeset and the merged content map are both such trees, and
//! because a million paths must cost tens of bytes each, never a `String`. A parent always has a smaller
//! id than its children, so walking the ids in order meets parents first.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::fmt;
use std::hash::{BuildHasher, Hash};

/// A node of a [`PathTree`]: an index, valid only in the tree that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The root, which every tree has.
    pub const ROOT: Self = Self(0);
    const NONE: u32 = u32::MAX;

    /// The index into tables that run beside the tree.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug, Clone, Copy)]
struct Node {
    parent: u32,
    name: u32,
    first_child: u32,
    next_sibling: u32,
}

/// Like no other tree's; left out of what `Debug` shows, which is the same for the same paths.
#[derive(Clone, Default)]
struct Seed(RandomState);

impl Seed {
    fn hash_one(&self, value: impl Hash) -> u64 {
        self.0.hash_one(value)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("random")
    }
}

/// Paths as a tree with interned names. The index that finds children may be dropped with
/// [`PathTree::freeze`] when nothing more is looked up.
#[derive(Debug, Clone)]
pub struct PathTree {
    nodes: Vec<Node>,
    /// End offset in `bytes` of each interned name; it begins where the one before ends.
    name_ends: Vec<u32>,
    bytes: Vec<u8>,
    edges: HashTable<u32>,
    interned: HashTable<u32>,
    /// Random, so that no image can choose names that collide; nothing depends on the order of a table.
    state: Seed,
}

impl Default for PathTree {
    fn default() -> Self {
        let root = Node {
            parent: NodeId::NONE,
            name: 0,
            first_child: NodeId::NONE,
            next_sibling: NodeId::NONE,
        };
        Self {
            nodes: vec![root],
            name_ends: vec![0],
            bytes: Vec::new(),
            edges: HashTable::new(),
            interned: HashTable::new(),
            state: Seed::default(),
        }
    }
}

impl PathTree {
    /// Number of nodes, the root included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never true: there is always a root.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Bytes of all names, each counted once.
    pub fn name_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The node of `path` (components joined by `/`, empty for the root), made where it is missing.
    pub fn insert(&mut self, path: &[u8]) -> NodeId {
        let parts = path.split(|&b| b == b'/').filter(|part| !part.is_empty());
        parts.fold(NodeId::ROOT, |node, part| self.insert_child(node, part))
    }

    /// The child of `parent` called `name`, made where it is missing.
    pub fn insert_child(&mut self, parent: NodeId, name: &[u8]) -> NodeId {
        let name = self.intern(name);
        let hash = self.edge_hash(parent.0, name);
        let nodes = &self.nodes;
        let is = |&id: &u32| nodes[id as usize].parent == parent.0 && nodes[id as usize].name == name;
        if let Some(&id) = self.edges.find(hash, is) {
            return NodeId(id);
        }
        let id = self.nodes.len() as u32;
        let next_sibling = std::mem::replace(&mut self.nodes[parent.index()].first_child, id);
        self.nodes.push(Node {
            parent: parent.0,
            name,
            first_child: NodeId::NONE,
            next_sibling,
        });
        let (nodes, state) = (&self.nodes, &self.state);
        let rehash = |&id: &u32| state.hash_one((nodes[id as usize].parent, nodes[id as usize].name));
        self.edges.insert_unique(hash, id, rehash);
        NodeId(id)
    }

    /// The node of `path`, where there is one.
    pub fn find(&self, path: &[u8]) -> Option<NodeId> {
        let mut parts = path.split(|&b| b == b'/').filter(|part| !part.is_empty());
        parts.try_fold(NodeId::ROOT, |node, part| self.find_child(node, part))
    }

    /// The child of `parent` called `name`, where there is one.
    pub fn find_child(&self, parent: NodeId, name: &[u8]) -> Option<NodeId> {
        let hash = self.state.hash_one(name);
        let name = *self.interned.find(hash, |&id| self.name_of(id) == name)?;
        let is =
            |&id: &u32| self.nodes[id as usize].parent == parent.0 && self.nodes[id as usize].name == name;
        self.edges
            .find(self.edge_hash(parent.0, name), is)
            .map(|&id| NodeId(id))
    }

    /// The parent; `None` for the root.
    pub fn parent(&self, node: NodeId) -> Option<NodeId> {
        let parent = self.nodes[node.index()].parent;
        (parent != NodeId::NONE).then_some(NodeId(parent))
    }

    /// The last component; empty for the root.
    pub fn name(&self, node: NodeId) -> &[u8] {
        self.name_of(self.nodes[node.index()].name)
    }

    /// The children, in no order that means anything.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let some = |id: u32| (id != NodeId::NONE).then_some(NodeId(id));
        std::iter::successors(some(self.nodes[node.index()].first_child), move |id| {
            some(self.nodes[id.index()].next_sibling)
        })
    }

    /// The path: components joined by `/`, empty for the root.
    pub fn path(&self, node: NodeId) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_path(node, &mut out);
        out
    }

    /// Replaces `out` by the path of `node`.
    pub fn write_path(&self, node: NodeId, out: &mut Vec<u8>) {
        self.write_absolute(node, out);
        out.remove(0);
    }

    /// Replaces `out` by the path of `node` with a slash before it: `/` for the root.
    pub fn write_absolute(&self, node: NodeId, out: &mut Vec<u8>) {
        out.clear();
        let mut at = node;
        while let Some(parent) = self.parent(at) {
            out.extend(self.name(at).iter().rev());
            out.push(b'/');
            at = parent;
        }
        if out.is_empty() {
            out.push(b'/');
        }
        out.reverse();
    }

    /// Every node, parents before children.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// Whether `node` lies below `ancestor`, or is it.
    pub fn is_within(&self, node: NodeId, ancestor: NodeId) -> bool {
        std::iter::successors(Some(node), |&at| self.parent(at)).any(|at| at == ancestor)
    }

    /// Gives back the memory of the look-up tables; nothing can be found or inserted afterwards.
    pub fn freeze(&mut self) {
        self.edges = HashTable::new();
        self.interned = HashTable::new();
        self.nodes.shrink_to_fit();
        self.bytes.shrink_to_fit();
    }

    fn intern(&mut self, name: &[u8]) -> u32 {
        let hash = self.state.hash_one(name);
        let (bytes, ends) = (&self.bytes, &self.name_ends);
        if let Some(&id) = self.interned.find(hash, |&id| name_at(bytes, ends, id) == name) {
            return id;
        }
        let id = self.name_ends.len() as u32;
        self.bytes.extend_from_slice(name);
        self.name_ends.push(self.bytes.len() as u32);
        let (bytes, ends, state) = (&self.bytes, &self.name_ends, &self.state);
        self.interned
            .insert_unique(hash, id, |&id| state.hash_one(name_at(bytes, ends, id)));
        id
    }

    fn name_of(&self, name: u32) -> &[u8] {
        name_at(&self.bytes, &self.name_ends, name)
    }

    fn edge_hash(&self, parent: u32, name: u32) -> u64 {
        self.state.hash_one((parent, name))
    }
}

/// Interned name `id`; name 0 is the root's empty one.
fn name_at<'a>(bytes: &'a [u8], ends: &[u32], id: u32) -> &'a [u8] {
    let begin = if id == 0 { 0 } else { ends[id as usize - 1] };
    &bytes[begin as usize..ends[id as usize] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back_and_names_are_shared() {
        let mut tree = PathTree::default();
        let a = tree.insert(b"usr/bin/a");
        let b = tree.insert(b"usr/lib/a");
        assert_eq!(tree.insert(b"usr/bin/a"), a);
        assert_ne!(a, b);
        assert_eq!(
            (tree.path(a), tree.path(NodeId::ROOT)),
            (b"usr/bin/a".to_vec(), Vec::new())
        );
        assert_eq!(tree.name_ends.len(), 5, "usr, bin, a, lib and the root's");
        assert_eq!(tree.find(b"usr/lib"), tree.parent(b));
        assert_eq!(tree.find(b"usr/share"), None);
        let usr = tree.find(b"usr").unwrap();
        let mut names: Vec<_> = tree.children(usr).map(|id| tree.name(id).to_vec()).collect();
        names.sort();
        assert_eq!(names, [b"bin".to_vec(), b"lib".to_vec()]);
        assert!(tree.is_within(a, usr) && !tree.is_within(usr, a));
    }
}
