//! Every medium: the same image read from each of them, written to each of them, and read by skopeo from there.

use serde_json::Value;

use crate::support::cmd::{Sandbox, int};
use crate::support::corpus::corpus;
use crate::support::judges::{have, have_umoci, skopeo_copy, umoci};
use crate::support::medium::{Codec, gzip};
use crate::support::overlay::{have_overlay, overlay};
use crate::support::recipe::Recipe;

fn recipe() -> Recipe {
    Recipe::new(
        "config {\"Env\":[\"A=b\"],\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"]}}
         layer ADD rootfs\nd usr\nd usr/bin\nf usr/bin/a 5000 mode=755\nh usr/bin/b usr/bin/a\nf old 300
         empty ENV A=b
         layer RUN change\nwh old\nf new 10",
    )
}

/// What a report says whatever the medium.
fn essence(report: &Value) -> Vec<Value> {
    let totals = [
        "files",
        "disk_bytes",
        "framing_bytes",
        "visible_bytes",
        "shadowed_bytes",
        "reclaimable_bytes",
    ];
    let mut parts: Vec<_> = totals.iter().map(|key| report["totals"][key].clone()).collect();
    for key in ["diff_id", "created_by", "disk_bytes", "framing_bytes"] {
        parts.extend(
            report["layers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row[key].clone()),
        );
    }
    parts.extend(
        [report["categories"].clone(), report["largest"].clone()].map(|rows| {
            let keep = |row: &Value| {
                Value::from(vec![
                    row["name"].clone(),
                    row["path"].clone(),
                    row["disk_bytes"].clone(),
                ])
            };
            Value::from(rows.as_array().unwrap().iter().map(keep).collect::<Vec<_>>())
        }),
    );
    parts
}

#[test]
fn one_image_reads_the_same_from_every_medium() {
    let recipe = recipe();
    let sandbox = Sandbox::with(&recipe);
    recipe.oci(&sandbox.path("plain"), "t", Codec::Plain);
    recipe.oci(&sandbox.path("zstd"), "t", Codec::Zstd);
    recipe.oci_archive(&sandbox.path("a.tar"), "t", Codec::Gzip);
    let archive = recipe.docker_archive("app:1");
    sandbox.write("d.tar", &archive);
    sandbox.write("d.tar.gz", gzip(&archive));
    let want = essence(&sandbox.slim("report --format json oci:src:t").json());
    for image in [
        "oci:src",
        "oci:plain:t",
        "oci:zstd:t",
        "oci-archive:a.tar:t",
        "oci-archive:a.tar",
        "docker-archive:d.tar",
        "docker-archive:d.tar:app:1",
        "docker-archive:d.tar.gz",
        "src",
        "a.tar",
        "d.tar",
        "d.tar.gz",
        "./d.tar",
    ] {
        let got = essence(&sandbox.slim(&format!("report --format json {image}")).json());
        assert_eq!(got, want, "{image}");
    }
    for (what, bytes) in [("plain", archive.clone()), ("gzip", gzip(&archive))] {
        let got = essence(&sandbox.slim_from("report --format json -", &bytes).json());
        assert_eq!(got, want, "standard input, {what}");
    }
    assert_eq!(sandbox.leftovers(), [""; 0], "temporary files are gone");
}

#[test]
fn wire_bytes_are_the_stored_blobs_or_null() {
    let recipe = recipe();
    let sandbox = Sandbox::with(&recipe);
    sandbox.write("d.tar", recipe.docker_archive("app:1"));
    let layout = sandbox.slim("report --format json oci:src:t").json();
    let blob = |row: &Value| {
        let digest = row["digest"].as_str().unwrap().replace("sha256:", "");
        std::fs::metadata(sandbox.path(&format!("src/blobs/sha256/{digest}")))
            .unwrap()
            .len()
    };
    let layers = layout["layers"].as_array().unwrap();
    assert!(layers.iter().all(|row| int(row, "/wire_bytes") == blob(row)));
    assert_eq!(
        int(&layout, "/totals/wire_bytes"),
        layers.iter().map(blob).sum::<u64>()
    );
    let archive = sandbox.slim("report --format json docker-archive:d.tar").json();
    assert_eq!(archive.pointer("/totals/wire_bytes"), Some(&Value::Null));
    assert_eq!(archive.pointer("/layers/0/wire_bytes"), Some(&Value::Null));
    assert!(int(&archive, "/totals/wire_bytes_estimate") > 0);
}

#[test]
fn every_sink_is_read_by_skopeo_and_shows_the_same_tree() {
    if !have(&["skopeo"]) || !have_umoci() || !have_overlay() {
        return;
    }
    let recipe = recipe();
    let want = overlay(&recipe.layers);
    for target in [
        "oci:out:t",
        "oci-archive:out.tar:t",
        "docker-archive:out.docker.tar:app:2",
    ] {
        for source in ["oci:src:t", "-"] {
            let input = if source == "-" {
                recipe.docker_archive("app:1")
            } else {
                Vec::new()
            };
            let sink = Sandbox::with(&recipe);
            let here = sink.path("").display().to_string();
            sink.slim_from(&format!("save {source} {target} --profile none"), &input)
                .ok();
            let (medium, path) = target.split_once(':').unwrap();
            skopeo_copy(&format!("{medium}:{here}{path}"), &format!("oci:{here}read:t"));
            umoci(&sink.path("read"), "t").assert_same(&want, &format!("{source} to {target}"));
            if source != "-" {
                sink.slim(&format!("verify {source} {target}")).ok();
            }
            assert_eq!(
                sink.leftovers(),
                [""; 0],
                "{source} to {target}: temporary files are gone"
            );
        }
    }
}

#[test]
fn a_tag_is_added_to_a_layout_that_is_there() {
    let sandbox = Sandbox::with(&recipe());
    sandbox.slim("save oci:src:t oci:src:slim --profile none").ok();
    let (old, new) = (
        sandbox.slim("report --format json oci:src:t"),
        sandbox.slim("report --format json oci:src:slim"),
    );
    assert_eq!(
        (
            int(&old.json(), "/totals/layers"),
            int(&new.json(), "/totals/layers")
        ),
        (2, 1)
    );
    sandbox.slim("verify oci:src:t oci:src:slim").ok();
}

#[test]
fn an_archive_with_several_images_wants_a_name() {
    let Some(corpus) = corpus() else { return };
    let sandbox = Sandbox::new();
    let bundle = corpus.join("real/google+go-containerregistry/pkg/v1/tarball/testdata/test_bundle.tar");
    let image = format!("docker-archive:{}", bundle.display());
    let ids = ["test_image_1", "test_image_2"].map(|name| {
        let report = sandbox
            .slim(&format!("report --format json {image}:{name}"))
            .json();
        report
            .pointer("/image/config_digest")
            .expect("a config digest")
            .clone()
    });
    assert_ne!(ids[0], ids[1]);
    let line = sandbox
        .slim(&format!("report --quiet {image}"))
        .one_line(3, &["test_image_1", "test_image_2"]);
    assert!(line.contains("test_bundle.tar"), "{line}");
}

#[test]
fn a_layer_that_is_a_symlink_in_an_old_archive_is_read() {
    let Some(corpus) = corpus() else { return };
    let sandbox = Sandbox::new();
    let archive = corpus.join("real/google+go-containerregistry/pkg/v1/tarball/testdata/test_link.tar");
    let [one, three] = ["test_image_1", "test_image_3"].map(|name| {
        let image = format!("docker-archive:{}:bazel/v1/tarball:{name}", archive.display());
        sandbox.slim(&format!("report --format json {image}")).json()["layers"]
            .as_array()
            .unwrap()
            .clone()
    });
    assert_eq!((one.len(), three.len()), (1, 2));
    assert_eq!(
        one[0]["diff_id"], three[0]["diff_id"],
        "the link and what it points to"
    );
}

/// One platform comes out of an index where it is asked for, and one that is not there is named.
#[test]
fn one_platform_of_an_index() {
    let Some(corpus) = corpus() else { return };
    let sandbox = Sandbox::new();
    let image = format!(
        "oci:{}:v1",
        corpus
            .join("real/regclient+regclient/testdata/testrepo")
            .display()
    );
    let arm = sandbox
        .slim(&format!("report --format json {image} --platform linux/arm64"))
        .json();
    assert_eq!(
        arm.pointer("/image/platform").and_then(Value::as_str),
        Some("linux/arm64")
    );
    sandbox
        .slim(&format!("report --quiet {image} --platform linux/mips"))
        .one_line(3, &["linux/mips", "linux/arm64"]);
    sandbox
        .slim(&format!(
            "save {image} oci:one:v1 --profile none --platform linux/arm64"
        ))
        .ok();
    let read = |path: &str| -> Value {
        serde_json::from_slice(&std::fs::read(sandbox.path("one").join(path)).unwrap()).unwrap()
    };
    let row = read("index.json")["manifests"][0].clone();
    let manifest = read(&format!(
        "blobs/{}",
        row["digest"].as_str().unwrap().replace(':', "/")
    ));
    let config = manifest
        .pointer("/config/digest")
        .and_then(Value::as_str)
        .unwrap()
        .replace(':', "/");
    assert_eq!(read(&format!("blobs/{config}"))["architecture"], "arm64");
}
