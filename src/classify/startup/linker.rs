//! Which libraries the dynamic linker would load: glibc's and musl's order of search, ld.so(8) and ld.so.conf(5).
//!
//! A module of its own because it is another program's algorithm. It errs on the side of keeping: where glibc reads
//! `ld.so.cache`, whose order is not read here, every directory that may stand in it counts.

use globset::{Candidate, GlobBuilder};
use hashbrown::HashSet;

use super::walk::{Found, Walk, join, split};
use super::{Origin, absolute};
use crate::content::ContentMap;
use crate::image::Config;
use crate::layer::{ElfFacts, NodeId};

/// Directories of one list, at most, and how deep `ld.so.conf` may include.
const MAX_DIRECTORIES: usize = 256;
const MAX_DEPTH: u8 = 8;
/// Where musl looks without a list of its own.
const MUSL: &[u8] = b"/lib:/usr/local/lib:/usr/lib";
/// Where glibc looks, as distributions build it.
const GLIBC: [&str; 4] = ["/lib", "/usr/lib", "/lib64", "/usr/lib64"];

/// Machine (`e_machine`) → Debian's name of the directories for it.
const MULTIARCH: &[(u16, &str)] = &[
    (3, "i386-linux-gnu"),
    (8, "mips64el-linux-gnuabi64"),
    (8, "mipsel-linux-gnu"),
    (21, "powerpc64le-linux-gnu"),
    (22, "s390x-linux-gnu"),
    (40, "arm-linux-gnueabihf"),
    (40, "arm-linux-gnueabi"),
    (62, "x86_64-linux-gnu"),
    (183, "aarch64-linux-gnu"),
    (243, "riscv64-linux-gnu"),
    (258, "loongarch64-linux-gnu"),
];

/// What the image tells the dynamic linkers.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// `LD_LIBRARY_PATH`.
    environment: Vec<Vec<u8>>,
    /// `LD_PRELOAD` and `/etc/ld.so.preload`.
    preload: Vec<Vec<u8>>,
    /// `/etc/ld.so.conf` and what it includes.
    listed: Vec<Vec<u8>>,
    /// `/etc/ld-musl-*.path`.
    musl: Vec<Vec<u8>>,
}

/// The content of a file that was kept whole.
type Content<'c, 'a> = &'c dyn Fn(NodeId) -> Option<&'a [u8]>;

impl Paths {
    pub(super) fn new<'a>(map: &'a ContentMap, config: &Config, content: Content<'_, 'a>) -> Self {
        let mut paths = Self::default();
        if let Some(list) = config.env("LD_LIBRARY_PATH") {
            let list = list.replace(';', ":");
            paths.environment = directories(list.as_bytes());
        }
        let named = config.env("LD_PRELOAD").unwrap_or_default();
        let filed = map
            .resolve(b"/etc/ld.so.preload")
            .and_then(content)
            .unwrap_or_default();
        for list in [named.as_bytes(), filed] {
            let names = list.split(|byte| byte.is_ascii_whitespace() || *byte == b':');
            paths.preload.extend(
                names
                    .filter(|name| !name.is_empty())
                    .take(MAX_DIRECTORIES)
                    .map(<[u8]>::to_vec),
            );
        }
        if let Some(top) = map.resolve(b"/etc/ld.so.conf") {
            list(map, content, top, &mut paths.listed, &mut HashSet::new(), 0);
        }
        let of_musl = matching(map, b"/etc", b"ld-musl-*.path")
            .into_iter()
            .find_map(content);
        let of_musl = of_musl.map(|text| {
            text.iter()
                .map(|&byte| if byte == b'\n' { b':' } else { byte })
                .collect()
        });
        paths.musl = directories(&of_musl.unwrap_or_else(|| MUSL.to_vec()));
        paths
    }
}

fn directories(list: &[u8]) -> Vec<Vec<u8>> {
    let some = list.split(|&byte| byte == b':').filter(|one| !one.is_empty());
    some.take(MAX_DIRECTORIES).map(<[u8]>::to_vec).collect()
}

