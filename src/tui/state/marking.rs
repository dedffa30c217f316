//! Marks: what space does to the selected row, what the profiles' menu does, and the numbers until the plan is there.
//!
//! Apart from the other keys because it is the one part that decides what goes.

use std::sync::Arc;

use super::super::advice::{Advice, Reason};
use super::super::keys::Action;
use super::super::marks::{Fate, Marks};
use super::super::scene::Scene;
use super::cursor::Cursor;
use super::geometry::Focus;
use super::list::Of;
use super::overlay::Overlay;
use super::{Effect, Old, Seen, State};
use crate::layer::NodeId;
use crate::owners::{Manager, PackageId};
use crate::profile::{CategoryId, Choice};

/// Files of a package that are marked one by one, at most.
const MOST_FILES: usize = 200;

/// What stays and goes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NewSize {
    /// Disk bytes of the result.
    pub disk: u64,
    /// Its compressed layers: an estimate.
    pub wire: u64,
    /// Whether the plan counted it.
    pub is_exact: bool,
}

impl State {
    pub(super) fn mark(&mut self) -> Vec<Effect> {
        let Some(Seen { scene, .. }) = self.seen.clone() else {
            return Vec::new();
        };
        match (self.focus, self.list.selected(), self.tree.selected()) {
            (Focus::List, Some(Of::Category(id)), _) => self.mark_category(&scene, id),
            (Focus::List, Some(Of::Owner(Some(id))), _) => self.mark_package(&scene, id),
            (Focus::List, Some(Of::Owner(None)), _) => {
                self.message = Some("what belongs to no package is marked by category or path".to_owned());
            }
            (Focus::List, Some(Of::Layer(_)), _) => {
                self.message = Some("layers cannot go; mark what is in them".to_owned());
            }
            (Focus::Tree, _, Some(node)) => {
                self.mark_path(&scene, node);
                let (count, height) = (self.tree.rows.len(), self.tree_height());
                self.tree.cursor.go(Action::Down, count, height);
            }
            _ => {}
        }
        self.replan()
    }

    pub(super) fn unmark_all(&mut self) -> Vec<Effect> {
        self.marks = Marks::default();
        self.message = Some("nothing is marked".to_owned());
        self.replan()
    }

    fn mark_category(&mut self, scene: &Scene, id: CategoryId) {
        let Some(category) = scene.category(id) else {
            return;
        };
        let name = category.name.clone();
        if category.safety.is_none() {
            self.message = Some(format!("{name} does not go by category: {}", category.reason));
            return;
        }
        let by_profile = self.choice.removes(id) && !self.marks.categories.contains(&name);
        if by_profile {
            self.marks.kept_categories.insert(name);
        } else if !self.marks.categories.remove(&name) && !self.marks.kept_categories.remove(&name) {
            if !category.breaks.is_empty() {
                self.message = Some(format!("{name}: {}", category.breaks));
            }
            self.marks.categories.insert(name);
        }
    }

    /// A package of a manager that can let it go, else its files.
    fn mark_package(&mut self, scene: &Scene, id: PackageId) {
        let Some(image) = scene.image() else { return };
        let owners = image.attribution.owners();
        let Some(package) = owners.get(id) else { return };
        let name = scene.package_name(id).to_owned();
        if matches!(package.manager, Manager::Deb | Manager::Apk | Manager::Pypi) {
            if !self.marks.packages.remove(&name) {
                self.marks.packages.insert(name);
            }
            return;
        }
        let tree = scene.tree();
        let homes: Vec<NodeId> = owners
            .homes()
            .filter(|(owner, _)| *owner == id && package.manager == Manager::Npm)
            .filter_map(|(_, home)| tree.parent(home))
            .collect();
        let files = || tree.ids().filter(|&node| owners.owner(node) == Some(id));
        let nodes: Vec<NodeId> = if homes.is_empty() {
            files().take(MOST_FILES + 1).collect()
        } else {
            homes
        };
        if nodes.len() > MOST_FILES {
            self.message = Some(format!(
                "{name} does not go as a package, and has too many files; mark its directories"
            ));
            return;
        }
        let paths: Vec<String> = nodes
            .iter()
            .filter_map(|&node| String::from_utf8(scene.path(node)).ok())
            .collect();
        let are_marked = paths.iter().all(|path| self.marks.paths.contains(path));
        for path in paths {
            if are_marked {
                self.marks.paths.remove(&path);
            } else {
                self.marks.paths.insert(path);
            }
        }
    }

