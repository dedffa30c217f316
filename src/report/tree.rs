//! Every path of an image as columns: what a treemap, a spreadsheet or a search needs, a few bytes a path.
//!
//! A module of its own because it is the one part of a report that grows with the number of files: it is made where it
//! is asked for, names are stored once, and everything else is numbers beside each other.

use std::collections::HashMap;

use serde::{Deserialize, Serialize, Serializer};

use super::inodes::{Inode, naming_entry};
use super::path::json_name;
use crate::classify::Attribution;
use crate::content::{ContentMap, EntryId, Visible};
use crate::layer::{Kind, NodeId};
use crate::owners::PackageId;
use crate::profile::CategoryId;

/// What a row of a tree is, in the order of [`Tree::kinds`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowKind {
    Directory,
    File,
    HardLink,
    Symlink,
    CharDevice,
    BlockDevice,
    Fifo,
}

/// The words for kinds.
const KINDS: [&str; 7] = [
    "directory",
    "file",
    "hard-link",
    "symlink",
    "char-device",
    "block-device",
    "fifo",
];

/// Every path of every layer: a row for each directory, for each file of each layer, and for each further name of a
/// file. Row 0 is the root; a directory's row is followed by all that it holds, sorted by the bytes of the names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tree {
    /// The words that `kind` counts: `directory`, `file`, `hard-link`, `symlink`, `char-device`, `block-device`, `fifo`.
    pub kinds: Vec<String>,
    /// The names that `name` counts, each once.
    #[serde(serialize_with = "one_line")]
    pub names: Vec<String>,
    /// The row of the directory that a row is in; `null` for the root. Smaller than the row's own number.
    #[serde(serialize_with = "one_line")]
    pub parent: Vec<Option<u32>>,
    /// The last component of the path: an index into `names`; the root's is empty.
    #[serde(serialize_with = "one_line")]
    pub name: Vec<u32>,
    /// An index into `kinds`. Rows that are neither `directory` nor `hard-link` are the files of the report.
    #[serde(serialize_with = "one_line")]
    pub kind: Vec<u8>,
    /// The layer that holds it; `null` for a directory, which many layers may name.
    #[serde(serialize_with = "one_line")]
    pub layer: Vec<Option<u32>>,
    /// An index into the report's `categories`; `null` for a directory, and for a hard link to nothing.
    #[serde(serialize_with = "one_line")]
    pub category: Vec<Option<u32>>,
    /// An index into the report's `owners`; `null` where no package has it, and for a directory.
    #[serde(serialize_with = "one_line")]
    pub owner: Vec<Option<u32>>,
    /// Stored bytes; 0 for all but files. They sum up to the report's `disk_bytes`.
    #[serde(serialize_with = "one_line")]
    pub bytes: Vec<u64>,
    /// 1 where the merged image shows it: a file by any of its names, another row by its own path; else 0.
    #[serde(serialize_with = "one_line")]
    pub visible: Vec<u8>,
    /// The layer that hides it, of a row that is not visible; `null` of all others, of directories, and of what its own layer
    /// hides. Not there in reports of older versions.
    #[serde(serialize_with = "one_line", default)]
    pub hidden_by: Vec<Option<u32>>,
}

/// A column on one line, however the rest of the document is laid out.
fn one_line<T: Serialize, S: Serializer>(column: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    serde_json::value::to_raw_value(column)
        .map_err(serde::ser::Error::custom)?
        .serialize(serializer)
}

/// One row, as others read it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    /// The word for its kind.
    pub(super) kind: &'a str,
    pub(super) layer: Option<u32>,
    pub(super) category: Option<u32>,
    pub(super) owner: Option<u32>,
    pub(super) bytes: u64,
    pub(super) is_visible: bool,
}

