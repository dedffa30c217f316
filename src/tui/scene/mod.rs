//! What is explored: rows, one for each entry of each layer, with what their bytes are for, and the sums that every view
//! stands on.
//!
//! A module of its own because it is made once, away from the keys, and never changes: state, views and plans share it. Rows
//! are its own, so that an image, a saved report and a comparison of two are looked at in one way; what stands behind
//! them is asked only by what needs it. While an image is read there is one scene after the other, each with more
//! layers; a layer that is not read yet is empty in it.

pub mod ask;
mod facts;
pub mod filter;
mod image;
mod pair;
mod row;
mod saved;
pub mod view;

use std::sync::Arc;

pub use facts::{Became, CategoryFacts, LayerFacts, OwnerFacts};
pub use image::Examined;
pub use row::{Change, Row};

use facts::Sums;
use pair::Pair;

use crate::content::EntryId;
use crate::layer::{Kind, NodeId, PathTree};
use crate::owners::PackageId;
use crate::profile::CategoryId;

/// What is explored.
#[derive(Debug)]
pub struct Scene {
    /// The layers, base first; of two images, those of both in one order.
    pub layers: Vec<LayerFacts>,
    /// The categories, by id.
    pub categories: Vec<CategoryFacts>,
    /// The packages, by id.
    pub owners: Vec<OwnerFacts>,
    rows: Vec<Row>,
    sums: Sums,
    /// Where the rows of each node begin in `of_node`, and one past the last.
    first_of: Vec<u32>,
    of_node: Vec<u32>,
    ground: Ground,
}

/// What stands behind the rows.
#[derive(Debug)]
enum Ground {
    Image(Box<Examined>),
    Saved(Box<PathTree>),
    Pair(Box<Pair>),
}

/// What a scene, or one that is still to come, is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subject {
    /// An image.
    #[default]
    Image,
    /// What was saved of one: there is nothing to read or to write.
    Saved,
    /// Two, of which the second is compared with the first.
    Pair,
}

impl Scene {
    /// Puts rows, which are sorted by layer, onto a ground.
    fn on(ground: Ground, rows: Vec<Row>) -> Self {
        let mut scene = Self {
            layers: Vec::new(),
            categories: Vec::new(),
            owners: Vec::new(),
            rows,
            sums: Sums::default(),
            first_of: Vec::new(),
            of_node: Vec::new(),
            ground,
        };
        (scene.first_of, scene.of_node) = by_node(&scene.rows, scene.tree().len());
        scene
    }

    /// Says of every row what its layer did to its path, by what the layers below had there.
    fn tell_changes(&mut self) {
        for at in 0..self.rows.len() {
            let (node, layer) = (self.rows[at].node, self.rows[at].layer());
            let was_there = self
                .rows_of(node)
                .map(|id| self.row(id))
                .take_while(|other| other.layer() < layer)
                .any(|other| other.hidden_by() == Some(layer));
            self.rows[at].change = match (was_there, layer) {
                (true, _) => Change::Modified,
                (false, 0) => Change::Unmodified,
                (false, _) => Change::Added,
            };
        }
    }

    /// What it is of.
    pub fn subject(&self) -> Subject {
        match self.ground {
            Ground::Image(_) => Subject::Image,
            Ground::Saved(_) => Subject::Saved,
            Ground::Pair(_) => Subject::Pair,
        }
    }

    /// The image, where it is one and nothing else: what can be marked and written.
    pub fn image(&self) -> Option<&Examined> {
        match &self.ground {
            Ground::Image(examined) => Some(examined),
            Ground::Saved(_) | Ground::Pair(_) => None,
        }
    }

    /// The images of a comparison, the old one first.
    pub fn sides(&self) -> Option<&[Arc<Self>; 2]> {
        match &self.ground {
            Ground::Pair(pair) => Some(&pair.sides),
            Ground::Image(_) | Ground::Saved(_) => None,
        }
    }

    /// The paths.
    pub fn tree(&self) -> &PathTree {
        match &self.ground {
            Ground::Image(examined) => examined.map.tree(),
            Ground::Saved(tree) => tree,
            Ground::Pair(pair) => &pair.tree,
        }
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// Every row, base to top.
    pub fn rows(&self) -> impl Iterator<Item = (EntryId, &Row)> {
        (0..).map(EntryId).zip(&self.rows)
    }

    /// A row.
    pub fn row(&self, id: EntryId) -> &Row {
        &self.rows[id.0 as usize]
    }

    /// The rows of a path, base to top.
    pub fn rows_of(&self, node: NodeId) -> impl DoubleEndedIterator<Item = EntryId> + '_ {
        let (from, to) = (self.first_of[node.index()], self.first_of[node.index() + 1]);
        self.of_node[from as usize..to as usize]
            .iter()
            .map(|&id| EntryId(id))
    }

