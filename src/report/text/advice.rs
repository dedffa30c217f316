//! The layout of what a person should do about an image: findings, and how a build avoids bytes.
//!
//! Apart from the report's tables because these are sentences, each about one layer.

use super::report::{argument, more};
use super::sheet::{Cut, Sheet, span};
use super::style::{Paint, Symbol};
use super::table::{dim, plain};
use super::words::size;
use crate::report::model::{Finding, Report};
use crate::report::printable;

/// How many findings are listed.
const FINDINGS: usize = 10;
/// How many pieces of advice are listed where not all were asked for.
const FEW: usize = 3;

/// What looks like a secret or an identity.
pub(super) fn findings(sheet: &mut Sheet<'_>, report: &Report) {
    if report.findings.is_empty() {
        return;
    }
    sheet.section("Findings");
    for finding in report.findings.iter().take(FINDINGS) {
        let mark = span(Paint::Warn, format!("  {}", sheet.style.symbol(Symbol::Notice)));
        let kind = span(Paint::Warn, format!("{} ", finding.kind));
        sheet.item(5, mark, &[kind, plain(&finding.path), dim(whereabouts(finding))]);
    }
    more(sheet, report.findings.len(), FINDINGS);
}

fn whereabouts(finding: &Finding) -> String {
    let layer = finding.layer;
    match finding.hidden_by {
        Some(by) if finding.shadowed => {
            format!(" in layer {layer}, hidden by layer {by}: everybody who downloads the image has it")
        }
        _ => format!(" in layer {layer}"),
    }
}

/// How a build avoids bytes: all of it and a `.dockerignore` where it was asked for, else the largest.
pub(super) fn advice(sheet: &mut Sheet<'_>, report: &Report) {
    if report.advice.is_empty() {
        return;
    }
    let shown = if report.dockerignore.is_some() {
        usize::MAX
    } else {
        FEW
    };
    sheet.section("Advice");
    for row in report.advice.iter().take(shown) {
        let dot = sheet.style.symbol(Symbol::Dot);
        let (bytes, category) = (size(row.bytes), format!("  {}", row.category));
        let layer = format!("{dot}layer {} {}", row.layer, printable(&row.instruction));
        let room = sheet
            .width
            .saturating_sub(2 + bytes.chars().count() + category.chars().count());
        let layer = sheet.cut(&layer, room, Cut::End);
        sheet.line(2, &[span(Paint::Bold, bytes), plain(category), dim(layer)]);
        sheet.prose(4, &[plain(&row.fix)]);
    }
    match &report.dockerignore {
        Some(lines) if !lines.is_empty() => {
            sheet.gap();
            sheet.prose(2, &[dim("A .dockerignore for what the build context brought:")]);
            for line in lines {
                sheet.line(4, &[plain(line)]);
            }
        }
        None if report.advice.len() > FEW => {
            let command = format!("slim report {} --advice", argument(&report.image.reference));
            sheet.prose(2, &[span(Paint::Bold, command), dim(" has more")]);
        }
        _ => {}
    }
}
