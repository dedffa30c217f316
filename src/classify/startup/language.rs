//! What interpreters need beside themselves and what their command lines mean: Python's modules, Node's files.
//!
//! A module of its own because each language has rules of its own for turning a word into a file. Only what starts is
//! followed; what a program imports when it runs is not.

use super::walk::{Found, Walk, join, name, split};
use super::{Origin, absolute, shell};
use crate::content::Visible;
use crate::layer::NodeId;

/// Modules of the library that `CPython` imports before the first line of a program, where they are not built in.
const PYTHON_MODULES: [&str; 18] = [
    "_collections_abc",
    "_sitebuiltins",
    "_weakrefset",
    "abc",
    "codecs",
    "encodings/__init__",
    "encodings/aliases",
    "encodings/ascii",
    "encodings/latin_1",
    "encodings/utf_8",
    "genericpath",
    "io",
    "os",
    "posixpath",
    "runpy",
    "site",
    "stat",
    "warnings",
];
/// Names in one directory, and parts of a module's name, at most.
const MAX_FILES: usize = 4096;
const MAX_PARTS: usize = 32;

/// Whose command line the words are.
#[derive(Debug, Default)]
pub(super) struct Speakers {
    /// Where the Python that was named keeps its modules: absolute directories.
    python: Option<Vec<Vec<u8>>>,
    pub(super) is_node: bool,
    expects_module: bool,
    expects_script: bool,
    /// Paths by which Python was called.
    pythons: Vec<Vec<u8>>,
}

impl Speakers {
    pub(super) fn is_python(&self) -> bool {
        !self.pythons.is_empty()
    }

    /// Notes a program, by the paths that name it.
    pub(super) fn note(&mut self, paths: &[Vec<u8>]) {
        for path in paths {
            let name = name(path);
            if is_python(name) {
                self.pythons.push(path.clone());
                self.python = None;
            }
            self.is_node |= matches!(name, b"node" | b"nodejs");
            self.expects_script |= matches!(name, b"npm" | b"yarn" | b"pnpm");
        }
    }
}

/// What the interpreter at `found` cannot start without, beside libraries.
pub(super) fn interpreter(walk: &mut Walk<'_>, found: &Found, origin: Origin) {
    let paths = [found.called.clone(), absolute(walk.map, found.node)];
    let is = |path: &Vec<u8>| is_python(name(path));
    if !paths.iter().any(is) {
        return;
    }
    for path in &paths {
        let Some(prefix) = prefix(path) else { continue };
        walk.file(&join(prefix, b"pyvenv.cfg"), origin);
        for library in libraries(walk, prefix, &paths) {
            for module in PYTHON_MODULES {
                python_file(walk, &join(&library, module.as_bytes()), origin);
            }
        }
    }
}

/// Whether the word belongs to the one before it: `-m package.module` of a Python that was named, `run start` of a Node
/// package manager.
pub(super) fn is_spent(walk: &mut Walk<'_>, word: &[u8], origin: Origin, speakers: &mut Speakers) -> bool {
    if std::mem::take(&mut speakers.expects_module) {
        let mut places = own_places(walk);
        places.extend(python_places(walk, speakers));
        module(walk, word, &places, origin);
        return true;
    }
    if std::mem::take(&mut speakers.expects_script) && !word.starts_with(b"-") {
        speakers.expects_script = matches!(word, b"run" | b"run-script");
        if !speakers.expects_script {
            package_script(walk, word, origin);
        }
        return true;
    }
    speakers.expects_module = word == b"-m" && !speakers.pythons.is_empty();
    speakers.expects_module
}

/// What `npm start` runs: the script of that name in the application's `package.json`, and those around it.
fn package_script(walk: &mut Walk<'_>, name: &[u8], origin: Origin) {
    let Some(package) = walk.file(b"package.json", origin) else {
        return;
    };
    let Some(document) = json(walk, &package) else {
        return;
    };
    let name = String::from_utf8_lossy(name);
    for around in ["pre", "", "post"] {
        let name = format!("{around}{name}");
        let script = document["scripts"][name.as_str()].as_str();
        if let Some(script) = script.filter(|_| walk.is_new(package.node, &name)) {
            shell::follow(walk, script, origin.behind(package.step));
        }
    }
}

/// A word that is no file by itself, but one for a language: Node's `server` or `.`, a server's `app.main:app`.
pub(super) fn script(walk: &mut Walk<'_>, word: &[u8], origin: Origin, speakers: &Speakers) {
    if speakers.is_node && !word.starts_with(b"-") {
        node_file(walk, word, origin);
    }
    let name = word.split(|&byte| byte == b':').next().unwrap_or_default();
    let is_name = |part: &[u8]| {
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        !part.is_empty() && part.iter().all(is_letter)
    };
    if name.split(|&byte| byte == b'.').all(is_name) && (name.len() < word.len() || name.contains(&b'.')) {
        let places = own_places(walk);
        module(walk, name, &places, origin);
    }
}

