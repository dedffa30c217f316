//! Growth: what an image has more than the one it is compared with, and which layers, categories and packages brought it.
//!
//! A module of its own because nothing else of the judge looks at two images.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use super::blame::{Blamed, layers};
use super::{Against, Finding, Subject, Verdict, not_compressed, whole};
use crate::budget::BudgetError;
use crate::budget::rule::{Measure, Rule, Step};
use crate::bytesize::ByteSize;
use crate::report::{Amount, Blame, LayerRow, Report, Unit};

/// How many layers, categories and packages are listed, each.
const LISTED: usize = 5;

pub(super) fn finding(
    rule: &Rule,
    measure: Measure,
    step: Step,
    subject: &Subject<'_>,
    against: Against<'_>,
) -> Result<Finding, BudgetError> {
    let base = match against {
        Against::Base(base) => base,
        Against::Nothing => return Ok(skipped("not checked: no base was named; `--against` names one")),
        Against::NoPlatform => {
            let platform = &subject.report.image.platform;
            return Ok(skipped(&format!(
                "not checked: the base has no image for {platform}"
            )));
        }
    };
    let totals = &subject.report.totals;
    let (new, old, what) = match measure {
        Measure::Disk => (totals.disk_bytes, base.totals.disk_bytes, "on disk"),
        Measure::Wire => {
            let new = totals.wire_bytes.ok_or_else(|| not_compressed(rule, subject))?;
            let old = base.totals.wire_bytes.ok_or_else(|| BudgetError::NotCompressed {
                place: rule.place.clone(),
                name: rule.name.clone(),
                reference: base.image.reference.clone(),
            })?;
            (new, old, "on the wire")
        }
    };
    let limit = match step {
        Step::Bytes(bytes) => bytes,
        // A part of a byte is none.
        Step::Percent(percent) => (old as f64 * percent / 100.0) as u64,
    };
    let is_over = new > old.saturating_add(limit);
    Ok(Finding {
        verdict: if is_over { Verdict::Over } else { Verdict::Kept },
        value: Some(change(new, old)),
        limit: Some(whole(limit)),
        unit: Unit::Bytes,
        message: message(new, old, limit, step, what),
        blamed: if is_over {
            blamed(measure, subject.report, base)
        } else {
            Blamed::default()
        },
    })
}

fn skipped(message: &str) -> Finding {
    Finding {
        verdict: Verdict::Skipped,
        value: None,
        limit: None,
        unit: Unit::Bytes,
        message: message.to_owned(),
        blamed: Blamed::default(),
    }
}

fn change(new: u64, old: u64) -> Amount {
    let change = i128::from(new) - i128::from(old);
    Amount::Whole(i64::try_from(change).unwrap_or(i64::MAX))
}

/// `12.0 MB more on disk than the base (3.4 %), 7.00 MB over the budget of 5.00 MB`.
fn message(new: u64, old: u64, limit: u64, step: Step, what: &str) -> String {
    let budget = match step {
        Step::Bytes(bytes) => ByteSize(bytes).to_string(),
        Step::Percent(percent) => format!("{percent} %, {}", ByteSize(limit)),
    };
    if new <= old {
        return match old - new {
            0 => format!("as much {what} as the base"),
            less => format!("{} less {what} than the base", ByteSize(less)),
        };
    }
    let more = new - old;
    let share = if old == 0 {
        String::new()
    } else {
        format!(" ({:.1} %)", more as f64 / old as f64 * 100.0)
    };
    let more_than = format!("{} more {what} than the base{share}", ByteSize(more));
    if more > limit {
        format!(
            "{more_than}, {} over the budget of {budget}",
            ByteSize(more - limit)
        )
    } else {
        format!("{more_than}, within {budget}")
    }
}

/// The layers that the base does not have; on disk also the categories and packages that grew.
fn blamed(measure: Measure, report: &Report, base: &Report) -> Blamed {
    let known: HashSet<&str> = base.layers.iter().map(|layer| layer.diff_id.as_str()).collect();
    let new = report
        .layers
        .iter()
        .filter(|row| !known.contains(row.diff_id.as_str()));
    let weight = |row: &LayerRow| match measure {
        Measure::Disk => row.disk_bytes,
        Measure::Wire => row.wire_bytes.unwrap_or(0),
    };
    let mut rows: Vec<(u64, &LayerRow)> = new.map(|row| (weight(row), row)).collect();
    rows.retain(|(bytes, _)| *bytes > 0);
    rows.sort_by_key(|(bytes, row)| (Reverse(*bytes), row.index));
    let mut out = layers(&rows);
    if measure == Measure::Wire {
        return out;
    }
    out.rows.truncate(LISTED);
    let categories = base
        .categories
        .iter()
        .map(|row| (row.name.clone(), row.disk_bytes));
    let own = report
        .categories
        .iter()
        .map(|row| (row.name.clone(), row.disk_bytes));
    for (name, bytes) in grown(categories, own, &mut out.all) {
        out.rows.push(Blame {
            category: Some(name),
            bytes,
            ..Blame::default()
        });
    }
    let packages = base
        .owners
        .iter()
        .map(|row| (format!("{}:{}", row.kind, row.name), row.disk_bytes));
    let own = report
        .owners
        .iter()
        .map(|row| (format!("{}:{}", row.kind, row.name), row.disk_bytes));
    for (name, bytes) in grown(packages, own, &mut out.all) {
        out.rows.push(Blame {
            package: Some(name),
            bytes,
            ..Blame::default()
        });
    }
    out
}

/// What has more bytes than before, most first; all of it is counted in `all`.
fn grown(
    old: impl Iterator<Item = (String, u64)>,
    new: impl Iterator<Item = (String, u64)>,
    all: &mut u64,
) -> Vec<(String, u64)> {
    let sum = |rows: &mut BTreeMap<String, u64>, (name, bytes): (String, u64)| {
        *rows.entry(name).or_default() += bytes;
    };
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    old.for_each(|row| sum(&mut before, row));
    new.for_each(|row| sum(&mut after, row));
    let more = after.into_iter().map(|(name, bytes)| {
        let more = bytes.saturating_sub(before.get(&name).copied().unwrap_or(0));
        (name, more)
    });
    let mut rows: Vec<_> = more.filter(|(_, more)| *more > 0).collect();
    // By name where sizes are equal.
    rows.sort_by_key(|(_, more)| Reverse(*more));
    *all += rows.len() as u64;
    rows.truncate(LISTED);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_in_words() {
        for (new, old, limit, step, want) in [
            (
                110,
                100,
                5,
                Step::Bytes(5),
                "10 B more on disk than the base (10.0 %), 5 B over the budget of 5 B",
            ),
            (
                104,
                100,
                5,
                Step::Bytes(5),
                "4 B more on disk than the base (4.0 %), within 5 B",
            ),
            (
                104,
                100,
                3,
                Step::Percent(3.0),
                "4 B more on disk than the base (4.0 %), 1 B over the budget of 3 %, 3 B",
            ),
            (
                5,
                0,
                0,
                Step::Percent(50.0),
                "5 B more on disk than the base, 5 B over the budget of 50 %, 0 B",
            ),
            (100, 100, 0, Step::Bytes(0), "as much on disk as the base"),
            (90, 100, 0, Step::Bytes(0), "10 B less on disk than the base"),
        ] {
            assert_eq!(message(new, old, limit, step, "on disk"), want);
        }
        assert_eq!(change(90, 100), Amount::Whole(-10));
    }
}
