//! The kit judged by its judges: what recipes build is an image to umoci and skopeo, and the judges agree with each other.

use std::fs;
use std::process::Command;

use crate::support::cmd::Sandbox;
use crate::support::corpus::{REAL, corpus};
use crate::support::judges::{have, have_umoci, run, skopeo_copy, umoci};
use crate::support::medium::{Codec, archive_layers, layout_layers, unpack_layout};
use crate::support::overlay::{have_overlay, overlay};
use crate::support::recipe::Recipe;
use crate::support::registry::{Login, PASSWORD, Registry, USER};
use crate::support::tree::Tree;

/// Every kind of line, nothing that runtimes read differently.
const PLAIN: &str = r#"
    config {"Env":["PATH=/bin"],"Entrypoint":["/usr/bin/a"]}
    layer ADD rootfs /
    d etc
    d tmp mode=1777
    d usr
    d usr/bin
    d dev
    d opt mode=700 uid=7 gid=8
    f usr/bin/a 10 mode=755 uid=5 gid=6 mtime=123 xattr:user.x=00ff0a
    h usr/bin/b usr/bin/a
    f usr/bin/su 20 mode=4755
    f usr/bin/ping 3 mode=755 xattr:security.capability=0100000200200000000000000000000000000000
    f etc/motd text="two words\n" mtime=1500000000.123456789
    f etc/sub 4
    f opt/gone 5
    f opt/n\xe4me 6
    c dev/null 1 3 mode=666
    p dev/fifo
    l usr/lib ../opt
    empty ENV A=b
    layer RUN change
    wh opt/gone
    d etc
    opq etc
    f etc/new 7
    f usr/bin/a 11
"#;

#[test]
fn umoci_and_the_kernel_see_the_same_plain_image() {
    if !have_umoci() || !have_overlay() {
        return;
    }
    let recipe = Recipe::new(PLAIN);
    let sandbox = Sandbox::with(&recipe);
    let tree = umoci(&sandbox.path("src"), "t");
    tree.assert_same(&overlay(&recipe.layers), "umoci against overlayfs");
    let row = |path: &str| tree.0[path].columns.join(" ");
    assert!(row("opt/n\\xe4me").starts_with("f 644 0:0 6 "));
    assert!(
        row("usr/bin/b").starts_with("f 755 5:6 10 "),
        "{}",
        row("usr/bin/b")
    );
    assert!(row("usr/bin/b").ends_with("user.x=00ff0a"));
    assert!(row("usr/bin/ping").ends_with("security.capability=0100000200200000000000000000000000000000"));
    assert_eq!(tree.0["usr/bin/b"].mtime, 123);
    assert!(!tree.0.contains_key("etc/motd") && !tree.0.contains_key("opt/gone"));
}

#[test]
fn skopeo_reads_every_medium() {
    if !have(&["skopeo"]) {
        return;
    }
    let recipe = Recipe::new(PLAIN);
    let sandbox = Sandbox::with(&recipe);
    recipe.oci(&sandbox.path("plain"), "t", Codec::Plain);
    recipe.oci(&sandbox.path("zstd"), "t", Codec::Zstd);
    recipe.oci_archive(&sandbox.path("a.tar"), "t", Codec::Gzip);
    sandbox.write("d.tar", recipe.docker_archive("app:1"));
    for (number, from) in [
        "oci:src:t",
        "oci:plain:t",
        "oci:zstd:t",
        "oci-archive:a.tar:t",
        "docker-archive:d.tar:app:1",
    ]
    .iter()
    .enumerate()
    {
        let to = format!("copy{number}");
        let mut copy = Command::new("skopeo");
        copy.args(["copy", "-q", "--insecure-policy", from, &format!("oci:{to}:t")])
            .current_dir(sandbox.path(""));
        run(&mut copy);
        assert_eq!(
            layout_layers(&sandbox.path(&to), Some("t"), "linux/amd64"),
            recipe.layers,
            "{from}"
        );
    }
    let (from, to) = (sandbox.path("src"), sandbox.path("again"));
    skopeo_copy(
        &format!("oci:{}:t", from.display()),
        &format!("oci:{}:t", to.display()),
    );
    assert_eq!(layout_layers(&to, None, "linux/amd64"), recipe.layers);
    let unpacked = unpack_layout(&sandbox.path("a.tar"), sandbox.path("unpacked"));
    assert_eq!(layout_layers(&unpacked, Some("t"), "linux/amd64"), recipe.layers);
    assert_eq!(
        archive_layers(&fs::read(sandbox.path("d.tar")).unwrap()),
        recipe.layers
    );
}

#[test]
fn a_registry_takes_an_image_and_tells_what_was_asked() {
    if !have(&["docker-registry", "skopeo", "htpasswd"]) {
        return;
    }
    let sandbox = Sandbox::with(&Recipe::new(PLAIN));
    let from = format!("oci:{}:t", sandbox.path("src").display());
    let open = Registry::start(&Login::Anyone);
    skopeo_copy(&from, &format!("docker://{}/app:1", open.host));
    let writes = open.writes();
    assert_eq!(
        writes.last().map(String::as_str),
        Some("PUT /v2/app/manifests/1 201"),
        "{writes:#?}"
    );
    assert!(open.requests().len() > writes.len(), "reads are told too");

    let closed = Registry::start(&Login::Needed);
    let mut copy = Command::new("skopeo");
    copy.args(["copy", "-q", "--insecure-policy", "--dest-tls-verify=false"]);
    let to = format!("docker://{}/app:1", closed.host);
    assert!(
        !copy.args([&from, &to]).output().unwrap().status.success(),
        "nobody is let in without a login"
    );
    run(copy.arg(format!("--dest-creds={USER}:{PASSWORD}")));
}

#[test]
fn the_kernel_agrees_with_the_corpus() {
    let Some(corpus) = corpus() else { return };
    if !have_overlay() {
        return;
    }
    for real in REAL {
        let Some(oracle) = real.flatten else { continue };
        let sandbox = Sandbox::new();
        let (got, want) = crate::oracles::comparable(
            overlay(&real.layers(&corpus, &sandbox)),
            Tree::oracle(&corpus.join(format!("oracles/flatten/{oracle}.tsv.gz"))),
            oracle,
        );
        got.assert_same(&want, &real.name());
    }
}

#[test]
fn every_oracle_of_the_corpus_has_its_image() {
    let Some(corpus) = corpus() else { return };
    let named = |dir: &str, suffix: &str| -> Vec<String> {
        let names = crate::support::cmd::names(&corpus.join("oracles").join(dir));
        names
            .iter()
            .filter_map(|name| name.strip_suffix(suffix).map(str::to_owned))
            .collect()
    };
    let mut flatten: Vec<_> = REAL.iter().filter_map(|real| real.flatten).collect();
    flatten.sort_unstable();
    assert_eq!(named("flatten", ".tsv.gz"), flatten);
    let mut dive: Vec<_> = REAL.iter().filter_map(|real| real.dive).collect();
    dive.sort_unstable();
    assert_eq!(named("dive", ".json"), dive);
}