    fn mark_path(&mut self, scene: &Scene, node: NodeId) {
        let Ok(path) = String::from_utf8(scene.path(node)) else {
            self.message = Some("a name that is not UTF-8 is marked by its directory".to_owned());
            return;
        };
        if let (Fate::Refused, Some(why)) = (self.fate(scene, node), self.why(node)) {
            self.message = Some(format!("{path} stays: {why}"));
        }
        if self.marks.paths.remove(&path) || self.marks.kept_paths.remove(&path) {
            return;
        }
        if self.fate(scene, node) == Fate::Goes {
            self.marks.kept_paths.insert(path);
        } else {
            self.marks.paths.insert(path);
        }
    }

    /// Asks for the plan of what is marked.
    pub(super) fn replan(&mut self) -> Vec<Effect> {
        match self.marks.choice(&self.profiles) {
            Ok(choice) => self.choice = choice,
            Err(error) => {
                self.message = Some(error.to_string());
                return Vec::new();
            }
        }
        self.numbers.plan += 1;
        if self.marks.is_empty() {
            self.choice = Choice::default();
            self.is_planning = false;
            let old = self.planned.take().map(Old::Planned);
            return old.map(Effect::Forget).into_iter().collect();
        }
        let Some(scene) = self.scene.clone() else {
            return Vec::new();
        };
        self.is_planning = true;
        vec![Effect::Plan(
            self.numbers.plan,
            scene,
            Box::new(self.marks.clone()),
        )]
    }

    /// Opens the menu of profiles, and asks what they mean for the image once all of it is read.
    pub(super) fn open_profiles(&mut self) -> Vec<Effect> {
        self.overlay = Some(Overlay::Profiles(Cursor::default()));
        self.advise()
    }

    /// Asks what profiles mean for the image, where all of it is read and nobody has asked.
    pub(super) fn advise(&mut self) -> Vec<Effect> {
        let Some(scene) = self.scene.clone().filter(|_| self.is_loaded) else {
            return Vec::new();
        };
        if self.numbers.advice > 0 {
            return Vec::new();
        }
        self.numbers.advice += 1;
        vec![Effect::Advise(self.numbers.advice, scene)]
    }

    /// Takes what is known of the profiles; the row that is selected stays so, wherever it goes.
    pub(super) fn advised(&mut self, advice: Arc<Advice>) {
        let height = self.profiles_height();
        let at = |state: &Self| match state.overlay {
            Some(Overlay::Profiles(cursor)) => state.profile_names().get(cursor.at).cloned(),
            _ => None,
        };
        let selected = at(self);
        self.advice = Some(advice);
        let names = self.profile_names();
        let now = names.iter().position(|name| Some(name) == selected.as_ref());
        if let (Some(Overlay::Profiles(cursor)), Some(now)) = (&mut self.overlay, now) {
            cursor.set(now, names.len(), height);
        }
    }

    /// Profiles that the menu has on the screen: each has two lines.
    fn profiles_height(&self) -> usize {
        (self.overlay_height() / 2).max(1)
    }

