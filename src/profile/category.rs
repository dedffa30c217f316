//! One category: what some bytes are for, why they may go, and how to avoid them.
//!
//! A module of its own because a row of TOML becomes a checked value here, and nowhere else.

use std::fmt;

use serde::Deserialize;
use toml::Spanned;

use super::{Condition, Pattern, Place, ProfileError};

/// A category, by its place in its [`Catalog`](super::Catalog).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CategoryId(pub u16);

impl CategoryId {
    /// The place in the catalog, as an index.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The order of matching: a file belongs to the first band in which a category takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Band {
    /// What an image, its users or the law need. Goes only by `--force-path`.
    Protected,
    /// The metadata of version control.
    Vcs,
    /// What a tool fetches or computes again.
    Cache,
    /// Known directories: documentation, logs, headers.
    Tree,
    /// Whole packages.
    PackageSet,
    /// Files of a known kind, wherever they are.
    FileKind,
    /// Everything else by its kind, so that each byte has a name. Never removed by category.
    Kept,
}

impl Band {
    /// The name in files and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::Vcs => "vcs",
            Self::Cache => "cache",
            Self::Tree => "tree",
            Self::PackageSet => "package-set",
            Self::FileKind => "file-kind",
            Self::Kept => "kept",
        }
    }
}

/// What may happen to an image that loses a category. Harder to remove is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Safety {
    /// The image behaves the same; at most something is fetched or computed again.
    Safe,
    /// Usually unused at run time; may matter.
    Review,
    /// Changes what the image can do.
    Risky,
}

impl Safety {
    /// All of them, the safest first.
    pub const ALL: [Self; 3] = [Self::Safe, Self::Review, Self::Risky];

    /// The name in files and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Review => "review",
            Self::Risky => "risky",
        }
    }
}

impl fmt::Display for Safety {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What happens to directories that a removal empties.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Directories {
    /// They stay, empty: tools and mounts expect them.
    #[default]
    Keep,
    /// They go too: nothing else lives there.
    Remove,
}

/// A category as its file defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Category {
    /// Kebab-case and unique.
    pub name: String,
    /// A few words for people.
    pub title: String,
    /// Where it stands in the order of matching.
    pub band: Band,
    /// Why the bytes may go, or why they stay.
    pub reason: String,
    /// What may go wrong without it; empty for what is safe and for what is not removed by category.
    pub breaks: String,
    /// None in the bands that are not removed by category.
    pub safety: Option<Safety>,
    /// The paths it takes.
    pub globs: Vec<Pattern>,
    /// The paths among them that it leaves.
    pub except: Vec<Pattern>,
    /// What becomes of emptied directories.
    pub directories: Directories,
    /// What else must hold, all of it.
    pub when: Vec<Condition>,
    /// How a build avoids the bytes; empty where there is nothing to avoid.
    pub advice: String,
    /// Lines of a `.dockerignore` that keep the bytes out of a build's context; empty where they do not come from there.
    pub dockerignore: Vec<String>,
    /// Whether a container can be given what goes, as a volume in its place.
    pub volume: bool,
    /// Paths that are of this category when the conditions hold. Run as tests.
    pub matches: Vec<String>,
    /// Paths that are not. Run as tests.
    pub spares: Vec<String>,
    /// Where the row stands.
    pub place: Place,
}

impl Category {
    /// Whether a selection may name it.
    pub fn removable(&self) -> bool {
        self.safety.is_some()
    }
}

/// The row as TOML has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Row {
    name: Spanned<String>,
    title: String,
    band: Band,
    reason: String,
    #[serde(default)]
    breaks: String,
    safety: Option<Safety>,
    globs: Vec<Spanned<String>>,
    #[serde(default)]
    except: Vec<Spanned<String>>,
    #[serde(default)]
    directories: Directories,
    #[serde(default)]
    when: Vec<Condition>,
    #[serde(default)]
    advice: String,
    #[serde(default)]
    dockerignore: Vec<String>,
    #[serde(default)]
    volume: bool,
    matches: Vec<String>,
    #[serde(default)]
    spares: Vec<String>,
}

impl Row {
    /// Checks the row, which stands in `text`, the content of `file`.
    pub(super) fn check(self, file: &str, text: &str) -> Result<Category, ProfileError> {
        let place = Place::in_text(file, text, self.name.span().start);
        if let Some(what) = self.fault() {
            return Err(ProfileError::Row {
                place,
                name: self.name.into_inner(),
                what,
            });
        }
        Ok(Category {
            globs: patterns(self.globs, file, text)?,
            except: patterns(self.except, file, text)?,
            name: self.name.into_inner(),
            title: self.title,
            band: self.band,
            reason: self.reason,
            breaks: self.breaks,
            safety: self.safety,
            directories: self.directories,
            when: self.when,
            advice: self.advice,
            dockerignore: self.dockerignore,
            volume: self.volume,
            matches: self.matches,
            spares: self.spares,
            place,
        })
    }

    fn fault(&self) -> Option<&'static str> {
        let removable = !matches!(self.band, Band::Protected | Band::Kept);
        let relative = |path: &String| !path.starts_with('/');
        if let Some(fault) = name_fault(self.name.get_ref()) {
            Some(fault)
        } else if removable && self.safety.is_none() {
            Some("`safety` is missing: safe, review or risky")
        } else if !removable && self.safety.is_some() {
            Some("a category of the bands `protected` and `kept` has no `safety`: it is not removed")
        } else if self.globs.is_empty() {
            Some("`globs` is empty: it would match nothing")
        } else if self.matches.is_empty() {
            Some("`matches` is empty: give a path that is of this category")
        } else if self.matches.iter().chain(&self.spares).any(relative) {
            Some("the paths of `matches` and `spares` must begin with `/`")
        } else {
            None
        }
    }
}

/// The globs of a list, each with the line where it stands.
pub(super) fn patterns(
    globs: Vec<Spanned<String>>,
    file: &str,
    text: &str,
) -> Result<Vec<Pattern>, ProfileError> {
    globs
        .into_iter()
        .map(|glob| {
            let place = Place::in_text(file, text, glob.span().start);
            Pattern::new(glob.get_ref(), place)
        })
        .collect()
}

/// What is wrong with the name of a category or a package set.
pub(super) fn name_fault(name: &str) -> Option<&'static str> {
    if !is_kebab_case(name) {
        Some("the name must be kebab-case: lower-case letters, digits and single hyphens")
    } else if name == super::SHADOWED || Safety::ALL.iter().any(|safety| safety.as_str() == name) {
        Some("the name is a word of selections")
    } else {
        None
    }
}

fn is_kebab_case(name: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    name.split('-').all(word)
}
