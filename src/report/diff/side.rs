//! One image of a comparison: all that a [`Diff`](super::Diff) asks of it, so that the image itself can go.
//!
//! A module of its own because this is where a comparison begins: whatever gives a report and the paths of an image can
//! be a side.

use serde_json::Value;

use super::contents::Contents;
use super::model::DiffImage;
use crate::classify::{Attribution, Classifier};
use crate::content::ContentMap;
use crate::image::{Image, Manifest};
use crate::profile::CategoryId;
use crate::report::instruction;
use crate::report::model::Report;
use crate::report::wire::Wire;
use crate::report::{ImageRow, ReportOptions};

/// Annotation or label: the base image's reference.
const BASE_NAME: &str = "org.opencontainers.image.base.name";
/// Annotation or label: digest of the base image's manifest.
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// Instructions that make no layer and that a later one may depend on.
const ENVIRONMENT: [&str; 5] = ["ARG ", "ENV ", "SHELL ", "USER ", "WORKDIR "];

/// An image that is compared.
#[derive(Debug)]
pub struct Side {
    pub(super) report: Report,
    pub(super) index: Option<String>,
    /// Digest and bytes of the config.
    pub(super) config: (String, u64),
    /// What the image says that it was built on: name and digest.
    pub(super) base: Base,
    /// How each layer was made.
    pub(super) steps: Vec<Step>,
    /// Bytes of each layer's blob as stored, or as estimated.
    pub(super) wire: Vec<u64>,
    pub(super) contents: Contents,
    /// Names of categories, by id.
    categories: Vec<String>,
}

/// What an image says that it was built on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Base {
    pub(super) name: Option<String>,
    pub(super) digest: Option<String>,
}

/// How a layer was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Step {
    /// Its instruction.
    pub(super) instruction: String,
    /// What the builder wrote.
    pub(super) created_by: String,
    /// Instructions between the layer below and this one that made no layer and that a later one may depend on.
    pub(super) before: Vec<String>,
}

impl Side {
    /// Takes from an image that was read with fingerprints what a comparison needs; nothing is read again.
    pub fn new(image: &Image, map: &ContentMap, attribution: &Attribution, classifier: &Classifier) -> Self {
        let options = ReportOptions {
            by: Vec::new(),
            largest: 0,
            advice: false,
            tree: false,
        };
        let wire = Wire::new(image, map);
        let raw = image.config.raw().len() as u64;
        let stored = image.manifest.as_ref().map(Manifest::config);
        let count = classifier.catalog().iter().count() as u16;
        let name = |id: u16| {
            classifier
                .category(CategoryId(id))
                .map(|category| category.name.clone())
        };
        Self {
            report: Report::new(image, map, attribution, classifier, &options),
            index: None,
            config: (
                image.config.id().to_string(),
                stored.map_or(raw, |config| config.size),
            ),
            base: base(image),
            steps: steps(image),
            wire: (0..map.layer_count()).map(|layer| wire.layer(layer)).collect(),
            contents: Contents::new(map, attribution),
            categories: (0..count).map(|id| name(id).unwrap_or_default()).collect(),
        }
    }

    /// The same, as one platform of an index: its digest, and the platform's name there.
    #[must_use]
    pub fn of_index(mut self, digest: String, platform: String) -> Self {
        self.index = Some(digest);
        self.report.image.platform = platform;
        self
    }

    /// The report on it, without the largest files.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The instructions before a layer that made no layer and that it may depend on.
    pub(super) fn environment(&self, layer: usize) -> impl Iterator<Item = &String> {
        self.steps.iter().take(layer + 1).flat_map(|step| &step.before)
    }

    pub(super) fn image(&self) -> DiffImage {
        DiffImage {
            image: self.report.image.clone(),
            index: self.index.clone(),
        }
    }

    pub(super) fn category(&self, id: CategoryId) -> String {
        self.categories
            .get(usize::from(id.0))
            .cloned()
            .unwrap_or_default()
    }
}

impl DiffImage {
    /// An image of which nothing is compared, as its index names it.
    pub fn named(image: ImageRow, index: Option<String>) -> Self {
        Self { image, index }
    }
}

fn base(image: &Image) -> Base {
    let annotations = image.manifest.as_ref().map(Manifest::value);
    let annotations = annotations.and_then(|value| value.get("annotations"));
    let places = [annotations, image.config.runtime("Labels")];
    let find = |key: &str| {
        let found = places.iter().flatten().find_map(|place| place.get(key));
        let text = found.and_then(Value::as_str).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    Base {
        name: find(BASE_NAME),
        digest: find(BASE_DIGEST),
    }
}

fn steps(image: &Image) -> Vec<Step> {
    let history = image.config.history();
    let mut from = 0;
    let step = |layer: &crate::image::Layer| {
        let Some(row) = layer.history else {
            return Step::default();
        };
        let before = history.get(from..row).unwrap_or_default();
        from = row + 1;
        let created_by = history.get(row).map(|row| row.created_by.clone());
        let created_by = created_by.unwrap_or_default();
        Step {
            instruction: instruction(&created_by),
            created_by,
            before: before
                .iter()
                .map(|row| instruction(&row.created_by))
                .filter(|text| ENVIRONMENT.iter().any(|word| text.starts_with(word)))
                .collect(),
        }
    };
    image.layers.iter().map(step).collect()
}
