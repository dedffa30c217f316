//! The content of one file on the screen: as text or in hex, searched, gone through.
//!
//! Of its own because it is the whole of a pager and knows nothing of images: bytes in, keys in, lines out. It is asked
//! for the lines of a screen and makes no others.

use super::content::{Content, cells, rows};
use super::find;
use crate::inside::hex;
use crate::report::printable;
use crate::tui::chord::{Chord, Key};
use crate::tui::keys::Action;
use crate::tui::state::line::Line;
use crate::tui::text::{Pieces, Tone, piece, plain};

/// Bytes at the beginning in which a NUL says that this is no text.
const TEXT_HEAD: usize = 8000;
/// Pieces that are found before a key is pressed: a screen.
const FIRST: usize = 100;
/// Columns that a key scrolls to the side.
const SIDEWAYS: usize = 8;
/// Columns of line numbers and the space behind them.
const NUMBERS: usize = 7;

/// A file that is viewed.
#[derive(Debug, Clone)]
pub struct File {
    content: Content,
    /// Bytes of the whole file; more than there are where it was cut.
    total: u64,
    /// Whether it is shown in hex.
    pub is_hex: bool,
    /// Whether long lines go on in the next row.
    pub wraps: bool,
    /// The piece in the first row, and which row of it; of hex the row from the beginning.
    top: usize,
    inner: usize,
    /// Columns that are left out at the left.
    left: usize,
    /// What is typed below.
    prompt: Option<Prompt>,
    word: String,
    /// Where the word was found last.
    found: Option<usize>,
    /// A line for the person.
    message: Option<String>,
}

#[derive(Debug, Clone)]
enum Prompt {
    Search(Line),
    Goto(Line),
}

impl File {
    /// The first bytes of a file that has `total` of them; what is no text is shown in hex.
    pub fn new(bytes: Vec<u8>, total: u64) -> Self {
        let is_hex = bytes.iter().take(TEXT_HEAD).any(|&byte| byte == 0);
        let mut content = Content::new(bytes);
        content.find_to(FIRST);
        Self {
            content,
            total,
            is_hex,
            wraps: false,
            top: 0,
            inner: 0,
            left: 0,
            prompt: None,
            word: String::new(),
            found: None,
            message: None,
        }
    }

    /// Whether keys are typed into a line.
    pub fn is_typing(&self) -> bool {
        self.prompt.is_some()
    }

    /// Takes a key on a screen of some columns and rows. Whether it was one for a file.
    pub fn press(&mut self, chord: Chord, action: Option<Action>, (width, height): (usize, usize)) -> bool {
        if let Some(prompt) = self.prompt.take() {
            self.type_on(prompt, chord, height);
            self.content.find_to(self.top + height);
            return true;
        }
        self.message = None;
        let page = height.saturating_sub(1).max(1);
        match action {
            Some(Action::Down) => self.down(1, width, height),
            Some(Action::PageDown | Action::Mark) => self.down(page, width, height),
            Some(Action::Up) => self.up(1, width),
            Some(Action::PageUp) => self.up(page, width),
            Some(Action::First) => (self.top, self.inner) = (0, 0),
            Some(Action::Last) => self.end(width, height),
            Some(Action::Left) => self.left = self.left.saturating_sub(SIDEWAYS),
            Some(Action::Right) if !self.wraps && !self.is_hex => self.left += SIDEWAYS,
            Some(Action::Hex) => self.turn(),
            Some(Action::Wrap) => (self.wraps, self.inner, self.left) = (!self.wraps, 0, 0),
            Some(Action::Search) => self.prompt = Some(Prompt::Search(Line::default())),
            Some(Action::Goto) => self.prompt = Some(Prompt::Goto(Line::default())),
            Some(action @ (Action::NextMatch | Action::PreviousMatch)) => self.next_match(action, height),
            Some(Action::Clear) if !self.word.is_empty() => (self.word, self.found) = (String::new(), None),
            _ => return false,
        }
        self.content.find_to(self.top + height);
        true
    }

