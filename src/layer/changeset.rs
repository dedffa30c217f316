//! What ONE layer adds and whites out: the result of reading a layer once, and all that is kept of it.
//!
//! A value without any tie to the medium it came from, so that it can be cached on disk and merged in any
//! process. Spec: image-spec `layer.md`, "Representing Changes".

use std::borrow::Cow;

use super::entry::{Entry, Fingerprint, Kind};
use super::links::OwnLinks;
use super::magic::Magic;
use super::path::{self, Role};
use super::probe::{self, Fact};
use super::tree::{NodeId, PathTree};
use crate::tar;

/// Something odd that a layer holds and that slim read in one way of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// A kebab-case name, stable: `implied-parent-over-symlink`.
    pub code: Cow<'static, str>,
    /// The path it speaks of.
    pub path: Vec<u8>,
    /// One sentence for people.
    pub message: String,
}

/// Warnings kept of one layer; a hostile layer could raise one per member.
const MAX_WARNINGS: usize = 200;

/// Byte counts of one layer's uncompressed tar: `disk + framing` is what the decompressor counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LayerSizes {
    /// Stored body bytes of regular files that are content.
    pub disk: u64,
    /// Everything else: headers, padding, sparse maps, bodies that are not content, end blocks.
    pub framing: u64,
}

impl LayerSizes {
    /// Bytes of the uncompressed tar.
    pub fn uncompressed(self) -> u64 {
        self.disk + self.framing
    }
}

/// What one layer says, in the order it says it.
#[derive(Debug, Clone, Default)]
pub struct Changeset {
    /// Every path the layer speaks of, parents included.
    pub tree: PathTree,
    /// Members that are content, in tar order, duplicates included.
    pub entries: Vec<Entry>,
    /// Paths of lower layers that it hides.
    pub whiteouts: Vec<NodeId>,
    /// Directories whose lower content it hides.
    pub opaques: Vec<NodeId>,
    /// What the probes learnt, in entry order.
    pub facts: Vec<Fact>,
    /// Oddities, at most 200.
    pub warnings: Vec<Warning>,
    /// Byte counts.
    pub sizes: LayerSizes,
    /// Beside `entries` where a verification will follow; else empty.
    pub fingerprints: Vec<Fingerprint>,
    /// Entry and expanded size of sparse files, in entry order.
    pub(super) sparse: Vec<(u32, u64)>,
    /// Link targets as written, each behind its length.
    pub(super) links: Vec<u8>,
    /// Packed header blocks of directories, each behind its entry and length: see [`Changeset::directory_header`].
    pub(super) directories: Vec<u8>,
    /// Entry and offset into `directories`, in entry order.
    pub(super) directory_index: Vec<(u32, u32)>,
}

impl Changeset {
    /// The link target of `entry`, as written in the tar; empty for what is no link.
    pub fn link(&self, entry: &Entry) -> &[u8] {
        if !matches!(entry.kind, Kind::Symlink | Kind::HardLink) {
            return b"";
        }
        let at = entry.link as usize;
        let len = u32::from_le_bytes([
            self.links[at],
            self.links[at + 1],
            self.links[at + 2],
            self.links[at + 3],
        ]);
        &self.links[at + 4..at + 4 + len as usize]
    }

    /// Bytes of the content of `entry` (its index), expanded where it is sparse.
    pub fn logical_size(&self, entry: u32) -> u64 {
        match self.sparse.binary_search_by_key(&entry, |(entry, _)| *entry) {
            Ok(at) => self.sparse[at].1,
            Err(_) => self.entries[entry as usize].size,
        }
    }

    /// The header blocks of a directory, byte for byte as in the tar; `None` for other entries.
    ///
    /// Directories come first in a squashed layer, before any layer is streamed a second time, so their
    /// headers are kept from the first reading.
    pub fn directory_header(&self, entry: u32) -> Option<Vec<u8>> {
        let at = self
            .directory_index
            .binary_search_by_key(&entry, |(entry, _)| *entry)
            .ok()?;
        let begin = self.directory_index[at].1 as usize;
        let end = self
            .directory_index
            .get(at + 1)
            .map_or(self.directories.len(), |(_, offset)| *offset as usize);
        Some(unpack_zeros(&self.directories[begin..end]))
    }

    /// Path of `entry`.
    pub fn path(&self, entry: &Entry) -> Vec<u8> {
        self.tree.path(entry.node)
    }
}

/// What one member of a tar means for its layer: decided here for the first reading and for the second.
#[derive(Debug, Default)]
pub struct Member {
    /// The normal path; of a whiteout, what it hides.
    pub path: Vec<u8>,
}

