//! What goes with the packages that go: files, links of alternatives, records, directories, rows.
//!
//! A module of its own because this is where packages become paths again; who goes is decided already.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};

use super::{GonePackage, Why};
use crate::classify::{Attribution, Classifier};
use crate::content::{ContentMap, Visible};
use crate::layer::NodeId;
use crate::owners::{Manager, PackageId};
use crate::packages::{self, Edit, Packages, UnitId};
use crate::plan::decide::{Wanted, is_directory};
use crate::plan::selection::Rule;
use crate::plan::startup::Starters;
use crate::plan::{Asked, Change, Plan, Removal, Selection};

/// Packages on their way out.
pub(in crate::plan) struct Going<'a> {
    map: &'a ContentMap,
    packages: &'a Packages,
    /// Beside the units.
    goes: Vec<bool>,
    list: Vec<GonePackage>,
    /// Beside the list: the rule that their removals show.
    rules: Vec<String>,
    /// Every path that goes and is no directory, with its place in the list.
    nodes: BTreeMap<NodeId, u32>,
    edits: Vec<Edit<'a>>,
}

impl<'a> Going<'a> {
    pub(super) fn new(
        map: &'a ContentMap,
        attribution: &Attribution,
        classifier: &Classifier,
        packages: &'a Packages,
        chosen: &BTreeMap<UnitId, Why>,
    ) -> Self {
        let mut going = Self {
            map,
            packages,
            goes: vec![false; packages.units().len()],
            list: Vec::new(),
            rules: Vec::new(),
            nodes: BTreeMap::new(),
            edits: Vec::new(),
        };
        for (&id, &why) in chosen {
            let unit = packages.unit(id);
            going.goes[id.index()] = true;
            going.add(
                classifier,
                unit.package,
                unit.manager,
                (&unit.name, &unit.version),
                why,
            );
        }
        let at: HashMap<UnitId, u32> = chosen.keys().copied().zip(0..).collect();
        let goes = |id: UnitId| at.contains_key(&id);
        for (id, &at) in &at {
            let unit = packages.unit(*id);
            // A package that stays elsewhere does not keep the copy that another one brought.
            let lets_go = |one: UnitId, node: NodeId| {
                let copies = &packages.unit(one).brought;
                let is_copy =
                    |&(site, whole): &(NodeId, UnitId)| goes(whole) && map.tree().is_within(node, site);
                goes(one) || copies.iter().any(is_copy)
            };
            let all_go = |node: &&NodeId| {
                let claimants = packages.claimants(**node);
                claimants.iter().all(|&one| lets_go(one, **node))
            };
            going.take(unit.files.iter().filter(all_go).chain(&unit.records), at);
        }
        going.take_info(&at);
        for alternative in packages.alternatives().iter().filter(|one| one.goes(&goes)) {
            if let Some(at) = alternative.choices.iter().flatten().find_map(|id| at.get(id)) {
                going.take(&alternative.nodes, *at);
            }
        }
        going.edits = packages::edits(map, packages, &goes);
        let emptied: Vec<NodeId> = going
            .edits
            .iter()
            .filter(|edit| edit.new.is_none())
            .map(|edit| edit.node)
            .collect();
        going.take(&emptied, 0);
        going.take_parts(attribution, classifier);
        going
    }

    fn add(
        &mut self,
        classifier: &Classifier,
        id: PackageId,
        manager: Manager,
        named: (&str, &str),
        why: Why,
    ) {
        let (name, version) = named;
        let because = match why {
            Why::Set(id) => {
                let set = classifier.catalog().set(id);
                format!("set {}", set.map_or("", |set| set.name.as_str()))
            }
            Why::Named => "by hand".to_owned(),
            Why::Unneeded => "nothing else needs it".to_owned(),
            Why::Part => "part of another one".to_owned(),
        };
        self.rules.push(format!("package {name} {version} ({because})"));
        self.list.push(GonePackage {
            package: id,
            manager,
            name: name.to_owned(),
            version: version.to_owned(),
            why,
            files: 0,
            bytes: 0,
        });
    }

