//! Documents as JSON: the keys of the models, as they are.
//!
//! A module of its own because JSON is one format among others; only here several platforms are put together.

use std::fmt::Write;

use serde::Serialize;

use super::escape::is_unsafe;
use super::{ReportError, SCHEMA_VERSION};

/// Several documents of one kind: what an index gives.
#[derive(Serialize)]
struct Platforms<'a, D> {
    schema_version: u32,
    platforms: &'a [D],
}

/// One document as it is; several as `{"schema_version": …, "platforms": […]}`. Ends with a line end.
///
/// Fails with [`ReportError::Json`].
pub fn json<D: Serialize>(documents: &[D]) -> Result<String, ReportError> {
    let mut out = match documents {
        [only] => serde_json::to_string_pretty(only)?,
        platforms => serde_json::to_string_pretty(&Platforms {
            schema_version: SCHEMA_VERSION,
            platforms,
        })?,
    };
    out.push('\n');
    Ok(escaped(&out))
}

/// The same document where a terminal acts on no character of it. Such characters stand in strings only, where JSON
/// has an escape that means the same; `serde_json` escapes the lowest 32 itself.
pub(super) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !is_unsafe(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing into a `String` cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_on_is_escaped_and_means_the_same() {
        let text = "a\u{1b}[31m\u{9b}\u{7f}\u{202e}\u{e0001}\n\u{6f22}";
        let shown = json(&[text]).unwrap();
        assert_eq!(
            shown,
            "\"a\\u001b[31m\\u009b\\u007f\\u202e\\udb40\\udc01\\n\u{6f22}\"\n"
        );
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
    }
}
