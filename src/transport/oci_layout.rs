//! `oci:`: a directory in the OCI image layout, its read half.
//!
//! The other half is in `oci_layout_write`. The layout may be hostile: a blob may be a symlink to another
//! file of the layout (docker-library ships such layouts), never to anything outside it, and only regular
//! files are opened. Spec: image-spec `image-layout.md`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::shown;
use super::oci_resolve::{Files, resolve};
use super::oci_whole::resolve_whole;
use super::{Opened, ReadOptions, TransportError, Whole};
use crate::image::ImageName;
use crate::limits::Limits;

/// Finds the image that `tag` names in the layout at `dir`.
pub(super) fn open(
    dir: &Path,
    tag: Option<&str>,
    options: &ReadOptions<'_>,
) -> Result<Opened, TransportError> {
    let (files, name) = layout(dir, tag, options.limits)?;
    resolve(files, name, tag, options.platform)
}

/// Finds what `tag` names in the layout at `dir`, whole.
pub(super) fn open_whole(
    dir: &Path,
    tag: Option<&str>,
    options: &ReadOptions<'_>,
) -> Result<Whole, TransportError> {
    let (files, name) = layout(dir, tag, options.limits)?;
    resolve_whole(files, name, tag)
}

fn layout(
    dir: &Path,
    tag: Option<&str>,
    limits: Limits,
) -> Result<(Arc<dyn Files>, ImageName), TransportError> {
    let root = fs::canonicalize(dir).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => TransportError::NoSuchFile(dir.to_owned()),
        _ => TransportError::reading(dir.display().to_string())(source),
    })?;
    let place = dir.display().to_string();
    if !root.is_dir() {
        return Err(TransportError::NotAnImage {
            what: place,
            found: "a file, where `oci:` needs a directory; `oci-archive:` reads the tar of a layout"
                .to_owned(),
        });
    }
    let name = ImageName {
        transport: "oci",
        reference: match tag {
            Some(tag) => format!("oci:{place}:{tag}"),
            None => format!("oci:{place}"),
        },
    };
    Ok((Arc::new(Directory { root, place, limits }), name))
}

/// A layout's files in a directory.
struct Directory {
    /// Canonical.
    root: PathBuf,
    place: String,
    limits: Limits,
}

impl Directory {
    /// The file that `name` leads to, and its size.
    fn locate(&self, name: &str) -> Result<Option<(PathBuf, u64)>, TransportError> {
        let what = || format!("{}: {}", self.place, shown(name));
        let path = match fs::canonicalize(self.root.join(name)) {
            Ok(path) => path,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(TransportError::reading(what())(error)),
        };
        let damaged = |reason: &str| TransportError::Damaged {
            what: what(),
            reason: reason.to_owned(),
        };
        if !path.starts_with(&self.root) {
            return Err(damaged("a symlink leads out of the layout"));
        }
        let metadata = fs::metadata(&path).map_err(TransportError::reading(what()))?;
        if !metadata.is_file() {
            return Err(damaged("not a regular file"));
        }
        Ok(Some((path, metadata.len())))
    }
}

impl Files for Directory {
    fn place(&self) -> &str {
        &self.place
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn size(&self, name: &str) -> Result<Option<u64>, TransportError> {
        Ok(self.locate(name)?.map(|(_, size)| size))
    }

    fn open(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>, TransportError> {
        let Some((path, _)) = self.locate(name)? else {
            return Ok(None);
        };
        let what = format!("{}: {}", self.place, shown(name));
        let file = File::open(path).map_err(TransportError::reading(what))?;
        Ok(Some(Box::new(file)))
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
