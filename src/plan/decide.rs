//! Which paths go: globs by hand, categories, and the safety net that refuses (rules 23–31).

use super::directories::Emptied;
use super::selection::{Rule, Selection};
use super::startup::Starters;
use super::{Asked, Plan, Refusal, Removal, mounts, packages, spare};
use crate::classify::{Attribution, Classifier};
use crate::content::{ContentMap, EntryId, Visible};
use crate::layer::{Kind, NodeId};
use crate::profile::{Band, CategoryId, Safety};

/// What was decided of one visible path that is no directory.
pub(super) struct Wanted {
    pub(super) id: EntryId,
    pub(super) category: Option<CategoryId>,
    /// The package that it goes with, by its place in the plan's list.
    pub(super) package: Option<u32>,
    pub(super) rule: String,
    pub(super) asked: Asked,
    /// Whether a symlink that stays and leads here stops the removal (rule 29a).
    pub(super) yields: bool,
}

/// Bytes of the warnings about links that dangle at most: a path of 64 KiB may be told of a million times.
const MAX_WARNING_BYTES: usize = 8 << 20;

pub(super) fn decide(
    map: &ContentMap,
    attribution: &Attribution,
    classifier: &Classifier,
    selection: &Selection,
) -> Plan {
    let mut plan = Plan::empty(map);
    plan.warnings.extend_from_slice(attribution.startup().warnings());
    let mut decider = Decider {
        map,
        attribution,
        classifier,
        selection,
        starters: Starters::new(map, attribution.startup()),
    };
    let mut wanted = zero_devices(map);
    let mut path = Vec::new();
    for id in map
        .entries()
        .filter(|&id| map.is_visible(id) && map.entry(id).kind != Kind::Directory)
    {
        if is_zero_device(map, id) {
            continue;
        }
        map.tree().write_absolute(map.entry(id).node, &mut path);
        match decider.file(id, &path) {
            Decision::Keep => {}
            Decision::Remove(one) => wanted.push(one),
            Decision::Refuse(refusal) => plan.refused.push(refusal),
        }
    }
    wanted.sort_by_key(|one| one.id);
    for one in &wanted {
        plan.removed[map.entry(one.id).node.index()] = true;
    }
    let starters = &mut decider.starters;
    let going = packages::choose(map, attribution, classifier, selection, starters, &mut plan);
    if let Some(going) = &going {
        going.want(&mut wanted, &mut plan);
    }
    let mut emptied = Emptied::new(map, classifier.catalog(), selection, &wanted, starters, &mut plan);
    let spared = spare::link_targets(map, attribution, &mut plan, &wanted, &mut emptied);
    let mut spared = spared.into_iter();
    wanted.retain(|_| !spared.next().unwrap_or(false));
    record(map, &mut plan, &wanted);
    plan.removals.append(&mut emptied.removals(&plan));
    if let Some(going) = going {
        going.finish(selection, &mut decider.starters, &mut plan);
    }
    warn_of_dangling_links(map, &mut plan);
    warn_of_imported_tests(map, attribution, classifier, selection, &mut plan);
    mounts::warn(map, classifier, &mut plan);
    plan
}

/// Devices 0:0 go from every image: written again they would be whiteouts (rule 3).
pub(super) fn zero_devices(map: &ContentMap) -> Vec<Wanted> {
    let devices = map
        .entries()
        .filter(|&id| map.is_visible(id) && is_zero_device(map, id));
    devices
        .map(|id| Wanted {
            id,
            category: None,
            package: None,
            rule: "the device 0:0, which cannot be written".to_owned(),
            asked: Asked::ByProfile,
            yields: false,
        })
        .collect()
}

/// Of a hard link it is the inode that counts.
fn is_zero_device(map: &ContentMap, id: EntryId) -> bool {
    map.entry(map.inode(id).unwrap_or(id)).is_zero_device()
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
    starters: Starters<'a>,
}

