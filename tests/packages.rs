//! Packages that go whole, through the executable: who goes, who is refused and by which chain, and what is left of the
//! databases; in every mode of layers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;

use serde_json::Value;

use crate::startup::elf;
use crate::support::cmd::Sandbox;
use crate::support::medium::layout_layers;
use crate::support::recipe::Recipe;

/// A deb: name, more fields (one a line), files.
type Deb = (&'static str, &'static str, &'static [&'static str]);

/// The lines of a layer that has these packages installed, with those of them that apt installed by itself.
fn debs(debs: &[Deb], automatic: &[&str]) -> String {
    let (mut lines, mut status, mut states) = (String::new(), String::new(), String::new());
    for (name, fields, files) in debs {
        let _ = write!(
            status,
            r"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0\n"
        );
        for field in fields.lines() {
            let _ = write!(status, r"{}\n", field.trim());
        }
        status.push_str(r"\n");
        let mut list = String::from(r"/.\n/usr\n/usr/bin\n/usr/lib\n");
        let _ = write!(list, r"/usr/share\n/usr/share/{name}\n/usr/share/{name}/text\n");
        let _ = writeln!(lines, "d usr/share/{name}\nf usr/share/{name}/text 10");
        for file in *files {
            let _ = write!(list, r"/{file}\n");
            let _ = writeln!(lines, "f {file} 100");
        }
        let _ = writeln!(
            lines,
            "f var/lib/dpkg/info/{name}.list text=\"{list}\"\nf var/lib/dpkg/info/{name}.md5sums 30"
        );
    }
    for name in automatic {
        let _ = write!(
            states,
            r"Package: {name}\nArchitecture: amd64\nAuto-Installed: 1\n\n"
        );
    }
    let _ = writeln!(lines, "f var/lib/dpkg/status text=\"{status}\"");
    if !automatic.is_empty() {
        let _ = writeln!(lines, "f var/lib/apt/extended_states text=\"{states}\"");
    }
    lines
}

/// `kind:name why` of the packages that go, sorted.
fn gone(plan: &Value) -> Vec<String> {
    let rows = plan["packages"].as_array().unwrap().iter();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let mut gone: Vec<String> = rows
        .map(|row| format!("{}:{} {}", text(row, "kind"), text(row, "name"), text(row, "why")))
        .collect();
    gone.sort();
    gone
}

/// What is refused: the rule and the reason.
fn refused(plan: &Value) -> Vec<String> {
    let rows = plan["refused"].as_array().unwrap().iter();
    rows.map(|row| {
        format!(
            "{}: {}",
            row["rule"].as_str().unwrap(),
            row["reason"].as_str().unwrap()
        )
    })
    .collect()
}

fn plan(sandbox: &Sandbox, flags: &str) -> Value {
    sandbox
        .slim(&format!("plan oci:src:t --profile none {flags} --format json"))
        .json()
}

/// The files of the image that is left, the same in every mode; each mode is verified.
fn left(sandbox: &Sandbox, flags: &str) -> BTreeMap<String, String> {
    let flags = format!("--profile none {flags}");
    let mut modes = ["squash", "keep", "base --base-layers 1"].map(|mode| {
        sandbox
            .slim(&format!("save oci:src:t oci:out:m {flags} --layers {mode}"))
            .ok();
        sandbox.slim(&format!("verify oci:src:t oci:out:m {flags}")).ok();
        sandbox.slim("save oci:out:m oci:flat:f --profile none").ok();
        files(sandbox, "flat", "f")
    });
    assert_eq!(modes[0], modes[1], "keep");
    assert_eq!(modes[0], modes[2], "base");
    std::mem::take(&mut modes[0])
}

