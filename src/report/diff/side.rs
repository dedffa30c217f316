//! One image of a comparison: all that a [`Diff`](super::Diff) asks of it, so that the image itself can go.
//!
//! A module of its own because this is where a comparison begins: whatever gives a report and the paths of an image can
//! be a side.

use super::contents::Contents;
use super::model::DiffImage;
use crate::classify::{Attribution, Classifier};
use crate::content::ContentMap;
use crate::image::{BASE_DIGEST, BASE_NAME, Image, Manifest};
use crate::profile::CategoryId;
use crate::report::instruction;
use crate::report::model::{LayerRow, Report};
use crate::report::wire::Wire;
use crate::report::{ImageRow, ReportOptions};

/// Instructions that make no layer and that a later one may depend on.
const ENVIRONMENT: [&str; 5] = ["ARG ", "ENV ", "SHELL ", "USER ", "WORKDIR "];

/// An image that is compared.
#[derive(Debug)]
pub struct Side {
    pub(super) report: Report,
    pub(super) index: Option<String>,
    /// Bytes of the config; `None` where a saved report is all there is.
    pub(super) config_bytes: Option<u64>,
    /// What the image says that it was built on: name and digest.
    pub(super) base: Base,
    /// How each layer was made.
    pub(super) steps: Vec<Step>,
    /// Bytes of each layer's blob as stored, or as estimated.
    pub(super) wire: Vec<u64>,
    /// What its layers hold; `None` where only sums are compared.
    pub(super) contents: Option<Contents>,
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
        Self {
            contents: Some(Contents::new(map, attribution)),
            ..Self::sums(image, map, attribution, classifier)
        }
    }

    /// The same without what the layers hold, of an image that needs no fingerprints: for a comparison with what was
    /// [`saved`](Self::saved).
    pub fn sums(image: &Image, map: &ContentMap, attribution: &Attribution, classifier: &Classifier) -> Self {
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
            config_bytes: Some(stored.map_or(raw, |config| config.size)),
            base: base(image),
            steps: steps(image),
            wire: (0..map.layer_count()).map(|layer| wire.layer(layer)).collect(),
            contents: None,
            categories: (0..count).map(|id| name(id).unwrap_or_default()).collect(),
        }
    }

    /// What a report tells of an image: sums, layers with their instructions, categories and packages.
    pub fn saved(report: Report) -> Self {
        let step = |layer: &LayerRow| Step {
            instruction: instruction(&layer.created_by),
            created_by: layer.created_by.clone(),
            before: Vec::new(),
        };
        let totals = &report.totals;
        let share = |layer: &LayerRow| {
            let part =
                (layer.disk_bytes + layer.framing_bytes) as f64 / totals.uncompressed_bytes.max(1) as f64;
            (totals.wire_bytes_estimate as f64 * part) as u64
        };
        let wire = |layer: &LayerRow| layer.wire_bytes.unwrap_or_else(|| share(layer));
        Self {
            index: None,
            config_bytes: None,
            base: Base::default(),
            steps: report.layers.iter().map(step).collect(),
            wire: report.layers.iter().map(wire).collect(),
            contents: None,
            categories: Vec::new(),
            report,
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

    /// Which image it is.
    pub fn image(&self) -> DiffImage {
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
    Base {
        name: image.said(BASE_NAME).map(str::to_owned),
        digest: image.said(BASE_DIGEST).map(str::to_owned),
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
