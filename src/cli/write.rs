//! `slim save` and `slim push`: plan, rewrite into a staging store, verify there, publish.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use super::args::{PushArgs, SaveArgs, WriteArgs};
use super::choose;
use super::exit::{Code, Failure};
use super::session::{Purpose, Session, source_date};
use super::{out, plan};
use crate::bytesize::ByteSize;
use crate::codec::Encoding;
use crate::image::Image;
use crate::layer::Detail;
use crate::oci::{Family, Reference};
use crate::pipeline::{self, Analysis, Check, Form, Slimmed};
use crate::plan::{Plan, Squash};
use crate::report::{self, BeforeAfter, Count, ImageRef, LayerCounts, WireBeforeAfter, WriteDocument, text};
use crate::transport::{Source, Target, Written};
use crate::verify::Verdict;

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

fn write(source: &str, target: &Target, args: &WriteArgs, session: &Session) -> Result<(), Failure> {
    refuse_compressed_archive(args, target)?;
    let chosen = choose::chosen(&args.selection)?;
    let created = source_date()?;
    let opened = session.open(source, Purpose::Rewrite)?;
    let check = if args.no_verify {
        Check::Skip
    } else {
        Check::Verify
    };
    let detail = if args.dry_run || args.no_verify {
        Detail::Facts
    } else {
        Detail::Fingerprints
    };
    let locales = &chosen.selection.choice().locales;
    let analysis = pipeline::analyze(
        opened.image,
        &chosen.classifier,
        locales,
        detail,
        &session.settings,
    )?;
    let plan = plan::plan(&analysis, &chosen)?;
    if args.dry_run {
        session.finish();
        return out::document(&args.output, |format, page| {
            (format.plan)(&[plan::document(&analysis, &plan, &chosen)], page)
        });
    }
    let form = Form {
        encoding: encoding(args, target),
        family: family(&analysis.image, target),
        profile: chosen.selection.choice().profiles.join(","),
        created,
        check,
    };
    let store = session.staging()?;
    let slimmed = pipeline::slim(&analysis, &plan, &form, &store, &session.settings)?;
    refuse_unproven(&slimmed)?;
    if session.settings.stop.load(Ordering::Relaxed) {
        return Err(Failure::interrupted());
    }
    let lender = lender(source);
    let written = session.write(&slimmed.rewritten.image, target, lender.as_ref())?;
    session.finish();
    tell(
        document(&analysis, &plan, &slimmed, &written),
        &slimmed,
        &written,
        args,
        session,
    )
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

/// A docker archive holds plain tars; everything else is gzip unless asked otherwise (rule 15).
fn encoding(args: &WriteArgs, target: &Target) -> Encoding {
    match target {
        Target::DockerArchive { .. } => Encoding::None,
        _ => args.compression.unwrap_or(Encoding::Gzip { level: 6 }),
    }
}

/// The sink decides: layouts and their archives are OCI; a registry gets the source's family, Docker v2s2
/// for a source that has none (rule 15).
fn family(image: &Image, target: &Target) -> Family {
    match target {
        Target::Registry(_) => image.family().unwrap_or(Family::Docker),
        _ => Family::Oci,
    }
}

/// The repository that the image came from, which may lend blobs to another one of its registry.
fn lender(source: &str) -> Option<Reference> {
    match Source::parse(source) {
        Ok(Source::Registry(reference)) => Some(reference),
        _ => None,
    }
}

/// Nothing is published that differs from its source in what no plan lists (rule 34a).
fn refuse_unproven(slimmed: &Slimmed) -> Result<(), Failure> {
    let Some(verdict) = slimmed.verdict.as_ref().filter(|verdict| !verdict.ok()) else {
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
fn document(analysis: &Analysis, plan: &Plan, slimmed: &Slimmed, written: &Written) -> WriteDocument {
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
    let kept = u64::from(slimmed.rewritten.is_source);
    let totals = plan.totals(map);
    let counts = report::Written {
        layers: LayerCounts {
            reused: kept,
            rewritten: 1 - kept,
            dropped: map.layer_count() as u64 - kept,
        },
        wire_bytes: WireBeforeAfter {
            before: stored(image),
            after: Some(slimmed.rewritten.layer_bytes).filter(|_| has_blobs),
        },
        disk_bytes: BeforeAfter {
            before: disk,
            after: Squash::new(map, plan).disk_bytes,
        },
        removed: Count {
            files: totals.files,
            bytes: totals.disk_bytes,
        },
        changed: Count::default(),
        dropped_manifests: Vec::new(),
    };
    let transport = if written.reference.starts_with("docker://") {
        "docker"
    } else {
        written.reference.split(':').next().unwrap_or_default()
    };
    let result = ImageRef {
        reference: written.reference.clone(),
        digest: Some(written.digest.to_string()),
        transport: transport.to_owned(),
    };
    WriteDocument::new(image.into(), result, counts, &slimmed.rewritten.warnings)
}

fn tell(
    document: WriteDocument,
    slimmed: &Slimmed,
    written: &Written,
    args: &WriteArgs,
    session: &Session,
) -> Result<(), Failure> {
    if args.output.format == "json" || args.output.output.is_some() {
        return out::document(&args.output, |format, page| (format.write)(&[document], page));
    }
    let mut summary = String::new();
    text::write_summary(
        &document,
        &super::session::style(false),
        super::session::width(),
        &mut summary,
    );
    if let Some(verdict) = &slimmed.verdict {
        // Writing to a `String` cannot fail.
        let _ = writeln!(summary, "verified: {}", outcome(verdict));
    }
    session.page(summary.trim_end());
    out::bytes(format!("{}\n", chained(written)).as_bytes())
}

/// A verdict that is ok, in words.
pub(super) fn outcome(verdict: &Verdict) -> String {
    format!(
        "{} paths and {} identical, {} removed as planned, nothing else differs",
        text::number(verdict.identical.files),
        ByteSize(verdict.identical.bytes),
        text::number(verdict.removed.files)
    )
}

/// One line that the next command takes: `HOST/REPOSITORY@sha256:…` of a registry, else the target as given.
fn chained(written: &Written) -> String {
    match written
        .reference
        .strip_prefix("docker://")
        .and_then(|text| text.parse::<Reference>().ok())
    {
        Some(reference) => format!("{}@{}", reference.name(), written.digest),
        None => written.reference.clone(),
    }
}
