//! `docker-archive:`: what `docker save` writes, its read half.
//!
//! Also what kaniko, Bazel, Buildah and go-containerregistry write in its name: gzip-compressed layers,
//! configs called `sha256:…`, the layout of docker 25. The archive has no manifest of the registry's kind: a
//! layer is a member's name, and its only hash is the config's diff id. Format: moby `image/spec/v1.2.md`.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::attached::Attached;
use super::choose::check;
use super::error::shown;
use super::member::{Members, normal_name};
use super::oci_resolve::{Blobs, document};
use super::{Opened, ReadOptions, TransportError, spool};
use crate::image::{BlobRef, Config, Image, ImageError, ImageName};
use crate::limits::Limit;
use crate::oci::{Digest, Reference};

/// The document that says which images the archive holds.
pub(super) const MANIFEST: &str = "manifest.json";

/// One image of the archive.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

/// Finds the image that `choice` names in the archive at `path`; `-` is standard input.
pub(super) fn open(
    path: &Path,
    choice: Option<&str>,
    options: &ReadOptions<'_>,
) -> Result<Opened, TransportError> {
    from_members(
        spool::members(path, options)?,
        name(path, choice),
        choice,
        options,
    )
}

/// What an image in the archive at `path` is called.
pub(super) fn name(path: &Path, choice: Option<&str>) -> ImageName {
    let reference = match choice {
        Some(choice) => format!("docker-archive:{}:{choice}", path.display()),
        None => format!("docker-archive:{}", path.display()),
    };
    ImageName {
        transport: "docker-archive",
        reference,
    }
}

/// Finds the image that `choice` names in an archive that was indexed; it will be called `name`.
pub(super) fn from_members(
    members: Members,
    name: ImageName,
    choice: Option<&str>,
    options: &ReadOptions<'_>,
) -> Result<Opened, TransportError> {
    let entries = entries(&members)?;
    let entry = choose(&entries, choice, &members, &name.reference)?;
    let (config, note) = config(&members, &entry.config)?;
    check(&config.platform(), options.platform).map_err(|source| TransportError::NoPlatform {
        what: name.reference.clone(),
        source,
    })?;
    let layers = layers(&members, entry.layers.as_deref().unwrap_or_default())?;
    let members = Arc::new(members);
    let image = Image::from_archive(name, layers, config, Arc::new(Blobs(members.clone())))?;
    compare(&image, &members)?;
    Ok(Opened {
        image,
        note,
        platforms: 1,
        attached: Attached::default(),
    })
}

fn entries(members: &Members) -> Result<Vec<Entry>, TransportError> {
    let not_an_image = |found: &str| TransportError::NotAnImage {
        what: members.place().to_owned(),
        found: found.to_owned(),
    };
    let raw = document(members, MANIFEST)?.ok_or_else(|| not_an_image("an archive without manifest.json"))?;
    let text = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&raw);
    let entries: Vec<Entry> = serde_json::from_slice(text).map_err(|error| ImageError::BadDocument {
        what: format!("{}: {MANIFEST}", members.place()),
        reason: error.to_string(),
    })?;
    if entries.is_empty() {
        return Err(not_an_image("an archive whose manifest.json lists no image"));
    }
    Ok(entries)
}

/// The entry that `choice` names: `@N`, or a reference, normalised as docker does.
fn choose<'a>(
    entries: &'a [Entry],
    choice: Option<&str>,
    members: &Members,
    source: &str,
) -> Result<&'a Entry, TransportError> {
    let known = || -> Vec<String> {
        let tags = |entry: &Entry| {
            entry
                .repo_tags
                .as_ref()
                .and_then(|tags| tags.first())
                .map(|tag| shown(tag))
        };
        let rows = entries.iter().enumerate();
        rows.map(|(at, entry)| tags(entry).unwrap_or_else(|| format!("@{at}")))
            .collect()
    };
    let Some(choice) = choice else {
        return match entries {
            [only] => Ok(only),
            _ => Err(TransportError::Ambiguous {
                what: source.to_owned(),
                choices: known(),
            }),
        };
    };
    let found = match choice.strip_prefix('@') {
        Some(at) => at.parse::<usize>().ok().and_then(|at| entries.get(at)),
        None => entries.iter().find(|entry| has_tag(entry, choice)),
    };
    found.ok_or_else(|| TransportError::UnknownTag {
        what: members.place().to_owned(),
        wanted: shown(choice),
        known: known(),
    })
}