/// Every path of an image of one layer, with the text of what is text.
fn files(sandbox: &Sandbox, layout: &str, tag: &str) -> BTreeMap<String, String> {
    let layers = layout_layers(&sandbox.path(layout), Some(tag), "linux/amd64");
    let [tar] = layers.as_slice() else {
        panic!("{} layers", layers.len())
    };
    let mut found = BTreeMap::new();
    for entry in tar::Archive::new(tar.as_slice()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry
            .path()
            .unwrap()
            .to_string_lossy()
            .trim_end_matches('/')
            .to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        found.insert(path, String::from_utf8_lossy(&bytes).into_owned());
    }
    found
}

const TOOLS: &[Deb] = &[
    ("base", "Essential: yes\nDepends: libc", &["usr/bin/sh"]),
    ("libc", "Priority: optional", &["usr/lib/libc.so.6"]),
    (
        "gcc",
        "Depends: cpp (>= 0.9), binutils | other, libgomp, libc",
        &["usr/bin/gcc"],
    ),
    ("cpp", "Depends: libisl, libc", &["usr/bin/cpp"]),
    ("binutils", "Depends: libc", &["usr/bin/ld"]),
    ("libisl", "Depends: libc", &["usr/lib/libisl.so.23"]),
    ("libgomp", "Depends: libc", &["usr/lib/libgomp.so.1"]),
    ("stray", "Depends: libc", &["usr/bin/stray"]),
];

#[test]
fn a_deb_goes_with_its_rows_and_with_what_only_it_needed() {
    let layer = debs(TOOLS, &["cpp", "binutils", "libisl", "libgomp", "stray"]);
    let sandbox = Sandbox::with(&Recipe::new(&format!("layer\n{layer}\nlayer\nf app/x 5")));
    let plan = plan(&sandbox, "--remove-package gcc");
    assert_eq!(
        gone(&plan),
        [
            "deb:binutils unneeded",
            "deb:cpp unneeded",
            "deb:gcc named",
            "deb:libgomp unneeded",
            "deb:libisl unneeded"
        ],
        "not `stray`, which nothing needed before either"
    );
    assert_eq!(refused(&plan), [""; 0]);
    let kinds: Vec<_> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["kind"])
        .collect();
    assert_eq!(kinds, ["package-rows", "package-rows"]);
    let left = left(&sandbox, "--remove-package deb:gcc");
    for (name, ..) in &TOOLS[2..7] {
        let trace = left.keys().find(|path| path.contains(&format!("/{name}")));
        assert_eq!(trace, None, "{name}");
        for database in ["var/lib/dpkg/status", "var/lib/apt/extended_states"] {
            assert!(
                !left[database].contains(&format!("Package: {name}\n")),
                "{name} in {database}"
            );
        }
    }
    for path in [
        "usr/bin/sh",
        "usr/lib/libc.so.6",
        "usr/bin/stray",
        "var/lib/dpkg/info/base.list",
        "usr/share",
    ] {
        assert!(left.contains_key(path), "{path}");
    }
    assert!(left["var/lib/dpkg/status"].contains("Package: stray\n"));
    assert_eq!(left["var/lib/apt/extended_states"].matches("Package").count(), 1);
}

