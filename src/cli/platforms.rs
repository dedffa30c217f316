//! Commands over every platform of an index: one after the other, and written as one index (rule 20).
//!
//! A module of its own because the commands know one image each. Nothing is published before every platform is
//! slimmed and proven; a platform that cannot be is named, and ends the run.

use super::args::Wanted;
use super::exit::{Code, Failure};
use super::out;
use super::session::Session;
use super::write::{Job, Told, document, lender, tell};
use crate::image::{Dropped, Image, ImageIndex, Note, Rebuilt};
use crate::layer::Warning;
use crate::oci::{Digest, Family, Platform};
use crate::report::{PlanDocument, WarningRow};
use crate::transport::{Attached, Root, Target, Written};

/// What a platform is worked on with: an image, or two that are compared.
pub(super) trait OfPlatform {
    /// What the work calls one.
    type Work;

    /// The platform's name, and the work.
    fn split(self) -> (String, Self::Work);
}

impl OfPlatform for (Platform, Image) {
    type Work = Image;

    fn split(self) -> (String, Image) {
        (self.0.to_string(), self.1)
    }
}

/// Does `work` for one platform after the other. Of several, it is said whose turn it is, and an error says
/// which one it is about.
pub(super) fn each<P: OfPlatform, D>(
    all: Vec<P>,
    session: &Session,
    mut work: impl FnMut(P::Work) -> Result<D, Failure>,
) -> Result<Vec<D>, Failure> {
    let count = all.len();
    let mut out = Vec::with_capacity(count);
    for (at, one) in all.into_iter().enumerate() {
        let (platform, one) = one.split();
        if count == 1 {
            out.push(work(one)?);
            continue;
        }
        session.note(&format!("{platform} ({} of {count})", at + 1));
        out.push(work(one).map_err(|failure| about(&platform, failure))?);
    }
    Ok(out)
}

fn about(platform: &str, failure: Failure) -> Failure {
    if failure.code == Code::Interrupted || failure.message.is_empty() {
        return failure;
    }
    let message = format!("{platform}: {}", failure.message);
    Failure { message, ..failure }
}

/// What can be written to the target: docker archives and engines take the one image of an index of one, and no index
/// of more.
pub(super) fn fitting(root: Root, job: &Job<'_>) -> Result<Root, Failure> {
    let index = match (root, job.target) {
        (Root::Index(index), _) if index.images().is_empty() => {
            return Err(Failure::new(
                Code::Read,
                format!("{}: the index lists no image", job.source),
            ));
        }
        (Root::Index(index), Target::DockerArchive { .. } | Target::Engine { .. }) => index,
        (root, _) => return Ok(root),
    };
    let images = index.images();
    let [(platform, only)] = images.as_slice() else {
        let names: Vec<String> = images.iter().map(|(platform, _)| platform.to_string()).collect();
        return Err(Failure::usage(format!(
            "{} is an index of {} platforms and {} one; choose with --platform: {}",
            job.source,
            names.len(),
            if matches!(job.target, Target::Engine { .. }) {
                "an engine takes"
            } else {
                "a docker archive holds"
            },
            names.join(", ")
        )));
    };
    job.session.note(&format!(
        "{}: one image, {platform}, out of an index of one: docker archives and engines hold no index",
        job.source
    ));
    Ok(Root::Image(Box::new((*only).clone())))
}

/// Writes every platform of an index, and tells what was done; or plans, for `--dry-run`.
pub(super) fn write(index: &ImageIndex, attached: &Attached, job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session;
    if job.args.dry_run {
        let plans: Vec<PlanDocument> = each(distinct(index), session, |image| job.plan(image))?;
        session.finish();
        return out::form(&job.args.output)?.write(&plans);
    }
    let (told, written) = publish(index, attached, job)?;
    tell(&told, &written, job)
}

