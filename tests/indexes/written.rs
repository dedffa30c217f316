//! What is written of an index: its platforms in their order, and which of the rows beside them stay.

use serde_json::{Value, json};

use super::{digests, dropped, kept, paths, recipe, two_platforms};
use crate::support::cmd::Sandbox;
use crate::support::index::{Layout, OCI_INDEX, blob, rows, tagged};
use crate::support::judges::{have, skopeo_copy};
use crate::support::medium::layout_layers;
use crate::support::recipe::{Recipe, digest};

#[test]
fn every_platform_in_order_with_its_annotations() {
    let (sandbox, rows) = two_platforms();
    let source = tagged(&sandbox.path("src"), "t").0;
    let document = sandbox.slim("save oci:src:t oci:out:t --format json").json();
    let (index, index_digest) = tagged(&sandbox.path("out"), "t");
    assert_eq!(
        kept(&index),
        kept(&source)[1..3],
        "order, platforms, annotations, unknown keys"
    );
    let without = |index: &Value| {
        let mut index = index.clone();
        index.as_object_mut().unwrap().remove("manifests");
        serde_json::to_string(&index).unwrap()
    };
    assert_eq!(without(&index), without(&source), "every other key, in order");
    assert_eq!(
        dropped(&document),
        [&rows[0], &rows[3]].map(|row| row["digest"].as_str().unwrap())
    );

    let platforms = document["platforms"].as_array().unwrap();
    assert_eq!(
        (document["schema_version"].as_u64(), platforms.len()),
        (Some(1), 2)
    );
    for (at, (name, architecture)) in [("linux/amd64", "amd64"), ("linux/arm64/v8", "arm64")]
        .iter()
        .enumerate()
    {
        let one = &platforms[at];
        assert_eq!(one["source"]["platform"], *name);
        assert_eq!(one["source"]["digest"], rows[at + 1]["digest"]);
        assert_eq!(one["result"]["digest"], index["manifests"][at]["digest"]);
        assert_eq!(one["result"]["index"], index_digest.as_str());
        let layers = layout_layers(&sandbox.path("out"), Some("t"), &format!("linux/{architecture}"));
        assert_eq!(layers.len(), 1);
        let paths = paths(&layers[0]);
        assert!(paths.contains(&"opt/app".to_owned()), "{paths:?}");
        assert!(!paths.iter().any(|path| path.ends_with("a.1")), "{paths:?}");
        let manifest = blob(&sandbox.path("out"), &index["manifests"][at]);
        assert_eq!(
            blob(&sandbox.path("out"), &manifest["config"])["architecture"],
            *architecture
        );
    }
    if have(&["skopeo"]) {
        let [from, to] = ["out", "copied"].map(|dir| format!("oci:{}:t", sandbox.path(dir).display()));
        skopeo_copy(&from, &to);
        assert_eq!(tagged(&sandbox.path("copied"), "t").1, index_digest);
    }
    sandbox.slim("verify oci:src:t oci:out:t").ok();
}

#[test]
fn archive_layout_and_threads_give_one_digest() {
    let (sandbox, _) = two_platforms();
    let want = {
        sandbox.slim("save oci:src:t oci:one:t --threads 1").ok();
        tagged(&sandbox.path("one"), "t").1
    };
    sandbox
        .slim("save oci:src:t oci:two:t --threads 2 --platform all")
        .ok();
    assert_eq!(tagged(&sandbox.path("two"), "t").1, want);
    sandbox.slim("save oci:src:t oci-archive:a.tar:t").ok();
    sandbox.slim("save oci-archive:a.tar:t oci:three:t").ok();
    assert_eq!(
        tagged(&sandbox.path("three"), "t").1,
        want,
        "what is slim stays, index and all"
    );
    // A layout that is there keeps its other tags.
    sandbox.slim("save oci:src:t oci:one:u --profile none").ok();
    assert_eq!(tagged(&sandbox.path("one"), "t").1, want);
}

