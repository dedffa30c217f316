//! All categories: those of the executable and those of the user's files.
//!
//! A module of its own because only the whole says whether a name is unique and what a word of a selection means.

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::category::Row;
use super::nearest::nearest;
use super::package_set::SetRow;
use super::{Category, CategoryId, PackageSet, PackageSetId, Place, ProfileError, Safety};

/// The word for entries that no name of the merged tree can see. No category: it cuts across all of them.
pub const SHADOWED: &str = "shadowed";

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles/categories");

/// The categories in the order of their ids: ours by band and name, then those of the user's files as they come; and
/// the package sets, likewise.
#[derive(Debug, Clone)]
pub struct Catalog {
    categories: Vec<Category>,
    sets: Vec<PackageSet>,
}

/// What one word of a selection takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pick {
    /// The files of a category.
    Category(CategoryId),
    /// The entries that no name can see, whatever their category.
    Shadowed,
    /// The packages of a set.
    Packages(PackageSetId),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(rename_all = "kebab-case")]
struct CategoryFile {
    #[serde(default)]
    category: Vec<Row>,
    #[serde(default)]
    package_set: Vec<SetRow>,
}

impl Catalog {
    /// The categories of the executable.
    pub fn builtin() -> Result<Self, ProfileError> {
        let (mut categories, mut sets) = (Vec::new(), Vec::new());
        for file in FILES.files() {
            let name = format!("profiles/categories/{}", file.path().display());
            let text = file.contents_utf8().unwrap_or_default();
            let CategoryFile {
                category,
                package_set,
            } = read(&name, text)?;
            for row in category {
                categories.push(row.check(&name, text)?);
            }
            for row in package_set {
                sets.push(row.check(&name, text)?);
            }
        }
        categories.sort_by(|a, b| (a.band, &a.name).cmp(&(b.band, &b.name)));
        let mut catalog = Self {
            categories: Vec::with_capacity(categories.len()),
            sets: Vec::new(),
        };
        catalog.extend(categories, sets)?;
        Ok(catalog)
    }

    /// Adds categories behind the others, so that no id changes.
    pub(super) fn extend(
        &mut self,
        categories: Vec<Category>,
        sets: Vec<PackageSet>,
    ) -> Result<(), ProfileError> {
        for category in categories {
            self.must_be_new(&category.name, &category.place)?;
            self.categories.push(category);
        }
        for set in sets {
            self.must_be_new(&set.name, &set.place)?;
            self.sets.push(set);
        }
        Ok(())
    }

    /// Categories and package sets have names of one kind.
    fn must_be_new(&self, name: &str, place: &Place) -> Result<(), ProfileError> {
        let category = self.find(name).map(|(_, category)| &category.place);
        match category.or_else(|| self.find_set(name).map(|(_, set)| &set.place)) {
            None => Ok(()),
            Some(first) => Err(ProfileError::DuplicateCategory {
                first: first.clone(),
                place: place.clone(),
                name: name.to_owned(),
            }),
        }
    }

    /// The category of an id of this catalog; none for an id of a larger one.
    pub fn get(&self, id: CategoryId) -> Option<&Category> {
        self.categories.get(id.index())
    }

    /// The category of a name.
    pub fn find(&self, name: &str) -> Option<(CategoryId, &Category)> {
        self.iter().find(|(_, category)| category.name == name)
    }

    /// All categories, by id.
    pub fn iter(&self) -> impl Iterator<Item = (CategoryId, &Category)> {
        self.categories
            .iter()
            .enumerate()
            .map(|(index, category)| (CategoryId(index as u16), category))
    }

    /// All package sets, by id.
    pub fn sets(&self) -> impl Iterator<Item = (PackageSetId, &PackageSet)> {
        (0..).map(PackageSetId).zip(&self.sets)
    }

    /// The package set of that id; none for an id of a larger catalog.
    pub fn set(&self, id: PackageSetId) -> Option<&PackageSet> {
        self.sets.get(usize::from(id.0))
    }

    /// The package set of a name.
    pub fn find_set(&self, name: &str) -> Option<(PackageSetId, &PackageSet)> {
        self.sets().find(|(_, set)| set.name == name)
    }

    /// How many categories there are.
    pub fn len(&self) -> usize {
        self.categories.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.categories.is_empty()
    }