/// Slims every platform, proves each, and then writes the index.
pub(super) fn publish(
    index: &ImageIndex,
    attached: &Attached,
    job: &Job<'_>,
) -> Result<(Vec<Told>, Written), Failure> {
    let session = job.session;
    let images = distinct(index);
    let store = session.staging()?;
    let names: Vec<String> = images.iter().map(|(platform, _)| platform.to_string()).collect();
    let mut results: Vec<(Digest, Image)> = Vec::new();
    let mut leftovers = Vec::new();
    let mut told = each(images, session, |image| {
        let mut made = job.make(image, &store)?;
        leftovers.extend(made.leftovers.take());
        let staged = &made.slimmed.rewritten.image;
        let written = Written {
            reference: job.target.reference(),
            digest: staged.digest().unwrap_or(&staged.config.id().0).clone(),
            unattached: None,
        };
        let document = document(&made, &written);
        if let (false, Some(source)) = (made.slimmed.rewritten.is_source, made.analysis.image.digest()) {
            results.push((source.clone(), staged.clone()));
        }
        Ok(Told {
            document,
            verdict: made.slimmed.verdict,
        })
    })?;
    let family = (!matches!(job.target, Target::Registry(_))).then_some(Family::Oci);
    let rebuilt = index
        .rebuilt(&results, family)
        .map_err(|error| Failure::new(Code::Write, error))?;
    if session.was_interrupted() {
        return Err(Failure::interrupted());
    }
    let kept = job.keep(&leftovers)?;
    let written = session.write_index(&rebuilt.index, job.target, lender(job.source, session).as_ref())?;
    let mut changed: Vec<Digest> = results.into_iter().map(|(source, _)| source).collect();
    if rebuilt.index.digest() != index.digest() {
        changed.push(index.digest().clone());
    }
    let outside = attached.to(&changed);
    session.finish();
    for (one, name) in told.iter_mut().zip(names) {
        one.document.source.platform.clone_from(&name);
        one.document.result.platform = name;
        one.document.leftovers.clone_from(&kept);
    }
    complete(&mut told, index, &written, rebuilt, outside);
    Ok((told, written))
}

/// Each image once, however many rows it stands in.
pub(super) fn distinct(index: &ImageIndex) -> Vec<(Platform, Image)> {
    let mut seen: Vec<&Digest> = Vec::new();
    let mut out = Vec::new();
    for (platform, image) in index.images() {
        if image.digest().is_some_and(|digest| seen.contains(&digest)) {
            continue;
        }
        seen.extend(image.digest());
        out.push((platform, image.clone()));
    }
    out
}

/// What only shows when the whole index is there: its digests, and what was dropped. A manifest that spoke of
/// a platform stands with that platform, every other with the first.
fn complete(
    told: &mut [Told],
    index: &ImageIndex,
    written: &Written,
    rebuilt: Rebuilt,
    outside: Vec<Dropped>,
) {
    for one in told.iter_mut() {
        one.document.source.index = Some(index.digest().to_string());
        one.document.result.index = Some(written.digest.to_string());
    }
    let mut listed: Vec<Digest> = Vec::new();
    for Dropped { digest, subject } in rebuilt.dropped.into_iter().chain(outside) {
        if listed.contains(&digest) {
            continue;
        }
        if let Some(one) = place(told, &subject) {
            one.document.dropped_manifests.push(digest.to_string());
        }
        listed.push(digest);
    }
    for Note { about, message } in rebuilt.notes {
        if let Some(one) = place(told, &about) {
            one.document.warnings.push(WarningRow::from(&Warning {
                code: "key-dropped".into(),
                path: Vec::new(),
                message,
            }));
        }
    }
}

fn place<'a>(told: &'a mut [Told], about: &Digest) -> Option<&'a mut Told> {
    let about = about.to_string();
    let at = told
        .iter()
        .position(|one| one.document.source.digest.as_ref() == Some(&about));
    told.get_mut(at.unwrap_or(0))
}

/// One side of a comparison.
pub(super) struct Side {
    pub(super) platform: Platform,
    pub(super) image: Image,
    /// The index that it stands in.
    pub(super) index: Option<Digest>,
}

