//! The layout of a report.

use super::sheet::{Cut, Sheet, Span, span};
use super::style::{Paint, Style, Symbol};
use super::table::{Column, Table, blank, dim, plain, size_or_blank};
use super::words::{GLUE, count, number, percent, short_digest, short_hex, size};
use crate::report::breakdown::Dimension;
use crate::report::instruction;
use crate::report::model::{CategoryRow, Group, LayerRow, OwnerRow, Report, WarningRow};

/// How many kinds of files that stay are listed.
const KEPT: usize = 8;
/// How many packages are listed.
const PACKAGES: usize = 10;
/// How many groups of one level of a breakdown are listed.
const GROUPS: usize = 15;
/// How many warnings are listed.
const WARNINGS: usize = 10;

/// Appends `report` as text to `out`; no line is wider than `width` columns (40 to 300).
pub fn report(report: &Report, style: &Style, width: usize, out: &mut String) {
    let mut sheet = Sheet::new(*style, width, out);
    let image = &report.image;
    header(
        &mut sheet,
        &image.reference,
        &image.platform,
        image.digest.as_deref(),
        &image.config_digest,
    );
    verdict(&mut sheet, report);
    sizes(&mut sheet, report);
    layers(&mut sheet, report);
    categories(&mut sheet, report);
    owners(&mut sheet, report);
    largest(&mut sheet, report);
    dive(&mut sheet, report);
    breakdown(&mut sheet, report);
    super::advice::findings(&mut sheet, report);
    super::advice::advice(&mut sheet, report);
    warnings(&mut sheet, &report.warnings);
    sheet.gap();
    let command = format!("slim plan {}", argument(&image.reference));
    sheet.prose(
        0,
        &[
            span(Paint::Bold, command),
            span(Paint::Dim, " shows what would go, and writes nothing"),
        ],
    );
}

/// Reference, platform and digest: which image a document speaks of.
pub(super) fn header(
    sheet: &mut Sheet<'_>,
    reference: &str,
    platform: &str,
    digest: Option<&str>,
    config: &str,
) {
    let digest = match digest {
        Some(digest) => short_digest(digest).to_owned(),
        None => format!("config {}", short_digest(config)),
    };
    let dot = sheet.style.symbol(Symbol::Dot);
    sheet.prose(
        0,
        &[
            span(Paint::Bold, reference),
            dim(format!("{dot}{platform}{dot}{digest}")),
        ],
    );
}

/// A reference as it can be typed into a shell; a word for it where it has characters that a shell reads, where
/// it is standard input, and where it names no transport, as the demo's.
pub(in crate::report) fn argument(reference: &str) -> &str {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"/:@._-+".contains(&b);
    let place = reference
        .split_once(':')
        .filter(|(transport, _)| !transport.is_empty() && !transport.starts_with('-'))
        .map(|(_, rest)| rest);
    let is_there = place.is_some_and(|place| !place.is_empty() && place != "-" && !place.starts_with("-:"));
    if is_there && reference.bytes().all(is_plain) {
        reference
    } else {
        "IMAGE"
    }
}

/// At most ten warnings.
pub(super) fn warnings(sheet: &mut Sheet<'_>, warnings: &[WarningRow]) {
    if warnings.is_empty() {
        return;
    }
    sheet.section("Warnings");
    for warning in warnings.iter().take(WARNINGS) {
        let place = if warning.path.is_empty() {
            String::new()
        } else {
            format!("{}: ", warning.path)
        };
        let code = span(Paint::Warn, format!("{} ", warning.code));
        let mark = span(Paint::Warn, format!("  {}", sheet.style.symbol(Symbol::Notice)));
        sheet.item(5, mark, &[code, plain(format!("{place}{}", warning.message))]);
    }
    more(sheet, warnings.len(), WARNINGS);
}

/// How many of a list were not shown.
pub(super) fn more(sheet: &mut Sheet<'_>, all: usize, shown: usize) {
    if all > shown {
        sheet.prose(2, &[dim(format!("and {} more", number((all - shown) as u64)))]);
    }
}

