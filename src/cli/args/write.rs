//! The commands that write images, and how the images are written; what is taken off them is `selection`'s.

use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};

use super::output::Output;
use super::selection::SelectionArgs;
use crate::codec::Encoding;
use crate::report::PlanDocument;

#[derive(Debug, Args)]
pub(in crate::cli) struct SaveArgs {
    /// The image
    pub(in crate::cli) image: String,
    /// Where to: oci:DIRECTORY[:TAG], oci-archive:PATH[:TAG], docker-archive:PATH[:REFERENCE] or docker-daemon:NAME[:TAG]
    pub(in crate::cli) target: String,
    #[command(flatten)]
    pub(in crate::cli) write: WriteArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PushArgs {
    /// The image
    pub(in crate::cli) image: String,
    /// Where to: a registry reference [default for a tagged docker:// image: the same with the tag TAG-slim]
    pub(in crate::cli) target: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) write: WriteArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct LoadArgs {
    /// The image
    pub(in crate::cli) image: String,
    /// The name that the engine gives it [default for an image with a name: the same with the tag TAG-slim]
    pub(in crate::cli) name: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) write: WriteArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct WriteArgs {
    /// Which layers the slim image has
    #[arg(long, value_enum, value_name = "MODE", default_value_t)]
    pub(in crate::cli) layers: Layers,
    #[command(flatten)]
    pub(in crate::cli) base: BaseArgs,
    /// How new layers are compressed: gzip, zstd or none, with a level as in gzip:9 [default: gzip, with --layers keep as each layer was; docker archives and engines take plain tars]
    #[arg(long, value_name = "FORM[:LEVEL]", value_parser = encoding)]
    pub(in crate::cli) compression: Option<Encoding>,
    /// Keep what is removed, and the old bodies of what is changed, as an image of its own that `slim restore` puts
    /// back: as a target of `save`, or a registry reference with its docker:// (without a tag it takes none)
    #[arg(long, value_name = "TARGET")]
    pub(in crate::cli) leftovers: Option<String>,
    /// Show the plan and write nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Publish without reading the result again
    #[arg(long)]
    pub(in crate::cli) no_verify: bool,
    #[command(flatten)]
    pub(in crate::cli) selection: SelectionArgs,
    #[command(flatten)]
    pub(in crate::cli) output: Output<PlanDocument>,
}

/// Which layers a slim image has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(in crate::cli) enum Layers {
    /// One
    #[default]
    Squash,
    /// Each is rewritten in place; those that need no change stay byte for byte
    Keep,
    /// Those of the base image as they are, and one for the rest
    Base,
}

/// Which layers are the base image's.
#[derive(Debug, Args)]
pub(in crate::cli) struct BaseArgs {
    /// The base image; without it, the one that the image's annotations name
    #[arg(long, value_name = "IMAGE", conflicts_with = "base_layers")]
    pub(in crate::cli) base: Option<String>,
    /// How many of the image's layers, counted from the first, are the base image's
    #[arg(long, value_name = "N")]
    pub(in crate::cli) base_layers: Option<NonZeroUsize>,
}

fn encoding(text: &str) -> Result<Encoding, String> {
    text.parse()
        .map_err(|error: crate::codec::EncodingError| error.to_string())
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RestoreArgs {
    /// The slim image
    pub(in crate::cli) slim: String,
    /// Where to: as a target of `save`, or a registry reference with its docker://
    pub(in crate::cli) target: String,
    /// Where the leftovers are [default for an image in a registry: in its repository, by what refers to it]
    #[arg(long, value_name = "IMAGE")]
    pub(in crate::cli) leftovers: Option<String>,
}
