//! The layout of a verdict on budgets.

use super::report::{header, more};
use super::sheet::{Cut, Sheet, Span, span};
use super::style::{Paint, Style, Symbol};
use super::table::{Column, Table, dim, plain};
use super::words::size;
use crate::report::check::{CheckDocument, CheckRow, CheckState};

/// Appends `document` as text to `out`; no line is wider than `width` columns (40 to 300).
pub fn check(document: &CheckDocument, style: &Style, width: usize, out: &mut String) {
    let mut sheet = Sheet::new(*style, width, out);
    let image = &document.image;
    header(
        &mut sheet,
        &image.reference,
        &image.platform,
        image.digest.as_deref(),
        &image.config_digest,
    );
    if let Some(against) = &document.against {
        sheet.prose(0, &[dim("against "), plain(&against.reference)]);
    }
    let (paint, symbol) = if document.ok {
        (Paint::Good, Symbol::Good)
    } else {
        (Paint::Bad, Symbol::Bad)
    };
    let verdict = format!("{} {}", style.symbol(symbol), document.verdict());
    sheet.prose(0, &[span(paint, verdict)]);
    sheet.gap();
    for budget in &document.budgets {
        budget_row(&mut sheet, budget);
    }
}

fn budget_row(sheet: &mut Sheet<'_>, budget: &CheckRow) {
    let name = [
        span(Paint::Bold, &budget.name),
        plain(": "),
        plain(&budget.message),
        dim(format!(" ({})", budget.place)),
    ];
    sheet.item(4, mark(sheet.style, budget.state), &name);
    if budget.blame.is_empty() {
        return;
    }
    let mut table = Table::new([
        Column::right(""),
        Column::left("").shrinks(20, Cut::Begin),
        Column::left("").shrinks(12, Cut::End).drops(1),
    ]);
    for blame in &budget.blame {
        table.row([
            plain(size(blame.bytes)),
            plain(blame.subject()),
            dim(blame.origin()),
        ]);
    }
    table.write_at(sheet, 4);
    let all = usize::try_from(budget.blamed).unwrap_or(usize::MAX);
    more(sheet, all, budget.blame.len());
    for fix in &budget.fixes {
        let arrow = dim(sheet.style.symbol(Symbol::Arrow));
        sheet.item(7, arrow, &[plain(fix)]);
    }
}

fn mark(style: Style, state: CheckState) -> Span {
    let (paint, symbol) = match state {
        CheckState::Ok => (Paint::Good, Symbol::Good),
        CheckState::Over | CheckState::Expired => (Paint::Bad, Symbol::Bad),
        CheckState::Allowed => (Paint::Warn, Symbol::Notice),
        CheckState::Skipped => (Paint::Dim, Symbol::Point),
    };
    span(paint, style.symbol(symbol))
}
