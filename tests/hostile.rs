//! Hostile images: nothing crashes, hangs, grows without bounds or writes control characters on a terminal.
//!
//! The corpus's `hostile/EXPECT.tsv` is the judge, all of it: `accept`, `accept-sanitized` (read, with a warning where that
//! changed anything), `reject` (exit code 3, one line), `bounded` (either, in bounded memory and time). What is accepted is
//! also written as one layer, verified, and given to skopeo and umoci.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::cmd::{Outcome, Sandbox, names};
use crate::support::corpus::{corpus, with_links};
use crate::support::judges::{have, have_umoci};
use crate::support::medium::{Codec, Stored, layout};
use crate::support::recipe::{Recipe, digest};

/// The address space that any of them may take, in KiB.
const MEMORY: u64 = 5 << 19; // a zstd frame may ask for a window of 2 GiB, of which it then uses little
const TIME: Duration = Duration::from_secs(60);
/// Bytes that may be told about one image, on standard output and error together.
const OUTPUT: usize = 4 << 20;

/// What is refused by name although the table accepts it, and why.
const MAY_REFUSE: &[(&str, &str)] = &[(
    "images/layer-gz-trail-junk",
    "its config names the compressed blob as diff_id",
)];

/// What is `accept-sanitized` and needs no warning, because what we read is what everybody reads.
const NOTHING_TO_SAY: &[(&str, &str)] = &[
    ("images/da-xz.tar.xz", "an archive is read whatever compresses it"),
    ("images/index-bom", "the mark is no part of the document"),
    ("images/index-docker-mt", "containerd reads them so"),
    (
        "images/history-short",
        "rows without a layer say nothing of the others",
    ),
    ("images/plat-windows", "its layers are tars like all others"),
    (
        "layers/gz-latin1-name.tar.gz",
        "the name in a gzip header means nothing here",
    ),
    ("layers/empty-file.tar", "an empty tar, as docker reads it"),
    (
        "layers/wh-symlink-type.tar",
        "a whiteout is a name, whatever its type",
    ),
    (
        "images/layer-hardlink-through-symlink",
        "resolved inside the image, as link(2) in a container",
    ),
];

/// What umoci cannot unpack although slim's result is right, by a part of the case's name.
const NOT_FOR_UMOCI: &[(&str, &str)] = &[
    ("images/plat-windows", "unsupported OS"),
    ("images/multi-variants", "takes one image for a tag, no index"),
    ("deep-dirs", "takes it minutes"),
    ("long-", "names that no file system holds"),
    ("path-64k", "names that no file system holds"),
    ("symlink-40k", "a target that no file system holds"),
    ("pax-many", "20,000 attributes, which no file system holds"),
    ("many-", "takes it minutes"),
    ("bomb-", "gigabytes on the disk"),
];

/// The corpus keeps symlinks as files: in this layout they are made links again.
const LINKS: &str = "images/blob-symlink-inside";

#[test]
fn images() {
    judge(&["image"]);
}

#[test]
fn docker_archives() {
    judge(&["docker-archive"]);
}

#[test]
fn layers_in_images() {
    judge(&["layer"]);
}

#[test]
fn layers_of_every_class() {
    judge(&CLASSES[3..9]);
}

#[test]
fn compressed_layers() {
    judge(&CLASSES[9..10]);
}

#[test]
fn whiteouts_and_types() {
    judge(&CLASSES[10..]);
}

/// Every class of the table; a new one must be given to a test.
const CLASSES: [&str; 12] = [
    "image",
    "docker-archive",
    "layer",
    "path",
    "link",
    "dup",
    "number",
    "ext",
    "frame",
    "compress",
    "whiteout",
    "type",
];

/// The table's rows: case, class, what is wanted, why.
fn rows(dir: &Path) -> Vec<[String; 4]> {
    let table = fs::read_to_string(dir.join("EXPECT.tsv")).unwrap();
    let cells = |row: &str| row.split('\t').map(str::to_owned).collect::<Vec<_>>();
    let rows = table.lines().skip(1).map(cells);
    rows.map(|row| row.try_into().expect("four columns")).collect()
}

