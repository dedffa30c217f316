//! Real images, flattened: what `slim save --profile none` writes is, unpacked by umoci, the tree that umoci, buildah and
//! docker agreed on for the original.

use crate::support::cmd::Sandbox;
use crate::support::corpus::{REAL, corpus, image_and_flags};
use crate::support::judges::{have_umoci, umoci};
use crate::support::medium::layout_layers;
use crate::support::overlay::{have_overlay, overlay};
use crate::support::tree::Tree;

#[test]
fn a_squash_that_removes_nothing_is_the_original_tree() {
    let Some(corpus) = corpus() else { return };
    if !have_umoci() {
        return;
    }
    for real in REAL {
        let Some(oracle) = real.flatten else { continue };
        let sandbox = Sandbox::new();
        let source = real.reference(&corpus, &sandbox);
        let (image, flags) = image_and_flags(&source);
        sandbox
            .slim(&format!(
                "save {image} oci:out:t --profile none --compression gzip {flags}"
            ))
            .ok();
        let want = Tree::oracle(&corpus.join(format!("oracles/flatten/{oracle}.tsv.gz")));
        let (got, want) = comparable(umoci(&sandbox.path("out"), "t"), want, oracle);
        got.assert_same(&want, &real.name());
        sandbox.slim(&format!("verify {image} oci:out:t {flags}")).ok();
    }
}

/// One tree, whichever layers it lies in: that of the original without what the plan lists.
#[test]
fn every_mode_is_the_original_tree_without_the_plan() {
    let Some(corpus) = corpus() else { return };
    if !have_umoci() || !have_overlay() {
        return;
    }
    for real in REAL {
        let Some(oracle) = real.flatten else { continue };
        let sandbox = Sandbox::new();
        let source = real.reference(&corpus, &sandbox);
        let original = || Tree::oracle(&corpus.join(format!("oracles/flatten/{oracle}.tsv.gz")));
        for (mode, got, gone) in modes(&sandbox, &source, 1) {
            let (got, want) = comparable(got, original().without(&gone), oracle);
            got.assert_same(&want, &format!("{} {mode}", real.name()));
        }
    }
}

/// What is taken off a real image and put back is the original's tree.
#[test]
fn what_is_restored_is_the_original_tree() {
    let Some(corpus) = corpus() else { return };
    if !have_overlay() {
        return;
    }
    for real in REAL {
        let sandbox = Sandbox::new();
        let source = real.reference(&corpus, &sandbox);
        let original = overlay(&real.layers(&corpus, &sandbox));
        restored(&sandbox, &source, &original, &real.name());
    }
}

/// Slims with what takes the most, restores, and compares.
fn restored(sandbox: &Sandbox, source: &str, original: &Tree, name: &str) {
    let (image, flags) = image_and_flags(source);
    for mode in ["squash", "keep"] {
        for dir in ["slim", "left", "back"] {
            std::fs::remove_dir_all(sandbox.path(dir)).ok();
        }
        let most = "--profile aggressive --profile python --profile node --profile alpine --strip";
        let line = format!("save {image} oci:slim:t {flags} {most} --layers {mode} --leftovers oci:left:t");
        sandbox.slim(&line).ok();
        if !sandbox.path("left").exists() {
            continue; // nothing that any profile takes
        }
        let line = "restore oci:slim:t oci:back:t --leftovers oci:left:t";
        sandbox.slim(&format!("{line} {flags}")).ok();
        let back = overlay(&layout_layers(&sandbox.path("back"), Some("t"), "linux/amd64"));
        back.assert_same(original, &format!("{name} {mode}"));
        sandbox
            .slim(&format!("verify {image} oci:back:t --profile none {flags}"))
            .ok();
    }
}

/// The same of the images that the shared corpus's `make_images.sh` builds, 0.4 to 1.2 GB each, and of what `umoci` unpacks
/// from them. `LAYERSLIM_IMAGES` is where they are.
#[test]
#[ignore = "needs LAYERSLIM_IMAGES, and some minutes"]
fn every_mode_of_a_large_image_is_the_original_tree_without_the_plan() {
    let images = std::path::PathBuf::from(std::env::var_os("LAYERSLIM_IMAGES").expect("LAYERSLIM_IMAGES"));
    for (image, tag, base_layers) in [
        ("pysvc-alpine-fat", "fat", 1),
        ("nodeapp-fat", "fat", 4),
        ("mlapp-single", "single", 3),
    ] {
        let layout = images.join(format!("{image}.oci"));
        let original = umoci(&layout, tag);
        let sandbox = Sandbox::new();
        let source = format!("oci:{}:{tag}", layout.display());
        for (mode, got, gone) in modes(&sandbox, &source, base_layers) {
            let want = original.clone().without(&gone);
            got.assert_same(&want, &format!("{image} {mode}"));
            eprintln!("{image} {mode}: {} paths, {} removed", want.0.len(), gone.len());
        }
        let layers = layout_layers(&layout, Some(tag), "linux/amd64");
        restored(&sandbox, &source, &overlay(&layers), image);
    }
}

/// The trees of each mode, as umoci or the kernel shows them, and what the plan says is not in them.
fn modes<'a>(
    sandbox: &'a Sandbox,
    source: &'a str,
    base_layers: u32,
) -> impl Iterator<Item = (String, Tree, Vec<String>)> + 'a {
    let (image, flags) = image_and_flags(source);
    let plan = sandbox
        .slim(&format!("plan {image} --format json {flags}"))
        .json();
    let removals = plan["removals"].as_array().unwrap().iter();
    let mut gone: Vec<String> = removals
        .map(|row| row["path"].as_str().unwrap().trim_matches('/').to_owned())
        .collect();
    gone.sort_by(|a, b| b.cmp(a)); // what a directory holds goes before it
    let base = format!("base --base-layers {base_layers}");
    ["squash".to_owned(), "keep".to_owned(), base]
        .into_iter()
        .map(move |mode| {
            let line = format!("save {image} oci:out:t {flags} --layers {mode}");
            sandbox.slim(&line).ok();
            sandbox.slim(&format!("verify {image} oci:out:t {flags}")).ok();
            // umoci reads no zstd, which a layer that stays may be.
            let tree = if mode == "squash" {
                umoci(&sandbox.path("out"), "t")
            } else {
                overlay(&layout_layers(&sandbox.path("out"), Some("t"), "linux/amd64"))
            };
            (mode, tree, gone.clone())
        })
}

/// Both trees without what the oracle cannot know: where docker made it, the directories that docker itself touches in a
/// container.
pub(crate) fn comparable(got: Tree, mut want: Tree, oracle: &str) -> (Tree, Tree) {
    let mut got = got.into_oracle();
    if oracle.contains(".docker") {
        for tree in [&mut got, &mut want] {
            for dir in ["dev", "etc", "proc", "sys"] {
                tree.0.remove(dir);
            }
        }
    }
    (got, want)
}
