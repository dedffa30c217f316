//! The layers of both images in one order, what became of each, and why.
//!
//! A module of its own because contents, instructions and blobs come together here, and nowhere else.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::align::{Candidate, align, is_copy, is_same_instruction};
use super::contents::{Item, side_by_side};
use super::model::{
    Cause, DiffLayer, LayerChanges, LayerPath, LayerStatus, LayerTally, PathChange, PathTally,
};
use super::side::{Base, Side};
use crate::report::json_path;
use crate::report::model::LayerRow;

/// Paths of a layer that are named.
const EXAMPLES: usize = 5;

/// The layers of two images.
pub(super) fn layers(old: &Side, new: &Side) -> Vec<DiffLayer> {
    let rows = align(&candidates(old), &candidates(new));
    let mut held: HashSet<&str> = old
        .report
        .layers
        .iter()
        .map(|layer| blob(layer, old, new))
        .collect();
    // Whether all layers before are the old ones, at their places.
    let mut is_kept = true;
    let mut out = Vec::with_capacity(rows.len());
    for (at, &(a, b)) in rows.iter().enumerate() {
        let row = match (a, b) {
            (None, None) => continue,
            (Some(a), None) => removed(old, a),
            (_, Some(b)) => {
                let has_more = rows[at..].iter().any(|row| row.0.is_some());
                let mut row = match a {
                    Some(a) => paired(old, new, (a, b), is_kept),
                    None => added(new, b, has_more),
                };
                let is_held = !held.insert(blob(&new.report.layers[b], old, new));
                row.transfer_bytes_estimate = if is_held { 0 } else { new.wire[b] };
                row
            }
        };
        is_kept &= row.status == LayerStatus::Reused && row.old_index == row.new_index;
        out.push(row);
    }
    out
}

/// How many layers there are of each status.
pub(super) fn tally(layers: &[DiffLayer]) -> LayerTally {
    let mut tally = LayerTally::default();
    for layer in layers {
        match layer.status {
            LayerStatus::Reused => tally.reused += 1,
            LayerStatus::Rebuilt => tally.rebuilt += 1,
            LayerStatus::Added => tally.added += 1,
            LayerStatus::Removed => tally.removed += 1,
        }
    }
    tally
}

/// By what a client knows a layer: its blob where both media store blobs, else its uncompressed tar.
pub(super) fn blob<'a>(layer: &'a LayerRow, old: &Side, new: &Side) -> &'a str {
    let is_stored = |side: &Side| side.report.totals.wire_bytes.is_some();
    match &layer.digest {
        Some(digest) if is_stored(old) && is_stored(new) => digest,
        _ => &layer.diff_id,
    }
}

fn candidates(side: &Side) -> Vec<Candidate<'_>> {
    let layers = side.report.layers.iter().zip(&side.steps);
    layers
        .map(|(layer, step)| Candidate {
            diff_id: &layer.diff_id,
            step,
        })
        .collect()
}

/// What is the same for every status, of the layer `at` of `side`.
fn row(side: &Side, at: usize, status: LayerStatus, cause: Option<Cause>) -> DiffLayer {
    let layer = &side.report.layers[at];
    DiffLayer {
        status,
        cause,
        old_index: None,
        new_index: None,
        digest: layer.digest.clone(),
        diff_id: layer.diff_id.clone(),
        created_by: layer.created_by.clone(),
        instruction: side.steps[at].instruction.clone(),
        old_instruction: None,
        old_wire_bytes: None,
        new_wire_bytes: None,
        old_disk_bytes: None,
        new_disk_bytes: None,
        transfer_bytes_estimate: 0,
        changes: None,
    }
}

fn removed(old: &Side, at: usize) -> DiffLayer {
    let mut row = row(old, at, LayerStatus::Removed, Some(Cause::Removed));
    row.old_side(old, at);
    row
}

fn added(new: &Side, at: usize, has_more: bool) -> DiffLayer {
    let cause = if has_more {
        Cause::Inserted
    } else {
        Cause::Appended
    };
    let mut row = row(new, at, LayerStatus::Added, Some(cause));
    row.new_side(new, at);
    row
}

fn paired(old: &Side, new: &Side, (a, b): (usize, usize), is_kept: bool) -> DiffLayer {
    let (before, after) = (&old.report.layers[a], &new.report.layers[b]);
    let mut row = if before.diff_id == after.diff_id {
        let cause = if blob(before, old, new) == blob(after, old, new) {
            (a != b).then_some(Cause::Moved)
        } else {
            Some(Cause::Recompressed)
        };
        row(new, b, LayerStatus::Reused, cause)
    } else {
        let contents = old.contents.as_ref().zip(new.contents.as_ref());
        let changes = contents.map(|(old, new)| changes(old.layer(a), new.layer(b)));
        let cause = cause(old, new, (a, b), changes.as_ref(), is_kept);
        let mut row = row(new, b, LayerStatus::Rebuilt, Some(cause));
        row.changes = changes.map(LayerChanges::from);
        row
    };
    row.old_side(old, a);
    row.new_side(new, b);
    let instruction = &old.steps[a].instruction;
    if !is_same_instruction(instruction, &new.steps[b].instruction) {
        row.old_instruction = Some(instruction.clone());
    }
    row
}

