//! What was chosen, as the document of a plan says it: every name, and the same in few words.

use super::model::SelectionRow;
use crate::classify::Classifier;
use crate::plan::Selection;
use crate::profile::{Pattern, SHADOWED, Safety};
use crate::report::build::category_name;

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
