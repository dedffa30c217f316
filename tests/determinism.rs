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
    ("--compression gzip", "sha256:049d8f6540e4778e22caf7c458a46153ea2a301a8a04d72f42fdb29a72bacbf3"),
    ("--compression gzip:1", "sha256:4d6e66f5619dbc31e94612cf30b124fd6fb2bc00e778cd86fa28a4af51126f54"),
    ("--compression zstd", "sha256:8715054458a36b647a663c90fa54ad04f8f77969a16c9ca2390e71df2d580199"),
    ("--compression none", "sha256:aad002f95fefb8410a5ec7017e9c78498c2b8bd59649ecad8247ea0b849f4dab"),
    ("--profile none", "sha256:5e96184c7896a2431540ccdab19acf6f48fc921a62a18f0526d28f170bee9590"),
    ("--layers keep", "sha256:7051492f99ec3671a835643862744706cefad98a2e939f47e4cb7ba99ee332e3"),
    ("--layers base --base-layers 2", "sha256:8cbd1571ef8d79c3b95d154a7bdea32b84036d0f2ac3a91ea7a634145fe0cdaf"),
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
