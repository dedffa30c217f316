//! The layout of a plan.

use std::cmp::Reverse;

use super::super::markdown_words::{self as words, Align, Inline, Table, between, code, text};
use super::{dot, headline, table, warnings};
use crate::report::modes::ModeRow;
use crate::report::plan::{PlanDocument, PlanGroup, SizesRow};
use crate::report::suggestions::Suggestions;
use crate::report::text::{argument, count, number, percent, size};

/// How many packages, changed files and refusals are listed.
const ROWS: usize = 25;

/// Appends `plan` as Markdown to `out`.
pub(in crate::report) fn plan(plan: &PlanDocument, out: &mut String) {
    let source = &plan.source;
    headline(
        &source.reference,
        &source.platform,
        source.digest.as_deref(),
        &source.config_digest,
        out,
    );
    verdict(plan, out);
    selection(plan, out);
    result(plan, out);
    groups(plan, out);
    examples(&plan.groups, out);
    packages(plan, out);
    changes(plan, out);
    refused(plan, out);
    if let Some(all) = &plan.suggestions {
        suggestions(all, &plan.selection.profiles, out);
    }
    warnings(&plan.warnings, out);
    let command = format!("slim save {} TARGET", argument(&source.reference));
    let rest = "(or push) with the same selection writes the image; nothing is written yet.";
    words::paragraph(&code(&command).and(&between(" ")).and(&text(rest)), out);
}

fn verdict(plan: &PlanDocument, out: &mut String) {
    let totals = &plan.totals;
    let mut line = if plan.removals.is_empty() {
        between("no file goes")
    } else {
        let share = percent(totals.disk_bytes, plan.before.disk_bytes);
        let files = format!(" in {} go", count(totals.files, "file"));
        text(&format!("{} ({share})", size(totals.disk_bytes)))
            .bold()
            .and(&between(&files))
    };
    if totals.changed_files > 0 {
        let files = format!(" less in {} in place", count(totals.changed_files, "file"));
        line = line
            .and(&dot())
            .and(&text(&size(totals.changed_saved_bytes)).bold())
            .and(&between(&files));
    }
    if !plan.refused.is_empty() {
        line = line
            .and(&dot())
            .and(&text(&format!("{} refused", number(plan.refused.len() as u64))));
    }
    words::paragraph(&line, out);
}

fn selection(plan: &PlanDocument, out: &mut String) {
    let mut line = Inline::default();
    for (word, values) in plan.selection.words() {
        let gap = if line == Inline::default() { "" } else { "; " };
        line = line.clone().and(&between(gap)).and(&between(word));
        for (at, value) in values.iter().enumerate() {
            line = line
                .clone()
                .and(&between(if at > 0 { ", " } else { " " }))
                .and(&code(value));
        }
    }
    if line != Inline::default() {
        words::paragraph(&line, out);
    }
}

/// The ways of writing the layers, side by side.
fn result(plan: &PlanDocument, out: &mut String) {
    let (before, modes) = (&plan.before, &plan.modes);
    let base = modes.base.as_ref().map(|base| &base.row);
    let ways: Vec<&ModeRow> = [&modes.squash, &modes.keep].into_iter().chain(base).collect();
    let titles = ["squash", "keep", "base"].map(|title| (Align::Right, title));
    let columns = [(Align::Left, ""), (Align::Right, "now")];
    let mut rows = Table::new(columns.into_iter().chain(titles.into_iter().take(ways.len())));
    let mut row = |name: &str, now: Inline, cell: &dyn Fn(&ModeRow) -> Inline| {
        let cells = ways.iter().map(|way| cell(way));
        rows.row([between(name), now].into_iter().chain(cells).collect::<Vec<_>>());
    };
    row("on disk", text(&size(before.disk_bytes)), &|way| {
        let disk = way.sizes.disk_bytes;
        let less = percent(before.disk_bytes.saturating_sub(disk), before.disk_bytes);
        text(&format!("{} (-{less})", size(disk)))
    });
    row("uncompressed", text(&size(before.uncompressed_bytes)), &|way| {
        text(&size(way.sizes.uncompressed_bytes))
    });
    row("on the wire", wire(before), &|way| wire(&way.sizes));
    let about = |bytes: u64| text(&format!("≈ {}", size(bytes)));
    row("to upload", Inline::default(), &|way| {
        about(way.upload_bytes_estimate)
    });
    if modes.squash.download_bytes_estimate.is_some() {
        row("to download", Inline::default(), &|way| {
            way.download_bytes_estimate.map_or_else(Inline::default, about)
        });
    }
    row("layers", text(&number(before.layers)), &|way| {
        text(&number(way.sizes.layers))
    });
    rows.write(out);
}

