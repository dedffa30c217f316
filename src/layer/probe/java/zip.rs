//! Walks a zip file front to back, by the headers before each entry, and keeps the few small entries that are wanted.
//!
//! A module of its own because the table of a zip file stands at its end, where its entries have passed already. An entry
//! whose header has no size ends where a descriptor follows that has the size that has passed: so nothing is inflated
//! but what is wanted, and nothing is kept of the rest. Spec: PKWARE APPNOTE.TXT, 4.3. A file that is not what it should
//! be ends the walk, and what was found until then counts.

use std::io::Read as _;

use flate2::read::DeflateDecoder;
use memchr::memmem::{self, Finder};

use super::Wanted;

/// The signature before each entry.
pub(super) const FILE: &[u8] = b"PK\x03\x04";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";

/// Bytes of a header in front of its names.
const HEADER: usize = 30;
/// Bytes of a descriptor with its signature, and with sizes of eight bytes.
const SHORT: usize = 16;
const LONG: usize = 24;
/// Bytes of a wanted entry: the first ones, stored and inflated. A manifest has its main section first.
const MAX_BYTES: usize = 16 << 10;
/// Bytes of all wanted entries of a file, and of the name of one.
const MAX_FOUND: usize = 1 << 20;
const MAX_NAME: usize = 1 << 10;
/// Bytes that are inflated: so many, and so many times those that are stored.
const LEAST_INFLATED: usize = 1 << 10;
const MAX_RATIO: usize = 20;

/// A wanted entry, its first bytes.
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) bytes: Vec<u8>,
}

/// The name of an entry → what it is for.
type Want = fn(name: &[u8]) -> Wanted;

pub(super) struct Zip {
    want: Want,
    descriptors: Finder<'static>,
    state: State,
    found: Vec<Entry>,
    /// Bytes that may still be kept.
    room: usize,
    /// Whether an entry was there that is [`Wanted::Nests`].
    nests: bool,
}

enum State {
    /// What is not zip, until it begins; the last bytes.
    Front(Vec<u8>),
    /// A header, as far as it has come.
    Header(Vec<u8>),
    Data(Data),
    Done,
}

/// The bytes of an entry.
struct Data {
    /// Name and method, where it is wanted.
    wanted: Option<(Vec<u8>, u64)>,
    /// Its first bytes, where it is wanted.
    kept: Vec<u8>,
    passed: u64,
    end: End,
}

enum End {
    At(u64),
    /// Where a descriptor says so; the last bytes, one of which may be the first of it.
    Descriptor(Vec<u8>),
}

