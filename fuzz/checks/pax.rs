//! PAX records: read as a plain second reading of POSIX has them, and nothing smuggled in through values.
//!
//! The input decides on records, good and bad, and on the header block behind them.

use std::collections::BTreeMap;

use layerslim::limits::Limits;
use layerslim::tar::{Header, Kind, Time};

use super::bytes::{Bytes, seal};
use super::tar::{meaning, read, written_again};

pub(super) fn check(input: &[u8]) {
    let mut bytes = Bytes(input);
    match bytes.byte() % 3 {
        0 => any_records(bytes.0),
        1 => good_records(&mut bytes),
        _ => any_header(&mut bytes),
    }
}

/// Any bytes as an extended header: read or refused, and what is read can be written again.
fn any_records(body: &[u8]) {
    let archive = archive(body);
    if let Ok(seen) = read([archive.as_slice()], Limits::default()) {
        assert_eq!(seen.entries.len(), 1, "records made an entry, or took one away");
        written_again(&seen.entries[0].header);
        assert!(
            records(body).is_some(),
            "records that POSIX does not know were accepted"
        );
    }
}

/// Records that are in order, with any keys and values.
fn good_records(bytes: &mut Bytes<'_>) {
    let mut body = Vec::new();
    while !bytes.is_empty() {
        let (key, value) = (key(bytes), value(bytes));
        write_record(&mut body, &key, &value);
    }
    let archive = archive(&body);
    let Ok(seen) = read([archive.as_slice()], Limits::default()) else {
        return; // a number that is none, a NUL in a name, a sparse map
    };
    let Some(listed) = records(&body) else {
        panic!("our own records are out of order")
    };
    let header = &seen.entries[0].header;
    let mut last = BTreeMap::new();
    for (key, value) in &listed {
        last.insert(*key, *value);
    }
    let text = |key: &str| {
        last.get(key.as_bytes())
            .copied()
            .filter(|value| !value.is_empty())
    };
    if header.sparse.is_none() {
        assert_eq!(header.path, text("path").unwrap_or(b"name"), "path");
    }
    assert_eq!(header.link, text("linkpath").unwrap_or(b""), "linkpath");
    assert_eq!(header.uname, text("uname").unwrap_or(b"user"), "uname");
    assert_eq!(header.gname, text("gname").unwrap_or(b""), "gname");
    let is_libarchive = last.keys().any(|key| key.starts_with(b"LIBARCHIVE.xattr."));
    let xattrs: Vec<_> = last
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(b"SCHILY.xattr.")?.to_vec(), value.to_vec())))
        .collect();
    if !is_libarchive {
        let found: Vec<_> = header
            .xattrs
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .cloned()
            .collect();
        let expected: Vec<_> = xattrs
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        assert_eq!(found, expected, "extended attributes");
    }
    written_again(header);
}

/// Any fields: written, then read as they were.
fn any_header(bytes: &mut Bytes<'_>) {
    let kinds = [
        Kind::Regular,
        Kind::HardLink,
        Kind::Symlink,
        Kind::CharDevice,
        Kind::BlockDevice,
        Kind::Directory,
        Kind::Fifo,
    ];
    let kind = bytes.pick(&kinds);
    let mode = bytes.number() as u32;
    let path = value(bytes);
    let mut header = Header::new(kind, &name(path), mode);
    header.link = name(value(bytes));
    header.uname = name(value(bytes));
    header.gname = name(value(bytes));
    // Owners are signed in tar, sizes too.
    (header.uid, header.gid) = (bytes.number() >> 1, bytes.number() >> 1);
    if !kind.is_header_only() {
        header.size = bytes.number() >> 1;
    }
    header.logical_size = header.size;
    if matches!(kind, Kind::CharDevice | Kind::BlockDevice) {
        header.device = (bytes.number() as u32, bytes.number() as u32);
    }
    header.mtime = Time {
        secs: bytes.number().cast_signed(),
        nanos: (bytes.number() % 1_000_000_000) as u32,
    };
    if header.mtime.secs == i64::MIN {
        header.mtime.nanos = 0; // not to be written: it would be rounded towards a number there is not
    }
    let (mut xattrs, mut pax) = (BTreeMap::new(), BTreeMap::new());
    while !bytes.is_empty() {
        let is_xattr = bytes.byte().is_multiple_of(2);
        let (key, value) = (name(value(bytes)), value(bytes));
        if is_xattr && !key.is_empty() {
            xattrs.insert(key, value);
        } else if !value.is_empty() {
            pax.insert([b"x.", key.as_slice()].concat().replace_equals(), value);
        }
    }
    (header.xattrs, header.pax) = (xattrs.into_iter().collect(), pax.into_iter().collect());
    let before = meaning(&header);
    written_again(&header);
    assert_eq!(meaning(&header), before, "writing changes nothing");
}

