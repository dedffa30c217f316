//! The filter line: words that narrow what is shown, read once and asked of every entry.
//!
//! A module of its own because its grammar is documented (`docs/keys.md`) and knows nothing of panes. Words of one kind are
//! alternatives, kinds are combined, `-` turns a word round.

use std::ops::RangeInclusive;

use globset::{Candidate, GlobBuilder, GlobMatcher};
use regex::bytes::Regex;

use super::{CategoryFacts, Change, Row, Scene};
use crate::bytesize::ByteSize;
use crate::profile::Safety;

/// Why a filter cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// Occurs when a size cannot be read.
    #[error("{0}")]
    Size(String),
    /// Occurs when a layer is no number or range.
    #[error("`{0}` is no layer; write layer:3 or layer:2-5")]
    Layer(String),
    /// Occurs when a change is none.
    #[error("`{0}` is no change; there are added, modified, removed, shadowed and unmodified")]
    Change(String),
    /// Occurs when a safety is none.
    #[error("`{0}` is no safety; there are safe, review and risky")]
    Safety(String),
    /// Occurs when a glob or a regular expression does not compile.
    #[error("`{0}` does not compile")]
    Pattern(String),
}

/// What a name is held against.
#[derive(Debug, Clone)]
enum Name {
    /// Part of the path, in lower case.
    Part(Vec<u8>),
    /// The last component.
    Glob(GlobMatcher),
    /// The whole path.
    PathGlob(GlobMatcher),
    /// The whole path.
    Regex(Regex),
}

#[derive(Debug, Clone)]
enum Test {
    Name(Name),
    Larger(u64),
    Smaller(u64),
    Layers(RangeInclusive<usize>),
    /// Part of a category's name, or all of it.
    Category(String),
    Safety(Safety),
    /// Part of `kind:name`, or `none`.
    Owner(String),
    Change(Change),
    Shadowed,
}

#[derive(Debug, Clone)]
struct Term {
    is_negative: bool,
    test: Test,
}

/// A filter line, read.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    terms: Vec<Term>,
}

impl Filter {
    /// Reads a filter line.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let terms: Result<Vec<Term>, FilterError> = words(text).iter().map(|word| term(word)).collect();
        Ok(Self { terms: terms? })
    }

    /// Whether everything is shown.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }
}

/// What a search is for: a name is held against it.
#[derive(Debug, Clone)]
pub struct Pattern(Name);

impl Pattern {
    /// Reads the word of a search: part of a name, a glob, or `re:` and a regular expression.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        name(text).map(Self)
    }

    /// Whether a path (absolute) is found: by its last component, by all of it where the word has a slash.
    pub fn finds(&self, path: &[u8]) -> bool {
        match &self.0 {
            Name::Part(part) if !part.contains(&b'/') => contains(last(path), part),
            name => name.fits(path),
        }
    }
}

impl Name {
    fn fits(&self, path: &[u8]) -> bool {
        match self {
            Self::Part(part) => contains(path, part),
            Self::Glob(glob) => glob.is_match_candidate(&Candidate::from_bytes(last(path))),
            Self::PathGlob(glob) => glob.is_match_candidate(&Candidate::from_bytes(path)),
            Self::Regex(regex) => regex.is_match(path),
        }
    }
}

/// A word without its quotes; spaces between quotes are part of it.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn term(word: &str) -> Result<Term, FilterError> {
    let (is_negative, word) = match word.strip_prefix('-') {
        Some(rest) if !rest.is_empty() => (true, rest),
        _ => (false, word),
    };
    let size = |text: &str| {
        let size: Result<ByteSize, _> = text.parse();
        size.map(|size| size.0)
            .map_err(|error| FilterError::Size(error.to_string()))
    };
    let test = if let Some(text) = word.strip_prefix('>') {
        Test::Larger(size(text)?)
    } else if let Some(text) = word.strip_prefix('<') {
        Test::Smaller(size(text)?)
    } else {
        match word.split_once(':') {
            Some(("layer", text)) => Test::Layers(layers(text)?),
            Some(("category" | "cat", text)) => Test::Category(text.to_owned()),
            Some(("owner", text)) => Test::Owner(text.to_owned()),
            Some(("safety", text)) => Test::Safety(
                Safety::ALL
                    .into_iter()
                    .find(|safety| safety.as_str() == text)
                    .ok_or_else(|| FilterError::Safety(text.to_owned()))?,
            ),
            Some(("change", text)) => change(text)?,
            _ => Test::Name(name(word)?),
        }
    };
    Ok(Term { is_negative, test })
}

