//! The one table of keys: what each does, where, and what it is called in help, config file and document.
//!
//! A module of its own because help overlay, footer, `docs/keys.md` (made by `manual`) and the config file's `[keys]` must say the same. A
//! key is one row of [`KEYS`].

use std::collections::BTreeMap;

use super::chord::{Chord, ChordError};

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each has its row in the table, with its help")]
pub enum Action {
    Quit,
    Suspend,
    Help,
    Close,
    NextPane,
    PreviousPane,
    Layers,
    Categories,
    Owners,
    Down,
    Up,
    PageDown,
    PageUp,
    First,
    Last,
    Left,
    Right,
    Open,
    Toggle,
    CollapseAll,
    Deeper,
    Shallower,
    Largest,
    Sort,
    Mode,
    UpTo,
    Changes,
    Attributes,
    ShowAdded,
    ShowModified,
    ShowRemoved,
    ShowUnmodified,
    Search,
    NextMatch,
    PreviousMatch,
    Filter,
    Clear,
    Mark,
    Unmark,
    Profiles,
    Plan,
    Write,
    SaveProfile,
    Look,
    Life,
    Compare,
    Extract,
    Hex,
    Wrap,
    Goto,
}

/// The parts of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Moving about.
    Move,
    /// What is looked at.
    View,
    /// Searching and filtering.
    Find,
    /// Marking and writing.
    Slim,
    /// Looking into files.
    Inside,
    /// Everything else.
    Other,
}

impl Group {
    /// All of them, in the order of the help.
    pub const ALL: [Self; 6] = [
        Self::Move,
        Self::View,
        Self::Find,
        Self::Slim,
        Self::Inside,
        Self::Other,
    ];

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Move => "Move",
            Self::View => "Look",
            Self::Find => "Find",
            Self::Inside => "Inside",
            Self::Slim => "Slim",
            Self::Other => "Other",
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct KeyRow {
    /// What it does.
    pub action: Action,
    /// Its name in the config file.
    pub name: &'static str,
    /// Its keys, the one that is shown first.
    pub keys: &'static [&'static str],
    /// Where the help shows it.
    pub group: Group,
    /// One line for people.
    pub help: &'static str,
    /// What dive's config file calls the function, `|`, and dive's keys for it; empty where dive has no such function.
    pub dive: &'static str,
}

const fn row(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    group: Group,
    help: &'static str,
    dive: &'static str,
) -> KeyRow {
    KeyRow {
        action,
        name,
        keys,
        group,
        help,
        dive,
    }
}

