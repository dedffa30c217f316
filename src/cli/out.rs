//! Where documents go: standard output, or a file that is there whole or not at all.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use super::args::Output;
use super::environment;
use super::exit::{Code, Failure};
use crate::report::{self, Document, FORMATS, FormatRow, Page, Renderer, ReportError};
use crate::scratch;

/// What annotations point at where nothing else is named.
const DOCKERFILE: &str = "Dockerfile";
/// A document is for others to read, unlike other temporary files.
const READABLE: u32 = 0o644;

/// The form of a document and where it goes, known before any work is done for it.
pub(super) struct Form<'a, D> {
    format: &'static FormatRow,
    renderer: Renderer<D>,
    file: Option<&'a Path>,
    dockerfile: &'a str,
}

/// What was asked for. A form that such documents do not have is an error.
pub(super) fn form<D: Document, Offered: Document>(output: &Output<Offered>) -> Result<Form<'_, D>, Failure> {
    let file = output.file.as_deref();
    let (format, renderer) = report::choose(output.format.as_deref(), file).map_err(Failure::usage)?;
    Ok(Form {
        format,
        renderer,
        file,
        dockerfile: DOCKERFILE,
    })
}

impl<'a, D> Form<'a, D> {
    /// The same, with annotations that point at `dockerfile`.
    pub(super) fn annotating(self, dockerfile: &'a str) -> Self {
        Self { dockerfile, ..self }
    }

    /// The format.
    pub(super) fn format(&self) -> &'static FormatRow {
        self.format
    }

    /// Whether nothing else than the usual was asked for: text on standard output.
    pub(super) fn is_usual(&self) -> bool {
        self.file.is_none() && self.format.name == FORMATS[0].name
    }

    /// Renders documents, and writes them where they were asked for.
    pub(super) fn write(&self, documents: &[D]) -> Result<(), Failure> {
        rendered(self.file, self.dockerfile, |page| {
            (self.renderer)(documents, page)
        })
    }
}

/// Writes documents to a file, in the form that its extension names, else as JSON.
pub(super) fn saved<D: Document>(path: &Path, documents: &[D]) -> Result<(), Failure> {
    let name = report::format_of(path).map_or("json", |format| format.name);
    let (_, renderer) = report::choose::<D>(Some(name), None).map_err(Failure::usage)?;
    rendered(Some(path), DOCKERFILE, |page| renderer(documents, page))
}

/// Renders a document and writes it to a file, or to standard output where there is none.
fn rendered(
    output: Option<&Path>,
    dockerfile: &str,
    render: impl FnOnce(&Page<'_>) -> Result<String, ReportError>,
) -> Result<(), Failure> {
    let is_terminal = output.is_none() && io::stdout().is_terminal();
    let page = Page {
        style: environment::style(is_terminal),
        width: environment::width(),
        dockerfile,
    };
    let text = render(&page).map_err(|error| Failure::new(Code::Failed, error))?;
    match output {
        Some(path) => file(path, text.as_bytes()),
        None => bytes(text.as_bytes()),
    }
}

/// Writes to standard output. A reader that went away (`slim report … | head`) is no failure.
pub(super) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            Code::Write,
            format!("cannot write to standard output: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Writes a file that is there whole or not at all.
pub(super) fn file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed =
        |error: io::Error| Failure::new(Code::Write, format!("cannot write {}: {error}", path.display()));
    // A symlink stays, and what it points at is replaced; a device or a pipe is written to.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(path).map(|found| found.file_type()) {
        Ok(kind) if kind.is_dir() => return Err(failed(io::ErrorKind::IsADirectory.into())),
        Ok(kind) if !kind.is_file() => {
            let opened = File::options().write(true).open(path);
            return opened.and_then(|mut file| file.write_all(bytes)).map_err(failed);
        }
        _ => {}
    }
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    scratch::sweep(directory);
    let mut file = scratch::file_in(directory, READABLE).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    scratch::sync_names(directory).map_err(failed)
}
