//! ndb, SUSE's `Packages.db`: pages of slots, and in each slot where a header lies.
//!
//! Of its own as each form is. Spec: `lib/backend/ndb/rpmpkg.c` in rpm; numbers are little-endian. A file begins with
//! `RpmP`, a version, a generation and how many pages of 4,096 bytes hold slots. Of the first of them the first 32
//! bytes are that beginning. A slot is `Slot`, the package's number, and the first of its blocks of 16 bytes, zero for
//! a free slot. There stand `BlbS`, the same number, a time, the length, and the header.

use super::{Little, Order, Tell};

const SLOT: usize = 16;
const BLOCK: usize = 16;
const PAGE: usize = 4096;
/// Bytes before the first slot.
const START: usize = 32;

/// Tells the header of each package.
pub(super) fn headers(file: &[u8], tell: Tell<'_>) -> Option<()> {
    let slots = Little::four(file, 12)?.checked_mul(PAGE)?.min(file.len());
    let slots = file.get(START..slots)?.chunks_exact(SLOT);
    // Headers do not share bytes.
    let mut left = file.len();
    for slot in slots.filter(|slot| slot.starts_with(b"Slot")) {
        let header = header(file, slot).filter(|header| header.len() <= left);
        if let Some(header) = header {
            left -= header.len();
            tell(header);
        }
    }
    Some(())
}

fn header<'a>(file: &'a [u8], slot: &[u8]) -> Option<&'a [u8]> {
    let block = Little::four(slot, 8).filter(|block| *block != 0)?;
    let (head, rest) = file.get(block.checked_mul(BLOCK)?..)?.split_at_checked(16)?;
    let is_ours = head.starts_with(b"BlbS") && head[4..8] == slot[4..8];
    rest.get(..Little::four(head, 12)?).filter(|_| is_ours)
}
