//! `slim diff`: read both images, say what changed and what it costs.

use super::args::DiffArgs;
use super::exit::Failure;
use super::platforms::{self, Pair};
use super::session::{Purpose, Session};
use super::{choose, out};
use crate::classify::Classifier;
use crate::layer::Detail;
use crate::pipeline::{self, Analysis};
use crate::report::{BudgetRow, Diff, DiffImage, ImageRow, Report, Side};

pub(super) fn run(args: &DiffArgs, session: &Session) -> Result<(), Failure> {
    let form = out::form(&args.output)?;
    let documents = documents(&args.old, &args.new, session)?;
    session.finish();
    form.write(&documents)
}

/// What changed from `old` to `new`: a document for each platform.
pub(super) fn documents(old: &str, new: &str, session: &Session) -> Result<Vec<Diff>, Failure> {
    let classifier = choose::classifier()?;
    judged(old, new, &classifier, session, &|_, _, _| Ok(Vec::new()))
}

/// What judges the new image of a comparison: its analysis, and the reports on the new and the old one.
pub(super) type Judge<'a> = dyn Fn(&Analysis, &Report, &Report) -> Result<Vec<BudgetRow>, Failure> + 'a;

/// The same, with budgets.
pub(super) fn judged(
    old: &str,
    new: &str,
    classifier: &Classifier,
    session: &Session,
    judge: &Judge<'_>,
) -> Result<Vec<Diff>, Failure> {
    let old = session.whole(old, Purpose::Once(Detail::Fingerprints))?.root;
    let new = session.whole(new, Purpose::Once(Detail::Fingerprints))?.root;
    let pairs = platforms::pairs(old, new, session);
    platforms::each(pairs, session, |pair| compare(pair, classifier, judge, session))
}

fn compare(
    pair: Pair,
    classifier: &Classifier,
    judge: &Judge<'_>,
    session: &Session,
) -> Result<Diff, Failure> {
    let (old, new) = match (pair.original, pair.slimmed) {
        (Some(old), Some(new)) => (old, new),
        (old, new) => return Ok(one_sided(old.as_ref(), new.as_ref())),
    };
    let read = |image, known: Option<&Analysis>| {
        pipeline::analyze_beside(
            image,
            known,
            classifier,
            &[],
            Detail::Fingerprints,
            &session.settings,
        )
    };
    let platform = new.platform.to_string();
    let indexes = [&old, &new].map(|side| side.index.as_ref().map(ToString::to_string));
    let old = read(old.image, None)?;
    let new = read(new.image, Some(&old))?;
    let side = |analysis: &Analysis, index: &Option<String>| {
        let side = Side::new(&analysis.image, &analysis.map, &analysis.attribution, classifier);
        match index {
            Some(index) => side.of_index(index.clone(), platform.clone()),
            None => side,
        }
    };
    let old = side(&old, &indexes[0]);
    let (new, analysis) = (side(&new, &indexes[1]), new);
    let mut diff = Diff::new(&old, &new);
    diff.budgets = judge(&analysis, new.report(), old.report())?;
    Ok(diff)
}

/// A platform that one side does not have.
fn one_sided(old: Option<&platforms::Side>, new: Option<&platforms::Side>) -> Diff {
    let platform = new.or(old).map(|side| side.platform.to_string());
    let image = |side: &platforms::Side| {
        let index = side.index.as_ref().map(ToString::to_string);
        DiffImage::named(ImageRow::new(&side.image), index)
    };
    Diff::one_sided(platform.unwrap_or_default(), old.map(image), new.map(image))
}