impl Member {
    /// Resolves the name of `header` into [`Member::path`] and says its role.
    pub fn role(&mut self, header: &tar::Header) -> Role {
        path::normalise(&header.path, &mut self.path);
        path::role(&mut self.path)
    }
}

/// Builds a [`Changeset`] from the events of the tar reader.
#[derive(Debug, Default)]
pub(super) struct Builder {
    changeset: Changeset,
    member: Member,
    current: Current,
    with_fingerprints: bool,
    hasher: Option<Box<blake3::Hasher>>,
    /// The directory of the member before, most often also of the next.
    last_parent: (Vec<u8>, NodeId),
    own_links: OwnLinks,
    limits: Limits,
    /// Body bytes of members that are not content: they count as framing.
    other_bodies: u64,
    /// Headers made in place of ones that cannot be written again.
    written: Vec<u8>,
}

/// How deep and how many: the part of rule 32 that is counted here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries of one layer.
    pub entries: usize,
    /// Components of one path.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 20_000_000,
            depth: 4096,
        }
    }
}

#[derive(Debug, Default)]
struct Current {
    is_content: bool,
    head: Vec<u8>,
    logical: u64,
    sparse: Option<Vec<tar::Extent>>,
    written: u64,
    extent: usize,
}

impl Builder {
    pub(super) fn new(detail: super::Detail, limits: Limits) -> Self {
        Self {
            with_fingerprints: detail == super::Detail::Fingerprints,
            limits,
            last_parent: (Vec::new(), NodeId::ROOT),
            ..Self::default()
        }
    }

    pub(super) fn finish(mut self, totals: tar::Totals) -> Changeset {
        let disk = self.changeset.entries.iter().map(|entry| entry.size).sum();
        self.changeset.sizes = LayerSizes {
            disk,
            framing: totals.framing + self.other_bodies,
        };
        self.changeset.entries.shrink_to_fit();
        self.changeset.tree.freeze();
        self.changeset
    }

    pub(super) fn warn(&mut self, code: &'static str, path: &[u8], message: String) {
        if self.changeset.warnings.len() < MAX_WARNINGS {
            self.changeset.warnings.push(Warning {
                code: code.into(),
                path: path.to_vec(),
                message,
            });
        }
    }

    pub(super) fn entry(&mut self, header: &tar::Header) -> Result<(), super::LayerError> {
        self.current.is_content = false;
        let role = self.member.role(header);
        if path::climbs(&header.path) {
            let path = header.path.clone();
            self.warn(
                "path-climbs",
                &path,
                "the name has `..`; it was resolved inside the root".to_owned(),
            );
        }
        if role == Role::Content
            && let Some(path) = self.own_links.follow(&self.changeset, &self.member.path)
        {
            self.warn_followed(&path);
            self.member.path = path;
        }
        let depth = self.member.path.split(|&b| b == b'/').count();
        if depth > self.limits.depth {
            return Err(super::LayerError::Limit {
                what: "path depth",
                limit: self.limits.depth as u64,
            });
        }
        match role {
            Role::Content => self.content(header)?,
            Role::Whiteout => {
                let node = self.changeset.tree.insert(&self.member.path);
                self.changeset.whiteouts.push(node);
            }
            Role::Opaque => {
                let node = self.changeset.tree.insert(&self.member.path);
                self.changeset.opaques.push(node);
            }
            Role::Metadata => {}
            Role::BareWhiteout => {
                let path = header.path.clone();
                self.warn(
                    "bare-whiteout",
                    &path,
                    "a whiteout without a name hides nothing".to_owned(),
                );
            }
            Role::BelowWhiteout => {
                let path = header.path.clone();
                self.warn(
                    "below-whiteout",
                    &path,
                    "lies in a directory named like a whiteout; left out".to_owned(),
                );
            }
        }
        Ok(())
    }

