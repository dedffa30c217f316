//! `slim plan`: what would go, and what it saves. Nothing is written.

use super::args::PlanArgs;
use super::choose::{self, Chosen};
use super::exit::Failure;
use super::session::Session;
use super::{base, out, platforms};
use crate::layer::Detail;
use crate::pipeline::{self, Analysis};
use crate::plan::{Asked, Plan};
use crate::report::PlanDocument;

pub(super) fn run(args: &PlanArgs, session: &Session) -> Result<(), Failure> {
    let chosen = choose::chosen(&args.selection)?;
    let images = session.images(&args.image)?;
    let documents = platforms::each(images, session, |image| {
        let locales = &chosen.selection.choice().locales;
        let analysis = pipeline::analyze(
            image,
            &chosen.classifier,
            locales,
            Detail::Facts,
            &session.settings,
        )?;
        let plan = plan(&analysis, &chosen)?;
        let base = base::offered(&args.base, &analysis.image, session)?;
        Ok(document(&analysis, &plan, &chosen, base))
    })?;
    session.finish();
    out::document(&args.output, |format, page| (format.plan)(&documents, page))
}

/// The plan for an image; a path named by hand that must be refused is an error.
pub(super) fn plan(analysis: &Analysis, chosen: &Chosen) -> Result<Plan, Failure> {
    let plan = Plan::new(
        &analysis.map,
        &analysis.attribution,
        &chosen.classifier,
        &chosen.selection,
    );
    match plan.refused.iter().find(|refusal| refusal.asked == Asked::ByHand) {
        None => Ok(plan),
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
    plan: &Plan,
    chosen: &Chosen,
    base: Option<usize>,
) -> PlanDocument {
    PlanDocument::new(
        &analysis.image,
        &analysis.map,
        plan,
        &chosen.classifier,
        &chosen.selection,
        base,
    )
}