    /// Whether `layer` took away what a row stands for and put nothing in its place.
    pub fn is_removed_by(&self, id: EntryId, layer: usize) -> bool {
        let row = self.row(id);
        row.hidden_by() == Some(layer)
            && row.layer() < layer
            && self
                .rows_of(row.node)
                .all(|other| self.row(other).layer() != layer)
    }

    /// Whether a node is a directory, wherever it is one.
    pub fn is_directory(&self, node: NodeId) -> bool {
        let shown = self.rows_of(node).rev().map(|id| self.row(id));
        let mut shown = shown.filter(|row| row.is_visible).peekable();
        match shown.peek() {
            Some(row) => row.kind == Kind::Directory,
            None => self.tree().children(node).next().is_some(),
        }
    }

    /// The image and the entry behind a row, where there is an image.
    pub fn entry(&self, id: EntryId) -> Option<(&Examined, EntryId)> {
        match &self.ground {
            Ground::Image(examined) => Some((examined, id)),
            Ground::Saved(_) => None,
            Ground::Pair(pair) => {
                let side = &pair.sides[usize::from(!self.row(id).is_old)];
                side.entry(pair.origin(id))
            }
        }
    }

    /// Where a link leads to, as written; empty for what is none, and where it is not known.
    pub fn link(&self, id: EntryId) -> &[u8] {
        let entry = self.entry(id);
        entry.map_or(&[], |(image, id)| image.map.link(id))
    }

    /// The scene of one image that a row is of, and its row there: itself, but for a comparison.
    pub fn behind(self: &Arc<Self>, id: EntryId) -> (Arc<Self>, EntryId) {
        match &self.ground {
            Ground::Pair(pair) => {
                let side = &pair.sides[usize::from(!self.row(id).is_old)];
                (side.clone(), pair.origin(id))
            }
            Ground::Image(_) | Ground::Saved(_) => (self.clone(), id),
        }
    }

    /// Whether every layer is read.
    pub fn is_whole(&self) -> bool {
        self.layers.iter().all(|layer| layer.is_read)
    }

    /// Disk bytes of all layers, shadowed ones too; of a comparison, of the new image.
    pub fn disk(&self) -> u64 {
        match self.sides() {
            Some([_, new]) => new.disk(),
            None => self.layers.iter().map(|layer| layer.disk).sum(),
        }
    }

    /// Bytes of all blobs as stored, or as estimated; likewise.
    pub fn wire(&self) -> u64 {
        match self.sides() {
            Some([_, new]) => new.wire(),
            None => self.layers.iter().map(LayerFacts::compressed).sum(),
        }
    }

    /// Whether [`Scene::wire`] is what a medium stores.
    pub fn is_wire_exact(&self) -> bool {
        match self.sides() {
            Some([_, new]) => new.is_wire_exact(),
            None => self.layers.iter().all(|layer| layer.wire.is_some()),
        }
    }

    /// Visible disk bytes at and below a node, and what they weigh compressed: an estimate. Of an image.
    pub fn visible(&self, node: NodeId) -> (u64, u64) {
        self.sums.nodes.get(node.index()).copied().unwrap_or_default()
    }

    /// Visible disk bytes of a category, and compressed ones. Of an image.
    pub fn of_category(&self, id: CategoryId) -> (u64, u64) {
        self.sums.categories.get(id.index()).copied().unwrap_or_default()
    }

    /// Visible disk bytes of a package, and compressed ones. Of an image.
    pub fn of_package(&self, id: PackageId) -> (u64, u64) {
        self.sums.packages.get(id.0 as usize).copied().unwrap_or_default()
    }

    /// A category.
    pub fn category(&self, id: CategoryId) -> Option<&CategoryFacts> {
        self.categories.get(id.index())
    }

    /// A package.
    pub fn owner(&self, id: PackageId) -> Option<&OwnerFacts> {
        self.owners.get(id.0 as usize)
    }

    /// What a package is called: `kind:name`.
    pub fn package_name(&self, id: PackageId) -> &str {
        self.owner(id).map_or("", |owner| &owner.name)
    }

    /// The absolute path of a node.
    pub fn path(&self, node: NodeId) -> Vec<u8> {
        let mut path = Vec::new();
        self.tree().write_absolute(node, &mut path);
        path
    }
}

/// The rows of every node, base to top: a counting sort.
fn by_node(rows: &[Row], nodes: usize) -> (Vec<u32>, Vec<u32>) {
    let mut first = vec![0_u32; nodes + 1];
    for row in rows {
        first[row.node.index() + 1] += 1;
    }
    for at in 1..first.len() {
        first[at] += first[at - 1];
    }
    let mut next = first.clone();
    let mut of = vec![0; rows.len()];
    for (id, row) in (0..).zip(rows) {
        let at = &mut next[row.node.index()];
        of[*at as usize] = id;
        *at += 1;
    }
    (first, of)
}
