//! A saved report as the interface is given it.
//!
//! A room of its own because a file may hold several, and may hold no paths.

use std::sync::Arc;

use crate::cli::choose;
use crate::cli::exit::Failure;
use crate::cli::session::Session;
use crate::oci::Platform;
use crate::report::Report;
use crate::tui::{Feed, Message, Scene};

/// Shows what was saved, with its paths.
pub(super) fn load(report: &Report, feed: &Feed) -> Result<(), Failure> {
    feed.send(Message::Opened {
        reference: report.image.reference.clone(),
        platform: report.image.platform.clone(),
        layers: Vec::new(),
        target: String::new(),
    });
    let scene = scene(report, &report.image.reference)?;
    feed.send(Message::Scene(Arc::new(scene)));
    Ok(())
}

/// The scene of a report that the file `text` holds.
pub(super) fn scene(report: &Report, text: &str) -> Result<Scene, Failure> {
    let classifier = choose::classifier()?;
    Scene::saved(report, classifier.catalog()).ok_or_else(|| {
        Failure::usage(format!(
            "{text}: the report was saved without its paths; `slim report IMAGE --tree -o FILE.json` saves them"
        ))
    })
}

/// The report that is meant: of the platform that is asked for, else of this machine's, else the first.
pub(super) fn pick(reports: Vec<Report>, text: &str, session: &Session) -> Result<Report, Failure> {
    use crate::cli::args::Wanted;
    let asked = match session.wanted() {
        Some(Wanted::One(platform)) => Some(platform.to_string()),
        _ => None,
    };
    let of = |platform: &str| {
        reports
            .iter()
            .position(|report| report.image.platform == platform)
    };
    let at = match &asked {
        Some(platform) => of(platform),
        None => of(&Platform::host().to_string()).or(Some(0)),
    };
    let platform = asked.unwrap_or_default();
    at.and_then(|at| reports.into_iter().nth(at))
        .ok_or_else(|| Failure::usage(format!("{text}: no report on {platform} was saved")))
}
