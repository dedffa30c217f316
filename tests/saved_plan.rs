//! Plans as data: what `slim plan --format json` wrote is a selection of its own, for that image and no other.

use serde_json::{Value, json};

use crate::support::cmd::{Sandbox, int};
use crate::support::recipe::Recipe;

const IMAGE: &str = "config {\"Entrypoint\":[\"/app/run\"]}
layer RUN apt-get update
d var/cache/apt
f var/cache/apt/pkgcache.bin 9000
f usr/share/doc/a/copyright 50
f usr/share/doc/a/changelog.gz 700
layer COPY . /app
d app/.git
f app/.git/HEAD text=\"ref: refs/heads/a\\n\"
d app/.git/objects
f app/.git/objects/a 4000
f app/run 10 mode=755
f app/caf\\xe9\\x5c 60
l app/link run";

fn sandbox() -> Sandbox {
    Sandbox::with(&Recipe::new(IMAGE))
}

/// The plan of `flags` as a document, written to `plan.json` as `edit` leaves it.
fn planned(sandbox: &Sandbox, flags: &str, edit: impl FnOnce(&mut Value)) -> Value {
    let mut plan = sandbox
        .slim(&format!("plan oci:src:t --format json {flags}"))
        .json();
    edit(&mut plan);
    sandbox.write("plan.json", serde_json::to_vec_pretty(&plan).unwrap());
    plan
}

fn rows(document: &mut Value) -> &mut Vec<Value> {
    document["removals"].as_array_mut().unwrap()
}

#[test]
fn a_plan_read_again_is_the_same_plan() {
    let sandbox = sandbox();
    for flags in [
        "",
        "--profile none",
        "--profile aggressive --remove-path /app/caf* --force-path /app/run",
    ] {
        let plan = planned(&sandbox, flags, |_| {});
        let mut again = sandbox
            .slim("plan oci:src:t --format json --plan plan.json")
            .json();
        // What was asked for and not done is no part of what will be done.
        again["refused"].clone_from(&plan["refused"]);
        again["warnings"].clone_from(&plan["warnings"]);
        assert_eq!(again, plan, "{flags}");
        let digest = |flags: &str, name: &str| {
            let line = format!("save -q --format json oci:src:t oci:{name}:t {flags}");
            sandbox.slim(&line).json()["result"]["digest"].clone()
        };
        for mode in ["squash", "keep"] {
            let by_flags = digest(&format!("{flags} --layers {mode}"), &format!("a-{mode}"));
            let by_plan = digest(&format!("--plan plan.json --layers {mode}"), &format!("b-{mode}"));
            assert_eq!(by_flags, by_plan, "{flags} {mode}");
        }
        sandbox
            .slim("verify oci:src:t oci:b-keep:t --plan plan.json")
            .ok();
        for name in ["a-squash", "a-keep", "b-squash", "b-keep"] {
            std::fs::remove_dir_all(sandbox.path(name)).unwrap();
        }
    }
}

#[test]
fn a_plan_may_be_edited_by_hand() {
    let sandbox = sandbox();
    let is_git = |row: &Value| row["path"].as_str().unwrap().starts_with("/app/.git");
    planned(&sandbox, "", |plan| {
        rows(plan).retain(|row| !is_git(row));
        rows(plan)
            .push(json!({"path": "/app/caf\\xe9\\\\", "category": null, "rule": "not needed, says Ann"}));
    });
    let plan = sandbox
        .slim("plan oci:src:t --format json --plan plan.json")
        .json();
    let removed: Vec<&str> = plan["removals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["path"].as_str().unwrap())
        .collect();
    assert_eq!(
        removed,
        [
            "/var/cache/apt/pkgcache.bin",
            "/usr/share/doc/a/changelog.gz",
            "/app/caf\\xe9\\\\"
        ]
    );
    assert_eq!(int(&plan, "/totals/disk_bytes"), 9000 + 700 + 60);
    let saved = sandbox.slim("save -q --format json oci:src:t oci:out:t --plan -");
    assert_eq!(saved.code, Some(2), "standard input is empty here");
    let text = std::fs::read(sandbox.path("plan.json")).unwrap();
    sandbox
        .slim_from("save -q oci:src:t oci:out:t --plan -", &text)
        .ok();
    sandbox.slim("verify oci:src:t oci:out:t --plan plan.json").ok();
    sandbox
        .slim("verify oci:src:t oci:out:t --profile default")
        .code(1);
}

#[test]
fn what_is_no_plan_for_the_image_is_refused_with_the_reason() {
    let sandbox = sandbox();
    let add =
        |path: &'static str| move |plan: &mut Value| rows(plan).push(json!({"path": path, "rule": "me"}));
    let refuse = |edit: &dyn Fn(&mut Value), words: &[&str]| {
        planned(&sandbox, "", |plan| edit(plan));
        sandbox
            .slim("save oci:src:t oci:out:t --plan plan.json")
            .one_line(2, words);
        assert!(!sandbox.path("out").exists());
    };
    refuse(
        &add("/app/other"),
        &["plan.json", "/app/other is not in the image"],
    );
    refuse(&add("/app/.git/HEAD"), &["/app/.git/HEAD is listed twice"]);
    refuse(
        &add("/usr/share/doc"),
        &["the directory /usr/share/doc cannot go", "stays, which is in it"],
    );
    refuse(&add("/app/run"), &["/app/run cannot go", "entrypoint /app/run"]);
    refuse(
        &add("/usr/share/doc/a/copyright"),
        &["copyright cannot go", "protected"],
    );
    refuse(&add("app/x"), &["`app/x` is no path"]);
    refuse(&add("/app/a\\q"), &["is no path"]);
    refuse(
        &|plan| plan["schema_version"] = 99.into(),
        &["schema_version is 99", "plan again"],
    );
    refuse(
        &|plan| plan["source"]["digest"] = "sha256:00".into(),
        &["for another image", "sha256:00"],
    );
    refuse(
        &|plan| *plan = json!([]),
        &["no plan as `slim plan --format json` writes"],
    );
    sandbox
        .slim("save oci:src:t oci:out:t --plan gone.json")
        .one_line(2, &["plan gone.json"]);
    sandbox
        .slim("save oci:src:t oci:out:t --plan plan.json --remove pycache")
        .code(2);
}

/// An archive has no manifest: its image is known by config and layers.
#[test]
fn a_plan_follows_its_image_from_medium_to_medium() {
    let sandbox = sandbox();
    planned(&sandbox, "", |_| {});
    let copy = "--profile none --layers keep --keep shadowed";
    sandbox
        .slim(&format!("save -q oci:src:t oci-archive:same.tar:t {copy}"))
        .ok();
    sandbox.slim("plan oci-archive:same.tar:t --plan plan.json").ok();
    sandbox
        .slim(&format!("save -q oci:src:t docker-archive:d.tar:t {copy}"))
        .ok();
    let archive = sandbox.slim("plan docker-archive:d.tar:t --format json").json();
    assert_eq!(archive["source"]["digest"], Value::Null);
    sandbox.slim("plan docker-archive:d.tar:t --plan plan.json").ok();
    sandbox.write("plan.json", archive.to_string());
    sandbox.slim("plan docker-archive:d.tar:t --plan plan.json").ok();
    sandbox.slim("plan oci:src:t --plan plan.json").ok();
}
