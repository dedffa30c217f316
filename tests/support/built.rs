//! Programs and archives that say what they were built from, as small as they can be.
//!
//! A module of its own because no compiler of Go, Rust or Java is asked for them: they are written by their
//! specifications, byte by byte, and not by the code that reads them.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};

/// A program of Go 1.18 or later with this module information.
pub(crate) fn go(info: &str) -> Vec<u8> {
    let mut blob = b"\xff Go buildinf:\x08\x02".to_vec();
    blob.resize(32, 0);
    blob.extend(b"\x06go1.22");
    let length = u8::try_from(info.len() + 32).unwrap();
    // Seven bits a byte, the last without the eighth.
    blob.extend([length | 0x80, length >> 7]);
    blob.extend(b"\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6");
    blob.extend(info.as_bytes());
    blob.extend(b"\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2");
    program(&blob, b"")
}

/// A program that was built with cargo-auditable, with this JSON.
pub(crate) fn rust(json: &str) -> Vec<u8> {
    let mut section = ZlibEncoder::new(Vec::new(), Compression::default());
    section.write_all(json.as_bytes()).unwrap();
    program(b"data", &section.finish().unwrap())
}

/// 64 bit, little-endian: one segment that is loaded and can be written, and behind it a section that is not loaded.
fn program(segment: &[u8], section: &[u8]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    let (segment_at, section_at) = (120, 120 + segment.len() as u64);
    let table = section_at + section.len() as u64;
    file.extend([3, 0, 62, 0, 1, 0, 0, 0]);
    for number in [0, 64, table] {
        put(&mut file, number);
    }
    file.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0, 1, 0, 0, 0]);
    let length = segment.len() as u64;
    for number in [6 << 32 | 1, segment_at, segment_at, segment_at, length, length, 1] {
        put(&mut file, number);
    }
    file.extend(segment);
    file.extend(section);
    for number in [1 << 32, 0, 0, section_at, section.len() as u64, 0, 1, 0] {
        put(&mut file, number);
    }
    file
}

fn put(file: &mut Vec<u8>, number: u64) {
    file.extend(number.to_le_bytes());
}

/// An archive of these entries, deflated, sizes behind them, as `jar` writes it; its table is only its beginning.
pub(crate) fn jar(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut file = Vec::new();
    for (name, body) in entries {
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(body.as_bytes()).unwrap();
        let stored = deflate.finish().unwrap();
        file.extend(b"PK\x03\x04\x14\x00\x08\x08\x08\x00");
        file.extend([0; 16]);
        file.extend([name.len() as u8, 0, 0, 0]);
        file.extend(name.as_bytes());
        file.extend(&stored);
        file.extend(b"PK\x07\x08\x00\x00\x00\x00");
        file.extend((stored.len() as u32).to_le_bytes());
        file.extend((body.len() as u32).to_le_bytes());
    }
    file.extend(b"PK\x01\x02");
    file.resize(file.len() + 42, 0);
    file
}
