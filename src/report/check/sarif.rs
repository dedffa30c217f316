//! A verdict as SARIF 2.1.0: a rule and a result for each budget, for GitHub's code scanning and what else reads it.
//!
//! A module of its own because the form is OASIS's. A budget that is kept is a result of the kind `pass`; one that is allowed
//! is suppressed, with its reason. Locations are the Dockerfile, and the line of the budget.

use serde_json::{Map, Value, json};

use super::{CheckDocument, CheckRow, CheckState};
use crate::report::{ReportError, printable};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(in crate::report) fn render(
    documents: &[CheckDocument],
    dockerfile: &str,
) -> Result<String, ReportError> {
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": documents.iter().map(|document| run(document, dockerfile)).collect::<Vec<_>>(),
    });
    crate::report::json(&[log])
}

fn run(document: &CheckDocument, dockerfile: &str) -> Value {
    let mut names: Vec<&str> = Vec::new();
    for budget in &document.budgets {
        if !names.contains(&budget.name.as_str()) {
            names.push(&budget.name);
        }
    }
    let image = format!("{} {}", document.image.reference, document.image.platform);
    let index = |budget: &CheckRow| names.iter().position(|name| *name == budget.name);
    let results: Vec<Value> = document
        .budgets
        .iter()
        .map(|budget| result(budget, index(budget), &image, dockerfile))
        .collect();
    json!({
        "tool": {"driver": {
            "name": "slim check",
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": names.iter().map(|name| rule(name)).collect::<Vec<_>>(),
        }},
        // What tells the runs of several images of one commit apart.
        "automationDetails": {"id": format!("slim-check/{}/", printable(&image))},
        "results": results,
    })
}

fn rule(name: &str) -> Value {
    json!({
        "id": printable(name),
        "shortDescription": {"text": format!("The budget {} of the image", printable(name))},
        "defaultConfiguration": {"level": "error"},
    })
}

fn result(budget: &CheckRow, rule: Option<usize>, image: &str, dockerfile: &str) -> Value {
    let (kind, level) = match budget.state {
        CheckState::Ok => ("pass", "none"),
        CheckState::Skipped => ("notApplicable", "none"),
        CheckState::Over | CheckState::Expired | CheckState::Allowed => ("fail", "error"),
    };
    let mut out = Map::new();
    let mut set = |key: &str, value: Value| out.insert(key.to_owned(), value);
    set("ruleId", printable(&budget.name).into());
    set("ruleIndex", rule.into());
    set("kind", kind.into());
    set("level", level.into());
    set("message", json!({"text": message(budget, image)}));
    set("locations", json!([location(dockerfile, None)]));
    if let Some((file, line)) = file_and_line(&budget.place) {
        let mut related = location(file, Some(line));
        related["message"] = json!({"text": "the budget"});
        set("relatedLocations", json!([related]));
    }
    // The same budget of the same image is the same alert, whatever its numbers are.
    set(
        "partialFingerprints",
        json!({"budget/v1": printable(&format!("{image} {}", budget.name))}),
    );
    if let (CheckState::Allowed, Some(reason)) = (budget.state, &budget.reason) {
        let reason = printable(reason);
        set(
            "suppressions",
            json!([{"kind": "external", "justification": reason}]),
        );
    }
    Value::Object(out)
}

fn message(budget: &CheckRow, image: &str) -> String {
    let mut lines = vec![printable(&format!("{image}: {}", budget.message))];
    for blame in &budget.blame {
        lines.push(printable(&blame.line()));
    }
    lines.extend(budget.fixes.iter().map(|fix| printable(fix)));
    // Brackets are links in a SARIF message.
    lines
        .join("\n")
        .replace('\\', "\\\\")
        .replace('[', "\\[")
        .replace(']', "\\]")
}

fn location(file: &str, line: Option<u64>) -> Value {
    let mut physical = json!({"artifactLocation": {"uri": uri(file)}});
    physical["region"] = json!({"startLine": line.unwrap_or(1)});
    json!({"physicalLocation": physical})
}

/// `slim.toml:3` in its parts; a flag has none.
fn file_and_line(place: &str) -> Option<(&str, u64)> {
    let (file, line) = place.rsplit_once(':')?;
    Some((file, line.parse().ok()?))
}

/// A path as a relative URI.
fn uri(path: &str) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(byte as char);
        } else {
            // Writing into a `String` cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
