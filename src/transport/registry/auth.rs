//! Logins as registries ask for them: the challenge, Basic, and tokens by scope.
//!
//! A module of its own because the flow is its own protocol: nothing is sent until a registry asks with
//! `401`; then the challenge of the host is remembered, and later requests bring their token along.
//! Spec: distribution's `spec/auth/token.md` and `oauth.md`, RFC 9110 section 11.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use ureq::Body;
use ureq::http::{Method, Response, StatusCode, header};

use super::credentials::{Credentials, Secret};
use super::error::{Login, RegistryError};
use super::patience::Patience;
use super::wire::{Exchange, Payload, Wire, read_all};
use crate::http::form;
use crate::oci::Reference;

/// How long a token is good where its giver does not say (the token spec's own default).
const DEFAULT_LIFE: u64 = 60;
/// Taken off a token's life, for slow requests and clocks.
const MARGIN: u64 = 5;
const TOKEN_ANSWER: u64 = 1024 * 1024;
const CLIENT_ID: &str = "layerslim";

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access<'a> {
    /// Read the repository.
    Pull,
    /// Write the repository.
    Push,
    /// Write the repository with blobs of another one.
    Mount(&'a str),
}

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String> },
}

/// The challenges and tokens of every host, and the logins.
pub(super) struct Auth {
    credentials: Credentials,
    hosts: Mutex<HashMap<String, Challenge>>,
    headers: Mutex<HashMap<(String, String), Known>>,
    /// What was found for a repository, so that a credential helper runs once.
    secrets: Mutex<HashMap<String, Found>>,
    /// Held while a login is got, so that two uploads do not ask for the same one.
    turn: Mutex<()>,
}

/// An `Authorization`.
pub(super) struct Got {
    pub(super) header: String,
    /// Whether it was got just now: refused, it is no good at all.
    pub(super) is_fresh: bool,
}

type Found = Result<Option<Secret>, String>;

