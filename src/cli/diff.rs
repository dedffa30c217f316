//! `slim diff`: read both images, or what was saved of them; say what changed and what it costs.

use std::sync::Arc;

use super::args::{DiffArgs, Wanted};
use super::exit::Failure;
#[cfg(feature = "tui")]
use super::explore;
use super::platforms::{self, Pair};
use super::saved_report::{self, Given};
use super::session::{Purpose, Session};
use super::{choose, out};
use crate::classify::Classifier;
use crate::layer::Detail;
use crate::pipeline::{self, Analysis};
use crate::report::{BudgetRow, Diff, DiffImage, ImageRow, Report, Side};

/// The detail that sums need.
const SUMS: Detail = Detail::Facts;

pub(super) fn run(args: &DiffArgs, session: &Arc<Session>) -> Result<(), Failure> {
    #[cfg(feature = "tui")]
    if explore::shows(args) {
        return explore::compare(args, session);
    }
    let form = out::form(&args.output)?;
    let classifier = choose::classifier()?;
    let documents = judged(&args.old, &args.new, &classifier, session, &|_, _, _| {
        Ok(Vec::new())
    })?;
    session.finish();
    form.write(&documents)
}

/// What judges the new image of a comparison: its analysis, the report on it, and the one on the old image where there is
/// one.
pub(super) type Judge<'a> =
    dyn Fn(&Analysis, &Report, Option<&Report>) -> Result<Vec<BudgetRow>, Failure> + 'a;

/// What changed from `old` to `new`, a document for each platform, with what `judge` says of the new image.
pub(super) fn judged(
    old: &str,
    new: &str,
    classifier: &Classifier,
    session: &Session,
    judge: &Judge<'_>,
) -> Result<Vec<Diff>, Failure> {
    let saved = (saved_report::open(old)?, saved_report::open(new)?);
    // What streams past is learnt in the detail in which it is asked for.
    let detail = match &saved {
        (None, None) => Detail::Fingerprints,
        _ => SUMS,
    };
    let old = Given::find(old, saved.0, Purpose::Once(detail), session)?;
    let new = Given::find(new, saved.1, Purpose::Once(detail), session)?;
    match (old, new) {
        (Given::Image(old), Given::Image(new)) => {
            let pairs = platforms::pairs(old, new, session);
            platforms::each(pairs, session, |pair| compare(pair, classifier, judge, session))
        }
        (old, new) => sums(old, new, classifier, session, judge),
    }
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
    diff.budgets = judge(&analysis, new.report(), Some(old.report()))?;
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

/// A side of which sums are compared; its analysis, where it was not saved.
struct Summed {
    side: Side,
    analysis: Option<Analysis>,
}

impl Summed {
    fn platform(&self) -> &str {
        &self.side.report().image.platform
    }

    fn image(&self) -> DiffImage {
        self.side.image()
    }
}

/// The same where one side was saved: sums, layers, categories and packages.
fn sums(
    old: Given,
    new: Given,
    classifier: &Classifier,
    session: &Session,
    judge: &Judge<'_>,
) -> Result<Vec<Diff>, Failure> {
    let platforms_of = |given: &Given| match given {
        Given::Saved(all) => Some(
            all.iter()
                .map(|one| one.image.platform.clone())
                .collect::<Vec<_>>(),
        ),
        Given::Image(_) => None,
    };
    let (of_old, of_new) = (platforms_of(&old), platforms_of(&new));
    let mut old = summed(old, of_new.as_deref(), classifier, session)?;
    let new = summed(new, of_old.as_deref(), classifier, session)?;
    let is_one = old.len() == 1 && new.len() == 1;
    let mut out = Vec::new();
    for new in new {
        let same = |old: &Summed| is_one || old.platform() == new.platform();
        let old = old.iter().position(same).map(|at| old.remove(at));
        let mut diff = match &old {
            Some(old) => Diff::new(&old.side, &new.side),
            None => Diff::one_sided(new.platform().to_owned(), None, Some(new.image())),
        };
        if let Some(analysis) = &new.analysis {
            let before = old.as_ref().map(|old| old.side.report());
            diff.budgets = judge(analysis, new.side.report(), before)?;
        }
        out.push(diff);
    }
    let gone = |old: Summed| Diff::one_sided(old.platform().to_owned(), Some(old.image()), None);
    out.extend(old.into_iter().map(gone));
    Ok(out)
}

/// Every image of one side. Of an index beside what was saved of some platforms only those are taken, unless all are
/// asked for.
fn summed(
    given: Given,
    others: Option<&[String]>,
    classifier: &Classifier,
    session: &Session,
) -> Result<Vec<Summed>, Failure> {
    let root = match given {
        Given::Saved(reports) => {
            let side = |report| Summed {
                side: Side::saved(report),
                analysis: None,
            };
            return Ok(reports.into_iter().map(side).collect());
        }
        Given::Image(root) => root,
    };
    let mut sides: Vec<platforms::Side> = platforms::alone(root)
        .into_iter()
        .filter_map(|pair| pair.slimmed)
        .collect();
    let is_other = |side: &platforms::Side| {
        let platform = side.platform.to_string();
        others.is_some_and(|others| others.contains(&platform))
    };
    if session.wanted() != Some(&Wanted::All) && sides.iter().any(is_other) {
        sides.retain(is_other);
    }
    let read = |of: platforms::Side| {
        let analysis = pipeline::analyze(of.image, classifier, &[], SUMS, &session.settings)?;
        let side = Side::sums(&analysis.image, &analysis.map, &analysis.attribution, classifier);
        let side = match of.index {
            Some(index) => side.of_index(index.to_string(), of.platform.to_string()),
            None => side,
        };
        Ok(Summed {
            side,
            analysis: Some(analysis),
        })
    };
    sides.into_iter().map(read).collect()
}
