//! The command line: arguments to calls, results to documents, errors to exit codes.
//!
//! The thin top of the house. A command is one file; it strings together what the floors below offer and
//! computes nothing itself.

mod args;
mod bars;
mod choose;
mod demo;
mod exit;
mod out;
mod plan;
mod profiles;
mod report;
mod session;
mod signals;
mod verify;
mod write;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use exit::{Code, Failure};
use session::Session;

/// Runs the executable with `arguments`, the first of which is its own name.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(with_command(arguments.collect())) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let session = match Session::new(cli.global) {
        Ok(session) => session,
        Err(failure) => return fail(&failure),
    };
    let result = dispatch(cli.command, &session);
    session.finish();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure),
    }
}

fn dispatch(command: Command, session: &Session) -> Result<(), Failure> {
    match command {
        Command::Report(args) => report::run(&args, session),
        Command::Plan(args) => plan::run(&args, session),
        Command::Save(args) => write::save(&args, session),
        Command::Push(args) => write::push(&args, session),
        Command::Verify(args) => verify::run(&args, session),
        Command::Profiles(args) => profiles::run(&args),
        Command::Demo(args) => demo::run(&args, session),
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

/// `slim IMAGE` is `slim report IMAGE`.
fn with_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let command = Cli::command();
    let is_command = |word: &str| command.get_subcommands().any(|known| known.get_name() == word);
    if let Some(first) = arguments.get(1).and_then(|word| word.to_str()) {
        let is_flag = first.starts_with('-') && first != "-";
        if !is_flag && !is_command(first) {
            arguments.insert(1, "report".into());
        }
    }
    arguments
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

#[expect(clippy::print_stderr, reason = "the one place where errors are shown")]
fn fail(failure: &Failure) -> ExitCode {
    let message = crate::report::printable(&failure.message);
    if !message.is_empty() {
        eprintln!("slim: {message}");
    }
    ExitCode::from(failure.code as u8)
}
