//! Manifests and blobs on their way down.

use std::time::{Duration, Instant};

use super::fake::{Fake, Say};
use super::{client, layer_descriptor, read_all, reference};
use crate::limits::Limits;
use crate::oci::{Descriptor, Digest, MediaType};
use crate::transport::registry::RegistryError;

#[test]
fn a_manifest_with_its_type_and_digest() {
    let fake = Fake::start(|_| {
        Say::new(200)
            .header(
                "Content-Type",
                "application/vnd.oci.image.manifest.v1+json; charset=utf-8",
            )
            .header("Docker-Content-Digest", &Digest::of(b"{}"))
            .body("{}")
    });
    let fetched = client().manifest(&reference(&fake.host, "a/b:1"), "1").unwrap();
    assert_eq!(fetched.bytes, b"{}");
    assert_eq!(fetched.digest, Digest::of(b"{}"));
    assert_eq!(fetched.media_type, Some(MediaType::from(MediaType::OCI_MANIFEST)));
    let asked = fake.asked();
    assert_eq!(asked[0].line(), "GET /v2/a/b/manifests/1");
    for family in [
        MediaType::DOCKER_INDEX,
        MediaType::DOCKER_MANIFEST,
        MediaType::OCI_INDEX,
    ] {
        assert!(asked[0].header("accept").unwrap().contains(family));
    }
    assert_eq!(asked[0].header("authorization"), None);
}

#[test]
fn lies_about_digests_name_both() {
    let wanted = Digest::of(b"wanted");
    let lie = wanted.clone();
    let fake = Fake::start(move |asked| match asked.path.as_str() {
        "/v2/a/manifests/tag" => Say::new(200).header("Docker-Content-Digest", &lie).body("{}"),
        _ => Say::new(200).body("{}"),
    });
    let target = reference(&fake.host, "a");
    for id in ["tag", &wanted.to_string()] {
        let error = client().manifest(&target, id).unwrap_err().to_string();
        assert!(error.contains(&wanted.to_string()), "{error}");
        assert!(error.contains(&Digest::of(b"{}").to_string()), "{error}");
    }
    let document = Descriptor::new(MediaType::OCI_CONFIG, wanted, 2);
    let error = client().document(&target, &document).unwrap_err();
    assert!(matches!(error, RegistryError::DigestMismatch { .. }), "{error}");
}

#[test]
fn documents_have_a_limit_announced_or_not() {
    let size = usize::try_from(Limits::default().document).unwrap() + 1;
    let fake = Fake::start(move |asked| match asked.path.as_str() {
        "/v2/a/manifests/says" => Say::new(200).header("Content-Length", "99999999999"),
        _ => Say::new(200).no_length().body(vec![b' '; size]),
    });
    let target = reference(&fake.host, "a");
    for id in ["says", "does"] {
        let error = client().manifest(&target, id).unwrap_err();
        assert!(matches!(error, RegistryError::TooLarge { .. }), "{id}: {error}");
    }
    let huge = Descriptor::new(
        MediaType::OCI_CONFIG,
        Digest::of(b""),
        Limits::default().document + 1,
    );
    let error = client().document(&target, &huge).unwrap_err();
    assert!(matches!(error, RegistryError::TooLarge { .. }), "{error}");
    assert_eq!(fake.asked().len(), 2, "the huge config was not even asked for");
}

#[test]
fn what_is_not_there_is_named() {
    let error = r#"{"errors":[{"code":"DENIED","message":"no\u001b[31m way"}]}"#;
    let fake = Fake::start(move |asked| match asked.path.as_str() {
        "/v2/secret/manifests/1" => Say::new(403).body(error),
        _ => Say::new(404),
    });
    let error = client()
        .manifest(&reference(&fake.host, "a/b"), "1.2")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} has no manifest a/b:1.2", fake.host)
    );
    let Err(error) = client().blob(&reference(&fake.host, "a/b"), &layer_descriptor(b"x")) else {
        panic!("there is no such blob")
    };
    assert!(
        error.to_string().contains(&Digest::of(b"x").to_string()),
        "{error}"
    );
    let error = client()
        .manifest(&reference(&fake.host, "secret"), "1")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("403") && error.contains("DENIED: no\\u{1b}[31m way"),
        "{error}"
    );
    let digest = Digest::of(b"x");
    assert_eq!(
        client().has_blob(&reference(&fake.host, "a"), &digest).unwrap(),
        None
    );
}

#[test]
fn nobody_listening_fails_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let begun = Instant::now();
    let error = client()
        .manifest(&reference(&free.to_string(), "a"), "1")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot reach {free}: connection refused")
    );
    assert!(begun.elapsed() < Duration::from_millis(500));
}

