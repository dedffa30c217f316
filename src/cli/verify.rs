//! `slim verify`: read both images, compare, say yes or name what differs.

use super::args::VerifyArgs;
use super::choose::Chosen;
use super::exit::{Code, Failure};
use super::platforms::{Pair, Side};
use super::session::{Purpose, Session};
use super::{choose, out, plan, platforms};
use crate::image::ImageName;
use crate::layer::Detail;
use crate::pipeline;
use crate::report::{Count, ImageRef, VerifyCounts, VerifyDocument};
use crate::verify;

pub(super) fn run(args: &VerifyArgs, session: &Session) -> Result<(), Failure> {
    let form = out::form(&args.output)?;
    let chosen = choose::chosen(&args.selection)?;
    let original = session.whole(&args.original, args.selection.purpose())?.root;
    let slimmed = session.whole(&args.slimmed, Purpose::Look)?.root;
    let names = [original.name().clone(), slimmed.name().clone()];
    let pairs = platforms::pairs(original, slimmed, session);
    let documents = platforms::each(pairs, session, |pair| compare(pair, &names, &chosen, session))?;
    session.finish();
    form.write(&documents)?;
    if documents.iter().all(|document| document.ok) {
        Ok(())
    } else {
        Err(Failure::new(Code::Failed, ""))
    }
}

fn compare(
    pair: Pair,
    names: &[ImageName; 2],
    chosen: &Chosen,
    session: &Session,
) -> Result<VerifyDocument, Failure> {
    let (original, slimmed) = match (pair.original, pair.slimmed) {
        (Some(original), Some(slimmed)) => (original, slimmed),
        (original, slimmed) => return Ok(missing(original.as_ref(), slimmed.as_ref(), names)),
    };
    let refer = |side: &Side| ImageRef {
        platform: side.platform.to_string(),
        index: side.index.as_ref().map(ToString::to_string),
        ..(&side.image).into()
    };
    let (from, to) = (refer(&original), refer(&slimmed));
    let analysis = pipeline::analyze(
        original.image,
        &chosen.classifier,
        chosen.locales(),
        Detail::Fingerprints,
        &session.settings,
    )?;
    // What the selection would have removed may be gone; a path that must stay is no reason to stop here.
    let plan = plan::decide(&analysis, chosen, session)?.plan;
    let verdict = pipeline::verify_images(&analysis, &plan, &slimmed.image, &session.settings)?;
    let counts = VerifyCounts {
        identical: count(verdict.identical),
        removed: count(verdict.removed),
        changed: count(verdict.changed),
    };
    let unexpected = verdict
        .unexpected
        .iter()
        .map(|difference| (difference.path.clone(), difference.what.clone()));
    Ok(VerifyDocument::new(from, to, None, counts, unexpected))
}

/// A platform that one side does not have: a difference like any other.
fn missing(original: Option<&Side>, slimmed: Option<&Side>, names: &[ImageName; 2]) -> VerifyDocument {
    let [from, to] = names;
    let platform = original.or(slimmed).map(|side| side.platform.to_string());
    let platform = platform.unwrap_or_default();
    let without = if original.is_some() { to } else { from };
    let difference = format!("the platform {platform} is missing in {}", without.reference);
    let refer = |side: Option<&Side>, name: &ImageName| ImageRef {
        reference: name.reference.clone(),
        digest: side.and_then(|side| side.image.digest().map(ToString::to_string)),
        transport: name.transport.to_owned(),
        platform: platform.clone(),
        index: side.and_then(|side| side.index.as_ref().map(ToString::to_string)),
    };
    VerifyDocument::new(
        refer(original, from),
        refer(slimmed, to),
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
