//! Hostile images: nothing crashes, hangs, grows without bounds or writes control characters on a terminal.
//!
//! The corpus's `hostile/EXPECT.tsv` is the judge: `accept`, `accept-sanitized`, `reject` (exit code 3, one line),
//! `bounded` (either, in bounded memory and time).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::cmd::{Outcome, Sandbox};
use crate::support::corpus::{corpus, with_links};
use crate::support::medium::Codec;
use crate::support::recipe::Recipe;

/// The address space that any of them may take, in KiB.
const MEMORY: u64 = 5 << 19; // a zstd frame may ask for a window of 2 GiB, of which it then uses little
const TIME: Duration = Duration::from_secs(60);

/// What may be refused by name although others accept it: by rule 22 and, for the last, because its config names the
/// compressed blob as `diff_id`.
const MAY_REFUSE: &[&str] = &[
    "images/layer-xz",
    "images/layer-bz2",
    "images/plat-windows",
    "images/layer-gz-trail-junk",
];

/// The corpus keeps symlinks as files: in this layout they are made links again.
const LINKS: &str = "images/blob-symlink-inside";

#[test]
fn images() {
    judge("image");
}

#[test]
fn docker_archives() {
    judge("docker-archive");
}

#[test]
fn layers_in_images() {
    judge("layer");
}

#[test]
fn layers_of_every_class() {
    for class in [
        "path", "link", "dup", "type", "number", "ext", "frame", "whiteout",
    ] {
        judge(class);
    }
}

/// Reads every case of a class and says all that went wrong.
fn judge(class: &str) {
    let Some(dir) = corpus().map(|corpus| corpus.join("hostile")) else {
        return;
    };
    let table = fs::read_to_string(dir.join("EXPECT.tsv")).unwrap();
    let mut wrong = Vec::new();
    let mut cases = 0;
    for row in table.lines().skip(1) {
        let [path, group, want, why] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("`{row}`")
        };
        if group == class {
            cases += 1;
            let complaint = complaint(&dir, path, want);
            wrong.extend(complaint.map(|complaint| format!("{path} ({want}: {why}): {complaint}")));
        }
    }
    assert!(cases > 0, "EXPECT.tsv has no class {class}");
    assert!(
        wrong.is_empty(),
        "{} of {cases} cases\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// What is wrong with how `slim` takes this case.
fn complaint(dir: &Path, path: &str, want: &str) -> Option<String> {
    let sandbox = Sandbox::new();
    let image = image(&sandbox, &dir.join(path));
    let begin = Instant::now();
    let report = sandbox.slim_bounded(&format!("report --quiet {image}"), MEMORY);
    if begin.elapsed() > TIME {
        return Some(format!("took {:?}", begin.elapsed()));
    }
    if let Some(shown) = unprintable(&report) {
        return Some(format!("writes {shown:?} on the terminal"));
    }
    let lines = report
        .stderr
        .lines()
        .filter(|line| !line.trim().is_empty())
        .count();
    let refused = report.code == Some(3) && lines == 1;
    let accepted = report.code == Some(0);
    let fine = match want {
        "accept" | "accept-sanitized" => accepted || (refused && MAY_REFUSE.contains(&path)),
        "reject" => refused,
        "bounded" => accepted || refused,
        _ => panic!("EXPECT.tsv wants `{want}`"),
    };
    if !fine {
        return Some(format!("exit code {:?}, {}", report.code, report.stderr.trim()));
    }
    if want != "accept" || !accepted {
        return None;
    }
    let mut image = image;
    let mut saved = sandbox.slim(&format!("save --quiet {image} oci:out:t --profile none"));
    if saved.stderr.contains("--platform") {
        image += " --platform linux/amd64";
        saved = sandbox.slim(&format!("save --quiet {image} oci:out:t --profile none"));
    }
    if saved.code != Some(0) {
        return Some(format!(
            "save: exit code {:?}, {}",
            saved.code,
            saved.stderr.trim()
        ));
    }
    let (image, platform) = image.split_once(' ').unwrap_or((&image, ""));
    let verified = sandbox.slim(&format!("verify --quiet {image} oci:out:t {platform}"));
    (verified.code != Some(0)).then(|| format!("verify: {:?}, {}", verified.code, verified.stderr.trim()))
}

/// The case as an image that `slim` can be told of. A bare layer is put over a small base.
fn image(sandbox: &Sandbox, path: &PathBuf) -> String {
    let name = path.to_string_lossy();
    if path.ends_with(LINKS) {
        return format!("oci:{}", with_links(path, &sandbox.path("layout")).display());
    }
    if path.is_dir() {
        return format!("oci:{name}");
    }
    if !name.contains("/layers/") {
        return format!("docker-archive:{name}");
    }
    let mut layers = Recipe::new("layer\nd etc\nf etc/passwd 10\nf file 5\nl lnk etc\nd a\nf a/b 1").layers;
    layers.push(fs::read(path).unwrap());
    Recipe::from_tars(layers).oci(&sandbox.path("src"), "t", Codec::Plain);
    "oci:src:t".to_owned()
}

/// The first character that has no business on a terminal: escapes, other controls, marks that turn the writing direction.
fn unprintable(outcome: &Outcome) -> Option<char> {
    let bad = |letter: &char| {
        (letter.is_control() && *letter != '\n')
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    outcome.stdout.chars().chain(outcome.stderr.chars()).find(bad)
}
