//! Which directories of tests are imported by code outside them.
//!
//! A module of its own because it is about the image as a whole: what one file names must be looked for in all others,
//! and a test that stays because it is imported may import more. It errs on the side of what is imported: a module is
//! looked for in every directory that could be on a search path, and where an image names more than is followed,
//! everything counts as imported.

use hashbrown::{HashMap, HashSet};

use crate::content::{ContentMap, EntryId, Visible};
use crate::layer::{FactKind, Kind, NodeId, is_test_directory, is_test_file};

/// Paths that are compared in one image, at most: real ones need some thousands.
const MAX_STEPS: usize = 4_000_000;
/// What Node.js, and what compiles for it, appends to a name.
const EXTENSIONS: [&[u8]; 9] = [
    b".js", b".json", b".node", b".mjs", b".cjs", b".ts", b".tsx", b".jsx", b".mts",
];

/// What is imported, each with the first file that does.
#[derive(Debug, Default)]
pub(super) struct Imports {
    imported: HashMap<NodeId, EntryId>,
    /// A file because of which nothing can be said: everything counts as imported.
    beyond: Option<EntryId>,
}

impl Imports {
    /// Looks through the visible files of `map`. `is_test` says of a file whether it is a test that goes where nothing
    /// imports it; what such a file imports counts once it is imported itself.
    pub(super) fn new(map: &ContentMap, mut is_test: impl FnMut(EntryId) -> bool) -> Self {
        let mut search = Search {
            map,
            places: Places::new(map),
            steps: 0,
            imports: Self::default(),
        };
        let (mut ready, mut waiting) = (Vec::new(), HashMap::<NodeId, Vec<_>>::new());
        let facts = (0..map.layer_count()).flat_map(|layer| map.facts(layer));
        for (carrier, fact) in facts.filter(|(_, fact)| fact.kind == FactKind::TestImport) {
            for file in map.names(carrier).filter(|&name| map.is_visible(name)) {
                if is_test(file) {
                    for node in tests_over(map, map.entry(file).node) {
                        search.steps += 1;
                        if search.steps > MAX_STEPS {
                            search.imports.beyond = Some(file);
                            return search.imports;
                        }
                        waiting.entry(node).or_default().push((file, fact));
                    }
                } else {
                    ready.push((file, fact));
                }
            }
        }
        ready.reverse();
        let mut done = HashSet::new();
        while let Some((file, fact)) = ready.pop() {
            if !done.insert(file) {
                continue;
            }
            for reference in fact.value.split(|&byte| byte == b'\n') {
                for node in search.follow(file, reference) {
                    search.imports.imported.entry(node).or_insert(file);
                    ready.extend(waiting.remove(&node).unwrap_or_default());
                }
            }
            if fact.value.is_empty() || search.steps > MAX_STEPS {
                search.imports.beyond = Some(file);
                break;
            }
        }
        search.imports
    }

    /// What of a path is imported: the path or a directory above it, and the file that imports it.
    pub(super) fn over(&self, map: &ContentMap, node: NodeId) -> Option<(NodeId, EntryId)> {
        if let Some(file) = self.beyond {
            return Some((NodeId::ROOT, file));
        }
        if self.imported.is_empty() {
            return None;
        }
        let mut above = std::iter::successors(Some(node), |&node| map.tree().parent(node));
        above.find_map(|node| Some((node, *self.imported.get(&node)?)))
    }
}

/// The path itself, if it is a test by name, and the directories of tests that it lies in.
fn tests_over(map: &ContentMap, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
    let tree = map.tree();
    let above = std::iter::successors(tree.parent(node), |&node| tree.parent(node));
    let directories = above.filter(|&node| is_test_directory(tree.name(node)));
    std::iter::once(node)
        .filter(|&node| is_test_file(tree.name(node)))
        .chain(directories)
}

/// Visible directories and files of tests, by their name and that of the directory they are in.
struct Places<'a>(HashMap<(&'a [u8], &'a [u8]), Vec<NodeId>>);

/// Stands for the name of a directory that is no package, but may be searched for some.
const TOP: &[u8] = b"";

impl<'a> Places<'a> {
    fn new(map: &'a ContentMap) -> Self {
        let tree = map.tree();
        let mut places = HashMap::<_, Vec<NodeId>>::new();
        for node in tree.ids() {
            let (name, Some(parent)) = (tree.name(node), tree.parent(node)) else {
                continue;
            };
            let is_directory = is_test_directory(name) && is_directory(map, node);
            if is_directory || (is_test_file(name) && is_file(map, node)) {
                places.entry((name, tree.name(parent))).or_default().push(node);
            }
            if is_directory && is_top_level(map, node, parent) {
                places.entry((name, TOP)).or_default().push(node);
            }
        }
        Self(places)
    }
}