/// The mark and colour of a safety; both stay on one line.
pub(super) fn safety_cell(style: Style, safety: Option<&str>) -> Span {
    let (paint, symbol, word) = match safety {
        Some("safe") => (Paint::Good, Symbol::Good, "safe"),
        Some("risky") => (Paint::Bad, Symbol::Bad, "risky"),
        Some(other) => (Paint::Warn, Symbol::Review, other),
        None => (Paint::Dim, Symbol::Point, "stays"),
    };
    span(paint, format!("{}{GLUE}{word}", style.symbol(symbol)))
}

fn verdict(sheet: &mut Sheet<'_>, report: &Report) {
    let totals = &report.totals;
    let about = wire_prefix(sheet.style, totals.wire_bytes);
    let dot = || dim(sheet.style.symbol(Symbol::Dot));
    let mut spans = vec![
        span(Paint::Bold, size(totals.disk_bytes)),
        plain(" on disk, "),
        span(
            Paint::Bold,
            format!("{about}{}", size(totals.wire_bytes_estimate)),
        ),
        plain(" on the wire"),
    ];
    let safe = totals.removable_bytes;
    spans.push(dot());
    if safe > 0 {
        let share = percent(safe, totals.disk_bytes);
        spans.push(span(Paint::Good, format!("{} ({share})", size(safe))));
        spans.push(plain(" can go without changing what the image does"));
    } else {
        spans.push(plain("nothing in it is waste that is safe to remove"));
    }
    if totals.shadowed_bytes > 0 {
        spans.extend([
            dot(),
            span(Paint::Warn, size(totals.shadowed_bytes)),
            plain(" shadowed"),
        ]);
    }
    sheet.prose(0, &spans);
}

/// What stands before a size that is an estimate.
pub(super) fn wire_prefix(style: Style, exact: Option<u64>) -> String {
    if exact.is_some() {
        String::new()
    } else {
        format!("{}{GLUE}", style.symbol(Symbol::About))
    }
}

fn sizes(sheet: &mut Sheet<'_>, report: &Report) {
    let (totals, style) = (&report.totals, sheet.style);
    let mut table = Table::new([
        Column::left(""),
        Column::right(""),
        Column::right("").drops(1),
        Column::left("").shrinks(16, Cut::End).drops(2),
    ]);
    let disk = totals.disk_bytes;
    let share = |bytes| plain(percent(bytes, disk));
    let bar = |solid, light| plain(style.bar(solid, light, disk, 24));
    let wire = format!(
        "{}{}",
        wire_prefix(style, totals.wire_bytes),
        size(totals.wire_bytes_estimate)
    );
    let wire_note = if totals.wire_bytes.is_some() {
        "compressed, as stored"
    } else {
        "compressed, an estimate"
    };
    let contents = format!(
        "{} in {}",
        count(totals.files, "file"),
        count(totals.layers, "layer")
    );
    table.row([
        plain("on disk"),
        span(Paint::Bold, size(disk)),
        blank(),
        plain(contents),
    ]);
    let visible = totals.visible_bytes;
    table.row([
        plain("  visible"),
        plain(size(visible)),
        share(visible),
        bar(visible, 0),
    ]);
    let shadowed = totals.shadowed_bytes;
    table.row([
        plain("  shadowed"),
        plain(size(shadowed)),
        share(shadowed),
        bar(0, shadowed),
    ]);
    table.row([
        plain("tar framing"),
        plain(size(totals.framing_bytes)),
        blank(),
        dim("headers and padding"),
    ]);
    table.row([plain("on the wire"), plain(wire), blank(), dim(wire_note)]);
    let reclaimable = totals.reclaimable_bytes;
    table.row([
        plain("reclaimable"),
        plain(size(reclaimable)),
        blank(),
        dim("by squashing alone"),
    ]);
    let unstripped = &report.unstripped;
    if unstripped.files > 0 {
        let about = wire_prefix(style, None);
        let saved = format!("{about}{}", size(unstripped.saved_bytes_estimate));
        let note = format!("--strip takes it off {}", count(unstripped.files, "file"));
        table.row([plain("symbols"), plain(saved), blank(), dim(note)]);
    }
    sheet.section("Sizes");
    table.write(sheet);
}

