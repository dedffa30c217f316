//! Mirrors: registries that have what another one has, and are asked first.
//!
//! A module of its own because only reading knows of them: what is written goes where it was meant to. A mirror that has
//! not what it is asked for, or does not answer, is no error: the registry itself is asked. What it gives is checked
//! against its digest as everything is. Semantics: containers-registries.conf(5).

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use ureq::Body;
use ureq::http::{Method, Response};

use super::auth::Access;
use super::error::RegistryError;
use super::patience::Patience;
use super::{Call, Client, Target};
use crate::oci::{Digest, Reference};

/// Where else images are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Whose images: `docker.io`, or `docker.io/library`.
    pub of: String,
    /// Where they are: `mirror.lan:5000`, or `mirror.lan:5000/hub`, which stands for `of` in names.
    pub location: String,
    /// What it is asked for.
    pub serves: Serves,
}

/// What a mirror is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Serves {
    /// Everything.
    #[default]
    All,
    /// What is named by a digest.
    Digests,
    /// What is named by a tag; its blobs too.
    Tags,
}

/// The mirrors, and which of them do not answer in this run.
#[derive(Default)]
pub(super) struct Mirrors {
    all: Vec<Mirror>,
    silent: Mutex<HashSet<String>>,
}

impl Mirrors {
    pub(super) fn new(all: Vec<Mirror>) -> Self {
        Self {
            all,
            silent: Mutex::default(),
        }
    }

    /// What a mirror answers that has what is asked for.
    pub(super) fn ask(&self, client: &Client, call: &Call) -> Option<(Response<Body>, String)> {
        let Target::Path(path) = &call.target else {
            return None;
        };
        if call.method != Method::GET || call.access != Access::Pull {
            return None;
        }
        for mirror in &self.all {
            let Some(elsewhere) = mirror.of(call.reference, path) else {
                continue;
            };
            if self.is_silent(&elsewhere.host) {
                continue;
            }
            match client.call_once(&call.at(&elsewhere, Patience::Once)) {
                Ok((answer, url)) if answer.status().is_success() => return Some((answer, url)),
                Err(RegistryError::Unreachable { .. } | RegistryError::Lost { .. }) => {
                    let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
                    silent.insert(elsewhere.host);
                }
                _ => {}
            }
        }
        None
    }

    fn is_silent(&self, host: &str) -> bool {
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent.contains(host)
    }
}

impl Mirror {
    /// Where the mirror has what is at `path` of a repository, if it is asked for such.
    fn of(&self, reference: &Reference, path: &str) -> Option<Reference> {
        let rest = reference.name();
        let rest = rest.strip_prefix(self.of.as_str())?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        let id = path.strip_prefix("manifests/");
        let by_digest = id.map(|id| id.parse::<Digest>().is_ok());
        match (self.serves, by_digest) {
            (Serves::Digests, Some(false)) | (Serves::Tags, Some(true)) => return None,
            _ => {}
        }
        let name = format!("{}{rest}", self.location);
        let (host, repository) = name.split_once('/')?;
        Some(Reference {
            host: host.to_ascii_lowercase(),
            repository: repository.to_owned(),
            ..reference.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_moved_to_where_the_mirror_has_them() {
        let digest = format!("manifests/sha256:{}", "0".repeat(64));
        let (tag, blob) = ("manifests/1", "blobs/sha256:0");
        for (of, location, serves, name, path, want) in [
            (
                "docker.io",
                "m.lan:5000",
                Serves::All,
                "nginx",
                tag,
                Some("m.lan:5000/library/nginx"),
            ),
            (
                "docker.io",
                "m.lan/hub",
                Serves::All,
                "a/b",
                blob,
                Some("m.lan/hub/a/b"),
            ),
            (
                "docker.io/library",
                "m.lan",
                Serves::All,
                "nginx",
                tag,
                Some("m.lan/nginx"),
            ),
            ("docker.io/library", "m.lan", Serves::All, "a/b", tag, None),
            ("docker.io/lib", "m.lan", Serves::All, "nginx", tag, None),
            ("ghcr.io", "m.lan", Serves::All, "nginx", tag, None),
            ("docker.io", "m.lan", Serves::Digests, "a/b", tag, None),
            (
                "docker.io",
                "m.lan",
                Serves::Digests,
                "a/b",
                &digest,
                Some("m.lan/a/b"),
            ),
            ("docker.io", "m.lan", Serves::Tags, "a/b", &digest, None),
            ("docker.io", "m.lan", Serves::Tags, "a/b", blob, Some("m.lan/a/b")),
        ] {
            let mirror = Mirror {
                of: of.to_owned(),
                location: location.to_owned(),
                serves,
            };
            let found = mirror.of(&name.parse().unwrap(), path).map(|found| found.name());
            assert_eq!(found.as_deref(), want, "{of} {location} {serves:?} {name} {path}");
        }
    }
}