impl Zip {
    pub(super) fn new(want: Want) -> Self {
        Self {
            want,
            descriptors: Finder::new(DESCRIPTOR),
            state: State::Front(Vec::new()),
            found: Vec::new(),
            room: MAX_FOUND,
            nests: false,
        }
    }

    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (state, rest) = match std::mem::replace(&mut self.state, State::Done) {
                State::Front(last) => front(last, bytes),
                State::Header(kept) => self.header(kept, bytes),
                State::Data(data) => self.data(data, bytes),
                State::Done => return,
            };
            (self.state, bytes) = (state, rest);
        }
    }

    /// The wanted entries, and whether there was one that is [`Wanted::Nests`].
    pub(super) fn end(self) -> (Vec<Entry>, bool) {
        (self.found, self.nests)
    }

    fn header<'a>(&mut self, mut kept: Vec<u8>, bytes: &'a [u8]) -> (State, &'a [u8]) {
        // Nothing is copied of one that is in one piece, as most are.
        if kept.is_empty()
            && bytes.starts_with(FILE)
            && let Some(needed) = needed(bytes)
            && needed <= bytes.len()
        {
            return (self.entry(&bytes[..needed]), &bytes[needed..]);
        }
        let mut rest = bytes;
        loop {
            let needed = match needed(&kept) {
                Some(needed) if needed > kept.len() => needed,
                Some(needed) if kept.starts_with(DESCRIPTOR) => {
                    return (State::Header(kept.split_off(needed)), rest);
                }
                Some(_) => return (self.entry(&kept), rest),
                None => return (State::Done, rest),
            };
            if rest.is_empty() {
                return (State::Header(kept), rest);
            }
            let (piece, behind) = rest.split_at(rest.len().min(needed - kept.len()));
            kept.extend_from_slice(piece);
            rest = behind;
        }
    }

    /// What follows a header.
    fn entry(&mut self, header: &[u8]) -> State {
        let (flags, method) = (number(header, 6, 2), number(header, 8, 2));
        let name_length = number(header, 26, 2) as usize;
        let (name, extra) = header[HEADER..].split_at(name_length);
        let is_wanted = match (self.want)(name) {
            Wanted::Yes => flags & 1 == 0 && name.len() <= MAX_NAME && self.room > 0,
            Wanted::No => false,
            Wanted::Nests => {
                self.nests = true;
                false
            }
        };
        let size = size(header, extra);
        // The sizes may stand in the header all the same; the descriptor is skipped as a header then.
        let end = if flags & 8 != 0 && size == 0 {
            End::Descriptor(Vec::new())
        } else if size == 0 {
            return State::Header(Vec::new());
        } else {
            End::At(size)
        };
        State::Data(Data {
            wanted: is_wanted.then(|| (name.to_vec(), method)),
            kept: Vec::new(),
            passed: 0,
            end,
        })
    }

    fn data<'a>(&mut self, mut data: Data, bytes: &'a [u8]) -> (State, &'a [u8]) {
        let ended = match &mut data.end {
            End::At(size) => {
                let missing = usize::try_from(*size - data.passed).ok();
                missing
                    .filter(|&missing| missing <= bytes.len())
                    .map(|used| Ended {
                        size: *size,
                        used,
                        behind: Vec::new(),
                    })
            }
            End::Descriptor(last) => self.descriptor(data.passed, last, bytes),
        };
        let (piece, rest) = bytes.split_at(ended.as_ref().map_or(bytes.len(), |ended| ended.used));
        if data.wanted.is_some() {
            let room = (MAX_BYTES - data.kept.len()).min(piece.len());
            data.kept.extend_from_slice(&piece[..room]);
        }
        data.passed += piece.len() as u64;
        let Some(Ended { size, behind, .. }) = ended else {
            return (State::Data(data), rest);
        };
        data.kept.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        self.keep(data);
        (State::Header(behind), rest)
    }

    /// Looks for the end of an entry of which `passed` bytes have passed before this piece, the last of them in `last`.
    fn descriptor(&self, passed: u64, last: &mut Vec<u8>, bytes: &[u8]) -> Option<Ended> {
        let before = last.len();
        last.extend_from_slice(&bytes[..bytes.len().min(LONG - 1)]);
        let begin = passed - before as u64;
        // One that begins before this piece.
        if before > 0
            && let Some((at, length)) = self.find_descriptor(last, begin)
        {
            let end = at + length;
            return Some(Ended {
                size: begin + at as u64,
                used: end.saturating_sub(before),
                behind: last.get(end..before).unwrap_or_default().to_vec(),
            });
        }
        if bytes.len() < LONG {
            let from = last.len().saturating_sub(LONG - 1);
            last.drain(..from);
            return None;
        }
        if let Some((at, length)) = self.find_descriptor(bytes, passed) {
            return Some(Ended {
                size: passed + at as u64,
                used: at + length,
                behind: Vec::new(),
            });
        }
        *last = bytes[bytes.len() - (LONG - 1)..].to_vec();
        None
    }

    /// A descriptor of as many bytes as stand in front of it, `passed` more of them before these: where, and its length.
    fn find_descriptor(&self, bytes: &[u8], passed: u64) -> Option<(usize, usize)> {
        let mut hits = self.descriptors.find_iter(bytes);
        hits.find_map(|at| {
            let (size, form) = (passed + at as u64, bytes.get(at..at + LONG)?);
            if number(form, 8, 4) == size && form[SHORT..].starts_with(b"PK") {
                return Some((at, SHORT));
            }
            (number(form, 8, 8) == size).then_some((at, LONG))
        })
    }

    fn keep(&mut self, data: Data) {
        let Some((name, method)) = data.wanted else { return };
        let bytes = match method {
            0 => data.kept,
            8 => inflate(&data.kept),
            _ => return,
        };
        self.room = self.room.saturating_sub(name.len() + bytes.len());
        if self.room > 0 {
            self.found.push(Entry { name, bytes });
        }
    }
}

/// Looks for the first entry.
fn front(mut last: Vec<u8>, bytes: &[u8]) -> (State, &[u8]) {
    let seam = bytes.len().min(FILE.len() - 1);
    let before = last.len();
    last.extend_from_slice(&bytes[..seam]);
    if let Some(at) = memmem::find(&last, FILE) {
        let used = FILE.len() - (before - at);
        return (State::Header(FILE.to_vec()), &bytes[used..]);
    }
    if let Some(at) = memmem::find(bytes, FILE) {
        return (State::Header(Vec::new()), &bytes[at..]);
    }
    if seam < bytes.len() {
        last = bytes[bytes.len() - seam..].to_vec();
    }
    let from = last.len().saturating_sub(FILE.len() - 1);
    (State::Front(last.split_off(from)), &[])
}

