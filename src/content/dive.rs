//! dive's numbers, computed as dive computes them, so that existing thresholds can be compared.
//!
//! Not our own accounting: dive counts every copy of a path that occurs twice, looks at leaves only, and
//! does not see a directory removed in a later layer. Model: `dive/filetree/efficiency.go` (0.13).

use super::live::Live;
use crate::layer::{Changeset, Kind, NodeId, PathTree};

/// What dive prints for an image.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Dive {
    /// "Image efficiency score", 0 to 1.
    pub efficiency: f64,
    /// "Potential wasted space" in bytes: all copies, also the one that must stay.
    pub wasted_bytes: u64,
    /// Wasted bytes over the size of all layers but the first; `None` where that is 0.
    pub user_wasted_ratio: Option<f64>,
    /// Sum of header sizes of all layers.
    pub size_bytes: u64,
    /// Sum of header sizes of all layers but the first.
    pub user_size_bytes: u64,
}

/// A node of dive's stacked tree. A directory that no layer names has no `is_dir`.
#[derive(Clone, Copy, Default)]
struct Stacked {
    present: bool,
    is_dir: bool,
    size: u64,
}

/// What dive gathers per path over all layers.
#[derive(Clone, Copy, Default)]
struct Path {
    visits: u32,
    total: u64,
    least: u64,
}

/// A layer's own node, as dive sees it.
#[derive(Clone, Copy, Default)]
struct Own {
    entry: Option<(u64, bool)>,
    is_whiteout: bool,
    has_children: bool,
    is_content: bool,
}

#[derive(Default)]
pub(super) struct DiveState {
    stacked: Vec<Stacked>,
    paths: Vec<Path>,
    layer_sizes: Vec<u64>,
    /// The children of every node that are in the stacked tree.
    live: Live,
}

impl DiveState {
    /// Takes in the next layer; `nodes` are its nodes in the merged tree.
    pub(super) fn layer(&mut self, changeset: &Changeset, nodes: &[NodeId], tree: &PathTree) {
        self.stacked.resize(tree.len(), Stacked::default());
        self.paths.resize(tree.len(), Path::default());
        self.live.resize(tree.len());
        let own = own_nodes(changeset);
        self.layer_sizes.push(
            (0..changeset.entries.len() as u32)
                .map(|at| header_size(changeset, at))
                .sum(),
        );
        self.visit_leaves(changeset, &own, nodes, tree);
        self.stack(changeset, &own, nodes, tree);
    }

    pub(super) fn finish(self) -> Dive {
        let total: u64 = self.paths.iter().map(|path| path.total).sum();
        let least: u64 = self.paths.iter().map(|path| path.least).sum();
        let wasted_bytes = self
            .paths
            .iter()
            .filter(|path| path.visits > 1)
            .map(|path| path.total)
            .sum();
        let size_bytes: u64 = self.layer_sizes.iter().sum();
        let user_size_bytes = size_bytes - self.layer_sizes.first().copied().unwrap_or(0);
        let user_wasted_ratio = (user_size_bytes > 0).then(|| wasted_bytes as f64 / user_size_bytes as f64);
        let efficiency = if total == 0 {
            1.0
        } else {
            least as f64 / total as f64
        };
        Dive {
            efficiency,
            wasted_bytes,
            user_wasted_ratio,
            size_bytes,
            user_size_bytes,
        }
    }

    fn visit_leaves(&mut self, changeset: &Changeset, own: &[Own], nodes: &[NodeId], tree: &PathTree) {
        let mut walked = Walked::default();
        let is_missing = |node: &NodeId| !self.stacked[nodes[node.index()].index()].present;
        let mut order: Vec<NodeId> = changeset.tree.ids().skip(1).collect();
        if changeset.whiteouts.iter().any(is_missing) {
            // dive gives up on the layer at the first whiteout of a path that is not there: order matters.
            order = depth_first(&changeset.tree);
        }
        for node in order {
            let (leaf, merged) = (own[node.index()], nodes[node.index()].index());
            if leaf.is_whiteout {
                if !self.stacked[merged].present {
                    return;
                }
                let size = if self.stacked[merged].is_dir {
                    self.subtree_size(nodes[node.index()], tree, &mut walked)
                } else {
                    0
                };
                self.paths[merged].visit(size);
            }
            if leaf.is_content && !leaf.has_children {
                self.paths[merged].visit(leaf.entry.map_or(0, |(size, _)| size));
            }
        }
    }

