//! The form that an image or an index takes in an OCI layout: which blobs, in which order, and the entry in
//! `index.json`.
//!
//! Of its own because the directory and the tar of a layout hold the same things. A manifest of the Docker
//! family gets OCI's media types here (rule 15: the sink decides the family); the config and the layers stay
//! byte for byte.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::TransportError;
use super::oci_entries::REF_NAME;
use super::output::Lying;
use crate::image::{Artifact, BlobRef, Image, ImageIndex, Manifest, Member, OpenBlob};
use crate::oci::{Descriptor, Digest, Family, Hasher, MediaType};

/// The content of the file `oci-layout`.
pub(super) const VERSION: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// An image or an index as a layout holds it.
pub(super) struct Form<'a> {
    /// What people call it.
    name: &'a str,
    /// Every blob once: config, layers and the manifest of each image, and what points at a manifest after it.
    pub(super) blobs: Vec<Blob<'a>>,
    /// Its entry in `index.json`.
    pub(super) entry: Descriptor,
}

/// A blob and where its bytes come from.
pub(super) struct Blob<'a> {
    pub(super) descriptor: Descriptor,
    pub(super) content: Content<'a>,
}

/// Where a blob's bytes come from.
pub(super) enum Content<'a> {
    /// A document in memory.
    Document(Vec<u8>),
    /// A blob as its medium stores it.
    Stored(&'a dyn OpenBlob, BlobRef),
}

/// The form of `image` under `tag`. `target` names the transport in errors.
pub(super) fn form<'a>(
    image: &'a Image,
    tag: Option<&str>,
    target: &'static str,
) -> Result<Form<'a>, TransportError> {
    let mut form = Form::new(&image.name.reference);
    let mut seen = HashSet::new();
    let manifest = image_form(image, target, &mut form, &mut seen)?;
    let platform = image.platform();
    form.entry = manifest.descriptor();
    form.entry.platform = (!platform.os.is_empty() && !platform.architecture.is_empty()).then_some(platform);
    form.entry.annotations = tagged(tag);
    Ok(form)
}

/// The form of `index`, whose family is OCI, under `tag`.
pub(super) fn index_form<'a>(
    index: &'a ImageIndex,
    tag: Option<&str>,
    target: &'static str,
) -> Result<Form<'a>, TransportError> {
    let mut form = Form::new(&index.name.reference);
    members(index, target, &mut form, &mut HashSet::new())?;
    form.entry = index.document.descriptor();
    form.entry.annotations = tagged(tag);
    form.document(&form.entry.digest.clone(), index.document.raw());
    Ok(form)
}

/// `index` in the words of OCI, with all images in it.
pub(super) fn in_oci<'a>(
    index: &'a ImageIndex,
    target: &'static str,
) -> Result<Cow<'a, ImageIndex>, TransportError> {
    let unwritable = |reason: String| TransportError::Unwritable {
        image: index.name.reference.clone(),
        target,
        reason,
    };
    let mut results = Vec::new();
    for (_, image) in index.images() {
        let Some(manifest) = image
            .manifest
            .as_ref()
            .filter(|one| one.family() == Family::Docker)
        else {
            continue;
        };
        let new = Image::from_manifest(
            image.name.clone(),
            converted(manifest).map_err(unwritable)?,
            image.config.clone(),
            image.blobs().clone(),
        )?;
        results.push((manifest.digest().clone(), new));
    }
    let rebuilt = index.rebuilt(&results, Some(Family::Oci))?.index;
    Ok(if rebuilt.document.raw() == index.document.raw() {
        Cow::Borrowed(index)
    } else {
        Cow::Owned(rebuilt)
    })
}

/// Everything that an index lists, but not the index itself.
fn members<'a>(
    index: &'a ImageIndex,
    target: &'static str,
    form: &mut Form<'a>,
    seen: &mut HashSet<Digest>,
) -> Result<(), TransportError> {
    for entry in &index.entries {
        if seen.contains(&entry.descriptor.digest) {
            continue;
        }
        match &entry.member {
            Member::Image(image) => {
                image_form(image, target, form, seen)?;
            }
            Member::Index(nested) => members(nested, target, form, seen)?,
            Member::Other(other) => {
                for blob in other.blobs() {
                    form.stored(blob, &**other.opener(), seen);
                }
            }
        }
        // The row's digest may be another algorithm's than the one that the image was put under.
        if seen.insert(entry.descriptor.digest.clone()) {
            form.document(&entry.descriptor.digest, entry.raw());
        }
    }
    Ok(())
}

/// Config, layers and manifest of one image, each once; gives the manifest as it is written.
fn image_form<'a>(
    image: &'a Image,
    target: &'static str,
    form: &mut Form<'a>,
    seen: &mut HashSet<Digest>,
) -> Result<Manifest, TransportError> {
    let unwritable = |reason: String| TransportError::Unwritable {
        image: image.name.reference.clone(),
        target,
        reason,
    };
    let source = image
        .manifest
        .as_ref()
        .ok_or_else(|| unwritable("it has no manifest".to_owned()))?;
    let manifest = match source.family() {
        Family::Oci => source.clone(),
        Family::Docker => converted(source).map_err(unwritable)?,
    };
    let config = image.config.raw();
    if !describes(manifest.config(), config) {
        return Err(unwritable(
            "its config is not the one that its manifest names".to_owned(),
        ));
    }
    if seen.insert(manifest.config().digest.clone()) {
        form.document(&manifest.config().digest, config);
    }
    for layer in &image.layers {
        let descriptor = layer
            .descriptor()
            .ok_or_else(|| unwritable("a layer has no digest".to_owned()))?;
        form.stored(descriptor, &**image.blobs(), seen);
    }
    if seen.insert(manifest.digest().clone()) {
        form.document(manifest.digest(), manifest.raw());
    }
    for artifact in &image.artifacts {
        form.artifact(artifact, seen);
    }
    Ok(manifest)
}

