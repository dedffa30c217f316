//! One key with its modifiers, as tables, config files and scripts write it.
//!
//! A module of its own because the state must not know which library reads the terminal: whatever that calls a key
//! becomes a [`Chord`] at the door.

use std::fmt;
use std::str::FromStr;

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// What it types.
    Char(char),
    /// The space bar.
    Space,
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Arrow.
    Up,
    /// Arrow.
    Down,
    /// Arrow.
    Left,
    /// Arrow.
    Right,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Home.
    Home,
    /// End.
    End,
    /// A function key.
    F(u8),
}

/// The keys that have a name, and it.
const NAMES: [(Key, &str); 16] = [
    (Key::Space, "space"),
    (Key::Enter, "enter"),
    (Key::Esc, "esc"),
    (Key::Tab, "tab"),
    (Key::BackTab, "shift-tab"),
    (Key::Backspace, "backspace"),
    (Key::Delete, "delete"),
    (Key::Up, "up"),
    (Key::Down, "down"),
    (Key::Left, "left"),
    (Key::Right, "right"),
    (Key::PageUp, "pgup"),
    (Key::PageDown, "pgdn"),
    (Key::Home, "home"),
    (Key::End, "end"),
    (Key::Char('<'), "lt"),
];

/// A key with or without Ctrl. Shift is in the character that it types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chord {
    /// The key.
    pub key: Key,
    /// Whether Ctrl is held.
    pub ctrl: bool,
}

/// What is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChordError {
    /// Occurs when a word is the name of no key.
    #[error("`{0}` is no key; write one character, ctrl-x, f1, or one of {names}", names = names())]
    NoKey(String),
    /// Occurs when a script opens `<` and never closes it.
    #[error("`{0}` begins with `<` and has no `>`")]
    Open(String),
}

impl Chord {
    /// A key alone.
    pub const fn plain(key: Key) -> Self {
        Self { key, ctrl: false }
    }

    /// The character that it types, where it types one.
    pub fn typed(self) -> Option<char> {
        match self.key {
            _ if self.ctrl => None,
            Key::Char(c) => Some(c),
            Key::Space => Some(' '),
            _ => None,
        }
    }

    /// The keys of a script: characters, and names between angle brackets, as in `jj<space><ctrl-d>`.
    pub fn script(text: &str) -> Result<Vec<Self>, ChordError> {
        let mut chords = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some(named) = rest.strip_prefix('<') {
                let (name, after) = named
                    .split_once('>')
                    .ok_or_else(|| ChordError::Open(rest.to_owned()))?;
                chords.push(name.parse()?);
                rest = after;
            } else {
                let key = if c == ' ' { Key::Space } else { Key::Char(c) };
                chords.push(Self::plain(key));
                rest = &rest[c.len_utf8()..];
            }
        }
        Ok(chords)
    }
}

impl FromStr for Chord {
    type Err = ChordError;

    /// Reads `a`, `ctrl-f` or `ctrl+f`, `space`, `pgdn`, `f1`.
    fn from_str(text: &str) -> Result<Self, ChordError> {
        let bad = || ChordError::NoKey(text.to_owned());
        let lower = text.to_ascii_lowercase();
        if let Some(rest) = lower
            .strip_prefix("ctrl-")
            .or_else(|| lower.strip_prefix("ctrl+"))
        {
            let key = rest.parse::<Self>().map_err(|_| bad())?.key;
            return Ok(Self { key, ctrl: true });
        }
        let mut chars = text.chars();
        if let (Some(c), None) = (chars.next(), chars.next()) {
            let key = if c == ' ' { Key::Space } else { Key::Char(c) };
            return Ok(Self::plain(key));
        }
        if let Some((key, _)) = NAMES.iter().find(|(_, name)| *name == lower) {
            return Ok(Self::plain(*key));
        }
        let function = lower.strip_prefix('f').and_then(|number| number.parse().ok());
        function
            .filter(|number| (1..=12).contains(number))
            .map(|number| Self::plain(Key::F(number)))
            .ok_or_else(bad)
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        let named = NAMES.iter().find(|(key, _)| *key == self.key);
        match (self.key, named) {
            (Key::Char(c), _) => write!(f, "{c}"),
            (Key::F(number), _) => write!(f, "f{number}"),
            (_, Some((_, name))) => f.write_str(name),
            (key, None) => write!(f, "{key:?}"),
        }
    }
}

fn names() -> String {
    let names: Vec<&str> = NAMES.iter().map(|(_, name)| *name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_shown() {
        for text in [
            "a",
            "A",
            "?",
            "ctrl-f",
            "space",
            "pgdn",
            "f1",
            "shift-tab",
            "ctrl-space",
            "é",
        ] {
            let chord: Chord = text.parse().unwrap();
            assert_eq!(chord.to_string(), text);
        }
        assert_eq!("ctrl+F".parse::<Chord>(), "ctrl-f".parse());
        for bad in ["", "foo", "ctrl-", "f13"] {
            assert!(bad.parse::<Chord>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_script_is_characters_and_names() {
        let shown = |text| -> Vec<String> {
            Chord::script(text)
                .unwrap()
                .iter()
                .map(ToString::to_string)
                .collect()
        };
        assert_eq!(shown("jj<space>p<ctrl-c>"), ["j", "j", "space", "p", "ctrl-c"]);
        assert_eq!(shown("/a b<lt>"), ["/", "a", "space", "b", "<"]);
        assert!(matches!(Chord::script("a<b"), Err(ChordError::Open(_))));
    }
}
