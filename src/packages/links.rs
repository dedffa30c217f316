//! What files need of packages although no database says so: libraries, interpreters, targets of symlinks.
//!
//! A module of its own because this is what the databases do not know: a program that was compiled in the image needs a
//! library, and no package says so. It errs on the side of keeping: of several packages that have a library, each is needed.

use hashbrown::{HashMap, HashSet};

use super::{Budget, Unit, UnitId};
use crate::content::{ContentMap, EntryId, Visible};
use crate::layer::{ElfFacts, FactKind, Kind, NodeId};

/// Where programs are looked for by name.
const PATH: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// musl answers for these names itself (`reserved` in its `load_library`); what is called so besides is for the linker.
const RESERVED: [&[u8]; 7] = [
    b"libc.so",
    b"libpthread.so",
    b"librt.so",
    b"libm.so",
    b"libdl.so",
    b"libutil.so",
    b"libxnet.so",
];

/// How a file needs a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EdgeKind {
    /// The dynamic linker would load a library, or is itself of the package.
    Library,
    /// The interpreter of a script.
    Interpreter,
    /// The target of a symlink.
    Target,
}

/// A file that needs a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The package that the file belongs to.
    pub from: Option<UnitId>,
    /// The file.
    pub file: NodeId,
    /// The package that it needs.
    pub to: UnitId,
    /// How.
    pub kind: EdgeKind,
    /// The path that is needed.
    pub needs: NodeId,
}

/// Who owns a path.
type Owner<'a> = &'a dyn Fn(NodeId) -> Option<UnitId>;

pub(super) fn edges(map: &ContentMap, units: &[Unit], owner: Owner<'_>, budget: &Budget) -> Vec<Edge> {
    let mut edges = Edges {
        map,
        budget,
        owner,
        found: Vec::new(),
        seen: HashSet::new(),
    };
    if units.is_empty() {
        return edges.found;
    }
    let (elves, machines) = elves(map);
    edges.libraries(units, &elves, &machines);
    edges.interpreters();
    edges.targets();
    edges.found
}

struct Edges<'a> {
    budget: &'a Budget,
    map: &'a ContentMap,
    owner: Owner<'a>,
    found: Vec<Edge>,
    /// One edge for each pair of packages, and for each file that has none.
    seen: HashSet<(Option<UnitId>, Option<NodeId>, UnitId, EdgeKind)>,
}

impl Edges<'_> {
    fn add(&mut self, file: NodeId, needs: NodeId, kind: EdgeKind) {
        let Some(to) = (self.owner)(needs) else { return };
        let from = (self.owner)(file);
        let key = (from, from.is_none().then_some(file), to, kind);
        if from != Some(to) && self.seen.insert(key) {
            self.found.push(Edge {
                from,
                file,
                to,
                kind,
                needs,
            });
        }
    }

    fn libraries(
        &mut self,
        units: &[Unit],
        elves: &[(NodeId, ElfFacts)],
        machines: &HashMap<EntryId, (u8, u16)>,
    ) {
        let map = self.map;
        let wanted: HashSet<&[u8]> = elves
            .iter()
            .flat_map(|(_, facts)| facts.needed.iter().map(|name| base(name)))
            .filter(|name| !RESERVED.contains(name))
            .collect();
        let mut having: HashMap<&[u8], Vec<NodeId>> = HashMap::new();
        for &node in units.iter().flat_map(|unit| &unit.files) {
            let name = map.tree().name(node);
            if wanted.contains(name) {
                having.entry(name).or_default().push(node);
            }
        }
        for (file, facts) in elves {
            for name in &facts.needed {
                for &library in having.get(base(name)).into_iter().flatten() {
                    if !self.budget.take(1) {
                        return;
                    }
                    // What is no ELF file, or was not read, may be anything.
                    let machine = map
                        .resolve(&map.tree().path(library))
                        .and_then(|node| carrier(map, node))
                        .and_then(|inode| machines.get(&inode));
                    if machine.is_none_or(|machine| *machine == facts.machine) {
                        self.add(*file, library, EdgeKind::Library);
                    }
                }
            }
            if let Some(path) = &facts.interpreter {
                self.way(*file, path, EdgeKind::Library);
            }
        }
    }

    /// Executable scripts; of documentation and examples nobody asks.
    fn interpreters(&mut self) {
        let map = self.map;
        for layer in 0..map.layer_count() {
            for (inode, fact) in map
                .facts(layer)
                .filter(|(_, fact)| fact.kind == FactKind::Shebang)
            {
                if map.entry(inode).mode & 0o111 == 0 {
                    continue;
                }
                let mut words = fact
                    .value
                    .split(u8::is_ascii_whitespace)
                    .filter(|word| !word.is_empty());
                let Some(interpreter) = words.next() else { continue };
                let program = words.find(|word| !word.starts_with(b"-") && !word.contains(&b'='));
                for name in map.names(inode).filter(|&name| map.is_visible(name)) {
                    let file = map.entry(name).node;
                    self.way(file, interpreter, EdgeKind::Interpreter);
                    let Some(program) = program.filter(|_| base(interpreter) == b"env") else {
                        continue;
                    };
                    for directory in PATH {
                        let path = [directory.as_bytes(), b"/", program].concat();
                        self.way(file, &path, EdgeKind::Interpreter);
                    }
                }
            }
        }
    }

    /// Symlinks; those of alternatives go with what they lead to, and are looked at elsewhere.
    fn targets(&mut self) {
        let map = self.map;
        let alternatives = map.resolve(b"/etc/alternatives");
        for id in map.entries().filter(|&id| map.is_visible(id)) {
            if map
                .inode(id)
                .is_none_or(|inode| map.entry(inode).kind != Kind::Symlink)
            {
                continue;
            }
            if !self.budget.take(1) {
                return;
            }
            let file = map.entry(id).node;
            let Some(way) = map.way(&map.tree().path(file)) else {
                continue;
            };
            let is_alternative =
                |&node: &NodeId| alternatives.is_some() && map.tree().parent(node) == alternatives;
            if let Some(&last) = way.last().filter(|_| !way.iter().any(is_alternative)) {
                self.add(file, last, EdgeKind::Target);
            }
        }
    }

    /// Everything on the way to a path, links too.
    fn way(&mut self, file: NodeId, path: &[u8], kind: EdgeKind) {
        if !self.budget.take(1) {
            return;
        }
        for node in self.map.way(path).unwrap_or_default() {
            self.add(file, node, kind);
        }
    }
}

type Elves = (Vec<(NodeId, ElfFacts)>, HashMap<EntryId, (u8, u16)>);

/// Every visible ELF file by each of its paths, and the machine of each by the entry that carries its bytes.
fn elves(map: &ContentMap) -> Elves {
    let (mut elves, mut machines) = (Vec::new(), HashMap::new());
    for layer in 0..map.layer_count() {
        for (inode, fact) in map.facts(layer).filter(|(_, fact)| fact.kind == FactKind::Elf) {
            let Some(facts) = ElfFacts::decode(&fact.value) else {
                continue;
            };
            machines.insert(inode, facts.machine);
            let visible = map.names(inode).filter(|&name| map.is_visible(name));
            elves.extend(visible.map(|name| (map.entry(name).node, facts.clone())));
        }
    }
    (elves, machines)
}

fn carrier(map: &ContentMap, node: NodeId) -> Option<EntryId> {
    match map.visible(node) {
        Visible::Entry(id) => map.inode(id),
        _ => None,
    }
}

/// The last part of a path.
fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|&b| b == b'/').next().unwrap_or_default()
}
