//! Which directories go: contents go, directories stay (rule 23), but where a category owns them whole.

use globset::{Candidate, GlobSet, GlobSetBuilder};
use hashbrown::HashMap;

use super::decide::{Wanted, is_directory};
use super::selection::{Rule, Selection};
use super::{Plan, Removal};
use crate::content::{ContentMap, Visible};
use crate::layer::NodeId;
use crate::profile::{Catalog, CategoryId, Directories};

/// Why a directory may go once nothing is left in it.
#[derive(Clone)]
struct Owner {
    category: Option<CategoryId>,
    rule: String,
}

/// Removes directories that the plan leaves empty, where everything they held went by a rule that takes
/// directories too: a category with `directories = "remove"`, or a glob given by hand that names the directory. Marks
/// them in the plan, and gives what is to be listed.
pub(super) fn remove_emptied(
    map: &ContentMap,
    catalog: &Catalog,
    selection: &Selection,
    wanted: &[Wanted],
    plan: &mut Plan,
) -> Vec<Removal> {
    let territories = territories(catalog);
    let mut owners: Vec<Option<Owner>> = vec![None; map.tree().len()];
    for one in wanted {
        let node = map.entry(one.id).node;
        if let Some(globs) = one
            .category
            .and_then(|id| territories.get(&id))
            .filter(|_| plan.removes(node))
        {
            claim(map, globs, node, one, &mut owners);
        }
    }
    let mut removals = Vec::new();
    // Children have greater ids than their parents: backwards, a directory is met after all it holds.
    for node in map.tree().ids().skip(1).collect::<Vec<_>>().into_iter().rev() {
        if !is_directory(map, node) {
            continue;
        }
        let by_hand = by_hand(map, selection, node);
        let Some(owner) = by_hand.or_else(|| owners[node.index()].take()) else {
            continue;
        };
        let is_empty = map
            .tree()
            .children(node)
            .all(|child| map.visible(child) == Visible::Nothing || plan.removes(child));
        if is_empty {
            plan.removed[node.index()] = true;
            let entry = match map.visible(node) {
                Visible::Entry(id) => Some(id),
                _ => None,
            };
            removals.push(Removal {
                node,
                entry,
                category: owner.category,
                rule: owner.rule,
                bytes: 0,
            });
        }
    }
    removals.reverse();
    removals
}

/// Marks every directory above `node` that the category's globs cover, and every one below those.
fn claim(map: &ContentMap, globs: &GlobSet, node: NodeId, one: &Wanted, owners: &mut [Option<Owner>]) {
    let mut at = map.tree().parent(node);
    let (mut top, mut inside) = (None, Vec::new());
    while let Some(directory) = at.filter(|&directory| directory != NodeId::ROOT) {
        if owners[directory.index()].is_some() {
            return;
        }
        // `/app/.git/**` covers everything in /app/.git: that directory is the category's, /app is not.
        map.tree().write_absolute(directory, &mut inside);
        inside.extend(b"/.");
        if !globs.is_match_candidate(&Candidate::from_bytes(&inside)) {
            break;
        }
        top = Some(directory);
        at = map.tree().parent(directory);
    }
    let Some(top) = top else { return };
    let mut stack = vec![top];
    while let Some(directory) = stack.pop() {
        owners[directory.index()] = Some(Owner {
            category: one.category,
            rule: one.rule.clone(),
        });
        stack.extend(
            map.tree()
                .children(directory)
                .filter(|&child| is_directory(map, child)),
        );
    }
}

/// The globs of every category that takes directories too, compiled once.
fn territories(catalog: &Catalog) -> HashMap<CategoryId, GlobSet> {
    let takers = catalog
        .iter()
        .filter(|(_, category)| category.directories == Directories::Remove);
    let compiled = takers.filter_map(|(id, category)| {
        let mut set = GlobSetBuilder::new();
        for glob in &category.globs {
            set.add(glob.compile().ok()?);
        }
        Some((id, set.build().ok()?))
    });
    compiled.collect()
}

/// A directory that a glob given by hand names.
fn by_hand(map: &ContentMap, selection: &Selection, node: NodeId) -> Option<Owner> {
    if !selection.names_paths() {
        return None;
    }
    let path = [b"/", map.tree().path(node).as_slice()].concat();
    match selection.rule(&path) {
        Rule::Force(glob) | Rule::Remove(glob) => Some(Owner {
            category: None,
            rule: glob.as_str().to_owned(),
        }),
        Rule::Keep(_) | Rule::ByCategory => None,
    }
}
