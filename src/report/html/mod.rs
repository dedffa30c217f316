//! Reports as one page of HTML that needs nothing else: a map of the bytes, tables, and the report's JSON in it.
//!
//! A format of its own in a folder of its own: the page, its style and its scripts are files beside this one, as a
//! browser reads them. Here they are put together. Nothing of an image is put into HTML but as JSON, from where the
//! scripts only ever make text of it; what may run at all is named by its hash (Content-Security-Policy), and
//! nothing may be loaded.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::escape::printable;
use super::model::{Report, SCHEMA_VERSION};
use super::{ReportError, json};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
/// One script: each part uses those before it, and those behind it only once all are there.
const SCRIPTS: [&str; 6] = [
    include_str!("words.js"),
    include_str!("model.js"),
    include_str!("treemap.js"),
    include_str!("tables.js"),
    include_str!("sections.js"),
    include_str!("page.js"),
];

/// What the page reads: always a list, also of one.
#[derive(Serialize)]
struct Data<'a> {
    schema_version: u32,
    platforms: &'a [Report],
}

/// The page of reports on one image, one for each platform.
///
/// Fails with [`ReportError::Json`].
pub(super) fn reports(reports: &[Report]) -> Result<String, ReportError> {
    let data = serde_json::to_string(&Data {
        schema_version: SCHEMA_VERSION,
        platforms: reports,
    })?;
    let data = in_script(&json::escaped(&data));
    let script = format!("(() => {{\n'use strict';\n{}}})();\n", SCRIPTS.join("\n"));
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(&script),
        hash(STYLE)
    );
    let reference = reports.first().map_or("", |report| &report.image.reference);
    let title = format!("{} · slim report", in_html(&printable(reference)));
    let fill = |name: &str| match name {
        "policy" => policy.as_str(),
        "title" => &title,
        "style" => STYLE,
        "script" => &script,
        "data" => &data,
        _ => "",
    };
    let mut out = String::with_capacity(PAGE.len() + STYLE.len() + script.len() + data.len());
    for (at, part) in PAGE.split("{{").enumerate() {
        match part.split_once("}}").filter(|_| at > 0) {
            Some((name, rest)) => {
                out.push_str(fill(name));
                out.push_str(rest);
            }
            None => out.push_str(part),
        }
    }
    Ok(out)
}

/// What a policy calls a script or a style.
fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

/// JSON that cannot end the element it stands in. The characters stand in strings only.
fn in_script(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            c => out.push(c),
        }
    }
    out
}

/// Text between tags.
fn in_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::escape::is_unsafe;

    #[test]
    fn the_scripts_escape_what_every_format_escapes() {
        let list = SCRIPTS[0]
            .split_once("UNSAFE = /[")
            .unwrap()
            .1
            .split_once("]/gu")
            .unwrap()
            .0;
        let mut letters = list.split("\\u").filter(|part| !part.is_empty()).map(|part| {
            let (digits, rest) = match part.strip_prefix('{') {
                Some(part) => part.split_once('}').unwrap(),
                None => part.split_at(4),
            };
            (
                char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap(),
                rest == "-",
            )
        });
        let mut ranges = Vec::new();
        while let Some((first, is_range)) = letters.next() {
            ranges.push(
                first..=if is_range {
                    letters.next().unwrap().0
                } else {
                    first
                },
            );
        }
        for c in '\0'..=char::MAX {
            assert_eq!(
                ranges.iter().any(|range| range.contains(&c)),
                is_unsafe(c),
                "{c:?}"
            );
        }
    }

    #[test]
    fn nothing_in_the_page_is_loaded_or_ends_its_script() {
        for script in SCRIPTS {
            assert!(
                !script.contains("</") && !script.contains("<!--"),
                "a script would end here"
            );
            for word in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "fetch(",
                "import(",
            ] {
                assert!(!script.contains(word), "{word}");
            }
        }
        for part in [PAGE, STYLE, &SCRIPTS.join("")] {
            assert!(
                !part.contains("//cdn") && !part.contains("http:") && !part.contains("https:"),
                "nothing is loaded"
            );
            assert!(
                !part.contains("url(") && !part.contains("@import"),
                "nothing is loaded"
            );
        }
        let page = reports(&[]).unwrap();
        assert!(page.contains("default-src 'none'; script-src 'sha256-"), "{page}");
        assert!(
            !page.contains("{{") && !page.contains("}}'"),
            "every place is filled"
        );
    }

    #[test]
    fn data_is_only_data() {
        let hostile = "</script><script>alert(1)</script><!-- & \u{2028}";
        let text = in_script(&json::escaped(&serde_json::to_string(hostile).unwrap()));
        assert!(!text.contains(['<', '>', '&', '\u{2028}']), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
        assert_eq!(in_html("<b>&"), "&lt;b&gt;&amp;");
    }
}
