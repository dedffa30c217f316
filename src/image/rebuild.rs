//! A new index out of an old one and new images: rows keep their order and their keys (rules 17 and 20).
//!
//! A module of its own because what may stay and what must go is a rule, and reading an index is not. A row
//! whose image is new gets its digest and size; an attestation whose subject is another image now goes.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Image, ImageError, ImageIndex, Index, Listed, Member};
use crate::oci::{Descriptor, Digest, Family, MediaType};

/// Annotations that speak of the base image's layers (rule 21).
const BASE: &str = "org.opencontainers.image.base.";
/// Keys of a row that hold or locate the old manifest.
const OF_OLD: [&str; 2] = ["data", "urls"];

/// A new index, and what became of the old one's rows.
#[derive(Debug, Clone)]
pub struct Rebuilt {
    /// The index; the same bytes where nothing changed.
    pub index: ImageIndex,
    /// Manifests that the new index does not list.
    pub dropped: Vec<Dropped>,
    /// Keys that were dropped.
    pub notes: Vec<Note>,
}

/// A manifest that went because what it speaks of is another one now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The manifest.
    pub digest: Digest,
    /// What it spoke of.
    pub subject: Digest,
}

/// A key that went, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The old manifest or index that it stood with.
    pub about: Digest,
    /// What went, and why.
    pub message: String,
}

impl ImageIndex {
    /// The index with `results` in the place of the images of these digests. With `family` the index speaks
    /// that family's words, else its own.
    ///
    /// Images that are not in `results` stay. A manifest that speaks of a changed one goes, and so does one that
    /// speaks of that.
    pub fn rebuilt(
        &self,
        results: &[(Digest, Image)],
        family: Option<Family>,
    ) -> Result<Rebuilt, ImageError> {
        let mut gone = HashSet::new();
        loop {
            let mut work = Work {
                results,
                family,
                gone: &gone,
                changed: HashSet::new(),
                dropped: Vec::new(),
                notes: Vec::new(),
                lost_base: false,
            };
            let index = work.index(self)?;
            let Work {
                changed,
                dropped,
                notes,
                ..
            } = work;
            if changed.is_subset(&gone) {
                return Ok(Rebuilt {
                    index,
                    dropped,
                    notes,
                });
            }
            gone.extend(changed);
        }
    }
}

struct Work<'a> {
    results: &'a [(Digest, Image)],
    family: Option<Family>,
    /// Digests that the last pass found changed or dropped.
    gone: &'a HashSet<Digest>,
    changed: HashSet<Digest>,
    dropped: Vec<Dropped>,
    notes: Vec<Note>,
    /// Whether an image lost the layers of its base.
    lost_base: bool,
}