impl Decider<'_> {
    fn file(&mut self, id: EntryId, path: &[u8]) -> Decision {
        let label = self.attribution.label(id);
        let is_protected = self
            .classifier
            .category(label.category)
            .is_some_and(|category| category.band == Band::Protected);
        let by_hand = |rule: String| Wanted {
            id,
            category: None,
            package: None,
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
                    chain: String::new(),
                    needed_by: Vec::new(),
                    asked: Asked::ByHand,
                })
            }
            Rule::Force(glob) => Decision::Remove(by_hand(glob.as_str().to_owned())),
            Rule::Remove(glob) => self.unless_needed(by_hand(glob.as_str().to_owned())),
            Rule::ByCategory => self.by_category(id),
        }
    }

    /// What starts the container is taken by `--force-path` only.
    fn unless_needed(&mut self, one: Wanted) -> Decision {
        let node = self.map.entry(one.id).node;
        let refusal = self.starters.refusal(node, &one.rule, one.asked);
        refusal.map_or(Decision::Remove(one), Decision::Refuse)
    }

    /// Rule 29a: a category takes regular files only, and of their hard links each by its own path.
    fn by_category(&mut self, id: EntryId) -> Decision {
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
        self.unless_needed(Wanted {
            id,
            category: Some(label.category),
            package: None,
            rule,
            asked: Asked::ByProfile,
            yields,
        })
    }
}

/// Lists the removals; an inode's bytes go with the first of its names, once all visible ones go.
pub(super) fn record(map: &ContentMap, plan: &mut Plan, wanted: &[Wanted]) {
    let mut seen = hashbrown::HashSet::new();
    for one in wanted {
        let node = map.entry(one.id).node;
        let inode = map.inode(one.id).unwrap_or(one.id);
        // Every name of an inode gives the same answer: it is asked once.
        let goes_whole = seen.insert(inode)
            && map
                .names(inode)
                .filter(|&name| map.is_visible(name))
                .all(|name| plan.removes(map.entry(name).node));
        let bytes = if goes_whole { map.entry(inode).size } else { 0 };
        let (category, rule) = (one.category, one.rule.clone());
        plan.removals.push(Removal {
            node,
            entry: Some(one.id),
            category,
            package: one.package,
            rule,
            bytes,
        });
    }
}

/// Rule 31: a link that dangles because of us is always listed, also where only something on its way goes.
pub(super) fn warn_of_dangling_links(map: &ContentMap, plan: &mut Plan) {
    let (mut dropped, mut bytes) = (0_u64, 0);
    for link in spare::kept_links(map, plan) {
        let path = map.tree().path(link);
        let Some(way) = map.way(&path) else { continue };
        let Some(gone) = way.iter().rfind(|&&node| plan.removes(node)) else {
            continue;
        };
        if bytes > MAX_WARNING_BYTES {
            dropped += 1;
            continue;
        }
        let shown = String::from_utf8_lossy(&map.tree().path(*gone)).into_owned();
        let message = if way.last() == Some(gone) {
            format!("its target `/{shown}` is removed; the symlink stays")
        } else {
            format!("it leads through `/{shown}`, which is removed; the symlink stays")
        };
        bytes += path.len() + message.len();
        plan.warn("dangling-symlink", path, message);
    }
    if dropped > 0 {
        let message = format!("{dropped} more symlinks that dangle are left out");
        plan.warn("more-warnings", Vec::new(), message);
    }
}

/// Tests that were asked for and stay as something imports them.
fn warn_of_imported_tests(
    map: &ContentMap,
    attribution: &Attribution,
    classifier: &Classifier,
    selection: &Selection,
    plan: &mut Plan,
) {
    let mut bytes = 0;
    for spared in attribution.spared() {
        let Some(category) = classifier
            .category(spared.category)
            .filter(|_| selection.removes(spared.category))
        else {
            continue;
        };
        let path = map.tree().path(spared.node);
        let importer = String::from_utf8_lossy(&map.path(spared.importer)).into_owned();
        let message = if spared.node == NodeId::ROOT {
            format!(
                "files import more than is followed, `/{importer}` among them; no `{}` are removed",
                category.name
            )
        } else {
            format!("stays: `/{importer}` imports it ({})", category.name)
        };
        bytes += path.len() + message.len();
        if bytes > MAX_WARNING_BYTES {
            return;
        }
        plan.warn("test-directory-imported", path, message);
    }
}

/// Whether a path shows a directory.
pub(super) fn is_directory(map: &ContentMap, node: NodeId) -> bool {
    match map.visible(node) {
        Visible::Nothing => false,
        Visible::Implied => true,
        Visible::Entry(id) => map.entry(id).kind == Kind::Directory,
    }
}
