//! Symbols: what stands for each where a terminal has ASCII alone.
//!
//! A module of its own because one table says it for everything that is drawn: panes and pages are laid out with the symbols,
//! and only what goes onto the screen is put into the characters that there are. Names in other scripts become `?`, as
//! many as they have cells.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

use crate::report::text::Symbols;
use crate::tui::text::{Piece, piece, width};

/// A symbol, and what stands for it: the same cells, where that can be.
const TABLE: [(char, &str); 34] = [
    ('╭', "+"),
    ('╮', "+"),
    ('╰', "+"),
    ('╯', "+"),
    ('─', "-"),
    ('│', "|"),
    ('█', "#"),
    ('▉', "="),
    ('▊', "="),
    ('▋', "="),
    ('▌', "="),
    ('▍', "|"),
    ('▎', "|"),
    ('▏', "|"), // the cursor, too
    ('▾', "v"),
    ('▸', ">"),
    ('→', "->"),
    ('←', "<-"),
    ('✗', "x"),
    ('✓', "+"),
    ('●', "*"),
    ('·', "."),
    ('…', "~"), // where something was cut off
    ('≈', "~"),
    ('−', "-"),
    ('–', "-"),
    ('—', "-"),
    ('±', "+-"),
    ('×', "x"),
    ('‘', "'"),
    ('’', "'"),
    ('“', "\""),
    ('”', "\""),
    ('\u{a0}', " "), // of numbers and their nouns
];

/// Words that say that something goes on: nothing was cut off there.
const GOING_ON: [&str; 6] = [
    "looking…",
    "opening…",
    "planning…",
    "reading…",
    "stopping…",
    "writing…",
];

/// A line in the characters that there are. What becomes wider so takes its room from the gap in the line, where the line has
/// no other.
pub(super) fn shown(pieces: &[Piece], symbols: Symbols, room: usize) -> Cow<'_, [Piece]> {
    if symbols == Symbols::Unicode || pieces.iter().all(|one| one.text.is_ascii()) {
        return Cow::Borrowed(pieces);
    }
    let mut shown: Vec<Piece> = pieces
        .iter()
        .map(|one| piece(one.tone, ascii(&one.text)))
        .collect();
    let all: usize = shown.iter().map(|one| width(&one.text)).sum();
    let is_gap = |one: &&mut Piece| one.text.len() > 1 && one.text.bytes().all(|byte| byte == b' ');
    if let Some(gap) = shown.iter_mut().rev().find(is_gap) {
        let less = all.saturating_sub(room).min(gap.text.len() - 1);
        gap.text.truncate(gap.text.len() - less);
    }
    Cow::Owned(shown)
}

/// A text in ASCII.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(words) = GOING_ON.iter().find(|words| rest.starts_with(**words)) {
            out.push_str(&words.replace('…', "..."));
            rest = &rest[words.len()..];
            continue;
        }
        match TABLE.iter().find(|(symbol, _)| *symbol == c) {
            _ if c.is_ascii() => out.push(c),
            Some((_, stands)) => out.push_str(stands),
            None => out.extend(std::iter::repeat_n('?', c.width().unwrap_or(1).max(1))),
        }
        rest = &rest[c.len_utf8()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::text::{Tone, bar, plain};

    #[test]
    fn what_stands_for_a_symbol_is_ascii() {
        for (symbol, stands) in TABLE {
            assert!(!symbol.is_ascii() && stands.is_ascii(), "{symbol}");
        }
        for (text, want) in [
            ("plain", "plain"),
            ("\u{6f22}\u{5b57}.txt", "????.txt"),
            ("caf\u{e9}", "caf?"),
            ("cafe\u{301}", "cafe?"),
            ("planning… a long na…", "planning... a long na~"),
            ("a → b ≈1 kB −3 %", "a -> b ~1 kB -3 %"),
        ] {
            assert_eq!(ascii(text), want);
        }
        assert_eq!(ascii(&bar(5, 8, 3)), "#= ");
    }

    #[test]
    fn a_line_stays_as_wide_as_its_room() {
        let line = [
            piece(Tone::Bold, "a → b"),
            plain("     "),
            piece(Tone::Dim, "→ c"),
        ];
        let text = |room| -> String {
            let shown = shown(&line, Symbols::Ascii, room);
            shown.iter().map(|one| one.text.as_str()).collect()
        };
        assert_eq!(text(13), "a -> b   -> c");
        assert_eq!(text(20), "a -> b     -> c", "there is room enough");
        assert_eq!(text(1), "a -> b -> c", "it is never without a gap");
        assert_eq!(shown(&line, Symbols::Unicode, 13), line.as_slice());
    }
}
