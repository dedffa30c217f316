//! The command line as types: the doc comments are the help texts.

use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Arg, ArgMatches, Args, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};

use super::session::Purpose;
use crate::bytesize::ByteSize;
use crate::codec::Encoding;
#[cfg(feature = "registry")]
use crate::forge::Forge;
use crate::limits::{Limit, Limits};
use crate::oci::Platform;
use crate::report::{
    CacheDocument, CheckDocument, Diff, Dimension, Document, FORMATS, FormatRow, PlanDocument, Report,
    TraceDocument, VerifyDocument,
};

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

/// What every command takes.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// No progress and no notes on standard error
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub(super) quiet: bool,
    /// Threads that work at once; results never depend on it [default: one for each core]
    #[arg(long, global = true, value_name = "N", help_heading = "Global options")]
    pub(super) threads: Option<NonZeroUsize>,
    /// Take this platform out of an index, as in linux/arm64, or `all` of them [default: all where an index is written, else this machine's]
    #[arg(long, global = true, value_name = "all|OS/ARCH[/VARIANT]", value_parser = wanted, help_heading = "Global options")]
    pub(super) platform: Option<Wanted>,
    /// Speak plain HTTP, or TLS without checking certificates, to this registry (repeatable)
    #[arg(
        long,
        global = true,
        value_name = "HOST[:PORT]",
        help_heading = "Global options"
    )]
    pub(super) insecure_registry: Vec<String>,
    /// Trust the CA certificates of this PEM file too (repeatable)
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Global options")]
    pub(super) cacert: Vec<PathBuf>,
    /// Show this client certificate, a PEM file, to registries that ask for one
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Global options")]
    pub(super) client_cert: Option<PathBuf>,
    /// Its private key, a PEM file [default: it stands in the file of --client-cert]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Global options", requires = "client_cert")]
    pub(super) client_key: Option<PathBuf>,
    #[command(flatten)]
    pub(super) limits: LimitArgs,
}

/// What an image may ask for before it is refused; `docs/limits.md`. Help texts stand in [`crate::limits`].
#[derive(Debug, Default)]
pub(super) struct LimitArgs(Vec<(Limit, u64)>);

impl LimitArgs {
    /// The limits, with those that were given in place of the defaults.
    pub(super) fn limits(&self) -> Limits {
        self.0
            .iter()
            .fold(Limits::default(), |limits, &(limit, max)| limits.with(limit, max))
    }
}

impl FromArgMatches for LimitArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let given = |limit: Limit| Some((limit, *matches.get_one::<u64>(name(limit))?));
        self.0.extend(Limit::ALL.into_iter().filter_map(given));
        Ok(())
    }
}

