//! `slim save` and `slim push`: plan, rewrite into a staging store, verify there, publish.

use std::fmt::Write as _;
use std::sync::Arc;

use super::args::{Layers, PushArgs, SaveArgs, WriteArgs};
use super::choose::{self, Chosen};
use super::environment::{self, source_date};
use super::exit::{Code, Failure};
use super::leftovers::Keeping;
use super::plan::Decided;
use super::session::{Purpose, Session};
use super::{base, out, plan, platforms};
use crate::bytesize::ByteSize;
use crate::codec::Encoding;
use crate::image::{Artifact, Image};
use crate::layer::Detail;
use crate::oci::{Digest, Family, Reference};
use crate::pipeline::{self, Analysis, Check, Form, Slimmed};
use crate::plan::{Mode, Plan};
use crate::report::{
    self, BeforeAfter, Count, ImageRef, LayerCounts, PlanDocument, PlanList, WireBeforeAfter, WriteDocument,
    text,
};
use crate::rewrite;
use crate::store::Store;
use crate::transport::{Attached, Root, Source, Target, Written};
use crate::verify::Verdict;

/// What the attached list is called where it is pulled as a file.
const LIST_NAME: &str = "plan.json";

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
    let target = match &args.target {
        Some(text) => Target::parse_push(text).map_err(Failure::writing)?,
        None => Target::Registry(slim_tag(&args.image)?),
    };
    write(&args.image, &target, &args.write, session)
}

/// Same repository, tag and `-slim`: only where the source is a tag of a registry.
fn slim_tag(image: &str) -> Result<Reference, Failure> {
    let source = Source::parse(image).map_err(Failure::reading)?;
    let Source::Registry(reference) = source else {
        return Err(Failure::usage(format!(
            "`{image}` is in no registry: say where to push it, as in HOST/REPOSITORY:TAG"
        )));
    };
    match (&reference.tag, &reference.digest) {
        (Some(tag), None) => Ok(reference.with_tag(&format!("{tag}-slim"))),
        _ => Err(Failure::usage(format!(
            "`{image}` has no tag: say which tag to push"
        ))),
    }
}

/// One write: what is the same for every image of it.
pub(super) struct Job<'a> {
    pub(super) source: &'a str,
    pub(super) target: &'a Target,
    pub(super) args: &'a WriteArgs,
    pub(super) session: &'a Session,
    chosen: Chosen,
    created: Option<String>,
    keeping: Option<Keeping>,
}

/// An image on its way: read, slimmed, staged and proven.
pub(super) struct Made {
    pub(super) analysis: Analysis,
    plan: Plan,
    pub(super) slimmed: Slimmed,
    /// What was taken off, where that is to be kept.
    pub(super) leftovers: Option<Image>,
}

/// What is told of one image.
pub(super) struct Told {
    pub(super) document: WriteDocument,
    pub(super) verdict: Option<Verdict>,
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
    let written = session.write(image, job.target, lender(job.source).as_ref())?;
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

impl<'a> Job<'a> {
    pub(super) fn new(
        source: &'a str,
        target: &'a Target,
        args: &'a WriteArgs,
        session: &'a Session,
    ) -> Result<Self, Failure> {
        refuse_compressed_archive(args, target)?;
        refuse_formless(args)?;
        Ok(Self {
            source,
            target,
            args,
            session,
            chosen: choose::chosen(&args.selection)?,
            created: source_date()?,
            keeping: args
                .leftovers
                .as_deref()
                .map(|text| Keeping::parse(text, target))
                .transpose()?,
        })
    }

    /// The plan's document, for `--dry-run`.
    pub(super) fn plan(&self, image: Image) -> Result<PlanDocument, Failure> {
        let analysis = self.analyze(image, Detail::Facts)?;
        let decided = plan::decide(&analysis, &self.chosen, self.session)?;
        let base = match self.base(&analysis.image)? {
            None => base::offered(&self.args.base, &analysis.image, self.session)?,
            base => base,
        };
        Ok(plan::document(&analysis, &decided, &self.chosen, base))
    }

