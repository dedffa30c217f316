//! The members of an archive that lies in a file: found once by their headers, read in place later.
//!
//! Of its own because docker archives and tars of layouts are both directories in a file. Bodies are never
//! read while indexing: one that is sought over costs nothing, however large. Names are hostile: links are
//! followed only inside the archive (the class of CVE-2014-9357).

use std::collections::HashMap;
use std::fs::File;
#[cfg(feature = "engine")]
use std::io::Write;
use std::io::{self, Read};
use std::sync::Arc;

use super::TransportError;
use super::error::shown;
use crate::limits::Limits;
use crate::oci::DiffId;
use crate::tar::{BLOCK, Header, Kind, Reader, TarError, Visitor, Warning, padding};

/// Members of an archive at most.
const MAX_MEMBERS: usize = 1_000_000;
/// Bytes of all members' names and links at most.
const MAX_NAMES: usize = 128 << 20;
/// Members of an archive that streams past at most: an engine's have two or four a layer.
#[cfg(feature = "engine")]
const MAX_PASSED: usize = 100_000;
/// Where nothing lies.
const PAST: u64 = u64::MAX;
/// Links that are followed from one name at most.
const MAX_LINKS: usize = 40;
/// Bytes that are read at a time where headers follow one another closely.
const WINDOW: usize = 64 << 10;

/// Where a member's body lies in the file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    /// Where it begins.
    pub(super) offset: u64,
    /// Its length.
    pub(super) len: u64,
}

/// An archive's members by normalised name; of duplicates the last.
#[derive(Debug)]
pub(super) struct Members {
    file: Arc<File>,
    place: String,
    names: HashMap<String, Entry>,
    limits: Limits,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    File(Region),
    /// What streamed past and was not kept: its length, and the hash of its uncompressed tar where somebody looked.
    #[cfg_attr(
        not(feature = "engine"),
        expect(dead_code, reason = "only an engine's archive streams past")
    )]
    Passed(u64, Option<DiffId>),
    /// A link to another member, by its normalised name.
    Link(String),
    /// A link that leads out of the archive, as it was written.
    Escape(String),
    /// What has no bytes to read, and what it is.
    Other(&'static str),
}

impl Members {
    /// Finds the members of the plain tar in `file`, which people know as `place`.
    pub(super) fn index(file: File, place: &str, limits: Limits) -> Result<Self, TransportError> {
        let size = file.metadata().map_err(TransportError::reading(place))?.len();
        let mut members = Self {
            file: Arc::new(file),
            place: place.to_owned(),
            names: HashMap::new(),
            limits,
        };
        let mut walk = Walk {
            file: &members.file,
            place,
            size,
            at: 0,
            reader: Reader::new(limits),
            limits,
            reader_at: 0,
            window: Vec::new(),
            window_at: 0,
        };
        let mut name_bytes = 0;
        let mut names = HashMap::new();
        while let Some((header, offset)) = walk.next_member()? {
            name_bytes += header.path.len() + header.link.len();
            if names.len() >= MAX_MEMBERS || name_bytes > MAX_NAMES {
                return Err(TransportError::Limit {
                    what: place.to_owned(),
                    limit: format!(
                        "more than {MAX_MEMBERS} members or {} MiB of names",
                        MAX_NAMES >> 20
                    ),
                });
            }
            // A name that is no UTF-8, or leads out, is one that no manifest can name.
            if let Some(name) = std::str::from_utf8(&header.path).ok().and_then(normal_name) {
                let entry = entry(&header, &name, offset);
                names.insert(name, entry);
            }
        }
        members.names = names;
        Ok(members)
    }

    /// The hash of the uncompressed tar of a layer that streamed past, where somebody looked.
    pub(super) fn passed(&self, name: &str) -> Result<Option<&DiffId>, TransportError> {
        Ok(match self.entry(name)? {
            Some(Entry::Passed(_, diff_id)) => diff_id.as_ref(),
            _ => None,
        })
    }

    /// Whether what `name` leads to streamed past and was not kept.
    pub(super) fn has_passed(&self, name: &str) -> bool {
        matches!(self.entry(name), Ok(Some(Entry::Passed(..))))
    }

