//! What is explored: an image, its content map, what its bytes are for, and the sums that every view stands on.
//!
//! A module of its own because it is made once, away from the keys, and never changes: state, views and plans share it. While
//! an image is read there is one scene after the other, each with more layers; a layer that is not read yet is empty
//! in it.

pub mod filter;
pub mod view;

use std::sync::Arc;

use crate::classify::{Attribution, Classifier};
use crate::content::{ContentMap, EntryId, Visible};
use crate::image::Image;
use crate::layer::{Kind, NodeId};
use crate::owners::PackageId;
use crate::profile::CategoryId;
use crate::report::{inodes, naming_path};

/// What one layer did to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The base layer brought it and nothing was said since.
    Unmodified,
    /// There was nothing at the path.
    Added,
    /// Something was there.
    Modified,
    /// The layer took it away.
    Removed,
}

impl Change {
    /// The word of filters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unmodified => "unmodified",
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Removed => "removed",
        }
    }

    /// The letter before a row.
    pub const fn letter(self) -> char {
        match self {
            Self::Unmodified => ' ',
            Self::Added => 'A',
            Self::Modified => 'M',
            Self::Removed => 'R',
        }
    }
}

/// One layer as the list shows it. Bytes of blobs as stored where the medium stores them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerFacts {
    /// The instruction as its author wrote it.
    pub instruction: String,
    /// Digest of the blob, else the diff id.
    pub digest: String,
    /// Bytes of the blob as stored; `None` where the medium has none.
    pub wire: Option<u64>,
    /// Stored bodies of its regular files.
    pub disk: u64,
    /// Those that the merged image does not show.
    pub shadowed: u64,
    /// The rest of its tar.
    pub framing: u64,
    /// Whether it is read yet.
    pub is_read: bool,
    /// What its visible files count among the bytes of the blob, and all of them.
    weight: u64,
}

/// What is explored.
#[derive(Debug)]
pub struct Scene {
    /// The image.
    pub image: Image,
    /// Every entry of the layers that are read.
    pub map: ContentMap,
    /// The category and the owner of every byte.
    pub attribution: Attribution,
    /// The categories.
    pub classifier: Arc<Classifier>,
    /// The layers, base first.
    pub layers: Vec<LayerFacts>,
    /// Per node: disk bytes that the merged image shows there and below.
    bytes: Vec<u64>,
    /// Per node: the same in bytes as compressed, an estimate.
    wire: Vec<u64>,
    /// Per category: visible disk bytes, compressed ones.
    categories: Vec<(u64, u64)>,
    /// Per package: likewise.
    packages: Vec<(u64, u64)>,
    /// Where the entries of each node begin in `of_node`, and one past the last.
    first_of: Vec<u32>,
    of_node: Vec<u32>,
}

impl Scene {
    /// Sums up an image. `read` says which layers are there; the others' changesets are empty.
    pub fn new(
        image: Image,
        map: ContentMap,
        attribution: Attribution,
        classifier: Arc<Classifier>,
        read: &[bool],
    ) -> Self {
        let (first_of, of_node) = by_node(&map);
        let nodes = map.tree().len();
        let packages = attribution.owners().packages().count();
        let mut scene = Self {
            layers: layers(&image, &map, read),
            bytes: vec![0; nodes],
            wire: vec![0; nodes],
            categories: vec![(0, 0); classifier.catalog().iter().count()],
            packages: vec![(0, 0); packages],
            image,
            map,
            attribution,
            classifier,
            first_of,
            of_node,
        };
        scene.sum();
        scene
    }

    fn sum(&mut self) {
        for inode in inodes(&self.map, &self.attribution) {
            self.layers[inode.layer].weight += inode.weight;
            if !inode.is_visible {
                self.layers[inode.layer].shadowed += inode.bytes;
            }
        }
        let mut totals = Vec::new();
        for inode in inodes(&self.map, &self.attribution).filter(|inode| inode.is_visible) {
            let layer = &self.layers[inode.layer];
            // Where no blob tells, the weight is thousandths of bytes that gzip would make.
            let compressed = layer.wire.unwrap_or(layer.weight / 1000);
            let share = u128::from(inode.weight) * u128::from(compressed);
            let wire = share.checked_div(u128::from(layer.weight)).unwrap_or(0) as u64;
            let node = naming_path(&self.map, &self.attribution, inode.id);
            totals.push((node, inode.category, inode.owner, inode.bytes, wire));
        }
        for (node, category, owner, bytes, wire) in totals {
            self.bytes[node.index()] += bytes;
            self.wire[node.index()] += wire;
            add(self.categories.get_mut(category.index()), bytes, wire);
            add(
                owner.and_then(|id| self.packages.get_mut(id.0 as usize)),
                bytes,
                wire,
            );
        }
        // A parent's id is smaller than those of its children.
        for node in self.map.tree().ids().rev() {
            if let Some(parent) = self.map.tree().parent(node) {
                self.bytes[parent.index()] += self.bytes[node.index()];
                self.wire[parent.index()] += self.wire[node.index()];
            }
        }
    }

    /// Whether every layer is read.
    pub fn is_whole(&self) -> bool {
        self.layers.iter().all(|layer| layer.is_read)
    }

    /// Disk bytes of all layers, shadowed ones too.
    pub fn disk(&self) -> u64 {
        self.layers.iter().map(|layer| layer.disk).sum()
    }

    /// Bytes of all blobs as stored, or as estimated.
    pub fn wire(&self) -> u64 {
        let of = |layer: &LayerFacts| layer.wire.unwrap_or(layer.weight / 1000);
        self.layers.iter().map(of).sum()
    }

