//! Imports of Python that name a directory of tests.
//!
//! Of its own as one language is one grammar: `import`, `from … import`, and calls with a name as text. Spec: The Python
//! Language Reference, 7.11; `importlib.import_module`.

use memchr::memmem;

use super::{first_word, is_identifier, is_test_directory, last_word};

/// Bytes behind `import` that its names may take.
const MAX_NAMES: usize = super::OVERLAP;

/// Hands over the directory that each import names, as a path that ends with its last directory of tests: `a/tests/` for
/// `a.tests.b`, `../tests/` for what `..tests` is to the file.
pub(super) fn references(text: &[u8], found: &mut dyn FnMut(Vec<u8>)) {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for at in memmem::find_iter(text, b"import") {
        let (before, after) = (&text[..at], &text[at + 6..]);
        let after = &after[..after.len().min(MAX_NAMES)];
        if let Some(module) = module_of_call(before, after) {
            tell(module, None, found);
            continue;
        }
        if before.last().is_some_and(|&byte| is_identifier(byte))
            || after.first().is_some_and(|&byte| is_identifier(byte))
        {
            continue;
        }
        if let Some(module) = module_before(before) {
            tell(module, None, found);
            for_each_name(after, &mut |name| {
                if is_test_directory(name) {
                    tell(module, Some(name), found);
                }
            });
        } else if begins_statement(before) {
            for_each_name(after, &mut |module| tell(module, None, found));
        }
    }
}

/// Hands over the path of a module, and of what is imported from it, where a component is a directory of tests.
fn tell(module: &[u8], name: Option<&[u8]>, found: &mut dyn FnMut(Vec<u8>)) {
    let level = module
        .iter()
        .position(|&byte| byte != b'.')
        .unwrap_or(module.len());
    let parts = module[level..].split(|&byte| byte == b'.').chain(name);
    let parts: Vec<&[u8]> = parts.filter(|part| !part.is_empty()).collect();
    let Some(last) = parts.iter().rposition(|part| is_test_directory(part)) else {
        return;
    };
    let mut path = match level {
        0 => Vec::new(),
        1 => b"./".to_vec(),
        level => b"../".repeat(level - 1),
    };
    for part in &parts[..=last] {
        path.extend_from_slice(part);
        path.push(b'/');
    }
    found(path);
}

/// The module of `import_module("a.b")` or `__import__("a.b")`; of a text with gaps what stands before the first.
fn module_of_call<'t>(before: &[u8], after: &'t [u8]) -> Option<&'t [u8]> {
    let after = after
        .strip_prefix(b"_module")
        .or_else(|| after.strip_prefix(b"__").filter(|_| before.ends_with(b"__")))?;
    let argument = after.trim_ascii_start().strip_prefix(b"(")?.trim_ascii_start();
    let prefix = first_word(argument, |byte| {
        matches!(byte.to_ascii_lowercase(), b'r' | b'b' | b'u' | b'f')
    });
    let literal = &argument[prefix.len()..];
    let quotes = first_word(literal, |byte| matches!(byte, b'\'' | b'"')).len();
    (prefix.len() <= 2 && matches!(quotes, 1 | 3)).then(|| first_word(&literal[quotes..], is_module))
}

/// The module of `from MODULE `, which `before` ends with.
fn module_before(before: &[u8]) -> Option<&[u8]> {
    let before = without_blanks(before);
    let module = last_word(before, is_module);
    let head = &before[..before.len() - module.len()];
    if let Some(relative) = module.strip_prefix(b"from").filter(|rest| rest.starts_with(b".")) {
        return begins_statement(head).then_some(relative);
    }
    let head = without_blanks(head).strip_suffix(b"from")?;
    (!module.is_empty() && begins_statement(head)).then_some(module)
}

