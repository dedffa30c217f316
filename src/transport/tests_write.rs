//! Writing: what comes out is the image that went in, whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::testing::{docker_archive, image, layer, layout, names, open_text, stored, tagged};
use super::{Target, TransportError, Written, write};
use crate::image::Image;
use crate::oci::{Digest, Family, MediaType};
use crate::progress::Progress;

/// A directory to write in, with a layout `source` that holds one image.
struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    fn new(family: Family, layers: &[Vec<u8>]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("source");
        fs::create_dir(&source).unwrap();
        layout(&source, &[image(&source, family, "linux/amd64", layers)]);
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn open(&self, text: &str) -> Image {
        let (transport, rest) = text.split_once(':').unwrap();
        let text = format!("{transport}:{}/{rest}", self.dir.path().display());
        open_text(&text, None).unwrap().image
    }

    fn source(&self) -> Image {
        self.open("oci:source")
    }

    fn write(&self, image: &Image, target: &str) -> Result<Written, TransportError> {
        let (transport, rest) = target.split_once(':').unwrap();
        let text = format!("{transport}:{}/{rest}", self.dir.path().display());
        let options = crate::transport::WriteOptions {
            progress: &Progress::none(),
            lender: None,
            #[cfg(feature = "registry")]
            client: None,
            #[cfg(feature = "engine")]
            engine: None,
        };
        write(image, &Target::parse(&text).unwrap(), &options)
    }
}

fn index(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("index.json")).unwrap()).unwrap()
}

fn layers() -> [Vec<u8>; 3] {
    // The same layer twice is one blob.
    [layer("a", "one"), layer("b", "two"), layer("a", "one")]
}

#[test]
fn every_target_holds_the_image() {
    let desk = Desk::new(Family::Oci, &layers());
    let source = desk.source();
    for target in [
        "oci:out:1.0",
        "oci-archive:out.oci:1.0",
        "docker-archive:out.docker:app:1.0",
    ] {
        let written = desk.write(&source, target).unwrap();
        let result = desk.open(target);
        assert_eq!(stored(&result), layers(), "{target}");
        assert_eq!(result.config.raw(), source.config.raw(), "{target}");
        match result.digest() {
            Some(digest) => assert_eq!((digest, Some(digest)), (&written.digest, source.digest())),
            None => assert_eq!(written.digest, source.config.id().0),
        }
    }
    assert_eq!(
        names(desk.dir.path()),
        ["out", "out.docker", "out.oci", "source"],
        "nothing else is left"
    );
}

#[test]
fn the_same_image_gives_the_same_archive() {
    let desk = Desk::new(Family::Oci, &layers());
    for (kind, tag) in [
        ("oci-archive", ":1"),
        ("docker-archive", ":app"),
        ("docker-archive", ""),
    ] {
        let bytes = ["one", "two"].map(|name| {
            desk.write(&desk.source(), &format!("{kind}:{name}{tag}"))
                .unwrap();
            fs::read(desk.path(name)).unwrap()
        });
        assert_eq!(bytes[0], bytes[1], "{kind}");
    }
}

#[test]
fn a_docker_archive_is_named_as_docker_names() {
    let desk = Desk::new(Family::Docker, &layers());
    desk.write(&desk.source(), "docker-archive:o.tar:app").unwrap();
    let bytes = fs::read(desk.path("o.tar")).unwrap();
    let mut archive = tar::Archive::new(&bytes[..]);
    let mut names = Vec::new();
    let mut manifest = String::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        names.push(entry.path().unwrap().to_str().unwrap().to_owned());
        if names.last().unwrap() == "manifest.json" {
            std::io::Read::read_to_string(&mut entry, &mut manifest).unwrap();
        }
    }
    let tar_name = |tar: &[u8]| format!("{}.tar", Digest::of(tar).hex());
    let [one, two, _] = layers().map(|tar| tar_name(&tar));
    let config = format!("{}.json", desk.source().config.id().0.hex());
    assert_eq!(names, ["manifest.json", &config, &one, &two]);
    let want =
        json!([{"Config": config, "RepoTags": ["docker.io/library/app:latest"], "Layers": [one, two, one]}]);
    assert_eq!(serde_json::from_str::<Value>(&manifest).unwrap(), want);
}

