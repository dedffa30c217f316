//! What each way of writing the layers makes of a plan: sizes, and what must travel.
//!
//! Of its own because it compares layouts, where the rest of a plan's document tells one plan.

use serde::Serialize;

use super::plan::SizesRow;
use super::wire::{self, Wire};
use crate::content::ContentMap;
use crate::plan::{Action, Fate, Layout, Mode, NewLayer, Plan, Slot};

/// The sizes of the result, by the way of writing its layers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Modes {
    /// As one layer.
    pub squash: ModeRow,
    /// Each layer rewritten in place, or reused.
    pub keep: ModeRow,
    /// The base image's layers as they are, the rest as one; `None` where no base is known.
    pub base: Option<BaseRow>,
}

/// One way of writing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ModeRow {
    /// Sizes of the result.
    #[serde(flatten)]
    pub sizes: SizesRow,
    /// Layers that stay byte for byte.
    pub reused_layers: u64,
    /// Compressed bytes that a push sends to where the source's layers are already: an estimate.
    pub upload_bytes_estimate: u64,
    /// Compressed bytes that a client downloads that has the base image's layers: an estimate; `None` where no base
    /// is known.
    pub download_bytes_estimate: Option<u64>,
}

/// The base's layers as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BaseRow {
    /// Layers of the base image.
    pub base_layers: u64,
    /// As for every mode.
    #[serde(flatten)]
    pub row: ModeRow,
    /// Removed paths, directories aside, that the base's layers still hold: hidden, which saves nothing.
    pub hidden_files: u64,
    /// Stored bytes of those.
    pub hidden_bytes: u64,
}

/// All modes for `plan`; `base` is the number of layers of the base image, where one is known.
pub(super) fn modes(map: &ContentMap, plan: &Plan, base: Option<usize>, wire: &Wire) -> Modes {
    let row = |mode| row(map, plan, &Layout::new(map, plan, mode), base, wire);
    Modes {
        squash: row(Mode::Squash),
        keep: row(Mode::Keep),
        base: base.map(|count| base_row(map, plan, count, row(Mode::Base(count)))),
    }
}

fn row(map: &ContentMap, plan: &Plan, layout: &Layout, base: Option<usize>, wire: &Wire) -> ModeRow {
    let bytes = |slot: &Slot| match &slot.fate {
        Fate::Reused => wire.layer(slot.sources.start),
        Fate::Made(layer) => made(map, plan, layer, wire),
        Fate::Dropped => 0,
    };
    let is_of_base = |slot: &Slot, count| matches!(slot.fate, Fate::Reused) && slot.sources.end <= count;
    let sum = |of: &dyn Fn(&Slot) -> bool| layout.slots.iter().filter(|slot| of(slot)).map(bytes).sum();
    let exact = wire.exact.filter(|_| layout.is_source());
    ModeRow {
        sizes: SizesRow {
            layers: layout.layer_count() as u64,
            uncompressed_bytes: layout.uncompressed_bytes(map),
            disk_bytes: layout.disk_bytes(map),
            wire_bytes: exact,
            wire_bytes_estimate: exact.unwrap_or_else(|| sum(&|_| true)),
        },
        reused_layers: layout
            .slots
            .iter()
            .filter(|slot| matches!(slot.fate, Fate::Reused))
            .count() as u64,
        upload_bytes_estimate: sum(&|slot| !matches!(slot.fate, Fate::Reused)),
        download_bytes_estimate: base.map(|count| sum(&|slot| !is_of_base(slot, count))),
    }
}

fn base_row(map: &ContentMap, plan: &Plan, count: usize, row: ModeRow) -> BaseRow {
    let lies_in_base = |id| {
        let inode = map.inode(id).unwrap_or(id);
        map.layer_of(inode) < count && map.entry(inode).kind != crate::layer::Kind::Directory
    };
    let hidden = plan
        .removals
        .iter()
        .filter(|removal| removal.entry.is_some_and(lies_in_base));
    BaseRow {
        base_layers: count as u64,
        row,
        hidden_files: hidden.clone().count() as u64,
        hidden_bytes: hidden.map(|removal| removal.bytes).sum(),
    }
}

/// What a new layer weighs: its files as their own layers compress, and its framing. A file that changes weighs as much
/// as its new size has it.
fn made(map: &ContentMap, plan: &Plan, layer: &NewLayer, wire: &Wire) -> u64 {
    let mut weights = vec![0; map.layer_count()];
    for id in layer.written(map) {
        if matches!(layer.action(id), Action::Write | Action::WriteAs(_)) {
            let weight = wire::weight(map.entry(id));
            weights[map.layer_of(id)] += match plan.change(id) {
                Some(change) => wire::scale(weight, change.new_bytes, change.old_bytes),
                None => weight,
            };
        }
    }
    wire.squash(&weights, layer.uncompressed_bytes - layer.disk_bytes)
}
