//! Reports that were saved, wherever a command takes an image or a report of one.
//!
//! A module of its own because `report`, `diff`, `check` and `comment` all take either.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::exit::{Code, Failure};
use super::session::{Purpose, Session};
use crate::report::{Report, is_document, saved_reports};
use crate::transport::Root;

/// How much of a file is looked at to see what it is: a tar's first header.
const HEAD: u64 = 512;

/// What was given where a command takes an image or a saved report of one; not read yet, where it is an image.
pub(super) enum Given {
    /// An image, or an index of them.
    Image(Root),
    /// What was saved of one, or of each platform.
    Saved(Vec<Report>),
}

impl Given {
    /// What `text` names: `saved`, where [`open`] found reports, else an image, which is read for this purpose.
    pub(super) fn find(
        text: &str,
        saved: Option<Vec<Report>>,
        purpose: Purpose,
        session: &Session,
    ) -> Result<Self, Failure> {
        match saved {
            Some(saved) => Ok(Self::Saved(saved)),
            None => session.whole(text, purpose).map(|whole| Self::Image(whole.root)),
        }
    }
}

/// The reports that the file `text` holds; `None` where it names no file, or one that is no JSON.
pub(super) fn open(text: &str) -> Result<Option<Vec<Report>>, Failure> {
    let path = Path::new(text);
    if !path.is_file() {
        // No image is called so: asking a registry for it would hide the mistake.
        let is_meant = !text.contains(':') && path.extension().is_some_and(|extension| extension == "json");
        return if is_meant {
            Err(Failure::new(Code::Read, format!("{text}: no such file")))
        } else {
            Ok(None)
        };
    }
    let unread = |error| Failure::new(Code::Read, format!("{text}: {error}"));
    let mut head = Vec::new();
    let file = File::open(path).map_err(unread)?;
    file.take(HEAD).read_to_end(&mut head).map_err(unread)?;
    if !is_document(&head) {
        return Ok(None);
    }
    let whole = fs::read(path).map_err(unread)?;
    let reports = saved_reports(&whole).map_err(|error| Failure::usage(format!("{text}: {error}")))?;
    Ok(Some(reports))
}
