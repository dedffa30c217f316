//! Which directories go: contents go, directories stay (rule 23), but where a category owns them whole.

use globset::{Candidate, GlobSet, GlobSetBuilder};
use hashbrown::HashMap;

use super::decide::{Wanted, is_directory};
use super::selection::{Rule, Selection};
use super::startup::Starters;
use super::{Plan, Removal};
use crate::content::{ContentMap, Visible};
use crate::layer::NodeId;
use crate::profile::{Catalog, CategoryId, Directories};

/// A part of the tree that a category owns, directories too: `/app/.git` for `/app/.git/**`.
struct Territory {
    /// What is removed by the category in here, by its place in the list of what is wanted; the first names the rule.
    claims: u32,
    category: Option<CategoryId>,
    rule: String,
}

/// The directories that a plan leaves empty, and that go with what they held.
///
/// A directory goes where everything in it does and it is owned: it lies in the territory of a category with
/// `directories = "remove"` that still removes something there, or a glob given by hand names it.
pub(super) struct Emptied<'a> {
    map: &'a ContentMap,
    territories: HashMap<NodeId, Territory>,
    /// Beside what is wanted: the territory that it claims.
    claimed: Vec<Option<NodeId>>,
    by_hand: HashMap<NodeId, String>,
}

impl<'a> Emptied<'a> {
    /// Finds them and marks them in the plan, in which what is wanted is marked.
    pub(super) fn new(
        map: &'a ContentMap,
        catalog: &Catalog,
        selection: &Selection,
        wanted: &[Wanted],
        starters: &mut Starters<'_>,
        plan: &mut Plan,
    ) -> Self {
        let globs = owned_globs(catalog);
        let mut emptied = Self {
            map,
            territories: HashMap::new(),
            claimed: Vec::with_capacity(wanted.len()),
            by_hand: HashMap::new(),
        };
        let mut tops = HashMap::new();
        for one in wanted {
            let globs = one.category.and_then(|id| Some((id, globs.get(&id)?)));
            let top = globs.and_then(|(id, globs)| top(map, globs, id, map.entry(one.id).node, &mut tops));
            emptied.claimed.push(top);
            if let Some(top) = top {
                let territory = emptied.territories.entry(top).or_insert_with(|| Territory {
                    claims: 0,
                    category: one.category,
                    rule: one.rule.clone(),
                });
                territory.claims += 1;
            }
        }
        emptied.mark(selection, starters, plan);
        emptied
    }

    /// Marks what goes. Children have greater ids than their parents: forwards for who owns what, backwards for what is
    /// left in it.
    fn mark(&mut self, selection: &Selection, starters: &mut Starters<'_>, plan: &mut Plan) {
        let tree = self.map.tree();
        let mut owned = vec![false; tree.len()];
        for node in tree.ids().skip(1) {
            let above = tree.parent(node).is_some_and(|parent| owned[parent.index()]);
            owned[node.index()] = above || self.territories.contains_key(&node);
        }
        let mut holds_any = vec![false; tree.len()];
        for node in tree.ids().skip(1).collect::<Vec<_>>().into_iter().rev() {
            let is_kept = if is_directory(self.map, node) {
                if let Some(rule) = by_hand(self.map, selection, node) {
                    self.by_hand.insert(node, rule);
                    owned[node.index()] = true;
                }
                let goes = owned[node.index()] && !holds_any[node.index()];
                let refusal = goes
                    .then(|| starters.directory(selection, node, &self.by_hand))
                    .flatten();
                plan.removed[node.index()] = goes && refusal.is_none();
                plan.refused.extend(refusal);
                !plan.removed[node.index()]
            } else {
                self.map.visible(node) != Visible::Nothing && !plan.removes(node)
            };
            if let Some(parent) = tree.parent(node) {
                holds_any[parent.index()] |= is_kept;
            }
        }
    }

    /// Takes back the removal `at` of what is wanted, of the path `node`: gives the directories that come back, its own
    /// and those that nobody owns any more.
    pub(super) fn spare(&mut self, at: usize, node: NodeId, plan: &mut Plan) -> Vec<NodeId> {
        let mut back = Vec::new();
        plan.removed[node.index()] = false;
        self.restore_above(node, plan, &mut back);
        let Some(top) = self.claimed[at] else { return back };
        let Some(territory) = self.territories.get_mut(&top) else {
            return back;
        };
        territory.claims -= 1;
        if territory.claims == 0 {
            self.territories.remove(&top);
            self.restore_disowned(top, plan, &mut back);
        }
        back
    }

