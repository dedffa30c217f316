//! One write: from the image that was read to the one that is staged and proven, and its leftovers.
//!
//! A room of its own because `explore` and the writing of an index do the same for each image; nothing is published here
//! but leftovers, which go before the image that they are of.

use std::sync::Arc;

use super::target::{encoding, family, lender};
use super::told::image_ref;
use crate::cli::args::{Layers, WriteArgs};
use crate::cli::choose::{self, Chosen};
use crate::cli::environment::source_date;
use crate::cli::exit::{Code, Failure};
use crate::cli::leftovers::Keeping;
use crate::cli::plan::{self, Decided};
use crate::cli::session::Session;
use crate::cli::transfer::transfer;
use crate::cli::{base, out};
use crate::codec::Encoding;
use crate::image::{Artifact, Image};
use crate::layer::Detail;
use crate::oci::Digest;
use crate::pipeline::{self, Analysis, Check, Form, Slimmed};
use crate::plan::{Mode, Plan};
use crate::report::{ImageRef, PlanDocument, PlanList, WriteDocument};
use crate::rewrite;
use crate::store::Store;
use crate::transport::{Target, Written};
use crate::verify::Verdict;

/// What the attached list is called where it is pulled as a file.
const LIST_NAME: &str = "plan.json";

/// One write: what is the same for every image of it.
pub(in crate::cli) struct Job<'a> {
    pub(in crate::cli) source: &'a str,
    pub(in crate::cli) target: &'a Target,
    pub(in crate::cli) args: &'a WriteArgs,
    pub(in crate::cli) session: &'a Session,
    chosen: Chosen,
    created: Option<String>,
    keeping: Option<Keeping>,
}

/// An image on its way: read, slimmed, staged and proven.
pub(in crate::cli) struct Made {
    pub(in crate::cli) analysis: Analysis,
    pub(super) plan: Plan,
    pub(in crate::cli) slimmed: Slimmed,
    /// What was taken off, where that is to be kept.
    pub(in crate::cli) leftovers: Option<Image>,
}

impl<'a> Job<'a> {
    pub(in crate::cli) fn new(
        source: &'a str,
        target: &'a Target,
        args: &'a WriteArgs,
        session: &'a Session,
    ) -> Result<Self, Failure> {
        refuse_compressed_archive(args, target)?;
        refuse_formless(args)?;
        Ok(Self {
            source,
            target,
            args,
            session,
            chosen: choose::chosen(&args.selection)?,
            created: source_date()?,
            keeping: args
                .leftovers
                .as_deref()
                .map(|text| Keeping::parse(text, target))
                .transpose()?,
        })
    }

    /// The plan's document, for `--dry-run`.
    pub(in crate::cli) fn plan(&self, image: Image) -> Result<PlanDocument, Failure> {
        let analysis = self.analyze(image, Detail::Facts)?;
        let decided = plan::decide(&analysis, &self.chosen, self.session)?;
        let base = match self.base(&analysis.image)? {
            None => base::offered(&self.args.base, &analysis.image, self.session)?,
            base => base,
        };
        let mode = mode(
            self.args.layers,
            base.filter(|_| self.args.layers == Layers::Base),
        );
        let document = plan::document(&analysis, &decided, &self.chosen, base);
        let moved = transfer(&analysis, &decided.plan, mode, &document.modes, self);
        Ok(document.with_transfer(moved))
    }

