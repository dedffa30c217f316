//! A line of text that is edited.
//!
//! A module of its own because search, filter, target and file name are edited alike.

use super::super::chord::{Chord, Key};

/// A text and where the next character goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    text: String,
    /// In bytes, at the beginning of a character or at the end.
    cursor: usize,
}

impl Line {
    /// A text, to be edited from its end.
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            cursor: text.len(),
        }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the cursor, and from there on.
    pub fn split(&self) -> (&str, &str) {
        self.text.split_at(self.cursor)
    }

    /// Takes a key. Whether the text has changed.
    pub fn edit(&mut self, chord: Chord) -> bool {
        let before = self.text.len();
        match (chord.key, chord.ctrl) {
            (Key::Backspace, _) | (Key::Char('h'), true) => {
                if let Some(c) = self.text[..self.cursor].chars().next_back() {
                    self.cursor -= c.len_utf8();
                    self.text.remove(self.cursor);
                }
            }
            (Key::Delete, _) if self.cursor < self.text.len() => {
                self.text.remove(self.cursor);
            }
            (Key::Left, _) => {
                self.cursor -= self.text[..self.cursor]
                    .chars()
                    .next_back()
                    .map_or(0, char::len_utf8);
            }
            (Key::Right, _) => {
                self.cursor += self.text[self.cursor..].chars().next().map_or(0, char::len_utf8);
            }
            (Key::Home, _) | (Key::Char('a'), true) => self.cursor = 0,
            (Key::End, _) | (Key::Char('e'), true) => self.cursor = self.text.len(),
            (Key::Char('u'), true) => {
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            (Key::Char('w'), true) => {
                let kept = self.text[..self.cursor].trim_end();
                let kept = kept
                    .rfind([' ', '/', ':'])
                    .filter(|at| at + 1 < kept.len())
                    .map_or(0, |at| at + 1);
                self.text.drain(kept..self.cursor);
                self.cursor = kept;
            }
            _ => {
                let Some(c) = chord.typed() else {
                    return false;
                };
                self.text.insert(self.cursor, c);
                self.cursor += c.len_utf8();
            }
        }
        self.text.len() != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_as_elsewhere() {
        for (keys, want) in [
            ("abc", "abc|"),
            ("abc<left><left>x", "ax|bc"),
            ("äö<backspace>", "ä|"),
            ("äö<home><delete>", "|ö"),
            ("oci:a/b<ctrl-w>", "oci:a/|"),
            ("one two<ctrl-w><ctrl-w>", "|"),
            ("abc<left><ctrl-u>", "|c"),
            ("<left><backspace><delete><right>", "|"),
        ] {
            let mut line = Line::default();
            for chord in Chord::script(keys).unwrap() {
                line.edit(chord);
            }
            let (before, after) = line.split();
            assert_eq!(format!("{before}|{after}"), want, "{keys}");
        }
    }
}
