//! What one new layer holds, entry by entry: the plan made concrete.
//!
//! Pure, so that a report knows the size of a layer without writing one, and a rewriter only obeys.
//! Rules 1, 7, 15a and 15b: directories first, sorted by bytes, then whiteouts, then everything else in source
//! order, base to top; the first surviving name of an inode carries its bytes; a link stands after its target.

use std::ops::Range;

use hashbrown::{HashMap, HashSet};

use super::Plan;
use crate::content::{ContentMap, EntryId, Visible};
use crate::layer::{Kind, NodeId};
use crate::tar;

/// What happens to one entry that is no directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is not in the result under this entry's name.
    Skip,
    /// It is written with its own name, and its bytes.
    Write,
    /// Its bytes are written under the name of another entry of the same inode: its own name is gone.
    WriteAs(EntryId),
    /// It is written as a hard link to the name of the given entry.
    Link(EntryId),
}

/// A layer to be written.
#[derive(Debug, Default)]
pub struct NewLayer {
    /// Directories in the order in which they are written; the entry is `None` where no layer names it.
    pub directories: Vec<(NodeId, Option<EntryId>)>,
    /// Directories of `directories` whose content in the layers below is hidden, sorted by bytes.
    pub opaques: Vec<NodeId>,
    /// Paths of the layers below that are hidden, sorted by bytes.
    pub whiteouts: Vec<NodeId>,
    /// Bytes of the uncompressed tar, exactly, for entries whose headers are written as they were; a file or a hard
    /// link that gets another name or target may differ by a PAX extension, which is two blocks.
    pub uncompressed_bytes: u64,
    /// Stored body bytes of the layer's regular files.
    pub disk_bytes: u64,
    /// Entries written, directories included, whiteouts not.
    pub entries: u64,
    /// The entries of the layers that it is made from: first, and one past the last.
    own: Range<u32>,
    /// What is not plain `Write` or `Skip`.
    special: HashMap<EntryId, Action>,
    /// Links written right after the entry that carries their bytes, because they stood before it, or below.
    behind: HashMap<EntryId, Vec<EntryId>>,
    /// Beside `own`: whether the entry is written.
    written: Vec<bool>,
    /// Layers that have something, directories aside, that is written.
    layers: Vec<usize>,
}

impl NewLayer {
    /// Everything that `plan` leaves, in one layer.
    pub fn squash(map: &ContentMap, plan: &Plan) -> Self {
        let mut layer = Self::over(map, 0..map.layer_count());
        let survives = |id: EntryId| map.is_visible(id) && !plan.removes(map.entry(id).node);
        layer.place_inodes(map, &survives);
        let nodes = map.tree().ids().filter(|&node| !plan.removes(node));
        let found = nodes.filter_map(|node| match map.visible(node) {
            Visible::Entry(id) if map.entry(id).kind == Kind::Directory => Some((node, Some(id))),
            Visible::Implied if node != NodeId::ROOT => Some((node, None)),
            _ => None,
        });
        layer.directories = sorted_by_path(map, found, |(node, _)| *node);
        layer.measure(map, plan);
        layer
    }

    /// A layer made from `sources`, with nothing in it.
    pub(super) fn over(map: &ContentMap, sources: Range<usize>) -> Self {
        // Above everything there are no entries, but all are below.
        let first = |layer: usize| {
            if layer < map.layer_count() {
                map.layer_ids(layer).start
            } else {
                map.entry_count() as u32
            }
        };
        let own = first(sources.start)..first(sources.end.max(sources.start));
        Self {
            written: vec![false; own.len()],
            own,
            ..Self::default()
        }
    }

    /// What happens to an entry that is no directory.
    pub fn action(&self, id: EntryId) -> Action {
        match self.special.get(&id) {
            Some(action) => *action,
            None if self.own.contains(&id.0) && self.written[(id.0 - self.own.start) as usize] => {
                Action::Write
            }
            None => Action::Skip,
        }
    }