/// The directories that one file of ld.so.conf(5) lists, with those of the files it includes.
fn list(
    map: &ContentMap,
    content: Content<'_, '_>,
    file: NodeId,
    listed: &mut Vec<Vec<u8>>,
    seen: &mut HashSet<NodeId>,
    depth: u8,
) {
    let Some(text) = content(file).filter(|_| depth <= MAX_DEPTH && seen.insert(file)) else {
        return;
    };
    for line in text.split(|&byte| byte == b'\n') {
        let line = line.split(|&byte| byte == b'#').next().unwrap_or_default();
        let mut words = line
            .split(|byte| byte.is_ascii_whitespace() || matches!(byte, b':' | b','))
            .filter(|word| !word.is_empty())
            .peekable();
        match words.peek() {
            Some(&b"include") => {
                for pattern in words.skip(1) {
                    let pattern = join(b"/etc", pattern);
                    let cut = pattern.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
                    for included in matching(map, &pattern[..cut], &pattern[cut + 1..]) {
                        list(map, content, included, listed, seen, depth + 1);
                    }
                }
            }
            Some(&b"hwcap") | None => {}
            Some(_) => {
                let room = MAX_DIRECTORIES.saturating_sub(listed.len());
                listed.extend(
                    words
                        .filter(|word| word.starts_with(b"/"))
                        .take(room)
                        .map(<[u8]>::to_vec),
                );
            }
        }
    }
}

/// What lies in `directory` under a name that `pattern` matches, sorted by name.
fn matching(map: &ContentMap, directory: &[u8], pattern: &[u8]) -> Vec<NodeId> {
    let glob = std::str::from_utf8(pattern)
        .ok()
        .and_then(|glob| GlobBuilder::new(glob).build().ok());
    let (Some(directory), Some(glob)) = (map.resolve(directory), glob) else {
        return Vec::new();
    };
    let (tree, glob) = (map.tree(), glob.compile_matcher());
    let is_match = |node: &NodeId| glob.is_match_candidate(&Candidate::from_bytes(tree.name(*node)));
    let mut found: Vec<NodeId> = tree.children(directory).filter(is_match).collect();
    found.sort_by(|a, b| tree.name(*a).cmp(tree.name(*b)));
    // A link stands for what it leads to.
    found
        .iter()
        .filter_map(|&node| map.resolve(&absolute(map, node)))
        .collect()
}

/// One file that is loaded.
struct Object {
    step: u32,
    facts: ElfFacts,
    /// The directories that `$ORIGIN` may be: of the path it was found by, and of the file itself.
    origins: Vec<Vec<u8>>,
    /// The object that asked for it.
    parent: Option<usize>,
}

/// Takes the dynamic linker of a program into the closure, and every library that it would load.
pub(super) fn load(walk: &mut Walk<'_>, program: &Found, facts: ElfFacts, origin: Origin) {
    let interpreter = facts.interpreter.clone();
    let is_musl = interpreter
        .as_ref()
        .is_some_and(|path| path.windows(7).any(|part| part == b"ld-musl"));
    if let Some(path) = &interpreter {
        walk.file(path, origin);
    }
    if interpreter.is_none() && facts.needed.is_empty() {
        return; // statically linked: nothing is preloaded either
    }
    let mut loading = Loading {
        is_musl,
        origin,
        objects: vec![Object::new(walk, program, facts, None)],
    };
    let mut seen = HashSet::new();
    let mut at = 0;
    while at < loading.objects.len() {
        let preload = if at == 0 {
            walk.linker.preload.clone()
        } else {
            Vec::new()
        };
        let needed = loading.objects[at].facts.needed.clone();
        for name in preload.into_iter().chain(needed) {
            if seen.insert(name.clone()) {
                loading.add(walk, &name, at);
            }
        }
        at += 1;
    }
}

impl Object {
    fn new(walk: &Walk<'_>, found: &Found, facts: ElfFacts, parent: Option<usize>) -> Self {
        let mut origins: Vec<Vec<u8>> = [found.called.clone(), absolute(walk.map, found.node)]
            .map(|path| path[..path.iter().rposition(|&byte| byte == b'/').unwrap_or(0)].to_vec())
            .into();
        origins.dedup();
        Self {
            step: found.step,
            facts,
            origins,
            parent,
        }
    }