    /// The lowest place counts, so that nothing depends on the order of tables.
    fn take<'n>(&mut self, nodes: impl IntoIterator<Item = &'n NodeId>, at: u32) {
        for &node in nodes {
            let is_file =
                matches!(self.map.visible(node), Visible::Entry(_)) && !is_directory(self.map, node);
            if is_file {
                let place = self.nodes.entry(node).or_insert(at);
                *place = at.min(*place);
            }
        }
    }

    /// dpkg's files beside the lists: `NAME.postinst`, `NAME:ARCH.symbols`. The name ends at the last dot.
    fn take_info(&mut self, at: &HashMap<UnitId, u32>) {
        let tree = self.map.tree();
        let info = [&b"var"[..], b"lib", b"dpkg", b"info"];
        let info = info
            .iter()
            .try_fold(NodeId::ROOT, |node, name| tree.find_child(node, name));
        let Some(info) = info else { return };
        let mut stems: HashMap<String, u32> = HashMap::new();
        let of_dpkg = |(_, unit): &(UnitId, &packages::Unit)| unit.manager == Manager::Deb;
        for (id, unit) in self.packages.units().filter(of_dpkg) {
            let arch = unit.arch.as_deref().unwrap_or_default();
            if let Some(&at) = at.get(&id) {
                stems.insert(unit.name.clone(), at);
                stems.insert(format!("{}:{arch}", unit.name), at);
            }
        }
        // Of two architectures the one that stays may have the plain name.
        for (_, unit) in self
            .packages
            .units()
            .filter(of_dpkg)
            .filter(|(id, _)| !at.contains_key(id))
        {
            stems.remove(&unit.name);
        }
        let found: Vec<(NodeId, u32)> = tree
            .children(info)
            .filter_map(|node| {
                let name = String::from_utf8_lossy(tree.name(node)).into_owned();
                let (stem, _) = name.rsplit_once('.')?;
                Some((node, *stems.get(stem)?))
            })
            .collect();
        for (node, at) in found {
            self.take(&[node], at);
        }
    }

    /// Node packages and gems that came with what goes.
    fn take_parts(&mut self, attribution: &Attribution, classifier: &Classifier) {
        let owners = attribution.owners();
        let units: HashSet<PackageId> = self.packages.units().map(|(_, unit)| unit.package).collect();
        let mut parts: BTreeMap<PackageId, bool> = BTreeMap::new();
        for (id, home) in owners.homes().filter(|(id, _)| !units.contains(id)) {
            *parts.entry(id).or_insert(true) &= self.nodes.contains_key(&home);
        }
        for (id, _) in parts.into_iter().filter(|(_, goes)| *goes) {
            if let Some(one) = owners.get(id) {
                self.add(classifier, id, one.manager, (&one.name, &one.version), Why::Part);
            }
        }
    }

    /// Adds the paths that go to those that are wanted, and marks them. What a category wants of a package that goes, goes
    /// with the package.
    pub(in crate::plan) fn want(&self, wanted: &mut Vec<Wanted>, plan: &mut Plan) {
        let mut left = self.nodes.clone();
        for one in wanted.iter_mut() {
            if let Some(at) = left.remove(&self.map.entry(one.id).node) {
                one.category = None;
                one.rule.clone_from(&self.rules[at as usize]);
                one.package = Some(at);
                one.yields = false;
            }
        }
        for (node, at) in left {
            let Visible::Entry(id) = self.map.visible(node) else {
                continue;
            };
            plan.removed[node.index()] = true;
            wanted.push(Wanted {
                id,
                category: None,
                package: Some(at),
                rule: self.rules[at as usize].clone(),
                asked: Asked::ByProfile,
                yields: false,
            });
        }
        wanted.sort_by_key(|one| one.id);
        let refused = std::mem::take(&mut plan.refused).into_iter();
        plan.refused = refused
            .filter(|refusal| refusal.asked != Asked::ByProfile || !self.nodes.contains_key(&refusal.node))
            .collect();
    }

    /// Removes the directories that nothing is left in, changes the databases, and lists the packages.
    pub(in crate::plan) fn finish(
        mut self,
        selection: &Selection,
        starters: &mut Starters<'_>,
        plan: &mut Plan,
    ) {
        self.directories(selection, starters, plan);
        let changes = self.edits.iter().filter_map(|edit| {
            let is_whole = self.map.logical_size(edit.inode) == edit.old.len() as u64;
            let new = edit
                .new
                .clone()
                .filter(|_| is_whole && !plan.removes(edit.node))?;
            Change::package_rows(self.map, edit.inode, edit.old, new)
        });
        let changes: Vec<Change> = changes.collect();
        plan.add_changes(changes);
        for removal in &plan.removals {
            let Some(one) = removal.package.and_then(|at| self.list.get_mut(at as usize)) else {
                continue;
            };
            one.files += u64::from(!is_directory(self.map, removal.node));
            one.bytes += removal.bytes;
        }
        plan.packages = self.list;
    }

    fn directories(&self, selection: &Selection, starters: &mut Starters<'_>, plan: &mut Plan) {
        let tree = self.map.tree();
        let mut owned = packages::listed(self.map, self.packages, &|id| self.goes[id.index()]);
        owned.extend(self.python());
        // What is left of compiled sources is in nobody's list.
        let mut last: HashMap<NodeId, u32> = HashMap::new();
        for (&node, &at) in &self.nodes {
            let Some(parent) = tree.parent(node) else { continue };
            last.entry(parent).or_insert(at);
            if tree.name(parent) == b"__pycache__" {
                owned.insert(parent);
            }
        }
        let mut removals = Vec::new();
        let mut path = Vec::new();
        // Children have greater ids than their parents.
        let mut owned: Vec<NodeId> = owned.into_iter().collect();
        owned.sort_unstable_by(|a, b| b.cmp(a));
        for node in owned {
            let is_kept = |child: NodeId| self.map.visible(child) != Visible::Nothing && !plan.removes(child);
            if plan.removes(node) || node == NodeId::ROOT || tree.children(node).any(is_kept) {
                continue;
            }
            tree.write_absolute(node, &mut path);
            let is_needed = matches!(selection.rule(&path), Rule::Keep(_))
                || starters.refusal(node, "", Asked::ByProfile).is_some();
            if is_needed {
                continue;
            }
            plan.removed[node.index()] = true;
            let at = last.get(&node).copied().unwrap_or_default();
            if let Some(parent) = tree.parent(node) {
                last.entry(parent).or_insert(at);
            }
            removals.push(Removal {
                node,
                entry: match self.map.visible(node) {
                    Visible::Entry(id) => Some(id),
                    _ => None,
                },
                category: None,
                package: Some(at),
                rule: self.rules.get(at as usize).cloned().unwrap_or_default(),
                bytes: 0,
            });
        }
        removals.reverse();
        plan.removals.append(&mut removals);
    }

    /// The directories of Python packages, up to where packages are installed.
    fn python(&self) -> HashSet<NodeId> {
        let tree = self.map.tree();
        let mut found = HashSet::new();
        for (_, unit) in self.packages.units().filter(|(id, _)| self.goes[id.index()]) {
            for &file in &unit.files {
                let above = std::iter::successors(tree.parent(file), |&at| tree.parent(at));
                let inside: Vec<NodeId> = above.take_while(|at| !unit.sites.contains(at)).collect();
                // A script, or what lies beside the site, is below none.
                if inside.last() != Some(&NodeId::ROOT) {
                    found.extend(inside);
                }
            }
        }
        found
    }
}
