//! Who gets to see a login, and when.

use super::fake::{Asked, Fake, Say};
use super::{client, client_with, layer_descriptor, read_all, reference};
use crate::oci::Reference;
use crate::transport::registry::{Credentials, Login, RegistryError};

/// base64 of `user:hunter2`.
const BASIC: &str = "Basic dXNlcjpodW50ZXIy";

fn login(host: &str) -> Credentials {
    Credentials::default().with_password(host, "user", "hunter2")
}

/// A registry that wants a token of `realm`, and takes `Bearer good`.
fn wants_token(realm: &str) -> Fake {
    let challenge = format!(r#"Bearer realm="{realm}",service="reg",scope="repository:a:pull""#);
    Fake::start(move |asked| match asked.header("authorization") {
        Some("Bearer good") => Say::new(200).body("{}"),
        _ => Say::new(401).header("WWW-Authenticate", &challenge),
    })
}

#[test]
fn a_token_is_fetched_once_and_only_when_asked_for() {
    let realm = Fake::start(|_| Say::new(200).body(r#"{"token":"good","expires_in":300}"#));
    let registry = wants_token(&format!("http://{}/token", realm.host));
    let client = client_with(login(&registry.host));
    let target = reference(&registry.host, "a");
    client.manifest(&target, "1").unwrap();
    client.manifest(&target, "2").unwrap();
    assert_eq!(
        realm.lines(),
        ["GET /token?service=reg&scope=repository%3Aa%3Apull"]
    );
    assert_eq!(realm.asked()[0].header("authorization"), Some(BASIC));
    let seen: Vec<_> = registry
        .asked()
        .iter()
        .map(|one| one.header("authorization").map(str::to_owned))
        .collect();
    let good = Some("Bearer good".to_owned());
    assert_eq!(
        seen,
        [None, good.clone(), good],
        "the password never goes to the registry"
    );
    client.manifest(&reference(&registry.host, "b"), "1").unwrap();
    assert!(realm.lines()[1].ends_with("scope=repository%3Ab%3Apull"));
    assert_eq!(
        registry.asked().len(),
        4,
        "the challenge of the host is remembered"
    );
}

#[test]
fn anonymous_tokens_and_identity_tokens() {
    let realm = Fake::start(|_| Say::new(200).body(r#"{"access_token":"good"}"#));
    let registry = wants_token(&format!("http://{}/token", realm.host));
    let target = reference(&registry.host, "a");
    client().manifest(&target, "1").unwrap();
    assert_eq!(realm.asked()[0].header("authorization"), None);
    let file = format!(
        r#"{{"auths":{{"{}":{{"identitytoken":"refresh me"}}}}}}"#,
        registry.host
    );
    let credentials = Credentials::from_docker_config(file.as_bytes()).unwrap();
    client_with(credentials).manifest(&target, "1").unwrap();
    let asked = realm.asked();
    assert_eq!(asked[1].line(), "POST /token");
    let form = String::from_utf8(asked[1].body.clone()).unwrap();
    assert!(
        form.contains("grant_type=refresh_token") && form.contains("refresh_token=refresh%20me"),
        "{form}"
    );
}

#[test]
fn an_expired_token_is_replaced() {
    let realm = Fake::start(|asked| Say::new(200).body(format!(r#"{{"token":"t{}"}}"#, asked.times)));
    let challenge = format!(r#"Bearer realm="http://{}/token""#, realm.host);
    let registry = Fake::start(
        move |asked| match (asked.path.as_str(), asked.header("authorization")) {
            ("/v2/a/manifests/1", Some("Bearer t0")) | ("/v2/a/manifests/2", Some("Bearer t1")) => {
                Say::new(200).body("{}")
            }
            _ => Say::new(401).header("WWW-Authenticate", &challenge),
        },
    );
    let (client, target) = (client(), reference(&registry.host, "a"));
    client.manifest(&target, "1").unwrap();
    client.manifest(&target, "2").unwrap();
    assert_eq!(realm.asked().len(), 2);
}

fn refusal(client: &super::Client, target: &Reference) -> (Login, String) {
    let error = client.manifest(target, "1").unwrap_err();
    assert!(!format!("{error} {error:?} {client:?}").contains("hunter2"));
    match error {
        RegistryError::Unauthorized { login, .. } => (login, error.to_string()),
        other => panic!("{other}"),
    }
}

#[test]
fn refused_and_missing_logins_are_told_apart() {
    let basic = Fake::start(|_| Say::new(401).header("WWW-Authenticate", "Basic realm=\"r\""));
    let strict = Fake::start(|_| Say::new(401));
    let bearer = wants_token(&format!("http://{}/token", strict.host));
    for registry in [&basic, &bearer] {
        let (host, target) = (&registry.host, reference(&registry.host, "a"));
        let (missing, words) = refusal(&client(), &target);
        assert_eq!(missing, Login::Missing);
        assert_eq!(
            words,
            format!("{host} wants a login for a; run `docker login {host}`")
        );
        let (refused, words) = refusal(&client_with(login(host)), &target);
        assert_eq!(refused, Login::Refused);
        assert!(
            words.contains("401 unauthorized") && words.contains("were refused"),
            "{words}"
        );
    }
    assert_eq!(basic.asked()[2].header("authorization"), Some(BASIC));
}

#[test]
fn a_failed_helper_is_named_in_the_refusal() {
    let basic = Fake::start(|_| Say::new(401).header("WWW-Authenticate", "Basic"));
    let file = br#"{"credsStore":"no-such-helper-here"}"#;
    let client = client_with(Credentials::from_docker_config(file).unwrap());
    let (login, words) = refusal(&client, &reference(&basic.host, "a"));
    assert!(
        login == Login::Missing && words.contains("docker-credential-no-such-helper-here"),
        "{words}"
    );
}

#[test]
fn a_redirect_to_another_host_gets_no_login() {
    let store = Fake::start(|_| Say::new(200).body("blob"));
    let elsewhere = format!("http://{}/signed?sig=1", store.host);
    let registry = Fake::start(
        move |asked| match (asked.header("authorization"), asked.path.as_str()) {
            (None, _) => Say::new(401).header("WWW-Authenticate", "Basic"),
            (Some(_), "/here") => Say::new(200).body("blob"),
            (Some(_), path) if path.starts_with("/v2/near") => Say::new(307).header("Location", "/here"),
            (Some(_), _) => Say::new(307).header("Location", &elsewhere),
        },
    );
    let client = client_with(login(&registry.host));
    for repository in ["near", "far"] {
        let reader = client
            .blob(&reference(&registry.host, repository), &layer_descriptor(b"blob"))
            .unwrap();
        assert_eq!(read_all(reader).unwrap(), b"blob");
    }
    assert_eq!(store.lines(), ["GET /signed?sig=1"]);
    assert_eq!(store.asked()[0].header("authorization"), None);
    let here: Vec<Asked> = registry
        .asked()
        .into_iter()
        .filter(|one| one.path == "/here")
        .collect();
    assert_eq!(
        here[0].header("authorization"),
        Some(BASIC),
        "the same origin keeps it"
    );
}

#[test]
fn a_redirect_that_asks_for_a_login_gets_none() {
    let thief = Fake::start(|_| Say::new(401).header("WWW-Authenticate", "Basic"));
    let elsewhere = format!("http://{}/", thief.host);
    let registry = Fake::start(move |_| Say::new(307).header("Location", &elsewhere));
    let client = client_with(login(&registry.host));
    assert!(client.manifest(&reference(&registry.host, "a"), "1").is_err());
    assert!(
        thief
            .asked()
            .iter()
            .all(|one| one.header("authorization").is_none())
    );
}

#[test]
fn a_login_is_never_sent_to_a_realm_in_the_clear() {
    let registry = wants_token("http://realm.invalid/token");
    let client = client_with(login(&registry.host));
    let error = client.manifest(&reference(&registry.host, "a"), "1").unwrap_err();
    assert!(error.to_string().contains("plain HTTP"), "{error}");
}

#[test]
fn endless_redirects_end() {
    let registry = Fake::start(|_| Say::new(302).header("Location", "/again"));
    let error = client()
        .manifest(&reference(&registry.host, "a"), "1")
        .unwrap_err();
    assert!(error.to_string().contains("too many redirects"), "{error}");
}
