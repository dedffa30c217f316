//! `--strip`, through the executable and against binutils: what goes, what is refused, and that programs still run.
//!
//! Programs are built here, in every form that gcc links, because a stripped file is only right when it runs.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use layerslim::oci::Digest;
use layerslim::transform::{Refused, strip};
use serde_json::Value;

use crate::support::cmd::Sandbox;
use crate::support::judges::{have, have_umoci, run};
use crate::support::medium::layout_layers;
use crate::support::recipe::Recipe;

const PROGRAM: &str = r#"
    #include <stdio.h>
    #include <string.h>
    int twice(int number) { return number * 2; }
    int main(int argc, char **argv) { printf("%s %d\n", argc > 1 ? argv[1] : "none", twice(21)); return 5; }
"#;
const LIBRARY: &str = "static int own(int x) { return x + 1; } int other(int x) { return own(x); }";

/// How gcc links.
const FORMS: &[(&str, &str, &[&str])] = &[
    ("pie", PROGRAM, &["-pie"]),
    ("at a fixed address", PROGRAM, &["-no-pie"]),
    ("static", PROGRAM, &["-static"]),
    ("static-pie", PROGRAM, &["-static-pie"]),
    ("compressed debug information", PROGRAM, &["-gz"]),
    ("relocations kept", PROGRAM, &["-Wl,-q"]),
    ("library", LIBRARY, &["-shared", "-fPIC"]),
];

fn build(directory: &Path, name: &str, source: &str, flags: &[&str]) -> PathBuf {
    let (from, to) = (directory.join("source.c"), directory.join(name));
    fs::write(&from, source).unwrap();
    run(Command::new("gcc")
        .args(["-g", "-O1"])
        .args(flags)
        .arg(&from)
        .arg("-o")
        .arg(&to));
    to
}

/// Runs a program that was just written: another test may have been forking while it was open.
fn output(program: &Path) -> Output {
    let run = || Command::new(program).arg("word").output();
    let again = |_: &std::io::Error| std::thread::sleep(std::time::Duration::from_millis(20));
    (0..50).find_map(|_| run().inspect_err(again).ok()).unwrap()
}

/// What readelf says, without the lines that speak of the file's name and the place of the section headers.
fn readelf(flags: &[&str], file: &Path) -> Vec<String> {
    let output = Command::new("readelf")
        .args(flags)
        .arg("-W")
        .arg(file)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("There are"));
    lines.map(str::to_owned).collect()
}

#[test]
fn binutils_agree_and_programs_run() {
    if !have(&["gcc", "readelf", "strip"]) {
        return;
    }
    let sandbox = Sandbox::new();
    for (what, source, flags) in FORMS {
        let file = build(&sandbox.path(""), "built", source, flags);
        let old = fs::read(&file).unwrap();
        let new = strip(&old).unwrap_or_else(|reason| panic!("{what}: {reason}"));
        let ours = sandbox.write("ours", &new);
        fs::set_permissions(&ours, fs::Permissions::from_mode(0o755)).unwrap();
        let theirs = sandbox.path("theirs");
        run(Command::new("strip").arg("-o").arg(&theirs).arg(&file));
        assert_eq!(
            readelf(&["-l"], &ours),
            readelf(&["-l"], &file),
            "{what}: program headers"
        );
        assert_eq!(
            readelf(&["-d", "-n", "--dyn-syms"], &ours),
            readelf(&["-d", "-n", "--dyn-syms"], &file),
            "{what}"
        );
        readelf(&["-a"], &ours);
        let reference = fs::read(&theirs).unwrap();
        let difference = new.len().abs_diff(reference.len());
        // A file with relocations for a linker keeps empty rows where their headers stood.
        assert!(
            difference * 100 <= reference.len() * 3,
            "{what}: {} and {}",
            new.len(),
            reference.len()
        );
        assert_eq!(
            strip(&reference),
            Err(Refused::Nothing),
            "{what}: nothing is left after GNU strip"
        );
        if *source == PROGRAM {
            let (before, after) = (output(&file), output(&ours));
            assert_eq!(before.stdout, b"word 42\n");
            assert_eq!(
                (before.stdout, before.status),
                (after.stdout, after.status),
                "{what}"
            );
        }
    }
}