    /// What people call the archive.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// What the image may ask for.
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether there is a member of that normalised name, of any kind.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Where the bytes are that `name`, a normalised name, leads to. `None` where there is no such member.
    pub(super) fn locate(&self, name: &str) -> Result<Option<Region>, TransportError> {
        Ok(match self.entry(name)? {
            Some(Entry::File(region)) => Some(*region),
            Some(Entry::Passed(len, _)) => Some(Region {
                offset: PAST,
                len: *len,
            }),
            _ => None,
        })
    }

    /// The file that `name`, a normalised name, leads to.
    fn entry(&self, name: &str) -> Result<Option<&Entry>, TransportError> {
        let damaged = |reason: String| TransportError::Damaged {
            what: self.place.clone(),
            reason: format!("member `{}` {reason}", shown(name)),
        };
        let mut at = name;
        for _ in 0..MAX_LINKS {
            match self.names.get(at) {
                None => return Ok(None),
                Some(entry @ (Entry::File(_) | Entry::Passed(..))) => return Ok(Some(entry)),
                Some(Entry::Link(target)) => at = target,
                Some(Entry::Escape(target)) => {
                    return Err(damaged(format!(
                        "is a link out of the archive, to `{}`",
                        shown(target)
                    )));
                }
                Some(Entry::Other(kind)) => return Err(damaged(format!("is {kind}, not a file"))),
            }
        }
        Err(damaged("is a link that leads nowhere".to_owned()))
    }

    /// Reads a region. Readers are independent of one another.
    pub(super) fn reader(&self, region: Region) -> Box<dyn Read + Send> {
        Box::new(RegionReader {
            file: Arc::clone(&self.file),
            at: region.offset,
            left: region.len,
        })
    }
}

/// An archive that streams past.
#[cfg(feature = "engine")]
impl Members {
    /// An archive that streams past: documents will be kept in `file`, which is empty.
    pub(super) fn empty(file: File, place: &str, limits: Limits) -> Self {
        Self {
            file: Arc::new(file),
            place: place.to_owned(),
            names: HashMap::new(),
            limits,
        }
    }

    /// Puts a document behind those that are kept already.
    pub(super) fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        (&*self.file).write_all(bytes)
    }

    /// Takes note of a member whose body, where it has one, is kept at `offset`.
    pub(super) fn add(&mut self, header: &Header, offset: u64) -> Result<(), TransportError> {
        self.insert(header, |name| entry(header, name, offset))
    }

    /// Takes note of a member that was not kept.
    pub(super) fn add_passed(
        &mut self,
        header: &Header,
        diff_id: Option<DiffId>,
    ) -> Result<(), TransportError> {
        self.insert(header, |_| Entry::Passed(header.size, diff_id))
    }

    fn insert(&mut self, header: &Header, make: impl FnOnce(&str) -> Entry) -> Result<(), TransportError> {
        if self.names.len() >= MAX_PASSED {
            return Err(TransportError::Limit {
                what: self.place.clone(),
                limit: format!("more than {MAX_PASSED} members"),
            });
        }
        if let Some(name) = std::str::from_utf8(&header.path).ok().and_then(normal_name) {
            let entry = make(&name);
            self.names.insert(name, entry);
        }
        Ok(())
    }
}

/// `./a//b/` as `a/b`; `None` where it leads out of the archive, or is its root.
pub(super) fn normal_name(name: &str) -> Option<String> {
    joined("", name)
}

