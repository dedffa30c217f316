//! The rules of layers and of removal, case by case, from recipe to unpacked result.
//!
//! Each case goes through the built executable: saved as one layer, unpacked by umoci, compared with what the kernel shows
//! for the original, minus the lines that the case marks `gone`; and `slim verify` must agree. Saved with its layers kept,
//! or those of a base, the kernel shows the same of the result.

use serde_json::Value;

use crate::support::cmd::{Sandbox, int};
use crate::support::judges::{have_umoci, umoci};
use crate::support::medium::{layout_config, layout_layers, layout_manifest};
use crate::support::overlay::{have_overlay, overlay};
use crate::support::recipe::Recipe;

#[track_caller]
fn case(name: &str, flags: &str, text: &str) {
    if !have_umoci() || !have_overlay() {
        return;
    }
    let recipe = Recipe::new(text);
    let sandbox = Sandbox::with(&recipe);
    let want = overlay(&recipe.layers).without(&recipe.gone);
    sandbox.slim(&format!("save oci:src:t oci:out:t {flags}")).ok();
    umoci(&sandbox.path("out"), "t").assert_same(&want, name);
    sandbox.slim(&format!("verify oci:src:t oci:out:t {flags}")).ok();
    well_formed(
        name,
        &layout_layers(&sandbox.path("out"), Some("t"), "linux/amd64"),
    );
    for mode in ["keep", "base --base-layers 1"] {
        sandbox
            .slim(&format!("save oci:src:t oci:out:m {flags} --layers {mode}"))
            .ok();
        let layers = layout_layers(&sandbox.path("out"), Some("m"), "linux/amd64");
        overlay(&layers).assert_same(&want, &format!("{name} {mode}"));
        sandbox.slim(&format!("verify oci:src:t oci:out:m {flags}")).ok();
    }
}

/// Rules 7, 15a and 15b of every layer we write: no path twice, parents and link targets first, no markers, no 0:0 devices,
/// no global headers.
#[track_caller]
fn well_formed(name: &str, layers: &[Vec<u8>]) {
    let [tar] = layers else {
        panic!("{name}: a squash is one layer, not {}", layers.len())
    };
    let mut seen = std::collections::BTreeSet::new();
    for entry in tar::Archive::new(tar.as_slice()).entries().unwrap() {
        let entry = entry.unwrap();
        let text = |bytes: &[u8]| {
            bytes
                .escape_ascii()
                .to_string()
                .trim_start_matches("./")
                .trim_matches('/')
                .to_owned()
        };
        let path = text(&entry.path_bytes());
        let kind = entry.header().entry_type();
        assert!(
            !kind.is_pax_global_extensions() && !kind.is_gnu_sparse(),
            "{name}: {path} is {kind:?}"
        );
        if let Some((parent, base)) = path.rsplit_once('/') {
            assert!(seen.contains(parent), "{name}: {path} stands before its parent");
            assert!(!base.starts_with(".wh."), "{name}: {path} in a single layer");
        }
        if kind.is_hard_link() {
            let target = text(&entry.link_name_bytes().unwrap());
            assert!(
                seen.contains(&target),
                "{name}: {path} stands before its target {target}"
            );
            assert_eq!(entry.size(), 0, "{name}: {path}: a link has no body");
        }
        if kind.is_character_special() {
            let device = (
                entry.header().device_major().unwrap(),
                entry.header().device_minor().unwrap(),
            );
            assert_ne!(device, (Some(0), Some(0)), "{name}: {path} is a 0:0 device");
        }
        assert!(seen.insert(path.clone()), "{name}: {path} stands twice");
    }
}

