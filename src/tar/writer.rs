//! Header blocks from fields: POSIX ustar, with a PAX extended header only where ustar cannot say it.
//!
//! Of its own because writing is deterministic and has one form, while reading has many. The same fields give
//! the same bytes on any machine. What is written is what Go's `archive/tar` writes in PAX format.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;

use super::BLOCK;
use super::block::{self, Field};
use super::header::{Header, Kind, Time};
use super::pax::{LIBARCHIVE_XATTR, XATTR};

/// The end of an archive: two zero blocks.
pub const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// The largest number that the eight-byte fields hold in octal.
const ID_MAX: u64 = 0o7_777_777;
/// The largest number that the twelve-byte fields hold in octal: 8 GiB less one.
const SIZE_MAX: u64 = 0o77_777_777_777;

type Records<'a> = BTreeMap<Cow<'a, [u8]>, Cow<'a, [u8]>>;

/// Appends the header blocks of an entry, made from its fields (never from `raw`).
///
/// A sparse file is written as an ordinary one: `logical_size` bytes of body must follow, else `size`; then
/// [`padding`]. Header-only kinds get size 0; [`Kind::Other`] is written as a regular file.
pub fn write_header(out: &mut Vec<u8>, header: &Header) {
    let records = records(header);
    if !records.is_empty() {
        write_extension(out, header, &records);
    }
    let mut block = [0; BLOCK];
    put_name(&mut block, block::NAME, &header.path);
    put_octal(&mut block, block::MODE, u64::from(header.mode & 0o7777));
    put_octal(&mut block, block::UID, in_range(header.uid, ID_MAX));
    put_octal(&mut block, block::GID, in_range(header.gid, ID_MAX));
    put_octal(&mut block, block::SIZE, in_range(written_size(header), SIZE_MAX));
    put_octal(
        &mut block,
        block::MTIME,
        in_range(header.mtime.secs.try_into().unwrap_or(0), SIZE_MAX),
    );
    block[block::TYPE] = type_flag(header.kind);
    put_name(&mut block, block::LINK, &header.link);
    put_text(&mut block, block::UNAME, &header.uname);
    put_text(&mut block, block::GNAME, &header.gname);
    put_device(&mut block, block::MAJOR, header.device.0);
    put_device(&mut block, block::MINOR, header.device.1);
    seal(&mut block);
    out.extend_from_slice(&block);
}

/// How many zero bytes follow a body of `size` bytes.
pub fn padding(size: u64) -> usize {
    (size.wrapping_neg() % BLOCK as u64) as usize
}

fn written_size(header: &Header) -> u64 {
    match (header.kind.is_header_only(), &header.sparse) {
        (true, _) => 0,
        (false, Some(_)) => header.logical_size,
        (false, None) => header.size,
    }
}

fn type_flag(kind: Kind) -> u8 {
    match kind {
        Kind::Regular | Kind::Other(_) => b'0',
        Kind::HardLink => b'1',
        Kind::Symlink => b'2',
        Kind::CharDevice => b'3',
        Kind::BlockDevice => b'4',
        Kind::Directory => b'5',
        Kind::Fifo => b'6',
    }
}

