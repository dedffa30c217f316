//! A network that fails: every fault of the proxy at every step of a pull and a push.
//!
//! After each, the tag is the old image or the new one, whole, as a request past the proxy sees it; and a run without
//! faults finishes. What `times` is 1 and passes by itself must not fail the run at all.

use std::time::Duration;

use crate::support::cmd::{Outcome, Sandbox};
use crate::support::judges::{have, skopeo_copy};
use crate::support::proxy::{Fault, Proxy, Rule};
use crate::support::recipe::{Recipe, digest};
use crate::support::registry::{Login, OCI_MANIFEST, Registry};

/// Where a fault strikes.
struct Step {
    method: &'static str,
    path: &'static str,
    /// Which of the requests that match.
    skip: usize,
    /// The target's repository: `app`, the source's own, or `lent`, another one.
    repository: &'static str,
    /// Faults that prepare the ground.
    before: Vec<Rule>,
}

impl Step {
    fn new(method: &'static str, path: &'static str, skip: usize, repository: &'static str) -> Self {
        Self {
            method,
            path,
            skip,
            repository,
            before: Vec::new(),
        }
    }

    /// Whether it is the request for the rest of a blob.
    fn is_resumed(&self) -> bool {
        self.method == "GET" && !self.before.is_empty()
    }

    /// Whether the tag may have moved although the run failed: its very last request was the one.
    fn is_last(&self) -> bool {
        self.method == "PUT" && self.path.contains("/manifests/")
    }
}

/// A registry behind a proxy. `app:1` is the source, `t` the tag that is written.
struct Stage {
    registry: Registry,
    proxy: Proxy,
    sandbox: Sandbox,
    old: Vec<u8>,
    /// The digest of the slimmed image, and those of its blobs.
    new: String,
    blobs: Vec<String>,
    /// What every push is told beside.
    flags: &'static str,
}

impl Stage {
    fn new(bytes: usize) -> Option<Self> {
        if !have(&["docker-registry", "skopeo"]) {
            return None;
        }
        let recipe = Recipe::new(&format!(
            "layer ADD rootfs\nd usr\nd usr/bin\nf usr/bin/a {bytes} mode=755\nf old 3000\nd usr/share\n
             d usr/share/man\nd usr/share/man/man1\nf usr/share/man/man1/a.1 5000\nlayer RUN change\nwh old\nf new 10"
        ));
        let registry = Registry::start(&Login::Anyone);
        let proxy = Proxy::start(&registry.host);
        let sandbox = Sandbox::with(&recipe);
        for repository in ["app", "lent"] {
            skopeo_copy(
                &format!("oci:{}:t", sandbox.path("src").display()),
                &format!("docker://{}/{repository}:1", registry.host),
            );
        }
        let old = registry.manifest("app", "1").unwrap();
        let mut stage = Self {
            registry,
            proxy,
            sandbox,
            old,
            new: String::new(),
            blobs: Vec::new(),
            flags: "",
        };
        for repository in ["app", "lent"] {
            stage.push(repository).ok();
        }
        stage.new = stage.registry.whole("app", "t").unwrap();
        let manifest: serde_json::Value =
            serde_json::from_slice(&stage.registry.manifest("app", "t").unwrap()).unwrap();
        let named = |row: &serde_json::Value| row["digest"].as_str().unwrap().to_owned();
        let layers = manifest["layers"].as_array().unwrap();
        stage.blobs = layers.iter().chain([&manifest["config"]]).map(named).collect();
        Some(stage)
    }

    fn push(&self, repository: &str) -> Outcome {
        let host = &self.proxy.host;
        self.sandbox.slim(&format!(
            "push --quiet docker://{host}/app:1 docker://{host}/{repository}:t {}",
            self.flags
        ))
    }

    /// The old image under the tag, nothing of the new one, nothing in the cache.
    fn reset(&self, repository: &str) {
        let path = format!("{repository}/manifests/t");
        let kind = format!("Content-Type: {OCI_MANIFEST}");
        let (status, _) = self.registry.ask("PUT", &path, &[&kind], &self.old);
        assert_eq!(status, 201);
        for blob in &self.blobs {
            let path = format!("{repository}/blobs/{blob}");
            let (status, _) = self.registry.ask("DELETE", &path, &[], b"");
            assert!(matches!(status, 202 | 404), "{status}");
        }
        std::fs::remove_dir_all(self.sandbox.path("cache")).ok();
    }