    /// Slims one image into `store`; what is not proven is an error.
    pub(super) fn make(&self, image: Image, store: &Arc<Store>) -> Result<Made, Failure> {
        let (check, detail) = if self.args.no_verify {
            (Check::Skip, Detail::Facts)
        } else {
            (Check::Verify, Detail::Fingerprints)
        };
        let analysis = self.analyze(image, detail)?;
        let Decided { plan, selection } = plan::decide(&analysis, &self.chosen, self.session)?;
        let Analysis { image, map, .. } = &analysis;
        let list = PlanList::new(image, map, &plan, &self.chosen.classifier, &selection).to_bytes();
        let form = Form {
            mode: mode(self.args.layers, self.base(&analysis.image)?),
            encoding: encoding(self.args.compression, self.target),
            family: family(&analysis.image, self.target),
            profile: selection.choice().profiles.join(","),
            list: Some(Digest::of(&list)),
            created: self.created.clone(),
            check,
        };
        let settings = &self.session.settings;
        let mut slimmed = pipeline::slim(&analysis, &plan, &form, store, settings)?;
        refuse_unproven(slimmed.verdict.as_ref())?;
        let mut leftovers = None;
        let rewritten = &mut slimmed.rewritten;
        if let (false, Some(manifest)) = (rewritten.is_source, &rewritten.image.manifest) {
            let created = form
                .created
                .as_deref()
                .or_else(|| analysis.image.config.created());
            let artifact = Artifact::new(rewrite::LIST_TYPE, LIST_NAME, list, manifest, created);
            rewritten.image.artifacts.push(artifact);
            if self.keeping.is_some() {
                leftovers = pipeline::leftovers(&analysis, &plan, &slimmed, &form, store, settings)?;
            }
        }
        refuse_unproven(
            leftovers
                .as_ref()
                .and_then(|leftovers| leftovers.verdict.as_ref()),
        )?;
        Ok(Made {
            analysis,
            plan,
            slimmed,
            leftovers: leftovers.map(|leftovers| leftovers.image),
        })
    }

    /// Writes leftovers where they are to be kept, before the image that they are of.
    pub(super) fn keep(&self, leftovers: &[Image]) -> Result<Option<ImageRef>, Failure> {
        let Some(keeping) = &self.keeping else {
            return Ok(None);
        };
        let lender = lender(self.source);
        let written = keeping.write(leftovers, self.session, lender.as_ref())?;
        let refer = |written: &Written| image_ref(written, leftovers.first());
        Ok(written.as_ref().map(refer))
    }

    /// The number of layers of the base image, where they shall stay.
    fn base(&self, image: &Image) -> Result<Option<usize>, Failure> {
        match self.args.layers {
            Layers::Base => base::required(&self.args.base, image, self.session).map(Some),
            Layers::Squash | Layers::Keep => Ok(None),
        }
    }

