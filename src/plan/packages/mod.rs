//! Packages that go whole: which were named, which of them must stay and why, and what goes with them.
//!
//! A module of its own because a package is no path: it is chosen by what needs it, and takes its files, its directories
//! and its rows in a database with it.

mod choose;
mod going;

use super::selection::Selection;
use super::startup::Starters;
use super::{Asked, Plan, Refusal};
use crate::classify::{Attribution, Classifier};
use crate::content::ContentMap;
use crate::owners::{Manager, PackageId};
use crate::packages::{Packages, Unit, UnitId};
use crate::profile::{PackageSetId, nearest};

pub(super) use going::Going;

/// Why a package goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// A package set has it.
    Set(PackageSetId),
    /// It was named by hand.
    Named,
    /// Only packages that go needed it.
    Unneeded,
    /// It came with a package that goes.
    Part,
}

impl Why {
    /// The word in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Set(_) => "set",
            Self::Named => "named",
            Self::Unneeded => "unneeded",
            Self::Part => "part",
        }
    }
}

/// A package that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GonePackage {
    /// The same package among the owners.
    pub package: PackageId,
    /// Who installed it.
    pub manager: Manager,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Why.
    pub why: Why,
    /// Removed paths that are no directories.
    pub files: u64,
    /// Stored bytes that go with them.
    pub bytes: u64,
}

/// A name of `--remove-package` that no package has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPackage {
    /// The name as given.
    pub name: String,
    /// The package that was probably meant.
    pub nearest: Option<String>,
}

/// Finds the packages that go. What is refused and what is unknown is noted in the plan; the paths are marked nowhere yet.
pub(super) fn choose<'a>(
    map: &'a ContentMap,
    attribution: &'a Attribution,
    classifier: &Classifier,
    selection: &'a Selection,
    starters: &mut Starters<'_>,
    plan: &mut Plan,
) -> Option<Going<'a>> {
    if !selection.names_packages() {
        return None;
    }
    let packages = attribution.packages(map);
    let named = named(packages, classifier, selection, plan);
    if named.is_empty() {
        return None;
    }
    let chosen = choose::choose(map, packages, selection, starters, &named, plan);
    (!chosen.is_empty()).then(|| Going::new(map, attribution, classifier, packages, &chosen))
}

/// The packages that sets and people name; what a person names counts as named even where a set has it too.
fn named(
    packages: &Packages,
    classifier: &Classifier,
    selection: &Selection,
    plan: &mut Plan,
) -> Vec<(UnitId, Why)> {
    let mut named = vec![None; packages.units().len()];
    for id in selection.choice().package_sets() {
        let Some(set) = classifier.catalog().set(id) else {
            continue;
        };
        for manager in [Manager::Deb, Manager::Apk, Manager::Pypi] {
            let matcher = set.matcher(manager.as_str());
            for (unit, one) in packages.units().filter(|(_, one)| one.manager == manager) {
                if matcher.has(&comparable(one)) {
                    named[unit.index()].get_or_insert(Why::Set(id));
                }
            }
        }
    }
    for word in &selection.choice().remove_packages {
        let mut is_known = false;
        for (unit, _) in packages.units().filter(|(_, one)| answers_to(one, word)) {
            named[unit.index()] = Some(Why::Named);
            is_known = true;
        }
        if !is_known {
            let kind = word.split_once(':').map_or("", |(kind, _)| kind);
            let names: Vec<String> = packages
                .units()
                .map(|(_, one)| {
                    if kind == one.manager.as_str() {
                        one.shown()
                    } else {
                        one.name.clone()
                    }
                })
                .collect();
            plan.unknown_packages.push(UnknownPackage {
                name: word.clone(),
                nearest: nearest(word, names.iter().map(String::as_str)).map(str::to_owned),
            });
        }
    }
    let with_why = (0..).map(UnitId).zip(named);
    with_why.filter_map(|(unit, why)| Some((unit, why?))).collect()
}

/// `NAME`, `KIND:NAME`, and for dpkg `NAME:ARCH`.
fn answers_to(unit: &Unit, word: &str) -> bool {
    let kind = unit.manager.as_str();
    let name = word
        .strip_prefix(kind)
        .and_then(|rest| rest.strip_prefix(':'))
        .unwrap_or(word);
    let arch = unit.arch.as_deref().filter(|_| unit.manager == Manager::Deb);
    let with_arch = |arch: &str| name.strip_suffix(arch).and_then(|rest| rest.strip_suffix(':'));
    let name = arch.and_then(with_arch).unwrap_or(name);
    match unit.manager {
        Manager::Pypi => crate::packages::normal(name) == crate::packages::normal(&unit.name),
        _ => name == unit.name,
    }
}

/// The name as sets have it.
fn comparable(unit: &Unit) -> String {
    match unit.manager {
        Manager::Pypi => crate::packages::normal(&unit.name),
        _ => unit.name.clone(),
    }
}

/// Who asked, for a refusal.
fn asked(why: Why) -> Asked {
    match why {
        Why::Named => Asked::ByHandAsPackage,
        _ => Asked::ByProfile,
    }
}

/// The refusal of a package; it stands at the first of its paths.
fn refusal(unit: &Unit, why: Why, rule: String, reason: &str, chain: String) -> Refusal {
    Refusal {
        node: unit.files.first().copied().unwrap_or(crate::layer::NodeId::ROOT),
        rule,
        reason: reason.to_owned(),
        chain,
        needed_by: Vec::new(),
        asked: asked(why),
    }
}
