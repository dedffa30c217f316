//! `--leftovers` and `slim restore`: slimming is undone, in every mode, from every medium; and whose leftovers they are.

use serde_json::Value;

use crate::support::cmd::{Sandbox, int, names};
use crate::support::index::{Layout, blob, rows, tagged};
use crate::support::judges::{have, have_umoci, umoci};
use crate::support::medium::{layout_layers, layout_manifest};
use crate::support::overlay::{have_overlay, overlay};
use crate::support::recipe::Recipe;
use crate::support::registry::{Login, Registry};

const TYPE: &str = "application/vnd.layerslim.leftovers.v1";

/// A file with names that go and names that stay, links of both kinds, a directory that goes, one that only a file below
/// names, and what one layer says about another.
const IMAGE: &str = "config {\"Labels\":{\"a\":\"b\"}}
layer ADD rootfs
d app
d usr
d usr/share
d usr/share/man
d usr/share/man/man1
d var
d var/cache
d var/cache/apt mode=750 uid=3 gid=4 mtime=77.5
f var/cache/apt/srcpkgcache.bin 9000 mtime=12
f usr/share/man/man1/a.1 500
d app/.git mode=700
d app/.git/objects
f app/.git/HEAD text=\"ref: refs/heads/a\\n\"
f app/.git/objects/a 4000 xattr:user.x=01
f app/main 70000 mode=755
h var/cache/apt/pkgcache.bin app/main
layer RUN more
f usr/share/man/man1/b.1 100
h app/man usr/share/man/man1/b.1
wh app/none";

fn sandbox() -> Sandbox {
    Sandbox::with(&Recipe::new(IMAGE))
}

/// What the layers of `dir`, tag `t`, show.
fn shown(sandbox: &Sandbox, dir: &str) -> Vec<Vec<u8>> {
    layout_layers(&sandbox.path(dir), Some("t"), "linux/amd64")
}

#[test]
fn slimming_is_undone_in_every_mode() {
    let sandbox = sandbox();
    for (at, mode) in ["squash", "keep", "base --base-layers 1"].iter().enumerate() {
        let (slim, left, back) = (format!("slim{at}"), format!("left{at}"), format!("back{at}"));
        let written = sandbox
            .slim(&format!(
                "save oci:src:t oci:{slim}:t --leftovers oci:{left}:t --layers {mode} --format json"
            ))
            .json();
        assert_eq!(
            written["leftovers"]["reference"],
            format!("oci:{left}:t"),
            "{mode}"
        );
        assert!(int(&written, "/removed/files") >= 6, "{mode}");
        let line = format!("restore oci:{slim}:t oci:{back}:t --leftovers oci:{left}:t");
        assert_eq!(sandbox.slim(&line).ok().stdout, format!("oci:{back}:t\n"));
        sandbox
            .slim(&format!("verify oci:src:t oci:{back}:t --profile none"))
            .ok();
        sandbox
            .slim(&format!("verify oci:src:t oci:{slim}:t --profile none"))
            .code(1);
        if have_overlay() {
            let (back, source) = (shown(&sandbox, &back), shown(&sandbox, "src"));
            assert!(back.len() > 1, "the slim image's layers and one more");
            overlay(&back).assert_same(&overlay(&source), mode);
        }
        if have_umoci() {
            umoci(&sandbox.path(&back), "t").assert_same(&umoci(&sandbox.path("src"), "t"), mode);
        }
    }
}

#[test]
fn the_config_of_what_is_restored_is_that_of_the_original() {
    let sandbox = sandbox();
    sandbox
        .slim("save oci:src:t oci:slim:t --leftovers oci-archive:left.tar")
        .ok();
    sandbox
        .slim("restore oci:slim:t oci:back:t --leftovers oci-archive:left.tar")
        .ok();
    let document = |dir: &str| {
        let manifest = tagged(&sandbox.path(dir), "t").0;
        (blob(&sandbox.path(dir), &manifest["config"]), manifest)
    };
    let ((old, _), (new, manifest)) = (document("src"), document("back"));
    for key in ["architecture", "os", "config", "created"] {
        assert_eq!(old[key], new[key], "{key}");
    }
    let last = new["history"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["created_by"], "layerslim restore");
    let text = serde_json::to_string(&manifest).unwrap();
    assert!(!text.contains("io.github.layerslim"), "{text}");
}