impl Args for LimitArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        let default = Limits::default();
        Limit::ALL.into_iter().fold(command, |command, limit| {
            let help = format!(
                "Refuse an image where {} is over this [default: {}]",
                limit.what(),
                default.get(limit)
            );
            let flag = Arg::new(name(limit))
                .long(name(limit))
                .global(true)
                .value_name("N")
                .value_parser(clap::value_parser!(u64).range(1..=limit.ceiling()))
                .help_heading("Limits")
                .hide_short_help(true)
                .help(help);
            command.arg(flag)
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// The flag of a limit without its dashes.
fn name(limit: Limit) -> &'static str {
    limit.flag().trim_start_matches('-')
}

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

#[derive(Debug, Args)]
pub(super) struct ExploreArgs {
    /// The image
    pub(super) image: String,
    /// Play these keys on a screen in memory and print its last frame, as in jj<space>p
    #[arg(long, value_name = "KEYS", hide = true)]
    pub(super) keys: Option<String>,
    /// The size of that screen
    #[arg(long, value_name = "COLUMNSxROWS", hide = true, value_parser = size)]
    pub(super) size: Option<(u16, u16)>,
}

impl ExploreArgs {
    /// The report that stands for the interface where there is no terminal.
    pub(super) fn report(&self) -> ReportArgs {
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
pub(super) struct ReportArgs {
    /// The image, or a report of one that was saved with --format json
    pub(super) image: String,
    /// Nest the bytes by these dimensions, in this order: layer, category, owner, directory
    #[arg(long, value_name = "DIMENSION,…", value_parser = dimensions)]
    pub(super) by: Option<By>,
    /// List every path: with json and csv (html has them in any case)
    #[arg(long)]
    pub(super) tree: bool,
    /// Say for each layer how a build avoids its bytes, and propose a .dockerignore
    #[arg(long)]
    pub(super) advice: bool,
    #[command(flatten)]
    pub(super) output: Output<Report>,
}

#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// The image before, or a report of it that `slim report --format json` saved
    pub(super) old: String,
    /// The image after, or a report of it
    pub(super) new: String,
    #[command(flatten)]
    pub(super) output: Output<Diff>,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The image
    pub(super) image: String,
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    #[command(flatten)]
    pub(super) base: BaseArgs,
    #[command(flatten)]
    pub(super) output: Output<PlanDocument>,
}

/// Which tree of an image is meant.
#[derive(Debug, Args)]
pub(super) struct ViewArgs {
    /// What this layer holds, and not the merged image; layers are counted from 0, base first
    #[arg(long, value_name = "N")]
    pub(super) layer: Option<usize>,
    /// What the layers up to this one show
    #[arg(long, value_name = "N", conflicts_with = "layer")]
    pub(super) up_to: Option<usize>,
}

#[derive(Debug, Args)]
pub(super) struct CatArgs {
    /// The image
    pub(super) image: String,
    /// The file; in the merged image symlinks are followed, inside its root
    pub(super) path: String,
    #[command(flatten)]
    pub(super) view: ViewArgs,
    /// Show the bytes as `hexdump -C` does
    #[arg(long)]
    pub(super) hex: bool,
    /// Write no more than the beginning of it, as in `4 KiB`; what is over is said
    #[arg(long, value_name = "SIZE")]
    pub(super) max_bytes: Option<ByteSize>,
}

#[derive(Debug, Args)]
pub(super) struct ExtractArgs {
    /// The image
    pub(super) image: String,
    /// A file, a symlink (which is not followed), or a directory with all that is below it; `/` is everything
    pub(super) path: String,
    /// The directory that it is put into under its own name; made where it is missing
    #[arg(value_hint = ValueHint::DirPath)]
    pub(super) target: PathBuf,
    #[command(flatten)]
    pub(super) view: ViewArgs,
    /// Replace files that are there; directories stay, and get what is missing in them
    #[arg(long)]
    pub(super) overwrite: bool,
    /// Keep owners, set-uid bits and extended attributes, which only root can
    #[arg(long)]
    pub(super) owners: bool,
}

#[derive(Debug, Args)]
pub(super) struct TraceArgs {
    /// The image
    pub(super) image: String,
    /// The path; a symlink at its end is not followed
    pub(super) path: String,
    /// Show what differs between one version of a text file and the next
    #[arg(long)]
    pub(super) diff: bool,
    #[command(flatten)]
    pub(super) output: Output<TraceDocument>,
}

#[derive(Debug, Args)]
pub(super) struct SaveArgs {
    /// The image
    pub(super) image: String,
    /// Where to: oci:DIRECTORY[:TAG], oci-archive:PATH[:TAG], docker-archive:PATH[:REFERENCE] or docker-daemon:NAME[:TAG]
    pub(super) target: String,
    #[command(flatten)]
    pub(super) write: WriteArgs,
}

#[derive(Debug, Args)]
pub(super) struct PushArgs {
    /// The image
    pub(super) image: String,
    /// Where to: a registry reference [default for a tagged docker:// image: the same with the tag TAG-slim]
    pub(super) target: Option<String>,
    #[command(flatten)]
    pub(super) write: WriteArgs,
}

#[derive(Debug, Args)]
pub(super) struct LoadArgs {
    /// The image
    pub(super) image: String,
    /// The name that the engine gives it [default for an image with a name: the same with the tag TAG-slim]
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) write: WriteArgs,
}

#[derive(Debug, Args)]
pub(super) struct WriteArgs {
    /// Which layers the slim image has
    #[arg(long, value_enum, value_name = "MODE", default_value_t)]
    pub(super) layers: Layers,
    #[command(flatten)]
    pub(super) base: BaseArgs,
    /// How new layers are compressed: gzip, zstd or none, with a level as in gzip:9 [default: gzip, with --layers keep as each layer was; docker archives and engines take plain tars]
    #[arg(long, value_name = "FORM[:LEVEL]", value_parser = encoding)]
    pub(super) compression: Option<Encoding>,
    /// Keep what is removed, and the old bodies of what is changed, as an image of its own that `slim restore` puts
    /// back: as a target of `save`, or a registry reference with its docker:// (without a tag it takes none)
    #[arg(long, value_name = "TARGET")]
    pub(super) leftovers: Option<String>,
    /// Show the plan and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Publish without reading the result again
    #[arg(long)]
    pub(super) no_verify: bool,
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    #[command(flatten)]
    pub(super) output: Output<PlanDocument>,
}

/// Which layers a slim image has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Layers {
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
pub(super) struct BaseArgs {
    /// The base image; without it, the one that the image's annotations name
    #[arg(long, value_name = "IMAGE", conflicts_with = "base_layers")]
    pub(super) base: Option<String>,
    /// How many of the image's layers, counted from the first, are the base image's
    #[arg(long, value_name = "N")]
    pub(super) base_layers: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The slim image
    pub(super) slim: String,
    /// Where to: as a target of `save`, or a registry reference with its docker://
    pub(super) target: String,
    /// Where the leftovers are [default for an image in a registry: in its repository, by what refers to it]
    #[arg(long, value_name = "IMAGE")]
    pub(super) leftovers: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The image before
    pub(super) original: String,
    /// The image after; without a selection the list that is attached to it says what may differ
    pub(super) slimmed: String,
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    #[command(flatten)]
    pub(super) output: Output<VerifyDocument>,
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The image
    pub(super) image: String,
    /// Compare with this image, or with a report of it that `slim report --format json` saved
    #[arg(long, value_name = "BASE")]
    pub(super) against: Option<String>,
    /// Read the budgets of this file [default: slim.toml and .dive-ci of the current directory]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) config: Option<PathBuf>,
    /// The most that the compressed layers may weigh
    #[arg(long, value_name = "SIZE", help_heading = "Budgets")]
    pub(super) max_wire: Option<String>,
    /// The most that the files of all layers may weigh
    #[arg(long, value_name = "SIZE", help_heading = "Budgets")]
    pub(super) max_disk: Option<String>,
    /// By how much they may weigh more than those of the base, as in `5 MB`, `3%` or both with a comma
    #[arg(long, value_name = "SIZE|PERCENT", help_heading = "Budgets")]
    pub(super) max_growth: Option<String>,
    /// By how much the compressed layers may weigh more than those of the base
    #[arg(long, value_name = "SIZE|PERCENT", help_heading = "Budgets")]
    pub(super) max_wire_growth: Option<String>,
    /// Any budget of slim.toml, in place of what stands there, as in category.apt-cache=0 (repeatable)
    #[arg(long, value_name = "NAME=LIMIT", help_heading = "Budgets")]
    pub(super) budget: Vec<String>,
    /// Write the report to this file as well, in the format of its extension, else as JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub(super) report: Option<PathBuf>,
    /// The file that annotations and SARIF point at
    #[arg(
        long,
        value_name = "PATH",
        default_value = "Dockerfile",
        help_heading = "Output"
    )]
    pub(super) dockerfile: String,
    #[command(flatten)]
    pub(super) output: Output<CheckDocument>,
}

