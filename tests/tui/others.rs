//! Journeys through what is no image alone: a saved report, and two images beside each other.

use serde_json::Value;

use super::IMAGE;
use crate::support::cmd::{Sandbox, int};
use crate::support::medium::Codec;
use crate::support::recipe::Recipe;

/// The same image a build later: a file grew, one is gone, one is new, and a configuration says something else.
const NEXT: &str = r#"
config {"Cmd":["/bin/app"],"WorkingDir":"/srv","Env":["LANG=C"]}
layer ADD rootfs.tar /
f bin/app 3000
f var/lib/dpkg/status text="Package: libc6\nStatus: install ok installed\nVersion: 2.36\nArchitecture: amd64\n\nPackage: tool\nStatus: install ok installed\nVersion: 1.10\nArchitecture: amd64\n\n"
f var/lib/dpkg/info/libc6.list text="/lib/libc.so\n"
f var/lib/dpkg/info/tool.list text="/usr/bin/tool\n"
f lib/libc.so 2000000
f usr/bin/tool 900000
f usr/share/doc/tool/copyright 1000
layer COPY . /srv
f srv/config.ini text="debug=false\nport=80\n"
f srv/new.bin 5000000
"#;

/// `oci:old:t` and `oci:new:t`, and both as reports with their paths.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let old = IMAGE.replace(
        "f srv/config.ini 240",
        r#"f srv/config.ini text="debug=1\nport=80\n""#,
    );
    Recipe::new(&old).oci(&sandbox.path("old"), "t", Codec::Gzip);
    Recipe::new(NEXT).oci(&sandbox.path("new"), "t", Codec::Gzip);
    for side in ["old", "new"] {
        sandbox
            .slim(&format!("report oci:{side}:t --tree -o {side}.json"))
            .ok();
    }
    sandbox
}

fn frame(sandbox: &Sandbox, command: &str, keys: &str) -> String {
    let keys = keys.replace(' ', "<space>");
    sandbox
        .slim(&format!("{command} --size 120x40 --keys={keys}"))
        .ok()
        .stdout
}

/// What stands right of the panes' border: the tree.
fn tree(frame: &str) -> Vec<&str> {
    let lines = frame.lines().filter_map(|line| line.split_once('│'));
    let trees = lines.map(|(_, tree)| tree);
    trees.filter(|line| !line.is_empty()).collect()
}

#[track_caller]
fn shows(frame: &str, wanted: &[&str]) {
    for text in wanted {
        assert!(frame.contains(text), "no `{text}` in\n{frame}");
    }
}

#[test]
fn a_saved_report_is_looked_at_as_its_image() {
    let sandbox = sandbox();
    let mut seen = 0;
    for keys in [
        "]]]]]",
        "m]]]]]",
        "1jm]]]]]",
        "1jjm]]]]]",
        "1jjmm]]]]]",
        "mmm]]]]]",
        "s]]]]]",
        "f>1k<enter>]]]]]",
        "fchange:removed<enter>mmm]]]]]",
        "2<enter><tab>]]]",
        "3<enter><tab>]]]",
        "/large<enter>",
    ] {
        let image = frame(&sandbox, "explore oci:old:t", keys);
        let saved = frame(&sandbox, "explore old.json", keys);
        // A link's target is not in a report, nor are the bytes of a file's other names.
        let plain = |line: &&str| !line.contains(" link ") && !line.contains("again");
        let rows = |frame| tree(frame).into_iter().filter(plain).collect::<Vec<_>>();
        assert_eq!(rows(&image), rows(&saved), "{keys}");
        seen += rows(&image).len();
    }
    assert!(seen > 150);
}

#[test]
fn what_a_saved_report_cannot_is_said() {
    let sandbox = sandbox();
    for (keys, why) in [
        (" ", "open the image itself to mark"),
        ("w", "open the image itself to mark"),
        ("/small<enter>v", "a saved report holds no contents"),
        ("L", "a saved report holds no contents"),
        ("e", "a saved report holds no contents"),
    ] {
        shows(&frame(&sandbox, "explore old.json", keys), &[why]);
    }
    let frame = frame(&sandbox, "explore old.json", "j");
    assert!(
        !frame.contains("mark"),
        "keys that do nothing are not offered\n{frame}"
    );
    sandbox.slim("report oci:old:t -o bare.json").ok();
    let text = sandbox.slim("explore bare.json --keys=j").ok();
    shows(&text.stdout, &["on disk"]);
    shows(&text.stderr, &["saved without its paths"]);
    let failed = sandbox.slim("diff bare.json oci:new:t --tui --keys=j");
    shows(&failed.code(2).stderr, &["saved without its paths", "--tree"]);
}

