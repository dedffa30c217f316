//! Reads what the Go linker writes into a program: the path and the version of its main module.
//!
//! A module of its own because the blob's form is Go's and its place is not said anywhere that streams past in time: as
//! Go's own `debug/buildinfo` does, it is looked for in the segments that can be written. Go 1.18 and later have the text
//! in the blob; what came before points at it, and is not read. Of several blobs the first that is whole counts.

use std::cmp::Reverse;

use memchr::memmem::Finder;

use super::parts::{Beginning, Load, Loads};
use super::{Reader, name_and_version};
use crate::elf::Form;

/// What a blob begins with; 14 bytes, then the size of a pointer and flags, and it is padded to [`HEAD`].
const MAGIC: &[u8] = b"\xff Go buildinf:";
/// Bytes in front of the first string.
const HEAD: usize = 32;
/// The flag that says that the strings follow.
const IS_INLINE: u8 = 2;
/// What stands around the module information, each 16 bytes: `infoStart` and `infoEnd` of `cmd/go`.
const START: &[u8; 16] = b"\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6";
const END: &[u8; 16] = b"\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2";
/// Bytes of the version of Go, and of the module information, at most: a program of 1,000 modules has 100 KiB.
const MAX_VERSION: usize = 256;
const MAX_INFO: usize = 1 << 20;

/// A reader for an ELF program or library.
pub(super) fn begin(_path: &[u8], _size: u64, head: &[u8]) -> Option<Box<dyn Reader>> {
    let beginning = Beginning::new(Form::of_program(head)?);
    Some(Box::new(Go::Beginning(beginning)))
}

enum Go {
    Beginning(Beginning),
    Segments(Box<Segments>),
    Done(Option<Box<[u8]>>),
}

impl Reader for Go {
    fn read(&mut self, bytes: &[u8]) {
        match self {
            Self::Beginning(beginning) => {
                let (rest, loads) = beginning.read(bytes);
                let loads = match loads {
                    Loads::Unknown => return,
                    Loads::None => Vec::new(),
                    Loads::Found(loads) => loads,
                };
                let mut segments = Segments::new(loads);
                segments.read(&beginning.bytes);
                segments.read(rest);
                *self = Self::Segments(Box::new(segments));
            }
            Self::Segments(segments) if segments.is_done() => {
                *self = Self::Done(segments.hunt.found.take());
            }
            Self::Segments(segments) => segments.read(bytes),
            Self::Done(_) => {}
        }
    }

    fn end(self: Box<Self>) -> Option<Box<[u8]>> {
        match *self {
            Self::Done(found) => found,
            Self::Segments(segments) => segments.hunt.found,
            Self::Beginning(_) => None,
        }
    }
}

/// The segments that are searched, as they stream past.
struct Segments {
    /// Those that can be written and have not passed, the next one last.
    loads: Vec<Load>,
    position: u64,
    hunt: Hunt,
}

impl Segments {
    fn new(mut loads: Vec<Load>) -> Self {
        loads.retain(|load| load.is_writable);
        loads.sort_unstable_by_key(|load| Reverse(load.offset));
        Self {
            loads,
            position: 0,
            hunt: Hunt::new(),
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        let (begin, end) = (self.position, self.position + bytes.len() as u64);
        while let Some(load) = self.loads.last().copied() {
            // What segments share is searched once.
            let (from, to) = (load.offset.max(self.position), load.end().min(end));
            if let (true, Some(piece)) = (from < to, between(bytes, begin, from, to)) {
                self.hunt.read(piece);
                self.position = to;
            }
            if load.end() > end {
                break;
            }
            self.hunt.kept.clear();
            self.loads.pop();
        }
        self.position = end;
    }

    fn is_done(&self) -> bool {
        self.hunt.found.is_some() || self.loads.is_empty()
    }
}

/// The bytes between two positions of those that begin at `position`.
fn between(bytes: &[u8], position: u64, from: u64, to: u64) -> Option<&[u8]> {
    let at = |offset: u64| usize::try_from(offset.checked_sub(position)?).ok();
    bytes.get(at(from)?..at(to)?)
}

/// The search for a blob.
struct Hunt {
    finder: Finder<'static>,
    /// What may be a blob, as far as it has come.
    kept: Vec<u8>,
    found: Option<Box<[u8]>>,
}

/// What the beginning of a blob says.
enum Blob {
    /// So many bytes are needed to say more.
    Needs(usize),
    /// It is none.
    Not,
    /// It has this many bytes and is none all the same.
    Damaged,
    Found(Box<[u8]>),
}

impl Hunt {
    fn new() -> Self {
        Self {
            finder: Finder::new(MAGIC),
            kept: Vec::new(),
            found: None,
        }
    }