/// arm64 is slim already: its manifest stays byte for byte, and so does what speaks of it.
#[test]
fn what_speaks_of_an_unchanged_platform_stays() {
    let sandbox = Sandbox::with(&recipe("arm64"));
    sandbox.slim("save oci:src:t oci:slim:t").ok();
    let mut layout = Layout::new(sandbox.path("mixed"));
    let arm64 = layout.adopt(&sandbox.path("slim"));
    let amd64 = layout.image(&recipe("amd64"));
    let (of_amd64, of_arm64) = (layout.attestation(&amd64), layout.attestation(&arm64));
    let (note, of_gone) = (layout.artifact(&arm64), layout.artifact(&of_amd64));
    let rows = [amd64, arm64, of_amd64, of_arm64, note, of_gone];
    layout.tag(&layout.index(&rows, &json!({})), "t");

    let document = sandbox.slim("save oci:mixed:t oci:out:t --format json").json();
    let (index, _) = tagged(&sandbox.path("out"), "t");
    let new = self::rows(&index);
    assert_eq!(
        new[1..],
        [&rows[1], &rows[3], &rows[4]].map(Clone::clone),
        "rows as they were"
    );
    assert_ne!(new[0]["digest"], rows[0]["digest"]);
    for row in &new[2..] {
        for layer in blob(&sandbox.path("out"), row)["layers"].as_array().unwrap() {
            blob(&sandbox.path("out"), layer);
        }
    }
    // An artifact of the attestation that went goes with it.
    assert_eq!(
        dropped(&document),
        [&rows[2], &rows[5]].map(|row| row["digest"].as_str().unwrap())
    );

    let all = tagged(&sandbox.path("out"), "t").1;
    let again = sandbox.slim("save oci:out:t oci:again:t --format json").json();
    assert_eq!(
        tagged(&sandbox.path("again"), "t").1,
        all,
        "nothing changes, the index's digest neither"
    );
    assert!(dropped(&again).is_empty(), "{again:#}");
}

#[test]
fn what_held_or_located_the_old_manifest_goes_and_is_said() {
    let sandbox = Sandbox::new();
    let mut layout = Layout::new(sandbox.path("src"));
    let mut amd64 = layout.image(&recipe("amd64"));
    amd64["data"] = json!("e30=");
    amd64["urls"] = json!(["https://example.com/m"]);
    amd64["annotations"] = json!({"org.opencontainers.image.base.name": "base", "keep": "me"});
    layout.tag(
        &layout.index(&[amd64, layout.image(&recipe("arm64"))], &json!({})),
        "t",
    );
    let document = sandbox.slim("save oci:src:t oci:out:t --format json").json();
    let row = rows(&tagged(&sandbox.path("out"), "t").0)[0].clone();
    assert_eq!((row.get("data"), row.get("urls")), (None, None));
    assert_eq!(row["annotations"], json!({"keep": "me"}));
    let warnings = document["platforms"][0]["warnings"].to_string();
    for key in ["`data`", "`urls`", "`org.opencontainers.image.base.name`"] {
        assert!(warnings.contains(key), "{key}: {warnings}");
    }
}

#[test]
fn nested_indexes_and_repeated_rows() {
    let sandbox = Sandbox::new();
    let mut layout = Layout::new(sandbox.path("src"));
    let [amd64, arm64, riscv] = ["amd64", "arm64", "riscv64"].map(|name| layout.image(&recipe(name)));
    let mut inner = layout.index(&[riscv, arm64.clone()], &json!({"annotations": {"inner": "yes"}}));
    inner["annotations"] = json!({"row": "of the inner one"});
    let mut twice = arm64;
    twice["platform"]["variant"] = json!("v8");
    layout.tag(&layout.index(&[amd64, inner, twice], &json!({})), "t");
    let document = sandbox.slim("save oci:src:t oci:out:t --format json").json();
    assert_eq!(
        document["platforms"].as_array().unwrap().len(),
        3,
        "each image once"
    );
    let out = sandbox.path("out");
    let (source, (index, _)) = (tagged(&sandbox.path("src"), "t").0, tagged(&out, "t"));
    assert_eq!(kept(&index), kept(&source));
    let inner = blob(&out, &index["manifests"][1]);
    assert_eq!(inner["annotations"], json!({"inner": "yes"}));
    assert_eq!(inner["manifests"][1]["digest"], index["manifests"][2]["digest"]);
    sandbox.slim("verify oci:src:t oci:out:t").ok();
}