#[test]
fn leftovers_are_an_image_that_says_whose_they_are() {
    let sandbox = sandbox();
    sandbox
        .slim("save oci:src:t oci:slim:t --leftovers oci:left")
        .ok();
    let manifest = layout_manifest(&sandbox.path("left"));
    assert_eq!(manifest["artifactType"], TYPE);
    let slim = tagged(&sandbox.path("slim"), "t").1;
    assert_eq!(manifest["subject"]["digest"], slim.as_str());
    let report = sandbox.slim("report oci:left --format json").json();
    let largest = report["largest"].as_array().unwrap();
    let paths: Vec<_> = largest.iter().map(|row| row["path"].as_str().unwrap()).collect();
    assert!(paths.contains(&"/var/cache/apt/srcpkgcache.bin"), "{paths:?}");
    let once = names(&sandbox.path("left/blobs/sha256"));
    sandbox
        .slim("save oci:src:t oci:slim2:t --leftovers oci:left2 --threads 1")
        .ok();
    assert_eq!(
        once,
        names(&sandbox.path("left2/blobs/sha256")),
        "the same digests"
    );
}

#[test]
fn an_image_that_came_through_an_engine_still_has_its_leftovers() {
    let sandbox = sandbox();
    sandbox
        .slim("save oci:src:t docker-archive:slim.tar:app:1 --leftovers oci-archive:left.tar")
        .ok();
    for target in ["oci:back:t", "docker-archive:back.tar"] {
        sandbox
            .slim(&format!(
                "restore docker-archive:slim.tar {target} --leftovers oci-archive:left.tar"
            ))
            .ok();
        sandbox
            .slim(&format!("verify oci:src:t {target} --profile none"))
            .ok();
    }
}

#[test]
fn every_platform_of_an_index_is_restored() {
    let recipe = |architecture: &str, more: &str| {
        Recipe::new(&format!(
            "top {{\"architecture\":\"{architecture}\"}}\nlayer\nf opt/app 2000 seed={architecture}\n{more}"
        ))
    };
    let sandbox = Sandbox::new();
    let mut layout = Layout::new(sandbox.path("src"));
    let images = [
        layout.image(&recipe("amd64", "f usr/share/man/man1/a.1 500")),
        layout.image(&recipe("arm64", "f usr/share/man/man1/a.1 600 seed=9")),
        layout.image(&recipe("riscv64", "")),
    ];
    let index = layout.index(&images, &serde_json::json!({}));
    layout.tag(&index, "t");
    sandbox
        .slim("save oci:src:t oci:slim:t --layers keep --leftovers oci:left:t")
        .ok();
    assert_eq!(
        rows(&tagged(&sandbox.path("left"), "t").0).len(),
        2,
        "one loses nothing"
    );
    sandbox
        .slim("restore oci:slim:t oci:back:t --leftovers oci:left:t")
        .ok();
    sandbox
        .slim("verify oci:src:t oci:back:t --profile none --platform all")
        .ok();
    assert_eq!(rows(&tagged(&sandbox.path("back"), "t").0).len(), 3);
}

