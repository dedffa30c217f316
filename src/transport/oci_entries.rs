//! Which entries of `index.json` a tag names.
//!
//! Of its own because it is all about annotations and reads no file. Spec: image-spec `image-layout.md`,
//! "index.json file"; `annotations.md`, `org.opencontainers.image.ref.name`.

use super::error::shown;
use crate::oci::{Descriptor, Reference};

/// The tag of an entry.
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The full reference that containerd gives an entry.
pub(super) const IMAGE_NAME: &str = "io.containerd.image.name";
/// Choices that a message lists at most.
const MAX_CHOICES: usize = 20;

/// The entries that `tag` names: by position (`@0`), by tag, by full reference, or by digest.
pub(super) fn named(all: &[Descriptor], tag: &str) -> Vec<Descriptor> {
    if let Some(at) = tag.strip_prefix('@') {
        let entry = at.parse::<usize>().ok().and_then(|at| all.get(at));
        return entry.cloned().into_iter().collect();
    }
    let reference = tag.parse::<Reference>().ok();
    let same_reference = |name: &str| reference.is_some() && name.parse::<Reference>().ok() == reference;
    let by: [&dyn Fn(&Descriptor) -> bool; 4] = [
        &|entry| entry.annotation(REF_NAME) == Some(tag),
        &|entry| {
            entry
                .annotation(IMAGE_NAME)
                .is_some_and(|name| name == tag || same_reference(name))
        },
        &|entry| entry.annotation(REF_NAME).is_some_and(same_reference),
        &|entry| entry.digest.to_string() == tag,
    ];
    let matching = |is: &dyn Fn(&Descriptor) -> bool| -> Vec<Descriptor> {
        all.iter().filter(|entry| is(entry)).cloned().collect()
    };
    by.iter()
        .map(|is| matching(*is))
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

/// The entries of the only image, where nobody names one: the only tag's, or, where nothing is tagged, all
/// entries as the platforms of one image. `None` where several tags name several things.
pub(super) fn sole(all: &[Descriptor]) -> Option<Vec<Descriptor>> {
    let tagged: Vec<&Descriptor> = all.iter().filter(|entry| name(entry).is_some()).collect();
    let Some(first) = tagged.first() else {
        return Some(all.to_vec());
    };
    if tagged.iter().all(|entry| entry.digest == first.digest) {
        return Some(vec![(*first).clone()]);
    }
    let one_name = tagged.iter().all(|entry| name(entry) == name(first));
    one_name.then(|| tagged.into_iter().cloned().collect())
}

/// What may be written after the layout's path: tags, and positions of what has no tag.
pub(super) fn choices(all: &[Descriptor]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for (at, entry) in all.iter().enumerate() {
        let choice = name(entry).map_or_else(|| format!("@{at}"), shown);
        if out.len() == MAX_CHOICES {
            out.push("…".to_owned());
            break;
        }
        if !out.contains(&choice) {
            out.push(choice);
        }
    }
    out
}

fn name(entry: &Descriptor) -> Option<&str> {
    entry
        .annotation(REF_NAME)
        .or_else(|| entry.annotation(IMAGE_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{Digest, MediaType};

    /// `tag=content`; entries of the same content have the same digest; `-` is no tag.
    fn entries(rows: &[&str]) -> Vec<Descriptor> {
        let entry = |row: &&str| {
            let (tag, content) = row.split_once('=').unwrap();
            let mut entry = Descriptor::new(MediaType::OCI_MANIFEST, Digest::of(content.as_bytes()), 1);
            let key = if tag.contains('/') { IMAGE_NAME } else { REF_NAME };
            if tag != "-" {
                entry.annotations = Some([(key.to_owned(), tag.to_owned())].into());
            }
            entry
        };
        rows.iter().map(entry).collect()
    }

    fn positions(all: &[Descriptor], found: &[Descriptor]) -> Vec<usize> {
        found
            .iter()
            .map(|one| all.iter().position(|entry| entry == one).unwrap())
            .collect()
    }

    #[test]
    fn a_tag_names_entries() {
        let all = entries(&["1=a", "docker.io/library/app:2=b", "-=c", "1=d"]);
        let c = Digest::of(b"c").to_string();
        for (tag, want) in [
            ("1", &[0, 3][..]),
            ("@1", &[1]),
            ("@9", &[]),
            ("@x", &[]),
            ("docker.io/library/app:2", &[1]),
            ("app:2", &[1]),
            (&c, &[2]),
            ("2", &[]),
        ] {
            assert_eq!(positions(&all, &named(&all, tag)), want, "{tag}");
        }
    }

    #[test]
    fn without_a_tag_the_only_image_is_meant() {
        for (rows, want) in [
            (&["1=a"][..], Some(&[0][..])),
            (&["1=a", "latest=a"], Some(&[0])),
            (&["1=a", "-=b"], Some(&[0])),
            (&["-=a", "-=b"], Some(&[0, 1])),
            (&["1=a", "1=b"], Some(&[0, 1])),
            (&["1=a", "2=b"], None),
        ] {
            let all = entries(rows);
            let found = sole(&all).map(|found| positions(&all, &found));
            assert_eq!(found.as_deref(), want, "{rows:?}");
        }
        assert_eq!(
            choices(&entries(&["1=a", "-=b", "1=c", "\u{1b}[2J=d"])),
            ["1", "@1", "\\u{1b}[2J"]
        );
    }
}
