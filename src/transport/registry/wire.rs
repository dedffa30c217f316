//! One HTTP exchange: plain HTTP where it is allowed, redirects, tries, and what failures mean.
//!
//! A module of its own so that nothing above it knows the HTTP library. It knows hosts and URLs, and
//! nothing of logins: what it sends in `Authorization` is given to it, for one origin, and dropped when a
//! redirect leaves that origin.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ureq::http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use ureq::{Agent, Body, SendBody};

use super::error::RegistryError;
use super::patience::{Patience, is_transient, retry_after};
use crate::http::{Agents, Origin, Settings, Standing, io_words, resolve, tls_words, without_query};
use crate::oci::Reference;

const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the answer to an upload may take: registries put a large blob together before they answer.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(300);
const MAX_REDIRECTS: usize = 5;
/// Uploads larger than this ask before they send, so that a refusal is read and not a broken pipe.
const ASK_FIRST_ABOVE: u64 = 1024 * 1024;

/// What a request sends.
#[derive(Clone, Copy)]
pub(super) enum Payload<'a> {
    /// Nothing, and no `Content-Length`.
    None,
    /// These bytes, which may be none.
    Bytes(&'a [u8]),
    /// A stream of `size` bytes, opened anew for each try.
    Stream {
        /// Bytes in the stream.
        size: u64,
        /// What is sent.
        from: &'a dyn Reopen,
    },
}

/// Something that can be sent more than once.
pub(super) trait Reopen {
    /// Opens it at its first byte.
    fn reopen(&self) -> Result<Box<dyn Read + '_>, RegistryError>;
}

/// One request, complete but for its login.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a str,
    pub(super) headers: &'a [(header::HeaderName, String)],
    pub(super) authorization: Option<&'a str>,
    pub(super) payload: Payload<'a>,
}

/// The connections, and what is known of each host.
pub(super) struct Wire {
    agents: Agents,
    hosts: Mutex<HashMap<String, Host>>,
}

#[derive(Clone, Default)]
struct Host {
    /// `http://…` or `https://…` without a path, once it is known.
    base: Option<String>,
    contacted: bool,
    /// Registries that the user named, unlike those where redirects and challenges lead.
    is_named: bool,
}

impl Wire {
    pub(super) fn new(settings: &Settings) -> Result<Self, RegistryError> {
        Ok(Self {
            agents: Agents::new(settings)?,
            hosts: Mutex::default(),
        })
    }

    /// Scheme and authority of a registry's API, without a slash at the end. Hosts that may be spoken to
    /// over plain HTTP are probed once.
    pub(super) fn base(&self, reference: &Reference) -> Result<String, RegistryError> {
        let host = api_host(&reference.host);
        let https = format!("https://{host}");
        self.note(host, |known| known.is_named = true);
        if !self.agents.is_lax(host) {
            return Ok(https);
        }
        if let Some(base) = self.host(host).base {
            return Ok(base);
        }
        let base = self.probe(host, https)?;
        self.note(host, |known| {
            known.base = Some(base.clone());
            known.contacted = true;
        });
        Ok(base)
    }

    /// Sends a request as often as patience allows; the answer may have any status. Redirects of GET and
    /// HEAD are followed, without the login where they leave the origin.
    pub(super) fn send(
        &self,
        exchange: &Exchange,
        patience: Patience,
    ) -> Result<Response<Body>, RegistryError> {
        let mut waits = patience.waits();
        loop {
            let outcome = self.follow(exchange);
            let after = match &outcome {
                Ok(answer) if is_transient(answer.status()) => retry_after(answer),
                Err(error) if error.is_transient() => None,
                _ => return outcome,
            };
            match waits.next() {
                Some(wait) => std::thread::sleep(after.unwrap_or(wait)),
                None => return outcome,
            }
        }
    }

    /// Whether a login may be sent to this URL: over TLS, or to this machine, or to a host that the user
    /// named as insecure.
    pub(super) fn may_carry_login(&self, url: &str) -> bool {
        match Origin::of(url) {
            Some(origin) => origin.scheme == "https" || self.agents.is_lax(&origin.authority),
            None => false,
        }
    }

