//! The layout of a report.

use super::super::markdown_words::{
    self as words, Align, Inline, Table, between, code, code_cut, prose, text,
};
use super::{dot, headline, more, table, warnings};
use crate::report::breakdown::Dimension;
use crate::report::instruction;
use crate::report::model::{CategoryRow, Finding, Group, OwnerRow, Report};
use crate::report::text::{argument, count, number, percent, size};

/// How many kinds of files that stay are listed.
const KEPT: usize = 12;
/// How many packages are listed.
const PACKAGES: usize = 25;
/// How many groups of one level of a breakdown are listed.
const GROUPS: usize = 15;
/// How many findings are listed.
const FINDINGS: usize = 25;
/// How many characters of an instruction are shown.
const INSTRUCTION: usize = 120;

/// Appends `report` as Markdown to `out`.
pub(in crate::report) fn report(report: &Report, out: &mut String) {
    let image = &report.image;
    headline(
        &image.reference,
        &image.platform,
        image.digest.as_deref(),
        &image.config_digest,
        out,
    );
    verdict(report, out);
    totals(report, out);
    findings(&report.findings, out);
    advice(report, out);
    layers(report, out);
    categories(report, out);
    owners(report, out);
    largest(report, out);
    breakdown(report, out);
    warnings(&report.warnings, out);
    let command = format!("slim plan {}", argument(&image.reference));
    words::paragraph(
        &code(&command)
            .and(&between(" "))
            .and(&text("shows what would go, and writes nothing.")),
        out,
    );
}

fn verdict(report: &Report, out: &mut String) {
    let totals = &report.totals;
    let mut line = text(&size(totals.disk_bytes))
        .bold()
        .and(&between(" on disk, "))
        .and(&text(&wire(totals.wire_bytes, totals.wire_bytes_estimate)).bold())
        .and(&between(" on the wire"))
        .and(&dot());
    let safe = totals.removable_bytes;
    line = if safe > 0 {
        let share = format!("{} ({})", size(safe), percent(safe, totals.disk_bytes));
        line.and(&text(&share).bold())
            .and(&between(" can go without changing what the image does"))
    } else {
        line.and(&between("nothing in it is waste that is safe to remove"))
    };
    if totals.shadowed_bytes > 0 {
        line = line
            .and(&dot())
            .and(&text(&format!("{} shadowed", size(totals.shadowed_bytes))));
    }
    words::paragraph(&line, out);
}

/// Compressed bytes, as they are or about.
fn wire(exact: Option<u64>, estimate: u64) -> String {
    match exact {
        Some(bytes) => size(bytes),
        None => format!("≈ {}", size(estimate)),
    }
}

fn totals(report: &Report, out: &mut String) {
    let totals = &report.totals;
    let mut rows = Table::new([(Align::Left, ""), (Align::Right, "bytes"), (Align::Left, "")]);
    let contents = format!(
        "{} in {}",
        count(totals.files, "file"),
        count(totals.layers, "layer")
    );
    let share = |bytes| percent(bytes, totals.disk_bytes);
    let exact = if totals.wire_bytes.is_some() {
        "compressed, as stored"
    } else {
        "compressed, an estimate"
    };
    let on_wire = wire(totals.wire_bytes, totals.wire_bytes_estimate);
    for (name, bytes, note) in [
        ("on disk", size(totals.disk_bytes), contents),
        ("visible", size(totals.visible_bytes), share(totals.visible_bytes)),
        (
            "shadowed",
            size(totals.shadowed_bytes),
            share(totals.shadowed_bytes),
        ),
        (
            "tar framing",
            size(totals.framing_bytes),
            "headers and padding".to_owned(),
        ),
        ("on the wire", on_wire, exact.to_owned()),
        (
            "reclaimable",
            size(totals.reclaimable_bytes),
            "by squashing alone".to_owned(),
        ),
    ] {
        rows.row([text(name), text(&bytes), text(&note)]);
    }
    let unstripped = &report.unstripped;
    if unstripped.files > 0 {
        let note = format!(" takes it off {}", count(unstripped.files, "file"));
        let saved = format!("≈ {}", size(unstripped.saved_bytes_estimate));
        rows.row([
            text("symbols"),
            text(&saved),
            code("--strip").and(&between(&note)),
        ]);
    }
    rows.write(out);
    let dive = &report.dive;
    let said = format!(
        "dive would say: efficiency {:.2} %, {} wasted",
        dive.efficiency * 100.0,
        size(dive.wasted_bytes)
    );
    words::paragraph(&text(&said), out);
}

