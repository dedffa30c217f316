//! `slim check`: budgets, the image, a verdict. The report comes out of the same reading, where it is asked for.

use std::fs;
use std::io::Read;
use std::path::Path;

use super::args::{CheckArgs, Wanted};
use super::exit::{Code, Failure};
use super::platforms::{self, Pair};
use super::session::{Purpose, Session};
use super::{environment, out};
use crate::budget::{self, Against, Baseline, Budgets, Subject};
use crate::classify::Classifier;
use crate::image::Image;
use crate::layer::Detail;
use crate::pipeline::{self, Analysis};
use crate::profile::{Catalog, Profiles};
use crate::report::{self, CheckDocument, CheckPage, Report, ReportOptions};
use crate::transport::Root;

/// The files that are looked for where none is named.
const OURS: &str = "slim.toml";
const DIVES: &str = ".dive-ci";

pub(super) fn run(args: &CheckArgs, session: &Session) -> Result<(), Failure> {
    let (budgets, classifier) = budgets(args)?;
    let judged = judge(args, &budgets, &classifier, session)?;
    session.finish();
    let (reports, documents): (Vec<Report>, Vec<CheckDocument>) = judged.into_iter().unzip();
    if let Some(path) = &args.report {
        out::saved(path, |format, page| (format.report)(&reports, page))?;
    }
    let format = report::check_format(&args.format).map_err(|error| Failure::new(Code::Failed, error))?;
    out::rendered(args.output.as_deref(), |page| {
        let page = CheckPage {
            page: *page,
            dockerfile: &args.dockerfile,
        };
        (format.render)(&documents, &page)
    })?;
    if documents.iter().all(|document| document.ok) {
        Ok(())
    } else {
        Err(Failure::new(Code::Failed, ""))
    }
}

/// Every budget of files and flags, and the categories with those that the file adds.
fn budgets(args: &CheckArgs) -> Result<(Budgets, Classifier), Failure> {
    let mut profiles = Profiles::builtin()?;
    let mut budgets = Budgets::default();
    let found: Vec<&Path> = match &args.config {
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
        if read.is_none() && args.config.is_some() {
            return Err(Failure::usage(format!(
                "{}: there is no table `budget` in it; docs/check.md shows one",
                path.display()
            )));
        }
        budgets.extend(read.unwrap_or_default()).map_err(Failure::usage)?;
    }
    set_flags(args, &mut budgets, profiles.catalog())?;
    if budgets.is_empty() {
        return Err(Failure::usage(format!(
            "there is no budget to check: write one into {OURS}, as in\n  [budget]\n  max-disk = \"300 MB\"\n\
             or name a file with --config, or give --max-disk, --max-wire or --budget NAME=LIMIT (docs/check.md)"
        )));
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

/// What an image is compared with.
enum Base {
    /// Nothing.
    Nothing,
    /// The images of a saved report.
    Saved(Vec<Baseline>),
    /// An image, or an index of them.
    Image(Root),
}

fn judge(
    args: &CheckArgs,
    budgets: &Budgets,
    classifier: &Classifier,
    session: &Session,
) -> Result<Vec<(Report, CheckDocument)>, Failure> {
    let today = environment::today();
    let root = subject(&args.image, session)?;
    let (pairs, saved) = match base(args.against.as_deref(), session)? {
        Base::Image(base) => (platforms::pairs(root, base, session), None),
        Base::Saved(saved) => (platforms::alone(root), Some(saved)),
        Base::Nothing => (platforms::alone(root), None),
    };
    // What only the base has is not judged.
    let pairs: Vec<Pair> = pairs.into_iter().filter(|pair| pair.original.is_some()).collect();
    let is_one = pairs.len() == 1;
    platforms::each(pairs, session, |pair| {
        let made = pair
            .slimmed
            .map(|side| read(side.image, classifier, session))
            .transpose()?;
        let made = made.map(|(_, report)| Baseline::from(&report));
        let Some(side) = pair.original else {
            return Err(Failure::new(
                Code::Read,
                format!("{}: no image to check", args.image),
            ));
        };
        let platform = side.platform.to_string();
        let (analysis, report) = read(side.image, classifier, session)?;
        let against = match (&made, &saved) {
            (Some(base), _) => Against::Base(base),
            (None, Some(saved)) => of_platform(saved, &platform, is_one),
            (None, None) if args.against.is_some() => Against::NoPlatform,
            (None, None) => Against::Nothing,
        };
        let subject = Subject {
            report: &report,
            map: &analysis.map,
            attribution: &analysis.attribution,
            classifier,
        };
        let document = budget::judge(budgets, &subject, against, today).map_err(Failure::usage)?;
        Ok((report, document))
    })
}

/// The image that is judged, or all of an index where all are asked for.
fn subject(text: &str, session: &Session) -> Result<Root, Failure> {
    if session.wanted() == Some(&Wanted::All) {
        return Ok(session.whole(text, Purpose::Look)?.root);
    }
    let mut images = session.images(text, Purpose::Look)?;
    match images.pop() {
        Some((_, image)) => Ok(Root::Image(Box::new(image))),
        None => Err(Failure::new(Code::Read, format!("{text}: there is no image"))),
    }
}

/// A saved report is a file that begins as JSON does; everything else is an image.
fn base(text: Option<&str>, session: &Session) -> Result<Base, Failure> {
    let Some(text) = text else {
        return Ok(Base::Nothing);
    };
    let path = Path::new(text);
    let is_named_so = !text.contains(':') && path.extension().is_some_and(|extension| extension == "json");
    if !is_named_so && !starts_as_json(path) {
        return Ok(Base::Image(session.whole(text, Purpose::Look)?.root));
    }
    let bytes = fs::read(path).map_err(|error| Failure::new(Code::Read, format!("{text}: {error}")))?;
    let saved = budget::baselines(&bytes);
    saved
        .map(Base::Saved)
        .map_err(|error| Failure::usage(format!("{text}: {error}")))
}

/// Whether the first byte of a file is that of a JSON object; archives begin otherwise.
fn starts_as_json(path: &Path) -> bool {
    let mut first = [0];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut first));
    path.is_file() && read.is_ok() && first == *b"{"
}

/// The saved image of a platform; where there is one on each side, they are compared whatever they say.
fn of_platform<'a>(saved: &'a [Baseline], platform: &str, is_one: bool) -> Against<'a> {
    match saved {
        [only] if is_one => Against::Base(only),
        all => all
            .iter()
            .find(|base| base.platform() == platform)
            .map_or(Against::NoPlatform, Against::Base),
    }
}

fn read(image: Image, classifier: &Classifier, session: &Session) -> Result<(Analysis, Report), Failure> {
    let analysis = pipeline::analyze(image, classifier, &[], Detail::Facts, &session.settings)?;
    let options = ReportOptions::default();
    let report = Report::new(
        &analysis.image,
        &analysis.map,
        &analysis.attribution,
        classifier,
        &options,
    );
    Ok((analysis, report))
}