    /// What a word of `--remove` or of a profile's `remove` takes: a category, a package set, all of a safety, or
    /// [`SHADOWED`], which is safe too.
    ///
    /// Fails with [`ProfileError::UnknownCategory`], or with [`ProfileError::NotRemovable`] for a category that is no
    /// waste by its kind.
    pub fn to_remove(&self, word: &str, place: &Place) -> Result<Vec<Pick>, ProfileError> {
        let picks = self.to_keep(word, place)?;
        match self.find(word) {
            Some((_, category)) if !category.removable() => Err(ProfileError::NotRemovable {
                place: place.clone(),
                name: word.to_owned(),
                why: if category.band == super::Band::Protected {
                    "protected"
                } else {
                    "a kind of file"
                },
            }),
            _ => Ok(picks),
        }
    }

    /// What a word of `--keep` or of a profile's `keep` takes; any category may be kept.
    ///
    /// Fails with [`ProfileError::UnknownCategory`].
    pub fn to_keep(&self, word: &str, place: &Place) -> Result<Vec<Pick>, ProfileError> {
        if let Some((id, _)) = self.find(word) {
            return Ok(vec![Pick::Category(id)]);
        }
        if let Some((id, _)) = self.find_set(word) {
            return Ok(vec![Pick::Packages(id)]);
        }
        if word == SHADOWED {
            return Ok(vec![Pick::Shadowed]);
        }
        if let Some(safety) = Safety::ALL.into_iter().find(|safety| safety.as_str() == word) {
            return Ok(self.of_safety(safety));
        }
        let names = self.categories.iter().map(|category| category.name.as_str());
        let names = names.chain(self.sets.iter().map(|set| set.name.as_str()));
        let words = Safety::ALL.iter().map(|safety| -> &str { safety.as_str() });
        let nearest = nearest(word, names.chain(words).chain(std::iter::once(SHADOWED))).map(str::to_owned);
        Err(ProfileError::UnknownCategory {
            place: place.clone(),
            name: word.to_owned(),
            nearest,
        })
    }

    fn of_safety(&self, safety: Safety) -> Vec<Pick> {
        let categories = self
            .iter()
            .filter(|(_, category)| category.safety == Some(safety));
        let shadowed = (safety == Safety::Safe).then_some(Pick::Shadowed);
        let sets = self.sets().filter(|(_, set)| set.safety == safety);
        categories
            .map(|(id, _)| Pick::Category(id))
            .chain(sets.map(|(id, _)| Pick::Packages(id)))
            .chain(shadowed)
            .collect()
    }
}

