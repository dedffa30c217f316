//! A scene of two images: every path that either shows, with what it became.
//!
//! A module of its own because it stands on two other scenes: paths get one tree, categories and packages one list, layers
//! the order of the comparison. What changed is what the comparison says, so that both say the same.

use std::collections::HashMap;
use std::sync::Arc;

use super::facts::{Became, LayerFacts, OwnerFacts};
use super::row::{Change, Row};
use super::{Ground, Scene};
use crate::content::EntryId;
use crate::layer::{Kind, NodeId, PathTree};
use crate::owners::PackageId;
use crate::profile::CategoryId;
use crate::report::{Diff, DiffLayer, bytes_of_json_path};

/// Two images, path beside path.
#[derive(Debug)]
pub(super) struct Pair {
    /// The paths of both.
    pub(super) tree: PathTree,
    /// The old one, and the new one.
    pub(super) sides: [Arc<Scene>; 2],
    /// Of each row, the one of its side.
    origins: Vec<EntryId>,
}

impl Pair {
    pub(super) fn origin(&self, id: EntryId) -> EntryId {
        self.origins[id.0 as usize]
    }
}

impl Scene {
    /// Lays two images side by side, as `diff` compared them.
    pub fn pair(old: Arc<Self>, new: Arc<Self>, diff: &Diff) -> Self {
        let lists = Lists::new(&old, &new, diff);
        let mut tree = PathTree::default();
        let (mut rows, mut origins) = (Vec::new(), Vec::new());
        let mut shown = Vec::new();
        for (scene, is_old) in [(&old, true), (&new, false)] {
            let nodes = carry(scene, &mut tree);
            shown.push(nodes.iter().flatten().copied().collect::<Vec<_>>());
            for (id, row) in scene.rows().filter(|(_, row)| row.is_visible) {
                let mut row = lists.place(*row, is_old);
                row.node = nodes[row.node.index()].unwrap_or(NodeId::ROOT);
                rows.push(row);
                origins.push(id);
            }
        }
        tell_changes(&mut rows, &tree, diff);
        spare_directories(&mut rows, &shown, tree.len());
        let sides = [old, new];
        let pair = Pair { tree, sides, origins };
        let mut scene = Self::on(Ground::Pair(Box::new(pair)), rows);
        scene.layers = diff.layers.iter().map(layer).collect();
        scene.categories = lists.categories;
        scene.owners = lists.owners;
        scene
    }
}

/// The nodes of what the merged image of a scene shows, in the tree of both, by those of its own.
fn carry(scene: &Scene, tree: &mut PathTree) -> Vec<Option<NodeId>> {
    let own = scene.tree();
    let mut is_there = vec![false; own.len()];
    for (_, row) in scene.rows().filter(|(_, row)| row.is_visible) {
        is_there[row.node.index()] = true;
    }
    // A parent's id is smaller than those of its children.
    for node in own.ids().rev() {
        if let (true, Some(parent)) = (is_there[node.index()], own.parent(node)) {
            is_there[parent.index()] = true;
        }
    }
    let mut nodes = vec![None; own.len()];
    for node in own.ids().filter(|node| is_there[node.index()]) {
        let parent = own.parent(node).and_then(|parent| nodes[parent.index()]);
        nodes[node.index()] =
            Some(parent.map_or(NodeId::ROOT, |parent| tree.insert_child(parent, own.name(node))));
    }
    nodes
}

/// Layers, categories and packages of both, each once.
struct Lists {
    categories: Vec<super::CategoryFacts>,
    owners: Vec<OwnerFacts>,
    /// Of each side, by the side's ids.
    sides: [Numbers; 2],
}

#[derive(Default)]
struct Numbers {
    layers: HashMap<usize, usize>,
    categories: Vec<u16>,
    owners: Vec<u32>,
}

impl Lists {
    fn new(old: &Scene, new: &Scene, diff: &Diff) -> Self {
        let mut sides = [Numbers::default(), Numbers::default()];
        for (at, layer) in diff.layers.iter().enumerate() {
            sides[0].layers.extend(layer.old_index.map(|index| (index, at)));
            sides[1].layers.extend(layer.new_index.map(|index| (index, at)));
        }
        let (mut categories, mut owners) = (Vec::new(), Vec::<OwnerFacts>::new());
        let mut names: [HashMap<String, usize>; 2] = Default::default();
        let mut versions: Vec<[Vec<&str>; 2]> = Vec::new();
        for (at_side, (scene, side)) in [old, new].into_iter().zip(&mut sides).enumerate() {
            for category in &scene.categories {
                let at = *names[0].entry(category.name.clone()).or_insert(categories.len());
                if at == categories.len() {
                    categories.push(category.clone());
                }
                side.categories.push(at as u16);
            }
            for owner in &scene.owners {
                let at = *names[1].entry(owner.name.clone()).or_insert(owners.len());
                if at == owners.len() {
                    owners.push(owner.clone());
                    versions.push(Default::default());
                }
                owners[at].is_installed = owner.is_installed;
                versions[at][at_side].push(&owner.version);
                side.owners.push(at as u32);
            }
        }
        for (owner, versions) in owners.iter_mut().zip(&versions) {
            owner.version = said(versions);
        }
        Self {
            categories,
            owners,
            sides,
        }
    }

