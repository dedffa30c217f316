//! Totals, categories and packages of two reports, side by side.
//!
//! A module of its own because it needs nothing but reports: saved ones would do.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::model::{Change, DiffCategory, DiffOwner, DiffTotals, OwnerChange, delta};
use crate::report::model::{CategoryRow, OwnerRow, Report, Totals};

/// The sums of both.
pub(super) fn totals(old: &Totals, new: &Totals) -> DiffTotals {
    let wire = old.wire_bytes.zip(new.wire_bytes);
    let change = |of: fn(&Totals) -> u64| Change::new(of(old), of(new));
    DiffTotals {
        layers: change(|totals| totals.layers),
        files: change(|totals| totals.files),
        wire_bytes: wire.map(|(old, new)| Change::new(old, new)),
        wire_bytes_estimate: change(|totals| totals.wire_bytes_estimate),
        disk_bytes: change(|totals| totals.disk_bytes),
        framing_bytes: change(|totals| totals.framing_bytes),
        uncompressed_bytes: change(|totals| totals.uncompressed_bytes),
        visible_bytes: change(|totals| totals.visible_bytes),
        shadowed_bytes: change(|totals| totals.shadowed_bytes),
        reclaimable_bytes: change(|totals| totals.reclaimable_bytes),
        removable_bytes: change(|totals| totals.removable_bytes),
    }
}

/// Every category that either has.
pub(super) fn categories(old: &Report, new: &Report) -> Vec<DiffCategory> {
    let mut all: BTreeMap<&str, [Option<&CategoryRow>; 2]> = BTreeMap::new();
    for (side, report) in [old, new].into_iter().enumerate() {
        for row in &report.categories {
            all.entry(&row.name).or_default()[side] = Some(row);
        }
    }
    let row = |(name, sides): (&str, [Option<&CategoryRow>; 2])| {
        let [old, new] = sides.map(|row| row.map_or(0, |row| row.disk_bytes));
        let title = sides.iter().flatten().last().map(|row| row.title.clone());
        DiffCategory {
            name: name.to_owned(),
            title: title.unwrap_or_default(),
            old_bytes: old,
            new_bytes: new,
            delta: delta(old, new),
        }
    };
    let mut rows: Vec<DiffCategory> = all.into_iter().map(row).collect();
    // By name where the change is the same.
    rows.sort_by_key(|row| Reverse((row.delta.unsigned_abs(), row.old_bytes.max(row.new_bytes))));
    rows
}

/// Packages that are not what they were. One name may have several versions: equal ones are one package, of the others
/// the lowest is paired with the lowest.
pub(super) fn owners(old: &Report, new: &Report) -> Vec<DiffOwner> {
    type Key<'a> = (&'a str, &'a str, Option<&'a str>);
    let mut all: BTreeMap<Key<'_>, [Vec<&OwnerRow>; 2]> = BTreeMap::new();
    for (side, report) in [old, new].into_iter().enumerate() {
        for row in &report.owners {
            let key = (row.kind.as_str(), row.name.as_str(), row.arch.as_deref());
            all.entry(key).or_default()[side].push(row);
        }
    }
    let mut rows: Vec<DiffOwner> = all.into_values().flat_map(pairs).filter_map(owner).collect();
    let size = |row: &DiffOwner| {
        (
            row.old_bytes.abs_diff(row.new_bytes),
            row.old_bytes.max(row.new_bytes),
        )
    };
    // The sort is stable: by name where sizes are the same.
    rows.sort_by_key(|row| Reverse(size(row)));
    rows
}

type Pair<'a> = (Option<&'a OwnerRow>, Option<&'a OwnerRow>);

fn pairs([mut old, mut new]: [Vec<&OwnerRow>; 2]) -> Vec<Pair<'_>> {
    let mut out: Vec<Pair<'_>> = Vec::new();
    // What is installed goes before what is only left in lower layers.
    for rows in [&mut old, &mut new] {
        rows.sort_by(|a, b| (!a.installed, &a.version).cmp(&(!b.installed, &b.version)));
    }
    old.retain(|before| {
        let Some(at) = new.iter().position(|after| after.version == before.version) else {
            return true;
        };
        out.push((Some(before), Some(new.remove(at))));
        false
    });
    let (mut old, mut new) = (old.into_iter(), new.into_iter());
    loop {
        match (old.next(), new.next()) {
            (None, None) => return out,
            pair => out.push(pair),
        }
    }
}

fn owner((old, new): Pair<'_>) -> Option<DiffOwner> {
    let row = new.or(old)?;
    let bytes = |row: Option<&OwnerRow>| row.map_or(0, |row| row.disk_bytes);
    // A package that is in no database of the merged image is not there, whatever lower layers hold of it.
    let there = |row: Option<&OwnerRow>| row.is_some_and(|row| row.installed);
    let change = match (there(old), there(new)) {
        (false, true) => OwnerChange::Added,
        (true, false) => OwnerChange::Removed,
        _ if old.map(|row| &row.version) != new.map(|row| &row.version) => OwnerChange::Version,
        _ if bytes(old) != bytes(new) => OwnerChange::Size,
        _ => return None,
    };
    let version = |row: Option<&OwnerRow>| row.filter(|row| row.installed).map(|row| row.version.clone());
    Some(DiffOwner {
        kind: row.kind.clone(),
        name: row.name.clone(),
        arch: row.arch.clone(),
        change,
        old_version: version(old),
        new_version: version(new),
        old_bytes: bytes(old),
        new_bytes: bytes(new),
    })
}
