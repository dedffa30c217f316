//! `slim comment`: what changed, as the one comment of a pull request; as a step summary and a file where nobody may write.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::args::CommentArgs;
use super::exit::{Code, Failure};
use super::session::{Purpose, Session};
use super::{check, diff, environment, out, platforms, saved_report};
use crate::budget::{Against, Budgets};
use crate::classify::Classifier;
use crate::forge::{Client, Comment, ForgeError, LONGEST, Posted, What, key_of};
use crate::layer::Detail;
use crate::report::{self, Beside, CheckDocument, Report, ReportOptions};

pub(super) fn run(args: &CommentArgs, session: &Session) -> Result<(), Failure> {
    // Known before any image is read: a run without a place to write to is a mistake.
    let place = environment::place(args)?;
    let key = args.key.clone().or_else(|| args.image.as_deref().map(key_of));
    let key = key.ok_or_else(|| {
        Failure::usage("--body needs a --key: it tells the comments of several images apart")
    })?;
    let markdown = markdown(args, &key, session)?;
    session.finish();
    if let Some(path) = &args.output {
        out::rendered(Some(path), |_| Ok(markdown.clone()))?;
    }
    let comment = Comment::new(&key, &markdown);
    if args.dry_run {
        return out::bytes(Client::requests(&place, &comment).as_bytes());
    }
    let summary = environment::step_summary();
    if let Some(path) = &summary {
        append(path, &markdown)?;
    }
    let client = Client::new(session.http()).map_err(Failure::usage)?;
    match client.post(&place, &comment) {
        Ok(posted) => told(&posted, session),
        Err(ForgeError::ReadOnly(why)) => {
            let places = [
                summary.as_ref().map(|_| "the step summary".to_owned()),
                args.output.as_ref().map(|path| path.display().to_string()),
            ];
            let places: Vec<String> = places.into_iter().flatten().collect();
            session.note(&why);
            if places.is_empty() {
                session.note("no comment was written; this is what it would have said");
                return out::bytes(markdown.as_bytes());
            }
            session.note(&format!(
                "no comment was written; it stands in {}",
                places.join(" and in ")
            ));
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn told(posted: &Posted, session: &Session) -> Result<(), Failure> {
    session.note(match posted.what {
        What::Created => "the comment is written",
        What::Updated => "the comment is updated",
        What::Unchanged => "the comment says so already",
    });
    match &posted.url {
        Some(url) => out::bytes(format!("{}\n", report::printable(url)).as_bytes()),
        None => Ok(()),
    }
}

/// What the comment says.
fn markdown(args: &CommentArgs, key: &str, session: &Session) -> Result<String, Failure> {
    if let Some(path) = &args.body {
        let unread = |error| Failure::new(Code::Read, format!("{}: {error}", path.display()));
        return fs::read_to_string(path).map_err(unread);
    }
    let (Some(image), Some(against)) = (&args.image, &args.against) else {
        return Err(Failure::usage(
            "it needs an IMAGE and --against BASE, or --body FILE",
        ));
    };
    let (budgets, classifier) = check::of_files(args.config.as_deref())?;
    if let Some(saved) = saved_report::open(against)? {
        return beside(image, &saved, &budgets, &classifier, session);
    }
    let judge = |analysis: &crate::Analysis, new: &Report, old: &Report| {
        let document = check::judge(&budgets, analysis, new, &classifier, Against::Base(old))?;
        Ok(document
            .budgets
            .iter()
            .filter_map(report::CheckRow::in_words)
            .collect())
    };
    let diffs = diff::judged(against, image, &classifier, session, &judge)?;
    let room = LONGEST - Comment::new(key, "").mark().chars().count() - 1;
    Ok(report::diff_markdown(
        &diffs,
        &report::Comment { max_chars: room },
    ))
}

/// What can be told against a saved report.
fn beside(
    image: &str,
    saved: &[Report],
    budgets: &Budgets,
    classifier: &Classifier,
    session: &Session,
) -> Result<String, Failure> {
    let images = session.images(image, Purpose::Once(Detail::Facts))?;
    let is_one = images.len() == 1;
    let made = platforms::each(images, session, |image| {
        let (analysis, new) = check::read(image, classifier, session, &ReportOptions::default())?;
        let against = check::of_platform(saved, &new.image.platform, is_one);
        let document = check::judge(budgets, &analysis, &new, classifier, against)?;
        let old = match against {
            Against::Base(old) => Some(old),
            Against::Nothing | Against::NoPlatform => None,
        };
        Ok((new, old, document))
    })?;
    let all: Vec<Beside<'_>> = made
        .iter()
        .map(
            |(new, old, check): &(Report, Option<&Report>, CheckDocument)| Beside {
                new,
                old: *old,
                check,
            },
        )
        .collect();
    Ok(report::beside(&all))
}

/// A step summary may hold what earlier steps wrote.
fn append(path: &Path, markdown: &str) -> Result<(), Failure> {
    let opened = fs::File::options().create(true).append(true).open(path);
    let written = opened.and_then(|mut file| file.write_all(format!("{markdown}\n").as_bytes()));
    written.map_err(|error| {
        Failure::new(
            Code::Write,
            format!("the step summary, {}: {error}", path.display()),
        )
    })
}

impl From<ForgeError> for Failure {
    fn from(error: ForgeError) -> Self {
        let code = match &error {
            ForgeError::Unknown { .. } | ForgeError::Odd { .. } | ForgeError::Certificate(_) => Code::Usage,
            _ => Code::Write,
        };
        Self::new(code, error)
    }
}
