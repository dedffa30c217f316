//! Finding things: order, names, layers, searches and filters.

use super::{frame, sandbox, shows};

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
