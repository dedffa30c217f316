//! Real engines: an image of theirs read, slimmed, loaded back, and run with the same output.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;

use crate::support::cmd::{Sandbox, int};
use crate::support::corpus::corpus;
use crate::support::engine::RealEngine;
use crate::support::judges::{have, run};
use crate::support::recipe::{Recipe, hex};

/// A program that needs nothing: it says whether the files are there that it was shipped with.
const PROGRAM: &str = r#"
#include <stdio.h>
int main(void) {
    char line[64] = "nothing";
    FILE *file = fopen("/etc/shipped", "r");
    if (file) fgets(line, sizeof line, file);
    printf("it runs, and reads: %s\n", line);
    printf("the cache is %s\n", fopen("/root/.cache/pip/http/a", "r") ? "there" : "gone");
    return 0;
}
"#;

/// An image of three layers with that program and what a profile takes; `None` where there is no compiler.
fn image(sandbox: &Sandbox) -> Option<Recipe> {
    if !have(&["cc"]) {
        return None;
    }
    let source = sandbox.write("program.c", PROGRAM);
    let program = sandbox.path("program");
    run(Command::new("cc")
        .args(["-O1", "-s", "-static", "-o"])
        .arg(&program)
        .arg(source));
    let mut text = String::from("config {\"Entrypoint\":[\"/program\"],\"Env\":[\"PATH=/\"]}\n");
    let _ = writeln!(
        text,
        "layer COPY program /\nf program mode=755 hex={}",
        hex(&std::fs::read(program).unwrap())
    );
    text += "layer RUN pip install\nd etc\nf etc/shipped text=\"old\\n\"\nd root\nd root/.cache\nd root/.cache/pip\nd root/.cache/pip/http
             f root/.cache/pip/http/a 400000\nf root/.cache/pip/http/b 300000
             layer RUN change\nf etc/shipped text=\"new\\n\"";
    Some(Recipe::new(&text))
}

/// A report without what it says of the medium.
fn essence(mut report: Value) -> Value {
    for key in ["reference", "transport"] {
        report["image"][key] = Value::Null;
    }
    report
}

/// Read, slim, load, run: the same with every engine. `name` is what the engine calls `app:1`.
fn goes_round(engine: &RealEngine, name: &str) {
    let mut sandbox = Sandbox::new();
    let Some(recipe) = image(&sandbox) else { return };
    sandbox.set("DOCKER_HOST", engine.host.clone());
    engine.load(&sandbox.write("d.tar", recipe.docker_archive(name)));
    let before = engine.run(name);
    assert!(
        before.contains("it runs, and reads: new") && before.contains("the cache is there"),
        "{before}"
    );

    engine.save(name, &sandbox.path("saved.tar"));
    let want = essence(
        sandbox
            .slim("report --format json docker-archive:saved.tar")
            .json(),
    );
    let id = want["image"]["config_digest"].as_str().unwrap().to_owned();
    for image in [name, &id, &id[7..19]] {
        let report = sandbox
            .slim(&format!("report --format json docker-daemon:{image}"))
            .json();
        assert_eq!(essence(report), want, "{image}");
    }
    let said = sandbox.slim(&format!("report {name}")).ok().stderr;
    assert!(
        said.contains(&format!("{name}: image {name} of the engine at {}", engine.host)),
        "{said}"
    );

    for (layers, count) in [("squash", 1), ("keep", 3)] {
        let printed = sandbox
            .slim(&format!("load {name} --layers {layers} --format json"))
            .json();
        assert_eq!(
            printed["result"]["reference"],
            format!("docker-daemon:{name}-slim")
        );
        let slim = format!("docker-daemon:{name}-slim");
        sandbox.slim(&format!("verify docker-daemon:{name} {slim}")).ok();
        let report = sandbox.slim(&format!("report --format json {slim}")).json();
        assert_eq!(int(&report, "/totals/layers"), count, "{layers}");
        assert!(
            int(&report, "/totals/disk_bytes") + 700_000 <= int(&want, "/totals/disk_bytes"),
            "{layers}"
        );
        let after = engine.run(&format!("{name}-slim"));
        assert_eq!(after, before.replace("there", "gone"), "{layers}");
    }
    // Another name, by the other command; and what was taken comes back.
    let other = name.replace("app:1", "other:2");
    sandbox
        .slim(&format!(
            "save {name} docker-daemon:{other} --leftovers oci-archive:left.tar"
        ))
        .ok();
    sandbox
        .slim(&format!(
            "restore docker-daemon:{other} docker-daemon:{other}-back --leftovers oci-archive:left.tar"
        ))
        .ok();
    assert_eq!(engine.run(&format!("{other}-back")), before);
    sandbox
        .slim(&format!("report --quiet docker-daemon:{name}-none"))
        .one_line(3, &["no image", name]);
    assert_eq!(sandbox.leftovers(), [""; 0], "temporary files are gone");
}