    /// Links that are written right behind the body of `carrier`.
    pub fn behind(&self, carrier: EntryId) -> &[EntryId] {
        self.behind.get(&carrier).map_or(&[], Vec::as_slice)
    }

    /// The layers that are read for it, base first: those that have anything that is written, directories aside.
    pub fn layers(&self) -> &[usize] {
        &self.layers
    }

    /// The entry whose name an entry is written under; none where it is not written.
    pub fn name_of(&self, id: EntryId) -> Option<EntryId> {
        match self.action(id) {
            Action::Skip => None,
            Action::Write | Action::Link(_) => Some(id),
            Action::WriteAs(name) => Some(name),
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.directories.is_empty()
            && self.opaques.is_empty()
            && self.whiteouts.is_empty()
            && self.layers.is_empty()
    }

    /// The entries, directories aside, that are written: in the layers it is made from, and those below whose
    /// bytes a hard link brings here.
    pub fn written<'a>(&'a self, map: &'a ContentMap) -> impl Iterator<Item = EntryId> + 'a {
        let ids = self.layers.iter().flat_map(|&layer| map.layer_ids(layer));
        ids.map(EntryId).filter(|&id| self.action(id) != Action::Skip)
    }

    /// Places every inode of which `shows` names a name in the layers that this one is made from. `shows` speaks
    /// of what paths show once the layer is applied.
    ///
    /// An inode whose bytes lie further below gets all its names here: a link into another layer cannot be written
    /// (rule 15a), and a copy would be another inode.
    pub(super) fn place_inodes(&mut self, map: &ContentMap, shows: &dyn Fn(EntryId) -> bool) {
        let mut layers = HashSet::new();
        let mut from_below = HashSet::new();
        for id in self.own.clone().map(EntryId) {
            let Some(carrier) = map.inode(id) else { continue };
            if map.entry(carrier).kind == Kind::Directory || map.entry(carrier).is_zero_device() {
                continue;
            }
            if carrier == id {
                self.place_own(map, carrier, shows, &mut layers);
            } else if carrier.0 < self.own.start && shows(id) && from_below.insert(carrier) {
                self.place_from_below(map, carrier, shows);
                layers.insert(map.layer_of(carrier));
            }
        }
        self.layers = layers.into_iter().collect();
        self.layers.sort_unstable();
    }

    fn place_own(
        &mut self,
        map: &ContentMap,
        carrier: EntryId,
        shows: &dyn Fn(EntryId) -> bool,
        layers: &mut HashSet<usize>,
    ) {
        let mut names = map.names(carrier).filter(|&id| shows(id));
        let Some(first) = names.next() else { return };
        layers.insert(map.layer_of(carrier));
        if first == carrier {
            self.written[(carrier.0 - self.own.start) as usize] = true;
        } else {
            self.special.insert(carrier, Action::WriteAs(first));
        }
        for link in names {
            if link > carrier {
                self.special.insert(link, Action::Link(first));
                layers.insert(map.layer_of(link));
            } else {
                self.behind.entry(carrier).or_default().push(link);
            }
        }
    }

    fn place_from_below(&mut self, map: &ContentMap, carrier: EntryId, shows: &dyn Fn(EntryId) -> bool) {
        let mut names = map.names(carrier).filter(|&id| shows(id));
        let Some(first) = names.next() else { return };
        let action = if first == carrier {
            Action::Write
        } else {
            Action::WriteAs(first)
        };
        self.special.insert(carrier, action);
        self.behind.insert(carrier, names.collect());
    }

    /// Places the inodes of the layers below that change: what is written here hides them there. What changes only to
    /// save bytes stays as it is there.
    pub(super) fn place_changed(&mut self, map: &ContentMap, plan: &Plan, shows: &dyn Fn(EntryId) -> bool) {
        for change in plan.changes.iter().filter(|change| change.kind.is_worth_a_copy()) {
            let carrier = change.inode;
            let is_below = carrier.0 < self.own.start && !self.special.contains_key(&carrier);
            if is_below && map.names(carrier).any(shows) {
                self.place_from_below(map, carrier, shows);
                self.layers.push(map.layer_of(carrier));
            }
        }
        self.layers.sort_unstable();
        self.layers.dedup();
    }

    /// Counts what is written.
    pub(super) fn measure(&mut self, map: &ContentMap, plan: &Plan) {
        let made = |header: &tar::Header| header_bytes(header);
        let directories = self.directories.iter().map(|(node, entry)| match entry {
            Some(id) => blocks(map.entry(*id).header_blocks),
            None => made(&tar::Header::directory(
                &map.tree().path(*node),
                0o755,
                tar::Time::default(),
            )),
        });
        let opaques = self.opaques.iter().map(|&node| opaque_path(map, node));
        let whiteouts = self.whiteouts.iter().map(|&node| whiteout_path(map, node));
        let markers = opaques.chain(whiteouts).map(|path| made(&marker(&path)));
        let mut bytes = tar::END.len() as u64 + directories.sum::<u64>() + markers.sum::<u64>();
        let (mut disk, mut entries) = (0, self.directories.len() as u64);
        for id in self.written(map) {
            let own = blocks(map.entry(id).header_blocks);
            let body = || {
                let size = plan.size(map, id);
                size + tar::padding(size) as u64
            };
            bytes += match self.action(id) {
                Action::Skip | Action::Link(_) => own,
                Action::Write => own + body(),
                Action::WriteAs(name) => own + name_growth(map, id, name) + body(),
            };
            let links = self.behind(id).iter();
            bytes += links
                .map(|link| blocks(map.entry(*link).header_blocks))
                .sum::<u64>();
            entries += 1 + self.behind(id).len() as u64;
            if !matches!(self.action(id), Action::Link(_)) {
                disk += plan.size(map, id);
            }
        }
        (self.uncompressed_bytes, self.disk_bytes, self.entries) = (bytes, disk, entries);
    }
}

/// The header of a whiteout or an opaque marker: an empty file. Its time is set by who writes it.
pub fn marker(path: &[u8]) -> tar::Header {
    tar::Header::new(tar::Kind::Regular, path, 0o644)
}

/// The name of the whiteout that hides `node` (image-spec `layer.md`, "Whiteouts").
pub fn whiteout_path(map: &ContentMap, node: NodeId) -> Vec<u8> {
    let parent = map.tree().parent(node).unwrap_or(NodeId::ROOT);
    let mut path = map.tree().path(parent);
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(b".wh.");
    path.extend_from_slice(map.tree().name(node));
    path
}

/// The name of the marker that makes `directory` opaque (image-spec `layer.md`, "Opaque Whiteout").
pub fn opaque_path(map: &ContentMap, directory: NodeId) -> Vec<u8> {
    let mut path = map.tree().path(directory);
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(b".wh..wh..opq");
    path
}

/// `items` by the bytes of their paths: parents come before what they hold.
pub(super) fn sorted_by_path<T>(
    map: &ContentMap,
    items: impl Iterator<Item = T>,
    node: impl Fn(&T) -> NodeId,
) -> Vec<T> {
    let mut found: Vec<(Vec<u8>, T)> = items.map(|item| (map.tree().path(node(&item)), item)).collect();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found.into_iter().map(|(_, item)| item).collect()
}

fn blocks(count: u32) -> u64 {
    u64::from(count) * 512
}

/// How many header bytes more the longer name takes.
fn name_growth(map: &ContentMap, carrier: EntryId, name: EntryId) -> u64 {
    let bytes = |id| header_bytes(&tar::Header::new(tar::Kind::Regular, &map.path(id), 0o644));
    bytes(name).saturating_sub(bytes(carrier))
}

fn header_bytes(header: &tar::Header) -> u64 {
    let mut out = Vec::new();
    tar::write_header(&mut out, header);
    out.len() as u64
}
