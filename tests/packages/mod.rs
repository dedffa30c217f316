//! Packages that go whole, through the executable: who goes, who is refused and by which chain, and what is left of the
//! databases; in every mode of layers.

mod debs;
mod others;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;

use serde_json::Value;

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