/// Each name of `a, b as c`, with or without parentheses around all.
fn for_each_name(text: &[u8], each: &mut dyn FnMut(&[u8])) {
    let mut rest = after_blanks(text, false);
    let inner = rest.strip_prefix(b"(");
    let is_nested = inner.is_some();
    rest = inner.unwrap_or(rest);
    loop {
        rest = after_blanks(rest, is_nested);
        let name = first_word(rest, is_module);
        if name.is_empty() {
            return;
        }
        each(name);
        rest = after_blanks(&rest[name.len()..], is_nested);
        if first_word(rest, is_identifier) == b"as" {
            rest = after_blanks(&rest[2..], is_nested);
            rest = after_blanks(&rest[first_word(rest, is_identifier).len()..], is_nested);
        }
        match rest.strip_prefix(b",") {
            Some(more) => rest = more,
            None => return,
        }
    }
}

fn is_module(byte: u8) -> bool {
    is_identifier(byte) || byte == b'.'
}

/// Whether a statement may begin behind `before`.
fn begins_statement(before: &[u8]) -> bool {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | 0x0c);
    let last = before.iter().rfind(|&byte| !is_blank(byte));
    last.is_none_or(|byte| matches!(byte, b'\n' | b'\r' | b';' | b':'))
}

/// `text` without the blanks, and the lines that go on, at its end.
fn without_blanks(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [rest @ .., b' ' | b'\t' | 0x0c]
            | [rest @ .., b'\\', b'\n']
            | [rest @ .., b'\\', b'\r', b'\n'] => rest,
            _ => return text,
        };
    }
}

/// The same at its beginning; where it is nested, also line ends and comments.
fn after_blanks(mut text: &[u8], is_nested: bool) -> &[u8] {
    loop {
        text = match text {
            [b' ' | b'\t' | 0x0c, rest @ ..]
            | [b'\\', b'\n', rest @ ..]
            | [b'\\', b'\r', b'\n', rest @ ..] => rest,
            [b'\n' | b'\r', rest @ ..] if is_nested => rest,
            [b'#', ..] if is_nested => {
                let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
                &text[end..]
            }
            _ => return text,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_and_calls() {
        for (text, want) in [
            ("import a.b.tests.c", "a/b/tests/"),
            ("import a.tests.b.tests.c", "a/tests/b/tests/"),
            ("import tests", "tests/"),
            ("import os, a.tests as t, b.test.c", "a/tests/ b/test/"),
            ("import os; import a.tests", "a/tests/"),
            ("try: import a.tests", "a/tests/"),
            ("\u{feff}import a.tests", "a/tests/"),
            ("from a.tests import x", "a/tests/"),
            ("\tfrom a.tests.b import *", "a/tests/"),
            ("from .tests import y", "./tests/"),
            ("from.tests import y", "./tests/"),
            ("from ...tests.x import y", "../../tests/"),
            ("from . import tests", "./tests/"),
            ("from .import tests", "./tests/"),
            ("from .. import a, tests as t", "../tests/"),
            ("from pkg import tests, other", "pkg/tests/"),
            ("from pkg import other as tests", ""),
            (
                "from pkg import (a, # first, (\n  b as c,\r\n\n tests,\n)",
                "pkg/tests/",
            ),
            (
                "from pkg \\\n  import a, \\\r\n tests\nfrom a import b",
                "pkg/tests/",
            ),
            ("from a.tests import (tests)", "a/tests/ a/tests/tests/"),
            ("x = importlib.import_module('a.tests.b')", "a/tests/"),
            ("import_module( \n  \"..tests\", __package__)", "../tests/"),
            ("import_module(f'''a.tests.{x}''')", "a/tests/"),
            ("__import__(\"a.tests\")", "a/tests/"),
            ("__import__(name)", ""),
            ("import_module(a.tests)", ""),
            ("# import a.tests", ""),
            ("#from a.tests import b", ""),
            (">>> from a.tests import b", ""),
            ("We may import tests from it", ""),
            ("text from a.tests import nothing", ""),
            ("import a.testing, a.tested.latest, contests", ""),
            ("import tests_of_it, test_", ""),
            ("reimport tests", ""),
            ("importtests", ""),
            ("from a import b\ntests", ""),
            ("import", ""),
            ("from a import (", ""),
        ] {
            let mut found = Vec::new();
            references(text.as_bytes(), &mut |path| {
                found.push(String::from_utf8(path).unwrap());
            });
            assert_eq!(found.join(" "), want, "{text}");
        }
    }
}
