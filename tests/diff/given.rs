//! What is given: archives without blobs, other blobs of the same tars, indexes, saved reports.

use serde_json::{Value, json};

use super::{APP, column, diff, laws, markdown, sandbox_of};
use crate::support::cmd::{Sandbox, int, sum};
use crate::support::index::Layout;
use crate::support::medium::{Codec, layout_manifest};
use crate::support::recipe::Recipe;

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

fn sandbox_config_bytes(sandbox: &Sandbox) -> u64 {
    int(&layout_manifest(&sandbox.path("new"))["config"], "/size")
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
