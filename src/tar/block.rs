//! The 512-byte header block: where its fields lie, and how numbers and texts are written in them.
//!
//! Of its own because this is the one place that knows offsets. It judges one block at a time and knows no
//! extension headers. POSIX `pax` utility, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".

use std::ops::Range;

use super::BLOCK;

/// A field of the header block.
pub(super) type Field = Range<usize>;

pub(super) const NAME: Field = 0..100;
pub(super) const MODE: Field = 100..108;
pub(super) const UID: Field = 108..116;
pub(super) const GID: Field = 116..124;
pub(super) const SIZE: Field = 124..136;
pub(super) const MTIME: Field = 136..148;
pub(super) const CHECKSUM: Field = 148..156;
pub(super) const TYPE: usize = 156;
pub(super) const LINK: Field = 157..257;
pub(super) const MAGIC: Field = 257..265;
pub(super) const UNAME: Field = 265..297;
pub(super) const GNAME: Field = 297..329;
pub(super) const MAJOR: Field = 329..337;
pub(super) const MINOR: Field = 337..345;
pub(super) const PREFIX: Field = 345..500;
const STAR_PREFIX: Field = 345..476;
const STAR_TRAILER: Field = 508..512;
const GNU_ATIME: Field = 345..357;
const GNU_CTIME: Field = 357..369;
pub(super) const GNU_REAL_SIZE: Field = 483..495;

/// The dialect of a header, told by its magic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Before POSIX: no owner names, no device numbers, no prefix.
    V7,
    /// POSIX ustar, which PAX headers are too.
    Ustar,
    /// Jörg Schilling's star: a shorter prefix.
    Star,
    /// Old GNU: times and a sparse map where ustar has its prefix.
    Gnu,
}

/// A header block whose checksum is right.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    bytes: &'a [u8; BLOCK],
    dialect: Dialect,
}

impl<'a> Block<'a> {
    /// The block as a header, if its checksum is right, summed unsigned (POSIX) or signed (old Sun tar).
    pub(super) fn parse(bytes: &'a [u8; BLOCK]) -> Option<Self> {
        let given = octal(&bytes[CHECKSUM])?;
        let (unsigned, signed) = checksums(bytes);
        if given != unsigned && given != signed {
            return None;
        }
        let dialect = match &bytes[MAGIC] {
            magic if magic.starts_with(b"ustar\0") && &bytes[STAR_TRAILER] == b"tar\0" => Dialect::Star,
            magic if magic.starts_with(b"ustar\0") => Dialect::Ustar,
            b"ustar  \0" => Dialect::Gnu,
            _ => Dialect::V7,
        };
        Some(Self { bytes, dialect })
    }

    pub(super) fn bytes(&self) -> &'a [u8; BLOCK] {
        self.bytes
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The type flag.
    pub(super) fn type_flag(&self) -> u8 {
        self.bytes[TYPE]
    }

    /// A text field up to its NUL.
    pub(super) fn text(&self, field: Field) -> &'a [u8] {
        c_str(&self.bytes[field])
    }

    /// A numeric field, octal or base-256.
    pub(super) fn number(&self, field: Field) -> Option<i64> {
        number(&self.bytes[field])
    }

    /// What stands before the name, without the slash between; and whether it is the prefix that Go before
    /// 1.8 wrote into GNU headers, where other readers see times.
    pub(super) fn prefix(&self) -> (&'a [u8], bool) {
        match self.dialect {
            Dialect::V7 => (b"", false),
            Dialect::Ustar => (self.text(PREFIX), false),
            Dialect::Star => (self.text(STAR_PREFIX), false),
            Dialect::Gnu => {
                let is_time = |field: Field| self.bytes[field.start] == 0 || self.number(field).is_some();
                let prefix = self.text(PREFIX);
                if is_time(GNU_ATIME) && is_time(GNU_CTIME) || !prefix.is_ascii() {
                    (b"", false)
                } else {
                    (prefix, !prefix.is_empty())
                }
            }
        }
    }
}

/// Whether the block is all zeros.
pub(super) fn is_zero(block: &[u8]) -> bool {
    block.first().is_none_or(|&byte| byte == 0) && block.iter().all(|&byte| byte == 0)
}

/// The sums of a header block's bytes, unsigned and signed, its own checksum field read as blanks.
pub(super) fn checksums(bytes: &[u8; BLOCK]) -> (i64, i64) {
    let field = &bytes[CHECKSUM];
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    let high = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte >> 7)).sum::<u32>();
    let unsigned = i64::from(sum(bytes) - sum(field)) + 8 * i64::from(b' ');
    (unsigned, unsigned - 256 * i64::from(high(bytes) - high(field)))
}

/// The bytes before the first NUL.
pub(super) fn c_str(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// A number in octal, or in base-256: two's complement, big-endian, marked by the first bit.
pub(super) fn number(field: &[u8]) -> Option<i64> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => base_256(field),
        _ => octal(field),
    }
}

fn base_256(field: &[u8]) -> Option<i64> {
    let invert = if field[0] & 0x40 == 0 { 0 } else { 0xff };
    let mut value = u64::from((field[0] ^ invert) & 0x7f);
    for byte in &field[1..] {
        if value >> 56 != 0 {
            return None;
        }
        value = value << 8 | u64::from(byte ^ invert);
    }
    let value = i64::try_from(value).ok()?;
    Some(if invert == 0 { value } else { !value })
}

/// Blanks and NULs around the digits are legal, a missing terminator too; an empty field is 0.
fn octal(field: &[u8]) -> Option<i64> {
    let is_filler = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field
        .iter()
        .position(|byte| !is_filler(byte))
        .unwrap_or(field.len());
    let end = field
        .iter()
        .rposition(|byte| !is_filler(byte))
        .map_or(start, |last| last + 1);
    let mut value = 0i64;
    for byte in c_str(&field[start..end]) {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value = value.checked_mul(8)?.checked_add(i64::from(digit))?;
    }
    Some(value)
}
