//! Where documents go: standard output, or a file that is there whole or not at all.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use serde::Serialize;

use super::args::Output;
use super::exit::{Code, Failure};
use super::session;
use crate::report::Style;

/// Writes `document` in the format asked for; `text` draws it for people at the given width.
pub(super) fn document<T: Serialize>(
    output: &Output,
    document: &T,
    text: impl FnOnce(&T, &Style, usize, &mut String),
) -> Result<(), Failure> {
    let mut page = String::new();
    if output.format == "json" {
        page = serde_json::to_string_pretty(document).map_err(|error| Failure::new(Code::Failed, error))?;
        page.push('\n');
    } else {
        let is_terminal = output.output.is_none() && io::stdout().is_terminal();
        text(document, &session::style(is_terminal), session::width(), &mut page);
    }
    match &output.output {
        Some(path) => file(path, page.as_bytes()),
        None => bytes(page.as_bytes()),
    }
}

/// Writes to standard output. A reader that went away (`slim report … | head`) is no failure.
pub(super) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Code::Write, format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

fn file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(Code::Write, format!("cannot write {}: {error}", path.display()));
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().permissions(readable()).tempfile_in(directory).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// A document is for others to read, unlike the temporary file that it begins as.
fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}
