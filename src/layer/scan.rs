//! The first reading of one layer: a verified stream, through the tar reader, into a changeset.

use super::budget::Budget;
use super::builder::Builder;
use super::{Changeset, Detail, LayerError, ReadOptions, Stop, label, stream};
use crate::image::Image;
use crate::tar;

/// Reads layer `index`, or takes its changeset from the cache.
pub(super) fn layer(
    image: &Image,
    index: usize,
    options: &ReadOptions<'_>,
    budget: &Budget,
    stop: Stop<'_>,
) -> Result<Changeset, LayerError> {
    let layer = &image.layers[index];
    let cached = options.cache.zip(layer.descriptor());
    if let Some((cache, descriptor)) = cached
        && let Some(changeset) = cache.get(&descriptor.digest, &layer.diff_id, options.detail)
    {
        budget.entries(changeset.members())?;
        budget.bytes(changeset.kept_bytes())?;
        return Ok(changeset);
    }
    // What is kept must do for a write too, which would else fetch every layer once more.
    let learnt = cached.map_or(options.detail, |_| Detail::Fingerprints);
    let name = label(&layer.blob);
    let mut scanner = Scanner {
        builder: Builder::new(learnt, budget),
    };
    let mut reader = tar::Reader::new(options.limits);
    let tar_error = |error| match error {
        ScanError::Tar(source) => LayerError::Tar {
            layer: name.clone(),
            source,
        },
        ScanError::Layer(error) => error,
    };
    let odd = stream::stream(
        image,
        index,
        options.stage,
        options.progress,
        &options.limits,
        stop,
        &mut |bytes| reader.feed(bytes, &mut scanner).map_err(tar_error),
    )?;
    let totals = reader.finish(&mut scanner).map_err(tar_error)?;
    let mut changeset = scanner.builder.finish(totals);
    changeset.warnings.extend(odd);
    if let Some((cache, descriptor)) = cached {
        cache.put(&descriptor.digest, &layer.diff_id, &changeset);
    }
    if options.detail == Detail::Facts {
        changeset.fingerprints = Vec::new();
    }
    Ok(changeset)
}

/// What the tar reader tells, handed to the builder.
struct Scanner<'a> {
    builder: Builder<'a>,
}

enum ScanError {
    Tar(tar::TarError),
    Layer(LayerError),
}

impl From<tar::TarError> for ScanError {
    fn from(error: tar::TarError) -> Self {
        Self::Tar(error)
    }
}

impl tar::Visitor for Scanner<'_> {
    type Error = ScanError;

    fn entry(&mut self, header: &tar::Header) -> Result<(), ScanError> {
        self.builder.entry(header).map_err(ScanError::Layer)
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), ScanError> {
        self.builder.body(bytes);
        Ok(())
    }

    fn end_entry(&mut self) -> Result<(), ScanError> {
        self.builder.end_entry();
        Ok(())
    }

    fn warning(&mut self, warning: tar::Warning) {
        self.builder
            .warn(warning.code.as_str(), &warning.path, warning.message);
    }
}
