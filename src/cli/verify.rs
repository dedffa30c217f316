//! `slim verify`: read both images, compare, say yes or name what differs.

use super::args::VerifyArgs;
use super::exit::{Code, Failure};
use super::session::{Purpose, Session};
use super::{choose, out, plan};
use crate::layer::Detail;
use crate::pipeline;
use crate::report::{Count, VerifyCounts, VerifyDocument};
use crate::verify;

pub(super) fn run(args: &VerifyArgs, session: &Session) -> Result<(), Failure> {
    let chosen = choose::chosen(&args.selection)?;
    let original = session.open(&args.original, Purpose::Look)?.image;
    let slimmed = session.open(&args.slimmed, Purpose::Look)?.image;
    let locales = &chosen.selection.choice().locales;
    let analysis = pipeline::analyze(
        original,
        &chosen.classifier,
        locales,
        Detail::Fingerprints,
        &session.settings,
    )?;
    // What the selection would have removed may be gone; a path that must stay is no reason to stop here.
    let plan = plan::plan(&analysis, &chosen)?;
    let verdict = pipeline::verify_images(&analysis, &plan, &slimmed, &session.settings)?;
    session.finish();
    let counts = VerifyCounts {
        identical: count(verdict.identical),
        removed: count(verdict.removed),
        changed: Count::default(),
    };
    let unexpected = verdict
        .unexpected
        .iter()
        .map(|difference| (difference.path.clone(), difference.what.clone()));
    let document = VerifyDocument::new(
        (&analysis.image).into(),
        (&slimmed).into(),
        None,
        counts,
        unexpected,
    );
    out::document(&args.output, |format, page| (format.verify)(&[document], page))?;
    if verdict.ok() {
        Ok(())
    } else {
        Err(Failure::new(Code::Failed, ""))
    }
}

/// The comparison's counts as documents have them.
pub(super) fn count(count: verify::Count) -> Count {
    Count {
        files: count.files,
        bytes: count.bytes,
    }
}