    fn read(&mut self, mut bytes: &[u8]) {
        while self.found.is_none() {
            if self.kept.is_empty() {
                let Some(at) = self.finder.find(bytes) else {
                    let cut = (1..MAGIC.len()).rev().find(|&cut| bytes.ends_with(&MAGIC[..cut]));
                    return self.kept.extend_from_slice(&MAGIC[..cut.unwrap_or(0)]);
                };
                bytes = &bytes[at..];
            }
            match blob(&self.kept) {
                Blob::Needs(total) => {
                    let missing = total - self.kept.len();
                    let (piece, rest) = bytes.split_at(bytes.len().min(missing));
                    self.kept.extend_from_slice(piece);
                    bytes = rest;
                    if piece.len() < missing {
                        return;
                    }
                }
                // Told by its first bytes: what follows the first of them is looked at again.
                Blob::Not => {
                    let kept = std::mem::take(&mut self.kept);
                    self.read(&kept[1..]);
                }
                Blob::Damaged => self.kept.clear(),
                Blob::Found(value) => self.found = Some(value),
            }
        }
    }
}

/// Looks at what begins like a blob. A string is a length, seven bits a byte, and so many bytes.
fn blob(bytes: &[u8]) -> Blob {
    if !MAGIC.starts_with(&bytes[..bytes.len().min(MAGIC.len())]) {
        return Blob::Not;
    }
    if bytes.len() < HEAD {
        return Blob::Needs(HEAD);
    }
    if bytes[15] & IS_INLINE == 0 {
        return Blob::Not;
    }
    let (length, used) = match length(&bytes[HEAD..]) {
        Ok(found) => found,
        Err(other) => return other.behind(HEAD),
    };
    let second = HEAD + used + length;
    if length == 0 || length > MAX_VERSION {
        return Blob::Not;
    }
    if bytes.len() <= second {
        return Blob::Needs(second + 1);
    }
    let (length, used) = match self::length(&bytes[second..]) {
        Ok(found) => found,
        Err(other) => return other.behind(second),
    };
    let begin = second + used;
    if !(START.len() + END.len()..=MAX_INFO).contains(&length) {
        return Blob::Not;
    }
    if bytes.len() < begin + START.len() {
        return Blob::Needs(begin + START.len());
    }
    if !bytes[begin..].starts_with(START) {
        return Blob::Not;
    }
    if bytes.len() < begin + length {
        return Blob::Needs(begin + length);
    }
    let info = bytes[begin + START.len()..begin + length].strip_suffix(END);
    info.and_then(main_module).map_or(Blob::Damaged, Blob::Found)
}

/// Why there is no length.
enum NoLength {
    TooShort(usize),
    TooLarge,
}

impl NoLength {
    fn behind(self, at: usize) -> Blob {
        match self {
            Self::TooShort(needed) => Blob::Needs(at + needed),
            Self::TooLarge => Blob::Not,
        }
    }
}

/// A length and the bytes that it takes; at most 28 bits, since nothing that long is read.
fn length(bytes: &[u8]) -> Result<(usize, usize), NoLength> {
    let mut length = 0;
    for at in 0..4 {
        let byte = bytes.get(at).ok_or(NoLength::TooShort(at + 1))?;
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok((length, at + 1));
        }
    }
    Err(NoLength::TooLarge)
}

/// `mod PATH VERSION SUM`, tabs between; without it, as where Go knew no modules, the package: `path PATH`.
fn main_module(info: &[u8]) -> Option<Box<[u8]>> {
    let info = std::str::from_utf8(info).ok()?;
    let field = |key: &str| {
        let found = |line: &'_ str| line.strip_prefix(key)?.strip_prefix('\t').map(str::to_owned);
        info.lines().find_map(found)
    };
    let Some(module) = field("mod") else {
        return name_and_version(&field("path").filter(|path| path != UNNAMED)?, "");
    };
    let mut words = module.split('\t');
    let (name, version) = (words.next()?, words.next().unwrap_or_default());
    name_and_version(name, if version == "(devel)" { "" } else { version })
}

