//! Indexes: nested, repeated, too deep.

use std::collections::HashMap;

use serde_json::json;

use super::fake::{Fake, Say};
use super::{client, image, reference};
use crate::oci::{Descriptor, Digest, MediaType};
use crate::transport::registry::{RegistryError, Source, open};

/// Serves documents by digest, and the first of them under every tag.
fn serve(documents: Vec<(&'static str, Vec<u8>)>) -> Fake {
    let root = documents[0].clone();
    let by_digest: HashMap<String, _> = documents
        .into_iter()
        .map(|(media_type, bytes)| (Digest::of(&bytes).to_string(), (media_type, bytes)))
        .collect();
    Fake::start(move |asked| {
        let id = asked.path.rsplit('/').next().unwrap();
        match by_digest.get(id) {
            Some((media_type, bytes)) => Say::new(200).header("Content-Type", *media_type).body(bytes),
            None if id.contains(':') => Say::new(404),
            None => Say::new(200).header("Content-Type", root.0).body(&root.1),
        }
    })
}

fn entry(media_type: &str, bytes: &[u8], platform: Option<&str>) -> Descriptor {
    let mut descriptor = Descriptor::new(media_type, Digest::of(bytes), bytes.len() as u64);
    descriptor.platform = platform.map(|text| text.parse().unwrap());
    descriptor
}

fn index(entries: &[Descriptor]) -> Vec<u8> {
    json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": entries})
        .to_string()
        .into_bytes()
}

#[test]
fn a_nested_index_is_read_where_it_stands_and_once() {
    let image = image(&[]);
    let manifest = image.manifest.clone().unwrap().raw().to_vec();
    let kind = MediaType::OCI_MANIFEST;
    let inner = index(&[
        entry(kind, b"arm", Some("linux/arm64")),
        entry(kind, &manifest, Some("linux/amd64")),
    ]);
    let nested = entry(MediaType::OCI_INDEX, &inner, None);
    let last = entry(kind, b"mips", Some("linux/mips"));
    let outer = index(&[nested.clone(), nested, last]);
    let documents = vec![
        (MediaType::OCI_INDEX, outer),
        (MediaType::OCI_INDEX, inner),
        (MediaType::OCI_MANIFEST, manifest),
        (MediaType::OCI_CONFIG, image.config.raw().to_vec()),
    ];
    let fake = serve(documents);
    let target = reference(&fake.host, "a");
    let source = Source::find(&target, &client()).unwrap();
    let platforms: Vec<String> = source
        .candidates()
        .iter()
        .map(|one| one.platform.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(platforms, ["linux/arm64", "linux/amd64", "linux/mips"]);
    assert_eq!(fake.asked().len(), 2);
    let wanted = "linux/amd64".parse().unwrap();
    let opened = open(&target, Some(&wanted), &client()).unwrap();
    assert_eq!((opened.image.digest(), opened.others), (image.digest(), 2));
    assert_eq!(opened.image.name.reference, format!("docker://{target}"));
}

#[test]
fn indexes_nested_without_end_are_refused() {
    let mut documents = Vec::new();
    let mut inner = index(&[]);
    for _ in 0..20 {
        let outer = index(&[entry(MediaType::OCI_INDEX, &inner, None)]);
        documents.insert(0, (MediaType::OCI_INDEX, outer.clone()));
        inner = outer;
    }
    let fake = serve(documents);
    let error = Source::find(&reference(&fake.host, "a"), &client()).unwrap_err();
    assert!(matches!(error, RegistryError::Nested { .. }), "{error}");
    assert!(error.to_string().contains("16"), "{error}");
}

#[test]
fn an_index_that_names_itself_by_a_lie_is_caught() {
    let lie = Digest::of(b"somewhere");
    let descriptor = Descriptor::new(MediaType::OCI_INDEX, lie, 9);
    let looped = index(&[descriptor]);
    let fake = Fake::start(move |_| Say::new(200).body(&looped));
    let error = Source::find(&reference(&fake.host, "a"), &client()).unwrap_err();
    assert!(matches!(error, RegistryError::DigestMismatch { .. }), "{error}");
}

#[test]
fn a_single_image_of_another_platform_is_refused_by_name() {
    let image = image(&[]);
    let manifest = image.manifest.clone().unwrap().raw().to_vec();
    let fake = serve(vec![
        (MediaType::OCI_MANIFEST, manifest),
        (MediaType::OCI_CONFIG, image.config.raw().to_vec()),
    ]);
    let target = reference(&fake.host, "a");
    assert_eq!(open(&target, None, &client()).unwrap().others, 0);
    let wanted = "linux/arm64".parse().unwrap();
    let error = open(&target, Some(&wanted), &client()).unwrap_err().to_string();
    assert!(
        error.contains("linux/arm64") && error.contains("linux/amd64"),
        "{error}"
    );
}
