//! What a person marked, and what comes of it: a profile as text, and the plan that it leads to.
//!
//! A module of its own because marks mean the same in four places: the numbers on the screen, the plan, the written
//! image and the saved profile. They are all made from one text, the profile, so that `slim save --profile` of the
//! saved file does what was seen.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::Serialize;

use super::scene::{Examined, Scene};
use crate::layer::NodeId;
use crate::plan::{Asked, Plan, Refusal, Selection};
use crate::profile::{Choice, ProfileError, Profiles};
use crate::report::PlanDocument;

/// What the profile of marks is called.
pub const NAME: &str = "marked";

/// What is marked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// Profiles that apply.
    pub profiles: BTreeSet<String>,
    /// Categories that go beside those of the profiles.
    pub categories: BTreeSet<String>,
    /// Categories that stay in spite of them.
    pub kept_categories: BTreeSet<String>,
    /// Packages that go whole, as `kind:name`.
    pub packages: BTreeSet<String>,
    /// Absolute paths that go, with all below; each is UTF-8.
    pub paths: BTreeSet<String>,
    /// Absolute paths that stay, with all below.
    pub kept_paths: BTreeSet<String>,
    /// Absolute paths that stay themselves: what is below them goes as it is marked.
    pub kept_exactly: BTreeSet<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct File<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    extends: &'a BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    remove: &'a BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    keep: &'a BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    remove_packages: &'a BTreeSet<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remove_paths: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keep_paths: Vec<String>,
}

/// Why marks lead to no plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MarksError {
    /// Occurs when there is no image behind the scene: a saved report, or two images.
    #[error("only an image can be planned for")]
    NoImage,
    /// Occurs when the profile of the marks is none.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Occurs when too many globs are too much to compile.
    #[error(transparent)]
    Globs(#[from] globset::Error),
    /// Occurs when the profile cannot be written as TOML.
    #[error("the marks cannot be written as a profile: {0}")]
    Toml(#[from] toml::ser::Error),
}

impl Marks {
    /// Whether nothing is marked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The marks as a profile: TOML.
    pub fn profile(&self) -> Result<String, MarksError> {
        Ok(toml::to_string(&File {
            name: NAME,
            extends: &self.profiles,
            remove: &self.categories,
            keep: &self.kept_categories,
            remove_packages: &self.packages,
            remove_paths: self.paths.iter().flat_map(|path| globs(path)).collect(),
            keep_paths: self
                .kept_paths
                .iter()
                .flat_map(|path| globs(path))
                .chain(self.kept_exactly.iter().map(|path| literal(path)))
                .collect(),
        })?)
    }

    /// The marks as a choice over `profiles`.
    pub fn choice(&self, profiles: &Profiles) -> Result<Choice, MarksError> {
        let mut profiles = profiles.clone();
        let name = profiles.add("the marks", &self.profile()?)?;
        Ok(profiles.resolve(&[name])?)
    }
}

/// The globs of a path: itself, and what lies below.
fn globs(path: &str) -> [String; 2] {
    let own = literal(path);
    let below = format!("{own}/**");
    [own, below]
}

/// The glob that matches one path.
fn literal(path: &str) -> String {
    let mut own = String::with_capacity(path.len());
    for c in path.chars() {
        if "*?[]{}\\".contains(c) {
            own.push('\\');
        }
        own.push(c);
    }
    own
}

/// A plan for the marks, and what rows ask it.
#[derive(Debug)]
pub struct Planned {
    /// The scene that it is for.
    pub scene: Arc<Scene>,
    /// Its document.
    pub document: PlanDocument,
    /// The profile that leads to it: what was refused stands in it as kept.
    pub profile: String,
    /// Why paths and packages stay that were marked.
    pub refused: Vec<Refused>,
    plan: Plan,
    reasons: HashMap<NodeId, usize>,
    /// Marked packages that stay.
    packages: HashMap<String, usize>,
    /// Per node: disk bytes that go there and below.
    going: Vec<u64>,
}

/// Something that stays although it was marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The absolute path, or the package.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What becomes of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It stays, whole.
    Stays,
    /// It goes.
    Goes,
    /// Something below it goes.
    Part,
    /// It was marked and stays all the same.
    Refused,
}

/// How often a plan is made anew because of what it refuses, at most.
const ROUNDS: usize = 4;

impl Planned {
    /// Plans what is marked. What the safety net refuses of it stays, and is told.
    pub fn new(scene: &Arc<Scene>, profiles: &Profiles, marks: &Marks) -> Result<Self, MarksError> {
        let Examined {
            image,
            map,
            attribution,
            classifier,
        } = scene.image().ok_or(MarksError::NoImage)?;
        let mut marks = marks.clone();
        let mut told = Told::default();
        let mut round = 0;
        let (plan, selection) = loop {
            let selection = Selection::new(marks.choice(profiles)?, Vec::new())?;
            let plan = Plan::new(map, attribution, classifier, &selection);
            round += 1;
            if !told.spare(scene, &plan, &mut marks) || round == ROUNDS {
                break (plan, selection);
            }
        };
        for refusal in plan.refused.iter().filter(|one| one.asked == Asked::ByProfile) {
            told.path(scene, refusal);
        }
        let mut going = vec![0; map.tree().len()];
        for removal in &plan.removals {
            going[removal.node.index()] += removal.bytes;
        }
        for node in map.tree().ids().rev() {
            if let Some(parent) = map.tree().parent(node) {
                going[parent.index()] += going[node.index()];
            }
        }
        Ok(Self {
            document: PlanDocument::new(image, map, &plan, classifier, &selection, None),
            profile: marks.profile()?,
            scene: scene.clone(),
            plan,
            refused: told.refused,
            reasons: told.reasons,
            packages: told.packages,
            going,
        })
    }

