//! From an OCI layout's `index.json` to one image, wherever the layout's files are.
//!
//! Shared by the directory and the tar of one, which differ only in how a file is found ([`Files`]).
//! Every document that is read on the way is verified against the descriptor that named it.
//! Spec: image-spec `image-layout.md`, `image-index.md`.

use std::collections::HashSet;
use std::io::Read;
use std::sync::Arc;

use super::attached::{Attached, OfLayout};
use super::choose::{Candidate, check, choose};
use super::error::shown;
use super::oci_entries::{choices, named, sole};
use super::{ChooseError, Opened, TransportError};
use crate::image::{BlobRef, Config, Image, ImageError, ImageName, Index, Manifest, OpenBlob};
use crate::limits::{Limit, Limits};
use crate::oci::{Descriptor, Digest, Hasher, MediaType, Platform};

/// The document that says which images a layout holds.
pub(super) const INDEX: &str = "index.json";
/// Indexes inside indexes at most; real images have one inside `index.json`.
const MAX_DEPTH: usize = 16;
/// Entries of indexes that are looked at in one layout at most.
const MAX_ENTRIES: usize = 10_000;

/// The files of a layout, by their names in it (`index.json`, `blobs/sha256/…`).
pub(super) trait Files: Send + Sync {
    /// What people call the layout.
    fn place(&self) -> &str;

    /// What the image may ask for.
    fn limits(&self) -> &Limits;

    /// The file's bytes, or `None` where there is no such file. An error where the name leads out of the
    /// layout, or to what is no file.
    fn size(&self, name: &str) -> Result<Option<u64>, TransportError>;

    /// Whether the file streamed past and was not kept.
    fn has_passed(&self, _: &str) -> bool {
        false
    }

    /// Opens the file at its first byte; `None` where there is no such file.
    fn open(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>, TransportError>;
}

/// Where a blob lies in a layout.
pub(super) fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex())
}

