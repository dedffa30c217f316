//! What is told of a write: its document, the summary for people, and the line that the next command takes.

use std::fmt::Write as _;

use super::job::{Job, Made};
use crate::bytesize::ByteSize;
use crate::cli::exit::Failure;
use crate::cli::{environment, out};
use crate::image::Image;
use crate::oci::Reference;
use crate::pipeline::Analysis;
use crate::report::{self, BeforeAfter, Count, ImageRef, LayerCounts, WireBeforeAfter, WriteDocument, text};
use crate::transport::Written;
use crate::verify::Verdict;

/// What is told of one image.
pub(in crate::cli) struct Told {
    pub(in crate::cli) document: WriteDocument,
    pub(in crate::cli) verdict: Option<Verdict>,
}

/// What was done, as a document.
pub(in crate::cli) fn document(made: &Made, written: &Written) -> WriteDocument {
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
    let has_blobs = !matches!(
        written.reference.split_once(':'),
        Some(("docker-archive" | "docker-daemon", _))
    );
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
pub(super) fn image_ref(written: &Written, image: Option<&Image>) -> ImageRef {
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
pub(in crate::cli) fn tell(told: &[Told], written: &Written, job: &Job<'_>) -> Result<(), Failure> {
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
pub(in crate::cli) fn outcome(verdict: &Verdict) -> String {
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
pub(in crate::cli) fn chained(written: &Written) -> String {
    match written
        .reference
        .strip_prefix("docker://")
        .and_then(|text| text.parse::<Reference>().ok())
    {
        Some(reference) => format!("{}@{}", reference.name(), written.digest),
        None => written.reference.clone(),
    }
}
