//! Which layers a result has, and what each of them holds.
//!
//! Every layer that is written is a *difference* between two states of the tree: what the layers below it show in
//! the result, and what it must show itself. So one algorithm makes a squash (nothing is below), a layer rewritten
//! in place, and the layers above a base squashed into one; nothing can resurface, because what must not show is
//! whited out where something below shows it. Layers that need no change are reused, byte for byte. Rules 1 to 9.

mod difference;
mod dropped;
mod states;

use std::ops::Range;

use difference::Difference;
use dropped::Dropped;
use states::States;

use super::{NewLayer, Plan};
use crate::content::{ContentMap, EntryId, Visible};
use crate::layer::{Kind, NodeId};

/// Which layers an image gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// One.
    #[default]
    Squash,
    /// As many as it has: each is rewritten in place, or reused.
    Keep,
    /// The given number of base layers as they are, and one for all others.
    Base(usize),
}

impl Mode {
    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Squash => "squash",
            Self::Keep => "keep",
            Self::Base(_) => "base",
        }
    }
}

/// What becomes of layers.
#[derive(Debug)]
pub enum Fate {
    /// The one layer stays as it is.
    Reused,
    /// A new layer takes their place.
    Made(Box<NewLayer>),
    /// They change nothing any more (rule 9).
    Dropped,
}

/// Layers that follow one another, and what becomes of them together.
#[derive(Debug)]
pub struct Slot {
    /// Layers of the source; one alone where it is reused.
    pub sources: Range<usize>,
    /// What becomes of them.
    pub fate: Fate,
}

/// The layers of a result, base first.
#[derive(Debug)]
pub struct Layout {
    /// How it was asked for.
    pub mode: Mode,
    /// Every layer of the source is in one of them, in order.
    pub slots: Vec<Slot>,
}

impl Layout {
    /// The layers of what `plan` leaves. `Mode::Base` of more layers than there are is of all of them.
    pub fn new(map: &ContentMap, plan: &Plan, mode: Mode) -> Self {
        let mut slots = match mode {
            Mode::Squash => vec![Slot {
                sources: 0..map.layer_count(),
                fate: Fate::Made(Box::new(NewLayer::squash(map, plan))),
            }],
            Mode::Keep => keep(map, plan),
            Mode::Base(count) => base(map, plan, count.min(map.layer_count())),
        };
        // Rule 18: an image has a layer, if an empty one.
        let is_bare = slots.iter().all(|slot| matches!(slot.fate, Fate::Dropped));
        if let Some(last) = slots.last_mut().filter(|_| is_bare) {
            let mut empty = NewLayer::over(map, last.sources.clone());
            empty.measure(map, plan);
            last.fate = Fate::Made(Box::new(empty));
        }
        Self { mode, slots }
    }

    /// Whether every layer is reused.
    pub fn is_source(&self) -> bool {
        self.slots.iter().all(|slot| matches!(slot.fate, Fate::Reused))
    }

    /// Layers of the result.
    pub fn layer_count(&self) -> usize {
        self.slots
            .iter()
            .filter(|slot| !matches!(slot.fate, Fate::Dropped))
            .count()
    }

    /// Stored bodies of regular files of all layers, in bytes.
    pub fn disk_bytes(&self, map: &ContentMap) -> u64 {
        self.sum(|layer| map.sizes(layer).disk, |made| made.disk_bytes)
    }

    /// Bytes of all uncompressed tars; see [`NewLayer::uncompressed_bytes`].
    pub fn uncompressed_bytes(&self, map: &ContentMap) -> u64 {
        self.sum(
            |layer| map.sizes(layer).uncompressed(),
            |made| made.uncompressed_bytes,
        )
    }

    fn sum(&self, reused: impl Fn(usize) -> u64, made: impl Fn(&NewLayer) -> u64) -> u64 {
        let bytes = |slot: &Slot| match &slot.fate {
            Fate::Reused => reused(slot.sources.start),
            Fate::Made(layer) => made(layer),
            Fate::Dropped => 0,
        };
        self.slots.iter().map(bytes).sum()
    }
}

/// Each layer for itself (rules 8 and 9).
fn keep(map: &ContentMap, plan: &Plan) -> Vec<Slot> {
    let dropped = Dropped::in_place(map, plan);
    let mut builder = Builder::new(map, plan, &dropped);
    (0..map.layer_count()).for_each(|layer| builder.push(layer..layer + 1, Top::No));
    builder.slots
}

