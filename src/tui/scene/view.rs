//! One way of looking at a scene: which paths are shown, with their sums, in their order.
//!
//! A module of its own because it is made away from the keys, in a time that grows with the image, and asked by them
//! in none: rows are read off it. Twenty-five bytes a path and no text.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicU64, Ordering};

use super::filter::{Asked, Filter, Fits, Pattern};
use super::{Change, Scene};
use crate::content::EntryId;
use crate::layer::{Kind, NodeId};

/// Which entries of the layers are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// What the merged image shows.
    #[default]
    Merged,
    /// What one layer adds, modifies and removes.
    Changes,
    /// What is there after one layer.
    UpTo,
    /// Every entry of every layer, shadowed ones too.
    Everything,
}

impl Mode {
    /// The next one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Merged => Self::Changes,
            Self::Changes => Self::UpTo,
            Self::UpTo => Self::Everything,
            Self::Everything => Self::Merged,
        }
    }

    /// Whether the selected layer matters.
    pub const fn asks_for_layer(self) -> bool {
        matches!(self, Self::Changes | Self::UpTo)
    }
}

/// The order of a directory's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The largest first.
    #[default]
    Size,
    /// By name.
    Name,
    /// The most files first.
    Files,
}

impl Sort {
    /// The next one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Size => Self::Name,
            Self::Name => Self::Files,
            Self::Files => Self::Size,
        }
    }

    /// The word in the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Name => "name",
            Self::Files => "files",
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Which entries.
    pub mode: Mode,
    /// The layer of modes that ask for one.
    pub layer: usize,
    /// What narrows them.
    pub filter: Filter,
    /// Changes that are hidden, by [`Change`].
    pub hidden: [bool; 4],
    /// The order.
    pub sort: Sort,
}

