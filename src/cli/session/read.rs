//! What the words for an image mean, and how the image is opened: whole or for a platform, looked on, kept, interruptible.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use super::Session;
use crate::cli::args::Wanted;
use crate::cli::exit::Failure;
use crate::image::{Image, OpenBlob};
use crate::layer::Detail;
use crate::oci::{Descriptor, Platform, Reference};
use crate::pipeline;
use crate::store::Store;
use crate::transport::{
    self, Attached, Interruptible, Kept, LookOn, Opened, ReadOptions, Root, Source, TRANSPORTS,
    TransportError, Unseen, Whole,
};

/// Why an image is read: it decides what is kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Purpose {
    /// Once, for a document, and all its layers in this detail: what streams past is not kept.
    Once(Detail),
    /// Once, for a document or a copy.
    Look,
    /// Twice, for a document: blobs that are far away are kept.
    LookTwice,
    /// Twice, to be rewritten: blobs that are far away are kept.
    Rewrite,
}

/// What makes another opener of an opener of blobs.
type Wrap = dyn Fn(Arc<dyn OpenBlob>) -> Arc<dyn OpenBlob>;

impl Session {
    /// What a source's words mean. A bare word is a path, else an image of the engine, else a registry's: which one is
    /// said.
    pub(in crate::cli) fn source(&self, text: &str) -> Result<Source, Failure> {
        let mut meanings = self.meanings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = meanings.get(text) {
            return Ok(known.clone());
        }
        let source = Source::parse_with(text, &|name| self.engine_has(name)).map_err(Failure::reading)?;
        if is_bare(text) {
            self.note(&format!("{text}: {}{}", source.describe(), self.place(&source)));
        }
        meanings.insert(text.to_owned(), source.clone());
        Ok(source)
    }

    /// The images that `text` names: every platform of an index where all are asked for, else one, and then
    /// what was decided on the way is said.
    pub(in crate::cli) fn images(
        &self,
        text: &str,
        purpose: Purpose,
    ) -> Result<Vec<(Platform, Image)>, Failure> {
        let whole = match self.platform {
            Some(Wanted::All) => self.whole(text, purpose)?,
            _ => self.one(text, purpose)?.into(),
        };
        Ok(match whole.root {
            Root::Image(image) => vec![(image.platform(), *image)],
            Root::Index(index) => index
                .images()
                .into_iter()
                .map(|(platform, image)| (platform, image.clone()))
                .collect(),
        })
    }

    /// What `text` names, whole, where no platform of it is asked for; else that platform's image.
    pub(in crate::cli) fn whole(&self, text: &str, purpose: Purpose) -> Result<Whole, Failure> {
        if let Some(Wanted::One(platform)) = &self.platform {
            let opened = self.one(text, purpose)?;
            if purpose == Purpose::Rewrite && opened.platforms > 1 {
                let count = opened.platforms;
                self.note(&format!(
                    "{text}: one image, {platform}, out of an index of {count} platforms"
                ));
            }
            return Ok(opened.into());
        }
        let whole = self.find(text, purpose, transport::open_whole)?;
        let root = match whole.root {
            Root::Image(image) => Root::Image(Box::new(self.guard(*image, purpose)?)),
            Root::Index(index) => {
                let wrap = self.guarded(index.name.transport, purpose)?;
                Root::Index(Box::new(index.with_blobs(&*wrap)))
            }
        };
        Ok(Whole { root, ..whole })
    }

    /// One image: what `text` names, for the platform that is asked for.
    #[cfg(feature = "tui")]
    pub(in crate::cli) fn image(&self, text: &str, purpose: Purpose) -> Result<Image, Failure> {
        Ok(self.one(text, purpose)?.image)
    }

    /// The same, and among how many platforms it was found.
    #[cfg(feature = "tui")]
    pub(in crate::cli) fn image_of(&self, text: &str, purpose: Purpose) -> Result<(Image, usize), Failure> {
        let opened = self.one(text, purpose)?;
        Ok((opened.image, opened.platforms))
    }

    /// The image that `text` names for a platform, to be read.
    #[cfg(feature = "tui")]
    pub(in crate::cli) fn image_for(
        &self,
        text: &str,
        platform: &Platform,
        purpose: Purpose,
    ) -> Result<Image, Failure> {
        self.guard(self.open_for(text, platform)?, purpose)
    }

