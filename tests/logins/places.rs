//! Where logins are kept: the files of docker and podman, and helpers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{basic, discreet, recipe, with_password};
use crate::support::cmd::Sandbox;
use crate::support::judges::have;
use crate::support::registry::{Login, PASSWORD, Registry, USER};

/// Files of docker and podman: for each host the first that knows it.
#[test]
fn every_file_is_asked() {
    if !have(&["docker-registry", "htpasswd"]) {
        return;
    }
    let registry = Registry::start(&Login::Needed);
    let (host, login) = (&registry.host, with_password(&registry.host));
    let push =
        |sandbox: &Sandbox| discreet(sandbox.slim(&format!("push --quiet oci:src:t docker://{host}/app:1")));
    let placed = |files: &[(&str, &str)], variables: &[(&str, &str)]| {
        let mut sandbox = Sandbox::with(&recipe());
        for (name, text) in files {
            let path = sandbox.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        for (name, value) in variables {
            let value = value.replace("HERE", &sandbox.path("").display().to_string());
            sandbox.set(name, value);
        }
        sandbox
    };
    let elsewhere = with_password("elsewhere.example");
    let wrong = json!({"auths": {host: {"username": "keeper", "password": "hunter2"}}}).to_string();
    for (files, variables) in [
        (
            vec![("home/.docker/config.json", &login)],
            vec![("HOME", "HERE/home")],
        ),
        (vec![("d/config.json", &login)], vec![("DOCKER_CONFIG", "HERE/d")]),
        (
            vec![("a.json", &login)],
            vec![("REGISTRY_AUTH_FILE", "HERE/a.json")],
        ),
        (
            vec![("run/containers/auth.json", &login)],
            vec![("XDG_RUNTIME_DIR", "HERE/run")],
        ),
        (
            vec![("c/containers/auth.json", &login)],
            vec![("XDG_CONFIG_HOME", "HERE/c")],
        ),
        (
            vec![("home/.config/containers/auth.json", &login)],
            vec![("HOME", "HERE/home")],
        ),
        (vec![], vec![("DOCKER_AUTH_CONFIG", login.as_str())]),
        (
            vec![("d/config.json", &elsewhere), ("a.json", &login)],
            vec![("DOCKER_CONFIG", "HERE/d"), ("REGISTRY_AUTH_FILE", "HERE/a.json")],
        ),
        (
            vec![("d/config.json", &login), ("a.json", &wrong)],
            vec![("DOCKER_CONFIG", "HERE/d"), ("REGISTRY_AUTH_FILE", "HERE/a.json")],
        ),
    ] {
        let files: Vec<_> = files
            .into_iter()
            .map(|(name, text)| (name, text.as_str()))
            .collect();
        push(&placed(&files, &variables)).ok();
    }
    let sandbox = placed(
        &[("d/config.json", "{\"auths\": hunter2}")],
        &[("DOCKER_CONFIG", "HERE/d")],
    );
    push(&sandbox).one_line(4, &["config.json", "line 1", "docker login"]);
    discreet(sandbox.slim("report oci:src:t")).ok();
    let sandbox = placed(&[("d/config.json", &wrong)], &[("DOCKER_CONFIG", "HERE/d")]);
    push(&sandbox).one_line(4, &[host, "401", "refused"]);
}

/// A helper that does as it is told by its own name.
fn helper(sandbox: &mut Sandbox, name: &str, script: &str) {
    let bin = sandbox.path("bin");
    fs::create_dir_all(&bin).unwrap();
    let path = bin.join(format!("docker-credential-{name}"));
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let old = std::env::var("PATH").unwrap_or_default();
    sandbox.set("PATH", format!("{}:{old}", bin.display()));
}

#[test]
fn credential_helpers_are_asked_by_bare_host_and_not_waited_for() {
    if !have(&["docker-registry", "htpasswd"]) {
        return;
    }
    let registry = Registry::start(&Login::Needed);
    let host = &registry.host;
    let mut sandbox = Sandbox::with(&recipe());
    let seen = sandbox.path("seen");
    let good = json!({"ServerURL": host, "Username": USER, "Secret": PASSWORD});
    helper(
        &mut sandbox,
        "good",
        &format!("cat > {}\necho '{good}'", seen.display()),
    );
    helper(&mut sandbox, "broken", "echo hunter2 >&2\necho hunter2\nexit 1");
    helper(&mut sandbox, "odd", "echo '{\"hunter2\": 1}'");
    helper(
        &mut sandbox,
        "none",
        "echo 'credentials not found in native keychain'; exit 1",
    );
    helper(&mut sandbox, "slow", "sleep 300");
    sandbox.set("DOCKER_CONFIG", sandbox.path("").display().to_string());
    let push = |sandbox: &Sandbox, config: serde_json::Value| {
        sandbox.write("config.json", config.to_string());
        discreet(sandbox.slim(&format!("push --quiet oci:src:t docker://{host}/app:1")))
    };
    push(&sandbox, json!({"credsStore": "good"})).ok();
    assert_eq!(&fs::read_to_string(&seen).unwrap(), host);
    push(
        &sandbox,
        json!({"credHelpers": {host: "good"}, "credsStore": "broken"}),
    )
    .ok();
    push(
        &sandbox,
        json!({"credsStore": "none", "auths": {host: {"auth": basic()}}}),
    )
    .ok();
    for (name, words) in [
        ("broken", vec!["docker-credential-broken failed"]),
        ("odd", vec!["docker-credential-odd", "no credentials"]),
        ("none", vec!["wants a login"]),
        ("missing", vec!["docker-credential-missing"]),
    ] {
        push(&sandbox, json!({"credsStore": name})).one_line(4, &words);
    }
    let begin = Instant::now();
    push(&sandbox, json!({"credHelpers": {host: "slow"}}))
        .one_line(4, &["docker-credential-slow did not answer within 10s"]);
    assert!(begin.elapsed() < Duration::from_secs(25), "{:?}", begin.elapsed());
}
