//! `slim demo`: the main job on a small image that is built in memory. No network, no engine.
//!
//! The image has everything that makes squashing hard: a file deleted later, a hard link across layers that keeps
//! old bytes, caches, a repository.

mod image;

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::Instant;

use super::args::{DemoArgs, SelectionArgs};
use super::environment;
use super::exit::{Code, Failure};
use super::plan as planning;
use super::session::Session;
use super::{choose, out, write};
use crate::bytesize::ByteSize;
use crate::layer::Detail;
use crate::oci::Family;
use crate::pipeline::{self, Analysis, Check, Form, Slimmed};
use crate::plan::Mode;
use crate::report::{Report, ReportOptions, text};
use crate::transport::Target;

/// Largest files listed.
const LARGEST: usize = 5;

pub(super) fn run(args: &DemoArgs, session: &Session) -> Result<(), Failure> {
    let began = Instant::now();
    let store = session.staging()?;
    let image = image::build(&store)?;
    let chosen = choose::chosen(&SelectionArgs::default())?;
    let analysis = pipeline::analyze(
        image,
        &chosen.classifier,
        &[],
        Detail::Fingerprints,
        &session.settings,
    )?;
    let decided = planning::decide(&analysis, &chosen, session)?;
    let plan = &decided.plan;
    let form = Form {
        mode: Mode::Squash,
        encoding: None,
        family: Family::Oci,
        profile: "default".to_owned(),
        created: None,
        check: Check::Verify,
    };
    let slimmed = pipeline::slim(&analysis, plan, &form, &store, &session.settings)?;
    let took = began.elapsed().as_millis();

    let (style, width) = (
        environment::style(std::io::stdout().is_terminal()),
        environment::width(),
    );
    let options = ReportOptions {
        by: Vec::new(),
        largest: LARGEST,
        advice: false,
        tree: false,
    };
    let report = Report::new(
        &analysis.image,
        &analysis.map,
        &analysis.attribution,
        &chosen.classifier,
        &options,
    );
    let mut page = String::from("$ slim report demo\n\n");
    text::report(&report, &style, width, &mut page);
    page.push_str("\n$ slim plan demo\n\n");
    text::plan(
        &planning::document(&analysis, &decided, &chosen, None),
        &style,
        width,
        &mut page,
    );
    page.push_str("\n$ slim save demo oci:slim\n\n");
    told(&analysis, &slimmed, &mut page)?;
    keep(args, session, &analysis, &slimmed, &mut page)?;
    line(
        &mut page,
        format_args!("\nBuilt, reported, planned, slimmed and verified in {took} ms."),
    );
    page.push_str("Now one of yours:  slim report IMAGE\n");
    session.finish();
    out::bytes(page.as_bytes())
}

/// What was written, and that it is what it should be.
fn told(analysis: &Analysis, slimmed: &Slimmed, page: &mut String) -> Result<(), Failure> {
    let before: u64 = analysis
        .image
        .layers
        .iter()
        .filter_map(|layer| Some(layer.descriptor()?.size))
        .sum();
    let after = slimmed.rewritten.layer_bytes;
    let digest = slimmed
        .rewritten
        .image
        .digest()
        .map(ToString::to_string)
        .unwrap_or_default();
    let less = (1.0 - after as f64 / before as f64) * 100.0;
    line(
        page,
        format_args!(
            "{} → {} on the wire ({less:.0} % less), one layer",
            ByteSize(before),
            ByteSize(after)
        ),
    );
    line(page, format_args!("{digest}"));
    let Some(verdict) = slimmed.verdict.as_ref().filter(|verdict| verdict.ok()) else {
        return Err(Failure::new(
            Code::Failed,
            "the demo's own result does not verify: please report this",
        ));
    };
    page.push_str("\n$ slim verify demo oci:slim\n\n");
    line(page, format_args!("ok: {}", write::outcome(verdict)));
    Ok(())
}

/// Writes both images beside each other, for whoever wants to look at them with other tools.
fn keep(
    args: &DemoArgs,
    session: &Session,
    analysis: &Analysis,
    slimmed: &Slimmed,
    page: &mut String,
) -> Result<(), Failure> {
    let Some(directory) = &args.keep else {
        return Ok(());
    };
    std::fs::create_dir_all(directory).map_err(|error| {
        Failure::new(
            Code::Write,
            format!("cannot make {}: {error}", directory.display()),
        )
    })?;
    for (image, name) in [
        (&analysis.image, "before.oci"),
        (&slimmed.rewritten.image, "after.oci"),
    ] {
        let target = Target::OciLayout {
            dir: directory.join(name),
            tag: Some("demo".to_owned()),
        };
        let written = session.write(image, &target, None)?;
        line(page, format_args!("kept as {}", written.reference));
    }
    Ok(())
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(page, "{text}");
}