/// Every key.
#[rustfmt::skip] // a table
pub const KEYS: &[KeyRow] = &[
    row(Action::Down, "down", &["j", "down"], Group::Move, "one row down", "down|down j"),
    row(Action::Up, "up", &["k", "up"], Group::Move, "one row up", "up|up k"),
    row(Action::PageDown, "page-down", &["pgdn", "d", "ctrl-d"], Group::Move, "one page down", "page-down|pgdn d"),
    row(Action::PageUp, "page-up", &["pgup", "u", "ctrl-u"], Group::Move, "one page up", "page-up|pgup u"),
    row(Action::First, "first", &["g", "home"], Group::Move, "first row", ""),
    row(Action::Last, "last", &["G", "end"], Group::Move, "last row", ""),
    row(Action::Left, "left", &["h", "left"], Group::Move, "collapse the directory, or go to its parent", "left|left h"),
    row(Action::Right, "right", &["l", "right"], Group::Move, "expand the directory, or go into it", "right|right l"),
    row(Action::NextPane, "next-pane", &["tab"], Group::Move, "the other pane", "toggle-view|tab"),
    row(Action::PreviousPane, "previous-pane", &["shift-tab"], Group::Move, "the pane before", ""),
    row(Action::Largest, "largest", &["b"], Group::Move, "jump to the largest file below the cursor", ""),
    row(Action::Layers, "layers", &["1"], Group::View, "list the layers", ""),
    row(Action::Categories, "categories", &["2"], Group::View, "list the categories", ""),
    row(Action::Owners, "owners", &["3"], Group::View, "list the packages that own files", ""),
    row(Action::Open, "open", &["enter"], Group::View, "tree: expand or collapse, of a file its content; list: show only this row's files, or all again", ""),
    row(Action::Toggle, "toggle", &["o"], Group::View, "expand or collapse the directory", "toggle-collapse-dir|space"),
    row(Action::CollapseAll, "collapse-all", &["ctrl-space", "0"], Group::View, "collapse every directory", "toggle-collapse-all-dir|ctrl-space"),
    row(Action::Deeper, "deeper", &["]"], Group::View, "expand one level more everywhere", ""),
    row(Action::Shallower, "shallower", &["["], Group::View, "collapse to one level less", ""),
    row(Action::Sort, "sort", &["s", "ctrl-o"], Group::View, "sort by size, name or number of files", "toggle-sort-order|ctrl-o"),
    row(Action::Mode, "mode", &["m"], Group::View, "tree of the merged image, one layer's changes, all up to a layer, or everything; of two images what changed, the old one, both, or the new one", ""),
    row(Action::UpTo, "up-to", &["ctrl-a"], Group::View, "tree of all layers up to the selected one", "compare-all|ctrl-a"),
    row(Action::Changes, "changes", &["ctrl-l"], Group::View, "tree of the selected layer's changes", "compare-layer|ctrl-l"),
    row(Action::Attributes, "attributes", &["ctrl-b"], Group::View, "show modes, users and groups", "toggle-filetree-attributes|ctrl-b"),
    row(Action::ShowAdded, "show-added", &["A"], Group::View, "show or hide what a layer added", "toggle-added-files|ctrl-a"),
    row(Action::ShowModified, "show-modified", &["M"], Group::View, "show or hide what a layer modified", "toggle-modified-files|ctrl-m"),
    row(Action::ShowRemoved, "show-removed", &["R", "ctrl-r"], Group::View, "show or hide what a layer removed", "toggle-removed-files|ctrl-r"),
    row(Action::ShowUnmodified, "show-unmodified", &["U"], Group::View, "show or hide what the base layer brought", "toggle-unmodified-files|ctrl-u"),
    row(Action::Search, "search", &["/"], Group::Find, "search for a name while typing", ""),
    row(Action::NextMatch, "next-match", &["n"], Group::Find, "next match", ""),
    row(Action::PreviousMatch, "previous-match", &["N"], Group::Find, "match before", ""),
    row(Action::Filter, "filter", &["f", "ctrl-f", "ctrl-/"], Group::Find, "edit the filter", "filter-files|ctrl-f ctrl-/"),
    row(Action::Clear, "clear", &["esc"], Group::Find, "clear the search, then the filter", "close-filter-files|esc"),
    row(Action::Mark, "mark", &["space"], Group::Slim, "mark what is selected for removal, or keep it", ""),
    row(Action::Unmark, "unmark-all", &["ctrl-x"], Group::Slim, "take back all marks", ""),
    row(Action::Profiles, "profiles", &["a"], Group::Slim, "choose profiles to apply", ""),
    row(Action::Plan, "plan", &["p"], Group::Slim, "show the plan", ""),
    row(Action::Write, "write", &["w"], Group::Slim, "write the slim image; there tab changes layers, shift-tab platforms, esc stops", ""),
    row(Action::SaveProfile, "save-profile", &["x"], Group::Slim, "save what is marked as a profile", ""),
    row(Action::Look, "look", &["v"], Group::Inside, "the content of the file", ""),
    row(Action::Life, "life", &["L"], Group::Inside, "what every layer did to the path; there space and enter choose versions", ""),
    row(Action::Compare, "compare", &["D"], Group::Inside, "two images: what differs in the file; life: what differs from the version before, or from the one chosen with space", ""),
    row(Action::Extract, "extract", &["e", "ctrl-e"], Group::Inside, "put the file or directory onto the disk", "extract-file|ctrl-e"),
    row(Action::Hex, "hex", &["H"], Group::Inside, "content: as text or in hex", ""),
    row(Action::Wrap, "wrap", &["W"], Group::Inside, "content: wrap long lines", ""),
    row(Action::Goto, "goto", &[":"], Group::Inside, "content: go to a line; in hex to an offset, as in 0x1f00", ""),
    row(Action::Help, "help", &["?", "f1"], Group::Other, "this help", ""),
    row(Action::Suspend, "suspend", &["ctrl-z"], Group::Other, "back to the shell; `fg` returns", ""),
    row(Action::Close, "close", &["q"], Group::Other, "close what is open, or quit", "quit|q"),
    row(Action::Quit, "quit", &["ctrl-c"], Group::Other, "quit at once", "quit|ctrl-c"),
];

/// Keys as a person has them.
#[derive(Debug, Clone)]
pub struct Keymap {
    bound: BTreeMap<Chord, Action>,
    shown: Vec<Vec<Chord>>,
}

