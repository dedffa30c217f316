//! How the interface begins: what a person's config file says of the panes.
//!
//! A module of its own because these are wishes for the first screen alone; from then on the keys decide.

use serde::Deserialize;

use super::scene::Change;
use super::scene::ask::{Mode, Sort};

/// The table `[tui]` of the config file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Start {
    mode: Tree,
    sort: Order,
    hide: Vec<Hidden>,
    show_attributes: bool,
    /// Levels of the tree that are expanded.
    pub depth: u16,
    /// What part of the columns the tree has, in percent; `None` for what suits the screen.
    pub tree_width: Option<u16>,
}

/// Which tree is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Tree {
    #[default]
    Merged,
    Changes,
    UpTo,
    Everything,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Order {
    #[default]
    Size,
    Name,
    Files,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Hidden {
    Added,
    Modified,
    Removed,
    Unmodified,
}

impl Start {
    /// Which entries the tree shows.
    pub fn mode(&self) -> Mode {
        match self.mode {
            Tree::Merged => Mode::Merged,
            Tree::Changes => Mode::Changes,
            Tree::UpTo => Mode::UpTo,
            Tree::Everything => Mode::Everything,
        }
    }

    /// The order of rows.
    pub fn sort(&self) -> Sort {
        match self.sort {
            Order::Size => Sort::Size,
            Order::Name => Sort::Name,
            Order::Files => Sort::Files,
        }
    }

    /// Changes that are not shown, by [`Change`].
    pub fn hidden(&self) -> [bool; 4] {
        let mut hidden = [false; 4];
        for one in &self.hide {
            let change = match one {
                Hidden::Added => Change::Added,
                Hidden::Modified => Change::Modified,
                Hidden::Removed => Change::Removed,
                Hidden::Unmodified => Change::Unmodified,
            };
            hidden[change as usize] = true;
        }
        hidden
    }

    /// Whether modes and users are shown.
    pub fn shows_attributes(&self) -> bool {
        self.show_attributes
    }
}
