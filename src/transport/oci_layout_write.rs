//! `oci:`: a directory in the OCI image layout, its write half.
//!
//! A new layout is made beside its final name and renamed. One that is there is extended: each blob appears
//! whole under its digest, and `index.json`, which alone makes them an image, is replaced last (rule 35). What is
//! renamed is on the disk before, and so are the names that `index.json` relies on. Several processes may write to
//! one layout.
//! Spec: image-spec `image-layout.md`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

use super::oci_form::{Blob, Content, Form, VERSION, form, in_oci, index_form, index_with};
use super::oci_resolve::{INDEX, blob_name};
use super::output::{DIRECTORY_MODE, NewFile, Sending, copy_blob, parent, write_all};
use super::sniff::OCI_LAYOUT;
use super::{Target, TransportError, Written};
use crate::image::{Image, ImageIndex};
use crate::oci::{Algorithm, Descriptor, Hasher};
use crate::progress::Progress;
use crate::scratch;

/// Writes `image` into the layout at `dir` under `tag`, and makes the layout where there is none.
///
/// Other tags of a layout that is there stay. A directory that is neither empty nor a layout is refused.
pub fn write_oci_layout(
    image: &Image,
    dir: &Path,
    tag: Option<&str>,
    progress: &Progress,
) -> Result<Written, TransportError> {
    put(&form(image, tag, "oci")?, dir, tag, progress)
}

/// Writes `index` with everything that it lists into the layout at `dir` under `tag`, as [`write_oci_layout`]
/// writes an image. What is of the Docker family gets OCI's media types.
pub fn write_oci_layout_index(
    index: &ImageIndex,
    dir: &Path,
    tag: Option<&str>,
    progress: &Progress,
) -> Result<Written, TransportError> {
    let index = in_oci(index, "oci")?;
    put(&index_form(&index, tag, "oci")?, dir, tag, progress)
}

fn put(
    form: &Form<'_>,
    dir: &Path,
    tag: Option<&str>,
    progress: &Progress,
) -> Result<Written, TransportError> {
    match state(dir)? {
        State::Absent => make(form, dir, progress)?,
        State::Layout | State::Empty => extend(form, dir, progress)?,
    }
    let target = Target::OciLayout {
        dir: dir.to_owned(),
        tag: tag.map(str::to_owned),
    };
    Ok(Written {
        reference: target.reference(),
        digest: form.entry.digest.clone(),
        unattached: None,
    })
}

enum State {
    Absent,
    Empty,
    Layout,
}

fn state(dir: &Path) -> Result<State, TransportError> {
    let refused = |reason: &str| TransportError::RefusedTarget {
        path: dir.to_owned(),
        reason: reason.to_owned(),
    };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match fs::symlink_metadata(dir) {
                Ok(_) => Err(refused("it is a symlink to nothing")),
                Err(_) => Ok(State::Absent),
            };
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(refused("it is a file; `oci-archive:` writes one"));
        }
        Err(error) => return Err(TransportError::writing(dir)(error)),
    };
    if dir.join(OCI_LAYOUT).exists() || dir.join(INDEX).exists() {
        Ok(State::Layout)
    } else if entries.flatten().all(|entry| is_temporary(&entry.file_name())) {
        Ok(State::Empty)
    } else {
        Err(refused("the directory is neither empty nor an OCI layout"))
    }
}

/// What another run is about to rename, or a killed one left.
fn is_temporary(name: &OsStr) -> bool {
    name.to_str().is_some_and(scratch::is_name)
}

/// Makes a new layout beside its name, and renames it.
fn make(form: &Form<'_>, dir: &Path, progress: &Progress) -> Result<(), TransportError> {
    let failed = || TransportError::writing(dir);
    let parent = parent(dir);
    fs::create_dir_all(parent).map_err(failed())?;
    scratch::sweep(parent);
    let staged = scratch::Directory::new_in(parent, DIRECTORY_MODE).map_err(failed())?;
    fill(form, staged.path(), dir, progress).map_err(|error| named(error, staged.path(), dir))?;
    match staged.rename(dir) {
        // Another run was faster to make it: this image goes in beside.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
            ) =>
        {
            extend(form, dir, progress)
        }
        outcome => outcome
            .and_then(|()| scratch::sync_names(parent))
            .map_err(failed()),
    }
}

