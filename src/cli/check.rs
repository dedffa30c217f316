//! `slim check`: budgets, the image, a verdict. The report comes out of the same reading, where it is asked for.

use std::fs;
use std::path::Path;

use super::args::{CheckArgs, Wanted};
use super::exit::{Code, Failure};
use super::platforms::{self, Pair};
use super::saved_report::{self, Given};
use super::session::{Purpose, Session};
use super::{environment, look, out};
use crate::budget::{self, Against, Budgets, Subject};
use crate::classify::Classifier;
use crate::layer::Detail;
use crate::pipeline::Analysis;
use crate::profile::{Catalog, Profiles};
use crate::report::{self, CheckDocument, Report, ReportOptions};
use crate::transport::Root;

/// The files that are looked for where none is named.
const OURS: &str = "slim.toml";
const DIVES: &str = ".dive-ci";

pub(super) fn run(args: &CheckArgs, session: &Session) -> Result<(), Failure> {
    let form = out::form(&args.output)?.annotating(&args.dockerfile);
    let (mut budgets, classifier) = of_files(args.config.as_deref())?;
    set_flags(args, &mut budgets, classifier.catalog())?;
    if budgets.is_empty() {
        return Err(none());
    }
    let judged = judge_all(args, &budgets, &classifier, session)?;
    session.finish();
    let (reports, documents): (Vec<Report>, Vec<CheckDocument>) = judged.into_iter().unzip();
    if let Some(path) = &args.report {
        out::saved(path, &reports)?;
    }
    form.write(&documents)?;
    if documents.iter().all(|document| document.ok) {
        Ok(())
    } else {
        Err(Failure::new(Code::Failed, ""))
    }
}

/// What to do where there is nothing to check.
fn none() -> Failure {
    let way = format!("there is no budget to check; write one into {OURS}, or name one with a flag");
    Failure::usage(way).with(vec![
        "  [budget]".to_owned(),
        "  max-disk = \"300 MB\"".to_owned(),
        "docs/check.md has all of them; --config FILE reads another file, and --max-disk, --max-wire, --max-growth and \
         --budget NAME=LIMIT need none"
            .to_owned(),
    ])
}

/// Every budget of the file that is named, or of those that are there, and the categories with those that it adds.
pub(super) fn of_files(named: Option<&Path>) -> Result<(Budgets, Classifier), Failure> {
    let mut profiles = Profiles::builtin()?;
    let mut budgets = Budgets::default();
    let found: Vec<&Path> = match named {
        Some(path) => vec![path],
        None => [OURS, DIVES]
            .map(Path::new)
            .into_iter()
            .filter(|path| path.exists())
            .collect(),
    };
    for path in found {
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        let read = of_file(path, &text, &mut profiles)?;
        if read.is_none() && named.is_some() {
            return Err(Failure::usage(format!(
                "{}: there is no table `budget` in it; docs/check.md shows one",
                path.display()
            )));
        }
        budgets.extend(read.unwrap_or_default()).map_err(Failure::usage)?;
    }
    let classifier = Classifier::new(profiles.catalog().clone()).map_err(Failure::usage)?;
    Ok((budgets, classifier))
}

/// A TOML file is ours, any other dive's.
fn of_file(path: &Path, text: &str, profiles: &mut Profiles) -> Result<Option<Budgets>, Failure> {
    let name = path.display().to_string();
    if path.extension().is_none_or(|extension| extension != "toml") {
        return Budgets::of_dive_ci(&name, text).map(Some).map_err(Failure::usage);
    }
    // The rest of the file is a profile: its mistakes are told, and its categories can have budgets.
    profiles.add(&name, text)?;
    Budgets::of_file(&name, text, profiles.catalog()).map_err(Failure::usage)
}

