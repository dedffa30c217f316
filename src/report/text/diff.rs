//! The layout of a comparison.

use super::report::more;
use super::sheet::{Cut, Sheet, Span, span};
use super::style::{Paint, Style, Symbol, Symbols};
use super::table::{Column, Table, blank, dim, plain, size_or_blank};
use super::words::{number, signed_number, signed_size, size};
use crate::report::diff::delta;
use crate::report::diff::sentence::{self, Piece};
use crate::report::diff::{
    BudgetState, Cause, Diff, DiffImage, DiffLayer, DiffOwner, DiffPath, LayerStatus, OwnerChange, PathChange,
};

/// How many categories, packages and directories are listed.
const ROWS: usize = 15;
/// How many paths are listed.
const PATHS: usize = 20;
/// How many pieces of advice are listed.
const ADVICE: usize = 8;

/// Appends `diff` as text to `out`; no line is wider than `width` columns (40 to 300).
pub fn diff(diff: &Diff, style: &Style, width: usize, out: &mut String) {
    let mut sheet = Sheet::new(*style, width, out);
    header(&mut sheet, diff);
    sheet.prose(0, &spans(sheet.style, &sentence::verdict(diff)));
    if diff.identical || diff.old.is_none() || diff.new.is_none() {
        return budgets(&mut sheet, diff);
    }
    if let Some(limits) = sentence::limits(diff) {
        sheet.prose(0, &[dim(limits)]);
    }
    totals(&mut sheet, diff);
    budgets(&mut sheet, diff);
    cache(&mut sheet, diff);
    layers(&mut sheet, diff);
    categories(&mut sheet, diff);
    owners(&mut sheet, diff);
    directories(&mut sheet, diff);
    paths(&mut sheet, diff);
    advice(&mut sheet, diff);
}

/// A sentence, its names between backticks.
fn spans(style: Style, sentence: &[Piece]) -> Vec<Span> {
    let words = |words: &str| words_for(style, words);
    let piece = |piece: &Piece| match piece {
        Piece::Words(text) => plain(words(text)),
        Piece::Strong(text) => span(Paint::Bold, words(text)),
        Piece::Name(name) => plain(format!("`{name}`")),
        Piece::Title(name) => span(Paint::Bold, name),
    };
    sentence.iter().map(piece).collect()
}

/// Words of ours in the characters that the terminal has.
fn words_for(style: Style, words: &str) -> String {
    match style.symbols {
        Symbols::Unicode => words.to_owned(),
        Symbols::Ascii => words
            .replace('→', "->")
            .replace(['−', '–'], "-")
            .replace('±', "+-"),
    }
}

fn header(sheet: &mut Sheet<'_>, diff: &Diff) {
    let name = |image: &Option<DiffImage>| {
        let image = image.as_ref().map(|image| image.image.reference.as_str());
        span(Paint::Bold, image.unwrap_or("none"))
    };
    let (arrow, dot) = (sheet.style.symbol(Symbol::Arrow), sheet.style.symbol(Symbol::Dot));
    let spans = [
        name(&diff.old),
        dim(format!(" {arrow} ")),
        name(&diff.new),
        dim(format!("{dot}{}", diff.platform)),
    ];
    sheet.prose(0, &spans);
}

fn totals(sheet: &mut Sheet<'_>, diff: &Diff) {
    let totals = &diff.totals;
    let style = sheet.style;
    let mut table = Table::new([
        Column::left(""),
        Column::right("before"),
        Column::right("after"),
        Column::right("change"),
    ]);
    let about = if totals.wire_bytes.is_some() {
        "on the wire"
    } else {
        "on the wire, about"
    };
    let sizes = [
        ("on disk", totals.disk_bytes),
        ("  visible", totals.visible_bytes),
        ("  shadowed", totals.shadowed_bytes),
        (about, totals.wire_bytes_estimate),
    ];
    for (name, change) in sizes {
        let words = words_for(style, &sentence::change(change));
        table.row([
            plain(name),
            plain(size(change.old)),
            plain(size(change.new)),
            plain(words),
        ]);
    }
    for (name, change) in [("layers", totals.layers), ("files", totals.files)] {
        let words = words_for(style, &signed_number(change.delta));
        table.row([
            plain(name),
            plain(number(change.old)),
            plain(number(change.new)),
            plain(words),
        ]);
    }
    let (transfer, reused) = (&diff.transfer, diff.transfer.reused_wire_bytes_estimate);
    let about = if transfer.new_wire_bytes.is_some() {
        "to download"
    } else {
        "to download, about"
    };
    let download = size(transfer.new_wire_bytes_estimate);
    let reused = format!("and {} reused", size(reused));
    table.row([plain(about), blank(), span(Paint::Bold, download), dim(reused)]);
    sheet.section("Sizes");
    table.write(sheet);
}