/// What looks like a secret or an identity: never folded.
fn findings(findings: &[Finding], out: &mut String) {
    if findings.is_empty() {
        return;
    }
    words::heading(3, "Findings", out);
    for finding in findings.iter().take(FINDINGS) {
        let layer = finding.layer;
        let place = match finding.hidden_by {
            Some(by) if finding.shadowed => {
                format!(" in layer {layer}, hidden by layer {by}: everybody who downloads the image has it")
            }
            _ => format!(" in layer {layer}"),
        };
        let line = text(&finding.kind)
            .bold()
            .and(&between(" "))
            .and(&code(&finding.path));
        words::item(&line.and(&between(&place)), out);
    }
    more(findings.len(), FINDINGS, out);
}

fn advice(report: &Report, out: &mut String) {
    if report.advice.is_empty() {
        return;
    }
    let body = |out: &mut String| {
        for row in &report.advice {
            let line = text(&size(row.bytes))
                .bold()
                .and(&between(" "))
                .and(&code(&row.category))
                .and(&between(&format!(" · layer {} ", row.layer)))
                .and(&code_cut(&row.instruction, INSTRUCTION));
            words::item(&line.and(&between("<br>")).and(&prose(&row.fix)), out);
        }
        out.push('\n');
        dockerignore(report.dockerignore.as_deref().unwrap_or_default(), out);
    };
    let pieces = report.advice.len() as u64;
    words::details(
        &format!("How a build avoids bytes ({})", number(pieces)),
        body,
        out,
    );
}

fn dockerignore(lines: &[String], out: &mut String) {
    if lines.is_empty() {
        return;
    }
    words::paragraph(&text("A .dockerignore for what the build context brought:"), out);
    for line in lines {
        words::item(&code(line), out);
    }
    out.push('\n');
}

fn layers(report: &Report, out: &mut String) {
    let mut rows = Table::new([
        (Align::Right, "layer"),
        (Align::Right, "disk"),
        (Align::Right, "wire"),
        (Align::Right, "shadowed"),
        (Align::Right, "files"),
        (Align::Left, "instruction"),
    ]);
    for layer in &report.layers {
        rows.row([
            text(&layer.index.to_string()),
            text(&size(layer.disk_bytes)),
            layer
                .wire_bytes
                .map_or_else(Inline::default, |bytes| text(&size(bytes))),
            size_or_blank(layer.shadowed_bytes),
            text(&number(layer.files)),
            code_cut(&instruction(&layer.created_by), INSTRUCTION),
        ]);
    }
    let title = format!("Layers ({})", number(report.layers.len() as u64));
    words::details(&title, |out| rows.write(out), out);
}

fn size_or_blank(bytes: u64) -> Inline {
    if bytes == 0 {
        Inline::default()
    } else {
        text(&size(bytes))
    }
}

