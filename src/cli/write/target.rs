//! What the target decides: the name that a slim image gets where none is given, its family, its compression, who lends blobs.

use crate::cli::exit::Failure;
use crate::cli::session::Session;
use crate::codec::Encoding;
use crate::image::Image;
use crate::oci::{Family, Reference};
use crate::transport::{Source, Target};

/// The name that an image has in its registry or engine.
pub(super) fn named(image: &str, session: &Session) -> Result<Reference, Failure> {
    let found = match session.source(image)? {
        Source::Registry(reference) => Some(reference),
        Source::Engine { name } => session.name_in_engine(&name)?,
        _ => None,
    };
    found.ok_or_else(|| {
        Failure::usage(format!(
            "`{image}` has no name: say how to call it, as in NAME:TAG"
        ))
    })
}

/// Same repository, tag and `-slim`: only where the source has a tag.
pub(super) fn slim_tag(image: &str, reference: &Reference) -> Result<Reference, Failure> {
    match (&reference.tag, &reference.digest) {
        (Some(tag), None) => Ok(reference.with_tag(&format!("{tag}-slim"))),
        _ => Err(Failure::usage(format!(
            "`{image}` has no tag: say which tag the slim image gets"
        ))),
    }
}

/// Docker archives and engines take plain tars; what else is said is said by the flag (rule 15).
pub(in crate::cli) fn encoding(asked: Option<Encoding>, target: &Target) -> Option<Encoding> {
    match target {
        Target::DockerArchive { .. } | Target::Engine { .. } => Some(Encoding::None),
        _ => asked,
    }
}

/// The sink decides: layouts and their archives are OCI; a registry gets the source's family, Docker v2s2
/// for a source that has none (rule 15).
pub(in crate::cli) fn family(image: &Image, target: &Target) -> Family {
    match target {
        Target::Registry(_) => image.family().unwrap_or(Family::Docker),
        _ => Family::Oci,
    }
}

/// The repository that the image came from, which may lend blobs to another one of its registry.
pub(in crate::cli) fn lender(source: &str, session: &Session) -> Option<Reference> {
    match session.source(source) {
        Ok(Source::Registry(reference)) => Some(reference),
        _ => None,
    }
}
