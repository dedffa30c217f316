//! Logins as people have them: files of docker and podman, helpers, tokens, certificates, proxies. Debian's
//! `docker-registry` judges them. No secret is in any output, and none reaches a host that it does not belong to.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::cmd::{Outcome, Sandbox};
use crate::support::judges::{have, run, skipped, skopeo_copy};
use crate::support::proxy::{Fault, Proxy, Rule};
use crate::support::recipe::Recipe;
use crate::support::registry::{Login, PASSWORD, Registry, USER};
use crate::support::token::{Manner, REFRESH, TokenServer};
use crate::support::tunnel::Tunnel;

fn recipe() -> Recipe {
    Recipe::new("layer ADD rootfs\nd usr\nf usr/a 90000 mode=755\nlayer RUN\nd tmp\nf tmp/x 5000\nf b 4000")
}

fn basic() -> String {
    STANDARD.encode(format!("{USER}:{PASSWORD}"))
}

/// A docker config that knows the password of a host.
fn with_password(host: &str) -> String {
    json!({"auths": {host: {"auth": basic()}}}).to_string()
}

/// Asserts that nothing secret was said.
#[track_caller]
fn discreet(outcome: Outcome) -> Outcome {
    for text in [&outcome.stdout, &outcome.stderr] {
        for secret in [PASSWORD, &basic(), REFRESH, "hunter2", "eyJ"] {
            assert!(!text.contains(secret), "{secret} is in\n{text}");
        }
    }
    outcome
}

/// A registry that wants tokens, behind a proxy that sees who brings what.
struct Stage {
    tokens: TokenServer,
    proxy: Proxy,
    sandbox: Sandbox,
    _registry: Registry,
}

impl Stage {
    fn new() -> Option<Self> {
        if !have(&["docker-registry", "openssl"]) {
            return None;
        }
        let tokens = TokenServer::start();
        let registry = Registry::start(&tokens.login());
        let stage = Self {
            proxy: Proxy::start(&registry.host),
            sandbox: Sandbox::with(&recipe()),
            tokens,
            _registry: registry,
        };
        fs::create_dir(stage.sandbox.path("docker")).unwrap();
        Some(stage)
    }

    /// The docker config from now on.
    fn config(&mut self, text: &str) {
        self.sandbox.write("docker/config.json", text);
        let dir = self.sandbox.path("docker").display().to_string();
        self.sandbox.set("DOCKER_CONFIG", dir);
    }

    fn push(&self, tag: &str) -> Outcome {
        let host = &self.proxy.host;
        discreet(
            self.sandbox
                .slim(&format!("push --quiet oci:src:t docker://{host}/app:{tag}")),
        )
    }

    fn report(&self, tag: &str) -> Outcome {
        let host = &self.proxy.host;
        discreet(
            self.sandbox
                .slim(&format!("report --quiet docker://{host}/app:{tag}")),
        )
    }

    /// The scopes that tokens were asked for, in order.
    fn scopes(&self) -> Vec<String> {
        let asked = self.tokens.asked();
        let scopes = |one: &crate::support::token::Asked| {
            let all = format!("{}&{}", one.path.split('?').nth(1).unwrap_or_default(), one.body);
            let found = all.split('&').filter_map(|pair| pair.strip_prefix("scope="));
            found.collect::<Vec<_>>().join(" ")
        };
        asked.iter().map(scopes).collect()
    }
}

#[test]
fn a_password_becomes_a_token_for_each_scope() {
    let Some(mut stage) = Stage::new() else { return };
    let host = stage.proxy.host.clone();
    stage.config(&with_password(&host));
    stage.push("1").ok();
    assert_eq!(
        stage.scopes(),
        ["repository:app:pull,push", "repository:app:pull"],
        "one token for all that a push writes, and one for what it reads"
    );
    let asked = stage.tokens.asked();
    assert_eq!(asked[0].method, "GET");
    assert!(
        asked[0].path.contains("service=the tests' registry"),
        "{}",
        asked[0].path
    );
    assert_eq!(asked[0].authorization, Some(format!("Basic {}", basic())));
    for seen in stage.proxy.seen() {
        let login = seen.authorization.unwrap_or_default();
        assert!(
            !login.starts_with("Basic"),
            "the password goes to the token server alone"
        );
    }
    stage.tokens.set(Manner::Good);
    let line = format!("push --quiet docker://{host}/app:1 docker://{host}/other:1 --layers keep");
    discreet(stage.sandbox.slim(&line)).ok();
    let scopes = stage.scopes();
    for scope in [
        "repository:app:pull",
        "repository:other:pull,push",
        "repository:other:pull,push repository:app:pull",
    ] {
        assert!(scopes.iter().any(|found| found == scope), "{scope}: {scopes:#?}");
    }
}

