//! The layout of a plan.

use std::cmp::Reverse;

use super::changes::changes;
use super::report::{argument, header, safety_cell, warnings, wire_prefix};
use super::sheet::{Cut, Sheet, Span, span};
use super::style::{Paint, Style, Symbol};
use super::table::{Column, Table, blank, dim, plain};
use super::words::{GLUE, count, number, percent, size};
use crate::report::modes::ModeRow;
use crate::report::plan::{PackageRow, PlanDocument, PlanGroup, RefusalRow, SizesRow, TransferRow};
use crate::report::suggestions::Suggestions;

/// How many refusals of one reason are listed.
const REFUSED: usize = 5;
/// How many packages are listed, and how many files that change.
const PACKAGES: usize = 12;
/// How many globs of a group are listed.
const RULES: usize = 3;
/// Where the text beside a size begins.
const INDENT: usize = 11;

/// Appends `document` as text to `out`; no line is wider than `width` columns (40 to 300).
pub fn plan(document: &PlanDocument, style: &Style, width: usize, out: &mut String) {
    let mut sheet = Sheet::new(*style, width, out);
    let source = &document.source;
    header(
        &mut sheet,
        &source.reference,
        &source.platform,
        source.digest.as_deref(),
        &source.config_digest,
    );
    verdict(&mut sheet, document);
    selection(&mut sheet, document);
    result(&mut sheet, document);
    if !document.groups.is_empty() {
        sheet.section("What goes");
        document
            .groups
            .iter()
            .for_each(|group| removals(&mut sheet, group));
    }
    packages(&mut sheet, &document.packages);
    changes(&mut sheet, &document.changes);
    if !document.refused.is_empty() {
        sheet.section("What was asked for and stays");
        refusals(&mut sheet, &document.refused);
    }
    if let Some(all) = &document.suggestions {
        suggestions(&mut sheet, all, &document.selection.profiles);
    }
    if let Some(row) = &document.transfer {
        transfer(&mut sheet, row);
    }
    warnings(&mut sheet, &document.warnings);
    sheet.gap();
    let command = format!("slim save {} TARGET", argument(&source.reference));
    let rest = " (or push) with the same selection writes the image; nothing is written yet";
    sheet.prose(0, &[span(Paint::Bold, command), span(Paint::Dim, rest)]);
}

/// What a write would move.
fn transfer(sheet: &mut Sheet<'_>, row: &TransferRow) {
    sheet.section("What would travel");
    let mut item = |bytes: u64, words: String| {
        sheet.item(INDENT, span(Paint::Bold, size(bytes)), &[plain(words)]);
    };
    item(
        row.down_bytes,
        format!("down: {}", count(row.down_layers, "layer")),
    );
    item(
        row.up_bytes_estimate,
        format!("up, about: {}", count(row.up_layers, "layer")),
    );
    for (bytes, words) in [
        (row.cached_bytes, "read from the cache"),
        (
            row.mounted_bytes,
            "taken from the source's repository by the registry",
        ),
        (row.skipped_bytes, "there already"),
    ] {
        if bytes > 0 {
            item(bytes, words.to_owned());
        }
    }
}

fn verdict(sheet: &mut Sheet<'_>, document: &PlanDocument) {
    let totals = &document.totals;
    let changed = changed(totals.changed_files, totals.changed_saved_bytes);
    if document.removals.is_empty() {
        let spans = [vec![plain("no file goes")], changed].concat();
        return sheet.prose(0, &spans);
    }
    let share = percent(totals.disk_bytes, document.before.disk_bytes);
    let mut spans = vec![
        span(Paint::Bold, size(totals.disk_bytes)),
        plain(format!(" ({share}) in {}", count(totals.files, "file"))),
    ];
    if totals.directories > 0 {
        spans.push(plain(format!(" and {}", count(totals.directories, "directory"))));
    }
    spans.push(plain(if totals.files + totals.directories == 1 {
        " goes"
    } else {
        " go"
    }));
    spans.extend(changed);
    if !document.refused.is_empty() {
        let refused = format!("{}{GLUE}refused", number(document.refused.len() as u64));
        spans.extend([dim(sheet.style.symbol(Symbol::Dot)), span(Paint::Warn, refused)]);
    }
    sheet.prose(0, &spans);
}

/// What becomes smaller in place.
fn changed(files: u64, saved: u64) -> Vec<Span> {
    if files == 0 {
        return Vec::new();
    }
    let words = if files == 1 { " changes" } else { " change" };
    vec![
        plain("; "),
        span(Paint::Bold, size(saved)),
        plain(format!(" less in {} that{words} in place", count(files, "file"))),
    ]
}

fn selection(sheet: &mut Sheet<'_>, document: &PlanDocument) {
    let said = document.selection.words();
    let said: Vec<String> = said
        .map(|(word, values)| format!("{word} {}", values.join(", ")).trim_end().to_owned())
        .collect();
    if !said.is_empty() {
        sheet.prose(0, &[dim(said.join("; "))]);
    }
}

