//! A budget: its name, where it was written, and the limit.
//!
//! A module of its own because `slim.toml`, flags and `.dive-ci` all become these, and the judge knows nothing else.

use globset::{GlobBuilder, GlobMatcher};

use super::{BudgetError, Day};
use crate::owners::Manager;
use crate::profile::{Pattern, Place, nearest};

/// Every budget of a run, in the order in which they are judged, and what is allowed for a while.
#[derive(Debug, Clone, Default)]
pub struct Budgets {
    /// The files that they were read from.
    pub files: Vec<String>,
    pub(super) rules: Vec<Rule>,
    pub(super) allows: Vec<Allow>,
}

/// One budget.
#[derive(Debug, Clone)]
pub struct Rule {
    /// As it is written in the file: `max-disk`, `category.apt-cache`, `path./app/**`, `package.gcc`,
    /// `dive.lowestEfficiency`.
    pub name: String,
    /// Where it is written.
    pub place: Place,
    /// What may be.
    pub limit: Limit,
}

/// What an image may be at most. All sizes are bytes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Limit {
    /// Compressed blobs as stored.
    Wire(u64),
    /// Stored bodies of regular files of all layers.
    Disk(u64),
    /// Layers.
    Layers(u64),
    /// How much more than the base it has.
    Growth(Measure, Step),
    /// Disk bytes that no path shows.
    Shadowed(u64),
    /// What a squash alone saves, uncompressed.
    Reclaimable(u64),
    /// Disk bytes that a plan of all safe categories takes.
    Removable(u64),
    /// Disk bytes of a category.
    Category {
        /// Its name.
        name: String,
        /// Bytes.
        max: u64,
    },
    /// Disk bytes of files with a name that a glob matches.
    Path {
        /// The glob.
        glob: Pattern,
        /// Bytes.
        max: u64,
    },
    /// A package that must not be there.
    Package(PackageName),
    /// A rule of dive.
    Dive(DiveRule),
}

/// What grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Disk bytes.
    Disk,
    /// Bytes on the wire.
    Wire,
}

/// By how much something may grow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Bytes.
    Bytes(u64),
    /// Hundredths of what the base has.
    Percent(f64),
}

/// One of dive's rules, with dive's meaning of its threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DiveRule {
    /// Fails where the efficiency is below, 0 to 1.
    LowestEfficiency(f64),
    /// Fails where more bytes are wasted.
    HighestWastedBytes(u64),
    /// Fails where the share of wasted bytes is above, 0 to 1.
    HighestUserWastedPercent(f64),
}

/// Packages by name: `curl` of every package manager, `deb:curl`, with stars `npm:@types/*`.
#[derive(Debug, Clone)]
pub struct PackageName {
    word: String,
    kind: Option<String>,
    name: GlobMatcher,
}

/// A budget that may be exceeded for a while.
#[derive(Debug, Clone)]
pub struct Allow {
    /// The budget's name.
    pub budget: String,
    /// Why.
    pub reason: String,
    /// The last day on which it counts.
    pub until: Day,
    /// Where it is written.
    pub place: Place,
}

impl Budgets {
    /// Whether there is nothing to judge.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The budgets.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Adds the budgets of another file. Fails with [`BudgetError::Twice`].
    pub fn extend(&mut self, other: Self) -> Result<(), BudgetError> {
        for rule in other.rules {
            self.add(rule)?;
        }
        self.files.extend(other.files);
        self.allows.extend(other.allows);
        Ok(())
    }

    /// Adds a budget; one may grow by so many bytes and by so many percent, two of anything else are a mistake.
    pub(super) fn add(&mut self, rule: Rule) -> Result<(), BudgetError> {
        let is_same = |other: &&Rule| other.name == rule.name && !other.limit.stands_beside(&rule.limit);
        if let Some(first) = self.rules.iter().find(is_same) {
            return Err(BudgetError::Twice {
                place: rule.place,
                name: rule.name,
                first: first.place.clone(),
            });
        }
        self.rules.push(rule);
        Ok(())
    }

    /// What is allowed of a budget.
    pub(super) fn allowed(&self, name: &str) -> Option<&Allow> {
        let of_it = self.allows.iter().filter(|allow| allow.budget == name);
        of_it.max_by_key(|allow| allow.until)
    }

    /// Every allowance is for a budget that there is.
    pub(super) fn check_allows(&self) -> Result<(), BudgetError> {
        let names = || self.rules.iter().map(|rule| rule.name.as_str());
        let unknown = |allow: &&Allow| names().all(|name| name != allow.budget);
        match self.allows.iter().find(unknown) {
            None => Ok(()),
            Some(allow) => Err(BudgetError::UnknownBudget {
                place: allow.place.clone(),
                name: allow.budget.clone(),
                nearest: nearest(&allow.budget, names()).map(str::to_owned),
            }),
        }
    }
}

impl Limit {
    fn stands_beside(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::Growth(_, Step::Bytes(_)), Self::Growth(_, Step::Percent(_)))
                | (Self::Growth(_, Step::Percent(_)), Self::Growth(_, Step::Bytes(_)))
        )
    }
}

impl PackageName {
    /// Reads `NAME` or `KIND:NAME`, where `*` and `?` stand for any characters. `None` for what is no name.
    pub fn new(word: &str) -> Option<Self> {
        let kind = word.split_once(':').filter(|(kind, _)| KINDS.contains(kind));
        let (kind, name) = kind.map_or((None, word), |(kind, name)| (Some(kind.to_owned()), name));
        if name.is_empty() {
            return None;
        }
        let glob = GlobBuilder::new(name).literal_separator(false).build().ok()?;
        Some(Self {
            word: word.to_owned(),
            kind,
            name: glob.compile_matcher(),
        })
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.word
    }

    /// Whether a package of that kind and name is meant.
    pub fn takes(&self, kind: &str, name: &str) -> bool {
        self.kind.as_deref().is_none_or(|own| own == kind) && self.name.is_match(name)
    }
}

/// The words of package managers.
const KINDS: [&str; 9] = [
    Manager::Deb.as_str(),
    Manager::Apk.as_str(),
    Manager::Rpm.as_str(),
    Manager::Pypi.as_str(),
    Manager::Gem.as_str(),
    Manager::Npm.as_str(),
    Manager::Go.as_str(),
    Manager::Rust.as_str(),
    Manager::Java.as_str(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_named_with_or_without_their_kind() {
        for (word, kind, name, want) in [
            ("curl", "deb", "curl", true),
            ("curl", "apk", "curl", true),
            ("curl", "deb", "libcurl4", false),
            ("deb:curl", "deb", "curl", true),
            ("deb:curl", "apk", "curl", false),
            ("npm:@types/*", "npm", "@types/node", true),
            ("lib*-dev", "deb", "libssl-dev", true),
            ("java:org.slf4j:slf4j-api", "java", "org.slf4j:slf4j-api", true),
            ("org.slf4j:slf4j-api", "java", "org.slf4j:slf4j-api", true),
        ] {
            assert_eq!(
                PackageName::new(word).unwrap().takes(kind, name),
                want,
                "{word} {kind}:{name}"
            );
        }
        for word in ["", "deb:", "[x"] {
            assert!(PackageName::new(word).is_none(), "{word}");
        }
    }
}
