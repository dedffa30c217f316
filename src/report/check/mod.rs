//! The verdict on budgets: the keys of its JSON, and its renderings.
//!
//! A folder of its own because a gate speaks to machines that nothing else of slim speaks to: `JUnit`, GitHub's annotations,
//! SARIF. One file lays out one format; the floor above fills in the model.

mod github;
mod junit;
mod markdown;
mod sarif;

use std::fmt::Write;

use serde::Serialize;

use super::diff::{BudgetRow, BudgetState};
use super::model::ImageRow;
use crate::bytesize::ByteSize;

pub(super) use github::render as github;
pub(super) use junit::render as junit;
pub(super) use markdown::render as markdown;
pub(super) use sarif::render as sarif;

/// What `slim check` found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckDocument {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// The image that was judged.
    pub image: ImageRow,
    /// The image that it was compared with; `None` where none was named, or that one has no such platform.
    pub against: Option<AgainstRow>,
    /// The files that the budgets were read from.
    pub config: Vec<String>,
    /// Every budget, in the order in which they are written.
    pub budgets: Vec<CheckRow>,
    /// Whether none is over.
    pub ok: bool,
}

/// The image that another one was compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AgainstRow {
    /// The reference with its transport.
    pub reference: String,
    /// Digest of the manifest as stored, where the medium has one.
    pub digest: Option<String>,
    /// `os/architecture[/variant]`.
    pub platform: String,
}

/// One budget.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckRow {
    /// As it is written in the file: `max-disk`, `category.apt-cache`, `path./app/**`, `package.gcc`,
    /// `dive.lowestEfficiency`.
    pub name: String,
    /// What became of it.
    pub state: CheckState,
    /// What the image has; `None` where that is not known or no number.
    pub value: Option<Amount>,
    /// What it may have.
    pub limit: Option<Amount>,
    /// What `value` and `limit` count.
    pub unit: Unit,
    /// One sentence without a full stop: what the image has, and by how much it is over.
    pub message: String,
    /// The file and line of the budget, or the flag.
    pub place: String,
    /// Why it is allowed, where it is or was.
    pub reason: Option<String>,
    /// The last day on which it is allowed, as `YYYY-MM-DD`.
    pub until: Option<String>,
    /// What to blame, the largest first, where it is over; at most ten.
    pub blame: Vec<Blame>,
    /// How many there are to blame, listed or not.
    pub blamed: u64,
    /// How a build avoids what is to blame.
    pub fixes: Vec<String>,
}

/// What became of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// The image is within it.
    Ok,
    /// The image is over it.
    Over,
    /// The image is over it, and that is allowed for a while.
    Allowed,
    /// The image is over it, and the while is over.
    Expired,
    /// There is nothing to compare with.
    Skipped,
}

impl CheckState {
    /// Whether the gate stays shut.
    pub fn fails(self) -> bool {
        matches!(self, Self::Over | Self::Expired)
    }

    /// The word in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Over => "over",
            Self::Allowed => "allowed",
            Self::Expired => "expired",
            Self::Skipped => "skipped",
        }
    }
}

/// A number of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Amount {
    /// Bytes, layers, packages; what grows may be below 0.
    Whole(i64),
    /// A ratio, 0 to 1.
    Ratio(f64),
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Layers.
    Layers,
    /// Packages.
    Packages,
    /// A ratio, 0 to 1.
    Ratio,
}

/// One thing to blame: a file, or all that a layer, a category or a package has of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Blame {
    /// The file.
    pub path: Option<String>,
    /// Index of the layer that holds the bytes.
    pub layer: Option<usize>,
    /// Its instruction, without what builders add.
    pub instruction: Option<String>,
    /// The category.
    pub category: Option<String>,
    /// The package, as `kind:name`.
    pub package: Option<String>,
    /// Bytes: of growth what is more than in the base.
    pub bytes: u64,
}

impl Blame {
    /// The bytes, what it is about and where from, for formats without tables.
    pub(super) fn line(&self) -> String {
        let line = format!("{}  {}  {}", ByteSize(self.bytes), self.subject(), self.origin());
        line.trim_end().to_owned()
    }

    /// What it is about, in one word: the path, else the package, the category, the layer.
    pub(super) fn subject(&self) -> String {
        let named = self.path.clone().or_else(|| self.package.clone());
        let named = named.or_else(|| self.category.clone());
        named.unwrap_or_else(|| match self.layer {
            Some(layer) => format!("layer {layer}"),
            None => String::new(),
        })
    }

    /// The layer and its instruction, where the subject is not the layer alone: `layer 3: RUN make`.
    pub(super) fn origin(&self) -> String {
        let instruction = self.instruction.as_deref().unwrap_or_default();
        let is_layer = self.path.is_none() && self.package.is_none() && self.category.is_none();
        match self.layer {
            Some(_) if is_layer => instruction.to_owned(),
            Some(layer) if instruction.is_empty() => format!("layer {layer}"),
            Some(layer) => format!("layer {layer}: {instruction}"),
            None => String::new(),
        }
    }
}

impl CheckRow {
    /// The row as a comparison shows it; `None` for what was not checked.
    pub fn in_words(&self) -> Option<BudgetRow> {
        let state = match self.state {
            CheckState::Ok => BudgetState::Ok,
            CheckState::Over | CheckState::Expired => BudgetState::Over,
            CheckState::Allowed => BudgetState::Allowed,
            CheckState::Skipped => return None,
        };
        let amount =
            |amount: Option<Amount>| amount.map_or_else(String::new, |amount| amount.in_words(self.unit));
        Some(BudgetRow {
            name: self.name.clone(),
            state,
            value: amount(self.value),
            limit: amount(self.limit),
            message: self.message.clone(),
        })
    }
}

impl Amount {
    fn in_words(self, unit: Unit) -> String {
        match (self, unit) {
            (Self::Whole(bytes), Unit::Bytes) if bytes < 0 => format!("-{}", ByteSize(bytes.unsigned_abs())),
            (Self::Whole(bytes), Unit::Bytes) => ByteSize(bytes.unsigned_abs()).to_string(),
            (Self::Whole(count), _) => count.to_string(),
            (Self::Ratio(ratio), _) => format!("{:.2} %", ratio * 100.0),
        }
    }
}

impl CheckDocument {
    /// How many budgets are over.
    pub(super) fn failed(&self) -> usize {
        self.budgets.iter().filter(|budget| budget.state.fails()).count()
    }

    /// One sentence without a full stop: `2 of 9 budgets are over`.
    pub fn verdict(&self) -> String {
        let all = self.budgets.len();
        let budgets = if all == 1 { "budget" } else { "budgets" };
        let count = |state| self.budgets.iter().filter(|budget| budget.state == state).count();
        let mut out = match self.failed() {
            0 if all == 1 => "the budget is kept".to_owned(),
            0 => format!("all {all} budgets are kept"),
            1 => format!("1 of {all} {budgets} is over"),
            failed => format!("{failed} of {all} {budgets} are over"),
        };
        for (state, word) in [
            (CheckState::Allowed, "allowed for a while"),
            (CheckState::Skipped, "not checked"),
        ] {
            let count = count(state);
            if count > 0 {
                // Writing into a `String` cannot fail.
                let _ = write!(out, ", {count} {word}");
            }
        }
        out
    }
}