impl Work<'_> {
    fn index(&mut self, old: &ImageIndex) -> Result<ImageIndex, ImageError> {
        let rows = old.document.value().get("manifests").and_then(Value::as_array);
        let rows = rows.map_or(&[][..], Vec::as_slice);
        let (mut new_rows, mut entries) = (Vec::new(), Vec::new());
        let lost_base_before = std::mem::take(&mut self.lost_base);
        for (row, entry) in rows.iter().zip(&old.entries) {
            let Some(member) = self.member(entry)? else {
                continue;
            };
            let new = Listed {
                descriptor: entry.descriptor.clone(),
                member,
            };
            if new.raw() == entry.raw() {
                new_rows.push(row.clone());
                entries.push(new);
                continue;
            }
            let row = self.replaced(row, entry, &new.member);
            let descriptor = serde_json::from_value(row.clone()).map_err(|e| bad(old, &e))?;
            new_rows.push(row);
            entries.push(Listed { descriptor, ..new });
        }
        let document = self.document(old, rows, new_rows)?;
        self.lost_base |= lost_base_before;
        Ok(ImageIndex {
            name: old.name.clone(),
            document,
            entries,
        })
    }

    /// What stands in the row now; `None` where the row goes.
    fn member(&mut self, entry: &Listed) -> Result<Option<Member>, ImageError> {
        let digest = &entry.descriptor.digest;
        if let Some(subject) = entry.subject().filter(|subject| self.gone.contains(subject))
            && matches!(entry.member, Member::Other(_))
        {
            self.drop(digest.clone(), subject);
            return Ok(None);
        }
        let member = match &entry.member {
            Member::Other(_) => return Ok(Some(entry.member.clone())),
            Member::Image(old) => {
                let new = self
                    .results
                    .iter()
                    .find(|(source, _)| Some(source) == old.digest())
                    .map_or(&**old, |(_, new)| new);
                if base_is_gone(old, new) {
                    self.lost_base = true;
                }
                Member::Image(Box::new(new.clone()))
            }
            Member::Index(old) => {
                let new = self.index(old)?;
                if new.entries.is_empty() && !old.entries.is_empty() {
                    self.drop(digest.clone(), digest.clone());
                    return Ok(None);
                }
                Member::Index(Box::new(new))
            }
        };
        let new = Listed {
            descriptor: entry.descriptor.clone(),
            member,
        };
        if new.raw() != entry.raw() {
            self.changed.insert(digest.clone());
            self.changed.insert(Digest::of(entry.raw()));
        }
        Ok(Some(new.member))
    }

    fn drop(&mut self, digest: Digest, subject: Digest) {
        self.changed.insert(digest.clone());
        let dropped = Dropped { digest, subject };
        if !self.dropped.contains(&dropped) {
            self.dropped.push(dropped);
        }
    }

    /// The row of a new manifest: type, digest and size are its own, what held or located the old one goes.
    fn replaced(&mut self, row: &Value, entry: &Listed, member: &Member) -> Value {
        let mut row = row.clone();
        let descriptor = match member {
            Member::Image(image) => image.manifest.as_ref().map(super::Manifest::descriptor),
            Member::Index(index) => Some(index.document.descriptor()),
            Member::Other(_) => None,
        };
        let (Some(object), Some(new)) = (row.as_object_mut(), descriptor) else {
            return row;
        };
        write_descriptor(object, &new);
        let about = &entry.descriptor.digest;
        for key in OF_OLD {
            if object.shift_remove(key).is_some() {
                self.note(
                    about,
                    key,
                    "a row of the index",
                    "it held or located the old manifest",
                );
            }
        }
        let lost_base = match (&entry.member, member) {
            (Member::Image(old), Member::Image(new)) => base_is_gone(old, new),
            _ => false,
        };
        if lost_base {
            self.forget_base(object, about, "a row of the index");
        }
        row
    }

    /// The document with its new rows; the old one where nothing changed.
    fn document(
        &mut self,
        old: &ImageIndex,
        rows: &[Value],
        new_rows: Vec<Value>,
    ) -> Result<Index, ImageError> {
        let other_family = self.family.is_some_and(|family| family != old.document.family());
        if !other_family && rows == new_rows.as_slice() {
            return Ok(old.document.clone());
        }
        let mut value = old.document.value().clone();
        if let Some(object) = value.as_object_mut() {
            object.insert("manifests".to_owned(), Value::Array(new_rows));
            if let Some(family) = self.family.filter(|_| other_family) {
                let media_type = match family {
                    Family::Oci => MediaType::OCI_INDEX,
                    Family::Docker => MediaType::DOCKER_INDEX,
                };
                object.insert("mediaType".to_owned(), media_type.into());
            }
            if self.lost_base {
                self.forget_base(object, old.digest(), "the index's annotations");
            }
        }
        let raw = serde_json::to_vec(&value).map_err(|e| bad(old, &e))?;
        let claimed = Some(old.document.media_type()).filter(|_| !other_family);
        Ok(Index::parse(&raw, &format!("the new index of {}", old.name.reference))?.or_claimed(claimed))
    }

    fn forget_base(&mut self, object: &mut Map<String, Value>, about: &Digest, from: &str) {
        let Some(annotations) = object.get_mut("annotations").and_then(Value::as_object_mut) else {
            return;
        };
        let names: Vec<String> = annotations
            .keys()
            .filter(|name| name.starts_with(BASE))
            .cloned()
            .collect();
        for name in names {
            annotations.shift_remove(&name);
            self.note(
                about,
                &name,
                from,
                "the base image's layers are not there any more",
            );
        }
    }

    fn note(&mut self, about: &Digest, key: &str, from: &str, why: &str) {
        self.notes.push(Note {
            about: about.clone(),
            message: format!("`{key}` was dropped from {from}: {why}"),
        });
    }
}

fn write_descriptor(object: &mut Map<String, Value>, new: &Descriptor) {
    object.insert("mediaType".to_owned(), new.media_type.as_str().into());
    object.insert("digest".to_owned(), new.digest.to_string().into());
    object.insert("size".to_owned(), new.size.into());
}

/// Whether the layer that a base image would have brought is not the first one any more.
fn base_is_gone(old: &Image, new: &Image) -> bool {
    let first = |image: &Image| image.layers.first().map(|layer| layer.diff_id.clone());
    first(old).is_some() && first(old) != first(new)
}

