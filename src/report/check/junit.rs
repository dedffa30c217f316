//! A verdict as `JUnit`'s XML: a test suite for each image, a test case for each budget.
//!
//! A module of its own because XML has its own idea of which characters exist. There is no standard; this is what Jenkins,
//! GitLab and the actions that read `JUnit` files agree on.

use std::fmt::Write;

use super::{CheckDocument, CheckRow, CheckState};
use crate::report::printable;

pub(in crate::report) fn render(documents: &[CheckDocument]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing into a `String` cannot fail.
    let _ = write(documents, &mut out);
    out
}

fn write(documents: &[CheckDocument], out: &mut String) -> std::fmt::Result {
    let all: usize = documents.iter().map(|document| document.budgets.len()).sum();
    let failed: usize = documents.iter().map(CheckDocument::failed).sum();
    writeln!(
        out,
        "<testsuites name=\"slim check\" tests=\"{all}\" failures=\"{failed}\" errors=\"0\">"
    )?;
    for document in documents {
        let name = format!("{} {}", document.image.reference, document.image.platform);
        let skipped = |budget: &&CheckRow| matches!(budget.state, CheckState::Skipped | CheckState::Allowed);
        writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\">",
            escaped(&name),
            document.budgets.len(),
            document.failed(),
            document.budgets.iter().filter(skipped).count()
        )?;
        for budget in &document.budgets {
            case(budget, &name, out)?;
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    Ok(())
}

fn case(budget: &CheckRow, suite: &str, out: &mut String) -> std::fmt::Result {
    let (name, message) = (escaped(&budget.name), escaped(&budget.message));
    write!(
        out,
        "    <testcase name=\"{name}\" classname=\"slim.check.{}\">",
        escaped(suite)
    )?;
    match budget.state {
        CheckState::Ok => writeln!(out, "<system-out>{message}</system-out></testcase>"),
        CheckState::Skipped | CheckState::Allowed => {
            writeln!(out, "<skipped message=\"{message}\"/></testcase>")
        }
        state @ (CheckState::Over | CheckState::Expired) => {
            write!(out, "<failure type=\"{}\" message=\"{message}\">", state.as_str())?;
            writeln!(out, "{message}\n{}", escaped(&budget.place))?;
            for blame in &budget.blame {
                writeln!(out, "{}", escaped(&blame.line()))?;
            }
            for fix in &budget.fixes {
                writeln!(out, "{}", escaped(fix))?;
            }
            writeln!(out, "</failure></testcase>")
        }
    }
}

/// Text for an element or an attribute, on one line. What XML 1.0 has no character for is written as `\u{…}`, as are the
/// characters that a terminal acts on.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => {
                // Writing into a `String` cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_xml_is_escaped() {
        for (text, want) in [
            ("a<b>&\"c'", "a&lt;b&gt;&amp;&quot;c&apos;"),
            ("]]>\u{0}\u{b}\n", "]]&gt;\\u{0}\\u{b}\\u{a}"),
            ("\u{ffff}\u{fffe}\u{202e}", "\\u{ffff}\\u{fffe}\\u{202e}"),
            ("\u{e9}\u{6f22}\u{1f4a9}", "\u{e9}\u{6f22}\u{1f4a9}"),
        ] {
            assert_eq!(escaped(text), want);
        }
    }
}
