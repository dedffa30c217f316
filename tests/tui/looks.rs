//! What the frames look like: as they did, in every size, and where there is ASCII alone.
//!
//! What they looked like stands in `testdata/tui`; `LAYERSLIM_BLESS=1` writes it anew.

use std::fs;
use std::path::Path;

use unicode_width::UnicodeWidthStr;

use super::{frame, sandbox, shows};
use crate::support::cmd::names;

#[test]
fn panes_look_as_they_did() {
    let sandbox = sandbox();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/tui");
    let mut wrong = Vec::new();
    let mut known = Vec::new();
    for (name, keys) in [
        ("tree", "jjo"),
        ("layers", "1jm"),
        ("categories", "2"),
        ("owners", "3"),
        ("everything", "mmm]]]"),
        ("attributes", "<ctrl-b>]"),
        ("marked", "a<enter>G <tab>"),
        ("plan", "a<enter>/libc<enter> p"),
        ("profiles", "a"),
        ("write", "a<enter>w<enter>"),
        ("filter", "f>100k -owner:libc6"),
        ("search", "/large<enter>"),
        ("help", "?"),
        ("content", "/config<enter>v"),
        ("hex", "/config<enter>vH"),
        ("life", "/config<enter>L"),
        ("compare", "/config<enter>LjD"),
        ("extract", "/config<enter>e"),
    ] {
        for (columns, rows) in [(80, 24), (120, 40)] {
            let file = format!("{name}-{columns}.txt");
            let now = frame(&sandbox, keys, &format!("{columns}x{rows}"));
            let path = directory.join(&file);
            if std::env::var_os("LAYERSLIM_BLESS").is_some() {
                fs::write(&path, &now).unwrap();
            }
            if fs::read_to_string(&path).unwrap_or_default() != now {
                wrong.push(format!("{file} after `{keys}`:\n{now}"));
            }
            known.push(file);
        }
    }
    assert!(
        wrong.is_empty(),
        "run with LAYERSLIM_BLESS=1 if that is meant\n{}",
        wrong.join("\n")
    );
    known.sort();
    assert_eq!(names(&directory), known, "no frame is forgotten");
}

#[test]
fn where_the_locale_has_ascii_alone_every_frame_is_ascii() {
    let mut sandbox = sandbox();
    let journey = [
        "",
        "<tab>",
        "1jm",
        "2",
        "3",
        "mmm]]]<ctrl-b>",
        "a<enter>G <tab>",
        "a<enter>/libc<enter> p",
        "a",
        "a<enter>w",
        "a<enter>w<enter>",
        "a<enter>w<enter><enter>",
        "f>100k",
        "/link",
        "?",
        "?G",
        "/config<enter>v/1",
        "/config<enter>vH",
        "/link<enter>v",
        "/config<enter>L ",
        "/config<enter>LjD",
        "/config<enter>e<enter>",
        "x",
    ];
    let size = |frame: &str| frame.lines().map(UnicodeWidthStr::width).max();
    sandbox.set("LANG", "en_US.ISO-8859-1");
    shows(&sandbox, "", &["> srv/"]);
    sandbox.set("LC_ALL", "C");
    for (at, keys) in journey.into_iter().enumerate() {
        let (screen, columns) = if at % 2 == 0 { ("80x24", 80) } else { ("30x12", 30) };
        let frame = frame(&sandbox, keys, screen);
        let other = frame.lines().find(|line| !line.is_ascii());
        assert_eq!(other, None, "{keys}:\n{frame}");
        assert!(size(&frame) <= Some(columns), "{keys}:\n{frame}");
    }
    shows(
        &sandbox,
        "]]]",
        &["????/", "??.txt", "v srv/", "link -> data/large.bin", "#"],
    );
    shows(&sandbox, "a<enter>", &[" -> ", " -", "wire ~"]);
    shows(&sandbox, "a", &["+ Profiles", "|", "+--"]);
    sandbox.set("LC_ALL", "C.UTF-8");
    shows(&sandbox, "", &["▸ var/"]);
}

#[test]
fn every_size_of_screen_is_drawn() {
    let sandbox = sandbox();
    for size in ["1x1", "3x2", "20x5", "40x12", "79x23", "300x100"] {
        for keys in [
            "",
            "1",
            "2",
            "?",
            "a",
            "p",
            "w",
            "w<enter>",
            "x",
            "jL",
            "je<enter>",
            "/config<enter><enter>W",
            "/config<enter>vH",
            "/config<enter>LjD",
            "f>1",
            "/a",
            "]]]<ctrl-b>",
        ] {
            let frame = frame(&sandbox, keys, size);
            let (columns, rows) = size.split_once('x').unwrap();
            let columns: usize = columns.parse().unwrap();
            assert_eq!(
                frame.lines().count(),
                rows.parse::<usize>().unwrap(),
                "{size} {keys}"
            );
            let widest = frame.lines().map(UnicodeWidthStr::width).max();
            assert!(widest <= Some(columns), "{size} {keys}:\n{frame}");
        }
    }
    shows(&sandbox, "", &["Merged image", "Layers"]);
    assert!(
        frame(&sandbox, "", "40x12").contains("Merged image"),
        "the tree alone"
    );
    assert!(
        frame(&sandbox, "<tab>", "40x12").contains("1 Layers"),
        "the list alone"
    );
}
