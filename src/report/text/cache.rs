//! The layout of what the cache holds.

use super::sheet::{Cut, Sheet, span};
use super::style::{Paint, Style};
use super::table::{Column, Table, dim, plain};
use super::words::{count, short_digest, size};
use crate::report::cache::{CacheCount, CacheDocument};

/// Appends `document` as text to `out`; no line is wider than `width` columns (40 to 300).
pub fn cache(document: &CacheDocument, style: &Style, width: usize, out: &mut String) {
    let mut sheet = Sheet::new(*style, width, out);
    sheet.prose(0, &[span(Paint::Bold, &document.directory)]);
    let mut table = Table::new([
        Column::left("kind"),
        Column::left("digest").shrinks(12, Cut::End),
        Column::right("bytes"),
        Column::right("last used").drops(1),
    ]);
    for entry in &document.entries {
        table.row([
            plain(entry.kind),
            plain(short_digest(&entry.digest)),
            plain(size(entry.bytes)),
            plain(ago(entry.idle_seconds)),
        ]);
    }
    if !table.is_empty() {
        sheet.gap();
        table.write(&mut sheet);
    }
    sheet.gap();
    if document.removed != CacheCount::default() {
        sheet.prose(0, &[plain(format!("removed: {}", counted(&document.removed)))]);
    }
    sheet.prose(0, &[plain(format!("kept: {}", counted(&document.kept)))]);
    let limit = format!(
        "above {} every run removes what was not used for the longest time",
        size(document.limit_bytes)
    );
    sheet.prose(0, &[dim(limit)]);
}

fn counted(counts: &CacheCount) -> String {
    format!(
        "{} ({}), {} ({})",
        count(counts.blobs, "blob"),
        size(counts.blob_bytes),
        count(counts.changesets, "changeset"),
        size(counts.changeset_bytes)
    )
}

/// A time span in the largest unit that it fills.
fn ago(seconds: u64) -> String {
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute")];
    match units.into_iter().find(|(unit, _)| seconds >= *unit) {
        Some((unit, word)) => format!("{} ago", count(seconds / unit, word)),
        None => "just now".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_largest_unit() {
        for (seconds, want) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (7200, "2 hours ago"),
            (86_400 * 3 + 5, "3 days ago"),
        ] {
            assert_eq!(ago(seconds).replace('\u{a0}', " "), want);
        }
    }
}
