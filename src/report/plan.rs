//! The document of a plan: what would go, why, what stays in spite of being asked for, and what it saves.
//!
//! A module of its own because its keys are a contract of their own: a plan is written by one run of slim and
//! read by another (`--plan FILE`), bound to its source by the digests here. **Files** of a plan are paths that
//! are no directories, each hard link by itself: a path is what a plan removes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::build::category_name;
use super::json_path;
use super::model::{SCHEMA_VERSION, WarningRow};
use super::modes::{Modes, modes};
use super::plan_packages::{PackageRow, package_rows};
use super::suggestions::Suggestions;
use super::wire::{self, Wire};
use crate::classify::Classifier;
use crate::content::ContentMap;
use crate::image::Image;
use crate::layer::Kind;
use crate::plan::{Change, Plan, Refusal, Removal, Selection, Why};
use crate::profile::{CategoryId, PackageSetId, Pattern, SHADOWED, Safety};

/// How many examples a group of removals shows.
const EXAMPLES: usize = 3;

/// What shall go from an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlanDocument {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The image that it is for, and for no other.
    pub source: SourceRow,
    /// What was chosen.
    pub selection: SelectionRow,
    /// Every path that goes: files in entry order, then directories.
    pub removals: Vec<RemovalRow>,
    /// Files that change in place.
    pub changes: Vec<ChangeRow>,
    /// Packages that go whole.
    pub packages: Vec<PackageRow>,
    /// What was asked for and is not done.
    pub refused: Vec<RefusalRow>,
    /// The removals by what asked for them, the largest first, then by name.
    pub groups: Vec<PlanGroup>,
    /// Sums.
    pub totals: PlanTotals,
    /// The sizes of the source.
    pub before: SizesRow,
    /// The sizes of the result, by the way of writing it.
    pub modes: Modes,
    /// Profiles that the image has evidence for; only where a plan is all that is asked for (`slim plan`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestions: Option<Suggestions>,
    /// What would travel; only where a write was asked for and not done (`--dry-run`), and a registry is part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferRow>,
    /// Links that dangle because of the plan, and other things to know.
    pub warnings: Vec<WarningRow>,
}

/// The image that a plan is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SourceRow {
    /// The reference with its transport; not in a list that is attached to a result.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// Digest of the manifest as stored, where the medium has one.
    pub digest: Option<String>,
    /// Digest of the config as stored.
    pub config_digest: String,
    /// Hashes of the uncompressed tars, base first.
    pub diff_ids: Vec<String>,
    /// `os/architecture[/variant]`.
    pub platform: String,
}

/// What profiles and flags chose together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SelectionRow {
    /// The profiles, as named.
    pub profiles: Vec<String>,
    /// The categories and package sets that go, by name, and `shadowed`.
    pub remove: Vec<String>,
    /// The categories of `remove` in few words: a safety where most of its categories go, else names.
    pub remove_words: Vec<String>,
    /// The categories that stay although their safety is one of `remove_words`.
    pub keep_words: Vec<String>,
    /// Packages named by hand.
    pub remove_packages: Vec<String>,
    /// Globs of paths that go.
    pub remove_paths: Vec<String>,
    /// Globs of paths that stay.
    pub keep_paths: Vec<String>,
    /// Globs of paths that go whatever needs them.
    pub force_paths: Vec<String>,
    /// Locales that stay beside those of the image's environment.
    pub locales: Vec<String>,
    /// Whether programs and libraries are stripped.
    pub strip: bool,
}

/// A path that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RemovalRow {
    /// The path.
    pub path: String,
    /// Index of the layer whose entry the path shows; `None` for a directory that no layer names.
    pub layer: Option<usize>,
    /// The category or package set that asked for it; `None` for what was named by hand, and for packages that nothing
    /// else needs.
    pub category: Option<String>,
    /// The glob, or what else asked for it.
    pub rule: String,
    /// Stored bytes that go with it: 0 while another name of the file stays.
    pub bytes: u64,
}

/// A file that changes in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangeRow {
    /// The path.
    pub path: String,
    /// Index of its layer.
    pub layer: usize,
    /// `strip` or `package-rows`.
    pub kind: String,
    /// Bytes before.
    pub old_bytes: u64,
    /// Bytes after.
    pub new_bytes: u64,
    /// Hash of the content before.
    pub old_sha256: String,
    /// Hash of the content after.
    pub new_sha256: String,
}