#[test]
fn nobody_may_read_and_an_identity_token_may_write() {
    let Some(mut stage) = Stage::new() else { return };
    let host = stage.proxy.host.clone();
    stage.push("1").one_line(4, &[&host, "docker login"]);
    stage.config(&json!({"auths": {&host: {"identitytoken": REFRESH}}}).to_string());
    stage.tokens.set(Manner::Good);
    stage.push("1").ok();
    let asked = stage.tokens.asked();
    assert!(
        asked
            .iter()
            .all(|one| one.method == "POST" && one.authorization.is_none()),
        "{asked:#?}"
    );
    assert!(
        asked[0].body.contains(&format!("refresh_token={REFRESH}")) && asked[0].body.contains("client_id=")
    );
    stage.config("{}");
    stage.report("1").ok();
    let last = stage.tokens.asked().pop().unwrap();
    assert_eq!(
        (last.method.as_str(), last.authorization),
        ("GET", None),
        "anonymous"
    );
    stage.config(&json!({"auths": {&host: {"identitytoken": "hunter2"}}}).to_string());
    stage.report("1").one_line(3, &[&host, "refused"]);
}

/// The registry stops taking a token between two requests of one run.
#[test]
fn a_token_may_expire_in_the_middle() {
    let Some(mut stage) = Stage::new() else { return };
    let host = stage.proxy.host.clone();
    stage.config(&with_password(&host));
    for (method, path) in [
        ("HEAD", "/v2/app/blobs/*"),
        ("POST", "/v2/app/blobs/uploads/"),
        ("PUT", "/v2/app/blobs/uploads/*"),
    ] {
        stage.tokens.set(Manner::Hasty(2));
        stage.proxy.set(vec![Rule {
            method,
            path: path.to_owned(),
            skip: 0,
            times: 1,
            fault: Fault::Delay(Duration::from_millis(3500)),
        }]);
        stage.push(method).ok();
        let scopes = stage.scopes();
        assert!(scopes.len() >= 2, "{method}: it never expired: {scopes:?}");
    }
    stage.proxy.set(Vec::new());
    stage.tokens.set(Manner::Good);
    stage.report("PUT").ok();
}

#[test]
fn what_a_token_server_does_is_success_or_one_clear_line() {
    let Some(mut stage) = Stage::new() else { return };
    let host = stage.proxy.host.clone();
    stage.config(&with_password(&host));
    stage.push("1").ok();
    let realm = stage.tokens.host.clone();
    for (manner, words) in [
        (Manner::Refusing, vec![host.as_str(), "refused", "docker login"]),
        (Manner::OtherService, vec![host.as_str(), "refused"]),
        (Manner::Odd, vec![realm.as_str(), "token"]),
        (Manner::Busy(usize::MAX), vec![realm.as_str(), "503"]),
    ] {
        stage.tokens.set(manner);
        stage.report("1").one_line(3, &words);
        stage.tokens.set(manner);
        stage.push("2").one_line(4, &words);
    }
    stage.tokens.set(Manner::Busy(2));
    stage.report("1").ok();
}

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

