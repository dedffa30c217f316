//! The command line as types: the doc comments are the help texts.
//!
//! A command's arguments stand in the room of what it does; here are the commands and the help on top of them.

#[cfg(feature = "registry")]
mod comment;
mod global;
mod judge;
mod look;
mod output;
mod own;
mod selection;
mod write;

use clap::{Parser, Subcommand};

#[cfg(feature = "registry")]
pub(super) use comment::CommentArgs;
pub(super) use global::{Global, Wanted};
pub(super) use judge::{CheckArgs, VerifyArgs};
#[cfg(feature = "tui")]
pub(super) use look::ScreenArgs;
pub(super) use look::{
    CatArgs, DiffArgs, ExploreArgs, ExtractArgs, PlanArgs, ReportArgs, TraceArgs, ViewArgs,
};
pub(super) use output::Output;
pub(super) use own::{CacheCommand, CachePruneArgs, DemoArgs, ProfilesArgs};
pub(super) use selection::SelectionArgs;
pub(super) use write::{BaseArgs, Layers, LoadArgs, PushArgs, RestoreArgs, SaveArgs, WriteArgs};

/// See what every byte of a container image is for, and ship the image without the bytes you don't need.
#[derive(Debug, Parser)]
#[command(name = "slim", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) global: Global,
}

const AFTER_HELP: &str = "\
IMAGE is one of
  docker://HOST/REPOSITORY[:TAG][@DIGEST]   an image in a registry
  docker-daemon:NAME[:TAG|@DIGEST]|ID       an image of the Docker or Podman engine
  docker-archive:PATH[:REFERENCE]           what `docker save` writes
  oci:DIRECTORY[:TAG]                       an OCI image layout
  oci-archive:PATH[:TAG]                    a tar of one
  -                                         an archive on standard input, such as `docker save` gives
  a bare word: a path if an image is there, else an image that the engine has, else a name in a registry, as docker
  reads it; standard error says which. A path that is written as one (./x, x.tar) is never a name.

`slim IMAGE` alone explores the image. Exit codes: 0 done · 1 a budget or a verification failed · 2 usage or
configuration · 3 the image could not be read · 4 it could not be written · 130 interrupted.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Explore an image in the terminal, mark what shall go, write it slim; prints the report where there is no terminal
    Explore(ExploreArgs),
    /// Show an image's sizes by layer, category and directory
    Report(ReportArgs),
    /// Show what changed between two images, what broke the build's cache, and what clients must download
    Diff(DiffArgs),
    /// Show what would be removed and why; nothing is written
    Plan(PlanArgs),
    /// Write the content of a file of the image to standard output
    ///
    /// On a terminal control characters are escaped; into a file or a pipe every byte goes as it is. All layers are read
    /// and checked first; the layer that holds the file is then read once more, and not checked again, up to its end.
    Cat(CatArgs),
    /// Put a file or a directory of the image onto the disk
    ///
    /// With modes, times, symlinks and hard links. Nothing is written outside of the directory, no symlink in it is
    /// followed, and nothing is overwritten unless asked. Devices and pipes are left out and listed.
    Extract(ExtractArgs),
    /// Show what every layer did to a path
    Trace(TraceArgs),
    /// Write the slim image to an archive or a layout
    Save(SaveArgs),
    /// Write the slim image to a registry
    Push(PushArgs),
    /// Write the slim image into the Docker or Podman engine
    Load(LoadArgs),
    /// Put what was removed back: the original's tree, from the slim image and its leftovers
    Restore(RestoreArgs),
    /// Read two images and check that every difference is in the plan: the list attached to the slim one, or this selection
    Verify(VerifyArgs),
    /// Check the budgets of slim.toml and .dive-ci; exit code 1 where the image is over one
    Check(CheckArgs),
    /// Write what changed as the one comment of a pull request, or update it
    #[cfg(feature = "registry")]
    Comment(CommentArgs),
    /// Show the profiles and their categories
    Profiles(ProfilesArgs),
    /// Report, plan, slim and verify a small image that is built in memory
    Demo(DemoArgs),
    /// Show what is kept between runs, or remove it: blobs of registries, and what layers were found to hold
    Cache {
        #[command(subcommand)]
        command: CacheCommand,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}
