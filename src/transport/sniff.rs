//! What kind of image a path or a stream holds, told by what is in it and never by its name.
//!
//! Of its own because bare words, standard input and compressed archives all need the same answer: a tar
//! with `manifest.json` is a docker archive (also where it holds an OCI layout too, as docker 25 writes), a
//! tar or a directory with `index.json` or `oci-layout` is an OCI layout.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::member::Members;
use super::oci_resolve::INDEX;
use super::{Opened, ReadOptions, TransportError, Whole, docker_archive, oci_archive, spool};
use crate::codec::decoder;
use crate::limits::Limits;
use crate::oci::Compression;
use crate::tar::BLOCK;

/// The file that says which version of the layout a directory has.
pub(super) const OCI_LAYOUT: &str = "oci-layout";

/// What a path holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A directory in the OCI image layout.
    OciLayout,
    /// A tar of one.
    OciArchive,
    /// A tar with `manifest.json`.
    DockerArchive,
    /// A compressed tar, or a pipe: its kind shows when it is read.
    Stream,
}

/// Looks at what is at `path`. Of a plain tar only the headers are read, of a compressed one the first.
pub(super) fn path(path: &Path) -> Result<Found, TransportError> {
    let place = path.display().to_string();
    let metadata = fs::metadata(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => TransportError::NoSuchFile(path.to_owned()),
        _ => TransportError::reading(place.clone())(source),
    })?;
    if metadata.is_dir() {
        return directory(path, &place);
    }
    if !metadata.is_file() {
        return Ok(Found::Stream);
    }
    let mut file = File::open(path).map_err(TransportError::reading(place.clone()))?;
    if spool::first_bytes(&mut file, &place)? == Compression::None {
        return // Only its kind is asked; what it may ask for is held against it when it is opened.
        kind(&Members::index(file, &place, Limits::default())?);
    }
    if compressed_tar(file) {
        return Ok(Found::Stream);
    }
    Err(not_an_image(&place, "a compressed file that holds no tar"))
}

/// Opens an archive whose kind is not known yet; `choice` is a reference or a tag.
pub(super) fn open(
    path: &Path,
    choice: Option<&str>,
    options: &ReadOptions<'_>,
) -> Result<Opened, TransportError> {
    let members = spool::members(path, options)?;
    match kind(&members)? {
        Found::DockerArchive => {
            docker_archive::from_members(members, docker_archive::name(path, choice), choice, options)
        }
        _ => oci_archive::from_members(members, path, choice, options),
    }
}

/// The same, whole: a docker archive holds one image of a name.
pub(super) fn open_whole(
    path: &Path,
    choice: Option<&str>,
    options: &ReadOptions<'_>,
) -> Result<Whole, TransportError> {
    let members = spool::members(path, options)?;
    match kind(&members)? {
        Found::DockerArchive => {
            let name = docker_archive::name(path, choice);
            docker_archive::from_members(members, name, choice, options).map(Whole::from)
        }
        _ => oci_archive::whole_from_members(members, path, choice),
    }
}

/// What a tar holds.
fn kind(members: &Members) -> Result<Found, TransportError> {
    if members.has("manifest.json") {
        Ok(Found::DockerArchive)
    } else if members.has(INDEX) || members.has(OCI_LAYOUT) {
        Ok(Found::OciArchive)
    } else if members.has("repositories") {
        let found =
            "an archive without manifest.json, as docker saved before version 1.10; load and save it again";
        Err(not_an_image(members.place(), found))
    } else {
        let found = "a tar without manifest.json, index.json and oci-layout";
        Err(not_an_image(members.place(), found))
    }
}

fn directory(path: &Path, place: &str) -> Result<Found, TransportError> {
    let has = |name: &str| fs::symlink_metadata(path.join(name)).is_ok();
    if has(INDEX) || has(OCI_LAYOUT) {
        Ok(Found::OciLayout)
    } else {
        Err(not_an_image(
            place,
            "a directory without index.json and oci-layout",
        ))
    }
}

/// Whether the decompressed bytes can begin a tar: a block with the magic of one.
fn compressed_tar(file: File) -> bool {
    let mut block = Vec::new();
    let read = decoder(file).map(|plain| plain.take(BLOCK as u64).read_to_end(&mut block));
    // "ustar" stands at 257 in every dialect but v7, which no tool has written images in.
    matches!(read, Ok(Ok(BLOCK))) && &block[257..262] == b"ustar"
}

fn not_an_image(place: &str, found: &str) -> TransportError {
    TransportError::NotAnImage {
        what: place.to_owned(),
        found: found.to_owned(),
    }
}
