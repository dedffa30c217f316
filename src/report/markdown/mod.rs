//! Documents as Markdown for forges: a verdict, small tables, and the long ones folded.
//!
//! A format of its own in a folder of its own; one file lays out one document. It computes nothing but percentages.
//! Everything that comes from an image enters through [`super::markdown_words`], so that no name is syntax (rule 33).

mod plan;
mod report;

pub(super) use plan::plan;
pub(super) use report::report;

use super::markdown_words::{self as words, Inline, Table, code, text};
use super::model::WarningRow;
use super::text::{number, short_digest};

/// How many warnings are listed.
const WARNINGS: usize = 10;

/// Reference, platform and digest: which image a document speaks of.
fn headline(reference: &str, platform: &str, digest: Option<&str>, config: &str, out: &mut String) {
    let digest = match digest {
        Some(digest) => code(short_digest(digest)),
        None => text("config")
            .and(&words::between(" "))
            .and(&code(short_digest(config))),
    };
    words::heading(2, code(reference).as_str(), out);
    words::paragraph(&text(platform).and(&dot()).and(&digest), out);
}

/// What stands between parts of a line.
fn dot() -> Inline {
    words::between(" · ")
}

/// At most ten warnings, folded.
fn warnings(warnings: &[WarningRow], out: &mut String) {
    let body = |out: &mut String| {
        for warning in warnings.iter().take(WARNINGS) {
            let mut line = code(&warning.code);
            if !warning.path.is_empty() {
                line = line.and(&words::between(" ")).and(&code(&warning.path));
            }
            words::item(&line.and(&words::between(": ")).and(&text(&warning.message)), out);
        }
        more(warnings.len(), WARNINGS, out);
    };
    words::details(
        &format!("Warnings ({})", number(warnings.len() as u64)),
        body,
        out,
    );
}

/// The end of a list: how many were not shown.
fn more(all: usize, shown: usize, out: &mut String) {
    if all > shown {
        words::item(&text(&format!("and {} more", number((all - shown) as u64))), out);
    }
    if all > 0 {
        out.push('\n');
    }
}

/// A table, and how many rows it does not show.
fn table(table: &Table, all: usize, shown: usize, out: &mut String) {
    table.write(out);
    if all > shown {
        words::paragraph(&text(&format!("and {} more", number((all - shown) as u64))), out);
    }
}
