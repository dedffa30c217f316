//! Budgets: how large an image may be, and whether it is larger.
//!
//! A floor of its own because a budget is data, read from `slim.toml` or from dive's `.dive-ci`, and judging it is pure:
//! from the report on an image, its content map and what another image weighs to a [`CheckDocument`]. It reads no file and
//! asks no clock; both are given to it.
//!
//! [`CheckDocument`]: crate::report::CheckDocument

mod config;
mod day;
mod dive_ci;
mod error;
mod judge;
mod rule;
mod value;

pub use day::Day;
pub use error::BudgetError;
pub use judge::{Against, Subject, judge};
pub use rule::{Allow, Budgets, DiveRule, Limit, Measure, PackageName, Rule, Step};
