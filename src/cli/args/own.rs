//! The commands about `slim` itself: its profiles, its demonstration, what it keeps between runs.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};

use super::output::Output;
use crate::bytesize::ByteSize;
use crate::report::CacheDocument;

#[derive(Debug, Args)]
pub(in crate::cli) struct ProfilesArgs {
    /// A profile, a category, or a profile file: show it whole
    pub(in crate::cli) name: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DemoArgs {
    /// Keep the images: write before.oci and after.oci into this directory
    #[arg(long, value_name = "DIRECTORY", value_hint = ValueHint::DirPath)]
    pub(in crate::cli) keep: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CacheCommand {
    /// List what is kept, the least recently used first
    Ls(CacheLsArgs),
    /// Remove what was not used for the longest time; safe beside other runs, which fetch again what they miss
    Prune(CachePruneArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CacheLsArgs {
    #[command(flatten)]
    pub(in crate::cli) output: Output<CacheDocument>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CachePruneArgs {
    /// Remove what was not used for this long, as in 12h, 7d or 2w
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) older_than: Option<TimeSpan>,
    /// Remove the least recently used until no more than this is left, as in 500MB [default: 10 GB, as every run does]
    #[arg(long, value_name = "SIZE")]
    pub(in crate::cli) max_size: Option<ByteSize>,
    /// Remove everything
    #[arg(long, conflicts_with_all = ["older_than", "max_size"])]
    pub(in crate::cli) all: bool,
    /// Show what would be removed
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    #[command(flatten)]
    pub(in crate::cli) output: Output<CacheDocument>,
}

/// A number with a unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct TimeSpan(pub(in crate::cli) Duration);

impl FromStr for TimeSpan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is no time; write 90s, 30m, 12h, 7d or 2w");
        let unit = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            _ => return Err(bad()),
        };
        let number: u64 = text[..text.len() - 1].trim().parse().map_err(|_| bad())?;
        let seconds = number.checked_mul(unit).ok_or_else(bad)?;
        Ok(Self(Duration::from_secs(seconds)))
    }
}