/// A document that the caller parses: all of it, or `None` where there is no such file.
pub(super) fn document(files: &dyn Files, name: &str) -> Result<Option<Vec<u8>>, TransportError> {
    let Some(file) = files.open(name)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    let what = format!("{}: {}", files.place(), shown(name));
    file.take(files.limits().document.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(TransportError::reading(what.clone()))?;
    files
        .limits()
        .check(Limit::Document, bytes.len() as u64)
        .map_err(|exceeded| TransportError::over(what, exceeded))?;
    Ok(Some(bytes))
}

/// Finds the image that `tag` and `wanted` name in the layout.
pub(super) fn resolve(
    files: Arc<dyn Files>,
    name: ImageName,
    tag: Option<&str>,
    wanted: Option<&Platform>,
) -> Result<Opened, TransportError> {
    let source = name.reference.clone();
    let layout = Layout { files, source };
    let index = layout.index()?;
    let entries = layout.entries(&index, tag)?;
    let mut leaves = Leaves::default();
    layout.flatten(&entries, 1, &mut leaves)?;
    let beside = leaves.found.iter().map(|leaf| leaf.descriptor.clone()).collect();
    let (chosen, images) = layout.pick(&entries, leaves.found, wanted)?;
    let note = (images > 1).then(|| {
        let platform = chosen
            .platform
            .as_ref()
            .map(Platform::to_string)
            .unwrap_or_default();
        format!("{}: took {platform} of {images} images", layout.source)
    });
    let image = layout.image(name, &chosen.descriptor)?;
    if chosen.platform.is_none() {
        check(&image.platform(), wanted).map_err(|error| layout.platform(error))?;
    }
    Ok(Opened {
        image,
        note,
        platforms: images,
        attached: layout.attached(beside),
    })
}

/// What [`Layout::flatten`] has seen.
#[derive(Default)]
pub(super) struct Leaves {
    pub(super) found: Vec<Candidate>,
    indexes: HashSet<Digest>,
    entries: usize,
}

/// A layout, and what people call what is looked for in it.
pub(super) struct Layout {
    pub(super) files: Arc<dyn Files>,
    pub(super) source: String,
}

impl Layout {
    /// What is attached to the images here; `beside` are rows of their index.
    pub(super) fn attached(&self, beside: Vec<Descriptor>) -> Attached {
        Attached::new(beside, Arc::new(OfLayout(Arc::clone(&self.files))))
    }

    pub(super) fn index(&self) -> Result<Index, TransportError> {
        let raw = document(&*self.files, INDEX)?
            .ok_or_else(|| self.no_image("an OCI layout without index.json"))?;
        Ok(Index::parse(&raw, &format!("{}: {INDEX}", self.place()))?)
    }

    /// The entries of `index.json` that `tag` names; those of the only image where it names none.
    pub(super) fn entries(
        &self,
        index: &Index,
        tag: Option<&str>,
    ) -> Result<Vec<Descriptor>, TransportError> {
        let all = index.manifests();
        if all.is_empty() {
            return Err(self.no_image("an OCI layout whose index.json lists no image"));
        }
        let Some(tag) = tag else {
            return sole(all).ok_or_else(|| self.ambiguous(choices(all)));
        };
        let entries = named(all, tag);
        if entries.is_empty() {
            return Err(TransportError::UnknownTag {
                what: self.place(),
                wanted: shown(tag),
                known: choices(all),
            });
        }
        Ok(entries)
    }

    /// Collects the manifests that `entries` lead to, through nested indexes, in order.
    pub(super) fn flatten(
        &self,
        entries: &[Descriptor],
        depth: usize,
        leaves: &mut Leaves,
    ) -> Result<(), TransportError> {
        if depth > MAX_DEPTH {
            return Err(self.limit(format!("indexes are nested more than {MAX_DEPTH} deep")));
        }
        leaves.entries += entries.len();
        if leaves.entries > MAX_ENTRIES {
            return Err(self.limit(format!("its indexes have more than {MAX_ENTRIES} entries")));
        }
        for entry in entries {
            match self.nested(entry)? {
                Some(index) if leaves.indexes.insert(entry.digest.clone()) => {
                    self.flatten(index.manifests(), depth + 1, leaves)?;
                }
                Some(_) => {}
                None => leaves.found.push(Candidate::new(entry.clone())),
            }
        }
        Ok(())
    }

    /// The index that `entry` points at, where it is one. Without a media type the document decides.
    pub(super) fn nested(&self, entry: &Descriptor) -> Result<Option<Index>, TransportError> {
        let untyped = entry.media_type.as_str().is_empty();
        if !entry.media_type.is_index() && !untyped {
            return Ok(None);
        }
        let raw = self.verified(entry, "index")?;
        match Index::parse(&raw, &format!("index {}", entry.digest)) {
            Ok(index) => Ok(Some(index)),
            Err(_) if untyped => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The manifest for `wanted`, and how many images there were.
    fn pick(
        &self,
        entries: &[Descriptor],
        found: Vec<Candidate>,
        wanted: Option<&Platform>,
    ) -> Result<(Candidate, usize), TransportError> {
        let (mut images, others): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|one| is_manifest(&one.descriptor.media_type));
        if let (true, Some(other)) = (images.is_empty(), others.first()) {
            return Err(no_manifest(&other.descriptor).into());
        }
        if images.iter().filter(|one| one.is_image()).count() > 1 {
            for one in images.iter_mut().filter(|one| one.platform.is_none()) {
                one.platform = self.platform_of(&one.descriptor)?;
            }
        }
        let choice = choose(&images, wanted).map_err(|error| self.platform(error))?;
        let equals = equals(&images, choice.candidate, entries);
        if equals.len() > 1 {
            return Err(self.ambiguous(equals));
        }
        Ok((choice.candidate.clone(), choice.others + 1))
    }

    /// The platform that the config names, for an entry that names none; `None` where it is no image.
    pub(super) fn platform_of(&self, entry: &Descriptor) -> Result<Option<Platform>, TransportError> {
        let manifest = self.manifest(entry)?;
        if !is_image_config(&manifest.config().media_type) {
            return Ok(None);
        }
        let platform = self.config(&manifest)?.platform();
        Ok((!platform.os.is_empty()).then_some(platform))
    }

    pub(super) fn image(&self, name: ImageName, entry: &Descriptor) -> Result<Image, TransportError> {
        let manifest = self.manifest(entry)?;
        self.image_of(name, manifest)
    }

    pub(super) fn image_of(&self, name: ImageName, manifest: Manifest) -> Result<Image, TransportError> {
        if !is_image_config(&manifest.config().media_type) {
            let kind = format!(
                "an artifact of type `{}`",
                shown(manifest.config().media_type.as_str())
            );
            return Err(ImageError::Unsupported {
                what: format!("manifest {}", manifest.digest()),
                kind,
                hint: String::new(),
            }
            .into());
        }
        let config = self.config(&manifest)?;
        self.files
            .limits()
            .check(Limit::Layers, manifest.layers().len() as u64)
            .map_err(|exceeded| TransportError::over(self.source.clone(), exceeded))?;
        let blobs = Arc::new(Blobs(Arc::clone(&self.files)));
        let image = Image::from_manifest(name, manifest, config, blobs)?;
        for layer in image.layers.iter().filter_map(|layer| layer.descriptor()) {
            self.present(layer)?;
        }
        Ok(image)
    }

    fn manifest(&self, entry: &Descriptor) -> Result<Manifest, TransportError> {
        let raw = self.verified(entry, "manifest")?;
        Ok(Manifest::parse(raw, Some(&entry.media_type))?)
    }

    fn config(&self, manifest: &Manifest) -> Result<Config, TransportError> {
        Ok(Config::parse(self.verified(manifest.config(), "config")?)?)
    }

    /// A document that `descriptor` points at, with the size and the digest that it promises.
    pub(super) fn verified(&self, descriptor: &Descriptor, kind: &str) -> Result<Vec<u8>, TransportError> {
        let file = blob_name(&descriptor.digest);
        let bytes = document(&*self.files, &file)?.ok_or_else(|| self.missing(descriptor))?;
        if bytes.len() as u64 != descriptor.size {
            return Err(self.wrong_size(descriptor, bytes.len() as u64));
        }
        let mut hasher = Hasher::new(descriptor.digest.algorithm());
        hasher.update(&bytes);
        let found = hasher.finish();
        if found == descriptor.digest {
            return Ok(bytes);
        }
        Err(TransportError::WrongDigest {
            what: self.place(),
            document: kind.to_owned(),
            expected: descriptor.digest.clone(),
            found,
        })
    }

    /// Whether a layer's blob is there, in the right size. Its bytes are verified when it is read.
    fn present(&self, layer: &Descriptor) -> Result<(), TransportError> {
        match self.files.size(&blob_name(&layer.digest))? {
            None => Err(self.missing(layer)),
            Some(size) if size != layer.size => Err(self.wrong_size(layer, size)),
            Some(_) => Ok(()),
        }
    }

    pub(super) fn place(&self) -> String {
        self.files.place().to_owned()
    }

    fn no_image(&self, found: &str) -> TransportError {
        TransportError::NotAnImage {
            what: self.place(),
            found: found.to_owned(),
        }
    }

    pub(super) fn ambiguous(&self, choices: Vec<String>) -> TransportError {
        TransportError::Ambiguous {
            what: self.source.clone(),
            choices,
        }
    }

    fn limit(&self, limit: String) -> TransportError {
        TransportError::Limit {
            what: self.place(),
            limit,
        }
    }

    fn platform(&self, source: ChooseError) -> TransportError {
        TransportError::NoPlatform {
            what: self.source.clone(),
            source,
        }
    }

    fn missing(&self, descriptor: &Descriptor) -> TransportError {
        let elsewhere = descriptor.media_type.is_foreign() || descriptor.extra.contains_key("urls");
        TransportError::MissingBlob {
            what: self.place(),
            digest: descriptor.digest.clone(),
            file: blob_name(&descriptor.digest),
            hint: if elsewhere {
                "; it is a foreign layer, whose content is distributed elsewhere"
            } else {
                ""
            },
        }
    }

    fn wrong_size(&self, descriptor: &Descriptor, found: u64) -> TransportError {
        TransportError::WrongSize {
            what: self.place(),
            digest: descriptor.digest.clone(),
            expected: descriptor.size,
            found,
        }
    }
}

/// Opens blobs by digest, or by member name in a docker archive.
pub(super) struct Blobs(pub(super) Arc<dyn Files>);

impl OpenBlob for Blobs {
    fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
        let failed = |source| ImageError::Read {
            what: format!("{}: {}", self.0.place(), shown(&blob.label())),
            source,
        };
        let name = match blob {
            BlobRef::Stored(descriptor) => blob_name(&descriptor.digest),
            BlobRef::Member(name) => name.clone(),
        };
        match self.0.open(&name) {
            Ok(Some(reader)) => Ok(reader),
            Ok(None) => Err(failed(std::io::ErrorKind::NotFound.into())),
            Err(error) => Err(failed(std::io::Error::other(error))),
        }
    }

    fn is_gone(&self, blob: &BlobRef) -> bool {
        matches!(blob, BlobRef::Member(name) if self.0.has_passed(name))
    }

    fn size(&self, blob: &BlobRef) -> Option<u64> {
        match blob {
            BlobRef::Stored(descriptor) => Some(descriptor.size),
            BlobRef::Member(name) => self.0.size(name).ok().flatten(),
        }
    }
}

/// The digests of the images that `index.json` itself lists and that serve as well as `chosen`. A tag, or
/// no tag at all, may stand before several; inside an image's own index the first of equals is meant.
pub(super) fn equals(images: &[Candidate], chosen: &Candidate, entries: &[Descriptor]) -> Vec<String> {
    let is_listed = |one: &Candidate| entries.iter().any(|entry| entry.digest == one.descriptor.digest);
    if !is_listed(chosen) {
        return Vec::new();
    }
    let same = |one: &&Candidate| one.is_image() && one.platform == chosen.platform && is_listed(one);
    let mut digests: Vec<String> = images
        .iter()
        .filter(same)
        .map(|one| one.descriptor.digest.to_string())
        .collect();
    digests.dedup();
    digests
}

pub(super) fn is_manifest(media_type: &MediaType) -> bool {
    media_type.is_manifest() || media_type.as_str().is_empty()
}

/// Whether a config of this type is an image's. Some tools wrote none, or that of a mere blob.
pub(super) fn is_image_config(media_type: &MediaType) -> bool {
    matches!(
        media_type.as_str(),
        MediaType::OCI_CONFIG | MediaType::DOCKER_CONFIG | "application/octet-stream" | ""
    )
}

pub(super) fn no_manifest(entry: &Descriptor) -> ImageError {
    let media_type = entry.media_type.as_str();
    let kind = if media_type.starts_with("application/vnd.docker.distribution.manifest.v1") {
        "a Docker schema 1 manifest".to_owned()
    } else {
        format!("of media type `{}`", shown(media_type))
    };
    ImageError::Unsupported {
        what: format!("manifest {}", entry.digest),
        kind,
        hint: String::new(),
    }
}
