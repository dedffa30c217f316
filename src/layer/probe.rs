//! Probes: what is learnt from a file's bytes while its layer streams past.
//!
//! A closed table. A probe sees a path, a size and the first bytes of a body, and leaves a bounded
//! [`Fact`]; the floors above read facts, never blobs. Changing the table changes [`PROBE_SET`], which is
//! part of the changeset cache's key.

/// Version of the set of probes: part of every cached changeset's key.
pub(super) const PROBE_SET: u32 = 1;

/// First bytes of a body that every probe may see.
pub(super) const HEAD_BYTES: usize = 256;

/// What the first bytes of a file say it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Magic {
    /// Nothing that we know, or no file.
    #[default]
    Unknown,
    /// An ELF executable (`ET_EXEC`), or a position-independent one with an interpreter bit we cannot see.
    Elf,
    /// An ELF shared object (`ET_DYN`): a library, or a position-independent executable.
    ElfShared,
    /// An ELF relocatable object (`ET_REL`): what a compiler leaves, or a kernel module.
    ElfObject,
    /// An ELF core dump (`ET_CORE`).
    ElfCore,
    /// A script with a `#!` line.
    Script,
    /// An `ar` archive: a static library or a Debian package.
    Ar,
    /// gzip data.
    Gzip,
    /// zstd data.
    Zstd,
    /// xz data.
    Xz,
    /// bzip2 data.
    Bzip2,
    /// A zip archive: also jars, wheels, office documents.
    Zip,
    /// A Java class file.
    JavaClass,
    /// A PNG, JPEG, GIF, WebP or ICO picture.
    Image,
    /// A TrueType, OpenType or WOFF font.
    Font,
    /// A PDF document.
    Pdf,
    /// An `SQLite` database.
    Sqlite,
    /// A GGUF model.
    Gguf,
    /// A WebAssembly module.
    Wasm,
    /// A compiled message catalogue (`.mo`).
    Gettext,
    /// A git pack.
    GitPack,
}

impl Magic {
    /// Every kind, for tables.
    pub const ALL: [Self; 21] = [
        Self::Unknown, Self::Elf, Self::ElfShared, Self::ElfObject, Self::ElfCore, Self::Script, Self::Ar, Self::Gzip,
        Self::Zstd, Self::Xz, Self::Bzip2, Self::Zip, Self::JavaClass, Self::Image, Self::Font, Self::Pdf, Self::Sqlite,
        Self::Gguf, Self::Wasm, Self::Gettext, Self::GitPack,
    ];

    /// The name used in category files: `magic = ["elf-core"]`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Elf => "elf",
            Self::ElfShared => "elf-shared",
            Self::ElfObject => "elf-object",
            Self::ElfCore => "elf-core",
            Self::Script => "script",
            Self::Ar => "ar",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
            Self::Zip => "zip",
            Self::JavaClass => "java-class",
            Self::Image => "image",
            Self::Font => "font",
            Self::Pdf => "pdf",
            Self::Sqlite => "sqlite",
            Self::Gguf => "gguf",
            Self::Wasm => "wasm",
            Self::Gettext => "gettext",
            Self::GitPack => "git-pack",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|magic| magic.as_str() == name)
    }

    /// The kind that the first bytes of a file show.
    pub fn of(head: &[u8]) -> Self {
        if head.starts_with(b"\x7fELF") {
            return Self::of_elf(head);
        }
        let found = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature));
        match found {
            Some((b"RIFF", _)) if head.get(8..12) != Some(b"WEBP") => Self::Unknown,
            Some((_, magic)) => *magic,
            None => Self::Unknown,
        }
    }

    /// By `e_type`, in the byte order that the header names (ELF-64 and ELF-32 agree on both offsets).
    fn of_elf(head: &[u8]) -> Self {
        let (Some(&order), Some(kind)) = (head.get(5), head.get(16..18)) else { return Self::Unknown };
        let kind = if order == 2 { u16::from_be_bytes([kind[0], kind[1]]) } else { u16::from_le_bytes([kind[0], kind[1]]) };
        match kind {
            1 => Self::ElfObject,
            2 => Self::Elf,
            3 => Self::ElfShared,
            4 => Self::ElfCore,
            _ => Self::Unknown,
        }
    }
}

