//! Markdown in which no word of an image is syntax (rule 33), and the few blocks that documents are made of.
//!
//! A module of its own because every document that has a Markdown form goes through it. [`Inline`] is the only way into
//! a table or a list, and only the functions here make one: what a forge would read as Markdown, HTML, a mention, a
//! number of an issue or an address is written so that it is only shown. Characters that hide or reorder text are
//! escaped as on a terminal.

use std::fmt::Write;

use super::escape::printable;

/// A piece of a line of Markdown, escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Inline(String);

impl Inline {
    /// The Markdown.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The same in bold.
    #[must_use]
    pub(super) fn bold(self) -> Self {
        if self.0.is_empty() {
            return self;
        }
        Self(format!("**{}**", self.0))
    }

    /// The two, one behind the other.
    #[must_use]
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }
}

/// Words and numbers of ours, which hold nothing of an image.
pub(super) fn ours(words: &str) -> Inline {
    Inline(words.to_owned())
}

/// Words, shown as they are.
pub(super) fn text(words: &str) -> Inline {
    let words = printable(words.trim());
    let mut out = String::with_capacity(words.len());
    let mut rest = words.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let next = rest.peek().map(|&(_, next)| next);
        if is_syntax(c) || begins_a_block(&words, at, c) || makes_a_link(&words, at, c) {
            entity(c, &mut out);
            // A comment keeps `@` and the name behind it apart, also once the entity is read.
            if matches!(c, '@' | '#' | '~' | '&' | '$') && next.is_some_and(char::is_alphanumeric) {
                out.push_str("<!-- -->");
            }
        } else {
            out.push(c);
            if matches!(c, '!' | '%') && next.is_some_and(char::is_alphanumeric) {
                out.push_str("<!-- -->");
            }
        }
    }
    Inline(out)
}

/// Markdown of ours, as it is: what stands between other pieces. Nothing of an image may be in it.
pub(super) fn between(markdown: &str) -> Inline {
    Inline(markdown.to_owned())
}

/// A name, a path or an instruction of an image, in a fixed-width face.
pub(super) fn code(name: &str) -> Inline {
    let name = printable(name);
    if name.is_empty() {
        return Inline::default();
    }
    let is_plain = !name.contains(['`', '|']) && name.trim() == name;
    if is_plain {
        return Inline(format!("`{name}`"));
    }
    let mut out = String::from("<code>");
    for c in name.chars() {
        if c.is_ascii_punctuation() || c == ' ' {
            entity(c, &mut out);
            if c == '@' {
                out.push_str("<!-- -->");
            }
        } else {
            out.push(c);
        }
    }
    out.push_str("</code>");
    Inline(out)
}

/// Sentences of ours, in which names stand between backticks.
pub(super) fn prose(sentences: &str) -> Inline {
    let mut out = Inline::default();
    for (at, part) in sentences.split('`').enumerate() {
        if at % 2 == 1 {
            out = out.and(&code(part));
            continue;
        }
        let spaces = |is_there: bool| if is_there { " " } else { "" };
        out.0.push_str(spaces(at > 0 && part.starts_with(' ')));
        out = out.and(&text(part));
        out.0.push_str(spaces(part.len() > 1 && part.ends_with(' ')));
    }
    Inline(out.0.trim().to_owned())
}