/// Reads a file of rows; the error names the line.
pub(super) fn read<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, ProfileError> {
    toml::from_str(text).map_err(|error| ProfileError::Syntax {
        place: Place::in_text(file, text, error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Band, Profiles};

    const ROW: &str = "[[category]]\nname='x'\ntitle=''\nband='tree'\nreason=''\nsafety='safe'\nglobs=['/x/**']\nmatches=['/x/a']\n";

    fn error(text: &str) -> String {
        Profiles::builtin()
            .unwrap()
            .add("slim.toml", text)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn rows_of_each_file_are_sorted_and_none_is_forgotten() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles/categories");
        assert_eq!(
            std::fs::read_dir(folder).unwrap().count(),
            FILES.files().count(),
            "a new file: touch catalog.rs"
        );
        for file in FILES.files() {
            let text = file.contents_utf8().unwrap();
            let names: Vec<&str> = text
                .lines()
                .filter_map(|line| line.strip_prefix("name "))
                .collect();
            assert!(names.is_sorted(), "{}: {names:?}", file.path().display());
            assert!(
                text.starts_with("# "),
                "{}: say what belongs here",
                file.path().display()
            );
        }
    }

    #[test]
    fn globs_are_sorted_and_written_once() {
        let catalog = Catalog::builtin().unwrap();
        let mut seen = std::collections::BTreeMap::new();
        for (_, category) in catalog.iter() {
            for globs in [&category.globs, &category.except] {
                let globs: Vec<&str> = globs.iter().map(crate::profile::Pattern::as_str).collect();
                assert!(globs.is_sorted(), "{}: {globs:?}", category.place);
            }
            for glob in category.globs.iter().filter(|_| category.when.is_empty()) {
                let other = seen.insert((category.band, glob.as_str()), &category.name);
                assert_eq!(
                    other,
                    None,
                    "{}: {} is of two categories",
                    category.place,
                    glob.as_str()
                );
            }
        }
    }

    #[test]
    fn what_is_safe_stays_in_places_that_a_tool_owns() {
        let catalog = Catalog::builtin().unwrap();
        let anywhere = ["crash-dumps", "editor-files", "pycache"];
        for (_, category) in catalog
            .iter()
            .filter(|(_, category)| category.safety == Some(Safety::Safe))
        {
            for glob in category
                .globs
                .iter()
                .filter(|_| !anywhere.contains(&category.name.as_str()))
            {
                let named =
                    glob.as_str().starts_with("**/.") || glob.as_str().starts_with("**/vendor/bundle/");
                assert!(
                    named || glob.literal_prefix().len() > 1,
                    "{}: {}",
                    category.place,
                    glob.as_str()
                );
            }
        }
    }

    #[test]
    fn every_removable_row_says_how_to_avoid_it_and_what_it_spares() {
        for (_, category) in Catalog::builtin()
            .unwrap()
            .iter()
            .filter(|(_, category)| category.removable())
        {
            assert!(
                !category.advice.is_empty() && !category.spares.is_empty(),
                "{}",
                category.name
            );
            assert!(
                category.reason.ends_with('.') && category.advice.ends_with('.'),
                "{}",
                category.name
            );
            let is_safe = category.safety == Some(Safety::Safe);
            assert!(
                is_safe || category.breaks.ends_with('.'),
                "{}: say what it may break",
                category.name
            );
        }
    }

    #[test]
    fn ids_are_the_order_of_bands() {
        let catalog = Catalog::builtin().unwrap();
        let bands: Vec<Band> = catalog.iter().map(|(_, category)| category.band).collect();
        assert!(bands.is_sorted());
        for (id, category) in catalog.iter() {
            assert_eq!(
                catalog.find(&category.name),
                catalog.get(id).map(|category| (id, category))
            );
        }
    }

    #[test]
    fn a_users_row_is_checked_and_the_error_names_its_line() {
        for (text, want) in [
            (
                ROW.replace("'/x/**'", "'/a',\n  '/x/[a'"),
                "slim.toml:8: glob `/x/[a`: unclosed character class; missing ']'",
            ),
            (
                ROW.replace("globs=", "glob="),
                "slim.toml:7: unknown field `glob`, expected one of `name`, `title`, `band`, `reason`, `breaks`, \
                 `safety`, `globs`, `except`, `directories`, `when`, `advice`, `dockerignore`, `volume`, \
                 `matches`, `spares`",
            ),
            (
                ROW.replace("'x'", "'A b'"),
                "slim.toml:2: category `A b`: the name must be kebab-case: lower-case letters, digits and single hyphens",
            ),
            (
                ROW.replace("'x'", "'safe'"),
                "slim.toml:2: category `safe`: the name is a word of selections",
            ),
            (
                ROW.replace("safety='safe'", ""),
                "slim.toml:2: category `x`: `safety` is missing: safe, review or risky",
            ),
            (
                ROW.replace("'tree'", "'kept'"),
                "slim.toml:2: category `x`: a category of the bands `protected` and `kept` has no `safety`: it is not removed",
            ),
            (
                ROW.replace("['/x/a']", "[]"),
                "slim.toml:2: category `x`: `matches` is empty: give a path that is of this category",
            ),
        ] {
            assert_eq!(error(&text), want);
        }
        assert_eq!(
            error(&format!("{ROW}{ROW}")),
            "slim.toml:10: category `x` is already defined at slim.toml:2"
        );
        let apt = Catalog::builtin()
            .unwrap()
            .find("apt-cache")
            .unwrap()
            .1
            .place
            .to_string();
        assert_eq!(
            error(&ROW.replace("'x'", "'apt-cache'")),
            format!("slim.toml:2: category `apt-cache` is already defined at {apt}")
        );
    }

    #[test]
    fn conditions_are_a_closed_set() {
        let with = |when: &str| format!("{ROW}when=[{when}]\n");
        let mut profiles = Profiles::builtin().unwrap();
        profiles
            .add("slim.toml", &with("'executable', { magic = ['elf', 'script'] }"))
            .unwrap();
        let (_, category) = profiles.catalog().find("x").unwrap();
        assert_eq!(category.when.len(), 2);
        assert!(error(&with("'sunny'")).starts_with("slim.toml:9: unknown variant `sunny`, expected one of"));
        assert!(
            error(&with("{ magic = ['elv'] }"))
                .starts_with("slim.toml:9: unknown variant `elv`, expected one of")
        );
    }
}
