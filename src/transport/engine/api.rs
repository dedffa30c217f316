//! The few calls of the Docker Engine API that slim makes, and what their failures mean.
//!
//! A module of its own so that nothing beside it knows the HTTP library or what an engine's JSON looks like. Podman's
//! compatible socket speaks the same. API: docs.docker.com/engine/api, versions 1.24 to 1.48.

use std::fmt::Write as _;
use std::io::Read;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::http::{Request, Response, StatusCode, header};
use ureq::{Body, SendBody};

use super::address::Address;
use super::{EngineError, near};
use crate::http::{self, Calling, io_words, percent_encoded};
use crate::oci::Platform;

/// The newest version that slim speaks.
const NEWEST: Version = Version(1, 48);
/// The oldest one (docker 1.12).
const OLDEST: Version = Version(1, 24);
const OLDEST_TEXT: &str = "1.24";
/// The version since which an export takes a platform.
const WITH_PLATFORM: Version = Version(1, 48);
/// How long an engine may think about a question.
const ANSWER: Duration = Duration::from_secs(60);
/// How long it may be silent about an export or a load: older ones write the whole image to their disk first.
const SILENCE: Duration = Duration::from_secs(600);
/// Bytes of an answer that is no image, at most.
const MAX_ANSWER: u64 = 16 << 20;

/// A version of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u16, u16);

/// What speaks to one engine.
pub struct Engine {
    pub(super) address: Address,
    user_agent: String,
    version: OnceLock<Version>,
}

/// What an engine says of an image.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Inspected {
    /// `sha256:…`, of the config; of the manifest where the engine keeps images in containerd.
    pub(super) id: String,
    /// Names with tags.
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    /// Bytes that it takes on the engine's disk.
    #[serde(default)]
    pub(super) size: u64,
    #[serde(default, rename = "RootFS")]
    root_fs: RootFs,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RootFs {
    #[serde(default)]
    layers: Option<Vec<String>>,
}

impl Inspected {
    pub(super) fn tags(&self) -> &[String] {
        self.repo_tags.as_deref().unwrap_or_default()
    }

    /// Diff ids, base first.
    pub(super) fn layers(&self) -> &[String] {
        self.root_fs.layers.as_deref().unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

/// One line of what an engine tells while it loads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    error_detail: Option<Message>,
}

/// How long a call may take.
#[derive(Clone, Copy)]
struct Patience {
    silence: Duration,
    within: Option<Duration>,
}

impl Patience {
    const USUAL: Self = Self {
        silence: ANSWER,
        within: None,
    };
    const LONG: Self = Self {
        silence: SILENCE,
        within: None,
    };

    fn short(within: Duration) -> Self {
        Self {
            silence: within,
            within: Some(within),
        }
    }
}

impl Engine {
    /// An engine at `address`, not spoken to yet. `user_agent` is what slim calls itself.
    pub fn new(address: Address, user_agent: impl Into<String>) -> Self {
        Self {
            address,
            user_agent: user_agent.into(),
            version: OnceLock::new(),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Whether the engine answers within that time and has an image of that name or id. Whatever goes wrong, it has
    /// none.
    pub fn has(&self, name: &str, within: Duration) -> bool {
        let patience = Patience::short(within);
        self.negotiate(patience).is_ok() && matches!(self.look(name, patience), Ok(Some(_)))
    }

    /// What the engine knows of an image, by name, digest or id.
    pub(super) fn inspect(&self, name: &str) -> Result<Inspected, EngineError> {
        self.negotiate(Patience::USUAL)?;
        match self.look(name, Patience::USUAL)? {
            Some(found) => Ok(found),
            None => Err(EngineError::NoImage {
                address: self.address.to_string(),
                wanted: http::shown(name),
                near: near::names(name, &self.names()),
            }),
        }
    }

    /// The image's archive, as `docker save` gives it.
    pub(super) fn export(
        &self,
        id: &str,
        platform: Option<&Platform>,
    ) -> Result<Box<dyn Read + Send>, EngineError> {
        let version = self.negotiate(Patience::USUAL)?;
        let mut path = format!("/images/{}/get", in_path(id));
        if let Some(platform) = platform.filter(|_| version >= WITH_PLATFORM) {
            let json = serde_json::json!({
                "os": platform.os, "architecture": platform.architecture, "variant": platform.variant,
            });
            let _ = write!(path, "?platform={}", percent_encoded(&json.to_string()));
        }
        let what = format!("export {id}");
        let answer = self.get(&path, &what, Patience::LONG)?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(&what, answer));
        }
        Ok(Box::new(answer.into_body().into_reader()))
    }