/// A layout whose `index.json` lists the platforms itself.
#[test]
fn platforms_that_index_json_lists() {
    let sandbox = Sandbox::new();
    let layout = Layout::new(sandbox.path("src"));
    let images = ["amd64", "arm64"].map(|name| layout.image(&recipe(name)));
    layout.list(&images);
    sandbox.slim("save oci:src oci:out:t").ok();
    let (index, _) = tagged(&sandbox.path("out"), "t");
    assert_eq!(
        kept(&index),
        images.map(|row| json!({"platform": row["platform"]}))
    );

    // Two images for one platform are not two platforms of one.
    layout.list(&[
        layout.image(&recipe("amd64")),
        layout.image(&Recipe::new("layer\nf a 1")),
    ]);
    sandbox
        .slim("save --quiet oci:src oci:none:t")
        .one_line(3, &["several images"]);
}

#[test]
fn an_index_of_one_stays_an_index() {
    let sandbox = Sandbox::new();
    let mut layout = Layout::new(sandbox.path("src"));
    let arm64 = layout.image(&recipe("arm64"));
    let attestation = layout.attestation(&arm64);
    layout.tag(&layout.index(&[arm64, attestation.clone()], &json!({})), "t");
    let document = sandbox.slim("save oci:src:t oci:out:t --format json").json();
    let (index, _) = tagged(&sandbox.path("out"), "t");
    assert_eq!(
        (index["mediaType"].as_str(), rows(&index).len()),
        (Some(OCI_INDEX), 1)
    );
    assert_eq!(dropped(&document), digests(std::slice::from_ref(&attestation)));

    // A docker archive holds that one, and says so.
    let saved = sandbox.slim("save oci:src:t docker-archive:a.tar --format json");
    assert!(saved.stderr.contains("linux/arm64"), "{}", saved.stderr);
    assert_eq!(dropped(&saved.json()), digests(&[attestation]));
}

#[test]
fn what_a_layout_attaches_is_listed() {
    let sandbox = Sandbox::new();
    let mut layout = Layout::new(sandbox.path("src"));
    let image = layout.image(&recipe("amd64"));
    let [signature, referrer, noted] =
        ["s", "r", "n"].map(|name| layout.image(&Recipe::new(&format!("layer\nf {name} 9"))));
    let tag = image["digest"].as_str().unwrap().replace(':', "-");
    layout.tag(&image, "t");
    layout.tag(&signature, &format!("{tag}.sig"));
    layout.tag(&layout.index(std::slice::from_ref(&referrer), &json!({})), &tag);
    layout.tag(&layout.artifact(&image), "note");
    layout.tag(&noted, "another");
    let document = sandbox.slim("save oci:src:t oci:out:t --format json").json();
    let note = digest(
        &std::fs::read(
            sandbox
                .path("src/blobs")
                .join(tagged(&sandbox.path("src"), "note").1.replace(':', "/")),
        )
        .unwrap(),
    );
    assert_eq!(
        document["dropped_manifests"],
        json!([signature["digest"], referrer["digest"], note])
    );
    // What stays itself loses nothing.
    sandbox.slim("save oci:out:t oci:again:t --format json").json()["dropped_manifests"]
        .as_array()
        .unwrap()
        .is_empty()
        .then_some(())
        .expect("nothing dropped");
}
