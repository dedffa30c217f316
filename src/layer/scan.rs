//! The first reading of one layer: a verified stream, through the tar reader, into a changeset.

use std::io::{self, Read};

use super::budget::Budget;
use super::builder::Builder;
use super::stream::{self, Opening};
use super::{Changeset, LayerError, ReadOptions, Stop, Warning, label};
use crate::image::{BlobRef, Image, ImageError};
use crate::oci::{Algorithm, DiffId};
use crate::progress::Event;
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
    let read = |consume: Consume<'_>| {
        stream::stream(
            image,
            index,
            options.stage,
            options.progress,
            &options.limits,
            stop,
            consume,
        )
    };
    let (changeset, odd) = scan(&layer.blob, options, budget, read)?;
    let changeset = with(changeset, odd);
    if let Some((cache, descriptor)) = cached {
        cache.put(&descriptor.digest, &layer.diff_id, &changeset);
    }
    Ok(changeset)
}

/// Reads the layer that `bytes` bring, once and in order, and that people call `name`; gives its diff id.
pub(super) fn passing<'a>(
    name: &str,
    number: usize,
    bytes: &'a mut (dyn Read + Send),
    options: &ReadOptions<'a>,
    budget: &Budget,
) -> Result<(DiffId, Changeset), LayerError> {
    let blob = BlobRef::Member(name.to_owned());
    let mut bytes = Some(bytes);
    let mut open = || {
        let bytes = bytes
            .take()
            .map(|bytes| Box::new(bytes) as Box<dyn Read + Send + 'a>);
        bytes.ok_or_else(|| ImageError::Read {
            what: name.to_owned(),
            source: io::Error::other("it streams past once"),
        })
    };
    let read = |consume: Consume<'_>| {
        let opening = Opening {
            blob: &blob,
            index: number,
            total: None,
            algorithm: Algorithm::Sha256,
            stage: options.stage,
            progress: options.progress,
        };
        stream::pass(
            &opening,
            &mut open,
            &options.limits,
            Stop::when(options.stop),
            consume,
        )
    };
    let (changeset, (diff_id, odd)) = scan(&blob, options, budget, read)?;
    let (stage, task) = (options.stage, number);
    options.progress.send(Event::Finished { stage, task });
    Ok((diff_id, with(changeset, odd)))
}

/// What takes a layer's uncompressed bytes.
type Consume<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), LayerError>;

/// The changeset of the tar that `read` feeds.
fn scan<T>(
    blob: &BlobRef,
    options: &ReadOptions<'_>,
    budget: &Budget,
    mut read: impl FnMut(Consume<'_>) -> Result<T, LayerError>,
) -> Result<(Changeset, T), LayerError> {
    let name = label(blob);
    let mut scanner = Scanner {
        builder: Builder::new(options.detail, budget),
    };
    let mut reader = tar::Reader::new(options.limits);
    let tar_error = |error| match error {
        ScanError::Tar(source) => LayerError::Tar {
            layer: name.clone(),
            source,
        },
        ScanError::Layer(error) => error,
    };
    let done = read(&mut |bytes| reader.feed(bytes, &mut scanner).map_err(tar_error))?;
    let totals = reader.finish(&mut scanner).map_err(tar_error)?;
    Ok((scanner.builder.finish(totals), done))
}

/// With what is odd about the blob.
fn with(mut changeset: Changeset, odd: Vec<Warning>) -> Changeset {
    changeset.warnings.extend(odd);
    changeset
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
