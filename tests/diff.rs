//! `slim diff`: what changed between two images, what broke the cache, and what clients download, to the byte.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::cmd::{Sandbox, int, names, sum};
use crate::support::index::Layout;
use crate::support::judges::{have, run};
use crate::support::medium::{Codec, layout_manifest};
use crate::support::recipe::Recipe;
use crate::support::registry::{Login, Registry};

/// A base, dependencies that are installed, the sources, and what is made of them.
const APP: &str = "
    layer ADD rootfs.tar / # buildkit
    d etc
    f etc/passwd 100
    layer RUN /bin/sh -c pip install flask # buildkit
    f usr/lib/python3/dist-packages/flask/app.py 30000
    empty WORKDIR /app
    layer COPY . /app # buildkit
    d app
    f app/main.py text=\"print(1)\"
    f app/data.bin 20000
    layer RUN /bin/sh -c make assets # buildkit
    f app/assets.bin 40000";

/// A sandbox with two images, `oci:old:t` and `oci:new:t`.
fn sandbox(old: &Recipe, new: &Recipe) -> Sandbox {
    let sandbox = Sandbox::new();
    old.oci(&sandbox.path("old"), "t", Codec::Gzip);
    new.oci(&sandbox.path("new"), "t", Codec::Gzip);
    sandbox
}

fn sandbox_of(old: &str, new: &str) -> Sandbox {
    sandbox(&Recipe::new(old), &Recipe::new(new))
}

fn diff(sandbox: &Sandbox) -> Value {
    sandbox.slim("diff oci:old:t oci:new:t --format json").json()
}

fn markdown(sandbox: &Sandbox) -> String {
    let done = sandbox.slim("diff oci:old:t oci:new:t --format markdown").ok();
    assert_eq!(
        done.stdout.matches("<details>").count(),
        done.stdout.matches("</details>").count()
    );
    done.stdout.replace('\u{a0}', " ")
}

/// Bytes of the blobs that `new`'s manifest names and `old` does not have, as they lie in the layouts.
fn missing_blobs(sandbox: &Sandbox) -> u64 {
    let manifest = layout_manifest(&sandbox.path("new"));
    let rows = manifest["layers"].as_array().unwrap().iter();
    let name = |row: &Value| row["digest"].as_str().unwrap().replace("sha256:", "");
    let named: BTreeSet<String> = rows.chain([&manifest["config"]]).map(name).collect();
    let old: BTreeSet<String> = names(&sandbox.path("old/blobs/sha256")).into_iter().collect();
    let size = |name: &String| {
        fs::metadata(sandbox.path("new/blobs/sha256").join(name))
            .unwrap()
            .len()
    };
    named.difference(&old).map(size).sum()
}

fn column<'a>(rows: &'a Value, key: &str) -> Vec<&'a str> {
    rows.as_array()
        .unwrap()
        .iter()
        .map(|row| row[key].as_str().unwrap_or("-"))
        .collect()
}

/// What holds for every comparison.
fn laws(diff: &Value, sandbox: &Sandbox) {
    assert_eq!(int(diff, "/transfer/new_wire_bytes"), missing_blobs(sandbox));
    let old = sandbox.slim("report oci:old:t --format json").json();
    let new = sandbox.slim("report oci:new:t --format json").json();
    for total in diff["totals"].as_object().unwrap().keys() {
        let [change, old, new] =
            [&diff["totals"], &old["totals"], &new["totals"]].map(|totals| totals[total].clone());
        assert_eq!(
            (&change["old"], &change["new"]),
            (&old, &new),
            "{total} is the reports'"
        );
        let delta = new.as_i64().unwrap() - old.as_i64().unwrap();
        assert_eq!(change["delta"].as_i64(), Some(delta), "{total}");
    }
    let delta = |rows: &str| sum(diff, rows, "new_bytes").wrapping_sub(sum(diff, rows, "old_bytes"));
    let total = |name: &str| diff["totals"][name]["delta"].as_i64().unwrap() as u64;
    assert_eq!(delta("categories"), total("disk_bytes"));
    assert_eq!(delta("paths"), total("visible_bytes"));
    assert_eq!(delta("directories"), total("visible_bytes"));
    assert_eq!(
        sum(diff, "directories", "paths"),
        diff["paths"].as_array().unwrap().len() as u64
    );
}

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

