//! What the first bytes of a file say that it is.
//!
//! A module of its own so that categories and the probes that look at bodies share one list of names. It looks at no
//! more than the first 64 bytes and never says more than they prove.

use serde::Deserialize;

/// A kind of file, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Magic {
    /// A static library, `!<arch>`.
    Ar,
    /// A bzip2 stream.
    Bzip2,
    /// A program or a shared library that can be loaded (ELF `ET_EXEC`, `ET_DYN`).
    Elf,
    /// The memory of a program that crashed (ELF `ET_CORE`).
    ElfCore,
    /// What a compiler made and a linker has not seen yet (ELF `ET_REL`; kernel modules too).
    ElfObject,
    /// Weights of a language model.
    Gguf,
    /// A GIF image.
    Gif,
    /// A gzip stream.
    Gzip,
    /// A file of HDF5, as Keras writes models.
    Hdf5,
    /// A class of the Java virtual machine.
    JavaClass,
    /// A JPEG image.
    Jpeg,
    /// A program, a library or debug symbols of macOS.
    MachO,
    /// A protobuf message that begins as models in ONNX do: a small version, then a producer's name or the graph.
    Onnx,
    /// Debug symbols of Windows or .NET.
    Pdb,
    /// A PDF document.
    Pdf,
    /// A program of Windows or .NET.
    Pe,
    /// A PNG image.
    Png,
    /// Compiled Python.
    Pyc,
    /// Tensors with a JSON header, as the Hugging Face hub has them.
    Safetensors,
    /// A text that begins with `#!`.
    Script,
    /// A database of `SQLite` 3.
    Sqlite,
    /// A model of TensorFlow Lite.
    Tflite,
    /// What `PyTorch` wrote before version 1.6; since then it writes zip archives.
    Torch,
    /// A WebAssembly module.
    Wasm,
    /// An xz stream.
    Xz,
    /// A zip archive: also a jar, a wheel, an office document.
    Zip,
    /// A zstd frame.
    Zstd,
}

/// Prefixes that decide alone. ELF, Python, Java and Windows need a second look.
const PREFIXES: [(&[u8], Magic); 22] = [
    (b"!<arch>\n", Magic::Ar),
    (b"#!", Magic::Script),
    (b"%PDF-", Magic::Pdf),
    (b"BZh", Magic::Bzip2),
    (b"GGUF", Magic::Gguf),
    (b"GIF87a", Magic::Gif),
    (b"GIF89a", Magic::Gif),
    (b"BSJB", Magic::Pdb),
    (b"Microsoft C/C++ MSF 7.00\r\n", Magic::Pdb),
    (b"PK\x03\x04", Magic::Zip),
    (b"PK\x05\x06", Magic::Zip),
    (b"SQLite format 3\0", Magic::Sqlite),
    (b"\0asm", Magic::Wasm),
    (b"\x1f\x8b\x08", Magic::Gzip),
    (b"\x28\xb5\x2f\xfd", Magic::Zstd),
    // The pickled number 0x1950a86a20f9469cfc6c.
    (
        b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19",
        Magic::Torch,
    ),
    (b"\x89HDF\r\n\x1a\n", Magic::Hdf5),
    (b"\x89PNG\r\n\x1a\n", Magic::Png),
    (b"\xce\xfa\xed\xfe", Magic::MachO),
    (b"\xcf\xfa\xed\xfe", Magic::MachO),
    (b"\xfd7zXZ\0", Magic::Xz),
    (b"\xff\xd8\xff", Magic::Jpeg),
];

impl Magic {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 27] = [
        Self::Ar,
        Self::Bzip2,
        Self::Elf,
        Self::ElfCore,
        Self::ElfObject,
        Self::Gguf,
        Self::Gif,
        Self::Gzip,
        Self::Hdf5,
        Self::JavaClass,
        Self::Jpeg,
        Self::MachO,
        Self::Onnx,
        Self::Pdb,
        Self::Pdf,
        Self::Pe,
        Self::Png,
        Self::Pyc,
        Self::Safetensors,
        Self::Script,
        Self::Sqlite,
        Self::Tflite,
        Self::Torch,
        Self::Wasm,
        Self::Xz,
        Self::Zip,
        Self::Zstd,
    ];

    /// What `first`, the beginning of a file, proves; 64 bytes are enough.
    pub fn sniff(first: &[u8]) -> Option<Self> {
        if first.starts_with(b"\x7fELF") {
            return elf(first);
        }
        if let Some((_, magic)) = PREFIXES.iter().find(|(prefix, _)| first.starts_with(prefix)) {
            return Some(*magic);
        }
        if first.starts_with(b"MZ") && pe_header(first) {
            return Some(Self::Pe);
        }
        if first.get(4..8) == Some(b"TFL3") {
            return Some(Self::Tflite);
        }
        match first {
            [0x08, version, rest @ ..] if is_onnx(*version, rest) => Some(Self::Onnx),
            // The length of the header, little-endian; then the header, an object in JSON.
            [_, _, _, high, 0, 0, 0, 0, b'{', b'"' | b' ', ..] if *high < 0x10 => Some(Self::Safetensors),
            // Mach-O's universal binaries begin alike, but count a few architectures where a class has its version.
            [0xca, 0xfe, 0xba, 0xbe, _, _, major_high, major_low, ..] => {
                (u16::from_be_bytes([*major_high, *major_low]) >= 45).then_some(Self::JavaClass)
            }
            // CPython: a number of the version, then a line end that a text transfer would have changed, then flags.
            [_, high, b'\r', b'\n', flags, 0, 0, 0, ..] => {
                (matches!(high, 0x0c..=0x0f) && *flags <= 3).then_some(Self::Pyc)
            }
            _ => None,
        }
    }

    /// The name that categories and documents use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ar => "ar",
            Self::Bzip2 => "bzip2",
            Self::Elf => "elf",
            Self::ElfCore => "elf-core",
            Self::ElfObject => "elf-object",
            Self::Gguf => "gguf",
            Self::Gif => "gif",
            Self::Gzip => "gzip",
            Self::Hdf5 => "hdf5",
            Self::JavaClass => "java-class",
            Self::Jpeg => "jpeg",
            Self::MachO => "mach-o",
            Self::Onnx => "onnx",
            Self::Pdb => "pdb",
            Self::Pdf => "pdf",
            Self::Pe => "pe",
            Self::Png => "png",
            Self::Pyc => "pyc",
            Self::Safetensors => "safetensors",
            Self::Script => "script",
            Self::Sqlite => "sqlite",
            Self::Tflite => "tflite",
            Self::Torch => "torch",
            Self::Wasm => "wasm",
            Self::Xz => "xz",
            Self::Zip => "zip",
            Self::Zstd => "zstd",
        }
    }
}

