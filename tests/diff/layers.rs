//! What became of layers, why they were built again, and what clients download for it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{APP, column, diff, laws, markdown, sandbox_of};
use crate::support::cmd::{Sandbox, int};
use crate::support::judges::{have, run};
use crate::support::registry::{Login, Registry};

#[test]
fn one_source_file_changed() {
    let sandbox = sandbox_of(APP, &APP.replace("print(1)", "print(\\\"hello\\\")"));
    let diff = diff(&sandbox);
    laws(&diff, &sandbox);
    let broke = &diff["broke_cache"];
    assert_eq!(
        (int(broke, "/layer"), &broke["instruction"], &broke["cause"]),
        (2, &json!("COPY . /app"), &json!("content"))
    );
    assert_eq!(broke["changes"]["modified"], 1);
    assert_eq!(
        broke["changes"]["examples"],
        json!([{"path": "/app/main.py", "change": "modified"}])
    );
    assert_eq!(
        column(&diff["layers"], "status"),
        ["reused", "reused", "rebuilt", "reused"]
    );
    assert_eq!(column(&diff["paths"], "path"), ["/app/main.py"]);
    let said = markdown(&sandbox);
    let line =
        "The cache broke at layer 2, `COPY . /app`: what it copies changed. 1 path modified: `/app/main.py`.";
    assert!(said.contains(line), "{said}");
    assert!(said.starts_with("**`new`**, beside `old`, grew by **"), "{said}");
}

/// The same, built by a builder that gives every layer behind the change new times.
#[test]
fn what_was_built_again_for_nothing_is_named() {
    let new = APP.replace("print(1)", "print(2)").replace(
        "f app/assets.bin 40000",
        "f app/assets.bin 40000 mtime=1800000000",
    );
    let sandbox = sandbox_of(APP, &new);
    let diff = diff(&sandbox);
    laws(&diff, &sandbox);
    assert_eq!(
        column(&diff["layers"], "cause"),
        ["-", "-", "content", "earlier-layer"]
    );
    let wasted = &diff["rebuilt_unchanged"];
    assert_eq!(wasted["layers"], json!([3]));
    let layer = &diff["layers"][3];
    assert_eq!(wasted["transfer_bytes_estimate"], layer["new_wire_bytes"]);
    assert_eq!(layer["transfer_bytes_estimate"], layer["new_wire_bytes"]);
    assert!(
        wasted["fix"]
            .as_str()
            .unwrap()
            .starts_with("Put the instruction that changes behind")
    );
    let said = markdown(&sandbox);
    assert!(
        said.contains("Layer 3 holds what it held and was built again all the same: **40."),
        "{said}"
    );
    // Times alone are no change of a file.
    assert_eq!(column(&diff["paths"], "path"), ["/app/main.py"]);
}

#[test]
fn identical_images() {
    let sandbox = sandbox_of(APP, APP);
    let diff = diff(&sandbox);
    laws(&diff, &sandbox);
    assert_eq!(
        (&diff["identical"], &diff["broke_cache"]),
        (&json!(true), &Value::Null)
    );
    for list in ["paths", "owners", "directories", "advice", "budgets"] {
        assert_eq!(diff[list], json!([]), "{list}");
    }
    let said = markdown(&sandbox);
    assert!(
        said.starts_with("**`new`**, beside `old`, did not change: 90.1 kB on disk"),
        "{said}"
    );
    assert!(!said.contains("<details>"), "{said}");
    let text = sandbox.slim("diff oci:old:t oci:new:t").ok().stdout;
    assert!(text.contains("did not change"), "{text}");
}