/// Whether Python may find a directory as a package of its own: there is Python in it, and it is in no other package.
fn is_top_level(map: &ContentMap, node: NodeId, parent: NodeId) -> bool {
    let tree = map.tree();
    let init = tree.find_child(parent, b"__init__.py");
    !init.is_some_and(|init| is_file(map, init))
        && tree
            .children(node)
            .any(|child| tree.name(child).ends_with(b".py") && is_file(map, child))
}

struct Search<'a> {
    map: &'a ContentMap,
    places: Places<'a>,
    steps: usize,
    imports: Imports,
}

impl Search<'_> {
    /// The outermost directories or files of tests that a reference leads to and `file` is not in.
    fn follow(&mut self, file: EntryId, reference: &[u8]) -> Vec<NodeId> {
        let is_module = reference.ends_with(b"/");
        let parts: Vec<&[u8]> = reference
            .split(|&byte| byte == b'/')
            .filter(|part| !part.is_empty())
            .collect();
        let start = match reference.first() {
            Some(b'/') => NodeId::ROOT,
            Some(b'.') => self
                .map
                .tree()
                .parent(self.map.entry(file).node)
                .unwrap_or(NodeId::ROOT),
            _ => return self.search(file, &parts, is_module),
        };
        self.walk(file, start, &parts, is_module).into_iter().collect()
    }

    /// A path from a known directory.
    fn walk(&mut self, file: EntryId, start: NodeId, parts: &[&[u8]], is_module: bool) -> Option<NodeId> {
        let (map, tree) = (self.map, self.map.tree());
        let from = map.entry(file).node;
        let (mut at, (last, directories)) = (start, parts.split_last()?);
        self.steps += parts.len();
        let directories = if is_module { parts } else { directories };
        for part in directories {
            at = match *part {
                b"." => at,
                b".." => tree.parent(at).unwrap_or(NodeId::ROOT),
                name => real(map, tree.find_child(at, name)?)?,
            };
            if is_test_directory(tree.name(at)) && is_directory(map, at) && !tree.is_within(from, at) {
                return Some(at);
            }
        }
        if is_module {
            return None;
        }
        // A file comes before a directory of its name.
        let child = |name: &[u8]| tree.find_child(at, name).and_then(|node| real(map, node));
        let named = names(last).find_map(|name| child(&name).filter(|&node| is_file(map, node)));
        let found = named.or_else(|| child(last))?;
        let name = tree.name(found);
        let is_test = if is_file(map, found) {
            is_test_file(name)
        } else {
            is_test_directory(name)
        };
        (is_test && !tree.is_within(from, found)).then_some(found)
    }

    /// A path from any directory that may be searched for modules.
    fn search(&mut self, file: EntryId, parts: &[&[u8]], is_module: bool) -> Vec<NodeId> {
        let (map, tree) = (self.map, self.map.tree());
        let from = map.entry(file).node;
        for (at, part) in parts.iter().enumerate() {
            let parent = at.checked_sub(1).map_or(TOP, |above| parts[above]);
            let is_name = !is_module && at + 1 == parts.len();
            let mut found = Vec::new();
            for name in names(part).take(if is_name { usize::MAX } else { 1 }) {
                let places = self.places.0.get(&(name.as_slice(), parent));
                for &node in places.into_iter().flatten() {
                    self.steps += at + 1;
                    // The root, whose name is empty, is above them all and like no part.
                    let above = std::iter::successors(tree.parent(node), |&node| tree.parent(node));
                    let fits = above
                        .zip(parts[..at].iter().rev())
                        .all(|(node, part)| tree.name(node) == *part);
                    if fits && !tree.is_within(from, node) {
                        found.push(node);
                    }
                    if self.steps > MAX_STEPS {
                        return found;
                    }
                }
            }
            found.retain(|&node| is_directory(map, node) || is_name);
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }
}

/// A name, and the same with what may be left out of it.
fn names(name: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let longer = EXTENSIONS.iter().map(move |extension| [name, extension].concat());
    std::iter::once(name.to_vec()).chain(longer)
}

/// What a path shows, behind symlinks.
fn real(map: &ContentMap, node: NodeId) -> Option<NodeId> {
    match map.visible(node) {
        Visible::Entry(id) if map.entry(id).kind == Kind::Symlink => map.resolve(&map.tree().path(node)),
        _ => Some(node),
    }
}

fn is_directory(map: &ContentMap, node: NodeId) -> bool {
    match map.visible(node) {
        Visible::Nothing => false,
        Visible::Implied => true,
        Visible::Entry(id) => map.entry(id).kind == Kind::Directory,
    }
}

fn is_file(map: &ContentMap, node: NodeId) -> bool {
    matches!(map.visible(node), Visible::Entry(id) if map.entry(id).kind != Kind::Directory)
}
