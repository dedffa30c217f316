//! What stripping would take off an image, as its probes say.
//!
//! Of its own because the sum and the advice must count the same files.

use super::model::Unstripped;
use crate::content::{ContentMap, EntryId};
use crate::layer::{FactKind, Symbols};

/// The files that can be stripped and that the merged image shows, with the bytes that would go.
pub(super) fn strippable(map: &ContentMap) -> impl Iterator<Item = (EntryId, u64)> {
    let facts = (0..map.layer_count()).flat_map(|layer| map.facts(layer));
    let symbols = facts.filter(|(_, fact)| fact.kind == FactKind::Symbols);
    symbols.filter_map(|(inode, fact)| {
        let symbols = Symbols::decode(&fact.value).filter(|symbols| symbols.refused.is_none())?;
        map.is_inode_visible(inode)
            .then_some((inode, symbols.saved_bytes))
    })
}

/// All of them.
pub(super) fn sum(map: &ContentMap) -> Unstripped {
    strippable(map).fold(Unstripped::default(), |sum, (_, bytes)| Unstripped {
        files: sum.files + 1,
        saved_bytes_estimate: sum.saved_bytes_estimate + bytes,
    })
}