    /// One fault at one step. Gives the exit code.
    fn strike(&self, step: &Step, fault: &Fault, times: usize) -> Option<i32> {
        let what = format!("{} {} {fault:?} {times}×", step.method, step.path);
        self.reset(step.repository);
        let mut rules = step.before.clone();
        rules.push(Rule {
            method: step.method,
            path: step.path.to_owned(),
            skip: step.skip,
            times,
            fault: fault.clone(),
        });
        self.proxy.set(rules);
        let outcome = self.push(step.repository);
        assert!(
            self.proxy.hits() > step.before.iter().map(|rule| rule.times).sum(),
            "{what}: it never struck\n{:#?}",
            self.proxy.seen()
        );
        let found = self
            .registry
            .whole(step.repository, "t")
            .unwrap_or_else(|| panic!("{what}: the tag is gone"));
        let code = outcome.code;
        match code {
            Some(0) => {
                assert_eq!(found, self.new, "{what}");
                assert!(outcome.stdout.contains(&self.new), "{what}: {}", outcome.stdout);
            }
            Some(code @ (3 | 4)) => {
                outcome.one_line(code, &[]);
                let is_new = step.is_last() && found == self.new;
                assert!(is_new || found == digest(&self.old), "{what}: the tag is {found}");
            }
            code => panic!("{what}: exit {code:?}\n{}", outcome.stderr),
        }
        assert_eq!(
            self.sandbox.leftovers(),
            [""; 0],
            "{what}: temporary files are gone"
        );
        self.proxy.set(Vec::new());
        self.push(step.repository).ok();
        let found = self.registry.whole(step.repository, "t");
        assert_eq!(found.as_ref(), Some(&self.new), "{what}: the second run");
        code
    }

    /// Every fault at one step, once and for good.
    fn every_fault(&self, step: &Step) {
        let (mut all, mut failed) = (0, 0);
        let mut count = |code: Option<i32>| {
            all += 1;
            failed += usize::from(code != Some(0));
        };
        for (fault, passes) in faults(step) {
            let code = self.strike(step, &fault, 1);
            count(code);
            assert!(
                !passes || code == Some(0),
                "{} {}: one {fault:?} is not worth failing",
                step.method,
                step.path
            );
        }
        for fault in [
            Fault::Swallow,
            Fault::Answer(503, &["Retry-After: 0"]),
            Fault::OtherBytes,
        ] {
            count(self.strike(step, &fault, usize::MAX));
        }
        let Step { method, path, .. } = step;
        eprintln!("{method} {path}: {all} faults, {failed} of them failed the run");
    }
}

/// Every fault that makes sense at a step, and whether one of them must not fail the run.
fn faults(step: &Step) -> Vec<(Fault, bool)> {
    let mut faults = vec![
        (Fault::HangUp, true),
        (Fault::Reset, true),
        (Fault::CutRequest, true),
        (Fault::Swallow, true),
        (Fault::CutAnswer, true),
        (Fault::Delay(Duration::from_millis(150)), true),
        (Fault::Answer(429, &["Retry-After: 0"]), true),
        (Fault::Answer(500, &[]), true),
        (Fault::Answer(502, &[]), true),
        (Fault::Answer(503, &[]), true),
        (Fault::Slow(Duration::from_millis(10)), true),
        (Fault::Answer(401, &[]), false),
        (Fault::Answer(403, &[]), false),
        (Fault::Answer(404, &[]), false),
        (Fault::Answer(416, &[]), step.is_resumed()),
        (Fault::Redirect("http://127.0.0.1:1".to_owned()), false),
        (Fault::OtherDigest, false),
        (Fault::OtherBytes, false),
        (Fault::OtherRange, false),
        (Fault::Longer(7), false),
        (Fault::Short, false),
        (Fault::Previous, false),
        (Fault::Twice, false),
    ];
    if step.path.contains("/uploads/") && matches!(step.method, "PUT" | "PATCH") {
        faults.push((Fault::OtherRequest, false));
    }
    faults
}

/// A blob that asks first (more than 1 MiB), in one request.
const ONE_REQUEST: usize = 1_300_000;

#[test]
fn the_first_question() {
    let Some(stage) = Stage::new(ONE_REQUEST) else {
        return;
    };
    stage.every_fault(&Step::new("GET", "/v2/", 0, "app"));
}

#[test]
fn the_manifest_of_the_source() {
    let Some(stage) = Stage::new(ONE_REQUEST) else {
        return;
    };
    stage.every_fault(&Step::new("GET", "/v2/app/manifests/1", 0, "app"));
}

#[test]
fn the_config_of_the_source() {
    let Some(stage) = Stage::new(ONE_REQUEST) else {
        return;
    };
    stage.every_fault(&Step::new("GET", "/v2/app/blobs/*", 0, "app"));
}

#[test]
fn a_layer_of_the_source() {
    let Some(stage) = Stage::new(ONE_REQUEST) else {
        return;
    };
    stage.every_fault(&Step::new("GET", "/v2/app/blobs/*", 1, "app"));
}

/// A download that broke goes on: what befalls the request for the rest.
#[test]
fn the_rest_of_a_layer() {
    let Some(mut stage) = Stage::new(ONE_REQUEST) else {
        return;
    };
    // One layer after the other: the rest is asked for right after the cut, which no other rule counts.
    stage.flags = "--threads 1";
    let broken = Rule {
        method: "GET",
        path: "/v2/app/blobs/*".to_owned(),
        skip: 1,
        times: 1,
        fault: Fault::CutAnswer,
    };
    stage.every_fault(&Step {
        before: vec![broken],
        ..Step::new("GET", "/v2/app/blobs/*", 1, "app")
    });
}