/// `key=…` of these bytes.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("hex=".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Two layers: a program with three names, one of them in the upper layer; one with data behind it; a signed one; a
/// library with a checksum beside it; and a program above.
fn image(program: &[u8]) -> Recipe {
    let program_hex = hex(program);
    let with_data = hex(&[program, b"data"].concat());
    Recipe::new(&format!(
        "
        layer COPY tools /opt
        d opt
        d lib
        f opt/tool {program_hex} mode=4755 uid=7 mtime=123.5 xattr:user.x=01
        h opt/link opt/tool
        f opt/bundle {with_data} mode=755
        f opt/signed {program_hex} mode=755 xattr:security.ima=0302
        f lib/libcheck.so {program_hex}
        f lib/.libcheck.so.hmac text=\"00\"
        f opt/alone {program_hex} mode=755
        f opt/notes 100
        layer RUN more
        d opt
        h opt/third opt/tool
        f opt/above {program_hex} mode=755
        "
    ))
}

fn paths(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["path"].as_str().unwrap()).collect()
}

#[test]
fn the_plan_says_what_every_byte_will_be() {
    if !have(&["gcc"]) {
        return;
    }
    let building = Sandbox::new();
    let file = build(&building.path(""), "tool", PROGRAM, &["-static"]);
    let program = fs::read(&file).unwrap();
    let new = strip(&program).unwrap();
    let sandbox = Sandbox::with(&image(&program));
    let plan = sandbox
        .slim("plan oci:src:t --strip --profile none --format json")
        .ok()
        .json();
    assert_eq!(paths(&plan["changes"]), ["/opt/tool", "/opt/alone", "/opt/above"]);
    assert_eq!(
        paths(&plan["refused"]),
        ["/lib/libcheck.so", "/opt/bundle", "/opt/signed"]
    );
    for row in plan["changes"].as_array().unwrap() {
        assert_eq!(row["kind"], "strip");
        assert_eq!(row["old_bytes"], program.len());
        assert_eq!(row["new_bytes"], new.len());
        assert_eq!(row["new_sha256"], Digest::of(&new).hex());
    }
    assert!(
        plan["refused"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["rule"] == "--strip")
    );
    assert_eq!(plan["refused"][0]["needed_by"][0], "/lib/.libcheck.so.hmac");
    let saved = 3 * (program.len() - new.len());
    assert_eq!(plan["totals"]["changed_files"], 3);
    assert_eq!(plan["totals"]["changed_saved_bytes"], saved);
    assert_eq!(
        plan["modes"]["squash"]["disk_bytes"],
        plan["before"]["disk_bytes"].as_u64().unwrap() - saved as u64
    );
    let report = sandbox.slim("report oci:src:t --format json").ok().json();
    // A report does not look at attributes and checksums.
    assert_eq!(report["unstripped"]["files"], 5);
    assert_eq!(
        report["unstripped"]["saved_bytes_estimate"],
        5 * (program.len() - new.len())
    );
}

#[test]
fn every_mode_writes_what_the_plan_says() {
    if !have_umoci() || !have(&["gcc"]) {
        return;
    }
    let building = Sandbox::new();
    let file = build(&building.path(""), "tool", PROGRAM, &["-static"]);
    let program = fs::read(&file).unwrap();
    let new = strip(&program).unwrap();
    let sandbox = Sandbox::with(&image(&program));
    for mode in ["squash", "keep", "base --base-layers 1"] {
        written(&sandbox, mode, &program, &new);
    }
}