    /// Sends an archive that the engine loads. `is_deaf` is set when it takes nothing more of it.
    pub(super) fn load(
        &self,
        name: &str,
        archive: &mut dyn Read,
        is_deaf: &Arc<AtomicBool>,
    ) -> Result<(), EngineError> {
        let version = self.negotiate(Patience::USUAL)?;
        let what = format!("load {name}");
        let request = Request::post(self.url(version, "/images/load?quiet=1"))
            .header(header::CONTENT_TYPE, "application/x-tar")
            .body(SendBody::from_reader(archive))
            .map_err(|error| self.odd(&error.to_string()))?;
        let agent = self.address.line().agent(&Calling {
            user_agent: &self.user_agent,
            silence: SILENCE,
            within: None,
            is_deaf: is_deaf.clone(),
        });
        let answer = agent.run(request).map_err(|error| self.broken(&what, error))?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(&what, answer));
        }
        let told = self.body(&what, answer)?;
        for line in serde_json::Deserializer::from_slice(&told).into_iter::<Told>() {
            let line = line.map_err(|error| self.odd(&format!("it was asked to {what}: {error}")))?;
            if let Some(message) = line.error_detail.map(|detail| detail.message).or(line.error) {
                return Err(self.failure(&what, &message));
            }
        }
        Ok(())
    }

    /// Names of images that there are; none where the engine does not say.
    fn names(&self) -> Vec<String> {
        let ask = || -> Result<Vec<Inspected>, EngineError> {
            self.json("/images/json", "list its images", Patience::USUAL)
        };
        let all = ask().unwrap_or_default();
        let names = all.iter().flat_map(Inspected::tags);
        names
            .filter(|name| !name.starts_with("<none>"))
            .cloned()
            .collect()
    }

    fn look(&self, name: &str, patience: Patience) -> Result<Option<Inspected>, EngineError> {
        let what = format!("find {}", http::shown(name));
        let path = format!("/images/{}/json", in_path(name));
        let answer = self.get(&path, &what, patience)?;
        match answer.status() {
            StatusCode::OK => self.parsed(&what, answer).map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.refused(&what, answer)),
        }
    }

    fn json<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &str,
        patience: Patience,
    ) -> Result<T, EngineError> {
        let answer = self.get(path, what, patience)?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(what, answer));
        }
        self.parsed(what, answer)
    }

    fn parsed<T: DeserializeOwned>(&self, what: &str, answer: Response<Body>) -> Result<T, EngineError> {
        let body = self.body(what, answer)?;
        serde_json::from_slice(&body).map_err(|error| self.odd(&format!("it was asked to {what}: {error}")))
    }

    /// The version that is spoken, asked for once.
    fn negotiate(&self, patience: Patience) -> Result<Version, EngineError> {
        if let Some(version) = self.version.get() {
            return Ok(*version);
        }
        let url = format!("{}/_ping", self.address.line().origin());
        let what = "answer";
        let answer = self.call(&url, what, patience)?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(what, answer));
        }
        let said = answer
            .headers()
            .get("api-version")
            .and_then(|value| value.to_str().ok());
        let said = said.ok_or_else(|| self.odd("it names no API version, as engines do"))?;
        let version = Version::parse(said).ok_or_else(|| self.odd("its API version is none"))?;
        if version < OLDEST {
            return Err(EngineError::TooOld {
                address: self.address.to_string(),
                found: http::shown(said),
                needed: OLDEST_TEXT,
            });
        }
        Ok(*self.version.get_or_init(|| version.min(NEWEST)))
    }

    fn get(&self, path: &str, what: &str, patience: Patience) -> Result<Response<Body>, EngineError> {
        let version = self.negotiate(patience)?;
        self.call(&self.url(version, path), what, patience)
    }

    fn url(&self, Version(major, minor): Version, path: &str) -> String {
        format!("{}/v{major}.{minor}{path}", self.address.line().origin())
    }

    fn call(&self, url: &str, what: &str, patience: Patience) -> Result<Response<Body>, EngineError> {
        let agent = self.address.line().agent(&Calling {
            user_agent: &self.user_agent,
            silence: patience.silence,
            within: patience.within,
            is_deaf: Arc::default(),
        });
        agent.get(url).call().map_err(|error| self.broken(what, error))
    }

    /// The body of an answer that is no image.
    fn body(&self, what: &str, answer: Response<Body>) -> Result<Vec<u8>, EngineError> {
        let mut bytes = Vec::new();
        let reader = answer.into_body().into_reader();
        let read = reader.take(MAX_ANSWER + 1).read_to_end(&mut bytes);
        read.map_err(|error| self.lost(what, io_words(&error)))?;
        if bytes.len() as u64 > MAX_ANSWER {
            return Err(self.odd(&format!("it was asked to {what} and does not stop talking")));
        }
        Ok(bytes)
    }

    /// An answer that says no.
    fn refused(&self, what: &str, answer: Response<Body>) -> EngineError {
        let status = answer.status();
        let body = self.body(what, answer).unwrap_or_default();
        let message = serde_json::from_slice::<Message>(&body).map(|answer| answer.message);
        let message = message.unwrap_or_else(|_| format!("HTTP status {status}"));
        self.failure(what, &message)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.trim().split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

/// A name or id as a part of a path: the slashes of a name stay, as docker's client leaves them.
fn in_path(name: &str) -> String {
    let parts: Vec<String> = name.split('/').map(percent_encoded).collect();
    parts.join("/").replace("%3A", ":").replace("%40", "@")
}
