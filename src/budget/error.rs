//! What can be wrong with a budget, always with the place where it was written.
//!
//! A module of its own so that every message of this floor reads the same, as those of profiles do.

use crate::bytesize::ByteSizeError;
use crate::profile::{Place, ProfileError};

/// What is wrong with a budget, or with the image for it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// Occurs when a file is no TOML.
    #[error("{place}: {message}")]
    Syntax {
        /// The line where reading stopped.
        place: Place,
        /// What the TOML reader says.
        message: String,
    },
    /// Occurs when a key is none of those that there are.
    #[error("{place}: unknown key `{key}`{}", hint(nearest.as_deref()))]
    UnknownKey {
        /// The line of the key, or the flag.
        place: Place,
        /// The key with those above it: `budget.max-disc`.
        key: String,
        /// The key that was probably meant.
        nearest: Option<String>,
    },
    /// Occurs when a key that must be there is not.
    #[error("{place}: `{key}` is missing: {why}")]
    MissingKey {
        /// The line of what it is missing in.
        place: Place,
        /// The key.
        key: &'static str,
        /// What it is for.
        why: &'static str,
    },
    /// Occurs when a value is not what its key takes.
    #[error("{place}: `{key}`: {reason}")]
    Value {
        /// The line of the value, or the flag.
        place: Place,
        /// The key with those above it.
        key: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// Occurs when a budget is for a category that does not exist.
    #[error("{place}: unknown category `{name}`{}", hint(nearest.as_deref()))]
    UnknownCategory {
        /// The line of the name, or the flag.
        place: Place,
        /// The unknown name.
        name: String,
        /// The category that was probably meant.
        nearest: Option<String>,
    },
    /// Occurs when an `allow` names a budget that there is none of.
    #[error("{place}: there is no budget `{name}` to allow{}", hint(nearest.as_deref()))]
    UnknownBudget {
        /// The line of the name.
        place: Place,
        /// The unknown name.
        name: String,
        /// The budget that was probably meant.
        nearest: Option<String>,
    },
    /// Occurs when two budgets have one name.
    #[error("{place}: the budget `{name}` is already set at {first}")]
    Twice {
        /// The second one.
        place: Place,
        /// The name of both.
        name: String,
        /// The first one.
        first: Place,
    },
    /// Occurs when a `.dive-ci` is not of the form that dive's documentation shows, or has a value that dive refuses.
    #[error("{place}: {reason}")]
    Dive {
        /// The line.
        place: Place,
        /// What is wrong.
        reason: String,
    },
    /// Occurs when a glob of a budget cannot be compiled.
    #[error(transparent)]
    Glob(#[from] ProfileError),
    /// Occurs when there is a budget for bytes on the wire and the image's medium stores no compressed layers.
    #[error(
        "{place}: `{name}`: {reference} stores no compressed layers, so nobody knows what they weigh on the wire; check the \
         image in a registry or an OCI layout, or give it a `max-disk`"
    )]
    NotCompressed {
        /// Where the budget stands.
        place: Place,
        /// The budget.
        name: String,
        /// The image.
        reference: String,
    },
}

impl BudgetError {
    pub(super) fn size(place: Place, key: &str, error: &ByteSizeError) -> Self {
        Self::Value {
            place,
            key: key.to_owned(),
            reason: error.to_string(),
        }
    }
}

fn hint(nearest: Option<&str>) -> String {
    nearest
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}