/// What `go build` calls a program that is built from files and not from a package.
const UNNAMED: &str = "command-line-arguments";

#[cfg(test)]
pub(super) mod tests {
    use super::super::parts::tests::program;
    use super::super::tests::read_in_pieces;
    use super::*;

    /// A blob as Go 1.18 and later write it.
    fn blob_of(info: &str) -> Vec<u8> {
        let mut blob = [MAGIC, b"\x08\x02", &[0; 16]].concat();
        blob.extend(b"\x08go1.22.1");
        let length = info.len() + 32;
        blob.extend([(length & 0x7f) as u8 | 0x80, (length >> 7) as u8]);
        [&blob, &START[..], info.as_bytes(), &END[..]].concat()
    }

    const INFO: &str = "path\texample.org/a/cmd/a\nmod\texample.org/a\tv1.2.3\th1:x=\ndep\tb.org/b\tv0.1.0\th1:y=\nbuild\t-compiler=gc\n";

    fn read(file: &[u8], piece: usize) -> Option<String> {
        let value = read_in_pieces(begin, "x", file, piece)?;
        Some(String::from_utf8(value.into()).unwrap())
    }

    #[test]
    fn the_main_module_is_found_wherever_it_stands() {
        let good = blob_of(INFO);
        let pointers = [MAGIC, b"\x08\x00", &[7; 16]].concat();
        for (what, data) in [
            ("at once", good.clone()),
            ("later", [&[0; 5000], &good[..], &[1; 77]].concat()),
            ("behind what looks like one", [MAGIC, b"\xff Go ", &good].concat()),
            ("behind one with pointers", [&pointers[..], &good].concat()),
            (
                "behind one that is damaged",
                [&good[..good.len() - 1], b"x", &good].concat(),
            ),
            (
                "before another",
                [good.clone(), blob_of("mod\tother\tv9\n")].concat(),
            ),
        ] {
            for (loads, is_there) in [
                ([(true, &data[..]), (false, b"tail")], true),
                ([(false, b"text"), (true, &data)], true),
                ([(false, &data), (true, b"other")], false),
            ] {
                let file = program(&loads, b"");
                for piece in [1, 7, 4096, 1 << 20] {
                    let want = is_there.then_some("example.org/a\nv1.2.3");
                    assert_eq!(
                        read(&file, piece).as_deref(),
                        want,
                        "{what}, in pieces of {piece}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_the_information_says() {
        for (info, want) in [
            (INFO, Some("example.org/a\nv1.2.3")),
            ("mod\ta\t(devel)\t\n", Some("a\n")),
            ("mod\ta\n", Some("a\n")),
            ("path\texample.org/b\nbuild\tx=y\n", Some("example.org/b\n")),
            ("path\tcommand-line-arguments\n", None),
            ("mod\t\tv1\n", None),
            ("mod\ta\rb\tv1\n", None),
            ("build\tx=y\n", None),
            ("", None),
        ] {
            let file = program(&[(true, &blob_of(info))], b"");
            assert_eq!(read(&file, 100).as_deref(), want, "{info:?}");
        }
    }

    #[test]
    fn whatever_is_damaged_ends() {
        let good = program(&[(true, &blob_of(INFO)[..])], b"");
        for at in 0..good.len() {
            let _ = read(&good[..at], 64);
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut file = good.clone();
                file[at] = byte;
                assert!(read(&file, 64).is_none_or(|value| value.len() < 1000), "{at}");
            }
        }
        // Every candidate asks for a mebibyte.
        let mut greedy = [MAGIC, b"\x08\x02", &[0; 16], b"\x01g\xff\xff\x3f", START].concat();
        greedy.resize(80, 0);
        assert_eq!(
            read(&program(&[(true, &greedy.repeat(100_000))], b""), 1 << 20),
            None
        );
    }

    #[test]
    fn programs_of_this_machine() {
        for (path, name) in [
            ("/usr/bin/skopeo", "github.com/containers/skopeo"),
            ("/usr/bin/umoci", "github.com/opencontainers/umoci"),
        ] {
            let Ok(file) = std::fs::read(path) else {
                eprintln!("skipped: there is no {path}");
                continue;
            };
            let found = read(&file, 1 << 16).unwrap();
            assert!(found.starts_with(name), "{path}: {found}");
        }
    }
}
