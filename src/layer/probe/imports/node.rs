//! Imports of JavaScript that name a directory or file of tests.
//!
//! Of its own as one language is one grammar: a text in quotes behind `require(`, `import(`, `import` or `from`. Which
//! statement it is does not matter, nor whether the text is minified. Spec: ECMA-262, 16.2; Node.js, "Modules".

use super::{WORDS, first_word, is_identifier, is_test_directory, is_test_file, last_word};
use memchr::memmem;

/// Bytes before a text that are looked at for what loads it: a comment may stand between.
const MAX_BEFORE: usize = 1024;

/// Hands over the path that each import names: `./test/` for `./test/a`, `./test` for what may be a file as well,
/// `node_modules/a/test/` for `a/test/b`, `./a.test` for a file of tests.
pub(super) fn references(text: &[u8], found: &mut dyn FnMut(Vec<u8>)) {
    for word in WORDS {
        // What is known: the last byte before `seen` that ends a text, and where the text ends that was looked at last.
        let (mut seen, mut open, mut close) = (0, None, 0);
        for at in memmem::find_iter(text, word) {
            open = text[seen..at]
                .iter()
                .rposition(|&byte| is_end(byte))
                .map(|back| seen + back)
                .or(open);
            seen = at;
            if at < close {
                continue;
            }
            let length = first_word(&text[at..], |byte| !is_end(byte)).len();
            close = at + length;
            let Some(open) =
                open.filter(|&open| is_quote(text[open]) && text.get(close) == Some(&text[open]))
            else {
                continue;
            };
            if is_loaded(&text[open.saturating_sub(MAX_BEFORE)..open]) {
                tell(&text[open + 1..close], text[open], found);
            }
        }
    }
}

/// Whether what ends a text or may not stand in one that names a module.
fn is_end(byte: u8) -> bool {
    is_quote(byte) || byte.is_ascii_whitespace() || matches!(byte, b'\\' | 0)
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'\'' | b'"' | b'`')
}

/// Whether a text behind `before` is the name of a module that is loaded.
fn is_loaded(before: &[u8]) -> bool {
    let line = before.rsplit(|&byte| matches!(byte, b'\n' | b'\r')).next();
    let line = line.unwrap_or(before).trim_ascii_start();
    if line.starts_with(b"//") || line.starts_with(b"*") && !line.starts_with(b"*/") {
        return false;
    }
    let before = without_blanks(before);
    let Some(callee) = before.strip_suffix(b"(").map(without_blanks) else {
        let word = last_word(before, is_identifier);
        return matches!(word, b"from" | b"import");
    };
    let word = last_word(callee, is_identifier);
    let of = &callee[..callee.len() - word.len()];
    match word {
        b"resolve" => of.ends_with(b"require.") || of.ends_with(b"meta."),
        word => [&b"require"[..], b"Require", b"import"]
            .iter()
            .any(|name| word.ends_with(name)),
    }
}

/// `text` without the blanks and comments at its end.
fn without_blanks(mut text: &[u8]) -> &[u8] {
    loop {
        text = text.trim_ascii_end();
        let Some(comment) = text.strip_suffix(b"*/") else {
            return text;
        };
        match memmem::rfind(comment, b"/*") {
            Some(start) => text = &text[..start],
            None => return text,
        }
    }
}

fn tell(name: &[u8], quote: u8, found: &mut dyn FnMut(Vec<u8>)) {
    // Behind a gap anything may follow.
    let gap = memmem::find(name, b"${").filter(|_| quote == b'`');
    let name = &name[..gap.unwrap_or(name.len())];
    let name = first_word(name, |byte| byte != b'?');
    if name.is_empty() || name.contains(&b':') {
        return;
    }
    let is_path = name.starts_with(b"/") || matches!(first_word(name, |byte| byte != b'/'), b"." | b"..");
    let mut path = if is_path {
        Vec::new()
    } else {
        b"node_modules/".to_vec()
    };
    let parts: Vec<&[u8]> = name.split(|&byte| byte == b'/').collect();
    let last = parts.len() - 1;
    if is_test_file(parts[last]) && gap.is_none() {
        path.extend_from_slice(name);
        found(path);
    } else if let Some(at) = parts.iter().rposition(|part| is_test_directory(part)) {
        path.extend_from_slice(&parts[..=at].join(&b'/'));
        if at < last {
            path.push(b'/');
        }
        found(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_and_calls() {
        for (text, want) in [
            ("require('./test/fixtures')", "./test/"),
            ("const a = require ( \"../test\" )", "../test"),
            ("require('./test/' + name)", "./test/"),
            ("require.resolve('./test/a')", "./test/"),
            ("import.meta.resolve('./test/a')", "./test/"),
            ("path.resolve('./test/a')", ""),
            ("__nodeRequire('/srv/test/a')", "/srv/test/"),
            ("import a, { b } from '../__tests__/a.js'", "../__tests__/"),
            ("import\n  './spec/a'", "./spec/"),
            ("import\"./test/a\";export*from\"./tests/b\"", "./test/ ./tests/"),
            ("export { a } from 'pkg/test/x'", "node_modules/pkg/test/"),
            ("require('@s/pkg/test')", "node_modules/@s/pkg/test"),
            ("import(/* chunk */ './test/a')", "./test/"),
            ("import(`./test/${name}.js`)", "./test/"),
            ("import(`./${name}/test/a`)", ""),
            ("require('./test/a/tests/b')", "./test/a/tests/"),
            ("require('./lib/a.test')", "./lib/a.test"),
            ("require('./test/a.spec.js')", "./test/a.spec.js"),
            ("require('./test/a?raw')", "./test/"),
            ("require('test')", "node_modules/test"),
            ("require('node:test')", ""),
            ("load('./test/a')", ""),
            ("x = './test/a'", ""),
            ("import('./test/a\")", ""),
            ("require('./latest/a')", ""),
            ("require('./test me/a')", ""),
            ("  // require('./test/a')", ""),
            (" * import a from './test/a'", ""),
            ("/** x */ require('./test/a')", "./test/"),
            ("transform './test/a'", ""),
            ("require('./test", ""),
            ("test", ""),
        ] {
            let mut found: Vec<String> = Vec::new();
            references(text.as_bytes(), &mut |path| {
                found.push(String::from_utf8(path).unwrap());
            });
            found.dedup(); // one with both words is found twice
            assert_eq!(found.join(" "), want, "{text}");
        }
    }

    /// A window that is one test beside the other takes no longer than any other.
    #[test]
    fn no_byte_is_looked_at_over_and_over() {
        for text in ["test", "require('test", "import(`${test", "'test"] {
            let took = |bytes: usize| {
                let text = text.repeat(bytes / text.len());
                let once = |_| {
                    let start = std::time::Instant::now();
                    references(text.as_bytes(), &mut |_| ());
                    start.elapsed()
                };
                (0..3).map(once).min().unwrap()
            };
            // Eight times the bytes: eight times the work, and sixty-four where bytes are looked at again.
            let (small, large) = (took(1 << 16), took(1 << 19));
            assert!(large < small * 24, "{text}: {small:?}, {large:?}");
        }
    }
}
