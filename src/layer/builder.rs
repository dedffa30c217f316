//! Builds a changeset from the events of the tar reader.
//!
//! Of its own because it has the state of a reading that is under way, which nobody needs once the changeset is
//! there: the current member, its first bytes, hashes that run.

use super::blocks::{output_blocks, pack_zeros};
use super::budget::Budget;
use super::changeset::{Changeset, LayerSizes, Warning};
use super::entry::{Entry, Fingerprint, Kind};
use super::expand::{Expansion, expand, expand_tail};
use super::links::OwnLinks;
use super::magic::Magic;
use super::path::{self, Member, Role};
use super::probe;
use super::tree::NodeId;
use crate::limits::Limit;
use crate::tar;

/// Warnings kept of one layer; a hostile layer could raise one per member.
const MAX_WARNINGS: usize = 200;
/// Bytes of their paths and messages.
const MAX_WARNING_BYTES: usize = 256 << 10;

/// Builds a [`Changeset`] from the events of the tar reader.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    /// What all layers of the image may still ask for.
    budget: &'a Budget,
    changeset: Changeset,
    member: Member,
    current: Current,
    with_fingerprints: bool,
    hasher: Option<Box<blake3::Hasher>>,
    reading: probe::Reading,
    /// The directory of the member before, most often also of the next.
    last_parent: (Vec<u8>, NodeId),
    own_links: OwnLinks,
    /// Warnings that were left out, and bytes of those that were kept.
    dropped_warnings: u64,
    warning_bytes: usize,
    /// Body bytes of members that are not content: they count as framing.
    other_bodies: u64,
    /// Headers made in place of ones that cannot be written again.
    written: Vec<u8>,
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

impl<'a> Builder<'a> {
    pub(super) fn new(detail: super::Detail, budget: &'a Budget) -> Self {
        Self {
            budget,
            changeset: Changeset::default(),
            member: Member::default(),
            current: Current::default(),
            with_fingerprints: detail == super::Detail::Fingerprints,
            hasher: None,
            reading: probe::Reading::default(),
            last_parent: (Vec::new(), NodeId::ROOT),
            own_links: OwnLinks::default(),
            dropped_warnings: 0,
            warning_bytes: 0,
            other_bodies: 0,
            written: Vec::new(),
        }
    }

    pub(super) fn finish(mut self, totals: tar::Totals) -> Changeset {
        if self.dropped_warnings > 0 {
            self.changeset.warnings.push(Warning {
                code: "more-warnings".into(),
                path: Vec::new(),
                message: format!(
                    "{} more warnings of this layer are left out",
                    self.dropped_warnings
                ),
            });
        }
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
        let bytes = self.warning_bytes + path.len() + message.len();
        if self.changeset.warnings.len() >= MAX_WARNINGS || bytes > MAX_WARNING_BYTES {
            self.dropped_warnings += 1;
            return;
        }
        self.warning_bytes = bytes;
        self.changeset.warnings.push(Warning {
            code: code.into(),
            path: path.to_vec(),
            message,
        });
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
        if header.kind == tar::Kind::HardLink && path::climbs(&header.link) {
            let path = header.path.clone();
            let message = "the target of the hard link has `..`; it was resolved inside the root";
            self.warn("link-climbs", &path, message.to_owned());
        }
        if role == Role::Content
            && let Some(path) = self.own_links.follow(&self.changeset, &self.member.path)
        {
            self.warn_followed(&path);
            self.member.path = path;
        }
        let depth = self.member.path.split(|&b| b == b'/').count();
        self.budget.limits().check(Limit::Depth, depth as u64)?;
        let (nodes, bytes) = (self.changeset.tree.len(), self.changeset.kept_bytes());
        self.take(role, header)?;
        let new_nodes = self.changeset.tree.len() - nodes;
        self.budget.entries(new_nodes.max(1) as u64)?;
        Ok(self.budget.bytes(self.changeset.kept_bytes() - bytes)?)
    }

    fn take(&mut self, role: Role, header: &tar::Header) -> Result<(), super::LayerError> {
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
        if header.sparse.is_some() {
            self.budget.sparse(header.logical_size)?;
        }
        let index = self.changeset.entries.len();
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
        self.probe(bytes);
        if let Some(hasher) = &mut self.hasher {
            expand(&mut self.current.position(), bytes, &mut |piece| {
                hasher.update(piece);
            });
        }
    }

    /// Collects the first bytes; whole-body probes begin once those are there.
    fn probe(&mut self, bytes: &[u8]) {
        let Some(entry) = self.changeset.entries.last() else {
            return;
        };
        let size = entry.size;
        let wanted = size.min(probe::HEAD_BYTES as u64) as usize;
        let missing = wanted.saturating_sub(self.current.head.len());
        if missing == 0 {
            return self.reading.read(bytes);
        }
        let (first, rest) = bytes.split_at(bytes.len().min(missing));
        self.current.head.extend_from_slice(first);
        if first.len() == missing && self.current.sparse.is_none() {
            self.reading.begin(&self.member.path, size, &self.current.head);
            self.reading.read(rest);
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
            self.reading.end(index as u32, &mut self.changeset.facts);
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