    /// The directories of a list in the file, with what the dynamic linker puts in it.
    fn expand(&self, list: Option<&Vec<u8>>, directory: &[u8], out: &mut Vec<Vec<u8>>) {
        let Some(list) = list.filter(|list| !list.is_empty()) else {
            return;
        };
        for one in split(list, directory) {
            if !one.contains(&b'$') {
                out.push(one);
                continue;
            }
            for origin in &self.origins {
                for lib in [&b"lib"[..], b"lib64"] {
                    let one = replace(&one, &[b"${ORIGIN}", b"$ORIGIN"], origin);
                    let one = replace(&one, &[b"${LIB}", b"$LIB"], lib);
                    // A list that begins with `$ORIGIN` was taken for a relative one.
                    let one = one
                        .strip_prefix(&[directory, b"/"].concat()[..])
                        .filter(|rest| rest.starts_with(b"/"))
                        .map_or_else(|| one.clone(), <[u8]>::to_vec);
                    if !out.contains(&one) {
                        out.push(one);
                    }
                }
            }
        }
    }
}

struct Loading {
    is_musl: bool,
    origin: Origin,
    objects: Vec<Object>,
}

impl Loading {
    /// Finds a library that object `by` asks for.
    fn add(&mut self, walk: &mut Walk<'_>, name: &[u8], by: usize) {
        if name.contains(&b'/') {
            self.take(walk, name, by);
            return;
        }
        let directories = self.directories(walk, by);
        if directories
            .iter()
            .any(|directory| self.take(walk, &join(directory, name), by))
        {
            return;
        }
        if self.is_musl {
            for directory in walk.linker.musl.clone() {
                if self.take(walk, &join(&directory, name), by) {
                    return;
                }
            }
            return;
        }
        let machine = self.objects[0].facts.machine.1;
        let triples = MULTIARCH.iter().filter(|(of, _)| *of == machine);
        let multiarch =
            triples.flat_map(|(_, triple)| [format!("/lib/{triple}"), format!("/usr/lib/{triple}")]);
        let defaults = multiarch.chain(GLIBC.map(str::to_owned)).map(String::into_bytes);
        for directory in walk.linker.listed.clone().into_iter().chain(defaults) {
            self.take(walk, &join(&directory, name), by);
        }
    }

    /// Where the linker looks before its own directories; the first match counts.
    fn directories(&self, walk: &Walk<'_>, by: usize) -> Vec<Vec<u8>> {
        let (mut found, own) = (Vec::new(), &self.objects[by]);
        let line = std::iter::successors(Some(own), |object| object.parent.map(|at| &self.objects[at]));
        let environment = || {
            walk.linker
                .environment
                .iter()
                .map(|one| join(&walk.directory, one))
        };
        if self.is_musl {
            found.extend(environment());
            for object in line {
                let list = object.facts.runpath.as_ref().or(object.facts.rpath.as_ref());
                object.expand(list, &walk.directory, &mut found);
            }
            return found;
        }
        if own.facts.runpath.is_none() {
            for object in line.filter(|object| object.facts.runpath.is_none()) {
                object.expand(object.facts.rpath.as_ref(), &walk.directory, &mut found);
            }
        }
        found.extend(environment());
        own.expand(own.facts.runpath.as_ref(), &walk.directory, &mut found);
        found
    }

    /// Takes the library at `path` into the closure, unless it is none or one for another machine.
    fn take(&mut self, walk: &mut Walk<'_>, path: &[u8], by: usize) -> bool {
        let path = join(&walk.directory, path);
        let Some(node) = walk.way(&path).and_then(|way| way.last().copied()) else {
            return false;
        };
        let facts = walk.elf(node);
        if facts
            .as_ref()
            .is_some_and(|facts| facts.machine != self.objects[0].facts.machine)
        {
            return false;
        }
        let Some(found) = walk.library(&path, self.origin.behind(self.objects[by].step)) else {
            return false;
        };
        let is_new = self.objects.iter().all(|object| object.step != found.step);
        if let Some(facts) = facts.filter(|_| is_new) {
            self.objects.push(Object::new(walk, &found, facts, Some(by)));
        }
        true
    }
}

/// `text` with every one of `names` replaced.
fn replace(text: &[u8], names: &[&[u8]], by: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some((&byte, after)) = rest.split_first() {
        if let Some(name) = names.iter().find(|name| rest.starts_with(name)) {
            out.extend_from_slice(by);
            rest = &rest[name.len()..];
        } else {
            out.push(byte);
            rest = after;
        }
    }
    out
}
