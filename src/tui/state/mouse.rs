//! What the mouse does: a click selects, a click on what is selected opens it, the wheel scrolls.
//!
//! Apart from the keys because it goes by place and not by focus.

use super::geometry::{Area, Focus};
use super::list::Pivot;
use super::overlay::Overlay;
use super::{Effect, State};
use crate::tui::keys::Action;

/// Rows that one notch of the wheel moves.
const NOTCH: isize = 3;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    /// The left button went down.
    Click,
    /// The wheel, towards the person.
    WheelDown,
    /// The wheel, away.
    WheelUp,
}

/// It, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    /// What.
    pub button: Button,
    /// The column.
    pub x: u16,
    /// The row.
    pub y: u16,
}

impl State {
    /// The mouse was used.
    pub fn point(&mut self, mouse: Mouse) -> Vec<Effect> {
        self.is_touched = true;
        let by = match mouse.button {
            Button::Click => return self.click(mouse.x, mouse.y),
            Button::WheelDown => NOTCH,
            Button::WheelUp => -NOTCH,
        };
        if self.overlay.is_some() {
            let action = if by > 0 { Action::Down } else { Action::Up };
            let chord = crate::tui::chord::Chord::plain(crate::tui::chord::Key::F(0));
            return (0..NOTCH)
                .flat_map(|_| self.press_overlay(chord, Some(action)))
                .collect();
        }
        let parts = self.geometry();
        if parts.list.holds(mouse.x, mouse.y) {
            let layer = self.list.layer();
            let (count, height) = (self.list.rows.len(), self.list_height());
            self.list.cursor.scroll(by, count, height);
            if self.list.layer() != layer && self.mode.asks_for_layer() {
                return self.ask();
            }
        } else if parts.tree.holds(mouse.x, mouse.y) {
            let (count, height) = (self.tree.rows.len(), self.tree_height());
            self.tree.cursor.scroll(by, count, height);
        }
        Vec::new()
    }

    fn click(&mut self, x: u16, y: u16) -> Vec<Effect> {
        if matches!(self.overlay, Some(Overlay::Help(_) | Overlay::Plan(_))) {
            self.overlay = None;
            return Vec::new();
        }
        if self.overlay.is_some() || self.prompt.is_some() {
            return Vec::new();
        }
        let parts = self.geometry();
        if parts.filter.holds(x, y) {
            return self.update(Action::Filter);
        }
        if parts.list.holds(x, y) {
            return self.click_list(parts.list, x, y);
        }
        if parts.tree.body().holds(x, y) {
            self.focus = Focus::Tree;
            let at = self.tree.cursor.offset + usize::from(y - parts.tree.body().y);
            if at >= self.tree.rows.len() {
                return Vec::new();
            }
            if at == self.tree.cursor.at {
                return self.update(Action::Open);
            }
            let (count, height) = (self.tree.rows.len(), self.tree_height());
            self.tree.cursor.set(at, count, height);
        }
        Vec::new()
    }

    fn click_list(&mut self, area: Area, x: u16, y: u16) -> Vec<Effect> {
        self.focus = Focus::List;
        if y == area.y {
            self.turn_to_tab(x - area.x);
            return Vec::new();
        }
        let at = self.list.cursor.offset + usize::from(y - area.body().y);
        if at >= self.list.rows.len() {
            return Vec::new();
        }
        if at == self.list.cursor.at {
            return self.update(Action::Open);
        }
        let layer = self.list.layer();
        let (count, height) = (self.list.rows.len(), self.list_height());
        self.list.cursor.set(at, count, height);
        if self.list.layer() != layer && self.mode.asks_for_layer() {
            return self.ask();
        }
        Vec::new()
    }

    /// The titles stand one after the other, each behind its number: `1 Layers  2 Categories  3 Owners`.
    fn turn_to_tab(&mut self, x: u16) {
        let mut end = 0;
        for pivot in Pivot::ALL {
            end += pivot.title().len() as u16 + 4;
            if x < end {
                return self.turn(pivot);
            }
        }
    }
}
