//! What is attached to an image: sent before the tag, and listed by whoever has to.

use serde_json::{Value, json};

use super::fake::{Asked, Fake, Say};
use super::{client, image, reference};
use crate::image::{Artifact, Image};
use crate::oci::Digest;
use crate::progress::Progress;
use crate::transport::registry::{Sent, write};

const KIND: &str = "application/vnd.example.list";

/// An image with a document attached, and the digest of its artifact's manifest.
fn with_list() -> (Image, String) {
    let mut image = image(&[b"one"]);
    let subject = image.manifest.clone().unwrap();
    let artifact = Artifact::new(KIND, "list.json", b"[1]".to_vec(), &subject, None);
    let digest = Digest::of(artifact.manifest()).to_string();
    image.artifacts.push(artifact);
    (image, digest)
}

fn send(fake: &Fake, image: &Image) -> Sent {
    write(
        image,
        &reference(&fake.host, "app:t"),
        &client(),
        None,
        &Progress::none(),
    )
    .unwrap()
}

fn upload(asked: &Asked) -> Say {
    match asked.method.as_str() {
        "HEAD" => Say::new(404),
        "POST" => Say::new(202).header("Location", &format!("/up/{}", asked.times)),
        _ => Say::new(201),
    }
}

fn puts(fake: &Fake) -> Vec<String> {
    let asked = fake.asked();
    let puts = asked
        .iter()
        .filter(|one| one.method == "PUT" && one.path.contains("/manifests/"));
    puts.map(|one| one.path.rsplit('/').next().unwrap().to_owned())
        .collect()
}

#[test]
fn a_registry_that_lists_referrers_is_given_no_tag_for_them() {
    let fake = Fake::start(|asked| match asked.method.as_str() {
        "PUT" if asked.path.contains("/manifests/sha256:") => Say::new(201).header("OCI-Subject", "sha256:x"),
        _ => upload(asked),
    });
    let (image, list) = with_list();
    assert!(send(&fake, &image).unattached.is_none());
    assert_eq!(puts(&fake), [list, "t".to_owned()]);
}

#[test]
fn another_is_given_the_list_of_them_under_the_fallback_tag() {
    let (image, list) = with_list();
    let tag = image.digest().unwrap().to_string().replace(':', "-");
    let other = json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": Digest::of(b"other"), "size": 5});
    let there = json!({"schemaVersion": 2, "annotations": {"a": "b"}, "manifests": [other]});
    for (known, kept) in [(None, 0), (Some(there.to_string()), 1)] {
        let name = tag.clone();
        let fake = Fake::start(move |asked| match (asked.method.as_str(), &known) {
            ("GET", Some(known)) if asked.path.ends_with(&name) => Say::new(200).body(known),
            ("GET", _) => Say::new(404),
            _ => upload(asked),
        });
        assert!(send(&fake, &image).unattached.is_none());
        assert_eq!(
            puts(&fake),
            [list.clone(), tag.clone(), "t".to_owned()],
            "the image's tag last"
        );
        let asked = fake.asked();
        let put = asked
            .iter()
            .find(|one| one.method == "PUT" && one.path.ends_with(&tag))
            .unwrap();
        assert_eq!(
            put.header("content-type"),
            Some("application/vnd.oci.image.index.v1+json")
        );
        let index: Value = serde_json::from_slice(&put.body).unwrap();
        let rows = index["manifests"].as_array().unwrap();
        assert_eq!(rows.len(), kept + 1, "what was there stays");
        assert_eq!(
            (&rows[kept]["digest"], &rows[kept]["artifactType"]),
            (&json!(list), &json!(KIND))
        );
        if kept == 1 {
            assert_eq!((&rows[0], &index["annotations"]["a"]), (&other, &json!("b")));
        }
    }
}

#[test]
fn what_is_listed_already_is_not_listed_again() {
    let (image, list) = with_list();
    let tag = image.digest().unwrap().to_string().replace(':', "-");
    let row = json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": list, "size": 5});
    let there = json!({"schemaVersion": 2, "manifests": [row]}).to_string();
    let fake = Fake::start(move |asked| match asked.method.as_str() {
        "GET" if asked.path.ends_with(&tag) => Say::new(200).body(&there),
        _ => upload(asked),
    });
    assert!(send(&fake, &image).unattached.is_none());
    assert_eq!(puts(&fake), [list, "t".to_owned()]);
}

/// Some registries take no manifest whose config is no image's.
#[test]
fn an_image_is_there_also_where_its_list_is_refused() {
    let fake = Fake::start(|asked| match asked.method.as_str() {
        "PUT" if asked.path.contains("/manifests/sha256:") => {
            Say::new(400).body(r#"{"errors":[{"code":"MANIFEST_INVALID","message":"unknown config"}]}"#)
        }
        _ => upload(asked),
    });
    let (image, list) = with_list();
    let reason = send(&fake, &image).unattached.unwrap().to_string();
    assert!(reason.contains("unknown config"), "{reason}");
    assert_eq!(puts(&fake), [list, "t".to_owned()]);
}
