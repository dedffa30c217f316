//! The formats of a verdict: one row each, chosen by name.
//!
//! Apart from the formats of other documents because these are for the machines of a CI.

use super::{CheckDocument, github, junit, markdown, sarif};
use crate::report::{Page, ReportError, json, text};

/// What a rendering of a verdict is made for.
#[derive(Debug, Clone, Copy)]
pub struct CheckPage<'a> {
    /// Colours, symbols and columns, for formats that have them.
    pub page: Page,
    /// The file that annotations point at, as the repository has it.
    pub dockerfile: &'a str,
}

/// One format.
#[derive(Debug)]
pub struct CheckFormat {
    /// The word of `--format`.
    pub name: &'static str,
    /// One sentence for the help.
    pub about: &'static str,
    /// Renders verdicts: one, or one for each platform.
    pub render: fn(&[CheckDocument], &CheckPage<'_>) -> Result<String, ReportError>,
}

/// All formats; the first is the default.
pub const CHECK_FORMATS: &[CheckFormat] = &[
    CheckFormat {
        name: "text",
        about: "for people",
        render: |documents, page| {
            let mut out = String::new();
            for document in documents {
                if !out.is_empty() {
                    out.push('\n');
                }
                text::check(document, &page.page.style, page.page.width, &mut out);
            }
            Ok(out)
        },
    },
    CheckFormat {
        name: "json",
        about: "every number, exact, for programs",
        render: |documents, _| json(documents),
    },
    CheckFormat {
        name: "markdown",
        about: "a table for a comment or a step summary",
        render: |documents, _| Ok(markdown::render(documents)),
    },
    CheckFormat {
        name: "junit",
        about: "JUnit's XML: a test case for each budget",
        render: |documents, _| Ok(junit::render(documents)),
    },
    CheckFormat {
        name: "github",
        about: "annotations of GitHub Actions",
        render: |documents, page| Ok(github::render(documents, page.dockerfile)),
    },
    CheckFormat {
        name: "sarif",
        about: "SARIF 2.1.0, for code scanning",
        render: |documents, page| sarif::render(documents, page.dockerfile),
    },
];

/// The format of that name. Fails with [`ReportError::UnknownFormat`].
pub fn check_format(name: &str) -> Result<&'static CheckFormat, ReportError> {
    let found = CHECK_FORMATS.iter().find(|row| row.name == name);
    found.ok_or_else(|| ReportError::UnknownFormat(name.to_owned()))
}