    /// Grafts the layer on the stacked tree: whiteouts remove, everything else replaces the payload.
    fn stack(&mut self, changeset: &Changeset, own: &[Own], nodes: &[NodeId], tree: &PathTree) {
        for whiteout in &changeset.whiteouts {
            let mut gone = vec![nodes[whiteout.index()]];
            while let Some(node) = gone.pop() {
                if std::mem::take(&mut self.stacked[node.index()].present) {
                    gone.extend(self.live.children(node));
                    self.live.remove(tree, node);
                }
            }
        }
        for node in changeset.tree.ids().filter(|node| own[node.index()].is_content) {
            let (size, is_dir) = own[node.index()].entry.unwrap_or_default();
            let merged = nodes[node.index()];
            let before = std::mem::replace(
                &mut self.stacked[merged.index()],
                Stacked {
                    present: true,
                    is_dir,
                    size,
                },
            );
            if !before.present {
                self.live.add(tree, merged);
            }
        }
    }

    /// The size of what is in `node`. Whiteouts may lie in one another: once they have walked as far as the whole tree
    /// is large, the sizes of all directories are summed up together.
    fn subtree_size(&self, node: NodeId, tree: &PathTree, walked: &mut Walked) -> u64 {
        if walked.steps < tree.len() {
            let (mut sum, mut stack) = (0, vec![node]);
            while let Some(node) = stack.pop() {
                walked.steps += 1;
                sum += self.stacked[node.index()].size;
                stack.extend(self.live.children(node));
            }
            return sum;
        }
        let sums = walked.sums.get_or_insert_with(|| self.subtree_sizes(tree));
        sums[node.index()]
    }

    fn subtree_sizes(&self, tree: &PathTree) -> Vec<u64> {
        let own = |stacked: &Stacked| if stacked.present { stacked.size } else { 0 };
        let mut sums: Vec<u64> = self.stacked.iter().map(own).collect();
        // Children have greater ids than their parents.
        for index in (1..sums.len()).rev() {
            let parent = tree.parent(NodeId(index as u32)).unwrap_or(NodeId::ROOT);
            if self.stacked[index].present {
                sums[parent.index()] += sums[index];
            }
        }
        sums
    }
}

/// How far the whiteouts of one layer have walked, and the sizes of all directories where that was too far.
#[derive(Default)]
struct Walked {
    steps: usize,
    sums: Option<Vec<u64>>,
}

impl Path {
    fn visit(&mut self, size: u64) {
        self.least = if self.visits == 0 {
            size
        } else {
            self.least.min(size)
        };
        self.visits += 1;
        self.total += size;
    }
}

/// The size in the tar header, as Go's archive/tar shows it: of sparse files the expanded one.
fn header_size(changeset: &Changeset, entry: u32) -> u64 {
    changeset.logical_size(entry)
}

/// dive's tree of one layer: entries, whiteouts beside them under their own names, and implied parents.
fn own_nodes(changeset: &Changeset) -> Vec<Own> {
    let mut own = vec![Own::default(); changeset.tree.len()];
    for (at, entry) in changeset.entries.iter().enumerate() {
        let node = &mut own[entry.node.index()];
        node.entry = Some((header_size(changeset, at as u32), entry.kind == Kind::Directory));
        node.is_content = true;
    }
    changeset
        .whiteouts
        .iter()
        .for_each(|node| own[node.index()].is_whiteout = true);
    changeset
        .opaques
        .iter()
        .for_each(|node| own[node.index()].is_content = true);
    // Children have greater ids than their parents.
    for node in changeset.tree.ids().skip(1).collect::<Vec<_>>().into_iter().rev() {
        if let Some(parent) = changeset.tree.parent(node) {
            let parent = &mut own[parent.index()];
            (parent.has_children, parent.is_content) = (true, true);
        }
    }
    own
}

/// Children before parents, siblings by name: the order of dive's `VisitDepthChildFirst`.
fn depth_first(tree: &PathTree) -> Vec<NodeId> {
    let mut order = Vec::with_capacity(tree.len());
    let mut stack = vec![(NodeId::ROOT, false)];
    while let Some((node, is_left)) = stack.pop() {
        if is_left {
            order.push(node);
            continue;
        }
        stack.push((node, true));
        let mut children: Vec<NodeId> = tree.children(node).collect();
        children.sort_by(|a, b| tree.name(*b).cmp(tree.name(*a)));
        stack.extend(children.into_iter().map(|child| (child, false)));
    }
    order.retain(|node| *node != NodeId::ROOT);
    order
}
