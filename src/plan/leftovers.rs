//! What a plan takes, as a layer over what it leaves: applied on the slim image it shows the original again.
//!
//! A module of its own because it is a layer of what goes, where every other is one of what stays. It holds the removed
//! paths and, of changed files, the old bodies. An inode of which some names go is there with all its names: a link into a
//! layer below is read differently by different engines (rule 15a).

use hashbrown::HashSet;

use super::new_layer::sorted_by_path;
use super::{NewLayer, Plan};
use crate::content::{ContentMap, EntryId, Visible};
use crate::layer::{Kind, NodeId};

impl NewLayer {
    /// The layer that puts back what `plan` takes; `None` where nothing can be put back.
    pub fn leftovers(map: &ContentMap, plan: &Plan) -> Option<Self> {
        let back = inodes(map, plan);
        let returns =
            |id: EntryId| map.is_visible(id) && map.inode(id).is_some_and(|inode| back.contains(&inode));
        let mut layer = Self::over(map, 0..map.layer_count());
        layer.place_inodes(map, &returns);
        let named = directories(map, plan, &layer);
        let entry = |node: NodeId| match map.visible(node) {
            Visible::Entry(id) => Some(id),
            _ => None,
        };
        let named = named.into_iter().map(|node| (node, entry(node)));
        layer.directories = sorted_by_path(map, named, |(node, _)| *node);
        layer.measure(map, &Plan::empty(map));
        (!layer.is_empty()).then_some(layer)
    }
}

/// The inodes that lose a name or change, but for directories and for what cannot be written.
fn inodes(map: &ContentMap, plan: &Plan) -> HashSet<EntryId> {
    let removed = plan
        .removals
        .iter()
        .filter_map(|removal| map.inode(removal.entry?));
    let changed = plan.changes.iter().map(|change| change.inode);
    let is_back = |inode: &EntryId| {
        let entry = map.entry(*inode);
        entry.kind != Kind::Directory && !entry.is_zero_device()
    };
    removed.chain(changed).filter(is_back).collect()
}

/// The directories that go, and all that lead to what returns: a parent that no layer names is made by each engine in
/// its own way (rule 7).
fn directories(map: &ContentMap, plan: &Plan, layer: &NewLayer) -> HashSet<NodeId> {
    let is_directory = |node: &NodeId| match map.visible(*node) {
        Visible::Nothing => false,
        Visible::Implied => true,
        Visible::Entry(id) => map.entry(id).kind == Kind::Directory,
    };
    let gone = plan
        .removals
        .iter()
        .map(|removal| removal.node)
        .filter(is_directory);
    let written = layer.written(map).flat_map(|id| {
        let behind = layer.behind(id).iter().copied();
        layer.name_of(id).into_iter().chain(behind)
    });
    let parents = written.filter_map(|id| map.tree().parent(map.entry(id).node));
    let mut named = HashSet::new();
    for node in gone.chain(parents) {
        let mut at = Some(node);
        while let Some(directory) = at.filter(|&node| node != NodeId::ROOT) {
            // A directory is never named without those above it.
            if !named.insert(directory) {
                break;
            }
            at = map.tree().parent(directory);
        }
    }
    named
}