    /// The lines of a screen.
    pub fn lines(&self, width: usize, height: usize) -> Vec<Pieces> {
        if self.is_hex {
            return self.hex_lines(height);
        }
        let mut lines = Vec::with_capacity(height);
        let (mut at, mut skip) = (self.top, self.inner);
        let room = width.saturating_sub(NUMBERS).max(1);
        let (wraps, left) = (self.wraps, self.left);
        let marked = self.found.map(|found| found..found + self.word.len());
        while lines.len() < height {
            let Some(one) = self.content.piece(at) else { break };
            let number = if one.is_first {
                (one.line + 1).to_string()
            } else {
                String::new()
            };
            let cells = cells(one.bytes);
            let begins = if wraps { rows(&cells, room) } else { vec![0] };
            for (row, &begin) in begins.iter().enumerate().skip(skip) {
                let label = if row == 0 { number.as_str() } else { "" };
                let end = begins.get(row + 1).copied().unwrap_or(cells.len());
                let mut line = vec![piece(Tone::Dim, format!("{label:>width$} ", width = NUMBERS - 1))];
                let mut column = 0;
                for cell in &cells[begin..end] {
                    let seen = wraps || column >= left;
                    column += cell.width;
                    if !seen || column > left + room && !wraps {
                        continue;
                    }
                    let place = one.offset + cell.offset;
                    let is_found = marked.as_ref().is_some_and(|marked| marked.contains(&place));
                    let tone = if is_found { Tone::Found } else { Tone::Plain };
                    match line.last_mut().filter(|last| last.tone == tone) {
                        Some(last) => last.text.push_str(&cell.text),
                        None => line.push(piece(tone, cell.text.clone())),
                    }
                }
                lines.push(line);
            }
            (at, skip) = (at + 1, 0);
        }
        lines.truncate(height);
        lines
    }

    /// What stands below: where this is, or what is being typed.
    pub fn status(&self) -> Pieces {
        let typed = |label: &str, line: &Line| {
            let (before, after) = line.split();
            vec![
                piece(Tone::Bold, label),
                plain(printable(before)),
                piece(Tone::Found, "▏"),
                plain(printable(after)),
            ]
        };
        match &self.prompt {
            Some(Prompt::Search(line)) => return typed("/", line),
            Some(Prompt::Goto(line)) => {
                let label = if self.is_hex { "offset: " } else { "line: " };
                return typed(label, line);
            }
            None => {}
        }
        if let Some(message) = &self.message {
            return vec![piece(Tone::Warn, printable(message))];
        }
        let bytes = self.content.bytes().len();
        let offset = self.offset();
        let percent = (offset * 100).checked_div(bytes).unwrap_or(0);
        let place = if self.is_hex {
            format!("byte {offset} ({offset:#x}) of {}", self.total)
        } else {
            let line = self.content.piece(self.top).map_or(0, |one| one.line + 1);
            let (lines, is_all) = self.content.lines();
            let more = if is_all { "" } else { "+" };
            format!("line {line} of {lines}{more}")
        };
        let mut line = vec![piece(Tone::Dim, format!("{place}, {percent} %"))];
        if (bytes as u64) < self.total {
            line.push(piece(
                Tone::Warn,
                format!("  cut at {bytes} of {} bytes", self.total),
            ));
        }
        line
    }

    /// Where the first row begins.
    fn offset(&self) -> usize {
        if self.is_hex {
            self.top * hex::LINE
        } else {
            self.content.piece(self.top).map_or(0, |one| one.offset)
        }
    }

    fn hex_lines(&self, height: usize) -> Vec<Pieces> {
        let marked = self.found.map(|found| found..found + self.word.len());
        let chunks = self.content.bytes().chunks(hex::LINE).enumerate();
        chunks
            .skip(self.top)
            .take(height)
            .map(|(row, bytes)| {
                let offset = row * hex::LINE;
                let holds = |marked: &std::ops::Range<usize>| {
                    marked.start < offset + bytes.len() && offset < marked.end
                };
                let is_found = marked.as_ref().is_some_and(holds);
                let tone = if is_found { Tone::Found } else { Tone::Plain };
                vec![piece(tone, hex::line(offset as u64, bytes))]
            })
            .collect()
    }

