//! Reads what cargo-auditable writes into a program: the package that it was built from.
//!
//! A module of its own because its section, `.dep-v0`, is found by a table at the end of the file, when the section has
//! passed already. It is never loaded, so linkers put it behind the loaded segments: at once, or behind the debug
//! information, in front of the symbols. Those two places are kept, within bounds; in a program with more debug
//! information or symbols than that it is not found. It is known by what it holds, since the names of sections may stand
//! anywhere: zlib, and in it JSON with `packages`, one of which is the root.

use std::borrow::Cow;
use std::io::Read as _;

use flate2::read::ZlibDecoder;
use serde::Deserialize;

use super::parts::{Beginning, Loads, Part};
use super::{Reader, name_and_version};
use crate::elf::Form;

/// Bytes behind the loaded segments, and bytes of the file's end, that are kept.
const MAX_FRONT: u64 = 1 << 20;
const MAX_BACK: u64 = 4 << 20;
/// Sections that begin like zlib and are tried.
const MAX_TRIED: usize = 2;
/// Bytes of the JSON: so many times those of the section, where real ones have 3 to 6 times as many, and never more than
/// [`MAX_JSON`]; 1,000 packages have 100 KiB.
const MAX_RATIO: u64 = 20;
const MAX_JSON: u64 = 2 << 20;

const SHT_PROGBITS: u64 = 1;
/// `SHF_ALLOC`, and `SHF_COMPRESSED`, which has a header of its own.
const SHF_OTHER: u64 = 0x802;

/// A reader for an ELF program or library.
pub(super) fn begin(_path: &[u8], size: u64, head: &[u8]) -> Option<Box<dyn Reader>> {
    let beginning = Beginning::new(Form::of_program(head)?);
    Some(Box::new(Rust {
        beginning,
        size,
        position: 0,
        kept: None,
    }))
}

struct Rust {
    beginning: Beginning,
    size: u64,
    position: u64,
    /// What follows the loaded segments, and the end of the file; once it is known where that is.
    kept: Option<[Part; 2]>,
}

impl Rust {
    fn keep(&mut self, bytes: &[u8]) {
        for part in self.kept.iter_mut().flatten() {
            part.feed(self.position, bytes);
        }
        self.position += bytes.len() as u64;
    }

    /// The part of the file at `offset`, where it was kept.
    fn slice(&self, offset: u64, length: u64) -> Option<&[u8]> {
        let parts = self.kept.iter().flatten();
        parts.into_iter().find_map(|part| part.get(offset, length))
    }

    fn section_table(&self) -> Option<(u64, &[u8])> {
        let (form, head) = (self.beginning.form, self.beginning.bytes.as_slice());
        let offset = form.address(head, 32, 40)?;
        let (size, count, least) = if form.is_64 { (58, 60, 64) } else { (46, 48, 40) };
        let (size, count) = (form.number(head, size, 2)?, form.number(head, count, 2)?);
        let table = self.slice(offset, size * count)?;
        (size >= least).then_some((size, table))
    }

    /// What the section says of the package.
    fn package(&self) -> Option<Box<[u8]>> {
        let (size, table) = self.section_table()?;
        let headers = table.chunks_exact(usize::try_from(size).ok()?);
        headers
            .filter_map(|header| self.section(header))
            .filter(|section| is_zlib(section))
            .take(MAX_TRIED)
            .find_map(root_package)
    }

    /// A section that is not loaded.
    fn section(&self, header: &[u8]) -> Option<&[u8]> {
        let form = self.beginning.form;
        let flags = form.address(header, 8, 8)?;
        let is_plain = form.number(header, 4, 4)? == SHT_PROGBITS && flags & SHF_OTHER == 0;
        let (offset, length) = (form.address(header, 16, 24)?, form.address(header, 20, 32)?);
        self.slice(offset, length).filter(|_| is_plain)
    }
}

impl Reader for Rust {
    fn read(&mut self, bytes: &[u8]) {
        if self.kept.is_some() {
            return self.keep(bytes);
        }
        let (rest, loads) = self.beginning.read(bytes);
        let behind = match loads {
            Loads::Unknown => return,
            Loads::None => self.size,
            Loads::Found(loads) => loads.iter().map(|load| load.end()).max().unwrap_or(self.size),
        };
        let tail = self.size.saturating_sub(behind);
        let front = if tail <= MAX_FRONT + MAX_BACK {
            tail
        } else {
            MAX_FRONT
        };
        let back = (tail - front).min(MAX_BACK);
        self.kept = Some([Part::new(behind, front), Part::new(self.size - back, back)]);
        let kept = std::mem::take(&mut self.beginning.bytes);
        self.keep(&kept);
        self.beginning.bytes = kept;
        self.keep(rest);
    }

    fn end(self: Box<Self>) -> Option<Box<[u8]>> {
        self.package()
    }
}

/// RFC 1950: deflate, and a checksum of the two bytes.
fn is_zlib(section: &[u8]) -> bool {
    let check = |first: u8, second: u8| u16::from_be_bytes([first, second]).is_multiple_of(31);
    matches!(*section, [first, second, ..] if first & 0x0f == 8 && check(first, second))
}