fn layers(text: &str) -> Result<RangeInclusive<usize>, FilterError> {
    let bad = || FilterError::Layer(text.to_owned());
    let number = |text: &str| text.parse().map_err(|_| bad());
    match text.split_once('-') {
        Some((from, to)) => Ok(number(from)?..=number(to)?),
        None => number(text).map(|layer| layer..=layer),
    }
}

fn change(text: &str) -> Result<Test, FilterError> {
    if text == "shadowed" {
        return Ok(Test::Shadowed);
    }
    let all = [
        Change::Unmodified,
        Change::Added,
        Change::Modified,
        Change::Removed,
    ];
    all.into_iter()
        .find(|change| change.as_str() == text)
        .map(Test::Change)
        .ok_or_else(|| FilterError::Change(text.to_owned()))
}

fn name(word: &str) -> Result<Name, FilterError> {
    let bad = || FilterError::Pattern(word.to_owned());
    if let Some(regex) = word.strip_prefix("re:") {
        return Regex::new(regex).map(Name::Regex).map_err(|_| bad());
    }
    if !word.contains(['*', '?', '[']) {
        return Ok(Name::Part(word.to_lowercase().into_bytes()));
    }
    let glob = |text: &str| {
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        glob.map(|glob| glob.compile_matcher()).map_err(|_| bad())
    };
    if !word.contains('/') {
        return glob(word).map(Name::Glob);
    }
    let rooted = if word.starts_with('/') || word.starts_with("**/") {
        word.to_owned()
    } else {
        format!("**/{word}")
    };
    glob(&rooted).map(Name::PathGlob)
}

fn last(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

/// In any case, as far as ASCII goes; `part` is in lower case.
fn contains(path: &[u8], part: &[u8]) -> bool {
    let Some((&first, rest)) = part.split_first() else {
        return true;
    };
    let upper = first.to_ascii_uppercase();
    memchr::memchr2_iter(first, upper, path).any(|at| {
        path[at + 1..]
            .get(..rest.len())
            .is_some_and(|there| there.eq_ignore_ascii_case(rest))
    })
}

/// A filter over one scene: names of categories and packages are looked up.
pub(super) struct Asked<'a> {
    scene: &'a Scene,
    names: Vec<&'a Term>,
    layers: Vec<bool>,
    categories: Vec<bool>,
    packages: Vec<bool>,
    without_owner: bool,
    path: Vec<u8>,
}

/// What a filter says of an entry, by the dimensions that lists narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one for each list, and the rest")]
pub(super) struct Fits {
    /// Names, sizes and changes.
    pub(super) rest: bool,
    pub(super) layer: bool,
    pub(super) category: bool,
    pub(super) owner: bool,
}

impl Fits {
    pub(super) fn all(self) -> bool {
        self.rest && self.layer && self.category && self.owner
    }
}

impl<'a> Asked<'a> {
    pub(super) fn new(filter: &'a Filter, scene: &'a Scene) -> Self {
        let select = |fits: &dyn Fn(&Test) -> Option<bool>| {
            let said: Vec<(bool, bool)> = filter
                .terms
                .iter()
                .filter_map(|term| fits(&term.test).map(|fits| (term.is_negative, fits)))
                .collect();
            alternatives(&said)
        };
        let category = |category: &CategoryFacts| {
            let named = |test: &Test| match test {
                Test::Category(name) => Some(
                    category.name == *name
                        || (name.len() > 2
                            && category.name.contains(name.as_str())
                            && !is_category(scene, name)),
                ),
                Test::Safety(safety) => Some(category.safety == Some(*safety)),
                _ => None,
            };
            select(&named)
        };
        let package = |name: Option<&str>| {
            let named = |test: &Test| match test {
                Test::Owner(part) => Some(name.map_or(part == "none", |name| fits_owner(name, part))),
                _ => None,
            };
            select(&named)
        };
        let layer = |layer: usize| {
            let named = |test: &Test| match test {
                Test::Layers(range) => Some(range.contains(&layer)),
                _ => None,
            };
            select(&named)
        };
        Self {
            scene,
            names: filter
                .terms
                .iter()
                .filter(|term| is_of_entry(&term.test))
                .collect(),
            layers: (0..scene.layers.len()).map(layer).collect(),
            categories: scene.categories.iter().map(category).collect(),
            packages: scene
                .owners
                .iter()
                .map(|owner| package(Some(&owner.name)))
                .collect(),
            without_owner: package(None),
            path: Vec::new(),
        }
    }

