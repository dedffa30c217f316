//! Debian's packages: rows of the database, what only they needed, what needs them, sets, alternatives.

use super::{TOOLS, debs, gone, left, plan, refused};
use crate::support::cmd::Sandbox;
use crate::support::elf::elf;
use crate::support::recipe::Recipe;

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