/// A removal that the safety net refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RefusalRow {
    /// The path.
    pub path: String,
    /// The glob or category that asked for it.
    pub rule: String,
    /// Why not.
    pub reason: String,
    /// The part of the reason that many refusals share, and the rest of it.
    #[serde(skip)]
    pub(super) shared: (String, String),
    /// Paths that need it.
    pub needed_by: Vec<String>,
}

/// The removals of one category or package set, or those asked for by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlanGroup {
    /// The category or package set; `None` for what was named by hand, and for packages that nothing else needs.
    pub category: Option<String>,
    /// A few words for people.
    pub title: String,
    /// `safe`, `review` or `risky`; `None` for globs given by hand.
    pub safety: Option<String>,
    /// Paths that go and are no directories.
    pub files: u64,
    /// Directories that go.
    pub directories: u64,
    /// Stored bytes that go.
    pub disk_bytes: u64,
    /// The globs that matched, sorted.
    pub rules: Vec<String>,
    /// The largest of its files.
    pub examples: Vec<Example>,
}

/// One file of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Example {
    /// The path.
    pub path: String,
    /// Stored bytes that go with it.
    pub bytes: u64,
}

/// Sums over a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlanTotals {
    /// Paths that go and are no directories.
    pub files: u64,
    /// Directories that go.
    pub directories: u64,
    /// Stored bytes that go.
    pub disk_bytes: u64,
    /// What those weigh compressed: an estimate.
    pub wire_bytes_estimate: u64,
    /// Files that change in place.
    pub changed_files: u64,
    /// Bytes that those become smaller.
    pub changed_saved_bytes: u64,
}

/// The sizes of an image, before or after.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SizesRow {
    /// Layers.
    pub layers: u64,
    /// Bytes of the uncompressed tars.
    pub uncompressed_bytes: u64,
    /// Stored bodies of regular files.
    pub disk_bytes: u64,
    /// Compressed bytes, where blobs are there to be counted.
    pub wire_bytes: Option<u64>,
    /// Compressed bytes: as counted, else an estimate.
    pub wire_bytes_estimate: u64,
}

/// What a write would move; blobs of layers, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TransferRow {
    /// Layers that would be fetched from the source's registry.
    pub down_layers: u64,
    /// Their bytes.
    pub down_bytes: u64,
    /// Bytes of layers that are read and lie in the cache.
    pub cached_bytes: u64,
    /// Layers that would be sent to the target's registry.
    pub up_layers: u64,
    /// Their bytes: an estimate where they are yet to be made.
    pub up_bytes_estimate: u64,
    /// Bytes of layers that the registry takes from the source's repository by itself.
    pub mounted_bytes: u64,
    /// Bytes of layers that the target's repository has already.
    pub skipped_bytes: u64,
}

impl PlanDocument {
    /// Tells what `plan`, which `selection` led to, means for `image`; `map` holds its layers, and `base` is how many
    /// of them are the base image's, where that is known.
    pub fn new(
        image: &Image,
        map: &ContentMap,
        plan: &Plan,
        classifier: &Classifier,
        selection: &Selection,
        base: Option<usize>,
    ) -> Self {
        let wire = Wire::new(image, map);
        Self {
            schema_version: SCHEMA_VERSION,
            source: source(image),
            selection: chosen(selection, classifier),
            removals: removal_rows(map, plan, classifier),
            changes: change_rows(map, plan),
            packages: package_rows(plan, classifier),
            refused: plan
                .refused
                .iter()
                .map(|refusal| refusal_row(map, refusal))
                .collect(),
            groups: groups(map, plan, classifier),
            totals: totals(map, plan, &wire),
            before: before(map, &wire),
            modes: modes(map, plan, base, &wire),
            suggestions: None,
            transfer: None,
            warnings: plan.warnings.iter().map(WarningRow::from).collect(),
        }
    }

    /// The same with what would travel.
    #[must_use]
    pub fn with_transfer(self, transfer: Option<TransferRow>) -> Self {
        Self { transfer, ..self }
    }

    /// The same with suggestions.
    #[must_use]
    pub fn with(self, suggestions: Suggestions) -> Self {
        Self {
            suggestions: Some(suggestions),
            ..self
        }
    }
}

pub(super) fn source(image: &Image) -> SourceRow {
    SourceRow {
        reference: image.name.reference.clone(),
        digest: image.digest().map(ToString::to_string),
        config_digest: image.config.id().to_string(),
        diff_ids: image
            .layers
            .iter()
            .map(|layer| layer.diff_id.to_string())
            .collect(),
        platform: image.platform().to_string(),
    }
}

