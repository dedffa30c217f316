//! Media: where images come from and where they go.
//!
//! One medium is one module with its read and its write half, and one row in [`TRANSPORTS`]. A medium only
//! finds an image's documents and opens its blobs ([`OpenBlob`](crate::image::OpenBlob)); what the bytes
//! mean, and whether a layer's bytes are those its digest promises, is for the floors above. Documents
//! (index, manifest, config) are small and are verified here. Words and syntax: containers-transports(5).

mod attached;
mod choose;
mod decorate;
mod docker_archive;
mod docker_archive_write;
#[cfg(feature = "engine")]
pub mod engine;
mod error;
mod grammar;
mod look;
mod member;
mod oci_archive;
mod oci_entries;
mod oci_form;
mod oci_layout;
mod oci_layout_write;
mod oci_resolve;
mod oci_whole;
mod output;
mod output_tar;
#[cfg(feature = "engine")]
mod passing;
#[cfg(feature = "registry")]
pub mod registry;
mod sniff;
mod spool;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests_read;
#[cfg(test)]
mod tests_write;
mod tree;

use std::path::Path;

pub use attached::Attached;
pub use choose::{Candidate, Choice, ChooseError};
pub use decorate::{Interruptible, Kept};
pub use error::TransportError;
pub use grammar::{Source, TRANSPORTS, Target, Transport};
pub use look::{LookError, LookOn, Unseen};
pub use tree::Root;

use crate::image::{Image, ImageIndex};
use crate::limits::Limits;
use crate::oci::{Descriptor, Digest, Platform, Reference};
use crate::progress::Progress;

/// How an image is found in its medium.
#[derive(Clone, Copy)]
pub struct ReadOptions<'a> {
    /// The platform that is taken out of an index; [`Platform::host`] where none is asked for.
    pub platform: Option<&'a Platform>,
    /// Where standard input and compressed archives are spooled; the system's temporary directory where
    /// none is given.
    pub spool_dir: Option<&'a Path>,
    /// Who is told about long work.
    pub progress: &'a Progress,
    /// What the image may ask for.
    pub limits: Limits,
    /// Who looks at layers that can be read once only, where nobody reads them later; else they are spooled.
    pub look: Option<&'a dyn LookOn>,
    /// What speaks to registries.
    #[cfg(feature = "registry")]
    pub client: Option<&'a registry::Client>,
    /// What speaks to an engine.
    #[cfg(feature = "engine")]
    pub engine: Option<&'a engine::Engine>,
}

/// How an image is written to its medium.
#[derive(Debug, Clone, Copy)]
pub struct WriteOptions<'a> {
    /// Who is told about long work.
    pub progress: &'a Progress,
    /// A repository that the image came from: a registry may lend its blobs from there.
    pub lender: Option<&'a Reference>,
    /// What speaks to registries.
    #[cfg(feature = "registry")]
    pub client: Option<&'a registry::Client>,
    /// What speaks to an engine.
    #[cfg(feature = "engine")]
    pub engine: Option<&'a engine::Engine>,
}

/// An image that was found, and what to tell the person who asked for it.
#[derive(Debug)]
pub struct Opened {
    /// The image.
    pub image: Image,
    /// What was decided on the way: which platform was taken out of several.
    pub note: Option<String>,
    /// Platforms there were to choose from; 1 where the medium has no index.
    pub platforms: usize,
    /// The way to what speaks of the image: signatures, attestations, referrers.
    pub attached: Attached,
}

/// What a source names, whole: an image, or an index with everything that it lists.
#[derive(Debug)]
pub struct Whole {
    /// The image or the index.
    pub root: Root,
    /// The way to what speaks of them from outside: signatures, attestations, referrers.
    pub attached: Attached,
}

