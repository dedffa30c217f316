//! One way of looking at a scene: which paths are shown, with their sums, in their order.
//!
//! A module of its own because it is made away from the keys, in a time that grows with the image, and asked by them
//! in none: rows are read off it. Twenty-five bytes a path and no text.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ask::{Ask, Mode, Sort, Tally};
use super::filter::{Asked, Fits, Pattern};
use super::{Change, Row, Scene, Subject};
use crate::content::EntryId;
use crate::layer::{Kind, NodeId, PathTree};

/// A path that a walk meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The path.
    pub node: NodeId,
    /// Directories above it, the root not counted.
    pub depth: u16,
    /// Whether anything is shown below it.
    pub has_children: bool,
}

/// What is shown.
#[derive(Debug, Default)]
pub struct View {
    /// What was asked for.
    pub ask: Ask,
    /// All that is shown.
    pub total: Tally,
    /// By layer, but for what the filter says of layers.
    pub layers: Vec<Tally>,
    /// By category, but for what it says of categories.
    pub categories: Vec<Tally>,
    /// By package, but for what it says of owners; the last is what has none.
    pub owners: Vec<Tally>,
    /// Whether two images are compared; else the bytes are those of one.
    pub is_growth: bool,
    bytes: Vec<u64>,
    /// Of two images only.
    before: Vec<u64>,
    files: Vec<u32>,
    is_there: Vec<bool>,
    /// Every node that is shown, in the order of the rows when everything is expanded. The root is the first.
    order: Vec<u32>,
    /// Of each of them, how many it is with all below.
    spans: Vec<u32>,
    /// Of each of them, how deep it lies; children of the root are at 0.
    depths: Vec<u16>,
    /// The place of each node in `order`.
    rank: Vec<u32>,
}

/// Whether work that was asked for is still wanted: a newer wish ends it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    newest: &'a AtomicU64,
    own: u64,
}

impl<'a> Wanted<'a> {
    /// The work with number `own` is wanted while `newest` is that number.
    pub fn new(newest: &'a AtomicU64, own: u64) -> Self {
        Self { newest, own }
    }

    fn is_over(self) -> bool {
        self.newest.load(Ordering::Relaxed) != self.own
    }
}

impl View {
    /// Looks at a scene; `None` where nobody wants it any more.
    pub fn new(scene: &Scene, ask: Ask, wanted: Wanted<'_>) -> Option<Self> {
        let nodes = scene.tree().len();
        let is_pair = scene.subject() == Subject::Pair;
        let mut view = Self {
            layers: vec![Tally::default(); scene.layers.len()],
            categories: vec![Tally::default(); scene.categories.len()],
            owners: vec![Tally::default(); scene.owners.len() + 1],
            is_growth: is_pair && matches!(ask.mode, Mode::Changes | Mode::Everything),
            bytes: vec![0; nodes],
            before: vec![0; if is_pair { nodes } else { 0 }],
            files: vec![0; nodes],
            is_there: vec![false; nodes],
            ..Self::default()
        };
        view.count(scene, &ask, wanted)?;
        view.sum(scene.tree());
        view.put_in_order(scene.tree(), ask.sort);
        view.ask = ask;
        (!wanted.is_over()).then_some(view)
    }

    fn count(&mut self, scene: &Scene, ask: &Ask, wanted: Wanted<'_>) -> Option<()> {
        let mut asked = Asked::new(&ask.filter, scene);
        for (id, row) in scene.rows() {
            if id.0 % 8192 == 0 && wanted.is_over() {
                return None;
            }
            if row.kind == Kind::Directory && !ask.filter.is_empty() {
                continue;
            }
            let shown = shown(scene, ask, id, row);
            let change = shown.unwrap_or(row.change);
            if ask.hidden[change as usize] {
                continue;
            }
            let fits = asked.fits(row, change);
            self.tally(row, shown.is_some(), fits);
        }
        if ask.mode == Mode::Merged && ask.filter.is_empty() {
            self.is_there[NodeId::ROOT.index()] = true;
        }
        Some(())
    }