    fn follow(&self, exchange: &Exchange) -> Result<Response<Body>, RegistryError> {
        let mut url = exchange.url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let same_origin = Origin::of(&url) == Origin::of(exchange.url);
            let hop = Exchange {
                url: &url,
                authorization: exchange.authorization.filter(|_| same_origin),
                ..*exchange
            };
            let answer = self.once(&hop)?;
            let is_read = *exchange.method == Method::GET || *exchange.method == Method::HEAD;
            if !(answer.status().is_redirection() && is_read) {
                return Ok(answer);
            }
            let Some(location) = header_text(&answer, &header::LOCATION) else {
                return Err(RegistryError::bad(&url, "a redirect without a Location"));
            };
            let next = resolve(&url, location);
            let is_downgrade = url.starts_with("https://") && !next.starts_with("https://");
            if is_downgrade && !self.may_carry_login(&next) {
                let reason = format!("a redirect from https to {}", without_query(&next));
                return Err(RegistryError::bad(&url, reason));
            }
            url = next;
        }
        Err(RegistryError::bad(exchange.url, "too many redirects"))
    }

    fn once(&self, exchange: &Exchange) -> Result<Response<Body>, RegistryError> {
        let uri: Uri = exchange
            .url
            .parse()
            .map_err(|_| RegistryError::bad(exchange.url, "not a URL"))?;
        let host = uri
            .authority()
            .map_or("", |authority| authority.as_str())
            .to_owned();
        let mut builder = Request::builder().method(exchange.method).uri(uri);
        for (name, value) in exchange.headers {
            builder = builder.header(name, value);
        }
        let bad = || RegistryError::bad(exchange.url, "a header that cannot be sent");
        if let Some(login) = exchange.authorization {
            let mut value = HeaderValue::from_str(login).map_err(|_| bad())?;
            value.set_sensitive(true);
            builder = builder.header(header::AUTHORIZATION, value);
        }
        let agent = &self.agent(&host, exchange.url)?;
        let outcome = match exchange.payload {
            Payload::None => agent.run(builder.body(()).map_err(|_| bad())?),
            Payload::Bytes(mut bytes) => {
                let builder = builder.header(header::CONTENT_LENGTH, bytes.len());
                let request = builder
                    .body(SendBody::from_reader(&mut bytes))
                    .map_err(|_| bad())?;
                run_patiently(agent, request)
            }
            Payload::Stream { size, from } => {
                let mut reader = from.reopen()?;
                let mut builder = builder.header(header::CONTENT_LENGTH, size);
                if size > ASK_FIRST_ABOVE {
                    builder = builder.header(header::EXPECT, "100-continue");
                }
                let request = builder
                    .body(SendBody::from_reader(&mut reader))
                    .map_err(|_| bad())?;
                run_patiently(agent, request)
            }
        };
        match outcome {
            Ok(answer) => {
                self.note(&host, |known| known.contacted = true);
                Ok(answer)
            }
            Err(error) => Err(self.explain(error, &host, exchange.url)),
        }
    }

    /// HTTPS first; plain HTTP where HTTPS does not answer and HTTP does, as docker does.
    fn probe(&self, host: &str, https: String) -> Result<String, RegistryError> {
        let agents = [
            self.agent(host, &https)?,
            self.agent(host, &format!("http://{host}"))?,
        ];
        let call = |agent: &Agent, base: &str| {
            let request = agent.get(format!("{base}/v2/")).config();
            let request = request
                .timeout_connect(Some(PROBE_TIMEOUT))
                .timeout_per_read(Some(PROBE_TIMEOUT));
            request.build().call()
        };
        let Err(error) = call(&agents[0], &https) else {
            return Ok(https);
        };
        let http = format!("http://{host}");
        match call(&agents[1], &http) {
            // What a TLS server says to plain HTTP is 400: then the TLS error is the one to tell.
            Ok(answer) if answer.status() != StatusCode::BAD_REQUEST => Ok(http),
            Ok(_) => Err(self.explain(error, host, &https)),
            Err(error) => Err(self.explain(error, host, &http)),
        }
    }

    fn agent(&self, host: &str, url: &str) -> Result<Agent, RegistryError> {
        let standing = if self.host(host).is_named {
            Standing::Named
        } else {
            Standing::Other
        };
        Ok(self.agents.of(url, standing)?)
    }

    fn host(&self, host: &str) -> Host {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.get(host).cloned().unwrap_or_default()
    }

    fn note(&self, host: &str, change: impl FnOnce(&mut Host)) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        change(hosts.entry(host.to_owned()).or_default());
    }

    /// What a failed exchange means. A host that never answered is unreachable, at once; one that did is
    /// worth another try.
    fn explain(&self, error: ureq::Error, host: &str, url: &str) -> RegistryError {
        use ureq::Error as E;
        let contacted = self.host(host).contacted;
        let host = host.to_owned();
        let reason = match error {
            E::Io(e) => return lost_or_unreachable(host, io_words(&e), contacted || is_broken(&e)),
            E::Timeout(_) => return lost_or_unreachable(host, "it does not answer".to_owned(), contacted),
            E::HostNotFound => "no such host".to_owned(),
            E::Rustls(e) => tls_words(&e.to_string()),
            E::Tls(e) => tls_words(e),
            E::ConnectProxyFailed(e) => format!("the proxy says: {}", crate::http::shown(&e)),
            E::InvalidProxyUrl => "the proxy's URL is not valid".to_owned(),
            other => return RegistryError::bad(url, other.to_string()),
        };
        RegistryError::Unreachable { host, reason }
    }
}