pub(super) fn chosen(selection: &Selection, classifier: &Classifier) -> SelectionRow {
    let choice = selection.choice();
    let mut remove: Vec<String> = choice
        .categories()
        .map(|id| category_name(classifier, id))
        .collect();
    let sets = choice
        .package_sets()
        .filter_map(|id| classifier.catalog().set(id));
    remove.extend(sets.map(|set| set.name.clone()));
    remove.extend(choice.removes_shadowed().then(|| SHADOWED.to_owned()));
    remove.sort();
    let (remove_words, keep_words) = words(selection, classifier);
    SelectionRow {
        profiles: choice.profiles.clone(),
        remove,
        remove_words,
        keep_words,
        remove_packages: choice.remove_packages.clone(),
        remove_paths: globs(&choice.remove_paths),
        keep_paths: globs(&choice.keep_paths),
        force_paths: globs(selection.forced()),
        locales: choice.locales.clone(),
        strip: selection.strips(),
    }
}

/// A safety where most of its categories go, less those that stay; else the categories that go by name.
fn words(selection: &Selection, classifier: &Classifier) -> (Vec<String>, Vec<String>) {
    let (mut remove, mut keep) = (Vec::new(), Vec::new());
    for safety in [Safety::Safe, Safety::Review, Safety::Risky] {
        let of_safety = classifier
            .catalog()
            .iter()
            .filter(|(_, category)| category.removable() && category.safety == Some(safety));
        let of_safety = of_safety.map(|(id, category)| (category.name.clone(), selection.removes(id)));
        let sets = classifier
            .catalog()
            .sets()
            .filter(|(_, set)| set.safety == safety);
        let chosen: Vec<_> = selection.choice().package_sets().collect();
        let sets = sets.map(|(id, set)| (set.name.clone(), chosen.contains(&id)));
        let (goes, stays): (Vec<_>, Vec<_>) = of_safety.chain(sets).partition(|(_, goes)| *goes);
        let name = |(name, _): (String, bool)| name;
        if goes.len() > stays.len() {
            remove.push(safety.as_str().to_owned());
            keep.extend(stays.into_iter().map(name));
        } else {
            remove.extend(goes.into_iter().map(name));
        }
    }
    (remove, keep)
}

fn globs(patterns: &[Pattern]) -> Vec<String> {
    patterns
        .iter()
        .map(|pattern| pattern.as_str().to_owned())
        .collect()
}

pub(super) fn removal_rows(map: &ContentMap, plan: &Plan, classifier: &Classifier) -> Vec<RemovalRow> {
    let row = |removal| removal_row(map, plan, classifier, removal);
    plan.removals.iter().map(row).collect()
}

pub(super) fn change_rows(map: &ContentMap, plan: &Plan) -> Vec<ChangeRow> {
    plan.changes
        .iter()
        .map(|change| change_row(map, change))
        .collect()
}

fn removal_row(map: &ContentMap, plan: &Plan, classifier: &Classifier, removal: &Removal) -> RemovalRow {
    RemovalRow {
        path: json_path(&map.tree().path(removal.node)),
        layer: removal.entry.map(|id| map.layer_of(id)),
        category: Asker::of(plan, removal).name(classifier),
        rule: removal.rule.clone(),
        bytes: removal.bytes,
    }
}

fn change_row(map: &ContentMap, change: &Change) -> ChangeRow {
    ChangeRow {
        path: json_path(&map.tree().path(change.node)),
        layer: map.layer_of(change.inode),
        kind: change.kind.as_str().to_owned(),
        old_bytes: change.old_bytes,
        new_bytes: change.new_bytes,
        old_sha256: change.old_digest.hex().to_owned(),
        new_sha256: change.new_digest.hex().to_owned(),
    }
}

fn refusal_row(map: &ContentMap, refusal: &Refusal) -> RefusalRow {
    RefusalRow {
        path: json_path(&map.tree().path(refusal.node)),
        rule: refusal.rule.clone(),
        reason: refusal.why(),
        shared: (refusal.reason.clone(), refusal.chain.clone()),
        needed_by: refusal.needed_by.iter().map(|path| json_path(path)).collect(),
    }
}

fn is_directory(map: &ContentMap, removal: &Removal) -> bool {
    removal
        .entry
        .is_none_or(|id| map.entry(id).kind == Kind::Directory)
}

/// What asked for a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asker {
    Hand,
    Category(CategoryId),
    Set(PackageSetId),
    NamedPackages,
    /// Packages that nothing else needs.
    Freed,
}

impl Asker {
    fn of(plan: &Plan, removal: &Removal) -> Self {
        let package = removal.package.and_then(|at| plan.packages.get(at as usize));
        match (package.map(|package| package.why), removal.category) {
            (Some(Why::Set(id)), _) => Self::Set(id),
            (Some(Why::Named), _) => Self::NamedPackages,
            (Some(Why::Unneeded | Why::Part), _) => Self::Freed,
            (None, Some(id)) => Self::Category(id),
            (None, None) => Self::Hand,
        }
    }

