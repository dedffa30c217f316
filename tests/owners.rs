//! Who installed a file, through the executable: the databases of package managers, the paths that they mean, and sums.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::support::built;
use crate::support::cmd::Sandbox;
use crate::support::recipe::Recipe;

/// What, the recipe (in its texts `'` is `"`), and of every file whose owner is looked at: path, owner or `-`.
type Case = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const CASES: &[Case] = &[
    (
        "dpkg, with a merged /usr, a diversion and lists of an architecture",
        r#"
        layer
        d usr
        d usr/bin
        l bin usr/bin
        f usr/bin/ls 100
        f usr/bin/dash.distrib 110
        f usr/bin/dash 120
        f usr/lib/libc.so 130
        f usr/lib/libc-i386.so 140
        f usr/bin/other 150
        f usr/bin/gone 160
        f var/lib/dpkg/status text="Package: coreutils\nStatus: install ok installed\nArchitecture: amd64\nVersion: 9.1-1\n\nPackage: dash\nStatus: install ok installed\nVersion: 0.5\n\nPackage: bash\nStatus: install ok installed\nVersion: 5.2\n\nPackage: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36\n\nPackage: libc6\nStatus: install ok installed\nArchitecture: i386\nVersion: 2.36\n\nPackage: purged\nStatus: deinstall ok config-files\nVersion: 1\n"
        f var/lib/dpkg/diversions text="/bin/dash\n/bin/dash.distrib\nbash\n"
        f var/lib/dpkg/info/coreutils.list text="/.\n/bin\n/bin/ls\n"
        f var/lib/dpkg/info/dash.list text="/.\n/bin\n/bin/dash\n"
        f var/lib/dpkg/info/bash.list text="/.\n/usr\n/usr/bin\n/usr/bin/dash\n"
        f var/lib/dpkg/info/libc6:amd64.list text="/usr/lib/libc.so\n"
        f var/lib/dpkg/info/libc6:i386.list text="/usr/lib/libc-i386.so\n/../../usr/lib/../lib/none\n"
        f var/lib/dpkg/info/purged.list text="/usr/bin/gone\n"
        "#,
        &[
            ("/usr/bin/ls", "deb:coreutils"),
            ("/usr/bin/dash.distrib", "deb:dash"),
            ("/usr/bin/dash", "deb:bash"),
            ("/usr/lib/libc.so", "deb:libc6"),
            ("/usr/lib/libc-i386.so", "deb:libc6"),
            ("/usr/bin/other", "-"),
            ("/usr/bin/gone", "-"),
            ("/var/lib/dpkg/status", "-"),
        ],
    ),
    (
        "packages without dpkg",
        r#"
        layer
        f etc/nsswitch.conf 100
        f etc/other 110
        f var/lib/dpkg/status.d/base text="Package: base-files\nVersion: 12\nArchitecture: amd64\n"
        f var/lib/dpkg/status.d/base.md5sums text="d41d8cd98f00b204e9800998ecf8427e  etc/nsswitch.conf\nshort\n"
        "#,
        &[("/etc/nsswitch.conf", "deb:base-files"), ("/etc/other", "-")],
    ),
    (
        "apk, in both of its places; what a later layer removes keeps its owner",
        r#"
        layer
        f bin/busybox 100
        f usr/bin/gcc 200
        f lib/apk/db/installed text="P:busybox\nV:1.36\nA:x86_64\nF:bin\nR:busybox\n\nP:gcc\nV:13\nF:usr/bin\nR:gcc\n\n"
        layer
        wh usr/bin/gcc
        wh lib/apk
        f usr/lib/apk/db/installed text="P:busybox\nV:1.36\nA:x86_64\nF:bin\nR:busybox\n\n"
        "#,
        &[("/bin/busybox", "apk:busybox"), ("/usr/bin/gcc", "apk:gcc")],
    ),
    (
        "wheels: quotes, scripts outside, compiled files; what dpkg installed is dpkg's",
        r#"
        layer
        f opt/v/bin/tool 100
        f opt/v/lib/python3/site-packages/a,b.py 110
        f opt/v/lib/python3/site-packages/c.py 120
        f opt/v/lib/python3/site-packages/__pycache__/c.cpython-312.pyc 130
        f opt/v/lib/python3/site-packages/shared.py 140
        f opt/v/lib/python3/site-packages/own.py 150
        f opt/v/lib/python3/site-packages/Tool-1.0.dist-info/METADATA text="Metadata-Version: 2.1\nName: Tool\nVersion: 1.0\n\ntext\n"
        f opt/v/lib/python3/site-packages/Tool-1.0.dist-info/RECORD text="../../../bin/tool,sha256=x,1\n'a,b.py',,\nc.py,,\nshared.py,,\n../../../../../../../../etc/passwd,,\n"
        f etc/passwd 160
        f opt/egg/mod/x.py 170
        f opt/egg/mod.py 180
        f opt/egg/x.egg/x/y.py 190
        f opt/egg/x.egg/EGG-INFO/PKG-INFO text="Name: x\nVersion: 3\n"
        f opt/egg/Old-2.egg-info/PKG-INFO text="Name: Old\nVersion: 2\n"
        f opt/egg/Old-2.egg-info/top_level.txt text="mod\n../../etc\n"
        f var/lib/dpkg/status text="Package: python\nVersion: 3\n"
        f var/lib/dpkg/info/python.list text="/opt/v/lib/python3/site-packages/shared.py\n"
        "#,
        &[
            ("/opt/v/bin/tool", "pypi:Tool"),
            ("/opt/v/lib/python3/site-packages/a,b.py", "pypi:Tool"),
            (
                "/opt/v/lib/python3/site-packages/__pycache__/c.cpython-312.pyc",
                "pypi:Tool",
            ),
            ("/opt/v/lib/python3/site-packages/shared.py", "deb:python"),
            ("/opt/v/lib/python3/site-packages/own.py", "-"),
            ("/etc/passwd", "pypi:Tool"),
            ("/opt/egg/mod/x.py", "pypi:Old"),
            ("/opt/egg/mod.py", "pypi:Old"),
            ("/opt/egg/x.egg/x/y.py", "pypi:x"),
            ("/opt/egg/Old-2.egg-info/PKG-INFO", "pypi:Old"),
        ],
    ),
    (
        "npm: scopes, packages in packages, and the application around them",
        r#"
        layer
        f app/package.json text="{'name':'shop','version':'3'}"
        f app/server.js 100
        f app/node_modules/.bin/a 110
        f app/node_modules/a/package.json text="{'name':'a','version':'1'}"
        f app/node_modules/a/dist/package.json text="{'name':'not-a-package','version':'1'}"
        f app/node_modules/a/dist/a.js 120
        f app/node_modules/a/node_modules/b/package.json text="{'name':'b','version':'1'}"
        f app/node_modules/a/node_modules/b/b.js 130
        f app/node_modules/a/node_modules/stray.js 140
        f app/node_modules/@s/c/package.json text="{'name':'@s/c','version':'2'}"
        f app/node_modules/@s/c/c.js 150
        f etc/other 160
        "#,
        &[
            ("/app/server.js", "npm:shop"),
            ("/app/node_modules/.bin/a", "-"),
            ("/app/node_modules/a/dist/a.js", "npm:a"),
            ("/app/node_modules/a/dist/package.json", "npm:a"),
            ("/app/node_modules/a/node_modules/b/b.js", "npm:b"),
            ("/app/node_modules/a/node_modules/stray.js", "-"),
            ("/app/node_modules/@s/c/c.js", "npm:@s/c"),
            ("/etc/other", "-"),
        ],
    ),
    (
        "gems",
        r##"
        layer
        f var/gems/specifications/rake-13.0.gemspec text="# -*- encoding: utf-8 -*-\n# stub: rake 13.0 ruby lib\n"
        f var/gems/gems/rake-13.0/lib/rake.rb 100
        f var/gems/gems/rake-13.1/lib/rake.rb 110
        "##,
        &[
            ("/var/gems/gems/rake-13.0/lib/rake.rb", "gem:rake"),
            ("/var/gems/gems/rake-13.1/lib/rake.rb", "-"),
        ],
    ),
];

