//! Package sets: packages that go whole, by the names that each package manager gives them.
//!
//! A module of its own because a set speaks of packages and not of paths: it shares a namespace with the categories, and
//! nothing else. What a package is, and what needs it, is the business of `packages`.

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use toml::Spanned;

use super::category::name_fault;
use super::{Place, ProfileError, Safety};

/// A package set, by its place in its [`Catalog`](super::Catalog).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageSetId(pub u16);

/// A package set as its file defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PackageSet {
    /// Kebab-case, unique among sets and categories.
    pub name: String,
    /// A few words for people.
    pub title: String,
    /// Why the packages may go.
    pub reason: String,
    /// What may go wrong without them.
    pub breaks: String,
    /// What may happen to an image that loses them.
    pub safety: Safety,
    /// Globs of names, by the word of the package manager (`deb`, `apk`, `pypi`).
    pub names: Vec<(&'static str, Vec<String>)>,
    /// Globs of names that stay, whatever the manager.
    pub except: Vec<String>,
    /// How a build avoids them.
    pub advice: String,
    /// Where the row stands.
    pub place: Place,
}

/// The names of a set, compiled for one package manager.
#[derive(Debug)]
pub struct SetMatcher {
    names: GlobSet,
    except: GlobSet,
}

impl SetMatcher {
    /// Whether the package of that name is in the set.
    pub fn has(&self, name: &str) -> bool {
        self.names.is_match(name) && !self.except.is_match(name)
    }
}

impl PackageSet {
    /// The names that it has with the package manager of that word.
    pub fn matcher(&self, manager: &str) -> SetMatcher {
        let of = self.names.iter().find(|(word, _)| *word == manager);
        SetMatcher {
            names: compile(of.map_or(&[], |(_, names)| names)),
            except: compile(&self.except),
        }
    }
}

/// The globs were compiled one by one when the row was read.
fn compile(globs: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    globs
        .iter()
        .filter_map(|glob| Glob::new(glob).ok())
        .for_each(|glob| {
            set.add(glob);
        });
    set.build().unwrap_or_else(|_| GlobSet::empty())
}

/// The row as TOML has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SetRow {
    name: Spanned<String>,
    title: String,
    reason: String,
    breaks: String,
    safety: Safety,
    #[serde(default)]
    deb: Vec<Spanned<String>>,
    #[serde(default)]
    apk: Vec<Spanned<String>>,
    #[serde(default)]
    pypi: Vec<Spanned<String>>,
    #[serde(default)]
    except: Vec<Spanned<String>>,
    #[serde(default)]
    advice: String,
}

impl SetRow {
    /// Checks the row, which stands in `text`, the content of `file`.
    pub(super) fn check(self, file: &str, text: &str) -> Result<PackageSet, ProfileError> {
        let place = Place::in_text(file, text, self.name.span().start);
        if let Some(what) = self.fault() {
            return Err(ProfileError::Row {
                place,
                name: self.name.into_inner(),
                what,
            });
        }
        let globs = |list: Vec<Spanned<String>>| -> Result<Vec<String>, ProfileError> {
            let check = |glob: Spanned<String>| match Glob::new(glob.get_ref()) {
                Ok(_) => Ok(glob.into_inner()),
                Err(error) => Err(ProfileError::Glob {
                    place: Place::in_text(file, text, glob.span().start),
                    glob: glob.into_inner(),
                    reason: error.kind().to_string(),
                }),
            };
            list.into_iter().map(check).collect()
        };
        Ok(PackageSet {
            names: vec![
                ("deb", globs(self.deb)?),
                ("apk", globs(self.apk)?),
                ("pypi", globs(self.pypi)?),
            ],
            except: globs(self.except)?,
            name: self.name.into_inner(),
            title: self.title,
            reason: self.reason,
            breaks: self.breaks,
            safety: self.safety,
            advice: self.advice,
            place,
        })
    }

    fn fault(&self) -> Option<&'static str> {
        let fault = name_fault(self.name.get_ref());
        if fault.is_some() {
            fault
        } else if [&self.deb, &self.apk, &self.pypi]
            .iter()
            .all(|names| names.is_empty())
        {
            Some("it names no package: give `deb`, `apk` or `pypi`")
        } else {
            None
        }
    }
}
