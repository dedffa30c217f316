//! What holds when an engine fails: one clear line, the right exit code, nothing left behind. The engine is made up.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::cmd::Sandbox;
use crate::support::fake_engine::{FakeEngine, Fault};
use crate::support::judges::{have, is_root};
use crate::support::recipe::Recipe;

fn recipe() -> Recipe {
    Recipe::new(
        "layer ADD rootfs\nd usr\nd usr/bin\nf usr/bin/a 300000 mode=755\nf old 200000\nd usr/share\nd usr/share/man
         f usr/share/man/a.1 5000
         layer RUN change\nwh old\nf new 100000",
    )
}

/// A sandbox with the recipe as archive `d.tar`, and an engine that has it as `app:1`.
fn ready() -> (Sandbox, FakeEngine) {
    let archive = recipe().docker_archive("app:1");
    let mut sandbox = Sandbox::new();
    let engine = FakeEngine::at_socket(&sandbox.path("engine.sock"));
    engine.hold(&archive);
    sandbox.write("d.tar", archive);
    sandbox.set("DOCKER_HOST", engine.host.clone());
    (sandbox, engine)
}

/// A report without what it says of the medium.
fn essence(mut report: Value) -> Value {
    for key in ["reference", "transport"] {
        report["image"][key] = Value::Null;
    }
    report
}