#[test]
fn docker_reads_slims_loads_and_runs() {
    let Some(engine) = RealEngine::docker() else {
        return;
    };
    goes_round(&engine, "app:1");
    if let Some(corpus) = corpus() {
        of_the_corpus(
            &engine,
            &corpus.join("real/aquasecurity+trivy/pkg/fanal/test/testdata/alpine-310.tar.gz"),
        );
    }
    over_tls(&engine);
}

#[test]
fn podman_reads_slims_loads_and_runs() {
    let Some(engine) = RealEngine::podman() else {
        return;
    };
    goes_round(&engine, "localhost/app:1");
    let mut sandbox = Sandbox::new();
    sandbox.set("CONTAINER_HOST", engine.host.clone());
    sandbox.set("DOCKER_CONFIG", "/nonexistent");
    // What podman calls by a short name keeps its own.
    let line = sandbox.slim("load docker-daemon:app:1 --quiet").ok().stdout;
    assert_eq!(line, "docker-daemon:localhost/app:1-slim\n");
}

/// A real image with a shell.
fn of_the_corpus(engine: &RealEngine, archive: &std::path::Path) {
    let mut sandbox = Sandbox::new();
    sandbox.set("DOCKER_HOST", engine.host.clone());
    engine.load(archive);
    let want = sandbox
        .slim(&format!(
            "report --format json docker-archive:{}",
            archive.display()
        ))
        .json();
    let got = sandbox
        .slim("report --format json docker-daemon:alpine:3.10")
        .json();
    assert_eq!(essence(got), essence(want));
    sandbox.slim("load alpine:3.10 --profile alpine").ok();
    assert_eq!(engine.run("alpine:3.10-slim"), engine.run("alpine:3.10"));
}

/// A port with TLS wants the client's certificate, and shows its own.
fn over_tls(engine: &RealEngine) {
    let (host, certificates) = engine.tls.as_ref().expect("docker listens at a port too");
    let mut sandbox = Sandbox::new();
    sandbox.set("DOCKER_HOST", host.clone());
    let report = "report --quiet docker-daemon:app:1";
    sandbox.slim(report).one_line(3, &[host.as_str()]);
    sandbox.set("DOCKER_TLS_VERIFY", "1");
    sandbox.set("DOCKER_CERT_PATH", sandbox.path("tmp").display().to_string());
    sandbox.slim(report).one_line(3, &[host, "certificate"]);
    std::fs::copy(certificates.join("ca.pem"), sandbox.path("tmp/ca.pem")).unwrap();
    sandbox.slim(report).one_line(3, &[host, "certificate"]);
    sandbox.set("DOCKER_CERT_PATH", certificates.display().to_string());
    sandbox.slim(report).ok();
    sandbox.slim("load docker-daemon:app:1 over:tls").ok();
    assert!(engine.run("over:tls").contains("it runs"));
}
