//! Judges that are not ours: umoci and skopeo, and what to do where a machine has none. (The kernel is in `overlay`.)
//!
//! A module of its own because none of this may share an opinion with the program. A judge that a machine cannot
//! run is skipped aloud, or fails where `LAYERSLIM_REQUIRE_JUDGES` is set, as it is in CI.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::tree::Tree;

/// Says that a ring of tests does not run on this machine, and why; fails where CI wants them all.
#[track_caller]
pub(crate) fn skipped(why: &str) {
    assert!(
        std::env::var_os("LAYERSLIM_REQUIRE_JUDGES").is_none(),
        "{why}, and LAYERSLIM_REQUIRE_JUDGES wants every judge"
    );
    note(why);
}

/// Says that something is skipped, where `tests/run` collects it.
pub(crate) fn note(why: &str) {
    eprintln!("skipped: {why}");
    if let Some(list) = std::env::var_os("LAYERSLIM_SKIPPED")
        && let Ok(mut file) = File::options().create(true).append(true).open(list)
    {
        writeln!(file, "{why}").expect("the list of skipped rings can be written");
    }
}

/// Whether these programs are installed; says it where they are not.
#[track_caller]
pub(crate) fn have(tools: &[&str]) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let installed = |tool: &&&str| std::env::split_paths(&paths).any(|dir| dir.join(tool).is_file());
    let missing: Vec<_> = tools.iter().filter(|tool| !installed(tool)).copied().collect();
    if !missing.is_empty() {
        skipped(&format!("{} not installed", missing.join(", ")));
    }
    missing.is_empty()
}

/// Whether umoci is here and may unpack as root.
#[track_caller]
pub(crate) fn have_umoci() -> bool {
    if !is_root() {
        skipped("umoci must run as root to unpack owners and devices");
        return false;
    }
    have(&["umoci"])
}

/// Whether this is root: owners and devices can be made, file systems mounted.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Runs a program that must succeed.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        text(&output.stderr),
        text(&output.stdout)
    );
    text(&output.stdout)
}

/// The tree that umoci unpacks from a layout.
#[track_caller]
pub(crate) fn umoci(layout: &Path, tag: &str) -> Tree {
    let scratch = TempDir::new().unwrap();
    let bundle = scratch.path().join("bundle");
    let image = format!("{}:{tag}", layout.display());
    run(Command::new("umoci")
        .args(["unpack", "--image", &image])
        .arg(&bundle));
    Tree::read(&bundle.join("rootfs"))
}

/// `skopeo copy`, over plain HTTP where a registry is one end.
#[track_caller]
pub(crate) fn skopeo_copy(from: &str, to: &str) {
    let plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    run(Command::new("skopeo")
        .args(["copy", "-q", "--insecure-policy", "--all"])
        .args(plain)
        .args([from, to]));
}
