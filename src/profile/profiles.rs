//! Profiles: named choices of what to remove, and what several of them mean together.
//!
//! A module of its own because a choice is made from names only, before any image is read. It may assume a checked
//! catalog.

use std::collections::{BTreeMap, BTreeSet};

use include_dir::{Dir, include_dir};
use serde::Deserialize;
use toml::Spanned;

use super::catalog::read;
use super::category::{Row, patterns};
use super::nearest::nearest;
use super::package_set::SetRow;
use super::{Catalog, CategoryId, PackageSetId, Pattern, Pick, Place, ProfileError};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles");

/// The word that stands for every profile that an image has evidence for; no profile can be called so.
pub const AUTO: &str = "auto";

/// A word of a profile and the line where it stands.
type Word = (String, Place);

/// A profile as its file defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// Unique; a user's file without `name` is named as the caller named the file.
    pub name: String,
    /// A sentence for people; may be empty.
    pub title: String,
    /// Globs of paths to remove whatever their category.
    pub remove_paths: Vec<Pattern>,
    /// Globs of paths to keep whatever their category.
    pub keep_paths: Vec<Pattern>,
    /// Packages to remove, by name: `NAME` or `KIND:NAME`.
    pub remove_packages: Vec<String>,
    /// Locales whose translations stay, beside those of the image's environment.
    pub locales: Vec<String>,
    /// Globs: an image that shows a file which one of them matches is of the kind that the profile is for.
    pub evidence: Vec<Pattern>,
    extends: Vec<Word>,
    remove: Vec<Word>,
    keep: Vec<Word>,
    place: Place,
}

impl Profile {
    /// The profiles whose choices it begins with.
    pub fn extends(&self) -> impl Iterator<Item = &str> {
        self.extends.iter().map(|(word, _)| word.as_str())
    }

    /// The categories, safeties or `shadowed` that it removes.
    pub fn remove(&self) -> impl Iterator<Item = &str> {
        self.remove.iter().map(|(word, _)| word.as_str())
    }

    /// The categories, safeties or `shadowed` that it keeps.
    pub fn keep(&self) -> impl Iterator<Item = &str> {
        self.keep.iter().map(|(word, _)| word.as_str())
    }
}

/// The catalog and the profiles over it: the embedded ones and those of the user's files.
#[derive(Debug, Clone)]
pub struct Profiles {
    catalog: Catalog,
    profiles: Vec<Profile>,
}

/// What profiles and flags decide together. A kept thing stays, whatever removes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// The names of the profiles, as asked for.
    pub profiles: Vec<String>,
    /// Globs of paths to remove whatever their category.
    pub remove_paths: Vec<Pattern>,
    /// Globs of paths to keep whatever their category.
    pub keep_paths: Vec<Pattern>,
    /// Locales whose translations stay, beside those of the image's environment.
    pub locales: Vec<String>,
    /// Packages to remove, by name: `NAME` or `KIND:NAME`.
    pub remove_packages: Vec<String>,
    remove: BTreeSet<Pick>,
    keep: BTreeSet<Pick>,
}

impl Choice {
    /// Whether the files of a category go, as far as conditions and safety allow.
    pub fn removes(&self, category: CategoryId) -> bool {
        self.takes(Pick::Category(category))
    }

    /// Whether the entries that no name can see go.
    pub fn removes_shadowed(&self) -> bool {
        self.takes(Pick::Shadowed)
    }

    /// The categories that go, by id.
    pub fn categories(&self) -> impl Iterator<Item = CategoryId> {
        self.remove.difference(&self.keep).filter_map(|pick| match pick {
            Pick::Category(id) => Some(*id),
            Pick::Shadowed | Pick::Packages(_) => None,
        })
    }

    /// The package sets that go, by id.
    pub fn package_sets(&self) -> impl Iterator<Item = PackageSetId> {
        self.remove.difference(&self.keep).filter_map(|pick| match pick {
            Pick::Packages(id) => Some(*id),
            Pick::Category(_) | Pick::Shadowed => None,
        })
    }

    /// Removes one thing more, even if a profile keeps it: the later word counts.
    pub fn add(&mut self, pick: Pick) {
        self.keep.remove(&pick);
        self.remove.insert(pick);
    }

    /// Keeps one thing.
    pub fn spare(&mut self, pick: Pick) {
        self.remove.remove(&pick);
        self.keep.insert(pick);
    }

    fn takes(&self, pick: Pick) -> bool {
        self.remove.contains(&pick) && !self.keep.contains(&pick)
    }

    fn merge(&mut self, other: Self) {
        self.remove.extend(other.remove);
        self.keep.extend(other.keep);
        append(&mut self.remove_paths, other.remove_paths);
        append(&mut self.keep_paths, other.keep_paths);
        append(&mut self.locales, other.locales);
        append(&mut self.remove_packages, other.remove_packages);
    }
}