/// A redirect to another host, as to a store of blobs, takes no login along.
#[test]
fn no_login_follows_to_another_host() {
    if !have(&["docker-registry", "htpasswd", "skopeo"]) {
        return;
    }
    let (closed, open) = (Registry::start(&Login::Needed), Registry::start(&Login::Anyone));
    let (proxy, store) = (Proxy::start(&closed.host), Proxy::start(&open.host));
    let mut sandbox = Sandbox::with(&recipe());
    sandbox.set("DOCKER_CONFIG", sandbox.path("").display().to_string());
    let login = json!({"auths": {&proxy.host: {"auth": basic()}, &store.host: {"auth": STANDARD.encode("u:hunter2")}}});
    sandbox.write("config.json", login.to_string());
    sandbox
        .slim(&format!(
            "push oci:src:t docker://{}/app:1 --profile none --layers keep",
            proxy.host
        ))
        .ok();
    let source = format!("oci:{}:t", sandbox.path("src").display());
    skopeo_copy(&source, &format!("docker://{}/app:1", open.host));
    for path in ["/v2/app/blobs/*", "/v2/app/manifests/1"] {
        store.set(Vec::new());
        proxy.set(vec![Rule {
            method: "GET",
            path: path.to_owned(),
            skip: 0,
            times: usize::MAX,
            fault: Fault::Redirect(format!("http://{}", store.host)),
        }]);
        fs::remove_dir_all(sandbox.path("cache")).ok();
        discreet(sandbox.slim(&format!("report docker://{}/app:1", proxy.host))).ok();
        let seen = store.seen();
        assert!(
            !seen.is_empty() && seen.iter().all(|one| one.authorization.is_none()),
            "{seen:#?}"
        );
        let asked = proxy.seen();
        assert!(asked.iter().any(|one| one.authorization.is_some()), "{asked:#?}");
    }
}

#[test]
fn ipv6_addresses_are_hosts() {
    if !have(&["docker-registry"]) {
        return;
    }
    let Some(registry) = Registry::listening("[::1]:0", &Login::Anyone, "") else {
        return skipped("no IPv6 on this machine");
    };
    let sandbox = Sandbox::with(&recipe());
    let app = format!("{}/app", registry.host);
    assert!(app.starts_with("[::1]:"), "{app}");
    let pushed = sandbox.slim(&format!("push oci:src:t docker://{app}:1")).ok();
    let line = pushed.stdout.trim_end();
    sandbox.slim(&format!("report docker://{line}")).ok();
    let (name, digest) = line.split_once('@').unwrap();
    sandbox.slim(&format!("report {name}:1@{digest}")).ok();
}

