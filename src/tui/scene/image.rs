//! A scene of an image: its rows are the entries of its content map.
//!
//! A module of its own because an image is the one source that has everything: what can be read again, marked and written.

use std::sync::Arc;

use super::facts::{CategoryFacts, LayerFacts, OwnerFacts, Sums};
use super::row::Row;
use super::{Ground, Scene};
use crate::classify::{Attribution, Classifier};
use crate::content::{ContentMap, EntryId};
use crate::image::Image;
use crate::layer::Kind;
use crate::report::{inodes, naming_path};

/// An image with all that is known of it.
#[derive(Debug)]
pub struct Examined {
    /// The image.
    pub image: Image,
    /// Every entry of the layers that are read.
    pub map: ContentMap,
    /// The category and the owner of every byte.
    pub attribution: Attribution,
    /// The categories.
    pub classifier: Arc<Classifier>,
}

impl Scene {
    /// Sums up an image. `read` says which layers are there; the others' changesets are empty.
    pub fn new(of: Examined, read: &[bool]) -> Self {
        let Examined {
            image,
            map,
            attribution,
            classifier,
        } = &of;
        let layers = layers(image, map, read);
        let categories = classifier.catalog().iter().map(|(_, category)| category.into());
        let categories: Vec<CategoryFacts> = categories.collect();
        let owners = owners(attribution);
        let rows = rows(map, attribution);
        let mut scene = Self::on(Ground::Image(Box::new(of)), rows);
        (scene.layers, scene.categories, scene.owners) = (layers, categories, owners);
        scene.tell_changes();
        scene.sum();
        scene
    }

    /// Counts what the merged image shows.
    fn sum(&mut self) {
        let Ground::Image(examined) = &self.ground else {
            return;
        };
        let Examined { map, attribution, .. } = &**examined;
        for inode in inodes(map, attribution) {
            self.layers[inode.layer].weight += inode.weight;
            if !inode.is_visible {
                self.layers[inode.layer].shadowed += inode.bytes;
            }
        }
        let mut sums = Sums {
            nodes: vec![(0, 0); map.tree().len()],
            categories: vec![(0, 0); self.categories.len()],
            packages: vec![(0, 0); self.owners.len()],
        };
        for inode in inodes(map, attribution).filter(|inode| inode.is_visible) {
            let layer = &self.layers[inode.layer];
            let share = u128::from(inode.weight) * u128::from(layer.compressed());
            let wire = share.checked_div(u128::from(layer.weight)).unwrap_or(0) as u64;
            let node = naming_path(map, attribution, inode.id);
            let owner = inode.owner.and_then(|id| sums.packages.get_mut(id.0 as usize));
            let of = [
                sums.nodes.get_mut(node.index()),
                sums.categories.get_mut(inode.category.index()),
                owner,
            ];
            for (bytes, compressed) in of.into_iter().flatten() {
                *bytes += inode.bytes;
                *compressed += wire;
            }
        }
        // A parent's id is smaller than those of its children.
        for node in map.tree().ids().rev() {
            if let Some(parent) = map.tree().parent(node) {
                let (bytes, wire) = sums.nodes[node.index()];
                let above = &mut sums.nodes[parent.index()];
                *above = (above.0 + bytes, above.1 + wire);
            }
        }
        self.sums = sums;
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
            framing: sizes.framing,
            is_read: read.get(at).copied().unwrap_or(false),
            ..LayerFacts::default()
        }
    };
    let layers = image.layers.iter().take(map.layer_count()).enumerate();
    layers.map(facts).collect()
}

fn owners(attribution: &Attribution) -> Vec<OwnerFacts> {
    let owners = attribution.owners();
    let facts = owners.packages().map(|(id, package)| OwnerFacts {
        name: format!("{}:{}", package.manager.as_str(), package.name),
        version: package.version.clone(),
        is_installed: owners.is_installed(id),
    });
    facts.collect()
}

fn rows(map: &ContentMap, attribution: &Attribution) -> Vec<Row> {
    let layers = 0..map.layer_count();
    layers
        .flat_map(|layer| map.layer_entries(layer).map(move |id| (layer, id)))
        .map(|(layer, id)| row(map, attribution, layer, id))
        .collect()
}

fn row(map: &ContentMap, attribution: &Attribution, layer: usize, id: EntryId) -> Row {
    let entry = map.entry(id);
    let found = map.inode(id);
    let inode = found.unwrap_or(id);
    let naming = naming_path(map, attribution, inode);
    let mut row = Row::new(entry.node, entry.kind, layer);
    row.size = found.map_or(0, |inode| map.entry(inode).size);
    row.category = attribution.of_inode(inode);
    row.set_owner(attribution.owners().owner(naming));
    row.set_hidden_by(map.hidden_by(id));
    row.is_visible = map.is_visible(id);
    row.has_inode = found.is_some();
    row.counts = entry.kind != Kind::Directory
        && found.is_some()
        && (map.names(inode).nth(1).is_none() || naming == entry.node);
    row
}
