//! A verdict as annotations of GitHub Actions, which Gitea and Forgejo read too: a line for each budget that is not simply kept.
//!
//! A module of its own because a runner reads commands from any line of a log: a name from an image must not become one.
//! Form: docs.github.com, "Workflow commands for GitHub Actions".

use std::fmt::Write;

use super::{CheckDocument, CheckRow, CheckState};
use crate::report::printable;

/// How many things to blame an annotation names: GitHub shows the first lines.
const BLAMED: usize = 5;

pub(in crate::report) fn render(documents: &[CheckDocument], dockerfile: &str) -> String {
    let mut out = String::new();
    for document in documents {
        for budget in &document.budgets {
            let Some(command) = command(budget.state) else {
                continue;
            };
            let title = format!("{} {}", document.image.reference, budget.name);
            // Writing into a `String` cannot fail.
            let _ = writeln!(
                out,
                "::{command} file={},title={}::{}",
                property(&printable(dockerfile)),
                property(&printable(&title)),
                data(&message(budget))
            );
        }
        // No command: it begins with a word of ours.
        let _ = writeln!(
            out,
            "slim check: {}: {}",
            printable(&document.image.reference),
            document.verdict()
        );
    }
    out
}

fn command(state: CheckState) -> Option<&'static str> {
    match state {
        CheckState::Ok => None,
        CheckState::Over | CheckState::Expired => Some("error"),
        CheckState::Allowed => Some("warning"),
        CheckState::Skipped => Some("notice"),
    }
}

fn message(budget: &CheckRow) -> String {
    let mut lines = vec![printable(&budget.message)];
    for blame in budget.blame.iter().take(BLAMED) {
        lines.push(printable(&blame.line()));
    }
    lines.extend(budget.fixes.iter().map(|fix| printable(fix)));
    lines.join("\n")
}

/// The message of a command, as the runner's own toolkit escapes it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_command_or_begins_another() {
        assert_eq!(data("3 %\r\n::error::x"), "3 %25%0D%0A::error::x");
        assert_eq!(property("a,b:c%"), "a%2Cb%3Ac%25");
    }
}
