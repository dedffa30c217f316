//! What is kept between runs: a second look moves no blob, what a disk damaged is fetched anew, pruning beside other runs
//! harms none.

use std::fs::{self, File, FileTimes};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::support::cmd::{Sandbox, int, names};
use crate::support::judges::{have, skopeo_copy};
use crate::support::medium::Codec;
use crate::support::recipe::Recipe;
use crate::support::registry::{Login, Registry};

/// Two layers, of which `keep` rewrites the second.
fn recipe() -> Recipe {
    Recipe::new(
        "layer ADD rootfs\nd usr\nf usr/a 900000 mode=755\nlayer RUN\nd tmp\nf tmp/x 5000\nf b 400000",
    )
}

/// A registry with the recipe as `app:1`, and a sandbox.
fn ready() -> Option<(Registry, Sandbox)> {
    if !have(&["docker-registry", "skopeo"]) {
        return None;
    }
    let registry = Registry::start(&Login::Anyone);
    let sandbox = Sandbox::with(&recipe());
    let source = sandbox.path("src");
    skopeo_copy(
        &format!("oci:{}:t", source.display()),
        &format!("docker://{}/app:1", registry.host),
    );
    Some((registry, sandbox))
}

/// The files of one part of the cache.
fn files(sandbox: &Sandbox, part: &str) -> Vec<PathBuf> {
    let dir = sandbox.path("cache").join(part);
    names(&dir).iter().map(|name| dir.join(name)).collect()
}

/// Blobs of layers that were sent down since `before`.
fn layers_sent(registry: &Registry, before: usize) -> usize {
    let requests = registry.requests().split_off(before);
    let blobs = requests
        .iter()
        .filter(|line| line.starts_with("GET /v2/app/blobs/sha256:"));
    // The config is a blob too, and small.
    blobs.count().saturating_sub(1)
}

#[test]
fn a_second_report_asks_for_no_layer() {
    let Some((registry, sandbox)) = ready() else {
        return;
    };
    let line = format!("report docker://{}/app:1 --format json", registry.host);
    let first = sandbox.slim(&line).ok().stdout;
    let before = registry.requests().len();
    let second = sandbox.slim(&line).ok().stdout;
    assert_eq!(first, second);
    let requests = registry.requests().split_off(before);
    let asked: Vec<_> = requests
        .iter()
        .filter(|line| line.contains("/blobs/") || line.contains("/manifests/"))
        .collect();
    assert!(
        asked.len() == 2 && asked[0].starts_with("GET /v2/app/manifests/1 200"),
        "the manifest and the config, no layer: {requests:#?}"
    );
    assert_eq!(layers_sent(&registry, before), 0);
}

