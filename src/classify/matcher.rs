//! Which categories a path may belong to, the best one first.
//!
//! A module of its own because it is asked once for each path of an image and must be fast: all globs of all
//! categories are one set, and their order in it is their priority. It may assume normalised paths (`/a/b`, as bytes)
//! and a catalog whose globs were checked. It knows nothing of files: whether a category's conditions hold is for the
//! caller to say, who takes the first candidate for which they do.

use std::cmp::Reverse;

use globset::{Candidate, GlobSet, GlobSetBuilder};

use crate::profile::{Band, Catalog, Category, CategoryId, Pattern};

/// The glob that takes every path: it needs no set to match.
const EVERYTHING: &str = "/**";

/// Occurs when the globs of a catalog, each good by itself, are too large as a set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MatcherError {
    /// Occurs when the set cannot be compiled.
    #[error("the globs of all categories together: {0}")]
    Globs(#[from] globset::Error),
    /// Occurs when a catalog has no category that takes every path.
    #[error("no category takes every path (`{EVERYTHING}`, without a condition)")]
    NoFallback,
}

/// A category that may take the path, and the glob that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// The category.
    pub category: CategoryId,
    rank: u32,
}

/// The candidates for one path, in a buffer that is used again for the next one.
#[derive(Debug, Default)]
pub struct Matches {
    hits: Vec<usize>,
    ranks: Vec<u32>,
    excepted: Vec<CategoryId>,
    found: Vec<Match>,
}

impl Matches {
    /// The candidates, the best one first, each category once.
    pub fn as_slice(&self) -> &[Match] {
        &self.found
    }
}

/// The globs of a catalog.
#[derive(Debug)]
pub struct Matcher {
    /// All rules by priority: the place of a rule is its rank.
    rules: Vec<Rule>,
    /// The globs of `listed`, then those of `exceptions`.
    set: GlobSet,
    /// The ranks of the rules in the set.
    listed: Vec<u32>,
    /// The categories of the exceptions in the set.
    exceptions: Vec<CategoryId>,
    /// The ranks of the rules that take every path.
    always: Vec<u32>,
    /// What takes a path that nothing else does.
    fallback: Match,
}

#[derive(Debug)]
struct Rule {
    category: CategoryId,
    glob: Pattern,
}

impl Matcher {
    /// Compiles a catalog.
    ///
    /// The priority of a glob: its category's band; the longest literal prefix; the most literal bytes; the most
    /// conditions, so that `/**` with a condition comes before `/**` without; the category's name.
    pub fn new(catalog: &Catalog) -> Result<Self, MatcherError> {
        let mut keyed: Vec<(Priority<'_>, Rule)> = Vec::new();
        for (id, category) in catalog.iter() {
            for glob in &category.globs {
                keyed.push((
                    priority(category, glob),
                    Rule {
                        category: id,
                        glob: glob.clone(),
                    },
                ));
            }
        }
        keyed.sort_by_key(|(priority, _)| *priority);
        let rules: Vec<Rule> = keyed.into_iter().map(|(_, rule)| rule).collect();

        let takes_all = |rule: &Rule| {
            let category = catalog.get(rule.category);
            rule.glob.as_str() == EVERYTHING && category.is_some_and(|category| category.when.is_empty())
        };
        let rank = rules
            .iter()
            .rposition(takes_all)
            .ok_or(MatcherError::NoFallback)?;
        let fallback = Match {
            category: rules[rank].category,
            rank: rank as u32,
        };
        let mut matcher = Self {
            set: GlobSet::empty(),
            listed: Vec::new(),
            exceptions: Vec::new(),
            always: Vec::new(),
            fallback,
            rules,
        };
        let mut set = GlobSetBuilder::new();
        for (rank, rule) in matcher.rules.iter().enumerate() {
            if rule.glob.as_str() == EVERYTHING {
                matcher.always.push(rank as u32);
            } else {
                set.add(rule.glob.compile()?);
                matcher.listed.push(rank as u32);
            }
        }
        for (id, category) in catalog.iter() {
            for glob in &category.except {
                set.add(glob.compile()?);
                matcher.exceptions.push(id);
            }
        }
        matcher.set = set.build()?;
        Ok(matcher)
    }

    /// Finds the categories whose globs take `path` and whose exceptions don't. `out` is emptied first.
    pub fn candidates(&self, path: &[u8], out: &mut Matches) {
        let Matches {
            hits,
            ranks,
            excepted,
            found,
        } = out;
        ranks.clear();
        excepted.clear();
        found.clear();
        self.set
            .matches_candidate_into(&Candidate::from_bytes(path), hits);
        for &hit in &*hits {
            match hit.checked_sub(self.listed.len()) {
                None => ranks.push(self.listed[hit]),
                Some(exception) => excepted.push(self.exceptions[exception]),
            }
        }
        ranks.extend(&self.always);
        ranks.sort_unstable();
        for &rank in &*ranks {
            let category = self.rules[rank as usize].category;
            let known = found.iter().any(|other: &Match| other.category == category);
            if !known && !excepted.contains(&category) {
                found.push(Match { category, rank });
            }
        }
    }

    /// What takes a path that nothing else does.
    pub fn fallback(&self) -> Match {
        self.fallback
    }

    /// The glob that found a candidate of this matcher.
    pub fn glob(&self, found: Match) -> &Pattern {
        &self.rules[found.rank as usize].glob
    }
}

type Priority<'a> = (Band, Reverse<usize>, Reverse<usize>, Reverse<usize>, &'a str);