impl Tree {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.parent.len()
    }

    /// Whether there is none: never of a tree that was made of an image.
    pub fn is_empty(&self) -> bool {
        self.parent.is_empty()
    }

    /// Shows each row with its path, in order.
    pub(super) fn each_path(&self, mut visit: impl FnMut(&str, Row<'_>)) {
        let mut path = String::new();
        // The rows of the directories that the current row is in, and where the path ends behind each.
        let mut above: Vec<(u32, usize)> = Vec::new();
        for (at, parent) in self.parent.iter().enumerate() {
            while above.last().is_some_and(|(row, _)| Some(*row) != *parent) {
                above.pop();
            }
            path.truncate(above.last().map_or(0, |(_, end)| *end));
            if parent.is_some() {
                path.push('/');
                path.push_str(&self.names[self.name[at] as usize]);
            }
            above.push((at as u32, path.len()));
            visit(if path.is_empty() { "/" } else { &path }, self.row(at));
        }
    }

    fn row(&self, at: usize) -> Row<'_> {
        Row {
            kind: &self.kinds[usize::from(self.kind[at])],
            layer: self.layer[at],
            category: self.category[at],
            owner: self.owner[at],
            bytes: self.bytes[at],
            is_visible: self.visible[at] != 0,
        }
    }

    /// Whether the columns fit each other, and a report with so many layers, categories and owners. Of a tree that
    /// was read it is not known.
    pub(super) fn is_sound(&self, layers: usize, categories: usize, owners: usize) -> bool {
        let rows = self.len();
        let is_within = |index: Option<u32>, of: usize| index.is_none_or(|index| (index as usize) < of);
        let lengths = [
            self.name.len(),
            self.kind.len(),
            self.layer.len(),
            self.category.len(),
            self.owner.len(),
            self.bytes.len(),
            self.visible.len(),
        ];
        lengths.iter().all(|length| *length == rows)
            && [0, rows].contains(&self.hidden_by.len())
            && self.hidden_by.iter().all(|layer| is_within(*layer, layers))
            && self
                .name
                .iter()
                .all(|name| is_within(Some(*name), self.names.len()))
            && self.kind.iter().all(|kind| usize::from(*kind) < self.kinds.len())
            && self.layer.iter().all(|layer| is_within(*layer, layers))
            && self
                .category
                .iter()
                .all(|category| is_within(*category, categories))
            && self.owner.iter().all(|owner| is_within(*owner, owners))
            && self.bytes.iter().copied().try_fold(0, u64::checked_add).is_some()
            && self.is_nested()
    }

    /// Whether each row is in a row before it, and what a row holds stands together behind it.
    fn is_nested(&self) -> bool {
        let mut above: Vec<u32> = Vec::new();
        for (at, parent) in self.parent.iter().enumerate() {
            while above.last().is_some_and(|row| Some(*row) != *parent) {
                above.pop();
            }
            if above.is_empty() != (at == 0 && parent.is_none()) {
                return false;
            }
            above.push(at as u32);
        }
        true
    }
}

/// The rows of the tables that a tree points into.
pub(super) struct Places<'a> {
    /// Of each category, by its id.
    pub(super) categories: &'a HashMap<CategoryId, u32>,
    /// Of each package, by its id.
    pub(super) owners: &'a HashMap<PackageId, u32>,
}

/// A row before it has its place.
struct Loose {
    node: NodeId,
    kind: RowKind,
    layer: u32,
    category: Option<u32>,
    owner: Option<u32>,
    bytes: u64,
    is_visible: bool,
    hidden_by: Option<u32>,
}

/// The tree of everything that `map` holds; `all` are its inodes.
pub(super) fn tree(map: &ContentMap, attribution: &Attribution, all: &[Inode], places: &Places<'_>) -> Tree {
    let mut loose = rows(map, attribution, all, places);
    // The sort is stable: rows of one path stay in the order of the layers.
    loose.sort_by_key(|row| row.node);
    let directories = directories(map, &loose);
    let mut children = children(map, &directories, &loose);
    let mut out = Columns::new(loose.len());
    // Directories that are open, each with the children that are still to come, the next one last.
    let mut open: Vec<(u32, Vec<NodeId>)> = vec![out.directory(None, map, NodeId::ROOT, &mut children)];
    while let Some((parent, rest)) = open.last_mut() {
        let parent = *parent;
        let Some(node) = rest.pop() else {
            open.pop();
            continue;
        };
        let from = loose.partition_point(|row| row.node < node);
        for row in loose[from..].iter().take_while(|row| row.node == node) {
            out.file(parent, map, row);
        }
        if directories[node.index()] {
            open.push(out.directory(Some(parent), map, node, &mut children));
        }
    }
    out.tree
}

/// A row for each inode at the path by which it is counted, and one for each other name.
fn rows(map: &ContentMap, attribution: &Attribution, all: &[Inode], places: &Places<'_>) -> Vec<Loose> {
    let mut rows = Vec::with_capacity(all.len());
    let link = |id: EntryId, category, owner| Loose {
        node: map.entry(id).node,
        kind: RowKind::HardLink,
        layer: map.layer_of(id) as u32,
        category,
        owner,
        bytes: 0,
        is_visible: map.is_visible(id),
        hidden_by: hidden_by(map, id),
    };
    for inode in all {
        let shown = naming_entry(map, attribution, inode.id);
        let category = places.categories.get(&inode.category).copied();
        let owner = inode.owner.and_then(|id| places.owners.get(&id)).copied();
        rows.push(Loose {
            node: map.entry(shown).node,
            kind: kind(map.entry(inode.id).kind),
            layer: inode.layer as u32,
            category,
            owner,
            bytes: inode.bytes,
            is_visible: inode.is_visible,
            hidden_by: hidden_by(map, shown).filter(|_| !inode.is_visible),
        });
        let others = map.names(inode.id).filter(|name| *name != shown);
        rows.extend(others.map(|name| link(name, category, owner)));
    }
    let is_loose = |id: &EntryId| map.entry(*id).kind == Kind::HardLink && map.inode(*id).is_none();
    rows.extend(map.entries().filter(is_loose).map(|id| link(id, None, None)));
    rows
}

