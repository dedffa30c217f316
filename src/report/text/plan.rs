//! The layout of a plan.

use super::report::{argument, header, safety_cell, warnings, wire_prefix};
use super::sheet::{Cut, Sheet, span};
use super::style::{Paint, Style, Symbol};
use super::table::{Column, Table, blank, dim, plain};
use super::words::{GLUE, count, number, percent, size};
use crate::report::plan::{PlanDocument, PlanGroup, RefusalRow};

/// How many refusals of one reason are listed.
const REFUSED: usize = 5;
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
    if !document.refused.is_empty() {
        sheet.section("What was asked for and stays");
        refusals(&mut sheet, &document.refused);
    }
    warnings(&mut sheet, &document.warnings);
    sheet.gap();
    let command = format!("slim save {} TARGET", argument(&source.reference));
    let rest = " (or push, or load) with the same selection writes the image; nothing is written yet";
    sheet.prose(0, &[span(Paint::Bold, command), span(Paint::Dim, rest)]);
}

fn verdict(sheet: &mut Sheet<'_>, document: &PlanDocument) {
    let totals = &document.totals;
    if document.removals.is_empty() {
        return sheet.prose(0, &[plain("no file goes")]);
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
    if !document.refused.is_empty() {
        let refused = format!("{} refused", number(document.refused.len() as u64));
        spans.extend([dim(sheet.style.symbol(Symbol::Dot)), span(Paint::Warn, refused)]);
    }
    sheet.prose(0, &spans);
}

fn selection(sheet: &mut Sheet<'_>, document: &PlanDocument) {
    let selection = &document.selection;
    let words = [
        ("profile", &selection.profiles),
        ("remove-path", &selection.remove_paths),
        ("keep-path", &selection.keep_paths),
        ("force-path", &selection.force_paths),
        ("locale", &selection.locales),
    ];
    let said: Vec<String> = words
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(word, values)| format!("{word} {}", values.join(", ")))
        .collect();
    if !said.is_empty() {
        sheet.prose(0, &[dim(said.join("; "))]);
    }
}

fn result(sheet: &mut Sheet<'_>, document: &PlanDocument) {
    let (before, after) = (&document.before, &document.modes.squash);
    let mut table = Table::new([
        Column::left(""),
        Column::right("now"),
        Column::right("as one layer"),
        Column::right("less").drops(1),
        Column::right("").drops(2),
    ]);
    let mut row = |name: &str, marks: [&str; 2], old: u64, new: u64| {
        let less = old.saturating_sub(new);
        let [change, share] = if old >= new {
            [span(Paint::Good, size(less)), plain(percent(less, old))]
        } else {
            [span(Paint::Warn, format!("{} more", size(new - old))), blank()]
        };
        let [old, new] =
            [(marks[0], old), (marks[1], new)].map(|(mark, bytes)| plain(format!("{mark}{}", size(bytes))));
        table.row([plain(name), old, new, change, share]);
    };
    row("on disk", ["", ""], before.disk_bytes, after.disk_bytes);
    row(
        "uncompressed",
        ["", ""],
        before.uncompressed_bytes,
        after.uncompressed_bytes,
    );
    let marks = [before.wire_bytes, after.wire_bytes].map(|exact| wire_prefix(sheet.style, exact));
    let marks = [marks[0].as_str(), marks[1].as_str()];
    row(
        "on the wire",
        marks,
        before.wire_bytes_estimate,
        after.wire_bytes_estimate,
    );
    table.row([
        plain("layers"),
        plain(number(before.layers)),
        plain(number(after.layers)),
        blank(),
        blank(),
    ]);
    sheet.section("Result");
    table.write(sheet);
}

/// One group: its size and name, then its largest files, below and indented.
fn removals(sheet: &mut Sheet<'_>, group: &PlanGroup) {
    let mut counts = count(group.files, "file");
    if group.directories > 0 {
        counts = format!("{counts}, {}", count(group.directories, "directory"));
    }
    let mark = match &group.safety {
        Some(safety) => safety_cell(sheet.style, Some(safety)),
        None => span(
            Paint::Warn,
            format!("{} by{GLUE}hand", sheet.style.symbol(Symbol::Warn)),
        ),
    };
    let name = group.category.as_deref().unwrap_or("named by hand");
    let dot = sheet.style.symbol(Symbol::Dot);
    let spans = [
        span(Paint::Bold, format!("{name} ")),
        mark,
        dim(format!("{dot}{counts}")),
    ];
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

/// Refusals by their reason, in the order in which the reasons come up.
fn refusals(sheet: &mut Sheet<'_>, refused: &[RefusalRow]) {
    let mut reasons: Vec<(&str, Vec<&RefusalRow>)> = Vec::new();
    for refusal in refused {
        match reasons.iter_mut().find(|(reason, _)| *reason == refusal.reason) {
            Some((_, rows)) => rows.push(refusal),
            None => reasons.push((&refusal.reason, vec![refusal])),
        }
    }
    for (reason, rows) in &reasons {
        let paths = count(rows.len() as u64, "path");
        sheet.prose(2, &[span(Paint::Warn, format!("{paths}: ")), plain(*reason)]);
        let mut table = Table::new([
            Column::left("").shrinks(24, Cut::Begin),
            Column::left("").shrinks(24, Cut::Begin).drops(1),
            Column::left("").drops(2),
        ]);
        for row in rows.iter().take(REFUSED) {
            let others = row.needed_by.len().saturating_sub(1);
            let others = if others > 0 {
                format!(", {} more", number(others as u64))
            } else {
                String::new()
            };
            let needed_by = row
                .needed_by
                .first()
                .map_or_else(String::new, |first| format!("for {first}{others}"));
            table.row([plain(&row.path), dim(needed_by), dim(format!("by {}", row.rule))]);
        }
        table.write_at(sheet, 4);
        if rows.len() > REFUSED {
            sheet.prose(
                4,
                &[dim(format!("and {} more", number((rows.len() - REFUSED) as u64)))],
            );
        }
    }
}
