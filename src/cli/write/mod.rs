//! `slim save`, `slim push` and `slim load`: plan, rewrite into a staging store, verify there, publish.

mod job;
mod target;
mod told;

pub(super) use job::Job;
pub(super) use target::{encoding, family, lender};
use target::{named, slim_tag};
pub(super) use told::{Told, chained, document, outcome, tell};

use super::args::{LoadArgs, PushArgs, SaveArgs, WriteArgs};
use super::exit::Failure;
use super::session::{Purpose, Session};
use super::{out, platforms};
use crate::image::Image;
use crate::transport::{Attached, Root, Source, Target, Written};

pub(super) fn save(args: &SaveArgs, session: &Session) -> Result<(), Failure> {
    let target = Target::parse(&args.target).map_err(Failure::writing)?;
    if matches!(target, Target::Registry(_)) {
        return Err(Failure::usage(format!(
            "`{}` is a registry; `slim push` writes there",
            args.target
        )));
    }
    write(&args.image, &target, &args.write, session)
}

pub(super) fn push(args: &PushArgs, session: &Session) -> Result<(), Failure> {
    let target = if let Some(text) = &args.target {
        Target::parse_push(text).map_err(Failure::writing)?
    } else {
        let Source::Registry(reference) = session.source(&args.image)? else {
            return Err(Failure::usage(format!(
                "`{}` is in no registry: say where to push it, as in HOST/REPOSITORY:TAG",
                args.image
            )));
        };
        Target::Registry(slim_tag(&args.image, &reference)?)
    };
    write(&args.image, &target, &args.write, session)
}

pub(super) fn load(args: &LoadArgs, session: &Session) -> Result<(), Failure> {
    let target = if let Some(text) = &args.name {
        Target::parse_load(text).map_err(Failure::writing)?
    } else {
        let reference = named(&args.image, session)?;
        Target::Engine {
            reference: slim_tag(&args.image, &reference)?,
        }
    };
    write(&args.image, &target, &args.write, session)
}

fn write(source: &str, target: &Target, args: &WriteArgs, session: &Session) -> Result<(), Failure> {
    let job = Job::new(source, target, args, session)?;
    let whole = session.whole(source, Purpose::Rewrite)?;
    match platforms::fitting(whole.root, &job)? {
        Root::Index(index) => platforms::write(&index, &whole.attached, &job),
        Root::Image(image) => write_one(*image, &whole.attached, &job),
    }
}

fn write_one(image: Image, attached: &Attached, job: &Job<'_>) -> Result<(), Failure> {
    let session = job.session;
    if job.args.dry_run {
        let document = job.plan(image)?;
        session.finish();
        return out::form(&job.args.output)?.write(&[document]);
    }
    let (told, written) = publish(image, Some(attached), job)?;
    session.finish();
    tell(&[told], &written, job)
}

/// Slims one image, proves it and writes it to its target; `attached` is what its registry holds beside it.
pub(super) fn publish(
    image: Image,
    attached: Option<&Attached>,
    job: &Job<'_>,
) -> Result<(Told, Written), Failure> {
    let session = job.session;
    let store = session.staging()?;
    let made = job.make(image, &store)?;
    if session.was_interrupted() {
        return Err(Failure::interrupted());
    }
    let image = &made.slimmed.rewritten.image;
    let leftovers = job.keep(made.leftovers.as_slice())?;
    let written = session.write(image, job.target, lender(job.source, job.session).as_ref())?;
    let mut document = document(&made, &written);
    document.leftovers = leftovers;
    if let (false, Some(digest), Some(attached)) = (
        made.slimmed.rewritten.is_source,
        made.analysis.image.digest(),
        attached,
    ) {
        let dropped = attached.to(std::slice::from_ref(digest));
        document.dropped_manifests = dropped.iter().map(|one| one.digest.to_string()).collect();
    }
    let verdict = made.slimmed.verdict;
    Ok((Told { document, verdict }, written))
}
