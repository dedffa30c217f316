//! The client: finds the comment by its mark, writes it, and bears with a forge that is busy.
//!
//! A module of its own so that nothing else of this floor knows the HTTP library. A write is never simply sent again: the list
//! is read first, so that one that did arrive is updated and not doubled.

use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use ureq::Body;
use ureq::http::{HeaderValue, Method, Request as HttpRequest, Response, Uri};

use super::answer::{Answer, after_colon, failed, json_of, message, says_too_long, take};
use super::api::{self, Author, Write};
use super::text::{Comment, LONGEST};
use super::{ForgeError, Place, Request};
use crate::http::{Agents, Origin, Settings, Standing, io_words, resolve, shown};

/// The waits between tries; one try more than there are waits.
const WAITS: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(6),
];
/// The longest that a run waits because the forge asks for it.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most pages of comments that are read.
const PAGES: usize = 100;
const MAX_REDIRECTS: usize = 3;

/// A client of forges.
pub struct Client {
    agents: Agents,
}

/// What became of a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// What was done.
    pub what: What,
    /// Where people see it, where the forge says so.
    pub url: Option<String>,
}

/// What was done to a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// There was none.
    Created,
    /// There was one.
    Updated,
    /// It says the same already.
    Unchanged,
}

impl Client {
    /// A client; nothing is sent yet. Refuses certificates that are none.
    pub fn new(settings: &Settings) -> Result<Self, ForgeError> {
        Ok(Self {
            agents: Agents::new(settings)?,
        })
    }

    /// What would be sent, for people: method, URL and body, without a token.
    pub fn requests(place: &Place, comment: &Comment) -> String {
        let (number, mut out) = match &place.request {
            Request::Number(number) => (*number, String::new()),
            // The number is known when that is answered.
            Request::Head { label, .. } => (0, format!("GET {}\n", api::requests_url(place, label))),
        };
        let (create, update) = (api::create(place, number), api::update(place, number, "ID"));
        let body = json!({"body": comment.body(LONGEST)});
        let lines = [
            format!("GET {}", api::me_url(place)),
            format!("GET {}", api::list_url(place, number)),
            format!("{} {}", create.method, create.url),
            format!("or, where a comment begins with {}:", comment.mark()),
            format!("{} {}", update.method, update.url),
            format!("{body:#}"),
        ];
        out.push_str(&lines.join("\n"));
        out.push('\n');
        out
    }

    /// Makes the comment, or changes the one that there is.
    pub fn post(&self, place: &Place, comment: &Comment) -> Result<Posted, ForgeError> {
        if place.token.is_none() {
            let what = api::described(place);
            return Err(ForgeError::ReadOnly(format!(
                "there is no token that may write to {what}"
            )));
        }
        let mut longest = LONGEST;
        let mut waits = WAITS.iter();
        loop {
            let error = match self.try_once(place, comment, longest) {
                Err(ForgeError::TooLong { .. }) if longest == LONGEST => {
                    longest /= 4; // a forge that counts bytes
                    continue;
                }
                Err(error) => error,
                posted => return posted,
            };
            let asked = error.wait().filter(|wait| *wait <= PATIENCE);
            match (asked, waits.next()) {
                (Some(asked), Some(own)) => sleep(asked.max(*own)),
                _ => return Err(error),
            }
        }
    }

    fn try_once(&self, place: &Place, comment: &Comment, longest: usize) -> Result<Posted, ForgeError> {
        let number = self.number(place)?;
        let me = self.me(place)?;
        let body = comment.body(longest);
        let (write, what) = match self.find(place, number, &comment.mark(), me.as_ref())? {
            Some((_, old)) if old.trim_end() == body.trim_end() => {
                return Ok(Posted {
                    what: What::Unchanged,
                    url: None,
                });
            }
            Some((id, _)) => (api::update(place, number, &id.to_string()), What::Updated),
            None => (api::create(place, number), What::Created),
        };
        let answer = self.write(place, &write, &body)?;
        let url = serde_json::from_slice(&answer.bytes)
            .ok()
            .as_ref()
            .and_then(api::shown_at);
        Ok(Posted { what, url })
    }

    /// The number of the request.
    fn number(&self, place: &Place) -> Result<u64, ForgeError> {
        let (label, commit) = match &place.request {
            Request::Number(number) => return Ok(*number),
            Request::Head { label, commit } => (label, commit),
        };
        let answer = self.read(place, &api::requests_url(place, label))?;
        let found = api::number_in(&json_of(&answer)?, label, commit);
        found.ok_or_else(|| ForgeError::NoRequest {
            repository: place.repository.clone(),
            label: label.clone(),
            commit: commit.clone(),
        })
    }

    /// Who the token is. The tokens of jobs may not ask.
    fn me(&self, place: &Place) -> Result<Option<Author>, ForgeError> {
        let url = api::me_url(place);
        let answer = self.send(place, &Method::GET, &url, None)?;
        Ok(match answer.status {
            200 => Some(api::me(place, &json_of(&answer)?)).filter(|me| !me.name.is_empty()),
            _ if answer.wait.is_some() || answer.status == 429 || answer.status >= 500 => {
                return Err(failed(answer));
            }
            _ => None,
        })
    }