#[test]
fn what_the_disk_damaged_is_fetched_anew() {
    let Some((registry, sandbox)) = ready() else {
        return;
    };
    let host = &registry.host;
    let line = |to: &str| format!("push --quiet docker://{host}/app:1 docker://{host}/app:{to}");
    let first = sandbox.slim(&line("a")).ok().stdout;
    let blobs = files(&sandbox, "blobs/blobs/sha256");
    assert_eq!(blobs.len(), 2, "{blobs:?}");
    for path in &blobs {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    }
    let before = registry.requests().len();
    let second = sandbox.slim(&line("b")).ok().stdout;
    assert_eq!(first.split('@').nth(1), second.split('@').nth(1));
    assert_eq!(layers_sent(&registry, before), 2, "both layers come again");
    let before = registry.requests().len();
    sandbox.slim(&line("c")).ok();
    assert_eq!(layers_sent(&registry, before), 0, "and are good now");

    for path in files(&sandbox, "changesets") {
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    let report = format!("report docker://{host}/app:1");
    let before = registry.requests().len();
    sandbox.slim(&report).ok();
    assert_eq!(
        layers_sent(&registry, before),
        2,
        "what a layer held is not believed"
    );
}

#[test]
fn what_is_kept_is_listed_and_pruned() {
    let Some((registry, sandbox)) = ready() else {
        return;
    };
    let host = &registry.host;
    let listed = || sandbox.slim("cache ls --format json").json();
    assert_eq!(listed()["entries"], serde_json::json!([]), "nothing yet");
    sandbox
        .slim(&format!("push docker://{host}/app:1 docker://{host}/app:2"))
        .ok();
    let found = listed();
    assert_eq!(
        (int(&found, "/kept/blobs"), int(&found, "/removed/blobs")),
        (2, 0)
    );
    let blobs = files(&sandbox, "blobs/blobs/sha256");
    let bytes: u64 = blobs.iter().map(|path| path.metadata().unwrap().len()).sum();
    assert_eq!(int(&found, "/kept/blob_bytes"), bytes);
    let changesets = int(&found, "/kept/changesets");
    assert_eq!(found["entries"].as_array().unwrap().len() as u64, 2 + changesets);
    assert!(changesets >= 2, "{found:#}");
    let text = sandbox.slim("cache ls").ok().stdout;
    for word in ["kind", "blob", "changeset", "just now", "kept: 2 blobs ("] {
        assert!(text.contains(word), "{word}\n{text}");
    }

    let old = SystemTime::now() - Duration::from_secs(3 * 86_400);
    let times = FileTimes::new().set_accessed(old).set_modified(old);
    File::options()
        .write(true)
        .open(&blobs[0])
        .unwrap()
        .set_times(times)
        .unwrap();
    let shown = sandbox
        .slim("cache prune --older-than 2d --dry-run --format json")
        .json();
    assert_eq!(
        (int(&shown, "/removed/blobs"), int(&shown, "/kept/blobs")),
        (1, 1)
    );
    assert!(blobs[0].exists(), "a dry run removes nothing");
    let pruned = sandbox.slim("cache prune --older-than 2d --format json").json();
    assert_eq!(
        (
            int(&pruned, "/removed/blobs"),
            int(&pruned, "/removed/changesets")
        ),
        (1, 0)
    );
    assert!(!blobs[0].exists() && blobs[1].exists());
    let pruned = sandbox.slim("cache prune --max-size 1 --format json").json();
    assert_eq!(
        (int(&pruned, "/kept/blobs"), int(&pruned, "/kept/changesets")),
        (0, 0)
    );
    let text = sandbox.slim("cache prune --all").ok().stdout;
    assert!(text.contains("kept: 0 blobs (0 B), 0 changesets (0 B)"), "{text}");
    for (line, word) in [
        ("cache prune --older-than 7x", "7x"),
        ("cache prune --max-size huge", "huge"),
        ("cache prune --all --max-size 1", "--all"),
        ("cache ls --format html", "html"),
    ] {
        let outcome = sandbox.slim(line).code(2);
        assert!(outcome.stderr.contains(word), "{line}: {}", outcome.stderr);
    }
}

#[test]
fn a_cache_is_kept_within_its_bound_by_every_run() {
    let sandbox = Sandbox::new();
    recipe().oci(&sandbox.path("src"), "t", Codec::Gzip);
    let blobs = sandbox.path("cache/blobs/blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let old = SystemTime::now() - Duration::from_secs(3 * 86_400);
    // 6 GB each, and not a block on the disk.
    for (name, age) in [("a", old), ("b", old + Duration::from_secs(60))] {
        let file = File::create(blobs.join(name.repeat(64))).unwrap();
        file.set_len(6_000_000_000).unwrap();
        file.set_times(FileTimes::new().set_accessed(age).set_modified(age))
            .unwrap();
    }
    sandbox.slim("report oci:src:t").ok();
    assert_eq!(names(&blobs), ["b".repeat(64)], "the older one went");
}

/// Several runs at once, and everything is pruned under them over and over.
#[test]
fn pruning_beside_other_runs_harms_none() {
    let Some((registry, sandbox)) = ready() else {
        return;
    };
    let host = &registry.host;
    let run = |number: usize| {
        let line = format!("push --quiet docker://{host}/app:1 docker://{host}/app:n{number}");
        sandbox.slim(&line).ok().stdout
    };
    let want = run(0);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (1..5)
            .map(|number| scope.spawn(move || (0..3).map(|_| run(number)).collect::<Vec<_>>()))
            .collect();
        while runs.iter().any(|run| !run.is_finished()) {
            sandbox.slim("cache prune --all").ok();
        }
        for run in runs {
            for line in run.join().unwrap() {
                assert_eq!(line, want, "one digest, whatever went meanwhile");
            }
        }
    });
    assert_eq!(sandbox.leftovers(), [""; 0], "no temporary file is left");
}
