//! A [`Report`] out of a content map: every number of it, counted once.
//!
//! Apart from the model so that the contract and the counting are read separately. It may assume that map and
//! attribution are of the image.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use super::advice::advice;
use super::breakdown::{self, Dimension};
use super::findings::findings;
use super::inodes::{Inode, inodes, naming_path};
use super::json_path;
use super::model::{
    CategoryRow, DiveRow, ImageRow, Largest, LayerRow, OwnerRow, Report, SCHEMA_VERSION, Totals, WarningRow,
};
use super::tree::{Places, tree};
use super::unstripped;
use super::wire::Wire;
use crate::classify::{Attribution, Classifier};
use crate::content::ContentMap;
use crate::image::{Image, Manifest};
use crate::owners::{Owners, Package, PackageId};
use crate::plan::{NewLayer, Plan, Selection};
use crate::profile::{CategoryId, Safety};

/// What a report tells beside the sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportOptions {
    /// The dimensions of the breakdown, the outermost first; none for no breakdown.
    pub by: Vec<Dimension>,
    /// How many of the largest files are listed.
    pub largest: usize,
    /// Whether a `.dockerignore` is proposed, and renderings show all of the advice.
    pub advice: bool,
    /// Whether every path is listed.
    pub tree: bool,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            by: Vec::new(),
            largest: 20,
            advice: false,
            tree: false,
        }
    }
}

impl Report {
    /// Counts what `map`, the layers of `image`, holds. The result depends on nothing else.
    pub fn new(
        image: &Image,
        map: &ContentMap,
        attribution: &Attribution,
        classifier: &Classifier,
        options: &ReportOptions,
    ) -> Self {
        let all: Vec<Inode> = inodes(map, attribution).collect();
        let wire = Wire::new(image, map);
        let layers = layers(image, map, &all);
        let safe = Plan::new(
            map,
            attribution,
            classifier,
            &Selection::safe(classifier.catalog()),
        );
        let breakdown = breakdown::groups(map, attribution, classifier, &all, &options.by);
        let (advice, dockerignore) = advice(image, map, classifier, &all);
        let (category_places, categories) = numbered(categories(map, classifier, &wire, &all));
        let (owner_places, owners) = numbered(owners(attribution.owners(), &all));
        let places = Places {
            categories: &category_places,
            owners: &owner_places,
        };
        Self {
            schema_version: SCHEMA_VERSION,
            image: ImageRow::new(image),
            totals: totals(map, &wire, &layers, &safe),
            dive: dive(map),
            layers,
            categories,
            owners,
            largest: largest(map, attribution, classifier, &all, options.largest),
            unstripped: unstripped::sum(map),
            breakdown: (!options.by.is_empty()).then_some(breakdown),
            advice,
            dockerignore: options.advice.then_some(dockerignore),
            findings: findings(map),
            warnings: map
                .warnings()
                .map(|(_, warning)| WarningRow::from(warning))
                .collect(),
            tree: options.tree.then(|| tree(map, attribution, &all, &places)),
        }
    }
}

impl ImageRow {
    /// How documents name `image`.
    pub fn new(image: &Image) -> Self {
        Self {
            reference: image.name.reference.clone(),
            transport: image.name.transport.to_owned(),
            digest: image.digest().map(ToString::to_string),
            platform: image.platform().to_string(),
            media_type: image
                .manifest
                .as_ref()
                .map(Manifest::media_type)
                .map(ToString::to_string),
            config_digest: image.config.id().to_string(),
            created: image.config.created().map(str::to_owned),
        }
    }
}

/// A category's name; every id comes from the classifier that is asked.
pub(super) fn category_name(classifier: &Classifier, id: CategoryId) -> String {
    classifier
        .category(id)
        .map(|category| category.name.clone())
        .unwrap_or_default()
}

/// What a package is called in one word: `kind:name`.
pub(super) fn owner_name(package: &Package) -> String {
    format!("{}:{}", package.manager.as_str(), package.name)
}

fn layers(image: &Image, map: &ContentMap, all: &[Inode]) -> Vec<LayerRow> {
    let mut rows: Vec<LayerRow> = image
        .layers
        .iter()
        .take(map.layer_count())
        .enumerate()
        .map(|(index, layer)| LayerRow {
            index,
            digest: layer.descriptor().map(|descriptor| descriptor.digest.to_string()),
            diff_id: layer.diff_id.to_string(),
            media_type: layer
                .descriptor()
                .map(|descriptor| descriptor.media_type.to_string()),
            created_by: image.created_by(index),
            wire_bytes: layer.descriptor().map(|descriptor| descriptor.size),
            disk_bytes: map.sizes(index).disk,
            framing_bytes: map.sizes(index).framing,
            shadowed_bytes: 0,
            files: 0,
        })
        .collect();
    for inode in all {
        let row = &mut rows[inode.layer];
        row.files += 1;
        row.shadowed_bytes += if inode.is_visible { 0 } else { inode.bytes };
    }
    rows
}