/// The later layer that hides an entry.
fn hidden_by(map: &ContentMap, id: EntryId) -> Option<u32> {
    let by = map.hidden_by(id).filter(|by| *by > map.layer_of(id));
    by.map(|layer| layer as u32)
}

fn kind(kind: Kind) -> RowKind {
    match kind {
        Kind::Directory => RowKind::Directory,
        Kind::File => RowKind::File,
        Kind::HardLink => RowKind::HardLink,
        Kind::Symlink => RowKind::Symlink,
        Kind::CharDevice => RowKind::CharDevice,
        Kind::BlockDevice => RowKind::BlockDevice,
        Kind::Fifo => RowKind::Fifo,
    }
}

/// Of each node, whether it is a directory in any layer: by an entry, or because something lies below it.
fn directories(map: &ContentMap, rows: &[Loose]) -> Vec<bool> {
    let mut is_directory = vec![false; map.tree().len()];
    for id in map.entries() {
        let entry = map.entry(id);
        is_directory[entry.node.index()] |= entry.kind == Kind::Directory;
    }
    let mut holds = is_directory.clone();
    for row in rows {
        holds[row.node.index()] = true;
    }
    // A parent has a smaller id than its children.
    for node in map.tree().ids().rev() {
        if let (true, Some(parent)) = (holds[node.index()], map.tree().parent(node)) {
            holds[parent.index()] = true;
            is_directory[parent.index()] = true;
        }
    }
    is_directory[NodeId::ROOT.index()] = true;
    is_directory
}

/// The children of each directory that are rows, sorted by name, the first one last.
fn children(map: &ContentMap, directories: &[bool], rows: &[Loose]) -> HashMap<NodeId, Vec<NodeId>> {
    let mut is_row = directories.to_vec();
    for row in rows {
        is_row[row.node.index()] = true;
    }
    let mut children: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
    for node in map.tree().ids().filter(|node| is_row[node.index()]) {
        if let Some(parent) = map.tree().parent(node) {
            children.entry(parent).or_default().push(node);
        }
    }
    for list in children.values_mut() {
        list.sort_by(|a, b| map.tree().name(*b).cmp(map.tree().name(*a)));
    }
    children
}

/// A tree that is being filled.
struct Columns {
    tree: Tree,
    numbers: HashMap<Vec<u8>, u32>,
}

impl Columns {
    fn new(rows: usize) -> Self {
        let mut tree = Tree {
            kinds: KINDS.map(str::to_owned).to_vec(),
            ..Tree::default()
        };
        tree.parent.reserve(rows);
        tree.bytes.reserve(rows);
        Self {
            tree,
            numbers: HashMap::new(),
        }
    }

    /// Adds a directory; gives its row and its children.
    fn directory(
        &mut self,
        parent: Option<u32>,
        map: &ContentMap,
        node: NodeId,
        children: &mut HashMap<NodeId, Vec<NodeId>>,
    ) -> (u32, Vec<NodeId>) {
        let is_visible = match map.visible(node) {
            Visible::Entry(id) => map.entry(id).kind == Kind::Directory,
            Visible::Implied => true,
            Visible::Nothing => node == NodeId::ROOT,
        };
        let row = self.push(parent, map, node, RowKind::Directory);
        self.tree.layer.push(None);
        self.tree.category.push(None);
        self.tree.owner.push(None);
        self.tree.bytes.push(0);
        self.tree.visible.push(u8::from(is_visible));
        self.tree.hidden_by.push(None);
        (row, children.remove(&node).unwrap_or_default())
    }

    fn file(&mut self, parent: u32, map: &ContentMap, row: &Loose) {
        self.push(Some(parent), map, row.node, row.kind);
        self.tree.layer.push(Some(row.layer));
        self.tree.category.push(row.category);
        self.tree.owner.push(row.owner);
        self.tree.bytes.push(row.bytes);
        self.tree.visible.push(u8::from(row.is_visible));
        self.tree.hidden_by.push(row.hidden_by);
    }

    fn push(&mut self, parent: Option<u32>, map: &ContentMap, node: NodeId, kind: RowKind) -> u32 {
        let name = map.tree().name(node);
        let tree = &mut self.tree;
        let number = if let Some(number) = self.numbers.get(name) {
            *number
        } else {
            let number = tree.names.len() as u32;
            tree.names.push(json_name(name));
            self.numbers.insert(name.to_owned(), number);
            number
        };
        tree.parent.push(parent);
        tree.name.push(number);
        tree.kind.push(kind as u8);
        tree.parent.len() as u32 - 1
    }
}