#[test]
fn two_images_show_what_diff_says() {
    let sandbox = sandbox();
    let document: Value = sandbox.slim("diff oci:old:t oci:new:t --format json").json();
    let delta = document
        .pointer("/totals/visible_bytes/delta")
        .unwrap()
        .as_i64()
        .unwrap();
    assert_eq!(delta, 46_508, "{}", document["totals"]);
    assert!(int(&document, "/path_counts/removed") > 3);
    let begun = frame(&sandbox, "diff oci:old:t oci:new:t --tui", "]]]]]");
    shows(
        &begun,
        &[
            "oci:old:t → oci:new:t",
            "What changed by size",
            "+46.5 kB",
            "+5.00 MB",
            "new.bin",
            "−4.00 MB",
            "a.deb",
            "+600 kB",
        ],
    );
    assert!(
        !begun.contains("libc.so"),
        "what is the same is not shown\n{begun}"
    );
    let first = tree(&begun)[1];
    assert!(
        first.contains("var/") && first.contains("−4.00 MB"),
        "the largest change is first: {first}"
    );
    let paths = document["paths"].as_array().unwrap();
    for path in paths.iter().filter(|path| path["change"] == "added") {
        let name = path["path"].as_str().unwrap().rsplit('/').next().unwrap();
        let row = tree(&begun).into_iter().find(|row| row.contains(name));
        assert!(row.is_some_and(|row| row.starts_with(" A")), "{name}\n{begun}");
    }
}

#[test]
fn two_images_are_narrowed_and_looked_into() {
    let sandbox = sandbox();
    let compared = |keys: &str| frame(&sandbox, "diff oci:old:t oci:new:t --tui", keys);
    shows(&compared("2"), &["apt-cache", "−4.00 MB"]);
    shows(&compared("3"), &["deb:tool", "1.0 → 1.10", "+600 kB"]);
    let narrowed = compared("3<enter><tab>]]]");
    shows(&narrowed, &["filter: owner:deb:tool", "tool"]);
    assert!(!tree(&narrowed).concat().contains("new.bin"));
    shows(
        &compared("1"),
        &["rebuilt", "old image: layer 0", "new image: layer 0"],
    );
    shows(&compared("1jj"), &["to download for who has the old image"]);
    shows(&compared("fchange:removed<enter>]]]]]"), &["README", "a.deb"]);
    shows(&compared("mm]]]"), &["Both images", "libc.so"]);
    shows(&compared("mmm]]]"), &["New image", "900 kB"]);
    shows(&compared("m]]]"), &["Old image", "300 kB"]);
    // enter shows what differs, v the new content, and of what is gone the old.
    let difference = compared("/config<enter><enter>");
    shows(
        &difference,
        &["old image to new image", "-debug=1", "+debug=false", " port=80"],
    );
    shows(&compared("/config<enter>v"), &["debug=false"]);
    shows(&compared("/README<enter>v"), &["layer 0"]);
    shows(&compared("/a.deb<enter>L"), &["its life", "added"]);
    shows(
        &compared("/new.bin<enter>D"),
        &["both images would have to have it"],
    );
    shows(&compared(" "), &["two images are compared here"]);
    compared("/config<enter>e<ctrl-u>taken<enter><enter>");
    let taken = std::fs::read_to_string(sandbox.path("taken/config.ini"));
    assert_eq!(taken.unwrap(), "debug=false\nport=80\n");
}

#[test]
fn saved_reports_beside_each_other_show_the_same_paths() {
    let sandbox = sandbox();
    let images = frame(&sandbox, "diff oci:old:t oci:new:t --tui", "]]]]]");
    for pair in ["old.json new.json", "old.json oci:new:t", "oci:old:t new.json"] {
        let saved = frame(&sandbox, &format!("diff {pair} --tui"), "]]]]]");
        let plain = |line: &&str| !line.contains(" link ") && !line.contains("again");
        let rows = |frame| tree(frame).into_iter().filter(plain).skip(1).collect::<Vec<_>>();
        assert_eq!(rows(&images), rows(&saved), "{pair}");
    }
}

#[test]
fn an_image_beside_its_own_report_is_the_same() {
    let sandbox = Sandbox::with(&Recipe::new(&format!(
        "{IMAGE}d srv/with\nf srv/with/file 10\nd srv/empty\n"
    )));
    sandbox.slim("report oci:src --tree -o src.json").ok();
    for pair in [
        "src.json oci:src",
        "oci:src src.json",
        "src.json src.json",
        "oci:src oci:src",
    ] {
        let frame = frame(&sandbox, &format!("diff {pair} --tui"), "]]]]]");
        let tree = tree(&frame);
        assert!(tree[1].contains("nothing is shown"), "{pair}\n{frame}");
    }
}
