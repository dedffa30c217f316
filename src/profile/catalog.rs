//! All categories: those of the executable and those of the user's files.
//!
//! A module of its own because only the whole says whether a name is unique and what a word of a selection means.

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::category::Row;
use super::nearest::nearest;
use super::{Category, CategoryId, Place, ProfileError, Safety};

/// The word for entries that no name of the merged tree can see. No category: it cuts across all of them.
pub const SHADOWED: &str = "shadowed";

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles/categories");

/// The categories in the order of their ids: ours by band and name, then those of the user's files as they come.
#[derive(Debug, Clone)]
pub struct Catalog {
    categories: Vec<Category>,
}

/// What one word of a selection takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pick {
    /// The files of a category.
    Category(CategoryId),
    /// The entries that no name can see, whatever their category.
    Shadowed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CategoryFile {
    category: Vec<Row>,
}

impl Catalog {
    /// The categories of the executable.
    pub fn builtin() -> Result<Self, ProfileError> {
        let mut categories = Vec::new();
        for file in FILES.files() {
            let name = format!("profiles/categories/{}", file.path().display());
            let text = file.contents_utf8().unwrap_or_default();
            let CategoryFile { category: rows } = read(&name, text)?;
            for row in rows {
                categories.push(row.check(&name, text)?);
            }
        }
        categories.sort_by(|a, b| (a.band, &a.name).cmp(&(b.band, &b.name)));
        let mut catalog = Self {
            categories: Vec::with_capacity(categories.len()),
        };
        catalog.extend(categories)?;
        Ok(catalog)
    }

    /// Adds categories behind the others, so that no id changes.
    pub(super) fn extend(&mut self, categories: Vec<Category>) -> Result<(), ProfileError> {
        for category in categories {
            if let Some((_, first)) = self.find(&category.name) {
                return Err(ProfileError::DuplicateCategory {
                    first: first.place.clone(),
                    place: category.place,
                    name: category.name,
                });
            }
            self.categories.push(category);
        }
        Ok(())
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

    /// How many categories there are.
    pub fn len(&self) -> usize {
        self.categories.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.categories.is_empty()
    }

    /// What a word of `--remove` or of a profile's `remove` takes: a category, all of a safety, or [`SHADOWED`], which
    /// is safe too.
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
        if word == SHADOWED {
            return Ok(vec![Pick::Shadowed]);
        }
        if let Some(safety) = Safety::ALL.into_iter().find(|safety| safety.as_str() == word) {
            return Ok(self.of_safety(safety));
        }
        let names = self.categories.iter().map(|category| category.name.as_str());
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
        categories
            .map(|(id, _)| Pick::Category(id))
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
