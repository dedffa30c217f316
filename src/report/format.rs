//! The formats: one row each, chosen by name or by the extension of a file.
//!
//! A module of its own so that a new format is one file beside this one and one row here: the command line's values and
//! their help, what a file's extension means, and which documents a format can show are all read from [`FORMATS`].

use std::fmt::Write;
use std::path::Path;

use super::text::{self, Style};
use super::{
    CacheDocument, CheckDocument, Comment, Diff, PlanDocument, Report, ReportError, TraceDocument,
    VerifyDocument, WriteDocument, check, csv, diff_csv, diff_markdown, html, json, markdown,
};

/// What a rendering is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<'a> {
    /// Colours and symbols, for formats that have them.
    pub style: Style,
    /// Columns of the terminal, for formats that have columns.
    pub width: usize,
    /// The file that annotations point at, as the repository has it.
    pub dockerfile: &'a str,
}

/// Renders documents of one kind: one, or one for each platform of an index.
pub type Renderer<D> = fn(&[D], &Page<'_>) -> Result<String, ReportError>;

/// One format.
#[derive(Debug)]
pub struct FormatRow {
    /// The word of `--format`.
    pub name: &'static str,
    /// A few words for the help.
    pub about: &'static str,
    /// What names of files in it end with, without the full stop.
    pub extensions: &'static [&'static str],
    /// Whether a report in it shows every path, so that its tree must be there.
    pub shows_tree: bool,
    /// Renders reports.
    pub report: Option<Renderer<Report>>,
    /// Renders what changed between images.
    pub diff: Option<Renderer<Diff>>,
    /// Renders verdicts on budgets.
    pub check: Option<Renderer<CheckDocument>>,
    /// Renders plans.
    pub plan: Option<Renderer<PlanDocument>>,
    /// Renders comparisons.
    pub verify: Option<Renderer<VerifyDocument>>,
    /// Renders what writes made.
    pub write: Option<Renderer<WriteDocument>>,
    /// Renders what the cache holds.
    pub cache: Option<Renderer<CacheDocument>>,
    /// Renders lives of paths.
    pub trace: Option<Renderer<TraceDocument>>,
}

/// All formats; the first is the default.
pub const FORMATS: &[FormatRow] = &[
    FormatRow {
        name: "text",
        about: "tables for people, on a terminal",
        extensions: &["txt"],
        shows_tree: false,
        report: Some(|documents, page| Ok(each(documents, page, text::report))),
        diff: Some(|documents, page| Ok(each(documents, page, text::diff))),
        check: Some(|documents, page| Ok(each(documents, page, text::check))),
        plan: Some(|documents, page| Ok(each(documents, page, text::plan))),
        verify: Some(|documents, page| Ok(each(documents, page, text::verify))),
        write: Some(|documents, page| Ok(each(documents, page, text::write_summary))),
        cache: Some(|documents, page| Ok(each(documents, page, text::cache))),
        trace: Some(|documents, page| Ok(each(documents, page, text::trace))),
    },
    FormatRow {
        name: "markdown",
        about: "for pull requests and wikis",
        extensions: &["md", "markdown"],
        shows_tree: false,
        report: Some(|documents, _| Ok(below(documents, markdown::report))),
        diff: Some(|documents, _| Ok(diff_markdown(documents, &Comment::default()))),
        check: Some(|documents, _| Ok(check::markdown(documents))),
        plan: Some(|documents, _| Ok(below(documents, markdown::plan))),
        verify: None,
        write: None,
        cache: None,
        trace: None,
    },
    FormatRow {
        name: "json",
        about: "every number, exact, for programs",
        extensions: &["json"],
        shows_tree: false,
        report: Some(|documents, _| json(documents)),
        diff: Some(|documents, _| json(documents)),
        check: Some(|documents, _| json(documents)),
        plan: Some(|documents, _| json(documents)),
        verify: Some(|documents, _| json(documents)),
        write: Some(|documents, _| json(documents)),
        cache: Some(|documents, _| json(documents)),
        trace: Some(|documents, _| json(documents)),
    },
    FormatRow {
        name: "html",
        about: "one page with a map of the bytes and sortable tables, complete in itself",
        extensions: &["html", "htm"],
        shows_tree: true,
        report: Some(|documents, _| html::reports(documents)),
        diff: Some(|documents, _| html::diffs(documents)),
        check: None,
        plan: Some(|documents, _| html::plans(documents)),
        verify: None,
        write: None,
        cache: None,
        trace: None,
    },
    FormatRow {
        name: "csv",
        about: "rows for spreadsheets; with --tree one for each path",
        extensions: &["csv"],
        shows_tree: false,
        report: Some(|documents, _| Ok(csv::reports(documents))),
        diff: Some(|documents, _| Ok(diff_csv(documents))),
        check: None,
        plan: Some(|documents, _| Ok(csv::plans(documents))),
        verify: None,
        write: None,
        cache: None,
        trace: None,
    },
    for_machines(
        "junit",
        "JUnit's XML: a test case for each budget",
        &["xml"],
        |documents, _| Ok(check::junit(documents)),
    ),
    for_machines(
        "github",
        "annotations of GitHub Actions",
        &[],
        |documents, page| Ok(check::github(documents, page.dockerfile)),
    ),
    for_machines(
        "sarif",
        "SARIF 2.1.0, for code scanning",
        &["sarif"],
        |documents, page| check::sarif(documents, page.dockerfile),
    ),
];

