//! Which engine is meant, as docker and podman are told: variables, docker's contexts, the sockets that there are.
//!
//! A module of its own because it is the part that reads other programs' files. It reads no environment: it is given a
//! way to look a variable up.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::EngineError;
use super::address::{Address, DOCKER_SOCKET, Tls, Trust};
use crate::http;
use crate::oci::Digest;

/// The context that stands for none.
const DEFAULT: &str = "default";
/// Bytes of a config that are read at most.
const MAX_FILE: u64 = 4 << 20;

/// What a run knows.
pub struct Surroundings<'a> {
    /// The value of a variable; `None` where it is not set, or empty.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Whether there is something at a path: a socket is looked for where the environment names none.
    pub is_there: &'a dyn Fn(&Path) -> bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DockerConfig {
    #[serde(default)]
    current_context: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    name: String,
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Option<Endpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    host: String,
    #[serde(default, rename = "SkipTLSVerify")]
    skip_tls_verify: bool,
}

/// The engine that is meant: `DOCKER_HOST`; else the context that `DOCKER_CONTEXT` or docker's config names; else
/// `CONTAINER_HOST`; else the first socket that is there, docker's before podman's; else docker's.
///
/// Fails with [`EngineError::Address`] where what names it cannot be used.
pub fn find(around: &Surroundings<'_>) -> Result<Address, EngineError> {
    let variable = around.variable;
    if let Some(host) = variable("DOCKER_HOST") {
        let tls = tls_of_variables(around)?;
        return Address::parse("DOCKER_HOST", &host, tls.as_ref());
    }
    if let Some(name) = context(around).filter(|name| name != DEFAULT) {
        return of_context(&name, around);
    }
    if let Some(host) = variable("CONTAINER_HOST") {
        return Address::parse("CONTAINER_HOST", &host, None);
    }
    let mine = |name: &str| variable("XDG_RUNTIME_DIR").map(|dir| Path::new(&dir).join(name));
    let sockets = [
        Some(PathBuf::from(DOCKER_SOCKET)),
        mine("docker.sock"),
        mine("podman/podman.sock"),
        Some(PathBuf::from("/run/podman/podman.sock")),
    ];
    let found = sockets.into_iter().flatten().find(|path| (around.is_there)(path));
    Ok(Address::socket(found.unwrap_or_else(|| DOCKER_SOCKET.into())))
}

