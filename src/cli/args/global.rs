//! What every command takes: how a run speaks and works, how hosts are spoken to, what an image may ask for.
//!
//! A room of its own because a session is made of it, before any command is known.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, FromArgMatches, ValueHint};

use crate::limits::{Limit, Limits};
use crate::oci::Platform;

/// What every command takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct Global {
    /// No progress and no notes on standard error
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub(in crate::cli) quiet: bool,
    /// Threads that work at once; results never depend on it [default: one for each core]
    #[arg(long, global = true, value_name = "N", help_heading = "Global options")]
    pub(in crate::cli) threads: Option<NonZeroUsize>,
    /// Take this platform out of an index, as in linux/arm64, or `all` of them [default: all where an index is written, else this machine's]
    #[arg(long, global = true, value_name = "all|OS/ARCH[/VARIANT]", value_parser = wanted, help_heading = "Global options")]
    pub(in crate::cli) platform: Option<Wanted>,
    /// Speak plain HTTP, or TLS without checking certificates, to this registry (repeatable)
    #[arg(
        long,
        global = true,
        value_name = "HOST[:PORT]",
        help_heading = "Global options"
    )]
    pub(in crate::cli) insecure_registry: Vec<String>,
    /// Trust the CA certificates of this PEM file too (repeatable)
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Global options")]
    pub(in crate::cli) cacert: Vec<PathBuf>,
    /// Show this client certificate, a PEM file, to registries that ask for one
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Global options")]
    pub(in crate::cli) client_cert: Option<PathBuf>,
    /// Its private key, a PEM file [default: it stands in the file of --client-cert]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Global options", requires = "client_cert")]
    pub(in crate::cli) client_key: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) limits: LimitArgs,
}

/// What is asked for of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Wanted {
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

/// What an image may ask for before it is refused; `docs/limits.md`. Help texts stand in [`crate::limits`].
#[derive(Debug, Default)]
pub(in crate::cli) struct LimitArgs(Vec<(Limit, u64)>);

impl LimitArgs {
    /// The limits, with those that were given in place of the defaults.
    pub(in crate::cli) fn limits(&self) -> Limits {
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