/// The same error, of the place that people know.
fn named(error: TransportError, staged: &Path, dir: &Path) -> TransportError {
    let place = |path: &Path| path.strip_prefix(staged).map(|rest| dir.join(rest)).ok();
    match error {
        TransportError::Write { path, source } => TransportError::Write {
            path: place(&path).unwrap_or(path),
            source,
        },
        error => error,
    }
}

/// Adds to the layout at `dir`, or to the empty directory there. What killed runs left in it goes.
fn extend(form: &Form<'_>, dir: &Path, progress: &Progress) -> Result<(), TransportError> {
    scratch::sweep(parent(dir));
    scratch::sweep(dir);
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        scratch::sweep(&dir.join("blobs").join(algorithm.as_str()));
    }
    fill(form, dir, dir, progress)
}

/// Puts all of it into the layout at `root`, which people know as `dir`.
fn fill(form: &Form<'_>, root: &Path, dir: &Path, progress: &Progress) -> Result<(), TransportError> {
    // A broken index.json is found before anything is written.
    existing_index(root, dir)?;
    let version = root.join(OCI_LAYOUT);
    if !version.exists() {
        whole_file(&version, VERSION)?;
    }
    let mut directories = BTreeSet::from([root.to_owned(), root.join("blobs")]);
    for (task, blob) in form.blobs.iter().enumerate() {
        let path = root.join(blob_name(&blob.descriptor.digest));
        put_blob(form, blob, &path, task, progress)?;
        directories.insert(parent(&path).to_owned());
    }
    for directory in &directories {
        scratch::sync_names(directory).map_err(TransportError::writing(dir))?;
    }
    let lock = File::open(&version).map_err(TransportError::writing(dir))?;
    match lock.lock() {
        Err(error) if error.kind() != io::ErrorKind::Unsupported => {
            return Err(TransportError::writing(dir)(error));
        }
        _ => {}
    }
    let index = index_with(existing_index(root, dir)?, &form.entry).map_err(|reason| refused(dir, reason))?;
    whole_file(&root.join(INDEX), &index)?;
    scratch::sync_names(root).map_err(TransportError::writing(dir))
}

fn existing_index(root: &Path, dir: &Path) -> Result<Option<Value>, TransportError> {
    let raw = match fs::read(root.join(INDEX)) {
        Ok(raw) => raw,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(TransportError::writing(dir)(error)),
    };
    let text = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&raw);
    let index: Value = serde_json::from_slice(text)
        .map_err(|error| refused(dir, format!("its index.json is not valid: {error}")))?;
    match index.get("manifests") {
        Some(Value::Array(_)) => Ok(Some(index)),
        _ => Err(refused(dir, "its index.json has no list of manifests".to_owned())),
    }
}

fn refused(dir: &Path, reason: String) -> TransportError {
    TransportError::RefusedTarget {
        path: dir.to_owned(),
        reason,
    }
}

/// Writes a blob under its digest, where the layout does not have it yet.
fn put_blob<'a>(
    form: &Form<'a>,
    blob: &'a Blob<'a>,
    path: &Path,
    task: usize,
    progress: &Progress,
) -> Result<(), TransportError> {
    fs::create_dir_all(parent(path)).map_err(TransportError::writing(path))?;
    if is_there(path, &blob.descriptor) {
        return Ok(());
    }
    // A symlink to nowhere or a damaged blob is replaced. Nothing is removed before: another run may just have put
    // the whole blob there, and rely on it.
    let mut new = NewFile::replace(path)?;
    match &blob.content {
        Content::Document(bytes) => write_all(new.file(), bytes, path)?,
        Content::Stored(blobs, stored) => {
            let sending = Sending::start(progress, task, stored.label(), Some(blob.descriptor.size));
            let file = new.file();
            let from = form.lying(*blobs, stored);
            copy_blob(&from, &blob.descriptor, &sending, &mut |bytes| {
                write_all(file, bytes, path)
            })?;
            sending.finish();
        }
    }
    new.finish()
}

/// Whether the blob lies there already, byte for byte.
fn is_there(path: &Path, descriptor: &Descriptor) -> bool {
    let same_size = fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == descriptor.size);
    let Some(mut file) = same_size.then(|| File::open(path).ok()).flatten() else {
        return false;
    };
    let mut hasher = Hasher::new(descriptor.digest.algorithm());
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return hasher.finish() == descriptor.digest,
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
}

fn whole_file(path: &Path, bytes: &[u8]) -> Result<(), TransportError> {
    let mut new = NewFile::create(path)?;
    write_all(new.file(), bytes, path)?;
    new.finish()
}
