//! What symlinks that stay lead to is not taken by a safe category (rule 29a).
//!
//! A module of its own because it is the one part of a plan that feeds on itself: what is spared keeps its directories,
//! and with them the way of other links, whose targets are spared in turn. Work is done for what changed and nothing
//! else, so that no chain of links makes it slow (rule 32).

use hashbrown::{HashMap, HashSet};

use super::decide::Wanted;
use super::directories::Emptied;
use super::{Plan, Refusal};
use crate::classify::Attribution;
use crate::content::{ContentMap, EntryId, Visible};
use crate::layer::{Kind, NodeId};
use crate::profile::CategoryId;

/// How often one link's way is looked at again. Each time another of the directories on it has come back; past this the
/// way is taken to be whole, which only spares more.
const MAX_LOOKS: u8 = 16;

/// Takes back the removals that links need, with the directories that held them, and lists them as refused. Gives for
/// each of `wanted` whether it was spared.
pub(super) fn link_targets(
    map: &ContentMap,
    attribution: &Attribution,
    plan: &mut Plan,
    wanted: &[Wanted],
    emptied: &mut Emptied<'_>,
) -> Vec<bool> {
    let links: Vec<NodeId> = kept_links(map, plan).collect();
    let mut sparing = Sparing {
        map,
        attribution,
        links,
        category: wanted.iter().map(|one| one.category).collect(),
        taking: wanted.iter().filter_map(|one| one.category).collect(),
        looked: HashSet::new(),
        wanted: wanted
            .iter()
            .enumerate()
            .filter(|(_, one)| one.yields)
            .map(|(at, one)| (map.entry(one.id).node, at))
            .collect(),
        waiting: HashMap::new(),
        looks: HashMap::new(),
    };
    let mut spared = vec![false; wanted.len()];
    let mut due: Vec<usize> = (0..sparing.links.len()).collect();
    while !due.is_empty() {
        let needed = sparing.needed(plan, &due);
        due.clear();
        for (at, needed_by) in needed {
            let one = &wanted[at];
            let node = map.entry(one.id).node;
            spared[at] = true;
            plan.refused.push(Refusal {
                node,
                rule: one.rule.clone(),
                reason: "a symlink that stays leads to it".to_owned(),
                chain: String::new(),
                needed_by,
                asked: one.asked,
            });
            for back in emptied.spare(at, node, plan) {
                due.extend(sparing.waiting.remove(&back).unwrap_or_default());
            }
        }
        due.sort_unstable();
    }
    spared
}

/// Every visible symlink that stays, hard links to symlinks too, in entry order.
pub(super) fn kept_links(map: &ContentMap, plan: &Plan) -> impl Iterator<Item = NodeId> + use<> {
    let is_symlink = |id| {
        map.inode(id)
            .is_some_and(|inode| map.entry(inode).kind == Kind::Symlink)
    };
    let links = map
        .entries()
        .filter(|&id| map.is_visible(id) && is_symlink(id))
        .map(|id| map.entry(id).node);
    links
        .filter(|&node| !plan.removes(node))
        .collect::<Vec<_>>()
        .into_iter()
}

struct Sparing<'a> {
    map: &'a ContentMap,
    attribution: &'a Attribution,
    links: Vec<NodeId>,
    /// Beside what is wanted.
    category: Vec<Option<CategoryId>>,
    /// The categories that take anything.
    taking: HashSet<CategoryId>,
    /// What was looked at below directories that links lead to.
    looked: HashSet<(NodeId, CategoryId)>,
    /// What may be spared, by its path.
    wanted: HashMap<NodeId, usize>,
    /// Links whose way is cut off at a directory that may come back.
    waiting: HashMap<NodeId, Vec<usize>>,
    looks: HashMap<usize, u8>,
}

impl Sparing<'_> {
    /// What the links that are `due` need of what goes, and the paths of those that need it; in the order of the plan.
    fn needed(&mut self, plan: &Plan, due: &[usize]) -> Vec<(usize, Vec<Vec<u8>>)> {
        let mut needed: HashMap<usize, Vec<Vec<u8>>> = HashMap::new();
        for &link in due {
            let mut path = Vec::new();
            self.map.tree().write_absolute(self.links[link], &mut path);
            let Some(way) = self.map.way(&path) else { continue };
            let Some((target, passed)) = way.split_last() else {
                continue;
            };
            let file = self.wanted.get(target).filter(|_| plan.removes(*target)).copied();
            let category = self.category_below(*target, self.links[link]);
            if file.is_none() && category.is_none() {
                continue;
            }
            if let Some(directory) = self.cut(plan, *target, passed, link) {
                self.waiting.entry(directory).or_default().push(link);
                continue;
            }
            let below = category.map(|category| self.below(plan, *target, category));
            for at in file.into_iter().chain(below.into_iter().flatten()) {
                needed.entry(at).or_default().push(path.clone());
            }
        }
        let mut needed: Vec<_> = needed.into_iter().collect();
        needed.sort_unstable_by_key(|(at, _)| *at);
        needed
    }

    /// The category of a directory that the link leads to, where the link is of another one: uv may fill an environment
    /// with links into its cache. A link of the same category, such as one directory of documentation to another, needs
    /// nothing.
    fn category_below(&self, directory: NodeId, link: NodeId) -> Option<CategoryId> {
        let label = |node| match self.map.visible(node) {
            Visible::Entry(id) => Some(id),
            _ => None,
        };
        let is_directory = |id: &EntryId| self.map.entry(*id).kind == Kind::Directory;
        let category = |id| self.attribution.label(id).category;
        let own = label(link).map(category);
        label(directory)
            .filter(is_directory)
            .map(category)
            .filter(|category| Some(*category) != own && self.taking.contains(category))
    }

    /// What the category takes of a directory and was not found yet.
    fn below(&mut self, plan: &Plan, directory: NodeId, category: CategoryId) -> Vec<usize> {
        let (mut found, mut open) = (Vec::new(), vec![directory]);
        while let Some(at) = open.pop() {
            if !self.looked.insert((at, category)) {
                continue;
            }
            open.extend(self.map.tree().children(at));
            let wanted = self.wanted.get(&at).filter(|_| plan.removes(at));
            found.extend(wanted.filter(|&&at| self.category[at] == Some(category)));
        }
        found
    }

    /// Where the way to `target` is cut off: at what goes, but for the directories that the target is in, which stay
    /// with it. The last such place: when it comes back, so do those above it.
    fn cut(&mut self, plan: &Plan, target: NodeId, passed: &[NodeId], link: usize) -> Option<NodeId> {
        let mut gone = passed
            .iter()
            .copied()
            .filter(|&node| plan.removes(node))
            .peekable();
        gone.peek()?;
        let tree = self.map.tree();
        let above: HashSet<NodeId> =
            std::iter::successors(tree.parent(target), |&at| tree.parent(at)).collect();
        let cut = gone.rfind(|node| !above.contains(node))?;
        let looks = self.looks.entry(link).or_default();
        *looks += 1;
        (*looks <= MAX_LOOKS).then_some(cut)
    }
}
