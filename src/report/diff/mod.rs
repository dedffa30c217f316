//! The comparison of two images: what changed, what broke the build's cache, and what a client must download.
//!
//! A folder of its own because it is a document of its own, with its model ([`Diff`]), its builder and its formats. A
//! [`Side`] is made of each image, and a [`Diff`] of two sides; nothing here reads an image.

mod align;
mod cache;
mod contents;
mod csv;
mod layers;
mod markdown;
mod model;
mod paths;
pub(super) mod sentence;
mod side;
mod tables;
mod transfer;

#[cfg(test)]
mod tests;

pub use csv::csv;
pub use markdown::{Comment, markdown};
pub(super) use model::delta;
pub use model::{
    BrokeCache, BudgetRow, BudgetState, Cause, Change, Diff, DiffCategory, DiffDirectory, DiffImage,
    DiffLayer, DiffOwner, DiffPath, DiffTotals, LayerChanges, LayerPath, LayerStatus, LayerTally,
    OwnerChange, PathChange, PathTally, RebuiltUnchanged, Transfer,
};
pub use side::Side;

use super::SCHEMA_VERSION;

impl Diff {
    /// Compares two images. The result depends on nothing else.
    pub fn new(old: &Side, new: &Side) -> Self {
        let layers = layers::layers(old, new);
        let broke_cache = cache::broke_cache(old, new, &layers);
        let transfer = transfer::transfer(old, new);
        let paths = paths::paths(old, new);
        let is_new = |layer: usize| {
            let row = layers.iter().find(|row| row.new_index == Some(layer));
            row.is_some_and(|row| row.status != LayerStatus::Reused && !row.is_rebuilt_unchanged())
        };
        let advice = new.report.advice.iter().filter(|row| is_new(row.layer));
        Self {
            schema_version: SCHEMA_VERSION,
            platform: new.report.image.platform.clone(),
            old: Some(old.image()),
            new: Some(new.image()),
            identical: broke_cache.is_none()
                && old.report.layers.len() == new.report.layers.len()
                && old.report.image.config_digest == new.report.image.config_digest
                && transfer.new_blobs == 0,
            compared_contents: old.contents.is_some() && new.contents.is_some(),
            totals: tables::totals(&old.report.totals, &new.report.totals),
            transfer,
            rebuilt_unchanged: cache::rebuilt_unchanged(&layers, broke_cache.as_ref()),
            broke_cache,
            layer_counts: layers::tally(&layers),
            categories: tables::categories(&old.report, &new.report),
            owners: tables::owners(&old.report, &new.report),
            directories: paths::directories(&paths),
            path_counts: paths::tally(&paths),
            paths,
            advice: advice.cloned().collect(),
            layers,
            budgets: Vec::new(),
        }
    }

    /// A platform that one side does not have: nothing is compared, and its image is on the side that has it.
    pub fn one_sided(platform: String, old: Option<DiffImage>, new: Option<DiffImage>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            platform,
            old,
            new,
            identical: false,
            compared_contents: false,
            totals: DiffTotals::default(),
            transfer: Transfer::default(),
            broke_cache: None,
            rebuilt_unchanged: None,
            layer_counts: LayerTally::default(),
            layers: Vec::new(),
            categories: Vec::new(),
            owners: Vec::new(),
            directories: Vec::new(),
            path_counts: PathTally::default(),
            paths: Vec::new(),
            advice: Vec::new(),
            budgets: Vec::new(),
        }
    }
}
