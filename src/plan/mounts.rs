//! What goes and can be mounted instead: the directories that a container must be given, named in the plan.
//!
//! A module of its own because it is advice about running, where the rest of a plan is about writing.

use std::collections::BTreeMap;

use super::Plan;
use crate::classify::Classifier;
use crate::content::ContentMap;
use crate::layer::{Kind, NodeId};

/// Directories that are named, and files that are named of each.
const MAX_DIRECTORIES: usize = 50;
const MAX_FILES: usize = 3;

/// Warns of each directory that a category with `volume = true` takes files from.
pub(super) fn warn(map: &ContentMap, classifier: &Classifier, plan: &mut Plan) {
    let mut directories: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
    for removal in &plan.removals {
        let category = removal.category.and_then(|id| classifier.category(id));
        let is_file = removal
            .entry
            .is_some_and(|id| map.entry(id).kind != Kind::Directory);
        if is_file && category.is_some_and(|category| category.volume) {
            let parent = map.tree().parent(removal.node).unwrap_or(NodeId::ROOT);
            directories.entry(parent).or_default().push(removal.node);
        }
    }
    let more = directories.len().saturating_sub(MAX_DIRECTORIES);
    for (directory, files) in directories.into_iter().take(MAX_DIRECTORIES) {
        let name = |node: &NodeId| String::from_utf8_lossy(map.tree().name(*node)).into_owned();
        let mut names: Vec<String> = files.iter().take(MAX_FILES).map(name).collect();
        if files.len() > MAX_FILES {
            names.push(format!("{} more", files.len() - MAX_FILES));
        }
        let message = format!(
            "mount a volume with {} here: the image no longer has it",
            names.join(", ")
        );
        plan.warn("mount-a-volume", map.tree().path(directory), message);
    }
    if more > 0 {
        let message = format!("{more} more directories need a volume");
        plan.warn("mount-a-volume", Vec::new(), message);
    }
}
