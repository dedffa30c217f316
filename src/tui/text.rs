//! Pieces of text with what they mean: what panes and pages are made of, before anything has a colour.
//!
//! A module of its own so that what is shown can be made and tested without a terminal, and every name is escaped and
//! measured in one place: a wide character takes two cells.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::bytesize::ByteSize;
use crate::report::printable;
use crate::report::text::{self, GLUE};

/// What a piece of text is. Never the only way in which that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Nothing in particular.
    #[default]
    Plain,
    /// Beside the point.
    Dim,
    /// A title, or the one number.
    Bold,
    /// Safe, done, added.
    Good,
    /// To be looked at, modified.
    Warn,
    /// Risky, wrong, removed, going.
    Bad,
    /// A directory.
    Directory,
    /// A bar.
    Bar,
    /// What a search found.
    Found,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub tone: Tone,
    /// The text, escaped.
    pub text: String,
}

/// A line.
pub type Pieces = Vec<Piece>;

/// A piece of our own words.
pub fn piece(tone: Tone, text: impl Into<String>) -> Piece {
    Piece {
        tone,
        text: text.into(),
    }
}

/// Text of our own.
pub fn plain(text: impl Into<String>) -> Piece {
    piece(Tone::Plain, text)
}

/// `1 file`, `2,000 files`, `3 directories`; the space is one that a pane may break at.
pub fn count(count: u64, noun: &str) -> String {
    text::count(count, noun).replace(GLUE, " ")
}

/// A name from an image: what a terminal would act on is escaped, what is no UTF-8 is shown as such.
pub fn name(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(&printable(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing into a `String` cannot fail.
            let _ = std::fmt::Write::write_fmt(&mut out, format_args!("\\x{byte:02x}"));
        }
    }
    out
}

/// Cells that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` in exactly `cells` cells: cut with an ellipsis, or filled with spaces.
pub fn fit(text: &str, cells: usize) -> String {
    let mut out = clip(text, cells);
    let has = out.width();
    out.extend(std::iter::repeat_n(' ', cells - has));
    out
}

/// `text` in `cells` cells at most.
pub fn clip(text: &str, cells: usize) -> String {
    if text.width() <= cells {
        return text.to_owned();
    }
    let (mut out, mut taken) = (String::new(), 0);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if taken + wide > cells.saturating_sub(1) {
            break;
        }
        taken += wide;
        out.push(c);
    }
    if cells > 0 {
        out.push('…');
    }
    out
}

/// The end of `text` in `cells` cells at most: of a path, the name is what matters.
pub fn clip_front(text: &str, cells: usize) -> String {
    if text.width() <= cells {
        return text.to_owned();
    }
    let (mut out, mut taken) = (Vec::new(), 0);
    for c in text.chars().rev() {
        let wide = c.width().unwrap_or(0);
        if taken + wide > cells.saturating_sub(1) {
            break;
        }
        taken += wide;
        out.push(c);
    }
    let end: String = out.into_iter().rev().collect();
    if cells > 0 {
        format!("…{end}")
    } else {
        String::new()
    }
}

/// `text` in lines of `cells` cells, broken at spaces where there are any.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut lines = Vec::new();
    let (mut line, mut taken) = (String::new(), 0);
    for word in text.split_inclusive(' ') {
        let wide = word.trim_end().width();
        if taken + wide > cells && taken > 0 {
            lines.push(std::mem::take(&mut line));
            taken = 0;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if taken + wide > cells {
                if c == ' ' {
                    continue;
                }
                lines.push(std::mem::take(&mut line));
                taken = 0;
            }
            taken += wide;
            line.push(c);
        }
    }
    lines.push(line);
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

/// A size in eight cells, at the right.
pub fn size(bytes: u64) -> String {
    format!("{:>8}", ByteSize(bytes).to_string())
}

/// What grew or shrank, in nine cells, at the right; empty where nothing did.
pub fn growth(before: u64, after: u64) -> String {
    if before == after {
        return " ".repeat(9);
    }
    let delta = (i128::from(after) - i128::from(before)) as i64;
    fit_right(&text::signed_size(delta).replace(GLUE, " "), 9)
}

fn fit_right(text: &str, cells: usize) -> String {
    format!("{}{text}", " ".repeat(cells.saturating_sub(text.width())))
}

/// A part of a whole, as a bar.
pub fn bar(part: u64, whole: u64, cells: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (u128::from(part.min(whole)) * cells as u128 * 8)
        .checked_div(u128::from(whole))
        .unwrap_or(0) as usize;
    let mut out = "█".repeat(eighths / 8);
    out.push_str(EIGHTHS[eighths % 8]);
    fit(&out, cells)
}

/// How much smaller, in words: `−34 %`.
pub fn change(before: u64, after: u64) -> String {
    let ratio = if before == 0 {
        0.0
    } else {
        (after as f64 - before as f64) / before as f64 * 100.0
    };
    let sign = if ratio < 0.0 { "−" } else { "+" };
    let ratio = ratio.abs();
    let digits = usize::from(ratio < 10.0 && ratio > 0.0);
    format!("{sign}{ratio:.digits$} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_signed_and_nothing_is_empty() {
        assert_eq!(growth(1000, 2_200_000), " +2.20 MB");
        assert_eq!(growth(2_200_000, 1000), " −2.20 MB");
        assert_eq!(growth(7, 7), "         ");
    }

    #[test]
    fn texts_fit_in_cells_not_in_characters() {
        for (text, cells, want) in [
            ("abc", 5, "abc  "),
            ("abcdef", 4, "abc…"),
            ("漢字漢字", 5, "漢字…"),
            ("漢字漢字", 4, "漢… "),
            ("abc", 0, ""),
        ] {
            assert_eq!(fit(text, cells), want, "{text} in {cells}");
        }
        assert_eq!(clip_front("/usr/share/doc", 8), "…are/doc");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(bar(1, 2, 4), "██  ");
        assert_eq!(bar(1, 16, 2), "▏ ");
        assert_eq!(bar(3, 0, 2), "  ");
        assert_eq!(
            (change(100, 66), change(1000, 995), change(0, 5)),
            ("−34 %".to_owned(), "−0.5 %".to_owned(), "+0 %".to_owned())
        );
        assert_eq!(name(b"a\x1b[1m\xffb"), "a\\u{1b}[1m\\xffb");
    }
}
