//! The tree pane: which directories are expanded, and the rows that makes.
//!
//! A module of its own because it is all that a key on a tree costs: rows are eight bytes and hold no text, and a
//! directory of many is opened by copying its children.

use std::collections::BTreeSet;

use super::super::scene::Scene;
use super::super::scene::view::{Step, View};
use super::cursor::Cursor;
use crate::layer::NodeId;

/// A row: a path and how deep it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The path.
    pub node: NodeId,
    /// Directories above it, the root not counted.
    pub depth: u16,
}

impl From<Step> for Row {
    fn from(step: Step) -> Self {
        Self {
            node: step.node,
            depth: step.depth,
        }
    }
}

/// The tree as far as it is expanded.
#[derive(Debug, Default)]
pub struct Tree {
    /// The rows.
    pub rows: Vec<Row>,
    /// The selected row.
    pub cursor: Cursor,
    expanded: Vec<bool>,
    /// The depth of the deepest row, where nothing was expanded or collapsed by itself since it was known.
    deepest: Option<u16>,
}

impl Tree {
    /// The selected path.
    pub fn selected(&self) -> Option<NodeId> {
        self.rows.get(self.cursor.at).map(|row| row.node)
    }

    /// Whether a directory is expanded.
    pub fn is_expanded(&self, node: NodeId) -> bool {
        self.expanded.get(node.index()).copied().unwrap_or(false)
    }

    /// Makes the rows anew, for a view of the same scene; the cursor stays on its path, or on what is left above it.
    pub fn refresh(&mut self, scene: &Scene, view: &View, height: usize) {
        let selected = self.selected();
        self.expanded.resize(scene.tree().len(), false);
        self.fill(view);
        if let Some(node) = selected {
            self.select_near(scene, view, node);
        }
        self.cursor.show(self.rows.len(), height);
    }

    /// The same for a view of another scene: what was expanded is found again by its path.
    pub fn carry_over(&mut self, old: &Scene, scene: &Scene, view: &View, height: usize) {
        let selected = self.selected().map(|node| old.tree().path(node));
        let expanded: Vec<Vec<u8>> = (0..self.expanded.len() as u32)
            .map(NodeId)
            .filter(|&node| self.is_expanded(node))
            .map(|node| old.tree().path(node))
            .collect();
        self.expanded = vec![false; scene.tree().len()];
        for path in expanded {
            if let Some(node) = scene.tree().find(&path) {
                self.expanded[node.index()] = true;
            }
        }
        self.fill(view);
        if let Some(node) = selected.and_then(|path| scene.tree().find(&path)) {
            self.select_near(scene, view, node);
        }
        self.cursor.show(self.rows.len(), height);
    }

    fn fill(&mut self, view: &View) {
        self.deepest = None;
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        rows.extend(view.walk(|step| self.is_expanded(step.node)).map(Row::from));
        self.rows = rows;
    }

    /// Expands or collapses the selected directory.
    pub fn toggle(&mut self, view: &View) {
        match self.selected() {
            Some(node) if self.is_expanded(node) => self.collapse(),
            _ => {
                self.expand(view);
            }
        }
    }

    /// Expands the selected directory; whether it was collapsed.
    pub fn expand(&mut self, view: &View) -> bool {
        let Some(&row) = self.rows.get(self.cursor.at) else {
            return false;
        };
        if self.is_expanded(row.node) || !view.has_children(row.node) {
            return false;
        }
        self.deepest = None;
        self.expanded[row.node.index()] = true;
        let below: Vec<Row> = view
            .walk_below(row.node, |step| self.is_expanded(step.node))
            .map(Row::from)
            .collect();
        let at = self.cursor.at + 1;
        self.rows.splice(at..at, below);
        true
    }

    fn collapse(&mut self) {
        let Some(&row) = self.rows.get(self.cursor.at) else {
            return;
        };
        self.deepest = None;
        self.expanded[row.node.index()] = false;
        let below = &self.rows[self.cursor.at + 1..];
        let count = below.iter().take_while(|other| other.depth > row.depth).count();
        self.rows.drain(self.cursor.at + 1..self.cursor.at + 1 + count);
    }

    /// Collapses the selected directory, or goes to the one above.
    pub fn left(&mut self, height: usize) {
        let Some(&row) = self.rows.get(self.cursor.at) else {
            return;
        };
        if self.is_expanded(row.node)
            && self
                .rows
                .get(self.cursor.at + 1)
                .is_some_and(|next| next.depth > row.depth)
        {
            self.collapse();
        } else {
            let above = self.rows[..self.cursor.at]
                .iter()
                .rposition(|other| other.depth < row.depth);
            let at = above.unwrap_or(self.cursor.at);
            self.cursor.set(at, self.rows.len(), height);
        }
        self.cursor.show(self.rows.len(), height);
    }

    /// Expands the selected directory, or goes to its first row.
    pub fn right(&mut self, view: &View, height: usize) {
        if !self.expand(view)
            && let Some(node) = self.selected()
            && self.is_expanded(node)
        {
            self.cursor.set(self.cursor.at + 1, self.rows.len(), height);
        }
    }

    /// Expands everything to a depth, and nothing below. How deep that is: less where there is nothing as deep.
    pub fn expand_to(&mut self, depth: u16, scene: &Scene, view: &View, height: usize) -> u16 {
        let selected = self.selected();
        self.expanded.fill(false);
        self.rows.clear();
        let mut deepest = 0;
        for step in view.down_to(depth) {
            if step.has_children && step.depth < depth {
                self.expanded[step.node.index()] = true;
            }
            self.rows.push(Row::from(step));
            deepest = step.depth.max(deepest);
        }
        if let Some(node) = selected {
            self.select_near(scene, view, node);
        }
        self.cursor.show(self.rows.len(), height);
        self.deepest = Some(deepest);
        deepest
    }

    /// Expands what must be, and selects a path.
    pub fn reveal(&mut self, node: NodeId, scene: &Scene, view: &View, height: usize) {
        let above: BTreeSet<NodeId> =
            std::iter::successors(scene.tree().parent(node), |&at| scene.tree().parent(at))
                .filter(|&at| at != NodeId::ROOT)
                .collect();
        if above.iter().any(|&at| !self.is_expanded(at)) {
            for at in above {
                self.expanded[at.index()] = true;
            }
            self.fill(view);
        }
        if let Some(at) = self.place(view, node) {
            self.cursor.set(at, self.rows.len(), height);
        }
    }

    /// Selects a path, or the nearest above that has a row.
    fn select_near(&mut self, scene: &Scene, view: &View, node: NodeId) {
        let tree = scene.tree();
        let mut above = std::iter::successors(Some(node), |&at| tree.parent(at));
        if let Some(at) = above.find_map(|at| self.place(view, at)) {
            self.cursor.at = at;
        }
    }

    /// The row of a path. Rows stand in the order of the view that they were made from.
    fn place(&self, view: &View, node: NodeId) -> Option<usize> {
        let rank = view.rank(node);
        let at = self.rows.partition_point(|row| view.rank(row.node) < rank);
        self.rows
            .get(at)
            .is_some_and(|row| row.node == node)
            .then_some(at)
    }

    /// How many levels are expanded at most.
    pub fn depth(&self) -> u16 {
        let look = || self.rows.iter().map(|row| row.depth).max().unwrap_or(0);
        self.deepest.unwrap_or_else(look)
    }
}
