//! Probes: what is learnt from a file's bytes while its layer streams past.
//!
//! Two closed tables. A probe of the first sees a path, a size and the first bytes of a body; one of the second reads the
//! whole body as it streams past. Both leave a bounded [`Fact`]; the floors above read facts, never blobs. Changing a
//! table changes [`PROBE_SET`], which is part of the changeset cache's key.

mod capture;
mod elf;
mod go;
mod imports;
mod java;
mod parts;
mod rpm;
mod rust;
mod symbols;

pub use imports::{is_test_directory, is_test_file};

/// Version of the set of probes: part of every cached changeset's key.
pub(super) const PROBE_SET: u32 = 7;

/// First bytes of a body that every probe may see.
pub(super) const HEAD_BYTES: usize = 256;

/// Which probe left a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FactKind {
    /// The interpreter line of a script, without `#!`, trimmed, at most 127 bytes as the kernel reads it.
    Shebang = 1,
    /// A `HEAD` in a directory `.git` that is what git writes: a ref, or a commit's hash. No value.
    GitHead = 2,
    /// A file, whole or its first bytes: a package manager's database, or what a package says of itself. Of rpm's
    /// database only names and files, as `probe/rpm` says.
    File = 3,
    /// The `package.json` of a Node package: its name, a line end, its version, which may be empty.
    NodePackage = 4,
    /// A private key as PEM, OpenSSH or `PuTTY` write it. No value: what it holds is nobody's business.
    PrivateKey = 5,
    /// What a program or library asks of the dynamic linker: [`ElfFacts::decode`](super::ElfFacts::decode) reads it.
    Elf = 6,
    /// A program or library that has something to strip: [`Symbols::decode`](super::Symbols::decode) reads it.
    Symbols = 7,
    /// The main module of a program that Go built: as [`FactKind::NodePackage`].
    GoBuild = 8,
    /// The package that a program was built from with cargo-auditable: as [`FactKind::NodePackage`].
    RustBuild = 9,
    /// A Java archive: as [`FactKind::NodePackage`].
    JavaArchive = 10,
    /// Which directories or files of tests ([`is_test_directory`], [`is_test_file`]) a source file imports: paths, one a line.
    /// `./a/test/` and `../test/` begin at the file's directory, `/a/test/` at the root, `a/tests/` at any directory that
    /// modules are looked for in; what does not end with a slash may be a file as well, without its extension. Empty where
    /// the file names more than is kept.
    TestImport = 11,
}

impl FactKind {
    pub(super) fn from_number(number: u8) -> Option<Self> {
        [
            Self::Shebang,
            Self::GitHead,
            Self::File,
            Self::NodePackage,
            Self::PrivateKey,
            Self::Elf,
            Self::Symbols,
            Self::GoBuild,
            Self::RustBuild,
            Self::JavaArchive,
            Self::TestImport,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == number)
    }
}

/// Something learnt from the bytes of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Index of the entry in its changeset.
    pub entry: u32,
    /// Which probe left it.
    pub kind: FactKind,
    /// What it found; its meaning is the kind's.
    pub value: Box<[u8]>,
}

/// Path, size and first bytes of a body → what it says, if anything.
type Probe = fn(path: &[u8], size: u64, head: &[u8]) -> Option<Box<[u8]>>;

const PROBES: &[(FactKind, Probe)] = &[
    (FactKind::Shebang, shebang),
    (FactKind::GitHead, git_head),
    (FactKind::PrivateKey, private_key),
];

/// Runs every probe over one file and appends what they found.
pub(super) fn run(entry: u32, path: &[u8], size: u64, head: &[u8], facts: &mut Vec<Fact>) {
    for (kind, probe) in PROBES {
        if let Some(value) = probe(path, size, head) {
            facts.push(Fact {
                entry,
                kind: *kind,
                value,
            });
        }
    }
}

/// Bytes of values that one layer's whole-body probes leave, at most.
const MAX_READ_BYTES: usize = 128 << 20;

/// Reads a body as it streams past, in pieces of any size.
pub(super) trait Reader: Send {
    /// The next bytes.
    fn read(&mut self, bytes: &[u8]);
    /// What they say, once all were read.
    fn end(self: Box<Self>) -> Option<Box<[u8]>>;
}

/// Path, size and first bytes of a body (all of a body that is shorter than [`HEAD_BYTES`]) → its reader, if it is wanted.
type Begin = fn(path: &[u8], size: u64, head: &[u8]) -> Option<Box<dyn Reader>>;

const READERS: &[(FactKind, Begin)] = &[
    (FactKind::File, capture::begin),
    (FactKind::File, rpm::begin),
    (FactKind::NodePackage, capture::node),
    (FactKind::Elf, elf::begin),
    (FactKind::Symbols, symbols::begin),
    (FactKind::GoBuild, go::begin),
    (FactKind::RustBuild, rust::begin),
    (FactKind::JavaArchive, java::begin),
    (FactKind::TestImport, imports::begin),
];

/// The whole-body probes of the member that streams past.
#[derive(Default)]
pub(super) struct Reading {
    readers: Vec<(FactKind, Box<dyn Reader>)>,
    /// Bytes of values left so far, in the layer.
    left: usize,
    /// Whether it was told that what files import is not all there.
    is_cut: bool,
}