    fn type_on(&mut self, mut prompt: Prompt, chord: Chord, height: usize) {
        let (Prompt::Search(line) | Prompt::Goto(line)) = &mut prompt;
        match chord.key {
            Key::Esc => {}
            Key::Enter => {
                let text = line.text().to_owned();
                match prompt {
                    Prompt::Search(_) => {
                        self.word = text;
                        let from = self.offset();
                        self.go_to_found(find::next(self.content.bytes(), &self.word, from), height);
                    }
                    Prompt::Goto(_) => self.go_to(&text),
                }
            }
            _ => {
                line.edit(chord);
                self.prompt = Some(prompt);
            }
        }
    }

    /// A line, or in hex an offset; `0x` before it makes it hex.
    fn go_to(&mut self, text: &str) {
        let text = text.trim();
        let number = match text.strip_prefix("0x") {
            Some(digits) => usize::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        };
        let Some(number) = number else {
            self.message = Some(format!("`{text}` is no number"));
            return;
        };
        self.inner = 0;
        self.top = if self.is_hex {
            number.min(self.content.bytes().len().saturating_sub(1)) / hex::LINE
        } else {
            self.content.at_line(number.saturating_sub(1))
        };
    }

    fn next_match(&mut self, action: Action, height: usize) {
        if self.word.is_empty() {
            self.message = Some("nothing is searched for".to_owned());
            return;
        }
        let here = self.found;
        let from = here.unwrap_or_else(|| self.offset());
        let bytes = self.content.bytes();
        let found = if action == Action::NextMatch {
            find::next(bytes, &self.word, from + usize::from(here.is_some()))
        } else {
            find::previous(bytes, &self.word, from)
        };
        self.go_to_found(found, height);
    }

    /// Shows a place with some lines above it.
    fn go_to_found(&mut self, found: Option<usize>, height: usize) {
        let Some(offset) = found else {
            self.message = Some(format!("`{}` is not in it", self.word));
            self.found = None;
            return;
        };
        self.found = Some(offset);
        let at = if self.is_hex {
            offset / hex::LINE
        } else {
            self.content.at_offset(offset)
        };
        let is_seen = (self.top..self.top + height.max(1)).contains(&at) && !self.wraps;
        if !is_seen {
            (self.top, self.inner) = (at.saturating_sub(height / 3), 0);
            if self.wraps {
                self.top = at;
            }
        }
    }

    /// Text or hex; the first byte on the screen stays there.
    fn turn(&mut self) {
        let offset = self.offset();
        self.is_hex = !self.is_hex;
        (self.inner, self.left) = (0, 0);
        self.top = if self.is_hex {
            offset / hex::LINE
        } else {
            self.content.at_offset(offset)
        };
    }

    /// Rows that a piece takes; `None` behind the last.
    fn rows_of(&self, at: usize, width: usize) -> Option<usize> {
        if self.is_hex {
            return (at < self.content.bytes().len().div_ceil(hex::LINE)).then_some(1);
        }
        let wraps = self.wraps;
        let one = self.content.piece(at)?;
        let room = width.saturating_sub(NUMBERS).max(1);
        Some(if wraps {
            rows(&cells(one.bytes), room).len()
        } else {
            1
        })
    }

    /// Scrolls down, no further than until the last row is on the screen.
    fn down(&mut self, by: usize, width: usize, height: usize) {
        self.content.find_to(self.top + by + height);
        for _ in 0..by {
            if !self.is_more_than(height, width) {
                return;
            }
            let count = self.rows_of(self.top, width).unwrap_or(1);
            if self.inner + 1 < count {
                self.inner += 1;
            } else {
                (self.top, self.inner) = (self.top + 1, 0);
            }
        }
    }

    /// Whether there is more from the first row on than a screen of so many.
    fn is_more_than(&self, height: usize, width: usize) -> bool {
        let (mut rows, mut at, mut skip) = (0, self.top, self.inner);
        while rows <= height {
            let Some(count) = self.rows_of(at, width) else {
                return false;
            };
            rows += count.saturating_sub(skip);
            (at, skip) = (at + 1, 0);
        }
        true
    }

    fn up(&mut self, by: usize, width: usize) {
        for _ in 0..by {
            if self.inner > 0 {
                self.inner -= 1;
            } else if self.top > 0 {
                self.top -= 1;
                self.inner = self.rows_of(self.top, width).unwrap_or(1) - 1;
            }
        }
    }