#[derive(Clone)]
struct Known {
    header: String,
    until: Option<Instant>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl Auth {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            hosts: Mutex::default(),
            headers: Mutex::default(),
            secrets: Mutex::default(),
            turn: Mutex::default(),
        }
    }

    /// The `Authorization` to bring along: `None` before the host has asked for one.
    pub(super) fn header(
        &self,
        wire: &Wire,
        reference: &Reference,
        access: Access,
    ) -> Result<Option<String>, RegistryError> {
        let challenge = locked(&self.hosts).get(&reference.host).cloned();
        let Some(challenge) = challenge else {
            return Ok(None);
        };
        let known = || self.known(reference, access);
        if let Some(header) = known() {
            return Ok(Some(header));
        }
        let _turn = locked(&self.turn);
        if let Some(header) = known() {
            return Ok(Some(header));
        }
        self.obtain(wire, reference, access, &challenge).map(Some)
    }

    /// What was got for this before, where it still holds.
    fn known(&self, reference: &Reference, access: Access) -> Option<String> {
        let key = (reference.host.clone(), scopes(reference, access).join(" "));
        let known = locked(&self.headers).get(&key).cloned()?;
        let holds = known.until.is_none_or(|until| Instant::now() < until);
        holds.then_some(known.header)
    }

    /// The `Authorization` that answers a `401`, which `brought` did not satisfy.
    pub(super) fn answer(
        &self,
        wire: &Wire,
        reference: &Reference,
        access: Access,
        refusal: &Response<Body>,
        url: &str,
        brought: Option<&str>,
    ) -> Result<Got, RegistryError> {
        let values = refusal.headers().get_all(header::WWW_AUTHENTICATE);
        let texts = values.iter().filter_map(|value| value.to_str().ok());
        let challenge = texts
            .filter_map(Challenge::parse)
            .max_by_key(|challenge| matches!(challenge, Challenge::Bearer { .. }))
            .ok_or_else(|| RegistryError::bad(url, "401 without a challenge that slim can answer"))?;
        locked(&self.hosts).insert(reference.host.clone(), challenge.clone());
        let _turn = locked(&self.turn);
        if let Some(header) = self.known(reference, access)
            && brought != Some(header.as_str())
        {
            // Somebody else was faster; it may be past its time by now.
            return Ok(Got {
                header,
                is_fresh: false,
            });
        }
        Ok(Got {
            header: self.obtain(wire, reference, access, &challenge)?,
            is_fresh: true,
        })
    }

    /// The error for a registry that says `401` to a login, or to none.
    pub(super) fn unauthorized(&self, reference: &Reference) -> RegistryError {
        let (login, detail) = match self.secret(reference) {
            Ok(Some(_)) => (Login::Refused, String::new()),
            Ok(None) => (Login::Missing, String::new()),
            Err(helper) => (Login::Missing, helper),
        };
        RegistryError::Unauthorized {
            host: reference.host.clone(),
            repository: reference.repository.clone(),
            login,
            detail,
        }
    }

    fn secret(&self, reference: &Reference) -> Found {
        let name = reference.name();
        if let Some(found) = locked(&self.secrets).get(&name) {
            return found.clone();
        }
        let found = self.credentials.find(&reference.host, &reference.repository);
        locked(&self.secrets).insert(name, found.clone());
        found
    }

    fn obtain(
        &self,
        wire: &Wire,
        reference: &Reference,
        access: Access,
        challenge: &Challenge,
    ) -> Result<String, RegistryError> {
        // A helper that fails is no reason to stop: the image may be public. The refusal names it.
        let secret = self.secret(reference).unwrap_or_default();
        let scopes = scopes(reference, access);
        let known = match (challenge, &secret) {
            (_, Some(Secret::RegistryToken(token))) => Known {
                header: format!("Bearer {token}"),
                until: None,
            },
            (Challenge::Basic, Some(secret)) => Known {
                header: secret.basic().ok_or_else(|| self.unauthorized(reference))?,
                until: None,
            },
            (Challenge::Basic, None) => return Err(self.unauthorized(reference)),
            (Challenge::Bearer { realm, service }, _) => {
                let service = service.as_deref();
                self.token(
                    wire,
                    reference,
                    &Ask {
                        realm,
                        service,
                        scopes: &scopes,
                    },
                    secret.as_ref(),
                )?
            }
        };
        let header = known.header.clone();
        locked(&self.headers).insert((reference.host.clone(), scopes.join(" ")), known);
        Ok(header)
    }

    /// Asks the realm for a token: with an identity token by POST, else by GET.
    fn token(
        &self,
        wire: &Wire,
        reference: &Reference,
        ask: &Ask,
        secret: Option<&Secret>,
    ) -> Result<Known, RegistryError> {
        let realm = ask.realm;
        if secret.is_some() && !wire.may_carry_login(realm) {
            return Err(RegistryError::bad(realm, "it asks for a login over plain HTTP"));
        }
        let answer = ask.send(wire, secret)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(self.unauthorized(reference)),
            StatusCode::BAD_REQUEST if matches!(secret, Some(Secret::IdentityToken(_))) => {
                return Err(self.unauthorized(reference));
            }
            _ => return Err(super::status_error(answer, realm)),
        }
        let body = read_all(answer, TOKEN_ANSWER, "the token")?;
        // The parser's message could quote the token: it is not shown.
        let answer: TokenAnswer =
            serde_json::from_slice(&body).map_err(|_| RegistryError::bad(realm, "it gave no token"))?;
        let token = [answer.token, answer.access_token]
            .into_iter()
            .flatten()
            .find(|token| !token.is_empty())
            .ok_or_else(|| RegistryError::bad(realm, "it gave no token"))?;
        let life = answer.expires_in.unwrap_or(DEFAULT_LIFE).max(DEFAULT_LIFE);
        Ok(Known {
            header: format!("Bearer {token}"),
            until: Instant::now().checked_add(Duration::from_secs(life - MARGIN)),
        })
    }
}

/// What a realm is asked for.
struct Ask<'a> {
    realm: &'a str,
    service: Option<&'a str>,
    scopes: &'a [String],
}