fn budgets(sheet: &mut Sheet<'_>, diff: &Diff) {
    let mut table = Table::new([
        Column::left(""),
        Column::left("budget").shrinks(12, Cut::End),
        Column::right("found"),
        Column::right("allowed"),
        Column::left("").shrinks(16, Cut::End).drops(1),
    ]);
    for row in &diff.budgets {
        let (paint, symbol, word) = match row.state {
            BudgetState::Ok => (Paint::Good, Symbol::Good, "ok"),
            BudgetState::Over => (Paint::Bad, Symbol::Bad, "over"),
            BudgetState::Allowed => (Paint::Warn, Symbol::Notice, "allowed"),
        };
        table.row([
            span(paint, format!("{} {word}", sheet.style.symbol(symbol))),
            plain(&row.name),
            plain(&row.value),
            plain(&row.limit),
            plain(&row.message),
        ]);
    }
    if !table.is_empty() {
        sheet.section("Budgets");
        table.write(sheet);
    }
}

fn cache(sheet: &mut Sheet<'_>, diff: &Diff) {
    let story = sentence::story(diff);
    if story.is_empty() {
        return;
    }
    sheet.section("Cache");
    let style = sheet.style;
    for sentence in &story {
        sheet.prose(0, &spans(style, sentence));
    }
}

fn layers(sheet: &mut Sheet<'_>, diff: &Diff) {
    let mut table = Table::new([
        Column::right("old"),
        Column::right("new"),
        Column::left(""),
        Column::right("before").drops(3),
        Column::right("after"),
        Column::right("download").drops(1),
        Column::left("why").shrinks(16, Cut::End).drops(2),
        Column::left("instruction").shrinks(24, Cut::End),
    ]);
    let index = |index: Option<usize>| dim(index.map(|index| index.to_string()).unwrap_or_default());
    let disk = |bytes: Option<u64>| plain(bytes.map(size).unwrap_or_default());
    let row = |row: &DiffLayer| {
        let paint = match row.status {
            LayerStatus::Reused => Paint::Dim,
            LayerStatus::Rebuilt => Paint::Warn,
            LayerStatus::Added => Paint::Plain,
            LayerStatus::Removed => Paint::Good,
        };
        let why = row.cause.filter(|_| row.status != LayerStatus::Removed);
        [
            index(row.old_index),
            index(row.new_index),
            span(paint, row.status.as_str()),
            disk(row.old_disk_bytes),
            disk(row.new_disk_bytes),
            size_or_blank(row.transfer_bytes_estimate),
            plain(why.map(Cause::in_words).unwrap_or_default()),
            plain(&row.instruction),
        ]
    };
    diff.layers.iter().map(row).for_each(|row| table.row(row));
    if !table.is_empty() {
        sheet.section("Layers");
        table.write(sheet);
    }
}

fn categories(sheet: &mut Sheet<'_>, diff: &Diff) {
    let changed = || diff.categories.iter().filter(|row| row.delta != 0);
    let mut table = Table::new([
        Column::left("category").shrinks(20, Cut::End),
        Column::right("before").drops(1),
        Column::right("after"),
        Column::right("change"),
        Column::left("").shrinks(12, Cut::End).drops(2),
    ]);
    for row in changed().take(ROWS) {
        table.row([
            plain(&row.name),
            plain(size(row.old_bytes)),
            plain(size(row.new_bytes)),
            signed(sheet.style, row.delta),
            dim(&row.title),
        ]);
    }
    if !table.is_empty() {
        sheet.section("Categories");
        table.write(sheet);
        more(sheet, changed().count(), ROWS);
    }
}

