//! URLs, as far as clients need them: origins, relative locations, query strings.
//!
//! A module of its own because what an origin is decides where a login may go. Pure functions on text.

use ureq::http::Uri;

use crate::oci::Reference;

/// Scheme, host and port: what a login belongs to.
#[derive(PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) scheme: String,
    pub(crate) authority: String,
}

impl Origin {
    pub(crate) fn of(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let authority = uri.authority()?;
        let default = if scheme == "https" { ":443" } else { ":80" };
        // Without user info: what stands before an `@` never chooses the host.
        let text = authority.as_str().rsplit('@').next()?.to_ascii_lowercase();
        let authority = text.strip_suffix(default).unwrap_or(&text).to_owned();
        Some(Self { scheme, authority })
    }
}

/// A `Location` as seen from the URL that answered with it.
pub(crate) fn resolve(url: &str, location: &str) -> String {
    if location.contains("://") {
        return location.to_owned();
    }
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if let Some(other) = location.strip_prefix("//") {
        return format!("{scheme}://{other}");
    }
    if location.starts_with('/') {
        return format!("{scheme}://{authority}{location}");
    }
    let path = without_query(rest);
    let directory = path.rfind('/').map_or(authority, |at| &path[..at]);
    format!("{scheme}://{directory}/{location}")
}

/// Whether a host, with or without a port, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let reference = Reference {
        host: host.to_owned(),
        repository: String::new(),
        tag: None,
        digest: None,
    };
    reference.is_loopback()
}

/// A URL for people: without the query, which may hold a signature.
pub(crate) fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

/// `key=value&…`, percent-encoded.
pub(crate) fn form<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<String> = pairs
        .map(|(key, value)| format!("{key}={}", percent_encoded(value)))
        .collect();
    pairs.join("&")
}

/// Everything but RFC 3986's unreserved characters as `%XX`.
pub(crate) fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte as char);
        } else {
            // Writing to a String never fails.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_resolved_as_browsers_do() {
        let url = "https://h:5000/v2/a/blobs/uploads/?x=1/2";
        for (location, want) in [
            ("/v2/u/1?s=a", "https://h:5000/v2/u/1?s=a"),
            ("http://other/x", "http://other/x"),
            ("//other/x", "https://other/x"),
            ("1?s=a", "https://h:5000/v2/a/blobs/uploads/1?s=a"),
        ] {
            assert_eq!(resolve(url, location), want);
        }
        assert_eq!(resolve("http://h", "x"), "http://h/x");
    }

    #[test]
    fn origins_are_scheme_host_and_port() {
        let same = |a: &str, b: &str| Origin::of(a).is_some() && Origin::of(a) == Origin::of(b);
        assert!(same("https://Ghcr.io/a", "https://ghcr.io:443/b"));
        assert!(!same("https://ghcr.io", "http://ghcr.io"));
        assert!(!same("https://ghcr.io", "https://ghcr.io.evil.example"));
        assert!(!same("https://ghcr.io", "https://ghcr.io:8443"));
        assert!(same("https://ghcr.io@evil.example/", "https://evil.example"));
        assert!(!same("/relative", "/relative"));
    }
}
