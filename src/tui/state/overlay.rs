//! What lies over the panes: help, plan, menu of profiles, the steps of writing, the name of a file.
//!
//! A module of its own because each takes all keys while it is open.

use std::sync::Arc;

use super::super::actions::{Layers, Platforms};
use super::super::scene::Scene;
use super::cursor::Cursor;
use super::line::Line;
use crate::tui::viewer::Looks;

/// What is open.
#[derive(Debug)]
pub enum Overlay {
    /// The keys.
    Help(Cursor),
    /// What would go.
    Plan(Cursor),
    /// The profiles.
    Profiles(Cursor),
    /// Writing.
    Write(WriteDialog),
    /// The name of the profile's file.
    Save(Line),
    /// What is looked into, and the image that it is in.
    Look(Arc<Scene>, Looks),
}

/// The steps of writing.
#[derive(Debug)]
pub struct WriteDialog {
    /// Where to.
    pub target: Line,
    /// Which layers the result has.
    pub layers: Layers,
    /// Which platforms are written.
    pub platforms: Platforms,
    /// How far it is.
    pub step: Step,
}

/// How far writing is.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// The target is edited.
    Target,
    /// Everything is said; the next key begins.
    Confirm,
    /// It begins as soon as the plan is there.
    Planning,
    /// It goes on.
    Running,
    /// It goes on, and the person is asked whether it shall end.
    Asking,
    /// It was asked to end.
    Stopping,
    /// It ended because it was asked to, and what became of the target.
    Stopped(String),
    /// It is over: lines for people.
    Done(Vec<String>),
    /// It failed, and why.
    Failed(String),
}

/// What is typed into the line below the header.
#[derive(Debug)]
pub enum Prompt {
    /// A search, begun at a row.
    Search {
        /// The text.
        line: Line,
        /// The row's path, where there was one.
        from: Option<crate::layer::NodeId>,
    },
    /// The filter; what it was before.
    Filter {
        /// The text.
        line: Line,
        /// The filter before.
        before: String,
    },
}
