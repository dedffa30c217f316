//! The removals of a plan by what asked for them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::model::{Example, PlanGroup};
use super::rows::is_directory;
use crate::classify::Classifier;
use crate::content::ContentMap;
use crate::plan::{Plan, Removal, Why};
use crate::profile::{CategoryId, PackageSetId, Safety};
use crate::report::build::category_name;
use crate::report::json_path;

/// How many examples a group of removals shows.
const EXAMPLES: usize = 3;

/// What asked for a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asker {
    Hand,
    Category(CategoryId),
    Set(PackageSetId),
    NamedPackages,
    /// Packages that nothing else needs.
    Freed,
}

impl Asker {
    pub(super) fn of(plan: &Plan, removal: &Removal) -> Self {
        let package = removal.package.and_then(|at| plan.packages.get(at as usize));
        match (package.map(|package| package.why), removal.category) {
            (Some(Why::Set(id)), _) => Self::Set(id),
            (Some(Why::Named), _) => Self::NamedPackages,
            (Some(Why::Unneeded | Why::Part), _) => Self::Freed,
            (None, Some(id)) => Self::Category(id),
            (None, None) => Self::Hand,
        }
    }

    pub(super) fn name(self, classifier: &Classifier) -> Option<String> {
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

/// The removals by what asked for them, the largest first, then by name.
pub(super) fn groups(map: &ContentMap, plan: &Plan, classifier: &Classifier) -> Vec<PlanGroup> {
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
