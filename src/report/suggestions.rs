//! Profiles worth a look: those that an image has evidence for, and what each would take off.
//!
//! A module of its own because a suggestion speaks of selections that were not made.

use serde::Serialize;

use super::json_path;
use crate::content::ContentMap;
use crate::plan::{Evidence, Totals};

/// The profiles that an image has evidence for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Suggestions {
    /// One row a profile, the one that takes off most first, then by name.
    pub profiles: Vec<SuggestionRow>,
    /// Files that go with `--profile auto`: all of them together, or `default` where there is none.
    pub files: u64,
    /// Stored bytes that go with it.
    pub disk_bytes: u64,
}

/// One profile, as if it alone were chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SuggestionRow {
    /// The profile.
    pub profile: String,
    /// A few words for people.
    pub title: String,
    /// A path of the image that speaks for it.
    pub evidence: String,
    /// Files that go with it.
    pub files: u64,
    /// Stored bytes that go with it.
    pub disk_bytes: u64,
}

impl Suggestions {
    /// `all` is what goes with every profile of `profiles` together.
    pub fn new(mut profiles: Vec<SuggestionRow>, all: Totals) -> Self {
        profiles.sort_by(|a, b| (b.disk_bytes, &a.profile).cmp(&(a.disk_bytes, &b.profile)));
        Self {
            profiles,
            files: all.files,
            disk_bytes: all.disk_bytes,
        }
    }
}

impl SuggestionRow {
    /// The row of a profile that alone takes `totals` off.
    pub fn new(evidence: &Evidence<'_>, map: &ContentMap, totals: Totals) -> Self {
        Self {
            profile: evidence.profile.name.clone(),
            title: evidence.profile.title.clone(),
            evidence: json_path(&map.tree().path(evidence.node)),
            files: totals.files,
            disk_bytes: totals.disk_bytes,
        }
    }
}
