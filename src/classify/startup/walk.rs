//! The walk from file to file: paths resolved once, each step with what led to it, within bounds.
//!
//! A module of its own because everything else here only says *where* to look: this is the state that grows.

use std::collections::VecDeque;

use hashbrown::{HashMap, HashSet};

use super::{Origin, Startup, Step, imports, linker, shell};
use crate::content::{ContentMap, EntryId, Visible};
use crate::image::Config;
use crate::layer::{ElfFacts, Fact, FactKind, Kind, NodeId, Warning};

/// Paths of a closure and look-ups to find them, at most: real ones need some hundreds and some thousands.
const MAX_STEPS: usize = 20_000;
const MAX_LOOKUPS: u32 = 50_000;
/// Directories of one list that are looked at.
const MAX_LIST: usize = 256;
/// Steps of one chain: what is further away is told by a shorter one.
const MAX_CHAIN: u8 = 24;
/// Bytes of a path, as Linux has it.
const MAX_PATH: usize = 4096;
/// Docker's, where the config sets none.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A file that was found, and how it was called.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Its step.
    pub(super) step: u32,
    /// The file itself, symlinks resolved.
    pub(super) node: NodeId,
    /// The absolute path by which it was found.
    pub(super) called: Vec<u8>,
}

pub(super) struct Walk<'a> {
    pub(super) map: &'a ContentMap,
    pub(super) config: &'a Config,
    /// `WorkingDir`, absolute.
    pub(super) directory: Vec<u8>,
    /// The directories of `PATH`.
    path: Vec<Vec<u8>>,
    /// `PYTHONPATH`.
    pub(super) python_path: Vec<u8>,
    pub(super) linker: linker::Paths,
    facts: HashMap<EntryId, Vec<&'a Fact>>,
    startup: Startup,
    /// Files whose own needs were not looked at yet.
    queue: VecDeque<Found>,
    /// What was queued, by file and by the path that called it: `$ORIGIN` and a Python's modules hang on the latter.
    queued: HashSet<(NodeId, Vec<u8>)>,
    /// Scripts of `package.json` files that were followed: one may call another, or itself.
    scripts: HashSet<(NodeId, String)>,
    lookups: u32,
}

impl<'a> Walk<'a> {
    pub(super) fn new(map: &'a ContentMap, config: &'a Config) -> Self {
        let text = |key: &str| config.runtime(key).and_then(serde_json::Value::as_str);
        let directory = join(b"/", text("WorkingDir").unwrap_or_default().as_bytes());
        let path = config.env("PATH").unwrap_or_else(|| DEFAULT_PATH.to_owned());
        let facts = facts(map);
        let linker = linker::Paths::new(map, config, &|node| file_text(map, &facts, node));
        Self {
            path: split(path.as_bytes(), &directory),
            python_path: config.env("PYTHONPATH").unwrap_or_default().into_bytes(),
            directory,
            linker,
            map,
            config,
            facts,
            startup: Startup::default(),
            queue: VecDeque::new(),
            queued: HashSet::new(),
            scripts: HashSet::new(),
            lookups: 0,
        }
    }

    /// Follows what was found to the end.
    pub(super) fn finish(mut self) -> Startup {
        while let Some(found) = self.queue.pop_front() {
            self.expand(&found);
        }
        if self.lookups >= MAX_LOOKUPS || self.startup.steps.len() >= MAX_STEPS {
            let message =
                "more is named than is followed: the rest of what starts the container is not protected";
            self.warn("startup-cut", Vec::new(), message.to_owned());
        }
        self.startup
    }

    pub(super) fn warn(&mut self, code: &'static str, path: Vec<u8>, message: String) {
        self.startup.warnings.push(Warning {
            code: code.into(),
            path,
            message,
        });
    }

    /// The file at `path` (relative to the working directory), taken into the closure with the symlinks on its way;
    /// `None` where there is no file. Its own needs are followed later.
    pub(super) fn file(&mut self, path: &[u8], origin: Origin) -> Option<Found> {
        let found = self.library(path, origin)?;
        if self.queued.insert((found.node, found.called.clone())) {
            self.queue.push_back(found.clone());
        }
        Some(found)
    }

