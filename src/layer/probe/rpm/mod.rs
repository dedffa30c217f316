//! rpm's database: the three forms that it had, read down to what the packages are called and which files they brought.
//!
//! A probe of its own, not a captured file, because of its size: it holds all that a package's header says, change logs
//! and scripts too, and every layer that installs a package brings it whole. What is left of it here is a small part.
//! Nothing in it is believed: each page is read once, no more bytes are gathered than the file has, and of what is
//! damaged is kept what could be read.
//!
//! The fact is a row of words, each a letter, its text and a zero byte: `P` name, `V` version and `A` architecture of a
//! package, then `D` a directory and `F` each file in it, as often as there are such.

mod bdb;
mod header;
mod ndb;
mod sqlite;
#[cfg(test)]
mod tests;

use super::Reader;
use super::capture::Capture;

/// Bytes of a database, at most: one of 2,000 packages has as many.
const MAX_BYTES: u64 = 128 << 20;
/// Bytes of the header of one package, and of what is left of all of them, at most: a kernel's header has 3 MB.
const MAX_HEADER: usize = 16 << 20;
const MAX_WORDS: usize = 32 << 20;

/// Where rpm keeps its database: of old, since Fedora 36 and SUSE 15, and under rpm-ostree.
const PLACES: &[&[u8]] = &[b"var/lib/rpm/", b"usr/lib/sysimage/rpm/", b"usr/share/rpm/"];

/// What to do with the header of each package.
type Tell<'t> = &'t mut dyn FnMut(&[u8]);

/// Reads the headers that a file holds; `None` where it ends earlier than it says.
type Form = fn(file: &[u8], tell: Tell<'_>) -> Option<()>;

/// Name, where its first bytes say what it is, what they are, and its reader.
type Row = (&'static [u8], usize, &'static [u8], Form);

#[rustfmt::skip] // a table
const FORMS: &[Row] = &[
    (b"rpmdb.sqlite", 0, b"SQLite format 3\0", sqlite::headers),
    (b"Packages.db", 0, b"RpmP", ndb::headers),
    (b"Packages", 12, &[0x61, 0x15, 0x06, 0x00], bdb::headers::<Little>),
    (b"Packages", 12, &[0x00, 0x06, 0x15, 0x61], bdb::headers::<Big>),
];

/// A reader for a database in its place.
pub(super) fn begin(path: &[u8], size: u64, head: &[u8]) -> Option<Box<dyn Reader>> {
    let form = form(path, head)?;
    let most = usize::try_from(size).ok().filter(|_| size <= MAX_BYTES)?;
    Some(Box::new(Database {
        capture: Capture::new(most),
        form,
    }))
}

fn form(path: &[u8], head: &[u8]) -> Option<Form> {
    let name = PLACES.iter().find_map(|place| path.strip_prefix(*place))?;
    let is_it = |(called, at, magic, _): &&Row| {
        *called == name && head.get(*at..).is_some_and(|head| head.starts_with(magic))
    };
    FORMS.iter().find(is_it).map(|(.., form)| *form)
}

/// Keeps a database until it is read.
struct Database {
    capture: Capture,
    form: Form,
}

impl Reader for Database {
    fn read(&mut self, bytes: &[u8]) {
        self.capture.read(bytes);
    }

    fn end(self: Box<Self>) -> Option<Box<[u8]>> {
        let mut words = Vec::new();
        let mut write = |header: &[u8]| {
            if header.len() <= MAX_HEADER && words.len() <= MAX_WORDS {
                header::write(header, &mut words);
            }
        };
        // Whether or not the database ends too early: what could be read counts.
        let _ = (self.form)(self.capture.bytes(), &mut write);
        (!words.is_empty()).then(|| words.into())
    }
}

/// The order of the bytes of numbers.
trait Order {
    fn of_two(bytes: [u8; 2]) -> u16;
    fn of_four(bytes: [u8; 4]) -> u32;

    fn two(bytes: &[u8], at: usize) -> Option<usize> {
        let number = bytes.get(at..)?.first_chunk()?;
        Some(usize::from(Self::of_two(*number)))
    }

    fn four(bytes: &[u8], at: usize) -> Option<usize> {
        let number = bytes.get(at..)?.first_chunk()?;
        usize::try_from(Self::of_four(*number)).ok()
    }
}

struct Little;

impl Order for Little {
    fn of_two(bytes: [u8; 2]) -> u16 {
        u16::from_le_bytes(bytes)
    }

    fn of_four(bytes: [u8; 4]) -> u32 {
        u32::from_le_bytes(bytes)
    }
}

struct Big;

impl Order for Big {
    fn of_two(bytes: [u8; 2]) -> u16 {
        u16::from_be_bytes(bytes)
    }

    fn of_four(bytes: [u8; 4]) -> u32 {
        u32::from_be_bytes(bytes)
    }
}

/// A file in pages, and what may be read of it: so every walk ends, wherever the pages lead.
struct Pages<'a> {
    file: &'a [u8],
    size: usize,
    seen: Vec<bool>,
    /// Bytes that may still be gathered: no two values share any.
    left: usize,
}

impl<'a> Pages<'a> {
    /// `size` is that of a page, and not zero.
    fn new(file: &'a [u8], size: usize) -> Self {
        Self {
            file,
            size,
            seen: vec![false; file.len() / size],
            left: file.len(),
        }
    }

    /// A page, counted from zero; `None` for one that is not there, and for one that was taken before.
    fn take(&mut self, number: usize) -> Option<&'a [u8]> {
        let seen = self.seen.get_mut(number).filter(|seen| !**seen)?;
        *seen = true;
        self.file.get(number * self.size..)?.get(..self.size)
    }

    /// Allows for a value of so many bytes, which are more than there can be for `None`.
    fn spend(&mut self, bytes: usize) -> Option<()> {
        // A row is a little longer than the header in it.
        (bytes <= MAX_HEADER + 64).then_some(())?;
        self.left = self.left.checked_sub(bytes)?;
        Some(())
    }
}