fn priority<'a>(category: &'a Category, glob: &Pattern) -> Priority<'a> {
    // Every path begins with a slash: as a prefix it says nothing.
    let prefix = glob.literal_prefix().len().saturating_sub(1);
    let conditions = category.when.len();
    (
        category.band,
        Reverse(prefix),
        Reverse(glob.literal_bytes()),
        Reverse(conditions),
        &category.name,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profiles;

    fn builtin() -> (Catalog, Matcher) {
        let catalog = Catalog::builtin().unwrap();
        let matcher = Matcher::new(&catalog).unwrap();
        (catalog, matcher)
    }

    /// The category of a path when all conditions of `tested` hold, and none of any other category.
    fn category<'a>(catalog: &'a Catalog, matcher: &Matcher, tested: &str, path: &str) -> &'a str {
        let mut matches = Matches::default();
        matcher.candidates(path.as_bytes(), &mut matches);
        let mut candidates = matches
            .as_slice()
            .iter()
            .map(|found| catalog.get(found.category).unwrap());
        let first = candidates.find(|category| category.when.is_empty() || category.name == tested);
        &first.unwrap().name
    }

    #[test]
    fn every_example_is_what_its_row_says() {
        let (catalog, matcher) = builtin();
        for (_, row) in catalog.iter() {
            for path in &row.matches {
                let found = category(&catalog, &matcher, &row.name, path);
                assert_eq!(found, row.name, "{}: matches {path}", row.place);
            }
            for path in &row.spares {
                let found = category(&catalog, &matcher, &row.name, path);
                assert_ne!(found, row.name, "{}: spares {path}", row.place);
            }
        }
    }

    #[test]
    fn every_path_has_a_category_also_one_that_is_no_text() {
        let (catalog, matcher) = builtin();
        let mut matches = Matches::default();
        for path in [&b"/"[..], b"/x", b"/\xff\xfe", b"/a\nb/c", b""] {
            matcher.candidates(path, &mut matches);
            let last = matches.as_slice().last().unwrap();
            assert_eq!(catalog.get(last.category).unwrap().name, "other", "{path:?}");
        }
    }

    #[test]
    fn names_each_category_once_with_its_best_glob() {
        let (catalog, matcher) = builtin();
        let mut matches = Matches::default();
        matcher.candidates(b"/etc/app/lib.so", &mut matches);
        let found: Vec<(&str, &str)> = matches
            .as_slice()
            .iter()
            .map(|found| {
                (
                    &*catalog.get(found.category).unwrap().name,
                    matcher.glob(*found).as_str(),
                )
            })
            .collect();
        let want = [
            ("configuration", "/etc/**"),
            ("shared-libraries", "**/*.so"),
            ("executables", "/**"),
            ("scripts", "/**"),
            ("other", "/**"),
        ];
        assert_eq!(found, want);
    }

    #[test]
    fn a_band_then_a_longer_prefix_then_more_literals_then_conditions_then_the_name() {
        let row = |name: &str, band: &str, glob: &str, more: &str| {
            let safety = if band == "kept" { "" } else { "safety='safe'\n" };
            format!(
                "[[category]]\nname='{name}'\ntitle=''\nband='{band}'\nreason=''\n{safety}globs=['{glob}']\n\
                 matches=['/x']\n{more}\n"
            )
        };
        let text = [
            row("e", "tree", "/opt/**", ""),
            row("d", "tree", "/opt/**", "when=['root-owned']"),
            row("c", "tree", "/opt/**/a", ""),
            row("b", "tree", "/opt/a/**", ""),
            row("a", "cache", "/**", ""),
            row("f", "tree", "/opt/**", "except=['/opt/a/a']"),
            row("g", "tree", "/opt/**", ""),
        ]
        .concat();
        let mut profiles = Profiles::builtin().unwrap();
        profiles.add("slim.toml", &text).unwrap();
        let matcher = Matcher::new(profiles.catalog()).unwrap();
        let mut matches = Matches::default();
        matcher.candidates(b"/opt/a/a", &mut matches);
        let names: Vec<&str> = matches
            .as_slice()
            .iter()
            .map(|found| &*profiles.catalog().get(found.category).unwrap().name)
            .collect();
        assert_eq!(
            names,
            ["a", "b", "c", "d", "e", "g", "executables", "scripts", "other"]
        );
    }
}