    /// Finds the image that `text` names for a given platform, to look at its documents.
    pub(in crate::cli) fn open_for(&self, text: &str, platform: &Platform) -> Result<Image, Failure> {
        let source = self.source(text)?;
        let spool_dir = self.scratch();
        let options = ReadOptions {
            look: Some(&Unseen),
            ..self.options_for(&source, Some(platform), spool_dir.as_deref())?
        };
        Ok(transport::open(&source, &options)
            .map_err(Failure::reading)?
            .image)
    }

    /// The way to what is attached to images of a repository; to nothing where no registry is spoken to.
    pub(in crate::cli) fn attached(&self, reference: &Reference) -> Attached {
        transport::attached(reference, &self.read_options(None, None))
    }

    /// Whether a repository has a blob; one that cannot be asked has not.
    pub(in crate::cli) fn is_in_registry(&self, repository: &Reference, blob: &Descriptor) -> bool {
        transport::holds(repository, blob, &self.read_options(None, None))
    }

    /// Finds one image, and says what was decided on the way.
    fn one(&self, text: &str, purpose: Purpose) -> Result<Opened, Failure> {
        let mut opened = self.find(text, purpose, transport::open)?;
        if let Some(note) = &opened.note {
            self.note(note);
        }
        opened.image = self.guard(opened.image, purpose)?;
        Ok(opened)
    }

    fn find<T>(
        &self,
        text: &str,
        purpose: Purpose,
        open: fn(&Source, &ReadOptions<'_>) -> Result<T, TransportError>,
    ) -> Result<T, Failure> {
        let source = self.source(text)?;
        let spool_dir = self.scratch();
        let platform = match &self.platform {
            Some(Wanted::One(platform)) => Some(platform),
            _ => None,
        };
        let options = self.options_for(&source, platform, spool_dir.as_deref())?;
        let look = match purpose {
            Purpose::Once(detail) => Some(pipeline::look_on(detail, &self.settings)),
            _ => None,
        };
        let options = ReadOptions {
            look: look.as_ref().map(|look| look as &dyn LookOn),
            ..options
        };
        open(&source, &options).map_err(Failure::reading)
    }

    pub(super) fn read_options<'a>(
        &'a self,
        platform: Option<&'a Platform>,
        spool_dir: Option<&'a Path>,
    ) -> ReadOptions<'a> {
        ReadOptions {
            platform,
            spool_dir,
            progress: &self.settings.progress,
            limits: self.settings.limits,
            look: None,
            #[cfg(feature = "registry")]
            client: Some(&self.client),
            #[cfg(feature = "engine")]
            engine: None,
        }
    }

    pub(super) fn guard(&self, image: Image, purpose: Purpose) -> Result<Image, Failure> {
        let wrap = self.guarded(image.name.transport, purpose)?;
        let blobs = wrap(image.blobs().clone());
        Ok(image.with_blobs(blobs))
    }

    /// Blobs end when the run is interrupted; those of a registry are kept where they are read twice.
    pub(super) fn guarded(&self, transport: &str, purpose: Purpose) -> Result<Box<Wrap>, Failure> {
        let stop = self.settings.stop.clone();
        if transport != "docker" || matches!(purpose, Purpose::Once(_) | Purpose::Look) {
            return Ok(Box::new(move |blobs| {
                Arc::new(Interruptible::new(blobs, stop.clone()))
            }));
        }
        let store = Arc::new(match &self.cache {
            // A cache that cannot be written is done without.
            Some(directory) => Store::open(&directory.join("blobs")).or_else(|_| Store::temporary(None))?,
            None => Store::temporary(None)?,
        });
        self.signals.clean_temporary(&store);
        Ok(Box::new(move |blobs| {
            let kept = Arc::new(Kept::new(blobs, store.clone()));
            Arc::new(Interruptible::new(kept, stop.clone()))
        }))
    }
}

/// Whether a source names no transport, so that what was chosen must be said.
fn is_bare(text: &str) -> bool {
    text != "-"
        && !TRANSPORTS
            .iter()
            .any(|transport| text.starts_with(transport.prefix))
}