fn has_tag(entry: &Entry, wanted: &str) -> bool {
    let normal = wanted.parse::<Reference>().ok();
    let same = |tag: &String| tag == wanted || (normal.is_some() && tag.parse().ok() == normal);
    entry.repo_tags.iter().flatten().any(same)
}

/// The config, and what to say about it.
///
/// In a content-addressed name (`blobs/sha256/HEX` of docker 25, `sha256:HEX` of kaniko) the digest is a
/// promise. In `HEX.json` it is a mere name, which engines don't look at; it is said when it is another's.
fn config(members: &Members, name: &str) -> Result<(Config, Option<String>), TransportError> {
    let normal = member_name(members, name)?;
    let raw = document(members, &normal)?.ok_or_else(|| missing(members, "config", name))?;
    let config = Config::parse(raw)?;
    let found = &config.id().0;
    let base = normal.rsplit('/').next().unwrap_or(&normal);
    let digest = |hex: &str| format!("sha256:{hex}").parse::<Digest>().ok();
    let promised = match base.strip_prefix("sha256:") {
        Some(hex) => digest(hex),
        None => digest(base).filter(|_| normal.starts_with("blobs/sha256/")),
    };
    if let Some(expected) = promised.filter(|expected| expected != found) {
        return Err(TransportError::WrongDigest {
            what: members.place().to_owned(),
            document: format!("config {}", shown(name)),
            expected,
            found: found.clone(),
        });
    }
    let named = base.strip_suffix(".json").and_then(digest);
    let note = named.filter(|named| named != found).map(|_| {
        format!(
            "{}: the config `{}` has the digest {found}",
            members.place(),
            shown(name)
        )
    });
    Ok((config, note))
}

/// The layers' members, base first, all of them there.
fn layers(members: &Members, names: &[String]) -> Result<Vec<String>, TransportError> {
    let over = |exceeded| TransportError::over(members.place(), exceeded);
    members
        .limits()
        .check(Limit::Layers, names.len() as u64)
        .map_err(over)?;
    let present = |name: &String| {
        let normal = member_name(members, name)?;
        match members.locate(&normal)? {
            Some(_) => Ok(normal),
            None => Err(missing(members, "layer", name)),
        }
    };
    names.iter().map(present).collect()
}

/// Layers that streamed past were hashed before anybody knew what they should be (rule 14).
fn compare(image: &Image, members: &Members) -> Result<(), TransportError> {
    for layer in &image.layers {
        let BlobRef::Member(name) = &layer.blob else {
            continue;
        };
        if let Some(found) = members.passed(name)?
            && *found != layer.diff_id
        {
            return Err(TransportError::WrongLayer {
                image: image.name.reference.clone(),
                layer: shown(name),
                expected: format!("diff id {}", layer.diff_id),
                found: found.to_string(),
            });
        }
    }
    Ok(())
}

fn member_name(members: &Members, name: &str) -> Result<String, TransportError> {
    normal_name(name).ok_or_else(|| TransportError::Damaged {
        what: members.place().to_owned(),
        reason: format!("{MANIFEST} names `{}`, which is outside the archive", shown(name)),
    })
}

fn missing(members: &Members, kind: &str, name: &str) -> TransportError {
    TransportError::Damaged {
        what: members.place().to_owned(),
        reason: format!("the {kind} `{}` that {MANIFEST} names is missing", shown(name)),
    }
}