impl<'a> Form<'a> {
    fn new(name: &'a str) -> Self {
        Self {
            name,
            blobs: Vec::new(),
            entry: Descriptor::new(MediaType::OCI_MANIFEST, Digest::of(b""), 0),
        }
    }

    fn document(&mut self, digest: &Digest, bytes: &[u8]) {
        self.blobs.push(Blob {
            descriptor: Descriptor::new("application/json", digest.clone(), bytes.len() as u64),
            content: Content::Document(bytes.to_vec()),
        });
    }

    /// What is attached lies in the layout, and no row of `index.json` names it: to most tools a layout of two rows is one
    /// of two images.
    fn artifact(&mut self, artifact: &Artifact, seen: &mut HashSet<Digest>) {
        let manifest = Digest::of(artifact.manifest());
        for (digest, bytes) in artifact
            .blobs()
            .map(|(descriptor, bytes)| (descriptor.digest, bytes))
            .into_iter()
            .chain([(manifest, artifact.manifest())])
        {
            if seen.insert(digest.clone()) {
                self.document(&digest, bytes);
            }
        }
    }

    fn stored(&mut self, descriptor: &Descriptor, blobs: &'a dyn OpenBlob, seen: &mut HashSet<Digest>) {
        if seen.insert(descriptor.digest.clone()) {
            let blob = BlobRef::Stored(Box::new(descriptor.clone()));
            self.blobs.push(Blob {
                descriptor: descriptor.clone(),
                content: Content::Stored(blobs, blob),
            });
        }
    }

    /// The blob of `content` where it lies.
    pub(super) fn lying(&self, blobs: &'a dyn OpenBlob, blob: &'a BlobRef) -> Lying<'a> {
        Lying {
            image: self.name,
            blobs,
            blob,
        }
    }
}

/// An `index.json` with `entry` in it: that of a layout that is there, or a new one.
///
/// An entry of the same tag goes, its blobs stay. An image without a tag replaces an untagged one of the same
/// platform, so that writing twice does not make the layout ambiguous.
pub(super) fn index_with(existing: Option<Value>, entry: &Descriptor) -> Result<Vec<u8>, String> {
    let mut index = existing
        .unwrap_or_else(|| json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": []}));
    let new = serde_json::to_value(entry).map_err(|error| error.to_string())?;
    let manifests = index
        .get_mut("manifests")
        .and_then(Value::as_array_mut)
        .ok_or("its index.json has no list of manifests")?;
    if tag_of(&new).is_none() && manifests.iter().any(|old| tag_of(old).is_some()) {
        return Err(
            "it holds tagged images: name a tag for the new one too, as in oci:DIRECTORY:TAG".to_owned(),
        );
    }
    manifests.retain(|old| !replaces(&new, old));
    manifests.push(new);
    serde_json::to_vec(&index).map_err(|error| error.to_string())
}

/// The tag of an index entry.
fn tag_of(entry: &Value) -> Option<&Value> {
    entry.get("annotations")?.get(REF_NAME)
}

fn replaces(new: &Value, old: &Value) -> bool {
    if tag_of(new) != tag_of(old) {
        return false;
    }
    tag_of(new).is_some()
        || new.get("digest") == old.get("digest")
        || new.get("platform") == old.get("platform")
}

fn tagged(tag: Option<&str>) -> Option<BTreeMap<String, String>> {
    tag.map(|tag| BTreeMap::from([(REF_NAME.to_owned(), tag.to_owned())]))
}

fn describes(descriptor: &Descriptor, bytes: &[u8]) -> bool {
    let mut hasher = Hasher::new(descriptor.digest.algorithm());
    hasher.update(bytes);
    descriptor.size == bytes.len() as u64 && hasher.finish() == descriptor.digest
}

/// The manifest with OCI's media types in the place of Docker's, every other key as it was.
fn converted(manifest: &Manifest) -> Result<Manifest, String> {
    let mut value = manifest.value().clone();
    if let Some(object) = value.as_object_mut() {
        object.insert("mediaType".to_owned(), MediaType::OCI_MANIFEST.into());
    }
    match value.pointer_mut("/config/mediaType") {
        Some(config) if config == MediaType::DOCKER_CONFIG => *config = MediaType::OCI_CONFIG.into(),
        _ => {}
    }
    let layers = value.get_mut("layers").and_then(Value::as_array_mut);
    for (layer, descriptor) in layers.into_iter().flatten().zip(manifest.layers()) {
        layer["mediaType"] = oci_layer_type(&descriptor.media_type)?.0.into();
    }
    let raw = serde_json::to_vec(&value).map_err(|error| error.to_string())?;
    Manifest::parse(raw, None).map_err(|error| error.to_string())
}

fn oci_layer_type(media_type: &MediaType) -> Result<MediaType, String> {
    let plain = media_type
        .layer_compression()
        .and_then(|compression| MediaType::layer(Family::Oci, compression))
        .ok_or_else(|| format!("a layer of type `{media_type}` has no counterpart in OCI"))?;
    Ok(if media_type.is_foreign() {
        MediaType(plain.0.replace("layer.v1", "layer.nondistributable.v1"))
    } else {
        plain
    })
}