impl DiffLayer {
    fn old_side(&mut self, old: &Side, at: usize) {
        let layer = &old.report.layers[at];
        self.old_index = Some(at);
        self.old_wire_bytes = layer.wire_bytes;
        self.old_disk_bytes = Some(layer.disk_bytes);
    }

    fn new_side(&mut self, new: &Side, at: usize) {
        let layer = &new.report.layers[at];
        self.new_index = Some(at);
        self.new_wire_bytes = layer.wire_bytes;
        self.new_disk_bytes = Some(layer.disk_bytes);
    }

    /// Whether it was built again and holds what it held.
    pub(super) fn is_rebuilt_unchanged(&self) -> bool {
        matches!(self.cause, Some(Cause::EarlierLayer | Cause::SameFiles))
    }
}

/// Why a layer was built again. Only where `is_kept` can what stands before it not be the reason.
fn cause(
    old: &Side,
    new: &Side,
    (a, b): (usize, usize),
    changes: Option<&Changes<'_>>,
    is_kept: bool,
) -> Cause {
    let (before, after) = (&old.steps[a], &new.steps[b]);
    let is_same = is_same_instruction(&before.instruction, &after.instruction);
    let Some(changes) = changes else {
        return match () {
            () if is_kept && is_of_base(old, new, a) => Cause::BaseImage,
            () if is_same => Cause::Unknown,
            () => Cause::Instruction,
        };
    };
    match () {
        () if is_same && changes.0.is_empty() && !is_kept => Cause::EarlierLayer,
        () if is_kept && is_of_base(old, new, a) => Cause::BaseImage,
        () if !is_same => Cause::Instruction,
        // What is copied depends on nothing but itself.
        () if is_copy(&after.instruction) && !changes.0.is_empty() => Cause::Content,
        () if is_kept && old.environment(a).ne(new.environment(b)) => Cause::Environment,
        () if is_kept && arguments(&before.created_by) != arguments(&after.created_by) => {
            Cause::BuildArguments
        }
        () if changes.0.is_empty() => Cause::SameFiles,
        () => Cause::Content,
    }
}

/// Whether a layer is another one because the images stand on different base images. What an image says of its base
/// tells not how many layers are the base's; a copy of the same files to the same place is hardly one of them.
fn is_of_base(old: &Side, new: &Side, at: usize) -> bool {
    let (Some(before), Some(after)) = (old.steps.get(at), new.steps.get(at)) else {
        return false;
    };
    let (before, after) = (&before.instruction, &after.instruction);
    let is_same = is_same_instruction(before, after);
    let differ = |of: fn(&Base) -> &Option<String>| {
        let (old, new) = (of(&old.base), of(&new.base));
        old.is_some() && new.is_some() && old != new
    };
    let (is_other_name, is_other_digest) = (differ(|base| &base.name), differ(|base| &base.digest));
    let is_declared = if is_same {
        (is_other_name || is_other_digest) && !before.starts_with("COPY ")
    } else {
        is_other_name
    };
    is_declared || at == 0 && is_root(before, after)
}

/// Whether two first layers are roots of base images: archives that are unpacked, or what no Dockerfile made.
fn is_root(old: &str, new: &str) -> bool {
    let is = |text: &str| {
        !["COPY ", "RUN ", "WORKDIR "]
            .iter()
            .any(|word| text.starts_with(word))
            && !text.is_empty()
    };
    is(old) && is(new)
}

/// The build arguments that a builder wrote before a command.
fn arguments(created_by: &str) -> Option<&str> {
    let text = created_by.strip_prefix("RUN ").unwrap_or(created_by);
    let (arguments, _) = text.split_once("/bin/sh -c ")?;
    Some(arguments).filter(|text| text.starts_with('|'))
}

/// What the paths of one layer became: each with the side that still has it.
struct Changes<'a>(Vec<(PathChange, &'a Item)>);

fn changes<'a>(old: &'a [Item], new: &'a [Item]) -> Changes<'a> {
    let pairs = side_by_side(old, new, |item: &&'a Item| &item.path);
    let change = |(old, new): (Option<&'a Item>, Option<&'a Item>)| match (old, new) {
        (Some(old), Some(new)) => Some((old.change(new)?, new)),
        (Some(old), None) => Some((old.as_gone(), old)),
        (None, Some(new)) => Some((new.as_new(), new)),
        (None, None) => None,
    };
    Changes(pairs.filter_map(change).collect())
}

impl From<Changes<'_>> for LayerChanges {
    fn from(Changes(mut changes): Changes<'_>) -> Self {
        let mut counts = PathTally::default();
        for (change, _) in &changes {
            counts.count(*change);
        }
        changes.sort_by_key(|(_, item)| (item.is_directory(), Reverse(item.size)));
        let example = |&(change, item): &(PathChange, &Item)| LayerPath {
            path: json_path(&item.path),
            change,
        };
        Self {
            counts,
            examples: changes.iter().take(EXAMPLES).map(example).collect(),
        }
    }
}
