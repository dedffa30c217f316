//! What a person chose to remove: profiles and flags, compiled into one question per path.

use globset::{GlobSet, GlobSetBuilder};

use crate::profile::{Catalog, CategoryId, Choice, Pattern, Pick, Safety};

/// A choice of categories and globs, ready to be asked.
#[derive(Debug)]
pub struct Selection {
    choice: Choice,
    remove: Globs,
    keep: Globs,
    force: Globs,
    strips: bool,
}

/// What a selection says of a path by its name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule<'a> {
    /// `--force-path`: removed whatever needs it.
    Force(&'a Pattern),
    /// `--keep-path` or a profile's `keep-paths`: stays.
    Keep(&'a Pattern),
    /// `--remove-path` or a profile's `remove-paths`: removed unless it is protected.
    Remove(&'a Pattern),
    /// Nothing: its category decides.
    ByCategory,
}

#[derive(Debug)]
struct Globs {
    set: GlobSet,
    patterns: Vec<Pattern>,
}

impl Selection {
    /// Compiles a choice. `force` are the globs of `--force-path`.
    pub fn new(choice: Choice, force: Vec<Pattern>) -> Result<Self, globset::Error> {
        let remove = Globs::new(choice.remove_paths.clone())?;
        let keep = Globs::new(choice.keep_paths.clone())?;
        Ok(Self {
            choice,
            remove,
            keep,
            force: Globs::new(force)?,
            strips: false,
        })
    }

    /// The same, and programs and libraries are stripped.
    #[must_use]
    pub fn with_strip(self) -> Self {
        Self { strips: true, ..self }
    }

    /// Whether programs and libraries are stripped.
    pub fn strips(&self) -> bool {
        self.strips
    }

    /// Every category of `catalog` that is safe, and nothing else.
    pub fn safe(catalog: &Catalog) -> Self {
        let mut choice = Choice::default();
        catalog
            .iter()
            .filter(|(_, category)| category.removable() && category.safety == Some(Safety::Safe))
            .for_each(|(id, _)| choice.add(Pick::Category(id)));
        Self {
            choice,
            remove: Globs::none(),
            keep: Globs::none(),
            force: Globs::none(),
            strips: false,
        }
    }

    /// What the profiles and flags decided together.
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// The globs of `--force-path`.
    pub fn forced(&self) -> &[Pattern] {
        &self.force.patterns
    }

    /// What the selection says of `path` (absolute) by its name.
    pub fn rule(&self, path: &[u8]) -> Rule<'_> {
        let force = self.force.find(path).map(Rule::Force);
        let keep = || self.keep.find(path).map(Rule::Keep);
        let remove = || self.remove.find(path).map(Rule::Remove);
        force.or_else(keep).or_else(remove).unwrap_or(Rule::ByCategory)
    }

    /// Whether any path is named by a glob, to be removed or kept.
    pub fn names_paths(&self) -> bool {
        [&self.force, &self.keep, &self.remove]
            .iter()
            .any(|globs| !globs.patterns.is_empty())
    }

    /// Whether any package set or package is to go.
    pub fn names_packages(&self) -> bool {
        self.choice.package_sets().next().is_some() || !self.choice.remove_packages.is_empty()
    }

    /// Whether the category's files go.
    pub fn removes(&self, category: CategoryId) -> bool {
        self.choice.removes(category)
    }

    /// Whether the selection can remove nothing.
    pub fn is_empty(&self) -> bool {
        self.choice.categories().next().is_none()
            && !self.names_packages()
            && self.remove.patterns.is_empty()
            && self.force.patterns.is_empty()
    }
}

impl Globs {
    fn new(patterns: Vec<Pattern>) -> Result<Self, globset::Error> {
        let mut set = GlobSetBuilder::new();
        for pattern in &patterns {
            set.add(pattern.compile()?);
        }
        Ok(Self {
            set: set.build()?,
            patterns,
        })
    }

    fn none() -> Self {
        Self {
            set: GlobSet::empty(),
            patterns: Vec::new(),
        }
    }

    fn find(&self, path: &[u8]) -> Option<&Pattern> {
        if self.patterns.is_empty() {
            return None;
        }
        let candidate = globset::Candidate::from_bytes(path);
        self.set
            .matches_candidate(&candidate)
            .first()
            .map(|&at| &self.patterns[at])
    }
}
