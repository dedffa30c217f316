//! The same input gives the same digest: run after run, for any number of threads, from any medium.

use std::collections::BTreeSet;
use std::fs;

use crate::support::cmd::{Sandbox, names};
use crate::support::corpus::corpus;
use crate::support::recipe::Recipe;

/// Several layers, some large enough to be cut into blocks by a parallel compressor.
fn recipe() -> Recipe {
    let small = |layer: u32| (0..40).map(move |file| format!("f srv/{layer}/{file} {}\n", file * 37));
    let layers = (0..6).map(|layer| {
        let large = format!("layer RUN step {layer}\nd srv\nf srv/big{layer} 700000\nf srv/same 200000\n");
        large + &small(layer).collect::<String>()
    });
    Recipe::new(&(layers.collect::<String>() + "layer\nwh srv/big1\nf usr/share/man/man1/a.1 900\n"))
}

#[test]
fn digests_do_not_depend_on_threads_or_runs() {
    let sandbox = Sandbox::with(&recipe());
    for compression in ["gzip", "zstd", "none"] {
        let mut seen = BTreeSet::new();
        for (run, threads) in [1, 2, 4, 2].into_iter().enumerate() {
            let out = format!("{compression}{run}");
            let flags = format!("--compression {compression} --threads {threads}");
            sandbox.slim(&format!("save oci:src:t oci:{out}:t {flags}")).ok();
            let blobs = names(&sandbox.path(&format!("{out}/blobs/sha256")));
            seen.insert((
                fs::read(sandbox.path(&format!("{out}/index.json"))).unwrap(),
                blobs,
            ));
        }
        assert_eq!(seen.len(), 1, "{compression}: one result, not {}", seen.len());
    }
}

/// Digests of manifests that are the same on every machine and at every time, and change with a version of slim only where
/// its changelog says so: people pin them. Where one changes, what is written changes: a header, an order, a compressor's
/// choices (a new version of zlib-rs or zstd), a key of the config or the manifest.
#[rustfmt::skip] // a table
const GOLDEN: &[(&str, &str)] = &[
    ("--compression gzip", "sha256:6c25ebb8719541037787908cafa1c14cf94f4cf22cae7fef36cb1cc25316fbd6"),
    ("--compression gzip:1", "sha256:52113725a93998e1df349644282372271c56d32ed769f8a1b0a2eca454e51ffd"),
    ("--compression zstd", "sha256:2eade3442c77351cb4f7f3e5be72d49b43c466077537fa254b072651a709dea2"),
    ("--compression none", "sha256:fe63287f686fbcff461ce9c59d9b8913a6e29ae45f1453d9eccf3588acda1f9f"),
    ("--profile none", "sha256:c5e74c18408a6430cae1d4ebdc551fa19e0c3509f7f09c23a6eb3692041038e4"),
    ("--layers keep", "sha256:aeb15f3700bc495717f1fd8312288e9e2798528e87193c2e2f93fa004e8a0c98"),
    ("--layers base --base-layers 2", "sha256:54b865d78ce68032e3068bed29f425585894cd8fe75db7124bdded1445780e03"),
];

#[test]
fn golden_digests() {
    let sandbox = Sandbox::with(&recipe());
    let found = GOLDEN.iter().map(|&(flags, _)| {
        let line = format!("save oci:src:t oci:out:t --format json {flags}");
        let written = sandbox.slim(&line).json();
        (flags, written["result"]["digest"].as_str().unwrap().to_owned())
    });
    let want = GOLDEN.iter().map(|&(flags, digest)| (flags, digest.to_owned()));
    assert_eq!(found.collect::<Vec<_>>(), want.collect::<Vec<_>>());
}

#[test]
fn reports_do_not_depend_on_threads_or_the_cache() {
    let sandbox = Sandbox::with(&recipe());
    let report = |threads: u8| {
        sandbox
            .slim(&format!("report oci:src:t --format json --threads {threads}"))
            .ok()
            .stdout
    };
    let first = report(1);
    assert_eq!(report(1), first, "the second run, from the cache");
    fs::remove_dir_all(sandbox.path("cache")).ok();
    assert_eq!(report(4), first, "four threads, no cache");
}

#[test]
fn slimming_twice_changes_nothing_more() {
    let sandbox = Sandbox::with(&recipe());
    sandbox.slim("save oci:src:t oci:once:t").ok();
    sandbox.slim("save oci:once:t oci:twice:t").ok();
    let layer =
        |dir: &str| crate::support::medium::layout_layers(&sandbox.path(dir), Some("t"), "linux/amd64");
    assert!(
        layer("once") == layer("twice"),
        "the second squash changed the layer"
    );
    assert!(!names(&sandbox.path("once/blobs/sha256")).is_empty());
}

#[test]
fn a_real_image_gives_one_digest() {
    let Some(corpus) = corpus() else { return };
    let image = corpus.join("real/wagoodman+dive/.data/test-kaniko-image.tar");
    let sandbox = Sandbox::new();
    for (out, threads) in [("one", 1), ("two", 2)] {
        let image = image.display();
        sandbox
            .slim(&format!(
                "save docker-archive:{image} oci:{out}:t --threads {threads}"
            ))
            .ok();
    }
    assert_eq!(
        names(&sandbox.path("one/blobs/sha256")),
        names(&sandbox.path("two/blobs/sha256"))
    );
}