#[cfg(feature = "registry")]
#[derive(Debug, Args)]
pub(super) struct CommentArgs {
    /// The image
    #[arg(required_unless_present = "body", requires = "against")]
    pub(super) image: Option<String>,
    /// Compare with this image, or with a report of it that `slim report --format json` saved
    #[arg(long, value_name = "BASE", requires = "image")]
    pub(super) against: Option<String>,
    /// Write what this file holds instead: Markdown that another run made with -o
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["image", "against"])]
    pub(super) body: Option<PathBuf>,
    /// Show the budgets of this file [default: slim.toml and .dive-ci of the current directory]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) config: Option<PathBuf>,
    /// Which comment it is; of each key there is one [default: the image without tag and digest]
    #[arg(long, value_name = "KEY")]
    pub(super) key: Option<String>,
    /// The kind of forge [default: as the CI says]
    #[arg(long, value_name = "FORGE", value_parser = forge, help_heading = "Where")]
    pub(super) forge: Option<Forge>,
    /// The URL of its API, as in `https://git.example.com/api/v1` [default: as the CI says]
    #[arg(long, value_name = "URL", help_heading = "Where")]
    pub(super) api: Option<String>,
    /// The repository; of GitLab the project's number or path [default: as the CI says]
    #[arg(long, value_name = "OWNER/NAME", help_heading = "Where")]
    pub(super) repo: Option<String>,
    /// The number of the pull request or merge request [default: as the CI says]
    #[arg(long, value_name = "N", help_heading = "Where")]
    pub(super) number: Option<u64>,
    /// The environment variable that holds the token [default: `GITHUB_TOKEN`, `GITLAB_TOKEN`, `CI_JOB_TOKEN` or `GITEA_TOKEN`]
    #[arg(long, value_name = "NAME", help_heading = "Where")]
    pub(super) token_env: Option<String>,
    /// Send nothing and print the requests
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Write the Markdown to this file as well
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ProfilesArgs {
    /// A profile, a category, or a profile file: show it whole
    pub(super) name: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum CacheCommand {
    /// List what is kept, the least recently used first
    Ls(CacheLsArgs),
    /// Remove what was not used for the longest time; safe beside other runs, which fetch again what they miss
    Prune(CachePruneArgs),
}

#[derive(Debug, Args)]
pub(super) struct CacheLsArgs {
    #[command(flatten)]
    pub(super) output: Output<CacheDocument>,
}

#[derive(Debug, Args)]
pub(super) struct CachePruneArgs {
    /// Remove what was not used for this long, as in 12h, 7d or 2w
    #[arg(long, value_name = "TIME")]
    pub(super) older_than: Option<TimeSpan>,
    /// Remove the least recently used until no more than this is left, as in 500MB [default: 10 GB, as every run does]
    #[arg(long, value_name = "SIZE")]
    pub(super) max_size: Option<ByteSize>,
    /// Remove everything
    #[arg(long, conflicts_with_all = ["older_than", "max_size"])]
    pub(super) all: bool,
    /// Show what would be removed
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) output: Output<CacheDocument>,
}

