//! `slim extract`: a file or a directory of an image, put onto the disk.

use std::fmt::Write;
use std::path::Path;

use super::args::ExtractArgs;
use super::exit::Failure;
use super::session::Session;
use super::{look, out};
use crate::bytesize::ByteSize;
use crate::inside::{self, Existing, ExtractOptions, Extracted, Follow, InsideError, Owners};
use crate::layer::Detail;
use crate::report::{json_path, printable};

/// How many paths that were left out are listed.
const LISTED: usize = 20;

pub(super) fn run(args: &ExtractArgs, session: &Session) -> Result<(), Failure> {
    let options = ExtractOptions {
        owners: if args.owners { Owners::Kept } else { Owners::Mine },
        existing: if args.overwrite {
            Existing::Replace
        } else {
            Existing::Refuse
        },
    };
    let looked = look::read(&args.image, Detail::Facts, session)?;
    let sight = looked.sight(&args.view)?;
    let node = looked.find(&sight, &args.path, Follow::Nothing)?;
    let source = looked.source(session, &session.settings.progress);
    let extracted = inside::extract(&source, &sight, node, &args.target, options);
    session.finish();
    let extracted = extracted.map_err(|error| match error {
        InsideError::Exists(path) => Failure::usage(format!(
            "{} is there already; --overwrite replaces files, and nothing was written",
            path.display()
        )),
        error => error.into(),
    })?;
    out::bytes(summary(&extracted, &args.target).as_bytes())
}

/// What was taken out and what was not: escaped, a few lines.
pub(super) fn summary(extracted: &Extracted, target: &Path) -> String {
    let count = |count: u64, one: &str, many: &str| {
        let noun = if count == 1 { one } else { many };
        format!("{} {noun}", crate::report::text::number(count))
    };
    let mut text = format!(
        "{}, {}, {}: {} in {}\n",
        count(extracted.files, "file", "files"),
        count(extracted.directories, "directory", "directories"),
        count(extracted.symlinks, "symlink", "symlinks"),
        ByteSize(extracted.bytes),
        printable(&target.display().to_string())
    );
    let skipped = &extracted.skipped;
    for row in skipped.iter().take(LISTED) {
        // Writing into a `String` cannot fail.
        let _ = writeln!(
            text,
            "left out {}: {}",
            printable(&json_path(&row.path)),
            printable(&row.why)
        );
    }
    if skipped.len() > LISTED {
        let _ = writeln!(text, "and {} more left out", skipped.len() - LISTED);
    }
    text
}
