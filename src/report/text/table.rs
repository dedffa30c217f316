//! Tables: columns that are aligned, shrink where they may, and are left out before a line gets too wide.
//!
//! A module of its own because all layouts are made of tables, and only here is decided what a narrow
//! terminal does not see.

use unicode_width::UnicodeWidthStr;

use super::sheet::{Cut, Sheet, Span, span};
use super::style::Paint;

/// Columns between two columns; before the first too, where nothing else is said.
const GAP: usize = 2;

/// One column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    title: &'static str,
    is_right: bool,
    /// The narrowest that it may get before another column is left out, and which part of a text stays.
    shrink: Option<(usize, Cut)>,
    /// The greater, the sooner it is left out; never for 0.
    rank: u8,
}

/// A table that is being filled.
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Span>>,
}

impl Column {
    /// A column of texts.
    pub(super) fn left(title: &'static str) -> Self {
        Self {
            title,
            is_right: false,
            shrink: None,
            rank: 0,
        }
    }

    /// A column of numbers.
    pub(super) fn right(title: &'static str) -> Self {
        Self {
            is_right: true,
            ..Self::left(title)
        }
    }

    /// May get as narrow as `least`.
    pub(super) fn shrinks(self, least: usize, cut: Cut) -> Self {
        Self {
            shrink: Some((least, cut)),
            ..self
        }
    }

    /// May be left out; the greatest rank goes first.
    pub(super) fn drops(self, rank: u8) -> Self {
        Self { rank, ..self }
    }
}

impl Table {
    pub(super) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self {
            columns: columns.into_iter().collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row: a cell for each column.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Span>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the titles, unless no column has one, and the rows.
    pub(super) fn write(&self, sheet: &mut Sheet<'_>) {
        self.write_at(sheet, GAP);
    }

    /// The same, from column `indent` on.
    pub(super) fn write_at(&self, sheet: &mut Sheet<'_>, indent: usize) {
        let shown = self.fit(sheet.width + GAP - indent);
        if shown.iter().any(|(at, _)| !self.columns[*at].title.is_empty()) {
            let titles: Vec<Span> = self
                .columns
                .iter()
                .map(|column| span(Paint::Dim, column.title))
                .collect();
            self.write_row(sheet, indent, &shown, &titles);
        }
        for row in &self.rows {
            self.write_row(sheet, indent, &shown, row);
        }
    }

    /// The columns that are shown, with their widths.
    fn fit(&self, width: usize) -> Vec<(usize, usize)> {
        let has_text = |at: &usize| self.rows.iter().any(|row| !row[*at].text.is_empty());
        let mut shown: Vec<(usize, usize)> = (0..self.columns.len())
            .filter(has_text)
            .map(|at| (at, self.natural(at)))
            .collect();
        loop {
            let excess = shrink(&self.columns, &mut shown, width);
            let droppable = shown
                .iter()
                .enumerate()
                .filter(|(_, (at, _))| self.columns[*at].rank > 0);
            let next = droppable
                .max_by_key(|(_, (at, _))| self.columns[*at].rank)
                .map(|(place, _)| place);
            match next {
                Some(place) if excess > 0 => {
                    shown.remove(place);
                    for (at, width) in &mut shown {
                        *width = self.natural(*at);
                    }
                }
                _ => {
                    squeeze(&mut shown, excess);
                    return shown;
                }
            }
        }
    }

    /// The width that a column would like.
    fn natural(&self, at: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[at].text.width());
        cells.chain([self.columns[at].title.width()]).max().unwrap_or(0)
    }

    fn write_row(&self, sheet: &mut Sheet<'_>, indent: usize, shown: &[(usize, usize)], cells: &[Span]) {
        let mut line = Vec::with_capacity(shown.len() * 3);
        for (place, (at, width)) in shown.iter().enumerate() {
            let column = &self.columns[*at];
            let cut = column.shrink.map_or(Cut::End, |(_, cut)| cut);
            let cell = &cells[*at];
            let text = sheet.cut(&cell.text, *width, cut);
            let blank = " ".repeat(width.saturating_sub(text.width()));
            if place > 0 {
                line.push(span(Paint::Plain, " ".repeat(GAP)));
            }
            let cell = Span {
                paint: cell.paint,
                text,
            };
            let blank = span(Paint::Plain, blank);
            line.extend(if column.is_right {
                [blank, cell]
            } else {
                [cell, blank]
            });
        }
        sheet.line(indent, &line);
    }
}

/// Makes columns as narrow as they may be, the last one first, until the table fits; the columns too many.
fn shrink(columns: &[Column], shown: &mut [(usize, usize)], width: usize) -> usize {
    let total: usize = shown.iter().map(|(_, width)| width + GAP).sum();
    let mut excess = total.saturating_sub(width);
    for (at, natural) in shown.iter_mut().rev() {
        let Some((least, _)) = columns[*at].shrink else {
            continue;
        };
        let gives = natural.saturating_sub(least).min(excess);
        *natural -= gives;
        excess -= gives;
    }
    excess
}

/// What must not be is done to the widest column, until nothing is too wide.
fn squeeze(shown: &mut [(usize, usize)], mut excess: usize) {
    while excess > 0 {
        let Some((_, widest)) = shown
            .iter_mut()
            .max_by_key(|(_, width)| *width)
            .filter(|(_, width)| *width > 0)
        else {
            return;
        };
        *widest -= 1;
        excess -= 1;
    }
}

/// An empty cell.
pub(super) fn blank() -> Span {
    span(Paint::Plain, "")
}

/// A cell of the usual colour.
pub(super) fn plain(text: impl AsRef<str>) -> Span {
    span(Paint::Plain, text)
}

/// A cell that stands back.
pub(super) fn dim(text: impl AsRef<str>) -> Span {
    span(Paint::Dim, text)
}

/// A size; nothing for 0 bytes.
pub(super) fn size_or_blank(bytes: u64) -> Span {
    if bytes == 0 {
        blank()
    } else {
        plain(super::words::size(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::style::Style;

    fn render(width: usize) -> String {
        let mut table = Table::new([
            Column::right("size"),
            Column::left("kind").drops(2),
            Column::left("hash").drops(1),
            Column::left("path").shrinks(12, Cut::Begin),
            Column::left("empty"),
        ]);
        table.row([
            plain("1 B"),
            plain("text"),
            plain("0123456789ab"),
            plain("/usr/share/doc/x/README"),
            blank(),
        ]);
        table.row([plain("10 kB"), blank(), plain("abc"), plain("/a"), blank()]);
        let mut out = String::new();
        table.write(&mut Sheet::new(Style::default(), width, &mut out));
        out
    }

    #[test]
    fn columns_shrink_then_go() {
        let wide = "   size  kind  hash          path\n    \
                    1 B  text  0123456789ab  /usr/share/doc/x/README\n  \
                    10 kB        abc           /a\n";
        assert_eq!(render(100), wide);
        assert_eq!(render(52), wide);
        for (width, want) in [
            (50, "   1 B  text  0123456789ab  …r/share/doc/x/README\n"),
            (41, "   1 B  text  0123456789ab  …oc/x/README\n"),
            (40, "   1 B  0123456789ab  …are/doc/x/README\n"),
        ] {
            assert!(render(width).contains(want), "{width}:\n{}", render(width));
        }
    }
}