fn layers(sheet: &mut Sheet<'_>, report: &Report) {
    let style = sheet.style;
    let most = report
        .layers
        .iter()
        .map(|layer| layer.disk_bytes)
        .max()
        .unwrap_or(0);
    let mut table = Table::new([
        Column::right("#"),
        Column::right("disk"),
        Column::left("").drops(4),
        Column::right("wire").drops(2),
        Column::right("shadowed").drops(3),
        Column::right("files").drops(6),
        Column::left("blob").drops(5),
        Column::left("instruction").shrinks(28, Cut::End),
    ]);
    let row = |layer: &LayerRow| {
        let visible = layer.disk_bytes - layer.shadowed_bytes;
        [
            dim(layer.index.to_string()),
            plain(size(layer.disk_bytes)),
            plain(style.bar(visible, layer.shadowed_bytes, most, 12)),
            layer.wire_bytes.map_or_else(blank, |bytes| plain(size(bytes))),
            size_or_blank(layer.shadowed_bytes),
            plain(number(layer.files)),
            dim(layer.digest.as_deref().map_or("", short_hex)),
            plain(instruction(&layer.created_by)),
        ]
    };
    report.layers.iter().map(row).for_each(|row| table.row(row));
    if !table.is_empty() {
        sheet.section("Layers");
        table.write(sheet);
    }
}

fn categories(sheet: &mut Sheet<'_>, report: &Report) {
    let rank = |row: &CategoryRow| {
        ["safe", "review", "risky"]
            .iter()
            .position(|s| row.safety.as_deref() == Some(s))
            .unwrap_or(3)
    };
    let mut rows: Vec<&CategoryRow> = report
        .categories
        .iter()
        .filter(|row| row.removable || row.disk_bytes > 0)
        .collect();
    // The sort is stable: within a safety the largest stays first.
    rows.sort_by_key(|row| rank(row));
    let removable = rows.iter().filter(|row| row.removable).count();
    let most = rows.iter().map(|row| row.disk_bytes).max().unwrap_or(0);
    let mut table = Table::new([
        Column::left(""),
        Column::left("category").shrinks(28, Cut::End),
        Column::right("disk"),
        Column::left("").drops(4),
        Column::right("share").drops(1),
        Column::right("wire, about").drops(5),
        Column::right("files").drops(3),
        Column::left("").shrinks(24, Cut::End).drops(2),
    ]);
    for row in rows.iter().take(removable + KEPT) {
        let shadowed = row.disk_bytes - row.visible_bytes;
        table.row([
            safety_cell(sheet.style, row.safety.as_deref()),
            plain(&row.name),
            plain(size(row.disk_bytes)),
            plain(sheet.style.bar(row.visible_bytes, shadowed, most, 12)),
            plain(percent(row.disk_bytes, report.totals.disk_bytes)),
            plain(size(row.wire_bytes_estimate)),
            plain(number(row.files)),
            dim(&row.title),
        ]);
    }
    if !table.is_empty() {
        sheet.section("Categories");
        table.write(sheet);
        more(sheet, rows.len(), removable + KEPT);
    }
}

fn owners(sheet: &mut Sheet<'_>, report: &Report) {
    let rows: Vec<&OwnerRow> = report.owners.iter().filter(|row| row.files > 0).collect();
    let most = rows.iter().map(|row| row.disk_bytes).max().unwrap_or(0);
    let mut table = Table::new([
        Column::left(""),
        Column::left("package").shrinks(24, Cut::End),
        Column::right("disk"),
        Column::left("").drops(3),
        Column::right("share").drops(2),
        Column::right("files").drops(1),
        Column::left("version").shrinks(16, Cut::End).drops(4),
    ]);
    for row in rows.iter().take(PACKAGES) {
        let shadowed = row.disk_bytes - row.visible_bytes;
        table.row([
            dim(&row.kind),
            plain(&row.name),
            plain(size(row.disk_bytes)),
            plain(sheet.style.bar(row.visible_bytes, shadowed, most, 12)),
            plain(percent(row.disk_bytes, report.totals.disk_bytes)),
            plain(number(row.files)),
            dim(&row.version),
        ]);
    }
    if !table.is_empty() {
        sheet.section("Packages");
        table.write(sheet);
        more(sheet, rows.len(), PACKAGES);
    }
}

