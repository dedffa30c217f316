//! What a squashed layer holds, entry by entry: the plan made concrete for one layer out.
//!
//! Pure, so that a report knows the size of a squash without writing one, and a rewriter only obeys.
//! Rules 1, 7, 15a and 15b: directories first, sorted by bytes, then everything else in source order, base to
//! top; the first surviving name of an inode carries its bytes; a link stands after its target.

use hashbrown::HashMap;

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

/// One squashed layer.
#[derive(Debug)]
pub struct Squash {
    /// Directories in the order in which they are written; the entry is `None` where no layer names it.
    pub directories: Vec<(NodeId, Option<EntryId>)>,
    /// Bytes of the uncompressed tar, exactly, for entries whose headers are written as they were; a file or a hard
    /// link that gets another name or target may differ by a PAX extension, which is two blocks.
    pub uncompressed_bytes: u64,
    /// Stored body bytes of the result's regular files.
    pub disk_bytes: u64,
    /// Entries written, directories included.
    pub entries: u64,
    /// What is not plain `Write` or `Skip`.
    special: HashMap<EntryId, Action>,
    /// Links written right after the entry that carries their bytes, because they stood before it.
    behind: HashMap<EntryId, Vec<EntryId>>,
    written: Vec<bool>,
    layers: Vec<bool>,
}

impl Squash {
    /// The squash of what `plan` leaves.
    pub fn new(map: &ContentMap, plan: &Plan) -> Self {
        let mut squash = Self {
            directories: directories(map, plan),
            uncompressed_bytes: tar::END.len() as u64,
            disk_bytes: 0,
            entries: 0,
            special: HashMap::new(),
            behind: HashMap::new(),
            written: vec![false; map.entry_count()],
            layers: vec![false; map.layer_count()],
        };
        squash.place_inodes(map, plan);
        squash.measure(map);
        squash
    }

    /// What happens to an entry that is no directory.
    pub fn action(&self, id: EntryId) -> Action {
        match self.special.get(&id) {
            Some(action) => *action,
            None if self.written[id.index()] => Action::Write,
            None => Action::Skip,
        }
    }

    /// Links that are written right behind the body of `carrier`.
    pub fn behind(&self, carrier: EntryId) -> &[EntryId] {
        self.behind.get(&carrier).map_or(&[], Vec::as_slice)
    }

    /// Whether a layer has anything, directories aside, that the result needs.
    pub fn needs_layer(&self, layer: usize) -> bool {
        self.layers[layer]
    }

    fn place_inodes(&mut self, map: &ContentMap, plan: &Plan) {
        let survives = |id: EntryId| map.is_visible(id) && !plan.removes(map.entry(id).node);
        for carrier in map.entries().filter(|&id| map.inode(id) == Some(id)) {
            if map.entry(carrier).kind == Kind::Directory {
                continue;
            }
            let mut names = map.names(carrier).filter(|&id| survives(id));
            let Some(first) = names.next() else { continue };
            self.layers[map.layer_of(carrier)] = true;
            if first == carrier {
                self.written[carrier.index()] = true;
            } else {
                self.special.insert(carrier, Action::WriteAs(first));
            }
            for link in names {
                if link > carrier {
                    self.special.insert(link, Action::Link(first));
                    self.layers[map.layer_of(link)] = true;
                } else {
                    self.behind.entry(carrier).or_default().push(link);
                }
            }
        }
    }

    fn measure(&mut self, map: &ContentMap) {
        for (node, entry) in &self.directories {
            self.uncompressed_bytes += match entry {
                Some(id) => blocks(map.entry(*id).header_blocks),
                None => header_bytes(&tar::Header::directory(
                    &map.tree().path(*node),
                    0o755,
                    tar::Time::default(),
                )),
            };
        }
        self.entries = self.directories.len() as u64;
        let body = |id: EntryId| {
            let size = map.logical_size(id);
            size + tar::padding(size) as u64
        };
        for id in map.entries() {
            let own = blocks(map.entry(id).header_blocks);
            self.uncompressed_bytes += match self.action(id) {
                Action::Skip => continue,
                Action::Write => own + body(id),
                Action::WriteAs(name) => own + name_growth(map, id, name) + body(id),
                Action::Link(_) => own,
            };
            let links = self
                .behind(id)
                .iter()
                .map(|link| blocks(map.entry(*link).header_blocks))
                .sum::<u64>();
            self.uncompressed_bytes += links;
            self.entries += 1 + self.behind(id).len() as u64;
            if !matches!(self.action(id), Action::Link(_)) {
                self.disk_bytes += map.logical_size(id);
            }
        }
    }
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

/// The directories that stay, sorted by the bytes of their paths: parents come before what they hold.
fn directories(map: &ContentMap, plan: &Plan) -> Vec<(NodeId, Option<EntryId>)> {
    let mut found = Vec::new();
    for node in map.tree().ids().filter(|&node| !plan.removes(node)) {
        match map.visible(node) {
            Visible::Entry(id) if map.entry(id).kind == Kind::Directory => {
                found.push((map.tree().path(node), node, Some(id)));
            }
            Visible::Implied if node != NodeId::ROOT => found.push((map.tree().path(node), node, None)),
            _ => {}
        }
    }
    found.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    found.into_iter().map(|(_, node, entry)| (node, entry)).collect()
}
