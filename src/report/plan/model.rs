//! The document of a plan: the keys of its JSON, which others build on.
//!
//! Plain values and nothing else, as the report's model. **Files** of a plan are paths that are no directories, each hard
//! link by itself: a path is what a plan removes.

use serde::Serialize;

use super::packages::PackageRow;
use crate::report::model::WarningRow;
use crate::report::modes::Modes;
use crate::report::suggestions::Suggestions;

/// What shall go from an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlanDocument {
    /// [`SCHEMA_VERSION`](crate::report::SCHEMA_VERSION).
    pub schema_version: u32,
    /// The image that it is for, and for no other.
    pub source: SourceRow,
    /// What was chosen.
    pub selection: SelectionRow,
    /// Every path that goes: files in entry order, then directories.
    pub removals: Vec<RemovalRow>,
    /// Files that change in place.
    pub changes: Vec<ChangeRow>,
    /// Packages that go whole.
    pub packages: Vec<PackageRow>,
    /// What was asked for and is not done.
    pub refused: Vec<RefusalRow>,
    /// The removals by what asked for them, the largest first, then by name.
    pub groups: Vec<PlanGroup>,
    /// Sums.
    pub totals: PlanTotals,
    /// The sizes of the source.
    pub before: SizesRow,
    /// The sizes of the result, by the way of writing it.
    pub modes: Modes,
    /// Profiles that the image has evidence for; only where a plan is all that is asked for (`slim plan`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestions: Option<Suggestions>,
    /// What would travel; only where a write was asked for and not done (`--dry-run`), and a registry is part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferRow>,
    /// Links that dangle because of the plan, and other things to know.
    pub warnings: Vec<WarningRow>,
}

/// The image that a plan is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SourceRow {
    /// The reference with its transport; not in a list that is attached to a result.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// Digest of the manifest as stored, where the medium has one.
    pub digest: Option<String>,
    /// Digest of the config as stored.
    pub config_digest: String,
    /// Hashes of the uncompressed tars, base first.
    pub diff_ids: Vec<String>,
    /// `os/architecture[/variant]`.
    pub platform: String,
}

/// What profiles and flags chose together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SelectionRow {
    /// The profiles, as named.
    pub profiles: Vec<String>,
    /// The categories and package sets that go, by name, and `shadowed`.
    pub remove: Vec<String>,
    /// The categories of `remove` in few words: a safety where most of its categories go, else names.
    pub remove_words: Vec<String>,
    /// The categories that stay although their safety is one of `remove_words`.
    pub keep_words: Vec<String>,
    /// Packages named by hand.
    pub remove_packages: Vec<String>,
    /// Globs of paths that go.
    pub remove_paths: Vec<String>,
    /// Globs of paths that stay.
    pub keep_paths: Vec<String>,
    /// Globs of paths that go whatever needs them.
    pub force_paths: Vec<String>,
    /// Locales that stay beside those of the image's environment.
    pub locales: Vec<String>,
    /// Whether programs and libraries are stripped.
    pub strip: bool,
}

/// A path that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RemovalRow {
    /// The path.
    pub path: String,
    /// Index of the layer whose entry the path shows; `None` for a directory that no layer names.
    pub layer: Option<usize>,
    /// The category or package set that asked for it; `None` for what was named by hand, and for packages that nothing
    /// else needs.
    pub category: Option<String>,
    /// The glob, or what else asked for it.
    pub rule: String,
    /// Stored bytes that go with it: 0 while another name of the file stays.
    pub bytes: u64,
}

/// A file that changes in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangeRow {
    /// The path.
    pub path: String,
    /// Index of its layer.
    pub layer: usize,
    /// `strip` or `package-rows`.
    pub kind: String,
    /// Bytes before.
    pub old_bytes: u64,
    /// Bytes after.
    pub new_bytes: u64,
    /// Hash of the content before.
    pub old_sha256: String,
    /// Hash of the content after.
    pub new_sha256: String,
}

/// A removal that the safety net refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RefusalRow {
    /// The path.
    pub path: String,
    /// The glob or category that asked for it.
    pub rule: String,
    /// Why not.
    pub reason: String,
    /// The part of the reason that many refusals share, and the rest of it.
    #[serde(skip)]
    pub(in crate::report) shared: (String, String),
    /// Paths that need it.
    pub needed_by: Vec<String>,
}

/// The removals of one category or package set, or those asked for by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlanGroup {
    /// The category or package set; `None` for what was named by hand, and for packages that nothing else needs.
    pub category: Option<String>,
    /// A few words for people.
    pub title: String,
    /// `safe`, `review` or `risky`; `None` for globs given by hand.
    pub safety: Option<String>,
    /// Paths that go and are no directories.
    pub files: u64,
    /// Directories that go.
    pub directories: u64,
    /// Stored bytes that go.
    pub disk_bytes: u64,
    /// The globs that matched, sorted.
    pub rules: Vec<String>,
    /// The largest of its files.
    pub examples: Vec<Example>,
}

/// One file of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Example {
    /// The path.
    pub path: String,
    /// Stored bytes that go with it.
    pub bytes: u64,
}

/// Sums over a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlanTotals {
    /// Paths that go and are no directories.
    pub files: u64,
    /// Directories that go.
    pub directories: u64,
    /// Stored bytes that go.
    pub disk_bytes: u64,
    /// What those weigh compressed: an estimate.
    pub wire_bytes_estimate: u64,
    /// Files that change in place.
    pub changed_files: u64,
    /// Bytes that those become smaller.
    pub changed_saved_bytes: u64,
}

/// The sizes of an image, before or after.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SizesRow {
    /// Layers.
    pub layers: u64,
    /// Bytes of the uncompressed tars.
    pub uncompressed_bytes: u64,
    /// Stored bodies of regular files.
    pub disk_bytes: u64,
    /// Compressed bytes, where blobs are there to be counted.
    pub wire_bytes: Option<u64>,
    /// Compressed bytes: as counted, else an estimate.
    pub wire_bytes_estimate: u64,
}

/// What a write would move; blobs of layers, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TransferRow {
    /// Layers that would be fetched from the source's registry.
    pub down_layers: u64,
    /// Their bytes.
    pub down_bytes: u64,
    /// Bytes of layers that are read and lie in the cache.
    pub cached_bytes: u64,
    /// Layers that would be sent to the target's registry.
    pub up_layers: u64,
    /// Their bytes: an estimate where they are yet to be made.
    pub up_bytes_estimate: u64,
    /// Bytes of layers that the registry takes from the source's repository by itself.
    pub mounted_bytes: u64,
    /// Bytes of layers that the target's repository has already.
    pub skipped_bytes: u64,
}

impl SelectionRow {
    /// What was chosen, a word of the command line and its values each, as far as anything was.
    pub(in crate::report) fn words(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        let lists = [
            ("profile", &self.profiles),
            ("removes", &self.remove_words),
            ("but keeps", &self.keep_words),
            ("remove-package", &self.remove_packages),
            ("remove-path", &self.remove_paths),
            ("keep-path", &self.keep_paths),
            ("force-path", &self.force_paths),
            ("locale", &self.locales),
        ];
        let lists = lists.into_iter().filter(|(_, values)| !values.is_empty());
        let strip = self.strip.then_some(("strip", &[][..]));
        lists.map(|(word, values)| (word, values.as_slice())).chain(strip)
    }
}
