//! Layers that stream past once, before anybody knows which image they are of, and are not kept.
//!
//! A module of its own because an engine exports an image so: first its layers, then what says which they are. What is
//! learnt from each waits under the digest of its uncompressed tar, which is what the image's config will call it.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::budget::Budget;
use super::{Changeset, Detail, LayerError, ReadOptions, scan};
use crate::image::Image;
use crate::oci::DiffId;

/// What was learnt from layers that streamed past, until their image is read. Clones share it.
#[derive(Clone, Default)]
pub struct Passed(Arc<Mutex<HashMap<DiffId, Seen>>>);

struct Seen {
    detail: Detail,
    changeset: Changeset,
    /// How many archives it passed in.
    times: usize,
}

/// The layers of one archive that streams past.
pub struct Passing<'a> {
    options: ReadOptions<'a>,
    budget: Budget,
    passed: Passed,
}

impl<'a> Passing<'a> {
    /// Learns what `options` ask for, into `passed`.
    pub fn new(options: ReadOptions<'a>, passed: Passed) -> Self {
        Self {
            budget: Budget::new(options.limits),
            options,
            passed,
        }
    }

    /// Reads the layer that `bytes` bring, the `number`-th, whose member is called `name`. Gives the hash of its
    /// uncompressed tar.
    pub fn layer(
        &self,
        number: usize,
        name: &str,
        bytes: &mut (dyn Read + Send),
    ) -> Result<DiffId, LayerError> {
        let (diff_id, changeset) = scan::passing(name, number, bytes, &self.options, &self.budget)?;
        let mut seen = self.passed.seen();
        let times = seen.remove(&diff_id).map_or(0, |seen| seen.times) + 1;
        let seen_now = Seen {
            detail: self.options.detail,
            changeset,
            times,
        };
        seen.insert(diff_id.clone(), seen_now);
        Ok(diff_id)
    }
}

impl Passed {
    /// The layers of `image` that passed when it was found, by index. Each is given once for each archive it passed in.
    pub fn take(&self, image: &Image, detail: Detail) -> Vec<Option<Changeset>> {
        let mut seen = self.seen();
        let mut out = Vec::with_capacity(image.layers.len());
        for (at, layer) in image.layers.iter().enumerate() {
            let is_last = !image.layers[at + 1..]
                .iter()
                .any(|later| later.diff_id == layer.diff_id);
            let known = seen
                .get_mut(&layer.diff_id)
                .filter(|seen| seen.detail == detail && image.blobs().is_gone(&layer.blob));
            out.push(known.map(|known| {
                if !is_last {
                    return known.changeset.clone();
                }
                known.times -= 1;
                if known.times > 0 {
                    known.changeset.clone()
                } else {
                    std::mem::take(&mut known.changeset)
                }
            }));
            seen.retain(|_, seen| seen.times > 0);
        }
        out
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<DiffId, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