/// A sum over entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Disk bytes.
    pub bytes: u64,
    /// Inodes that are no directories.
    pub files: u64,
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
    bytes: Vec<u64>,
    files: Vec<u32>,
    is_there: Vec<bool>,
    /// Where the children of each node begin in `children`, and one past the last.
    first: Vec<u32>,
    children: Vec<u32>,
    /// The place of each node when everything is expanded.
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
        let nodes = scene.map.tree().len();
        let mut view = Self {
            layers: vec![Tally::default(); scene.map.layer_count()],
            categories: vec![Tally::default(); scene.classifier.catalog().iter().count()],
            owners: vec![Tally::default(); scene.attribution.owners().packages().count() + 1],
            bytes: vec![0; nodes],
            files: vec![0; nodes],
            is_there: vec![false; nodes],
            ..Self::default()
        };
        view.count(scene, &ask, wanted)?;
        view.sum(scene);
        view.order(scene, ask.sort);
        view.ask = ask;
        (!wanted.is_over()).then_some(view)
    }

    fn count(&mut self, scene: &Scene, ask: &Ask, wanted: Wanted<'_>) -> Option<()> {
        let mut asked = Asked::new(&ask.filter, scene);
        for layer in 0..scene.map.layer_count() {
            for id in scene.map.layer_entries(layer) {
                if id.0 % 8192 == 0 && wanted.is_over() {
                    return None;
                }
                let entry = scene.map.entry(id);
                if entry.kind == Kind::Directory && !ask.filter.is_empty() {
                    continue;
                }
                let shown = shown(scene, ask, id, layer);
                let change = shown.unwrap_or_else(|| scene.change(id));
                if ask.hidden[change as usize] {
                    continue;
                }
                let fits = asked.fits(id, layer, change);
                self.tally(scene, id, layer, shown.is_some(), fits);
            }
        }
        if ask.mode == Mode::Merged && ask.filter.is_empty() {
            self.is_there[NodeId::ROOT.index()] = true;
        }
        Some(())
    }

    fn tally(&mut self, scene: &Scene, id: EntryId, layer: usize, is_shown: bool, fits: Fits) {
        let (bytes, files) = if scene.counts(id) {
            (scene.size(id), 1)
        } else {
            (0, 0)
        };
        let add = |tally: Option<&mut Tally>| {
            if let Some(tally) = tally {
                tally.bytes += bytes;
                tally.files += files;
            }
        };
        if fits.rest && fits.category && fits.owner {
            add(self.layers.get_mut(layer));
        }
        if !is_shown {
            return;
        }
        if fits.rest && fits.layer && fits.owner {
            add(self.categories.get_mut(scene.category(id).index()));
        }
        if fits.rest && fits.layer && fits.category {
            let none = self.owners.len() - 1;
            let at = scene.owner(id).map_or(none, |id| id.0 as usize);
            add(self.owners.get_mut(at));
        }
        if fits.all() {
            add(Some(&mut self.total));
            let node = scene.map.entry(id).node.index();
            self.is_there[node] = true;
            self.bytes[node] += bytes;
            self.files[node] += files as u32;
        }
    }

    /// Adds what children have to their parents. A parent's id is the smaller.
    fn sum(&mut self, scene: &Scene) {
        let tree = scene.map.tree();
        for node in tree.ids().rev() {
            if let Some(parent) = tree.parent(node).filter(|_| self.is_there[node.index()]) {
                self.is_there[parent.index()] = true;
                self.bytes[parent.index()] += self.bytes[node.index()];
                self.files[parent.index()] += self.files[node.index()];
            }
        }
    }

    /// Puts the children of every node in order, and numbers all.
    fn order(&mut self, scene: &Scene, sort: Sort) {
        let tree = scene.map.tree();
        let shown = |node: &NodeId| self.is_there[node.index()];
        self.first = vec![0; tree.len() + 1];
        for node in tree.ids().skip(1).filter(shown) {
            let parent = tree.parent(node).unwrap_or(NodeId::ROOT);
            self.first[parent.index() + 1] += 1;
        }
        for at in 1..self.first.len() {
            self.first[at] += self.first[at - 1];
        }
        let mut next = self.first.clone();
        self.children = vec![0; self.first.last().copied().unwrap_or(0) as usize];
        for node in tree.ids().skip(1).filter(shown) {
            let at = &mut next[tree.parent(node).unwrap_or(NodeId::ROOT).index()];
            self.children[*at as usize] = node.0;
            *at += 1;
        }
        let name = |node: u32| tree.name(NodeId(node));
        for node in tree.ids() {
            let range = self.range(node);
            let (bytes, files) = (&self.bytes, &self.files);
            let children = &mut self.children[range];
            match sort {
                Sort::Name => children.sort_unstable_by_key(|&child| name(child)),
                Sort::Size => children.sort_unstable_by(|&a, &b| {
                    (Reverse(bytes[a as usize]), name(a)).cmp(&(Reverse(bytes[b as usize]), name(b)))
                }),
                Sort::Files => children.sort_unstable_by(|&a, &b| {
                    (Reverse(files[a as usize]), name(a)).cmp(&(Reverse(files[b as usize]), name(b)))
                }),
            }
        }
        self.number();
    }

    fn number(&mut self) {
        self.rank = vec![u32::MAX; self.is_there.len()];
        let mut stack = vec![NodeId::ROOT.0];
        let mut rank = 0;
        while let Some(node) = stack.pop() {
            self.rank[node as usize] = rank;
            rank += 1;
            let range = self.range(NodeId(node));
            stack.extend(self.children[range].iter().rev());
        }
    }

    fn range(&self, node: NodeId) -> std::ops::Range<usize> {
        match self.first.get(node.index()..node.index() + 2) {
            Some(&[from, to]) => from as usize..to as usize,
            _ => 0..0,
        }
    }

    /// The shown children of a node, in order.
    pub fn children(&self, node: NodeId) -> impl DoubleEndedIterator<Item = NodeId> + ExactSizeIterator + '_ {
        self.children[self.range(node)].iter().map(|&child| NodeId(child))
    }

    /// Whether a node is shown.
    pub fn has(&self, node: NodeId) -> bool {
        self.is_there.get(node.index()).copied().unwrap_or(false)
    }

    /// Disk bytes and files at and below a node.
    pub fn tally_of(&self, node: NodeId) -> Tally {
        Tally {
            bytes: self.bytes.get(node.index()).copied().unwrap_or(0),
            files: self.files.get(node.index()).copied().map_or(0, u64::from),
        }
    }

    /// The place of a node when everything is expanded.
    pub fn rank(&self, node: NodeId) -> u32 {
        self.rank.get(node.index()).copied().unwrap_or(u32::MAX)
    }

    /// The entry that a row of this view stands for, and what was done to it; `None` for a directory that no layer
    /// names.
    pub fn entry(&self, scene: &Scene, node: NodeId) -> Option<(EntryId, Change)> {
        let shown = |id: EntryId| Some((id, shown(scene, &self.ask, id, scene.map.layer_of(id))?));
        scene.entries_of(node).rev().find_map(shown)
    }

    /// The nodes that a search finds, in the order of the rows; `None` where nobody wants it any more.
    pub fn search(&self, scene: &Scene, pattern: &Pattern, wanted: Wanted<'_>) -> Option<Vec<NodeId>> {
        let tree = scene.map.tree();
        let (mut path, mut found) = (Vec::new(), Vec::new());
        for node in tree.ids().skip(1).filter(|&node| self.has(node)) {
            if node.0 % 8192 == 0 && wanted.is_over() {
                return None;
            }
            tree.write_absolute(node, &mut path);
            if pattern.finds(&path) {
                found.push(node);
            }
        }
        found.sort_unstable_by_key(|&node| self.rank(node));
        (!wanted.is_over()).then_some(found)
    }

    /// The largest file below a node: down the largest child at each step.
    pub fn largest(&self, node: NodeId) -> NodeId {
        let mut at = node;
        while let Some(child) = self
            .children(at)
            .max_by_key(|&child| (self.bytes[child.index()], Reverse(self.rank(child))))
        {
            at = child;
        }
        at
    }
}

/// What was done to an entry that a mode shows; `None` for one that it does not.
fn shown(scene: &Scene, ask: &Ask, id: EntryId, layer: usize) -> Option<Change> {
    let map = &scene.map;
    let is_content = map.inode(id).is_some();
    let is_shown = is_content
        && match ask.mode {
            Mode::Merged => map.is_visible(id),
            Mode::Everything => true,
            Mode::UpTo => layer <= ask.layer && map.hidden_by(id).is_none_or(|by| by > ask.layer),
            Mode::Changes if layer == ask.layer => {
                // What the base layer brought is what it added.
                return Some(match scene.change(id) {
                    Change::Unmodified => Change::Added,
                    change => change,
                });
            }
            Mode::Changes => return scene.is_removed_by(id, ask.layer).then_some(Change::Removed),
        };
    is_shown.then(|| scene.change(id))
}
