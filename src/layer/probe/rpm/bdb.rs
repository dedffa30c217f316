//! Berkeley DB, `Packages` of old: a hash table in pages, with each header in a chain of pages of its own.
//!
//! Of its own as each form is. Spec: `db_page.h` in Berkeley DB; `lib/backend/bdb_ro.c` in rpm reads the same. Numbers
//! are in the order of the machine that wrote them. Where a key hashes to does not matter here: every page is looked
//! at, in the order of the file, and those of the table hold pairs of key and value. A page that was freed is of another
//! type. One value is no header but a number, that of the last package.

use std::borrow::Cow;

use super::{Order, Pages, Tell};

/// Bytes before the table of places of a page.
const HEAD: usize = 26;
/// Types of pages: of the hash table, sorted or not, and of what does not fit there.
const UNSORTED: u8 = 2;
const SORTED: u8 = 13;
const OVERFLOW: u8 = 7;
/// Types of items: the bytes themselves, or a page and a length.
const INLINE: u8 = 1;
const ELSEWHERE: u8 = 3;

/// Tells the header of each package.
pub(super) fn headers<O: Order>(file: &[u8], tell: Tell<'_>) -> Option<()> {
    let size = O::four(file, 20).filter(|size| size.is_power_of_two() && (512..=65536).contains(size))?;
    let mut pages = Pages::new(file, size);
    for page in file.chunks_exact(size).skip(1) {
        if !matches!(page[25], UNSORTED | SORTED) {
            continue;
        }
        let places = page[HEAD..].chunks_exact(4).take(O::two(page, 20)? / 2);
        for pair in places {
            if let Some(value) = value::<O>(page, pair, &mut pages) {
                tell(&value);
            }
        }
    }
    Some(())
}

/// The value of a pair, which ends where its key begins.
fn value<'a, O: Order>(page: &'a [u8], pair: &[u8], pages: &mut Pages<'a>) -> Option<Cow<'a, [u8]>> {
    let item = page.get(O::two(pair, 2)?..O::two(pair, 0)?)?;
    match *item.first()? {
        INLINE => {
            pages.spend(item.len())?;
            Some(Cow::Borrowed(&item[1..]))
        }
        ELSEWHERE => {
            let (first, length) = (O::four(item, 4)?, O::four(item, 8)?);
            pages.spend(length)?;
            chain::<O>(first, length, pages).map(Cow::Owned)
        }
        _ => None,
    }
}

/// So many bytes, in a chain of pages.
fn chain<O: Order>(mut next: usize, length: usize, pages: &mut Pages<'_>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let page = pages.take(next).filter(|page| page[25] == OVERFLOW)?;
        let here = page[HEAD..].get(..O::two(page, 22)?)?;
        bytes.extend_from_slice(here.get(..length - bytes.len()).unwrap_or(here));
        next = O::four(page, 16)?;
    }
    Some(bytes)
}
