//! Journeys through the interface: keys in, the last frame out, by the script that the executable plays.
//!
//! What the frames look like stands in `testdata/tui`; `LAYERSLIM_BLESS=1` writes them anew.

mod others;

use std::fs;
use std::path::Path;

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::support::cmd::{Sandbox, int, names};
use crate::support::index::{Layout, tagged};
use crate::support::recipe::Recipe;

const IMAGE: &str = r#"
config {"Cmd":["/bin/app"],"WorkingDir":"/srv","Env":["LANG=C"]}
layer ADD rootfs.tar /
f bin/app 3000
f var/lib/dpkg/status text="Package: libc6\nStatus: install ok installed\nVersion: 2.36\nArchitecture: amd64\n\nPackage: tool\nStatus: install ok installed\nVersion: 1.0\nArchitecture: amd64\n\n"
f var/lib/dpkg/info/libc6.list text="/lib/libc.so\n"
f var/lib/dpkg/info/tool.list text="/usr/bin/tool\n"
f lib/libc.so 2000000
f usr/bin/tool 300000
f usr/share/doc/tool/README 52000
f usr/share/doc/tool/copyright 1000
layer RUN apt-get update && apt-get install -y tool
f var/cache/apt/archives/a.deb 4000000
f srv/old.bin 700000
f srv/config.ini 120
layer COPY . /srv
f srv/config.ini 240
wh srv/old.bin
f srv/data/large.bin 1500000
f srv/data/small.bin 20
f srv/data/deep/er/and/deeper.txt 77
f srv/漢字/資料.txt 900
f srv/a\x1b[31m\xe2\x80\xaeb\xff 500
h srv/again bin/app
l srv/link data/large.bin
"#;

fn sandbox() -> Sandbox {
    Sandbox::with(&Recipe::new(IMAGE))
}

/// The last frame after these keys.
fn frame(sandbox: &Sandbox, keys: &str, size: &str) -> String {
    let keys = keys.replace(' ', "<space>");
    let keys = if keys.is_empty() {
        String::new()
    } else {
        format!(" --keys={keys}")
    };
    let keys = if keys.is_empty() {
        " --keys=<esc>".to_owned()
    } else {
        keys
    };
    sandbox
        .slim(&format!("explore oci:src --size {size}{keys}"))
        .ok()
        .stdout
}

/// Asserts that the frame after these keys shows all of this.
#[track_caller]
fn shows(sandbox: &Sandbox, keys: &str, wanted: &[&str]) {
    let frame = frame(sandbox, keys, "120x40");
    for text in wanted {
        assert!(frame.contains(text), "{keys}: no `{text}` in\n{frame}");
    }
}

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

#[test]
fn the_largest_come_first_and_the_cursor_goes_where_it_is_sent() {
    let sandbox = sandbox();
    let first = frame(&sandbox, "", "120x40");
    let at = |name: &str| {
        first
            .find(name)
            .unwrap_or_else(|| panic!("no {name} in\n{first}"))
    };
    assert!(
        at("▸ var/") < at("▸ lib/") && at("▸ lib/") < at("▸ srv/"),
        "{first}"
    );
    shows(&sandbox, "b", &["/var/cache/apt/archives/a.deb", "apt-cache"]);
    shows(&sandbox, "/deeper<enter>", &["/srv/data/deep/er/and/deeper.txt"]);
    shows(&sandbox, "/tool<enter>", &["/var/lib/dpkg/info/tool.list"]);
    shows(&sandbox, "/tool<enter>n", &["/usr/bin/tool"]);
    shows(&sandbox, "/tool<enter>N", &["/usr/share/doc/tool"]);
    shows(&sandbox, "sG", &["by name", "/var"]);
    shows(
        &sandbox,
        "/nothing-like-it<enter>n",
        &["nothing is called `nothing-like-it`"],
    );
}

#[test]
fn names_are_escaped_and_wide_ones_are_measured() {
    let sandbox = sandbox();
    let frame = frame(&sandbox, "]]]", "120x40");
    assert!(frame.contains(r"a\u{1b}[31m\u{202e}b\xff"), "{frame}");
    assert!(frame.contains("漢字/") && frame.contains("資料.txt"), "{frame}");
    assert!(!frame.contains(['\u{1b}', '\u{202e}']), "{frame}");
}

#[test]
fn layers_narrow_the_tree() {
    let sandbox = sandbox();
    shows(
        &sandbox,
        "1jj<ctrl-l>]]",
        &[
            "Changes of layer 2",
            "M    240 B",
            "R   700 kB",
            "A  1.50 MB",
            "old.bin",
        ],
    );
    let changes = frame(&sandbox, "1jj<ctrl-l>]]R", "120x40");
    assert!(
        !changes.contains("old.bin") && changes.contains("-removed"),
        "{changes}"
    );
    let before = frame(&sandbox, "1j<ctrl-a>]", "120x40");
    assert!(
        before.contains("Up to layer 1") && before.contains("old.bin") && !before.contains("large.bin"),
        "{before}"
    );
    let everything = frame(&sandbox, "mmm]", "120x40");
    assert!(
        everything.contains(" S ") && everything.contains("old.bin"),
        "{everything}"
    );
    let merged = frame(&sandbox, "]", "120x40");
    assert!(!merged.contains("old.bin"), "{merged}");
}

#[test]
fn filters_combine_and_rows_of_lists_are_filters() {
    let sandbox = sandbox();
    for (filter, there, gone) in [
        (
            ">1M",
            &["libc.so", "a.deb", "large.bin"][..],
            &["tool", "config.ini"][..],
        ),
        (">1M <2M", &["large.bin"], &["a.deb", "libc.so"]),
        ("layer:2", &["large.bin", "config.ini"], &["libc.so", "a.deb"]),
        ("owner:libc6", &["libc.so"], &["tool", "app"]),
        ("owner:none >100k", &["a.deb"], &["libc.so"]),
        ("category:apt-cache", &["a.deb"], &["libc.so"]),
        ("safety:safe", &["a.deb", "README"], &["libc.so"]),
        ("*.bin -large", &["small.bin"], &["large.bin", "a.deb"]),
        ("re:^/srv/.*txt$", &["資料.txt", "deeper.txt"], &["config.ini"]),
        ("change:modified", &["config.ini"], &["large.bin"]),
    ] {
        let frame = frame(
            &sandbox,
            &format!("f{}<enter>]]]]]]", filter.replace('<', "<lt>")),
            "120x40",
        );
        let tree: String = frame
            .lines()
            .skip(1)
            .map(|line| line.split('│').nth(1).unwrap_or_default())
            .collect();
        assert!(
            frame.contains(&format!("filter: {filter}")),
            "it is always shown\n{frame}"
        );
        for name in there {
            assert!(tree.contains(name), "{filter}: {name} is missing\n{frame}");
        }
        for name in gone {
            assert!(!tree.contains(name), "{filter}: {name} is there\n{frame}");
        }
    }
    shows(&sandbox, "flayer:x", &["`x` is no layer"]);
    shows(&sandbox, "f>1M<enter><esc>", &["filter: none"]);
    shows(
        &sandbox,
        "2<enter><tab>]]]]",
        &["filter: category:apt-cache", "a.deb"],
    );
    shows(&sandbox, "2<enter><enter>", &["filter: none"]);
}

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

#[test]
fn keys_can_be_changed_in_the_config_file() {
    let mut sandbox = sandbox();
    sandbox.set("XDG_CONFIG_HOME", sandbox.path("config").display().to_string());
    fs::create_dir_all(sandbox.path("config/layerslim")).unwrap();
    let config = |text: &str| fs::write(sandbox.path("config/layerslim/config.toml"), text).unwrap();
    config("[keys]\nplan = [\"P\"]\nhelp = \"p\"\n");
    shows(&sandbox, "P", &[" Plan "]);
    let help = frame(&sandbox, "p", "120x100");
    assert!(
        help.contains(" Help ") && help.contains("P                  show the plan"),
        "{help}"
    );
    config("[keys]\nfly = \"P\"\n");
    let line = "explore oci:src --keys j";
    sandbox.slim(line).one_line(2, &["`fly`"]);
    config("backgrund = \"light\"\n");
    assert_eq!(sandbox.slim(line).code, Some(2));
}

#[test]
fn the_config_file_says_how_it_begins() {
    let mut sandbox = sandbox();
    sandbox.set("XDG_CONFIG_HOME", sandbox.path("config").display().to_string());
    fs::create_dir_all(sandbox.path("config/layerslim")).unwrap();
    let config = |text: &str| {
        let text = format!("[tui]\n{text}\n");
        fs::write(sandbox.path("config/layerslim/config.toml"), text).unwrap();
    };
    for (text, there, gone) in [
        (
            "hide = [\"unmodified\", \"removed\"]",
            "-removed -unmodified",
            "lib/",
        ),
        ("mode = \"up-to\"", "Up to layer 0", "a.deb"),
        (
            "mode = \"everything\"\nsort = \"name\"",
            "Everything, shadowed too by name",
            "Merged",
        ),
        ("show-attributes = true\ndepth = 2", "-rw-r--r-- 0:0", "a.deb"),
        ("depth = 9", "a.deb", "\u{25b8}"),
    ] {
        config(text);
        let frame = frame(&sandbox, "k", "100x50");
        assert!(frame.contains(there), "{text}: no `{there}` in\n{frame}");
        assert!(!frame.contains(gone), "{text}: `{gone}` in\n{frame}");
    }
    for (width, column) in [(50, 60), (1, 99), (100, 20)] {
        config(&format!("tree-width = {width}"));
        let frame = frame(&sandbox, "k", "120x20");
        let third = frame.lines().nth(2).unwrap();
        let rule = third.chars().position(|c| c == '\u{2502}');
        assert_eq!(rule, Some(column), "{width}:\n{frame}");
    }
    for (bad, words) in [("mode = \"merge\"", "`merge`"), ("colour = 1", "`colour`")] {
        config(bad);
        let said = sandbox.slim("explore oci:src --keys j").code(2).stderr;
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn what_cannot_be_read_ends_with_its_own_exit_code() {
    let sandbox = sandbox();
    sandbox
        .slim("explore oci:nowhere --keys j")
        .one_line(3, &["nowhere"]);
    sandbox
        .slim("explore oci:src --keys <foo>")
        .one_line(2, &["`foo` is no key"]);
}

#[test]
fn without_a_terminal_it_is_the_report() {
    let sandbox = sandbox();
    let report = sandbox.slim("report -q oci:src").ok().stdout;
    assert_eq!(sandbox.slim("explore -q oci:src").ok().stdout, report);
    assert_eq!(sandbox.slim("-q oci:src").ok().stdout, report);
}

/// The floors inside the interface: only what draws or reads the terminal knows the library for it.
#[test]
fn the_state_knows_no_terminal() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tui");
    let mut directories = vec![root.clone()];
    let mut seen = 0;
    while let Some(directory) = directories.pop() {
        for name in names(&directory) {
            let path = directory.join(&name);
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let inner = path.strip_prefix(&root).unwrap();
            let may = ["draw", "terminal.rs", "app.rs", "tests.rs"];
            let may = may.iter().any(|name| inner.starts_with(name));
            assert!(
                may || !text.contains("ratatui"),
                "{} knows ratatui",
                inner.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 20);
}

#[test]
fn files_are_looked_into() {
    let sandbox = Sandbox::with(&Recipe::new(
        "layer\nf srv/a.txt text=\"one\\ntwo\\x1b[31m\\nthree\\n\"\nf srv/gone 3\nl srv/link a.txt\nd srv/empty\nc dev/null 1 3\nlayer RUN change\nf srv/a.txt text=\"one\\n2\\nthree\\n\"\nwh srv/gone",
    ));
    for (keys, wanted) in [
        (
            "/a.txt<enter>v",
            &["/srv/a.txt", "1 one", "2 2", "3 three", "line 1 of 3"][..],
        ),
        (
            "/a.txt<enter><enter>H",
            &["00000000  6f 6e 65 0a 32 0a", "byte 0"],
        ),
        ("/link<enter>v", &["→ a.txt", "1 one"]),
        ("/empty<enter>v", &["a directory has no content"]),
        ("/null<enter>v", &["a character device has no content"]),
        ("/a.txt<enter>v/thr<enter>q", &["Merged image"]),
        ("/a.txt<enter>vq", &["Merged image"]),
        ("/a.txt<enter>L", &["added", "modified: content", "RUN change"]),
        (
            "/a.txt<enter>L<enter>",
            &["as layer 0 shows it", "2 two\\u{1b}[31m"],
        ),
        (
            "/a.txt<enter>Ljd",
            &["layer 0 to layer 1", "-two\\u{1b}[31m", "+2", "@@ -1,3 +1,3 @@"],
        ),
        ("/a.txt<enter>L jD", &["layer 0 to layer 1"]),
        ("/a.txt<enter>LD", &["there is no version before this one"]),
        ("/a.txt<enter>LjDqq", &["Merged image"]),
        (
            "mm1/gone<enter>L",
            &[
                "removed by the whiteout of /srv/gone",
                "merged image shows nothing",
            ],
        ),
    ] {
        shows(&sandbox, keys, wanted);
    }
}

#[test]
fn files_and_directories_are_extracted() {
    let sandbox = sandbox();
    let target = "<ctrl-u>out/deep<enter>";
    shows(
        &sandbox,
        &format!("/data<enter>e{target}<enter>"),
        &["3 files, 4 directories"],
    );
    let data = sandbox.path("out/deep/data");
    assert_eq!(fs::metadata(data.join("large.bin")).unwrap().len(), 1_500_000);
    assert!(data.join("deep/er/and/deeper.txt").is_file());
    shows(
        &sandbox,
        &format!("/data<enter>e{target}<enter>"),
        &["is there already"],
    );
    shows(&sandbox, "/data<enter>e<esc>", &["Merged image"]);
    assert_eq!(names(&sandbox.path("out/deep")), ["data"]);
}