#[test]
fn packages_by_name_and_version() {
    let image = |status: &str| {
        format!(
            "layer ADD rootfs /\nf var/lib/dpkg/status text=\"{status}\"\nf var/lib/dpkg/info/curl.list text=\"/usr/bin/curl\\n\"\n"
        )
    };
    let package = |name: &str, version: &str| {
        format!(
            "Package: {name}\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: {version}\\n\\n"
        )
    };
    let old = image(&(package("curl", "7.88.1-10") + &package("gone", "1"))) + "f usr/bin/curl 5000";
    let new = image(&(package("curl", "7.88.1-11") + &package("new", "2"))) + "f usr/bin/curl 7000";
    let sandbox = sandbox_of(&old, &new);
    let diff = diff(&sandbox);
    laws(&diff, &sandbox);
    let row = |change: &str| {
        let rows = diff["owners"].as_array().unwrap();
        rows.iter().find(|row| row["change"] == change).unwrap()
    };
    let curl = row("version");
    assert_eq!(
        (
            &curl["name"],
            &curl["old_version"],
            &curl["new_version"],
            &curl["old_bytes"],
            &curl["new_bytes"]
        ),
        (
            &json!("curl"),
            &json!("7.88.1-10"),
            &json!("7.88.1-11"),
            &json!(5000),
            &json!(7000)
        )
    );
    assert_eq!(
        (&row("added")["name"], &row("removed")["name"]),
        (&json!("new"), &json!("gone"))
    );
    let said = markdown(&sandbox);
    assert!(
        said.contains("| `deb:curl` | `7.88.1-10` → `7.88.1-11` | 7.00 kB | +2.00 kB |"),
        "{said}"
    );
    assert!(
        said.contains("<summary>Packages: 1 added, 1 removed, 1 with another version</summary>"),
        "{said}"
    );
}

#[test]
fn squashed_beside_layered() {
    let sandbox = Sandbox::new();
    Recipe::new(APP).oci(&sandbox.path("old"), "t", Codec::Gzip);
    sandbox.slim("save oci:old:t oci:new:t --profile none").ok();
    let diff = diff(&sandbox);
    laws(&diff, &sandbox);
    assert_eq!(diff["totals"]["layers"]["delta"], -3);
    assert_eq!((&diff["paths"], &diff["directories"]), (&json!([]), &json!([])));
    assert!(markdown(&sandbox).contains("No file of it changed."));
}

#[test]
fn every_way_in_which_a_path_can_change() {
    let old = "layer x\nd d mode=755\nf same 5 seed=1\nf content 5 seed=1\nf size 5 seed=1\nf mode 5 seed=1\nf owner 5 seed=1\n\
               f xattr 5 seed=1\nf time 5 seed=1\nf gone 5\nl link a\nf kind 5\nc device 1 3\nf one 9 seed=1\nh two one\nd left\nf below/x 3";
    let new = "layer y\nd d mode=700\nf same 5 seed=1\nf content 5 seed=2\nf size 6 seed=1\nf mode 5 seed=1 mode=755\nf owner 5 seed=1 uid=7\n\
               f xattr 5 seed=1 xattr:user.a=00\nf time 5 seed=1 mtime=9\nl link b\nd kind\nc device 1 5\nf one 9 seed=1\nf new 5";
    let sandbox = sandbox_of(old, new);
    let diff = diff(&sandbox);
    laws(&diff, &sandbox);
    let rows = diff["paths"].as_array().unwrap();
    let mut found: Vec<_> = rows
        .iter()
        .map(|row| {
            format!(
                "{} {}",
                row["path"].as_str().unwrap(),
                row["change"].as_str().unwrap()
            )
        })
        .collect();
    found.sort();
    let want = "/below/x removed,/content modified,/d metadata,/device modified,/gone removed,/kind modified,\
                /link modified,/mode metadata,/new added,/owner metadata,/size modified,/two removed,/xattr metadata";
    assert_eq!(found.join(","), want);
    assert_eq!(
        diff["path_counts"],
        json!({"added": 1, "removed": 3, "modified": 5, "metadata": 4})
    );
}