/// The profiles that nobody named and that the image has evidence for.
fn suggestions(sheet: &mut Sheet<'_>, all: &Suggestions, chosen: &[String]) {
    if all.profiles.iter().all(|row| chosen.contains(&row.profile)) {
        return;
    }
    sheet.section("Profiles for what is in this image");
    for row in &all.profiles {
        let mark = if chosen.contains(&row.profile) {
            " (chosen)"
        } else {
            ""
        };
        let name = [span(Paint::Bold, &row.profile), dim(mark)];
        sheet.item(INDENT, span(Paint::Bold, size(row.disk_bytes)), &name);
        sheet.prose(INDENT, &[dim(&row.title)]);
        let path = sheet.cut(&plain(&row.evidence).text, sheet.width - INDENT - 4, Cut::Begin);
        sheet.line(INDENT, &[dim(format!("for {path}"))]);
    }
    let (bytes, files) = (size(all.disk_bytes), count(all.files, "file"));
    let rest = format!(" takes off what all of them do: {bytes} in {files}");
    sheet.prose(2, &[span(Paint::Bold, "--profile auto"), dim(rest)]);
}

/// The ways of writing the layers, side by side.
fn result(sheet: &mut Sheet<'_>, document: &PlanDocument) {
    let (before, modes) = (&document.before, &document.modes);
    let base = modes.base.as_ref().map(|base| &base.row);
    let rows: Vec<&ModeRow> = [&modes.squash, &modes.keep].into_iter().chain(base).collect();
    let titles = [
        Column::right("squash"),
        Column::right("keep").drops(2),
        Column::right("base").drops(1),
    ];
    let columns = [Column::left(""), Column::right("now").drops(3)];
    let mut table = Table::new(columns.into_iter().chain(titles.into_iter().take(rows.len())));
    let mut row = |name: &str, now: Span, cell: &dyn Fn(&ModeRow) -> Span| {
        let cells = rows.iter().map(|mode| cell(mode));
        table.row([plain(name), now].into_iter().chain(cells));
    };
    row("on disk", plain(size(before.disk_bytes)), &|mode| {
        plain(size(mode.sizes.disk_bytes))
    });
    row("", blank(), &|mode| {
        less(before.disk_bytes, mode.sizes.disk_bytes)
    });
    row("uncompressed", plain(size(before.uncompressed_bytes)), &|mode| {
        plain(size(mode.sizes.uncompressed_bytes))
    });
    let style = sheet.style;
    let wire = |sizes: &SizesRow| {
        let prefix = wire_prefix(style, sizes.wire_bytes);
        plain(format!("{prefix}{}", size(sizes.wire_bytes_estimate)))
    };
    row("on the wire", wire(before), &|mode| wire(&mode.sizes));
    let estimate = |bytes: u64| plain(format!("{}{}", wire_prefix(style, None), size(bytes)));
    row("to upload", blank(), &|mode| estimate(mode.upload_bytes_estimate));
    if modes.squash.download_bytes_estimate.is_some() {
        row("to download", blank(), &|mode| {
            mode.download_bytes_estimate.map_or_else(blank, estimate)
        });
    }
    row("layers", plain(number(before.layers)), &|mode| {
        plain(number(mode.sizes.layers))
    });
    sheet.section("Result");
    table.write(sheet);
    explain(sheet, document);
}

/// How much less than before.
fn less(before: u64, after: u64) -> Span {
    if after > before {
        return span(Paint::Warn, format!("{} more", size(after - before)));
    }
    span(Paint::Good, format!("-{}", percent(before - after, before)))
}

/// What the columns are, and what their numbers do not say.
fn explain(sheet: &mut Sheet<'_>, document: &PlanDocument) {
    let modes = &document.modes;
    let reused = count(modes.keep.reused_layers, "layer");
    let mut words = format!("squash: one layer; keep: each layer rewritten in place, {reused} as before");
    match &modes.base {
        Some(base) => {
            let layers = count(base.base_layers, "layer");
            words += "; base: the base image's ";
            words += &layers;
            words += " as before, the rest as one; to download: for a client that has the base";
        }
        None => words.push_str("; base: not known, see --base and --base-layers"),
    }
    sheet.prose(2, &[dim(words)]);
    // No path shows it, so that no removal names it: a squash drops it whatever is selected, keep where that is selected.
    let unseen = document
        .before
        .disk_bytes
        .saturating_sub(modes.squash.sizes.disk_bytes + document.totals.disk_bytes)
        .saturating_sub(document.totals.changed_saved_bytes);
    if unseen > 0 {
        let all = modes.keep.sizes.disk_bytes == modes.squash.sizes.disk_bytes;
        let how = if all { "too" } else { "with the squash" };
        let rest = format!(" more that no path shows goes {how}");
        sheet.prose(2, &[plain(size(unseen)), dim(rest)]);
    }
    if let Some(base) = modes.base.as_ref().filter(|base| base.hidden_files > 0) {
        let rest = format!(
            " in {} of the base's layers is only hidden by the mode base, and saves nothing there",
            count(base.hidden_files, "file")
        );
        sheet.prose(2, &[plain(size(base.hidden_bytes)), dim(rest)]);
    }
}

