//! Which children of a directory are there: what the merge walks, where the tree knows every path that ever was.
//!
//! A module of its own because hiding a directory must cost what it hides and no more: a layer that makes and removes a
//! directory of a million dead paths a million times would take for ever otherwise. Twelve bytes a node, while merging.

use crate::layer::{NodeId, PathTree};

const NONE: u32 = u32::MAX;

/// A node's place in the list of its parent's living children, and the head of its own.
#[derive(Debug, Clone, Copy)]
struct Links {
    first: u32,
    next: u32,
    /// `NONE` for the head of a list.
    previous: u32,
}

const ALONE: Links = Links {
    first: NONE,
    next: NONE,
    previous: NONE,
};

/// The living children of every node, the youngest first.
#[derive(Debug, Default)]
pub(super) struct Live {
    links: Vec<Links>,
}

impl Live {
    /// Makes room for `nodes` nodes; new ones are dead.
    pub(super) fn resize(&mut self, nodes: usize) {
        self.links.resize(nodes, ALONE);
    }

    /// A dead node comes to life.
    pub(super) fn add(&mut self, tree: &PathTree, node: NodeId) {
        let Some(parent) = tree.parent(node) else { return };
        let next = std::mem::replace(&mut self.links[parent.index()].first, node.0);
        if next != NONE {
            self.links[next as usize].previous = node.0;
        }
        let own = &mut self.links[node.index()];
        (own.next, own.previous) = (next, NONE);
    }

    /// A living node dies. Its children stay what they are.
    pub(super) fn remove(&mut self, tree: &PathTree, node: NodeId) {
        let Some(parent) = tree.parent(node) else { return };
        let Links { next, previous, .. } = self.links[node.index()];
        if next != NONE {
            self.links[next as usize].previous = previous;
        }
        match previous {
            NONE => self.links[parent.index()].first = next,
            previous => self.links[previous as usize].next = next,
        }
    }

    /// The living children of `node`.
    pub(super) fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let some = |id: u32| (id != NONE).then_some(NodeId(id));
        std::iter::successors(some(self.links[node.index()].first), move |id| {
            some(self.links[id.index()].next)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_come_and_go() {
        let mut tree = PathTree::default();
        let nodes: Vec<NodeId> = ["d/a", "d/b", "d/c"]
            .map(|path| tree.insert(path.as_bytes()))
            .into();
        let directory = tree.parent(nodes[0]).unwrap();
        let mut live = Live::default();
        live.resize(tree.len());
        for &node in &nodes {
            live.add(&tree, node);
        }
        let shown = |live: &Live| {
            live.children(directory)
                .map(|node| tree.name(node)[0])
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(&live), b"cba");
        for (gone, left) in [(1, &b"ca"[..]), (2, b"a"), (0, b"")] {
            live.remove(&tree, nodes[gone]);
            assert_eq!(shown(&live), left);
        }
        live.add(&tree, nodes[2]);
        assert_eq!(shown(&live), b"c");
    }
}