/// Saves the image in a mode and looks at what umoci unpacks.
fn written(sandbox: &Sandbox, mode: &str, program: &[u8], new: &[u8]) {
    let base_is_stripped = !mode.starts_with("base");
    let flags = "--strip --profile none";
    sandbox
        .slim(&format!("save oci:src:t oci:out:t {flags} --layers {mode}"))
        .ok();
    sandbox.slim(&format!("verify oci:src:t oci:out:t {flags}")).ok();
    sandbox.slim("verify oci:src:t oci:out:t --profile none").code(1);
    let unpacked = sandbox.path("unpacked");
    let image = format!("{}:t", sandbox.path("out").display());
    run(Command::new("umoci")
        .args(["unpack", "--image", &image])
        .arg(&unpacked));
    let read = |name: &str| fs::read(unpacked.join("rootfs").join(name)).unwrap();
    for (name, is_stripped) in [
        // The link above brings the program there, stripped.
        ("opt/tool", true),
        ("opt/above", true),
        ("opt/alone", base_is_stripped),
        ("opt/signed", false),
        ("lib/libcheck.so", false),
    ] {
        let want = if is_stripped { new } else { program };
        assert!(read(name) == want, "{mode}: {name}");
    }
    assert_eq!(read("opt/bundle").len(), program.len() + 4);
    let meta = |name: &str| fs::metadata(unpacked.join("rootfs").join(name)).unwrap();
    let tool = meta("opt/tool");
    assert_eq!(
        (tool.mode() & 0o7777, tool.uid(), tool.mtime()),
        (0o4755, 7, 123),
        "{mode}"
    );
    for link in ["opt/link", "opt/third"] {
        assert_eq!(meta(link).ino(), tool.ino(), "{mode}: {link}");
    }
    for name in ["opt/tool", "opt/third", "opt/above", "opt/bundle"] {
        let output = output(&unpacked.join("rootfs").join(name));
        assert_eq!(
            (output.stdout.as_slice(), output.status.code()),
            (&b"word 42\n"[..], Some(5))
        );
    }
    let layers = layout_layers(&sandbox.path("out"), Some("t"), "linux/amd64");
    assert_eq!(layers.len(), if mode == "squash" { 1 } else { 2 });
    fs::remove_dir_all(unpacked).unwrap();
    fs::remove_dir_all(sandbox.path("out")).unwrap();
}

#[test]
fn what_is_stripped_once_stays_as_it_is() {
    if !have(&["gcc"]) {
        return;
    }
    let building = Sandbox::new();
    let program = fs::read(build(&building.path(""), "tool", PROGRAM, &["-static"])).unwrap();
    let sandbox = Sandbox::with(&image(&program));
    sandbox
        .slim("save oci:src:t oci:once:t --strip --profile none")
        .ok();
    let again = sandbox
        .slim("plan oci:once:t --strip --profile none --format json")
        .ok()
        .json();
    assert_eq!(again["changes"].as_array().unwrap().len(), 0);
    assert_eq!(again["totals"]["changed_saved_bytes"], 0);
    sandbox
        .slim("save oci:once:t oci:twice:t --strip --profile none")
        .ok();
    let manifest = |name: &str| fs::read(sandbox.path(name).join("index.json")).unwrap();
    assert_eq!(manifest("once"), manifest("twice"));
    // Without the flag nothing is said of it, whatever the profile.
    let plain = sandbox
        .slim("plan oci:src:t --profile aggressive --format json")
        .ok()
        .json();
    assert_eq!(plain["changes"].as_array().unwrap().len(), 0);
    assert_eq!(plain["selection"]["strip"], false);
}

#[test]
fn what_goes_is_not_stripped_first() {
    if !have(&["gcc"]) {
        return;
    }
    let building = Sandbox::new();
    let program = fs::read(build(&building.path(""), "tool", PROGRAM, &["-static"])).unwrap();
    let sandbox = Sandbox::with(&image(&program));
    let flags = "--strip --profile none --remove-path /opt/tool --remove-path /opt/alone";
    let plan = sandbox
        .slim(&format!("plan oci:src:t {flags} --format json"))
        .ok()
        .json();
    assert_eq!(
        paths(&plan["changes"]),
        ["/opt/link", "/opt/above"],
        "by the first name that stays"
    );
    sandbox.slim(&format!("save oci:src:t oci:out:t {flags}")).ok();
    sandbox.slim(&format!("verify oci:src:t oci:out:t {flags}")).ok();
    let text = sandbox.slim(&format!("plan oci:src:t {flags}")).ok().stdout;
    assert!(text.contains("What changes") && text.contains("strip"), "{text}");
}