#[test]
fn every_file_has_the_owner_that_installed_it() {
    for (what, text, want) in CASES {
        let sandbox = Sandbox::with(&recipe(text));
        let report = sandbox.slim("report --format json oci:src:t").json();
        let owners: BTreeMap<&str, &str> = rows(&report, "/largest")
            .iter()
            .map(|row| {
                (
                    row["path"].as_str().unwrap(),
                    row["owner"].as_str().unwrap_or("-"),
                )
            })
            .collect();
        for (path, owner) in *want {
            assert_eq!(owners.get(path), Some(owner), "{what}: {path}");
        }
    }
}

#[test]
fn owners_and_what_nobody_owns_are_all_there_is() {
    for (what, text, _) in CASES {
        let sandbox = Sandbox::with(&recipe(text));
        for by in ["owner", "layer,owner", "owner,category", "directory,owner,layer"] {
            let report = sandbox
                .slim(&format!("report --format json --by {by} oci:src:t"))
                .json();
            let total = |key: &str| number(&report["totals"], key);
            let mut leaves = Vec::new();
            let groups = rows(&report, "/breakdown");
            for group in groups {
                owner_groups(group, "", &mut leaves);
            }
            let sum = |of: &dyn Fn(&str) -> bool, at: usize| -> u64 {
                leaves
                    .iter()
                    .filter(|(key, _)| of(key))
                    .map(|(_, numbers)| numbers[at])
                    .sum()
            };
            for (at, key) in ["files", "disk_bytes", "visible_bytes"].iter().enumerate() {
                let owned: u64 = rows(&report, "/owners").iter().map(|row| number(row, key)).sum();
                assert_eq!(sum(&|_| true, at), total(key), "{what}, by {by}: {key}");
                assert_eq!(sum(&|key| key != "none", at), owned, "{what}, by {by}: {key}");
                assert!(
                    owned > 0 && owned < total(key),
                    "{what}: some are owned, some are not"
                );
            }
        }
    }
}

