//! Cells of CSV: quoted as RFC 4180 says, and never a formula (rule 33).
//!
//! A module of its own because every document that has a CSV goes through it. A spreadsheet may split a line where it
//! likes (some read `;` as the separator), so that a name must not begin a formula behind any separator either.

use std::fmt::Write;

use super::escape::printable;

/// One cell.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell<'a> {
    /// Nothing is known, or nothing applies.
    Blank,
    /// A number, written as digits.
    Number(u64),
    /// Words, perhaps from an image.
    Text(&'a str),
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Cell<'_> {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(cell: Option<T>) -> Self {
        cell.map_or(Self::Blank, Into::into)
    }
}

/// Appends a line to `out`; it ends with CR LF.
pub(super) fn line<'a>(cells: impl IntoIterator<Item = Cell<'a>>, out: &mut String) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        match cell {
            Cell::Blank => {}
            // Writing into a `String` cannot fail.
            Cell::Number(number) => drop(write!(out, "{number}")),
            Cell::Text(text) => out.push_str(&quoted(&harmless(&printable(text)))),
        }
    }
    out.push_str("\r\n");
}

/// The text with an apostrophe before each character that would begin a formula, were a cell to begin there.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut begins = true;
    for c in text.chars() {
        if begins && matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') {
            out.push('\'');
        }
        // A space before a formula is passed over.
        begins = matches!(c, ',' | ';' | '|') || (begins && c.is_whitespace());
        out.push(c);
    }
    out
}

fn quoted(text: &str) -> String {
    let is_plain = |c: char| !matches!(c, ',' | ';' | '|' | '"' | '\'') && !c.is_whitespace();
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_are_no_formulas() {
        for (text, want) in [
            ("", ""),
            ("/usr/bin/a", "/usr/bin/a"),
            ("/a b", "\"/a b\""),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@x", "\"'@x\""),
            ("＝1", "\"'＝1\""),
            ("  =1", "\"  '=1\""),
            ("\t=1", "\\u{9}=1"),
            ("\r\n", "\\u{d}\\u{a}"),
            ("/a;=1+1", "\"/a;'=1+1\""),
            ("/a, -1|@x", "\"/a, '-1|'@x\""),
            ("1=1", "1=1"),
            ("a\u{202e}b", "a\\u{202e}b"),
        ] {
            let mut out = String::new();
            line([Cell::Text(text)], &mut out);
            assert_eq!(out, format!("{want}\r\n"), "{text}");
        }
    }

    #[test]
    fn numbers_stay_numbers() {
        let mut out = String::new();
        line(
            [
                Cell::from(5_u64),
                Cell::from(None::<u64>),
                Cell::from("x"),
                Cell::Blank,
            ],
            &mut out,
        );
        assert_eq!(out, "5,,x,\r\n");
    }
}