impl Ask<'_> {
    fn send(&self, wire: &Wire, secret: Option<&Secret>) -> Result<Response<Body>, RegistryError> {
        if let Some(Secret::IdentityToken(token)) = secret {
            let form = self.form(token);
            let kind = "application/x-www-form-urlencoded".to_owned();
            let exchange = Exchange {
                method: &Method::POST,
                url: self.realm,
                headers: &[(header::CONTENT_TYPE, kind)],
                authorization: None,
                payload: Payload::Bytes(form.as_bytes()),
            };
            return wire.send(&exchange, Patience::Retry);
        }
        let basic = secret.and_then(Secret::basic);
        let exchange = Exchange {
            method: &Method::GET,
            url: &self.url(),
            headers: &[],
            authorization: basic.as_deref(),
            payload: Payload::None,
        };
        wire.send(&exchange, Patience::Retry)
    }

    fn url(&self) -> String {
        let service = self.service.map(|service| ("service", service));
        let scopes = self.scopes.iter().map(|scope| ("scope", scope.as_str()));
        let separator = if self.realm.contains('?') { '&' } else { '?' };
        format!(
            "{}{separator}{}",
            self.realm,
            form(service.into_iter().chain(scopes))
        )
    }

    fn form(&self, refresh_token: &str) -> String {
        let scopes = self.scopes.join(" ");
        let pairs = [
            ("grant_type", "refresh_token"),
            ("client_id", CLIENT_ID),
            ("scope", &scopes),
            ("refresh_token", refresh_token),
        ];
        let service = self.service.map(|service| ("service", service));
        form(pairs.into_iter().chain(service))
    }
}

impl Challenge {
    /// Reads `Basic …` or `Bearer realm="…",service="…",…`.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters(rest);
        let get = |name: &str| {
            let found = parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        Some(Self::Bearer {
            realm: get("realm")?,
            service: get("service"),
        })
    }
}

/// `key="quoted, with \" escapes",key=token`, as RFC 9110 has it.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| matches!(c, ',' | ' ' | '\t')).is_some() {}
        let key: String = std::iter::from_fn(|| chars.next_if(|c| !matches!(c, '=' | ',' | ' '))).collect();
        if key.is_empty() {
            return out;
        }
        if chars.next_if_eq(&'=').is_none() {
            continue;
        }
        let mut value = String::new();
        if chars.next_if_eq(&'"').is_some() {
            while let Some(c) = chars.next() {
                match c {
                    '"' => break,
                    '\\' => value.extend(chars.next()),
                    _ => value.push(c),
                }
            }
        } else {
            value.extend(std::iter::from_fn(|| chars.next_if(|c| !matches!(c, ',' | ' '))));
        }
        out.push((key, value));
    }
}

/// The scopes of a request, in distribution's words.
fn scopes(reference: &Reference, access: Access) -> Vec<String> {
    let scope = |repository: &str, actions: &str| format!("repository:{repository}:{actions}");
    let own = &reference.repository;
    match access {
        Access::Pull => vec![scope(own, "pull")],
        Access::Push => vec![scope(own, "pull,push")],
        Access::Mount(from) => vec![scope(own, "pull,push"), scope(from, "pull")],
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_as_registries_write_them() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer {
                realm: realm.to_owned(),
                service: service.map(str::to_owned),
            })
        };
        for (text, want) in [
            (
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="a:b:c,d""#,
                bearer("https://auth.docker.io/token", Some("registry.docker.io")),
            ),
            (
                r#"bearer scope="a,realm=x" , realm="https://r/\"q\"""#,
                bearer("https://r/\"q\"", None),
            ),
            (
                "Bearer realm=https://r/t,service=s",
                bearer("https://r/t", Some("s")),
            ),
            ("Bearer service=\"s\"", None),
            ("Basic realm=\"Registry Realm\"", Some(Challenge::Basic)),
            ("basic", Some(Challenge::Basic)),
            ("Negotiate", None),
            ("Bearer realm=\"unclosed", bearer("unclosed", None)),
            ("", None),
        ] {
            assert_eq!(Challenge::parse(text), want, "{text}");
        }
    }

    #[test]
    fn a_token_is_asked_for_with_every_scope() {
        let reference: Reference = "ghcr.io/o/app:1".parse().unwrap();
        let scopes = scopes(&reference, Access::Mount("o/base"));
        let ask = Ask {
            realm: "https://r/token?a=1",
            service: Some("my registry"),
            scopes: &scopes,
        };
        assert_eq!(
            ask.url(),
            "https://r/token?a=1&service=my%20registry&scope=repository%3Ao%2Fapp%3Apull%2Cpush\
             &scope=repository%3Ao%2Fbase%3Apull"
        );
        assert!(
            ask.form("s&t")
                .contains("&refresh_token=s%26t&service=my%20registry")
        );
    }
}
