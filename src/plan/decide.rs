//! Which paths go: globs by hand, categories, and the safety net that refuses (rules 23–31).

use super::selection::{Rule, Selection};
use super::{Asked, Plan, Refusal, Removal, directories};
use crate::classify::{Attribution, Classifier};
use crate::content::{ContentMap, EntryId, Visible};
use crate::layer::{Kind, NodeId};
use crate::profile::{Band, CategoryId, Safety};

/// What was decided of one visible path that is no directory.
pub(super) struct Wanted {
    pub(super) id: EntryId,
    pub(super) category: Option<CategoryId>,
    pub(super) rule: String,
    asked: Asked,
    /// Whether a symlink that stays and leads here stops the removal (rule 29a).
    yields: bool,
}

pub(super) fn decide(
    map: &ContentMap,
    attribution: &Attribution,
    classifier: &Classifier,
    selection: &Selection,
) -> Plan {
    let mut plan = Plan::empty(map);
    let decider = Decider {
        map,
        attribution,
        classifier,
        selection,
    };
    let mut wanted = Vec::new();
    let mut path = Vec::new();
    for id in map
        .entries()
        .filter(|&id| map.is_visible(id) && map.entry(id).kind != Kind::Directory)
    {
        // Of a hard link it is the inode that counts.
        if map.entry(map.inode(id).unwrap_or(id)).is_zero_device() {
            // Written again it would be a whiteout (rule 3).
            let rule = "the device 0:0, which cannot be written".to_owned();
            wanted.push(Wanted {
                id,
                category: None,
                rule,
                asked: Asked::ByProfile,
                yields: false,
            });
            continue;
        }
        map.tree().write_absolute(map.entry(id).node, &mut path);
        match decider.file(id, &path) {
            Decision::Keep => {}
            Decision::Remove(one) => wanted.push(one),
            Decision::Refuse(refusal) => plan.refused.push(refusal),
        }
    }
    // What is spared keeps its directories, and with them the way of other links: again until no more is spared.
    let mut directories = loop {
        plan.removed.fill(false);
        for one in &wanted {
            plan.removed[map.entry(one.id).node.index()] = true;
        }
        let emptied = directories::remove_emptied(map, classifier.catalog(), selection, &wanted, &mut plan);
        if !spare_link_targets(map, &mut plan, &mut wanted) {
            break emptied;
        }
    };
    record(map, &mut plan, &wanted);
    plan.removals.append(&mut directories);
    warn_of_dangling_links(map, &mut plan);
    plan
}

enum Decision {
    Keep,
    Remove(Wanted),
    Refuse(Refusal),
}

struct Decider<'a> {
    map: &'a ContentMap,
    attribution: &'a Attribution,
    classifier: &'a Classifier,
    selection: &'a Selection,
}

impl Decider<'_> {
    fn file(&self, id: EntryId, path: &[u8]) -> Decision {
        let label = self.attribution.label(id);
        let is_protected = self
            .classifier
            .category(label.category)
            .is_some_and(|category| category.band == Band::Protected);
        let by_hand = |rule: String| Wanted {
            id,
            category: None,
            rule,
            asked: Asked::ByHand,
            yields: false,
        };
        match self.selection.rule(path) {
            Rule::Keep(_) => Decision::Keep,
            Rule::Remove(glob) if is_protected => {
                let title = self
                    .classifier
                    .category(label.category)
                    .map_or("", |category| category.title.as_str());
                Decision::Refuse(Refusal {
                    node: self.map.entry(id).node,
                    rule: glob.as_str().to_owned(),
                    reason: format!("it is protected ({title}); `--force-path` takes it all the same"),
                    needed_by: Vec::new(),
                    asked: Asked::ByHand,
                })
            }
            Rule::Force(glob) | Rule::Remove(glob) => Decision::Remove(by_hand(glob.as_str().to_owned())),
            Rule::ByCategory => self.by_category(id),
        }
    }

    /// Rule 29a: a category takes regular files only, and of their hard links each by its own path.
    fn by_category(&self, id: EntryId) -> Decision {
        let label = self.attribution.label(id);
        let category = self
            .classifier
            .category(label.category)
            .filter(|category| category.removable());
        let carrier = self.map.inode(id).map(|inode| self.map.entry(inode).kind);
        let Some(category) =
            category.filter(|_| carrier == Some(Kind::File) && self.selection.removes(label.category))
        else {
            return Decision::Keep;
        };
        let rule = self.classifier.glob(label).to_owned();
        let yields = category.safety == Some(Safety::Safe);
        Decision::Remove(Wanted {
            id,
            category: Some(label.category),
            rule,
            asked: Asked::ByProfile,
            yields,
        })
    }
}