/// Docker's directory: `DOCKER_CONFIG`, else `~/.docker`.
fn directory(around: &Surroundings<'_>) -> Option<PathBuf> {
    let home = || Some(Path::new(&(around.variable)("HOME")?).join(".docker"));
    (around.variable)("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(home)
}

/// The name of the context that is in use.
fn context(around: &Surroundings<'_>) -> Option<String> {
    (around.variable)("DOCKER_CONTEXT").or_else(|| {
        let raw = read(&directory(around)?.join("config.json"))?;
        // A config that cannot be read is said by whoever needs its logins.
        let config: DockerConfig = serde_json::from_slice(&raw).ok()?;
        (!config.current_context.is_empty()).then_some(config.current_context)
    })
}

/// A context lies under the digest of its name.
fn of_context(name: &str, around: &Surroundings<'_>) -> Result<Address, EngineError> {
    let what = format!("docker context `{}`", http::shown(name));
    let bad = |reason: String| EngineError::Address {
        what: what.clone(),
        reason,
    };
    let root = directory(around).ok_or_else(|| bad("there is neither DOCKER_CONFIG nor HOME".to_owned()))?;
    let contexts = root.join("contexts");
    let id = Digest::of(name.as_bytes()).hex().to_owned();
    let path = contexts.join("meta").join(&id).join("meta.json");
    let raw = read(&path).ok_or_else(|| bad(format!("there is none of that name at {}", path.display())))?;
    let meta: Meta =
        serde_json::from_slice(&raw).map_err(|error| bad(format!("{}: {error}", path.display())))?;
    if meta.name != name {
        return Err(bad(format!("{} is of another context", path.display())));
    }
    let endpoint = meta.endpoints.docker;
    let endpoint = endpoint.ok_or_else(|| bad(format!("{} names no docker engine", path.display())))?;
    let certificates = contexts.join("tls").join(&id).join("docker");
    let trust = if endpoint.skip_tls_verify {
        Trust::Anything
    } else {
        Trust::Checked
    };
    let tls = (certificates.is_dir() || endpoint.skip_tls_verify).then(|| tls_in(&certificates, trust));
    let tls = tls.transpose().map_err(bad)?;
    Address::parse(&what, &endpoint.host, tls.as_ref())
}

/// What `DOCKER_TLS_VERIFY`, `DOCKER_TLS` and `DOCKER_CERT_PATH` ask for.
fn tls_of_variables(around: &Surroundings<'_>) -> Result<Option<Tls>, EngineError> {
    let variable = around.variable;
    let trust = match (variable("DOCKER_TLS_VERIFY"), variable("DOCKER_TLS")) {
        (Some(_), _) => Trust::Checked,
        (None, Some(_)) => Trust::Anything,
        (None, None) => return Ok(None),
    };
    let named = variable("DOCKER_CERT_PATH").map(PathBuf::from);
    let Some(dir) = named.or_else(|| directory(around)) else {
        return Ok(Some(Tls {
            trust,
            ..Tls::default()
        }));
    };
    let bad = |reason| EngineError::Address {
        what: "DOCKER_CERT_PATH".to_owned(),
        reason,
    };
    tls_in(&dir, trust).map(Some).map_err(bad)
}

/// The files `ca.pem`, `cert.pem` and `key.pem` of a directory, as far as they are there.
fn tls_in(dir: &Path, trust: Trust) -> Result<Tls, String> {
    let file = |name: &str| {
        let path = dir.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    };
    let client = match (file("cert.pem")?, file("key.pem")?) {
        (Some(chain), Some(key)) => Some((chain, key)),
        (None, None) => None,
        (Some(_), None) => return Err(format!("{}: cert.pem is there, key.pem is not", dir.display())),
        (None, Some(_)) => return Err(format!("{}: key.pem is there, cert.pem is not", dir.display())),
    };
    Ok(Tls {
        ca: file("ca.pem")?,
        client,
        trust,
    })
}

/// A file that is there and of a sane size.
fn read(path: &Path) -> Option<Vec<u8>> {
    let size = fs::metadata(path).ok()?.len();
    (size <= MAX_FILE).then(|| fs::read(path).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found with these variables, where these paths are.
    fn found(variables: &[(&str, &str)], there: &[&str]) -> String {
        let variable = |name: &str| {
            let row = variables.iter().find(|(known, _)| *known == name);
            row.map(|(_, value)| (*value).to_owned())
        };
        let is_there = |path: &Path| there.iter().any(|one| Path::new(one) == path);
        let around = Surroundings {
            variable: &variable,
            is_there: &is_there,
        };
        find(&around).map_or_else(|error| error.to_string(), |address| address.to_string())
    }

    #[test]
    fn variables_come_before_sockets_and_docker_before_podman() {
        const RUN: (&str, &str) = ("XDG_RUNTIME_DIR", "/run/user/7");
        const PODMAN: &str = "/run/user/7/podman/podman.sock";
        const BOTH: [&str; 2] = [PODMAN, "/var/run/docker.sock"];
        for (variables, there, want) in [
            (vec![], vec![], "unix:///var/run/docker.sock"),
            (
                vec![],
                vec!["/run/podman/podman.sock"],
                "unix:///run/podman/podman.sock",
            ),
            (vec![RUN], vec![PODMAN], "unix:///run/user/7/podman/podman.sock"),
            (vec![RUN], BOTH.to_vec(), "unix:///var/run/docker.sock"),
            (
                vec![RUN, ("CONTAINER_HOST", "unix:///p")],
                BOTH.to_vec(),
                "unix:///p",
            ),
            (
                vec![("DOCKER_HOST", "tcp://h:1"), ("CONTAINER_HOST", "unix:///p")],
                vec![],
                "tcp://h:1",
            ),
            (
                vec![("DOCKER_CONTEXT", "default"), ("CONTAINER_HOST", "unix:///p")],
                vec![],
                "unix:///p",
            ),
        ] {
            assert_eq!(found(&variables, &there), want, "{variables:?}");
        }
        assert!(found(&[("CONTAINER_HOST", "ssh://h")], &[]).contains("ssh -nNT"));
        assert!(found(&[("DOCKER_CONTEXT", "far")], &[]).contains("docker context `far`"));
    }

    #[test]
    fn contexts_are_found_by_the_digest_of_their_name() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_str().unwrap();
        let meta = |name: &str, host: &str| {
            let at = dir
                .path()
                .join("contexts/meta")
                .join(Digest::of(name.as_bytes()).hex());
            fs::create_dir_all(&at).unwrap();
            let text = format!(
                r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}","SkipTLSVerify":false}}}}}}"#
            );
            fs::write(at.join("meta.json"), text).unwrap();
        };
        meta("near", "unix:///near.sock");
        meta("far", "ssh://far");
        fs::write(dir.path().join("config.json"), r#"{"currentContext":"near"}"#).unwrap();
        let config = ("DOCKER_CONFIG", root);
        assert_eq!(found(&[config], &[]), "unix:///near.sock");
        assert!(found(&[config, ("DOCKER_CONTEXT", "far")], &[]).contains("ssh -nNT"));
        assert!(found(&[config, ("DOCKER_CONTEXT", "gone")], &[]).contains("there is none of that name"));
        assert_eq!(found(&[config, ("DOCKER_HOST", "unix:///x")], &[]), "unix:///x");
    }

    #[test]
    fn half_a_certificate_is_said() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("cert.pem"), "x").unwrap();
        let path = dir.path().to_str().unwrap();
        let variables = [
            ("DOCKER_HOST", "tcp://h"),
            ("DOCKER_TLS_VERIFY", "1"),
            ("DOCKER_CERT_PATH", path),
        ];
        assert!(found(&variables, &[]).contains("key.pem is not"));
        assert_eq!(found(&variables[..1], &[]), "tcp://h:2375");
    }
}
