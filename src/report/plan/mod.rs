//! The document of a plan: what would go, why, what stays in spite of being asked for, and what it saves.
//!
//! A folder of its own because its keys are a contract of their own: a plan is written by one run of slim and
//! read by another (`--plan FILE`), bound to its source by the digests here, and a [`PlanList`] of it travels with the result.

mod file;
mod groups;
mod list;
mod model;
mod packages;
mod rows;
mod selection;

use super::model::{SCHEMA_VERSION, WarningRow};
use super::modes::modes;
use super::suggestions::Suggestions;
use super::wire::{self, Wire};
use crate::classify::Classifier;
use crate::content::ContentMap;
use crate::image::Image;
use crate::layer::LayerSizes;
use crate::plan::{Change, Plan, Selection};

pub use file::{PlanFile, PlanFileError, SavedChange, SavedPlan, SavedSelection};
pub use list::PlanList;
pub use model::{
    ChangeRow, Example, PlanDocument, PlanGroup, PlanTotals, RefusalRow, RemovalRow, SelectionRow, SizesRow,
    SourceRow, TransferRow,
};
pub use packages::PackageRow;

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
            source: rows::source(image),
            selection: selection::chosen(selection, classifier),
            removals: rows::removals(map, plan, classifier),
            changes: rows::changes(map, plan),
            packages: packages::rows(plan, classifier),
            refused: rows::refusals(map, plan),
            groups: groups::groups(map, plan, classifier),
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
            .filter(|removal| rows::is_directory(map, removal))
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
        uncompressed_bytes: sizes.clone().map(LayerSizes::uncompressed).sum(),
        disk_bytes: sizes.map(|sizes| sizes.disk).sum(),
        wire_bytes: wire.exact,
        wire_bytes_estimate: wire.estimate,
    }
}
