//! The layout of the life of one path.

use super::sheet::{Cut, Sheet, Span, span};
use super::style::{Paint, Style, Symbol};
use super::table::{Column, Table, blank, dim, plain};
use super::words::{count, size};
use crate::report::trace::{DifferenceRow, TraceDocument, TraceRow};

/// Appends `document` as text to `out`; no line is wider than `width` columns (40 to 300).
pub fn trace(document: &TraceDocument, style: &Style, width: usize, out: &mut String) {
    let mut sheet = Sheet::new(*style, width, out);
    let image = dim(format!(
        "{}{}",
        style.symbol(Symbol::Dot),
        document.image.reference
    ));
    sheet.prose(0, &[span(Paint::Bold, &document.path), image]);
    sheet.gap();
    let mut table = Table::new([
        Column::right("#"),
        Column::left("what the layer does").shrinks(16, Cut::End),
        Column::right("bytes"),
        Column::right("mode").drops(2),
        Column::left("owner").drops(3),
        Column::left("instruction").shrinks(16, Cut::End).drops(1),
    ]);
    let told: Vec<&TraceRow> = document.layers.iter().filter(|row| is_told(row)).collect();
    for row in &told {
        table.row(cells(row, *style));
    }
    table.write(&mut sheet);
    let silent = document.layers.len() - told.len();
    if silent > 0 {
        let noun = if told.is_empty() { "layer" } else { "other layer" };
        let verb = if silent == 1 { "does" } else { "do" };
        let text = format!("{} {verb} nothing to it", count(silent as u64, noun));
        sheet.gap();
        sheet.prose(0, &[dim(text)]);
    }
    if !document.visible {
        sheet.gap();
        sheet.prose(0, &[span(Paint::Warn, "the merged image shows nothing there")]);
    }
    for row in told {
        if let Some(difference) = &row.difference {
            self::difference(&mut sheet, row.layer, difference);
        }
    }
}

/// Whether a layer did something.
fn is_told(row: &TraceRow) -> bool {
    !matches!(row.what, "absent" | "untouched") || row.opaque
}

fn cells(row: &TraceRow, style: Style) -> [Span; 6] {
    let paint = match row.what {
        "added" => Paint::Good,
        "removed" => Paint::Bad,
        "modified" | "replaced" => Paint::Warn,
        _ => Paint::Plain,
    };
    let shows = row.shows.as_ref();
    let text = |cell: Option<&String>| cell.map_or_else(blank, plain);
    let is_file = |kind: &str| kind == "file";
    [
        dim(row.layer.to_string()),
        span(paint, deed(row, style)),
        shows
            .filter(|shows| is_file(shows.kind))
            .map_or_else(blank, |shows| plain(size(shows.bytes))),
        text(shows.and_then(|shows| shows.mode.as_ref())),
        text(shows.and_then(|shows| shows.owner.as_ref())),
        dim(&row.instruction),
    ]
}

/// What a layer did in a few words: `modified: content, mode`, `removed by the whiteout of /etc`. Not escaped.
pub fn deed(row: &TraceRow, style: Style) -> String {
    let mut text = match row.what {
        "untouched" => "stays".to_owned(),
        what => what.to_owned(),
    };
    if let Some(shows) = &row.shows {
        match row.what {
            "added" if shows.kind != "file" => text = format!("added: {}", shows.kind),
            "replaced" => text = format!("replaced by a {}", shows.kind),
            "modified" if row.changed.is_empty() => "written again, the same".clone_into(&mut text),
            "modified" => {
                let changed: Vec<&str> = row.changed.iter().map(|word| phrase(word)).collect();
                text = format!("modified: {}", changed.join(", "));
            }
            _ => {}
        }
        if let Some(target) = &shows.target {
            text = format!("{text} {} {target}", style.symbol(Symbol::Arrow));
        }
        if shows.names > 1 && row.what != "untouched" {
            text = format!("{text} ({})", count(shows.names as u64, "name"));
        }
    }
    if let Some(cause) = &row.cause {
        let by = match cause.kind {
            "whiteout" => "by the whiteout of",
            "opaque" => "by the opaque marker in",
            _ => "by what is no directory at",
        };
        let join = if row.what == "removed" {
            " "
        } else {
            ", removed first "
        };
        text = format!("{text}{join}{by} {}", cause.path);
    }
    if row.opaque {
        text.push_str(", hides what was in it");
    }
    text
}

fn phrase(word: &str) -> &str {
    match word {
        "perhaps-content" => "content perhaps",
        word => word,
    }
}

fn difference(sheet: &mut Sheet<'_>, layer: usize, row: &DifferenceRow) {
    sheet.section(&format!("Layer {} to layer {layer}", row.old_layer));
    let cut = if row.cut { ", as far as both were read" } else { "" };
    match row.form {
        "text" => {}
        "binary" => {
            let first = row.first.unwrap_or(0);
            let text = format!("no text; the first byte that differs is at {first} ({first:#x}){cut}");
            return sheet.prose(0, &[plain(text)]);
        }
        _ => return sheet.prose(0, &[plain(format!("the same content{cut}"))]),
    }
    for line in &row.lines {
        let paint = match line.as_bytes().first() {
            Some(b'+') => Paint::Good,
            Some(b'-') => Paint::Bad,
            Some(b'@') => Paint::Dim,
            _ => Paint::Plain,
        };
        let shown = sheet.cut(
            &span(paint, line.replace('\t', "    ")).text,
            sheet.width,
            Cut::End,
        );
        sheet.line(0, &[Span { paint, text: shown }]);
    }
    if row.cut {
        sheet.prose(
            0,
            &[dim("the files are large: only their beginnings were compared")],
        );
    }
}
