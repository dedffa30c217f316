//! A report that was saved as JSON, opened again: another form of it, without the image.
//!
//! A module of its own because what is read was written elsewhere, perhaps by hand: it is checked here, once, so that
//! renderers may rely on it as on a report that was just made.

use serde::Deserialize;

use super::model::{Group, Report, SCHEMA_VERSION};

/// Why a file is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedReportError {
    /// Occurs when it is not the JSON that `slim report --format json` writes.
    #[error("it is no report as `slim report --format json` writes one: {0}")]
    Json(#[from] serde_json::Error),
    /// Occurs when it was written by another version of slim, whose keys may mean something else.
    #[error("its schema_version is {0}; this version of slim reads {SCHEMA_VERSION}: report again")]
    Version(u64),
    /// Occurs when it says no `schema_version`: it is something else.
    #[error("it has no schema_version: it is no document of slim")]
    NoVersion,
    /// Occurs when it has no platform.
    #[error("it holds no report: `platforms` is empty")]
    Empty,
    /// Occurs when its numbers contradict each other.
    #[error("its {0} contradict each other: it was changed since it was written")]
    Unsound(&'static str),
}

/// Whether a file that begins with `head` is JSON rather than an image: an archive has zeros in its first block.
pub fn is_document(head: &[u8]) -> bool {
    head.trim_ascii_start().starts_with(b"{") && !head.contains(&0)
}

/// The reports of a file: one, or one a platform.
pub fn saved_reports(text: &[u8]) -> Result<Vec<Report>, SavedReportError> {
    #[derive(Deserialize)]
    struct Head {
        schema_version: Option<u64>,
    }
    #[derive(Deserialize)]
    struct Platforms {
        platforms: Option<Vec<Report>>,
    }
    let version = serde_json::from_slice::<Head>(text)?.schema_version;
    match version.ok_or(SavedReportError::NoVersion)? {
        version if version == u64::from(SCHEMA_VERSION) => {}
        version => return Err(SavedReportError::Version(version)),
    }
    let reports = match serde_json::from_slice::<Platforms>(text)?.platforms {
        Some(reports) => reports,
        None => vec![serde_json::from_slice(text)?],
    };
    if reports.is_empty() {
        return Err(SavedReportError::Empty);
    }
    for report in &reports {
        check(report).map_or(Ok(()), |what| Err(SavedReportError::Unsound(what)))?;
    }
    Ok(reports)
}

/// What of a report cannot be, in a word.
fn check(report: &Report) -> Option<&'static str> {
    let are_layers = report
        .layers
        .iter()
        .enumerate()
        .all(|(at, row)| row.index == at && row.shadowed_bytes <= row.disk_bytes);
    let mut sizes = report
        .layers
        .iter()
        .flat_map(|row| [row.disk_bytes, row.framing_bytes]);
    let are_layers = are_layers && sizes.try_fold(0, u64::checked_add).is_some();
    let has_tree = report
        .tree
        .as_ref()
        .is_none_or(|tree| tree.is_sound(report.layers.len(), report.categories.len(), report.owners.len()));
    let parts = [
        ("layers", are_layers),
        (
            "categories",
            report
                .categories
                .iter()
                .all(|row| row.visible_bytes <= row.disk_bytes),
        ),
        (
            "owners",
            report
                .owners
                .iter()
                .all(|row| row.visible_bytes <= row.disk_bytes),
        ),
        ("groups", report.breakdown.as_deref().is_none_or(are_groups)),
        ("rows of the tree", has_tree),
    ];
    parts
        .into_iter()
        .find(|(_, is_sound)| !is_sound)
        .map(|(what, _)| what)
}

fn are_groups(groups: &[Group]) -> bool {
    groups
        .iter()
        .all(|group| group.visible_bytes <= group.disk_bytes && are_groups(&group.children))
}
