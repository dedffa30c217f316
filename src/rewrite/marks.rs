//! What a result says of itself (rule 21): annotations of an OCI manifest, labels of a Docker config.
//!
//! A module of its own because the names are a contract with whoever reads an image later, slim itself among them.

use serde_json::{Map, Value};

use super::Options;
use crate::content::ContentMap;
use crate::image::{Image, Manifest};
use crate::oci::Digest;
use crate::plan::Plan;

/// The artifact, and the document in it, that lists what was removed and changed.
pub const LIST_TYPE: &str = "application/vnd.layerslim.plan.v1+json";
/// The artifact that holds what was removed, and the old bodies of what was changed.
pub const LEFTOVERS_TYPE: &str = "application/vnd.layerslim.leftovers.v1";

/// What every mark begins with.
const OWN: &str = "io.github.layerslim.";
/// Digest of the image that the result was made from.
const SOURCE: &str = "io.github.layerslim.source";
/// The profiles that chose what went.
const PROFILE: &str = "io.github.layerslim.profile";
/// Stored bytes of the removed files.
const REMOVED: &str = "io.github.layerslim.removed-bytes";
/// Digest of the list of what was removed and changed: of the document, not of the manifest that it is attached by.
const PLAN: &str = "io.github.layerslim.plan";
/// Of leftovers: digest of the slim image's config, which it keeps in media that have no manifests.
const CONFIG: &str = "io.github.layerslim.config";

/// Names and what is said.
pub(super) type Marks = Vec<(&'static str, String)>;

/// What the result says of where it comes from.
pub(super) fn of_result(image: &Image, plan: &Plan, map: &ContentMap, options: &Options<'_>) -> Marks {
    let removed = plan.totals(map).disk_bytes;
    let list = options.list.as_ref().map(|digest| (PLAN, digest.to_string()));
    let mut marks = vec![
        (SOURCE, source(image)),
        (PROFILE, options.profile.clone()),
        (REMOVED, removed.to_string()),
    ];
    marks.extend(list);
    marks
}

/// What leftovers say of where they come from and whose they are.
pub(super) fn of_leftovers(image: &Image, slim: &Image) -> Marks {
    vec![(SOURCE, source(image)), (CONFIG, slim.config.id().to_string())]
}

fn source(image: &Image) -> String {
    image.digest().unwrap_or(&image.config.id().0).to_string()
}

/// The digest of the list that an image says was made of what went from it.
pub fn list_of(image: &Image) -> Option<Digest> {
    image.said(PLAN)?.parse().ok()
}

/// Whether an image says that slim made it of another one.
pub fn is_result(image: &Image) -> bool {
    image.said(SOURCE).is_some()
}

/// Whether `leftovers` are those of `slim`: by the subject, or by the config where the medium of `slim` has no manifest.
pub fn are_leftovers_of(leftovers: &Image, slim: &Image) -> bool {
    let Some(manifest) = leftovers.manifest.as_ref().filter(|one| is_leftovers(one)) else {
        return false;
    };
    let subject = manifest.subject().map(|subject| subject.digest);
    let is_subject = subject.is_some() && subject.as_ref() == slim.digest();
    is_subject || manifest.annotation(CONFIG) == Some(&slim.config.id().to_string())
}

fn is_leftovers(manifest: &Manifest) -> bool {
    manifest.artifact_type() == Some(LEFTOVERS_TYPE)
}

/// Takes the marks off annotations or labels.
pub(super) fn remove(from: &mut Value) {
    if let Some(object) = from.as_object_mut() {
        object.retain(|name, _| !name.starts_with(OWN));
    }
}

/// Puts `marks` in the place of those of an earlier result.
pub(super) fn replace(into: &mut Value, marks: &Marks) {
    remove(into);
    if let Some(object) = into.as_object_mut() {
        object.extend(annotations(marks));
    }
}

/// The marks as annotations or labels.
pub(super) fn annotations(marks: &Marks) -> Map<String, Value> {
    let row = |(name, text): &(&'static str, String)| ((*name).to_owned(), text.clone().into());
    marks.iter().map(row).collect()
}
