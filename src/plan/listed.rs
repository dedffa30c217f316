//! A plan that was written down: what a list of paths removes, checked against the image as if it were decided now.
//!
//! A module of its own because a list may be anybody's: edited by hand, or made for an image that only looks the same. It
//! is believed in what it wants, and in nothing else.

use hashbrown::{HashMap, HashSet};

use super::decide::{Wanted, is_directory, record, warn_of_dangling_links, zero_devices};
use super::selection::{Rule, Selection};
use super::startup::Starters;
use super::{Asked, Plan, Removal, mounts};
use crate::classify::{Attribution, Classifier};
use crate::content::{ContentMap, Visible};
use crate::layer::NodeId;
use crate::profile::{Band, CategoryId};

/// A path that a list removes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The path, absolute.
    pub path: Vec<u8>,
    /// The category that it is told under.
    pub category: Option<CategoryId>,
    /// Who or what asked for it.
    pub rule: String,
}

/// Why a list is no plan for an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListedError {
    /// Occurs when a path of the list shows nothing in the image.
    #[error("{0} is not in the image")]
    NotThere(String),
    /// Occurs when a list names a path twice.
    #[error("{0} is listed twice")]
    Twice(String),
    /// Occurs when a list removes a directory but not all that it holds.
    #[error("the directory {directory} cannot go: {stays} stays, which is in it")]
    NotEmpty {
        /// The directory.
        directory: String,
        /// A path in it that the list does not remove.
        stays: String,
    },
    /// Occurs when a list was made for packages and lacks a path of one.
    #[error("{package} goes whole or not at all: {path} is not listed")]
    InPart {
        /// The package.
        package: String,
        /// The path.
        path: String,
    },
    /// Occurs when a list removes what the safety net keeps, and no `force-paths` glob of the list names it.
    #[error("{path} cannot go: {reason}")]
    Refused {
        /// The path.
        path: String,
        /// Why it stays.
        reason: String,
    },
}

impl Plan {
    /// The plan that removes exactly what is listed; `selection` says what is forced.
    pub fn listed(
        map: &ContentMap,
        attribution: &Attribution,
        classifier: &Classifier,
        selection: &Selection,
        list: &[Listed],
    ) -> Result<Self, ListedError> {
        let mut plan = Self {
            drops_shadowed: selection.choice().removes_shadowed(),
            ..Self::empty(map)
        };
        plan.warnings.extend_from_slice(attribution.startup().warnings());
        let of_packages = Packages::new(map, attribution, classifier, selection, &mut plan);
        let mut net = Net {
            map,
            attribution,
            classifier,
            selection,
            starters: Starters::new(map, attribution.startup()),
        };
        let (mut wanted, mut directories) = (zero_devices(map), Vec::new());
        let devices: HashSet<NodeId> = wanted.iter().map(|one| map.entry(one.id).node).collect();
        let mut seen = HashSet::new();
        for one in list {
            let node = node_of(map, &one.path).ok_or_else(|| ListedError::NotThere(shown(&one.path)))?;
            if devices.contains(&node) {
                continue; // it goes whether it is listed or not
            }
            if !seen.insert(node) {
                return Err(ListedError::Twice(shown(&one.path)));
            }
            let package = of_packages.0.get(&node).copied();
            if package.is_none() {
                net.permit(node, one)?;
            }
            plan.removed[node.index()] = true;
            match map.visible(node) {
                Visible::Entry(id) if !is_directory(map, node) => wanted.push(Wanted {
                    id,
                    category: one.category,
                    package,
                    rule: one.rule.clone(),
                    asked: Asked::ByHand,
                    yields: false,
                }),
                _ => directories.push((node, package, one)),
            }
        }
        of_packages.whole(map, &plan)?;
        for one in &wanted {
            plan.removed[map.entry(one.id).node.index()] = true;
        }
        wanted.sort_by_key(|one| one.id);
        record(map, &mut plan, &wanted);
        for (node, package, one) in directories {
            let removal = directory(map, &plan, node, one)?;
            plan.removals.push(Removal { package, ..removal });
        }
        warn_of_dangling_links(map, &mut plan);
        mounts::warn(map, classifier, &mut plan);
        Ok(plan)
    }
}