fn categories(report: &Report, out: &mut String) {
    let rank = |row: &CategoryRow| {
        let order = ["safe", "review", "risky"];
        order
            .iter()
            .position(|safety| row.safety.as_deref() == Some(safety))
            .unwrap_or(3)
    };
    let mut shown: Vec<&CategoryRow> = report
        .categories
        .iter()
        .filter(|row| row.removable || row.disk_bytes > 0)
        .collect();
    // The sort is stable: within a safety the largest stays first.
    shown.sort_by_key(|row| rank(row));
    let most = shown.iter().filter(|row| row.removable).count() + KEPT;
    let mut rows = Table::new([
        (Align::Left, "category"),
        (Align::Left, "safety"),
        (Align::Right, "disk"),
        (Align::Right, "share"),
        (Align::Right, "wire, about"),
        (Align::Right, "files"),
        (Align::Left, ""),
    ]);
    for row in shown.iter().take(most) {
        rows.row([
            code(&row.name),
            text(row.safety.as_deref().unwrap_or("stays")),
            text(&size(row.disk_bytes)),
            text(&percent(row.disk_bytes, report.totals.disk_bytes)),
            text(&size(row.wire_bytes_estimate)),
            text(&number(row.files)),
            text(&row.title),
        ]);
    }
    let title = format!("Categories ({})", number(shown.len() as u64));
    words::details(&title, |out| table(&rows, shown.len(), most, out), out);
}

fn owners(report: &Report, out: &mut String) {
    let shown: Vec<&OwnerRow> = report.owners.iter().filter(|row| row.files > 0).collect();
    let mut rows = Table::new([
        (Align::Left, "package"),
        (Align::Left, "version"),
        (Align::Right, "disk"),
        (Align::Right, "share"),
        (Align::Right, "files"),
    ]);
    for row in shown.iter().take(PACKAGES) {
        rows.row([
            code(&format!("{}:{}", row.kind, row.name)),
            code(&row.version),
            text(&size(row.disk_bytes)),
            text(&percent(row.disk_bytes, report.totals.disk_bytes)),
            text(&number(row.files)),
        ]);
    }
    let title = format!("Packages ({})", number(shown.len() as u64));
    words::details(&title, |out| table(&rows, shown.len(), PACKAGES, out), out);
}

fn largest(report: &Report, out: &mut String) {
    let mut rows = Table::new([
        (Align::Right, "size"),
        (Align::Right, "layer"),
        (Align::Left, "category"),
        (Align::Left, "file"),
    ]);
    for file in &report.largest {
        let path = code(&file.path);
        let path = if file.shadowed {
            path.and(&between(" (shadowed)"))
        } else {
            path
        };
        rows.row([
            text(&size(file.bytes)),
            text(&file.layer.to_string()),
            code(&file.category),
            path,
        ]);
    }
    words::details("Largest files", |out| rows.write(out), out);
}

fn breakdown(report: &Report, out: &mut String) {
    let Some(groups) = &report.breakdown else { return };
    let mut rows = Table::new([
        (Align::Left, ""),
        (Align::Right, "disk"),
        (Align::Right, "visible"),
        (Align::Right, "files"),
    ]);
    group_rows(report, groups, 0, &mut rows);
    words::details("Breakdown", |out| rows.write(out), out);
}

fn group_rows(report: &Report, groups: &[Group], depth: usize, rows: &mut Table) {
    let indent = between(&"&emsp;".repeat(depth));
    for group in groups.iter().take(GROUPS) {
        let layer = group
            .key
            .parse::<usize>()
            .ok()
            .and_then(|at| report.layers.get(at));
        let name = match (group.dimension, layer) {
            (Dimension::Layer, Some(layer)) => text(&group.key)
                .and(&between(" "))
                .and(&code_cut(&instruction(&layer.created_by), INSTRUCTION)),
            _ => code(&group.key),
        };
        rows.row([
            indent.clone().and(&name),
            text(&size(group.disk_bytes)),
            text(&size(group.visible_bytes)),
            text(&number(group.files)),
        ]);
        group_rows(report, &group.children, depth + 1, rows);
    }
    if groups.len() > GROUPS {
        let rest = format!("and {} more", number((groups.len() - GROUPS) as u64));
        rows.row([
            indent.and(&text(&rest)),
            Inline::default(),
            Inline::default(),
            Inline::default(),
        ]);
    }
}
