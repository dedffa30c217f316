//! Documents as one page of HTML that needs nothing else: a map of the bytes, tables, and the document's JSON in it.
//!
//! A format of its own in a folder of its own: the page, its style and its scripts are files beside this one, as a
//! browser reads them. Here they are put together. Nothing of an image is put into HTML but as JSON, from where the
//! scripts only ever make text of it; what may run at all is named by its hash (Content-Security-Policy), and
//! nothing may be loaded.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::diff::sentence::{self, Said};
use super::escape::printable;
use super::model::{Report, SCHEMA_VERSION};
use super::{Diff, PlanDocument, ReportError, json};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");

/// What makes the page of one kind of document.
struct Kind {
    /// What it is called on the page.
    name: &'static str,
    /// The command that makes such documents.
    command: &'static str,
    /// Its scripts: each part uses those before it, and those behind it only once all are there.
    scripts: [&'static str; 8],
}

const WORDS: &str = include_str!("words.js");
const NODE: &str = include_str!("node.js");
const TREEMAP: &str = include_str!("treemap.js");
const TABLES: &str = include_str!("tables.js");
const PARTS: &str = include_str!("parts.js");
const PATHS: &str = include_str!("paths.js");
const MAP: &str = include_str!("map.js");
const FRAME: &str = include_str!("frame.js");

impl Kind {
    /// A kind with a script for its map and one for its page; all others are shared.
    const fn new(name: &'static str, command: &'static str, model: &'static str, page: &'static str) -> Self {
        let scripts = [WORDS, NODE, TREEMAP, TABLES, PARTS, model, page, MAP];
        Self {
            name,
            command,
            scripts,
        }
    }

    fn script(&self) -> String {
        let parts = self.scripts.join("\n");
        format!("(() => {{\n'use strict';\n{parts}\n{FRAME}}})();\n")
    }
}

const REPORT: Kind = Kind::new(
    "Image report",
    "report",
    include_str!("model.js"),
    include_str!("report.js"),
);
const DIFF: Kind = Kind::new("What changed", "diff", PATHS, include_str!("diff.js"));
const PLAN: Kind = Kind::new("Plan", "plan", PATHS, include_str!("plan.js"));

/// What the page reads: always a list, also of one.
#[derive(Serialize)]
struct Data<'a, D> {
    schema_version: u32,
    platforms: &'a [D],
}

/// A comparison with its sentences, which scripts do not make a second time.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    diff: &'a Diff,
    said: Said,
}

/// The page of reports on one image, one for each platform.
///
/// Fails with [`ReportError::Json`].
pub(super) fn reports(reports: &[Report]) -> Result<String, ReportError> {
    let reference = reports.first().map_or("", |report| &report.image.reference);
    page(&REPORT, reference, reports)
}

/// The page of what changed between two images, on each platform.
///
/// Fails with [`ReportError::Json`].
pub(super) fn diffs(diffs: &[Diff]) -> Result<String, ReportError> {
    let image = diffs
        .first()
        .and_then(|diff| diff.new.as_ref().or(diff.old.as_ref()));
    let reference = image.map_or("", |image| &image.image.reference);
    let told: Vec<Told<'_>> = diffs
        .iter()
        .map(|diff| Told {
            diff,
            said: sentence::said(diff),
        })
        .collect();
    page(&DIFF, reference, &told)
}

/// The page of plans for one image, one for each platform.
///
/// Fails with [`ReportError::Json`].
pub(super) fn plans(plans: &[PlanDocument]) -> Result<String, ReportError> {
    let reference = plans.first().map_or("", |plan| &plan.source.reference);
    page(&PLAN, reference, plans)
}

fn page<D: Serialize>(kind: &Kind, reference: &str, documents: &[D]) -> Result<String, ReportError> {
    let data = serde_json::to_string(&Data {
        schema_version: SCHEMA_VERSION,
        platforms: documents,
    })?;
    let data = in_script(&json::escaped(&data));
    let script = kind.script();
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(&script),
        hash(STYLE)
    );
    let title = format!("{} · slim {}", in_html(&printable(reference)), kind.command);
    let fill = |name: &str| match name {
        "policy" => policy.as_str(),
        "kind" => kind.name,
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
        let list = WORDS
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
        let kinds = [&REPORT, &DIFF, &PLAN];
        let scripts = kinds.iter().flat_map(|kind| kind.scripts).chain([FRAME]);
        for script in scripts.clone() {
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
        for part in scripts.chain([PAGE, STYLE]) {
            assert!(
                !part.contains("//cdn") && !part.contains("http:") && !part.contains("https:"),
                "nothing is loaded"
            );
            assert!(
                !part.contains("url(") && !part.contains("@import"),
                "nothing is loaded"
            );
        }
        for page in [reports(&[]), diffs(&[]), plans(&[])] {
            let page = page.unwrap();
            assert!(page.contains("default-src 'none'; script-src 'sha256-"), "{page}");
            assert!(
                !page.contains("{{") && !page.contains("}}'"),
                "every place is filled"
            );
        }
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