/// A format of verdicts alone, for the machines of a CI.
const fn for_machines(
    name: &'static str,
    about: &'static str,
    extensions: &'static [&'static str],
    check: Renderer<CheckDocument>,
) -> FormatRow {
    FormatRow {
        name,
        about,
        extensions,
        shows_tree: false,
        report: None,
        diff: None,
        check: Some(check),
        plan: None,
        verify: None,
        write: None,
        cache: None,
        trace: None,
    }
}

/// A kind of document.
pub trait Document: Sized {
    /// What messages call one.
    const NAME: &'static str;

    /// How a format shows documents of this kind, where it does.
    fn renderer(format: &FormatRow) -> Option<Renderer<Self>>;
}

impl Document for Report {
    const NAME: &'static str = "a report";

    fn renderer(format: &FormatRow) -> Option<Renderer<Self>> {
        format.report
    }
}

impl Document for Diff {
    const NAME: &'static str = "a comparison of two images";

    fn renderer(format: &FormatRow) -> Option<Renderer<Self>> {
        format.diff
    }
}

impl Document for CheckDocument {
    const NAME: &'static str = "a verdict on budgets";

    fn renderer(format: &FormatRow) -> Option<Renderer<Self>> {
        format.check
    }
}

impl Document for PlanDocument {
    const NAME: &'static str = "a plan";

    fn renderer(format: &FormatRow) -> Option<Renderer<Self>> {
        format.plan
    }
}

impl Document for VerifyDocument {
    const NAME: &'static str = "a comparison";

    fn renderer(format: &FormatRow) -> Option<Renderer<Self>> {
        format.verify
    }
}

impl Document for WriteDocument {
    const NAME: &'static str = "what a write made";

    fn renderer(format: &FormatRow) -> Option<Renderer<Self>> {
        format.write
    }
}

impl Document for CacheDocument {
    const NAME: &'static str = "what the cache holds";

    fn renderer(format: &FormatRow) -> Option<Renderer<Self>> {
        format.cache
    }
}

impl Document for TraceDocument {
    const NAME: &'static str = "the life of a path";

    fn renderer(format: &FormatRow) -> Option<Renderer<Self>> {
        format.trace
    }
}

/// The format of that name. Fails with [`ReportError::UnknownFormat`].
pub fn format(name: &str) -> Result<&'static FormatRow, ReportError> {
    let found = FORMATS.iter().find(|row| row.name == name);
    found.ok_or_else(|| ReportError::UnknownFormat(name.to_owned()))
}

