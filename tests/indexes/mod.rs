//! Indexes: every platform in, every platform out, and what stands beside them (rule 20).

mod registry;
mod written;

use serde_json::{Value, json};

use crate::support::cmd::Sandbox;
use crate::support::corpus::corpus;
use crate::support::index::{Layout, OCI_INDEX, OCI_MANIFEST, blob, rows, tagged};
use crate::support::recipe::Recipe;

/// An image of two layers with a manual page to remove; the first layer is the same for every platform.
fn recipe(architecture: &str) -> Recipe {
    Recipe::new(&format!(
        "top {{\"architecture\":\"{architecture}\"}}
         layer ADD base\nd usr\nd usr/share\nd usr/share/man\nd usr/share/man/man1\nf usr/share/man/man1/a.1 5000
         layer COPY app\nd opt\nf opt/app 20000 seed={architecture}"
    ))
}

/// What every row of an index says but for the manifest that it points at.
fn kept(index: &Value) -> Vec<Value> {
    let mut rows = rows(index);
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        for key in ["digest", "size", "mediaType"] {
            row.remove(key);
        }
    }
    rows
}

fn digests(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["digest"].as_str().unwrap()).collect()
}

/// Every dropped manifest of a write's document, of all platforms.
fn dropped(document: &Value) -> Vec<String> {
    let one = std::slice::from_ref(document);
    let platforms = document["platforms"].as_array().map_or(one, Vec::as_slice);
    let listed = platforms
        .iter()
        .flat_map(|one| one["dropped_manifests"].as_array().unwrap());
    listed.map(|digest| digest.as_str().unwrap().to_owned()).collect()
}

fn paths(tar: &[u8]) -> Vec<String> {
    let name = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        String::from_utf8(entry.unwrap().path_bytes().into_owned()).unwrap()
    };
    tar::Archive::new(tar).entries().unwrap().map(name).collect()
}

/// A sandbox with `src:t`, an index of amd64 and arm64, each with an attestation; and its rows.
fn two_platforms() -> (Sandbox, Vec<Value>) {
    let sandbox = Sandbox::new();
    let mut layout = Layout::new(sandbox.path("src"));
    let mut amd64 = layout.image(&recipe("amd64"));
    amd64["annotations"] = json!({"com.example.row": "first"});
    let mut arm64 = layout.image(&recipe("arm64"));
    arm64["platform"] = json!({"os.version": "6.1", "architecture": "arm64", "os": "linux", "variant": "v8", "os.features": ["x"]});
    arm64["com.example.unknown"] = json!({"b": 1, "a": [2]});
    let rows = vec![
        layout.attestation(&amd64),
        amd64.clone(),
        arm64.clone(),
        layout.attestation(&arm64),
    ];
    let index = layout.index(
        &rows,
        &json!({"annotations": {"z": "1", "a": "2"}, "com.example.top": true}),
    );
    layout.tag(&index, "t");
    (sandbox, rows)
}

#[test]
fn one_platform_where_it_is_asked_for() {
    let (sandbox, rows) = two_platforms();
    let saved = sandbox.slim("save oci:src:t oci:out:t --platform linux/arm64 --format json");
    assert!(
        saved.stderr.contains("linux/arm64") && saved.stderr.contains("index"),
        "{}",
        saved.stderr
    );
    let document = saved.json();
    assert_eq!(
        dropped(&document),
        digests(&rows[3..]),
        "the attestation of this one"
    );
    assert_eq!(document["result"]["index"], Value::Null);
    let (manifest, _) = tagged(&sandbox.path("out"), "t");
    assert_eq!(manifest["mediaType"], OCI_MANIFEST);
    // An index beside an image: that image's platform is compared.
    sandbox.slim("verify oci:src:t oci:out:t").ok();
    sandbox.slim("verify oci:src:t oci:out:t --platform all").code(1);
    sandbox
        .slim("save --quiet oci:src:t oci:no:t --platform linux/mips")
        .one_line(3, &["linux/mips", "linux/amd64"]);
    sandbox
        .slim("save --quiet oci:src:t oci:no:t --platform every")
        .code(2);
}

#[test]
fn a_docker_archive_takes_no_index() {
    let (sandbox, _) = two_platforms();
    sandbox
        .slim("save --quiet oci:src:t docker-archive:a.tar")
        .one_line(2, &["2 platforms", "--platform", "linux/amd64, linux/arm64/v8"]);
    assert!(!sandbox.path("a.tar").exists());
    sandbox
        .slim("save oci:src:t docker-archive:a.tar --platform linux/arm64")
        .ok();
    sandbox
        .slim("verify oci:src:t docker-archive:a.tar --platform linux/arm64")
        .ok();
}