fn wire(sizes: &SizesRow) -> Inline {
    let about = if sizes.wire_bytes.is_some() { "" } else { "≈ " };
    text(&format!("{about}{}", size(sizes.wire_bytes_estimate)))
}

/// What goes, one line a category.
fn groups(plan: &PlanDocument, out: &mut String) {
    let mut rows = Table::new([
        (Align::Left, "what goes"),
        (Align::Left, "safety"),
        (Align::Right, "disk"),
        (Align::Right, "files"),
        (Align::Left, ""),
    ]);
    for group in &plan.groups {
        rows.row([
            name(group),
            text(group.safety.as_deref().unwrap_or_default()),
            text(&size(group.disk_bytes)),
            text(&number(group.files)),
            text(if group.category.is_some() {
                &group.title
            } else {
                ""
            }),
        ]);
    }
    rows.write(out);
}

fn name(group: &PlanGroup) -> Inline {
    match &group.category {
        Some(category) => code(category),
        None => text(&group.title.to_lowercase()),
    }
}

/// The largest files of each group.
fn examples(groups: &[PlanGroup], out: &mut String) {
    let mut rows = Table::new([
        (Align::Left, "what goes"),
        (Align::Right, "size"),
        (Align::Left, "for example"),
    ]);
    for group in groups {
        for example in &group.examples {
            rows.row([name(group), text(&size(example.bytes)), code(&example.path)]);
        }
    }
    words::details("The largest files that go", |out| rows.write(out), out);
}

fn packages(plan: &PlanDocument, out: &mut String) {
    let mut shown: Vec<_> = plan.packages.iter().collect();
    shown.sort_by_key(|row| Reverse(row.disk_bytes));
    let mut rows = Table::new([
        (Align::Left, "package"),
        (Align::Left, "version"),
        (Align::Right, "disk"),
        (Align::Left, "why"),
    ]);
    for row in shown.iter().take(ROWS) {
        let why = match row.why.as_str() {
            "set" => code(row.set.as_deref().unwrap_or_default()),
            "named" => text("named by hand"),
            "part" => text("part of another one"),
            _ => text("nothing else needs it"),
        };
        rows.row([
            code(&format!("{}:{}", row.kind, row.name)),
            code(&row.version),
            text(&size(row.disk_bytes)),
            why,
        ]);
    }
    let title = format!("Packages that go ({})", number(shown.len() as u64));
    words::details(&title, |out| table(&rows, shown.len(), ROWS, out), out);
}

fn changes(plan: &PlanDocument, out: &mut String) {
    let mut shown: Vec<_> = plan.changes.iter().collect();
    shown.sort_by_key(|row| Reverse(row.old_bytes.saturating_sub(row.new_bytes)));
    let mut rows = Table::new([
        (Align::Left, "file"),
        (Align::Left, "change"),
        (Align::Right, "before"),
        (Align::Right, "after"),
    ]);
    for row in shown.iter().take(ROWS) {
        rows.row([
            code(&row.path),
            text(&row.kind),
            text(&size(row.old_bytes)),
            text(&size(row.new_bytes)),
        ]);
    }
    let title = format!("Files that change in place ({})", number(shown.len() as u64));
    words::details(&title, |out| table(&rows, shown.len(), ROWS, out), out);
}

fn refused(plan: &PlanDocument, out: &mut String) {
    let mut rows = Table::new([
        (Align::Left, "path"),
        (Align::Left, "asked for by"),
        (Align::Left, "why it stays"),
    ]);
    for row in plan.refused.iter().take(ROWS) {
        rows.row([code(&row.path), code(&row.rule), text(&row.reason)]);
    }
    let title = format!("Asked for, and stays ({})", number(plan.refused.len() as u64));
    words::details(&title, |out| table(&rows, plan.refused.len(), ROWS, out), out);
}

/// The profiles that nobody named and that the image has evidence for.
fn suggestions(all: &Suggestions, chosen: &[String], out: &mut String) {
    if all.profiles.iter().all(|row| chosen.contains(&row.profile)) {
        return;
    }
    let mut rows = Table::new([
        (Align::Left, "profile"),
        (Align::Right, "takes off"),
        (Align::Left, "because of"),
    ]);
    for row in &all.profiles {
        rows.row([
            code(&row.profile),
            text(&size(row.disk_bytes)),
            code(&row.evidence),
        ]);
    }
    let rest = format!("takes off what all of them do: {}", size(all.disk_bytes));
    let body = |out: &mut String| {
        rows.write(out);
        words::paragraph(&code("--profile auto").and(&between(" ")).and(&text(&rest)), out);
    };
    words::details("Profiles for what is in this image", body, out);
}
