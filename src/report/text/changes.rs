//! The layout of what changes in place, whatever it is.
//!
//! Of its own because a plan has several kinds of changes, and one way to show them: by kind, with the files that lose
//! most.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::sheet::{Cut, Sheet, span};
use super::style::{Paint, Symbol};
use super::table::{Column, Table, dim, plain};
use super::words::{count, size};
use crate::report::plan::ChangeRow;

/// How many files of one kind are listed.
const EXAMPLES: usize = 5;
/// Where the text beside a size begins.
const INDENT: usize = 11;

/// What is done, in a few words, by the word in documents.
const TITLES: &[(&str, &str)] = &[
    ("package-rows", "the rows of packages that go leave the database"),
    (
        "strip",
        "symbols and debug information go; what is loaded stays as it is",
    ),
];

/// The section of a plan that says what changes; nothing where nothing does.
pub(super) fn changes(sheet: &mut Sheet<'_>, changes: &[ChangeRow]) {
    if changes.is_empty() {
        return;
    }
    let mut kinds: BTreeMap<&str, Vec<&ChangeRow>> = BTreeMap::new();
    for row in changes {
        kinds.entry(&row.kind).or_default().push(row);
    }
    sheet.section("What changes");
    for (kind, mut rows) in kinds {
        // Entry order where as much goes.
        rows.sort_by_key(|row| Reverse(saved(row)));
        let bytes = rows.iter().map(|row| saved(row)).sum();
        let (dot, files) = (sheet.style.symbol(Symbol::Dot), count(rows.len() as u64, "file"));
        let name = [span(Paint::Bold, kind), dim(format!("{dot}{files}"))];
        sheet.item(INDENT, span(Paint::Bold, size(bytes)), &name);
        if let Some((_, title)) = TITLES.iter().find(|(name, _)| *name == kind) {
            sheet.prose(INDENT, &[dim(*title)]);
        }
        let mut table = Table::new([Column::right(""), Column::left("").shrinks(16, Cut::Begin)]);
        for row in rows.iter().take(EXAMPLES) {
            table.row([plain(size(saved(row))), plain(&row.path)]);
        }
        table.write_at(sheet, INDENT);
    }
}

fn saved(row: &ChangeRow) -> u64 {
    row.old_bytes.saturating_sub(row.new_bytes)
}
