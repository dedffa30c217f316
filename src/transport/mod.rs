//! Media: where images come from and where they go.
//!
//! One medium is one module with its read and its write half, and one row in [`TRANSPORTS`]. A medium only
//! finds an image's documents and opens its blobs ([`OpenBlob`](crate::image::OpenBlob)); what the bytes
//! mean, and whether a layer's bytes are those its digest promises, is for the floors above. Documents
//! (index, manifest, config) are small and are verified here. Words and syntax: containers-transports(5).

mod choose;
mod docker_archive;
mod docker_archive_write;
mod error;
mod grammar;
mod member;
mod oci_archive;
mod oci_entries;
mod oci_form;
mod oci_layout;
mod oci_layout_write;
mod oci_resolve;
mod output;
mod output_tar;
mod sniff;
mod spool;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests_read;
#[cfg(test)]
mod tests_write;

use std::path::Path;

pub use choose::{Candidate, Choice, ChooseError};
pub use error::TransportError;
pub use grammar::{Source, TRANSPORTS, Target, Transport};

use crate::image::Image;
use crate::oci::{Digest, Platform};
use crate::progress::Progress;

/// Bytes of a JSON document that slim reads at most (rule 32).
const MAX_DOCUMENT: u64 = 4 << 20;
/// Layers of an image at most (rule 32).
const MAX_LAYERS: usize = 1000;

/// How an image is found in its medium.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions<'a> {
    /// The platform that is taken out of an index; [`Platform::host`] where none is asked for.
    pub platform: Option<&'a Platform>,
    /// Where standard input and compressed archives are spooled; the system's temporary directory where
    /// none is given.
    pub spool_dir: Option<&'a Path>,
    /// Who is told about long work.
    pub progress: &'a Progress,
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
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The target in its own syntax, with the transport: `oci:dir:tag`.
    pub reference: String,
    /// The manifest's digest; the config's where the medium has no manifest.
    pub digest: Digest,
}

/// Finds the image that `source` names. No layer is read.
pub fn open(source: &Source, options: &ReadOptions<'_>) -> Result<Opened, TransportError> {
    match source {
        Source::Registry(reference) => Err(TransportError::BadName {
            text: reference.to_string(),
            reason: "this build of slim does not speak to registries".to_owned(),
        }),
        Source::DockerArchive { path, choice } => docker_archive::open(path, choice.as_deref(), options),
        Source::OciLayout { dir, tag } => oci_layout::open(dir, tag.as_deref(), options),
        Source::OciArchive { path, tag } => oci_archive::open(path, tag.as_deref(), options),
        Source::Archive { path, choice } => sniff::open(path, choice.as_deref(), options),
        Source::Stdin => sniff::open(Path::new("-"), None, options),
    }
}

/// Writes `image` to a file-based `target`: all of it, or nothing under the final name (rule 35).
pub fn write(image: &Image, target: &Target, progress: &Progress) -> Result<Written, TransportError> {
    match target {
        Target::Registry(reference) => Err(TransportError::BadName {
            text: reference.to_string(),
            reason: "this build of slim does not speak to registries".to_owned(),
        }),
        Target::OciLayout { dir, tag } => write_oci_layout(image, dir, tag.as_deref(), progress),
        Target::OciArchive { path, tag } => write_oci_archive(image, path, tag.as_deref(), progress),
        Target::DockerArchive { path, reference } => {
            write_docker_archive(image, path, reference.as_ref(), progress)
        }
    }
}

pub use docker_archive_write::write_docker_archive;
pub use oci_archive::write_oci_archive;
pub use oci_layout_write::write_oci_layout;