    /// Slims one image into `store`; what is not proven is an error.
    pub(in crate::cli) fn make(&self, image: Image, store: &Arc<Store>) -> Result<Made, Failure> {
        let (check, detail) = if self.args.no_verify {
            (Check::Skip, Detail::Facts)
        } else {
            (Check::Verify, Detail::Fingerprints)
        };
        let analysis = self.analyze(image, detail)?;
        let Decided { plan, selection } = plan::decide(&analysis, &self.chosen, self.session)?;
        let Analysis { image, map, .. } = &analysis;
        let list = PlanList::new(image, map, &plan, &self.chosen.classifier, &selection).to_bytes();
        let form = Form {
            mode: mode(self.args.layers, self.base(&analysis.image)?),
            encoding: encoding(self.args.compression, self.target),
            family: family(&analysis.image, self.target),
            profile: selection.choice().profiles.join(","),
            list: Some(Digest::of(&list)),
            created: self.created.clone(),
            check,
        };
        let settings = &self.session.settings;
        let mut slimmed = pipeline::slim(&analysis, &plan, &form, store, settings)?;
        refuse_unproven(slimmed.verdict.as_ref())?;
        let mut leftovers = None;
        let rewritten = &mut slimmed.rewritten;
        if let (false, Some(manifest)) = (rewritten.is_source, &rewritten.image.manifest) {
            let created = form
                .created
                .as_deref()
                .or_else(|| analysis.image.config.created());
            let artifact = Artifact::new(rewrite::LIST_TYPE, LIST_NAME, list, manifest, created);
            rewritten.image.artifacts.push(artifact);
            if self.keeping.is_some() {
                leftovers = pipeline::leftovers(&analysis, &plan, &slimmed, &form, store, settings)?;
            }
        }
        refuse_unproven(
            leftovers
                .as_ref()
                .and_then(|leftovers| leftovers.verdict.as_ref()),
        )?;
        Ok(Made {
            analysis,
            plan,
            slimmed,
            leftovers: leftovers.map(|leftovers| leftovers.image),
        })
    }

    /// Writes leftovers where they are to be kept, before the image that they are of.
    pub(in crate::cli) fn keep(&self, leftovers: &[Image]) -> Result<Option<ImageRef>, Failure> {
        let Some(keeping) = &self.keeping else {
            return Ok(None);
        };
        let lender = lender(self.source, self.session);
        let written = keeping.write(leftovers, self.session, lender.as_ref())?;
        let refer = |written: &Written| image_ref(written, leftovers.first());
        Ok(written.as_ref().map(refer))
    }

    /// The number of layers of the base image, where they shall stay.
    fn base(&self, image: &Image) -> Result<Option<usize>, Failure> {
        match self.args.layers {
            Layers::Base => base::required(&self.args.base, image, self.session).map(Some),
            Layers::Squash | Layers::Keep => Ok(None),
        }
    }

    fn analyze(&self, image: Image, detail: Detail) -> Result<Analysis, Failure> {
        let locales = self.chosen.locales();
        let settings = &self.session.settings;
        let analysis = pipeline::analyze(image, &self.chosen.classifier, locales, detail, settings)?;
        Ok(analysis)
    }
}

/// What docker archives and engines cannot hold is said, not passed over.
fn refuse_compressed_archive(args: &WriteArgs, target: &Target) -> Result<(), Failure> {
    match (target, args.compression) {
        (Target::DockerArchive { .. }, Some(encoding)) if encoding != Encoding::None => Err(Failure::usage(
            format!("a docker archive holds plain tars: --compression {encoding} has no place there"),
        )),
        (Target::Engine { .. }, Some(encoding)) if encoding != Encoding::None => Err(Failure::usage(
            format!("an engine takes plain tars: --compression {encoding} has no place there"),
        )),
        _ => Ok(()),
    }
}

/// What cannot be shown is said before anything is written.
fn refuse_formless(args: &WriteArgs) -> Result<(), Failure> {
    if args.dry_run {
        out::form::<PlanDocument, _>(&args.output).map(drop)
    } else {
        out::form::<WriteDocument, _>(&args.output).map(drop)
    }
}

fn mode(layers: Layers, base: Option<usize>) -> Mode {
    match (layers, base) {
        (Layers::Squash, _) => Mode::Squash,
        (Layers::Keep, _) => Mode::Keep,
        (Layers::Base, count) => Mode::Base(count.unwrap_or(0)),
    }
}

/// Nothing is published that differs from its source in what no plan lists (rule 34a).
fn refuse_unproven(verdict: Option<&Verdict>) -> Result<(), Failure> {
    let Some(verdict) = verdict.filter(|verdict| !verdict.ok()) else {
        return Ok(());
    };
    let first = verdict.unexpected.first().map(|difference| {
        format!(
            "/{}: {}",
            String::from_utf8_lossy(&difference.path),
            difference.what
        )
    });
    Err(Failure::new(
        Code::Failed,
        format!(
            "verification failed, nothing was published: {} differences that the plan does not list; the first is {}",
            verdict.unexpected.len(),
            first.unwrap_or_default()
        ),
    ))
}