impl Reading {
    /// Asks every probe about a body whose first bytes are known, and hands it those.
    pub(super) fn begin(&mut self, path: &[u8], size: u64, head: &[u8]) {
        let is_full = self.left >= MAX_READ_BYTES;
        let wanted = READERS
            .iter()
            // What is not known to be imported may be removed: that more is imported must be known.
            .filter(|(kind, _)| !is_full || (*kind == FactKind::TestImport && !self.is_cut))
            .filter_map(|(kind, begin)| Some((*kind, begin(path, size, head)?)));
        self.readers.extend(wanted);
        self.read(head);
    }

    /// The bytes behind the first ones.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        for (_, reader) in &mut self.readers {
            reader.read(bytes);
        }
    }

    /// Appends what was found.
    pub(super) fn end(&mut self, entry: u32, facts: &mut Vec<Fact>) {
        for (kind, reader) in self.readers.drain(..) {
            let Some(mut value) = reader.end() else { continue };
            if self.left + value.len() > MAX_READ_BYTES {
                if kind != FactKind::TestImport || self.is_cut {
                    continue;
                }
                self.is_cut = true;
                value = Box::default();
            }
            self.left += value.len();
            facts.push(Fact { entry, kind, value });
        }
    }
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading")
            .field("readers", &self.readers.len())
            .finish_non_exhaustive()
    }
}

/// Bytes of a name or a version, at most.
const MAX_WORD: usize = 512;

/// `NAME`, a line end, `VERSION`; the version may be empty.
fn name_and_version(name: &str, version: &str) -> Option<Box<[u8]>> {
    let is_plain = |text: &str| text.len() <= MAX_WORD && !text.contains(char::is_control);
    (!name.is_empty() && is_plain(name) && is_plain(version))
        .then(|| format!("{name}\n{version}").into_bytes().into())
}

/// Linux reads 256 bytes of a script and takes the line up to its newline (`fs/binfmt_script.c`).
fn shebang(_path: &[u8], _size: u64, head: &[u8]) -> Option<Box<[u8]>> {
    let line = head.strip_prefix(b"#!")?.split(|&b| b == b'\n').next()?;
    Some(line[..line.len().min(127)].trim_ascii().into())
}

/// gitrepository-layout(5): `HEAD` is `ref: refs/…` or a hash of 40 or 64 hex digits.
fn git_head(path: &[u8], size: u64, head: &[u8]) -> Option<Box<[u8]>> {
    let directory = path.strip_suffix(b"/HEAD")?;
    if !(directory == b".git" || directory.ends_with(b"/.git")) || size > HEAD_BYTES as u64 {
        return None;
    }
    let text = head.trim_ascii_end();
    let is_hash = matches!(text.len(), 40 | 64) && text.iter().all(u8::is_ascii_hexdigit);
    let reference = text.strip_prefix(b"ref:").map(<[u8]>::trim_ascii_start);
    (is_hash || reference.is_some_and(|name| name.starts_with(b"refs/"))).then(Box::default)
}

/// RFC 7468: `-----BEGIN … PRIVATE KEY-----`; `PuTTY`: `PuTTY-User-Key-File-3: …`.
fn private_key(_path: &[u8], _size: u64, head: &[u8]) -> Option<Box<[u8]>> {
    let head = head.trim_ascii_start();
    let label = head
        .strip_prefix(b"-----BEGIN ")
        .and_then(|rest| rest.split(|&b| b == b'\n').next());
    let is_pem = label.is_some_and(|label| label.trim_ascii_end().ends_with(b"PRIVATE KEY-----"));
    (is_pem || head.starts_with(b"PuTTY-User-Key-File-")).then(Box::default)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader says of a file that comes in pieces of this size behind its head; `None` where it does not want it.
    pub(super) fn read_in_pieces(begin: Begin, path: &str, file: &[u8], piece: usize) -> Option<Box<[u8]>> {
        let (head, rest) = file.split_at(file.len().min(HEAD_BYTES));
        let mut reader = begin(path.as_bytes(), file.len() as u64, head)?;
        reader.read(head);
        rest.chunks(piece).for_each(|bytes| reader.read(bytes));
        reader.end()
    }

    #[test]
    fn facts_of_shebang_and_git_head() {
        let facts = |path: &str, body: &[u8]| {
            let mut facts = Vec::new();
            run(7, path.as_bytes(), body.len() as u64, body, &mut facts);
            facts
                .into_iter()
                .map(|fact| (fact.kind, fact.value.to_vec()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            facts("a", b"#! /usr/bin/env python3 \nx"),
            [(FactKind::Shebang, b"/usr/bin/env python3".to_vec())]
        );
        assert_eq!(
            facts("app/.git/HEAD", b"ref: refs/heads/main\n"),
            [(FactKind::GitHead, Vec::new())]
        );
        assert_eq!(facts(".git/HEAD", &[b'a'; 40]), [(FactKind::GitHead, Vec::new())]);
        for key in [
            "-----BEGIN PRIVATE KEY-----\nMII",
            "\n-----BEGIN OPENSSH PRIVATE KEY-----\r\nb3",
            "PuTTY-User-Key-File-3: x",
        ] {
            assert_eq!(facts("k", key.as_bytes()), [(FactKind::PrivateKey, Vec::new())]);
        }
        for other in [
            "-----BEGIN CERTIFICATE-----\nMII",
            "x = '''-----BEGIN PRIVATE KEY-----",
            "-----BEGIN PUBLIC KEY-----\n",
        ] {
            assert_eq!(facts("k", other.as_bytes()), []);
        }
        assert_eq!(facts("app/.git/HEAD", b"not a head\n"), []);
        assert_eq!(facts("app/git/HEAD", b"ref: refs/heads/main\n"), []);
    }
}
