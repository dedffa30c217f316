//! `slim explore` and `slim diff --tui`: the interface in the terminal; a text report where there is none.

mod image;
mod pair;
mod saved;
mod world;

use std::io::IsTerminal;
use std::sync::Arc;

use super::args::{DiffArgs, ExploreArgs, ScreenArgs, Wanted};
use super::exit::{Code, Failure};
use super::session::Session;
use super::{environment, out, report, saved_report};
use crate::profile::Profiles;
use crate::tui::{self, Chord, Explore, Keymap, Subject, TuiError};
use world::{What, World};

pub(super) fn run(args: &ExploreArgs, session: &Arc<Session>) -> Result<(), Failure> {
    let wants_all = matches!(session.wanted(), Some(Wanted::All));
    if !args.screen.is_there() || wants_all || args.image == "-" {
        return report::run(&args.report(), session);
    }
    let Some(reports) = saved_report::open(&args.image)? else {
        let what = What::Image(args.image.clone());
        return show(Subject::Image, what, &args.image, &args.screen, session);
    };
    let report = saved::pick(reports, &args.image, session)?;
    if report.tree.is_none() {
        session.note(&format!(
            "{}: saved without its paths, so it is shown as text; `slim report IMAGE --tree -o FILE.json` saves them",
            args.image
        ));
        return report::run(&args.report(), session);
    }
    let what = What::Saved(Box::new(report));
    show(Subject::Saved, what, &args.image, &args.screen, session)
}

/// Whether `slim diff` is to be shown here.
pub(super) fn shows(args: &DiffArgs) -> bool {
    args.tui && args.screen.is_there()
}

/// Two images beside each other.
pub(super) fn compare(args: &DiffArgs, session: &Arc<Session>) -> Result<(), Failure> {
    let what = What::Pair(args.old.clone(), args.new.clone());
    let reference = format!("{} → {}", args.old, args.new);
    show(Subject::Pair, what, &reference, &args.screen, session)
}

impl ScreenArgs {
    /// Whether there is a terminal, or one in memory.
    fn is_there(&self) -> bool {
        self.keys.is_some() || (std::io::stdin().is_terminal() && std::io::stdout().is_terminal())
    }
}

fn show(
    subject: Subject,
    what: What,
    reference: &str,
    screen: &ScreenArgs,
    session: &Arc<Session>,
) -> Result<(), Failure> {
    let config = environment::config()?;
    let keymap = Keymap::new(&config.keys).map_err(Failure::usage)?;
    let world = Arc::new(World::new(what, session));
    let begun = Explore {
        subject,
        reference: reference.to_owned(),
        actions: world.clone(),
        keymap,
        profiles: Profiles::builtin()?,
        theme: environment::theme(&config)?,
        start: config.tui,
    };
    let result = if let Some(keys) = &screen.keys {
        let keys = Chord::script(keys).map_err(Failure::usage)?;
        tui::replay(begun, &keys, screen.size.unwrap_or((80, 24))).map(Some)
    } else {
        session
            .signals()
            .restore_with(|| tui::give_back(&mut std::io::stdout()));
        tui::explore(begun, || Box::new(std::io::stdout())).map(|()| None)
    };
    session.divert(None);
    let was_interrupted = session.was_interrupted();
    world.end();
    if was_interrupted {
        return Err(session.interrupted());
    }
    match result {
        Ok(frame) => frame.map_or(Ok(()), |frame| out::bytes(frame.as_bytes())),
        Err(TuiError::Load(why)) => Err(world
            .take_failure()
            .unwrap_or_else(|| Failure::new(Code::Read, why))),
        Err(error) => Err(Failure::new(Code::Failed, error)),
    }
}
