//! The list pane: the image by layer, by category or by owner.
//!
//! A module of its own because the three are one list with other rows: each row is a key and a sum of the view.

use super::super::scene::Scene;
use super::super::scene::ask::Tally;
use super::super::scene::view::View;
use super::cursor::Cursor;
use crate::owners::PackageId;
use crate::profile::CategoryId;

/// What the list is by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pivot {
    /// Layers, base first.
    #[default]
    Layers,
    /// Categories, the largest first.
    Categories,
    /// Packages, the largest first.
    Owners,
}

impl Pivot {
    /// All, in the order of their keys.
    pub const ALL: [Self; 3] = [Self::Layers, Self::Categories, Self::Owners];

    /// The title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Layers => "Layers",
            Self::Categories => "Categories",
            Self::Owners => "Owners",
        }
    }
}

/// What a row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A layer, from 0.
    Layer(usize),
    /// A category.
    Category(CategoryId),
    /// A package; `None` for what belongs to none.
    Owner(Option<PackageId>),
}

/// A row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListRow {
    /// What it stands for.
    pub of: Of,
    /// What the view has of it.
    pub tally: Tally,
}

/// The list.
#[derive(Debug, Default)]
pub struct List {
    /// What it is by.
    pub pivot: Pivot,
    /// The rows.
    pub rows: Vec<ListRow>,
    /// The selected row.
    pub cursor: Cursor,
    /// Where the cursors of the others were left.
    left_at: [usize; 3],
}

impl List {
    /// What the selected row stands for.
    pub fn selected(&self) -> Option<Of> {
        self.rows.get(self.cursor.at).map(|row| row.of)
    }

    /// The selected layer, also while another list is shown.
    pub fn layer(&self) -> usize {
        match self.selected() {
            Some(Of::Layer(layer)) => layer,
            _ => self.left_at[Pivot::Layers as usize],
        }
    }

    /// Shows another list.
    pub fn turn(&mut self, pivot: Pivot, scene: &Scene, view: &View, height: usize) {
        self.left_at[self.pivot as usize] = self.cursor.at;
        self.pivot = pivot;
        self.rows = rows(pivot, scene, view);
        self.cursor.offset = 0;
        self.cursor
            .set(self.left_at[pivot as usize], self.rows.len(), height);
    }

    /// Makes the rows anew for a view of the same scene; the cursor stays on its row where that is still there.
    pub fn refresh(&mut self, scene: &Scene, view: &View, height: usize) {
        let selected = self.selected();
        self.rows = rows(self.pivot, scene, view);
        if let Some(at) = self.rows.iter().position(|row| Some(row.of) == selected) {
            self.cursor.at = at;
        }
        self.cursor.show(self.rows.len(), height);
    }
}

fn rows(pivot: Pivot, scene: &Scene, view: &View) -> Vec<ListRow> {
    let mut rows: Vec<ListRow> = match pivot {
        Pivot::Layers => {
            let layers = view.layers.iter().enumerate();
            return layers
                .map(|(at, &tally)| ListRow {
                    of: Of::Layer(at),
                    tally,
                })
                .collect();
        }
        Pivot::Categories => (0..)
            .zip(&view.categories)
            .map(|(id, &tally)| ListRow {
                of: Of::Category(CategoryId(id)),
                tally,
            })
            .collect(),
        Pivot::Owners => {
            let packages = (0..scene.owners.len() as u32).map(|id| Some(PackageId(id)));
            packages
                .chain([None])
                .zip(&view.owners)
                .map(|(id, &tally)| ListRow {
                    of: Of::Owner(id),
                    tally,
                })
                .collect()
        }
    };
    rows.retain(|row| row.tally.files > 0);
    // Stable: what is equal stays in the order of the catalog or the databases.
    rows.sort_by_key(|row| std::cmp::Reverse((row.tally.weight(), row.tally.files)));
    rows
}
