//! Names from images as people may see them: nothing in a name may write into a terminal (rule 33).
//!
//! A module of its own because every renderer and every message must escape the same characters. It escapes
//! what a terminal acts on or hides; the syntax of Markdown and HTML is the matter of those formats.

use std::fmt::Write;

/// `text` with control characters, bidi marks and characters without a shape written as `\u{…}`. Line ends
/// and tabs too: the result is one line.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            // Writing into a `String` cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// The same, but line feeds and tabs stay: the lines of a file.
pub fn printable_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(['\n', '\t']) {
        let end = piece.strip_suffix(['\n', '\t']).map_or(piece.len(), str::len);
        out.push_str(&printable(&piece[..end]));
        out.push_str(&piece[end..]);
    }
    out
}

/// Whether a terminal would act on `c`, reorder the line because of it, or show nothing for it.
pub(super) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' // soft hyphen
            | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // joiners and fillers
            | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' // zero width, left-to-right and right-to-left marks
            | '\u{2028}'..='\u{202e}' // line and paragraph separators, embeddings and overrides
            | '\u{2060}'..='\u{206f}' // isolates and invisible operators
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        for (text, want) in [
            ("/usr/bin/a b", "/usr/bin/a b"),
            (
                "/\u{e9}t\u{e9}/\u{6f22}\u{5b57}",
                "/\u{e9}t\u{e9}/\u{6f22}\u{5b57}",
            ),
            ("a\u{1b}[31mb", "a\\u{1b}[31mb"),
            ("a\r\nb\tc\u{7f}", "a\\u{d}\\u{a}b\\u{9}c\\u{7f}"),
            ("a\u{9b}31m", "a\\u{9b}31m"),
            ("gpj\u{202e}exe", "gpj\\u{202e}exe"),
            ("\u{2066}x\u{2069}\u{200b}", "\\u{2066}x\\u{2069}\\u{200b}"),
        ] {
            assert_eq!(printable(text), want);
        }
        assert_eq!(printable_lines("a\tb\u{1b}\r\n\nc"), "a\tb\\u{1b}\\u{d}\n\nc");
    }
}
