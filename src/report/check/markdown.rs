//! A verdict as Markdown: a sentence, a table, and what is to blame folded below it.
//!
//! A module of its own because its order is that of a summary that people skim. Every name goes through `markdown_words`
//! (rule 33).

use super::{CheckDocument, CheckRow, CheckState};
use crate::report::markdown_words::{Align, Table, code, details, heading, ours, paragraph, prose, text};
use crate::report::text::size;

pub(in crate::report) fn render(documents: &[CheckDocument]) -> String {
    let mut out = String::new();
    for document in documents {
        let mark = if document.ok { "✅" } else { "❌" };
        let words = ours(mark)
            .and(&ours(" "))
            .and(&code(&document.image.reference))
            .and(&text(&format!(": {}", document.verdict())));
        heading(3, words.as_str(), &mut out);
        table(document, &mut out);
        for budget in document.budgets.iter().filter(|budget| !budget.blame.is_empty()) {
            let summary = ours("What to blame for ").and(&text(&budget.name));
            details(summary.as_str(), |inner| blame(budget, inner), &mut out);
        }
    }
    out
}

fn table(document: &CheckDocument, out: &mut String) {
    let mut table = Table::new([(Align::Left, ""), (Align::Left, "budget"), (Align::Left, "")]);
    for budget in &document.budgets {
        table.row([
            ours(mark(budget.state)),
            code(&budget.name),
            prose(&budget.message),
        ]);
    }
    table.write(out);
}

fn mark(state: CheckState) -> &'static str {
    match state {
        CheckState::Ok => "✅",
        CheckState::Over => "❌ over",
        CheckState::Expired => "❌ expired",
        CheckState::Allowed => "⚠️ allowed",
        CheckState::Skipped => "➖ not checked",
    }
}

fn blame(budget: &CheckRow, out: &mut String) {
    let mut table = Table::new([
        (Align::Right, "bytes"),
        (Align::Left, "what"),
        (Align::Left, "from"),
    ]);
    for blame in &budget.blame {
        table.row([
            ours(&size(blame.bytes)),
            code(&blame.subject()),
            code(&blame.origin()),
        ]);
    }
    table.write(out);
    let more = budget.blamed.saturating_sub(budget.blame.len() as u64);
    if more > 0 {
        paragraph(&ours(&format!("and {more} more")), out);
    }
    for fix in &budget.fixes {
        paragraph(&prose(fix), out);
    }
}
