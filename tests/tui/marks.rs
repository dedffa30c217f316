//! Marks, profiles, and what is written of them.

use std::fs;

use serde_json::Value;

use super::{frame, sandbox, shows};
use crate::support::cmd::{Sandbox, int};
use crate::support::index::{Layout, tagged};
use crate::support::recipe::Recipe;

#[test]
fn what_is_marked_is_what_the_saved_profile_removes() {
    let sandbox = sandbox();
    let keys = "a<enter>/large<enter> /libc.so<enter> /copyright<enter> 3f<esc>x<enter>";
    shows(&sandbox, keys, &["saved marked.toml"]);
    let profile = fs::read_to_string(sandbox.path("marked.toml")).unwrap();
    assert!(
        profile.contains("/srv/data/large.bin") && profile.contains("extends = [\"default\"]"),
        "{profile}"
    );
    let plan = sandbox
        .slim("plan -q oci:src --profile ./marked.toml --format json")
        .json();
    let gone = paths(&plan, "removals");
    assert!(gone.contains(&"/srv/data/large.bin".to_owned()), "{gone:?}");
    assert!(
        gone.contains(&"/var/cache/apt/archives/a.deb".to_owned()),
        "{gone:?}"
    );
    assert!(
        !gone.iter().any(|path| path.ends_with("copyright")),
        "protected: {gone:?}"
    );
    // The same bytes as on the screen.
    let bytes = int(&plan, "/modes/squash/disk_bytes");
    let shown = layerslim::bytesize::ByteSize(bytes).to_string();
    shows(
        &sandbox,
        "a<enter>/large<enter> /libc.so<enter> /copyright<enter> ",
        &[&format!("→ {shown}")],
    );
    shows(&sandbox, "x<enter>", &["marked.toml: "]);
}

