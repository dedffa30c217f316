//! The answers of forges: what their headers ask for, and what a status means.
//!
//! A module of its own because forges say the same things in different places, and the client need not know where.

use std::io::Read;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

use super::ForgeError;
use crate::http::{io_words, shown};

/// The most of an answer that is read, in bytes: a hundred comments of the longest kind.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) url: String,
    /// `Link`
    pub(super) link: Option<String>,
    /// `x-next-page`
    pub(super) next: Option<String>,
    /// How long the forge asks to be left alone.
    pub(super) wait: Option<Duration>,
    pub(super) bytes: Vec<u8>,
}

/// Reads an answer.
pub(super) fn take(answer: Response<Body>, url: &str) -> Result<Answer, ForgeError> {
    let header = |name: &str| {
        let value = answer.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let status = answer.status().as_u16();
    let number = |name: &str| header(name)?.trim().parse::<u64>().ok();
    let out = Answer {
        status,
        url: url.to_owned(),
        link: header("link"),
        next: header("x-next-page"),
        wait: asked_wait(status, &number),
        bytes: Vec::new(),
    };
    let mut bytes = Vec::new();
    let read = answer
        .into_body()
        .into_reader()
        .take(MAX_ANSWER + 1)
        .read_to_end(&mut bytes);
    read.map_err(|error| ForgeError::Unreachable {
        host: url.to_owned(),
        reason: io_words(&error),
    })?;
    if bytes.len() as u64 > MAX_ANSWER {
        return Err(ForgeError::bad(url, "its answer is too long"));
    }
    Ok(Answer { bytes, ..out })
}

/// How long a forge asks to be left alone: in seconds, or until a time. GitHub says it with 403 as well.
fn asked_wait(status: u16, number: &dyn Fn(&str) -> Option<u64>) -> Option<Duration> {
    if !matches!(status, 403 | 429 | 503) {
        return None;
    }
    let until = || {
        let is_used_up = [number("x-ratelimit-remaining"), number("ratelimit-remaining")].contains(&Some(0));
        let reset = number("x-ratelimit-reset").or_else(|| number("ratelimit-reset"));
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        reset
            .filter(|_| is_used_up)
            .map(|reset| reset.saturating_sub(now))
    };
    number("retry-after").or_else(until).map(Duration::from_secs)
}

/// What a status means that the request may not have.
pub(super) fn failed(answer: Answer) -> ForgeError {
    let Answer {
        status, url, bytes, ..
    } = answer;
    let message = message(&bytes);
    match (status, answer.wait) {
        (403 | 429, Some(wait)) => ForgeError::TooMany { url, wait },
        (429, None) => ForgeError::TooMany {
            url,
            wait: Duration::ZERO,
        },
        (401 | 403, _) => ForgeError::Refused { status, url, message },
        (404, _) => ForgeError::NotFound { url, message },
        _ => ForgeError::Status { status, url, message },
    }
}

/// The answer as JSON.
pub(super) fn json_of(answer: &Answer) -> Result<Value, ForgeError> {
    serde_json::from_slice(&answer.bytes)
        .map_err(|error| ForgeError::bad(&answer.url, format!("its answer is no JSON: {error}")))
}

/// What a forge says about a failure: `message`, which may be a list, and the first of `errors`.
pub(super) fn message(bytes: &[u8]) -> String {
    let Ok(answer) = serde_json::from_slice::<Value>(bytes) else {
        return String::new();
    };
    let said = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let parts = [
        said(&answer["message"]),
        said(&answer["error"]),
        said(&answer["errors"][0]["message"]),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    shown(&parts.join("; "))
}

/// Whether a refusal is about the length.
pub(super) fn says_too_long(answer: &Answer) -> bool {
    let said = message(&answer.bytes).to_ascii_lowercase();
    answer.status == 413 || said.contains("too long") || said.contains("too large")
}

/// `: message`, or nothing.
pub(super) fn after_colon(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}
