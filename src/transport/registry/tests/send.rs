//! Uploads, mounts and manifests on their way up.

use std::cell::Cell;
use std::io::{self, Read};

use super::fake::{Fake, Say};
use super::{client, image, layer_descriptor, reference};
use crate::oci::{Digest, MediaType};
use crate::progress::Progress;
use crate::transport::registry::{Mount, RegistryError, write};

fn session(asked: &super::fake::Asked) -> Say {
    // Relative, with a query of its own, as some registries write it.
    Say::new(202).header("Location", &format!("/up/{}?state=x", asked.times))
}

#[test]
fn a_blob_is_sent_whole_with_its_length() {
    let fake = Fake::start(|asked| match asked.method.as_str() {
        "POST" => session(asked),
        _ => Say::new(201),
    });
    let bytes = vec![5; 3 * 1024 * 1024];
    let descriptor = layer_descriptor(&bytes);
    let told = Cell::new(0);
    let open = || Ok(Box::new(io::Cursor::new(bytes.clone())) as Box<dyn Read + Send>);
    let on_bytes = |more| told.set(told.get() + more);
    client()
        .upload(&reference(&fake.host, "a"), &descriptor, None, &open, &on_bytes)
        .unwrap();
    let asked = fake.asked();
    assert_eq!(asked[0].line(), "POST /v2/a/blobs/uploads/");
    let digest = descriptor.digest.to_string().replace(':', "%3A");
    assert_eq!(asked[1].line(), format!("PUT /up/0?state=x&digest={digest}"));
    assert!(asked[1].body == bytes && told.get() == bytes.len() as u64);
}

#[test]
fn an_empty_blob_is_a_blob() {
    let fake = Fake::start(|asked| match asked.method.as_str() {
        "POST" => session(asked),
        _ => Say::new(201),
    });
    let open = || Ok(Box::new(io::empty()) as Box<dyn Read + Send>);
    client()
        .upload(
            &reference(&fake.host, "a"),
            &layer_descriptor(b""),
            None,
            &open,
            &|_| {},
        )
        .unwrap();
    assert_eq!(fake.asked()[1].header("content-length"), Some("0"));
}

#[test]
fn what_is_too_large_at_once_goes_in_chunks_of_four_mebibytes() {
    const CHUNK: usize = 4 * 1024 * 1024;
    let fake = Fake::start(|asked| match asked.method.as_str() {
        "POST" => session(asked),
        "PUT" if !asked.body.is_empty() => Say::new(413),
        "PATCH" => {
            let range = asked.header("content-range").unwrap().split('-').nth(1).unwrap();
            session(asked).header("Range", &format!("0-{range}"))
        }
        _ => Say::new(201),
    });
    let bytes: Vec<u8> = (0..CHUNK + 1000).map(|at| at as u8).collect();
    let told = Cell::new(0);
    let open = || Ok(Box::new(io::Cursor::new(bytes.clone())) as Box<dyn Read + Send>);
    let on_bytes = |more| told.set(told.get() + more);
    client()
        .upload(
            &reference(&fake.host, "a"),
            &layer_descriptor(&bytes),
            None,
            &open,
            &on_bytes,
        )
        .unwrap();
    let patches: Vec<_> = fake
        .asked()
        .into_iter()
        .filter(|one| one.method == "PATCH")
        .collect();
    let sizes: Vec<usize> = patches.iter().map(|one| one.body.len()).collect();
    assert_eq!(sizes, [CHUNK, 1000]);
    assert_eq!(patches[1].header("content-range"), Some("4194304-4195303"));
    assert!(
        patches
            .iter()
            .flat_map(|one| one.body.clone())
            .eq(bytes.iter().copied())
    );
    assert_eq!(told.get(), bytes.len() as u64, "bytes sent twice are told once");
    let last = fake.asked().pop().unwrap();
    assert!(last.method == "PUT" && last.body.is_empty() && last.path.contains("digest=sha256%3A"));
}

#[test]
fn a_failing_server_gets_a_new_session_and_the_blob_from_its_start() {
    let fake = Fake::start(|asked| match asked.method.as_str() {
        "POST" => session(asked),
        "PUT" if asked.path.starts_with("/up/0") => Say::new(502),
        _ => Say::new(201),
    });
    let opened = Cell::new(0);
    let open = || {
        opened.set(opened.get() + 1);
        Ok(Box::new(&b"blob"[..]) as Box<dyn Read + Send>)
    };
    client()
        .upload(
            &reference(&fake.host, "a"),
            &layer_descriptor(b"blob"),
            None,
            &open,
            &|_| {},
        )
        .unwrap();
    assert_eq!(opened.get(), 2);
    let last = fake.asked().pop().unwrap();
    assert!(last.path.starts_with("/up/1") && last.body == b"blob");
}

#[test]
fn a_source_that_cannot_be_read_is_not_the_registrys_fault() {
    let fake = Fake::start(|asked| match asked.method.as_str() {
        "POST" => session(asked),
        _ => Say::new(201),
    });
    let target = reference(&fake.host, "a");
    let short = || Ok(Box::new(&b"bl"[..]) as Box<dyn Read + Send>);
    let gone = || Err(io::Error::new(io::ErrorKind::NotFound, "the disk is gone"));
    for (open, words) in [
        (&short as &crate::transport::registry::Open, "ended after 2 bytes"),
        (&gone, "the disk is gone"),
    ] {
        let error = client()
            .upload(&target, &layer_descriptor(b"blob"), None, open, &|_| {})
            .unwrap_err();
        assert!(matches!(error, RegistryError::Source(_)), "{error}");
        assert!(format!("{error:?}").contains(words), "{error:?}");
    }
    assert_eq!(
        fake.lines()
            .iter()
            .filter(|line| line.starts_with("POST"))
            .count(),
        2,
        "no second try"
    );
}