#[test]
fn an_engine_is_read_as_its_archive_is_and_nothing_is_spooled() {
    let (sandbox, engine) = ready();
    let want = essence(sandbox.slim("report --format json docker-archive:d.tar").json());
    let id = want["image"]["config_digest"].as_str().unwrap().to_owned();
    for name in ["app:1", &id, &id[7..], &id[7..19]] {
        let line = format!("report --format json docker-daemon:{name}");
        assert_eq!(essence(sandbox.slim(&line).json()), want, "{name}");
    }
    let seen = engine.seen();
    assert!(
        seen.contains(&format!("GET /v1.41/images/{id}/get")),
        "by the id that was found: {seen:?}"
    );
    for fault in [Fault::Chunks(7), Fault::Slow(Duration::from_millis(700))] {
        engine.fail("/get", fault);
        assert_eq!(
            essence(sandbox.slim("report --format json docker-daemon:app:1").json()),
            want
        );
    }
    // Its layers pass once, in the detail that is asked for: all of it between two images, sums beside a saved report.
    engine.heal();
    sandbox.slim("report docker-archive:d.tar -o saved.json").ok();
    for old in ["docker-archive:d.tar", "saved.json"] {
        let diff = sandbox
            .slim(&format!("diff --format json {old} docker-daemon:app:1"))
            .json();
        assert_eq!(diff["layer_counts"]["rebuilt"], 0, "{old}: {diff:#}");
        assert_eq!(diff["compared_contents"], old != "saved.json", "{old}");
    }
    // Where no file may grow past 4 KiB, an image of 600 kB is reported all the same: only its documents are kept.
    engine.heal();
    let small = Sandbox::new();
    let line = format!(
        "ulimit -f 8; SLIM_CACHE={} DOCKER_HOST={} exec {} report --quiet docker-daemon:app:1",
        small.path("cache").display(),
        engine.host,
        env!("CARGO_BIN_EXE_slim")
    );
    let done = Command::new("sh")
        .args(["-c", &line])
        .env("TMPDIR", small.path("tmp"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(sandbox.leftovers(), [""; 0], "temporary files are gone");
}

#[test]
fn what_is_loaded_is_the_slim_image_under_its_name() {
    let (sandbox, engine) = ready();
    let line = sandbox.slim("load docker-daemon:app:1").ok().stdout;
    assert_eq!(line, "docker-daemon:app:1-slim\n");
    sandbox
        .slim("verify docker-daemon:app:1 docker-daemon:app:1-slim")
        .ok();
    sandbox.write("out.tar", engine.archive("app:1-slim").expect("it was loaded"));
    sandbox
        .slim("verify docker-archive:d.tar docker-archive:out.tar")
        .ok();
    sandbox
        .slim("verify docker-daemon:app:1-slim docker-archive:out.tar --profile none")
        .ok();

    // The same bytes as `save` writes, by whichever words, with any layers.
    for (layers, words) in [
        ("squash", "load docker-archive:d.tar app:2"),
        ("keep", "save docker-archive:d.tar docker-daemon:app:2"),
        ("keep", "load app:1 docker-daemon:app:2"),
    ] {
        sandbox.slim(&format!("{words} --layers {layers} --quiet")).ok();
        let saved = format!("save docker-archive:d.tar docker-archive:want.tar:app:2 --layers {layers}");
        sandbox.slim(&saved).ok();
        let want = std::fs::read(sandbox.path("want.tar")).unwrap();
        assert!(engine.archive("app:2") == Some(want), "{words}");
    }
    // Compressed layers that stay as they are go as plain tars.
    recipe().oci(&sandbox.path("zip"), "t", crate::support::medium::Codec::Gzip);
    sandbox
        .slim("load oci:zip:t app:3 --layers keep --profile none")
        .ok();
    sandbox
        .slim("verify oci:zip:t docker-daemon:app:3 --profile none")
        .ok();

    engine.heal();
    sandbox.slim("load app:1 app:4 --dry-run").ok();
    assert!(
        engine.seen().iter().all(|line| !line.starts_with("POST")),
        "a dry run sends nothing"
    );
    assert_eq!(sandbox.leftovers(), [""; 0], "temporary files are gone");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_the_engine_says_no_to_is_one_line() {
    let (sandbox, engine) = ready();
    let message = |text: &str| format!("{{\"message\":\"{text}\"}}");
    let detail = |text: &str| {
        format!(
            "{{\"stream\":\"Loading\"}}\r\n{{\"errorDetail\":{{\"message\":\"{text}\"}},\"error\":\"{text}\"}}\r\n"
        )
    };
    let read = "report --quiet docker-daemon:app:1";
    let write = "load --quiet docker-daemon:app:1";
    for (line, code, at, fault, words) in [
        (read, 3, "/get", Fault::Cut(300_000), &["docker-daemon:app:1"][..]),
        (
            read,
            3,
            "/get",
            Fault::Body(recipe().docker_archive("app:1")[..200_000].to_vec()),
            &["cut short", "docker-daemon:app:1"],
        ),
        (
            read,
            3,
            "/get",
            Fault::Answer(500, message("the graph is damaged")),
            &["the graph is damaged", "export"],
        ),
        (read, 3, "/get", Fault::Answer(500, "<html>".to_owned()), &["500"]),
        (read, 3, "/get", Fault::HangUp, &["the connection", "engine.sock"]),
        (read, 3, "/get", Fault::Body(other()), &["gave", "asked for"]),
        (
            read,
            3,
            "/json",
            Fault::Answer(500, message("no\\u001b[31m colours")),
            &["no\\u{1b}[31m colours"],
        ),
        (
            read,
            3,
            "/json",
            Fault::Answer(200, "no json".to_owned()),
            &["odd answer"],
        ),
        (read, 3, "_ping", Fault::Garbage, &["odd answer"]),
        (write, 3, "/get", Fault::Cut(300_000), &["docker-daemon:app:1"]),
        (
            write,
            4,
            "/load",
            Fault::Answer(200, detail("unsupported layer")),
            &["unsupported layer", "app:1-slim"],
        ),
        (
            write,
            4,
            "/load",
            Fault::Answer(200, detail("write /x: no space left on device")),
            &["no space left", "docker system df"],
        ),
        (
            write,
            4,
            "/load",
            Fault::Answer(500, message("it does not fit")),
            &["it does not fit"],
        ),
        (
            write,
            4,
            "/load",
            Fault::Early(507, message("it is full")),
            &["it is full"],
        ),
        (write, 4, "/load", Fault::HangUp, &["the connection", "load"]),
        (
            write,
            4,
            "/load",
            Fault::Answer(200, "{\"stream\":".to_owned()),
            &["odd answer"],
        ),
        (
            write,
            4,
            "1-slim/json",
            Fault::Answer(200, "{\"Id\":\"sha256:00\"}".to_owned()),
            &["sha256:00", "not sha256:"],
        ),
    ] {
        engine.fail(at, fault);
        sandbox.slim(line).one_line(code, words);
        assert_eq!(sandbox.leftovers(), [""; 0], "{words:?}");
    }
    assert!(engine.archive("app:1").is_some(), "the source is as it was");
}

/// Another image than the one that is asked for.
fn other() -> Vec<u8> {
    Recipe::new("layer\nf other 2000").docker_archive("app:1")
}

#[test]
fn a_layer_that_is_not_what_the_config_says_is_refused() {
    let (sandbox, engine) = ready();
    let mut wrong = recipe();
    wrong.layers.swap(0, 1);
    engine.fail("/get", Fault::Body(wrong.docker_archive("app:1")));
    for line in [
        "report docker-daemon:app:1 --quiet",
        "load docker-daemon:app:1 --quiet",
    ] {
        sandbox.slim(line).one_line(3, &["layer", "diff"]);
    }
    assert!(engine.seen().iter().all(|line| !line.starts_with("POST")));
}

#[test]
fn an_image_that_is_not_there_has_neighbours() {
    let (sandbox, _engine) = ready();
    let line = sandbox
        .slim("report --quiet docker-daemon:app:9")
        .one_line(3, &["no image `app:9`", "it has app:1"]);
    assert!(line.contains("engine.sock"), "{line}");
    sandbox
        .slim("load --quiet docker-daemon:nope")
        .one_line(3, &["nope"]);
    sandbox
        .slim("load --quiet docker-archive:d.tar")
        .one_line(2, &["d.tar", "NAME:TAG"]);
    sandbox
        .slim("load --quiet app:1 x:1 --compression gzip")
        .one_line(2, &["plain tars"]);
    sandbox
        .slim("load --quiet app:1 oci:x")
        .one_line(2, &["no engine"]);
    sandbox
        .slim("save --quiet app:1 oci:x --leftovers docker-daemon:l")
        .one_line(2, &["--leftovers"]);
}

#[test]
fn a_bare_word_is_a_path_then_the_engine_then_a_registry() {
    let (mut sandbox, engine) = ready();
    let chosen = |sandbox: &Sandbox, word: &str| sandbox.slim(&format!("report {word}")).stderr;
    let said = chosen(&sandbox, "app:1");
    assert!(
        said.contains("app:1: image app:1 of the engine at unix://"),
        "{said}"
    );
    std::fs::copy(sandbox.path("d.tar"), sandbox.path("app")).unwrap();
    let said = chosen(&sandbox, "app:1");
    assert!(
        said.contains("app:1: docker archive app:1"),
        "a path comes first: {said}"
    );
    let said = chosen(&sandbox, "127.0.0.1:1/gone:1");
    assert!(said.contains("registry image 127.0.0.1:1/gone:1"), "{said}");
    let said = sandbox.slim("push app-2:1").stderr;
    assert!(!said.contains("of the engine"), "{said}");

    // An engine that fails, or does not answer, is not waited for.
    let begin = Instant::now();
    for fault in [
        Fault::HangUp,
        Fault::Answer(500, String::new()),
        Fault::Slow(Duration::from_secs(30)),
    ] {
        engine.fail("_ping", fault);
        let said = chosen(&sandbox, "127.0.0.1:1/app:1");
        assert!(said.contains("registry image 127.0.0.1:1/app:1"), "{said}");
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    for host in ["ssh://far", "nonsense", "unix:///no/such.sock"] {
        sandbox.set("DOCKER_HOST", host);
        let said = chosen(&sandbox, "127.0.0.1:1/app:1");
        assert!(
            said.contains("registry image 127.0.0.1:1/app:1"),
            "{host}: {said}"
        );
    }
}

#[test]
fn where_no_engine_is_the_way_out_is_said() {
    let (mut sandbox, engine) = ready();
    let dead = sandbox.path("dead.sock");
    drop(UnixListener::bind(&dead).unwrap());
    let dead = format!("unix://{}", dead.display());
    for (host, code, words) in [
        (
            "unix:///no/such.sock",
            3,
            &[
                "no engine answers at unix:///no/such.sock",
                "is docker or podman running",
            ][..],
        ),
        (&dead, 3, &["no engine answers", "connection refused"]),
        (
            "tcp://127.0.0.1:1",
            3,
            &["no engine answers at tcp://127.0.0.1:1"],
        ),
        ("ssh://me@far", 2, &["DOCKER_HOST=ssh://me@far", "ssh -nNT -L"]),
        ("far:2375", 2, &["DOCKER_HOST=far:2375", "unix://PATH"]),
    ] {
        sandbox.set("DOCKER_HOST", host);
        sandbox
            .slim("report --quiet docker-daemon:app:1")
            .one_line(code, words);
    }
    sandbox.set("DOCKER_HOST", engine.host.clone());
    engine.speak("1.12");
    sandbox
        .slim("report --quiet docker-daemon:app:1")
        .one_line(3, &["API 1.12", "1.24"]);
    engine.speak("");
    sandbox
        .slim("report --quiet docker-daemon:app:1")
        .one_line(3, &["no API version"]);
    engine.speak("1.99");
    sandbox.slim("report --quiet docker-daemon:app:1").ok();
    assert!(
        engine.seen().last().unwrap().contains("/v1.48/"),
        "{:?}",
        engine.seen()
    );
}

#[test]
fn a_socket_that_may_not_be_opened_names_who_may() {
    let (sandbox, engine) = ready();
    let socket = sandbox.path("engine.sock");
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o0)).unwrap();
    let slim = [
        env!("CARGO_BIN_EXE_slim"),
        "report",
        "--quiet",
        "docker-daemon:app:1",
    ];
    let mut command = if is_root() {
        if !have(&["setpriv"]) {
            return;
        }
        let mut command = Command::new("setpriv");
        command
            .args(["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"])
            .args(slim);
        command
    } else {
        let mut command = Command::new(slim[0]);
        command.args(&slim[1..]);
        command
    };
    let done = command
        .env("DOCKER_HOST", &engine.host)
        .env("SLIM_CACHE", sandbox.path("cache"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(3), "{said}");
    assert!(
        said.contains("permission denied") && said.contains("engine.sock"),
        "{said}"
    );
}

#[test]
fn contexts_and_hosts_are_found_as_docker_finds_them() {
    let mut sandbox = Sandbox::new();
    let archive = recipe().docker_archive("app:1");
    let (near, far) = (
        FakeEngine::at_socket(&sandbox.path("near.sock")),
        FakeEngine::at_port(),
    );
    near.hold(&archive);
    far.hold(&archive);
    let id = crate::support::recipe::hex(&<sha2::Sha256 as sha2::Digest>::digest(b"near"));
    let meta = sandbox.path(&format!("docker/contexts/meta/{id}"));
    std::fs::create_dir_all(&meta).unwrap();
    let text = format!(
        r#"{{"Name":"near","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{}"}}}}}}"#,
        near.host
    );
    std::fs::write(meta.join("meta.json"), text).unwrap();
    sandbox.write("docker/config.json", r#"{"currentContext":"near"}"#);
    sandbox.set("DOCKER_CONFIG", sandbox.path("docker").display().to_string());
    sandbox.slim("report docker-daemon:app:1").ok();
    assert!(!near.seen().is_empty() && far.seen().is_empty());
    near.heal();
    sandbox.set("DOCKER_HOST", far.host.clone());
    sandbox.slim("load docker-daemon:app:1").ok();
    assert!(near.seen().is_empty() && far.archive("app:1-slim").is_some());
    sandbox.set("DOCKER_HOST", "");
    sandbox.set("DOCKER_CONTEXT", "gone");
    sandbox
        .slim("report --quiet docker-daemon:app:1")
        .one_line(2, &["docker context `gone`"]);
}
