//! The rows of packages that go whole, in the document of a plan.
//!
//! A module of its own because they are a list beside the removals: what a scanner will no longer find.

use serde::Serialize;

use crate::classify::Classifier;
use crate::plan::{GonePackage, Plan, Why};

/// A package that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PackageRow {
    /// `deb`, `apk` or `pypi`; also `npm` and `gem` for what came with one of those.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `named`, `set`, `unneeded` (only packages that go needed it) or `part` (it came with one that goes).
    pub why: String,
    /// The package set that has it, where that is why.
    pub set: Option<String>,
    /// Removed paths that are no directories.
    pub files: u64,
    /// Stored bytes that go with them.
    pub disk_bytes: u64,
}

pub(super) fn rows(plan: &Plan, classifier: &Classifier) -> Vec<PackageRow> {
    let row = |package: &GonePackage| PackageRow {
        kind: package.manager.as_str().to_owned(),
        name: package.name.clone(),
        version: package.version.clone(),
        why: package.why.as_str().to_owned(),
        set: match package.why {
            Why::Set(id) => classifier.catalog().set(id).map(|set| set.name.clone()),
            _ => None,
        },
        files: package.files,
        disk_bytes: package.bytes,
    };
    plan.packages.iter().map(row).collect()
}