    fn tally(&mut self, row: &Row, is_shown: bool, fits: Fits) {
        // Of one side of two there is nothing before.
        let mut row = *row;
        row.is_old &= self.is_growth;
        let add = |tally: Option<&mut Tally>| tally.into_iter().for_each(|tally| tally.add(&row));
        if fits.rest && fits.category && fits.owner && (is_shown || self.before.is_empty()) {
            add(self.layers.get_mut(row.layer()));
        }
        if !is_shown {
            return;
        }
        if fits.rest && fits.layer && fits.owner {
            add(self.categories.get_mut(row.category.index()));
        }
        if fits.rest && fits.layer && fits.category {
            let none = self.owners.len() - 1;
            let at = row.owner().map_or(none, |id| id.0 as usize);
            add(self.owners.get_mut(at));
        }
        if fits.all() {
            add(Some(&mut self.total));
            let mut own = Tally::default();
            own.add(&row);
            let node = row.node.index();
            self.is_there[node] = true;
            self.bytes[node] += own.bytes;
            self.files[node] += own.files as u32;
            if let Some(before) = self.before.get_mut(node) {
                *before += own.before;
            }
        }
    }

    /// Adds what children have to their parents. A parent's id is the smaller.
    fn sum(&mut self, tree: &PathTree) {
        for node in tree.ids().rev() {
            if let Some(parent) = tree.parent(node).filter(|_| self.is_there[node.index()]) {
                self.is_there[parent.index()] = true;
                self.bytes[parent.index()] += self.bytes[node.index()];
                self.files[parent.index()] += self.files[node.index()];
                if !self.before.is_empty() {
                    self.before[parent.index()] += self.before[node.index()];
                }
            }
        }
    }

    /// Puts the children of every node in order, and numbers all that is shown.
    fn put_in_order(&mut self, tree: &PathTree, sort: Sort) {
        let (first, mut children) = self.children_of(tree);
        let range = |node: u32| first[node as usize] as usize..first[node as usize + 1] as usize;
        let name = |node: u32| tree.name(NodeId(node));
        let weight = |node: u32| self.tally_of(NodeId(node)).weight();
        let files = |node: u32| self.files[node as usize];
        for node in 0..tree.len() as u32 {
            let children = &mut children[range(node)];
            match sort {
                Sort::Name => children.sort_unstable_by_key(|&child| name(child)),
                Sort::Size => {
                    children.sort_unstable_by_key(|&child| (Reverse(weight(child)), name(child)));
                }
                Sort::Files => children.sort_unstable_by_key(|&child| (Reverse(files(child)), name(child))),
            }
        }
        let count = children.len() + 1;
        self.rank = vec![u32::MAX; tree.len()];
        (self.order, self.depths) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut stack = vec![(NodeId::ROOT.0, 0_u16)];
        while let Some((node, depth)) = stack.pop() {
            self.rank[node as usize] = self.order.len() as u32;
            self.order.push(node);
            self.depths.push(depth.saturating_sub(1));
            let below = children[range(node)].iter().rev();
            stack.extend(below.map(|&child| (child, depth.saturating_add(1))));
        }
        self.spans = vec![1; self.order.len()];
        for at in (1..self.order.len()).rev() {
            let parent = tree.parent(NodeId(self.order[at])).unwrap_or(NodeId::ROOT);
            let above = self.rank[parent.index()] as usize;
            self.spans[above] += self.spans[at];
        }
    }

    /// Where the shown children of each node begin among those of all, and one past the last; in no order.
    fn children_of(&self, tree: &PathTree) -> (Vec<u32>, Vec<u32>) {
        let shown = |node: &NodeId| self.is_there[node.index()];
        let parent = |node: NodeId| tree.parent(node).unwrap_or(NodeId::ROOT).index();
        let mut first = vec![0; tree.len() + 1];
        for node in tree.ids().skip(1).filter(shown) {
            first[parent(node) + 1] += 1;
        }
        for at in 1..first.len() {
            first[at] += first[at - 1];
        }
        let mut next = first.clone();
        let mut children = vec![0; first.last().copied().unwrap_or(0) as usize];
        for node in tree.ids().skip(1).filter(shown) {
            let at = &mut next[parent(node)];
            children[*at as usize] = node.0;
            *at += 1;
        }
        (first, children)
    }

    /// Everything that is shown, in the order of the rows. What `is_open` says no to keeps what lies below it to itself.
    pub fn walk(&self, is_open: impl FnMut(Step) -> bool) -> impl Iterator<Item = Step> {
        self.walk_below(NodeId::ROOT, is_open)
    }

    /// Everything down to a depth, in the order of the rows: a [`walk`](Self::walk) that skips nothing and so is quicker.
    pub fn down_to(&self, depth: u16) -> impl Iterator<Item = Step> {
        let all = self.order.iter().zip(&self.depths).zip(&self.spans).skip(1);
        let shown = all.filter(move |((_, at), _)| **at <= depth);
        shown.map(|((&node, &depth), &span)| Step {
            node: NodeId(node),
            depth,
            has_children: span > 1,
        })
    }