/// Rule 29a: what a symlink that stays leads to is not taken by a safe category. Says whether there was any.
fn spare_link_targets(map: &ContentMap, plan: &mut Plan, wanted: &mut Vec<Wanted>) -> bool {
    let mut needed: hashbrown::HashMap<NodeId, Vec<Vec<u8>>> = hashbrown::HashMap::new();
    for (link, way) in kept_links(map, plan) {
        if let Some(target) = spared_target(map, plan, &way) {
            needed.entry(target).or_default().push(absolute(map, link));
        }
    }
    let before = wanted.len();
    wanted.retain(|one| {
        let node = map.entry(one.id).node;
        let Some(needed_by) = needed.get(&node).filter(|_| one.yields) else {
            return true;
        };
        let reason = "a symlink that stays leads to it".to_owned();
        let (rule, asked, needed_by) = (one.rule.clone(), one.asked, needed_by.clone());
        plan.refused.push(Refusal {
            node,
            rule,
            reason,
            needed_by,
            asked,
        });
        false
    });
    wanted.len() < before
}

/// What the plan takes from the end of a link's way; nothing where the way is cut off before. The directories that
/// the target is in stay with it.
fn spared_target(map: &ContentMap, plan: &Plan, way: &[NodeId]) -> Option<NodeId> {
    let (&target, passed) = way.split_last()?;
    let holds_target = |node: NodeId| {
        std::iter::successors(map.tree().parent(target), |&at| map.tree().parent(at)).any(|at| at == node)
    };
    let is_cut = passed
        .iter()
        .any(|&node| plan.removes(node) && !holds_target(node));
    (plan.removes(target) && !is_cut).then_some(target)
}

/// Every visible symlink that stays, hard links to symlinks too, with the way to what it leads to.
fn kept_links<'a>(map: &'a ContentMap, plan: &'a Plan) -> impl Iterator<Item = (NodeId, Vec<NodeId>)> + 'a {
    let is_symlink = |id| {
        map.inode(id)
            .is_some_and(|inode| map.entry(inode).kind == Kind::Symlink)
    };
    let links = map
        .entries()
        .filter(move |&id| map.is_visible(id) && is_symlink(id));
    let kept = links
        .map(|id| map.entry(id).node)
        .filter(|&node| !plan.removes(node));
    kept.filter_map(|node| Some((node, map.way(&map.tree().path(node))?)))
}

/// Lists the removals; an inode's bytes go with the first of its names, once all visible ones go.
fn record(map: &ContentMap, plan: &mut Plan, wanted: &[Wanted]) {
    let mut counted = hashbrown::HashSet::new();
    for one in wanted {
        let node = map.entry(one.id).node;
        let inode = map.inode(one.id).unwrap_or(one.id);
        let goes_whole = map
            .names(inode)
            .filter(|&name| map.is_visible(name))
            .all(|name| plan.removes(map.entry(name).node));
        let bytes = if goes_whole && counted.insert(inode) {
            map.entry(inode).size
        } else {
            0
        };
        let (category, rule) = (one.category, one.rule.clone());
        plan.removals.push(Removal {
            node,
            entry: Some(one.id),
            category,
            rule,
            bytes,
        });
    }
}

/// Rule 31: a link that dangles because of us is always listed, also where only something on its way goes.
fn warn_of_dangling_links(map: &ContentMap, plan: &mut Plan) {
    let dangling = kept_links(map, plan).filter_map(|(link, way)| {
        let gone = way.iter().rfind(|&&node| plan.removes(node))?;
        let shown = String::from_utf8_lossy(&map.tree().path(*gone)).into_owned();
        let message = if way.last() == Some(gone) {
            format!("its target `/{shown}` is removed; the symlink stays")
        } else {
            format!("it leads through `/{shown}`, which is removed; the symlink stays")
        };
        Some((map.tree().path(link), message))
    });
    for (path, message) in dangling.collect::<Vec<_>>() {
        plan.warn("dangling-symlink", path, message);
    }
}

/// The path of a node with a leading slash.
fn absolute(map: &ContentMap, node: NodeId) -> Vec<u8> {
    let mut path = map.tree().path(node);
    path.insert(0, b'/');
    path
}

/// Whether a path shows a directory.
pub(super) fn is_directory(map: &ContentMap, node: NodeId) -> bool {
    match map.visible(node) {
        Visible::Nothing => false,
        Visible::Implied => true,
        Visible::Entry(id) => map.entry(id).kind == Kind::Directory,
    }
}
