//! Logins: docker's `config.json` and podman's `auth.json`, with credential helpers.
//!
//! A module of its own so that secrets live in one place: [`Debug`](std::fmt::Debug) of everything here
//! names hosts and never a secret. Which file is read is for the caller to say; the library gets its bytes.
//! Format: docker's `config.json`, containers-auth.json(5), docker/docker-credential-helpers.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{alphabet, engine::DecodePaddingMode};
use serde::Deserialize;

use super::error::RegistryError;

/// How long a credential helper may think.
const HELPER_TIMEOUT: Duration = Duration::from_secs(10);
/// The most that a credential helper may say, in bytes.
const HELPER_OUTPUT: u64 = 64 * 1024;
/// What docker calls its own registry in files and helpers.
const DOCKER_KEY: &str = "https://index.docker.io/v1/";

/// The logins that are known, file by file; none by default.
#[derive(Clone, Default, Debug)]
pub struct Credentials(Vec<Logins>);

/// What one file knows, by host.
#[derive(Clone, Default)]
struct Logins {
    by_key: BTreeMap<String, Secret>,
    helpers: BTreeMap<String, String>,
    store: Option<String>,
    /// Why the file cannot be read.
    unreadable: Option<String>,
}

/// One login.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Secret {
    /// A user name and a password.
    Password {
        /// The user name.
        user: String,
        /// The password.
        password: String,
    },
    /// An OAuth 2 refresh token.
    IdentityToken(String),
    /// A token that is sent as it is.
    RegistryToken(String),
}

#[derive(Deserialize, Default)]
struct File {
    #[serde(default)]
    auths: Option<BTreeMap<String, Entry>>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
    #[serde(default, rename = "credHelpers")]
    helpers: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

#[derive(Deserialize)]
struct HelperAnswer {
    #[serde(rename = "Username")]
    username: String,
    #[serde(rename = "Secret")]
    secret: String,
}

impl Credentials {
    /// Reads a docker `config.json` or podman `auth.json`. Empty input holds no logins.
    pub fn from_docker_config(bytes: &[u8]) -> Result<Self, RegistryError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        // serde's message may quote what it read, which may be a secret: only the place is told.
        let file: File = serde_json::from_slice(bytes).map_err(|e| {
            let (line, column) = (e.line(), e.column());
            RegistryError::Credentials(format!("not a docker config, at line {line} column {column}"))
        })?;
        let mut logins = BTreeMap::new();
        for (key, entry) in file.auths.unwrap_or_default() {
            if let Some(secret) = entry.secret(&key)? {
                logins.insert(normal_key(&key), secret);
            }
        }
        let helpers = file.helpers.unwrap_or_default();
        Ok(Self(vec![Logins {
            by_key: logins,
            helpers: helpers
                .into_iter()
                .map(|(key, name)| (normal_key(&key), name))
                .collect(),
            store: file.store.filter(|name| !name.is_empty()),
            unreadable: None,
        }]))
    }

    /// A file that cannot be read: `reason` names it where a login is missing.
    pub fn unreadable(reason: String) -> Self {
        Self(vec![Logins {
            unreadable: Some(reason),
            ..Logins::default()
        }])
    }

    /// The same, and what `other` knows of hosts of which these know nothing.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The same, and before all others one login more: `user` and `password` for `host`.
    #[must_use]
    pub fn with_password(mut self, host: &str, user: &str, password: &str) -> Self {
        let (user, password) = (user.to_owned(), password.to_owned());
        let one = (normal_key(host), Secret::Password { user, password });
        let logins = Logins {
            by_key: BTreeMap::from([one]),
            ..Logins::default()
        };
        self.0.insert(0, logins);
        self
    }

