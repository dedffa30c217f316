//! The formats: one row each, chosen by name.
//!
//! A module of its own so that a new format is one file beside this one and one row here.

use std::fmt::Write;

use super::text::{self, Style};
use super::{PlanDocument, Report, ReportError, VerifyDocument, WriteDocument, json};

/// What a rendering is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Colours and symbols, for formats that have them.
    pub style: Style,
    /// Columns of the terminal, for formats that have columns.
    pub width: usize,
}

/// Renders documents of one kind: one, or one for each platform of an index.
pub type Renderer<D> = fn(&[D], &Page) -> Result<String, ReportError>;

/// One format.
#[derive(Debug)]
pub struct FormatRow {
    /// The word of `--format`.
    pub name: &'static str,
    /// One sentence for the help.
    pub about: &'static str,
    /// Renders reports.
    pub report: Renderer<Report>,
    /// Renders plans.
    pub plan: Renderer<PlanDocument>,
    /// Renders comparisons.
    pub verify: Renderer<VerifyDocument>,
    /// Renders what writes made.
    pub write: Renderer<WriteDocument>,
}

/// All formats; the first is the default.
pub const FORMATS: &[FormatRow] = &[
    FormatRow {
        name: "text",
        about: "tables for people",
        report: |documents, page| Ok(each(documents, page, text::report)),
        plan: |documents, page| Ok(each(documents, page, text::plan)),
        verify: |documents, page| Ok(each(documents, page, text::verify)),
        write: |documents, page| Ok(each(documents, page, text::write_summary)),
    },
    FormatRow {
        name: "json",
        about: "every number, exact, for programs",
        report: |documents, _| json(documents),
        plan: |documents, _| json(documents),
        verify: |documents, _| json(documents),
        write: |documents, _| json(documents),
    },
];

/// The format of that name. Fails with [`ReportError::UnknownFormat`].
pub fn format(name: &str) -> Result<&'static FormatRow, ReportError> {
    let found = FORMATS.iter().find(|row| row.name == name);
    found.ok_or_else(|| ReportError::UnknownFormat(name.to_owned()))
}

/// The names of all formats, for messages.
pub(super) fn names() -> String {
    let mut out = String::new();
    for (at, row) in FORMATS.iter().enumerate() {
        let before = match at {
            0 => "",
            _ if at + 1 == FORMATS.len() => " and ",
            _ => ", ",
        };
        // Writing into a `String` cannot fail.
        let _ = write!(out, "{before}{}", row.name);
    }
    out
}

/// The documents one below another.
fn each<D>(documents: &[D], page: &Page, render: fn(&D, &Style, usize, &mut String)) -> String {
    let mut out = String::new();
    for document in documents {
        if !out.is_empty() {
            out.push('\n');
        }
        render(document, &page.style, page.width, &mut out);
    }
    out
}