#[test]
fn media_without_blobs_are_estimated() {
    let sandbox = Sandbox::new();
    let (old, new) = (
        Recipe::new(APP),
        Recipe::new(&APP.replace("print(1)", "print(2)")),
    );
    sandbox.write("old.tar", old.docker_archive("app:1"));
    sandbox.write("new.tar", new.docker_archive("app:2"));
    let diff = sandbox
        .slim("diff docker-archive:old.tar docker-archive:new.tar --format json")
        .json();
    assert_eq!(diff["transfer"]["new_wire_bytes"], Value::Null);
    assert_eq!(diff["totals"]["wire_bytes"], Value::Null);
    assert!(int(&diff, "/transfer/new_wire_bytes_estimate") > 0);
    assert_eq!(
        column(&diff["layers"], "status"),
        ["reused", "reused", "rebuilt", "reused"]
    );
    let text = sandbox
        .slim("diff docker-archive:old.tar docker-archive:new.tar")
        .ok()
        .stdout;
    assert!(text.contains("to download, about"), "{text}");
}

#[test]
fn the_same_tar_in_another_blob_is_downloaded() {
    let sandbox = Sandbox::new();
    let recipe = Recipe::new(APP);
    recipe.oci(&sandbox.path("old"), "t", Codec::Gzip);
    recipe.oci(&sandbox.path("new"), "t", Codec::Zstd);
    let diff = diff(&sandbox);
    laws(&diff, &sandbox);
    assert_eq!(diff["identical"], false);
    assert_eq!(column(&diff["layers"], "cause"), ["recompressed"; 4]);
    assert!(markdown(&sandbox).contains("layers are compressed anew"));
    assert_eq!(
        int(&diff, "/transfer/new_wire_bytes"),
        sum(&diff, "layers", "transfer_bytes_estimate")
    );
}

#[test]
fn indexes_platform_by_platform() {
    let sandbox = Sandbox::new();
    let image = |architecture: &str, text: &str| {
        Recipe::new(&format!(
            "top {{\"architecture\":\"{architecture}\"}}\nlayer ADD root /\nf etc/a 100\nlayer COPY . /app\nf app/main.py text=\"{text}\""
        ))
    };
    let index = |name: &str, images: &[(&str, &str)]| {
        let mut layout = Layout::new(sandbox.path(name));
        let rows: Vec<Value> = images
            .iter()
            .map(|(arch, text)| layout.image(&image(arch, text)))
            .collect();
        let index = layout.index(&rows, &json!({}));
        layout.tag(&index, "t");
    };
    index("old", &[("amd64", "one"), ("arm64", "one"), ("s390x", "one")]);
    index("new", &[("amd64", "two!"), ("arm64", "two!"), ("riscv64", "one")]);
    let document = diff(&sandbox);
    let platforms = &document["platforms"];
    assert_eq!(
        column(platforms, "platform"),
        ["linux/amd64", "linux/arm64", "linux/s390x", "linux/riscv64"]
    );
    for platform in &platforms.as_array().unwrap()[..2] {
        assert_eq!(platform["broke_cache"]["instruction"], "COPY . /app");
        assert!(platform["new"]["index"].is_string());
    }
    assert_eq!(
        (&platforms[2]["new"], &platforms[3]["old"]),
        (&Value::Null, &Value::Null)
    );
    let said = markdown(&sandbox);
    assert!(said.starts_with("**`new`**: 4 platforms\n"), "{said}");
    assert!(
        said.contains("| `linux/s390x` |  | only in the old image |"),
        "{said}"
    );
    assert!(
        said.contains("\n`linux/amd64`, `linux/arm64`: The cache broke at layer 1"),
        "{said}"
    );
    let csv = sandbox.slim("diff oci:old:t oci:new:t --format csv").ok().stdout;
    assert!(csv.contains("linux/arm64,modified,/app/main.py,3,4,"), "{csv}");
    // One platform alone is one document.
    let one = sandbox
        .slim("diff oci:old:t oci:new:t --format json --platform linux/arm64")
        .json();
    assert_eq!(one["platform"], "linux/arm64");
}