/// The type field of an ELF header, in the byte order that the header names.
fn elf(first: &[u8]) -> Option<Magic> {
    let kind: [u8; 2] = first.get(16..18)?.try_into().ok()?;
    let kind = match first[5] {
        1 => u16::from_le_bytes(kind),
        2 => u16::from_be_bytes(kind),
        _ => return None,
    };
    match kind {
        1 => Some(Magic::ElfObject),
        2 | 3 => Some(Magic::Elf),
        4 => Some(Magic::ElfCore),
        _ => None,
    }
}

/// Whether a message goes on as ONNX's `ModelProto` after field 1, the version of the format (onnx.proto3): field 2 or 3,
/// a short text, or field 7, the graph.
fn is_onnx(version: u8, rest: &[u8]) -> bool {
    let is_text = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_graphic);
    let goes_on = match rest {
        [0x12 | 0x1a, length @ 1..=48, text @ ..] => text.get(..usize::from(*length)).is_some_and(is_text),
        [0x3a, size, ..] => *size > 0,
        _ => false,
    };
    (1..=0x20).contains(&version) && goes_on
}

/// Whether a DOS header points behind itself, at the header of a newer format.
fn pe_header(first: &[u8]) -> bool {
    let offset = first
        .get(60..64)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_le_bytes);
    offset.is_some_and(|offset| (64..4096).contains(&offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf_header(order: u8, kind: [u8; 2]) -> Vec<u8> {
        let mut first = b"\x7fELF\x02".to_vec();
        first.push(order);
        first.resize(16, 0);
        first.extend(kind);
        first
    }

    #[test]
    fn elf_is_told_apart_in_both_byte_orders() {
        for (order, kind, want) in [
            (1, [1, 0], Some(Magic::ElfObject)),
            (1, [2, 0], Some(Magic::Elf)),
            (1, [3, 0], Some(Magic::Elf)),
            (1, [4, 0], Some(Magic::ElfCore)),
            (2, [0, 3], Some(Magic::Elf)),
            (2, [3, 0], None),
            (0, [3, 0], None),
        ] {
            assert_eq!(Magic::sniff(&elf_header(order, kind)), want, "{order} {kind:?}");
        }
        assert_eq!(Magic::sniff(b"\x7fELF"), None, "cut short");
    }

    #[test]
    fn names_what_the_bytes_prove() {
        let mut pe = b"MZ".to_vec();
        pe.resize(60, 0);
        pe.extend([0x80, 0, 0, 0]);
        for (first, want) in [
            (&b""[..], None),
            (b"#!/bin/sh\n", Some(Magic::Script)),
            (b"# comment", None),
            (b"MZ is how this text begins", None),
            (&pe, Some(Magic::Pe)),
            (b"\xcb\x0d\r\n\0\0\0\0", Some(Magic::Pyc)),
            (b"ab\r\ncdef", None),
            (b"\xca\xfe\xba\xbe\0\0\0\x34", Some(Magic::JavaClass)),
            (b"\xca\xfe\xba\xbe\0\0\0\x02", None),
            (b"\x1f\x8b\x08\0", Some(Magic::Gzip)),
            (b"PK\x03\x04rest", Some(Magic::Zip)),
            (b"\x40\x01\0\0\0\0\0\0{\"__metadata__\"", Some(Magic::Safetensors)),
            (b"\x40\x01\0\0\0\0\0\x01{\"", None),
            (b"\x08\x07\x12\x07pytorch\x1a\x03", Some(Magic::Onnx)),
            (b"\x08\x07\x12\x07pyt\0rch", None),
            (b"\x08\x07\x12\x07pyt", None),
            (b"\x08\0\x3a\x05", None),
            (b"\x1c\0\0\0TFL3", Some(Magic::Tflite)),
            (b"BSJB\x01\0", Some(Magic::Pdb)),
            (b"\xcf\xfa\xed\xfe", Some(Magic::MachO)),
        ] {
            assert_eq!(Magic::sniff(first), want, "{first:?}");
        }
    }

    #[test]
    fn names_are_those_of_the_files() {
        #[derive(Deserialize)]
        struct Row {
            magic: Magic,
        }
        for (_, magic) in PREFIXES {
            let row: Row = toml::from_str(&format!("magic = \"{}\"", magic.as_str())).unwrap();
            assert_eq!(row.magic, magic);
        }
    }
}
