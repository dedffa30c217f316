//! Reclaimable bytes: exactly what the squash that removes nothing is smaller by, where dive sees nothing or too much.

use std::fs;

use serde_json::Value;

use crate::support::cmd::{Sandbox, int};
use crate::support::medium::layout_layers;
use crate::support::recipe::Recipe;

/// What, the recipe, and at least how many bytes of files can be reclaimed.
const CASES: &[(&str, &str, u64)] = &[
    ("nothing to gain", "layer\nd a\nf a/b 1000\nlayer\nf c 5", 0),
    (
        "a directory removed by a later layer",
        "layer\nd a\nd a/b\nf a/b/c 4000\nf a/d 5000\nlayer\nwh a",
        9000,
    ),
    (
        "an opaque directory",
        "layer\nd a\nf a/b 4000\nf a/c 5000\nlayer\nd a\nopq a\nf a/c 7",
        9000,
    ),
    (
        "a file written three times",
        "layer\nf a 6000\nlayer\nf a 6000\nlayer\nf a 6000",
        12000,
    ),
    (
        "a file whose mode changed",
        "layer\nf a 6000 seed=same\nlayer\nf a 6000 seed=same mode=700",
        6000,
    ),
    ("a file twice in one layer", "layer\nf a 3000\nf a 3000", 3000),
    (
        "a hard link keeps its inode",
        "layer\nf a 3000\nh b a\nlayer\nwh a\nf c 1",
        0,
    ),
];

#[test]
fn are_what_the_squash_saves() {
    for (what, text, least) in CASES {
        let recipe = Recipe::new(text);
        let sandbox = Sandbox::with(&recipe);
        let report = sandbox.slim("report --format json oci:src:t").json();
        sandbox
            .slim("save oci:src:t oci:out:t --profile none --compression none")
            .ok();
        let size = |layers: &[Vec<u8>]| layers.iter().map(|tar| tar.len() as u64).sum::<u64>();
        let after = size(&layout_layers(&sandbox.path("out"), Some("t"), "linux/amd64"));
        let before = size(&recipe.layers);
        // A layer that had little to lose may grow by a parent that it did not name: then nothing is reclaimable.
        let saved = i64::try_from(before).unwrap() - i64::try_from(after).unwrap();
        let said = report
            .pointer("/totals/reclaimable_bytes")
            .and_then(Value::as_i64)
            .expect("a number");
        assert_eq!(said, saved, "{what}: {before} before, {after} after");
        assert!(
            said >= i64::try_from(*least).unwrap(),
            "{what}: {said} is less than the {least} bytes of its files"
        );
    }
}

/// The layer blob of an uncompressed result *is* its tar, so the report of the result has nothing left to reclaim.
#[test]
fn are_none_after_a_squash() {
    let recipe = Recipe::new("layer\nd a\nf a/b 4000\nlayer\nwh a\nf c 10");
    let sandbox = Sandbox::with(&recipe);
    sandbox
        .slim("save oci:src:t oci:out:t --profile none --compression none")
        .ok();
    let report = sandbox.slim("report --format json oci:out:t").json();
    assert_eq!(int(&report, "/totals/reclaimable_bytes"), 0);
    assert_eq!(int(&report, "/totals/shadowed_bytes"), 0);
    let tar = &layout_layers(&sandbox.path("out"), Some("t"), "linux/amd64")[0];
    let blob = int(&report, "/layers/0/wire_bytes");
    assert_eq!(blob, tar.len() as u64);
    let blobs = fs::read_dir(sandbox.path("out/blobs/sha256")).unwrap().count();
    assert_eq!(
        blobs, 6,
        "manifest, config, one layer; the list, and what attaches it"
    );
}

/// uv fills a virtual environment with hard links into its cache, or with symlinks, or with copies.
const UV: &str = "layer
f root/.cache/uv/archive-v0/x/a/__init__.py 50000
d root/.cache/uv/archive-v0/x/b
f root/.cache/uv/archive-v0/x/b/__init__.py 6000
f root/.cache/uv/archive-v0/x/c/__init__.py 700
f root/.cache/uv/simple-v18/pypi/a.rkyv 9000
f opt/venv/lib/python3.13/site-packages/a-1.dist-info/RECORD 10
h opt/venv/lib/python3.13/site-packages/a/__init__.py root/.cache/uv/archive-v0/x/a/__init__.py
l opt/venv/lib/python3.13/site-packages/b /root/.cache/uv/archive-v0/x/b
f opt/venv/lib/python3.13/site-packages/c/__init__.py 700
layer
f root/.cache/uv/archive-v0/y/d/__init__.py 80000
h opt/venv/lib/python3.13/site-packages/d/__init__.py root/.cache/uv/archive-v0/y/d/__init__.py";

#[test]
fn a_category_promises_only_what_its_removal_frees() {
    let sandbox = Sandbox::with(&Recipe::new(UV));
    let report = sandbox.slim("report --format json oci:src:t").json();
    let cache = report["categories"].as_array().unwrap().iter();
    let cache = cache.clone().find(|row| row["name"] == "uv-cache").unwrap();
    // What the environment links to, by either kind of link, stays.
    assert_eq!(
        cache["disk_bytes"],
        9000 + 700 + 6000,
        "the inodes that no other path names"
    );
    let plan = "plan --format json oci:src:t --profile none --remove uv-cache";
    let promised = int(&sandbox.slim(plan).json(), "/totals/disk_bytes");
    assert_eq!(promised, 9000 + 700, "a symlink leads to 6000");
    let save = "save -q --format json oci:src:t --profile none";
    let whole = sandbox.slim(&format!("{save} oci:whole:t")).json();
    let without = sandbox
        .slim(&format!("{save} oci:without:t --remove uv-cache"))
        .json();
    let after = |document: &Value| int(document, "/disk_bytes/after");
    assert_eq!(after(&whole) - after(&without), promised);
    let tar = &layout_layers(&sandbox.path("without"), Some("t"), "linux/amd64")[0];
    for name in ["a", "b", "c", "d"] {
        let path = format!("site-packages/{name}");
        let is_there = tar.windows(path.len()).any(|bytes| bytes == path.as_bytes());
        assert!(is_there, "{path}");
    }
}
