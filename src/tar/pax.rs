//! PAX extended header records: `length key=value\n`.
//!
//! Of its own because records are cut by their length and by nothing else: a value may hold newlines, and a
//! reader that splits at newlines can be made to read records that nobody wrote. POSIX `pax` utility,
//! "pax Extended Header".

use super::header::Time;

pub(super) const XATTR: &[u8] = b"SCHILY.xattr.";
pub(super) const LIBARCHIVE_XATTR: &[u8] = b"LIBARCHIVE.xattr.";
const SPARSE: &[u8] = b"GNU.sparse.";

/// A record, or why there is none.
type Record<'a> = Result<(&'a [u8], &'a [u8]), &'static str>;

/// The records of an extended header's body, in order; ends after the first error.
pub(super) fn records(mut body: &[u8]) -> impl Iterator<Item = Record<'_>> {
    std::iter::from_fn(move || {
        if body.is_empty() {
            return None;
        }
        let record = split_record(body);
        body = match &record {
            Ok((_, rest)) => rest,
            Err(_) => &[],
        };
        Some(record.and_then(|(record, _)| key_value(record)))
    })
}

/// The first record without length and newline, and what follows it.
fn split_record(body: &[u8]) -> Record<'_> {
    let space = body
        .iter()
        .take(20)
        .position(|&byte| byte == b' ')
        .ok_or("a record has no length")?;
    let length = decimal(&body[..space]).ok_or("a record's length is no number")?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length < space + 4 {
        return Err("a record's length is too small");
    }
    if length > body.len() {
        return Err("a record's length reaches past the end");
    }
    let (record, rest) = body.split_at(length);
    match record.split_last() {
        Some((b'\n', record)) => Ok((&record[space + 1..], rest)),
        _ => Err("a record does not end in a newline"),
    }
}

fn key_value(record: &[u8]) -> Record<'_> {
    let equals = record
        .iter()
        .position(|&byte| byte == b'=')
        .ok_or("a record has no equals sign")?;
    let (key, value) = (&record[..equals], &record[equals + 1..]);
    if key.contains(&0) {
        return Err("a key holds a NUL");
    }
    if matches!(key, b"path" | b"linkpath" | b"uname" | b"gname") && value.contains(&0) {
        return Err("a name holds a NUL");
    }
    Ok((key, value))
}

/// The records of one extended header that the reader itself understands. An empty value deletes a record.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    pub(super) path: Option<&'a [u8]>,
    pub(super) link: Option<&'a [u8]>,
    pub(super) uname: Option<&'a [u8]>,
    pub(super) gname: Option<&'a [u8]>,
    pub(super) uid: Option<&'a [u8]>,
    pub(super) gid: Option<&'a [u8]>,
    pub(super) size: Option<&'a [u8]>,
    pub(super) mtime: Option<&'a [u8]>,
    pub(super) sparse: SparseFields<'a>,
    /// Whether one of them stood there twice, which not every reader resolves in the same way.
    pub(super) repeated: bool,
}

/// The `GNU.sparse.*` records of one extended header.
#[derive(Debug, Default)]
pub(super) struct SparseFields<'a> {
    pub(super) major: Option<&'a [u8]>,
    pub(super) minor: Option<&'a [u8]>,
    pub(super) name: Option<&'a [u8]>,
    pub(super) size: Option<&'a [u8]>,
    pub(super) real_size: Option<&'a [u8]>,
    pub(super) map: Option<&'a [u8]>,
    pub(super) blocks: Option<&'a [u8]>,
    /// The `offset` and `numbytes` records of format 0.0, which take turns.
    pub(super) pairs: Vec<&'a [u8]>,
    /// Whether there is any such record.
    pub(super) present: bool,
}

impl<'a> Fields<'a> {
    /// Takes a record in, or says that it is none of these.
    pub(super) fn take(&mut self, key: &[u8], value: &'a [u8]) -> Result<bool, &'static str> {
        let field = match key {
            b"path" => &mut self.path,
            b"linkpath" => &mut self.link,
            b"uname" => &mut self.uname,
            b"gname" => &mut self.gname,
            b"uid" => &mut self.uid,
            b"gid" => &mut self.gid,
            b"size" => &mut self.size,
            b"mtime" => &mut self.mtime,
            _ => {
                return match key.strip_prefix(SPARSE) {
                    Some(key) => self.sparse.take(key, value).map(|()| true),
                    None => Ok(false),
                };
            }
        };
        self.repeated |= field.is_some();
        *field = Some(value).filter(|value| !value.is_empty());
        Ok(true)
    }
}

impl<'a> SparseFields<'a> {
    fn take(&mut self, key: &[u8], value: &'a [u8]) -> Result<(), &'static str> {
        self.present = true;
        let field = match key {
            b"offset" | b"numbytes" => {
                if self.pairs.len().is_multiple_of(2) != (key == b"offset") {
                    return Err("sparse offsets and lengths don't take turns");
                }
                self.pairs.push(value);
                return Ok(());
            }
            b"major" => &mut self.major,
            b"minor" => &mut self.minor,
            b"name" => &mut self.name,
            b"size" => &mut self.size,
            b"realsize" => &mut self.real_size,
            b"map" => &mut self.map,
            b"numblocks" => &mut self.blocks,
            _ => return Ok(()),
        };
        *field = Some(value).filter(|value| !value.is_empty());
        Ok(())
    }
}

/// Digits only; `None` too where the number does not fit a signed 64-bit integer.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let mut value = 0i64;
    for byte in text {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value = value.checked_mul(10)?.checked_add(i64::from(digit))?;
    }
    u64::try_from(value).ok()
}

/// A decimal number with an optional sign.
pub(super) fn signed_decimal(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse().ok()
}

/// A time: seconds, perhaps negative, perhaps with a fraction, of which nine digits count.
pub(super) fn time(text: &[u8]) -> Option<Time> {
    let mut parts = text.splitn(2, |&byte| byte == b'.');
    let whole = parts.next().unwrap_or_default();
    let fraction = parts.next().unwrap_or_default();
    let secs = signed_decimal(whole)?;
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    let nanos = digits.fold(0u32, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
    if whole.starts_with(b"-") && nanos > 0 {
        return Some(Time {
            secs: secs.checked_sub(1)?,
            nanos: 1_000_000_000 - nanos,
        });
    }
    Some(Time { secs, nanos })
}

/// A `LIBARCHIVE.xattr` name: percent-encoded. `None` where an escape is broken or the name holds a NUL.
pub(super) fn url_decode(name: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(name.len());
    let mut bytes = name.iter();
    while let Some(&byte) = bytes.next() {
        let byte = if byte == b'%' {
            hex(*bytes.next()?)? << 4 | hex(*bytes.next()?)?
        } else {
            byte
        };
        decoded.push(byte);
    }
    Some(decoded).filter(|name| !name.is_empty() && !name.contains(&0))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}
