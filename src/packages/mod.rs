//! Packages as units: what each one needs, what it provides, what it owns, and how its rows leave a database.
//!
//! A floor of its own beside `owners`: that one says whose a path is, this one what hangs on a package. It reads what the
//! probes kept and nothing else, believes no database further than that (a dependency on what is not installed is none),
//! and decides nothing: what goes is the plan's matter.

mod alternatives;
mod apk;
mod databases;
mod deb;
mod directories;
mod index;
mod links;
mod paragraphs;
mod pypi;
mod rows;
mod version;

use std::cell::Cell;

use hashbrown::HashMap;

pub use alternatives::Alternative;
pub use directories::listed;
pub use links::{Edge, EdgeKind};
pub use pypi::normal;
pub use rows::{Edit, edits};

use crate::content::{ContentMap, Visible};
use crate::layer::{Kind, NodeId};
use crate::owners::{Manager, Owners, PackageId};
use databases::Databases;
use index::{Dependency, Raw};

/// An installed package that can go as a unit: an index into [`Packages::units`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(pub u32);

impl UnitId {
    /// The index into tables that run beside the units.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What speaks for a package to stay, by its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The system does not work without it: `Essential: yes`, `Priority: required`.
    Essential,
    /// Somebody asked for it, or nobody knows.
    Asked,
    /// It was installed because something needed it, and goes when nothing does any more.
    Automatic,
}

/// An installed package of dpkg, apk or Python.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The same package among the owners.
    pub package: PackageId,
    /// Who installed it.
    pub manager: Manager,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, where the manager has such a thing.
    pub arch: Option<String>,
    /// What keeps it.
    pub standing: Standing,
    /// Dependencies that are met: of each, the packages that meet it.
    pub needs: Vec<Vec<UnitId>>,
    /// Packages that it recommends or suggests: an automatic one stays for its sake.
    pub wishes: Vec<UnitId>,
    /// apk's `install_if`: it stays while each of these has a package that stays.
    pub conditions: Vec<Vec<UnitId>>,
    /// The package that brought it: Debian's `python3-pip` has the Python package `pip` in it.
    pub whole: Option<UnitId>,
    /// Where another package brought it too, beside where it is installed for itself: `setuptools` has copies of what it needs.
    pub brought: Vec<(NodeId, UnitId)>,
    /// Visible paths that it owns or claims; no directories.
    pub files: Vec<NodeId>,
    /// Whether it has files of other packages moved away (dpkg-divert).
    pub diverts: bool,
    /// Files of a database that speak of nothing but this package.
    pub records: Vec<NodeId>,
    /// Names that it stands for beside its own.
    pub provides: Vec<String>,
    /// Python: the directories that it is installed in.
    pub sites: Vec<NodeId>,
}

impl Unit {
    /// `kind:name`, as people write it.
    pub fn shown(&self) -> String {
        format!("{}:{}", self.manager.as_str(), self.name)
    }
}

/// The packages of an image, with what hangs on each.
#[derive(Debug, Default)]
pub struct Packages {
    units: Vec<Unit>,
    edges: Vec<Edge>,
    alternatives: Vec<Alternative>,
    /// Which units claim a path, where it is more than one.
    shared: HashMap<NodeId, Vec<UnitId>>,
    is_cut: bool,
}

/// Look-ups to find who needs whom, at most: real images need some ten thousand.
const MAX_LOOKUPS: usize = 20_000_000;

/// What is left of [`MAX_LOOKUPS`].
struct Budget(Cell<usize>);

impl Budget {
    /// Takes so many; `false` once they are used up.
    fn take(&self, count: usize) -> bool {
        let left = self.0.get().saturating_sub(count);
        self.0.set(left);
        left > 0
    }
}

impl Packages {
    /// Reads the databases of the merged image; `owners` are of the same map.
    pub fn of(map: &ContentMap, owners: &Owners) -> Self {
        let databases = Databases::of(map);
        let mut raws = deb::read(&databases);
        raws.extend(apk::read(&databases));
        raws.extend(pypi::read(map, &databases));
        let budget = Budget(Cell::new(MAX_LOOKUPS));
        let mut units = index::resolve(raws, owners, &budget);
        let by_package: HashMap<PackageId, UnitId> = (0..)
            .map(UnitId)
            .zip(&units)
            .map(|(id, unit)| (unit.package, id))
            .collect();
        let shared = claims(map, owners, &by_package, &mut units);
        bring(map, owners, &by_package, &shared, &mut units);
        let owner = |node| {
            let id = owners.owner(node).filter(|_| is_own(map, node))?;
            by_package.get(&id).copied()
        };
        Self {
            edges: links::edges(map, &units, &owner, &budget),
            is_cut: !budget.take(0),
            alternatives: alternatives::read(map, &databases, &owner),
            units,
            shared,
        }
    }

