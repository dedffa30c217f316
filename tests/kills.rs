//! SIGKILL at random moments: the target is the old image or the new one, whole, and the next run finishes.
//!
//! Half of the kills fall anywhere in a run, half in its last part, where the target is written. `LAYERSLIM_KILLS` says
//! how many for each kind of target (15 where nothing does; a run that was over before does not count),
//! `LAYERSLIM_SEED` repeats the moments of a loop that failed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::support::cmd::{Sandbox, names};
use crate::support::judges::{have, run, skopeo_copy};
use crate::support::medium::Codec;
use crate::support::proxy::Proxy;
use crate::support::recipe::{Recipe, digest};
use crate::support::registry::{Login, OCI_MANIFEST, Registry};

/// Bytes of the image's one large file.
const SIZE: usize = 3_000_000;

fn recipe() -> Recipe {
    Recipe::new(&format!(
        "layer ADD rootfs\nd usr\nf usr/a {SIZE}\nf usr/b 200000\nf old 3000\nlayer RUN change\nwh old\nf new 10"
    ))
}

/// What is killed over and over.
struct Loop<'a> {
    sandbox: &'a Sandbox,
    line: &'a str,
    /// Puts the target back to what it was.
    reset: &'a dyn Fn(),
    /// Whether the target is being written.
    is_writing: &'a dyn Fn() -> bool,
    /// Names the target's state, and panics where it is no whole one.
    state: &'a dyn Fn() -> String,
}

