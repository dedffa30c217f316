//! Changesets kept on disk between runs.
//!
//! A changeset is found again by the pair (blob digest, diff id) that this cache saw verified, its own
//! format version and the version of the probe set, so that a config that lies about a diff id can never
//! show another layer's content (rule 14). A damaged or foreign file is a miss, never an error.
//! Form: `SLIMCS`, version, a BLAKE3 of the payload, the payload compressed with zstd.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::changeset::{Changeset, LayerSizes};
use super::entry::{Entry, Fingerprint, Kind};
use super::magic::Magic;
use super::probe::{Fact, FactKind, PROBE_SET};
use super::tree::{NodeId, PathTree};
use super::{Detail, Warning};
use crate::oci::{DiffId, Digest};
use crate::scratch;
use crate::shelf::{self, Item, touch};

/// Changes whenever what is written below changes, or what a layer's members are read as.
const VERSION: u32 = 2;
const MARK: &[u8; 6] = b"SLIMCS";
/// A payload larger than this is not believed.
const MAX_PAYLOAD: u64 = 4 << 30;

/// A directory of changesets.
#[derive(Debug, Clone)]
pub struct ChangesetCache {
    directory: PathBuf,
}

impl ChangesetCache {
    /// Keeps changesets in `directory`, which is made when the first one is kept.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// The changeset of a layer that was verified here before, in the detail asked for.
    pub fn get(&self, blob: &Digest, diff_id: &DiffId, detail: Detail) -> Option<Changeset> {
        let mut open = fs::File::open(self.path(blob, diff_id)).ok()?;
        touch(&open);
        let mut file = Vec::new();
        open.read_to_end(&mut file).ok()?;
        let rest = file.strip_prefix(MARK)?;
        let (version, rest) = rest.split_first_chunk::<4>()?;
        let (checksum, packed) = rest.split_first_chunk::<32>()?;
        if u32::from_le_bytes(*version) != VERSION || blake3::hash(packed).as_bytes() != checksum {
            return None;
        }
        let mut payload = Vec::new();
        let mut decoder = zstd::Decoder::new(packed).ok()?.take(MAX_PAYLOAD);
        decoder.read_to_end(&mut payload).ok()?;
        let changeset = In(&payload).changeset(detail)?;
        let is_enough = detail == Detail::Facts || changeset.fingerprints.len() == changeset.entries.len();
        is_enough.then_some(changeset)
    }

    /// What is kept, of every version.
    pub fn files(&self) -> io::Result<Vec<Item>> {
        let mut files = shelf::files_in(&self.directory)?;
        files.retain(|file| pair_of(&file.path).is_some());
        Ok(files)
    }

    /// Keeps the changeset of a layer that was just verified. A cache that cannot be written is no error.
    pub fn put(&self, blob: &Digest, diff_id: &DiffId, changeset: &Changeset) {
        // The only loss is time at the next look.
        let _ = self.try_put(blob, diff_id, changeset);
    }

    fn try_put(&self, blob: &Digest, diff_id: &DiffId, changeset: &Changeset) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let mut payload = Out(Vec::new());
        payload.changeset(changeset);
        let packed = zstd::encode_all(payload.0.as_slice(), 1)?;
        let mut file = scratch::file_in(&self.directory, 0o600)?;
        file.write_all(MARK)?;
        file.write_all(&VERSION.to_le_bytes())?;
        file.write_all(blake3::hash(&packed).as_bytes())?;
        file.write_all(&packed)?;
        file.persist(self.path(blob, diff_id))
            .map_err(|error| error.error)?;
        Ok(())
    }

    fn path(&self, blob: &Digest, diff_id: &DiffId) -> PathBuf {
        Path::new(&self.directory).join(format!("{}-{}.p{PROBE_SET}", blob.hex(), diff_id.0.hex()))
    }
}