/// What ustar cannot say, and what the entry had beside it, by key.
fn records(header: &Header) -> Records<'_> {
    let mut records: Records = BTreeMap::new();
    for (key, value) in header.pax.iter().filter(|(_, value)| !value.is_empty()) {
        records.insert(Cow::from(key), Cow::from(value));
    }
    for (name, value) in &header.xattrs {
        if name.contains(&b'=') {
            let value = base64::engine::general_purpose::STANDARD_NO_PAD.encode(value);
            records.insert(
                prefixed(LIBARCHIVE_XATTR, &url_encode(name)),
                Cow::from(value.into_bytes()),
            );
        } else {
            records.insert(prefixed(XATTR, name), Cow::from(value));
        }
    }
    let texts: [(&'static [u8], &[u8], usize); 4] = [
        (b"path", &header.path, block::NAME.len()),
        (b"linkpath", &header.link, block::LINK.len()),
        (b"uname", &header.uname, block::UNAME.len() - 1),
        (b"gname", &header.gname, block::GNAME.len() - 1),
    ];
    for (key, value, max) in texts {
        if value.len() > max || !value.is_ascii() {
            records.insert(Cow::from(key), Cow::from(value));
        }
    }
    let size = written_size(header);
    let numbers: [(&'static [u8], u64, u64); 3] = [
        (b"uid", header.uid, ID_MAX),
        (b"gid", header.gid, ID_MAX),
        (b"size", size, SIZE_MAX),
    ];
    for (key, value, max) in numbers {
        if value > max {
            records.insert(Cow::from(key), Cow::from(value.to_string().into_bytes()));
        }
    }
    let mtime = header.mtime;
    if mtime.nanos != 0 || u64::try_from(mtime.secs).is_err() || mtime.secs as u64 > SIZE_MAX {
        records.insert(
            Cow::from(b"mtime".as_slice()),
            Cow::from(time_text(mtime).into_bytes()),
        );
    }
    records
}

fn prefixed<'a>(prefix: &[u8], name: &[u8]) -> Cow<'a, [u8]> {
    Cow::from([prefix, name].concat())
}

fn url_encode(name: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(name.len());
    for &byte in name {
        if byte.is_ascii_graphic() && !matches!(byte, b'=' | b'%') {
            encoded.push(byte);
        } else {
            encoded.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    encoded
}

/// Seconds, and a fraction without trailing zeros: -1.5 is one and a half seconds before 1970.
fn time_text(time: Time) -> String {
    let Time { secs, nanos } = time;
    if nanos == 0 {
        return secs.to_string();
    }
    let text = if secs < 0 {
        format!("-{}.{:09}", (secs + 1).unsigned_abs(), 1_000_000_000 - nanos)
    } else {
        format!("{secs}.{nanos:09}")
    };
    text.trim_end_matches('0').to_owned()
}

fn write_extension(out: &mut Vec<u8>, header: &Header, records: &Records) {
    let mut body = Vec::new();
    for (key, value) in records {
        write_record(&mut body, key, value);
    }
    let mut block = [0; BLOCK];
    put_text(&mut block, block::NAME, &extension_name(&header.path));
    for field in [
        block::MODE,
        block::UID,
        block::GID,
        block::MTIME,
        block::MAJOR,
        block::MINOR,
    ] {
        put_octal(&mut block, field, 0);
    }
    put_octal(&mut block, block::SIZE, body.len() as u64);
    block[block::TYPE] = b'x';
    seal(&mut block);
    out.extend_from_slice(&block);
    out.extend_from_slice(&body);
    out.resize(out.len() + padding(body.len() as u64), 0);
}

/// `length key=value\n`, where the length counts its own digits.
pub(super) fn write_record(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + digits(rest);
    if rest + digits(length) != length {
        length = rest + digits(length);
    }
    out.extend_from_slice(length.to_string().as_bytes());
    for part in [b" ", key, b"=", value, b"\n"] {
        out.extend_from_slice(part);
    }
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

/// `dir/PaxHeaders.0/base`, in ASCII, at most 100 bytes: readers without PAX show it as a file's name.
fn extension_name(path: &[u8]) -> Vec<u8> {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let base = path
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(0, |slash| slash + 1);
    let mut name = [&path[..base], b"PaxHeaders.0/", &path[base..]].concat();
    name.retain(|byte| byte.is_ascii() && *byte != 0);
    name.truncate(block::NAME.len());
    while name.ends_with(b"/") {
        name.pop();
    }
    name
}

/// A name cut to its field. A cut that ends in a slash would make old readers see a directory.
fn put_name(block: &mut [u8; BLOCK], field: Field, name: &[u8]) {
    let is_cut = name.len() > field.len();
    put_text(block, field.clone(), name);
    if is_cut {
        let text = &mut block[field];
        while let Some(slash) = text
            .iter()
            .rposition(|&byte| byte != 0)
            .filter(|&last| text[last] == b'/')
        {
            text[slash] = 0;
        }
    }
}

/// The ASCII part of a text, cut to its field.
fn put_text(block: &mut [u8; BLOCK], field: Field, text: &[u8]) {
    let ascii = text.iter().filter(|byte| byte.is_ascii() && **byte != 0);
    for (place, byte) in block[field].iter_mut().zip(ascii) {
        *place = *byte;
    }
}

/// Octal with leading zeros and a NUL; the value fits.
fn put_octal(block: &mut [u8; BLOCK], field: Field, mut value: u64) {
    let digits = field.start..field.end - 1;
    for place in block[digits].iter_mut().rev() {
        *place = b'0' + (value & 7) as u8;
        value >>= 3;
    }
    block[field.end - 1] = 0;
}

/// What does not fit is written as 0: a PAX record says it.
fn in_range(value: u64, max: u64) -> u64 {
    if value > max { 0 } else { value }
}

/// A device number; there is no PAX record for it, so a large one is written in base-256.
fn put_device(block: &mut [u8; BLOCK], field: Field, number: u32) {
    if u64::from(number) <= ID_MAX {
        return put_octal(block, field, u64::from(number));
    }
    let bytes = u64::from(number).to_be_bytes();
    block[field.clone()].copy_from_slice(&bytes);
    block[field.start] |= 0x80;
}

/// Magic, version and checksum.
fn seal(block: &mut [u8; BLOCK]) {
    block[block::MAGIC].copy_from_slice(b"ustar\x0000");
    let (sum, _) = block::checksums(block);
    let field = block::CHECKSUM;
    put_octal(block, field.start..field.end - 1, sum as u64);
    block[field.end - 1] = b' ';
}