    fn analyze(&self, image: Image, detail: Detail) -> Result<Analysis, Failure> {
        let locales = self.chosen.locales();
        let settings = &self.session.settings;
        let analysis = pipeline::analyze(image, &self.chosen.classifier, locales, detail, settings)?;
        Ok(analysis)
    }
}

/// What a docker archive cannot hold is said, not passed over.
fn refuse_compressed_archive(args: &WriteArgs, target: &Target) -> Result<(), Failure> {
    match (target, args.compression) {
        (Target::DockerArchive { .. }, Some(encoding)) if encoding != Encoding::None => Err(Failure::usage(
            format!("a docker archive holds plain tars: --compression {encoding} has no place there"),
        )),
        _ => Ok(()),
    }
}

/// What cannot be shown is said before anything is written.
fn refuse_formless(args: &WriteArgs) -> Result<(), Failure> {
    if args.dry_run {
        out::form::<PlanDocument>(&args.output).map(drop)
    } else {
        out::form::<WriteDocument>(&args.output).map(drop)
    }
}

fn mode(layers: Layers, base: Option<usize>) -> Mode {
    match (layers, base) {
        (Layers::Squash, _) => Mode::Squash,
        (Layers::Keep, _) => Mode::Keep,
        (Layers::Base, count) => Mode::Base(count.unwrap_or(0)),
    }
}

/// A docker archive holds plain tars; what else is said is said by the flag (rule 15).
pub(super) fn encoding(asked: Option<Encoding>, target: &Target) -> Option<Encoding> {
    match target {
        Target::DockerArchive { .. } => Some(Encoding::None),
        _ => asked,
    }
}

/// The sink decides: layouts and their archives are OCI; a registry gets the source's family, Docker v2s2
/// for a source that has none (rule 15).
pub(super) fn family(image: &Image, target: &Target) -> Family {
    match target {
        Target::Registry(_) => image.family().unwrap_or(Family::Docker),
        _ => Family::Oci,
    }
}

/// The repository that the image came from, which may lend blobs to another one of its registry.
pub(super) fn lender(source: &str) -> Option<Reference> {
    match Source::parse(source) {
        Ok(Source::Registry(reference)) => Some(reference),
        _ => None,
    }
}

/// Nothing is published that differs from its source in what no plan lists (rule 34a).
fn refuse_unproven(verdict: Option<&Verdict>) -> Result<(), Failure> {
    let Some(verdict) = verdict.filter(|verdict| !verdict.ok()) else {
        return Ok(());
    };
    let first = verdict.unexpected.first().map(|difference| {
        format!(
            "/{}: {}",
            String::from_utf8_lossy(&difference.path),
            difference.what
        )
    });
    Err(Failure::new(
        Code::Failed,
        format!(
            "verification failed, nothing was published: {} differences that the plan does not list; the first is {}",
            verdict.unexpected.len(),
            first.unwrap_or_default()
        ),
    ))
}

/// What was done, as a document.
pub(super) fn document(made: &Made, written: &Written) -> WriteDocument {
    let Made {
        analysis,
        plan,
        slimmed,
        ..
    } = made;
    let Analysis { image, map, .. } = analysis;
    let stored = |image: &Image| {
        image
            .layers
            .iter()
            .map(|layer| Some(layer.descriptor()?.size))
            .sum::<Option<u64>>()
    };
    let has_blobs = !matches!(written.reference.split_once(':'), Some(("docker-archive", _)));
    let disk = (0..map.layer_count()).map(|layer| map.sizes(layer).disk).sum();
    let made = slimmed.rewritten.counts;
    let totals = plan.totals(map);
    let counts = report::Written {
        layers: LayerCounts {
            before: map.layer_count() as u64,
            after: slimmed.rewritten.image.layers.len() as u64,
            reused: made.reused,
            rewritten: made.rewritten,
            dropped: made.dropped,
        },
        wire_bytes: WireBeforeAfter {
            before: stored(image),
            after: Some(slimmed.rewritten.layer_bytes).filter(|_| has_blobs),
        },
        disk_bytes: BeforeAfter {
            before: disk,
            after: slimmed.disk_bytes,
        },
        removed: Count {
            files: totals.files,
            bytes: totals.disk_bytes,
        },
        changed: Count {
            files: plan.changes.len() as u64,
            bytes: plan.changes.iter().map(|change| change.old_bytes).sum(),
        },
        dropped_manifests: Vec::new(),
    };
    let result = image_ref(written, Some(&slimmed.rewritten.image));
    WriteDocument::new(image.into(), result, counts, &slimmed.rewritten.warnings)
}

/// What was written, as documents name it.
fn image_ref(written: &Written, image: Option<&Image>) -> ImageRef {
    let transport = if written.reference.starts_with("docker://") {
        "docker"
    } else {
        written.reference.split(':').next().unwrap_or_default()
    };
    ImageRef {
        reference: written.reference.clone(),
        digest: Some(written.digest.to_string()),
        transport: transport.to_owned(),
        platform: image
            .map(|image| image.platform().to_string())
            .unwrap_or_default(),
        index: None,
    }
}

/// Says what was written: the documents, or a summary of each on standard error and one line for the next
/// command on standard output.
pub(super) fn tell(told: &[Told], written: &Written, job: &Job<'_>) -> Result<(), Failure> {
    if let Some(reason) = &written.unattached {
        job.session.note(&format!(
            "the list of what was removed could not be attached: {reason}"
        ));
    }
    let form = out::form(&job.args.output)?;
    if !form.is_usual() {
        let documents: Vec<WriteDocument> = told.iter().map(|one| one.document.clone()).collect();
        return form.write(&documents);
    }
    let session = job.session;
    for (at, one) in told.iter().enumerate() {
        let mut summary = String::new();
        let (style, width) = (environment::style(false), environment::width());
        text::write_summary(&one.document, &style, width, &mut summary);
        if let Some(verdict) = &one.verdict {
            // Writing to a `String` cannot fail.
            let _ = writeln!(summary, "verified: {}", outcome(verdict));
        }
        let gap = if at > 0 { "\n" } else { "" };
        session.page(&format!("{gap}{}", summary.trim_end()));
    }
    out::bytes(format!("{}\n", chained(written)).as_bytes())
}

/// A verdict that is ok, in words.
pub(super) fn outcome(verdict: &Verdict) -> String {
    let changed = match verdict.changed.files {
        0 => String::new(),
        files => format!(", {} changed as planned", text::number(files)),
    };
    format!(
        "{} paths and {} identical, {} removed as planned{changed}, nothing else differs",
        text::number(verdict.identical.files),
        ByteSize(verdict.identical.bytes),
        text::number(verdict.removed.files)
    )
}

/// One line that the next command takes: `HOST/REPOSITORY@sha256:…` of a registry, else the target as given.
pub(super) fn chained(written: &Written) -> String {
    match written
        .reference
        .strip_prefix("docker://")
        .and_then(|text| text.parse::<Reference>().ok())
    {
        Some(reference) => format!("{}@{}", reference.name(), written.digest),
        None => written.reference.clone(),
    }
}