/// [`code`] of a long text: its first characters, and `…` for the rest.
pub(super) fn code_cut(name: &str, most: usize) -> Inline {
    match name.char_indices().nth(most) {
        Some((end, _)) => code(&format!("{}…", &name[..end])),
        None => code(name),
    }
}

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// A table.
pub(super) struct Table {
    columns: Vec<(Align, &'static str)>,
    rows: Vec<Vec<Inline>>,
}

impl Table {
    /// Columns with their headings, which are ours and need no escaping.
    pub(super) fn new(columns: impl IntoIterator<Item = (Align, &'static str)>) -> Self {
        Self {
            columns: columns.into_iter().collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row, one cell a column.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Inline>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Appends the table and an empty line to `out`; nothing where it has no row.
    pub(super) fn write(&self, out: &mut String) {
        if self.rows.is_empty() {
            return;
        }
        let cells = |cells: &mut dyn Iterator<Item = &str>, out: &mut String| {
            for cell in cells {
                out.push_str("| ");
                out.push_str(cell);
                out.push(' ');
            }
            out.push_str("|\n");
        };
        cells(&mut self.columns.iter().map(|(_, heading)| *heading), out);
        let rules = self.columns.iter().map(|(align, _)| match align {
            Align::Left => ":--",
            Align::Right => "--:",
        });
        cells(&mut rules.into_iter(), out);
        for row in &self.rows {
            cells(&mut row.iter().map(Inline::as_str), out);
        }
        out.push('\n');
    }
}

/// Appends a heading; `words` are ours.
pub(super) fn heading(level: usize, words: &str, out: &mut String) {
    // Writing into a `String` cannot fail.
    let _ = write!(out, "{} {words}\n\n", "#".repeat(level));
}

/// Appends a paragraph.
pub(super) fn paragraph(words: &Inline, out: &mut String) {
    // Writing into a `String` cannot fail.
    let _ = write!(out, "{}\n\n", words.0);
}

/// Appends an item of a list; an empty line must follow the last one.
pub(super) fn item(words: &Inline, out: &mut String) {
    // Writing into a `String` cannot fail.
    let _ = writeln!(out, "- {}", words.0);
}

/// Appends what stands folded below `summary`, words of ours; nothing where `body` writes nothing.
pub(super) fn details(summary: &str, body: impl FnOnce(&mut String), out: &mut String) {
    let mut inner = String::new();
    body(&mut inner);
    if !inner.is_empty() {
        // The empty lines make Markdown of what stands between the tags. Writing into a `String` cannot fail.
        let _ = write!(
            out,
            "<details>\n<summary>{summary}</summary>\n\n{inner}</details>\n\n"
        );
    }
}

/// Whether `c` means something wherever it stands in a line.
fn is_syntax(c: char) -> bool {
    matches!(
        c,
        '\\' | '`' | '*' | '_' | '~' | '[' | ']' | '<' | '>' | '|' | '&' | '$' | '@' | '#'
    )
}

/// Whether `c` would make a list, a rule or a heading of the line that the words begin.
fn begins_a_block(words: &str, at: usize, c: char) -> bool {
    match c {
        '-' | '+' | '=' => at == 0,
        '.' | ')' => {
            let is_number = at > 0 && words[..at].bytes().all(|b| b.is_ascii_digit());
            is_number && words[at + 1..].chars().next().is_none_or(char::is_whitespace)
        }
        _ => false,
    }
}

/// Whether `c` is the colon or the full stop by which a forge sees an address.
fn makes_a_link(words: &str, at: usize, c: char) -> bool {
    match c {
        ':' => words[at..].starts_with("://"),
        '.' => at >= 3 && words.as_bytes()[at - 3..at].eq_ignore_ascii_case(b"www"),
        _ => false,
    }
}

fn entity(c: char, out: &mut String) {
    // Writing into a `String` cannot fail.
    let _ = write!(out, "&#{};", u32::from(c));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_no_syntax() {
        for (words, want) in [
            ("plain words, 12.5 MB (8 %)", "plain words, 12.5 MB (8 %)"),
            ("**bold** [a](b)", "&#42;&#42;bold&#42;&#42; &#91;a&#93;(b)"),
            ("<img src=x>", "&#60;img src=x&#62;"),
            ("a|b", "a&#124;b"),
            ("@user #12", "&#64;<!-- -->user &#35;<!-- -->12"),
            ("a@b.org", "a&#64;<!-- -->b.org"),
            (
                "!7 %3 $1 ~x",
                "!<!-- -->7 %<!-- -->3 &#36;<!-- -->1 &#126;<!-- -->x",
            ),
            ("https://x.org www.x.org", "https&#58;//x.org www&#46;x.org"),
            ("- a", "&#45; a"),
            ("12. a", "12&#46; a"),
            ("12.5 a", "12.5 a"),
            ("a\n# b\u{202e}", "a&#92;u{a}&#35; b&#92;u{202e}"),
        ] {
            assert_eq!(text(words).as_str(), want, "{words}");
        }
    }

    #[test]
    fn names_are_code() {
        for (name, want) in [
            ("", ""),
            ("/usr/bin/a", "`/usr/bin/a`"),
            ("/a\\\\b", "`/a\\\\b`"),
            ("@user", "`@user`"),
            ("<b>", "`<b>`"),
            ("a\nb", "`a\\u{a}b`"),
            ("a|b", "<code>a&#124;b</code>"),
            ("a``b", "<code>a&#96;&#96;b</code>"),
            (" a", "<code>&#32;a</code>"),
            ("|x@y.z", "<code>&#124;x&#64;<!-- -->y&#46;z</code>"),
        ] {
            assert_eq!(code(name).as_str(), want, "{name}");
        }
        assert_eq!(code_cut("abcdef", 3).as_str(), "`abc…`");
        assert_eq!(code_cut("abc", 3).as_str(), "`abc`");
    }

    #[test]
    fn sentences_have_names_in_them() {
        for (sentences, want) in [
            ("Add `*.pyc` to it.", "Add `*.pyc` to it."),
            (
                "Layer 2 (`RUN a | b`) does",
                "Layer 2 (<code>RUN&#32;a&#32;&#124;&#32;b</code>) does",
            ),
            ("`a` and `b`", "`a` and `b`"),
            ("an odd ` one", "an odd <code>&#32;one</code>"),
        ] {
            assert_eq!(prose(sentences).as_str(), want, "{sentences}");
        }
    }

    #[test]
    fn blocks() {
        let mut out = String::new();
        let mut table = Table::new([(Align::Left, "file"), (Align::Right, "bytes")]);
        table.row([code("/a|b"), text("5 B").bold()]);
        details("Files", |out| table.write(out), &mut out);
        details("Nothing", |_| {}, &mut out);
        assert_eq!(
            out,
            "<details>\n<summary>Files</summary>\n\n| file | bytes |\n| :-- | --: |\n| <code>&#47;a&#124;b</code> | **5 B** |\n\n</details>\n\n"
        );
    }
}
