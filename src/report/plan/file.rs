//! A plan's document read again: by another run, perhaps after a person edited it.
//!
//! A module of its own because what is read is only what binds: the source, the selection, the paths. Everything else in
//! such a file is for people, and is made anew.

use serde::Deserialize;
use serde::de::Error as _;

use crate::image::Image;
use crate::plan::Listed;
use crate::profile::Catalog;
use crate::report::bytes_of_json_path;
use crate::report::model::SCHEMA_VERSION;

/// Why a file is no plan, or not one for an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanFileError {
    /// Occurs when it is not the JSON that `slim plan --format json` writes.
    #[error("it is no plan as `slim plan --format json` writes one: {0}")]
    Json(#[from] serde_json::Error),
    /// Occurs when it was written by another version of slim, whose keys may mean something else.
    #[error("its schema_version is {0}; this version of slim reads {SCHEMA_VERSION}: plan again")]
    Version(u64),
    /// Occurs when a path is not written as documents write paths.
    #[error("`{0}` is no path: it must begin with a slash, and a backslash is doubled or begins `\\xNN`")]
    Path(String),
    /// Occurs when it was made for another image.
    #[error("it is for another image: {wanted}, and this is {found}; plan again")]
    OtherImage {
        /// What it is for.
        wanted: String,
        /// What it was used with.
        found: String,
    },
}

/// The plans of a file: one, or one a platform.
#[derive(Debug)]
pub struct PlanFile(Vec<SavedPlan>);

/// A plan as a file has it.
#[derive(Debug, Clone, Deserialize)]
pub struct SavedPlan {
    source: Source,
    /// What was chosen.
    pub selection: SavedSelection,
    removals: Vec<Row>,
    /// Files that change in place.
    #[serde(default)]
    pub changes: Vec<SavedChange>,
}

/// What was chosen, as far as it counts again.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct SavedSelection {
    /// Names of profiles.
    pub profiles: Vec<String>,
    /// Names of categories, and `shadowed`.
    pub remove: Vec<String>,
    /// Packages, as named.
    pub remove_packages: Vec<String>,
    /// Globs of paths that go whatever needs them.
    pub force_paths: Vec<String>,
    /// Globs of paths that were asked for.
    pub remove_paths: Vec<String>,
    /// Globs of paths that stay.
    pub keep_paths: Vec<String>,
    /// Locales that stay.
    pub locales: Vec<String>,
    /// Whether programs and libraries are stripped.
    pub strip: bool,
}

/// A change, as far as it binds.
#[derive(Debug, Clone, Deserialize)]
pub struct SavedChange {
    /// The path.
    pub path: String,
    /// `strip` or `package-rows`.
    pub kind: String,
    /// Hash of the content after.
    pub new_sha256: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Source {
    #[serde(default)]
    reference: String,
    digest: Option<String>,
    config_digest: String,
    diff_ids: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Row {
    path: String,
    category: Option<String>,
    rule: String,
}

impl PlanFile {
    /// Reads what `slim plan --format json` wrote.
    pub fn parse(text: &[u8]) -> Result<Self, PlanFileError> {
        #[derive(Deserialize)]
        struct Platforms {
            platforms: Vec<serde_json::Value>,
        }
        let value: serde_json::Value = serde_json::from_slice(text)?;
        let version = value.get("schema_version").and_then(serde_json::Value::as_u64);
        let missing = || serde_json::Error::missing_field("schema_version");
        let version = version.ok_or_else(missing)?;
        if version != u64::from(SCHEMA_VERSION) {
            return Err(PlanFileError::Version(version));
        }
        if value.get("platforms").is_some() {
            let Platforms { platforms } = serde_json::from_value(value)?;
            let plans: Result<Vec<SavedPlan>, _> =
                platforms.into_iter().map(serde_json::from_value).collect();
            return Ok(Self(plans?));
        }
        Ok(Self(vec![serde_json::from_value(value)?]))
    }

    /// Every plan, in the order of the file.
    pub fn plans(&self) -> &[SavedPlan] {
        &self.0
    }

    /// The plan for `image`: bound to its manifest digest, or to config and layers where one side has none.
    pub fn of(&self, image: &Image) -> Result<&SavedPlan, PlanFileError> {
        if let Some(plan) = self.0.iter().find(|plan| plan.is_for(image)) {
            return Ok(plan);
        }
        let wanted = self
            .0
            .iter()
            .map(SavedPlan::source)
            .collect::<Vec<_>>()
            .join(", ");
        let found = image
            .digest()
            .map_or_else(|| image.config.id().to_string(), ToString::to_string);
        Err(PlanFileError::OtherImage { wanted, found })
    }
}

impl SavedPlan {
    /// The paths that go, with the categories that `catalog` knows.
    pub fn listed(&self, catalog: &Catalog) -> Result<Vec<Listed>, PlanFileError> {
        let listed = |row: &Row| {
            let path = bytes_of_json_path(&row.path).filter(|path| path.starts_with(b"/"));
            let category = row.category.as_deref().and_then(|name| catalog.find(name));
            Ok(Listed {
                path: path.ok_or_else(|| PlanFileError::Path(row.path.clone()))?,
                category: category.map(|(id, _)| id),
                rule: row.rule.clone(),
            })
        };
        self.removals.iter().map(listed).collect()
    }

    fn is_for(&self, image: &Image) -> bool {
        if let (Some(wanted), Some(found)) = (&self.source.digest, image.digest()) {
            return *wanted == found.to_string();
        }
        let diff_ids = image.layers.iter().map(|layer| layer.diff_id.to_string());
        self.source.config_digest == image.config.id().to_string()
            && self.source.diff_ids.iter().cloned().eq(diff_ids)
    }

    fn source(&self) -> String {
        let Source {
            reference,
            digest,
            config_digest,
            ..
        } = &self.source;
        let digest = digest.as_ref().unwrap_or(config_digest);
        format!("{reference} {digest}").trim_start().to_owned()
    }
}