    /// A key in the menu of profiles: its names, and which of them apply.
    pub(super) fn press_profiles(&mut self, action: Option<Action>) -> Vec<Effect> {
        let names = self.profile_names();
        let height = self.profiles_height();
        let Some(Overlay::Profiles(cursor)) = &mut self.overlay else {
            return Vec::new();
        };
        match action {
            Some(Action::Close | Action::Clear | Action::Profiles) => {
                self.overlay = None;
                Vec::new()
            }
            Some(action @ (Action::Mark | Action::Open)) => {
                let Some(name) = names.get(cursor.at).cloned() else {
                    return Vec::new();
                };
                if !self.marks.profiles.remove(&name) {
                    self.marks.profiles.insert(name);
                }
                if action == Action::Open {
                    self.overlay = None;
                }
                self.replan()
            }
            Some(action) => {
                cursor.go(action, names.len(), height);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// The profiles of the menu: `default` first, then those that the image has evidence for.
    pub fn profile_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .profiles
            .iter()
            .map(|profile| profile.name.clone())
            .filter(|name| name != "none")
            .collect();
        let rank = |name: &String| {
            let fit = self.advice.as_ref().and_then(|advice| advice.of(name));
            fit.map_or(0, |fit| match fit.reason {
                Reason::File(_) => 0,
                Reason::Any => 1,
                Reason::Nothing => 2,
            })
        };
        names.sort_by_key(|name| (name != "default", rank(name), name.clone()));
        names
    }

    /// The plan, where it is one of the scene on the screen.
    fn current(&self, scene: &Scene) -> Option<&super::super::marks::Planned> {
        let planned = self.planned.as_deref()?;
        std::ptr::eq(&raw const *planned.scene, scene).then_some(planned)
    }

    /// What becomes of a path: by the marks at once, by the plan as soon as it is there.
    pub fn fate(&self, scene: &Scene, node: NodeId) -> Fate {
        let planned = self.current(scene);
        if let Some(planned) = planned.filter(|_| !self.is_planning) {
            return planned.fate(node);
        }
        if self.is_marked(scene, node) {
            return Fate::Goes;
        }
        match planned.map(|planned| planned.fate(node)) {
            Some(Fate::Part) => Fate::Part,
            Some(Fate::Refused) => Fate::Refused,
            _ => Fate::Stays,
        }
    }

    /// Disk bytes that go at and below a path, as far as a plan is there.
    pub fn going(&self, scene: &Scene, node: NodeId) -> u64 {
        self.current(scene).map_or(0, |planned| planned.going(node))
    }

    /// Why a path stays that was marked.
    pub fn why(&self, node: NodeId) -> Option<&str> {
        self.planned.as_deref()?.reason(node)
    }

    /// Whether a path, something above it, its category or its package is marked.
    fn is_marked(&self, scene: &Scene, node: NodeId) -> bool {
        if self.marks.is_empty() {
            return false;
        }
        let (tree, marks) = (scene.tree(), &self.marks);
        if !(marks.paths.is_empty() && marks.kept_paths.is_empty()) {
            for at in std::iter::successors(Some(node), |&at| tree.parent(at)) {
                let path = scene.path(at);
                let Ok(path) = std::str::from_utf8(&path) else {
                    continue;
                };
                if marks.kept_paths.contains(path) {
                    return false;
                }
                if marks.paths.contains(path) {
                    return true;
                }
            }
        }
        let last = scene.rows_of(node).next_back();
        let Some(row) = last.filter(|_| !scene.is_directory(node)).map(|id| scene.row(id)) else {
            return false;
        };
        self.choice.removes(row.category)
            || row
                .owner()
                .is_some_and(|id| marks.packages.contains(scene.package_name(id)))
    }

    /// Whether a row of the list is marked.
    pub fn is_row_marked(&self, scene: &Scene, of: Of) -> bool {
        match of {
            Of::Layer(_) | Of::Owner(None) => false,
            Of::Category(id) => self.choice.removes(id),
            Of::Owner(Some(id)) => self.marks.packages.contains(scene.package_name(id)),
        }
    }

    /// Why a marked row of the list stays, where it does.
    pub fn row_reason(&self, scene: &Scene, of: Of) -> Option<&str> {
        match of {
            Of::Owner(Some(id)) => self.planned.as_deref()?.package_reason(scene.package_name(id)),
            _ => None,
        }
    }

    /// What the result would weigh: the plan's numbers, or those of the marks until it is there; `None` where nothing is
    /// marked.
    pub fn new_size(&self) -> Option<NewSize> {
        let scene = &self.seen.as_ref()?.scene;
        if self.marks.is_empty() {
            return None;
        }
        if let Some(planned) = self.current(scene).filter(|_| !self.is_planning) {
            let sizes = &planned.document.modes.squash.sizes;
            return Some(NewSize {
                disk: sizes.disk_bytes,
                wire: sizes.wire_bytes_estimate,
                is_exact: true,
            });
        }
        let (all, all_wire) = scene.visible(NodeId::ROOT);
        let (bytes, wire) = self.estimate(scene);
        Some(NewSize {
            disk: all.saturating_sub(bytes),
            wire: all_wire.saturating_sub(wire),
            is_exact: false,
        })
    }

    /// What the marks take, at once: what two of them take is counted twice, but never more than there is.
    fn estimate(&self, scene: &Scene) -> (u64, u64) {
        let tree = scene.tree();
        let mut sums = Vec::new();
        let mut above = "\0".to_owned();
        for path in &self.marks.paths {
            // Sorted: what lies below a marked directory comes after it.
            if path
                .strip_prefix(&above)
                .is_some_and(|rest| rest.starts_with('/'))
            {
                continue;
            }
            above.clone_from(path);
            sums.extend(tree.find(path.as_bytes()).map(|node| scene.visible(node)));
        }
        sums.extend(self.choice.categories().map(|id| scene.of_category(id)));
        let packages = (0..).map(PackageId).zip(&scene.owners);
        let marked = packages.filter(|(_, owner)| self.marks.packages.contains(&owner.name));
        sums.extend(marked.map(|(id, _)| scene.of_package(id)));
        let (bytes, wire) = sums
            .iter()
            .fold((0, 0), |sum: (u64, u64), one| (sum.0 + one.0, sum.1 + one.1));
        let all = scene.visible(NodeId::ROOT);
        (bytes.min(all.0), wire.min(all.1))
    }
}
