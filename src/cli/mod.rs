//! The command line: arguments to calls, results to documents, errors to exit codes.
//!
//! The thin top of the house. A command is one file; it strings together what the floors below offer and
//! computes nothing itself.

mod args;
mod bars;
mod base;
mod cache;
mod cat;
mod check;
mod choose;
#[cfg(feature = "registry")]
mod comment;
#[cfg(feature = "registry")]
mod connect;
mod demo;
mod diff;
mod environment;
mod exit;
#[cfg(feature = "tui")]
mod explore;
mod extract;
mod leftovers;
mod look;
#[cfg(feature = "registry")]
mod mirrors;
#[cfg(feature = "tui")]
mod order;
mod out;
mod plan;
mod platforms;
mod profiles;
mod report;
mod restore;
mod saved_plan;
mod saved_report;
mod session;
mod signals;
mod trace;
mod transfer;
mod verify;
mod write;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use exit::{Code, Failure};
use session::Session;

/// Runs the executable with `arguments`, the first of which is its own name.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = match with_command(arguments.collect()) {
        Ok(arguments) => arguments,
        Err(failure) => return fail(&failure),
    };
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let session = match Session::new(cli.global) {
        Ok(session) => Arc::new(session),
        Err(failure) => return fail(&failure),
    };
    let result = dispatch(cli.command, &session);
    session.finish();
    let result = if session.was_interrupted() {
        result.map_err(|_| session.interrupted())
    } else {
        result
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure),
    }
}

fn dispatch(command: Command, session: &Arc<Session>) -> Result<(), Failure> {
    match command {
        #[cfg(feature = "tui")]
        Command::Explore(args) => explore::run(&args, session),
        #[cfg(not(feature = "tui"))]
        Command::Explore(args) => {
            session.note("this slim was built without the terminal interface; here is the report");
            report::run(&args.report(), session)
        }
        Command::Report(args) => report::run(&args, session),
        Command::Diff(args) => diff::run(&args, session),
        Command::Plan(args) => plan::run(&args, session),
        Command::Cat(args) => cat::run(&args, session),
        Command::Extract(args) => extract::run(&args, session),
        Command::Trace(args) => trace::run(&args, session),
        Command::Save(args) => write::save(&args, session),
        Command::Push(args) => write::push(&args, session),
        Command::Load(args) => write::load(&args, session),
        Command::Restore(args) => restore::run(&args, session),
        Command::Verify(args) => verify::run(&args, session),
        Command::Check(args) => check::run(&args, session),
        #[cfg(feature = "registry")]
        Command::Comment(args) => comment::run(&args, session),
        Command::Profiles(args) => profiles::run(&args),
        Command::Demo(args) => demo::run(&args, session),
        Command::Cache { command } => cache::run(&command, session),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "slim", &mut script);
            out::bytes(&script)
        }
        Command::Man => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
            rendered.map_err(|error| Failure::new(Code::Failed, error))?;
            out::bytes(&page)
        }
    }
}

/// `slim IMAGE` is `slim explore IMAGE`, also behind global options.
fn with_command(mut arguments: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let command = Cli::command();
    let takes_value = |flag: &str| {
        let name = flag.trim_start_matches('-');
        let found = command
            .get_arguments()
            .find(|argument| argument.get_long() == Some(name));
        found.is_some_and(|argument| argument.get_action().takes_values()) && !flag.contains('=')
    };
    let mut at = 1;
    while let Some(word) = arguments.get(at).and_then(|word| word.to_str()) {
        match word {
            "-h" | "--help" | "-V" | "--version" | "help" => return Ok(arguments),
            flag if flag.starts_with('-') && flag != "-" => at += 1 + usize::from(takes_value(flag)),
            word => {
                let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
                if !names.contains(&word) {
                    refuse_typo(word, &names)?;
                    arguments.insert(at, "explore".into());
                }
                return Ok(arguments);
            }
        }
    }
    Ok(arguments)
}

/// A word that is nearly a command and nothing on the disk is not looked up in a registry.
fn refuse_typo(word: &str, commands: &[&str]) -> Result<(), Failure> {
    if word.contains(['/', ':', '.']) || std::path::Path::new(word).exists() {
        return Ok(());
    }
    match crate::profile::nearest(word, commands.iter().copied()) {
        None => Ok(()),
        Some(near) => Err(Failure::usage(format!(
            "no command `{word}`; did you mean `{near}`? (an image of that name is docker://{word})"
        ))),
    }
}

/// Help and version go where they were asked for; everything else is one line and the way to the help.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A closed pipe is no failure of ours.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return ExitCode::from(Code::Usage as u8);
    }
    let _ = error.print();
    ExitCode::from(Code::Usage as u8)
}

fn fail(failure: &Failure) -> ExitCode {
    let message = crate::report::printable(&failure.message);
    if !message.is_empty() {
        bars::stderr_line(&format!("slim: {message}"));
    }
    for line in &failure.details {
        bars::stderr_line(&crate::report::printable(line));
    }
    ExitCode::from(failure.code as u8)
}
