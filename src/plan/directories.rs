//! Which directories go: contents go, directories stay (rule 23), but where a category owns them whole.

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
    let mut owners: Vec<Option<Owner>> = vec![None; map.tree().len()];
    for one in wanted {
        let node = map.entry(one.id).node;
        if plan.removes(node) && one.category.is_some_and(|id| takes_directories(catalog, id)) {
            claim(map, catalog, node, one, &mut owners);
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

fn takes_directories(catalog: &Catalog, id: CategoryId) -> bool {
    catalog
        .get(id)
        .is_some_and(|category| category.directories == Directories::Remove)
}

/// Marks every directory above `node` that the category's globs cover, and every one below those.
fn claim(map: &ContentMap, catalog: &Catalog, node: NodeId, one: &Wanted, owners: &mut [Option<Owner>]) {
    let Some(category) = one.category.and_then(|id| catalog.get(id)) else {
        return;
    };
    let mut at = map.tree().parent(node);
    if at.is_some_and(|parent| owners[parent.index()].is_some()) {
        return;
    }
    let globs: Vec<_> = category
        .globs
        .iter()
        .filter_map(|glob| Some(glob.compile().ok()?.compile_matcher()))
        .collect();
    let mut top = None;
    while let Some(directory) = at.filter(|&directory| directory != NodeId::ROOT) {
        if owners[directory.index()].is_some() {
            return;
        }
        // `/app/.git/**` covers everything in /app/.git: that directory is the category's, /app is not.
        let inside = [b"/", map.tree().path(directory).as_slice(), b"/."].concat();
        if !globs
            .iter()
            .any(|glob| glob.is_match_candidate(&globset::Candidate::from_bytes(&inside)))
        {
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

/// A directory that a glob given by hand names.
fn by_hand(map: &ContentMap, selection: &Selection, node: NodeId) -> Option<Owner> {
    let path = [b"/", map.tree().path(node).as_slice()].concat();
    match selection.rule(&path) {
        Rule::Force(glob) | Rule::Remove(glob) => Some(Owner {
            category: None,
            rule: glob.as_str().to_owned(),
        }),
        Rule::Keep(_) | Rule::ByCategory => None,
    }
}
