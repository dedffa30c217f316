//! Registry references: `[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]`, normalised as docker does.
//!
//! `nginx` is `docker.io/library/nginx:latest`. The first part is a host when it has a dot or a colon or
//! is `localhost`. Grammar: distribution's `reference` package.

use std::fmt;
use std::str::FromStr;

use super::Digest;

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image reference: {reason}")]
pub struct ReferenceError {
    /// The text as given, shortened.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A normalised reference to an image in a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Host, with a port where one was given: `docker.io`, `localhost:5000`, `[::1]:5000`.
    pub host: String,
    /// Repository path below the host: `library/nginx`.
    pub repository: String,
    /// The tag; `latest` where neither tag nor digest was given.
    pub tag: Option<String>,
    /// The digest, which wins over the tag when the image is fetched.
    pub digest: Option<Digest>,
}

impl Reference {
    /// The same repository, another tag and no digest.
    #[must_use]
    pub fn with_tag(&self, tag: &str) -> Self {
        Self {
            tag: Some(tag.to_owned()),
            digest: None,
            ..self.clone()
        }
    }

    /// `HOST/REPOSITORY`, without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.host, self.repository)
    }

    /// As people write it for an engine: without what docker adds, but for the tag.
    pub fn familiar(&self) -> String {
        let full = self.to_string();
        let shorter = ["docker.io/library/", "docker.io/"].map(|prefix| full.strip_prefix(prefix));
        let means_it = |short: &&str| short.parse().is_ok_and(|parsed: Self| parsed == *self);
        let found = shorter.into_iter().flatten().find(means_it);
        found.unwrap_or(&full).to_owned()
    }

    /// What the registry is asked for: the digest where there is one, else the tag.
    pub fn identifier(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }

    /// Whether the host is this machine: `localhost`, 127.0.0.0/8 or `[::1]`, with any port.
    pub fn is_loopback(&self) -> bool {
        let host = match self.host.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => self.host.split(':').next().unwrap_or_default(),
        };
        host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let fail = |reason: &str| ReferenceError {
            text: text.chars().take(200).collect(),
            reason: reason.to_owned(),
        };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse().map_err(|e| fail(&format!("{e}")))?)),
            None => (text, None),
        };
        let (host, path) = split_host(rest);
        if !has_good_port(&host) {
            return Err(fail("the port is no number"));
        }
        let (path, tag) = match path.rsplit_once(':') {
            Some((path, tag)) => (path, Some(tag.to_owned())),
            None => (path, None),
        };
        if path.is_empty() {
            return Err(fail("the repository is missing"));
        }
        if path.len() > 255 || !path.split('/').all(is_path_component) {
            return Err(fail(
                "a repository is lower-case letters, digits and . _ - between slashes",
            ));
        }
        if tag.as_deref().is_some_and(|tag| !is_tag(tag)) {
            return Err(fail("a tag is up to 128 letters, digits and . _ -"));
        }
        let repository = if host == "docker.io" && !path.contains('/') {
            format!("library/{path}")
        } else {
            path.to_owned()
        };
        let tag = tag.or_else(|| digest.is_none().then(|| "latest".to_owned()));
        Ok(Self {
            host,
            repository,
            tag,
            digest,
        })
    }
}

/// Splits off the host as docker does; `index.docker.io` is `docker.io`.
fn split_host(text: &str) -> (String, &str) {
    match text.split_once('/') {
        Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) => {
            let host = if first == "index.docker.io" {
                "docker.io"
            } else {
                first
            };
            (host.to_ascii_lowercase(), rest)
        }
        _ => ("docker.io".to_owned(), text),
    }
}

/// A port is 1 to 65535; an IPv6 address has its own colons in brackets.
fn has_good_port(host: &str) -> bool {
    let after_address = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
    after_address
        .split_once(':')
        .is_none_or(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_path_component(part: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    edge(part.bytes().next())
        && edge(part.bytes().last())
        && part
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
}

fn is_tag(tag: &str) -> bool {
    let first_good = tag
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    first_good
        && tag.len() <= 128
        && tag
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_as_docker_does() {
        for (text, want) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("grafana/grafana:11", "docker.io/grafana/grafana:11"),
            ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
            ("localhost/a", "localhost/a:latest"),
            ("localhost:5000/a/b:1.0", "localhost:5000/a/b:1.0"),
            ("[::1]:5000/a", "[::1]:5000/a:latest"),
            ("127.0.0.1:5000/a", "127.0.0.1:5000/a:latest"),
            ("GHCR.io/o/app:v1", "ghcr.io/o/app:v1"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), want, "{text}");
        }
        let digest = format!("sha256:{}", "a".repeat(64));
        let by_digest: Reference = format!("ghcr.io/o/app@{digest}").parse().unwrap();
        assert_eq!((by_digest.tag.as_deref(), by_digest.identifier()), (None, digest));
    }

    #[test]
    fn familiar_names_are_short_and_mean_the_same() {
        for (text, want) in [
            ("nginx", "nginx:latest"),
            ("grafana/grafana:11", "grafana/grafana:11"),
            ("ghcr.io/library/app:1", "ghcr.io/library/app:1"),
            ("localhost/a", "localhost/a:latest"),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!(reference.familiar(), want);
            assert_eq!(want.parse::<Reference>().unwrap(), reference);
        }
    }

    #[test]
    fn loopback_hosts() {
        for (text, want) in [
            ("localhost:5000/a", true),
            ("127.3.2.1/a", true),
            ("[::1]:5000/a", true),
            ("10.0.0.1:5000/a", false),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().is_loopback(), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in [
            "",
            "Nginx",
            "a//b",
            "a:b:c d",
            "a@sha256:12",
            "-a",
            "a:",
            "127.0.0.1:5x/a",
            "[::1]:/a",
            &"a".repeat(300),
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }
}
