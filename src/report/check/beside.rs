//! The comment on an image that is compared with a saved report: sums, categories and packages, and its budgets.
//!
//! A module of its own because a saved report has no layers' contents and no files: what a comparison of two images tells of
//! those is not told, and that is said.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::markdown::table as budgets;
use super::{CheckDocument, markdown};
use crate::report::diff::delta;
use crate::report::markdown_words::{Align, Table, code, details, ours, paragraph, text};
use crate::report::model::{Report, Totals};
use crate::report::text::{number, percent_change, signed_number, signed_size, size};

/// How many categories and packages are listed, each.
const LISTED: usize = 30;

/// An image, what it is compared with, and its verdict.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// The report on the image.
    pub new: &'a Report,
    /// The saved report; `None` where none is of this platform.
    pub old: Option<&'a Report>,
    /// The verdict on its budgets, of which there may be none.
    pub check: &'a CheckDocument,
}

/// The comment, one part for each platform.
pub fn beside(all: &[Beside<'_>]) -> String {
    let mut out = String::new();
    for one in all {
        part(one, &mut out);
    }
    out
}

fn part(one: &Beside<'_>, out: &mut String) {
    let image = &one.new.image;
    let name = code(&image.reference)
        .bold()
        .and(&ours(&format!(" · {}: ", image.platform)));
    let Some(old) = one.old else {
        paragraph(&name.and(&ours("the base has no such platform")), out);
        return;
    };
    let (before, after) = (&old.totals, &one.new.totals);
    let change = delta(before.disk_bytes, after.disk_bytes);
    let share = percent_change(before.disk_bytes, after.disk_bytes)
        .map_or(String::new(), |share| format!(" ({share})"));
    let verdict = if change == 0 {
        ours("as much on disk as ")
    } else {
        ours(&format!("{}{share} on disk against ", signed_size(change)))
    };
    let mark = if one.check.ok { "" } else { "❌ " };
    paragraph(
        &ours(mark)
            .and(&name)
            .and(&verdict)
            .and(&code(&old.image.reference)),
        out,
    );
    totals(before, after, out);
    if !one.check.budgets.is_empty() {
        budgets(one.check, out);
        for budget in one.check.budgets.iter().filter(|budget| !budget.blame.is_empty()) {
            let summary = ours("What to blame for ").and(&text(&budget.name));
            details(summary.as_str(), |inner| markdown::blame(budget, inner), out);
        }
    }
    let sums = |rows: &mut dyn Iterator<Item = (String, u64)>| {
        let mut sums = BTreeMap::<String, u64>::new();
        rows.for_each(|(name, bytes)| *sums.entry(name).or_default() += bytes);
        sums
    };
    let of = |report: &Report| {
        sums(
            &mut report
                .categories
                .iter()
                .map(|row| (row.name.clone(), row.disk_bytes)),
        )
    };
    let categories = changed(&of(old), &of(one.new));
    details("Categories", |inner| rows(&categories, inner), out);
    let of = |report: &Report| {
        let name = |row: &crate::report::OwnerRow| (format!("{}:{}", row.kind, row.name), row.disk_bytes);
        sums(&mut report.owners.iter().map(name))
    };
    let packages = changed(&of(old), &of(one.new));
    details("Packages", |inner| rows(&packages, inner), out);
    let said = "Compared with a saved report: layers and files are not.";
    paragraph(&ours(&format!("<sub>{said}</sub>")), out);
}

fn totals(before: &Totals, after: &Totals, out: &mut String) {
    let mut table = Table::new([
        (Align::Left, ""),
        (Align::Right, "before"),
        (Align::Right, "after"),
        (Align::Right, "change"),
    ]);
    let is_exact = before.wire_bytes.is_some() && after.wire_bytes.is_some();
    let wire = if is_exact {
        "compressed"
    } else {
        "compressed, about"
    };
    for (name, old, new) in [
        (wire, before.wire_bytes_estimate, after.wire_bytes_estimate),
        ("on disk", before.disk_bytes, after.disk_bytes),
    ] {
        let change = signed_size(delta(old, new));
        table.row([ours(name), ours(&size(old)), ours(&size(new)), ours(&change)]);
    }
    for (name, old, new) in [
        ("layers", before.layers, after.layers),
        ("files", before.files, after.files),
    ] {
        let change = signed_number(delta(old, new));
        table.row([ours(name), ours(&number(old)), ours(&number(new)), ours(&change)]);
    }
    table.write(out);
}

/// What has more or less bytes than before, the largest change first.
fn changed(old: &BTreeMap<String, u64>, new: &BTreeMap<String, u64>) -> Vec<(String, u64, u64)> {
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    let get = |sums: &BTreeMap<String, u64>, name: &String| sums.get(name).copied().unwrap_or(0);
    let row = |name: &String| (name.clone(), get(old, name), get(new, name));
    let mut rows: Vec<_> = names
        .into_iter()
        .map(row)
        .filter(|(_, old, new)| old != new)
        .collect();
    // By name where changes are equal.
    rows.sort_by_key(|(_, old, new)| Reverse(old.abs_diff(*new)));
    rows
}

fn rows(all: &[(String, u64, u64)], out: &mut String) {
    let mut table = Table::new([
        (Align::Left, ""),
        (Align::Right, "before"),
        (Align::Right, "after"),
        (Align::Right, "change"),
    ]);
    for (name, old, new) in all.iter().take(LISTED) {
        let change = signed_size(delta(*old, *new));
        table.row([code(name), ours(&size(*old)), ours(&size(*new)), ours(&change)]);
    }
    table.write(out);
    if all.len() > LISTED {
        paragraph(&ours(&format!("and {} more", all.len() - LISTED)), out);
    }
}