    /// What becomes of a path.
    pub fn fate(&self, node: NodeId) -> Fate {
        if self.plan.removes(node) {
            Fate::Goes
        } else if self.reasons.contains_key(&node) {
            Fate::Refused
        } else if self.going(node) > 0 {
            Fate::Part
        } else {
            Fate::Stays
        }
    }

    /// Disk bytes that go at and below a node.
    pub fn going(&self, node: NodeId) -> u64 {
        self.going.get(node.index()).copied().unwrap_or(0)
    }

    /// Why a path stays that was marked.
    pub fn reason(&self, node: NodeId) -> Option<&str> {
        let at = self.reasons.get(&node)?;
        self.refused.get(*at).map(|one| one.why.as_str())
    }

    /// Why a package stays that was marked.
    pub fn package_reason(&self, name: &str) -> Option<&str> {
        let at = self.packages.get(name)?;
        self.refused.get(*at).map(|one| one.why.as_str())
    }
}

/// What stays although it was marked.
#[derive(Default)]
struct Told {
    refused: Vec<Refused>,
    reasons: HashMap<NodeId, usize>,
    packages: HashMap<String, usize>,
}

impl Told {
    /// Takes out of the marks what was named by hand and is refused, so that their profile can be used as it is. Whether
    /// there was any.
    fn spare(&mut self, scene: &Scene, plan: &Plan, marks: &mut Marks) -> bool {
        let mut is_other = false;
        for unknown in &plan.unknown_packages {
            let why = "its package manager is not one whose packages go whole";
            is_other |= self.package(marks, |mark| *mark == unknown.name, why);
        }
        for refusal in &plan.refused {
            match refusal.asked {
                Asked::ByProfile => {}
                Asked::ByHandAsPackage => {
                    // `package NAME VERSION`
                    let name = refusal.rule.split(' ').nth(1).unwrap_or_default();
                    let is = |mark: &str| mark.split_once(':').is_some_and(|(_, own)| own == name);
                    is_other |= self.package(marks, is, &refusal.why());
                }
                Asked::ByHand => {
                    is_other |= marks.kept_exactly.insert(text(scene, refusal.node));
                    self.path(scene, refusal);
                }
            }
        }
        is_other
    }

    fn package(&mut self, marks: &mut Marks, is: impl Fn(&str) -> bool, why: &str) -> bool {
        let names: Vec<String> = marks.packages.iter().filter(|mark| is(mark)).cloned().collect();
        for name in &names {
            marks.packages.remove(name);
            self.packages.insert(name.clone(), self.refused.len());
            self.refused.push(Refused {
                what: name.clone(),
                why: why.to_owned(),
            });
        }
        !names.is_empty()
    }

    fn path(&mut self, scene: &Scene, refusal: &Refusal) {
        if self.reasons.contains_key(&refusal.node) {
            return;
        }
        self.reasons.insert(refusal.node, self.refused.len());
        self.refused.push(Refused {
            what: text(scene, refusal.node),
            why: refusal.why(),
        });
    }
}

fn text(scene: &Scene, node: NodeId) -> String {
    String::from_utf8_lossy(&scene.path(node)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_a_profile_that_reads_back() {
        let profiles = Profiles::builtin().unwrap();
        let set = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let marks = Marks {
            profiles: set(&["default"]),
            categories: set(&["debug-symbols"]),
            kept_categories: set(&["apt-cache"]),
            packages: set(&["deb:gcc"]),
            paths: set(&["/srv/a [1]{x}*\"\u{1b}"]),
            kept_paths: set(&["/srv/b"]),
            kept_exactly: set(&["/srv"]),
        };
        let choice = marks.choice(&profiles).unwrap();
        let removes = |name: &str| choice.removes(profiles.catalog().find(name).unwrap().0);
        assert!(removes("debug-symbols") && removes("pip-cache") && !removes("apt-cache"));
        assert_eq!(choice.remove_packages, ["deb:gcc"]);
        let selection = Selection::new(choice, Vec::new()).unwrap();
        let removed = |path: &str| matches!(selection.rule(path.as_bytes()), crate::plan::Rule::Remove(_));
        assert!(removed("/srv/a [1]{x}*\"\u{1b}") && removed("/srv/a [1]{x}*\"\u{1b}/below"));
        assert!(!removed("/srv/a 1x") && !removed("/srv/b"));
        let keeps = |path: &str| matches!(selection.rule(path.as_bytes()), crate::plan::Rule::Keep(_));
        assert!(keeps("/srv") && keeps("/srv/b/c") && !keeps("/srv/c"));
        assert!(Marks::default().is_empty() && !marks.is_empty());
    }
}