impl From<Opened> for Whole {
    fn from(opened: Opened) -> Self {
        Self {
            root: Root::Image(Box::new(opened.image)),
            attached: opened.attached,
        }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The target in its own syntax, with the transport: `oci:dir:tag`.
    pub reference: String,
    /// The manifest's digest; the config's where the medium has no manifest.
    pub digest: Digest,
    /// Why the image's artifacts could not be attached, where that is so: the image is there all the same.
    pub unattached: Option<String>,
}

/// Finds the image that `source` names. No layer is read.
pub fn open(source: &Source, options: &ReadOptions<'_>) -> Result<Opened, TransportError> {
    match source {
        Source::Registry(reference) => open_registry(reference, options),
        Source::DockerArchive { path, choice } => docker_archive::open(path, choice.as_deref(), options),
        Source::OciLayout { dir, tag } => oci_layout::open(dir, tag.as_deref(), options),
        Source::OciArchive { path, tag } => oci_archive::open(path, tag.as_deref(), options),
        Source::Engine { name } => open_engine(name, options),
        Source::Archive { path, choice } => sniff::open(path, choice.as_deref(), options),
        Source::Stdin => sniff::open(Path::new("-"), None, options),
    }
}

/// Finds what `source` names, whole. The platform of `options` is not asked. No layer is read.
///
/// A manifest that an index lists and that cannot be read is an error ([`TransportError::InIndex`]): nothing of
/// an index is passed over in silence.
pub fn open_whole(source: &Source, options: &ReadOptions<'_>) -> Result<Whole, TransportError> {
    let any = &ReadOptions {
        platform: None,
        ..*options
    };
    match source {
        Source::Registry(reference) => open_whole_registry(reference, any),
        Source::DockerArchive { path, choice } => {
            docker_archive::open(path, choice.as_deref(), any).map(Whole::from)
        }
        Source::OciLayout { dir, tag } => oci_layout::open_whole(dir, tag.as_deref(), options),
        Source::OciArchive { path, tag } => {
            oci_archive::whole_from_members(spool::members(path, any)?, path, tag.as_deref())
        }
        Source::Engine { name } => open_engine(name, any).map(Whole::from),
        Source::Archive { path, choice } => sniff::open_whole(path, choice.as_deref(), any),
        Source::Stdin => sniff::open_whole(Path::new("-"), None, any),
    }
}

/// Writes `image` to `target`: all of it, or nothing under the final name (rule 35).
pub fn write(image: &Image, target: &Target, options: &WriteOptions<'_>) -> Result<Written, TransportError> {
    let progress = options.progress;
    match target {
        Target::Registry(reference) => write_registry(image, reference, options),
        Target::OciLayout { dir, tag } => write_oci_layout(image, dir, tag.as_deref(), progress),
        Target::OciArchive { path, tag } => write_oci_archive(image, path, tag.as_deref(), progress),
        Target::DockerArchive { path, reference } => {
            write_docker_archive(image, path, reference.as_ref(), progress)
        }
        Target::Engine { reference } => write_engine(image, reference, options),
    }
}

/// Writes `index` to `target` with everything that it lists, or nothing under the final name (rule 35).
///
/// A docker archive holds one platform, and an engine takes one: [`TransportError::Unwritable`].
pub fn write_index(
    index: &ImageIndex,
    target: &Target,
    options: &WriteOptions<'_>,
) -> Result<Written, TransportError> {
    let progress = options.progress;
    match target {
        Target::Registry(reference) => write_index_registry(index, reference, options),
        Target::OciLayout { dir, tag } => write_oci_layout_index(index, dir, tag.as_deref(), progress),
        Target::OciArchive { path, tag } => write_oci_archive_index(index, path, tag.as_deref(), progress),
        Target::DockerArchive { .. } => Err(TransportError::Unwritable {
            image: index.name.reference.clone(),
            target: "docker-archive",
            reason: "it is an index, and a docker archive holds one platform".to_owned(),
        }),
        Target::Engine { .. } => Err(TransportError::Unwritable {
            image: index.name.reference.clone(),
            target: "docker-daemon",
            reason: "it is an index, and an engine takes one platform".to_owned(),
        }),
    }
}

pub use docker_archive_write::write_docker_archive;
pub use oci_archive::{write_oci_archive, write_oci_archive_index};
pub use oci_layout_write::{write_oci_layout, write_oci_layout_index};

/// The way to what is attached to images of a repository, of which none need be there; to nothing where there is nothing
/// that speaks to registries.
#[cfg(feature = "registry")]
pub fn attached(reference: &Reference, options: &ReadOptions<'_>) -> Attached {
    let client = options.client;
    client.map_or_else(Attached::default, |client| {
        registry::attached(reference, client, Vec::new())
    })
}

/// The way to what is attached to images of a repository: to nothing, since nothing here speaks to registries.
#[cfg(not(feature = "registry"))]
pub fn attached(_: &Reference, _: &ReadOptions<'_>) -> Attached {
    Attached::default()
}

/// Whether a repository has a blob of that size; one that cannot be asked has not.
#[cfg(feature = "registry")]
pub fn holds(repository: &Reference, blob: &Descriptor, options: &ReadOptions<'_>) -> bool {
    let found = options
        .client
        .and_then(|client| client.has_blob(repository, &blob.digest).ok().flatten());
    found == Some(blob.size)
}

/// Whether a repository has a blob: nothing here can ask.
#[cfg(not(feature = "registry"))]
pub fn holds(_: &Reference, _: &Descriptor, _: &ReadOptions<'_>) -> bool {
    false
}

#[cfg(feature = "registry")]
fn open_registry(reference: &Reference, options: &ReadOptions<'_>) -> Result<Opened, TransportError> {
    let opened = registry::open(reference, options.platform, client(options.client, reference)?)?;
    let platform = opened.image.platform();
    let note = (opened.others > 0 && options.platform.is_none()).then(|| {
        format!(
            "took {platform} out of {} platforms; choose another with --platform",
            opened.others + 1
        )
    });
    Ok(Opened {
        image: opened.image,
        note,
        platforms: opened.others + 1,
        attached: opened.attached,
    })
}

#[cfg(feature = "registry")]
fn open_whole_registry(reference: &Reference, options: &ReadOptions<'_>) -> Result<Whole, TransportError> {
    registry::open_whole(reference, client(options.client, reference)?)
}

#[cfg(feature = "registry")]
fn write_index_registry(
    index: &ImageIndex,
    reference: &Reference,
    options: &WriteOptions<'_>,
) -> Result<Written, TransportError> {
    let sent = registry::write_index(
        index,
        reference,
        client(options.client, reference)?,
        options.lender,
        options.progress,
    )?;
    Ok(sent_to(reference, sent))
}

#[cfg(feature = "registry")]
fn write_registry(
    image: &Image,
    reference: &Reference,
    options: &WriteOptions<'_>,
) -> Result<Written, TransportError> {
    let sent = registry::write(
        image,
        reference,
        client(options.client, reference)?,
        options.lender,
        options.progress,
    )?;
    Ok(sent_to(reference, sent))
}

#[cfg(feature = "registry")]
fn sent_to(reference: &Reference, sent: registry::Sent) -> Written {
    Written {
        reference: format!("docker://{reference}"),
        digest: sent.digest,
        unattached: sent.unattached.map(|error| error.to_string()),
    }
}

#[cfg(feature = "registry")]
fn client<'a>(
    client: Option<&'a registry::Client>,
    reference: &Reference,
) -> Result<&'a registry::Client, TransportError> {
    client.ok_or_else(|| no_registries(reference))
}

