//! What became of what the merged images hold: packages, and paths in every way in which they can change.

use serde_json::json;

use super::{APP, diff, laws, markdown, sandbox_of};
use crate::support::cmd::Sandbox;
use crate::support::medium::Codec;
use crate::support::recipe::Recipe;

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
