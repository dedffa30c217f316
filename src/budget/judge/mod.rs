//! The judge: what an image has, against what it may have.
//!
//! A module of its own because it is pure: the same image, budgets and day give the same document. A budget that is over
//! names what to blame; one that is kept does not.

mod blame;
mod dive;
mod growth;

use super::rule::{Budgets, Limit, PackageName, Rule};
use super::{BudgetError, Day};
use crate::bytesize::ByteSize;
use crate::classify::{Attribution, Classifier};
use crate::content::ContentMap;
use crate::plan::{Plan, Selection};
use crate::profile::Pattern;
use crate::report::{
    AgainstRow, Amount, Blame, CheckDocument, CheckRow, CheckState, OwnerRow, Report, SCHEMA_VERSION, Unit,
};
use blame::{Blamed, Files};

/// The image that is judged. The parts must be of one image.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The report on it.
    pub report: &'a Report,
    /// Its content.
    pub map: &'a ContentMap,
    /// What its bytes are for.
    pub attribution: &'a Attribution,
    /// The categories.
    pub classifier: &'a Classifier,
}

/// What growth is measured against.
#[derive(Debug, Clone, Copy)]
pub enum Against<'a> {
    /// Nothing was named.
    Nothing,
    /// What was named has no image of this platform.
    NoPlatform,
    /// The image of this report, made now or saved earlier.
    Base(&'a Report),
}

/// What became of one budget, before anything is allowed.
pub(super) struct Finding {
    verdict: Verdict,
    value: Option<Amount>,
    limit: Option<Amount>,
    unit: Unit,
    message: String,
    blamed: Blamed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Kept,
    Over,
    Skipped,
}

/// Judges every budget. `today` decides which allowances still count.
///
/// Fails with [`BudgetError::NotCompressed`].
pub fn judge(
    budgets: &Budgets,
    subject: &Subject<'_>,
    against: Against<'_>,
    today: Day,
) -> Result<CheckDocument, BudgetError> {
    let files = Files::new(subject);
    let mut rows = Vec::with_capacity(budgets.rules().len());
    for rule in budgets.rules() {
        let finding = finding(rule, subject, &files, against)?;
        rows.push(row(rule, finding, budgets, today));
    }
    let base = match against {
        Against::Base(base) => Some(AgainstRow {
            reference: base.image.reference.clone(),
            digest: base.image.digest.clone(),
            platform: base.image.platform.clone(),
        }),
        Against::Nothing | Against::NoPlatform => None,
    };
    Ok(CheckDocument {
        schema_version: SCHEMA_VERSION,
        image: subject.report.image.clone(),
        against: base,
        config: budgets.files.clone(),
        ok: rows.iter().all(|row| !row.state.fails()),
        budgets: rows,
    })
}

fn row(rule: &Rule, finding: Finding, budgets: &Budgets, today: Day) -> CheckRow {
    let allow = budgets.allowed(&rule.name);
    let (state, note) = match (finding.verdict, allow) {
        (Verdict::Kept, _) => (CheckState::Ok, String::new()),
        (Verdict::Skipped, _) => (CheckState::Skipped, String::new()),
        (Verdict::Over, None) => (CheckState::Over, String::new()),
        (Verdict::Over, Some(allow)) if today <= allow.until => {
            let note = format!("; allowed until {}: {}", allow.until, allow.reason);
            (CheckState::Allowed, note)
        }
        (Verdict::Over, Some(allow)) => {
            let note = format!("; was allowed until {}: {}", allow.until, allow.reason);
            (CheckState::Expired, note)
        }
    };
    CheckRow {
        name: rule.name.clone(),
        state,
        value: finding.value,
        limit: finding.limit,
        unit: finding.unit,
        message: finding.message + &note,
        place: rule.place.to_string(),
        reason: allow.map(|allow| allow.reason.clone()),
        until: allow.map(|allow| allow.until.to_string()),
        blame: finding.blamed.rows,
        blamed: finding.blamed.all,
        fixes: finding.blamed.fixes,
    }
}

fn finding(
    rule: &Rule,
    subject: &Subject<'_>,
    files: &Files<'_>,
    against: Against<'_>,
) -> Result<Finding, BudgetError> {
    let totals = &subject.report.totals;
    Ok(match &rule.limit {
        Limit::Wire(max) => {
            let value = totals.wire_bytes.ok_or_else(|| not_compressed(rule, subject))?;
            Finding::bytes(value, *max, "on the wire", || files.layers_by_wire())
        }
        Limit::Disk(max) => Finding::bytes(totals.disk_bytes, *max, "on disk", || files.layers_by_disk()),
        Limit::Layers(max) => layers(totals.layers, *max, files),
        Limit::Growth(measure, step) => growth::finding(rule, *measure, *step, subject, against)?,
        Limit::Shadowed(max) => Finding::bytes(
            totals.shadowed_bytes,
            *max,
            "shadowed, replaced or deleted by a later layer",
            || files.shadowed(),
        ),
        Limit::Reclaimable(max) => Finding::bytes(
            totals.reclaimable_bytes,
            *max,
            "that squashing alone would save",
            || files.shadowed(),
        ),
        Limit::Removable(max) => Finding::bytes(
            totals.removable_bytes,
            *max,
            "that can go without changing what the image does",
            || removable(subject, files),
        ),
        Limit::Category { name, max } => category(name, *max, subject, files),
        Limit::Path { glob, max } => path(glob, *max, files)?,
        Limit::Package(name) => package(name, subject.report),
        Limit::Dive(dive) => dive::finding(*dive, subject.report, files),
    })
}

