//! What a write would move, for `--dry-run`: which layers are read, which are sent, and which are there already.
//!
//! A module of its own because it is the only question that a dry run asks of the target's registry.

use std::collections::HashSet;

use super::write::{Job, lender};
use crate::image::Layer;
use crate::oci::{Descriptor, Digest, Reference};
use crate::pipeline::Analysis;
use crate::plan::{Fate, Layout, Mode, Plan};
use crate::report::{Modes, TransferRow};
use crate::transport::Target;

/// What writing `plan` would move; `None` where no registry is part of it.
pub(super) fn transfer(
    analysis: &Analysis,
    plan: &Plan,
    mode: Mode,
    modes: &Modes,
    job: &Job<'_>,
) -> Option<TransferRow> {
    let Analysis { image, map, .. } = analysis;
    let is_remote = image.name.transport == "docker";
    let target = match job.target {
        Target::Registry(target) => Some(target),
        _ => None,
    };
    if !is_remote && target.is_none() {
        return None;
    }
    let layout = Layout::new(map, plan, mode);
    let mut row = TransferRow::default();
    let mut read: HashSet<usize> = HashSet::new();
    let mut seen: HashSet<&Digest> = HashSet::new();
    for slot in &layout.slots {
        match &slot.fate {
            Fate::Made(layer) => {
                row.up_layers += 1;
                read.extend(layer.layers());
            }
            Fate::Reused => {
                let at = slot.sources.start;
                let blob = image.layers.get(at).and_then(Layer::descriptor);
                let Some(blob) = blob.filter(|blob| seen.insert(&blob.digest)) else {
                    continue;
                };
                if target.is_none_or(|target| !settle(blob, target, job, &mut row)) {
                    read.insert(at);
                }
            }
            Fate::Dropped => {}
        }
    }
    row.up_bytes_estimate += match mode {
        Mode::Squash => modes.squash.upload_bytes_estimate,
        Mode::Keep => modes.keep.upload_bytes_estimate,
        Mode::Base(_) => modes
            .base
            .as_ref()
            .map_or(0, |base| base.row.upload_bytes_estimate),
    };
    if target.is_none() {
        (row.up_layers, row.up_bytes_estimate) = (0, 0);
    }
    if is_remote {
        let mut seen: HashSet<&Digest> = HashSet::new();
        let layers = read
            .into_iter()
            .filter_map(|at| image.layers.get(at)?.descriptor());
        for blob in layers.filter(|blob| seen.insert(&blob.digest)) {
            if job.session.is_cached(blob) {
                row.cached_bytes += blob.size;
            } else {
                row.down_layers += 1;
                row.down_bytes += blob.size;
            }
        }
    }
    Some(row)
}

/// Whether a layer that stays as it is need not be sent: it is there, or the registry takes it from where it is.
fn settle(blob: &Descriptor, target: &Reference, job: &Job<'_>, row: &mut TransferRow) -> bool {
    let lender = lender(job.source, job.session);
    let is_lent = lender.is_some_and(|lender| lender.host == target.host);
    if job.session.is_in_registry(target, blob) {
        row.skipped_bytes += blob.size;
        return true;
    }
    if is_lent {
        row.mounted_bytes += blob.size;
        return true;
    }
    row.up_layers += 1;
    row.up_bytes_estimate += blob.size;
    false
}