    fn name(self, classifier: &Classifier) -> Option<String> {
        match self {
            Self::Category(id) => Some(category_name(classifier, id)),
            Self::Set(id) => classifier.catalog().set(id).map(|set| set.name.clone()),
            Self::Hand | Self::NamedPackages | Self::Freed => None,
        }
    }

    fn title(self, classifier: &Classifier) -> String {
        let title = match self {
            Self::Category(id) => classifier.category(id).map(|category| category.title.as_str()),
            Self::Set(id) => classifier.catalog().set(id).map(|set| set.title.as_str()),
            Self::Hand => Some("Named by hand"),
            Self::NamedPackages => Some("Packages named by hand"),
            Self::Freed => Some("Packages that nothing else needs"),
        };
        title.unwrap_or_default().to_owned()
    }

    fn safety(self, classifier: &Classifier) -> Option<Safety> {
        match self {
            Self::Category(id) => classifier.category(id)?.safety,
            Self::Set(id) => Some(classifier.catalog().set(id)?.safety),
            Self::Hand | Self::NamedPackages | Self::Freed => None,
        }
    }
}

fn groups(map: &ContentMap, plan: &Plan, classifier: &Classifier) -> Vec<PlanGroup> {
    let mut by_category: BTreeMap<Asker, Vec<&Removal>> = BTreeMap::new();
    for removal in &plan.removals {
        by_category
            .entry(Asker::of(plan, removal))
            .or_default()
            .push(removal);
    }
    let mut groups: Vec<PlanGroup> = by_category
        .into_iter()
        .map(|(asker, removals)| group(map, classifier, asker, &removals))
        .collect();
    groups.sort_by(|a, b| (Reverse(a.disk_bytes), &a.category).cmp(&(Reverse(b.disk_bytes), &b.category)));
    groups
}

fn group(map: &ContentMap, classifier: &Classifier, asker: Asker, removals: &[&Removal]) -> PlanGroup {
    let mut files: Vec<&&Removal> = removals
        .iter()
        .filter(|removal| !is_directory(map, removal))
        .collect();
    let rules: BTreeSet<&str> = removals.iter().map(|removal| removal.rule.as_str()).collect();
    let counts = (files.len() as u64, (removals.len() - files.len()) as u64);
    // Entry order where sizes are equal.
    files.sort_by_key(|removal| Reverse(removal.bytes));
    let example = |removal: &&&Removal| Example {
        path: json_path(&map.tree().path(removal.node)),
        bytes: removal.bytes,
    };
    PlanGroup {
        category: asker.name(classifier),
        title: asker.title(classifier),
        safety: asker.safety(classifier).map(Safety::as_str).map(str::to_owned),
        files: counts.0,
        directories: counts.1,
        disk_bytes: removals.iter().map(|removal| removal.bytes).sum(),
        rules: rules.into_iter().map(str::to_owned).collect(),
        examples: files.iter().take(EXAMPLES).map(example).collect(),
    }
}

fn totals(map: &ContentMap, plan: &Plan, wire: &Wire) -> PlanTotals {
    let totals = plan.totals(map);
    let mut weights = vec![0; map.layer_count()];
    for removal in plan.removals.iter().filter(|removal| removal.bytes > 0) {
        if let Some(inode) = removal.entry.and_then(|id| map.inode(id)) {
            weights[map.layer_of(inode)] += wire::weight(map.entry(inode));
        }
    }
    PlanTotals {
        files: totals.files,
        directories: plan
            .removals
            .iter()
            .filter(|removal| is_directory(map, removal))
            .count() as u64,
        disk_bytes: totals.disk_bytes,
        wire_bytes_estimate: wire.squash(&weights, 0),
        changed_files: plan.changes.len() as u64,
        changed_saved_bytes: plan.changes.iter().map(Change::saved_bytes).sum(),
    }
}

fn before(map: &ContentMap, wire: &Wire) -> SizesRow {
    let sizes = (0..map.layer_count()).map(|layer| map.sizes(layer));
    SizesRow {
        layers: map.layer_count() as u64,
        uncompressed_bytes: sizes.clone().map(crate::layer::LayerSizes::uncompressed).sum(),
        disk_bytes: sizes.map(|sizes| sizes.disk).sum(),
        wire_bytes: wire.exact,
        wire_bytes_estimate: wire.estimate,
    }
}