#[test]
fn whether_a_blob_is_there() {
    let Some(stage) = Stage::new(ONE_REQUEST) else {
        return;
    };
    stage.every_fault(&Step::new("HEAD", "/v2/app/blobs/*", 0, "app"));
}

#[test]
fn the_beginning_of_an_upload() {
    let Some(stage) = Stage::new(ONE_REQUEST) else {
        return;
    };
    stage.every_fault(&Step::new("POST", "/v2/app/blobs/uploads/", 0, "app"));
}

#[test]
fn an_upload_in_one_request() {
    let Some(stage) = Stage::new(ONE_REQUEST) else {
        return;
    };
    stage.every_fault(&Step::new("PUT", "/v2/app/blobs/uploads/*", 0, "app"));
}

#[test]
fn an_upload_in_chunks() {
    let Some(stage) = Stage::new(5_000_000) else {
        return;
    };
    // The registry takes no layer in one request.
    let refused = Rule {
        method: "PUT",
        path: "/v2/app/blobs/uploads/*".to_owned(),
        skip: 0,
        times: 1,
        fault: Fault::TooLarge(1_000_000),
    };
    let second = 1;
    stage.every_fault(&Step {
        before: vec![refused],
        ..Step::new("PATCH", "/v2/app/blobs/uploads/*", second, "app")
    });
}

#[test]
fn a_mount_from_another_repository() {
    let Some(stage) = Stage::new(ONE_REQUEST) else {
        return;
    };
    // `app` has the slimmed blobs, from the run that measured; `lent` has not.
    stage.every_fault(&Step::new("POST", "/v2/lent/blobs/uploads/?mount=*", 0, "lent"));
}

#[test]
fn the_manifest_of_the_result() {
    let Some(stage) = Stage::new(ONE_REQUEST) else {
        return;
    };
    stage.every_fault(&Step::new("PUT", "/v2/app/manifests/t", 0, "app"));
}

/// A registry that names a time is left alone until then, whatever it was asked.
#[test]
fn retry_after_is_obeyed() {
    let Some(stage) = Stage::new(ONE_REQUEST) else {
        return;
    };
    for (method, path) in [
        ("GET", "/v2/app/manifests/1"),
        ("HEAD", "/v2/app/blobs/*"),
        ("PUT", "/v2/app/blobs/uploads/*"),
        ("PUT", "/v2/app/manifests/t"),
    ] {
        stage.reset("app");
        stage.proxy.set(vec![Rule {
            method,
            path: path.to_owned(),
            skip: 0,
            times: 1,
            fault: Fault::Answer(429, &["Retry-After: 2"]),
        }]);
        stage.push("app").ok();
        let seen = stage.proxy.seen();
        let hit = seen.iter().position(|seen| seen.is_hit).unwrap();
        // The other thread may be sending meanwhile: what counts is the same thing again.
        let again = seen[hit + 1..].iter().rfind(|seen| seen.method == method);
        let waited = again.unwrap().after.saturating_sub(seen[hit].after);
        assert!(
            waited >= Duration::from_millis(1900),
            "{method} {path}: {waited:?}\n{seen:#?}"
        );
    }
}

/// A tag that was absent stays absent until everything it needs is there.
#[test]
fn a_new_tag_comes_whole_or_not_at_all() {
    let Some(stage) = Stage::new(ONE_REQUEST) else {
        return;
    };
    stage.reset("app");
    let host = &stage.proxy.host;
    let line = |number: usize| format!("push --quiet docker://{host}/app:1 docker://{host}/fresh{number}:t");
    // Each request of an undisturbed run, in turn, fails for good.
    stage.proxy.set(Vec::new());
    stage.sandbox.slim(&line(0)).ok();
    let requests = stage.proxy.seen();
    assert!(requests.len() > 8, "{requests:#?}");
    for number in 1..=requests.len() {
        let any = |method| Rule {
            method,
            path: "*".to_owned(),
            skip: number - 1,
            times: usize::MAX,
            fault: Fault::HangUp,
        };
        std::fs::remove_dir_all(stage.sandbox.path("cache")).ok();
        let rules = ["GET", "HEAD", "POST", "PUT", "PATCH"].map(any);
        stage.proxy.set(rules.into());
        let code = stage.sandbox.slim(&line(number)).code;
        let found = stage.registry.whole(&format!("fresh{number}"), "t");
        match code {
            Some(0) => assert_eq!(found.as_ref(), Some(&stage.new)),
            Some(3 | 4) => assert_eq!(found, None, "request {number}"),
            code => panic!("request {number}: exit {code:?}"),
        }
        stage.proxy.set(Vec::new());
        stage.sandbox.slim(&line(number)).ok();
        let found = stage.registry.whole(&format!("fresh{number}"), "t");
        assert_eq!(found.as_ref(), Some(&stage.new));
    }
}