fn owners(sheet: &mut Sheet<'_>, diff: &Diff) {
    let mut table = Table::new([
        Column::left("package").shrinks(20, Cut::End),
        Column::left(""),
        Column::left("version").shrinks(12, Cut::End),
        Column::right("after").drops(1),
        Column::right("change"),
    ]);
    for row in diff.owners.iter().take(ROWS) {
        table.row([
            plain(format!("{}:{}", row.kind, row.name)),
            plain(owner_word(row.change)),
            plain(version(sheet.style, row)),
            plain(size(row.new_bytes)),
            signed(sheet.style, delta(row.old_bytes, row.new_bytes)),
        ]);
    }
    if !table.is_empty() {
        sheet.section("Packages");
        table.write(sheet);
        more(sheet, diff.owners.len(), ROWS);
    }
}

fn owner_word(change: OwnerChange) -> &'static str {
    match change {
        OwnerChange::Added => "added",
        OwnerChange::Removed => "removed",
        OwnerChange::Version => "version",
        OwnerChange::Size => "size",
    }
}

fn version(style: Style, row: &DiffOwner) -> String {
    match (&row.old_version, &row.new_version) {
        (Some(old), Some(new)) if old != new => {
            format!("{old} {} {new}", style.symbol(Symbol::Arrow))
        }
        (old, new) => new.as_ref().or(old.as_ref()).cloned().unwrap_or_default(),
    }
}

fn directories(sheet: &mut Sheet<'_>, diff: &Diff) {
    let mut table = Table::new([
        Column::right("change"),
        Column::right("paths").drops(1),
        Column::left("directory").shrinks(20, Cut::Begin),
    ]);
    for row in diff.directories.iter().take(ROWS) {
        table.row([
            signed(sheet.style, row.delta),
            plain(number(row.paths)),
            plain(&row.path),
        ]);
    }
    if diff.directories.len() > 1 {
        sheet.section("Directories");
        table.write(sheet);
        more(sheet, diff.directories.len(), ROWS);
    }
}

fn paths(sheet: &mut Sheet<'_>, diff: &Diff) {
    let mut table = Table::new([
        Column::left(""),
        Column::right("before"),
        Column::right("after"),
        Column::left("path").shrinks(24, Cut::Begin),
    ]);
    let bytes = |is_there: bool, bytes: u64| if is_there { plain(size(bytes)) } else { blank() };
    for row in diff.paths.iter().take(PATHS) {
        let DiffPath { path, change, .. } = row;
        let paint = match change {
            PathChange::Added => Paint::Warn,
            PathChange::Removed => Paint::Good,
            PathChange::Modified | PathChange::Metadata => Paint::Plain,
        };
        table.row([
            span(paint, change.as_str()),
            bytes(row.old_layer.is_some(), row.old_bytes),
            bytes(row.layer.is_some(), row.new_bytes),
            plain(path),
        ]);
    }
    if !table.is_empty() {
        sheet.section(&format!("Files: {}", sentence::tally(diff.path_counts)));
        table.write(sheet);
        more(sheet, diff.paths.len(), PATHS);
    }
}

fn advice(sheet: &mut Sheet<'_>, diff: &Diff) {
    if diff.advice.is_empty() {
        return;
    }
    sheet.section("What the build can avoid");
    for row in diff.advice.iter().take(ADVICE) {
        let lead = plain(format!("  {}", size(row.bytes)));
        let head = span(Paint::Bold, format!("{} ", row.category));
        let place = dim(format!("layer {} `{}` ", row.layer, row.instruction));
        sheet.item(12, lead, &[head, place, plain(&row.fix)]);
    }
    more(sheet, diff.advice.len(), ADVICE);
}

fn signed(style: Style, delta: i64) -> Span {
    let paint = match delta {
        1.. => Paint::Warn,
        0 => Paint::Plain,
        _ => Paint::Good,
    };
    span(paint, words_for(style, &signed_size(delta)))
}