/// `name`, read from the directory `base`, which is normalised.
fn joined(base: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

fn entry(header: &Header, name: &str, offset: u64) -> Entry {
    let link = || String::from_utf8_lossy(&header.link).into_owned();
    let link_from = |base: &str, target: String| match joined(base, &target) {
        Some(normal) => Entry::Link(normal),
        None => Entry::Escape(target),
    };
    match header.kind {
        Kind::Regular | Kind::Other(_) if header.sparse.is_some() => Entry::Other("a sparse file"),
        Kind::Regular | Kind::Other(_) => Entry::File(Region {
            offset,
            len: header.size,
        }),
        Kind::HardLink => link_from("", link()),
        Kind::Symlink if header.link.starts_with(b"/") => Entry::Escape(link()),
        Kind::Symlink => link_from(name.rsplit_once('/').map_or("", |(base, _)| base), link()),
        Kind::Directory => Entry::Other("a directory"),
        Kind::CharDevice | Kind::BlockDevice => Entry::Other("a device"),
        Kind::Fifo => Entry::Other("a fifo"),
    }
}

/// Goes from header to header.
///
/// A tar has no state between members, so a new reader begins after each body, and no reader sees one.
struct Walk<'a> {
    limits: Limits,
    file: &'a File,
    place: &'a str,
    size: u64,
    at: u64,
    reader: Reader,
    /// Where the reader's archive begins.
    reader_at: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl Walk<'_> {
    /// The next member's header, and where its body begins. Leaves the walk after the body.
    fn next_member(&mut self) -> Result<Option<(Header, u64)>, TransportError> {
        let mut seen = Seen::default();
        let header = loop {
            let Some(block) = self.block()? else {
                let end = self.reader.finish(&mut seen);
                end.map_err(|error| self.refused(error))?;
                return match self.size {
                    0 => Err(self.not_an_image("an empty file")),
                    _ => Ok(None),
                };
            };
            let fed = self.reader.feed(&block, &mut seen);
            fed.map_err(|error| self.refused(error))?;
            if let Some(header) = seen.header.take() {
                break header;
            }
        };
        let offset = self.at;
        let end = offset.checked_add(header.size).filter(|end| *end <= self.size);
        let Some(end) = end else {
            let name = shown(&String::from_utf8_lossy(&header.path));
            return Err(TransportError::Truncated {
                what: self.place.to_owned(),
                detail: format!(
                    "member `{name}` should have {} bytes from offset {offset}, the file ends at {}",
                    header.size, self.size
                ),
            });
        };
        if header.size > 0 {
            self.at = end + padding(header.size) as u64;
            self.reader = Reader::new(self.limits);
            self.reader_at = self.at;
        }
        Ok(Some((header, offset)))
    }

    /// The next block, a shorter one at the end of the file.
    fn block(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        if self.at >= self.size {
            return Ok(None);
        }
        let end = self.window_at + self.window.len() as u64;
        if self.at < self.window_at || self.at + BLOCK as u64 > end {
            self.window.resize(WINDOW, 0);
            let count = read_full(self.file, &mut self.window, self.at);
            let count = count.map_err(TransportError::reading(self.place))?;
            self.window.truncate(count);
            self.window_at = self.at;
        }
        let from = (self.at - self.window_at) as usize;
        let block = &self.window[from..self.window.len().min(from + BLOCK)];
        self.at += block.len() as u64;
        Ok((!block.is_empty()).then(|| block.to_vec()))
    }

    fn refused(&self, error: TarError) -> TransportError {
        match error {
            TarError::NotAHeader { offset: 0 } if self.reader_at == 0 => {
                self.not_an_image("not a tar, plain or compressed")
            }
            TarError::Truncated { part, path, .. } => TransportError::Truncated {
                what: self.place.to_owned(),
                detail: format!("it ends inside {part} of `{path}`"),
            },
            error => TransportError::Damaged {
                what: self.place.to_owned(),
                reason: format!("{error}, counted from byte {} of the file", self.reader_at),
            },
        }
    }

    fn not_an_image(&self, found: &str) -> TransportError {
        TransportError::NotAnImage {
            what: self.place.to_owned(),
            found: found.to_owned(),
        }
    }
}

/// Keeps the first header that a reader shows.
#[derive(Default)]
struct Seen {
    header: Option<Header>,
}

impl Visitor for Seen {
    type Error = TarError;

    fn entry(&mut self, header: &Header) -> Result<(), TarError> {
        self.header.get_or_insert_with(|| header.clone());
        Ok(())
    }

    fn body(&mut self, _: &[u8]) -> Result<(), TarError> {
        Ok(())
    }

    fn end_entry(&mut self) -> Result<(), TarError> {
        Ok(())
    }

    fn warning(&mut self, _: Warning) {}
}

/// Reads a part of a file without moving the file's own position.
struct RegionReader {
    file: Arc<File>,
    at: u64,
    left: u64,
}

