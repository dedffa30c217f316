//! How long, and how often, a registry is waited for.
//!
//! A module of its own because requests and whole uploads are tried again by the same rules: a short wait, twice as long
//! each time, or the one that the registry asks for, within bounds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ureq::Body;
use ureq::http::{Response, StatusCode, header};

use super::wire::header_text;

/// The waits between tries; one try more than there are waits.
pub(super) const WAITS: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
];
/// The longest that a registry is left alone because it asks for it, in seconds.
const LONGEST_RETRY_AFTER: u64 = 30;

/// Whether a request is tried again when the network or the server fails.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Up to four tries.
    Retry,
    /// One try: the caller knows what else must be done again.
    Once,
}

impl Patience {
    pub(super) fn waits(self) -> impl Iterator<Item = Duration> {
        let count = match self {
            Self::Retry => WAITS.len(),
            Self::Once => 0,
        };
        WAITS.into_iter().take(count)
    }
}

/// Whether the same request may be answered otherwise in a while.
pub(super) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// The wait that the server asks for: seconds, or until a date.
pub(super) fn retry_after(answer: &Response<Body>) -> Option<Duration> {
    let text = header_text(answer, &header::RETRY_AFTER)?.trim();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => seconds_since_1970(text)?.saturating_sub(now.as_secs()),
    };
    Some(Duration::from_secs(seconds.min(LONGEST_RETRY_AFTER)))
}

/// A date as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7; of its forms the only one that may be sent).
fn seconds_since_1970(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, rest) = text.split_once(", ")?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let [day, month, year, time, "GMT"] = words.as_slice() else {
        return None;
    };
    let month = MONTHS.iter().position(|name| name == month)? as u64 + 1;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let mut parts = time.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1..=31).contains(&day) || !(1970..=9999).contains(&year) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days since 0000-03-01, with years that begin in March: leap days come last.
    let (shifted, year) = ((month + 9) % 12, if month < 3 { year - 1 } else { year });
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (shifted * 153 + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_http_writes_them() {
        for (text, want) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 29 Feb 2024 12:00:00 GMT", Some(1_709_208_000)),
            ("Sun, 22 Nov 2026 00:20:00 GMT", Some(1_795_306_800)),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 Foo 1994 08:49:37 GMT", None),
            ("Sun, 32 Nov 1994 08:49:37 GMT", None),
            ("soon", None),
        ] {
            assert_eq!(seconds_since_1970(text), want, "{text}");
        }
    }

    #[test]
    fn what_a_server_asks_for_has_bounds() {
        for (text, want) in [
            ("0", Some(0)),
            ("7", Some(7)),
            ("86400", Some(30)),
            ("Fri, 01 Jan 2100 00:00:00 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("-1", None),
        ] {
            let answer = Response::builder().header(header::RETRY_AFTER, text);
            let answer = answer.body(Body::builder().data("")).unwrap();
            assert_eq!(retry_after(&answer), want.map(Duration::from_secs), "{text}");
        }
    }
}