/// The blob and the diff id that the name of a changeset's file says.
pub fn pair_of(path: &Path) -> Option<(Digest, DiffId)> {
    let (name, _) = path.file_name()?.to_str()?.split_once(".p")?;
    let (blob, diff_id) = name.split_once('-')?;
    let digest = |hex: &str| {
        let algorithm = if hex.len() == 64 { "sha256" } else { "sha512" };
        format!("{algorithm}:{hex}").parse::<Digest>().ok()
    };
    Some((digest(blob)?, DiffId(digest(diff_id)?)))
}

/// Writes numbers little-endian and byte strings behind their length.
struct Out(Vec<u8>);

impl Out {
    fn number(&mut self, number: u64) {
        let mut rest = number;
        while rest >= 0x80 {
            self.0.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.0.push(rest as u8);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn nodes(&mut self, nodes: &[NodeId]) {
        self.number(nodes.len() as u64);
        for node in nodes {
            self.number(u64::from(node.0));
        }
    }

    fn changeset(&mut self, changeset: &Changeset) {
        let tree = &changeset.tree;
        self.number(tree.len() as u64);
        for node in tree.ids().skip(1) {
            self.number(u64::from(tree.parent(node).unwrap_or(NodeId::ROOT).0));
            self.bytes(tree.name(node));
        }
        self.number(changeset.entries.len() as u64);
        for entry in &changeset.entries {
            let letter = entry.kind.letter() as u8;
            self.0
                .extend([letter, entry.magic.map_or(0, |magic| magic as u8 + 1)]);
            for number in [
                entry.node.0,
                u32::from(entry.mode),
                entry.uid,
                entry.gid,
                entry.header_blocks,
                entry.link,
            ] {
                self.number(u64::from(number));
            }
            self.number(entry.size);
        }
        self.nodes(&changeset.whiteouts);
        self.nodes(&changeset.opaques);
        self.number(changeset.facts.len() as u64);
        for fact in &changeset.facts {
            self.number(u64::from(fact.entry));
            self.0.push(fact.kind as u8);
            self.bytes(&fact.value);
        }
        self.warnings(&changeset.warnings);
        self.number(changeset.sizes.disk);
        self.number(changeset.sizes.framing);
        self.bytes(&changeset.links);
        self.bytes(&changeset.directories);
        let offsets = changeset
            .directory_index
            .iter()
            .map(|&(entry, offset)| (entry, u64::from(offset)));
        self.pairs(offsets);
        self.pairs(changeset.sparse.iter().copied());
        self.fingerprints(&changeset.fingerprints);
    }

    fn pairs(&mut self, pairs: impl ExactSizeIterator<Item = (u32, u64)>) {
        self.number(pairs.len() as u64);
        for (entry, number) in pairs {
            self.number(u64::from(entry));
            self.number(number);
        }
    }

    fn warnings(&mut self, warnings: &[Warning]) {
        self.number(warnings.len() as u64);
        for warning in warnings {
            self.bytes(warning.code.as_bytes());
            self.bytes(&warning.path);
            self.bytes(warning.message.as_bytes());
        }
    }

    fn fingerprints(&mut self, fingerprints: &[Fingerprint]) {
        self.number(fingerprints.len() as u64);
        for print in fingerprints {
            self.0.extend(print.content);
            self.0.extend(print.xattrs);
            self.0.extend(print.mtime_secs.to_le_bytes());
            for number in [
                u64::from(print.mtime_nanos),
                u64::from(print.device.0),
                u64::from(print.device.1),
            ] {
                self.number(number);
            }
            self.number(print.owner.0);
            self.number(print.owner.1);
        }
    }
}

/// Reads back what [`Out`] wrote; `None` where it does not hold together.
struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    /// A count of things that take at least one byte each.
    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?)
            .ok()
            .filter(|&count| count <= self.0.len())
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let count = self.count()?;
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        Some(bytes)
    }

    fn changeset(&mut self, detail: Detail) -> Option<Changeset> {
        let mut changeset = Changeset::default();
        let nodes = self.number()?;
        for _ in 1..nodes {
            let parent = NodeId(self.small()?);
            let name = self.bytes()?;
            (parent.index() < changeset.tree.len()).then_some(())?;
            changeset.tree.insert_child(parent, name);
        }
        (changeset.tree.len() as u64 == nodes).then_some(())?;
        for _ in 0..self.count()? {
            let entry = self.entry(&changeset.tree)?;
            changeset.entries.push(entry);
        }
        changeset.whiteouts = self.nodes(&changeset.tree)?;
        changeset.opaques = self.nodes(&changeset.tree)?;
        for _ in 0..self.count()? {
            let (entry, [kind]) = (self.small()?, self.array()?);
            (entry as usize).lt(&changeset.entries.len()).then_some(())?;
            let fact = Fact {
                entry,
                kind: FactKind::from_number(kind)?,
                value: self.bytes()?.into(),
            };
            changeset.facts.push(fact);
        }
        changeset.warnings = self.warnings()?;
        changeset.sizes = LayerSizes {
            disk: self.number()?,
            framing: self.number()?,
        };
        changeset.links = self.bytes()?.to_vec();
        changeset.directories = self.bytes()?.to_vec();
        let narrow = |(entry, offset)| Some((entry, u32::try_from(offset).ok()?));
        changeset.directory_index = self.pairs()?.into_iter().map(narrow).collect::<Option<_>>()?;
        changeset.sparse = self.pairs()?;
        if detail == Detail::Fingerprints {
            changeset.fingerprints = self.fingerprints()?;
        }
        changeset.tree.freeze();
        Some(changeset)
    }

    fn entry(&mut self, tree: &PathTree) -> Option<Entry> {
        let [letter, magic] = self.array()?;
        let node = self.node(tree)?;
        Some(Entry {
            node,
            kind: Kind::from_letter(letter)?,
            magic: if magic == 0 {
                None
            } else {
                Some(*Magic::ALL.get(usize::from(magic) - 1)?)
            },
            mode: u16::try_from(self.small()?).ok()?,
            uid: self.small()?,
            gid: self.small()?,
            header_blocks: self.small()?,
            link: self.small()?,
            size: self.number()?,
        })
    }

    fn node(&mut self, tree: &PathTree) -> Option<NodeId> {
        Some(NodeId(self.small()?)).filter(|node| node.index() < tree.len())
    }

    fn nodes(&mut self, tree: &PathTree) -> Option<Vec<NodeId>> {
        (0..self.count()?).map(|_| self.node(tree)).collect()
    }

    fn pairs(&mut self) -> Option<Vec<(u32, u64)>> {
        (0..self.count()?)
            .map(|_| Some((self.small()?, self.number()?)))
            .collect()
    }

    fn warnings(&mut self) -> Option<Vec<Warning>> {
        let one = |input: &mut Self| {
            let code = String::from_utf8(input.bytes()?.to_vec()).ok()?.into();
            let path = input.bytes()?.to_vec();
            Some(Warning {
                code,
                path,
                message: String::from_utf8(input.bytes()?.to_vec()).ok()?,
            })
        };
        (0..self.count()?).map(|_| one(self)).collect()
    }

    fn fingerprints(&mut self) -> Option<Vec<Fingerprint>> {
        let one = |input: &mut Self| {
            Some(Fingerprint {
                content: input.array()?,
                xattrs: input.array()?,
                mtime_secs: i64::from_le_bytes(input.array()?),
                mtime_nanos: input.small()?,
                device: (input.small()?, input.small()?),
                owner: (input.number()?, input.number()?),
            })
        };
        (0..self.count()?).map(|_| one(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::budget::Budget;
    use crate::layer::builder::Builder;
    use crate::tar;

    struct Feed<'a>(Builder<'a>);

    impl tar::Visitor for Feed<'_> {
        type Error = tar::TarError;

        fn entry(&mut self, header: &tar::Header) -> Result<(), tar::TarError> {
            self.0.entry(header).unwrap();
            Ok(())
        }

        fn body(&mut self, bytes: &[u8]) -> Result<(), tar::TarError> {
            self.0.body(bytes);
            Ok(())
        }

        fn end_entry(&mut self) -> Result<(), tar::TarError> {
            self.0.end_entry();
            Ok(())
        }

        fn warning(&mut self, _: tar::Warning) {}
    }

    /// A layer with everything that a changeset can hold.
    fn changeset(detail: Detail) -> Changeset {
        let mut bytes = Vec::new();
        let mut member = |kind, path: &str, link: &str, body: &[u8]| {
            let mut header = tar::Header::new(kind, path.as_bytes(), 0o755);
            header.link = link.as_bytes().to_vec();
            (header.size, header.logical_size) = (body.len() as u64, body.len() as u64);
            tar::write_header(&mut bytes, &header);
            bytes.extend_from_slice(body);
            bytes.resize(bytes.len() + tar::padding(header.size), 0);
        };
        member(tar::Kind::Directory, "a/", "", b"");
        member(tar::Kind::Regular, "a/run", "", b"#!/bin/sh\n");
        member(tar::Kind::HardLink, "a/walk", "a/run", b"");
        member(tar::Kind::Symlink, "b", "a/run", b"");
        member(tar::Kind::Regular, "a/.wh.gone", "", b"");
        member(tar::Kind::Regular, "c/.wh..wh..opq", "", b"");
        member(tar::Kind::Regular, "../climbs", "", b"x");
        bytes.extend(tar::END);
        let budget = Budget::default();
        let mut feed = Feed(Builder::new(detail, &budget));
        let mut reader = tar::Reader::new(tar::Limits::default());
        reader.feed(&bytes, &mut feed).unwrap();
        let totals = reader.finish(&mut feed).unwrap();
        feed.0.finish(totals)
    }

    fn pair() -> (Digest, DiffId) {
        (Digest::of(b"blob"), DiffId(Digest::of(b"tar")))
    }

    #[test]
    fn a_changeset_comes_back_whole() {
        let directory = tempfile::tempdir().unwrap();
        let cache = ChangesetCache::new(directory.path().join("made/later"));
        let (blob, diff_id) = pair();
        let kept = changeset(Detail::Fingerprints);
        cache.put(&blob, &diff_id, &kept);
        let found = cache.get(&blob, &diff_id, Detail::Fingerprints).unwrap();
        assert_eq!(
            (found.entries.len(), found.whiteouts.len(), found.opaques.len()),
            (5, 1, 1)
        );
        assert_eq!((found.facts.len(), found.warnings.len()), (2, 1));
        assert_eq!(found.directory_header(0), kept.directory_header(0));
        assert_eq!(format!("{found:?}"), format!("{kept:?}"));
        fs::write(directory.path().join("made/later/other"), b"").unwrap();
        let files = cache.files().unwrap();
        assert_eq!(files.len(), 1, "what is no changeset is none");
        assert_eq!(pair_of(&files[0].path), Some((blob, diff_id)));
    }

    #[test]
    fn only_the_verified_pair_in_enough_detail_is_a_hit() {
        let directory = tempfile::tempdir().unwrap();
        let cache = ChangesetCache::new(directory.path());
        let (blob, diff_id) = pair();
        cache.put(&blob, &diff_id, &changeset(Detail::Facts));
        assert!(cache.get(&blob, &diff_id, Detail::Facts).is_some());
        assert!(
            cache.get(&blob, &diff_id, Detail::Fingerprints).is_none(),
            "not enough was learnt"
        );
        assert!(
            cache
                .get(&blob, &DiffId(Digest::of(b"lie")), Detail::Facts)
                .is_none()
        );
        assert!(cache.get(&Digest::of(b"lie"), &diff_id, Detail::Facts).is_none());
    }

    #[test]
    fn a_damaged_file_is_a_miss() {
        let directory = tempfile::tempdir().unwrap();
        let cache = ChangesetCache::new(directory.path());
        let (blob, diff_id) = pair();
        cache.put(&blob, &diff_id, &changeset(Detail::Facts));
        let path = cache.path(&blob, &diff_id);
        let whole = fs::read(&path).unwrap();
        for at in [0, 7, 20, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert!(cache.get(&blob, &diff_id, Detail::Facts).is_none(), "byte {at}");
        }
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(cache.get(&blob, &diff_id, Detail::Facts).is_none(), "cut short");
    }
}