#[test]
fn what_cannot_be_kept_or_put_back_is_said() {
    let sandbox = sandbox();
    let refused = |line: &str, code: i32, words: &[&str]| {
        sandbox.slim(&format!("{line} -q")).one_line(code, words);
    };
    let save = "save oci:src:t oci:slim:t --leftovers";
    refused(
        &format!("{save} docker-archive:left.tar"),
        2,
        &["--leftovers", "oci-archive:"],
    );
    refused(&format!("{save} oci:slim:t"), 2, &["oci:slim:t", "another tag"]);
    refused(&format!("{save} left"), 2, &["left", "transport"]);
    refused(
        "save oci:src:t oci-archive:one.tar:a --leftovers oci-archive:one.tar:b",
        2,
        &["one.tar:b", "another tag or path"],
    );
    assert!(!sandbox.path("slim").exists() && !sandbox.path("one.tar").exists());

    sandbox.slim(&format!("{save} oci:left:t")).ok();
    refused("restore oci:slim:t oci:back:t", 2, &["oci:slim:t", "--leftovers"]);
    let other = Recipe::new("layer\nf usr/share/man/man1/a.1 500\nf b 1");
    other.oci(&sandbox.path("other"), "t", crate::support::medium::Codec::Gzip);
    sandbox
        .slim("save oci:other:t oci:other-slim:t --leftovers oci:other-left:t")
        .ok();
    refused(
        "restore oci:slim:t oci:back:t --leftovers oci:other-left:t",
        3,
        &["no leftovers of oci:slim:t", "oci:other-left:t"],
    );
    refused(
        "restore oci:slim:t oci:back:t --leftovers oci:src:t",
        3,
        &["no leftovers"],
    );
    assert!(!sandbox.path("back").exists());

    let nothing = sandbox
        .slim("save oci:src:t oci:same:t --profile none --leftovers oci:none:t")
        .ok();
    assert!(
        nothing.stderr.contains("nothing was removed"),
        "{}",
        nothing.stderr
    );
    assert!(!sandbox.path("none").exists());
}

/// The documents of a repository's fallback tag: what refers to a digest.
fn referring(registry: &Registry, digest: &str) -> Vec<Value> {
    let path = format!("app/manifests/{}", digest.replace(':', "-"));
    let (status, bytes) = registry.ask(
        "GET",
        &path,
        &["Accept: application/vnd.oci.image.index.v1+json"],
        b"",
    );
    assert_eq!(status, 200);
    rows(&serde_json::from_slice(&bytes).unwrap())
}

#[test]
fn in_a_registry_they_are_found_by_what_they_refer_to() {
    if !have(&["docker-registry"]) {
        return;
    }
    let (registry, sandbox) = (Registry::start(&Login::Anyone), sandbox());
    let app = format!("{}/app", registry.host);
    let push = format!("push oci:src:t {app}:slim --leftovers docker://{app}");
    for _ in 0..2 {
        let line = sandbox.slim(&push).ok().stdout;
        let digest = line
            .trim_end()
            .strip_prefix(&format!("{app}@"))
            .unwrap()
            .to_owned();
        let kinds: Vec<String> = referring(&registry, &digest)
            .iter()
            .map(|row| row["artifactType"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            kinds,
            [TYPE, "application/vnd.layerslim.plan.v1+json"],
            "each once"
        );
    }
    assert_eq!(
        registry.manifest("app", "latest"),
        None,
        "a repository alone is no tag"
    );
    let before = registry.writes().len();
    sandbox
        .slim(&format!("restore {app}:slim docker://{app}:back"))
        .ok();
    let written = registry.writes().split_off(before);
    let uploads = written
        .iter()
        .filter(|line| line.contains("/blobs/uploads/") && line.starts_with("POST"));
    assert_eq!(uploads.count(), 1, "the config, and no layer: {written:#?}");
    sandbox
        .slim(&format!("verify oci:src:t {app}:back --profile none"))
        .ok();

    // Leftovers in a repository of their own, by name.
    let other = format!("{}/left", registry.host);
    sandbox
        .slim(&format!(
            "push oci:src:t {app}:slim2 --layers keep --leftovers docker://{other}:of-slim2"
        ))
        .ok();
    sandbox
        .slim(&format!("restore -q {app}:slim2 docker://{app}:back2"))
        .one_line(3, &["no leftovers", "--leftovers"]);
    for from in [format!("docker://{other}:of-slim2"), format!("docker://{other}")] {
        sandbox
            .slim(&format!(
                "restore {app}:slim2 docker://{app}:back2 --leftovers {from}"
            ))
            .ok();
    }
    sandbox
        .slim(&format!("verify oci:src:t {app}:back2 --profile none"))
        .ok();
}
