//! The commands that look at images and show a document, a file or a screen; they write no image.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::output::Output;
use super::selection::SelectionArgs;
use super::write::BaseArgs;
use crate::bytesize::ByteSize;
use crate::report::{Diff, Dimension, PlanDocument, Report, TraceDocument};

#[derive(Debug, Args)]
pub(in crate::cli) struct ExploreArgs {
    /// The image, or a report of one that was saved with --format json --tree
    pub(in crate::cli) image: String,
    #[command(flatten)]
    pub(in crate::cli) screen: ScreenArgs,
}

/// A screen in memory instead of the terminal.
#[derive(Debug, Args)]
pub(in crate::cli) struct ScreenArgs {
    /// Play these keys on a screen in memory and print its last frame, as in jj<space>p
    #[arg(long, value_name = "KEYS", hide = true)]
    pub(in crate::cli) keys: Option<String>,
    /// The size of that screen
    #[arg(long, value_name = "COLUMNSxROWS", hide = true, value_parser = size)]
    pub(in crate::cli) size: Option<(u16, u16)>,
}

impl ExploreArgs {
    /// The report that stands for the interface where there is no terminal.
    pub(in crate::cli) fn report(&self) -> ReportArgs {
        ReportArgs {
            image: self.image.clone(),
            by: None,
            tree: false,
            advice: false,
            output: Output::default(),
        }
    }
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let numbers = text
        .split_once('x')
        .and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)));
    numbers
        .filter(|&(columns, rows)| columns > 0 && rows > 0)
        .ok_or_else(|| "write it as in 80x24".to_owned())
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ReportArgs {
    /// The image, or a report of one that was saved with --format json
    pub(in crate::cli) image: String,
    /// Nest the bytes by these dimensions, in this order: layer, category, owner, directory
    #[arg(long, value_name = "DIMENSION,…", value_parser = dimensions)]
    pub(in crate::cli) by: Option<By>,
    /// List every path: with json and csv (html has them in any case)
    #[arg(long)]
    pub(in crate::cli) tree: bool,
    /// Say for each layer how a build avoids its bytes, and propose a .dockerignore
    #[arg(long)]
    pub(in crate::cli) advice: bool,
    #[command(flatten)]
    pub(in crate::cli) output: Output<Report>,
}

/// The dimensions of a breakdown, the outermost first.
#[derive(Debug, Clone)]
pub(in crate::cli) struct By(pub(in crate::cli) Vec<Dimension>);

fn dimensions(text: &str) -> Result<By, String> {
    Dimension::list(text).map(By).map_err(|error| error.to_string())
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DiffArgs {
    /// The image before, or a report of it that `slim report --format json` saved
    pub(in crate::cli) old: String,
    /// The image after, or a report of it
    pub(in crate::cli) new: String,
    /// Show it in the terminal: what grew by layer, category, owner and path; saved reports need their paths (--tree)
    #[cfg(feature = "tui")]
    #[arg(long, conflicts_with_all = ["format", "file"])]
    pub(in crate::cli) tui: bool,
    #[cfg(feature = "tui")]
    #[command(flatten)]
    pub(in crate::cli) screen: ScreenArgs,
    #[command(flatten)]
    pub(in crate::cli) output: Output<Diff>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PlanArgs {
    /// The image
    pub(in crate::cli) image: String,
    #[command(flatten)]
    pub(in crate::cli) selection: SelectionArgs,
    #[command(flatten)]
    pub(in crate::cli) base: BaseArgs,
    #[command(flatten)]
    pub(in crate::cli) output: Output<PlanDocument>,
}

/// Which tree of an image is meant.
#[derive(Debug, Args)]
pub(in crate::cli) struct ViewArgs {
    /// What this layer holds, and not the merged image; layers are counted from 0, base first
    #[arg(long, value_name = "N")]
    pub(in crate::cli) layer: Option<usize>,
    /// What the layers up to this one show
    #[arg(long, value_name = "N", conflicts_with = "layer")]
    pub(in crate::cli) up_to: Option<usize>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CatArgs {
    /// The image
    pub(in crate::cli) image: String,
    /// The file; in the merged image symlinks are followed, inside its root
    pub(in crate::cli) path: String,
    #[command(flatten)]
    pub(in crate::cli) view: ViewArgs,
    /// Show the bytes as `hexdump -C` does
    #[arg(long)]
    pub(in crate::cli) hex: bool,
    /// Write no more than the beginning of it, as in `4 KiB`; what is over is said
    #[arg(long, value_name = "SIZE")]
    pub(in crate::cli) max_bytes: Option<ByteSize>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExtractArgs {
    /// The image
    pub(in crate::cli) image: String,
    /// A file, a symlink (which is not followed), or a directory with all that is below it; `/` is everything
    pub(in crate::cli) path: String,
    /// The directory that it is put into under its own name; made where it is missing
    #[arg(value_hint = ValueHint::DirPath)]
    pub(in crate::cli) target: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) view: ViewArgs,
    /// Replace files that are there; directories stay, and get what is missing in them
    #[arg(long)]
    pub(in crate::cli) overwrite: bool,
    /// Keep owners, set-uid bits and extended attributes, which only root can
    #[arg(long)]
    pub(in crate::cli) owners: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TraceArgs {
    /// The image
    pub(in crate::cli) image: String,
    /// The path; a symlink at its end is not followed
    pub(in crate::cli) path: String,
    /// Show what differs between one version of a text file and the next
    #[arg(long)]
    pub(in crate::cli) diff: bool,
    #[command(flatten)]
    pub(in crate::cli) output: Output<TraceDocument>,
}
