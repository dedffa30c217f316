//! What a client that has the old image must download for the new one, to the byte as a registry counts.
//!
//! A module of its own because this number is a promise: each blob once, by its digest, config included.

use std::collections::HashSet;

use super::layers::blob;
use super::model::Transfer;
use super::side::Side;

/// Sums up the blobs of `new` by whether `old` has them.
pub(super) fn transfer(old: &Side, new: &Side) -> Transfer {
    let held: HashSet<&str> = old
        .report
        .layers
        .iter()
        .map(|layer| blob(layer, old, new))
        .collect();
    let mut seen = HashSet::new();
    let (mut needed, mut reused, mut blobs) = (0, 0, 0);
    let mut count = |bytes: u64, is_held: bool| {
        if is_held {
            reused += bytes;
        } else {
            needed += bytes;
            blobs += 1;
        }
    };
    for (layer, bytes) in new.report.layers.iter().zip(&new.wire) {
        let blob = blob(layer, old, new);
        if seen.insert(blob) {
            count(*bytes, held.contains(blob));
        }
    }
    let config = |side: &Side| side.report.image.config_digest.clone();
    count(new.config_bytes.unwrap_or_default(), config(old) == config(new));
    let is_stored = [old, new].map(|side| side.report.totals.wire_bytes.is_some());
    let is_exact = is_stored == [true, true] && new.config_bytes.is_some();
    let exact = |bytes: u64| is_exact.then_some(bytes);
    Transfer {
        new_wire_bytes: exact(needed),
        reused_wire_bytes: exact(reused),
        new_wire_bytes_estimate: needed,
        reused_wire_bytes_estimate: reused,
        new_blobs: blobs,
    }
}
