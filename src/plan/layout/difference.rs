//! One layer out of two states: what it must name, hide and hold so that the lower state becomes the upper one.
//!
//! Every parent of what is written is named, with what it shows (rule 7); what is below and must not show is whited
//! out, and a directory of which nothing below is left is opaque, so that a directory that was deleted and made anew
//! never has a whiteout beside what it holds. The root is never opaque: engines read that in different ways.

use std::ops::Range;

use hashbrown::{HashMap, HashSet};

use super::states::States;
use super::{Top, is_directory};
use crate::content::{ContentMap, EntryId, Visible};
use crate::layer::{Kind, NodeId};
use crate::plan::new_layer::sorted_by_path;
use crate::plan::{NewLayer, Plan};

pub(super) struct Difference<'a> {
    map: &'a ContentMap,
    plan: &'a Plan,
    states: &'a States<'a>,
    layer: NewLayer,
    /// Directories that are named.
    named: HashSet<NodeId>,
    /// Whether anything of the lower state is still seen inside a directory.
    lower_seen: HashMap<NodeId, bool>,
}

impl<'a> Difference<'a> {
    /// The difference between what `states` showed and what it shows, made from the layers `sources`.
    pub(super) fn new(
        map: &'a ContentMap,
        plan: &'a Plan,
        states: &'a States<'a>,
        sources: Range<usize>,
    ) -> Self {
        Self {
            map,
            plan,
            states,
            layer: NewLayer::over(map, sources),
            named: HashSet::new(),
            lower_seen: HashMap::new(),
        }
    }

    /// The layer; `top` says whether the layers below it are as they were, so that what changes there is written here.
    pub(super) fn into_layer(mut self, top: Top) -> NewLayer {
        let (map, states) = (self.map, self.states);
        let shows = |id: EntryId| states.shows(map.entry(id).node) == Visible::Entry(id);
        self.layer.place_inodes(map, &shows);
        if top == Top::Yes {
            self.layer.place_changed(map, self.plan, &shows);
        }
        let changed: Vec<NodeId> = self.states.changed().collect();
        self.hide_what_is_gone(&changed);
        for &node in &changed {
            if self.is_new_directory(node) {
                self.name(node);
            }
        }
        self.name_parents_of_files();
        let entry = |node: NodeId| match states.shows(node) {
            Visible::Entry(id) => Some(id),
            _ => None,
        };
        let directories = self.named.iter().map(|&node| (node, entry(node)));
        self.layer.directories = sorted_by_path(map, directories, |(node, _)| *node);
        self.layer.measure(map, self.plan);
        self.layer
    }

    /// Whiteouts, and opaque markers where they say the same.
    fn hide_what_is_gone(&mut self, changed: &[NodeId]) {
        let mut hidden: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
        for &node in changed {
            let Some(parent) = self.map.tree().parent(node) else {
                continue;
            };
            let goes = self.states.shows(node) == Visible::Nothing;
            if goes && is_directory(self.map, self.states.shows(parent)) {
                hidden.entry(parent).or_default().push(node);
            }
        }
        let (mut opaques, mut whiteouts) = (Vec::new(), Vec::new());
        for (directory, nodes) in hidden {
            self.name_with_parents(directory);
            if nodes.len() > 1 && directory != NodeId::ROOT && !self.is_lower_seen(directory) {
                opaques.push(directory);
            } else {
                whiteouts.extend(nodes);
            }
        }
        self.layer.opaques = sorted_by_path(self.map, opaques.into_iter(), |node| *node);
        self.layer.whiteouts = sorted_by_path(self.map, whiteouts.into_iter(), |node| *node);
    }

    /// Whether anything that the layers below brought is still seen inside `directory`.
    fn is_lower_seen(&mut self, directory: NodeId) -> bool {
        let mut stack = vec![directory];
        let mut visited = Vec::new();
        let mut is_seen = false;
        while let Some(at) = stack.pop() {
            if let Some(&known) = self.lower_seen.get(&at) {
                is_seen |= known;
                continue;
            }
            visited.push(at);
            for child in self.map.tree().children(at) {
                let (before, now) = (self.states.showed(child), self.states.shows(child));
                if before == Visible::Nothing {
                    continue;
                }
                if is_directory(self.map, now) && self.is_new_directory(child) {
                    stack.push(child);
                } else {
                    is_seen |= before == now || is_directory(self.map, now);
                }
            }
            if is_seen {
                break;
            }
        }
        // What was visited without a find holds nothing from below; after one only the start is known.
        if is_seen {
            visited.truncate(1);
        }
        for node in visited {
            self.lower_seen.insert(node, is_seen);
        }
        is_seen
    }

    /// Whether a directory is there that was none, or shows something else than before.
    fn is_new_directory(&self, node: NodeId) -> bool {
        let (before, now) = (self.states.showed(node), self.states.shows(node));
        if before == now || !is_directory(self.map, now) {
            return false;
        }
        let header = |shown: Visible| match shown {
            Visible::Entry(id) => self.map.directory_header(id),
            _ => None,
        };
        // The same header says the same, in whatever layer it stands.
        match (header(before), header(now)) {
            (Some(before), Some(now)) => before != now,
            _ => true,
        }
    }

    fn name(&mut self, node: NodeId) {
        self.named.insert(node);
        if let Some(parent) = self.map.tree().parent(node) {
            self.name_with_parents(parent);
        }
    }

    /// Names a directory and all above it; the root needs no name.
    fn name_with_parents(&mut self, directory: NodeId) {
        let mut at = Some(directory);
        while let Some(node) = at.filter(|&node| node != NodeId::ROOT) {
            // A directory is never named without those above it.
            if !self.named.insert(node) {
                break;
            }
            at = self.map.tree().parent(node);
        }
    }

    fn name_parents_of_files(&mut self) {
        let mut names = Vec::new();
        for id in self.layer.written(self.map) {
            names.extend(self.layer.name_of(id));
            names.extend_from_slice(self.layer.behind(id));
        }
        for id in names {
            if let Some(parent) = self.map.tree().parent(self.map.entry(id).node) {
                self.name_with_parents(parent);
            }
        }
        debug_assert!(
            self.named.iter().all(|&node| {
                let shown = self.states.shows(node);
                is_directory(self.map, shown)
                    && !matches!(shown, Visible::Entry(id) if self.map.entry(id).kind != Kind::Directory)
            }),
            "every parent of what is written is a directory"
        );
    }
}
