//! The keys of the two panes: another view, another list, and where the cursors go.
//!
//! Apart from the other keys because these are pressed the most, and none of them opens anything.

use super::super::keys::Action;
use super::super::scene::Change;
use super::super::scene::ask::{Ask, Mode};
use super::geometry::Focus;
use super::list::Pivot;
use super::{Effect, Seen, State, Subject};
use crate::layer::NodeId;

impl State {
    /// Actions that ask for another view.
    pub(super) fn look(&mut self, action: Action) -> Vec<Effect> {
        let mut hide = |change: Change| self.hidden[change as usize] = !self.hidden[change as usize];
        match action {
            Action::Sort => self.sort = self.sort.next(),
            Action::Mode => self.mode = self.mode.next(),
            Action::UpTo => self.mode = turned(self.mode, Mode::UpTo),
            Action::Changes => self.mode = turned(self.mode, Mode::Changes),
            Action::ShowAdded => hide(Change::Added),
            Action::ShowModified => hide(Change::Modified),
            Action::ShowRemoved => hide(Change::Removed),
            Action::ShowUnmodified => hide(Change::Unmodified),
            _ => return Vec::new(),
        }
        self.ask()
    }

    /// Asks for the view that the state describes.
    pub(super) fn ask(&mut self) -> Vec<Effect> {
        let Some(scene) = self.scene.clone() else {
            return Vec::new();
        };
        self.numbers.view += 1;
        let ask = Ask {
            mode: self.mode,
            layer: self.list.layer(),
            filter: self.read.clone(),
            hidden: self.hidden,
            sort: self.sort,
        };
        vec![Effect::View(self.numbers.view, scene, Box::new(ask))]
    }

    pub(super) fn turn(&mut self, pivot: Pivot) {
        self.focus = Focus::List;
        let height = self.list_height();
        match &self.seen {
            Some(seen) => self.list.turn(pivot, &seen.scene, &seen.view, height),
            None => self.list.pivot = pivot,
        }
    }

    pub(super) fn in_list(&mut self, action: Action) -> Vec<Effect> {
        let (count, height) = (self.list.rows.len(), self.list_height());
        let layer = self.list.layer();
        if self.list.cursor.go(action, count, height) {
            let is_other = self.list.layer() != layer;
            return if is_other && self.subject != Subject::Pair && self.mode.asks_for_layer() {
                self.ask()
            } else {
                Vec::new()
            };
        }
        match action {
            Action::Open => self.narrow(),
            Action::Right => {
                self.focus = Focus::Tree;
                Vec::new()
            }
            // These are of the tree wherever the keys go.
            Action::CollapseAll | Action::Deeper | Action::Shallower => {
                self.in_tree(action);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn in_tree(&mut self, action: Action) {
        let height = self.tree_height();
        let Some(Seen { scene, view }) = self.seen.clone() else {
            return;
        };
        if self.tree.cursor.go(action, self.tree.rows.len(), height) {
            return;
        }
        match action {
            Action::Left => self.tree.left(height),
            Action::Right => self.tree.right(&view, height),
            Action::Open | Action::Toggle => self.tree.toggle(&view),
            Action::CollapseAll => _ = self.tree.expand_to(0, &scene, &view, height),
            Action::Deeper | Action::Shallower => {
                let depth = self.tree.depth();
                let depth = if action == Action::Deeper {
                    depth + 1
                } else {
                    depth.saturating_sub(1)
                };
                let depth = self.tree.expand_to(depth, &scene, &view, height);
                self.message = Some(format!("expanded to depth {depth}"));
            }
            Action::Largest => {
                let from = self.tree.selected().filter(|&node| view.has_children(node));
                let node = view.largest(from.unwrap_or(NodeId::ROOT));
                self.tree.reveal(node, &scene, &view, height);
            }
            _ => {}
        }
    }
}

/// The mode, or the merged image where it is that already.
fn turned(from: Mode, to: Mode) -> Mode {
    if from == to { Mode::Merged } else { to }
}