    /// The login for a repository, of the first file that knows one. `Err` is the words for a helper or a file that
    /// failed: it may still do without.
    pub(super) fn find(&self, host: &str, repository: &str) -> Result<Option<Secret>, String> {
        let mut failed = None;
        for logins in &self.0 {
            match logins.find(host, repository) {
                Ok(Some(secret)) => return Ok(Some(secret)),
                Ok(None) => {}
                Err(reason) => failed = failed.or(Some(reason)),
            }
        }
        failed.map_or(Ok(None), Err)
    }
}

impl Logins {
    /// The most specific key wins (`quay.io/team` before `quay.io`).
    fn find(&self, host: &str, repository: &str) -> Result<Option<Secret>, String> {
        let mut failed = self.unreadable.clone();
        if let Some(helper) = self.helpers.get(host).or(self.store.as_ref()) {
            match ask_helper(helper, host) {
                Ok(Some(secret)) => return Ok(Some(secret)),
                Ok(None) => {}
                Err(reason) => failed = Some(reason),
            }
        }
        let mut key = format!("{host}/{repository}");
        loop {
            if let Some(secret) = self.by_key.get(&key) {
                return Ok(Some(secret.clone()));
            }
            match key.rfind('/') {
                Some(at) => key.truncate(at),
                None => return failed.map_or(Ok(None), Err),
            }
        }
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins")
            .field("hosts", &self.by_key.keys())
            .field("helpers", &self.helpers)
            .field("store", &self.store)
            .field("unreadable", &self.unreadable)
            .finish()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Password(…)",
            Self::IdentityToken(_) => "IdentityToken(…)",
            Self::RegistryToken(_) => "RegistryToken(…)",
        })
    }
}

impl Secret {
    /// `Basic …`, for what has a user name.
    pub(super) fn basic(&self) -> Option<String> {
        match self {
            Self::Password { user, password } => {
                Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
            }
            Self::IdentityToken(_) | Self::RegistryToken(_) => None,
        }
    }
}

impl Entry {
    fn secret(self, key: &str) -> Result<Option<Secret>, RegistryError> {
        let full = |text: Option<String>| text.filter(|text| !text.is_empty());
        if let Some(token) = full(self.identitytoken) {
            return Ok(Some(Secret::IdentityToken(token)));
        }
        if let Some(token) = full(self.registrytoken) {
            return Ok(Some(Secret::RegistryToken(token)));
        }
        if let Some(auth) = full(self.auth) {
            let bad = || {
                RegistryError::Credentials(format!(
                    "`auth` of `{}` is not base64 of user:password",
                    crate::http::shown(key)
                ))
            };
            let bytes = lenient().decode(auth.trim()).map_err(|_| bad())?;
            let text = String::from_utf8(bytes).map_err(|_| bad())?;
            let (user, password) = text.split_once(':').ok_or_else(bad)?;
            // docker pads with NUL bytes on some systems.
            let password = password.trim_end_matches('\0').to_owned();
            let user = user.to_owned();
            return Ok(Some(Secret::Password { user, password }));
        }
        match (full(self.username), full(self.password)) {
            (Some(user), Some(password)) => Ok(Some(Secret::Password { user, password })),
            _ => Ok(None),
        }
    }
}

fn lenient() -> GeneralPurpose {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&alphabet::STANDARD, config)
}

/// `https://index.docker.io/v1/` is `docker.io`, `https://ghcr.io/v2/` is `ghcr.io`; a key without a scheme
/// may name a namespace (`quay.io/team`), which stays.
fn normal_key(key: &str) -> String {
    let bare = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"));
    let text = match bare {
        Some(rest) => rest.split('/').next().unwrap_or_default(),
        None => key.trim_end_matches('/'),
    };
    let (host, path) = match text.split_once('/') {
        Some((host, path)) => (host, Some(path)),
        None => (text, None),
    };
    let host = host.to_ascii_lowercase();
    let is_docker = matches!(
        host.as_str(),
        "index.docker.io" | "registry-1.docker.io" | "docker.io"
    );
    match (is_docker, path) {
        (true, None | Some("v1" | "v2")) => "docker.io".to_owned(),
        (true, Some(path)) => format!("docker.io/{path}"),
        (false, Some(path)) => format!("{host}/{path}"),
        (false, None) => host,
    }
}