/// Names that would be syntax of Markdown, HTML, CSV or a forge, in every place that an image has for one.
#[test]
fn hostile_names_stay_names() {
    let old = "layer RUN a | <b>@team #12 `x`\nf a 1";
    let new = "layer RUN a | <b>@team #12 `x` [l](http://x) ${1}\nf a 1 seed=2\nf x/=cmd|' 5\nf x/`tick``s` 6\nf x/<script>@team 7\n\
               f x/two\\x0alines 8\nf x/bidi\\xe2\\x80\\xae 9\nf x/a|b\\x5c|c 10\nf x/**b**_#1 11";
    let sandbox = sandbox_of(old, new);
    let said = markdown(&sandbox);
    let mut bare = said.clone();
    // What is left without code spans, and without the tags that are ours.
    for (open, close) in [("<code>", "</code>"), ("``` ", " ```"), ("``", "``"), ("`", "`")] {
        while let Some(begin) = bare.find(open) {
            let end = bare[begin + open.len()..]
                .find(close)
                .unwrap_or_else(|| panic!("{bare}"));
            bare.replace_range(begin..begin + open.len() + end + close.len(), "");
        }
    }
    for tag in [
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
        "<sub>",
        "</sub>",
    ] {
        bare = bare.replace(tag, "");
    }
    for syntax in ['<', '>', '@', '#', '[', '_', '$', '\u{202e}', '\\'] {
        assert!(!bare.contains(syntax), "{syntax}: {bare}");
    }
    let cells: BTreeSet<usize> = bare
        .split("\n\n")
        .filter(|block| block.starts_with("| file "))
        .flat_map(|block| block.lines().map(|line| line.matches('|').count()))
        .collect();
    assert_eq!(cells, BTreeSet::from([6]), "{bare}");

    let csv = sandbox.slim("diff oci:old:t oci:new:t --format csv").ok().stdout;
    assert!(csv.contains("\r\nadded,\"/x/=cmd|'"), "{csv}");
    assert_eq!(csv.lines().count(), 9, "{csv}");
    for format in ["text", "json", "csv", "markdown"] {
        let out = sandbox
            .slim(&format!("diff oci:old:t oci:new:t --format {format}"))
            .ok()
            .stdout;
        let is_bad = |c: char| c == '\u{202e}' || c.is_control() && c != '\n' && c != '\r';
        assert!(!out.contains(is_bad), "{format}: {out:?}");
    }
}

#[test]
fn a_huge_comment_is_cut_and_says_so() {
    let mut new = "layer ADD x /\nf base 1\n".to_owned();
    for number in 0..400 {
        let long = "n".repeat(90);
        writeln!(
            new,
            "layer RUN number {number} {long}\nf {long}/{long}/{number} 10"
        )
        .unwrap();
    }
    let sandbox = sandbox_of("layer ADD x /\nf base 1\n", &new);
    let said = markdown(&sandbox);
    assert!(said.chars().count() <= 65_536, "{}", said.chars().count());
    assert!(
        said.chars().count() > 20_000,
        "what fits is there: {}",
        said.chars().count()
    );
    let left: Vec<&str> = said.lines().filter(|line| line.starts_with('…')).collect();
    assert!(
        left.len() >= 2 && left.iter().all(|line| line.ends_with(" more rows")),
        "{left:?}"
    );
    assert!(said.contains("</details>\n\n<sub>"), "{said}");
}