/// `count` layers as they are, and one for the rest.
fn base(map: &ContentMap, plan: &Plan, count: usize) -> Vec<Slot> {
    let dropped = Dropped::above(map, plan, count);
    let mut builder = Builder::new(map, plan, &dropped);
    (0..count).for_each(|layer| builder.freeze(layer));
    builder.push(count..map.layer_count(), Top::Yes);
    builder.slots
}

/// Whether a group of layers ends what the plan removes also from the layers below.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Top {
    Yes,
    No,
}

struct Builder<'a> {
    map: &'a ContentMap,
    plan: &'a Plan,
    dropped: &'a Dropped,
    /// What the source's layers show.
    source: States<'a>,
    /// What the result's layers show.
    result: States<'a>,
    slots: Vec<Slot>,
    /// Whether a layer is not as it was.
    has_changed: bool,
}

impl<'a> Builder<'a> {
    fn new(map: &'a ContentMap, plan: &'a Plan, dropped: &'a Dropped) -> Self {
        Self {
            map,
            plan,
            dropped,
            source: States::new(map, None),
            result: States::new(map, Some(dropped)),
            slots: Vec::new(),
            has_changed: false,
        }
    }

    fn freeze(&mut self, layer: usize) {
        self.source.apply(layer);
        self.result.apply(layer);
        self.slots.push(Slot {
            sources: layer..layer + 1,
            fate: Fate::Reused,
        });
    }

    /// Decides what becomes of `sources`.
    fn push(&mut self, sources: Range<usize>, top: Top) {
        self.source.begin();
        self.result.begin();
        for layer in sources.clone() {
            self.source.apply(layer);
            self.result.apply(layer);
        }
        let hides_below = top == Top::Yes && self.result.hide(self.dropped.gone());
        let changes_below = top == Top::Yes && self.changes_below(sources.start);
        let is_new = hides_below || changes_below;
        let is_as_it_was = sources.len() == 1 && !is_new && self.is_reusable(sources.start);
        let fate = match is_as_it_was {
            true if self.lost_its_effect(sources.start) => Fate::Dropped,
            true => Fate::Reused,
            false => {
                let layer =
                    Difference::new(self.map, self.plan, &self.result, sources.clone()).into_layer(top);
                if layer.is_empty() {
                    Fate::Dropped
                } else {
                    Fate::Made(Box::new(layer))
                }
            }
        };
        self.has_changed |= !matches!(fate, Fate::Reused);
        // Squashing nothing above a base is nothing.
        if !(sources.is_empty() && matches!(fate, Fate::Dropped)) {
            self.slots.push(Slot { sources, fate });
        }
    }

    /// Whether a file that changes lies in the layers below `first`, and is seen.
    fn changes_below(&self, first: usize) -> bool {
        let shows = |id: EntryId| self.result.shows(self.map.entry(id).node) == Visible::Entry(id);
        let changes = self.plan.changes.iter();
        let worth = changes.filter(|change| change.kind.is_worth_a_copy());
        let mut below = worth.map(|change| change.inode);
        below.any(|inode| self.map.layer_of(inode) < first && self.map.names(inode).any(shows))
    }

    /// Whether the layer as it is, applied on the result's layers below, shows what it must.
    fn is_reusable(&self, layer: usize) -> bool {
        let first = self.map.layer_ids(layer).start;
        let links_below = |id| {
            let inode = self.map.inode(id);
            inode.is_some_and(|inode| inode.0 < first)
        };
        // A marker makes the directory that it stands in.
        let makes = |node: NodeId| {
            self.result.shows(node) == Visible::Nothing && self.source.shows(node) != Visible::Nothing
        };
        let parents = self.map.whiteouts(layer).iter();
        let parents = parents.filter_map(|&node| self.map.tree().parent(node));
        let mut marked = parents.chain(self.map.opaques(layer).iter().copied());
        let copies_up = self.has_changed && self.map.layer_entries(layer).any(links_below);
        !(copies_up || self.dropped.touches(layer) || marked.any(makes))
    }

    /// Rule 9, of a layer that is as it was: it only hid what is no more.
    fn lost_its_effect(&self, layer: usize) -> bool {
        self.map.layer_ids(layer).is_empty() && !self.result.has_changed() && self.source.has_changed()
    }
}

/// Whether a path shows a directory.
fn is_directory(map: &ContentMap, shown: Visible) -> bool {
    match shown {
        Visible::Nothing => false,
        Visible::Implied => true,
        Visible::Entry(id) => map.entry(id).kind == Kind::Directory,
    }
}