fn bad(index: &ImageIndex, error: &serde_json::Error) -> ImageError {
    ImageError::BadDocument {
        what: format!("the new index of {}", index.name.reference),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::image::{BlobRef, Config, ImageName, Manifest, OpenBlob, Other};

    /// Blobs that nobody opens.
    struct Nothing;

    impl OpenBlob for Nothing {
        fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
            panic!("{} was opened", blob.label())
        }
    }

    fn name() -> ImageName {
        ImageName {
            transport: "test",
            reference: "test".to_owned(),
        }
    }

    fn image(author: &str) -> Image {
        let config = json!({"author": author, "os": "linux", "rootfs": {"diff_ids": []}}).to_string();
        let descriptor = Descriptor::new(
            MediaType::OCI_CONFIG,
            Digest::of(config.as_bytes()),
            config.len() as u64,
        );
        let manifest = json!({"mediaType": MediaType::OCI_MANIFEST, "config": descriptor, "layers": []});
        let manifest = Manifest::parse(manifest.to_string().into_bytes(), None).unwrap();
        let config = Config::parse(config.into_bytes()).unwrap();
        Image::from_manifest(name(), manifest, config, Arc::new(Nothing)).unwrap()
    }

    fn other(subject: &Digest) -> (Descriptor, Member) {
        let raw = json!({"subject": {"digest": subject}}).to_string();
        let descriptor = Descriptor::new(
            MediaType::OCI_MANIFEST,
            Digest::of(raw.as_bytes()),
            raw.len() as u64,
        );
        let other = Other::new(raw.into_bytes(), Arc::new(Nothing));
        (descriptor, Member::Other(other))
    }

    fn listed(image: &Image) -> (Descriptor, Member) {
        let descriptor = image.manifest.as_ref().unwrap().descriptor();
        (descriptor, Member::Image(Box::new(image.clone())))
    }

    fn index(rows: Vec<(Descriptor, Member)>) -> ImageIndex {
        let descriptors: Vec<&Descriptor> = rows.iter().map(|(descriptor, _)| descriptor).collect();
        let raw = json!({"z": 1, "manifests": descriptors, "a": 2}).to_string();
        let entry = |(descriptor, member)| Listed { descriptor, member };
        ImageIndex {
            name: name(),
            document: Index::parse(raw.as_bytes(), "test").unwrap(),
            entries: rows.into_iter().map(entry).collect(),
        }
    }

    #[test]
    fn what_speaks_of_a_changed_image_goes_and_so_does_what_speaks_of_that() {
        let (changed, stays, new) = (image("a"), image("b"), image("c"));
        let of_changed = other(changed.digest().unwrap());
        let of_that = other(&of_changed.0.digest);
        let of_staying = other(stays.digest().unwrap());
        let gone = [of_that.0.digest.clone(), of_changed.0.digest.clone()];
        // What speaks of another stands before it: one look at each row is not enough.
        let old = index(vec![
            of_that,
            listed(&changed),
            of_changed,
            listed(&stays),
            of_staying.clone(),
        ]);
        let source = changed.digest().unwrap().clone();
        let rebuilt = old.rebuilt(&[(source, new.clone())], None).unwrap();
        let digests: Vec<&Digest> = rebuilt
            .index
            .document
            .manifests()
            .iter()
            .map(|row| &row.digest)
            .collect();
        assert_eq!(
            digests,
            [
                new.digest().unwrap(),
                stays.digest().unwrap(),
                &of_staying.0.digest
            ]
        );
        let dropped: Vec<Digest> = rebuilt.dropped.into_iter().map(|one| one.digest).collect();
        assert_eq!(dropped, gone);
        let raw = std::str::from_utf8(rebuilt.index.document.raw()).unwrap();
        assert!(
            raw.starts_with("{\"z\":1,") && raw.ends_with(",\"a\":2}"),
            "{raw}"
        );
    }

    #[test]
    fn an_index_of_which_nothing_changes_is_itself() {
        let (one, two) = (image("a"), image("b"));
        let inner = index(vec![listed(&two)]);
        let row = (inner.document.descriptor(), Member::Index(Box::new(inner)));
        let old = index(vec![listed(&one), row]);
        let same = old.rebuilt(&[], Some(Family::Oci)).unwrap();
        assert_eq!(same.index.document.raw(), old.document.raw());
        assert!(same.dropped.is_empty() && same.notes.is_empty());
        // A change inside changes everything above it.
        let source = two.digest().unwrap().clone();
        let new = old.rebuilt(&[(source, image("c"))], None).unwrap().index;
        assert_eq!(new.entries[0].descriptor, old.entries[0].descriptor);
        assert_ne!(new.entries[1].descriptor.digest, old.entries[1].descriptor.digest);
        assert_eq!(new.entries[1].descriptor.digest, Digest::of(new.entries[1].raw()));
    }

    #[test]
    fn a_manifest_list_becomes_an_index_where_that_is_asked_for() {
        let mut old = index(vec![listed(&image("a"))]);
        let list = MediaType::from(MediaType::DOCKER_INDEX);
        old.document = old.document.or_claimed(Some(&list));
        assert_eq!(old.rebuilt(&[], None).unwrap().index.document.media_type(), &list);
        let new = old.rebuilt(&[], Some(Family::Oci)).unwrap().index;
        assert_eq!(new.document.media_type().as_str(), MediaType::OCI_INDEX);
    }
}