/// Bytes of a header, as far as what is there says; `None` where it is no header of an entry.
fn needed(kept: &[u8]) -> Option<usize> {
    if kept.len() < FILE.len() {
        return Some(FILE.len());
    }
    if kept.starts_with(DESCRIPTOR) {
        // What follows the short form begins like every header.
        return Some(match kept.get(SHORT..SHORT + 2) {
            None => SHORT + 2,
            Some(b"PK") => SHORT,
            Some(_) => LONG,
        });
    }
    if !kept.starts_with(FILE) {
        return None;
    }
    if kept.len() < HEADER {
        return Some(HEADER);
    }
    Some(HEADER + (number(kept, 26, 2) + number(kept, 28, 2)) as usize)
}

/// The stored size, which may stand in the field of zip64: identifier 1, the size, the stored size.
fn size(header: &[u8], mut extra: &[u8]) -> u64 {
    let short = number(header, 18, 4);
    if short != u64::from(u32::MAX) {
        return short;
    }
    while extra.len() >= 4 {
        let (kind, length) = (number(extra, 0, 2), number(extra, 2, 2) as usize);
        let Some(field) = extra.get(4..4 + length) else {
            break;
        };
        if kind == 1 && length >= 16 {
            return number(field, 8, 8);
        }
        extra = &extra[4 + length..];
    }
    short
}

/// Where an entry ends.
struct Ended {
    /// Its bytes.
    size: u64,
    /// Bytes of the piece at hand, up to behind the descriptor.
    used: usize,
    /// What has passed before that piece and follows the descriptor.
    behind: Vec<u8>,
}

fn inflate(stored: &[u8]) -> Vec<u8> {
    let most = MAX_BYTES.min(LEAST_INFLATED + MAX_RATIO * stored.len());
    let mut bytes = Vec::new();
    // What is damaged, or cut, counts as far as it goes.
    let _ = DeflateDecoder::new(stored)
        .take(most as u64)
        .read_to_end(&mut bytes);
    bytes
}