    /// Our comment: its number and its text.
    fn find(
        &self,
        place: &Place,
        number: u64,
        mark: &str,
        me: Option<&Author>,
    ) -> Result<Option<(u64, String)>, ForgeError> {
        let mut url = api::list_url(place, number);
        for _ in 0..PAGES {
            let answer = self.read(place, &url)?;
            let comments = api::listed(place.forge, &answer.url, &json_of(&answer)?)?;
            let is_it =
                |one: &api::Listed| one.body.trim_start().starts_with(mark) && api::is_ours(&one.author, me);
            if let Some(found) = comments.into_iter().find(is_it) {
                return Ok(Some((found.id, found.body)));
            }
            let next = api::next_page(place.forge, &url, answer.link.as_deref(), answer.next.as_deref());
            match next.filter(|next| *next != url) {
                // A token goes where it belongs and nowhere else.
                Some(next) if Origin::of(&next) == Origin::of(&url) => url = next,
                Some(next) => {
                    return Err(ForgeError::bad(
                        &url,
                        format!("its next page is elsewhere: {next}"),
                    ));
                }
                None => return Ok(None),
            }
        }
        Err(ForgeError::bad(
            &url,
            format!("there are more than {PAGES} pages of comments"),
        ))
    }

    fn read(&self, place: &Place, url: &str) -> Result<Answer, ForgeError> {
        let answer = self.send(place, &Method::GET, url, None)?;
        if answer.status == 200 {
            Ok(answer)
        } else {
            Err(failed(answer))
        }
    }

    fn write(&self, place: &Place, write: &Write, body: &str) -> Result<Answer, ForgeError> {
        let bytes = json!({"body": body}).to_string();
        let answer = self.send(place, &write.method, &write.url, Some(&bytes))?;
        match answer.status {
            200..300 => Ok(answer),
            403 | 404 if answer.wait.is_none() => Err(ForgeError::ReadOnly(format!(
                "{} for {} {}: the token may read and not write{}",
                answer.status,
                write.method,
                write.url,
                after_colon(&message(&answer.bytes))
            ))),
            400 | 413 | 422 if says_too_long(&answer) => Err(ForgeError::TooLong {
                characters: body.chars().count(),
                message: message(&answer.bytes),
                url: answer.url,
            }),
            _ => Err(failed(answer)),
        }
    }

    /// One request, and the redirects that stay at home: a repository that was renamed.
    fn send(
        &self,
        place: &Place,
        method: &Method,
        url: &str,
        body: Option<&str>,
    ) -> Result<Answer, ForgeError> {
        let mut url = url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.once(place, method, &url, body)?;
            if !answer.status().is_redirection() {
                return take(answer, &url);
            }
            let location = answer
                .headers()
                .get("location")
                .and_then(|value| value.to_str().ok());
            let next = location.map(|location| resolve(&url, location));
            match next {
                Some(next) if Origin::of(&next) == Origin::of(&url) => url = next,
                Some(next) => return Err(ForgeError::bad(&url, format!("it leads elsewhere: {next}"))),
                None => return Err(ForgeError::bad(&url, "a redirect without a Location")),
            }
        }
        Err(ForgeError::bad(&url, "too many redirects"))
    }

    fn once(
        &self,
        place: &Place,
        method: &Method,
        url: &str,
        body: Option<&str>,
    ) -> Result<Response<Body>, ForgeError> {
        let uri: Uri = url.parse().map_err(|_| ForgeError::bad(url, "it is no URL"))?;
        let host = uri
            .authority()
            .map_or("", |authority| authority.as_str())
            .to_owned();
        let is_safe = uri.scheme_str() == Some("https") || self.agents.is_lax(&host);
        let mut request = HttpRequest::builder().method(method).uri(uri);
        for (name, value) in api::headers(place.forge) {
            request = request.header(*name, *value);
        }
        if let Some((name, secret)) = api::login(place) {
            if !is_safe {
                return Err(ForgeError::bad(
                    url,
                    "a token goes over https only; --insecure-registry HOST allows this host",
                ));
            }
            let mut value = HeaderValue::from_str(&secret)
                .map_err(|_| ForgeError::bad(url, "the token cannot be sent"))?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        let agent = self.agents.of(url, Standing::Other)?;
        let bad = |_| ForgeError::bad(url, "it cannot be asked for");
        let outcome = match body {
            None => agent.run(request.body(()).map_err(bad)?),
            Some(text) => {
                let request = request.header("content-type", "application/json");
                agent.run(request.body(text.to_owned()).map_err(bad)?)
            }
        };
        outcome.map_err(|error| unreachable(&host, error))
    }
}

fn unreachable(host: &str, error: ureq::Error) -> ForgeError {
    let reason = match error {
        ureq::Error::Io(error) => io_words(&error),
        ureq::Error::Timeout(_) => "it does not answer".to_owned(),
        ureq::Error::HostNotFound => "no such host".to_owned(),
        other => shown(&other.to_string()),
    };
    ForgeError::Unreachable {
        host: host.to_owned(),
        reason,
    }
}
