//! Hosts: which of them may see a login, how they are reached, and how they are known to be who they say.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{basic, discreet, recipe};
use crate::support::cmd::Sandbox;
use crate::support::judges::{have, run, skipped, skopeo_copy};
use crate::support::proxy::{Fault, Proxy, Rule};
use crate::support::registry::{Login, Registry};
use crate::support::tunnel::Tunnel;

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
