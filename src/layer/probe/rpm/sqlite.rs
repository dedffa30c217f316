//! `rpmdb.sqlite`: one table of a database, read without `SQLite`.
//!
//! Of its own as each form is; why it is our own reader stands in `docs/decisions.md`. Spec: "Database File Format" in
//! `SQLite`'s documentation. Numbers are big-endian. The first page is the root of the table of tables, which says where
//! that of `Packages` is; a leaf of a table holds rows, and a row that is too long for it goes on in a chain of pages.
//! What a write-ahead log beside the file holds is not read: rpm leaves an empty one.

use std::borrow::Cow;

use super::{Big, Order, Pages, Tell};

const INTERIOR: u8 = 5;
const LEAF: u8 = 13;
/// Bytes of the file's own header, on the first page before the page's.
const FILE_HEAD: usize = 100;

/// Tells the header of each package.
pub(super) fn headers(file: &[u8], tell: Tell<'_>) -> Option<()> {
    let size = match Big::two(file, 16)? {
        1 => 65536,
        size => Some(size).filter(|size| *size >= 512 && size.is_power_of_two())?,
    };
    let usable = size - usize::from(*file.get(20)?);
    let mut database = Database {
        pages: Pages::new(file, size),
        usable: Some(usable).filter(|usable| *usable >= 480)?,
    };
    let mut root = None;
    database.rows(1, &mut |row| {
        if (column(row, 0), column(row, 1)) == (Some(b"table"), Some(b"Packages")) {
            root = root.or(column(row, 3).and_then(number));
        }
    });
    // `hnum`, which is the row's own number and not stored again, and `blob`.
    database.rows(root?, &mut |row| column(row, 1).into_iter().for_each(&mut *tell));
    Some(())
}

struct Database<'a> {
    pages: Pages<'a>,
    /// Bytes of a page that are used.
    usable: usize,
}

impl<'a> Database<'a> {
    /// Tells each row of the table with this root, in its order.
    fn rows(&mut self, root: usize, tell: Tell<'_>) {
        let mut ahead = vec![root];
        while let Some(number) = ahead.pop() {
            // Pages are counted from one.
            let page = number.checked_sub(1).and_then(|number| self.pages.take(number));
            let Some(page) = page.and_then(|page| page.get(..self.usable)) else {
                continue;
            };
            let head = &page[if number == 1 { FILE_HEAD } else { 0 }..];
            let count = Big::two(head, 3).unwrap_or_default();
            let cells = |from: usize| {
                let places = head[from..].chunks_exact(2).take(count);
                places.filter_map(|place| page.get(Big::two(place, 0)?..))
            };
            match head[0] {
                INTERIOR => {
                    ahead.extend(Big::four(head, 8));
                    let from = ahead.len();
                    ahead.extend(cells(12).filter_map(|cell| Big::four(cell, 0)));
                    ahead[from..].reverse();
                }
                LEAF => {
                    for cell in cells(8) {
                        if let Some(row) = self.row(cell) {
                            tell(&row);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// A cell: the row's length, its number, as much of it as the spec lets stand here, and the first page of the rest.
    fn row(&mut self, cell: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let (length, rest) = varint(cell)?;
        let (_, rest) = varint(rest)?;
        let length = usize::try_from(length).ok()?;
        self.pages.spend(length)?;
        let most = self.usable - 35;
        if length <= most {
            return rest.get(..length).map(Cow::Borrowed);
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let even = least + (length - least) % (self.usable - 4);
        let here = if even <= most { even } else { least };
        let (here, rest) = rest.split_at_checked(here)?;
        let (mut row, mut next) = (here.to_vec(), Big::four(rest, 0)?);
        while row.len() < length {
            let page = self.pages.take(next.checked_sub(1)?)?;
            next = Big::four(page, 0)?;
            let page = page.get(4..self.usable)?;
            row.extend_from_slice(page.get(..length - row.len()).unwrap_or(page));
        }
        Some(Cow::Owned(row))
    }
}

/// The value of a column: a row is the length of its head, in the head the type of each column, then the values.
fn column(row: &[u8], at: usize) -> Option<&[u8]> {
    let (length, mut types) = varint(row)?;
    let (head, mut values) = row.split_at_checked(usize::try_from(length).ok()?)?;
    types = types.get(..types.len().checked_sub(row.len() - head.len())?)?;
    for before in 0.. {
        let (kind, rest) = varint(types)?;
        let width = match kind {
            0..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            8..=11 => 0,
            _ => (kind - 12) / 2,
        };
        let (value, behind) = values.split_at_checked(usize::try_from(width).ok()?)?;
        if before == at {
            return Some(value);
        }
        (types, values) = (rest, behind);
    }
    None
}

/// A page's number.
fn number(value: &[u8]) -> Option<usize> {
    let join = |number: usize, byte: &u8| number << 8 | usize::from(*byte);
    (1..=4).contains(&value.len()).then(|| value.iter().fold(0, join))
}

/// Seven bits a byte while the highest is set; the ninth byte has eight. And what is behind it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        if at == 8 {
            return Some((number << 8 | u64::from(*byte), &bytes[9..]));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[at + 1..]));
        }
    }
    None
}