const SIGNATURES: &[(&[u8], Magic)] = &[
    (b"#!", Magic::Script),
    (b"!<arch>\n", Magic::Ar),
    (b"!<thin>\n", Magic::Ar),
    (b"\x1f\x8b", Magic::Gzip),
    (b"\x28\xb5\x2f\xfd", Magic::Zstd),
    (b"\xfd7zXZ\0", Magic::Xz),
    (b"BZh", Magic::Bzip2),
    (b"PK\x03\x04", Magic::Zip),
    (b"PK\x05\x06", Magic::Zip),
    (b"\xca\xfe\xba\xbe", Magic::JavaClass),
    (b"\x89PNG\r\n\x1a\n", Magic::Image),
    (b"\xff\xd8\xff", Magic::Image),
    (b"GIF8", Magic::Image),
    (b"RIFF", Magic::Image),
    (b"\0\0\x01\0", Magic::Image),
    (b"\0\x01\0\0\0", Magic::Font),
    (b"OTTO", Magic::Font),
    (b"wOFF", Magic::Font),
    (b"wOF2", Magic::Font),
    (b"ttcf", Magic::Font),
    (b"%PDF-", Magic::Pdf),
    (b"SQLite format 3\0", Magic::Sqlite),
    (b"GGUF", Magic::Gguf),
    (b"\0asm", Magic::Wasm),
    (b"\xde\x12\x04\x95", Magic::Gettext),
    (b"\x95\x04\x12\xde", Magic::Gettext),
    (b"PACK\0\0\0", Magic::GitPack),
];

/// Which probe left a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FactKind {
    /// The interpreter line of a script, without `#!`, trimmed, at most 127 bytes as the kernel reads it.
    Shebang = 1,
    /// A `HEAD` in a directory `.git` that is what git writes: a ref, or a commit's hash. No value.
    GitHead = 2,
}

impl FactKind {
    pub(super) fn from_number(number: u8) -> Option<Self> {
        [Self::Shebang, Self::GitHead].into_iter().find(|kind| *kind as u8 == number)
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

const PROBES: &[(FactKind, Probe)] = &[(FactKind::Shebang, shebang), (FactKind::GitHead, git_head)];

/// Runs every probe over one file and appends what they found.
pub(super) fn run(entry: u32, path: &[u8], size: u64, head: &[u8], facts: &mut Vec<Fact>) {
    for (kind, probe) in PROBES {
        if let Some(value) = probe(path, size, head) {
            facts.push(Fact { entry, kind: *kind, value });
        }
    }
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
    (is_hash || text.starts_with(b"ref: refs/")).then(Box::default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_of_first_bytes() {
        let elf = |order: u8, kind: [u8; 2]| {
            let mut head = vec![0; 20];
            head[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, order]);
            head[16..18].copy_from_slice(&kind);
            head
        };
        assert_eq!(Magic::of(&elf(1, [2, 0])), Magic::Elf);
        assert_eq!(Magic::of(&elf(2, [0, 3])), Magic::ElfShared);
        assert_eq!(Magic::of(&elf(1, [4, 0])), Magic::ElfCore);
        assert_eq!(Magic::of(b"\x7fELF"), Magic::Unknown);
        assert_eq!(Magic::of(b"#!/bin/sh\n"), Magic::Script);
        assert_eq!(Magic::of(b"RIFF\0\0\0\0WAVE"), Magic::Unknown);
        assert_eq!(Magic::of(b""), Magic::Unknown);
        assert!(Magic::ALL.iter().all(|magic| Magic::named(magic.as_str()) == Some(*magic)));
        assert!(Magic::ALL.iter().enumerate().all(|(at, magic)| *magic as usize == at), "cached by number");
    }

    #[test]
    fn facts_of_shebang_and_git_head() {
        let facts = |path: &str, body: &[u8]| {
            let mut facts = Vec::new();
            run(7, path.as_bytes(), body.len() as u64, body, &mut facts);
            facts.into_iter().map(|fact| (fact.kind, fact.value.to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(facts("a", b"#! /usr/bin/env python3 \nx"), [(FactKind::Shebang, b"/usr/bin/env python3".to_vec())]);
        assert_eq!(facts("app/.git/HEAD", b"ref: refs/heads/main\n"), [(FactKind::GitHead, Vec::new())]);
        assert_eq!(facts(".git/HEAD", &[b'a'; 40]), [(FactKind::GitHead, Vec::new())]);
        assert_eq!(facts("app/.git/HEAD", b"not a head\n"), []);
        assert_eq!(facts("app/git/HEAD", b"ref: refs/heads/main\n"), []);
    }
}
