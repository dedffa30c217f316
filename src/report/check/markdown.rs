//! A verdict as Markdown: a sentence, a table, and what is to blame folded below it.
//!
//! A module of its own because nothing that comes from an image may become Markdown or HTML (rule 33).

use std::fmt::Write;

use super::{BudgetRow, BudgetState, CheckDocument};
use crate::bytesize::ByteSize;
use crate::report::printable;

pub(super) fn render(documents: &[CheckDocument]) -> String {
    let mut out = String::new();
    for document in documents {
        if !out.is_empty() {
            out.push('\n');
        }
        // Writing into a `String` cannot fail.
        let _ = write(document, &mut out);
    }
    out
}

fn write(document: &CheckDocument, out: &mut String) -> std::fmt::Result {
    let mark = if document.ok { "✅" } else { "❌" };
    writeln!(
        out,
        "### {mark} {}: {}\n",
        code(&document.image.reference),
        document.verdict()
    )?;
    out.push_str("| | budget | |\n|---|---|---|\n");
    for budget in &document.budgets {
        let message = escaped(&budget.message);
        writeln!(
            out,
            "| {} | {} | {message} |",
            mark_of(budget.state),
            code(&budget.name)
        )?;
    }
    for budget in document.budgets.iter().filter(|budget| !budget.blame.is_empty()) {
        details(budget, out)?;
    }
    Ok(())
}

fn mark_of(state: BudgetState) -> &'static str {
    match state {
        BudgetState::Ok => "✅",
        BudgetState::Over => "❌ over",
        BudgetState::Expired => "❌ expired",
        BudgetState::Allowed => "⚠️ allowed",
        BudgetState::Skipped => "➖ skipped",
    }
}

fn details(budget: &BudgetRow, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "\n<details><summary>{}: what to blame</summary>\n\n| bytes | what | from |\n|---:|---|---|",
        escaped(&budget.name)
    )?;
    for blame in &budget.blame {
        let origin = blame.origin();
        let origin = if origin.is_empty() {
            String::new()
        } else {
            code(&origin)
        };
        writeln!(
            out,
            "| {} | {} | {origin} |",
            ByteSize(blame.bytes),
            code(&blame.subject())
        )?;
    }
    let more = budget.blamed.saturating_sub(budget.blame.len() as u64);
    if more > 0 {
        writeln!(out, "\nand {more} more")?;
    }
    for fix in &budget.fixes {
        writeln!(out, "\n{}", escaped(fix))?;
    }
    out.push_str("\n</details>\n");
    Ok(())
}

/// A name as code: no character of it is Markdown, HTML, or the end of a table's cell.
fn code(text: &str) -> String {
    let mut out = String::from("<code>");
    for c in printable(text).chars() {
        push(c, &mut out);
    }
    out.push_str("</code>");
    out
}

/// A sentence of ours with names in it. Code between backticks becomes code.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in printable(text).split('`').enumerate() {
        if at > 0 {
            out.push_str(if at % 2 == 1 { "<code>" } else { "</code>" });
        }
        for c in part.chars() {
            push(c, &mut out);
        }
    }
    if text.matches('`').count() % 2 == 1 {
        out.push_str("</code>");
    }
    out
}

/// A character, as an entity where Markdown or HTML act on it, or a forge does: `@name` and `#1` are links there.
fn push(c: char, out: &mut String) {
    if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | ';' | '/' | '-' | '%' | '=' | '+' | '"' | '\'') {
        // Writing into a `String` cannot fail.
        let _ = write!(out, "&#{};", u32::from(c));
    } else {
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names() {
        assert_eq!(code("/usr/bin/a-b.so"), "<code>/usr/bin/a-b.so</code>");
        for text in [
            "</code><img>",
            "a|b`c`\n@me #1 [x](y) *z* _w_ ~q~ !",
            "https://example.com",
        ] {
            let shown = code(text);
            let inside = shown
                .strip_prefix("<code>")
                .and_then(|text| text.strip_suffix("</code>"))
                .unwrap();
            assert!(
                !inside.contains(['<', '>', '|', '`', '\n', '@', '[', '*', '_', '~', '!', ':']),
                "{inside}"
            );
        }
        assert_eq!(
            escaped("use `a|b` or `c"),
            "use <code>a&#124;b</code> or <code>c</code>"
        );
    }
}