#[test]
fn what_a_package_that_stays_needs_is_refused_with_the_chain() {
    let layer = debs(
        &[
            ("app", "Depends: tool (>= 1)", &["usr/bin/app"]),
            ("tool", "Pre-Depends: lib:any", &["usr/bin/tool"]),
            ("lib", "Multi-Arch: foreign", &["usr/lib/lib.txt"]),
            ("awk", "Depends: mawk | gawk, editor", &["usr/bin/awk-user"]),
            ("mawk", "", &["usr/bin/mawk"]),
            ("gawk", "", &["usr/bin/gawk"]),
            ("vi", "Provides: editor", &["usr/bin/vi"]),
            ("ed", "Essential: yes\nProvides: editor", &["usr/bin/ed"]),
            ("nano", "Provides: editor (= 3)", &["usr/bin/nano"]),
            ("new", "Depends: editor (>= 2)", &["usr/bin/new"]),
        ],
        &[],
    );
    let sandbox = Sandbox::with(&Recipe::new(&format!("layer\n{layer}")));
    for (names, chain) in [
        ("tool", "a package that stays depends on it: deb:app → deb:tool"),
        (
            "tool,lib",
            "a package that stays depends on it: deb:app → deb:tool",
        ),
        ("lib", "a package that stays depends on it: deb:tool → deb:lib"),
        ("mawk,gawk", "a package that stays depends on it: deb:awk → deb:"),
        ("nano", "a package that stays depends on it: deb:new → deb:nano"),
        ("ed", "it is essential or required"),
    ] {
        sandbox
            .slim(&format!("plan oci:src:t --profile none --remove-package {names}"))
            .one_line(2, &[chain]);
    }
    for names in ["mawk", "gawk", "vi", "app", "app,tool,lib", "nano,new"] {
        let plan = plan(&sandbox, &format!("--remove-package {names}"));
        assert_eq!(gone(&plan).len(), names.split(',').count(), "{names}");
    }
    for (name, hint) in [
        ("twol", "did you mean `tool`?"),
        ("deb:mawq", "`deb:mawk`"),
        ("pypi:tool", "no deb, apk or pypi"),
    ] {
        sandbox
            .slim(&format!("plan oci:src:t --profile none --remove-package {name}"))
            .one_line(2, &[hint]);
    }
}