/// What goes with packages, by path: decided anew, since who needs them is known here only.
struct Packages(HashMap<NodeId, u32>);

impl Packages {
    /// The plan gets the packages and the changes of their databases.
    fn new(
        map: &ContentMap,
        attribution: &Attribution,
        classifier: &Classifier,
        selection: &Selection,
        plan: &mut Plan,
    ) -> Self {
        if !selection.names_packages() {
            return Self(HashMap::new());
        }
        let decided = Plan::new(map, attribution, classifier, selection);
        let of_package = |removal: &Removal| Some((removal.node, removal.package?));
        let paths = decided.removals.iter().filter_map(of_package).collect();
        plan.packages = decided.packages;
        plan.add_changes(decided.changes);
        Self(paths)
    }

    /// Refuses a plan that leaves some of a package.
    fn whole(&self, map: &ContentMap, plan: &Plan) -> Result<(), ListedError> {
        let mut left: Vec<_> = self.0.iter().filter(|(node, _)| !plan.removes(**node)).collect();
        left.sort_unstable();
        let Some((node, package)) = left.first() else {
            return Ok(());
        };
        Err(ListedError::InPart {
            package: plan.packages[**package as usize].name.clone(),
            path: shown(&[b"/", map.tree().path(**node).as_slice()].concat()),
        })
    }
}

/// The node of a path that shows something; no symlink is followed.
fn node_of(map: &ContentMap, path: &[u8]) -> Option<NodeId> {
    let node = map.tree().find(path.strip_prefix(b"/")?)?;
    (node != NodeId::ROOT && map.visible(node) != Visible::Nothing).then_some(node)
}

/// The safety net: what is protected, and what starts the container, goes by force only.
struct Net<'a> {
    map: &'a ContentMap,
    attribution: &'a Attribution,
    classifier: &'a Classifier,
    selection: &'a Selection,
    starters: Starters<'a>,
}

impl Net<'_> {
    fn permit(&mut self, node: NodeId, one: &Listed) -> Result<(), ListedError> {
        if matches!(self.selection.rule(&one.path), Rule::Force(_)) {
            return Ok(());
        }
        let refused = |reason: String| ListedError::Refused {
            path: shown(&one.path),
            reason,
        };
        let label = match self.map.visible(node) {
            Visible::Entry(id) if !is_directory(self.map, node) => {
                self.classifier.category(self.attribution.label(id).category)
            }
            _ => None,
        };
        if let Some(category) = label.filter(|category| category.band == Band::Protected) {
            return Err(refused(format!(
                "it is protected ({}); a glob in `force_paths` of the plan takes it all the same",
                category.title
            )));
        }
        match self.starters.refusal(node, &one.rule, Asked::ByHand) {
            Some(refusal) => Err(refused(refusal.why())),
            None => Ok(()),
        }
    }
}

/// The removal of a directory in which nothing stays.
fn directory(map: &ContentMap, plan: &Plan, node: NodeId, one: &Listed) -> Result<Removal, ListedError> {
    let stays = |child: &NodeId| map.visible(*child) != Visible::Nothing && !plan.removes(*child);
    if let Some(child) = map.tree().children(node).find(stays) {
        return Err(ListedError::NotEmpty {
            directory: shown(&one.path),
            stays: shown(&[b"/", map.tree().path(child).as_slice()].concat()),
        });
    }
    let entry = match map.visible(node) {
        Visible::Entry(id) => Some(id),
        _ => None,
    };
    Ok(Removal {
        node,
        entry,
        category: one.category,
        package: None,
        rule: one.rule.clone(),
        bytes: 0,
    })
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
