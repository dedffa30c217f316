//! Reads Python and JavaScript as it streams past: which directories of tests it imports from.
//!
//! A module of its own because it looks at every source file of an image, and so must cost next to nothing where there is
//! nothing to find: a file is looked at in windows, and a window that names no test is not read further. What is found
//! are statements as they stand in the text; nothing is run, and names that a program puts together are not seen. A
//! text that only looks like an import (in a docstring) counts as one.

mod node;
mod python;

use std::collections::BTreeSet;

use memchr::memmem;

use super::Reader;

/// Names of directories that hold tests, as the categories' globs have them. Each has one of [`WORDS`] in it.
const TEST_DIRECTORIES: [&[u8]; 4] = [b"__tests__", b"spec", b"test", b"tests"];
/// What stands in every name of a directory or file of tests.
const WORDS: [&[u8]; 2] = [b"test", b"spec"];

/// Bytes of a file that are looked at at once, and how many of them once more with the next ones: what an import may
/// have at most to be seen for sure.
const WINDOW: usize = 64 << 10;
const OVERLAP: usize = 8 << 10;
/// Bytes of what one file names, at most; of one that names more nothing is said, not even that it names little.
const MAX_VALUE: usize = 64 << 10;

/// Whether a directory of this name holds tests.
pub fn is_test_directory(name: &[u8]) -> bool {
    TEST_DIRECTORIES.contains(&name)
}

/// Whether a file of JavaScript of this name, or of this name without its extension, is a test: `a.test.js`, `a.spec`.
pub fn is_test_file(name: &[u8]) -> bool {
    name.split(|&byte| byte == b'.')
        .skip(1)
        .any(|part| matches!(part, b"test" | b"spec"))
}

/// Finds references in a text and hands over each, see [`FactKind::TestImport`](super::FactKind::TestImport).
type Find = fn(text: &[u8], found: &mut dyn FnMut(Vec<u8>));

/// A reader for a file of source code.
pub(super) fn begin(path: &[u8], size: u64, head: &[u8]) -> Option<Box<dyn Reader>> {
    let window = usize::try_from(size).map_or(WINDOW, |size| size.min(WINDOW));
    Some(Box::new(Imports {
        find: language(path, head)?,
        window: Vec::with_capacity(window),
        found: BTreeSet::new(),
        bytes: 0,
    }))
}

/// By extension, or by the interpreter's name in a script's first line. Declarations of TypeScript load nothing.
fn language(path: &[u8], head: &[u8]) -> Option<Find> {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let mut parts = name.rsplit(|&byte| byte == b'.');
    match parts.next().unwrap_or_default() {
        b"py" => return Some(python::references),
        b"js" | b"cjs" | b"mjs" | b"jsx" => return Some(node::references),
        b"ts" | b"cts" | b"mts" | b"tsx" => {
            return (parts.next() != Some(b"d")).then_some(node::references);
        }
        _ => {}
    }
    let line = head.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    if memmem::find(line, b"python").is_some() {
        Some(python::references)
    } else {
        memmem::find(line, b"node").map(|_| node::references as Find)
    }
}

struct Imports {
    find: Find,
    window: Vec<u8>,
    found: BTreeSet<Vec<u8>>,
    /// Bytes of what was found, each with its line end.
    bytes: usize,
}

impl Imports {
    fn look(&mut self) {
        if !WORDS
            .iter()
            .any(|word| memmem::find(&self.window, word).is_some())
        {
            return;
        }
        let (found, bytes) = (&mut self.found, &mut self.bytes);
        (self.find)(&self.window, &mut |reference| {
            if *bytes <= MAX_VALUE && !found.contains(&reference) {
                *bytes += reference.len() + 1;
                found.insert(reference);
            }
        });
    }
}

