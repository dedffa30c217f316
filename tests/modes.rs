//! `--layers keep` and `--layers base`: which layers a result has, and what stands in them. That the trees are right is
//! judged by the kernel in `slimming` and `properties`.

use serde_json::Value;

use crate::support::cmd::{Sandbox, int, names};
use crate::support::judges::have;
use crate::support::medium::{Codec, layout_config, layout_layers, layout_manifest, replace_manifest};
use crate::support::recipe::Recipe;
use crate::support::registry::{Login, Registry};

/// Names of one layer's members, in order.
fn listing(tar: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(tar);
    let name = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let entry = entry.unwrap();
        entry.path_bytes().escape_ascii().to_string()
    };
    archive.entries().unwrap().map(name).collect()
}

/// Listings of the layers of `out:t`.
fn layers(sandbox: &Sandbox) -> Vec<Vec<String>> {
    let layers = layout_layers(&sandbox.path("out"), Some("t"), "linux/amd64");
    layers.iter().map(|tar| listing(tar)).collect()
}

fn digests(manifest: &Value) -> Vec<String> {
    let layers = manifest["layers"].as_array().unwrap().iter();
    layers
        .map(|row| row["digest"].as_str().unwrap().to_owned())
        .collect()
}

fn rows(config: &Value) -> Vec<(String, bool)> {
    let rows = config["history"].as_array().unwrap().iter();
    rows.map(|row| {
        let text = row["created_by"].as_str().unwrap();
        (text.to_owned(), row["empty_layer"] == true)
    })
    .collect()
}

#[test]
fn keep_with_nothing_to_remove_is_the_same_manifest() {
    for codec in [Codec::Plain, Codec::Gzip, Codec::Zstd] {
        let recipe =
            Recipe::new("layer\nf a 10\nf a 20\nlayer\nwh a\nwh b\nlayer\nempty X\nlayer\nf tmp/x 9");
        let sandbox = Sandbox::new();
        recipe.oci(&sandbox.path("src"), "t", codec);
        sandbox
            .slim("save oci:src:t oci:out:t --profile none --layers keep")
            .ok();
        let blobs = |dir: &str| names(&sandbox.path(&format!("{dir}/blobs/sha256")));
        assert_eq!(
            blobs("out"),
            blobs("src"),
            "{codec:?}: manifest, config, and layers"
        );
    }
}

#[test]
fn keep_leaves_untouched_layers_byte_for_byte_and_others_in_their_form() {
    let recipe = Recipe::new("layer\nf a 5000\nlayer\nd tmp\nf tmp/x 4000\nf b 10\nlayer\nf c 7");
    for codec in [Codec::Plain, Codec::Gzip, Codec::Zstd] {
        let sandbox = Sandbox::new();
        recipe.oci(&sandbox.path("src"), "t", codec);
        let line = "save oci:src:t oci:out:t --layers keep --format json";
        let written = sandbox.slim(line).json();
        let (before, after) = (
            layout_manifest(&sandbox.path("src")),
            layout_manifest(&sandbox.path("out")),
        );
        assert_eq!(after["layers"][0], before["layers"][0]);
        assert_eq!(after["layers"][2], before["layers"][2]);
        assert_ne!(after["layers"][1]["digest"], before["layers"][1]["digest"]);
        assert_eq!(
            after["layers"][1]["mediaType"], before["layers"][1]["mediaType"],
            "its own form"
        );
        assert_eq!(layers(&sandbox)[1], ["tmp/", "b"]);
        for (key, want) in [("reused", 2), ("rewritten", 1), ("dropped", 0), ("before", 3)] {
            assert_eq!(int(&written, &format!("/layers/{key}")), want, "{key}");
        }
    }
}

/// Rule 8: a lower copy, or what it hid, would resurface.
#[test]
fn rule_8_a_removed_path_goes_from_every_layer() {
    let recipe = Recipe::new(
        "layer\nd a\nf a/old 5\nf k 1\nlayer\nf a 10\nf l 1\nlayer\nf m 1\nlayer\nwh a\nf a 20\nf n 1",
    );
    let sandbox = Sandbox::with(&recipe);
    sandbox
        .slim("save oci:src:t oci:out:t --layers keep --profile none --remove-path /a")
        .ok();
    assert_eq!(layers(&sandbox), [["k"], ["l"], ["m"], ["n"]]);
}

/// Rule 9: with its diff id and the mark of its history row.
#[test]
fn rule_9_a_layer_that_changes_nothing_any_more_is_dropped() {
    let recipe = Recipe::new("layer ADD\nf a 10\nf big 5000\nempty ENV\nlayer RM\nwh big\nlayer RUN\nf b 1");
    let sandbox = Sandbox::with(&recipe);
    let line = "save oci:src:t oci:out:t --layers keep --profile none --remove shadowed";
    sandbox.slim(line).ok();
    assert_eq!(layers(&sandbox), [["a"], ["b"]]);
    let config = layout_config(&sandbox.path("out"));
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 2);
    let want = [("ADD", false), ("ENV", true), ("RM", true), ("RUN", false)];
    assert_eq!(rows(&config), want.map(|(text, empty)| (text.to_owned(), empty)));
}