    /// The last row is the last on the screen.
    fn end(&mut self, width: usize, height: usize) {
        let last = if self.is_hex {
            self.content.bytes().len().div_ceil(hex::LINE).saturating_sub(1)
        } else {
            self.content.last()
        };
        self.top = last;
        self.inner = self.rows_of(last, width).unwrap_or(1) - 1;
        self.up(height.saturating_sub(1), width);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is on a screen of 20 by 4 after some keys.
    fn shown(file: &mut File, keys: &str) -> Vec<String> {
        let keymap = crate::tui::keys::Keymap::default();
        for chord in Chord::script(keys).unwrap() {
            let action = keymap.action(chord);
            file.press(chord, action, (20, 4));
        }
        let lines = file.lines(20, 4);
        let text = |line: &Pieces| line.iter().map(|one| one.text.as_str()).collect::<String>();
        lines.iter().map(|line| text(line).trim().to_owned()).collect()
    }

    fn ten() -> File {
        let lines: Vec<String> = (1..=10).map(|line| format!("line {line} has text\n")).collect();
        let text = lines.concat();
        File::new(text.clone().into_bytes(), text.len() as u64)
    }

    #[test]
    fn keys_go_through_a_file() {
        for (keys, first) in [
            ("", "1 line 1 has te"),
            ("j", "2 line 2 has te"),
            ("jjk", "2 line 2 has te"),
            ("<pgdn>", "4 line 4 has te"),
            ("G", "7 line 7 has te"),
            ("Gj", "7 line 7 has te"),
            ("Gg", "1 line 1 has te"),
            (":5<enter>", "5 line 5 has te"),
            (":99<enter>", "10 line 10 has t"),
            ("l", "1 as text"),
            ("lh", "1 line 1 has te"),
            ("/LINE 7<enter>", "1 line 1 has te"),
            ("/line 7<enter>", "6 line 6 has te"),
            ("/line<enter>nnnnn", "4 line 4 has te"),
            ("/line<enter>N", "9 line 9 has te"),
            ("W", "1 line 1 has"),
        ] {
            let file = &mut ten();
            assert!(
                shown(file, keys)[0].starts_with(first),
                "{keys}: {:?}",
                shown(file, "")
            );
        }
    }

    #[test]
    fn long_lines_wrap_and_are_gone_through_row_by_row() {
        let file = &mut File::new(b"abcdefghijklmnopqrstuvwxyz\nend\n".to_vec(), 31);
        assert_eq!(shown(file, "W"), ["1 abcdefghijklm", "nopqrstuvwxyz", "2 end"]);
        let many = "0123456789abc".repeat(9);
        let file = &mut File::new(many.clone().into_bytes(), many.len() as u64);
        assert_eq!(shown(file, "W").len(), 4);
        shown(file, "jjj");
        assert_eq!((file.top, file.inner), (0, 3));
        shown(file, "G");
        assert_eq!(
            (file.top, file.inner),
            (0, 5),
            "the last row is the last on the screen"
        );
        shown(file, "k");
        assert_eq!((file.top, file.inner), (0, 4));
    }

    #[test]
    fn what_is_no_text_is_shown_in_hex() {
        let bytes: Vec<u8> = (0..=255).collect();
        let file = &mut File::new(bytes, 256);
        assert!(shown(file, "")[0].starts_with("00000000  00 01 02"));
        assert!(shown(file, ":0x41<enter>")[0].starts_with("00000040  40 41"));
        assert!(shown(file, "G")[3].starts_with("000000f0"));
        assert!(shown(file, "gH")[0].starts_with("1 \\u{0}"));
        let text = file.status()[0].text.clone();
        assert_eq!(text, "line 1 of 2, 0 %");
    }

    #[test]
    fn what_was_cut_says_so() {
        let file = &mut File::new(b"abc".to_vec(), 10);
        assert_eq!(file.status()[1].text, "  cut at 3 of 10 bytes");
        let empty = &mut File::new(Vec::new(), 0);
        assert_eq!(shown(empty, "jGkgW/x<enter>n:3<enter>"), [""; 0]);
        assert_eq!(shown(empty, "H"), [""; 0]);
    }
}