/// A CA, a server's certificate for `registry.test`, and a client's, with their keys.
fn certificates(dir: &Path) {
    let openssl = |words: &str| {
        let mut command = Command::new("openssl");
        run(command
            .args(words.split(' '))
            .current_dir(dir)
            .stderr(Stdio::null()));
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt");
    for (name, extension) in [
        ("server", "subjectAltName=DNS:registry.test"),
        ("client", "extendedKeyUsage=clientAuth"),
    ] {
        openssl(&format!(
            "req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        fs::write(dir.join("extensions"), format!("{extension}\n")).unwrap();
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out {name}.crt"
        ));
    }
}

/// Through a company's proxy, to a registry with a CA of its own that wants a client certificate.
#[test]
fn certificates_and_proxies_lead_to_a_registry() {
    if !have(&["docker-registry", "openssl"]) {
        return;
    }
    let mut sandbox = Sandbox::with(&recipe());
    let pki = sandbox.path("pki");
    fs::create_dir(&pki).unwrap();
    certificates(&pki);
    let at = |name: &str| pki.join(name).display().to_string();
    let tls = format!(
        "  tls:\n    certificate: \"{}\"\n    key: \"{}\"\n    clientcas: [\"{}\"]\n",
        at("server.crt"),
        at("server.key"),
        at("ca.crt")
    );
    let registry = Registry::listening("127.0.0.1:0", &Login::Anyone, &tls).unwrap();
    let tunnel = Tunnel::start(&registry.host);
    sandbox.set("https_proxy", format!("http://me:hunter2@{}", tunnel.host));
    sandbox.set("HTTP_PROXY", "http://127.0.0.1:1".to_owned());
    let line = "push --quiet oci:src:t docker://registry.test/app:1";
    let push = |sandbox: &Sandbox, flags: &str| discreet(sandbox.slim(&format!("{line} {flags}")));
    let (ca, cert, key) = (at("ca.crt"), at("client.crt"), at("client.key"));

    push(&sandbox, "").one_line(4, &["registry.test", "certificate", "--cacert"]);
    push(&sandbox, &format!("--cacert {ca}"))
        .one_line(4, &["registry.test", "client certificate", "--client-cert"]);
    let shown = format!("--cacert {ca} --client-cert {cert} --client-key");
    push(&sandbox, &format!("{shown} {key}")).ok();
    let both = fs::read_to_string(&cert).unwrap() + &fs::read_to_string(&key).unwrap();
    fs::write(pki.join("both.pem"), both).unwrap();
    push(
        &sandbox,
        &format!("--cacert {ca} --client-cert {}", at("both.pem")),
    )
    .ok();
    let asked = tunnel.asked();
    let login = format!("Basic {}", STANDARD.encode("me:hunter2"));
    assert!(
        asked
            .iter()
            .all(|(host, found)| host == "registry.test:443" && found.as_ref() == Some(&login)),
        "{asked:#?}"
    );
    push(&sandbox, &format!("{shown} {}", at("server.key"))).one_line(2, &["client certificate"]);
    push(&sandbox, &format!("--cacert {ca} --client-cert {key}")).one_line(2, &["client certificate"]);
    push(&sandbox, &format!("--cacert {key}")).one_line(2, &["CA certificate"]);

    let certs = sandbox.path("config/docker/certs.d/registry.test");
    fs::create_dir_all(&certs).unwrap();
    for (from, to) in [
        ("ca.crt", "ca.crt"),
        ("client.crt", "client.cert"),
        ("client.key", "client.key"),
    ] {
        fs::copy(pki.join(from), certs.join(to)).unwrap();
    }
    sandbox.set("XDG_CONFIG_HOME", sandbox.path("config").display().to_string());
    push(&sandbox, "").ok();
    fs::remove_file(certs.join("client.key")).unwrap();
    push(&sandbox, "").one_line(4, &["registry.test", "client.key"]);
    discreet(sandbox.slim("report oci:src:t")).ok();

    let before = tunnel.asked().len();
    sandbox.set("NO_PROXY", "example.com, .test".to_owned());
    push(&sandbox, "").code(4);
    assert_eq!(tunnel.asked().len(), before, "NO_PROXY names its domain");
}

/// A mirror of `registries.conf` is asked first; what it has not, the registry itself is asked for.
#[test]
fn mirrors_are_asked_first() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let (registry, mirror) = (Registry::start(&Login::Anyone), Registry::start(&Login::Anyone));
    let mut sandbox = Sandbox::with(&recipe());
    let source = format!("oci:{}:t", sandbox.path("src").display());
    skopeo_copy(&source, &format!("docker://{}/team/app:1", registry.host));
    let conf = |location: &str, more: &str| {
        format!(
            "[[registry]]\nprefix = \"{}/team\"\n[[registry.mirror]]\nlocation = \"{location}\"\ninsecure = true\n{more}\n",
            registry.host
        )
    };
    let path = sandbox.write("registries.conf", conf(&format!("{}/hub", mirror.host), ""));
    sandbox.set("CONTAINERS_REGISTRIES_CONF", path.display().to_string());
    let report = format!("report docker://{}/team/app:1", registry.host);
    let asked = |registry: &Registry, before: usize| {
        let lines = registry.requests().split_off(before);
        lines
            .iter()
            .filter(|line| line.starts_with("GET") && line.ends_with("200") && line.contains("app"))
            .count()
    };
    let fresh = || fs::remove_dir_all(sandbox.path("cache")).ok();

    let (own, other) = (registry.requests().len(), mirror.requests().len());
    sandbox.slim(&report).ok();
    assert_eq!(asked(&mirror, other), 0, "it has nothing yet");
    assert_eq!(asked(&registry, own), 4, "manifest, config, two layers");

    skopeo_copy(&source, &format!("docker://{}/hub/app:1", mirror.host));
    fresh();
    let (own, other) = (registry.requests().len(), mirror.requests().len());
    sandbox.slim(&report).ok();
    assert_eq!((asked(&mirror, other), asked(&registry, own)), (4, 0));

    sandbox.write(
        "registries.conf",
        conf(
            &format!("{}/hub", mirror.host),
            "pull-from-mirror = \"digest-only\"",
        ),
    );
    fresh();
    let (own, other) = (registry.requests().len(), mirror.requests().len());
    sandbox.slim(&report).ok();
    assert_eq!(
        (asked(&mirror, other), asked(&registry, own)),
        (3, 1),
        "the tag is the registry's"
    );

    sandbox.write("registries.conf", conf("127.0.0.1:1", ""));
    fresh();
    sandbox.slim(&report).ok();
    sandbox.write("registries.conf", "[[registry]\n");
    sandbox.slim(&report).one_line(2, &["registries.conf"]);
}
