//! The header of a package: a table of tags, and the values that they point to.
//!
//! Of its own because all forms of the database hold the same headers. Spec: "RPM V4 Package format" in rpm's manual,
//! its header without the eight bytes before it; the tags are those of `rpmtag.h`. A tag that stands twice counts as it
//! stands last: what rpm adds when it installs a package is behind what was signed.

use std::iter::repeat;

use super::{Big, Order};

const NAME: usize = 1000;
const VERSION: usize = 1001;
const RELEASE: usize = 1002;
const EPOCH: usize = 1003;
const ARCH: usize = 1022;
/// Whole paths, as packages had them before rpm 4.
const OLD_FILE_NAMES: usize = 1027;
const FILE_STATES: usize = 1029;
const FILE_MODES: usize = 1030;
const FILE_FLAGS: usize = 1037;
const DIRECTORY_INDEXES: usize = 1116;
const BASE_NAMES: usize = 1117;
const DIRECTORY_NAMES: usize = 1118;

/// `RPM_INT16_TYPE` and the like.
const TWO_BYTES: usize = 3;
const FOUR_BYTES: usize = 4;
const TEXT: usize = 6;
const TEXTS: usize = 8;
const TRANSLATED: usize = 9;

/// Bytes of a name, a version or the like, at most: what has more is none.
const MAX_TEXT: usize = 512;
/// Files and directories of one package, at most: large ones have 100,000.
const MAX_FILES: usize = 1 << 20;

/// The path is the package's, and what is there comes from elsewhere: a log, a cache.
const GHOST: u32 = 1 << 6;
const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;

/// Appends a package and its files, as the module above says; nothing for a header that is no package's. Its length is
/// in proportion to the header's.
pub(super) fn write(blob: &[u8], words: &mut Vec<u8>) {
    let Some(header) = Header::of(blob) else {
        return;
    };
    // Keys that signatures are checked with are kept as packages of this name.
    let Some(name) = header
        .text(NAME)
        .filter(|name| !matches!(*name, b"" | b"gpg-pubkey"))
    else {
        return;
    };
    word(words, b'P', &[name]);
    let epoch = header.numbers(EPOCH, FOUR_BYTES).next();
    let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let version = header.text(VERSION).unwrap_or_default();
    match header.text(RELEASE) {
        Some(release) => word(words, b'V', &[epoch.as_bytes(), version, b"-", release]),
        None => word(words, b'V', &[epoch.as_bytes(), version]),
    }
    if let Some(arch) = header.text(ARCH) {
        word(words, b'A', &[arch]);
    }
    let mut last = None;
    for (directory, name) in header.files() {
        // The same bytes in the same place, not only equal ones: comparing long ones over and over takes its time.
        if last.replace(directory.as_ptr_range()) != Some(directory.as_ptr_range()) {
            word(words, b'D', &[directory]);
        }
        word(words, b'F', &[name]);
    }
}

fn word(words: &mut Vec<u8>, letter: u8, parts: &[&[u8]]) {
    words.push(letter);
    for part in parts {
        words.extend_from_slice(part);
    }
    words.push(0);
}

/// The entries of the table, 16 bytes each, and the values.
#[derive(Clone, Copy)]
struct Header<'a> {
    entries: &'a [u8],
    values: &'a [u8],
}

impl<'a> Header<'a> {
    /// How many entries, how many bytes of values, the entries, the values.
    fn of(blob: &'a [u8]) -> Option<Self> {
        let (count, length) = (Big::four(blob, 0)?, Big::four(blob, 4)?);
        let (entries, values) = blob.get(8..)?.split_at_checked(count.checked_mul(16)?)?;
        let values = values.get(..length)?;
        Some(Self { entries, values })
    }

    /// The value of a tag, if it has one of these types, and how many there are of it.
    fn find(self, tag: usize, types: &[usize]) -> Option<(&'a [u8], usize)> {
        let mut entries = self.entries.rchunks_exact(16);
        let entry = entries.find(|entry| Big::four(entry, 0) == Some(tag))?;
        types.contains(&Big::four(entry, 4)?).then_some(())?;
        Some((self.values.get(Big::four(entry, 8)?..)?, Big::four(entry, 12)?))
    }

    /// The first text of a tag.
    fn text(self, tag: usize) -> Option<&'a [u8]> {
        let (value, _) = self.find(tag, &[TEXT, TEXTS, TRANSLATED])?;
        let text = value.split(|&b| b == 0).next()?;
        (text.len() <= MAX_TEXT).then_some(text)
    }

    fn texts(self, tag: usize) -> impl Iterator<Item = &'a [u8]> {
        let (value, count) = self.find(tag, &[TEXT, TEXTS]).unwrap_or_default();
        value.split(|&b| b == 0).take(count)
    }

    fn numbers(self, tag: usize, kind: usize) -> impl Iterator<Item = u32> {
        let (value, count) = self.find(tag, &[kind]).unwrap_or_default();
        let width = if kind == TWO_BYTES { 2 } else { 4 };
        let join = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |number, &byte| number << 8 | u32::from(byte))
        };
        value.chunks_exact(width).take(count).map(join)
    }

    /// Directory and name of every file that the package brought, those of one directory together: no directories, no
    /// ghosts, and nothing that another package replaced or that was left out (`rpmfileState`).
    fn files(self) -> Vec<(&'a [u8], &'a [u8])> {
        let flags = self.numbers(FILE_FLAGS, FOUR_BYTES).chain(repeat(0));
        let modes = self.numbers(FILE_MODES, TWO_BYTES).chain(repeat(0));
        let (states, count) = self.find(FILE_STATES, &[1, 2]).unwrap_or_default();
        let states = states.iter().copied().take(count).chain(repeat(0));
        let mut is_brought = flags.zip(modes).zip(states).map(|((flags, mode), state)| {
            flags & GHOST == 0 && mode & KIND != DIRECTORY && !matches!(state, 1..=4)
        });
        let mut keep = move || is_brought.next().unwrap_or_default();
        if self.find(BASE_NAMES, &[TEXT, TEXTS]).is_none() {
            let paths = self.texts(OLD_FILE_NAMES).take(MAX_FILES).filter(|_| keep());
            return paths.filter_map(split).collect();
        }
        let directories: Vec<_> = self.texts(DIRECTORY_NAMES).take(MAX_FILES).collect();
        let places = self.numbers(DIRECTORY_INDEXES, FOUR_BYTES);
        let mut files: Vec<_> = places
            .zip(self.texts(BASE_NAMES))
            .take(MAX_FILES)
            .filter(|(_, name)| keep() && !name.is_empty())
            .collect();
        files.sort_by_key(|(place, _)| *place);
        let place = |(place, name): (u32, _)| Some((*directories.get(place as usize)?, name));
        files.into_iter().filter_map(place).collect()
    }
}

