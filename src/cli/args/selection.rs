//! What is removed from an image: the same flags for every command that plans.
//!
//! A room of its own because they also say how the image must be read.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::cli::session::Purpose;

/// What is removed; the same for every command that plans.
#[derive(Debug, Clone, PartialEq, Eq, Args, Default)]
#[command(next_help_heading = "What is removed")]
pub(in crate::cli) struct SelectionArgs {
    /// A profile by name, or a profile file (repeatable; `none` removes nothing, `auto` is every profile that the image
    /// has evidence for) [default: default]
    #[arg(long, value_name = "NAME|FILE")]
    pub(in crate::cli) profile: Vec<String>,
    /// Remove these categories and package sets too; `safe`, `review` and `risky` are all of a kind
    #[arg(long, value_delimiter = ',', value_name = "CATEGORY,…")]
    pub(in crate::cli) remove: Vec<String>,
    /// Keep these categories and package sets
    #[arg(long, value_delimiter = ',', value_name = "CATEGORY,…")]
    pub(in crate::cli) keep: Vec<String>,
    /// Remove these packages whole, as in gcc or pypi:pip, and what only they needed; one that something needs is an
    /// error (repeatable)
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub(in crate::cli) remove_package: Vec<String>,
    /// Remove these paths too, as in /srv/data/**; one that is protected is an error (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub(in crate::cli) remove_path: Vec<String>,
    /// Keep these paths (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub(in crate::cli) keep_path: Vec<String>,
    /// Remove these paths even if they are protected (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub(in crate::cli) force_path: Vec<String>,
    /// Take symbols and debug information off programs and libraries, where that is safe; no profile does
    #[arg(long)]
    pub(in crate::cli) strip: bool,
    /// Remove what this plan lists, from `slim plan --format json`; it must be for the same image (`-` is standard input)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath,
          conflicts_with_all = ["profile", "remove", "keep", "remove_path", "keep_path", "force_path", "strip", "remove_package"])]
    pub(in crate::cli) plan: Option<PathBuf>,
}

impl SelectionArgs {
    /// How an image is read of which only a document is wanted: what is stripped is read a second time.
    pub(in crate::cli) fn purpose(&self) -> Purpose {
        if self.strip || self.plan.is_some() {
            Purpose::LookTwice
        } else {
            Purpose::Look
        }
    }
}