    /// Whether [`Scene::wire`] is what a medium stores.
    pub fn is_wire_exact(&self) -> bool {
        self.layers.iter().all(|layer| layer.wire.is_some())
    }

    /// Visible disk bytes at and below a node, and what they weigh compressed: an estimate.
    pub fn visible(&self, node: NodeId) -> (u64, u64) {
        (self.bytes[node.index()], self.wire[node.index()])
    }

    /// Visible disk bytes of a category, and compressed ones.
    pub fn of_category(&self, id: CategoryId) -> (u64, u64) {
        self.categories.get(id.index()).copied().unwrap_or_default()
    }

    /// Visible disk bytes of a package, and compressed ones.
    pub fn of_package(&self, id: PackageId) -> (u64, u64) {
        self.packages.get(id.0 as usize).copied().unwrap_or_default()
    }

    /// The entries of a path, base to top.
    pub fn entries_of(&self, node: NodeId) -> impl DoubleEndedIterator<Item = EntryId> + '_ {
        let (from, to) = (self.first_of[node.index()], self.first_of[node.index() + 1]);
        self.of_node[from as usize..to as usize]
            .iter()
            .map(|&id| EntryId(id))
    }

    /// What the entry's own layer did to its path.
    pub fn change(&self, id: EntryId) -> Change {
        let (layer, node) = (self.map.layer_of(id), self.map.entry(id).node);
        let below = |other: &EntryId| *other < id && self.map.layer_of(*other) < layer;
        // Directories are modified where their entry is replaced too.
        let was_there = self
            .entries_of(node)
            .rfind(below)
            .is_some_and(|other| self.map.hidden_by(other) == Some(layer));
        match (was_there, layer) {
            (true, _) => Change::Modified,
            (false, 0) => Change::Unmodified,
            (false, _) => Change::Added,
        }
    }

    /// Whether `layer` took the entry away and put nothing in its place.
    pub fn is_removed_by(&self, id: EntryId, layer: usize) -> bool {
        self.map.hidden_by(id) == Some(layer)
            && self.map.layer_of(id) < layer
            && self
                .entries_of(self.map.entry(id).node)
                .all(|other| self.map.layer_of(other) != layer)
    }

    /// The category that an entry's bytes go by.
    pub fn category(&self, id: EntryId) -> CategoryId {
        self.attribution.of_inode(self.map.inode(id).unwrap_or(id))
    }

    /// The package that an entry's bytes belong to.
    pub fn owner(&self, id: EntryId) -> Option<PackageId> {
        let inode = self.map.inode(id).unwrap_or(id);
        let node = naming_path(&self.map, &self.attribution, inode);
        self.attribution.owners().owner(node)
    }

    /// Whether an entry is the name of its inode by which its bytes are counted.
    pub fn counts(&self, id: EntryId) -> bool {
        let entry = self.map.entry(id);
        match (entry.kind, self.map.inode(id)) {
            (Kind::Directory, _) | (_, None) => false,
            (_, Some(inode)) => {
                self.map.names(inode).nth(1).is_none()
                    || naming_path(&self.map, &self.attribution, inode) == entry.node
            }
        }
    }

    /// Stored bytes of an entry's inode.
    pub fn size(&self, id: EntryId) -> u64 {
        self.map.inode(id).map_or(0, |inode| self.map.entry(inode).size)
    }

    /// Whether a node is a directory, wherever it is one.
    pub fn is_directory(&self, node: NodeId) -> bool {
        match self.map.visible(node) {
            Visible::Entry(id) => self.map.entry(id).kind == Kind::Directory,
            Visible::Implied => true,
            Visible::Nothing => self.map.tree().children(node).next().is_some(),
        }
    }

    /// The absolute path of a node.
    pub fn path(&self, node: NodeId) -> Vec<u8> {
        let mut path = Vec::new();
        self.map.tree().write_absolute(node, &mut path);
        path
    }

    /// What a package is called: `kind:name`.
    pub fn package_name(&self, id: PackageId) -> String {
        let package = self.attribution.owners().get(id);
        package.map_or_else(String::new, |package| {
            format!("{}:{}", package.manager.as_str(), package.name)
        })
    }
}

fn add(sums: Option<&mut (u64, u64)>, bytes: u64, wire: u64) {
    if let Some(sums) = sums {
        sums.0 += bytes;
        sums.1 += wire;
    }
}

fn layers(image: &Image, map: &ContentMap, read: &[bool]) -> Vec<LayerFacts> {
    let facts = |(at, layer): (usize, &crate::image::Layer)| {
        let sizes = map.sizes(at);
        LayerFacts {
            instruction: crate::report::instruction(&image.created_by(at)),
            digest: layer
                .descriptor()
                .map_or_else(|| layer.diff_id.to_string(), |blob| blob.digest.to_string()),
            wire: layer.descriptor().map(|blob| blob.size),
            disk: sizes.disk,
            shadowed: 0,
            framing: sizes.framing,
            is_read: read.get(at).copied().unwrap_or(false),
            weight: 0,
        }
    };
    let layers = image.layers.iter().take(map.layer_count()).enumerate();
    layers.map(facts).collect()
}

/// The entries of every node, base to top: a counting sort.
fn by_node(map: &ContentMap) -> (Vec<u32>, Vec<u32>) {
    let mut first = vec![0_u32; map.tree().len() + 1];
    for id in map.entries() {
        first[map.entry(id).node.index() + 1] += 1;
    }
    for at in 1..first.len() {
        first[at] += first[at - 1];
    }
    let mut next = first.clone();
    let mut of = vec![0; map.entry_count()];
    for id in map.entries() {
        let at = &mut next[map.entry(id).node.index()];
        of[*at as usize] = id.0;
        *at += 1;
    }
    (first, of)
}
