//! What the layers of one image have asked for together, held against the limits (rule 32).
//!
//! A module of its own because layers are read in parallel and a limit is on the image: the counts are shared, so that
//! a thousand layers cannot take a thousand times the memory of one.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::{Exceeded, Limit, Limits};

/// Bytes of names, link targets and directory headers that each allowed entry brings along; real ones need 30.
const BYTES_PER_ENTRY: u64 = 100;
/// What is always allowed of them.
const LEAST_BYTES: u64 = 64 << 20;
/// Past this, offsets into them would not fit.
const MOST_BYTES: u64 = u32::MAX as u64;

/// Counts over all layers of one image.
#[derive(Debug, Default)]
pub(super) struct Budget {
    limits: Limits,
    entries: AtomicU64,
    bytes: AtomicU64,
    sparse: AtomicU64,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// So many more members, or directories that are only implied.
    pub(super) fn entries(&self, count: u64) -> Result<(), Exceeded> {
        self.limits.check(Limit::Entries, add(&self.entries, count))
    }

    /// So many more bytes of names, link targets and directory headers, which stay in memory. They count as entries
    /// do: whoever allows more of those allows more of these.
    pub(super) fn bytes(&self, count: u64) -> Result<(), Exceeded> {
        let most = self.limits.entries.saturating_mul(BYTES_PER_ENTRY);
        if add(&self.bytes, count) > most.clamp(LEAST_BYTES, MOST_BYTES) {
            return Err(self.limits.exceeded(Limit::Entries));
        }
        Ok(())
    }

    /// One more sparse file, of that size when it is expanded.
    pub(super) fn sparse(&self, logical: u64) -> Result<(), Exceeded> {
        self.limits.check(Limit::Sparse, add(&self.sparse, logical))
    }
}

/// The sum with `count`. Sums of sizes that were checked one by one do not come near the end of the numbers.
fn add(sum: &AtomicU64, count: u64) -> u64 {
    sum.fetch_add(count, Ordering::Relaxed).saturating_add(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_by_the_entries_that_are_allowed() {
        for (entries, bytes) in [
            (10, LEAST_BYTES),
            (20_000_000, 2_000_000_000),
            (4_000_000_000, MOST_BYTES),
        ] {
            let budget = Budget::new(Limits::default().with(Limit::Entries, entries));
            assert!(budget.bytes(bytes).is_ok(), "{entries}");
            assert_eq!(budget.bytes(1).unwrap_err().limit, Limit::Entries);
        }
    }

    #[test]
    fn sparse_files_are_counted_together() {
        let budget = Budget::new(Limits::default().with(Limit::Sparse, 100));
        assert!(budget.sparse(60).is_ok() && budget.sparse(40).is_ok());
        assert_eq!(
            budget
                .sparse(1)
                .unwrap_err()
                .to_string()
                .matches("--max-sparse")
                .count(),
            1
        );
    }
}