/// A number with a unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeSpan(pub(super) Duration);

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

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Keep the images: write before.oci and after.oci into this directory
    #[arg(long, value_name = "DIRECTORY", value_hint = ValueHint::DirPath)]
    pub(super) keep: Option<PathBuf>,
}

/// What is removed; the same for every command that plans.
#[derive(Debug, Clone, PartialEq, Eq, Args, Default)]
#[command(next_help_heading = "What is removed")]
pub(super) struct SelectionArgs {
    /// A profile by name, or a profile file (repeatable; `none` removes nothing, `auto` is every profile that the image
    /// has evidence for) [default: default]
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) profile: Vec<String>,
    /// Remove these categories and package sets too; `safe`, `review` and `risky` are all of a kind
    #[arg(long, value_delimiter = ',', value_name = "CATEGORY,…")]
    pub(super) remove: Vec<String>,
    /// Keep these categories and package sets
    #[arg(long, value_delimiter = ',', value_name = "CATEGORY,…")]
    pub(super) keep: Vec<String>,
    /// Remove these packages whole, as in gcc or pypi:pip, and what only they needed; one that something needs is an
    /// error (repeatable)
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub(super) remove_package: Vec<String>,
    /// Remove these paths too, as in /srv/data/**; one that is protected is an error (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub(super) remove_path: Vec<String>,
    /// Keep these paths (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub(super) keep_path: Vec<String>,
    /// Remove these paths even if they are protected (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub(super) force_path: Vec<String>,
    /// Take symbols and debug information off programs and libraries, where that is safe; no profile does
    #[arg(long)]
    pub(super) strip: bool,
    /// Remove what this plan lists, from `slim plan --format json`; it must be for the same image (`-` is standard input)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath,
          conflicts_with_all = ["profile", "remove", "keep", "remove_path", "keep_path", "force_path", "strip", "remove_package"])]
    pub(super) plan: Option<PathBuf>,
}

