//! A scene of a saved report: its rows are those of the report's tree.
//!
//! A module of its own because a report has less than an image: sizes, categories, owners and layers of every path, and
//! nothing that could be read, marked or written.

use super::facts::{CategoryFacts, LayerFacts, OwnerFacts, Sums};
use super::row::Row;
use super::{Ground, Scene};
use crate::layer::{Kind, NodeId, PathTree};
use crate::owners::PackageId;
use crate::profile::{Catalog, CategoryId, Safety};
use crate::report::{Report, Tree, bytes_of_json_path};

impl Scene {
    /// What a report tells of an image; `None` where it was saved without its tree. What a category is for stands in
    /// `catalog`.
    pub fn saved(report: &Report, catalog: &Catalog) -> Option<Self> {
        let saved = report.tree.as_ref()?;
        let mut tree = PathTree::default();
        let rows = rows(saved, &mut tree);
        let mut scene = Self::on(Ground::Saved(Box::new(tree)), rows);
        scene.layers = layers(report);
        scene.categories = report
            .categories
            .iter()
            .map(|row| CategoryFacts {
                title: row.title.clone(),
                safety: Safety::ALL
                    .into_iter()
                    .find(|safety| Some(safety.as_str()) == row.safety.as_deref()),
                ..catalog.find(&row.name).map_or_else(
                    || CategoryFacts {
                        name: row.name.clone(),
                        ..CategoryFacts::default()
                    },
                    |(_, category)| category.into(),
                )
            })
            .collect();
        scene.owners = report
            .owners
            .iter()
            .map(|row| OwnerFacts {
                name: format!("{}:{}", row.kind, row.name),
                version: row.version.clone(),
                is_installed: row.installed,
            })
            .collect();
        scene.tell_changes();
        scene.sum_packages();
        Some(scene)
    }

    /// Counts what the merged image shows of each package.
    fn sum_packages(&mut self) {
        let mut packages = vec![(0, 0); self.owners.len()];
        for row in self.rows.iter().filter(|row| row.is_visible && row.counts) {
            let (Some(owner), Some(layer)) = (row.owner(), self.layers.get(row.layer())) else {
                continue;
            };
            let share = u128::from(row.size) * u128::from(layer.compressed());
            let Some(of): Option<&mut (u64, u64)> = packages.get_mut(owner.0 as usize) else {
                continue;
            };
            let wire = share.checked_div(u128::from(layer.disk)).unwrap_or(0) as u64;
            *of = (of.0 + row.size, of.1.saturating_add(wire));
        }
        self.sums = Sums {
            packages,
            ..Sums::default()
        };
    }
}

fn layers(report: &Report) -> Vec<LayerFacts> {
    let totals = &report.totals;
    let facts = |layer: &crate::report::LayerRow| {
        let tar = layer.disk_bytes + layer.framing_bytes;
        let share = tar as f64 / totals.uncompressed_bytes.max(1) as f64;
        LayerFacts {
            instruction: crate::report::instruction(&layer.created_by),
            digest: layer.digest.clone().unwrap_or_else(|| layer.diff_id.clone()),
            wire: layer.wire_bytes,
            disk: layer.disk_bytes,
            shadowed: layer.shadowed_bytes,
            framing: layer.framing_bytes,
            is_read: true,
            weight: (share * totals.wire_bytes_estimate as f64 * 1000.0) as u64,
            became: None,
        }
    };
    report.layers.iter().map(facts).collect()
}

/// A row for each that is in a layer, and for each directory that holds nothing.
fn rows(saved: &Tree, tree: &mut PathTree) -> Vec<Row> {
    // Escaped as paths are; what is not is taken as it stands.
    let decode = |name: &String| bytes_of_json_path(name).unwrap_or_else(|| name.clone().into_bytes());
    let names: Vec<Vec<u8>> = saved.names.iter().map(decode).collect();
    let mut holds = vec![false; saved.len()];
    for parent in saved.parent.iter().flatten() {
        holds[*parent as usize] = true;
    }
    let mut nodes = Vec::with_capacity(saved.len());
    let mut rows = Vec::with_capacity(saved.len());
    for at in 0..saved.len() {
        let node = match saved.parent[at] {
            None => NodeId::ROOT,
            Some(parent) => tree.insert_child(nodes[parent as usize], &names[saved.name[at] as usize]),
        };
        nodes.push(node);
        if !holds[at] {
            rows.push(row(saved, at, node));
        }
    }
    rows
}

fn row(saved: &Tree, at: usize, node: NodeId) -> Row {
    let word = saved.kinds[usize::from(saved.kind[at])].as_str();
    let kind = kind(word);
    let layer = saved.layer[at].unwrap_or(0) as usize;
    let mut row = Row::new(node, kind, layer);
    row.size = saved.bytes[at];
    row.category = CategoryId(saved.category[at].unwrap_or(0) as u16);
    row.set_owner(saved.owner[at].map(PackageId));
    row.is_visible = saved.visible[at] != 0;
    let hidden_by = saved.hidden_by.get(at).copied().flatten();
    row.set_hidden_by(hidden_by.map(|layer| layer as usize));
    row.has_inode = kind != Kind::HardLink || saved.category[at].is_some();
    row.counts = !matches!(kind, Kind::Directory | Kind::HardLink);
    row
}

fn kind(word: &str) -> Kind {
    match word {
        "directory" => Kind::Directory,
        "hard-link" => Kind::HardLink,
        "symlink" => Kind::Symlink,
        "char-device" => Kind::CharDevice,
        "block-device" => Kind::BlockDevice,
        "fifo" => Kind::Fifo,
        _ => Kind::File,
    }
}