/// What no header can hold is left out of names.
fn name(mut value: Vec<u8>) -> Vec<u8> {
    value.retain(|&byte| byte != 0);
    value
}

trait Key {
    fn replace_equals(self) -> Self;
}

impl Key for Vec<u8> {
    /// A key ends at its first `=`.
    fn replace_equals(mut self) -> Self {
        for byte in &mut self {
            if *byte == b'=' {
                *byte = b'-';
            }
        }
        self
    }
}

fn key(bytes: &mut Bytes<'_>) -> Vec<u8> {
    const KEYS: &[&str] = &[
        "path",
        "linkpath",
        "size",
        "uid",
        "gid",
        "uname",
        "gname",
        "mtime",
        "atime",
        "comment",
        "SCHILY.xattr.user.a",
        "SCHILY.xattr.",
        "SCHILY.xattr.security.capability",
        "LIBARCHIVE.xattr.user.b",
        "LIBARCHIVE.xattr.a%3Db",
        "GNU.sparse.major",
        "GNU.sparse.minor",
        "GNU.sparse.name",
        "GNU.sparse.map",
        "GNU.sparse.size",
        "GNU.sparse.realsize",
        "GNU.sparse.numblocks",
        "GNU.sparse.offset",
        "GNU.sparse.numbytes",
        "hdrcharset",
    ];
    let pick = bytes.byte();
    match KEYS.get(usize::from(pick)) {
        Some(key) => key.as_bytes().to_vec(),
        None => value(bytes).replace_equals(),
    }
}

fn value(bytes: &mut Bytes<'_>) -> Vec<u8> {
    const VALUES: &[&[u8]] = &[
        b"",
        b"0",
        b"1",
        b"-1",
        b"1.5",
        b"-1.000000001",
        b"9223372036854775807",
        b"9223372036854775808",
        b"\n17 path=smuggled\n",
        b"../../etc/passwd",
        b"/",
        b"0,1",
        b"0,512,1024,512",
        b"a=b",
        b"\xff\xfe",
        b"AAEC",
        b"directory/",
    ];
    let pick = bytes.byte();
    match pick {
        0..100 => VALUES[usize::from(pick) % VALUES.len()].to_vec(),
        100..120 => bytes.byte().to_string().into_bytes(),
        120..130 => vec![b'a' + pick % 7; 90 + usize::from(bytes.byte())],
        _ => bytes.take(usize::from(pick % 32)).to_vec(),
    }
}

/// An extended header with this body, and a file called `name` behind it. The file claims no body, unless a record
/// says otherwise: then the archive ends early and is refused.
fn archive(body: &[u8]) -> Vec<u8> {
    let block = |name: &str, flag: u8, size: usize| {
        let mut block = [0; 512];
        let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
        put(0, name);
        put(100, "0000644");
        put(124, &format!("{size:011o}"));
        put(257, "ustar\u{0}00");
        put(265, "user");
        block[156] = flag;
        seal(&mut block);
        block
    };
    let mut archive = block("extended", b'x', body.len()).to_vec();
    archive.extend_from_slice(body);
    archive.resize(archive.len().next_multiple_of(512), 0);
    archive.extend_from_slice(&block("name", b'0', 0));
    archive.resize(archive.len() + 1024, 0);
    archive
}

fn write_record(body: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let length = (1..20).find(|digits| (rest + digits).to_string().len() == *digits);
    let length = rest + length.unwrap_or_default();
    body.extend_from_slice(length.to_string().as_bytes());
    for part in [b" ", key, b"=", value, b"\n"] {
        body.extend_from_slice(part);
    }
}

/// `length key=value\n`, parted by their lengths; `None` where that cannot be done.
fn records(mut body: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut records = Vec::new();
    while !body.is_empty() {
        let space = body.iter().position(|&byte| byte == b' ')?;
        let digits = &body[..space];
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let length: usize = str::from_utf8(digits).ok()?.parse().ok()?;
        let record = body.get(space + 1..length)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|&byte| byte == b'=')?;
        records.push((&record[..equals], &record[equals + 1..]));
        body = &body[length..];
    }
    Some(records)
}
