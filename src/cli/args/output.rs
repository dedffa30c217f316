//! The form of documents, and where they go: the formats that a command offers are those that can show its documents.

use std::marker::PhantomData;
use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, ValueHint};

use crate::report::{Document, FORMATS, FormatRow};

/// The form of documents of one kind, and where they go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(in crate::cli) struct Output<D: Document + 'static> {
    /// The form of the document [default: by the extension of the file, else text]
    #[arg(long, value_name = "FORMAT", value_parser = formats::<D>())]
    pub(in crate::cli) format: Option<String>,
    /// Write the document to this file instead of standard output
    #[arg(long = "output", short = 'o', value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) file: Option<PathBuf>,
    #[arg(skip)]
    documents: PhantomData<fn(D)>,
}

impl<D: Document> Default for Output<D> {
    fn default() -> Self {
        Self {
            format: None,
            file: None,
            documents: PhantomData,
        }
    }
}

/// The formats that show such documents.
fn formats<D: Document>() -> clap::builder::PossibleValuesParser {
    let value = |row: &FormatRow| {
        let extensions: Vec<String> = row.extensions.iter().map(|name| format!(".{name}")).collect();
        let about = match extensions.as_slice() {
            [] => row.about.to_owned(),
            extensions => format!("{} ({})", row.about, extensions.join(", ")),
        };
        PossibleValue::new(row.name).help(about)
    };
    let shown = FORMATS.iter().filter(|row| D::renderer(row).is_some());
    shown.map(value).collect::<Vec<_>>().into()
}
