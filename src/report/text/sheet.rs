//! Lines that are never too wide: cutting and wrapping by columns, escaped and painted.
//!
//! A module of its own because this is where text from images enters a line, so that no layout can forget to
//! escape it, and where the width is kept, so that no layout can exceed it.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::style::{Paint, Style, Symbol};
use super::words::GLUE;
use crate::report::printable;

/// The narrowest and the widest page.
const WIDTHS: (usize, usize) = (40, 300);

/// A page that is being written.
pub(super) struct Sheet<'a> {
    pub(super) style: Style,
    pub(super) width: usize,
    out: &'a mut String,
    is_begun: bool,
}

/// A piece of a line.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) paint: Paint,
    pub(super) text: String,
}

/// Which part of a text stays where not all of it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// The beginning: of sentences and instructions.
    End,
    /// The end: of paths.
    Begin,
}

/// A span of text, escaped.
pub(super) fn span(paint: Paint, text: impl AsRef<str>) -> Span {
    Span {
        paint,
        text: printable(text.as_ref()),
    }
}

impl<'a> Sheet<'a> {
    pub(super) fn new(style: Style, width: usize, out: &'a mut String) -> Self {
        Self {
            style,
            width: width.clamp(WIDTHS.0, WIDTHS.1),
            out,
            is_begun: false,
        }
    }

    /// Begins a section, with an empty line above unless it is the first.
    pub(super) fn section(&mut self, title: &str) {
        self.gap();
        self.prose(0, &[span(Paint::Bold, title)]);
    }

    /// An empty line, unless nothing is written yet.
    pub(super) fn gap(&mut self) {
        if self.is_begun {
            self.out.push('\n');
        }
    }

    /// Text from column `indent` on, wrapped at spaces; words that are too long are broken.
    pub(super) fn prose(&mut self, indent: usize, spans: &[Span]) {
        for line in wrap(spans, self.width - indent) {
            self.line(indent, &line);
        }
    }

    /// The same, with `lead`, aligned to the right, before the first line: a list item. `lead` is narrower
    /// than `indent`.
    pub(super) fn item(&mut self, indent: usize, lead: Span, spans: &[Span]) {
        let mut blank = indent.saturating_sub(lead.text.width() + 2);
        let mut lead = vec![lead, span(Paint::Plain, "  ")];
        for line in wrap(spans, self.width - indent) {
            let spans: Vec<Span> = lead.drain(..).chain(line).collect();
            self.line(blank, &spans);
            blank = indent;
        }
    }

    /// One line of spans that fit.
    pub(super) fn line(&mut self, indent: usize, spans: &[Span]) {
        self.is_begun = true;
        let last = spans.iter().rposition(|span| !span.text.trim().is_empty());
        let Some(last) = last else {
            return self.out.push('\n');
        };
        self.out.extend(std::iter::repeat_n(' ', indent));
        for (at, span) in spans[..=last].iter().enumerate() {
            let text = span.text.replace(GLUE, " ");
            let text = if at == last { text.trim_end() } else { &text };
            self.style.paint(span.paint, text, self.out);
        }
        self.out.push('\n');
    }

    /// `text` in at most `width` columns.
    pub(super) fn cut(&self, text: &str, width: usize, cut: Cut) -> String {
        cut_to(text, width, cut, self.style.symbol(Symbol::Ellipsis))
    }
}

/// Lines of at most `room` columns; at least one.
fn wrap(spans: &[Span], room: usize) -> Vec<Vec<Span>> {
    let (mut lines, mut line, mut used) = (Vec::new(), Vec::new(), 0);
    for word in words(spans) {
        if word.is_spaced && used > 0 {
            if used + 1 + word.width > room {
                lines.push(std::mem::take(&mut line));
                used = 0;
            } else {
                line.push(Span {
                    paint: Paint::Plain,
                    text: " ".to_owned(),
                });
                used += 1;
            }
        }
        for part in word.parts {
            for piece in pieces(part.text, room) {
                let width = piece.width();
                if used + width > room {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push(Span {
                    paint: part.paint,
                    text: piece.to_owned(),
                });
                used += width;
            }
        }
    }
    lines.push(line);
    lines
}

/// What stands between two spaces; its parts are painted apart.
struct Word<'a> {
    /// Whether a space stands before it.
    is_spaced: bool,
    width: usize,
    parts: Vec<Part<'a>>,
}

struct Part<'a> {
    paint: Paint,
    text: &'a str,
}

fn words(spans: &[Span]) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::new();
    for span in spans {
        for (at, text) in span.text.split(' ').enumerate() {
            if at > 0 || words.is_empty() {
                words.push(Word {
                    is_spaced: !words.is_empty(),
                    width: 0,
                    parts: Vec::new(),
                });
            }
            if let Some(word) = words.last_mut().filter(|_| !text.is_empty()) {
                word.width += text.width();
                word.parts.push(Part {
                    paint: span.paint,
                    text,
                });
            }
        }
    }
    words.retain(|word| !word.parts.is_empty());
    words
}

/// `text` in pieces of at most `room` columns; whole where it fits.
fn pieces(text: &str, room: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.width() > room {
        let end = prefix(rest, room).max(rest.chars().next().map_or(0, char::len_utf8));
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

fn cut_to(text: &str, width: usize, cut: Cut, ellipsis: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(ellipsis.width()) else {
        return ellipsis.chars().take(width).collect();
    };
    match cut {
        Cut::End => format!("{}{ellipsis}", text[..prefix(text, room)].trim_end()),
        Cut::Begin => {
            let mut used = 0;
            let fits = |c: &char| {
                used += c.width().unwrap_or(0);
                used <= room
            };
            let bytes: usize = text.chars().rev().take_while(fits).map(char::len_utf8).sum();
            format!("{ellipsis}{}", &text[text.len() - bytes..])
        }
    }
}

/// Bytes of the longest beginning of `text` that is at most `room` columns wide.
fn prefix(text: &str, room: usize) -> usize {
    let mut used = 0;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= room
    };
    text.chars().take_while(fits).map(char::len_utf8).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_by_columns() {
        for (text, width, cut, want) in [
            ("abc", 3, Cut::End, "abc"),
            ("abcd", 3, Cut::End, "ab…"),
            ("/usr/lib/a", 6, Cut::Begin, "…lib/a"),
            ("\u{6f22}\u{5b57}\u{6f22}", 4, Cut::End, "\u{6f22}…"),
            ("\u{6f22}\u{5b57}\u{6f22}", 4, Cut::Begin, "…\u{6f22}"),
            ("abc", 0, Cut::End, ""),
        ] {
            assert_eq!(cut_to(text, width, cut, "…"), want, "{text}");
        }
        assert_eq!(cut_to("abc", 1, Cut::End, ".."), ".");
    }

    #[test]
    fn prose_wraps_at_spaces_and_breaks_long_words() {
        let mut out = String::new();
        let mut sheet = Sheet::new(Style::default(), 40, &mut out);
        let long = "x".repeat(50);
        sheet.prose(
            2,
            &[
                span(Paint::Plain, format!("one two{GLUE}three ")),
                span(Paint::Bold, long),
                span(Paint::Plain, ", four"),
            ],
        );
        let tail = "x".repeat(12);
        assert_eq!(
            out,
            format!("  one two three\n  {}\n  {tail}, four\n", "x".repeat(38))
        );
    }
}
