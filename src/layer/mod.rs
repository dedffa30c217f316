//! One layer: its blob checked, decompressed, checked again, and read into a [`Changeset`].
//!
//! A floor of its own because nothing below knows what whiteouts mean and nothing above opens a blob.
//! Every layer of an image is [`read`] in parallel; one large layer is a pipeline of two threads
//! (read, hash and decompress → hash, scan and probe). Memory is flat in the size of a layer.
//! Rules 10–14 and 32.

mod blocks;
mod budget;
mod builder;
mod cache;
mod changeset;
mod elf;
mod entry;
mod expand;
mod links;
mod magic;
mod passed;
mod path;
mod probe;
mod scan;
mod stream;
mod symbols;
#[cfg(test)]
pub(crate) mod testing;
mod tree;

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

pub use crate::limits::Limits;
pub use blocks::{output_blocks, written_name};
pub use cache::{ChangesetCache, pair_of};
pub use changeset::{Changeset, LayerSizes, Warning};
pub use elf::ElfFacts;
pub use entry::{Entry, Fingerprint, Kind};
pub use expand::{Expansion, expand, expand_tail};
pub use magic::Magic;
pub use passed::{Passed, Passing};
pub use path::{Member, Role, climbs, normalise};
pub use probe::{Fact, FactKind, is_test_directory, is_test_file};
pub use stream::stream;
pub use symbols::Symbols;
pub use tree::{NodeId, PathTree};

use budget::Budget;

use crate::image::{BlobRef, Image, ImageError};
use crate::limits::{Exceeded, Limit};
use crate::oci::{DiffId, Digest};
use crate::progress::{Progress, Stage};
use crate::tar::TarError;

/// Why a layer could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// Occurs when the medium cannot open or read the blob.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Occurs when the blob cannot be decompressed, or the connection or disk fails half way.
    #[error("failed to read layer {layer}: {source}")]
    Read {
        /// The layer's blob or member.
        layer: String,
        /// The cause.
        source: std::io::Error,
    },
    /// Occurs when the decompressed bytes are no tar.
    #[error("layer {layer} is not a valid tar: {source}")]
    Tar {
        /// The layer's blob or member.
        layer: String,
        /// What is wrong, and where.
        source: TarError,
    },
    /// Occurs when the blob's length is not the descriptor's.
    #[error("layer {digest} has {actual} bytes where its descriptor says {expected}")]
    Size {
        /// The descriptor's digest.
        digest: Digest,
        /// The descriptor's size.
        expected: u64,
        /// Bytes read.
        actual: u64,
    },
    /// Occurs when the blob's hash is not the descriptor's digest.
    #[error("layer {expected} does not match its digest: the blob hashes to {actual}")]
    Digest {
        /// The descriptor's digest.
        expected: Digest,
        /// What the bytes hash to.
        actual: Digest,
    },
    /// Occurs when the uncompressed tar's hash is not what the config says.
    #[error(
        "layer {layer} does not match the config: its tar hashes to {actual} where the config's diff_id is {expected}"
    )]
    DiffId {
        /// The layer's blob or member.
        layer: String,
        /// The config's diff id.
        expected: DiffId,
        /// What the bytes hash to.
        actual: DiffId,
    },
    /// Occurs when the image is over a documented limit (rule 32).
    #[error(transparent)]
    Limit(#[from] Exceeded),
    /// Occurs when another layer failed first, or the work was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// How much is learnt from each file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// What a report needs.
    #[default]
    Facts,
    /// Also a [`Fingerprint`] of every entry, for a verification.
    Fingerprints,
}

/// How layers are read.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions<'a> {
    /// Threads that may work at once.
    pub threads: NonZeroUsize,
    /// How much is learnt.
    pub detail: Detail,
    /// Where changesets of layers addressed by digest are kept between runs.
    pub cache: Option<&'a ChangesetCache>,
    /// Who watches.
    pub progress: &'a Progress,
    /// What this reading is for those who watch.
    pub stage: Stage,
    /// Limits of rule 32.
    pub limits: Limits,
    /// Set from elsewhere to end the work early.
    pub stop: &'a AtomicBool,
}