#[test]
fn one_file_for_all_and_the_same_text_each_time() {
    let sandbox = sandbox_of(APP, &APP.replace("print(1)", "print(2)"));
    sandbox
        .slim("diff oci:old:t oci:new:t --threads 1 -o one.md")
        .ok();
    sandbox
        .slim("diff oci:old:t oci:new:t --threads 2 -o two.md")
        .ok();
    let [one, two] = ["one.md", "two.md"].map(|name| fs::read_to_string(sandbox.path(name)).unwrap());
    assert_eq!(one, two);
    assert_eq!(one.replace('\u{a0}', " "), markdown(&sandbox));
    let refused = sandbox.slim("verify oci:old:t oci:new:t --format csv").code(2);
    assert!(
        refused.stderr.contains("[possible values: text, json]"),
        "{}",
        refused.stderr
    );
    sandbox
        .slim("verify oci:old:t oci:new:t -o verdict.csv")
        .one_line(2, &["`csv`", "text and json"]);
    sandbox.slim("diff oci:old:t").code(2);
    sandbox.slim("diff oci:old:t oci:gone:t").one_line(3, &["gone"]);
}

/// A saved report has the sums, the layers and the packages: what is told of those is what the images tell.
#[test]
fn a_saved_report_stands_for_an_image() {
    let sandbox = sandbox_of(
        APP,
        &APP.replace("print(1)", "print(2)")
            .replace("flask/app.py 30000", "flask/app.py 31000"),
    );
    for side in ["old", "new"] {
        sandbox
            .slim(&format!("report oci:{side}:t --format json -o {side}.json"))
            .ok();
    }
    let whole = diff(&sandbox);
    let said = |line: &str| sandbox.slim(&format!("diff {line} --format json")).json();
    for (line, has_config) in [
        ("old.json oci:new:t", true),
        ("old.json new.json", false),
        ("oci:old:t new.json", false),
    ] {
        let saved = said(line);
        for key in [
            "totals",
            "categories",
            "owners",
            "layer_counts",
            "platform",
            "identical",
        ] {
            assert_eq!(saved[key], whole[key], "{line}: {key}");
        }
        assert_eq!(saved["compared_contents"], json!(false));
        assert_eq!(saved["paths"], json!([]));
        let config = sandbox_config_bytes(&sandbox);
        let less = if has_config { 0 } else { config };
        assert_eq!(
            int(&saved["transfer"], "/new_wire_bytes_estimate"),
            int(&whole["transfer"], "/new_wire_bytes") - less,
            "{line}"
        );
        assert_eq!(
            saved["transfer"]["new_wire_bytes"].is_null(),
            !has_config,
            "{line}"
        );
        assert_eq!(saved["broke_cache"]["cause"], json!("unknown"), "{line}");
        assert_eq!(
            saved["broke_cache"]["instruction"],
            whole["broke_cache"]["instruction"]
        );
    }
    for format in ["text", "markdown", "html"] {
        let page = sandbox
            .slim(&format!("diff old.json oci:new:t --format {format}"))
            .ok()
            .stdout;
        assert!(page.contains("Compared with a saved report"), "{page}");
        assert!(!page.contains("No file of it changed"), "{page}");
    }
    let same = said("old.json oci:old:t");
    assert_eq!(same["identical"], json!(true));
}

fn sandbox_config_bytes(sandbox: &Sandbox) -> u64 {
    int(&layout_manifest(&sandbox.path("new"))["config"], "/size")
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
