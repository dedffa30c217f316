//! How images are written to their targets: blobs end with the run, and what was sent is told when it does.

use super::{Purpose, Session};
use crate::cli::exit::Failure;
use crate::image::{Image, ImageIndex};
use crate::oci::Reference;
use crate::transport::{self, Target, TransportError, WriteOptions, Written};

impl Session {
    /// Writes an image to its target.
    pub(in crate::cli) fn write(
        &self,
        image: &Image,
        target: &Target,
        lender: Option<&Reference>,
    ) -> Result<Written, Failure> {
        let guarded = self.guard(image.clone(), Purpose::Look)?;
        self.begin(target);
        let written = transport::write(&guarded, target, &self.write_options(target, lender)?);
        written.map_err(|error| self.unwritten(error))
    }

    /// Writes an index to its target, with everything that it lists.
    pub(in crate::cli) fn write_index(
        &self,
        index: &ImageIndex,
        target: &Target,
        lender: Option<&Reference>,
    ) -> Result<Written, Failure> {
        let wrap = self.guarded(index.name.transport, Purpose::Look)?;
        let guarded = index.clone().with_blobs(&*wrap);
        self.begin(target);
        let written = transport::write_index(&guarded, target, &self.write_options(target, lender)?);
        written.map_err(|error| self.unwritten(error))
    }

    /// What a registry or an engine was sent stays there when the run is interrupted.
    fn begin(&self, target: &Target) {
        if matches!(target, Target::Registry(_) | Target::Engine { .. }) {
            self.signals.begin_push();
        }
    }

    #[cfg_attr(
        not(feature = "engine"),
        expect(clippy::unnecessary_wraps, reason = "an engine's address may be wrong")
    )]
    fn write_options<'a>(
        &'a self,
        #[cfg_attr(
            not(feature = "engine"),
            expect(unused_variables, reason = "only an engine needs it")
        )]
        target: &Target,
        lender: Option<&'a Reference>,
    ) -> Result<WriteOptions<'a>, Failure> {
        Ok(WriteOptions {
            progress: &self.settings.progress,
            lender,
            #[cfg(feature = "registry")]
            client: Some(&self.client),
            #[cfg(feature = "engine")]
            engine: self.needed_engine(matches!(target, Target::Engine { .. }))?,
        })
    }

    fn unwritten(&self, error: TransportError) -> Failure {
        if self.was_interrupted() {
            self.signals.interrupted()
        } else {
            Failure::writing(error)
        }
    }
}
