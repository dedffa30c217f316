//! From an OCI layout's `index.json` to a whole index.
//!
//! Beside `oci_resolve`, which finds one image, because here `index.json` may itself be the index: several
//! entries without a name, or of one name, are the platforms of one image. Spec: image-spec `image-layout.md`.

use std::sync::Arc;

use serde_json::json;

use super::oci_entries::{IMAGE_NAME, REF_NAME};
use super::oci_resolve::{Blobs, Files, Layout, Leaves, equals, is_manifest, no_manifest};
use super::tree::{Documents, Root, tree};
use super::{TransportError, Whole};
use crate::image::{Image, ImageName, Index, Manifest, OpenBlob};
use crate::oci::{Descriptor, MediaType};

/// Finds what `tag` names in the layout, whole: one image, or an index with all that it lists.
///
/// Where several entries of `index.json` are the platforms of one image, they are the index.
pub(super) fn resolve_whole(
    files: Arc<dyn Files>,
    name: ImageName,
    tag: Option<&str>,
) -> Result<Whole, TransportError> {
    let layout = Layout {
        files,
        source: name.reference.clone(),
    };
    let index = layout.index()?;
    let entries = layout.entries(&index, tag)?;
    let documents = InLayout {
        layout: &layout,
        name,
    };
    let is_root = |entry: &&Descriptor| !entry.extra.contains_key("artifactType");
    let roots: Vec<&Descriptor> = entries.iter().filter(is_root).collect();
    let index = match roots.as_slice() {
        [only] => match layout.nested(only)? {
            Some(nested) => nested.or_claimed(Some(&only.media_type)),
            None => return layout.only(documents.name, only),
        },
        _ => layout.gathered(index, &entries)?,
    };
    let root = Root::Index(Box::new(tree(&documents, index)?));
    let attached = layout.attached(root.beside());
    Ok(Whole { root, attached })
}

/// The documents of a layout.
struct InLayout<'a> {
    layout: &'a Layout,
    name: ImageName,
}

impl Documents for InLayout<'_> {
    fn name(&self) -> &ImageName {
        &self.name
    }

    fn fetch(&self, entry: &Descriptor) -> Result<Vec<u8>, TransportError> {
        self.layout.verified(entry, "manifest")
    }

    fn image(&self, manifest: Manifest) -> Result<Image, TransportError> {
        self.layout.image_of(self.name.clone(), manifest)
    }

    fn blobs(&self) -> Arc<dyn OpenBlob> {
        Arc::new(Blobs(Arc::clone(&self.layout.files)))
    }
}

impl Layout {
    /// The only image that is meant, whatever its platform.
    fn only(&self, name: ImageName, entry: &Descriptor) -> Result<Whole, TransportError> {
        if !is_manifest(&entry.media_type) {
            return Err(no_manifest(entry).into());
        }
        Ok(Whole {
            root: Root::Image(Box::new(self.image(name, entry)?)),
            attached: self.attached(Vec::new()),
        })
    }

    /// `index.json` as the index of one image: as it is where all of its entries are meant, else a new one
    /// of those that are, without the name that they share.
    fn gathered(&self, index: Index, entries: &[Descriptor]) -> Result<Index, TransportError> {
        self.refuse_equals(entries)?;
        if index.manifests() == entries {
            return Ok(index);
        }
        let nameless = |entry: &Descriptor| {
            let mut entry = entry.clone();
            if let Some(annotations) = &mut entry.annotations {
                annotations.retain(|key, _| key != REF_NAME && key != IMAGE_NAME);
            }
            entry.annotations = entry.annotations.filter(|annotations| !annotations.is_empty());
            entry
        };
        let rows: Vec<Descriptor> = entries.iter().map(nameless).collect();
        let value = json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": rows});
        Ok(Index::parse(value.to_string().as_bytes(), &self.place())?)
    }

    /// Two images for one platform are two images, not two platforms of one.
    fn refuse_equals(&self, entries: &[Descriptor]) -> Result<(), TransportError> {
        let mut leaves = Leaves::default();
        self.flatten(entries, 1, &mut leaves)?;
        let mut images = leaves.found;
        for one in images
            .iter_mut()
            .filter(|one| one.platform.is_none() && one.is_image())
        {
            if is_manifest(&one.descriptor.media_type) {
                one.platform = self.platform_of(&one.descriptor)?;
            }
        }
        for one in images
            .iter()
            .filter(|one| one.is_image() && one.platform.is_some())
        {
            let equals = equals(&images, one, entries);
            if equals.len() > 1 {
                return Err(self.ambiguous(equals));
            }
        }
        Ok(())
    }
}