    /// As [`Walk::file`], of a file whose needs the caller follows.
    pub(super) fn library(&mut self, path: &[u8], origin: Origin) -> Option<Found> {
        let called = join(&self.directory, path);
        let way = self.way(&called)?;
        let node = *way.last()?;
        self.is_file(node).then_some(())?;
        let step = self.take(&way, origin)?;
        Some(Found { step, node, called })
    }

    /// The directory at `path`, taken into the closure.
    pub(super) fn directory(&mut self, path: &[u8], origin: Origin) {
        if let Some(way) = self.way(path) {
            self.take(&way, origin);
        }
    }

    /// A program by its name: a path where it has a slash, else the first executable file of `PATH`.
    pub(super) fn program(&mut self, name: &[u8], origin: Origin) -> Option<Found> {
        if name.contains(&b'/') {
            return self.file(name, origin);
        }
        if name.is_empty() || name == b"." || name == b".." {
            return None;
        }
        for at in 0..self.path.len() {
            let path = join(&self.path[at], name);
            let node = self.way(&path).and_then(|way| way.last().copied());
            if node.is_some_and(|node| self.is_executable(node)) {
                return self.file(&path, origin);
            }
        }
        None
    }

    /// Whether the script of that name in that `package.json` was not followed yet.
    pub(super) fn is_new(&mut self, package: NodeId, script: &str) -> bool {
        self.scripts.len() < MAX_LIST && self.scripts.insert((package, script.to_owned()))
    }

    /// Whether there is a file at `path` (absolute).
    pub(super) fn is_there(&mut self, path: &[u8]) -> bool {
        let way = self.way(path);
        way.and_then(|way| way.last().copied())
            .is_some_and(|node| self.is_file(node))
    }

    /// What an ELF probe left of a file.
    pub(super) fn elf(&self, node: NodeId) -> Option<ElfFacts> {
        let fact = self.fact(node, FactKind::Elf)?;
        ElfFacts::decode(&fact.value)
    }