    /// What the filter says of an entry, to which its layer did `change`.
    pub(super) fn fits(&mut self, row: &Row, change: Change) -> Fits {
        let owner = row.owner();
        Fits {
            // A saved report may have rows of no layer, and of no category.
            layer: self.layers.get(row.layer()).copied().unwrap_or(true),
            category: self.categories.get(row.category.index()).copied().unwrap_or(true),
            owner: owner.map_or(self.without_owner, |id| self.packages[id.0 as usize]),
            rest: self.names.is_empty() || self.fits_itself(row, change),
        }
    }

    fn fits_itself(&mut self, row: &Row, change: Change) -> bool {
        let path = &mut self.path;
        self.scene.tree().write_absolute(row.node, path);
        let size = row.size;
        let is = |test: &Test| match test {
            Test::Name(name) => name.fits(path),
            Test::Larger(than) => size > *than,
            Test::Smaller(than) => size < *than,
            Test::Change(wanted) => change == *wanted,
            Test::Shadowed => !row.is_visible,
            _ => true,
        };
        // Both bounds of a size hold together; names are alternatives, and so are changes.
        let names = |kind: fn(&Test) -> bool| {
            let said: Vec<(bool, bool)> = self
                .names
                .iter()
                .filter(|term| kind(&term.test))
                .map(|term| (term.is_negative, is(&term.test)))
                .collect();
            alternatives(&said)
        };
        let sizes = self.names.iter().filter(|term| is_size(&term.test));
        sizes.clone().all(|term| is(&term.test) != term.is_negative)
            && names(|test| matches!(test, Test::Name(_)))
            && names(|test| matches!(test, Test::Change(_) | Test::Shadowed))
    }
}

/// Whether one of the words holds, if there are any, and none of those turned round.
fn alternatives(said: &[(bool, bool)]) -> bool {
    let mut wanted = said.iter().filter(|(is_negative, _)| !is_negative).peekable();
    let none_wanted = wanted.peek().is_none();
    (none_wanted || wanted.any(|(_, fits)| *fits))
        && !said.iter().any(|(is_negative, fits)| *is_negative && *fits)
}

fn is_of_entry(test: &Test) -> bool {
    is_size(test) || matches!(test, Test::Name(_) | Test::Change(_) | Test::Shadowed)
}

fn is_size(test: &Test) -> bool {
    matches!(test, Test::Larger(_) | Test::Smaller(_))
}

fn is_category(scene: &Scene, name: &str) -> bool {
    scene.categories.iter().any(|category| category.name == name)
}

/// `deb:gcc` is that package; `gcc` is every package of that name; `gc*` by a star at the end.
fn fits_owner(name: &str, part: &str) -> bool {
    let own = name.split_once(':').map_or(name, |(_, own)| own);
    match part.strip_suffix('*') {
        Some(begin) => own.starts_with(begin) || name.starts_with(begin),
        None => name == part || own == part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, want) in [
            (">x", "`x` is no size"),
            ("layer:a", "`a` is no layer"),
            ("change:gone", "`gone` is no change"),
            ("safety:fine", "`fine` is no safety"),
            ("re:(", "`re:(` does not compile"),
            ("[", "`[` does not compile"),
        ] {
            let error = Filter::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(want), "{text}: {error}");
        }
    }

    #[test]
    fn words_are_split_at_spaces_outside_quotes() {
        assert_eq!(words(r#"  a "b c"  re:"x y" "#), ["a", "b c", "re:x y"]);
    }

    #[test]
    fn a_search_finds_names_globs_and_expressions() {
        for (text, path, want) in [
            ("LIB", "/usr/lib/x", false),
            ("lib", "/usr/LIBc.so", true),
            ("usr/lib", "/usr/lib/x", true),
            ("*.so", "/usr/lib/x.so", true),
            ("*.so", "/usr/lib.so/x", false),
            ("lib/*.so", "/usr/lib/x.so", true),
            ("/lib/*.so", "/usr/lib/x.so", false),
            ("re:^/usr/.*[.]so$", "/usr/lib/x.so", true),
        ] {
            let found = Pattern::parse(text).unwrap().finds(path.as_bytes());
            assert_eq!(found, want, "{text} in {path}");
        }
    }

    #[test]
    fn words_of_one_kind_are_alternatives() {
        for (said, want) in [
            (&[][..], true),
            (&[(false, true), (false, false)], true),
            (&[(false, false)], false),
            (&[(true, true)], false),
            (&[(true, false)], true),
            (&[(false, true), (true, true)], false),
        ] {
            assert_eq!(alternatives(said), want, "{said:?}");
        }
    }
}
