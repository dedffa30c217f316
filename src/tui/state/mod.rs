//! What the interface knows, and what a key makes of it: pure, without a terminal.
//!
//! A module of its own so that every journey can be tested without one: [`State::press`] and [`State::receive`] change the
//! state and give back what must be done elsewhere, and nothing here draws, waits, or reads anything.

pub mod cursor;
mod finding;
pub mod geometry;
pub mod line;
pub mod list;
pub mod loading;
mod looking;
mod marking;
mod mouse;
pub mod overlay;
mod panes;
mod receive;
pub mod tree;
mod writing;

use std::sync::Arc;

use cursor::Cursor;
use geometry::{Focus, Geometry};
use line::Line;
use list::{List, Pivot};
use loading::Progressing;
use overlay::{Overlay, Prompt};
use tree::Tree;

pub use mouse::{Button, Mouse};

use super::actions::{Expected, Order};
use super::advice::Advice;
use super::chord::Chord;
use super::keys::{Action, Keymap};
use super::marks::{Marks, Planned};
use super::scene::ask::{Ask, Mode, Sort};
use super::scene::filter::{Filter, Pattern};
use super::scene::view::View;
use super::scene::{Scene, Subject};
use super::start::Start;
use super::viewer::Wish;
use crate::layer::NodeId;
use crate::profile::{Choice, Profiles};

/// What must be done elsewhere. Numbers come back with the answer.
#[derive(Debug)]
pub enum Effect {
    /// Look at a scene.
    View(u64, Arc<Scene>, Box<Ask>),
    /// Search a view.
    Search(u64, Arc<Scene>, Arc<View>, Pattern),
    /// Plan what is marked.
    Plan(u64, Arc<Scene>, Box<Marks>),
    /// Find out what profiles mean for a scene.
    Advise(u64, Arc<Scene>),
    /// Let go of what is old: of something large, that takes its time.
    Forget(Old),
    /// Write the slim image.
    Write(Order),
    /// What is being written is not wanted any more.
    StopWriting,
    /// Write a text to a file.
    Save(String, String),
    /// Look into the image.
    Look(u64, Arc<Scene>, Wish),
    /// What is looked for inside is not wanted any more.
    StopLooking,
    /// Stop, and let the shell have the terminal.
    Suspend,
    /// End.
    Quit,
}

/// What is not needed any more.
#[derive(Debug)]
pub enum Old {
    /// A plan.
    Planned(Arc<Planned>),
    /// A view, and perhaps its scene.
    Seen(Seen),
}

/// A scene with the view that is on the screen.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The scene.
    pub scene: Arc<Scene>,
    /// The view of it.
    pub view: Arc<View>,
}

/// What a search found.
#[derive(Debug, Default)]
pub struct Search {
    /// The word; empty for none.
    pub text: String,
    /// The paths, in the order of the rows.
    pub found: Vec<NodeId>,
    /// Whether all are there.
    pub is_done: bool,
    /// From where the first is looked for.
    from: Option<NodeId>,
}

/// Everything.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct State {
    /// Columns and rows of the screen.
    pub size: (u16, u16),
    /// What is explored.
    pub subject: Subject,
    /// What the image is called; as typed, until it is found. Of two, the new one.
    pub reference: String,
    /// Its platform.
    pub platform: String,
    /// Platforms that stand in its index; 1 where there is none.
    pub platforms: usize,
    /// Its layers as they are expected.
    pub expected: Vec<Expected>,
    /// Whether everything is read.
    pub is_loaded: bool,
    /// How far long work is.
    pub work: Progressing,
    /// What is on the screen; nothing before the first layer is read.
    pub seen: Option<Seen>,
    /// Which pane has the keys.
    pub focus: Focus,
    /// Layers, categories or owners.
    pub list: List,
    /// Paths.
    pub tree: Tree,
    /// Which entries the tree shows.
    pub mode: Mode,
    /// The order of rows.
    pub sort: Sort,
    /// Changes that are not shown, by [`Change`](super::scene::Change).
    pub hidden: [bool; 4],
    /// The filter as typed.
    pub filter: String,
    /// Why what is being typed is no filter.
    pub filter_error: Option<String>,
    /// What is searched for.
    pub search: Search,
    /// What is being typed.
    pub prompt: Option<Prompt>,
    /// What lies over the panes.
    pub overlay: Option<Overlay>,
    /// Whether modes and users are shown.
    pub shows_attributes: bool,
    /// What is marked.
    pub marks: Marks,
    /// The marks, resolved.
    pub choice: Choice,
    /// The newest plan, and whether it is that of the marks.
    pub planned: Option<Arc<Planned>>,
    /// Whether a plan is being made.
    pub is_planning: bool,
    /// A line for the person.
    pub message: Option<String>,
    /// The keys.
    pub keymap: Arc<Keymap>,
    /// The profiles there are.
    pub profiles: Arc<Profiles>,
    /// What they mean for the image, once that was asked for.
    pub advice: Option<Arc<Advice>>,
    /// Where the slim image goes where nothing else is said.
    pub target: String,
    /// Why the interface ends, where it must.
    pub failure: Option<String>,
    /// How it began.
    start: Start,
    /// The newest scene, which may not be on the screen yet.
    scene: Option<Arc<Scene>>,
    read: Filter,
    numbers: Numbers,
    /// Whether a person has done anything yet: until then the first row is selected, whichever it is.
    is_touched: bool,
}

/// The newest wishes.
#[derive(Debug, Default)]
struct Numbers {
    view: u64,
    search: u64,
    plan: u64,
    look: u64,
    advice: u64,
}