    fn content(&mut self, header: &tar::Header) -> Result<(), super::LayerError> {
        let index = self.changeset.entries.len();
        if index >= self.limits.entries {
            return Err(super::LayerError::Limit {
                what: "entries",
                limit: self.limits.entries as u64,
            });
        }
        let kind = Kind::of(header.kind);
        let node = self.node_of_path();
        let link = match kind {
            Kind::Symlink | Kind::HardLink => self.keep_link(&header.link),
            Kind::CharDevice => u32::from(header.device == (0, 0)),
            _ => 0,
        };
        let blocks = output_blocks(header, &self.member.path, &mut self.written);
        let header_blocks = (blocks.len() / 512) as u32;
        if kind == Kind::Directory {
            let at = self.changeset.directories.len() as u32;
            self.changeset.directory_index.push((index as u32, at));
            pack_zeros(blocks, &mut self.changeset.directories);
        }
        if header.sparse.is_some() {
            self.changeset.sparse.push((index as u32, header.logical_size));
        }
        let narrow = |id: u64| u32::try_from(id).unwrap_or(u32::MAX);
        let (uid, gid) = (narrow(header.uid), narrow(header.gid));
        let size = if kind == Kind::File { header.size } else { 0 };
        let mode = (header.mode & 0o7777) as u16;
        let magic = None;
        self.changeset.entries.push(Entry {
            node,
            kind,
            magic,
            mode,
            uid,
            gid,
            size,
            header_blocks,
            link,
        });
        self.own_links.note(&self.changeset);
        self.current.is_content = true;
        self.current.head.clear();
        self.current.sparse.clone_from(&header.sparse);
        self.current.logical = header.logical_size;
        (self.current.written, self.current.extent) = (0, 0);
        if self.with_fingerprints {
            self.changeset.fingerprints.push(fingerprint(header));
            self.hasher = (kind == Kind::File).then(|| Box::new(blake3::Hasher::new()));
        }
        Ok(())
    }

    pub(super) fn body(&mut self, bytes: &[u8]) {
        if !self.current.is_content {
            self.other_bodies += bytes.len() as u64;
            return;
        }
        let missing = probe::HEAD_BYTES.saturating_sub(self.current.head.len());
        self.current
            .head
            .extend_from_slice(&bytes[..bytes.len().min(missing)]);
        if let Some(hasher) = &mut self.hasher {
            expand(&mut self.current.position(), bytes, &mut |piece| {
                hasher.update(piece);
            });
        }
    }

    pub(super) fn end_entry(&mut self) {
        if !self.current.is_content {
            return;
        }
        self.current.is_content = false;
        let index = self.changeset.entries.len() - 1;
        if let Some(mut hasher) = self.hasher.take() {
            expand_tail(&mut self.current.position(), &mut |piece| {
                hasher.update(piece);
            });
            self.changeset.fingerprints[index].content = *hasher.finalize().as_bytes();
        }
        let entry = &mut self.changeset.entries[index];
        if entry.kind == Kind::File && entry.size > 0 {
            entry.magic = Magic::sniff(&self.current.head);
            let (size, head) = (entry.size, &self.current.head);
            probe::run(
                index as u32,
                &self.member.path,
                size,
                head,
                &mut self.changeset.facts,
            );
        }
    }

    fn warn_followed(&mut self, path: &[u8]) {
        let message = format!(
            "lies behind a symlink of the same layer: it is `{}`",
            String::from_utf8_lossy(path)
        );
        let named = self.member.path.clone();
        self.warn("own-symlink-followed", &named, message);
    }

    /// The node of the member's path. Most members share the directory of the one before.
    fn node_of_path(&mut self) -> NodeId {
        let path = &self.member.path;
        let Some(cut) = path.iter().rposition(|&b| b == b'/') else {
            return self.changeset.tree.insert(path);
        };
        let (parent, name) = (&path[..cut], &path[cut + 1..]);
        if self.last_parent.0 != parent {
            let node = self.changeset.tree.insert(parent);
            self.last_parent.0.clear();
            self.last_parent.0.extend_from_slice(parent);
            self.last_parent.1 = node;
        }
        self.changeset.tree.insert_child(self.last_parent.1, name)
    }

    fn keep_link(&mut self, link: &[u8]) -> u32 {
        let at = self.changeset.links.len() as u32;
        self.changeset.links.extend((link.len() as u32).to_le_bytes());
        self.changeset.links.extend_from_slice(link);
        at
    }
}

/// The header blocks that an output has for a member: its own, byte for byte, where they are canonical and
/// name `path` plainly; else made from its fields, into `scratch` (rule 15a).
pub fn output_blocks<'a>(header: &'a tar::Header, path: &[u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let name = header.path.strip_prefix(b"./").unwrap_or(&header.path);
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let is_plain = name == path || (path.is_empty() && name == b".");
    if header.canonical && is_plain {
        return &header.raw;
    }
    let mut renamed = header.clone();
    renamed.rename(&written_name(path, Kind::of(header.kind)));
    scratch.clear();
    tar::write_header(scratch, &renamed);
    scratch
}

/// A path as a tar names it: a directory with a slash at its end, the root as `./`.
pub fn written_name(path: &[u8], kind: Kind) -> Vec<u8> {
    let mut name = if path.is_empty() {
        b".".to_vec()
    } else {
        path.to_vec()
    };
    if kind == Kind::Directory {
        name.push(b'/');
    }
    name
}