#[test]
fn no_row_is_forgotten() {
    let Some(dir) = corpus().map(|corpus| corpus.join("hostile")) else {
        return;
    };
    let rows = rows(&dir);
    for [path, class, ..] in &rows {
        assert!(CLASSES.contains(&class.as_str()), "{path}: class {class}");
    }
    let lists = [MAY_REFUSE, NOTHING_TO_SAY];
    for (path, _) in lists.into_iter().flatten() {
        assert!(
            rows.iter().any(|row| row[0] == *path),
            "{path} is not in EXPECT.tsv"
        );
    }
}

/// Reads every case of these classes and says all that went wrong.
fn judge(classes: &[&str]) {
    let Some(dir) = corpus().map(|corpus| corpus.join("hostile")) else {
        return;
    };
    let mut wrong = Vec::new();
    let mut cases = 0;
    for [path, class, want, why] in rows(&dir) {
        if classes.contains(&class.as_str()) {
            cases += 1;
            let complaint = Case::new(&dir, &path).complaint(&want);
            wrong.extend(complaint.map(|complaint| format!("{path} ({want}: {why}): {complaint}")));
        }
    }
    assert!(cases > 0, "EXPECT.tsv has none of {classes:?}");
    assert!(
        wrong.is_empty(),
        "{} of {cases} cases\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

struct Case {
    path: String,
    sandbox: Sandbox,
    /// The case as `slim` is told of it.
    image: String,
}

impl Case {
    fn new(dir: &Path, path: &str) -> Self {
        let sandbox = Sandbox::new();
        let image = image(&sandbox, &dir.join(path));
        let path = path.to_owned();
        Self { path, sandbox, image }
    }

    /// What is wrong with how `slim` takes it.
    fn complaint(mut self, want: &str) -> Option<String> {
        let shown = match self.run(&format!("report --quiet {}", self.image)) {
            Ok(shown) => shown,
            Err(complaint) => return Some(complaint),
        };
        let lines = shown
            .stderr
            .lines()
            .filter(|line| !line.trim().is_empty())
            .count();
        let refused = shown.code == Some(3) && lines == 1;
        let accepted = shown.code == Some(0);
        let fine = match want {
            "accept" | "accept-sanitized" => accepted || (refused && listed(MAY_REFUSE, &self.path)),
            "reject" => refused,
            "bounded" => accepted || refused,
            _ => panic!("EXPECT.tsv wants `{want}`"),
        };
        if !fine {
            return Some(format!("exit code {:?}, {}", shown.code, shown.stderr.trim()));
        }
        if !accepted {
            return None;
        }
        let document = match self.run(&format!("report --quiet --format json {}", self.image)) {
            Ok(outcome) => outcome.json(),
            Err(complaint) => return Some(complaint),
        };
        let warned = !document["warnings"].as_array().unwrap().is_empty();
        if want == "accept-sanitized" && !warned && !listed(NOTHING_TO_SAY, &self.path) {
            return Some("read without a word".to_owned());
        }
        self.write().err()
    }

    /// One run, within memory, time and output.
    fn run(&self, line: &str) -> Result<Outcome, String> {
        let begin = Instant::now();
        let outcome = self.sandbox.slim_bounded(line, MEMORY);
        if begin.elapsed() > TIME {
            return Err(format!("{line}: took {:?}", begin.elapsed()));
        }
        if let Some(shown) = unprintable(&outcome) {
            return Err(format!("{line}: writes {shown:?} on the terminal"));
        }
        let told = outcome.stdout.len() + outcome.stderr.len();
        if told > OUTPUT {
            return Err(format!("{line}: tells {told} bytes"));
        }
        Ok(outcome)
    }

    /// Written as one layer that removes nothing, verified, opened by others.
    fn write(&mut self) -> Result<(), String> {
        let mut saved = self.run(&format!("save --quiet {} oci:out:t --profile none", self.image))?;
        if saved.stderr.contains("--platform") {
            self.image += " --platform linux/amd64";
            saved = self.run(&format!("save --quiet {} oci:out:t --profile none", self.image))?;
        }
        if saved.code != Some(0) {
            return Err(format!(
                "save: exit code {:?}, {}",
                saved.code,
                saved.stderr.trim()
            ));
        }
        let (image, platform) = self.image.split_once(' ').unwrap_or((&self.image, ""));
        let verified = self.run(&format!("verify --quiet {image} oci:out:t {platform}"))?;
        if verified.code != Some(0) {
            return Err(format!("verify: {:?}, {}", verified.code, verified.stderr.trim()));
        }
        self.extract(image, platform)?;
        self.open_elsewhere()
    }

    /// Put onto the disk: what is outside of the target stays as it is.
    fn extract(&self, image: &str, platform: &str) -> Result<(), String> {
        if ["bomb-", "many-"].iter().any(|part| self.path.contains(part)) {
            return Ok(()); // gigabytes, or minutes
        }
        let before = names(&self.sandbox.path(""));
        fs::create_dir(self.sandbox.path("within")).unwrap();
        let taken = self.run(&format!("extract --quiet {image} / within/out {platform}"))?;
        if taken.code != Some(0) {
            return Err(format!("extract: {:?}, {}", taken.code, taken.stderr.trim()));
        }
        let within = names(&self.sandbox.path("within"));
        fs::remove_dir_all(self.sandbox.path("within")).unwrap();
        let after = names(&self.sandbox.path(""));
        if within != ["out"] || before != after {
            return Err(format!(
                "extract: {before:?} became {after:?}, beside it is {within:?}"
            ));
        }
        Ok(())
    }

    fn open_elsewhere(&self) -> Result<(), String> {
        let out = self.sandbox.path("out");
        if have(&["skopeo"]) {
            let to = format!("dir:{}", self.sandbox.path("copied").display());
            let from = format!("oci:{}:t", out.display());
            succeed(Command::new("skopeo").args([
                "copy",
                "-q",
                "--insecure-policy",
                "--override-arch",
                "amd64",
                &from,
                &to,
            ]))?;
        }
        let name = self
            .path
            .trim_start_matches("images/layer-")
            .trim_start_matches("layers/");
        if NOT_FOR_UMOCI.iter().any(|(part, _)| name.starts_with(part)) || !have_umoci() {
            return Ok(());
        }
        let image = format!("{}:t", out.display());
        succeed(
            Command::new("umoci")
                .args(["unpack", "--image", &image])
                .arg(self.sandbox.path("bundle")),
        )
    }
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let program = command.get_program().to_string_lossy().into_owned();
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{program}: {error}"))
    }
}

fn listed(list: &[(&str, &str)], path: &str) -> bool {
    list.iter().any(|(listed, _)| *listed == path)
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
    let base = Recipe::new("layer\nd etc\nf etc/passwd 10\nf file 5\nl lnk etc\nd a\nf a/b 1")
        .layers
        .remove(0);
    let blob = fs::read(path).unwrap();
    let diff_ids = [digest(&base), digest(&plain(&blob))];
    let codec = match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => Codec::Gzip,
        Some("zst") => Codec::Zstd,
        _ => Codec::Plain,
    };
    let stored = [
        Stored {
            codec: Codec::Plain,
            bytes: base,
        },
        Stored { codec, bytes: blob },
    ];
    let config =
        json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}});
    layout(&sandbox.path("src"), "t", &config, &stored);
    "oci:src:t".to_owned()
}