/// Runs a request that sends something, with time for the registry to digest it.
fn run_patiently(agent: &Agent, request: Request<SendBody>) -> Result<Response<Body>, ureq::Error> {
    let request = agent
        .configure_request(request)
        .timeout_per_read(Some(COMMIT_TIMEOUT))
        .build();
    agent.run(request)
}

fn lost_or_unreachable(host: String, reason: String, lost: bool) -> RegistryError {
    if lost {
        RegistryError::Lost { host, reason }
    } else {
        RegistryError::Unreachable { host, reason }
    }
}

/// Whether an exchange broke after it had begun; what else fails on first contact is no connection at all.
fn is_broken(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe | K::UnexpectedEof | K::TimedOut
    )
}

/// Where the API of a registry lives.
fn api_host(host: &str) -> &str {
    if host == "docker.io" {
        "registry-1.docker.io"
    } else {
        host
    }
}

/// A header's value, where it is text.
pub(super) fn header_text<'a>(answer: &'a Response<Body>, name: &header::HeaderName) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}

/// The whole body of an answer, which may not be larger than `limit` bytes.
pub(super) fn read_all(answer: Response<Body>, limit: u64, what: &str) -> Result<Vec<u8>, RegistryError> {
    let too_large = || RegistryError::TooLarge {
        what: what.to_owned(),
        limit,
    };
    let body = answer.into_body();
    if body.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let outcome = body.into_reader().take(limit + 1).read_to_end(&mut bytes);
    outcome.map_err(|e| RegistryError::Lost {
        host: what.to_owned(),
        reason: io_words(&e),
    })?;
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_go_over_tls_or_to_hosts_that_may_do_without() {
        let settings = Settings {
            insecure: vec!["registry.lan:5000".to_owned()],
            ..Settings::default()
        };
        let wire = Wire::new(&settings).unwrap();
        for (url, want) in [
            ("https://auth.example.com/token", true),
            ("http://auth.example.com/token", false),
            ("http://127.0.0.1:5000/token", true),
            ("http://localhost/token", true),
            ("http://registry.lan:5000/token", true),
            ("http://registry.lan:80/token", false),
            ("http://localhost@auth.example.com/token", false),
            ("/token", false),
        ] {
            assert_eq!(wire.may_carry_login(url), want, "{url}");
        }
    }
}
