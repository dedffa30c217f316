//! `slim verify`: read both images, compare, say yes or name what differs.

use super::args::VerifyArgs;
use super::choose::Chosen;
use super::exit::{Code, Failure};
use super::platforms::{Pair, Side};
use super::session::{Purpose, Session};
use super::{choose, out, plan, platforms};
use crate::layer::Detail;
use crate::pipeline;
use crate::report::{Count, ImageRef, VerifyCounts, VerifyDocument};
use crate::verify;

pub(super) fn run(args: &VerifyArgs, session: &Session) -> Result<(), Failure> {
    let chosen = choose::chosen(&args.selection)?;
    let original = session.whole(&args.original, Purpose::Look)?.root;
    let slimmed = session.whole(&args.slimmed, Purpose::Look)?.root;
    let pairs = platforms::pairs(original, slimmed, session);
    let documents = platforms::each(pairs, session, |pair| compare(pair, &chosen, args, session))?;
    session.finish();
    out::document(&args.output, |format, page| (format.verify)(&documents, page))?;
    if documents.iter().all(|document| document.ok) {
        Ok(())
    } else {
        Err(Failure::new(Code::Failed, ""))
    }
}

fn compare(
    pair: Pair,
    chosen: &Chosen,
    args: &VerifyArgs,
    session: &Session,
) -> Result<VerifyDocument, Failure> {
    let (original, slimmed) = match (pair.original, pair.slimmed) {
        (Some(original), Some(slimmed)) => (original, slimmed),
        (original, slimmed) => return Ok(missing(original, slimmed, args)),
    };
    let refer = |side: &Side| ImageRef {
        platform: side.platform.to_string(),
        index: side.index.as_ref().map(ToString::to_string),
        ..(&side.image).into()
    };
    let (from, to) = (refer(&original), refer(&slimmed));
    let locales = &chosen.selection.choice().locales;
    let analysis = pipeline::analyze(
        original.image,
        &chosen.classifier,
        locales,
        Detail::Fingerprints,
        &session.settings,
    )?;
    // What the selection would have removed may be gone; a path that must stay is no reason to stop here.
    let plan = plan::plan(&analysis, chosen)?;
    let verdict = pipeline::verify_images(&analysis, &plan, &slimmed.image, &session.settings)?;
    let counts = VerifyCounts {
        identical: count(verdict.identical),
        removed: count(verdict.removed),
        changed: Count::default(),
    };
    let unexpected = verdict
        .unexpected
        .iter()
        .map(|difference| (difference.path.clone(), difference.what.clone()));
    Ok(VerifyDocument::new(from, to, None, counts, unexpected))
}

/// A platform that one side does not have: a difference like any other.
fn missing(original: Option<Side>, slimmed: Option<Side>, args: &VerifyArgs) -> VerifyDocument {
    let what = |side: &Side| format!("the platform {}", side.platform);
    let difference = match (&original, &slimmed) {
        (Some(side), _) => format!("{} is missing in {}", what(side), args.slimmed),
        (None, Some(side)) => format!("{} is missing in {}", what(side), args.original),
        (None, None) => "both hold no image".to_owned(),
    };
    let platform = original.as_ref().or(slimmed.as_ref());
    let platform = platform.map(|side| side.platform.to_string()).unwrap_or_default();
    let refer = |side: Option<&Side>, text: &str| {
        let known = side.map(|side| ImageRef {
            index: side.index.as_ref().map(ToString::to_string),
            ..(&side.image).into()
        });
        let unknown = ImageRef {
            reference: text.to_owned(),
            digest: None,
            transport: text.split(':').next().unwrap_or_default().to_owned(),
            platform: String::new(),
            index: None,
        };
        ImageRef {
            platform: platform.clone(),
            ..known.unwrap_or(unknown)
        }
    };
    VerifyDocument::new(
        refer(original.as_ref(), &args.original),
        refer(slimmed.as_ref(), &args.slimmed),
        None,
        VerifyCounts::default(),
        [(Vec::new(), difference)],
    )
}

/// The comparison's counts as documents have them.
pub(super) fn count(count: verify::Count) -> Count {
    Count {
        files: count.files,
        bytes: count.bytes,
    }
}