fn largest(sheet: &mut Sheet<'_>, report: &Report) {
    let mut table = Table::new([
        Column::right("size"),
        Column::right("layer").drops(3),
        Column::left("").drops(1),
        Column::left("category").drops(2),
        Column::left("file").shrinks(24, Cut::Begin),
    ]);
    for file in &report.largest {
        table.row([
            plain(size(file.bytes)),
            dim(file.layer.to_string()),
            span(Paint::Warn, if file.shadowed { "shadowed" } else { "" }),
            dim(&file.category),
            plain(&file.path),
        ]);
    }
    if !table.is_empty() {
        sheet.section("Largest files");
        table.write(sheet);
    }
}

fn dive(sheet: &mut Sheet<'_>, report: &Report) {
    let dive = &report.dive;
    let efficiency = format!("{:.2}{GLUE}%", dive.efficiency * 100.0);
    let ratio = dive
        .user_wasted_ratio
        .map(|ratio| format!(" ({:.2}{GLUE}% of all layers but the first)", ratio * 100.0));
    let text = format!(
        "efficiency {efficiency}, {} wasted{}",
        size(dive.wasted_bytes),
        ratio.unwrap_or_default()
    );
    sheet.gap();
    sheet.prose(0, &[dim("dive would say: "), plain(text)]);
}

fn breakdown(sheet: &mut Sheet<'_>, report: &Report) {
    let Some(groups) = &report.breakdown else { return };
    let most = groups.iter().map(|group| group.disk_bytes).max().unwrap_or(0);
    let mut table = Table::new([
        Column::right("disk"),
        Column::left("").drops(2),
        Column::right("files").drops(1),
        Column::left("").shrinks(24, Cut::End),
    ]);
    groups_rows(&mut table, sheet.style, report, groups, 0, most);
    sheet.section("Breakdown");
    table.write(sheet);
}

fn groups_rows(table: &mut Table, style: Style, report: &Report, groups: &[Group], depth: usize, most: u64) {
    let indent = "  ".repeat(depth);
    for group in groups.iter().take(GROUPS) {
        let name = match (
            group.dimension,
            group
                .key
                .parse::<usize>()
                .ok()
                .and_then(|at| report.layers.get(at)),
        ) {
            (Dimension::Layer, Some(layer)) => {
                format!("{indent}{}: {}", group.key, instruction(&layer.created_by))
            }
            _ => format!("{indent}{}", group.key),
        };
        let shadowed = group.disk_bytes - group.visible_bytes;
        let bar = style.bar(group.visible_bytes, shadowed, most, 16);
        table.row([
            plain(size(group.disk_bytes)),
            plain(bar),
            plain(number(group.files)),
            plain(name),
        ]);
        groups_rows(table, style, report, &group.children, depth + 1, most);
    }
    if groups.len() > GROUPS {
        let more = format!("{indent}and {} more", number((groups.len() - GROUPS) as u64));
        table.row([blank(), blank(), blank(), dim(more)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_typed_is_an_argument() {
        for reference in [
            "oci:shop/frontend:1.4",
            "docker://ghcr.io/o/app@sha256:ab",
            "oci:/-a",
        ] {
            assert_eq!(argument(reference), reference);
        }
        for reference in [
            "",
            "demo",
            "-",
            "oci:",
            "docker-archive:-",
            "oci-archive:-:slim",
            "oci:x y",
            "oci:$(x)",
        ] {
            assert_eq!(argument(reference), "IMAGE", "{reference}");
        }
    }
}