    /// The content of a file that a probe kept whole.
    pub(super) fn content(&self, node: NodeId) -> Option<&'a [u8]> {
        file_text(self.map, &self.facts, node)
    }

    /// Every node on the way to `path`, while look-ups are left.
    pub(super) fn way(&mut self, path: &[u8]) -> Option<Vec<NodeId>> {
        if self.lookups >= MAX_LOOKUPS {
            return None;
        }
        self.lookups += 1;
        (path.len() <= MAX_PATH).then(|| self.map.way(path))?
    }

    /// A script needs its interpreter, a program the dynamic linker and libraries.
    fn expand(&mut self, found: &Found) {
        let origin = Origin {
            start: self.startup.steps[found.step as usize].start,
            from: Some(found.step),
        };
        if let Some(fact) = self.fact(found.node, FactKind::Shebang) {
            let interpreter = self.script(&fact.value, origin);
            if let Some(interpreter) = interpreter {
                imports::follow(self, found, &interpreter, origin);
            }
        }
        if let Some(text) = shell::script(self, found) {
            shell::follow(self, &text, origin);
        }
        if let Some(elf) = self.elf(found.node) {
            linker::load(self, found, elf, origin);
        }
        super::language::interpreter(self, found, origin);
    }

    /// The interpreter line of a script.
    pub(super) fn shebang(&self, node: NodeId) -> Option<&'a [u8]> {
        self.fact(node, FactKind::Shebang).map(|fact| &fact.value[..])
    }

    /// An interpreter line, as the kernel cuts it: the program, and at most one argument. For env(1) the argument names
    /// the program, or holds several words behind `-S`. Gives the program.
    fn script(&mut self, line: &[u8], origin: Origin) -> Option<Found> {
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let interpreter = words.next()?;
        // The kernel knows no PATH.
        let interpreter = if interpreter.contains(&b'/') {
            interpreter.to_vec()
        } else {
            [b"./", interpreter].concat()
        };
        let found = self.file(&interpreter, origin)?;
        if name(&interpreter) != b"env" {
            return Some(found);
        }
        let is_option = |word: &&[u8]| word.starts_with(b"-") || word.contains(&b'=');
        let mut words = words.map(|word| word.strip_prefix(b"-S").unwrap_or(word));
        let program = words.find(|word| !word.is_empty() && !is_option(word))?;
        self.program(program, origin.behind(found.step))
    }

    /// Takes every node of a way into the closure; gives the step of the last one.
    fn take(&mut self, way: &[NodeId], origin: Origin) -> Option<u32> {
        let (mut last, mut origin) = (None, origin);
        for (at, &node) in way.iter().enumerate() {
            let step = self.step(node, origin)?;
            last = Some(step);
            // A link to the file is part of the chain; a link to a directory on the way, and a directory, need no word.
            let is_link = self.kind(node) == Some(Kind::Symlink);
            if is_link && at + 1 < way.len() && self.leads_to_file(node) {
                origin = origin.behind(step);
            }
        }
        last
    }

    fn step(&mut self, node: NodeId, origin: Origin) -> Option<u32> {
        if let Some(&step) = self.startup.known.get(&node) {
            return Some(step);
        }
        let steps = &mut self.startup.steps;
        if steps.len() >= MAX_STEPS {
            return None;
        }
        let step = steps.len() as u32;
        let Origin { start, from } = origin;
        let from = from.and_then(|at| {
            let Step { depth, from, .. } = steps[at as usize];
            if depth < MAX_CHAIN { Some(at) } else { from }
        });
        let depth = from.map_or(0, |at| steps[at as usize].depth + 1);
        steps.push(Step {
            node,
            start,
            from,
            depth,
        });
        self.startup.known.insert(node, step);
        Some(step)
    }

    fn leads_to_file(&mut self, link: NodeId) -> bool {
        let path = super::absolute(self.map, link);
        self.is_there(&path)
    }

    fn fact(&self, node: NodeId, kind: FactKind) -> Option<&'a Fact> {
        fact(self.map, &self.facts, node, kind)
    }

    fn is_file(&self, node: NodeId) -> bool {
        self.kind(node)
            .is_some_and(|kind| kind != Kind::Directory && kind != Kind::Symlink)
    }

    fn is_executable(&self, node: NodeId) -> bool {
        let mode = carrier(self.map, node).map_or(0, |id| self.map.entry(id).mode);
        self.is_file(node) && mode & 0o111 != 0
    }

    fn kind(&self, node: NodeId) -> Option<Kind> {
        carrier(self.map, node).map(|id| self.map.entry(id).kind)
    }
}

/// The last component of a path.
pub(super) fn name(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}

/// `path` below `directory`, or itself where it is absolute.
pub(super) fn join(directory: &[u8], path: &[u8]) -> Vec<u8> {
    if path.starts_with(b"/") {
        return path.to_vec();
    }
    [directory, b"/", path].concat()
}

/// A list of directories joined by colons; an empty one is the working directory.
pub(super) fn split(list: &[u8], directory: &[u8]) -> Vec<Vec<u8>> {
    list.split(|&byte| byte == b':')
        .take(MAX_LIST)
        .map(|one| join(directory, one))
        .collect()
}

type Facts<'a> = HashMap<EntryId, Vec<&'a Fact>>;

/// What the probes say of the files that are visible, by the entry that carries their bytes.
fn facts(map: &ContentMap) -> Facts<'_> {
    let mut facts = Facts::new();
    for layer in 0..map.layer_count() {
        let told = map.facts(layer);
        for (id, fact) in told.filter(|(_, fact)| fact.kind != FactKind::GitHead) {
            facts.entry(id).or_default().push(fact);
        }
    }
    facts
}

fn fact<'a>(map: &ContentMap, facts: &Facts<'a>, node: NodeId, kind: FactKind) -> Option<&'a Fact> {
    let facts = facts.get(&carrier(map, node)?)?;
    facts.iter().copied().find(|fact| fact.kind == kind)
}

fn file_text<'a>(map: &ContentMap, facts: &Facts<'a>, node: NodeId) -> Option<&'a [u8]> {
    fact(map, facts, node, FactKind::File).map(|fact| &fact.value[..])
}

/// The entry that carries the bytes of what a path shows.
fn carrier(map: &ContentMap, node: NodeId) -> Option<EntryId> {
    match map.visible(node) {
        Visible::Entry(id) => map.inode(id),
        _ => None,
    }
}
