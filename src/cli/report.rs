//! `slim report`: read, classify, show; or show a report that was saved.

use super::args::{ReportArgs, Wanted};
use super::exit::Failure;
use super::out::Form;
use super::session::{Purpose, Session};
use super::{choose, look, out, platforms, saved_report};
use crate::layer::Detail;
use crate::report::{Report, ReportOptions};

/// Largest files listed.
const LARGEST: usize = 20;

pub(super) fn run(args: &ReportArgs, session: &Session) -> Result<(), Failure> {
    let form = out::form(&args.output)?;
    let reports = match saved_report::open(&args.image)? {
        Some(reports) => saved(reports, args, session)?,
        None => made(args, &form, session)?,
    };
    session.finish();
    form.write(&reports)
}

fn made(args: &ReportArgs, form: &Form<'_, Report>, session: &Session) -> Result<Vec<Report>, Failure> {
    let classifier = choose::classifier()?;
    let options = ReportOptions {
        by: args.by.as_ref().map(|by| by.0.clone()).unwrap_or_default(),
        largest: LARGEST,
        advice: args.advice,
        tree: args.tree || form.format().shows_tree,
    };
    let images = session.images(&args.image, Purpose::Once(Detail::Facts))?;
    platforms::each(images, session, |image| {
        let (_, report) = look::report(image, &classifier, session, &options)?;
        Ok(report)
    })
}

/// The platforms that are asked for. What was not saved cannot be shown.
fn saved(mut reports: Vec<Report>, args: &ReportArgs, session: &Session) -> Result<Vec<Report>, Failure> {
    if let Some(Wanted::One(platform)) = session.wanted() {
        let platform = platform.to_string();
        reports.retain(|report| report.image.platform == platform);
        if reports.is_empty() {
            return Err(Failure::usage(format!(
                "{}: no report on {platform} was saved",
                args.image
            )));
        }
    }
    let has = |is_there: fn(&Report) -> bool| reports.iter().all(is_there);
    let missing = [
        ("--tree", args.tree && !has(|report| report.tree.is_some())),
        (
            "--advice",
            args.advice && !has(|report| report.dockerignore.is_some()),
        ),
        (
            "--by",
            args.by.is_some() && !has(|report| report.breakdown.is_some()),
        ),
    ];
    match missing.into_iter().find(|(_, is_missing)| *is_missing) {
        None => Ok(reports),
        Some((flag, _)) => Err(Failure::usage(format!(
            "{}: the report was saved without {flag}; that takes the image",
            args.image
        ))),
    }
}
