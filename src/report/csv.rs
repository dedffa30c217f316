//! Documents as CSV: one table a document, every row whole, for spreadsheets and scripts.
//!
//! A module of its own because CSV is one format among others. All numbers are bytes or counts, as digits; the first
//! column is the platform, so that several documents are one table.

use super::csv_cell::{Cell, line};
use super::instruction;
use super::model::{CategoryRow, LayerRow, OwnerRow, Report};
use super::plan::PlanDocument;
use super::tree::Tree;

/// The columns of a report's tables.
const SUMS: [&str; 10] = [
    "platform",
    "table",
    "key",
    "name",
    "safety",
    "files",
    "disk_bytes",
    "visible_bytes",
    "wire_bytes",
    "wire_bytes_estimate",
];
/// The columns of a report's paths.
const PATHS: [&str; 8] = [
    "platform",
    "path",
    "kind",
    "layer",
    "category",
    "owner",
    "disk_bytes",
    "visible",
];
/// The columns of a plan.
const PLAN: [&str; 8] = [
    "platform",
    "action",
    "path",
    "layer",
    "category",
    "rule",
    "saved_bytes",
    "reason",
];

/// The paths of reports that list them; else a row for the image, and for each layer, category and package.
pub(super) fn reports(reports: &[Report]) -> String {
    let mut out = String::new();
    if reports.iter().any(|report| report.tree.is_some()) {
        line(PATHS.map(Cell::Text), &mut out);
        for report in reports {
            if let Some(tree) = &report.tree {
                paths(report, tree, &mut out);
            }
        }
        return out;
    }
    line(SUMS.map(Cell::Text), &mut out);
    for report in reports {
        sums(report, &mut out);
    }
    out
}

/// A row for each path that goes, for each file that changes, and for each path that was asked for and stays.
pub(super) fn plans(plans: &[PlanDocument]) -> String {
    let mut out = String::new();
    line(PLAN.map(Cell::Text), &mut out);
    for plan in plans {
        rows(plan, &mut out);
    }
    out
}

fn sums(report: &Report, out: &mut String) {
    let platform = Cell::from(&report.image.platform);
    let totals = &report.totals;
    let total = [
        platform,
        "total".into(),
        (&report.image.reference).into(),
        Cell::Blank,
        Cell::Blank,
        totals.files.into(),
        totals.disk_bytes.into(),
        totals.visible_bytes.into(),
        totals.wire_bytes.into(),
        totals.wire_bytes_estimate.into(),
    ];
    line(total, out);
    report.layers.iter().for_each(|row| layer(platform, row, out));
    report
        .categories
        .iter()
        .for_each(|row| category(platform, row, out));
    report.owners.iter().for_each(|row| owner(platform, row, out));
}

fn layer(platform: Cell<'_>, row: &LayerRow, out: &mut String) {
    let instruction = instruction(&row.created_by);
    let cells = [
        platform,
        "layer".into(),
        row.index.into(),
        (&instruction).into(),
        Cell::Blank,
        row.files.into(),
        row.disk_bytes.into(),
        (row.disk_bytes - row.shadowed_bytes).into(),
        row.wire_bytes.into(),
        Cell::Blank,
    ];
    line(cells, out);
}

fn category(platform: Cell<'_>, row: &CategoryRow, out: &mut String) {
    let cells = [
        platform,
        "category".into(),
        (&row.name).into(),
        (&row.title).into(),
        row.safety.as_ref().into(),
        row.files.into(),
        row.disk_bytes.into(),
        row.visible_bytes.into(),
        Cell::Blank,
        row.wire_bytes_estimate.into(),
    ];
    line(cells, out);
}

fn owner(platform: Cell<'_>, row: &OwnerRow, out: &mut String) {
    let name = name(row);
    let cells = [
        platform,
        "owner".into(),
        (&name).into(),
        (&row.version).into(),
        Cell::Blank,
        row.files.into(),
        row.disk_bytes.into(),
        row.visible_bytes.into(),
        Cell::Blank,
        Cell::Blank,
    ];
    line(cells, out);
}

fn name(row: &OwnerRow) -> String {
    format!("{}:{}", row.kind, row.name)
}

fn paths(report: &Report, tree: &Tree, out: &mut String) {
    let owners: Vec<String> = report.owners.iter().map(name).collect();
    tree.each_path(|path, row| {
        let category = row.category.map(|at| &report.categories[at as usize].name);
        let cells = [
            Cell::from(&report.image.platform),
            path.into(),
            row.kind.into(),
            row.layer.map(u64::from).into(),
            category.into(),
            row.owner.map(|at| &owners[at as usize]).into(),
            row.bytes.into(),
            u64::from(row.is_visible).into(),
        ];
        line(cells, out);
    });
}

fn rows(plan: &PlanDocument, out: &mut String) {
    let platform = Cell::from(&plan.source.platform);
    for row in &plan.removals {
        let cells = [
            platform,
            "remove".into(),
            (&row.path).into(),
            row.layer.into(),
            row.category.as_ref().into(),
            (&row.rule).into(),
            row.bytes.into(),
            Cell::Blank,
        ];
        line(cells, out);
    }
    for row in &plan.changes {
        let cells = [
            platform,
            (&row.kind).into(),
            (&row.path).into(),
            row.layer.into(),
            Cell::Blank,
            Cell::Blank,
            row.old_bytes.saturating_sub(row.new_bytes).into(),
            Cell::Blank,
        ];
        line(cells, out);
    }
    for row in &plan.refused {
        let cells = [
            platform,
            "refuse".into(),
            (&row.path).into(),
            Cell::Blank,
            Cell::Blank,
            (&row.rule).into(),
            0_u64.into(),
            (&row.reason).into(),
        ];
        line(cells, out);
    }
}