impl Loop<'_> {
    fn run(&self) {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let kills = number("LAYERSLIM_KILLS").unwrap_or(15);
        let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let seed = number("LAYERSLIM_SEED").unwrap_or_else(|| now().as_micros() as u64);
        let mut random = Random(seed | 1);

        (self.reset)();
        let old = (self.state)();
        let (mut whole, mut writing) = self.measure();
        let new = (self.state)();
        assert_ne!(old, new, "{}", self.line);
        assert_eq!(self.temporary(), [""; 0], "{}", self.line);

        let (mut killed, mut moved, mut number) = (0, 0, 0);
        while killed < kills {
            number += 1;
            assert!(
                number < 50 + 10 * kills,
                "{}: runs end before they are killed",
                self.line
            );
            (self.reset)();
            let outcome = self.sandbox.slim_signalled(self.line, "KILL", || {
                if number % 2 == 0 {
                    std::thread::sleep(random.within(whole));
                } else {
                    self.wait_for_writing(whole * 3);
                    std::thread::sleep(random.within(writing));
                }
            });
            let what = format!("{}: run {number} of seed {seed}", self.line);
            let found = (self.state)();
            match outcome.code {
                None => killed += 1,
                Some(0) => {
                    assert_eq!(found, new, "{what}: it had finished");
                    // The machine is quicker than when it was measured.
                    (whole, writing) = (whole.mul_f64(0.9), writing.mul_f64(0.9));
                }
                code => panic!("{what}: exit {code:?}\n{}", outcome.stderr),
            }
            assert!(
                found == old || found == new,
                "{what}: {found}\nis neither {old}\nnor {new}"
            );
            if outcome.code.is_none() {
                (whole, writing) = (whole.mul_f64(1.02), writing.mul_f64(1.02));
            }
            moved += u64::from(outcome.code.is_none() && found == new);
            // What one run leaves, never what two left: the next one removes it.
            let left = self.temporary();
            assert!(left.len() <= 4, "{what}: {left:?}");
        }
        self.sandbox.slim(self.line).ok();
        assert_eq!((self.state)(), new, "{}: the last run", self.line);
        assert_eq!(
            self.temporary(),
            [""; 0],
            "{}: temporary files are gone",
            self.line
        );
        eprintln!(
            "{}: {killed} of {number} runs killed, {moved} of them behind the last step; {} ms, {} ms of it writing; seed {seed}",
            self.line,
            whole.as_millis(),
            writing.as_millis()
        );
    }

    /// How long a run takes, and how long of it the target is written.
    fn measure(&self) -> (Duration, Duration) {
        // The first run of all also reads the executable from the disk.
        self.sandbox.slim(self.line).ok();
        (self.reset)();
        let begin = Instant::now();
        let mut started = Duration::ZERO;
        // Signal 0 is none.
        let outcome = self.sandbox.slim_signalled(self.line, "0", || {
            self.wait_for_writing(Duration::from_secs(10));
            started = begin.elapsed();
        });
        outcome.ok();
        let whole = begin.elapsed();
        (whole, whole.saturating_sub(started))
    }

    fn wait_for_writing(&self, most: Duration) {
        let begin = Instant::now();
        while !(self.is_writing)() && begin.elapsed() < most {
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// The temporary files in the sandbox, in the caches and beside the target.
    fn temporary(&self) -> Vec<String> {
        let mut found = self.sandbox.leftovers();
        found.extend(temporary_in(&self.sandbox.path("")));
        found.sort();
        found.dedup();
        found
    }
}

/// Names of temporary files in a directory and in a layout that it may be.
fn temporary_in(dir: &Path) -> Vec<String> {
    let dirs = [dir.to_owned(), dir.join("out"), dir.join("out/blobs/sha256")];
    let all = dirs.iter().filter(|dir| dir.is_dir()).flat_map(|dir| names(dir));
    all.filter(|name| is_temporary(name)).collect()
}

fn is_temporary(name: &str) -> bool {
    name.starts_with(".slim-") && Path::new(name).extension().is_some_and(|end| end == "tmp")
}

/// Moments that look random and come again with the same seed (xorshift).
struct Random(u64);

impl Random {
    fn within(&mut self, most: Duration) -> Duration {
        for shift in [13_i32, -7, 17] {
            self.0 ^= if shift > 0 {
                self.0 << shift
            } else {
                self.0 >> -shift
            };
        }
        most.mul_f64((self.0 >> 11) as f64 / (1u64 << 53) as f64)
    }
}

/// What a layout holds: every tag with its digest. Panics where anything of it is missing or is not what its digest
/// says, and where anything lies in it that is no part of a layout.
fn layout(dir: &Path) -> String {
    if !dir.exists() {
        return "absent".to_owned();
    }
    for name in names(dir) {
        let known = ["blobs", "index.json", "oci-layout"].contains(&name.as_str());
        assert!(known || is_temporary(&name), "{name} in a layout");
    }
    let blobs = dir.join("blobs/sha256");
    for name in names(&blobs).iter().filter(|name| !is_temporary(name)) {
        let found = digest(&fs::read(blobs.join(name)).unwrap());
        assert_eq!(found, format!("sha256:{name}"), "half a blob");
    }
    let version: Value = serde_json::from_slice(&fs::read(dir.join("oci-layout")).unwrap()).unwrap();
    assert_eq!(version["imageLayoutVersion"], "1.0.0");
    let index: Value = serde_json::from_slice(&fs::read(dir.join("index.json")).unwrap()).unwrap();
    let tag = |row: &Value| {
        let manifest: Value = serde_json::from_slice(&fs::read(blob(&blobs, row)).unwrap()).unwrap();
        for part in manifest["layers"]
            .as_array()
            .unwrap()
            .iter()
            .chain([&manifest["config"]])
        {
            let size = fs::metadata(blob(&blobs, part))
                .expect("a blob of the image is there")
                .len();
            assert_eq!(Some(size), part["size"].as_u64());
        }
        let name = row["annotations"]["org.opencontainers.image.ref.name"]
            .as_str()
            .unwrap();
        (name.to_owned(), row["digest"].as_str().unwrap().to_owned())
    };
    let tags: BTreeMap<_, _> = index["manifests"].as_array().unwrap().iter().map(tag).collect();
    format!("{tags:?}")
}

fn blob(blobs: &Path, row: &Value) -> std::path::PathBuf {
    blobs.join(&row["digest"].as_str().unwrap()["sha256:".len()..])
}

/// What a file is: its digest, of all of it.
fn file(path: &Path) -> String {
    fs::read(path).map_or_else(|_| "absent".to_owned(), |bytes| digest(&bytes))
}

#[test]
fn a_new_layout() {
    let sandbox = Sandbox::with(&recipe());
    let out = sandbox.path("out");
    Loop {
        sandbox: &sandbox,
        line: "save --quiet oci:src:t oci:out:t",
        reset: &|| drop(fs::remove_dir_all(&out)),
        is_writing: &|| !temporary_in(&sandbox.path("")).is_empty(),
        state: &|| layout(&out),
    }
    .run();
    sandbox.slim("verify oci:src:t oci:out:t").ok();
}

/// One tag is replaced, another is no business of the run.
#[test]
fn a_tag_of_a_layout() {
    let sandbox = Sandbox::with(&recipe());
    Recipe::new("layer\nf other 300000").oci(&sandbox.path("other"), "t", Codec::Gzip);
    sandbox.slim("save --quiet oci:other:t oci:base:keep").ok();
    sandbox
        .slim("save --quiet oci:other:t oci:base:t --profile none --compression zstd")
        .ok();
    let (base, out) = (sandbox.path("base"), sandbox.path("out"));
    Loop {
        sandbox: &sandbox,
        line: "save --quiet oci:src:t oci:out:t",
        reset: &|| {
            // What a killed run left in it stays: the next one must cope with it.
            fs::create_dir_all(&out).unwrap();
            let new = out.join("blobs/sha256");
            for name in if new.exists() { names(&new) } else { Vec::new() } {
                if !is_temporary(&name) && !base.join("blobs/sha256").join(&name).exists() {
                    fs::remove_file(new.join(name)).unwrap();
                }
            }
            run(Command::new("cp").arg("-a").arg(base.join(".")).arg(&out));
        },
        is_writing: &|| !temporary_in(&sandbox.path("")).is_empty(),
        state: &|| layout(&out),
    }
    .run();
    sandbox.slim("verify oci:src:t oci:out:t").ok();
    sandbox.slim("verify oci:other:t oci:out:keep").ok();
}

#[test]
fn an_oci_archive() {
    let sandbox = Sandbox::with(&recipe());
    archive(&sandbox, "oci-archive:out.tar:t");
    if have(&["skopeo"]) {
        let read = sandbox.path("read");
        skopeo_copy(
            &format!("oci-archive:{}:t", sandbox.path("out.tar").display()),
            &format!("oci:{}:t", read.display()),
        );
    }
}

#[test]
fn a_docker_archive() {
    let sandbox = Sandbox::with(&recipe());
    archive(&sandbox, "docker-archive:out.tar:app:1");
}

fn archive(sandbox: &Sandbox, target: &str) {
    let path = sandbox.path("out.tar");
    Loop {
        sandbox,
        line: &format!("save --quiet oci:src:t {target}"),
        reset: &|| fs::write(&path, "what was there before").unwrap(),
        is_writing: &|| !temporary_in(&sandbox.path("")).is_empty(),
        state: &|| file(&path),
    }
    .run();
    sandbox.slim(&format!("verify oci:src:t {target}")).ok();
}

/// From a registry to a registry: killed while it reads, too.
#[test]
fn a_push() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let sandbox = Sandbox::with(&recipe());
    let registry = Registry::start(&Login::Anyone);
    let proxy = Proxy::start(&registry.host);
    skopeo_copy(
        &format!("oci:{}:t", sandbox.path("src").display()),
        &format!("docker://{}/app:1", registry.host),
    );
    let old = registry.manifest("app", "1").unwrap();
    let host = &proxy.host;
    let line = format!("push --quiet docker://{host}/app:1 docker://{host}/app:t");
    Loop {
        sandbox: &sandbox,
        line: &line,
        reset: &|| {
            // The blobs of the slimmed image go, and those that the cache keeps.
            let manifest = registry.manifest("app", "t").unwrap_or_default();
            let kind = format!("Content-Type: {OCI_MANIFEST}");
            let (status, _) = registry.ask("PUT", "app/manifests/t", &[&kind], &old);
            assert_eq!(status, 201);
            if manifest != old && !manifest.is_empty() {
                let manifest: Value = serde_json::from_slice(&manifest).unwrap();
                let layers = manifest["layers"].as_array().unwrap();
                for part in layers.iter().chain([&manifest["config"]]) {
                    let path = format!("app/blobs/{}", part["digest"].as_str().unwrap());
                    assert_eq!(registry.ask("DELETE", &path, &[], b"").0, 202);
                }
            }
            fs::remove_dir_all(sandbox.path("cache/blobs/blobs")).ok();
            proxy.set(Vec::new());
        },
        is_writing: &|| proxy.seen().iter().any(|seen| seen.method == "HEAD"),
        state: &|| {
            // The registry reads a tag's link while it writes it, and answers 500.
            proxy.settle();
            registry.whole("app", "t").unwrap_or_else(|| "absent".to_owned())
        },
    }
    .run();
    sandbox
        .slim(&format!("verify docker://{host}/app:1 docker://{host}/app:t"))
        .ok();
}