impl Finding {
    /// A size: `350 MB on disk, 50.0 MB over the budget of 300 MB`.
    fn bytes(value: u64, max: u64, what: &str, blame: impl FnOnce() -> Blamed) -> Self {
        let is_over = value > max;
        let (size, limit) = (ByteSize(value), ByteSize(max));
        let message = if is_over {
            format!(
                "{size} {what}, {} over the budget of {limit}",
                ByteSize(value - max)
            )
        } else {
            format!("{size} {what}, within {limit}")
        };
        Self {
            verdict: if is_over { Verdict::Over } else { Verdict::Kept },
            value: Some(whole(value)),
            limit: Some(whole(max)),
            unit: Unit::Bytes,
            message,
            blamed: if is_over { blame() } else { Blamed::default() },
        }
    }
}

/// A count as documents have it: nothing in an image is larger.
fn whole(value: u64) -> Amount {
    Amount::Whole(i64::try_from(value).unwrap_or(i64::MAX))
}

fn not_compressed(rule: &Rule, subject: &Subject<'_>) -> BudgetError {
    BudgetError::NotCompressed {
        place: rule.place.clone(),
        name: rule.name.clone(),
        reference: subject.report.image.reference.clone(),
    }
}

fn layers(value: u64, max: u64, files: &Files<'_>) -> Finding {
    let is_over = value > max;
    let noun = if value == 1 { "layer" } else { "layers" };
    Finding {
        verdict: if is_over { Verdict::Over } else { Verdict::Kept },
        value: Some(whole(value)),
        limit: Some(whole(max)),
        unit: Unit::Layers,
        message: if is_over {
            format!(
                "{value} {noun}, {} over the budget of {max}; the smallest could be joined with others",
                value - max
            )
        } else {
            format!("{value} {noun}, within {max}")
        },
        blamed: if is_over {
            files.smallest_layers()
        } else {
            Blamed::default()
        },
    }
}

fn category(name: &str, max: u64, subject: &Subject<'_>, files: &Files<'_>) -> Finding {
    let row = subject.report.categories.iter().find(|row| row.name == name);
    let (value, count) = row.map_or((0, 0), |row| (row.disk_bytes, row.files));
    let what = format!("of {name} in {}", counted(count));
    Finding::bytes(value, max, &what, || files.of_category(name))
}

fn path(glob: &Pattern, max: u64, files: &Files<'_>) -> Result<Finding, BudgetError> {
    let found = files.matching(glob)?;
    let value = found.iter().map(|inode| inode.bytes).sum();
    let what = format!("of `{}` in {}", glob.as_str(), counted(found.len() as u64));
    Ok(Finding::bytes(value, max, &what, || files.blamed(found)))
}

fn counted(files: u64) -> String {
    match files {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    }
}

fn removable(subject: &Subject<'_>, files: &Files<'_>) -> Blamed {
    let Subject {
        map,
        attribution,
        classifier,
        ..
    } = *subject;
    let selection = Selection::safe(classifier.catalog());
    let plan = Plan::new(map, attribution, classifier, &selection);
    let mut goes = vec![false; map.entry_count()];
    for removal in plan.removals.iter().filter(|removal| removal.bytes > 0) {
        if let Some(inode) = removal.entry.and_then(|id| map.inode(id)) {
            goes[inode.index()] = true;
        }
    }
    files.all(|inode| goes[inode.id.index()])
}

/// Packages that are installed, or left in a layer.
fn package(name: &PackageName, report: &Report) -> Finding {
    let found: Vec<&OwnerRow> = report
        .owners
        .iter()
        .filter(|row| name.takes(&row.kind, &row.name))
        .collect();
    let shown = |row: &&OwnerRow| {
        let version = if row.version.is_empty() {
            String::new()
        } else {
            format!(" {}", row.version)
        };
        format!("{}:{}{version}", row.kind, row.name)
    };
    let message = match found.as_slice() {
        [] => format!("no package `{}`", name.as_str()),
        [one] => {
            let left = if one.installed {
                "is in the image"
            } else {
                "is left in a layer, though a later one removes it"
            };
            format!("`{}` {left}, and must not be", shown(one))
        }
        all => format!(
            "{} packages `{}` are in the image, and must not be",
            all.len(),
            name.as_str()
        ),
    };
    let rows = found.iter().map(|row| Blame {
        package: Some(shown(row)),
        bytes: row.disk_bytes,
        ..Blame::default()
    });
    Finding {
        verdict: if found.is_empty() {
            Verdict::Kept
        } else {
            Verdict::Over
        },
        value: Some(whole(found.len() as u64)),
        limit: Some(whole(0)),
        unit: Unit::Packages,
        message,
        blamed: Blamed::new(rows.collect()),
    }
}
