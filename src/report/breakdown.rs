//! Bytes by layer, category, owner and directory, nested in any order.
//!
//! A module of its own because a dimension is one row here: its word, and how an inode is keyed and named.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ReportError;
use super::build::{category_name, owner_name};
use super::inodes::{Inode, naming_path};
use super::json_path;
use super::model::Group;
use crate::classify::{Attribution, Classifier};
use crate::content::ContentMap;
use crate::layer::NodeId;
use crate::owners::{Owners, PackageId};
use crate::profile::CategoryId;

/// How many components a directory of the breakdown has at most: `/usr/lib`, not `/usr/lib/python3`.
const DEPTH: usize = 2;

/// What bytes can be grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// The layer that holds them; the key is its index.
    Layer,
    /// What they are for; the key is the category's name.
    Category,
    /// Which package installed them; the key is `kind:name`, all versions together, or `none`.
    Owner,
    /// Where they are: the first two components of the directory that the file is in (`/usr/lib`, `/etc`, `/`).
    Directory,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Layer, Self::Category, Self::Owner, Self::Directory];
    pub(super) const LIST: &str = "layer, category, owner and directory";

    /// The word in flags and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Layer => "layer",
            Self::Category => "category",
            Self::Owner => "owner",
            Self::Directory => "directory",
        }
    }

    /// The dimensions of a list such as `layer,category`.
    ///
    /// Fails with [`ReportError::UnknownDimension`] or [`ReportError::RepeatedDimension`].
    pub fn list(text: &str) -> Result<Vec<Self>, ReportError> {
        let mut found = Vec::new();
        for word in text.split(',') {
            let dimension: Self = word.parse()?;
            if found.contains(&dimension) {
                return Err(ReportError::RepeatedDimension(dimension.as_str()));
            }
            found.push(dimension);
        }
        Ok(found)
    }
}

impl FromStr for Dimension {
    type Err = ReportError;

    fn from_str(word: &str) -> Result<Self, ReportError> {
        let found = Self::ALL
            .into_iter()
            .find(|dimension| dimension.as_str() == word.trim());
        found.ok_or_else(|| ReportError::UnknownDimension(word.trim().to_owned()))
    }
}

/// Groups inodes by the dimensions, the first one outermost.
pub(super) fn groups(
    map: &ContentMap,
    attribution: &Attribution,
    classifier: &Classifier,
    all: &[Inode],
    by: &[Dimension],
) -> Vec<Group> {
    let names = Names::new(attribution.owners());
    let mut cells: BTreeMap<Vec<u32>, Cell> = BTreeMap::new();
    for inode in all.iter().filter(|_| !by.is_empty()) {
        let key = |dimension: &Dimension| match dimension {
            Dimension::Layer => inode.layer as u32,
            Dimension::Category => u32::from(inode.category.0),
            Dimension::Owner => names.key(inode.owner),
            Dimension::Directory => directory(map, naming_path(map, attribution, inode.id)).0,
        };
        let cell = cells.entry(by.iter().map(key).collect()).or_default();
        cell.files += 1;
        cell.disk += inode.bytes;
        cell.visible += if inode.is_visible { inode.bytes } else { 0 };
    }
    let cells: Vec<(Vec<u32>, Cell)> = cells.into_iter().collect();
    let name = |dimension: Dimension, key: u32| match dimension {
        Dimension::Layer => key.to_string(),
        Dimension::Category => category_name(classifier, CategoryId(key as u16)),
        Dimension::Owner => names.name(key),
        Dimension::Directory => json_path(&map.tree().path(NodeId(key))),
    };
    nest(&cells, by, 0, &name)
}

/// The names of packages as keys: all versions of a package have the number of the first one.
struct Names<'a> {
    owners: &'a Owners,
    first: Vec<u32>,
}

impl<'a> Names<'a> {
    const NONE: u32 = u32::MAX;

    fn new(owners: &'a Owners) -> Self {
        let mut seen = HashMap::new();
        let first = owners
            .packages()
            .map(|(id, package)| *seen.entry((package.manager, &package.name)).or_insert(id.0));
        Self {
            owners,
            first: first.collect(),
        }
    }

    fn key(&self, owner: Option<PackageId>) -> u32 {
        let first = owner.and_then(|id| self.first.get(id.0 as usize));
        first.copied().unwrap_or(Self::NONE)
    }

    fn name(&self, key: u32) -> String {
        let package = self.owners.get(PackageId(key));
        package.map_or_else(|| "none".to_owned(), owner_name)
    }
}

/// What inodes with the same keys add up to.
#[derive(Default)]
struct Cell {
    files: u64,
    disk: u64,
    visible: u64,
}

/// The groups of `cells`, sorted by key and alike in the first `depth` keys.
fn nest(
    cells: &[(Vec<u32>, Cell)],
    by: &[Dimension],
    depth: usize,
    name: &impl Fn(Dimension, u32) -> String,
) -> Vec<Group> {
    let Some(&dimension) = by.get(depth) else {
        return Vec::new();
    };
    let runs = cells.chunk_by(|(a, _), (b, _)| a[depth] == b[depth]);
    let group = |run: &[(Vec<u32>, Cell)]| Group {
        dimension,
        key: name(dimension, run[0].0[depth]),
        files: run.iter().map(|(_, cell)| cell.files).sum(),
        disk_bytes: run.iter().map(|(_, cell)| cell.disk).sum(),
        visible_bytes: run.iter().map(|(_, cell)| cell.visible).sum(),
        children: nest(run, by, depth + 1, name),
    };
    let mut groups: Vec<Group> = runs.map(group).collect();
    // The sort is stable and the runs are in the order of their keys: layers of the same size stay base first.
    match dimension {
        Dimension::Layer => groups.sort_by_key(|group| Reverse(group.disk_bytes)),
        _ => groups.sort_by(|a, b| (Reverse(a.disk_bytes), &a.key).cmp(&(Reverse(b.disk_bytes), &b.key))),
    }
    groups
}

/// The directory that `node` is in, cut to its first components.
fn directory(map: &ContentMap, node: NodeId) -> NodeId {
    let mut above: Vec<NodeId> =
        std::iter::successors(map.tree().parent(node), |at| map.tree().parent(*at)).collect();
    // Root first.
    above.reverse();
    above.get(DEPTH).or(above.last()).copied().unwrap_or(NodeId::ROOT)
}