/// Adds what is not there yet: two profiles may extend the same one.
fn append<T: PartialEq>(to: &mut Vec<T>, from: Vec<T>) {
    for item in from {
        if !to.contains(&item) {
            to.push(item);
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ProfileFile {
    name: Option<Spanned<String>>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    extends: Vec<Spanned<String>>,
    #[serde(default)]
    remove: Vec<Spanned<String>>,
    #[serde(default)]
    keep: Vec<Spanned<String>>,
    #[serde(default)]
    remove_paths: Vec<Spanned<String>>,
    #[serde(default)]
    keep_paths: Vec<Spanned<String>>,
    #[serde(default)]
    remove_packages: Vec<String>,
    #[serde(default)]
    locales: Vec<String>,
    #[serde(default)]
    evidence: Vec<Spanned<String>>,
    #[serde(default)]
    category: Vec<Row>,
    #[serde(default)]
    package_set: Vec<SetRow>,
    /// A repository's `slim.toml` is a profile plus a budget. As a profile it is read without it: any keys are accepted
    /// there and none has an effect here.
    #[serde(default, rename = "budget", alias = "budgets")]
    _budget: toml::Table,
}

/// Choices that are known already, by profile: one that many extend, each several times, is looked at once.
type Known<'a> = BTreeMap<&'a str, Choice>;

impl Profiles {
    /// The catalog and the profiles of the executable.
    pub fn builtin() -> Result<Self, ProfileError> {
        let mut profiles = Self {
            catalog: Catalog::builtin()?,
            profiles: Vec::new(),
        };
        for file in FILES.files() {
            let name = format!("profiles/{}", file.path().display());
            profiles.add(&name, file.contents_utf8().unwrap_or_default())?;
        }
        Ok(profiles)
    }

    /// Adds the profile and the categories of a user's file, and returns the profile's name. Ids of categories do not
    /// change. `file` is what errors call it, `text` its content.
    ///
    /// Names of categories and profiles are looked up only by [`Profiles::resolve`], so files may come in any order.
    pub fn add(&mut self, file: &str, text: &str) -> Result<String, ProfileError> {
        let parsed: ProfileFile = read(file, text)?;
        let words = |list: Vec<Spanned<String>>| -> Vec<Word> {
            let place = |word: &Spanned<String>| Place::in_text(file, text, word.span().start);
            list.into_iter()
                .map(|word| (word.get_ref().clone(), place(&word)))
                .collect()
        };
        let start = parsed.name.as_ref().map_or(0, |name| name.span().start);
        let place = Place::in_text(file, text, start);
        let profile = Profile {
            name: parsed.name.map_or_else(|| file.to_owned(), Spanned::into_inner),
            title: parsed.title,
            remove_paths: patterns(parsed.remove_paths, file, text)?,
            keep_paths: patterns(parsed.keep_paths, file, text)?,
            remove_packages: parsed.remove_packages,
            locales: parsed.locales,
            evidence: patterns(parsed.evidence, file, text)?,
            extends: words(parsed.extends),
            remove: words(parsed.remove),
            keep: words(parsed.keep),
            place,
        };
        if profile.name == AUTO || self.profiles.iter().any(|other| other.name == profile.name) {
            return Err(ProfileError::DuplicateProfile {
                place: profile.place,
                name: profile.name,
            });
        }
        let categories: Result<Vec<_>, _> = parsed
            .category
            .into_iter()
            .map(|row| row.check(file, text))
            .collect();
        let sets: Result<Vec<_>, _> = parsed
            .package_set
            .into_iter()
            .map(|row| row.check(file, text))
            .collect();
        self.catalog.extend(categories?, sets?)?;
        let name = profile.name.clone();
        self.profiles.push(profile);
        Ok(name)
    }

    /// The catalog with the user's categories.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// All profiles: ours by name, then the user's.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.iter()
    }

    /// The profile of a name. Fails with [`ProfileError::UnknownProfile`].
    pub fn get(&self, name: &str) -> Result<&Profile, ProfileError> {
        self.find(name, None)
    }

    /// What several profiles mean together: all that one of them removes, but for what one of them keeps.
    ///
    /// Within one profile the later word counts: what it extends, then its `remove`, then its `keep`. `shadowed` goes
    /// with every profile that does not keep it.
    ///
    /// Fails with [`ProfileError::UnknownProfile`], [`ProfileError::UnknownCategory`], [`ProfileError::NotRemovable`]
    /// or [`ProfileError::Cycle`].
    pub fn resolve(&self, names: &[impl AsRef<str>]) -> Result<Choice, ProfileError> {
        let (mut choice, mut known) = (Choice::default(), Known::new());
        for name in names {
            let profile = self.find(name.as_ref(), None)?;
            choice.merge(self.choice_of(profile, &mut Vec::new(), &mut known)?);
            choice.profiles.push(name.as_ref().to_owned());
        }
        Ok(choice)
    }

    fn choice_of<'a>(
        &'a self,
        profile: &'a Profile,
        above: &mut Vec<&'a str>,
        known: &mut Known<'a>,
    ) -> Result<Choice, ProfileError> {
        if let Some(choice) = known.get(profile.name.as_str()) {
            return Ok(choice.clone());
        }
        if let Some(start) = above.iter().position(|name| *name == profile.name) {
            let names = above[start..].iter().copied().chain([profile.name.as_str()]);
            return Err(ProfileError::Cycle {
                chain: names.map(str::to_owned).collect(),
            });
        }
        above.push(&profile.name);
        let mut choice = Choice::default();
        for (name, place) in &profile.extends {
            choice.merge(self.choice_of(self.find(name, Some(place))?, above, known)?);
        }
        above.pop();
        if profile.extends.is_empty() {
            choice.add(Pick::Shadowed);
        }
        for (word, place) in &profile.remove {
            self.catalog
                .to_remove(word, place)?
                .into_iter()
                .for_each(|pick| choice.add(pick));
        }
        for (word, place) in &profile.keep {
            self.catalog
                .to_keep(word, place)?
                .into_iter()
                .for_each(|pick| choice.spare(pick));
        }
        append(&mut choice.remove_paths, profile.remove_paths.clone());
        append(&mut choice.keep_paths, profile.keep_paths.clone());
        append(&mut choice.remove_packages, profile.remove_packages.clone());
        append(&mut choice.locales, profile.locales.clone());
        known.insert(&profile.name, choice.clone());
        Ok(choice)
    }

    fn find(&self, name: &str, place: Option<&Place>) -> Result<&Profile, ProfileError> {
        self.profiles
            .iter()
            .find(|profile| profile.name == name)
            .ok_or_else(|| ProfileError::UnknownProfile {
                place: place.cloned(),
                name: name.to_owned(),
                nearest: nearest(name, self.profiles.iter().map(|profile| profile.name.as_str()))
                    .map(str::to_owned),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(files: &[(&str, &str)]) -> Profiles {
        let mut profiles = Profiles::builtin().unwrap();
        for (file, text) in files {
            profiles.add(file, text).unwrap();
        }
        profiles
    }

    /// The words `names` and `shadowed` that a choice removes, of those asked for.
    fn removed<'a>(profiles: &Profiles, choice: &Choice, names: &[&'a str]) -> Vec<&'a str> {
        let place = Place::flag("test");
        let taken = |name: &&str| {
            let picks = profiles.catalog().to_keep(name, &place).unwrap();
            picks.into_iter().all(|pick| choice.takes(pick))
        };
        names.iter().copied().filter(taken).collect()
    }

    #[test]
    fn the_embedded_profiles_mean_what_their_names_say() {
        let profiles = with(&[]);
        let asked = ["apt-cache", "headers", "model-weights", "fonts", "shadowed"];
        for (name, want) in [
            ("none", &[][..]),
            ("default", &["apt-cache", "shadowed"]),
            ("aggressive", &["apt-cache", "headers", "shadowed"]),
        ] {
            let choice = profiles.resolve(&[name]).unwrap();
            assert_eq!(removed(&profiles, &choice, &asked), want, "{name}");
            assert_eq!(choice.profiles, [name]);
        }
        let names: Vec<&str> = profiles.iter().map(|profile| &*profile.name).collect();
        assert_eq!(
            names,
            [
                "aggressive",
                "alpine",
                "cpp-server",
                "debian",
                "default",
                "java",
                "ml",
                "node",
                "none",
                "python",
                "ruby"
            ]
        );
        assert!(
            profiles
                .iter()
                .all(|profile| profiles.resolve(&[&profile.name]).is_ok())
        );
    }

    /// Looked at each time anew, the lowest of these would be looked at 2^60 times.
    #[test]
    fn a_profile_that_many_extend_is_looked_at_once() {
        let text = |number: usize| format!("extends=['{0}', '{0}']", number - 1);
        let files: Vec<(String, String)> = (1..60).map(|number| (number.to_string(), text(number))).collect();
        let mut profiles = with(&[("0", "remove=['man-pages']")]);
        for (file, text) in &files {
            profiles.add(file, text).unwrap();
        }
        let choice = profiles.resolve(&["59"]).unwrap();
        assert_eq!(removed(&profiles, &choice, &["man-pages"]), ["man-pages"]);
    }

    #[test]
    fn within_a_profile_the_later_word_counts_and_between_profiles_what_one_keeps_stays() {
        let files = [
            ("a", "extends=['default']\nkeep=['man-pages', 'docs']"),
            ("b", "extends=['a']\nremove=['docs', 'headers']"),
            ("c", "remove=['man-pages', 'git-dir']"),
        ];
        let profiles = with(&files);
        let asked = ["docs", "git-dir", "headers", "man-pages", "shadowed"];
        for (names, want) in [
            (&["a"][..], &["git-dir", "shadowed"][..]),
            (&["b"], &["docs", "git-dir", "headers", "shadowed"]),
            (&["c"], &["git-dir", "man-pages", "shadowed"]),
            (&["a", "c"], &["git-dir", "shadowed"]),
            (&["c", "b"], &["docs", "git-dir", "headers", "shadowed"]),
            (&["none", "c"], &["git-dir", "man-pages"]),
        ] {
            let choice = profiles.resolve(names).unwrap();
            assert_eq!(removed(&profiles, &choice, &asked), want, "{names:?}");
        }
    }

    #[test]
    fn flags_come_after_profiles() {
        let profiles = with(&[]);
        let (docs, _) = profiles.catalog().find("docs").unwrap();
        let mut choice = profiles.resolve(&["none"]).unwrap();
        choice.add(Pick::Category(docs));
        assert!(choice.removes(docs));
        assert_eq!(choice.categories().collect::<Vec<_>>(), [docs]);
        choice.spare(Pick::Category(docs));
        assert!(!choice.removes(docs) && !choice.removes_shadowed());
    }

    #[test]
    fn paths_and_locales_come_along_once() {
        let text = "remove-paths=['/srv/**']\nkeep-paths=['/srv/a']\nlocales=['de_AT']";
        let profiles = with(&[
            ("a", text),
            ("b", "extends=['a']\nlocales=['fr']"),
            ("c", "extends=['a', 'b']"),
        ]);
        let choice = profiles.resolve(&["c", "a"]).unwrap();
        let globs: Vec<&str> = choice
            .remove_paths
            .iter()
            .chain(&choice.keep_paths)
            .map(Pattern::as_str)
            .collect();
        assert_eq!(globs, ["/srv/**", "/srv/a"]);
        assert_eq!(choice.locales, ["de_AT", "fr"]);
        assert_eq!(choice.remove_paths[0].place().to_string(), "a:1");
    }

    #[test]
    fn a_repositorys_file_has_categories_and_budgets_too() {
        let text = "name='mine'\nextends=['default']\nremove=['fixtures']\n[budget]\nwire='100 MB'\n[[category]]\n\
                    name='fixtures'\ntitle='Fixtures'\nband='tree'\nreason='Ours.'\nsafety='review'\n\
                    globs=['/app/fixtures/**']\nmatches=['/app/fixtures/a']\n";
        let mut profiles = with(&[]);
        let before = profiles.catalog().len();
        assert_eq!(profiles.add("slim.toml", text).unwrap(), "mine");
        let (id, _) = profiles.catalog().find("fixtures").unwrap();
        assert_eq!(id.index(), before, "the ids of the others stay");
        assert!(profiles.resolve(&["mine"]).unwrap().removes(id));
    }

    #[test]
    fn errors_name_the_place_and_the_way_out() {
        for (text, want) in [
            (
                "\nremove=['man-page']",
                "slim.toml:2: unknown category `man-page`; did you mean `man-pages`?",
            ),
            (
                "keep=[\n'apt-cache',\n'qwertz']",
                "slim.toml:3: unknown category `qwertz`",
            ),
            (
                "remove=['fonts']",
                "slim.toml:1: category `fonts` cannot be removed: it is a kind of file (name paths with \
                 `--remove-path` instead)",
            ),
            (
                "\n\nextends=['defualt']",
                "slim.toml:3: unknown profile `defualt`; did you mean `default`?",
            ),
            (
                "extends=['slim.toml']",
                "profiles extend each other in a circle: slim.toml -> slim.toml",
            ),
        ] {
            let profiles = with(&[("slim.toml", text)]);
            assert_eq!(profiles.resolve(&["slim.toml"]).unwrap_err().to_string(), want);
        }
        for (text, want) in [
            (
                "name='default'",
                "slim.toml:1: a profile `default` already exists",
            ),
            (
                "\nremove-paths=['a/**']",
                "slim.toml:2: glob `a/**`: must begin with `/` or `**/`, as every path of an image does",
            ),
        ] {
            assert_eq!(with(&[]).add("slim.toml", text).unwrap_err().to_string(), want);
        }
        let long = with(&[
            ("a", "extends=['b']"),
            ("b", "extends=['c']"),
            ("c", "extends=['b']"),
        ]);
        assert_eq!(
            long.resolve(&["a"]).unwrap_err().to_string(),
            "profiles extend each other in a circle: b -> c -> b"
        );
        assert_eq!(
            with(&[]).get("pyhton").unwrap_err().to_string(),
            "unknown profile `pyhton`; did you mean `python`?"
        );
    }
}
