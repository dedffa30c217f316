//! The layouts of what came of a comparison and of a write.

use super::report::{more, warnings};
use super::sheet::{Cut, Sheet, span};
use super::style::{Paint, Style, Symbol};
use super::table::{Column, Table, dim, plain};
use super::words::{GLUE, count, number, percent, size};
use crate::report::outcome::{ImageRef, LayerCounts, VerifyDocument, WriteDocument};

/// How many dropped manifests are listed.
const DROPPED: usize = 20;
/// How many differences are listed.
const UNEXPECTED: usize = 100;

/// Appends `document` as text to `out`; no line is wider than `width` columns (40 to 300).
pub fn verify(document: &VerifyDocument, style: &Style, width: usize, out: &mut String) {
    let mut sheet = Sheet::new(*style, width, out);
    from_to(&mut sheet, &document.original, &document.slimmed);
    let (paint, symbol, text) = match document.unexpected.len() {
        0 if document.ok => (
            Paint::Good,
            Symbol::Good,
            "verified: every difference is planned".to_owned(),
        ),
        found => (
            Paint::Bad,
            Symbol::Bad,
            format!("{} not in the plan", count(found as u64, "difference")),
        ),
    };
    sheet.prose(0, &[span(paint, format!("{} {text}", style.symbol(symbol)))]);
    if let Some(plan) = &document.plan {
        sheet.prose(0, &[dim(format!("by {plan}"))]);
    }
    sheet.gap();
    let mut table = Table::new([Column::left(""), Column::right("paths"), Column::right("bytes")]);
    let counts = [
        ("identical", document.identical),
        ("removed", document.removed),
        ("changed", document.changed),
    ];
    for (name, count) in counts {
        table.row([plain(name), plain(number(count.files)), plain(size(count.bytes))]);
    }
    table.write(&mut sheet);
    if document.unexpected.is_empty() {
        return;
    }
    sheet.section("Not in the plan");
    let mut table = Table::new([
        Column::left("").shrinks(12, Cut::End),
        Column::left("").shrinks(20, Cut::Begin),
    ]);
    for difference in document.unexpected.iter().take(UNEXPECTED) {
        table.row([span(Paint::Bad, &difference.what), plain(&difference.path)]);
    }
    table.write(&mut sheet);
    more(&mut sheet, document.unexpected.len(), UNEXPECTED);
}

/// Appends what a write made, as text, to `out`; no line is wider than `width` columns (40 to 300).
pub fn write_summary(document: &WriteDocument, style: &Style, width: usize, out: &mut String) {
    let mut sheet = Sheet::new(*style, width, out);
    from_to(&mut sheet, &document.source, &document.result);
    if let Some(digest) = &document.result.digest {
        sheet.prose(0, &[dim(digest)]);
    }
    sheet.gap();
    let mut table = Table::new([
        Column::left(""),
        Column::right("before"),
        Column::right("after"),
        Column::right("less").drops(1),
        Column::right("").drops(2),
    ]);
    let disk = document.disk_bytes;
    sizes(&mut table, "on disk", Some(disk.before), Some(disk.after));
    sizes(
        &mut table,
        "on the wire",
        document.wire_bytes.before,
        document.wire_bytes.after,
    );
    table.write(&mut sheet);
    let (removed, changed) = (document.removed, document.changed);
    let mut facts = vec![format!(
        "{} removed ({})",
        count(removed.files, "path"),
        size(removed.bytes)
    )];
    if changed.files > 0 {
        facts.push(format!(
            "{} changed ({})",
            count(changed.files, "path"),
            size(changed.bytes)
        ));
    }
    facts.push(layers(document.layers));
    if !document.dropped_manifests.is_empty() {
        facts.push(format!(
            "{} dropped",
            count(document.dropped_manifests.len() as u64, "attached manifest")
        ));
    }
    sheet.gap();
    sheet.prose(0, &[plain(facts.join(style.symbol(Symbol::Dot)))]);
    if let Some(leftovers) = &document.leftovers {
        sheet.prose(0, &[plain(format!("leftovers: {}", leftovers.reference))]);
    }
    if !document.dropped_manifests.is_empty() {
        sheet.section("Dropped: what they speak of is another image now");
        for digest in document.dropped_manifests.iter().take(DROPPED) {
            sheet.prose(0, &[plain(digest)]);
        }
        more(&mut sheet, document.dropped_manifests.len(), DROPPED);
    }
    warnings(&mut sheet, &document.warnings);
}

/// `10 layers became 5, 4 unchanged`.
fn layers(layers: LayerCounts) -> String {
    let before = count(layers.before, "layer");
    if layers.rewritten == 0 && layers.dropped == 0 {
        return format!("{before} unchanged");
    }
    let reused = match layers.reused {
        0 => String::new(),
        reused => format!(", {} unchanged", number(reused)),
    };
    format!("{before} became{GLUE}{}{reused}", number(layers.after))
}

fn sizes(table: &mut Table, name: &str, before: Option<u64>, after: Option<u64>) {
    let cell = |bytes: Option<u64>| bytes.map_or_else(|| dim("not stored"), |bytes| plain(size(bytes)));
    let (change, share) = match (before, after) {
        (Some(old), Some(new)) if new <= old => {
            (span(Paint::Good, size(old - new)), plain(percent(old - new, old)))
        }
        (Some(old), Some(new)) => (span(Paint::Warn, format!("{} more", size(new - old))), plain("")),
        _ => (plain(""), plain("")),
    };
    table.row([plain(name), cell(before), cell(after), change, share]);
}

fn from_to(sheet: &mut Sheet<'_>, from: &ImageRef, to: &ImageRef) {
    let arrow = format!(" {} ", sheet.style.symbol(Symbol::Arrow));
    let spans = [
        span(Paint::Bold, &from.reference),
        dim(arrow),
        span(Paint::Bold, &to.reference),
    ];
    let mut spans = spans.to_vec();
    // One platform of several says which; an image of its own needs no name but its own.
    if from.index.is_some() || to.index.is_some() {
        spans.push(dim(format!(
            "{}{}",
            sheet.style.symbol(Symbol::Dot),
            from.platform
        )));
    }
    sheet.prose(0, &spans);
}