/// The directory of a path, and its name.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let cut = path.iter().rposition(|&b| b == b'/')? + 1;
    path.split_at_checked(cut).filter(|(_, name)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with these tags: number, type, count and value.
    fn blob(tags: &[(usize, usize, usize, &[u8])]) -> Vec<u8> {
        let (mut entries, mut values) = (Vec::new(), Vec::new());
        for (tag, kind, count, value) in tags {
            for number in [*tag, *kind, values.len(), *count] {
                entries.extend_from_slice(&(number as u32).to_be_bytes());
            }
            values.extend_from_slice(value);
        }
        let sizes = [tags.len() as u32, values.len() as u32].map(u32::to_be_bytes);
        [&sizes.concat()[..], &entries, &values].concat()
    }

    #[test]
    fn what_headers_say() {
        let name = (NAME, TEXT, 1, &b"a\0"[..]);
        let paths = (OLD_FILE_NAMES, TEXTS, 3, &b"/usr/bin/x\0y\0/z\0"[..]);
        let names = (BASE_NAMES, TEXTS, 4, &b"x\0y\0\0z\0"[..]);
        let directories = (DIRECTORY_NAMES, TEXTS, 2, &b"/a/\0/b/\0"[..]);
        let places = |bytes: &'static [u8]| (DIRECTORY_INDEXES, FOUR_BYTES, 4, bytes);
        let spread = places(b"\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01");
        let long = [b'a'; MAX_TEXT + 1];
        for (tags, want) in [
            (&[name][..], "Pa;V;"),
            (
                &[name, (VERSION, TEXT, 1, b"1\0"), (RELEASE, TEXT, 1, b"2")],
                "Pa;V1-2;",
            ),
            (
                &[name, (VERSION, TEXT, 1, b"1\0"), (EPOCH, FOUR_BYTES, 1, &[0; 4])],
                "Pa;V0:1;",
            ),
            // An epoch of another type, and one that is cut off.
            (
                &[
                    name,
                    (EPOCH, TWO_BYTES, 1, &[0; 4]),
                    (EPOCH, FOUR_BYTES, 1, &[0; 2]),
                ],
                "Pa;V;",
            ),
            (&[(NAME, TEXT, 1, b"gpg-pubkey\0")], ""),
            (&[(NAME, TEXT, 1, &long)], ""),
            (&[(VERSION, TEXT, 1, b"1\0")], ""),
            // The last one counts.
            (&[(NAME, TEXT, 1, b"b\0"), name], "Pa;V;"),
            (&[name, paths], "Pa;V;D/usr/bin/;Fx;D/;Fz;"),
            (&[name, names, directories, spread], "Pa;V;D/a/;Fy;D/b/;Fx;Fz;"),
            (
                &[
                    name,
                    names,
                    directories,
                    places(b"\0\0\0\x02\xff\xff\xff\xff\0\0\0\0"),
                ],
                "Pa;V;",
            ),
            (
                &[name, names, directories, spread, (FILE_STATES, 2, 2, &[1, 2])],
                "Pa;V;D/b/;Fz;",
            ),
            (
                &[
                    name,
                    names,
                    directories,
                    spread,
                    (FILE_MODES, TWO_BYTES, 1, &[0x41, 0xed]),
                ],
                "Pa;V;D/a/;Fy;D/b/;Fz;",
            ),
            (
                &[name, paths, (FILE_FLAGS, FOUR_BYTES, 1, &[0, 0, 0, 0x50])],
                "Pa;V;D/;Fz;",
            ),
        ] {
            let mut words = Vec::new();
            write(&blob(tags), &mut words);
            let words = String::from_utf8(words).unwrap().replace('\0', ";");
            assert_eq!(words, want, "{tags:?}");
        }
    }

    #[test]
    fn headers_that_are_cut_off_or_lie_say_nothing() {
        let whole = blob(&[(NAME, TEXT, 1, b"a\0"), (VERSION, TEXT, 1, b"1\0")]);
        let said = |blob: &[u8]| {
            let mut words = Vec::new();
            write(blob, &mut words);
            words
        };
        assert_eq!(said(&whole), b"Pa\0V1\0");
        for length in 0..whole.len() {
            assert_eq!(said(&whole[..length]), b"", "{length}");
        }
        for at in 0..8 {
            let mut lie = whole.clone();
            lie[at] = 0xff;
            assert_eq!(said(&lie), b"", "{at}");
        }
    }
}
