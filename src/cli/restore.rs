//! `slim restore`: the original's tree again, from a slim image and its leftovers.

use super::args::RestoreArgs;
use super::environment::source_date;
use super::exit::{Code, Failure};
use super::session::{Purpose, Session};
use super::write::{chained, encoding, family, lender};
use super::{out, platforms};
use crate::image::{Image, ImageIndex};
use crate::oci::Reference;
use crate::pipeline::{self, Check, Form};
use crate::plan::Mode;
use crate::rewrite;
use crate::transport::{Attached, Root, Source, Target, Whole, Written};

pub(super) fn run(args: &RestoreArgs, session: &Session) -> Result<(), Failure> {
    let target = Target::parse(&args.target).map_err(Failure::writing)?;
    let whole = session.whole(&args.slim, Purpose::Look)?;
    let job = Job {
        args,
        target: &target,
        session,
        attached: &whole.attached,
    };
    let written = match whole.root {
        Root::Image(image) => job.image(&image)?,
        Root::Index(index) => job.index(&index)?,
    };
    session.finish();
    out::bytes(format!("{}\n", chained(&written)).as_bytes())
}

struct Job<'a> {
    args: &'a RestoreArgs,
    target: &'a Target,
    session: &'a Session,
    /// The way to what refers to the slim image.
    attached: &'a Attached,
}

impl Job<'_> {
    fn image(&self, slim: &Image) -> Result<Written, Failure> {
        let restored = self.restored(slim, &self.leftovers(slim)?)?;
        self.session.write(
            &restored,
            self.target,
            lender(&self.args.slim, self.session).as_ref(),
        )
    }

    /// Every platform of an index; one that nothing was taken from is as it was.
    fn index(&self, index: &ImageIndex) -> Result<Written, Failure> {
        let images = platforms::distinct(index);
        let results = platforms::each(images, self.session, |slim| {
            if !rewrite::is_result(&slim) {
                return Ok(None);
            }
            let restored = self.restored(&slim, &self.leftovers(&slim)?)?;
            Ok(slim.digest().cloned().map(|digest| (digest, restored)))
        })?;
        let results: Vec<_> = results.into_iter().flatten().collect();
        let family = (!matches!(self.target, Target::Registry(_))).then_some(crate::oci::Family::Oci);
        let rebuilt = index
            .rebuilt(&results, family)
            .map_err(|error| Failure::new(Code::Write, error))?;
        self.session.write_index(
            &rebuilt.index,
            self.target,
            lender(&self.args.slim, self.session).as_ref(),
        )
    }

    fn restored(&self, slim: &Image, leftovers: &Image) -> Result<Image, Failure> {
        self.session.note(&format!(
            "{} and its leftovers, {}, in {} layers",
            slim.name.reference,
            leftovers.digest().unwrap_or(&leftovers.config.id().0),
            slim.layers.len() + leftovers.layers.len()
        ));
        let form = Form {
            mode: Mode::Keep,
            encoding: encoding(None, self.target),
            family: family(slim, self.target),
            profile: String::new(),
            list: None,
            created: source_date()?,
            check: Check::Skip,
        };
        let store = self.session.staging()?;
        let settings = &self.session.settings;
        Ok(pipeline::restore(slim, leftovers, &form, &store, settings)?)
    }

    /// The leftovers of an image: among those that were named, else by what refers to it in its repository.
    fn leftovers(&self, slim: &Image) -> Result<Image, Failure> {
        let found = match &self.args.leftovers {
            Some(text) => self.named(text, slim)?,
            None => match self.session.source(&self.args.slim) {
                Ok(Source::Registry(reference)) => self.referring(&reference, self.attached, slim),
                _ => {
                    return Err(Failure::usage(format!(
                        "say where the leftovers of {} are, with --leftovers IMAGE",
                        self.args.slim
                    )));
                }
            },
        };
        found.ok_or_else(|| {
            let place = self.args.leftovers.as_ref().unwrap_or(&self.args.slim);
            Failure::new(
                Code::Read,
                format!(
                    "there are no leftovers of {} ({}) in {place}; --leftovers says where they are",
                    self.args.slim,
                    slim.digest().unwrap_or(&slim.config.id().0)
                ),
            )
        })
    }

    /// Leftovers of `slim` among what `text` names; a repository alone stands for everything in it that refers to it.
    fn named(&self, text: &str, slim: &Image) -> Result<Option<Image>, Failure> {
        if let Ok(Source::Registry(reference)) = self.session.source(text)
            && reference.digest.is_none()
            && !text.ends_with(&format!(":{}", reference.tag.as_deref().unwrap_or_default()))
        {
            let attached = self.session.attached(&reference);
            return Ok(self.referring(&reference, &attached, slim));
        }
        Ok(among(self.session.whole(text, Purpose::Look)?, slim))
    }

    /// Leftovers of `slim` among what refers to it in a repository.
    fn referring(&self, reference: &Reference, attached: &Attached, slim: &Image) -> Option<Image> {
        let digest = slim.digest()?;
        let referring = attached.to(std::slice::from_ref(digest)).into_iter();
        let mut found = referring.filter_map(|one| {
            let reference = Reference {
                tag: None,
                digest: Some(one.digest),
                ..reference.clone()
            };
            // What refers to an image is most often no image: a signature, a list.
            let whole = self
                .session
                .whole(&format!("docker://{reference}"), Purpose::Look)
                .ok()?;
            among(whole, slim)
        });
        found.next()
    }
}

fn among(whole: Whole, slim: &Image) -> Option<Image> {
    let images = match whole.root {
        Root::Image(image) => vec![*image],
        Root::Index(index) => {
            let images = index.images().into_iter();
            images.map(|(_, image)| image.clone()).collect()
        }
    };
    images
        .into_iter()
        .find(|image| rewrite::are_leftovers_of(image, slim))
}
