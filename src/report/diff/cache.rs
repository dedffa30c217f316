//! What broke the build's cache, and what was built again for nothing.
//!
//! A module of its own because both read the rows of layers as a story: the first that is another one, and what it cost.

use super::align::is_copy;
use super::model::{BrokeCache, Cause, DiffLayer, LayerStatus, RebuiltUnchanged};
use super::side::Side;

/// The first layer of the new image that is not the old image's at the same place.
pub(super) fn broke_cache(old: &Side, new: &Side, layers: &[DiffLayer]) -> Option<BrokeCache> {
    let is_kept = |row: &DiffLayer| row.status == LayerStatus::Reused && row.old_index == row.new_index;
    let first = layers.iter().position(|row| !is_kept(row))?;
    let layer = layers[first..].iter().find_map(|row| row.new_index)?;
    let row = &layers[first];
    let cause = row.cause?;
    let (steps, base) = (row.old_index.zip(row.new_index), &new.base);
    let old_instruction = match cause {
        Cause::BaseImage if base.name.is_some() => old.base.name.clone(),
        _ => row.old_instruction.clone(),
    };
    let instruction = match cause {
        Cause::BaseImage => base.name.clone().unwrap_or_else(|| row.instruction.clone()),
        _ => row.instruction.clone(),
    };
    let environment = steps.filter(|_| cause == Cause::Environment).map(|(a, b)| {
        let (before, after): (Vec<&String>, Vec<&String>) =
            (old.environment(a).collect(), new.environment(b).collect());
        (without(&before, &after), without(&after, &before))
    });
    Some(BrokeCache {
        layer,
        instruction,
        old_instruction,
        cause,
        environment,
        changes: row.changes.clone(),
    })
}

fn without(rows: &[&String], others: &[&String]) -> Vec<String> {
    let rows = rows.iter().filter(|row| !others.contains(row));
    rows.map(|row| (*row).clone()).collect()
}

/// Layers that hold what they held, and what they cost a client.
pub(super) fn rebuilt_unchanged(
    layers: &[DiffLayer],
    broke_cache: Option<&BrokeCache>,
) -> Option<RebuiltUnchanged> {
    let rows: Vec<&DiffLayer> = layers.iter().filter(|row| row.is_rebuilt_unchanged()).collect();
    if rows.is_empty() {
        return None;
    }
    let fix = match broke_cache.map(|broke| broke.cause) {
        Some(Cause::BaseImage) => rows.iter().any(|row| is_copy(&row.instruction)).then(|| {
            "`COPY --link` makes a layer that stays the same when only what is below it changes.".to_owned()
        }),
        Some(Cause::SameFiles) => Some(
            "Give the build the old image's cache (`--cache-from`), or fixed times (`SOURCE_DATE_EPOCH` and \
             `rewrite-timestamp=true`)."
                .to_owned(),
        ),
        Some(Cause::Instruction | Cause::Content | Cause::Inserted | Cause::Environment) => Some(
            "Put the instruction that changes behind the ones that do not need it: they are then neither built nor \
             downloaded again."
                .to_owned(),
        ),
        _ => None,
    };
    Some(RebuiltUnchanged {
        layers: rows.iter().filter_map(|row| row.new_index).collect(),
        transfer_bytes_estimate: rows.iter().map(|row| row.transfer_bytes_estimate).sum(),
        fix,
    })
}
