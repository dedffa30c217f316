//! What an image is compared with: another image's sums, out of its report, made now or saved earlier.
//!
//! A module of its own because a saved report is read again here, and only the keys that growth needs.

use serde::Deserialize;

use super::BudgetError;
use crate::report::{Report, SCHEMA_VERSION};

/// The sums of the image that another one is compared with.
#[derive(Debug, Clone, Deserialize)]
pub struct Baseline {
    pub(super) image: Image,
    pub(super) totals: Totals,
    pub(super) layers: Vec<Layer>,
    pub(super) categories: Vec<Category>,
    pub(super) owners: Vec<Owner>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Image {
    pub(super) reference: String,
    pub(super) digest: Option<String>,
    pub(super) platform: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Totals {
    pub(super) wire_bytes: Option<u64>,
    pub(super) disk_bytes: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Layer {
    pub(super) diff_id: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Category {
    pub(super) name: String,
    pub(super) disk_bytes: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Owner {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) disk_bytes: u64,
}

impl Baseline {
    /// `os/architecture[/variant]` of the image.
    pub fn platform(&self) -> &str {
        &self.image.platform
    }
}

impl From<&Report> for Baseline {
    fn from(report: &Report) -> Self {
        let layer = |row: &crate::report::LayerRow| Layer {
            diff_id: row.diff_id.clone(),
        };
        let category = |row: &crate::report::CategoryRow| Category {
            name: row.name.clone(),
            disk_bytes: row.disk_bytes,
        };
        let owner = |row: &crate::report::OwnerRow| Owner {
            kind: row.kind.clone(),
            name: row.name.clone(),
            disk_bytes: row.disk_bytes,
        };
        Self {
            image: Image {
                reference: report.image.reference.clone(),
                digest: report.image.digest.clone(),
                platform: report.image.platform.clone(),
            },
            totals: Totals {
                wire_bytes: report.totals.wire_bytes,
                disk_bytes: report.totals.disk_bytes,
            },
            layers: report.layers.iter().map(layer).collect(),
            categories: report.categories.iter().map(category).collect(),
            owners: report.owners.iter().map(owner).collect(),
        }
    }
}

/// The images of a saved report: one, or one for each platform.
///
/// Fails with [`BudgetError::Json`] or [`BudgetError::Version`].
pub fn baselines(json: &[u8]) -> Result<Vec<Baseline>, BudgetError> {
    #[derive(Deserialize)]
    struct Head {
        schema_version: u64,
        platforms: Option<Vec<serde_json::Value>>,
    }
    let value: serde_json::Value = serde_json::from_slice(json)?;
    let head: Head = Head::deserialize(&value)?;
    if head.schema_version != u64::from(SCHEMA_VERSION) {
        return Err(BudgetError::Version {
            found: head.schema_version,
            wanted: SCHEMA_VERSION,
        });
    }
    let documents = head.platforms.unwrap_or_else(|| vec![value]);
    let baselines: Result<_, _> = documents.into_iter().map(serde_json::from_value).collect();
    Ok(baselines?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_report_is_refused() {
        for (json, want) in [
            ("", "it is no report"),
            ("{}", "missing field `schema_version`"),
            (
                "{\"schema_version\": 2}",
                "its schema_version is 2; this version of slim reads 1",
            ),
            ("{\"schema_version\": 1}", "missing field `image`"),
            (
                "{\"schema_version\": 1, \"platforms\": [{}]}",
                "missing field `image`",
            ),
        ] {
            let error = baselines(json.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
        assert!(
            baselines(b"{\"schema_version\": 1, \"platforms\": []}")
                .unwrap()
                .is_empty()
        );
    }
}