    /// A walk through what lies below one node.
    pub fn walk_below(
        &self,
        node: NodeId,
        mut is_open: impl FnMut(Step) -> bool,
    ) -> impl Iterator<Item = Step> {
        let from = self.rank(node) as usize;
        let span = self.spans.get(from).copied().unwrap_or(0) as usize;
        let (mut at, end) = (from.saturating_add(1), from.saturating_add(span));
        std::iter::from_fn(move || {
            let here = at;
            (here < end).then(|| {
                let span = self.spans[here];
                let step = Step {
                    node: NodeId(self.order[here]),
                    depth: self.depths[here],
                    has_children: span > 1,
                };
                at += if is_open(step) { 1 } else { span as usize };
                step
            })
        })
    }

    /// The shown children of a node, in order.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        self.walk_below(node, |_| false).map(|step| step.node)
    }

    /// Whether a node has children that are shown.
    pub fn has_children(&self, node: NodeId) -> bool {
        let span = self.spans.get(self.rank(node) as usize);
        span.is_some_and(|&span| span > 1)
    }

    /// Whether a node is shown.
    pub fn has(&self, node: NodeId) -> bool {
        self.is_there.get(node.index()).copied().unwrap_or(false)
    }

    /// Disk bytes and files at and below a node.
    pub fn tally_of(&self, node: NodeId) -> Tally {
        Tally {
            bytes: self.bytes.get(node.index()).copied().unwrap_or(0),
            before: self.before.get(node.index()).copied().unwrap_or(0),
            files: self.files.get(node.index()).copied().map_or(0, u64::from),
        }
    }

    /// The place of a node when everything is expanded.
    pub fn rank(&self, node: NodeId) -> u32 {
        self.rank.get(node.index()).copied().unwrap_or(u32::MAX)
    }

    /// The row of the scene that a row of this view stands for, and what was done to it; `None` for a directory that no
    /// layer names.
    pub fn entry(&self, scene: &Scene, node: NodeId) -> Option<(EntryId, Change)> {
        let shown = |id: EntryId| Some((id, shown(scene, &self.ask, id, scene.row(id))?));
        scene.rows_of(node).rev().find_map(shown)
    }

    /// The nodes that a search finds, in the order of the rows; `None` where nobody wants it any more.
    pub fn search(&self, scene: &Scene, pattern: &Pattern, wanted: Wanted<'_>) -> Option<Vec<NodeId>> {
        let tree = scene.tree();
        let (mut path, mut found) = (Vec::new(), Vec::new());
        for (at, &node) in self.order.iter().enumerate().skip(1) {
            if at % 8192 == 0 && wanted.is_over() {
                return None;
            }
            let node = NodeId(node);
            tree.write_absolute(node, &mut path);
            if pattern.finds(&path) {
                found.push(node);
            }
        }
        Some(found)
    }

    /// The file at or below a node that has the most bytes.
    pub fn largest(&self, node: NodeId) -> NodeId {
        let mut at = node;
        while let Some(child) = self
            .children(at)
            .max_by_key(|&child| (self.tally_of(child).weight(), Reverse(self.rank(child))))
        {
            at = child;
        }
        at
    }
}

/// What was done to an entry that a mode shows; `None` for one that it does not.
fn shown(scene: &Scene, ask: &Ask, id: EntryId, row: &Row) -> Option<Change> {
    if !row.has_inode {
        return None;
    }
    let is_shown = match (scene.subject(), ask.mode) {
        (Subject::Pair, Mode::Merged) => !row.is_old,
        (Subject::Pair, Mode::UpTo) => row.is_old,
        (Subject::Pair, Mode::Changes) => row.change != Change::Unmodified,
        (_, Mode::Merged) => row.is_visible,
        (_, Mode::Everything) => true,
        (_, Mode::UpTo) => row.layer() <= ask.layer && row.hidden_by().is_none_or(|by| by > ask.layer),
        (_, Mode::Changes) if row.layer() == ask.layer => {
            // What the base layer brought is what it added.
            return Some(match row.change {
                Change::Unmodified => Change::Added,
                change => change,
            });
        }
        (_, Mode::Changes) => return scene.is_removed_by(id, ask.layer).then_some(Change::Removed),
    };
    is_shown.then_some(row.change)
}