#[test]
fn docker_types_become_oci_types_and_nothing_else_changes() {
    let desk = Desk::new(Family::Docker, &layers());
    let source = desk.source();
    desk.write(&source, "oci:out").unwrap();
    let result = desk.open("oci:out");
    let manifest = result.manifest.as_ref().unwrap();
    assert_eq!(manifest.media_type().as_str(), MediaType::OCI_MANIFEST);
    assert!(
        manifest
            .layers()
            .iter()
            .all(|layer| layer.media_type.0 == "application/vnd.oci.image.layer.v1.tar")
    );
    assert_eq!(manifest.config().media_type.as_str(), MediaType::OCI_CONFIG);
    assert!(String::from_utf8_lossy(manifest.raw()).ends_with(r#""x-kept":[1,2.5]}"#));
    assert_eq!(
        (result.config.raw(), stored(&result)),
        (source.config.raw(), stored(&source))
    );
}

#[test]
fn a_layout_that_is_there_is_extended() {
    let desk = Desk::new(Family::Oci, &layers());
    let out = desk.path("out");
    fs::create_dir(&out).unwrap();
    let other = image(&out, Family::Oci, "linux/amd64", &[layer("x", "other")]);
    layout(&out, &[tagged(other.clone(), "kept"), tagged(other, "1")]);
    let mut before = index(&out);
    before["annotations"] = json!({"whose": "theirs"});
    fs::write(out.join("index.json"), before.to_string()).unwrap();

    desk.write(&desk.source(), "oci:out:1").unwrap();
    let after = index(&out);
    assert_eq!(after["annotations"], before["annotations"]);
    assert_eq!(after["manifests"].as_array().unwrap().len(), 2);
    assert_eq!(after["manifests"][0], before["manifests"][0]);
    assert_eq!(stored(&desk.open("oci:out:1")), layers());
    assert_eq!(stored(&desk.open("oci:out:kept")), [layer("x", "other")]);
}

#[test]
fn writing_twice_without_a_tag_leaves_one_image() {
    let desk = Desk::new(Family::Oci, &layers());
    let other = Desk::new(Family::Oci, &[layer("x", "other")]);
    desk.write(&desk.source(), "oci:out").unwrap();
    desk.write(&other.source(), "oci:out").unwrap();
    assert_eq!(stored(&desk.open("oci:out")), [layer("x", "other")]);
}

#[test]
fn a_damaged_blob_in_the_target_is_written_again() {
    let desk = Desk::new(Family::Oci, &layers());
    desk.write(&desk.source(), "oci:out").unwrap();
    let blob = desk.path("out/blobs/sha256").join(Digest::of(&layers()[1]).hex());
    let damaged = vec![0; layers()[1].len()];
    fs::write(&blob, damaged).unwrap();
    desk.write(&desk.source(), "oci:out").unwrap();
    assert_eq!(stored(&desk.open("oci:out")), layers());
}

#[test]
fn what_is_no_target_is_left_alone() {
    let desk = Desk::new(Family::Oci, &layers());
    fs::create_dir(desk.path("full")).unwrap();
    fs::write(desk.path("full/notes.txt"), "mine").unwrap();
    fs::write(desk.path("file"), "mine").unwrap();
    fs::create_dir(desk.path("broken")).unwrap();
    fs::write(desk.path("broken/index.json"), "[]").unwrap();
    for (target, part) in [
        ("oci:full", "neither empty nor an OCI layout"),
        ("oci:file", "it is a file"),
        ("oci:broken", "no list of manifests"),
        ("oci-archive:full", "it is a directory"),
        ("docker-archive:full", "it is a directory"),
        ("docker-archive:no/such/dir/o.tar", "failed to write"),
    ] {
        let error = desk.write(&desk.source(), target).unwrap_err().to_string();
        assert!(error.contains(part), "{target}: {error}");
    }
    assert_eq!(names(&desk.path("full")), ["notes.txt"]);
    assert_eq!(names(&desk.path("broken")), ["index.json"]);
    assert_eq!(fs::read(desk.path("file")).unwrap(), b"mine");
}

#[test]
fn a_source_that_changes_leaves_nothing_behind() {
    let desk = Desk::new(Family::Oci, &layers());
    let image = desk.source();
    fs::write(desk.path("kept.tar"), "before").unwrap();
    let blob = desk
        .path("source/blobs/sha256")
        .join(Digest::of(&layers()[1]).hex());
    let mut other = layers()[1].clone();
    other[0] ^= 1;
    for (bytes, part) in [
        (other, "does not match: expected"),
        (b"short".to_vec(), "found 5"),
    ] {
        fs::write(&blob, bytes).unwrap();
        for target in ["oci:out", "oci-archive:kept.tar", "docker-archive:kept.tar"] {
            let error = desk.write(&image, target).unwrap_err().to_string();
            let is_diff_id = target.starts_with("docker") && error.contains("diff id sha256:");
            assert!(error.contains(part) || is_diff_id, "{target}: {error}");
        }
    }
    assert_eq!(names(desk.dir.path()), ["kept.tar", "source"]);
    assert_eq!(fs::read(desk.path("kept.tar")).unwrap(), b"before");
}

#[test]
fn an_image_without_a_manifest_goes_only_where_none_is_needed() {
    let desk = Desk::new(Family::Oci, &layers());
    fs::write(desk.path("in.tar"), docker_archive("app", &layers())).unwrap();
    let image = desk.open("docker-archive:in.tar");
    let error = desk.write(&image, "oci:out").unwrap_err().to_string();
    assert!(
        error.contains("cannot be written as oci: it has no manifest"),
        "{error}"
    );
    desk.write(&image, "docker-archive:out.tar").unwrap();
    assert_eq!(stored(&desk.open("docker-archive:out.tar")), layers());
}
