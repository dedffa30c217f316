//! The commands that pass a verdict: on a slim image, and on budgets.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::output::Output;
use super::selection::SelectionArgs;
use crate::report::{CheckDocument, VerifyDocument};

#[derive(Debug, Args)]
pub(in crate::cli) struct VerifyArgs {
    /// The image before
    pub(in crate::cli) original: String,
    /// The image after; without a selection the list that is attached to it says what may differ
    pub(in crate::cli) slimmed: String,
    #[command(flatten)]
    pub(in crate::cli) selection: SelectionArgs,
    #[command(flatten)]
    pub(in crate::cli) output: Output<VerifyDocument>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArgs {
    /// The image
    pub(in crate::cli) image: String,
    /// Compare with this image, or with a report of it that `slim report --format json` saved
    #[arg(long, value_name = "BASE")]
    pub(in crate::cli) against: Option<String>,
    /// Read the budgets of this file [default: slim.toml and .dive-ci of the current directory]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) config: Option<PathBuf>,
    /// The most that the compressed layers may weigh
    #[arg(long, value_name = "SIZE", help_heading = "Budgets")]
    pub(in crate::cli) max_wire: Option<String>,
    /// The most that the files of all layers may weigh
    #[arg(long, value_name = "SIZE", help_heading = "Budgets")]
    pub(in crate::cli) max_disk: Option<String>,
    /// By how much they may weigh more than those of the base, as in `5 MB`, `3%` or both with a comma
    #[arg(long, value_name = "SIZE|PERCENT", help_heading = "Budgets")]
    pub(in crate::cli) max_growth: Option<String>,
    /// By how much the compressed layers may weigh more than those of the base
    #[arg(long, value_name = "SIZE|PERCENT", help_heading = "Budgets")]
    pub(in crate::cli) max_wire_growth: Option<String>,
    /// Any budget of slim.toml, in place of what stands there, as in category.apt-cache=0 (repeatable)
    #[arg(long, value_name = "NAME=LIMIT", help_heading = "Budgets")]
    pub(in crate::cli) budget: Vec<String>,
    /// Write the report to this file as well, in the format of its extension, else as JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub(in crate::cli) report: Option<PathBuf>,
    /// The file that annotations and SARIF point at
    #[arg(
        long,
        value_name = "PATH",
        default_value = "Dockerfile",
        help_heading = "Output"
    )]
    pub(in crate::cli) dockerfile: String,
    #[command(flatten)]
    pub(in crate::cli) output: Output<CheckDocument>,
}
