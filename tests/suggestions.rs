//! Which profiles are for what an image holds: named by `slim plan` with what each takes off, taken by `--profile auto`.

use serde_json::Value;

use crate::support::cmd::Sandbox;
use crate::support::recipe::Recipe;

/// A Python package on Alpine: one test to remove, one shell completion, one cache.
const SERVICE: &str = r#"layer
f lib/apk/db/installed text="C:Q1\nP:musl\nV:1\n"
f usr/share/bash-completion/completions/a 300
f usr/lib/python3.13/site-packages/a-1.dist-info/METADATA text="Name: a\nVersion: 1\n"
f usr/lib/python3.13/site-packages/a-1.dist-info/RECORD text="a/__init__.py,,\n"
f usr/lib/python3.13/site-packages/a/__init__.py 40
f usr/lib/python3.13/site-packages/a/tests/test_a.py 5000
f root/.cache/pip/http/a 7000
"#;

fn plan(recipe: &str, flags: &str) -> Value {
    let sandbox = Sandbox::with(&Recipe::new(recipe));
    sandbox
        .slim(&format!("plan oci:src:t --format json {flags}"))
        .json()
}

fn removed(document: &Value) -> Vec<&str> {
    let rows = document["removals"].as_array().unwrap().iter();
    rows.map(|row| row["path"].as_str().unwrap()).collect()
}

#[test]
fn each_profile_with_evidence_is_named_with_what_it_takes_off() {
    let document = plan(SERVICE, "--profile none");
    let suggestions = &document["suggestions"];
    let rows = suggestions["profiles"].as_array().unwrap().iter();
    let rows: Vec<_> = rows
        .map(|row| {
            let text = |key: &str| row[key].as_str().unwrap();
            (
                text("profile"),
                text("evidence"),
                row["disk_bytes"].as_u64().unwrap(),
            )
        })
        .collect();
    let metadata = "/usr/lib/python3.13/site-packages/a-1.dist-info/METADATA";
    assert_eq!(
        rows,
        [
            ("python", metadata, 12_000),
            ("alpine", "/lib/apk/db/installed", 7_300)
        ]
    );
    assert_eq!(suggestions["disk_bytes"], 12_300);
    assert_eq!(removed(&document), [""; 0], "a suggestion removes nothing");
}

#[test]
fn auto_takes_all_that_there_is_evidence_for() {
    let auto = plan(SERVICE, "--profile auto");
    let both = plan(SERVICE, "--profile alpine --profile python");
    assert_eq!(
        auto["selection"]["profiles"],
        serde_json::json!(["alpine", "python"])
    );
    assert_eq!(auto["removals"], both["removals"]);
    assert_eq!(auto["totals"]["disk_bytes"], auto["suggestions"]["disk_bytes"]);
    // Flags are stronger, and other profiles add up.
    let kept = plan(SERVICE, "--profile auto --profile node --keep python-tests");
    assert_eq!(
        kept["selection"]["profiles"],
        serde_json::json!(["alpine", "python", "node"])
    );
    assert!(!removed(&kept).iter().any(|path| path.contains("/tests/")));
}

#[test]
fn an_image_without_evidence_gets_the_default() {
    let document = plan("layer\nf root/.cache/pip/http/a 7000\nf app 4", "--profile auto");
    assert_eq!(document["selection"]["profiles"], serde_json::json!(["default"]));
    assert_eq!(document["suggestions"]["profiles"], serde_json::json!([]));
    assert_eq!(removed(&document), ["/root/.cache/pip/http/a"]);
}

#[test]
fn what_is_hidden_is_no_evidence_and_a_file_of_ones_own_may_have_some() {
    let hidden = "layer\nf lib/apk/db/installed text=\"P:a\\n\"\nlayer RUN rm\nwh lib/apk/db/installed\nf app/special.conf 3\nf app/a.bak 50";
    let sandbox = Sandbox::with(&Recipe::new(hidden));
    std::fs::write(
        sandbox.path("mine.toml"),
        "name = 'mine'\nevidence = ['/app/*.conf']\nremove-paths = ['/app/*.bak']\n",
    )
    .unwrap();
    let document = sandbox
        .slim("plan oci:src:t --format json --profile mine.toml --profile auto")
        .json();
    assert_eq!(document["selection"]["profiles"], serde_json::json!(["mine"]));
    assert!(removed(&document).contains(&"/app/a.bak"));

    std::fs::write(sandbox.path("auto.toml"), "name = 'auto'\n").unwrap();
    sandbox
        .slim("plan oci:src:t --profile ./auto.toml")
        .one_line(2, &["`auto` already exists"]);
}

#[test]
fn people_read_of_profiles_they_did_not_choose() {
    let sandbox = Sandbox::with(&Recipe::new(SERVICE));
    let page = sandbox.slim("plan oci:src:t --profile python").stdout;
    for words in [
        "Profiles for what is in this image",
        "python (chosen)",
        "--profile auto",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let page = sandbox.slim("plan oci:src:t --profile auto").stdout;
    assert!(!page.contains("Profiles for what"), "{page}");
    // What is written is what the plan says, and verifies with the same word.
    sandbox.slim("save oci:src:t oci:out:t --profile auto").ok();
    sandbox.slim("verify oci:src:t oci:out:t --profile auto").ok();
    sandbox
        .slim("verify oci:src:t oci:out:t --profile default")
        .code(1);
}