/// A number as zip writes it, of bytes that are there.
fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    bytes[at..at + width]
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;

    /// How an entry is written.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(in super::super) enum Form {
        /// Its size in front.
        Sized,
        /// A descriptor behind it, without a size in front.
        Descriptor,
        /// The same, with sizes of eight bytes.
        Descriptor64,
        /// The sizes in front and behind.
        Both,
        /// The size in the field of zip64.
        Zip64,
    }

    pub(in super::super) struct Made<'a> {
        name: &'a str,
        body: &'a [u8],
        form: Form,
        is_stored: bool,
    }

    impl<'a> Made<'a> {
        pub(in super::super) fn new(name: &'a str, body: &'a [u8]) -> Self {
            Self {
                name,
                body,
                form: Form::Descriptor,
                is_stored: false,
            }
        }
    }

    /// An archive of these entries; its table is only its beginning.
    pub(in super::super) fn zip(entries: &[Made<'_>]) -> Vec<u8> {
        let mut out = Vec::new();
        for made in entries {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(made.body).unwrap();
            let stored = if made.is_stored {
                made.body.to_vec()
            } else {
                encoder.finish().unwrap()
            };
            let (size, full) = (stored.len() as u32, made.body.len() as u32);
            let has_descriptor = !matches!(made.form, Form::Sized | Form::Zip64);
            let (front, extra) = match made.form {
                Form::Sized | Form::Both => ([size, full], Vec::new()),
                Form::Descriptor | Form::Descriptor64 => ([0, 0], b"\xfe\xca\0\0".to_vec()),
                Form::Zip64 => {
                    let sizes = [u64::from(full), u64::from(size)].map(u64::to_le_bytes).concat();
                    (
                        [u32::MAX; 2],
                        [b"\xfe\xca\x01\0x\x01\0\x10\0", &sizes[..]].concat(),
                    )
                }
            };
            out.extend(FILE);
            out.extend([20, 0, if has_descriptor { 8 } else { 0 }, 0]);
            out.extend([if made.is_stored { 0 } else { 8 }, 0]);
            out.extend([0; 8]);
            out.extend(front.map(u32::to_le_bytes).concat());
            out.extend((made.name.len() as u16).to_le_bytes());
            out.extend((extra.len() as u16).to_le_bytes());
            out.extend(made.name.as_bytes());
            out.extend(extra);
            out.extend(stored);
            match made.form {
                Form::Sized | Form::Zip64 => {}
                Form::Descriptor64 => {
                    out.extend(DESCRIPTOR);
                    out.extend([1; 4]);
                    out.extend([u64::from(size), u64::from(full)].map(u64::to_le_bytes).concat());
                }
                _ => {
                    out.extend(DESCRIPTOR);
                    out.extend([1; 4]);
                    out.extend([size, full].map(u32::to_le_bytes).concat());
                }
            }
        }
        out.extend(b"PK\x01\x02");
        out.resize(out.len() + 60, 0);
        out
    }

    fn found(file: &[u8], piece: usize) -> Vec<(String, Vec<u8>)> {
        let mut walk = Zip::new(|name| match name.first() {
            Some(b'w') => Wanted::Yes,
            Some(b'n') => Wanted::Nests,
            _ => Wanted::No,
        });
        file.chunks(piece).for_each(|bytes| walk.read(bytes));
        let (entries, nests) = walk.end();
        let nested = nests.then(|| ("nests".to_owned(), Vec::new()));
        let entries = entries.into_iter().map(|entry| {
            let name = String::from_utf8_lossy(&entry.name).into_owned();
            (name, entry.bytes)
        });
        entries.chain(nested).collect()
    }

    #[test]
    fn entries_are_found_however_they_are_written() {
        // What looks like a header, or like a descriptor of a wrong size.
        let noise = [FILE, &[0xaa; 40], DESCRIPTOR, &[0; 30], DESCRIPTOR, b"PK"].concat();
        let long: Vec<u8> = (0..99_999_u32).map(|number| (number % 251) as u8).collect();
        let forms = [
            Form::Sized,
            Form::Descriptor,
            Form::Descriptor64,
            Form::Both,
            Form::Zip64,
        ];
        for (form, is_stored) in forms.into_iter().flat_map(|form| [(form, false), (form, true)]) {
            let made = |name, body| Made {
                name,
                body,
                form,
                is_stored,
            };
            let entries = [
                made("w1", b"first"),
                made("a", &noise),
                made("b", b""),
                made("w2", b""),
                made("c", &long),
                made("n", &noise),
                made("w3", &long),
                made("w4", &noise),
            ];
            let mut want: Vec<(String, Vec<u8>)> = [
                ("w1", &b"first"[..]),
                ("w2", b""),
                ("w3", &long[..MAX_BYTES]),
                ("w4", &noise),
            ]
            .map(|(name, body)| (name.to_owned(), body.to_vec()))
            .into();
            want.push(("nests".to_owned(), Vec::new()));
            // Entries without bytes and descriptors are not read at all.
            for piece in [1, 2, 5, 23, 24, 25, 1000, 1 << 20] {
                let mut got = found(&zip(&entries), piece);
                if is_stored && !got.iter().any(|(name, _)| name == "w2") {
                    got.insert(1, ("w2".to_owned(), Vec::new()));
                }
                // Of what is inflated, no more than so many times what is stored.
                for (got, want) in got.iter().zip(&want) {
                    assert_eq!(
                        got.0, want.0,
                        "{form:?}, stored: {is_stored}, in pieces of {piece}"
                    );
                    let least = want.1.len().min(LEAST_INFLATED);
                    assert!(
                        want.1.starts_with(&got.1) && got.1.len() >= least,
                        "{form:?} {}",
                        got.0
                    );
                }
                assert_eq!(got.len(), want.len());
            }
        }
    }

    #[test]
    fn whatever_is_damaged_ends() {
        let entries = [
            Made::new("w1", b"first"),
            Made::new("a", &[7; 100]),
            Made::new("w2", b"second"),
        ];
        let good = zip(&entries);
        for at in 0..good.len() {
            let _ = found(&good[..at], 10);
            for byte in [0, 1, 8, 0x7f, 0xff] {
                let mut file = good.clone();
                file[at] = byte;
                assert!(found(&file, 10).len() <= 4);
            }
        }
    }

    #[test]
    fn what_one_file_may_ask_for_has_a_bound() {
        let body = vec![b' '; 10 << 20];
        let names: Vec<String> = (0..2000).map(|number| format!("w{number}")).collect();
        let bomb = zip(&[Made::new("w", &body)]);
        assert!(found(&bomb, 4096)[0].1.len() <= MAX_BYTES);
        let text = vec![b'x'; 5000];
        let entries: Vec<_> = names.iter().map(|name| Made::new(name, &text)).collect();
        let kept: usize = found(&zip(&entries), 1 << 20)
            .iter()
            .map(|(_, bytes)| bytes.len())
            .sum();
        assert!((1..=MAX_FOUND).contains(&kept), "{kept}");
        let long = format!("w{}", "x".repeat(MAX_NAME));
        assert_eq!(found(&zip(&[Made::new(&long, b"a")]), 100), []);
    }
}