#[cfg(not(feature = "registry"))]
fn open_registry(reference: &Reference, _: &ReadOptions<'_>) -> Result<Opened, TransportError> {
    Err(no_registries(reference))
}

#[cfg(not(feature = "registry"))]
fn open_whole_registry(reference: &Reference, _: &ReadOptions<'_>) -> Result<Whole, TransportError> {
    Err(no_registries(reference))
}

#[cfg(not(feature = "registry"))]
fn write_index_registry(
    _: &ImageIndex,
    reference: &Reference,
    _: &WriteOptions<'_>,
) -> Result<Written, TransportError> {
    Err(no_registries(reference))
}

#[cfg(not(feature = "registry"))]
fn write_registry(_: &Image, reference: &Reference, _: &WriteOptions<'_>) -> Result<Written, TransportError> {
    Err(no_registries(reference))
}

fn no_registries(reference: &Reference) -> TransportError {
    let reason = "there is nothing here that speaks to registries".to_owned();
    TransportError::BadName {
        text: reference.to_string(),
        reason,
    }
}

#[cfg(feature = "engine")]
fn open_engine(name: &str, options: &ReadOptions<'_>) -> Result<Opened, TransportError> {
    engine::open(name, options)
}

#[cfg(not(feature = "engine"))]
fn open_engine(name: &str, _: &ReadOptions<'_>) -> Result<Opened, TransportError> {
    Err(no_engines(name))
}

#[cfg(feature = "engine")]
fn write_engine(
    image: &Image,
    reference: &Reference,
    options: &WriteOptions<'_>,
) -> Result<Written, TransportError> {
    engine::write(image, reference, options)
}

#[cfg(not(feature = "engine"))]
fn write_engine(_: &Image, reference: &Reference, _: &WriteOptions<'_>) -> Result<Written, TransportError> {
    Err(no_engines(&reference.to_string()))
}

fn no_engines(name: &str) -> TransportError {
    TransportError::BadName {
        text: format!("docker-daemon:{}", error::shown(name)),
        reason: "there is nothing here that speaks to engines".to_owned(),
    }
}
