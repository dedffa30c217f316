//! Paths of images in JSON: bytes that may be no text, written so that they can be turned back into bytes.
//!
//! A module of its own because every path of every document goes through it, and readers in other languages
//! need its inverse described: `\xNN` is a byte that is not part of valid UTF-8, `\\` is a backslash.

use std::fmt::Write;

/// A path as JSON documents show it: absolute, bytes that are not UTF-8 as `\xNN`, backslashes doubled.
/// `path` may begin with a slash or not; the root is `/`.
pub fn json_path(path: &[u8]) -> String {
    let mut out = String::with_capacity(path.len() + 1);
    if !path.starts_with(b"/") {
        out.push('/');
    }
    write(path, &mut out);
    out
}

/// The bytes of a path that [`json_path`] wrote, with its leading slash; `None` for what it never writes.
pub fn bytes_of_json_path(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        out.extend_from_slice(plain.as_bytes());
        if let Some(after) = escaped.strip_prefix('\\') {
            out.push(b'\\');
            rest = after;
        } else {
            let digits = escaped
                .strip_prefix('x')?
                .get(..2)
                .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
            out.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &escaped[3..];
        }
    }
    out.extend_from_slice(rest.as_bytes());
    Some(out)
}

/// One component of a path, written the same way.
pub(super) fn json_name(name: &[u8]) -> String {
    let mut out = String::with_capacity(name.len());
    write(name, &mut out);
    out
}

fn write(path: &[u8], out: &mut String) {
    for chunk in path.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
        }
        for byte in chunk.invalid() {
            // Writing into a `String` cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_and_come_back() {
        for (path, want) in [
            (&b"usr/bin/a"[..], "/usr/bin/a"),
            (b"", "/"),
            (b"/etc", "/etc"),
            ("caf\u{e9}/\u{1b}".as_bytes(), "/caf\u{e9}/\u{1b}"),
            (b"a\\b", "/a\\\\b"),
            (b"a\\xff", "/a\\\\xff"),
            (b"a\xff\xfe", "/a\\xff\\xfe"),
            (b"\xe2\x82", "/\\xe2\\x82"),
            (b"\\\xff\\", "/\\\\\\xff\\\\"),
        ] {
            let text = json_path(path);
            assert_eq!(text, want);
            let slash = if path.starts_with(b"/") { &b""[..] } else { b"/" };
            assert_eq!(bytes_of_json_path(&text), Some([slash, path].concat()), "{text}");
        }
    }

    #[test]
    fn what_is_never_written_is_refused() {
        for text in ["\\", "\\x", "\\x1", "\\xg0", "\\x+1", "\\n", "a\\x\u{e9}1"] {
            assert_eq!(bytes_of_json_path(text), None, "{text}");
        }
    }
}
