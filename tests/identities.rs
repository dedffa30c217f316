//! The identities of sizes: every byte that the decompressor counts has one name, whichever way it is summed up.

use crate::support::cmd::{Sandbox, int, sum};
use crate::support::corpus::{REAL, corpus};
use crate::support::medium::Codec;
use crate::support::recipe::Recipe;

#[track_caller]
fn check(what: &str, report: &serde_json::Value, layers: &[Vec<u8>]) {
    let rows = report["layers"].as_array().unwrap();
    assert_eq!(rows.len(), layers.len(), "{what}: a row for each layer");
    for (row, tar) in rows.iter().zip(layers) {
        let (disk, framing) = (int(row, "/disk_bytes"), int(row, "/framing_bytes"));
        assert_eq!(
            disk + framing,
            tar.len() as u64,
            "{what}: disk {disk} + framing {framing}, {row}"
        );
    }
    let total = |key: &str| int(report, &format!("/totals/{key}"));
    let disk = total("disk_bytes");
    assert_eq!(sum(report, "layers", "disk_bytes"), disk, "{what}: Σ layers");
    assert_eq!(
        sum(report, "categories", "disk_bytes"),
        disk,
        "{what}: Σ categories"
    );
    assert_eq!(
        total("visible_bytes") + total("shadowed_bytes"),
        disk,
        "{what}: visible + shadowed"
    );
    assert_eq!(
        sum(report, "categories", "visible_bytes"),
        total("visible_bytes"),
        "{what}: Σ visible"
    );
    assert_eq!(
        sum(report, "layers", "shadowed_bytes"),
        total("shadowed_bytes"),
        "{what}: Σ shadowed"
    );
    assert_eq!(
        sum(report, "layers", "framing_bytes"),
        total("framing_bytes"),
        "{what}: Σ framing"
    );
    assert_eq!(
        disk + total("framing_bytes"),
        total("uncompressed_bytes"),
        "{what}: disk + framing"
    );
    assert_eq!(total("layers"), layers.len() as u64, "{what}: layers");
}

#[test]
fn hold_on_every_real_image() {
    let Some(corpus) = corpus() else { return };
    for real in REAL {
        let sandbox = Sandbox::new();
        let reference = real.reference(&corpus, &sandbox);
        let report = sandbox.slim(&format!("report --format json {reference}")).json();
        check(&real.name(), &report, &real.layers(&corpus, &sandbox));
    }
}

/// Layers with everything that is framing: long names, attributes, links, markers, what follows the end.
const AWKWARD: &[(&str, &str)] = &[
    ("an empty layer", "layer\nlayer\nf a 1"),
    (
        "hard links",
        "layer\nf a 1000\nh b a\nh c a\nlayer\nf a 1000\nwh b",
    ),
    ("a path twice in one layer", "layer\nf a 100\nf a 200\nf ./a 300"),
    (
        "attributes and a long name",
        "layer\nf usr/a 1 xattr:user.x=0a0a3d mtime=5.25\nf bin/LONG 700",
    ),
    (
        "a file and its directory, removed",
        "layer\nd a\nf a/b 9000\nf c 511\nf d 513\nlayer\nwh a\nwh nothing\nwh .wh.x",
    ),
    (
        "an opaque directory",
        "layer\nf a/b 10\nf a/c 20\nlayer\nopq a\nf a/c 30",
    ),
    (
        "devices, fifos, symlinks",
        "layer\nc dev/null 1 3\np fifo\nl l a\nd d",
    ),
];

#[test]
fn hold_on_awkward_layers_in_every_compression() {
    for (what, text) in AWKWARD {
        let mut recipe = Recipe::new(&text.replace("LONG", &"long/".repeat(40)).replace("\\n", "\n"));
        recipe.layers[0].extend([0; 3000]); // what follows the end blocks is framing too
        let recipe = Recipe::from_tars(recipe.layers);
        let sandbox = Sandbox::new();
        for (name, codec) in [
            ("plain", Codec::Plain),
            ("gzip", Codec::Gzip),
            ("zstd", Codec::Zstd),
        ] {
            recipe.oci(&sandbox.path(name), "t", codec);
            let report = sandbox.slim(&format!("report --format json oci:{name}:t")).json();
            check(&format!("{what}, {name}"), &report, &recipe.layers);
        }
    }
}

/// Bytes belong to an inode: a removed name frees nothing while another name of its file stays.
#[test]
fn a_hard_link_into_a_cache_is_not_cache() {
    let recipe = Recipe::new(
        "layer\nd var\nd var/cache\nd var/cache/apt\nd var/cache/apt/archives\nf var/cache/apt/archives/a.deb 5000
         h srv/a var/cache/apt/archives/a.deb\nf var/cache/apt/archives/b.deb 300",
    );
    let sandbox = Sandbox::with(&recipe);
    let report = sandbox.slim("report --format json oci:src:t").json();
    let cache = report["categories"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "apt-cache");
    assert_eq!(
        int(cache.expect("apt-cache is a category"), "/disk_bytes"),
        300,
        "{report:#}"
    );
}