/// The format that a document goes into: the one of that name, else the one of the file's extension, else the default;
/// and how it renders.
///
/// Fails with [`ReportError::UnknownFormat`], or with [`ReportError::NoSuchRendering`] where the format does not show
/// such documents.
pub fn choose<D: Document>(
    name: Option<&str>,
    file: Option<&Path>,
) -> Result<(&'static FormatRow, Renderer<D>), ReportError> {
    let chosen = match (name, file.and_then(format_of)) {
        (Some(name), _) => format(name)?,
        (None, Some(row)) => row,
        (None, None) => &FORMATS[0],
    };
    let renderer = D::renderer(chosen).ok_or_else(|| ReportError::NoSuchRendering {
        document: D::NAME,
        format: chosen.name,
        formats: names(|row| D::renderer(row).is_some()),
    })?;
    Ok((chosen, renderer))
}

/// Whether a report in a file of that name shows every path.
pub fn shows_tree(path: &Path) -> bool {
    format_of(path).is_some_and(|row| row.shows_tree)
}

/// The names of all formats, for messages.
pub(super) fn all_names() -> String {
    names(|_| true)
}

/// The format of a file of that name.
pub fn format_of(path: &Path) -> Option<&'static FormatRow> {
    let extension = path.extension()?.to_str()?;
    let is_it = |known: &&str| known.eq_ignore_ascii_case(extension);
    FORMATS.iter().find(|row| row.extensions.iter().any(is_it))
}

/// The names of some formats, as in `text, json and csv`.
fn names(is_meant: fn(&FormatRow) -> bool) -> String {
    let rows: Vec<&FormatRow> = FORMATS.iter().filter(|row| is_meant(row)).collect();
    let mut out = String::new();
    for (at, row) in rows.iter().enumerate() {
        let before = match at {
            0 => "",
            _ if at + 1 == rows.len() => " and ",
            _ => ", ",
        };
        // Writing into a `String` cannot fail.
        let _ = write!(out, "{before}{}", row.name);
    }
    out
}

/// The documents one below another, in formats that have no style.
fn below<D>(documents: &[D], render: fn(&D, &mut String)) -> String {
    let mut out = String::new();
    for document in documents {
        render(document, &mut out);
    }
    out
}

/// The documents one below another.
fn each<D>(documents: &[D], page: &Page<'_>, render: fn(&D, &Style, usize, &mut String)) -> String {
    let mut out = String::new();
    for document in documents {
        if !out.is_empty() {
            out.push('\n');
        }
        render(document, &page.style, page.width, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_format_is_chosen_by_name_then_by_extension() {
        for (name, file, want) in [
            (None, None, "text"),
            (None, Some("out"), "text"),
            (None, Some("out.log"), "text"),
            (None, Some("a.json"), "json"),
            (None, Some("a/B.JSON"), "json"),
            (Some("text"), Some("a.json"), "text"),
            (Some("json"), Some("a.txt"), "json"),
        ] {
            let (row, _) = choose::<Report>(name, file.map(Path::new)).unwrap();
            assert_eq!(row.name, want, "{name:?} {file:?}");
        }
        let unknown = choose::<Report>(Some("xml"), None).unwrap_err().to_string();
        assert!(
            unknown.starts_with("`xml` is not a format; there are text, "),
            "{unknown}"
        );
    }

    #[test]
    fn names_and_extensions_are_of_one_format_each() {
        let mut seen = HashSet::new();
        for row in FORMATS {
            let is_shown = row.report.is_some() || row.check.is_some();
            assert!(is_shown, "{}: it shows something", row.name);
            assert!(
                seen.insert(row.name) || row.extensions.contains(&row.name),
                "{}",
                row.name
            );
            assert!(
                !row.about.is_empty() && (row.report.is_none() || !row.extensions.is_empty()),
                "{}",
                row.name
            );
            for extension in row.extensions {
                assert!(seen.insert(extension) || *extension == row.name, "{extension}");
            }
        }
    }
}