#[test]
fn only_the_config_changed() {
    let sandbox = sandbox_of(APP, &format!("{APP}\nconfig {{\"Cmd\":[\"x\"]}}"));
    let diff = diff(&sandbox);
    laws(&diff, &sandbox);
    assert_eq!(
        (&diff["identical"], &diff["broke_cache"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(diff["transfer"]["new_blobs"], 1);
    assert!(markdown(&sandbox).contains("Only the config changed."));
}

/// Every cause that a layer can have, with the words that the comment has for it.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn causes() {
    let root = "layer ADD rootfs.tar /\nf etc/passwd 100\n";
    for (old, new, cause, words) in [
        (
            "layer RUN a x y\nf b 1 seed=1",
            "layer RUN a x z\nf b 1 seed=2",
            "instruction",
            "The cache broke at layer 1: `RUN a x y` became `RUN a x z`",
        ),
        (
            "layer RUN a\nf b 1 seed=1",
            "layer RUN a\nf b 1 seed=2",
            "content",
            "it is the same, but what it makes is not. 1 path modified: `/b`.",
        ),
        (
            "layer RUN a\nf b 1 seed=1",
            "layer RUN a\nf b 1 seed=1 mtime=5",
            "same-files",
            "it was built again and holds the same files",
        ),
        (
            "layer RUN a\nf b 1",
            "layer COPY q /q\nf q 5\nlayer RUN a\nf b 1 seed=1 mtime=5",
            "inserted",
            "The cache broke at layer 1: `COPY q /q` is new there.",
        ),
        (
            "layer RUN a\nf b 1",
            "layer RUN a\nf b 1\nlayer RUN c\nf c 1",
            "appended",
            "Nothing of the old image was built again. New from layer 2 on: `RUN c`.",
        ),
        (
            "layer COPY q /q\nf q 5\nlayer RUN a\nf b 1 seed=1",
            "layer RUN a\nf b 1 seed=1 mtime=5",
            "removed",
            "The cache broke at layer 1: `COPY q /q` is gone from before it.",
        ),
        (
            "empty ENV A=1\nlayer RUN a\nf b 1 seed=1",
            "empty ENV A=2\nlayer RUN a\nf b 1 seed=2",
            "environment",
            "before it `ENV A=1` became `ENV A=2`",
        ),
        (
            "empty ENV A=1\nlayer RUN z\nf z 1\nempty LABEL v=1\nlayer RUN a\nf b 1 seed=1",
            "empty ENV A=1\nempty ENV B=1\nlayer RUN z\nf z 1\nempty LABEL v=2\nlayer RUN a\nf b 1 seed=2",
            "environment",
            "before it `ENV B=1` is new",
        ),
        (
            "layer RUN |1 A=1 /bin/sh -c a\nf b 1 seed=1",
            "layer RUN |1 A=2 /bin/sh -c a\nf b 1 seed=2",
            "build-arguments",
            "its build arguments changed",
        ),
        (
            "layer COPY dir:0123 in /a\nf b 1 seed=1",
            "layer COPY dir:4567 in /a\nf b 1 seed=2",
            "content",
            "what it copies changed",
        ),
    ] {
        let sandbox = sandbox_of(&format!("{root}{old}"), &format!("{root}{new}"));
        let diff = diff(&sandbox);
        laws(&diff, &sandbox);
        assert_eq!(diff["broke_cache"]["cause"], cause, "{new}\n{diff:#}");
        let said = markdown(&sandbox);
        assert!(said.contains(words), "{new}: {words}\n{said}");
    }
    let other = "layer ADD other.tar /\nf etc/passwd 100 seed=2\n";
    let sandbox = sandbox_of(root, other);
    assert_eq!(diff(&sandbox)["broke_cache"]["cause"], "base-image");
}

#[test]
fn a_base_image_by_its_name() {
    let label =
        |name: &str| format!("config {{\"Labels\":{{\"org.opencontainers.image.base.name\":\"{name}\"}}}}\n");
    let old = format!(
        "{}layer RUN base\nf a 10\nlayer COPY . /app\nf app/x 10 seed=1",
        label("python:3.11")
    );
    let new = format!(
        "{}layer RUN base\nf a 12\nlayer COPY . /app\nf app/x 10 seed=1 mtime=7",
        label("python:3.12")
    );
    let sandbox = sandbox_of(&old, &new);
    let diff = diff(&sandbox);
    assert_eq!(column(&diff["layers"], "cause"), ["base-image", "earlier-layer"]);
    let said = markdown(&sandbox);
    assert!(
        said.contains("The base image changed: `python:3.11` → `python:3.12`."),
        "{said}"
    );
    assert!(
        said.contains("`COPY --link` makes a layer that stays the same"),
        "{said}"
    );
}

/// Docker's builder made both, and one line of one source file lies between them. What a client that has the first fetches
/// for the second is what skopeo fetches, as the registry counted it.
#[test]
fn two_builds_with_one_changed_source_file() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let registry = Registry::start(&Login::Anyone);
    let sandbox = Sandbox::new();
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/two-builds.docker.tar.gz");
    let archive = sandbox.path("two-builds.tar");
    let packed = fs::File::open(packed).unwrap();
    let mut plain = fs::File::create(&archive).unwrap();
    std::io::copy(&mut flate2::read::GzDecoder::new(packed), &mut plain).unwrap();
    let layout = sandbox.path("client");
    let copy = |from: &str, to: &str| {
        let flags = ["copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false"];
        run(Command::new("skopeo").args(flags).args([from, to]));
    };
    let name = |tag: &str| format!("docker://{}/app:{tag}", registry.host);
    for tag in ["1", "2"] {
        copy(
            &format!("docker-archive:{}:rb:{tag}", archive.display()),
            &name(tag),
        );
    }
    copy(&name("1"), &format!("oci:{}:1", layout.display()));
    let before = registry.sent_blob_bytes();
    copy(&name("2"), &format!("oci:{}:2", layout.display()));
    let fetched = registry.sent_blob_bytes() - before;

    let line = format!("diff {} {}", name("1"), name("2"));
    let diff = sandbox.slim(&format!("{line} --format json")).json();
    // A client converts the config of docker's schema to its own; as a registry counts, it is fetched as it is.
    assert_eq!(int(&diff["transfer"], "/new_wire_bytes"), fetched);
    assert_eq!(diff["broke_cache"]["cause"], json!("content"));
    assert_eq!(
        diff["layer_counts"],
        json!({"reused": 3, "rebuilt": 2, "added": 0, "removed": 0})
    );
    let said = sandbox
        .slim(&format!("{line} --format markdown"))
        .ok()
        .stdout
        .replace('\u{a0}', " ");
    for words in [
        "The cache broke at layer 3, `COPY dir:381dc4a7dbf2 in /app/src`: what it copies changed. 1 path modified: `/app/src/main.sh`.",
        "Clients that have the old image download **",
        "RUN while read -r line",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
}