/// Two runs at once write two tags of one layout, new or there already: both are in it afterwards.
#[test]
fn two_runs_into_one_layout() {
    for exists in [false, true] {
        let sandbox = Sandbox::with(&recipe());
        Recipe::new("layer\nf other 300000").oci(&sandbox.path("other"), "t", Codec::Gzip);
        if exists {
            sandbox.slim("save --quiet oci:other:t oci:out:keep").ok();
        }
        for round in 0..4 {
            std::thread::scope(|scope| {
                for tag in ["a", "b", "c"] {
                    let sandbox = &sandbox;
                    // The same blobs by two of them, others by the third.
                    let source = if tag == "c" { "other" } else { "src" };
                    scope.spawn(move || {
                        sandbox
                            .slim(&format!("save --quiet oci:{source}:t oci:out:{tag}{round}"))
                            .ok()
                    });
                }
            });
            let held = layout(&sandbox.path("out"));
            for tag in ["a", "b", "c"] {
                assert!(
                    held.contains(&format!("\"{tag}{round}\"")),
                    "{tag}{round} is not in {held}"
                );
            }
            assert_eq!(temporary_in(&sandbox.path("")), [""; 0]);
            if !exists {
                fs::remove_dir_all(sandbox.path("out")).unwrap();
            }
        }
    }
}