/// Cases of the layer algebra: a plain squash shows what the engine shows.
macro_rules! algebra {
    ($($(#[$why:meta])* $name:ident: $text:expr;)+) => {$(
        $(#[$why])*
        #[test]
        fn $name() {
            case(stringify!($name), "--profile none", $text);
        }
    )+};
}

/// Cases of removal: with these flags the lines marked `gone` go, and nothing else.
macro_rules! removal {
    ($($(#[$why:meta])* $name:ident, $flags:expr, $text:expr;)+) => {$(
        $(#[$why])*
        #[test]
        fn $name() {
            case(stringify!($name), $flags, $text);
        }
    )+};
}

algebra! {
    rule_1_a_link_keeps_its_bytes_when_its_target_is_replaced: "
        layer\nf a 10\nh b a
        layer\nf a 20";
    rule_1_a_link_keeps_its_bytes_when_its_target_is_removed: "
        layer\nf a 10\nh b a\nh c a
        layer\nwh a";
    rule_1_the_carrier_goes_in_one_layer_and_the_next_link_in_another: "
        layer\nf x/a 10\nh x/b x/a\nh y/c x/a\nh y/d x/a
        layer\nwh x/a
        layer\nwh x/b";
    rule_1_a_link_to_a_file_of_an_earlier_layer: "
        layer\nd bin\nf bin/a 10 mode=755
        layer\nd bin\nh bin/b bin/a";
    rule_1_a_link_made_again_in_a_later_layer: "
        layer\nf a 10\nh b a
        layer\nf c 30\nh b c";
    rule_1_a_link_to_a_symlink: "
        layer\nl a target\nh b a";
    rule_1_the_directory_of_the_carrier_goes: "
        layer\nd x\nf x/a 10\nf keep 1\nh z x/a
        layer\nwh x";
    rule_2_opaque_hides_what_is_below: "
        layer\nd etc\nf etc/a 1\nd etc/sub\nf etc/sub/b 2
        layer\nd etc mode=700\nopq etc\nf etc/c 3";
    rule_2_opaque_after_the_layers_own_entries: "
        layer\nd etc\nf etc/a 1\nf etc/b 2
        layer\nd etc\nf etc/a 3\nd etc/new\nf etc/new/x 1\nopq etc";
    rule_2_opaque_in_an_implied_directory: "
        layer\nd etc mode=711\nf etc/a 1
        layer\nopq etc\nf etc/c 3";
    rule_3_a_removed_directory_takes_its_subtree: "
        layer\nd a\nd a/b\nf a/b/c 1\nf ab 1\nf a.c 1
        layer\nwh a";
    rule_3_a_directory_made_again_above_starts_empty: "
        layer\nd a\nf a/old 1
        layer\nwh a
        layer\nd a mode=750\nf a/new 2";
    rule_3_a_file_made_again_above: "
        layer\nf a 1
        layer\nwh a
        layer\nf a 2";
    rule_3_a_whiteout_of_nothing: "
        layer\nf a 1
        layer\nwh b\nf c 1";
    rule_3_only_a_prefix_is_a_whiteout: "
        layer\nf x.wh.y 1\nf .whx 2\nf .wh 3
        layer\nwh x.wh.y\nf .why 1";
    rule_4_an_explicit_directory_replaces_a_symlink: "
        layer\nd real\nf real/a 1\nl lib real
        layer\nd lib\nf lib/b 2";
    rule_4_symlinks_are_content: "
        layer\nd bin\nf bin/busybox 10 mode=755\nl bin/sh /bin/busybox\nl sbin bin\nl loop loop\nl up ../../..\nl nowhere gone";
    rule_4_an_implied_parent_hides_a_symlink: "
        layer\nd real\nf real/a 1\nl lib real
        layer\nf lib/b 2";
    rule_5_a_directory_becomes_a_file: "
        layer\nd a\nd a/b\nf a/b/c 1
        layer\nf a 2";
    rule_5_a_file_becomes_a_directory: "
        layer\nf a 2
        layer\nd a\nf a/b 1";
    rule_5_a_directory_becomes_a_symlink: "
        layer\nd a\nf a/b 1\nd c\nf c/b 2
        layer\nl a c";
    rule_5_a_directory_over_a_directory_takes_the_upper_metadata: "
        layer\nd a mode=700 uid=1 gid=2 mtime=100 xattr:user.old=01\nf a/b 1
        layer\nd a mode=755 uid=3 gid=4 mtime=200 xattr:user.new=02\nf a/c 1";
    rule_5_a_file_over_a_file_takes_nothing_from_below: "
        layer\nf a 5 mode=4755 uid=1 xattr:user.old=01
        layer\nf a 6";
    rule_6_the_last_of_two_equal_names_wins: "
        layer\nd x\nf x/a 10\nf x/a 20\nf b 1\nf b 2";
    rule_6_spellings_of_one_name: "
        layer\nd ./x\nf ./x/a 10\nf x/a 20\nd ./x mode=711";
    rule_6_a_link_to_the_earlier_of_two_equal_names: "
        layer\nf a 10\nh b a\nf a 20";
    rule_7_an_implied_parent_keeps_what_is_below: "
        layer\nd a mode=711 uid=7 gid=8 mtime=1234\nd a/b mode=1777 xattr:user.x=01\nf a/b/c 1
        layer\nf a/b/d 1";
    rule_7_a_parent_that_nobody_names: "
        layer\nf a/b/c/d 1\nl x/y/z w";
    rule_7_tmp_stays_1777: "
        layer\nd tmp mode=1777\nd var\nd var/tmp mode=1777
        layer\nf tmp/a 1\nwh tmp/a\nf var/tmp/b 1";
    rule_7_a_parent_implied_under_a_removed_one: "
        layer\nd a mode=700 uid=5\nd a/b mode=711 uid=5\nf a/b/c 1
        layer\nwh a
        layer\nf a/b/d 1";
    rule_9_layers_that_change_nothing: "
        layer\nf a 1
        layer
        layer\nwh nothing";
    rule_10_names_are_bytes: "
        layer\nd d\\xff\nf d\\xff/\\xe4\\xf6 5\nf ünïcode 1\nl l\\xfe \\xff\\xfe\nf back\\x5cslash 2\nf new\\x0aline 3\nh h d\\xff/\\xe4\\xf6";
    rule_12_attributes_owners_and_modes: "
        layer
        f cap 3 mode=755 xattr:security.capability=0100000200200000000000000000000000000000
        f bin 3 xattr:user.newline=0a3d0a xattr:trusted.t=00
        f su 4 mode=4755 uid=0 gid=5\nf sg 4 mode=2755\nd st mode=1777\nd sgd mode=2775 gid=50
        f far 5 uid=2097152 gid=4000000\nf zero 0 mode=0\nd attr xattr:user.d=ff";
    rule_12_times_to_the_nanosecond: "
        layer\nf a 1 mtime=1500000000.123456789\nd d mtime=1400000000.5\nf old 1 mtime=0\nl l a mtime=1300000000.25\nh b a mtime=1500000000.123456789";
    rule_12_devices_and_fifos: "
        layer\nd dev\nc dev/null 1 3 mode=666\nc dev/big 300 70000 mode=600 gid=6\np dev/fifo mode=640";
    rule_12_long_names: &format!("
        layer\nf {0}f 10\nl {1}l {0}{0}\nh {1}h {0}f", "directory-name/".repeat(20), "another/".repeat(11));
    the_last_file_goes: "
        layer\nf a 1
        layer\nwh a";
}

removal! {
    rule_23_contents_go_and_directories_stay, "", "
        layer\nd usr\nd usr/share\nd usr/share/man\nd usr/share/man/man1 mode=711
        f usr/share/man/man1/ls.1.gz 100 gone\nd usr/share/man/de\nd usr/share/man/de/man1\nf usr/share/man/de/man1/ls.1.gz 100 gone
        d var\nd var/lib\nd var/lib/apt\nd var/lib/apt/lists\nd var/lib/apt/lists/partial mode=700 uid=100
        f var/lib/apt/lists/lock 0\nf var/lib/apt/lists/debian_dists 1000 gone";
    rule_23_a_git_directory_goes_whole_if_it_is_one, "", "
        layer\nd app\nd app/.git gone\nf app/.git/HEAD text=\"ref: refs/heads/main\\n\"\nd app/.git/objects\nf app/.git/objects/pack 5000\nd app/.git/refs
        f app/main.py 10\nd odd\nd odd/.git\nf odd/.git/notes 10";
    rule_24_copyright_and_licences_stay, "", "
        layer\nd usr\nd usr/share\nd usr/share/doc\nd usr/share/doc/curl\nf usr/share/doc/curl/copyright 50
        f usr/share/doc/curl/changelog.gz 500 gone\nf usr/share/doc/curl/LICENSE.txt 5\nf usr/share/doc/curl/NOTICE 5\nf usr/share/doc/curl/COPYING 5
        d usr/share/common-licenses\nf usr/share/common-licenses/GPL-3 70";
    rule_25_package_databases_stay, "", "
        layer\nd var\nd var/lib\nd var/lib/dpkg\nf var/lib/dpkg/status 100\nd var/lib/dpkg/info\nf var/lib/dpkg/info/curl.list 10
        d lib\nd lib/apk\nd lib/apk/db\nf lib/apk/db/installed 100\nd var/cache\nd var/cache/apk\nf var/cache/apk/APKINDEX.tar.gz 900 gone";
    rule_26_the_locale_of_the_environment_stays, "", "
        config {\"Env\":[\"LANG=de_DE.UTF-8\"]}
        layer\nd usr\nd usr/share\nd usr/share/locale\nf usr/share/locale/locale.alias 30
        d usr/share/locale/de\nd usr/share/locale/de/LC_MESSAGES\nf usr/share/locale/de/LC_MESSAGES/ls.mo 40
        d usr/share/locale/fr\nd usr/share/locale/fr/LC_MESSAGES\nf usr/share/locale/fr/LC_MESSAGES/ls.mo 41 gone
        d usr/lib\nd usr/lib/locale\nd usr/lib/locale/C.utf8\nf usr/lib/locale/C.utf8/LC_CTYPE 50";
    rule_27_a_pyc_goes_only_where_its_py_is, "", "
        layer\nd app\nd app/__pycache__\nf app/a.py 10\nf app/__pycache__/a.cpython-312.pyc 20 gone
        f app/__pycache__/b.cpython-312.pyc 30\nd only\nf only/c.pyc 40";
    rule_27_a_py_removed_above_keeps_its_pyc, "", "
        layer\nd app\nd app/__pycache__\nf app/a.py 10\nf app/__pycache__/a.cpython-312.pyc 20
        layer\nwh app/a.py";
    rule_28_a_directory_name_is_no_evidence, "", "
        layer\nd app\nd app/node_modules\nd app/node_modules/yaml\nd app/node_modules/yaml/dist\nd app/node_modules/yaml/dist/doc
        f app/node_modules/yaml/dist/doc/Document.js 100\nf app/node_modules/yaml/package.json text=\"{}\"";
    rule_29_certificates_and_time_zones_stay, "", "
        layer\nd etc\nd etc/ssl\nd etc/ssl/certs\nf etc/ssl/certs/ca-certificates.crt 200\nd usr\nd usr/share\nd usr/share/zoneinfo
        f usr/share/zoneinfo/UTC 100\nd usr/share/ca-certificates\nf usr/share/ca-certificates/a.crt 10";
    rule_29a_a_safe_category_takes_no_symlink_and_no_target_of_one, "", "
        layer\nd var\nd var/log\nd var/log/nginx\nl var/log/nginx/access.log /dev/stdout\nd var/cache\nd var/cache/apt\nd var/cache/apt/archives
        f var/cache/apt/archives/a.deb 100\nf var/cache/apt/archives/b.deb 200 gone\nd opt\nl opt/a.deb ../var/cache/apt/archives/a.deb";
    rule_29a_through_a_symlinked_directory, "", "
        layer\nd var\nd var/cache\nd var/cache/apk\nf var/cache/apk/a.apk 100\nl cache /var/cache/apk\nd opt\nl opt/a ../cache/a.apk
        f var/cache/apk/b.apk 100 gone";
    rule_30_headers_and_static_libraries_are_not_in_the_default, "", "
        layer\nd usr\nd usr/include\nf usr/include/stdio.h 10\nd usr/lib\nf usr/lib/libc.a 1000\nd usr/bin\nf usr/bin/gcc 100 mode=755";
    rule_31_a_link_that_dangled_before_stays, "", "
        layer\nl a nowhere\nd usr\nd usr/share\nd usr/share/man\nl usr/share/man/x ../missing";
    a_path_named_by_hand, "--profile none --remove-path /srv/data/**", "
        layer\nd srv\nd srv/data\nf srv/data/a 10 gone\nd srv/data/b gone\nf srv/data/b/c 20\nf srv/date 30";
    a_kept_path_wins_over_a_removed_one, "--profile none --remove-path /srv/** --keep-path /srv/keep/**", "
        layer\nd srv\nf srv/a 10 gone\nd srv/keep\nf srv/keep/b 20";
    a_category_kept_by_hand, "--keep apt-cache", "
        layer\nd var\nd var/cache\nd var/cache/apt\nd var/cache/apt/archives\nf var/cache/apt/archives/a.deb 100
        d var/cache/apk\nf var/cache/apk/a 100 gone";
    a_category_removed_by_hand, "--profile none --remove apk-cache", "
        layer\nd var\nd var/cache\nd var/cache/apt\nd var/cache/apt/archives\nf var/cache/apt/archives/a.deb 100
        d var/cache/apk\nf var/cache/apk/a 100 gone";
    rule_8_a_removed_file_does_not_resurface, "", "
        layer\nd var\nd var/cache\nd var/cache/apk\nf var/cache/apk/a 100
        layer\nf var/cache/apk/a 200 gone";
    rule_1_a_removed_name_whose_inode_stays, "--profile none --remove-path /cache/**", "
        layer\nd cache\nf cache/a 100 gone\nd lib\nh lib/a cache/a\nh lib/b cache/a";
    a_temporary_file_that_starts_the_container_stays, "", "
        config {\"Entrypoint\":[\"/tmp/start\"]}
        layer\nd tmp mode=1777\nf tmp/start mode=755 text=\"#!/bin/sh\\n\"\nf tmp/junk 100 gone";
}

/// Rule 4, the second half: both readings are named.
#[test]
fn rule_4_an_implied_parent_over_a_symlink_is_warned_of() {
    let sandbox = Sandbox::with(&Recipe::new("layer\nd real\nl lib real\nlayer\nf lib/b 2"));
    let report = sandbox.slim("report --format json oci:src:t").json();
    let warnings = report["warnings"].as_array().unwrap();
    let found = warnings
        .iter()
        .find(|row| row["code"] == "implied-parent-over-symlink");
    let path = found.unwrap_or_else(|| panic!("{report:#}"))["path"]
        .as_str()
        .unwrap();
    assert_eq!(path.trim_matches('/'), "lib");
}

#[test]
fn what_is_protected_and_named_by_hand_is_refused_unless_forced() {
    let recipe = Recipe::new("layer\nd etc\nf etc/passwd 5\nf etc/motd 10");
    let sandbox = Sandbox::with(&recipe);
    let flags = "--profile none --remove-path /etc/passwd";
    let save = format!("save --quiet oci:src:t oci:out:t {flags}");
    sandbox.slim(&save).one_line(2, &["/etc/passwd", "--force-path"]);
    assert!(!sandbox.path("out").exists(), "nothing was written");
    sandbox.slim(&format!("{save} --force-path /etc/passwd")).ok();
    let tar = &layout_layers(&sandbox.path("out"), Some("t"), "linux/amd64")[0];
    let mut tar = tar::Archive::new(tar.as_slice());
    let names = tar
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path_bytes().into_owned());
    assert_eq!(
        names.collect::<Vec<_>>(),
        [b"etc/".to_vec(), b"etc/motd".to_vec()]
    );
}

#[test]
fn rule_31_a_link_that_dangles_because_of_us_is_listed() {
    let recipe = Recipe::new("layer\nd a\nf a/target 100\nl link a/target");
    let sandbox = Sandbox::with(&recipe);
    let plan = sandbox
        .slim("plan --format json oci:src:t --profile none --remove-path /a/target")
        .json();
    assert!(
        plan.to_string().contains("/link\"") || plan.to_string().contains("\"link\""),
        "{plan:#}"
    );
    assert_eq!(
        plan.pointer("/removals/0/path")
            .and_then(Value::as_str)
            .map(|path| path.trim_matches('/')),
        Some("a/target")
    );
}

/// Rules 17, 18 and 19: what we don't change stays, in order; history tells the story and blames nobody.
#[test]
fn rule_19_the_config_after_a_squash() {
    let recipe = Recipe::new(
        "config {\"Shell\":[\"/bin/bash\"],\"OnBuild\":[\"RUN x\"],\"ArgsEscaped\":true,\"Unknown\":{\"b\":1,\"a\":1.50}}
         top {\"variant\":\"v8\",\"container\":\"abc\",\"zzz\":[1]}
         layer RUN one\nf a 1\nempty ENV A=b\nlayer RUN two\nf b 1\nwh a",
    );
    let sandbox = Sandbox::with(&recipe);
    sandbox.slim("save oci:src:t oci:out:t --profile none").ok();
    let config = config(&sandbox);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        config["config"].to_string(),
        recipe.config["config"].to_string(),
        "untouched, byte for byte"
    );
    assert_eq!(keys(&config), keys(&recipe.config), "all keys, in order");
    for key in ["variant", "container", "zzz", "created", "architecture"] {
        assert_eq!(config[key], recipe.config[key], "{key}");
    }
    let history = config["history"].as_array().unwrap();
    let old: Vec<_> = history[..3]
        .iter()
        .map(|row| row["created_by"].as_str().unwrap())
        .collect();
    assert_eq!(old, ["RUN one", "ENV A=b", "RUN two"]);
    assert!(
        history[..3].iter().all(|row| row["empty_layer"] == true),
        "{history:#?}"
    );
    assert_eq!(history.len(), 4);
    assert_ne!(history[3]["empty_layer"], true);
    assert_eq!(history[3]["created"], recipe.config["created"]);
    assert_eq!(
        config
            .pointer("/rootfs/diff_ids")
            .and_then(Value::as_array)
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn rule_18_an_image_without_history_stays_without() {
    let mut recipe = Recipe::new("layer\nf a 1\nlayer\nf b 1");
    recipe.config.as_object_mut().unwrap().shift_remove("history");
    let sandbox = Sandbox::with(&recipe);
    sandbox.slim("save oci:src:t oci:out:t --profile none").ok();
    assert_eq!(config(&sandbox).get("history"), None);
}

/// Rule 21: a result that differs says where it comes from.
#[test]
fn rule_21_the_source_is_named() {
    let sandbox = Sandbox::with(&Recipe::new("layer\nf a 1\nlayer\nf b 1"));
    let source = read(&sandbox, "src/index.json")
        .pointer("/manifests/0/digest")
        .unwrap()
        .clone();
    sandbox.slim("save oci:src:t oci:out:t --profile none").ok();
    let annotations = manifest(&sandbox)["annotations"].clone();
    assert_eq!(
        annotations["io.github.layerslim.source"], source,
        "{annotations:#}"
    );
    assert_eq!(annotations["io.github.layerslim.profile"], "none");
}

#[test]
fn a_dry_run_writes_nothing() {
    let sandbox = Sandbox::with(&Recipe::new("layer\nf a 1\nd tmp\nf tmp/junk 5000"));
    sandbox.slim("save oci:src:t oci:out:t --dry-run").ok();
    assert!(!sandbox.path("out").exists());
}

/// A plan lists what goes, and a verification knows what it was told to expect.
#[test]
fn a_plan_lists_what_goes() {
    let recipe = Recipe::new("layer\nd tmp mode=1777\nf tmp/junk 5000 gone\nf a 1");
    let sandbox = Sandbox::with(&recipe);
    let plan = sandbox.slim("plan oci:src:t --format json").json();
    let removals = plan["removals"].as_array().unwrap();
    let paths: Vec<_> = removals
        .iter()
        .map(|row| row["path"].as_str().unwrap().trim_matches('/'))
        .collect();
    assert_eq!(paths, recipe.gone);
    assert_eq!(int(&plan, "/totals/disk_bytes"), 5000);
    assert_eq!(removals[0]["category"], "temporary-files");
    sandbox.slim("save oci:src:t oci:out:t").ok();
    sandbox.slim("verify oci:src:t oci:out:t").ok();
    let other = sandbox.slim("verify oci:src:t oci:out:t --profile none").code(1);
    assert!(other.stdout.contains("tmp/junk"), "{}", other.stdout);
}

fn read(sandbox: &Sandbox, path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(sandbox.path(path)).unwrap()).unwrap()
}

fn manifest(sandbox: &Sandbox) -> Value {
    layout_manifest(&sandbox.path("out"))
}

fn config(sandbox: &Sandbox) -> Value {
    layout_config(&sandbox.path("out"))
}