/// Rule 1: the bytes of a removed carrier come to where its link stands, and a link into another layer is never written.
#[test]
fn rule_1_links_into_lower_layers_are_materialised() {
    let recipe = Recipe::new("layer\nf x/a 300\nf x/b 10\nlayer\nh y/c x/a\nf y/gone 5");
    let sandbox = Sandbox::with(&recipe);
    sandbox
        .slim(
            "save oci:src:t oci:out:t --layers keep --profile none --remove-path /y/gone --remove-path /x/a",
        )
        .ok();
    assert_eq!(layers(&sandbox), [vec!["x/", "x/b"], vec!["y/", "y/c"]]);
    sandbox
        .slim("save oci:src:t oci:out:t --layers base --base-layers 1 --profile none --remove-path /y/gone")
        .ok();
    // One file with two names: both are in the upper layer, or they would be two files.
    assert_eq!(
        layers(&sandbox)[1],
        ["x/", "y/", "x/a", "y/c"],
        "the base's layer stays"
    );
}

#[test]
fn base_keeps_the_base_and_hides_what_goes() {
    let recipe = Recipe::new(
        "layer FROM\nd d mode=750\nf d/a 10\nf d/b 10\nf e/a 10\nf e/b 10\nd tmp\nf tmp/x 900
         layer RUN\nwh d\nlayer\nd d mode=700\nf d/c 3\nempty CMD\nlayer\nf e/b 20",
    );
    let sandbox = Sandbox::with(&recipe);
    let line = "save oci:src:t oci:out:t --layers base --base-layers 1 --format json";
    let written = sandbox.slim(line).json();
    let (before, after) = (
        layout_manifest(&sandbox.path("src")),
        layout_manifest(&sandbox.path("out")),
    );
    assert_eq!(digests(&after)[0], digests(&before)[0]);
    let want = ["d/", "e/", "tmp/", "d/.wh..wh..opq", "tmp/.wh.x", "d/c", "e/b"];
    assert_eq!(layers(&sandbox)[1], want, "never `.wh.d` beside `d`");
    assert_eq!(
        (
            int(&written, "/layers/reused"),
            int(&written, "/layers/rewritten")
        ),
        (1, 1)
    );
    let config = layout_config(&sandbox.path("out"));
    let want = [
        ("FROM", false),
        ("RUN", true),
        ("layer 3", true),
        ("CMD", true),
        ("layer 4", true),
        ("layerslim squash", false),
    ];
    assert_eq!(rows(&config), want.map(|(text, empty)| (text.to_owned(), empty)));

    let plan = sandbox
        .slim("plan oci:src:t --base-layers 1 --format json")
        .json();
    let base = &plan["modes"]["base"];
    assert_eq!(
        (int(base, "/hidden_files"), int(base, "/hidden_bytes")),
        (1, 900),
        "what saves nothing"
    );
    assert_eq!(int(base, "/disk_bytes"), 940 + 3 + 20);
    assert!(int(base, "/download_bytes_estimate") < int(base, "/wire_bytes_estimate"));
}

#[test]
fn a_base_that_nobody_names_is_a_refusal_that_lists_the_history() {
    let recipe = Recipe::new("layer FROM alpine\nf a 10\nempty ENV x=\u{1b}[31m\nlayer RUN make\nf b 10");
    let sandbox = Sandbox::with(&recipe);
    let outcome = sandbox.slim("save oci:src:t oci:out:t --layers base").code(2);
    for line in ["    1  FROM alpine\n", "    -  ENV x=", "    2  RUN make\n"] {
        assert!(outcome.stderr.contains(line), "{line:?}\n{}", outcome.stderr);
    }
    assert!(outcome.stderr.contains("--base-layers N") && !outcome.stderr.contains('\u{1b}'));
    let outcome = sandbox
        .slim("save oci:src:t oci:out:t --layers base --base-layers 3")
        .code(2);
    assert!(outcome.stderr.contains("RUN make"), "{}", outcome.stderr);
    assert!(!sandbox.path("out").exists());
}

#[test]
fn a_base_may_be_another_image() {
    let recipe = Recipe::new("layer\nf a 10\nlayer\nf b 10\nlayer\nf c 10\nd tmp\nf tmp/x 99\nlayer\nf d 10");
    let base = Recipe::from_tars(recipe.layers[..2].to_vec());
    let other = Recipe::new("layer\nf a 10\nlayer\nf z 10");
    let sandbox = Sandbox::with(&recipe);
    base.oci(&sandbox.path("base"), "t", Codec::Gzip);
    other.oci(&sandbox.path("other"), "t", Codec::Plain);
    let line = "save oci:src:t oci:out:t --layers base --base oci:";
    sandbox.slim(&format!("{line}base:t")).ok();
    assert_eq!(layers(&sandbox), [vec!["a"], vec!["b"], vec!["tmp/", "c", "d"]]);
    let error = sandbox
        .slim(&format!("{line}other:t"))
        .one_line(2, &["not its base", "first 1 of its 2"]);
    assert!(error.contains("oci:other:t"), "{error}");
    sandbox.slim(&format!("{line}missing:t")).code(3);
}