fn totals(map: &ContentMap, wire: &Wire, layers: &[LayerRow], safe: &Plan) -> Totals {
    let sum = |of: fn(&LayerRow) -> u64| layers.iter().map(of).sum::<u64>();
    let (disk_bytes, framing_bytes) = (sum(|row| row.disk_bytes), sum(|row| row.framing_bytes));
    let shadowed_bytes = sum(|row| row.shadowed_bytes);
    let uncompressed_bytes = disk_bytes + framing_bytes;
    let squashed = NewLayer::squash(map, &Plan::empty(map)).uncompressed_bytes;
    Totals {
        layers: layers.len() as u64,
        files: sum(|row| row.files),
        wire_bytes: wire.exact,
        wire_bytes_estimate: wire.estimate,
        disk_bytes,
        framing_bytes,
        uncompressed_bytes,
        visible_bytes: disk_bytes - shadowed_bytes,
        shadowed_bytes,
        reclaimable_bytes: uncompressed_bytes.saturating_sub(squashed),
        removable_bytes: safe.totals(map).disk_bytes,
    }
}

fn dive(map: &ContentMap) -> DiveRow {
    let dive = map.dive();
    DiveRow {
        efficiency: dive.efficiency,
        wasted_bytes: dive.wasted_bytes,
        user_wasted_ratio: dive.user_wasted_ratio,
    }
}

/// Rows, and where the one of each id stands among them.
fn numbered<I: Eq + Hash, R>(rows: Vec<(I, R)>) -> (HashMap<I, u32>, Vec<R>) {
    let mut places = HashMap::with_capacity(rows.len());
    let number = |(at, (id, row)): (usize, (I, R))| {
        places.insert(id, at as u32);
        row
    };
    let rows = rows.into_iter().enumerate().map(number).collect();
    (places, rows)
}

fn categories(
    map: &ContentMap,
    classifier: &Classifier,
    wire: &Wire,
    all: &[Inode],
) -> Vec<(CategoryId, CategoryRow)> {
    #[derive(Default)]
    struct Sum {
        files: u64,
        disk: u64,
        visible: u64,
        weights: Vec<u64>,
    }
    let mut sums: BTreeMap<CategoryId, Sum> = BTreeMap::new();
    for inode in all {
        let sum = sums.entry(inode.category).or_default();
        sum.weights.resize(map.layer_count(), 0);
        sum.files += 1;
        sum.visible += if inode.is_visible { inode.bytes } else { 0 };
        sum.disk += inode.bytes;
        sum.weights[inode.layer] += inode.weight;
    }
    let row = |(id, sum): (CategoryId, Sum)| {
        let category = classifier.category(id)?;
        let row = CategoryRow {
            name: category.name.clone(),
            title: category.title.clone(),
            safety: category.safety.map(Safety::as_str).map(str::to_owned),
            removable: category.removable(),
            files: sum.files,
            disk_bytes: sum.disk,
            visible_bytes: sum.visible,
            wire_bytes_estimate: wire.share(&sum.weights),
        };
        Some((id, row))
    };
    let mut rows: Vec<(CategoryId, CategoryRow)> = sums.into_iter().filter_map(row).collect();
    rows.sort_by(|(_, a), (_, b)| (Reverse(a.disk_bytes), &a.name).cmp(&(Reverse(b.disk_bytes), &b.name)));
    rows
}

/// Every package that is installed, and those that are not and have files left in some layer.
fn owners(owners: &Owners, all: &[Inode]) -> Vec<(PackageId, OwnerRow)> {
    let row = |(id, package): (_, &Package)| {
        (
            id,
            OwnerRow {
                kind: package.manager.as_str().to_owned(),
                name: package.name.clone(),
                version: package.version.clone(),
                arch: package.arch.clone(),
                installed: owners.is_installed(id),
                files: 0,
                disk_bytes: 0,
                visible_bytes: 0,
            },
        )
    };
    let mut rows: Vec<(PackageId, OwnerRow)> = owners.packages().map(row).collect();
    for inode in all {
        let owner = inode.owner.and_then(|id| rows.get_mut(id.0 as usize));
        let Some((_, row)) = owner else { continue };
        row.files += 1;
        row.disk_bytes += inode.bytes;
        row.visible_bytes += if inode.is_visible { inode.bytes } else { 0 };
    }
    rows.retain(|(_, row)| row.installed || row.files > 0);
    let name = |(_, row): &(PackageId, OwnerRow)| {
        let OwnerRow {
            kind,
            name,
            version,
            arch,
            ..
        } = row.clone();
        (Reverse(row.disk_bytes), kind, name, version, arch)
    };
    rows.sort_by_cached_key(name);
    rows
}

fn largest(
    map: &ContentMap,
    attribution: &Attribution,
    classifier: &Classifier,
    all: &[Inode],
    count: usize,
) -> Vec<Largest> {
    let mut order: Vec<&Inode> = all.iter().filter(|inode| inode.bytes > 0).collect();
    // Entry order where sizes are equal.
    order.sort_by_key(|inode| (Reverse(inode.bytes), inode.id));
    let row = |inode: &&Inode| Largest {
        path: json_path(&map.tree().path(naming_path(map, attribution, inode.id))),
        layer: inode.layer,
        category: category_name(classifier, inode.category),
        owner: inode
            .owner
            .and_then(|id| attribution.owners().get(id))
            .map(owner_name),
        bytes: inode.bytes,
        shadowed: !inode.is_visible,
    };
    order.iter().take(count).map(row).collect()
}
