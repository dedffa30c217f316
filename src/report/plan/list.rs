//! The list that travels with a result: what was removed and changed, and nothing that another machine would say
//! differently.
//!
//! A module of its own because it is part of what is written: the same image and selection give the same bytes (rule 16),
//! whatever the image was called. [`PlanFile`](super::PlanFile) reads it as it reads a plan.

use serde::Serialize;

use super::model::{ChangeRow, RemovalRow, SelectionRow, SourceRow};
use super::packages::{self, PackageRow};
use super::{rows, selection as chosen};
use crate::classify::Classifier;
use crate::content::ContentMap;
use crate::image::Image;
use crate::plan::{Plan, Selection};
use crate::report::model::SCHEMA_VERSION;

/// What was removed from an image and changed in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanList {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The image that it was made for, without the name that it had.
    pub source: SourceRow,
    /// What was chosen.
    pub selection: SelectionRow,
    /// Every path that went: files in entry order, then directories.
    pub removals: Vec<RemovalRow>,
    /// Files that changed in place.
    pub changes: Vec<ChangeRow>,
    /// Packages that went whole.
    pub packages: Vec<PackageRow>,
}

impl PlanList {
    /// The list of `plan`, which `selection` led to, for `image`; `map` holds its layers.
    pub fn new(
        image: &Image,
        map: &ContentMap,
        plan: &Plan,
        classifier: &Classifier,
        selection: &Selection,
    ) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            source: SourceRow {
                reference: String::new(),
                ..rows::source(image)
            },
            selection: chosen::chosen(selection, classifier),
            removals: rows::removals(map, plan, classifier),
            changes: rows::changes(map, plan),
            packages: packages::rows(plan, classifier),
        }
    }

    /// Its bytes, as they are attached.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings, numbers and lists: writing them into memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