impl State {
    /// Before anything is known of the image that is called `reference`.
    pub fn new(subject: Subject, reference: &str, keymap: Arc<Keymap>, profiles: Arc<Profiles>) -> Self {
        Self {
            size: (80, 24),
            subject,
            reference: reference.to_owned(),
            platform: String::new(),
            platforms: 1,
            expected: Vec::new(),
            is_loaded: false,
            work: Progressing::default(),
            seen: None,
            focus: Focus::Tree,
            list: List::default(),
            tree: Tree::default(),
            mode: match subject {
                Subject::Image | Subject::Saved => Mode::Merged,
                Subject::Pair => Mode::Changes,
            },
            sort: Sort::default(),
            hidden: [false; 4],
            filter: String::new(),
            filter_error: None,
            search: Search::default(),
            prompt: None,
            overlay: None,
            shows_attributes: false,
            marks: Marks::default(),
            choice: Choice::default(),
            planned: None,
            is_planning: false,
            message: None,
            keymap,
            profiles,
            advice: None,
            target: String::new(),
            failure: None,
            start: Start::default(),
            scene: None,
            read: Filter::default(),
            numbers: Numbers::default(),
            is_touched: false,
        }
    }

    /// Begins as a person wants it; before anything is done.
    pub fn begin(&mut self, start: Start) {
        self.sort = start.sort();
        // These are of layers; two images begin with what changed.
        if self.subject != Subject::Pair {
            self.mode = start.mode();
            self.hidden = start.hidden();
        }
        self.shows_attributes = start.shows_attributes();
        self.start = start;
    }

    /// Where everything stands.
    pub fn geometry(&self) -> Geometry {
        Geometry::new(self.size, self.focus, self.start.tree_width)
    }

    /// The screen has another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.size = (columns, rows);
        self.show_cursors();
    }

    /// A key was pressed.
    pub fn press(&mut self, chord: Chord) -> Vec<Effect> {
        self.is_touched = true;
        let action = self.keymap.action(chord);
        if action == Some(Action::Quit) {
            return vec![Effect::Quit];
        }
        if action == Some(Action::Suspend) {
            return vec![Effect::Suspend];
        }
        if self.overlay.is_some() {
            return self.press_overlay(chord, action);
        }
        if self.prompt.is_some() {
            return self.press_prompt(chord);
        }
        self.message = None;
        action.map_or_else(Vec::new, |action| self.update(action))
    }

    /// Does what a key means.
    pub fn update(&mut self, action: Action) -> Vec<Effect> {
        if let Some(why) = self.refusal(action) {
            self.message = Some(why.to_owned());
            return Vec::new();
        }
        match action {
            Action::Close | Action::Quit => return vec![Effect::Quit],
            Action::Suspend => return vec![Effect::Suspend],
            Action::Help => self.overlay = Some(Overlay::Help(Cursor::default())),
            Action::NextPane | Action::PreviousPane => {
                self.focus = match self.focus {
                    Focus::List => Focus::Tree,
                    Focus::Tree => Focus::List,
                };
                self.show_cursors();
            }
            Action::Layers => self.turn(Pivot::Layers),
            Action::Categories => self.turn(Pivot::Categories),
            Action::Owners => self.turn(Pivot::Owners),
            Action::Attributes => self.shows_attributes = !self.shows_attributes,
            Action::Plan => self.overlay = Some(Overlay::Plan(Cursor::default())),
            Action::Profiles => return self.open_profiles(),
            Action::Write => self.open_write(),
            Action::SaveProfile => self.overlay = Some(Overlay::Save(Line::new("marked.toml"))),
            Action::Mark => return self.mark(),
            Action::Look => return self.open_file(),
            Action::Life => return self.open_life(),
            Action::Extract => return self.open_extract(),
            Action::Compare => return self.open_difference(),
            Action::Open if self.focus == Focus::Tree && self.selects_file() => return self.open_row(),
            Action::Unmark => return self.unmark_all(),
            Action::Search => self.open_search(),
            Action::Filter => self.open_filter(),
            Action::Clear => return self.clear(),
            Action::NextMatch | Action::PreviousMatch => self.next_match(action),
            Action::Sort
            | Action::Mode
            | Action::UpTo
            | Action::Changes
            | Action::ShowAdded
            | Action::ShowModified
            | Action::ShowRemoved
            | Action::ShowUnmodified => return self.look(action),
            _ if self.focus == Focus::List => return self.in_list(action),
            _ => self.in_tree(action),
        }
        Vec::new()
    }

    /// Why a key cannot do what it does: where there is no image to mark in.
    pub const fn refusal(&self, action: Action) -> Option<&'static str> {
        match (self.subject, action) {
            (
                Subject::Saved | Subject::Pair,
                Action::Mark
                | Action::Unmark
                | Action::Plan
                | Action::Profiles
                | Action::Write
                | Action::SaveProfile,
            ) => Some(match self.subject {
                Subject::Pair => "two images are compared here: open one of them to mark and to write",
                _ => "a saved report can be looked at only: open the image itself to mark and to write",
            }),
            _ => None,
        }
    }

    fn show_cursors(&mut self) {
        let (list, tree) = (self.list_height(), self.tree_height());
        self.list.cursor.show(self.list.rows.len(), list);
        self.tree.cursor.show(self.tree.rows.len(), tree);
    }

    /// Rows that the list has on the screen.
    fn list_height(&self) -> usize {
        usize::from(self.geometry().list.body().height)
    }

    /// Rows that the tree has on the screen.
    fn tree_height(&self) -> usize {
        usize::from(self.geometry().tree.body().height)
    }
}