    /// The packages, in the order of their databases.
    pub fn units(&self) -> impl ExactSizeIterator<Item = (UnitId, &Unit)> {
        (0..self.units.len() as u32).map(UnitId).zip(&self.units)
    }

    /// The package of that id, which must come from here.
    pub fn unit(&self, id: UnitId) -> &Unit {
        &self.units[id.index()]
    }

    /// What files need of packages without their databases' knowing.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// dpkg's alternatives.
    pub fn alternatives(&self) -> &[Alternative] {
        &self.alternatives
    }

    /// Whether the databases ask for more than is followed: nothing can be said of what needs what then.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The packages that claim a path which more than one does.
    pub fn claimants(&self, node: NodeId) -> &[UnitId] {
        self.shared.get(&node).map_or(&[], Vec::as_slice)
    }
}

/// Gives each unit its visible paths; gives the paths that more than one claims.
fn claims(
    map: &ContentMap,
    owners: &Owners,
    by_package: &HashMap<PackageId, UnitId>,
    units: &mut [Unit],
) -> HashMap<NodeId, Vec<UnitId>> {
    let files = map.tree().ids();
    for node in files.filter(|&node| is_own(map, node)) {
        if let Some(unit) = owners.owner(node).and_then(|id| by_package.get(&id)) {
            units[unit.index()].files.push(node);
        }
    }
    let mut shared: HashMap<NodeId, Vec<UnitId>> = HashMap::new();
    for (node, id) in owners.also().filter(|&(node, _)| is_own(map, node)) {
        let Some(&unit) = by_package.get(&id) else {
            continue;
        };
        units[unit.index()].files.push(node);
        let first = owners.owner(node).and_then(|id| by_package.get(&id).copied());
        shared
            .entry(node)
            .or_insert_with(|| first.into_iter().collect())
            .push(unit);
    }
    shared
}

/// Whether a path can be one package's: no directory, which many share, and not `/lib` where that is a symlink since `/usr`
/// was merged: in a list it was a directory.
fn is_own(map: &ContentMap, node: NodeId) -> bool {
    let is_file = matches!(map.visible(node), Visible::Entry(id) if map.entry(id).kind != Kind::Directory);
    let is_top = map.tree().parent(node) == Some(NodeId::ROOT);
    is_file && !(is_top && map.resolve(&map.tree().path(node)) != Some(node))
}

/// Finds the Python packages that came with another package: their metadata is that one's file.
fn bring(
    map: &ContentMap,
    owners: &Owners,
    by_package: &HashMap<PackageId, UnitId>,
    shared: &HashMap<NodeId, Vec<UnitId>>,
    units: &mut [Unit],
) {
    let tree = map.tree();
    // Of each package: how often it is installed, and where another one brought it.
    let mut homes: HashMap<UnitId, (usize, Vec<(NodeId, UnitId)>)> = HashMap::new();
    for (id, home) in owners.homes() {
        let Some(&unit) = by_package.get(&id) else {
            continue;
        };
        let (count, brought) = homes.entry(unit).or_default();
        *count += 1;
        let is_metadata = |node: &NodeId| matches!(tree.name(*node), b"METADATA" | b"PKG-INFO");
        let metadata = tree.children(home).find(is_metadata).unwrap_or(home);
        let owner = owners.owner(metadata).and_then(|id| by_package.get(&id).copied());
        let others = shared.get(&metadata).into_iter().flatten().copied();
        let whole = owner.into_iter().chain(others).find(|&whole| whole != unit);
        if let (Some(whole), Some(site)) = (whole, tree.parent(home)) {
            brought.push((site, whole));
        }
    }
    for (unit, (count, brought)) in homes {
        let first = brought.first().map(|&(_, whole)| whole);
        let is_part = count == brought.len() && brought.iter().all(|&(_, whole)| Some(whole) == first);
        let unit = &mut units[unit.index()];
        if is_part {
            unit.whole = first;
        } else {
            unit.brought = brought;
        }
    }
}