/// Asks `docker-credential-NAME`; `None` where it knows nothing of the host.
fn ask_helper(name: &str, host: &str) -> Result<Option<Secret>, String> {
    let program = format!("docker-credential-{name}");
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if !name.bytes().all(is_plain) {
        return Err("the docker config names a credential helper that is no plain name".to_owned());
    }
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("{program}: {e}"))?;
    let key = if host == "docker.io" { DOCKER_KEY } else { host };
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its input answers for itself.
        drop(stdin.write_all(key.as_bytes()));
    }
    let output = child.stdout.take();
    // A thread and a channel: the helper's own children may hold its output open after it ended.
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(output) = output {
            drop(output.take(HELPER_OUTPUT).read_to_end(&mut text));
        }
        drop(sender.send(text));
    });
    let succeeded = wait(&mut child, &program, HELPER_TIMEOUT)?;
    let text = receiver.recv_timeout(HELPER_TIMEOUT).unwrap_or_default();
    if !succeeded {
        return if String::from_utf8_lossy(&text).contains("credentials not found") {
            Ok(None)
        } else {
            Err(format!("{program} failed"))
        };
    }
    let answer: HelperAnswer =
        serde_json::from_slice(&text).map_err(|_| format!("{program} answered no credentials"))?;
    Ok(match (answer.username.as_str(), answer.secret) {
        (_, secret) if secret.is_empty() => None,
        ("<token>", token) => Some(Secret::IdentityToken(token)),
        (user, password) => Some(Secret::Password {
            user: user.to_owned(),
            password,
        }),
    })
}

