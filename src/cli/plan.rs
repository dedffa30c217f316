//! `slim plan`: what would go, and what it saves. Nothing is written.

use std::sync::Arc;

use super::args::PlanArgs;
use super::choose::{self, Chosen};
use super::exit::Failure;
use super::session::Session;
use super::{base, out, platforms};
use crate::layer::Detail;
use crate::pipeline::{self, Analysis};
use crate::plan::{Asked, Plan, Selection};
use crate::report::PlanDocument;

/// A plan, and the selection that led to it.
pub(super) struct Decided {
    pub(super) plan: Plan,
    pub(super) selection: Arc<Selection>,
}

pub(super) fn run(args: &PlanArgs, session: &Session) -> Result<(), Failure> {
    let form = out::form(&args.output)?;
    let chosen = choose::chosen(&args.selection)?;
    let images = session.images(&args.image, args.selection.purpose())?;
    let documents = platforms::each(images, session, |image| {
        let analysis = pipeline::analyze(
            image,
            &chosen.classifier,
            chosen.locales(),
            Detail::Facts,
            &session.settings,
        )?;
        let decided = decide(&analysis, &chosen, session)?;
        let base = base::offered(&args.base, &analysis.image, session)?;
        let suggestions = chosen.suggestions(&analysis.map, &analysis.attribution)?;
        Ok(document(&analysis, &decided, &chosen, base).with(suggestions))
    })?;
    session.finish();
    form.write(&documents)
}

/// The plan for an image; a path named by hand that must be refused is an error.
pub(super) fn decide(analysis: &Analysis, chosen: &Chosen, session: &Session) -> Result<Decided, Failure> {
    if let Some(saved) = &chosen.saved {
        return saved.decide(analysis, &chosen.classifier, session);
    }
    let selection = chosen.selection(&analysis.map)?;
    let mut plan = Plan::new(
        &analysis.map,
        &analysis.attribution,
        &chosen.classifier,
        &selection,
    );
    if let Some(unknown) = plan.unknown_packages.first() {
        let hint = unknown
            .nearest
            .as_ref()
            .map(|name| format!("; did you mean `{name}`?"));
        return Err(Failure::usage(format!(
            "--remove-package: the image has no deb, apk or pypi package `{}`{}",
            unknown.name,
            hint.unwrap_or_default()
        )));
    }
    match plan
        .refused
        .iter()
        .find(|refusal| refusal.asked != Asked::ByProfile)
    {
        None => {
            if selection.strips() {
                pipeline::strip(analysis, &mut plan, &session.settings)?;
            }
            Ok(Decided { plan, selection })
        }
        Some(refusal) if refusal.asked == Asked::ByHandAsPackage => Err(Failure::usage(format!(
            "{} cannot go: {}",
            refusal.rule,
            refusal.why()
        ))),
        Some(refusal) => {
            let path = analysis.map.tree().path(refusal.node);
            let path = String::from_utf8_lossy(&path).into_owned();
            Err(Failure::usage(format!(
                "`{}` would remove /{path}: {}",
                refusal.rule,
                refusal.why()
            )))
        }
    }
}

/// The plan as a document; `base` is the number of layers of the base image, where it is known.
pub(super) fn document(
    analysis: &Analysis,
    decided: &Decided,
    chosen: &Chosen,
    base: Option<usize>,
) -> PlanDocument {
    PlanDocument::new(
        &analysis.image,
        &analysis.map,
        &decided.plan,
        &chosen.classifier,
        &decided.selection,
        base,
    )
}
