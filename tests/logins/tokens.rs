//! A registry that wants tokens, and a token server that gives them, or does not.

use std::fs;
use std::time::Duration;

use serde_json::json;

use super::{basic, discreet, recipe, with_password};
use crate::support::cmd::{Outcome, Sandbox};
use crate::support::judges::have;
use crate::support::proxy::{Fault, Proxy, Rule};
use crate::support::registry::Registry;
use crate::support::token::{Manner, REFRESH, TokenServer};

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
