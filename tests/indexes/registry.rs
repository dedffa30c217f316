//! Indexes in registries: in which order they are sent, as what, and what registries attach to their images.

use std::process::Command;

use serde_json::{Value, json};

use super::{kept, recipe, two_platforms};
use crate::support::cmd::Sandbox;
use crate::support::index::{Layout, OCI_INDEX, OCI_MANIFEST, rows, tagged};
use crate::support::judges::{have, run, skopeo_copy};
use crate::support::recipe::Recipe;
use crate::support::registry::{Login, Registry};

#[test]
fn a_registry_gets_blobs_then_manifests_then_the_tag() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let (sandbox, source) = two_platforms();
    let registry = Registry::start(&Login::Anyone);
    let app = format!("{}/app", registry.host);
    let layout = format!("oci:{}:t", sandbox.path("src").display());
    skopeo_copy(&layout, &format!("docker://{app}:1"));
    let before = registry.writes().len();
    let digest = sandbox
        .slim(&format!("push docker://{app}:1 --threads 1"))
        .ok()
        .stdout;
    let digest = digest
        .trim_end()
        .strip_prefix(&format!("{app}@"))
        .unwrap()
        .to_owned();
    let writes = registry.writes().split_off(before);
    let manifests: Vec<_> = writes
        .iter()
        .filter(|line| line.contains("/manifests/"))
        .collect();
    let (last, others) = manifests.split_last().unwrap();
    assert_eq!(**last, "PUT /v2/app/manifests/1-slim 201", "{writes:#?}");
    let by_digest = others.iter().filter(|line| line.contains("/manifests/sha256:"));
    let listed = others.iter().filter(|line| line.contains("/manifests/sha256-"));
    assert_eq!(
        (by_digest.count(), listed.count(), others.len()),
        (4, 2, 6),
        "an image and its list for each platform, and what refers to it: {writes:#?}"
    );
    let blobs = writes.iter().rposition(|line| line.contains("/blobs/")).unwrap();
    assert!(
        writes[..blobs].iter().all(|line| line.contains("/blobs/")),
        "blobs first: {writes:#?}"
    );

    skopeo_copy(
        &format!("docker://{app}:1-slim"),
        &format!("oci:{}:t", sandbox.path("back").display()),
    );
    let (index, pulled) = tagged(&sandbox.path("back"), "t");
    assert_eq!(pulled, digest, "what skopeo pulls is what slim printed");
    assert_eq!(kept(&index), kept(&json!({"manifests": source[1..3]})));
    sandbox
        .slim(&format!("verify docker://{app}:1 docker://{app}@{digest}"))
        .ok();

    // Another repository, from the layout, with more threads: the same index; then again: no blob is sent.
    let other = format!("{}/team/other", registry.host);
    for round in 0..2 {
        let before = registry.writes().len();
        let line = sandbox
            .slim(&format!("push oci:src:t docker://{other}:1 --threads 2"))
            .ok()
            .stdout;
        assert_eq!(line.trim_end(), format!("{other}@{digest}"));
        let sent = registry
            .writes()
            .split_off(before)
            .iter()
            .filter(|line| line.contains("/blobs/"))
            .count();
        assert_eq!(sent == 0, round == 1);
    }
}

#[test]
fn a_manifest_list_stays_one_in_a_registry_and_becomes_an_index_in_a_layout() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let sandbox = Sandbox::new();
    let mut layout = Layout::new(sandbox.path("src"));
    let images = ["amd64", "arm64"].map(|name| layout.image(&recipe(name)));
    layout.tag(&layout.index(&images, &json!({})), "t");
    let registry = Registry::start(&Login::Anyone);
    let app = format!("{}/app", registry.host);
    run(Command::new("skopeo")
        .args([
            "copy",
            "-q",
            "--insecure-policy",
            "--all",
            "--format",
            "v2s2",
            "--dest-tls-verify=false",
        ])
        .arg(format!("oci:{}:t", sandbox.path("src").display()))
        .arg(format!("docker://{app}:1")));
    let raw = |tag: &str| -> Value {
        let raw = run(Command::new("skopeo")
            .args(["inspect", "--raw", "--tls-verify=false"])
            .arg(format!("docker://{app}{tag}")));
        serde_json::from_str(&raw).unwrap()
    };
    sandbox
        .slim(&format!("push docker://{app}:1 docker://{app}:2"))
        .ok();
    let (before, after) = (raw(":1"), raw(":2"));
    let list = "application/vnd.docker.distribution.manifest.list.v2+json";
    assert_eq!([&before["mediaType"], &after["mediaType"]], [list, list]);
    assert_eq!(kept(&before), kept(&after));
    for row in rows(&after) {
        let manifest = raw(&format!("@{}", row["digest"].as_str().unwrap()));
        assert_eq!(
            manifest["mediaType"],
            "application/vnd.docker.distribution.manifest.v2+json"
        );
        assert_eq!(manifest["mediaType"], row["mediaType"]);
    }
    sandbox.slim(&format!("save docker://{app}:2 oci:out:t")).ok();
    let (index, _) = tagged(&sandbox.path("out"), "t");
    assert_eq!(index["mediaType"], OCI_INDEX);
    assert!(
        rows(&index).iter().all(|row| row["mediaType"] == OCI_MANIFEST),
        "{index:#}"
    );
    sandbox.slim(&format!("verify docker://{app}:1 oci:out:t")).ok();
}

/// Signatures and referrers are not copied; they are named, for an index and for one image alone.
#[test]
fn what_a_registry_attaches_is_listed() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let (sandbox, source) = two_platforms();
    let registry = Registry::start(&Login::Anyone);
    let app = format!("{}/app", registry.host);
    let layout = format!("oci:{}:t", sandbox.path("src").display());
    skopeo_copy(&layout, &format!("docker://{app}:1"));
    let mut attached = Layout::new(sandbox.path("attached"));
    let signature = attached.image(&Recipe::new("layer\nf signature 10"));
    let referrer = attached.image(&Recipe::new("layer\nf referrer 10"));
    attached.tag(&signature, "signature");
    attached.tag(
        &attached.index(std::slice::from_ref(&referrer), &json!({})),
        "referrers",
    );
    let tag = |row: &Value| row["digest"].as_str().unwrap().replace(':', "-");
    for (name, to) in [
        ("signature", format!("{}.sig", tag(&source[1]))),
        ("referrers", tag(&source[2])),
    ] {
        let from = format!("oci:{}:{name}", sandbox.path("attached").display());
        skopeo_copy(&from, &format!("docker://{app}:{to}"));
    }
    let line = format!("push docker://{app}:1 docker://{app}:2 --format json");
    let document = sandbox.slim(&line).json();
    let listed = |at: usize| document["platforms"][at]["dropped_manifests"].clone();
    assert_eq!(listed(0), json!([source[0]["digest"], signature["digest"]]));
    assert_eq!(listed(1), json!([source[3]["digest"], referrer["digest"]]));
    let one = sandbox.slim(&format!("{line} --platform linux/amd64")).json();
    assert_eq!(one["dropped_manifests"], listed(0));
    let text = sandbox
        .slim(&format!("push docker://{app}:1 docker://{app}:2"))
        .ok()
        .stderr;
    assert!(text.contains(signature["digest"].as_str().unwrap()), "{text}");
}
