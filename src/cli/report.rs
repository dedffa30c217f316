//! `slim report`: read, classify, show.

use super::args::ReportArgs;
use super::exit::Failure;
use super::session::{Purpose, Session};
use super::{choose, out, platforms};
use crate::layer::Detail;
use crate::pipeline;
use crate::report::{Report, ReportOptions};

/// Largest files listed.
const LARGEST: usize = 20;

pub(super) fn run(args: &ReportArgs, session: &Session) -> Result<(), Failure> {
    let classifier = choose::classifier()?;
    let options = ReportOptions {
        by: args.by.as_ref().map(|by| by.0.clone()).unwrap_or_default(),
        largest: LARGEST,
        advice: args.advice,
    };
    let images = session.images(&args.image, Purpose::Look)?;
    let reports = platforms::each(images, session, |image| {
        let analysis = pipeline::analyze(image, &classifier, &[], Detail::Facts, &session.settings)?;
        Ok(Report::new(
            &analysis.image,
            &analysis.map,
            &analysis.attribution,
            &classifier,
            &options,
        ))
    })?;
    session.finish();
    out::document(&args.output, |format, page| (format.report)(&reports, page))
}