/// The two images of one platform; where one side has none, that one is missing.
pub(super) struct Pair {
    pub(super) original: Option<Side>,
    pub(super) slimmed: Option<Side>,
}

impl OfPlatform for Pair {
    type Work = Self;

    fn split(self) -> (String, Self) {
        let side = self.original.as_ref().or(self.slimmed.as_ref());
        let platform = side.map(|side| side.platform.to_string());
        (platform.unwrap_or_default(), self)
    }
}

/// What is compared with what: two images as they are, two indexes platform by platform. Of an index beside an
/// image only that image's platform is taken, unless all are asked for.
pub(super) fn pairs(original: Root, slimmed: Root, session: &Session) -> Vec<Pair> {
    let wants_all = session.wanted() == Some(&Wanted::All);
    let (original, slimmed) = match (original, slimmed) {
        (Root::Image(original), Root::Image(slimmed)) => {
            return vec![Pair {
                original: Some(side(*original)),
                slimmed: Some(side(*slimmed)),
            }];
        }
        (Root::Index(index), Root::Image(image)) if !wants_all => {
            let image = side(*image);
            (serving(sides(&index), &image), vec![image])
        }
        (Root::Image(image), Root::Index(index)) if !wants_all => {
            let image = side(*image);
            let index = serving(sides(&index), &image);
            (vec![image], index)
        }
        (original, slimmed) => (all(original), all(slimmed)),
    };
    matched(original, slimmed)
}

/// Every image of one side, with nothing to compare it with.
pub(super) fn alone(root: Root) -> Vec<Pair> {
    matched(Vec::new(), all(root))
}

fn matched(original: Vec<Side>, slimmed: Vec<Side>) -> Vec<Pair> {
    let mut slimmed: Vec<Option<Side>> = slimmed.into_iter().map(Some).collect();
    let mut out = Vec::new();
    for original in original {
        let same = |side: &&mut Option<Side>| side.as_ref().is_some_and(|side| is_same(&original, side));
        let slimmed = slimmed.iter_mut().find(same).and_then(Option::take);
        out.push(Pair {
            original: Some(original),
            slimmed,
        });
    }
    out.extend(slimmed.into_iter().flatten().map(|slimmed| Pair {
        original: None,
        slimmed: Some(slimmed),
    }));
    out
}

fn side(image: Image) -> Side {
    Side {
        platform: image.platform(),
        image,
        index: None,
    }
}

fn sides(index: &ImageIndex) -> Vec<Side> {
    let one = |(platform, image): (Platform, &Image)| Side {
        platform,
        image: image.clone(),
        index: Some(index.digest().clone()),
    };
    index.images().into_iter().map(one).collect()
}

fn all(root: Root) -> Vec<Side> {
    match root {
        Root::Image(image) => vec![side(*image)],
        Root::Index(index) => sides(&index),
    }
}

/// The side that runs where `image` does, best.
fn serving(sides: Vec<Side>, image: &Side) -> Vec<Side> {
    let rank = |side: &Side| side.platform.rank_for(&image.platform);
    let best = sides.iter().filter_map(rank).min();
    sides
        .into_iter()
        .find(|side| best.is_some() && rank(side) == best)
        .into_iter()
        .collect()
}

/// Whether two platforms are one: `linux/arm64` is `linux/arm64/v8`; what else both rows say (`os.version`) must
/// be the same. An image beside an index has no row, and its config need not say it.
fn is_same(a: &Side, b: &Side) -> bool {
    let is_exact = a.platform.rank_for(&b.platform).is_some_and(|rank| rank < 2);
    let version = |side: &Side| side.platform.extra.get("os.version").cloned();
    let is_other = match (version(a), version(b)) {
        (Some(a), Some(b)) => a != b,
        (None, None) => false,
        _ => a.index.is_some() && b.index.is_some(),
    };
    is_exact && !is_other
}