    /// A row with the numbers of both.
    fn place(&self, mut row: Row, is_old: bool) -> Row {
        let side = &self.sides[usize::from(!is_old)];
        row.is_old = is_old;
        row.set_hidden_by(None);
        row.set_layer(side.layers.get(&row.layer()).copied().unwrap_or(0));
        let category = side.categories.get(row.category.index()).copied();
        row.category = CategoryId(category.unwrap_or(0));
        let owner = row.owner().and_then(|id| side.owners.get(id.0 as usize));
        row.set_owner(owner.copied().map(PackageId));
        row
    }
}

/// The versions of a package, before and after where they are others; npm has several beside each other.
fn said([old, new]: &[Vec<&str>; 2]) -> String {
    match (old.join(", "), new.join(", ")) {
        (old, new) if old == new || new.is_empty() => old,
        (old, new) if old.is_empty() => new,
        (old, new) => format!("{old} → {new}"),
    }
}

fn layer(layer: &DiffLayer) -> LayerFacts {
    let at = |index: Option<usize>, bytes: Option<u64>| index.map(|index| (index, bytes.unwrap_or(0)));
    LayerFacts {
        instruction: layer.instruction.clone(),
        digest: layer.digest.clone().unwrap_or_else(|| layer.diff_id.clone()),
        wire: layer.new_wire_bytes.or(layer.old_wire_bytes),
        disk: layer.new_disk_bytes.or(layer.old_disk_bytes).unwrap_or(0),
        is_read: true,
        became: Some(Became {
            status: layer.status,
            cause: layer.cause,
            old: at(layer.old_index, layer.old_disk_bytes),
            new: at(layer.new_index, layer.new_disk_bytes),
            transfer: layer.transfer_bytes_estimate,
        }),
        ..LayerFacts::default()
    }
}

/// Says of every row what became of its path.
fn tell_changes(rows: &mut [Row], tree: &PathTree, diff: &Diff) {
    // Of each path, its row on either side.
    let mut sides = vec![[None::<usize>; 2]; tree.len()];
    for (at, row) in rows.iter().enumerate() {
        sides[row.node.index()][usize::from(!row.is_old)] = Some(at);
    }
    let mut is_changed = vec![false; tree.len()];
    for path in diff.paths.iter().filter_map(|row| bytes_of_json_path(&row.path)) {
        if let Some(node) = tree.find(&path) {
            is_changed[node.index()] = true;
        }
    }
    for (pair, mut is_changed) in sides.into_iter().zip(is_changed) {
        if let ([Some(old), Some(new)], false) = (pair, diff.compared_contents) {
            is_changed = looks_changed(&rows[old], &rows[new]);
        }
        let change = match pair {
            [Some(_), None] => Change::Removed,
            [None, _] => Change::Added,
            [Some(_), Some(_)] if is_changed => Change::Modified,
            [Some(_), Some(_)] => Change::Unmodified,
        };
        for at in pair.into_iter().flatten() {
            rows[at].change = change;
        }
    }
}

/// Whether what has one path in both is not the same, where contents are not known: by kind and by size. Of a file's
/// further names a report knows no size.
fn looks_changed(old: &Row, new: &Row) -> bool {
    let kind = |row: &Row| match row.kind {
        Kind::HardLink => Kind::File,
        kind => kind,
    };
    kind(old) != kind(new) || (old.counts && new.counts && old.size != new.size)
}

/// A directory that both show and only one has a row for, because no layer of the other names it or a report does not
/// tell, is in both.
fn spare_directories(rows: &mut [Row], shown: &[Vec<NodeId>], nodes: usize) {
    let mut sides = vec![0_u8; nodes];
    for node in shown.iter().flatten() {
        sides[node.index()] += 1;
    }
    let is_one_sided = |row: &&mut Row| matches!(row.change, Change::Added | Change::Removed);
    for row in rows.iter_mut().filter(is_one_sided) {
        if row.kind == Kind::Directory && sides[row.node.index()] == 2 {
            row.change = Change::Unmodified;
        }
    }
}