    /// The directories above `node` are no longer empty.
    fn restore_above(&self, node: NodeId, plan: &mut Plan, back: &mut Vec<NodeId>) {
        let tree = self.map.tree();
        let mut at = tree.parent(node);
        while let Some(directory) = at.filter(|&directory| plan.removes(directory)) {
            plan.removed[directory.index()] = false;
            back.push(directory);
            at = tree.parent(directory);
        }
    }

    /// What only the territory at `top` owned has no reason to go.
    fn restore_disowned(&self, top: NodeId, plan: &mut Plan, back: &mut Vec<NodeId>) {
        let tree = self.map.tree();
        if std::iter::successors(tree.parent(top), |&at| tree.parent(at))
            .any(|at| self.territories.contains_key(&at))
        {
            return;
        }
        let mut stack = vec![top];
        while let Some(directory) = stack.pop() {
            if self.territories.contains_key(&directory) {
                continue;
            }
            if plan.removes(directory) && !self.by_hand.contains_key(&directory) {
                plan.removed[directory.index()] = false;
                back.push(directory);
                self.restore_above(directory, plan, back);
            }
            stack.extend(
                tree.children(directory)
                    .filter(|&child| is_directory(self.map, child)),
            );
        }
    }

    /// What is to be listed of it.
    pub(super) fn removals(&self, plan: &Plan) -> Vec<Removal> {
        let tree = self.map.tree();
        let mut owners: Vec<Option<NodeId>> = vec![None; tree.len()];
        let mut removals = Vec::new();
        for node in tree.ids().skip(1) {
            let above = tree.parent(node).and_then(|parent| owners[parent.index()]);
            owners[node.index()] = above.or_else(|| self.territories.contains_key(&node).then_some(node));
            if !plan.removes(node) || !is_directory(self.map, node) {
                continue;
            }
            let territory = owners[node.index()].and_then(|top| self.territories.get(&top));
            let (category, rule) = match (self.by_hand.get(&node), territory) {
                (Some(rule), _) => (None, rule.clone()),
                (None, Some(territory)) => (territory.category, territory.rule.clone()),
                (None, None) => continue,
            };
            let entry = match self.map.visible(node) {
                Visible::Entry(id) => Some(id),
                _ => None,
            };
            removals.push(Removal {
                node,
                entry,
                category,
                package: None,
                rule,
                bytes: 0,
            });
        }
        removals
    }
}

/// The highest directory above `node` up to which the category's globs cover them all. `known` remembers it for each
/// directory, so that every one is asked once.
fn top(
    map: &ContentMap,
    globs: &GlobSet,
    category: CategoryId,
    node: NodeId,
    known: &mut HashMap<(CategoryId, NodeId), Option<NodeId>>,
) -> Option<NodeId> {
    let tree = map.tree();
    let (mut at, mut inside, mut climbed) = (tree.parent(node), Vec::new(), Vec::new());
    let mut found = None;
    while let Some(directory) = at.filter(|&directory| directory != NodeId::ROOT) {
        if let Some(top) = known.get(&(category, directory)) {
            found = *top;
            break;
        }
        climbed.push(directory);
        // `/app/.git/**` covers everything in /app/.git: that directory is the category's, /app is not.
        tree.write_absolute(directory, &mut inside);
        inside.extend(b"/.");
        if !globs.is_match_candidate(&Candidate::from_bytes(&inside)) {
            known.insert((category, directory), None);
            climbed.pop();
            break;
        }
        at = tree.parent(directory);
    }
    for directory in climbed.into_iter().rev() {
        found = found.or(Some(directory));
        known.insert((category, directory), found);
    }
    found
}

/// The globs of every category that takes directories too, compiled once.
fn owned_globs(catalog: &Catalog) -> HashMap<CategoryId, GlobSet> {
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

/// The glob given by hand that names a directory.
fn by_hand(map: &ContentMap, selection: &Selection, node: NodeId) -> Option<String> {
    if !selection.names_paths() {
        return None;
    }
    let mut path = Vec::new();
    map.tree().write_absolute(node, &mut path);
    match selection.rule(&path) {
        Rule::Force(glob) | Rule::Remove(glob) => Some(glob.as_str().to_owned()),
        Rule::Keep(_) | Rule::ByCategory => None,
    }
}