fn paths(document: &Value, list: &str) -> Vec<String> {
    let rows = document[list].as_array().unwrap();
    rows.iter()
        .map(|row| row["path"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn refused_marks_say_why() {
    let sandbox = sandbox();
    shows(
        &sandbox,
        "/copyright<enter> /copyright<enter>",
        &["stays: it is protected", "!"],
    );
    shows(&sandbox, "/app<enter> /app<enter>", &["stays: ", "command"]);
    // A directory goes without what must stay in it.
    shows(
        &sandbox,
        "/doc<enter> p",
        &["52.0 kB", "/usr/share/doc/tool/copyright"],
    );
    shows(&sandbox, "fowner:libc6<enter>2 ", &["does not go by category"]);
    shows(&sandbox, "1 ", &["layers cannot go"]);
}

/// The menu of profiles says what `slim plan` says of those that it names.
#[test]
fn the_menu_of_profiles_says_why_each_fits() {
    let sandbox = sandbox();
    let frame = frame(&sandbox, "a", "100x40");
    let lines: Vec<&str> = frame.lines().map(|line| line.trim_matches(['│', ' '])).collect();
    let at = |name: &str| {
        let at = lines.iter().position(|line| line.starts_with(name));
        at.unwrap_or_else(|| panic!("no {name} in\n{frame}"))
    };
    let plan = sandbox.slim("plan -q oci:src --format json").json();
    let named = plan["suggestions"]["profiles"].as_array().unwrap();
    assert!(!named.is_empty());
    for row in named {
        let (name, path) = (
            row["profile"].as_str().unwrap(),
            row["evidence"].as_str().unwrap(),
        );
        let bytes = layerslim::bytesize::ByteSize(int(row, "/disk_bytes")).to_string();
        let first = at(name);
        assert!(lines[first].contains(&bytes), "{name} {bytes}:\n{frame}");
        assert!(lines[first + 1].contains(&format!("fits: {path}")), "{frame}");
    }
    assert!(at("default") < at("debian"), "{frame}");
    assert!(
        at("debian") < at("aggressive"),
        "those that fit come first\n{frame}"
    );
    assert!(at("aggressive") < at("alpine"), "{frame}");
    assert!(lines[at("alpine") + 1].contains("nothing in this image speaks for it"));
    assert!(lines[at("default") + 1].contains("for images of any kind"));
}

#[test]
fn marks_come_and_go() {
    let sandbox = sandbox();
    shows(&sandbox, "/large<enter> ", &["✗", "−"]);
    let frame = frame(&sandbox, "/large<enter> k ", "120x40");
    assert!(
        !frame.contains('✗')
            && !frame
                .lines()
                .any(|line| line.contains("wire") && line.contains('→')),
        "the second time takes it back\n{frame}"
    );
    let kept = self::frame(&sandbox, "a<enter>/a.deb<enter> p", "120x40");
    assert!(
        kept.contains("Package documentation") && !kept.contains("APT package lists"),
        "{kept}"
    );
    shows(&sandbox, "a<enter><ctrl-x>p", &["Nothing is marked"]);
    shows(&sandbox, "3jj ", &["✗"]);
}

#[test]
fn a_slim_archive_takes_five_keys() {
    let sandbox = sandbox();
    let frame = frame(&sandbox, "a<enter>w<enter><enter>", "120x40");
    assert!(frame.contains("written: oci-archive:src-slim.tar"), "{frame}");
    assert!(
        frame.contains("verified: ") && frame.contains("nothing else differs"),
        "{frame}"
    );
    sandbox.slim("verify -q oci:src oci-archive:src-slim.tar").ok();
    let report = sandbox
        .slim("report -q oci-archive:src-slim.tar --format json")
        .json();
    assert_eq!(int(&report, "/totals/layers"), 1);
    assert_eq!(sandbox.leftovers(), Vec::<String>::new());
}

#[test]
fn what_cannot_be_written_says_why_and_the_target_can_be_changed() {
    let sandbox = sandbox();
    shows(
        &sandbox,
        "w<ctrl-u>nowhere<enter><enter>",
        &["a target begins with its transport"],
    );
    let keys = "w<ctrl-u>nowhere<enter><enter><enter><ctrl-u>oci:out:t<enter><tab><enter>";
    shows(&sandbox, keys, &["written: oci:out:t", "keep: each layer"]);
    let report = sandbox.slim("report -q oci:out:t --format json").json();
    assert_eq!(int(&report, "/totals/layers"), 3);
}

/// All platforms are written as `slim save` writes them by the same profile.
#[test]
fn of_an_index_one_platform_is_written_or_all() {
    let sandbox = Sandbox::new();
    let mut layout = Layout::new(sandbox.path("src"));
    let rows = ["amd64", "arm64"].map(|architecture| {
        layout.image(&Recipe::new(&format!(
            "top {{\"architecture\":\"{architecture}\"}}\nlayer\nf opt/app 20000 seed={architecture}\nf var/cache/apt/archives/a.deb 5000"
        )))
    });
    let index = layout.index(&rows, &serde_json::json!({}));
    layout.tag(&index, "t");
    let shows = |keys: &str, wanted: &[&str]| {
        let keys = keys.replace(' ', "<space>");
        let line = format!("explore oci:src:t --platform linux/arm64 --size 120x40 --keys={keys}");
        let frame = sandbox.slim(&line).ok().stdout;
        for text in wanted {
            assert!(frame.contains(text), "{keys}: no `{text}` in\n{frame}");
        }
    };
    shows("a<enter>x<enter>", &["saved marked.toml"]);
    shows(
        "w",
        &["platforms: this one, linux/arm64", "shift-tab the platforms"],
    );
    let all = "a<enter>w<ctrl-u>oci:all:t<shift-tab><enter>";
    shows(all, &["platforms: all 2, as one index", "this is linux/arm64"]);
    shows(
        &format!("{all}<enter>"),
        &[
            "written: oci:all:t",
            "linux/amd64:",
            "linux/arm64:",
            "nothing else differs",
        ],
    );
    sandbox
        .slim("save -q oci:src:t oci:want:t --profile ./marked.toml")
        .ok();
    let written = |name: &str| tagged(&sandbox.path(name), "t").1;
    assert_eq!(written("all"), written("want"));

    shows(
        "a<enter>w<ctrl-u>oci:one:t<enter><enter>",
        &["written: oci:one:t"],
    );
    sandbox
        .slim("save -q oci:src:t oci:just:t --platform linux/arm64 --profile ./marked.toml")
        .ok();
    assert_eq!(written("one"), written("just"));
    let archive = "w<ctrl-u>docker-archive:a.tar<enter><shift-tab><enter>";
    shows(archive, &["hold one platform"]);
    assert_eq!(sandbox.leftovers(), Vec::<String>::new());
}