/// What a blob decompresses to, as far as that goes: what is damaged is refused before its diff id counts.
fn plain(blob: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let ended = match blob {
        [0x1f, 0x8b, ..] => members(blob, &mut plain),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let mut decoder = zstd::Decoder::new(blob).unwrap();
            decoder.window_log_max(31).unwrap();
            decoder.take(2 << 30).read_to_end(&mut plain).is_ok()
        }
        [0xfd, b'7', b'z', ..] => lzma_rust2::XzReader::new(blob, true)
            .read_to_end(&mut plain)
            .is_ok(),
        [b'B', b'Z', b'h', ..] => bzip2::read::MultiBzDecoder::new(blob)
            .read_to_end(&mut plain)
            .is_ok(),
        _ => return blob.to_vec(),
    };
    let _ = ended;
    plain
}

/// Every gzip member; ends at the first byte that is none, as gzip(1) does.
fn members(mut blob: &[u8], plain: &mut Vec<u8>) -> bool {
    while blob.starts_with(&[0x1f, 0x8b]) {
        let mut decoder = flate2::bufread::GzDecoder::new(blob);
        if decoder.read_to_end(plain).is_err() {
            return false;
        }
        blob = decoder.into_inner();
    }
    true
}

/// The first character that has no business on a terminal: escapes, other controls, marks that turn the writing direction.
fn unprintable(outcome: &Outcome) -> Option<char> {
    let bad = |letter: &char| {
        (letter.is_control() && *letter != '\n')
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    outcome.stdout.chars().chain(outcome.stderr.chars()).find(bad)
}