#[test]
fn documents_of_every_platform() {
    let (sandbox, _) = two_platforms();
    let platforms = |line: &str, pointer: &str| -> Vec<String> {
        let document = sandbox.slim(&format!("{line} --format json")).json();
        assert_eq!(document["schema_version"], 1);
        let all = document["platforms"].as_array().unwrap();
        all.iter()
            .map(|one| one.pointer(pointer).unwrap().as_str().unwrap().to_owned())
            .collect()
    };
    let both = ["linux/amd64", "linux/arm64"];
    assert_eq!(
        platforms("report oci:src:t --platform all", "/image/platform"),
        both
    );
    assert_eq!(
        platforms("plan oci:src:t --platform all", "/source/platform"),
        both
    );
    assert_eq!(
        platforms("save oci:src:t oci:out:t --dry-run", "/source/platform"),
        both
    );
    assert!(!sandbox.path("out").exists(), "--dry-run writes nothing");
    let text = sandbox.slim("report oci:src:t --platform all").ok().stdout;
    assert!(both.iter().all(|name| text.contains(name)), "{text}");
    // Without --platform a report is on this machine's, and says so.
    let one = sandbox.slim("report oci:src:t --format json");
    assert!(one.stderr.contains("of 2 images"), "{}", one.stderr);
    assert!(one.json()["image"].is_object());
}

#[test]
fn a_platform_that_is_missing_is_a_failure() {
    let (sandbox, source) = two_platforms();
    sandbox.slim("save oci:src:t oci:out:t").ok();
    let mut layout = Layout::new(sandbox.path("half"));
    layout.adopt(&sandbox.path("out"));
    let first = rows(&tagged(&sandbox.path("out"), "t").0)[0].clone();
    layout.tag(&layout.index(&[first], &json!({})), "t");
    for (a, b) in [("src", "half"), ("half", "src")] {
        let failed = sandbox
            .slim(&format!(
                "verify oci:{a}:t oci:{b}:t --format json --profile none"
            ))
            .code(1);
        let document: Value = serde_json::from_str(&failed.stdout).unwrap();
        let missing = &document["platforms"][1];
        assert_eq!(missing["ok"], false);
        assert!(
            missing["unexpected"][0]["what"]
                .as_str()
                .unwrap()
                .contains("linux/arm64/v8"),
            "{missing:#}"
        );
    }
    assert_eq!(source.len(), 4);
}

/// The second platform is damaged: nothing of the first is published.
#[test]
fn nothing_is_published_unless_every_platform_is_good() {
    let (sandbox, source) = two_platforms();
    let manifest = blob(&sandbox.path("src"), &source[2]);
    let layer = manifest["layers"][1]["digest"]
        .as_str()
        .unwrap()
        .replace(':', "/");
    let path = sandbox.path("src").join("blobs").join(layer);
    let size = std::fs::metadata(&path).unwrap().len();
    std::fs::write(&path, vec![0; usize::try_from(size).unwrap()]).unwrap();
    sandbox
        .slim("save --quiet oci:src:t oci:out:t")
        .one_line(3, &["linux/arm64"]);
    assert!(!sandbox.path("out").exists());
    assert_eq!(sandbox.leftovers(), [""; 0]);
    // A blob that is not there at all is found before anything is read.
    std::fs::remove_file(path).unwrap();
    sandbox
        .slim("save --quiet oci:src:t oci:out:t")
        .one_line(3, &["linux/arm64", "--platform"]);
}

#[test]
fn real_indexes() {
    let Some(corpus) = corpus() else { return };
    let repository = corpus.join("real/regclient+regclient/testdata/testrepo");
    for (tag, count, gone) in [("v1", 2, 3), ("v2", 3, 5), ("v3", 4, 2), ("b1", 4, 0)] {
        let sandbox = Sandbox::new();
        let image = format!("oci:{}:{tag}", repository.display());
        let document = sandbox
            .slim(&format!("save {image} oci:out:t --format json"))
            .json();
        assert_eq!(document["platforms"].as_array().unwrap().len(), count, "{tag}");
        assert_eq!(dropped(&document).len(), gone, "{tag}: {document:#}");
        let (before, before_digest) = tagged(&repository, tag);
        let (after, after_digest) = tagged(&sandbox.path("out"), "t");
        assert_eq!(kept(&after), kept(&before)[..count], "{tag}");
        assert_eq!(
            before_digest == after_digest,
            tag == "b1",
            "{tag}: its images have one layer each"
        );
        sandbox.slim(&format!("verify {image} oci:out:t")).ok();
    }
    for name in [
        "test_gc_index:3",
        "test_gc_index:4",
        "test_index:3",
        "test_index:4",
    ] {
        let sandbox = Sandbox::new();
        let layouts = corpus.join("real/google+go-containerregistry/pkg/v1/layout/testdata");
        let image = format!("oci:{}/{name}", layouts.display());
        sandbox.slim(&format!("save {image} oci:out:t")).ok();
        let layout = std::fs::read(sandbox.path("out/index.json")).unwrap();
        let layout: Value = serde_json::from_slice(&layout).unwrap();
        assert_eq!(layout["manifests"][0]["mediaType"], OCI_INDEX, "{name}");
        sandbox.slim(&format!("verify {image} oci:out:t")).ok();
    }
}
