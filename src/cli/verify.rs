//! `slim verify`: read both images, compare, say yes or name what differs.

use super::args::{SelectionArgs, VerifyArgs};
use super::choose::Chosen;
use super::exit::{Code, Failure};
use super::platforms::{Pair, Side};
use super::saved_plan::Saved;
use super::session::{Purpose, Session};
use super::{choose, out, plan, platforms};
use crate::image::{Image, ImageName};
use crate::layer::Detail;
use crate::pipeline;
use crate::report::{Count, ImageRef, VerifyCounts, VerifyDocument};
use crate::rewrite;
use crate::transport::{Attached, Whole};
use crate::verify;

pub(super) fn run(args: &VerifyArgs, session: &Session) -> Result<(), Failure> {
    let form = out::form(&args.output)?;
    let chosen = choose::chosen(&args.selection)?;
    let Whole {
        root: slimmed,
        attached,
    } = session.whole(&args.slimmed, Purpose::Once(Detail::Fingerprints))?;
    let lists = (args.selection == SelectionArgs::default()).then_some(Lists(attached));
    // What a list strips is read twice.
    let purpose = lists
        .as_ref()
        .map_or(args.selection.purpose(), |_| Purpose::LookTwice);
    let original = session.whole(&args.original, purpose)?.root;
    let names = [original.name().clone(), slimmed.name().clone()];
    let pairs = platforms::pairs(original, slimmed, session);
    let documents = platforms::each(pairs, session, |pair| {
        compare(pair, &names, &chosen, lists.as_ref(), session)
    })?;
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
    lists: Option<&Lists>,
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
    let attached = match lists {
        Some(lists) => lists.find(&original.image, &slimmed.image, session)?,
        None => None,
    };
    let saved = attached.as_ref().or(chosen.saved.as_ref());
    let analysis = pipeline::analyze(
        original.image,
        &chosen.classifier,
        chosen.locales(),
        Detail::Fingerprints,
        &session.settings,
    )?;
    let plan = match saved {
        Some(saved) => saved.decide(&analysis, &chosen.classifier, session)?.plan,
        None => plan::decide(&analysis, chosen, session)?.plan,
    };
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
    let plan = saved.map(|saved| saved.name().to_owned());
    Ok(VerifyDocument::new(from, to, plan, counts, unexpected))
}

/// The lists that are attached to slim images.
struct Lists(Attached);

impl Lists {
    /// The list of what went from `original`, where `slimmed` names one that is there; else that is said.
    fn find(&self, original: &Image, slimmed: &Image, session: &Session) -> Result<Option<Saved>, Failure> {
        let Some(digest) = rewrite::list_of(slimmed) else {
            return Ok(None);
        };
        let instead = "comparing with the default profile";
        let Some(text) = self.0.document(&digest) else {
            session.note(&format!(
                "the list of what was removed, {digest}, is not there; {instead}"
            ));
            return Ok(None);
        };
        let list = Saved::parse(format!("attached list {digest}"), &text)?;
        if !list.is_for(original) {
            session.note(&format!(
                "the list of what was removed is for another image; {instead}"
            ));
            return Ok(None);
        }
        Ok(Some(list))
    }
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
