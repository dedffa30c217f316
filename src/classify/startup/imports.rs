//! What a script in Python or JavaScript imports: the file that `gunicorn` or `eslint` in a directory of programs leads to.
//!
//! A module of its own because it reads code. Only the beginning of scripts with an interpreter line is there to be read,
//! and only what they name themselves is followed: what those files import in turn is not.

use memchr::memmem;

use super::language::{Speakers, module, node_file, python_places};
use super::walk::{Found, Walk, join};
use super::{Origin, absolute};

/// Names that one script imports, at most.
const MAX_NAMES: usize = 64;

/// Follows the imports of a script that `interpreter` runs.
pub(super) fn follow(walk: &mut Walk<'_>, script: &Found, interpreter: &Found, origin: Origin) {
    let Some(text) = walk.content(script.node) else {
        return;
    };
    let mut speakers = Speakers::default();
    speakers.note(&[interpreter.called.clone(), absolute(walk.map, interpreter.node)]);
    let own = absolute(walk.map, script.node);
    let directory = own
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(&b""[..], |at| &own[..at]);
    if speakers.is_python() {
        let mut places = vec![directory.to_vec()];
        places.extend(python_places(walk, &mut speakers));
        for name in modules(text) {
            module(walk, name, &places, origin);
        }
    } else if speakers.is_node {
        for name in required(text) {
            node_module(walk, directory, name, origin);
        }
    }
}

/// The modules that lines of Python import.
fn modules(text: &[u8]) -> Vec<&[u8]> {
    let mut names = Vec::new();
    for line in text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii) {
        if let Some(rest) = line.strip_prefix(b"from ") {
            names.extend(rest.split(u8::is_ascii_whitespace).next());
        } else if let Some(rest) = line.strip_prefix(b"import ") {
            let words = rest.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
            names.extend(words.filter_map(|word| word.split(u8::is_ascii_whitespace).next()));
        }
    }
    let is_name = |name: &&[u8]| {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        name.first().is_some_and(|&byte| byte != b'.') && name.iter().all(is_part)
    };
    names.retain(is_name);
    names.truncate(MAX_NAMES);
    names
}

/// What JavaScript requires or imports: the texts behind `require(`, `import` and `from`.
fn required(text: &[u8]) -> Vec<&[u8]> {
    let mut names = Vec::new();
    for word in [&b"require"[..], b"import", b"from"] {
        for at in memmem::find_iter(text, word) {
            let behind = text[at + word.len()..].trim_ascii_start();
            let behind = behind.strip_prefix(b"(").unwrap_or(behind).trim_ascii_start();
            let Some((&quote, rest)) = behind.split_first() else {
                continue;
            };
            let end = rest.iter().take(256).position(|&byte| byte == quote);
            if let Some(end) = end.filter(|_| matches!(quote, b'\'' | b'"' | b'`')) {
                names.push(&rest[..end]);
            }
        }
    }
    names.truncate(MAX_NAMES);
    names
}

/// A file beside the script, or the package of that name in the nearest `node_modules`.
fn node_module(walk: &mut Walk<'_>, directory: &[u8], name: &[u8], origin: Origin) {
    if name.starts_with(b".") || name.starts_with(b"/") {
        let path = join(directory, name);
        if walk.file(&path, origin).is_none() {
            node_file(walk, &path, origin);
        }
        return;
    }
    if name.is_empty() || name.starts_with(b"node:") {
        return;
    }
    let ends = (1..=directory.len()).rev();
    let above = ends.filter(|&end| end == directory.len() || directory[end] == b'/');
    for end in above {
        let path = [&directory[..end], b"/node_modules/", name].concat();
        if walk.way(&path).is_some() {
            if walk.file(&path, origin).is_none() {
                node_file(walk, &path, origin);
            }
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(names: &[&[u8]]) -> String {
        let names: Vec<_> = names.iter().map(|name| String::from_utf8_lossy(name)).collect();
        names.join(" ")
    }

    #[test]
    fn imports_of_both_languages() {
        for (text, want) in [
            (
                "# -*- coding: utf-8 -*-\nimport re, os.path as p\n    import sys\nfrom a.b import c\nfrom . import x\n",
                "re os.path sys a.b",
            ),
            ("important = 1\nfrom \nimport \n", ""),
        ] {
            assert_eq!(shown(&modules(text.as_bytes())), want, "{text}");
        }
        for (text, want) in [
            ("const a = require('./a'), b = require( \"b\" )", "./a b"),
            (
                "import c from 'c'\nimport './d.js'\nawait import(`e`)",
                "./d.js e c",
            ),
            ("require(name); import", ""),
        ] {
            assert_eq!(shown(&required(text.as_bytes())), want, "{text}");
        }
    }
}