/// The annotations that `BuildKit` and buildah write name it.
#[test]
fn a_base_is_found_by_annotation() {
    if !have(&["docker-registry"]) {
        return;
    }
    let registry = Registry::start(&Login::Anyone);
    let host = &registry.host;
    let mut recipe = Recipe::new("layer\nf a 10\nlayer\nf b 10\nd tmp\nf tmp/x 99\nlayer\nf c 10");
    let base = Recipe::from_tars(recipe.layers[..1].to_vec());
    let labels = serde_json::json!({"org.opencontainers.image.base.name": format!("{host}/base:1")});
    recipe.config["config"]["Labels"] = labels;
    let sandbox = Sandbox::with(&recipe);
    base.oci(&sandbox.path("base"), "t", Codec::Gzip);
    let keep = "--profile none --layers keep";
    sandbox
        .slim(&format!("push oci:base:t docker://{host}/base:1 {keep}"))
        .ok();
    sandbox.slim("save oci:src:t oci:out:t --layers base").ok();
    assert_eq!(layers(&sandbox), [vec!["a"], vec!["tmp/", "b", "c"]]);
    sandbox
        .slim(&format!("push oci:src:t docker://{host}/app:1 {keep}"))
        .ok();
    let plan = sandbox
        .slim(&format!("plan docker://{host}/app:1 --format json"))
        .json();
    assert_eq!(
        int(&plan, "/modes/base/base_layers"),
        1,
        "a plan of a registry's image asks"
    );
    let plan = sandbox.slim("plan oci:src:t --format json").json();
    assert!(plan["modes"]["base"].is_null(), "a plan of a file does not");
}

/// A docker archive has no blobs of its own: its layers are compressed, and stay what they are inside.
#[test]
fn layers_of_a_docker_archive_are_kept_by_diff_id() {
    let recipe = Recipe::new("layer\nf a 5000\nlayer\nd tmp\nf tmp/x 9\nf b 1\nlayer\nf c 7");
    let sandbox = Sandbox::new();
    sandbox.write("src.tar", recipe.docker_archive("r:1"));
    for target in ["oci:out:t", "docker-archive:out.tar"] {
        sandbox
            .slim(&format!("save docker-archive:src.tar {target} --layers keep"))
            .ok();
    }
    let config = layout_config(&sandbox.path("out"));
    let (before, after) = (
        &recipe.config["rootfs"]["diff_ids"],
        &config["rootfs"]["diff_ids"],
    );
    assert_eq!((&after[0], &after[2]), (&before[0], &before[2]));
    let manifest = layout_manifest(&sandbox.path("out"));
    let types = manifest["layers"].as_array().unwrap().iter();
    assert!(
        types
            .map(|row| row["mediaType"].as_str().unwrap())
            .all(|media_type| media_type.ends_with("+gzip"))
    );
    sandbox
        .slim("verify docker-archive:src.tar docker-archive:out.tar")
        .ok();
    sandbox
        .slim("verify oci:out:t docker-archive:out.tar --profile none")
        .ok();
}

/// Rule 17: keys of a descriptor that speak of the old blob go, others stay.
#[test]
fn rule_17_a_rewritten_layer_keeps_the_keys_that_are_still_true() {
    let recipe = Recipe::new("layer\nd tmp\nf tmp/x 9\nf a 1\nlayer\nf b 1");
    let sandbox = Sandbox::with(&recipe);
    let old = sandbox.path("src");
    let mut manifest = layout_manifest(&old);
    let annotations = serde_json::json!({
        "containerd.io/uncompressed": "sha256:0", "containerd.io/snapshot/stargz/toc.digest": "sha256:0", "org.example": "stays"
    });
    for row in manifest["layers"].as_array_mut().unwrap() {
        row["annotations"] = annotations.clone();
        row["x-unknown"] = true.into();
    }
    replace_manifest(&old, &manifest);
    let outcome = sandbox.slim("save oci:src:t oci:out:t --layers keep").ok();
    assert!(
        outcome.stderr.contains("containerd.io/uncompressed"),
        "{}",
        outcome.stderr
    );
    let after = layout_manifest(&sandbox.path("out"));
    assert_eq!(after["layers"][1], manifest["layers"][1], "untouched");
    assert_eq!(
        after["layers"][0]["annotations"],
        serde_json::json!({"org.example": "stays"})
    );
    assert_eq!(after["layers"][0]["x-unknown"], true);
}