fn is_python(name: &[u8]) -> bool {
    let rest = name
        .strip_prefix(b"python")
        .or_else(|| name.strip_prefix(b"pypy"));
    rest.is_some_and(|rest| rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'))
}

/// `/usr/local` of `/usr/local/bin/python3`.
fn prefix(path: &[u8]) -> Option<&[u8]> {
    let cut = |path: &[u8]| path.iter().rposition(|&byte| byte == b'/');
    let directory = &path[..cut(path)?];
    Some(&directory[..cut(directory)?])
}

/// The directories of the standard library below `prefix`: of that version, where one of the paths that name
/// the program has one.
fn libraries(walk: &mut Walk<'_>, prefix: &[u8], programs: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let of_program = |one: &Vec<u8>| {
        programs
            .iter()
            .any(|path| path.ends_with(&[b"/", one.as_slice()].concat()))
    };
    let mut found = Vec::new();
    for lib in [&b"lib"[..], b"lib64"] {
        let directory = join(prefix, lib);
        let mut names = names(walk, &directory);
        names.retain(|one| is_python(one) && one.contains(&b'.'));
        if names.iter().any(of_program) {
            names.retain(of_program);
        }
        found.extend(names.iter().map(|one| join(&directory, one)));
    }
    found
}

/// Where a program's own modules are looked for: the working directory and `PYTHONPATH`.
fn own_places(walk: &Walk<'_>) -> Vec<Vec<u8>> {
    let mut places = vec![walk.directory.clone()];
    places.extend(split(&walk.python_path, &walk.directory));
    places
}

pub(super) fn python_places(walk: &mut Walk<'_>, speakers: &mut Speakers) -> Vec<Vec<u8>> {
    if let Some(places) = &speakers.python {
        return places.clone();
    }
    let mut places = Vec::new();
    for path in &speakers.pythons {
        let Some(prefix) = prefix(path) else { continue };
        for library in libraries(walk, prefix, &speakers.pythons) {
            for inside in [&b"site-packages"[..], b"dist-packages"] {
                places.push(join(&library, inside));
            }
            places.push(library);
        }
        places.push(join(prefix, b"lib/python3/dist-packages"));
    }
    speakers.python = Some(places.clone());
    places
}

/// The module of that name in the first place that has it, with the packages around it.
pub(super) fn module(walk: &mut Walk<'_>, name: &[u8], places: &[Vec<u8>], origin: Origin) {
    let parts: Vec<&[u8]> = name.split(|&byte| byte == b'.').collect();
    if parts.len() > MAX_PARTS {
        return;
    }
    for place in places {
        let mut path = place.clone();
        let mut is_found = false;
        for (at, part) in parts.iter().enumerate() {
            path = join(&path, part);
            is_found |= python_file(walk, &join(&path, b"__init__"), origin);
            if at + 1 == parts.len() {
                is_found |= python_file(walk, &path, origin);
                is_found |= python_file(walk, &join(&path, b"__main__"), origin);
            }
        }
        if is_found {
            return;
        }
    }
}

/// A module's file: its source, or what was compiled where that alone is there.
fn python_file(walk: &mut Walk<'_>, stem: &[u8], origin: Origin) -> bool {
    let forms = [".py", ".pyc"].map(|ending| [stem, ending.as_bytes()].concat());
    forms.iter().any(|path| walk.file(path, origin).is_some())
}

/// Node's rules for the program's file: <https://nodejs.org/api/modules.html#all-together>.
pub(super) fn node_file(walk: &mut Walk<'_>, word: &[u8], origin: Origin) {
    for ending in [".js", ".mjs", ".cjs"] {
        if walk.file(&[word, ending.as_bytes()].concat(), origin).is_some() {
            return;
        }
    }
    let Some(package) = walk.file(&join(word, b"package.json"), origin) else {
        walk.file(&join(word, b"index.js"), origin);
        return;
    };
    let document = json(walk, &package);
    let main = document.as_ref().and_then(|document| document["main"].as_str());
    let main = main.map(|main| join(word, main.as_bytes()));
    let forms =
        |main: Vec<u8>| ["", ".js", "/index.js"].map(|ending| [&main[..], ending.as_bytes()].concat());
    let is_there = main.is_some_and(|main| forms(main).iter().any(|path| walk.file(path, origin).is_some()));
    if !is_there {
        walk.file(&join(word, b"index.js"), origin);
    }
}

/// A `package.json` that a probe kept.
fn json(walk: &Walk<'_>, package: &Found) -> Option<serde_json::Value> {
    let text = walk.content(package.node)?;
    serde_json::from_slice(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)).ok()
}

/// The visible names of a directory, sorted.
fn names(walk: &mut Walk<'_>, directory: &[u8]) -> Vec<Vec<u8>> {
    let Some(at) = walk.way(directory).and_then(|way| way.last().copied()) else {
        return Vec::new();
    };
    let (map, tree) = (walk.map, walk.map.tree());
    let is_visible = |node: &NodeId| map.visible(*node) != Visible::Nothing;
    let mut names: Vec<Vec<u8>> = tree
        .children(at)
        .filter(is_visible)
        .take(MAX_FILES)
        .map(|node| tree.name(node).to_vec())
        .collect();
    names.sort();
    names
}
