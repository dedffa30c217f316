//! Mirrors as podman and skopeo know them: `registries.conf`.
//!
//! A module of its own because it is a format of its own: containers-registries.conf(5), version 2, of which mirrors and
//! `insecure` are read. Docker's `registry-mirrors` stand in the engine's configuration and are the engine's.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::connect::config_home;
use super::environment::from;
use super::exit::Failure;
use crate::transport::registry::{Mirror, Serves};

const SYSTEM: &str = "/etc/containers/registries.conf";

#[derive(Deserialize, Default)]
struct File {
    #[serde(default)]
    registry: Vec<Registry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[derive(Default)]
struct Registry {
    prefix: String,
    location: String,
    insecure: bool,
    mirror_by_digest_only: bool,
    mirror: Vec<Elsewhere>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[derive(Default)]
struct Elsewhere {
    location: String,
    insecure: bool,
    pull_from_mirror: String,
}

/// The mirrors, in the order in which they are asked.
pub(super) fn mirrors() -> Result<Vec<Mirror>, Failure> {
    let registries = registries()?;
    let of = |registry: &Registry| -> Vec<Mirror> {
        let one = |mirror: &Elsewhere| Mirror {
            of: registry.name().to_owned(),
            location: mirror.location.clone(),
            serves: match mirror.pull_from_mirror.as_str() {
                _ if registry.mirror_by_digest_only => Serves::Digests,
                "digest-only" => Serves::Digests,
                "tag-only" => Serves::Tags,
                _ => Serves::All,
            },
        };
        registry.mirror.iter().map(one).collect()
    };
    Ok(registries.iter().flat_map(of).collect())
}

/// Hosts that may be spoken to over plain HTTP.
pub(super) fn insecure() -> Result<Vec<String>, Failure> {
    let host = |location: &str| location.split('/').next().unwrap_or_default().to_owned();
    let mut hosts = Vec::new();
    for registry in registries()? {
        if registry.insecure {
            hosts.push(host(registry.name()));
        }
        let lax = registry.mirror.iter().filter(|mirror| mirror.insecure);
        hosts.extend(lax.map(|mirror| host(&mirror.location)));
    }
    Ok(hosts)
}

impl Registry {
    fn name(&self) -> &str {
        if self.prefix.is_empty() {
            &self.location
        } else {
            &self.prefix
        }
    }
}

/// What the user's file says, else the system's with what stands beside it.
fn registries() -> Result<Vec<Registry>, Failure> {
    let own = from("CONTAINERS_REGISTRIES_CONF")
        .or_else(|| Some(config_home()?.join("containers/registries.conf")).filter(|path| path.exists()));
    let path = own.unwrap_or_else(|| PathBuf::from(SYSTEM));
    let mut found = read(&path)?;
    let beside = fs::read_dir(path.with_extension("conf.d"));
    let entries = beside.into_iter().flatten().flatten().map(|entry| entry.path());
    let mut more: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .collect();
    more.sort();
    for path in more {
        found.extend(read(&path)?);
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<Registry>, Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(Failure::usage(format!("{}: {error}", path.display()))),
    };
    let file: File = toml::from_str(&text)
        .map_err(|error| Failure::usage(format!("{}: {}", path.display(), error.message())))?;
    Ok(file.registry)
}