impl Current {
    fn position(&mut self) -> Expansion<'_> {
        Expansion {
            sparse: self.sparse.as_deref(),
            logical: self.logical,
            written: &mut self.written,
            extent: &mut self.extent,
        }
    }
}

/// Where a sparse file's expansion stands.
pub struct Expansion<'a> {
    /// The stored extents; `None` for a file that is not sparse.
    pub sparse: Option<&'a [tar::Extent]>,
    /// Bytes of the whole file.
    pub logical: u64,
    /// Bytes given out so far.
    pub written: &'a mut u64,
    /// The extent that the next stored byte belongs to.
    pub extent: &'a mut usize,
}

static ZEROS: [u8; 65536] = [0; 65536];

/// Gives `sink` what stored `bytes` are in the expanded file: holes as zeros, then data.
pub fn expand(at: &mut Expansion<'_>, mut bytes: &[u8], sink: &mut dyn FnMut(&[u8])) {
    let Some(extents) = at.sparse else {
        *at.written += bytes.len() as u64;
        return sink(bytes);
    };
    while !bytes.is_empty() {
        let Some(extent) = extents.get(*at.extent) else {
            return;
        };
        zeros(at.written, extent.offset, sink);
        let left = (extent.offset + extent.len).saturating_sub(*at.written);
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        sink(&bytes[..take]);
        *at.written += take as u64;
        bytes = &bytes[take..];
        if take as u64 == left {
            *at.extent += 1;
        }
    }
}

/// Gives `sink` the hole at the end of a sparse file.
pub fn expand_tail(at: &mut Expansion<'_>, sink: &mut dyn FnMut(&[u8])) {
    if at.sparse.is_some() {
        zeros(at.written, at.logical, sink);
    }
}

fn zeros(written: &mut u64, until: u64, sink: &mut dyn FnMut(&[u8])) {
    while *written < until {
        let take = (until - *written).min(ZEROS.len() as u64);
        sink(&ZEROS[..take as usize]);
        *written += take;
    }
}

fn fingerprint(header: &tar::Header) -> Fingerprint {
    let mut hasher = blake3::Hasher::new();
    for (name, value) in &header.xattrs {
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name);
        hasher.update(&(value.len() as u64).to_le_bytes()).update(value);
    }
    let mut xattrs = [0; 16];
    xattrs.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    let is_device = matches!(header.kind, tar::Kind::CharDevice | tar::Kind::BlockDevice);
    Fingerprint {
        content: [0; 32],
        xattrs,
        mtime_secs: header.mtime.secs,
        mtime_nanos: header.mtime.nanos,
        device: if is_device { header.device } else { (0, 0) },
        owner: (header.uid, header.gid),
    }
}

/// Header blocks are mostly zeros: a zero byte is followed by how many zeros it stands for (1 to 255).
fn pack_zeros(bytes: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < bytes.len() {
        out.push(bytes[at]);
        if bytes[at] != 0 {
            at += 1;
            continue;
        }
        let run = bytes[at..].iter().take(255).take_while(|&&b| b == 0).count();
        out.push(run as u8);
        at += run;
    }
}

fn unpack_zeros(packed: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let mut bytes = packed.iter();
    while let Some(&byte) = bytes.next() {
        let count = if byte == 0 {
            bytes.next().copied().unwrap_or(1)
        } else {
            1
        };
        out.resize(out.len() + usize::from(count), byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_headers_come_back() {
        for bytes in [
            vec![],
            vec![0; 512],
            vec![7; 3],
            [vec![1, 0, 2], vec![0; 600], vec![9]].concat(),
        ] {
            let mut packed = Vec::new();
            pack_zeros(&bytes, &mut packed);
            assert_eq!(unpack_zeros(&packed), bytes);
        }
    }

    #[test]
    fn sparse_files_expand() {
        let extents = [
            tar::Extent { offset: 2, len: 2 },
            tar::Extent { offset: 6, len: 1 },
        ];
        let (mut written, mut extent, mut out) = (0, 0, Vec::new());
        let mut at = Expansion {
            sparse: Some(&extents),
            logical: 9,
            written: &mut written,
            extent: &mut extent,
        };
        for piece in [&b"a"[..], b"bc"] {
            expand(&mut at, piece, &mut |bytes| out.extend_from_slice(bytes));
        }
        expand_tail(&mut at, &mut |bytes| out.extend_from_slice(bytes));
        assert_eq!(out, b"\0\0ab\0\0c\0\0");
    }
}