/// Why a config file's `[keys]` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeymapError {
    /// Occurs when a name is the name of no action.
    #[error("[keys] has `{0}`, which is no action; `docs/keys.md` lists them")]
    NoAction(String),
    /// Occurs when a word is no key.
    #[error("[keys] {name}: {source}")]
    NoKey {
        /// The action.
        name: String,
        /// The word.
        source: ChordError,
    },
    /// Occurs when two actions of the config file have one key.
    #[error("[keys] gives `{key}` to {first} and to {second}")]
    Twice {
        /// The key.
        key: String,
        /// An action.
        first: String,
        /// Another one.
        second: String,
    },
}

impl Default for Keymap {
    fn default() -> Self {
        // The table's own keys are read by a test.
        Self::new(&BTreeMap::new()).unwrap_or(Self {
            bound: BTreeMap::new(),
            shown: Vec::new(),
        })
    }
}

impl Keymap {
    /// The table, with the keys of some actions replaced; a key that is taken so is lost to the action that had it.
    pub fn new(replaced: &BTreeMap<String, Vec<String>>) -> Result<Self, KeymapError> {
        if let Some(name) = replaced
            .keys()
            .find(|name| KEYS.iter().all(|row| row.name != *name))
        {
            return Err(KeymapError::NoAction(name.clone()));
        }
        let mut bound: BTreeMap<Chord, Action> = BTreeMap::new();
        let mut shown = vec![Vec::new(); KEYS.len()];
        let is_own = |row: &KeyRow| replaced.contains_key(row.name);
        // The person's own keys come first.
        let rows = KEYS.iter().enumerate();
        for (at, row) in rows
            .clone()
            .filter(|(_, row)| is_own(row))
            .chain(rows.filter(|(_, row)| !is_own(row)))
        {
            let own = replaced.get(row.name);
            let words: Vec<&str> = match own {
                Some(words) => words.iter().map(String::as_str).collect(),
                None => row.keys.to_vec(),
            };
            for word in words {
                let chord: Chord = word.parse().map_err(|source| KeymapError::NoKey {
                    name: row.name.to_owned(),
                    source,
                })?;
                match bound.get(&chord) {
                    Some(&other) if own.is_some() => {
                        return Err(KeymapError::Twice {
                            key: chord.to_string(),
                            first: name(other).to_owned(),
                            second: row.name.to_owned(),
                        });
                    }
                    Some(_) => {}
                    None => {
                        bound.insert(chord, row.action);
                        shown[at].push(chord);
                    }
                }
            }
        }
        Ok(Self { bound, shown })
    }

    /// What a key does.
    pub fn action(&self, chord: Chord) -> Option<Action> {
        self.bound.get(&chord).copied()
    }

    /// The rows of the table with the keys that each has now.
    pub fn rows(&self) -> impl Iterator<Item = (&'static KeyRow, &[Chord])> {
        KEYS.iter().zip(self.shown.iter().map(Vec::as_slice))
    }

    /// The first key of an action; empty where it has none.
    pub fn key(&self, action: Action) -> String {
        self.rows()
            .find(|(row, _)| row.action == action)
            .and_then(|(_, chords)| chords.first())
            .map(ToString::to_string)
            .unwrap_or_default()
    }
}

fn name(action: Action) -> &'static str {
    KEYS.iter()
        .find(|row| row.action == action)
        .map_or("", |row| row.name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_key_and_every_name_stands_once() {
        let mut keys = BTreeSet::new();
        let mut names = BTreeSet::new();
        for row in KEYS {
            assert!(names.insert(row.name), "{} stands twice", row.name);
            for key in row.keys {
                let chord: Chord = key.parse().unwrap();
                assert!(keys.insert(chord), "{key} stands twice");
            }
        }
    }

    #[test]
    fn a_person_can_have_other_keys() {
        let replaced = |name: &str, keys: &[&str]| {
            let keys = keys.iter().map(|&key| key.to_owned()).collect();
            Keymap::new(&BTreeMap::from([(name.to_owned(), keys)]))
        };
        let keymap = replaced("mark", &["m", "ctrl-t"]).unwrap();
        let action = |keymap: &Keymap, key: &str| keymap.action(key.parse().unwrap());
        assert_eq!(
            action(&keymap, "m"),
            Some(Action::Mark),
            "it takes the key from another"
        );
        assert_eq!(action(&keymap, "space"), None, "it gives up its own");
        assert_eq!(keymap.key(Action::Mark), "m");
        assert_eq!(keymap.key(Action::Mode), "", "the other has none left");
        assert!(matches!(replaced("fly", &["m"]), Err(KeymapError::NoAction(_))));
        assert!(matches!(
            replaced("mark", &["mm"]),
            Err(KeymapError::NoKey { .. })
        ));
        assert!(matches!(
            replaced("mark", &["m", "m"]),
            Err(KeymapError::Twice { .. })
        ));
    }
}