#[test]
fn a_set_drops_what_is_refused_and_takes_the_rest() {
    let layer = debs(
        &[
            ("dkms", "Depends: make", &["usr/bin/dkms"]),
            ("make", "", &["usr/bin/make"]),
            ("gcc", "Depends: gcc-12-base", &["usr/bin/gcc"]),
            ("gcc-12-base", "", &[]),
            ("libc6-dev", "Depends: libc6", &["usr/include/stdio.h"]),
            ("libc6", "", &["usr/lib/libc.so.6"]),
        ],
        &[],
    );
    let sandbox = Sandbox::with(&Recipe::new(&format!("layer\n{layer}")));
    let json = plan(&sandbox, "--remove build-tools");
    assert_eq!(gone(&json), ["deb:gcc set", "deb:libc6-dev set"]);
    assert_eq!(
        refused(&json),
        ["package make 1.0: a package that stays depends on it: deb:dkms → deb:make"]
    );
    let group = &json["groups"][0];
    assert_eq!(
        (&group["category"], &group["safety"]),
        (&"build-tools".into(), &"risky".into())
    );
    assert!(gone(&plan(&sandbox, "--remove build-tools --keep build-tools")).is_empty());
    assert!(gone(&plan(&sandbox, "--remove build-tools --keep-path /usr/bin/gcc")) == ["deb:libc6-dev set"]);
    let text = sandbox
        .slim("plan oci:src:t --profile none --remove build-tools")
        .ok()
        .stdout;
    for word in [
        "Packages that go",
        "deb:gcc 1.0",
        "What changes",
        "/var/lib/dpkg/status",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn a_library_stays_for_a_file_that_no_package_knows() {
    let layer = debs(TOOLS, &["cpp", "binutils", "libisl", "libgomp"]);
    let app = elf("", &["libgomp.so.1"], "");
    let library = elf("", &[], "");
    let replaced = layer.replace(
        "f usr/lib/libgomp.so.1 100",
        &format!("f usr/lib/libgomp.so.1 {library}"),
    );
    let sandbox = Sandbox::with(&Recipe::new(&format!(
        "layer\n{replaced}\nlayer\nf app/server {app}"
    )));
    let json = plan(&sandbox, "--remove-package gcc");
    assert!(gone(&json).iter().all(|one| !one.contains("libgomp")), "{json}");
    sandbox
        .slim("plan oci:src:t --profile none --remove-package gcc,libgomp")
        .one_line(
            2,
            &["a file that stays needs a library of it: /app/server → /usr/lib/libgomp.so.1"],
        );
}

#[test]
fn what_starts_the_container_stays() {
    let layer = debs(TOOLS, &["cpp"]);
    let config = r#"config {"Entrypoint":["/usr/bin/cpp"]}"#;
    let sandbox = Sandbox::with(&Recipe::new(&format!("{config}\nlayer\n{layer}")));
    assert_eq!(gone(&plan(&sandbox, "--remove-package gcc")), ["deb:gcc named"]);
    sandbox
        .slim("plan oci:src:t --profile none --remove-package gcc,cpp")
        .one_line(2, &["package cpp 1.0 cannot go", "entrypoint /usr/bin/cpp"]);
}

#[test]
fn alternatives_go_when_all_their_choices_do() {
    let layer = debs(
        &[
            ("gcc", "", &["usr/bin/gcc"]),
            ("clang", "", &["usr/bin/clang"]),
            ("man", "", &["usr/bin/man"]),
        ],
        &[],
    );
    let links = "l etc/alternatives/cc /usr/bin/gcc\nl usr/bin/cc /etc/alternatives/cc\n";
    let choices = r"auto\n/usr/bin/cc\n\n/usr/bin/clang\n10\n/usr/bin/gcc\n20\n\n";
    let recipe = format!("layer\n{layer}{links}f var/lib/dpkg/alternatives/cc text=\"{choices}\"");
    let sandbox = Sandbox::with(&Recipe::new(&recipe));
    let all = left(&sandbox, "--remove-package gcc,clang");
    for path in [
        "etc/alternatives/cc",
        "usr/bin/cc",
        "var/lib/dpkg/alternatives/cc",
    ] {
        assert!(!all.contains_key(path), "{path}");
    }
    let one = left(&sandbox, "--remove-package clang");
    assert_eq!(
        one["var/lib/dpkg/alternatives/cc"],
        "auto\n/usr/bin/cc\n\n/usr/bin/gcc\n20\n\n"
    );
    assert!(one.contains_key("usr/bin/cc"));
    sandbox
        .slim("plan oci:src:t --profile none --remove-package gcc")
        .one_line(2, &["an alternative leads to that has other choices: cc"]);
}

const ALPINE: &str = r#"
layer
f bin/busybox 100
f usr/bin/gcc 200
f usr/bin/as 210
f usr/bin/tool 220
f usr/lib/libgmp.so.10 230
f usr/lib/libz.so.1 240
f usr/share/gcc/x 10
f etc/apk/world text="busybox\nbuild-base>1\ntool\n"
f lib/apk/db/installed text="P:busybox\nV:1\np:cmd:sh\nF:bin\nR:busybox\n\nP:build-base\nV:1\nD:gcc\n\nP:gcc\nV:13\nD:binutils so:libgmp.so.10 so:libz.so.1\nF:usr\nF:usr/bin\nR:gcc\nF:usr/share\nF:usr/share/gcc\nR:x\n\nP:binutils\nV:2\nF:usr/bin\nR:as\n\nP:gmp\nV:6\np:so:libgmp.so.10=10.5\nF:usr/lib\nR:libgmp.so.10\n\nP:zlib\nV:1\np:so:libz.so.1=1.3\nF:usr/lib\nR:libz.so.1\n\nP:tool\nV:4\nD:so:libz.so.1 busybox !old\nF:usr/bin\nR:tool\n\nP:gcc-doc\nV:13\ni:gcc docs\n\nP:docs\nV:1\n\n"
"#;

#[test]
fn apk_packages_go_with_their_words_in_world() {
    let sandbox = Sandbox::with(&Recipe::new(&format!("{ALPINE}layer\nf app/x 5")));
    let json = plan(&sandbox, "--remove build-tools");
    assert_eq!(
        gone(&json),
        [
            "apk:binutils set",
            "apk:build-base set",
            "apk:gcc set",
            "apk:gmp unneeded"
        ]
    );
    let left = left(&sandbox, "--remove build-tools");
    assert_eq!(left["etc/apk/world"], "busybox\ntool\n");
    let rows: Vec<&str> = left["lib/apk/db/installed"]
        .lines()
        .filter(|line| line.starts_with("P:"))
        .collect();
    assert_eq!(rows, ["P:busybox", "P:zlib", "P:tool", "P:gcc-doc", "P:docs"]);
    assert!(!left.contains_key("usr/share/gcc") && !left.contains_key("usr/lib/libgmp.so.10"));
    assert!(left.contains_key("usr/lib/libz.so.1") && left.contains_key("usr/bin/tool"));
    sandbox
        .slim("plan oci:src:t --profile none --remove-package zlib")
        .one_line(2, &["apk:gcc → apk:zlib"]);
}

const PYTHON: &str = r#"
layer
f usr/lib/python3/dist-packages/wheel/x.py 10
f usr/lib/python3/dist-packages/wheel-1.egg-info/PKG-INFO text="Name: wheel\nVersion: 1\n"
f var/lib/dpkg/status text="Package: python3-wheel\nStatus: install ok installed\nVersion: 1\n\n"
f var/lib/dpkg/info/python3-wheel.list text="/usr/lib/python3/dist-packages/wheel/x.py\n/usr/lib/python3/dist-packages/wheel-1.egg-info/PKG-INFO\n"
d v/site-packages
f v/bin/pip 10
f v/site-packages/pip/a.py 20
f v/site-packages/pip/__pycache__/a.cpython-312.pyc 25
f v/site-packages/pip-24.dist-info/METADATA text="Name: pip\nVersion: 24\n\nx"
f v/site-packages/pip-24.dist-info/RECORD text="../bin/pip,,\npip/a.py,,\npip-24.dist-info/METADATA,,\n"
f v/site-packages/setuptools.py 30
f v/site-packages/setuptools-70.dist-info/METADATA text="Name: setuptools\nVersion: 70\n"
f v/site-packages/setuptools-70.dist-info/RECORD text="setuptools.py,,\n"
f v/site-packages/pytest.py 40
f v/site-packages/pytest-8.dist-info/METADATA text="Name: pytest\nVersion: 8\nRequires-Dist: pluggy\nRequires-Dist: Ini_Config; extra == 'x'\n"
f v/site-packages/pytest-8.dist-info/RECORD text="pytest.py,,\n"
f v/site-packages/pluggy.py 50
f v/site-packages/pluggy-1.dist-info/METADATA text="Name: pluggy\nVersion: 1\n"
f v/site-packages/pluggy-1.dist-info/RECORD text="pluggy.py,,\n"
f v/site-packages/app.py 60
f v/site-packages/app-1.dist-info/METADATA text="Name: app\nVersion: 1\nRequires-Dist: Setup.Tools[x] (>=60); python_version > '3'\nRequires-Dist: SETUPTOOLS>1\nRequires-Dist: pytest; extra == 'test'\n"
f v/site-packages/app-1.dist-info/RECORD text="app.py,,\n"
"#;

#[test]
fn python_packages_go_unless_metadata_asks_for_them() {
    let recipe = PYTHON.replace("Ini_Config", "inconfig");
    let sandbox = Sandbox::with(&Recipe::new(&recipe));
    let flags = "--remove packaging-tools,test-frameworks";
    let json = plan(&sandbox, flags);
    assert_eq!(
        gone(&json),
        [
            "deb:python3-wheel set",
            "pypi:pip set",
            "pypi:pluggy set",
            "pypi:pytest set",
            "pypi:wheel part"
        ]
    );
    assert_eq!(
        refused(&json),
        ["package setuptools 70: a package that stays depends on it: pypi:app → pypi:setuptools"]
    );
    let left = left(&sandbox, flags);
    let names: Vec<&str> = left
        .keys()
        .map(String::as_str)
        .filter(|path| path.contains("site-packages/"))
        .collect();
    assert!(
        names
            .iter()
            .all(|path| path.contains("setuptools") || path.contains("app")),
        "{names:?}"
    );
    assert!(!left.contains_key("v/bin/pip"));
    sandbox
        .slim("plan oci:src:t --profile none --remove-package wheel")
        .one_line(
            2,
            &["it is part of another package that stays: deb:python3-wheel"],
        );
    sandbox
        .slim("plan oci:src:t --profile none --remove-package PLUGGY")
        .one_line(2, &["pypi:pytest → pypi:pluggy"]);
}

/// `setup` brings a copy of `zipp`, which is installed for itself too, and one of `tomli`, which is not.
const MARKED: &str = r#"
layer
f s/helper.py 10
f s/helper-1.dist-info/METADATA text="Name: helper\nVersion: 1\n"
f s/helper-1.dist-info/INSTALLER text="pip\n"
f s/helper-1.dist-info/RECORD text="helper.py,,\nhelper-1.dist-info/METADATA,,\n"
f s/zipp.py 11
f s/zipp-3.dist-info/METADATA text="Name: zipp\nVersion: 3\n"
f s/zipp-3.dist-info/INSTALLER text="pip\n"
f s/zipp-3.dist-info/REQUESTED text=""
f s/zipp-3.dist-info/RECORD text="zipp.py,,\nzipp-3.dist-info/METADATA,,\n"
f s/setup/x.py 12
f s/setup/v/zipp.py 13
f s/setup/v/zipp-3.dist-info/METADATA text="Name: zipp\nVersion: 3\n"
f s/setup/v/zipp-3.dist-info/RECORD text="zipp.py,,\nzipp-3.dist-info/METADATA,,\n"
f s/setup/v/tomli.py 14
f s/setup/v/tomli-2.dist-info/METADATA text="Name: tomli\nVersion: 2\n"
f s/setup/v/tomli-2.dist-info/RECORD text="tomli.py,,\ntomli-2.dist-info/METADATA,,\n"
f s/setup-9.dist-info/METADATA text="Name: setup\nVersion: 9\nRequires-Dist: helper; extra == 'h'\n"
f s/setup-9.dist-info/INSTALLER text="pip\n"
f s/setup-9.dist-info/REQUESTED text=""
f s/setup-9.dist-info/RECORD text="setup/x.py,,\nsetup/v/zipp.py,,\nsetup/v/zipp-3.dist-info/METADATA,,\nsetup/v/zipp-3.dist-info/RECORD,,\nsetup/v/tomli.py,,\nsetup/v/tomli-2.dist-info/METADATA,,\nsetup-9.dist-info/METADATA,,\n"
f s/tool.py 15
f s/tool-1.dist-info/METADATA text="Name: tool\nVersion: 1\nRequires-Dist: setup[h]\n"
f s/tool-1.dist-info/INSTALLER text="pip\n"
f s/tool-1.dist-info/REQUESTED text=""
f s/tool-1.dist-info/RECORD text="tool.py,,\n"
layer
f app/x 5
"#;

#[test]
fn python_packages_that_pip_installed_for_others_go_with_them_and_copies_with_their_owner() {
    let sandbox = Sandbox::with(&Recipe::new(MARKED));
    let flags = "--remove-package tool,setup";
    let json = plan(&sandbox, flags);
    assert_eq!(
        gone(&json),
        [
            "pypi:helper unneeded",
            "pypi:setup named",
            "pypi:tomli part",
            "pypi:tool named"
        ]
    );
    let left = left(&sandbox, flags);
    let files: Vec<&str> = left
        .keys()
        .map(String::as_str)
        .filter(|path| path.starts_with("s/"))
        .collect();
    assert_eq!(
        files,
        [
            "s/zipp-3.dist-info",
            "s/zipp-3.dist-info/INSTALLER",
            "s/zipp-3.dist-info/METADATA",
            "s/zipp-3.dist-info/RECORD",
            "s/zipp-3.dist-info/REQUESTED",
            "s/zipp.py"
        ]
    );
    sandbox
        .slim("plan oci:src:t --profile none --remove-package setup")
        .one_line(2, &["pypi:tool → pypi:setup"]);
    sandbox
        .slim("plan oci:src:t --profile none --remove-package tomli")
        .one_line(2, &["it is part of another package that stays: pypi:setup"]);
}

#[test]
fn what_two_packages_have_stays_for_the_other_one() {
    let mut layer = debs(&[("a", "", &["usr/bin/a"]), ("b", "", &["usr/bin/b"])], &[]);
    layer += "d usr/share/both\nf usr/share/both/text 20\n";
    let both = r"/usr/share/both\n/usr/share/both/text\n";
    let layer = layer.replace(r"/usr/share/a/text\n", &format!(r"/usr/share/a/text\n{both}"));
    let layer = layer.replace(r"/usr/share/b/text\n", &format!(r"/usr/share/b/text\n{both}"));
    let sandbox = Sandbox::with(&Recipe::new(&format!("layer\n{layer}")));
    let one = left(&sandbox, "--remove-package a");
    assert!(one.contains_key("usr/share/both/text") && !one.contains_key("usr/share/a"));
    let none = left(&sandbox, "--remove-package a,b");
    assert!(!none.contains_key("usr/share/both"));
    assert_eq!(none["var/lib/dpkg/status"], "");
}

#[test]
fn profiles_show_package_sets() {
    let sandbox = Sandbox::new();
    let all = sandbox.slim("profiles").ok().stdout;
    let one = sandbox.slim("profiles build-tools").ok().stdout;
    let profile = sandbox.slim("profiles python").ok().stdout;
    assert!(
        all.contains("build-tools") && all.contains("test-frameworks"),
        "{all}"
    );
    assert!(one.contains("+ deb:gcc") && one.contains("risky"), "{one}");
    assert!(profile.contains("packaging-tools"), "{profile}");
}

/// A plan read again has the packages, and takes their rows out; a part of a package is no plan.
#[test]
fn a_saved_plan_takes_packages_whole() {
    let recipe = format!(
        "layer\n{}",
        debs(
            &[
                ("tool", "Depends: helper", &["usr/bin/tool"]),
                ("helper", "", &["usr/lib/helper"]),
                ("app", "", &["usr/bin/app"]),
            ],
            &["helper"],
        )
    );
    let sandbox = Sandbox::with(&Recipe::new(&recipe));
    let plan = sandbox
        .slim("plan oci:src:t --format json --profile none --remove-package tool")
        .json();
    sandbox.write("plan.json", plan.to_string());
    let again = sandbox
        .slim("plan oci:src:t --format json --plan plan.json")
        .json();
    for key in ["removals", "changes", "packages", "totals", "modes", "selection"] {
        assert_eq!(again[key], plan[key], "{key}");
    }
    assert_eq!(gone(&again), ["deb:helper unneeded", "deb:tool named"]);
    sandbox.slim("save -q oci:src:t oci:out:t --plan plan.json").ok();
    sandbox
        .slim("verify oci:src:t oci:out:t --profile none --remove-package tool")
        .ok();
    sandbox.slim("verify oci:src:t oci:out:t --plan plan.json").ok();

    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut plan = plan.clone();
        edit(&mut plan);
        sandbox.write("edited.json", plan.to_string());
        sandbox.slim("plan oci:src:t --plan edited.json")
    };
    let without = |plan: &mut Value, path: &str| {
        let rows = plan["removals"].as_array_mut().unwrap();
        rows.retain(|row| row["path"] != path);
    };
    edited(&|plan| without(plan, "/usr/lib/helper")).one_line(
        2,
        &["helper goes whole or not at all", "/usr/lib/helper is not listed"],
    );
    edited(&|plan| plan["changes"][0]["new_sha256"] = "00".into()).one_line(2, &["does not become 00"]);
}
