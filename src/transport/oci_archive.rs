//! `oci-archive:`: a tar of a directory in the OCI image layout.
//!
//! Reading finds files by member instead of by path; all else is the layout's. Writing makes the same bytes
//! for the same image, and replaces what was there: an archive holds one image.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::member::Members;
use super::oci_form::{Content, Form, VERSION, form, in_oci, index_form, index_with};
use super::oci_resolve::{Files, INDEX, blob_name, resolve};
use super::oci_whole::resolve_whole;
use super::output::{Sending, copy_blob};
use super::output_tar::NewTar;
use super::sniff::OCI_LAYOUT;
use super::{Opened, ReadOptions, Target, TransportError, Whole, Written, spool};
use crate::image::{Image, ImageIndex, ImageName};
use crate::limits::Limits;
use crate::progress::Progress;

/// Finds the image that `tag` names in the archive at `path`; `-` is standard input.
pub(super) fn open(
    path: &Path,
    tag: Option<&str>,
    options: &ReadOptions<'_>,
) -> Result<Opened, TransportError> {
    from_members(spool::members(path, options)?, path, tag, options)
}

/// Finds the image that `tag` names in an archive that was indexed.
pub(super) fn from_members(
    members: Members,
    path: &Path,
    tag: Option<&str>,
    options: &ReadOptions<'_>,
) -> Result<Opened, TransportError> {
    let name = name(path, tag);
    resolve(Arc::new(members), name, tag, options.platform)
}

/// Finds what `tag` names in an archive that was indexed, whole.
pub(super) fn whole_from_members(
    members: Members,
    path: &Path,
    tag: Option<&str>,
) -> Result<Whole, TransportError> {
    resolve_whole(Arc::new(members), name(path, tag), tag)
}

fn name(path: &Path, tag: Option<&str>) -> ImageName {
    let reference = match tag {
        Some(tag) => format!("oci-archive:{}:{tag}", path.display()),
        None => format!("oci-archive:{}", path.display()),
    };
    ImageName {
        transport: "oci-archive",
        reference,
    }
}

impl Files for Members {
    fn place(&self) -> &str {
        Members::place(self)
    }

    fn limits(&self) -> &Limits {
        Members::limits(self)
    }

    fn size(&self, name: &str) -> Result<Option<u64>, TransportError> {
        Ok(self.locate(name)?.map(|region| region.len))
    }

    fn has_passed(&self, name: &str) -> bool {
        Members::has_passed(self, name)
    }

    fn open(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>, TransportError> {
        Ok(self.locate(name)?.map(|region| self.reader(region)))
    }
}

/// Writes `image` to a new archive at `path` under `tag`; an archive that is there is replaced.
///
/// The same image and tag give the same bytes.
pub fn write_oci_archive(
    image: &Image,
    path: &Path,
    tag: Option<&str>,
    progress: &Progress,
) -> Result<Written, TransportError> {
    put(&form(image, tag, "oci-archive")?, path, tag, progress)
}

/// Writes `index` with everything that it lists to a new archive at `path`, as [`write_oci_archive`] writes an
/// image. What is of the Docker family gets OCI's media types.
pub fn write_oci_archive_index(
    index: &ImageIndex,
    path: &Path,
    tag: Option<&str>,
    progress: &Progress,
) -> Result<Written, TransportError> {
    let index = in_oci(index, "oci-archive")?;
    put(&index_form(&index, tag, "oci-archive")?, path, tag, progress)
}

fn put(
    form: &Form<'_>,
    path: &Path,
    tag: Option<&str>,
    progress: &Progress,
) -> Result<Written, TransportError> {
    let index = index_with(None, &form.entry).map_err(|reason| TransportError::RefusedTarget {
        path: path.to_owned(),
        reason,
    })?;
    let mut tar = NewTar::create(path)?;
    tar.file(OCI_LAYOUT, VERSION)?;
    tar.file(INDEX, &index)?;
    tar.directory("blobs")?;
    let mut algorithms: Vec<&str> = form
        .blobs
        .iter()
        .map(|blob| blob.descriptor.digest.algorithm().as_str())
        .collect();
    algorithms.sort_unstable();
    algorithms.dedup();
    for algorithm in algorithms {
        tar.directory(&format!("blobs/{algorithm}"))?;
    }
    for (task, blob) in form.blobs.iter().enumerate() {
        let name = blob_name(&blob.descriptor.digest);
        match &blob.content {
            Content::Document(bytes) => tar.file(&name, bytes)?,
            Content::Stored(blobs, stored) => {
                let size = blob.descriptor.size;
                let sending = Sending::start(progress, task, stored.label(), Some(size));
                tar.header(&name, size)?;
                let from = form.lying(*blobs, stored);
                copy_blob(&from, &blob.descriptor, &sending, &mut |bytes| tar.write(bytes))?;
                tar.pad(size)?;
                sending.finish();
            }
        }
    }
    tar.finish()?;
    let target = Target::OciArchive {
        path: path.to_owned(),
        tag: tag.map(str::to_owned),
    };
    Ok(Written {
        reference: target.reference(),
        digest: form.entry.digest.clone(),
        unattached: None,
    })
}
