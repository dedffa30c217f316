//! What every path shows after each layer, the layers applied one by one.
//!
//! The content map keeps for each entry the layer that hides it; this plays it back, in time linear in the entries,
//! so that no layer is ever compared with another path by path.

use hashbrown::HashMap;

use super::dropped::Dropped;
use crate::content::{ContentMap, EntryId, ImpliedSpan, Visible};
use crate::layer::NodeId;

/// What paths show, and what they showed when [`States::begin`] was called.
pub(super) struct States<'a> {
    map: &'a ContentMap,
    /// Entries that are not there at all.
    dropped: Option<&'a Dropped>,
    now: Vec<Visible>,
    before: HashMap<NodeId, Visible>,
    /// By layer: entries of the layers below that it hides.
    hidden: Vec<Vec<EntryId>>,
    /// By layer: directories without an entry that end with it.
    ended: Vec<Vec<NodeId>>,
    /// Those that begin, the first of the next layer.
    next_implied: usize,
}

impl<'a> States<'a> {
    /// Before the first layer.
    pub(super) fn new(map: &'a ContentMap, dropped: Option<&'a Dropped>) -> Self {
        let mut hidden = vec![Vec::new(); map.layer_count()];
        for layer in 0..map.layer_count() {
            for id in map.layer_entries(layer) {
                if let Some(by) = map.hidden_by(id).filter(|&by| by > layer) {
                    hidden[by].push(id);
                }
            }
        }
        let mut ended = vec![Vec::new(); map.layer_count()];
        for span in map.implied_spans() {
            if let Some(nodes) = ended.get_mut(usize::from(span.until)) {
                nodes.push(span.node);
            }
        }
        let mut now = vec![Visible::Nothing; map.tree().len()];
        now[NodeId::ROOT.index()] = Visible::Implied;
        Self {
            map,
            dropped,
            now,
            before: HashMap::new(),
            hidden,
            ended,
            next_implied: 0,
        }
    }

    /// From here on, what changes is taken note of.
    pub(super) fn begin(&mut self) {
        self.before.clear();
    }

    /// Applies one more layer.
    pub(super) fn apply(&mut self, layer: usize) {
        for id in std::mem::take(&mut self.hidden[layer]) {
            let node = self.map.entry(id).node;
            if self.now[node.index()] == Visible::Entry(id) {
                self.set(node, Visible::Nothing);
            }
        }
        for node in std::mem::take(&mut self.ended[layer]) {
            if self.now[node.index()] == Visible::Implied {
                self.set(node, Visible::Nothing);
            }
        }
        while let Some(ImpliedSpan { node, .. }) = self.next_implied(layer) {
            if !self.dropped.is_some_and(|dropped| dropped.implied(layer, node)) {
                self.set(node, Visible::Implied);
            }
        }
        for id in self.map.layer_entries(layer) {
            let stays = self.map.hidden_by(id) != Some(layer) && self.map.inode(id).is_some();
            if stays && !self.dropped.is_some_and(|dropped| dropped.entry(id)) {
                self.set(self.map.entry(id).node, Visible::Entry(id));
            }
        }
    }

    /// Hides paths, and says whether any of them showed anything.
    pub(super) fn hide(&mut self, nodes: impl Iterator<Item = NodeId>) -> bool {
        let mut hides = false;
        for node in nodes {
            if self.now[node.index()] != Visible::Nothing {
                self.set(node, Visible::Nothing);
                hides = true;
            }
        }
        hides
    }

    /// What `node` shows now.
    pub(super) fn shows(&self, node: NodeId) -> Visible {
        self.now[node.index()]
    }

    /// What `node` showed at the beginning.
    pub(super) fn showed(&self, node: NodeId) -> Visible {
        self.before.get(&node).copied().unwrap_or(self.now[node.index()])
    }

    /// Every path that shows something else than at the beginning, in no order.
    pub(super) fn changed(&self) -> impl Iterator<Item = NodeId> + '_ {
        let differs = |(node, before): &(&NodeId, &Visible)| self.now[node.index()] != **before;
        self.before.iter().filter(differs).map(|(node, _)| *node)
    }

    /// Whether any path shows something else than at the beginning.
    pub(super) fn has_changed(&self) -> bool {
        self.changed().next().is_some()
    }

    fn next_implied(&mut self, layer: usize) -> Option<ImpliedSpan> {
        let span = *self.map.implied_spans().get(self.next_implied)?;
        (usize::from(span.from) <= layer).then(|| {
            self.next_implied += 1;
            span
        })
    }

    fn set(&mut self, node: NodeId, shown: Visible) {
        let before = std::mem::replace(&mut self.now[node.index()], shown);
        self.before.entry(node).or_insert(before);
    }
}