/// The package that the program was built from, out of those that went into it.
fn root_package(section: &[u8]) -> Option<Box<[u8]>> {
    #[derive(Deserialize)]
    struct Audit<'a> {
        #[serde(borrow)]
        packages: Vec<Package<'a>>,
    }
    #[derive(Deserialize)]
    struct Package<'a> {
        #[serde(borrow)]
        name: Cow<'a, str>,
        #[serde(borrow)]
        version: Cow<'a, str>,
        #[serde(default)]
        root: bool,
    }
    let most = MAX_JSON.min(section.len() as u64 * MAX_RATIO);
    let mut json = Vec::new();
    ZlibDecoder::new(section).take(most).read_to_end(&mut json).ok()?;
    let audit: Audit<'_> = serde_json::from_slice(&json).ok()?;
    let root = audit.packages.iter().find(|package| package.root)?;
    name_and_version(&root.name, &root.version)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::super::parts::tests::program;
    use super::super::tests::read_in_pieces;
    use super::*;

    const JSON: &str = r#"{"packages":[{"name":"itoa","version":"1.0.18","source":"crates.io"},{"name":"tiny","version":"0.3.1","source":"local","dependencies":[0],"root":true}]}"#;

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// A program whose sections stand behind what is loaded, so many bytes of debug information before the second
    /// of them, and so many of symbols behind it.
    fn with_sections(first: &[u8], debug: usize, second: &[u8], symbols: usize) -> Vec<u8> {
        let text = [0xee; 500];
        let behind = [first, &vec![b'd'; debug], second, &vec![b's'; symbols]].concat();
        let mut file = program(&[(false, &text), (true, b"data")], &behind);
        let (table, mut at) = (file.len() as u64, file.len() - behind.len());
        file[40..48].copy_from_slice(&table.to_le_bytes());
        (file[58], file[60]) = (64, 3);
        for (kind, flags, length) in [(1, 0, first.len()), (1, 0, debug), (1, 0, second.len())] {
            for number in [kind << 32, flags, 0, at as u64, length as u64, 0, 1, 0] {
                file.extend(u64::to_le_bytes(number));
            }
            at += length;
        }
        file
    }

    fn read(file: &[u8], piece: usize) -> Option<String> {
        let value = read_in_pieces(begin, "x", file, piece)?;
        Some(String::from_utf8(value.into()).unwrap())
    }

    #[test]
    fn the_package_is_found_where_linkers_put_it() {
        let (section, comment) = (zlib(JSON.as_bytes()), b"rustc 1.95");
        let far = (MAX_FRONT + MAX_BACK) as usize;
        for (what, file, is_there) in [
            ("at once", with_sections(comment, 0, &section, 100), true),
            ("alone", with_sections(&section, 0, b"", 0), true),
            (
                "behind debug information",
                with_sections(comment, 99_999, &section, 100),
                true,
            ),
            (
                "behind much of it",
                with_sections(comment, far, &section, 100),
                true,
            ),
            (
                "before much of it",
                with_sections(&section, far, comment, 100),
                true,
            ),
            (
                "before many symbols",
                with_sections(comment, 0, &section, far),
                true,
            ),
            ("between both", with_sections(comment, far, &section, far), false),
        ] {
            for piece in [7, 5000, 1 << 20, 1 << 28] {
                let found = read(&file, piece);
                assert_eq!(
                    found.as_deref(),
                    is_there.then_some("tiny\n0.3.1"),
                    "{what}, in pieces of {piece}"
                );
            }
        }
    }

    #[test]
    fn what_the_section_says() {
        let long = format!(
            r#"{{"packages":[{{"name":"a","version":"1","root":true}}],"x":"{}"}}"#,
            "y".repeat(9000)
        );
        for (json, want) in [
            (JSON, Some("tiny\n0.3.1")),
            (
                r#"{"packages":[{"name":"a\u0062","version":"1","root":true}],"format":9}"#,
                Some("ab\n1"),
            ),
            (r#"{"packages":[{"name":"a","version":"1"}]}"#, None),
            (r#"{"packages":[{"name":"a\n","version":"1","root":true}]}"#, None),
            (r#"{"packages":{}}"#, None),
            ("[", None),
            (&long, None),
        ] {
            let found = root_package(&zlib(json.as_bytes()));
            assert_eq!(found.as_deref(), want.map(str::as_bytes), "{json}");
        }
        assert_eq!(root_package(&zlib(&vec![b' '; 64 << 20])), None);
        assert_eq!(root_package(b"x"), None);
    }

    #[test]
    fn other_sections_are_left_alone() {
        let section = zlib(JSON.as_bytes());
        let good = with_sections(&section, 10, b"", 10);
        let table = good.len() - 3 * 64;
        for (at, byte) in [(4, 8), (8, 2), (9, 8), (24, 0), (37, 1)] {
            let mut file = good.clone();
            file[table + at] = byte;
            assert_eq!(read(&file, 100), None, "byte {at} of the header");
        }
    }

    #[test]
    fn whatever_is_damaged_ends() {
        let good = with_sections(&zlib(JSON.as_bytes()), 10, b"", 10);
        for at in 0..good.len() {
            let _ = read(&good[..at], 64);
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut file = good.clone();
                file[at] = byte;
                let _ = read(&file, 64);
            }
        }
    }
}