/// Waits for a helper, and ends it where it takes too long.
fn wait(child: &mut Child, program: &str, limit: Duration) -> Result<bool, String> {
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                drop(child.kill());
                drop(child.wait());
                return Err(format!("{program} did not answer within {limit:?}"));
            }
            Err(e) => return Err(format!("{program}: {e}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(credentials: &Credentials, host: &str, repository: &str) -> Option<String> {
        let secret = credentials.find(host, repository).unwrap()?;
        let text = secret.basic()?;
        let bytes = STANDARD.decode(text.strip_prefix("Basic ").unwrap()).unwrap();
        Some(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn keys_are_hosts_however_they_are_written() {
        for (key, host) in [
            ("https://index.docker.io/v1/", "docker.io"),
            ("index.docker.io", "docker.io"),
            ("docker.io", "docker.io"),
            ("registry-1.docker.io", "docker.io"),
            ("https://GHCR.io/v2/", "ghcr.io"),
            ("ghcr.io/", "ghcr.io"),
            ("localhost:5000", "localhost:5000"),
        ] {
            // base64 of `u:p`
            let file = format!(r#"{{"auths":{{"{key}":{{"auth":"dTpw"}}}}}}"#);
            let credentials = Credentials::from_docker_config(file.as_bytes()).unwrap();
            assert_eq!(basic(&credentials, host, "a/b").as_deref(), Some("u:p"), "{key}");
            assert_eq!(basic(&credentials, "elsewhere.io", "a/b"), None, "{key}");
        }
    }

    #[test]
    fn a_namespace_wins_over_its_host() {
        let file = br#"{"auths":{"quay.io":{"username":"a","password":"1"},
                                 "quay.io/team":{"username":"b","password":"2"}}}"#;
        let credentials = Credentials::from_docker_config(file).unwrap();
        assert_eq!(basic(&credentials, "quay.io", "team/app").as_deref(), Some("b:2"));
        assert_eq!(
            basic(&credentials, "quay.io", "teams/app").as_deref(),
            Some("a:1")
        );
    }

    #[test]
    fn passwords_may_hold_colons_and_tokens_are_tokens() {
        let auth = STANDARD.encode("robot$x:a:b:c");
        let file = format!(
            r#"{{"auths":{{"a.io":{{"auth":"{auth}"}},"b.io":{{"identitytoken":"T","auth":"dTo="}},"c.io":{{}}}}}}"#
        );
        let credentials = Credentials::from_docker_config(file.as_bytes()).unwrap();
        assert_eq!(basic(&credentials, "a.io", "x").as_deref(), Some("robot$x:a:b:c"));
        assert_eq!(
            credentials.find("b.io", "x").unwrap(),
            Some(Secret::IdentityToken("T".to_owned()))
        );
        assert_eq!(credentials.find("c.io", "x").unwrap(), None);
    }

    #[test]
    fn no_secret_is_ever_shown() {
        let auth = STANDARD.encode("user:hunter2");
        let file = format!(r#"{{"auths":{{"a.io":{{"auth":"{auth}"}}}}}}"#);
        let credentials = Credentials::from_docker_config(file.as_bytes()).unwrap();
        let secret = credentials.find("a.io", "x").unwrap();
        let shown = format!("{credentials:?} {secret:?}");
        assert!(shown.contains("a.io") && !shown.contains("hunter2") && !shown.contains(&auth));
        for broken in [
            r#"{"auths":{"a.io":{"auth":"hunter2!"}}}"#,
            r#"{"auths":{"a.io":"hunter2"}}"#,
            r#"{"auths":"hunter2"}"#,
        ] {
            let error = Credentials::from_docker_config(broken.as_bytes()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_first_file_that_knows_a_host_is_believed() {
        let file = |host: &str, user: &str| {
            let text = format!(r#"{{"auths":{{"{host}":{{"username":"{user}","password":"p"}}}}}}"#);
            Credentials::from_docker_config(text.as_bytes()).unwrap()
        };
        let broken = Credentials::unreadable("auth.json: broken".to_owned());
        let all = file("a.io", "1")
            .or(broken)
            .or(file("a.io", "2"))
            .or(file("b.io", "3"));
        assert_eq!(basic(&all, "a.io", "x").as_deref(), Some("1:p"));
        assert_eq!(basic(&all, "b.io", "x").as_deref(), Some("3:p"));
        assert_eq!(all.find("c.io", "x").unwrap_err(), "auth.json: broken");
    }

    #[test]
    fn nothing_and_null_are_no_logins() {
        for text in [
            "",
            "  \n",
            "{}",
            r#"{"auths":null,"credHelpers":null,"credsStore":""}"#,
        ] {
            let credentials = Credentials::from_docker_config(text.as_bytes()).unwrap();
            assert_eq!(
                credentials.find("docker.io", "library/nginx").unwrap(),
                None,
                "{text}"
            );
        }
    }

    #[test]
    fn a_helper_that_is_not_there_is_named_and_the_file_still_counts() {
        let file = br#"{"credsStore":"no-such-helper-here","auths":{"a.io":{"auth":"dTpw"}}}"#;
        let credentials = Credentials::from_docker_config(file).unwrap();
        assert_eq!(basic(&credentials, "a.io", "x").as_deref(), Some("u:p"));
        let words = credentials.find("b.io", "x").unwrap_err();
        assert!(words.contains("docker-credential-no-such-helper-here"), "{words}");
        let evil = br#"{"credHelpers":{"b.io":"../../bin/x"}}"#;
        let credentials = Credentials::from_docker_config(evil).unwrap();
        assert!(
            credentials
                .find("b.io", "x")
                .unwrap_err()
                .contains("no plain name")
        );
    }

    #[test]
    fn a_helper_that_thinks_too_long_is_ended() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let words = wait(&mut child, "sleep", Duration::from_millis(30)).unwrap_err();
        assert_eq!(words, "sleep did not answer within 30ms");
        assert!(child.try_wait().unwrap().is_some(), "and is no zombie");
    }
}
