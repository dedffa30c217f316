//! One image, read for a document: its analysis, and the report on it.

use super::exit::Failure;
use super::session::Session;
use crate::classify::Classifier;
use crate::image::Image;
use crate::layer::Detail;
use crate::pipeline::{self, Analysis};
use crate::report::{Report, ReportOptions};

pub(super) fn report(
    image: Image,
    classifier: &Classifier,
    session: &Session,
    options: &ReportOptions,
) -> Result<(Analysis, Report), Failure> {
    let analysis = pipeline::analyze(image, classifier, &[], Detail::Facts, &session.settings)?;
    let report = Report::new(
        &analysis.image,
        &analysis.map,
        &analysis.attribution,
        classifier,
        options,
    );
    Ok((analysis, report))
}