/// One group: its size and name, then its largest files, below and indented.
fn removals(sheet: &mut Sheet<'_>, group: &PlanGroup) {
    let mut counts = count(group.files, "file");
    if group.directories > 0 {
        counts = format!("{counts}, {}", count(group.directories, "directory"));
    }
    let by_hand = group.title.to_lowercase();
    let name = group.category.as_deref().unwrap_or(&by_hand);
    let dot = sheet.style.symbol(Symbol::Dot);
    let mut spans = vec![span(Paint::Bold, name)];
    if let Some(safety) = &group.safety {
        spans.extend([plain(" "), safety_cell(sheet.style, Some(safety))]);
    }
    spans.push(dim(format!("{dot}{counts}")));
    sheet.item(INDENT, span(Paint::Bold, size(group.disk_bytes)), &spans);
    if group.category.is_some() {
        sheet.prose(INDENT, &[dim(&group.title)]);
    }
    let more = group.rules.len().saturating_sub(RULES);
    let rules = group
        .rules
        .iter()
        .take(RULES)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let more = if more > 0 {
        format!(" and {} more", number(more as u64))
    } else {
        String::new()
    };
    sheet.prose(INDENT, &[dim(format!("by {rules}{more}"))]);
    let mut table = Table::new([Column::right(""), Column::left("").shrinks(16, Cut::Begin)]);
    for example in &group.examples {
        table.row([plain(size(example.bytes)), plain(&example.path)]);
    }
    table.write_at(sheet, INDENT);
}

/// The packages that go, the largest first.
fn packages(sheet: &mut Sheet<'_>, packages: &[PackageRow]) {
    if packages.is_empty() {
        return;
    }
    sheet.section("Packages that go");
    let mut rows: Vec<&PackageRow> = packages.iter().collect();
    rows.sort_by_key(|row| Reverse(row.disk_bytes));
    let mut table = Table::new([
        Column::right(""),
        Column::left("").shrinks(16, Cut::End),
        Column::left("").drops(1),
    ]);
    for row in rows.iter().take(PACKAGES) {
        let why = match row.why.as_str() {
            "set" => row.set.clone().unwrap_or_default(),
            "named" => "named by hand".to_owned(),
            "part" => "part of another one".to_owned(),
            _ => "nothing else needs it".to_owned(),
        };
        let name = format!("{}:{} {}", row.kind, row.name, row.version);
        table.row([plain(size(row.disk_bytes)), plain(name), dim(why)]);
    }
    table.write(sheet);
    if rows.len() > PACKAGES {
        let rest = &rows[PACKAGES..];
        let bytes = size(rest.iter().map(|row| row.disk_bytes).sum());
        sheet.prose(
            2,
            &[dim(format!("and {} more, {bytes}", number(rest.len() as u64)))],
        );
    }
}

/// Refusals by their reason, in the order in which the reasons come up.
fn refusals(sheet: &mut Sheet<'_>, refused: &[RefusalRow]) {
    let mut reasons: Vec<(&str, Vec<&RefusalRow>)> = Vec::new();
    for refusal in refused {
        let shared = refusal.shared.0.as_str();
        match reasons.iter_mut().find(|(reason, _)| *reason == shared) {
            Some((_, rows)) => rows.push(refusal),
            None => reasons.push((shared, vec![refusal])),
        }
    }
    for (reason, rows) in &reasons {
        let paths = count(rows.len() as u64, "path");
        sheet.prose(2, &[span(Paint::Warn, format!("{paths}: ")), plain(*reason)]);
        for row in rows.iter().take(REFUSED) {
            refusal(sheet, row);
        }
        if rows.len() > REFUSED {
            sheet.prose(
                4,
                &[dim(format!("and {} more", number((rows.len() - REFUSED) as u64)))],
            );
        }
    }
}

/// One refusal: the path, and below it what needs it and what asked for it.
fn refusal(sheet: &mut Sheet<'_>, row: &RefusalRow) {
    let path = sheet.cut(&plain(&row.path).text, sheet.width - 4, Cut::Begin);
    sheet.line(4, &[span(Paint::Plain, path)]);
    let mut spans = Vec::new();
    if !row.shared.1.is_empty() {
        spans.push(plain(&row.shared.1));
        spans.push(dim(sheet.style.symbol(Symbol::Dot)));
    } else if let Some(first) = row.needed_by.first() {
        spans.push(plain(format!("needed by {first}")));
        let others = row.needed_by.len() as u64 - 1;
        if others > 0 {
            spans.push(plain(format!(" and {}{GLUE}more", number(others))));
        }
        spans.push(dim(sheet.style.symbol(Symbol::Dot)));
    }
    spans.push(dim(format!("asked for by {}", row.rule)));
    sheet.prose(6, &spans);
}