fn set_flags(args: &CheckArgs, budgets: &mut Budgets, catalog: &Catalog) -> Result<(), Failure> {
    let short = [
        ("--max-wire", &args.max_wire),
        ("--max-disk", &args.max_disk),
        ("--max-growth", &args.max_growth),
        ("--max-wire-growth", &args.max_wire_growth),
    ];
    for (flag, limit) in short {
        if let Some(limit) = limit {
            let text = format!("{}={limit}", flag.trim_start_matches('-'));
            budgets.set(flag, &text, catalog).map_err(Failure::usage)?;
        }
    }
    for text in &args.budget {
        budgets.set("--budget", text, catalog).map_err(Failure::usage)?;
    }
    Ok(())
}

fn judge_all(
    args: &CheckArgs,
    budgets: &Budgets,
    classifier: &Classifier,
    session: &Session,
) -> Result<Vec<(Report, CheckDocument)>, Failure> {
    let plain = ReportOptions::default();
    let options = ReportOptions {
        tree: args.report.as_deref().is_some_and(report::shows_tree),
        ..ReportOptions::default()
    };
    let root = subject(&args.image, session)?;
    let base = args
        .against
        .as_deref()
        .map(|text| base(text, session))
        .transpose()?;
    let (pairs, saved) = match base {
        // The base stands first in a pair.
        Some(Given::Image(base)) => (platforms::pairs(base, root, session), None),
        Some(Given::Saved(saved)) => (platforms::alone(root), Some(saved)),
        None => (platforms::alone(root), None),
    };
    // What only the base has is not judged.
    let pairs: Vec<Pair> = pairs.into_iter().filter(|pair| pair.slimmed.is_some()).collect();
    let is_one = pairs.len() == 1;
    platforms::each(pairs, session, |pair| {
        let made = pair
            .original
            .map(|side| look::report(side.image, classifier, session, &plain))
            .transpose()?;
        let made = made.map(|(_, report)| report);
        let Some(side) = pair.slimmed else {
            return Err(Failure::new(
                Code::Read,
                format!("{}: no image to check", args.image),
            ));
        };
        let platform = side.platform.to_string();
        let (analysis, report) = look::report(side.image, classifier, session, &options)?;
        let against = match (&made, &saved) {
            (Some(base), _) => Against::Base(base),
            (None, Some(saved)) => of_platform(saved, &platform, is_one),
            (None, None) if args.against.is_some() => Against::NoPlatform,
            (None, None) => Against::Nothing,
        };
        let document = judge(budgets, &analysis, &report, classifier, against)?;
        Ok((report, document))
    })
}

/// The verdict on an image, by today's date.
pub(super) fn judge(
    budgets: &Budgets,
    analysis: &Analysis,
    report: &Report,
    classifier: &Classifier,
    against: Against<'_>,
) -> Result<CheckDocument, Failure> {
    let subject = Subject {
        report,
        map: &analysis.map,
        attribution: &analysis.attribution,
        classifier,
    };
    budget::judge(budgets, &subject, against, environment::today()).map_err(Failure::usage)
}

/// The image that is judged, or all of an index where all are asked for.
fn subject(text: &str, session: &Session) -> Result<Root, Failure> {
    if session.wanted() == Some(&Wanted::All) {
        return Ok(session.whole(text, Purpose::Once(Detail::Facts))?.root);
    }
    let mut images = session.images(text, Purpose::Once(Detail::Facts))?;
    match images.pop() {
        Some((_, image)) => Ok(Root::Image(Box::new(image))),
        None => Err(Failure::new(Code::Read, format!("{text}: there is no image"))),
    }
}

/// What it is compared with.
fn base(text: &str, session: &Session) -> Result<Given, Failure> {
    Given::find(
        text,
        saved_report::open(text)?,
        Purpose::Once(Detail::Facts),
        session,
    )
}

/// The saved image of a platform; where there is one on each side, they are compared whatever they say.
fn of_platform<'a>(saved: &'a [Report], platform: &str, is_one: bool) -> Against<'a> {
    match saved {
        [only] if is_one => Against::Base(only),
        all => all
            .iter()
            .find(|base| base.image.platform == platform)
            .map_or(Against::NoPlatform, Against::Base),
    }
}