#[test]
fn a_refused_digest_is_told_and_not_tried_again() {
    let fake = Fake::start(|asked| match asked.method.as_str() {
        "POST" => session(asked),
        _ => Say::new(400).body(r#"{"errors":[{"code":"DIGEST_INVALID","message":"no"}]}"#),
    });
    let open = || Ok(Box::new(&b"blob"[..]) as Box<dyn Read + Send>);
    let error = client()
        .upload(
            &reference(&fake.host, "a"),
            &layer_descriptor(b"blob"),
            None,
            &open,
            &|_| {},
        )
        .unwrap_err();
    assert!(error.to_string().contains("DIGEST_INVALID"), "{error}");
    assert_eq!(fake.asked().len(), 2);
}

#[test]
fn a_mount_may_become_an_upload() {
    let fake = Fake::start(|asked| {
        if asked.path.contains("from=full") {
            Say::new(201)
        } else {
            session(asked)
        }
    });
    let (target, digest) = (reference(&fake.host, "a"), Digest::of(b"blob"));
    assert!(matches!(
        client().mount(&target, "full", &digest).unwrap(),
        Mount::Mounted
    ));
    let Mount::Upload(session) = client().mount(&target, "o/empty", &digest).unwrap() else {
        panic!("202 is an upload")
    };
    let open = || Ok(Box::new(&b"blob"[..]) as Box<dyn Read + Send>);
    let outcome = client().upload(&target, &layer_descriptor(b"blob"), Some(session), &open, &|_| {});
    assert!(
        outcome.is_err(),
        "this server answers 202 to a PUT, which is no end of an upload"
    );
    let lines = fake.lines();
    assert!(lines[1].contains("from=o%2Fempty"), "{lines:?}");
    assert!(
        lines[2].starts_with("PUT /up/0?state=x&digest="),
        "no new session: {lines:?}"
    );
}

#[test]
fn an_upload_on_another_host_gets_no_login() {
    let store = Fake::start(|_| Say::new(201));
    let elsewhere = format!("http://{}/up", store.host);
    let registry = Fake::start(move |asked| match asked.header("authorization") {
        None => Say::new(401).header("WWW-Authenticate", "Basic"),
        Some(_) => Say::new(202).header("Location", &elsewhere),
    });
    let credentials = crate::transport::registry::Credentials::default();
    let client = super::client_with(credentials.with_password(&registry.host, "u", "p"));
    let open = || Ok(Box::new(&b"blob"[..]) as Box<dyn Read + Send>);
    client
        .upload(
            &reference(&registry.host, "a"),
            &layer_descriptor(b"blob"),
            None,
            &open,
            &|_| {},
        )
        .unwrap();
    assert_eq!(store.asked()[0].header("authorization"), None);
}

#[test]
fn a_registry_that_stores_another_manifest_is_caught() {
    let fake = Fake::start(|asked| {
        if asked.path.ends_with("lies") {
            Say::new(201).header("Docker-Content-Digest", &Digest::of(b"other"))
        } else {
            Say::new(201)
        }
    });
    let target = reference(&fake.host, "a");
    let put = |id| client().put_manifest(&target, id, &MediaType::OCI_MANIFEST.into(), b"{}");
    assert_eq!(put("fine").unwrap(), Digest::of(b"{}"));
    let error = put("lies").unwrap_err().to_string();
    assert!(
        error.contains(&Digest::of(b"{}").to_string()) && error.contains(&Digest::of(b"other").to_string())
    );
}

#[test]
fn the_tag_moves_last_and_not_at_all_when_a_layer_fails() {
    let fake = Fake::start(
        |asked| match (asked.method.as_str(), asked.path.starts_with("/v2/bad")) {
            ("HEAD", _) => Say::new(404),
            ("POST", true) => Say::new(403),
            ("POST", false) => session(asked),
            _ => Say::new(201),
        },
    );
    let image = image(&[b"one", b"two", b"one"]);
    let digest = write(
        &image,
        &reference(&fake.host, "good:t"),
        &client(),
        None,
        &Progress::none(),
    )
    .unwrap()
    .digest;
    assert_eq!(Some(&digest), image.digest());
    let lines = fake.lines();
    assert_eq!(lines.last().unwrap(), "PUT /v2/good/manifests/t");
    let puts = lines.iter().filter(|line| line.starts_with("PUT /up/")).count();
    assert_eq!(
        puts, 3,
        "two layers, one of them twice in the image, and the config"
    );
    let error = write(
        &image,
        &reference(&fake.host, "bad:t"),
        &client(),
        None,
        &Progress::none(),
    )
    .unwrap_err();
    assert!(
        matches!(error, RegistryError::Status { status: 403, .. }),
        "{error}"
    );
    assert!(!fake.lines().iter().any(|line| line.contains("/v2/bad/manifests")));
}

#[test]
fn another_digest_than_the_images_is_refused_before_anything_is_sent() {
    let fake = Fake::start(|_| Say::new(201));
    let target = reference(&fake.host, &format!("a@{}", Digest::of(b"other")));
    let error = write(&image(&[b"one"]), &target, &client(), None, &Progress::none()).unwrap_err();
    assert!(matches!(error, RegistryError::DigestMismatch { .. }), "{error}");
    assert!(fake.asked().is_empty());
}