/// Reads every layer of `image`, base first. The result does not depend on the number of threads.
pub fn read(image: &Image, options: &ReadOptions<'_>) -> Result<Vec<Changeset>, LayerError> {
    read_rest(image, Vec::new(), options)
}

/// As [`read`], but for the layers that are `known` already, by index.
pub fn read_rest(
    image: &Image,
    known: Vec<Option<Changeset>>,
    options: &ReadOptions<'_>,
) -> Result<Vec<Changeset>, LayerError> {
    read_each(image, known, options, &|_, _| {})
}

/// As [`read_rest`], and `each` is told of every layer as soon as it is read, in no order, by the thread that read it.
pub fn read_each(
    image: &Image,
    known: Vec<Option<Changeset>>,
    options: &ReadOptions<'_>,
    each: &(dyn Fn(usize, &Changeset) + Sync),
) -> Result<Vec<Changeset>, LayerError> {
    let count = image.layers.len();
    options.limits.check(Limit::Layers, count as u64)?;
    let budget = Budget::new(options.limits);
    let known = known.into_iter().chain(std::iter::repeat(None)).take(count);
    let slots: Vec<Mutex<Option<Result<Changeset, LayerError>>>> =
        known.map(|changeset| Mutex::new(changeset.map(Ok))).collect();
    let is_known = |index: usize| slots[index].lock().is_ok_and(|slot| slot.is_some());
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let stop = Stop {
        asked: options.stop,
        failed: &failed,
    };
    let mut order = largest_first(image);
    order.retain(|&index| !is_known(index));
    let work = || {
        while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = if stop.is_set() {
                Err(LayerError::Cancelled)
            } else {
                scan::layer(image, index, options, &budget, stop)
            };
            match &result {
                Ok(changeset) => each(index, changeset),
                Err(_) => failed.store(true, Ordering::Relaxed),
            }
            if let Ok(mut slot) = slots[index].lock() {
                *slot = Some(result);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..options.threads.get().min(order.len()) {
            scope.spawn(work);
        }
        work();
    });
    collect(slots)
}

/// Why work on a layer may have to end early: somebody asked, or another layer failed.
#[derive(Debug, Clone, Copy)]
pub struct Stop<'a> {
    asked: &'a AtomicBool,
    failed: &'a AtomicBool,
}

impl<'a> Stop<'a> {
    /// Ends when `asked` is set.
    pub fn when(asked: &'a AtomicBool) -> Self {
        Self { asked, failed: asked }
    }

    fn is_set(self) -> bool {
        self.asked.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed)
    }
}

/// Large layers first, so that none is left alone at the end.
fn largest_first(image: &Image) -> Vec<usize> {
    let mut order: Vec<usize> = (0..image.layers.len()).collect();
    let size = |&index: &usize| image.blobs().size(&image.layers[index].blob).unwrap_or(0);
    order.sort_by_key(|index| (std::cmp::Reverse(size(index)), *index));
    order
}

/// All changesets, or the error of the lowest layer that failed by itself.
fn collect(slots: Vec<Mutex<Option<Result<Changeset, LayerError>>>>) -> Result<Vec<Changeset>, LayerError> {
    let mut changesets = Vec::with_capacity(slots.len());
    let mut cancelled = None;
    for slot in slots {
        let result = slot
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match result {
            Some(Ok(changeset)) => changesets.push(changeset),
            Some(Err(LayerError::Cancelled)) | None => cancelled = Some(LayerError::Cancelled),
            Some(Err(error)) => return Err(error),
        }
    }
    cancelled.map_or(Ok(changesets), Err)
}

/// What a layer is called in messages.
fn label(blob: &BlobRef) -> String {
    match blob {
        BlobRef::Stored(descriptor) => descriptor.digest.to_string(),
        BlobRef::Member(name) => format!("`{}`", name.escape_debug()),
    }
}