impl SelectionArgs {
    /// How an image is read of which only a document is wanted: what is stripped is read a second time.
    pub(super) fn purpose(&self) -> Purpose {
        if self.strip || self.plan.is_some() {
            Purpose::LookTwice
        } else {
            Purpose::Look
        }
    }
}

/// The form of documents of one kind, and where they go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Output<D: Document + 'static> {
    /// The form of the document [default: by the extension of the file, else text]
    #[arg(long, value_name = "FORMAT", value_parser = formats::<D>())]
    pub(super) format: Option<String>,
    /// Write the document to this file instead of standard output
    #[arg(long = "output", short = 'o', value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) file: Option<PathBuf>,
    #[arg(skip)]
    documents: PhantomData<fn(D)>,
}

impl<D: Document> Default for Output<D> {
    fn default() -> Self {
        Self {
            format: None,
            file: None,
            documents: PhantomData,
        }
    }
}

/// What is asked for of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Every platform.
    All,
    /// One of them.
    One(Platform),
}

fn wanted(text: &str) -> Result<Wanted, String> {
    match text {
        "all" => Ok(Wanted::All),
        text => text.parse().map(Wanted::One),
    }
}

/// The formats that show such documents.
fn formats<D: Document>() -> clap::builder::PossibleValuesParser {
    let value = |row: &FormatRow| {
        let extensions: Vec<String> = row.extensions.iter().map(|name| format!(".{name}")).collect();
        let about = match extensions.as_slice() {
            [] => row.about.to_owned(),
            extensions => format!("{} ({})", row.about, extensions.join(", ")),
        };
        PossibleValue::new(row.name).help(about)
    };
    let shown = FORMATS.iter().filter(|row| D::renderer(row).is_some());
    shown.map(value).collect::<Vec<_>>().into()
}

#[cfg(feature = "registry")]
fn forge(text: &str) -> Result<Forge, String> {
    let found = Forge::ALL.into_iter().find(|forge| forge.as_str() == text);
    // Forgejo speaks as Gitea does.
    found
        .or_else(|| (text == "forgejo").then_some(Forge::Gitea))
        .ok_or_else(|| "there are github, gitlab, gitea and forgejo".to_owned())
}

fn encoding(text: &str) -> Result<Encoding, String> {
    text.parse()
        .map_err(|error: crate::codec::EncodingError| error.to_string())
}

/// The dimensions of a breakdown, the outermost first.
#[derive(Debug, Clone)]
pub(super) struct By(pub(super) Vec<Dimension>);

fn dimensions(text: &str) -> Result<By, String> {
    Dimension::list(text).map(By).map_err(|error| error.to_string())
}