impl Read for RegionReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let max = usize::try_from(self.left).map_or(out.len(), |left| left.min(out.len()));
        if max == 0 {
            return Ok(0);
        }
        if self.at == PAST {
            return Err(io::Error::other("it streamed past and was not kept"));
        }
        let count = read_at(&self.file, &mut out[..max], self.at)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

/// Fills `out` from `at` on, as far as the file goes.
fn read_full(file: &File, out: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < out.len() {
        match read_at(file, &mut out[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(unix)]
fn read_at(file: &File, out: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, out, at)
}

#[cfg(windows)]
fn read_at(file: &File, out: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, out, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::testing::{Member, tar};

    fn members(bytes: &[u8]) -> Result<Members, TransportError> {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, bytes).unwrap();
        Members::index(file, "test.tar", Limits::default())
    }

    fn content(members: &Members, name: &str) -> String {
        let mut text = String::new();
        let region = members.locate(name).unwrap().unwrap();
        members.reader(region).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn names_are_normalised_and_never_lead_out() {
        for (name, want) in [
            ("a", Some("a")),
            ("./a//b/", Some("a/b")),
            ("/a", Some("a")),
            ("a/../b", Some("b")),
            ("..", None),
            ("a/../../b", None),
            (".", None),
            ("", None),
        ] {
            assert_eq!(normal_name(name).as_deref(), want, "{name}");
        }
    }

    #[test]
    fn the_last_of_duplicates_counts_and_links_are_followed() {
        let long = "x".repeat(700);
        let members = members(&tar(&[
            Member::File("a", b"old"),
            Member::File("./a", long.as_bytes()),
            Member::Directory("d/"),
            Member::Symlink("d/l", "../a"),
            Member::HardLink("h", "d/l"),
            Member::File("empty", b""),
        ]))
        .unwrap();
        for name in ["a", "d/l", "h"] {
            assert_eq!(content(&members, name), long, "{name}");
        }
        assert_eq!(content(&members, "empty"), "");
        assert!(members.locate("d").is_err() && members.locate("b").unwrap().is_none());
    }

    #[test]
    fn bodies_are_sought_over() {
        // 3 GiB of a file with a hole: reading it would take seconds.
        const HOLE: u64 = 3 << 30;
        let mut header = tar::Header::new_gnu();
        header.set_path("layer.tar").unwrap();
        header.set_size(HOLE);
        header.set_cksum();
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, header.as_bytes()).unwrap();
        io::Seek::seek(&mut file, io::SeekFrom::Start(512 + HOLE)).unwrap();
        io::Write::write_all(&mut file, &tar(&[Member::File("manifest.json", b"[]")])).unwrap();
        let before = std::time::Instant::now();
        let members = Members::index(file, "test.tar", Limits::default()).unwrap();
        assert!(before.elapsed() < std::time::Duration::from_millis(200));
        assert_eq!(content(&members, "manifest.json"), "[]");
        assert_eq!(members.locate("layer.tar").unwrap().unwrap().len, HOLE);
    }

    #[test]
    fn readers_do_not_disturb_one_another() {
        let members = members(&tar(&[Member::File("a", b"aaaa"), Member::File("b", b"bbbb")])).unwrap();
        let mut readers = ["a", "b"].map(|name| members.reader(members.locate(name).unwrap().unwrap()));
        let mut texts = [String::new(), String::new()];
        for _ in 0..5 {
            for (reader, text) in readers.iter_mut().zip(&mut texts) {
                reader.take(1).read_to_string(text).unwrap();
            }
        }
        assert_eq!(texts, ["aaaa", "bbbb"]);
    }

    #[test]
    fn what_is_cut_short_says_where() {
        let whole = tar(&[Member::File("a", &[b'x'; 2000])]);
        for (len, part) in [
            (100, "it ends inside a header"),
            (1000, "member `a` should have 2000 bytes"),
        ] {
            let error = members(&whole[..len]).unwrap_err().to_string();
            assert!(error.contains(part), "{len}: {error}");
        }
        assert!(
            members(&whole[..512 + 2000]).is_ok(),
            "padding and end may be missing"
        );
    }
}