#[test]
fn busy_servers_are_asked_again_when_they_say() {
    let fake = Fake::start(|asked| match (asked.path.as_str(), asked.times) {
        ("/v2/busy/manifests/1", 0) => Say::new(429).header("Retry-After", "1"),
        ("/v2/broken/manifests/1", 0) => Say::new(503),
        ("/v2/broken/manifests/1", 1) => Say::new(200).body("{}").cut(0),
        ("/v2/dead/manifests/1", _) => Say::new(500),
        _ => Say::new(200).body("{}"),
    });
    let fetch = |repository| client().manifest(&reference(&fake.host, repository), "1");
    let begun = Instant::now();
    assert_eq!(fetch("busy").unwrap().bytes, b"{}");
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "Retry-After is honoured"
    );
    assert_eq!(fetch("broken").unwrap().bytes, b"{}");
    let error = fetch("dead").unwrap_err();
    assert!(
        matches!(error, RegistryError::Status { status: 500, .. }),
        "{error}"
    );
    let tries = fake.lines().iter().filter(|line| line.contains("dead")).count();
    assert_eq!(tries, 4);
}

#[test]
fn a_broken_stream_goes_on_where_it_broke() {
    let body: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let descriptor = layer_descriptor(&body);
    let sent = body.clone();
    let fake = Fake::start(move |asked| {
        let from = asked
            .header("range")
            .and_then(|text| text.strip_prefix("bytes=")?.strip_suffix('-'));
        let from: usize = from.map_or(0, |text| text.parse().unwrap());
        match (asked.path.starts_with("/v2/ranges"), asked.times) {
            (_, 0) => Say::new(200).body(&sent).cut(150_001),
            (true, times) => {
                let range = format!("bytes {from}-{}/{}", sent.len() - 1, sent.len());
                let say = Say::new(206).header("Content-Range", &range).body(&sent[from..]);
                if times == 1 { say.cut(7) } else { say }
            }
            (false, _) => Say::new(200).body(&sent),
        }
    });
    for repository in ["ranges", "whole"] {
        let reader = client()
            .blob(&reference(&fake.host, repository), &descriptor)
            .unwrap();
        assert!(read_all(reader).unwrap() == body, "{repository}");
    }
    let ranges: Vec<_> = fake
        .asked()
        .iter()
        .map(|one| one.header("range").map(str::to_owned))
        .collect();
    let range = |from: u32| Some(format!("bytes={from}-"));
    assert_eq!(
        ranges,
        [None, range(150_001), range(150_008), None, range(150_001)]
    );
}

#[test]
fn a_range_that_the_registry_does_not_know_is_done_without() {
    let fake = Fake::start(|asked| match asked.times {
        0 => Say::new(200).body([1; 100]).cut(50),
        1 => Say::new(416),
        _ => Say::new(200).body([1; 100]),
    });
    let reader = client()
        .blob(&reference(&fake.host, "a"), &layer_descriptor(&[1; 100]))
        .unwrap();
    assert_eq!(read_all(reader).unwrap(), [1; 100]);
    assert_eq!(fake.asked()[2].header("range"), None);
}

#[test]
fn a_stream_that_never_gets_on_ends() {
    let fake = Fake::start(|_| Say::new(200).body([0; 1000]).cut(10));
    let reader = client()
        .blob(&reference(&fake.host, "a"), &layer_descriptor(&[0; 1000]))
        .unwrap();
    let error = read_all(reader).unwrap_err().to_string();
    assert!(error.contains("was lost"), "{error}");
    assert!(fake.asked().len() < 10);
}

#[test]
fn a_blob_never_yields_more_than_it_promised_and_one() {
    let fake = Fake::start(|asked| {
        if asked.path.starts_with("/v2/honest") {
            Say::new(200).body([7; 5000])
        } else {
            Say::new(200).no_length().body([7; 5000])
        }
    });
    let small = layer_descriptor(&[7; 100]);
    let reader = client().blob(&reference(&fake.host, "silent"), &small).unwrap();
    assert_eq!(read_all(reader).unwrap().len(), 101);
    let Err(error) = client().blob(&reference(&fake.host, "honest"), &small) else {
        panic!("5000 bytes are not 100")
    };
    assert!(
        matches!(
            error,
            RegistryError::SizeMismatch {
                found: 5000,
                expected: 100,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn another_range_than_asked_for_is_refused() {
    let fake = Fake::start(|asked| match asked.times {
        0 => Say::new(200).body([1; 100]).cut(50),
        _ => Say::new(206)
            .header("Content-Range", "bytes 40-99/100")
            .body([1; 60]),
    });
    let reader = client()
        .blob(&reference(&fake.host, "a"), &layer_descriptor(&[1; 100]))
        .unwrap();
    assert!(
        read_all(reader)
            .unwrap_err()
            .to_string()
            .contains("another range")
    );
}