impl Reader for Imports {
    fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = WINDOW - self.window.len();
            let (piece, rest) = bytes.split_at(bytes.len().min(room));
            self.window.extend_from_slice(piece);
            bytes = rest;
            if self.window.len() == WINDOW {
                self.look();
                self.window.copy_within(WINDOW - OVERLAP.., 0);
                self.window.truncate(OVERLAP);
            }
        }
    }

    fn end(mut self: Box<Self>) -> Option<Box<[u8]>> {
        self.look();
        if self.bytes > MAX_VALUE {
            return Some(Box::default());
        }
        let found: Vec<Vec<u8>> = self.found.into_iter().collect();
        (!found.is_empty()).then(|| found.join(&b'\n').into())
    }
}

/// The bytes of a word that `text` ends with, or begins with.
fn last_word(text: &[u8], is_part: fn(u8) -> bool) -> &[u8] {
    let start = text.iter().rposition(|&byte| !is_part(byte));
    &text[start.map_or(0, |at| at + 1)..]
}

fn first_word(text: &[u8], is_part: fn(u8) -> bool) -> &[u8] {
    let end = text.iter().position(|&byte| !is_part(byte));
    &text[..end.unwrap_or(text.len())]
}

/// Identifiers may have letters of any script.
fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::super::tests::read_in_pieces;
    use super::*;

    /// What a file says that comes in pieces of this size behind its head.
    fn value(path: &str, body: &[u8], piece: usize) -> Option<Vec<u8>> {
        read_in_pieces(begin, path, body, piece).map(Into::into)
    }

    #[test]
    fn files_by_extension_or_first_line() {
        let (python, node) = ("from a.tests import b\n", "require('./test/a')\n");
        for (path, body, want) in [
            ("a.py", python, Some("a/tests/")),
            ("a.pyi", python, None),
            ("a.js", node, Some("./test/")),
            ("a.mjs", node, Some("./test/")),
            ("a.ts", node, Some("./test/")),
            ("a.d.ts", node, None),
            (
                "bin/a",
                &format!("#!/usr/bin/python3\n{python}"),
                Some("a/tests/"),
            ),
            ("bin/a", &format!("#!/usr/bin/env node\n{node}"), Some("./test/")),
            ("bin/a", &format!("#!/bin/sh\n{python}"), None),
            ("a", python, None),
        ] {
            let found = value(path, body.as_bytes(), 100);
            assert_eq!(found.as_deref(), want.map(str::as_bytes), "{path} {body}");
        }
    }

    #[test]
    fn an_import_is_seen_wherever_it_stands_and_however_it_comes() {
        let import = b"\nfrom a.tests import b\n";
        let edges = [0, 200, 256, WINDOW - OVERLAP, WINDOW, 2 * WINDOW - OVERLAP];
        for edge in edges {
            for at in (edge.saturating_sub(25))..edge + 3 {
                let mut body = vec![b'x'; at];
                body.extend_from_slice(import);
                body.resize(at + 40 + WINDOW, b'x');
                for piece in [17, 5000, 1 << 20] {
                    let found = value("a.py", &body, piece);
                    assert_eq!(found.as_deref(), Some(&b"a/tests/"[..]), "{at} {piece}");
                }
            }
        }
        let body = b"import os, a.tests\nfrom ..b import (c,\n  tests)\n";
        for piece in 1..body.len() {
            let mut reader = begin(b"a.py", body.len() as u64, b"").unwrap();
            body.chunks(piece).for_each(|bytes| reader.read(bytes));
            assert_eq!(&*reader.end().unwrap(), b"../b/tests/\na/tests/", "{piece}");
        }
    }

    #[test]
    fn a_file_that_names_too_many_says_so() {
        let line = |number: usize| format!("import a{number}.tests\n");
        let body = |count: usize| (0..count).map(line).collect::<String>().into_bytes();
        let whole = value("a.py", &body(1000), 1 << 20).unwrap();
        assert_eq!(whole.split(|&byte| byte == b'\n').count(), 1000);
        assert_eq!(value("a.py", &body(10_000), 1 << 20), Some(Vec::new()));
    }
}