#[test]
fn packages_that_are_gone_are_told_from_those_that_are_there() {
    let (_, text, _) = CASES[2];
    let sandbox = Sandbox::with(&recipe(text));
    let report = sandbox.slim("report --format json oci:src:t").json();
    let shown: Vec<String> = rows(&report, "/owners")
        .iter()
        .map(|row| {
            let word = |key: &str| row[key].to_string();
            [
                "name",
                "version",
                "arch",
                "installed",
                "disk_bytes",
                "visible_bytes",
            ]
            .map(word)
            .join(" ")
        })
        .collect();
    assert_eq!(
        shown,
        [
            r#""gcc" "13" null false 200 0"#,
            r#""busybox" "1.36" "x86_64" true 100 100"#
        ]
    );
    let text = sandbox.slim("report oci:src:t").ok().stdout;
    assert!(text.contains("Packages") && text.contains("busybox"), "{text}");
}

/// Programs and archives that say what they are: some that a package manager has installed, and one that is removed.
fn built_image() -> Sandbox {
    let info =
        "path\texample.org/tool/cmd/tool\nmod\texample.org/tool\tv1.2.3\th1:x=\ndep\tb.org/b\tv0.1.0\n";
    let audit = r#"{"packages":[{"name":"itoa","version":"1.0.1","source":"crates.io"},{"name":"grep","version":"0.3.1","source":"local","root":true}]}"#;
    let pom = "version=2.1\nartifactId=shop\n";
    let main = ("META-INF/MANIFEST.MF", "Main-Class: a.B\n");
    let version = ("META-INF/MANIFEST.MF", "Implementation-Version: 7\n");
    let go = hex(&built::go(info));
    let gone = hex(&built::go("mod\texample.org/gone\t(devel)\t\n"));
    let rust = hex(&built::rust(audit));
    let shop = hex(&built::jar(&[
        main,
        ("META-INF/maven/g/shop/pom.properties", pom),
    ]));
    let other = hex(&built::jar(&[version]));
    Sandbox::with(&recipe(&format!(
        r#"
        layer
        f srv/tool hex={go}
        f usr/bin/tool hex={go}
        f srv/gone hex={gone}
        f srv/grep hex={rust}
        f srv/shop-2.1.jar hex={shop}
        f srv/lib/other.jar hex={other}
        f srv/lib/other.zip hex={other}
        f usr/lib/python3/grep/bin/grep hex={rust}
        f usr/lib/python3/grep-1.dist-info/METADATA text="Name: grep\nVersion: 1\n"
        f usr/lib/python3/grep-1.dist-info/RECORD text="grep/bin/grep,,\n"
        f var/lib/dpkg/status text="Package: tool\nVersion: 1\n"
        f var/lib/dpkg/info/tool.list text="/usr/bin/tool\n"
        layer
        wh srv/gone
        "#
    )))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[test]
fn programs_and_archives_are_their_own_where_nobody_installed_them() {
    let report = built_image().slim("report --format json oci:src:t").json();
    let owners: BTreeMap<&str, &str> = rows(&report, "/largest")
        .iter()
        .map(|row| {
            (
                row["path"].as_str().unwrap(),
                row["owner"].as_str().unwrap_or("-"),
            )
        })
        .collect();
    for (path, owner) in [
        ("/srv/tool", "go:example.org/tool"),
        ("/usr/bin/tool", "deb:tool"),
        ("/srv/gone", "go:example.org/gone"),
        ("/srv/grep", "rust:grep"),
        ("/usr/lib/python3/grep/bin/grep", "pypi:grep"),
        ("/srv/shop-2.1.jar", "java:shop"),
        ("/srv/lib/other.jar", "java:other"),
        ("/srv/lib/other.zip", "-"),
    ] {
        assert_eq!(owners.get(path), Some(&owner), "{path}");
    }
}

#[test]
fn programs_and_archives_are_listed_as_packages() {
    let sandbox = built_image();
    let report = sandbox.slim("report --by owner --format json oci:src:t").json();
    let mut shown: Vec<String> = rows(&report, "/owners")
        .iter()
        .map(|row| {
            ["kind", "name", "version", "installed", "files"]
                .map(|key| row[key].to_string())
                .join(" ")
        })
        .collect();
    shown.sort_unstable();
    assert_eq!(
        shown,
        [
            r#""deb" "tool" "1" true 1"#,
            r#""go" "example.org/gone" "" false 1"#,
            r#""go" "example.org/tool" "v1.2.3" true 1"#,
            r#""java" "other" "7" true 1"#,
            r#""java" "shop" "2.1" true 1"#,
            r#""pypi" "grep" "1" true 3"#,
            r#""rust" "grep" "0.3.1" true 1"#,
        ]
    );
    let keys: Vec<&str> = rows(&report, "/breakdown")
        .iter()
        .map(|row| row["key"].as_str().unwrap())
        .collect();
    for key in ["go:example.org/tool", "rust:grep", "java:shop"] {
        assert!(keys.contains(&key), "{key}: {keys:?}");
    }
}

#[test]
fn an_image_without_packages_has_no_section_of_them() {
    let sandbox = Sandbox::with(&Recipe::new("layer\nf a 5"));
    let report = sandbox.slim("report --format json oci:src:t").json();
    assert_eq!(report["owners"], Value::Array(Vec::new()));
    assert!(!sandbox.slim("report oci:src:t").ok().stdout.contains("Packages"));
}

fn recipe(text: &str) -> Recipe {
    Recipe::new(&text.replace('\'', r"\x22"))
}

fn rows<'a>(report: &'a Value, pointer: &str) -> &'a [Value] {
    report.pointer(pointer).and_then(Value::as_array).expect("a list")
}

fn number(row: &Value, key: &str) -> u64 {
    row[key].as_u64().expect("a number")
}

/// The innermost groups, with the owner that they belong to.
fn owner_groups(group: &Value, owner: &str, leaves: &mut Vec<(String, [u64; 3])>) {
    let is_owner = group["dimension"] == "owner";
    let owner = if is_owner {
        group["key"].as_str().unwrap()
    } else {
        owner
    };
    let children = rows(group, "/children");
    for child in children {
        owner_groups(child, owner, leaves);
    }
    if children.is_empty() {
        leaves.push((
            owner.to_owned(),
            ["files", "disk_bytes", "visible_bytes"].map(|key| number(group, key)),
        ));
    }
}
