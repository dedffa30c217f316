//! How hosts are spoken to: flags, `certs.d`, proxies and logins, made into settings of the clients.
//!
//! A module of its own because each of these stands in files and variables that docker and podman agreed on. What is
//! wrong with one of them matters only to a host that needs it: an image on the disk is read all the same.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::args::Global;
use super::environment::{USER_AGENT, either_case, from, text};
use super::exit::Failure;
use super::mirrors;
use crate::http::{HostCertificates, HostSettings, Identity, Proxies, Settings};
use crate::limits::Limits;
use crate::transport::registry::{self, Credentials};

/// Where docker and podman look for the certificates of all users.
const SYSTEM_CERTS: [&str; 2] = ["/etc/docker/certs.d", "/etc/containers/certs.d"];

/// A client for registries.
pub(super) fn client(http: &Settings, limits: Limits) -> Result<registry::Client, Failure> {
    let settings = registry::Settings {
        credentials: credentials(),
        http: http.clone(),
        mirrors: mirrors::mirrors()?,
        limits,
    };
    registry::Client::new(settings).map_err(Failure::usage)
}

/// How hosts are spoken to, as flags and files want it.
pub(super) fn http(global: &Global) -> Result<Settings, Failure> {
    let read = |flag: &str, path: &PathBuf| {
        fs::read(path).map_err(|error| Failure::usage(format!("{flag} {}: {error}", path.display())))
    };
    let identity = |path: &PathBuf| -> Result<Identity, Failure> {
        let certificates = read("--client-cert", path)?;
        let key = match &global.client_key {
            Some(path) => read("--client-key", path)?,
            None => certificates.clone(),
        };
        Ok(Identity { certificates, key })
    };
    let authorities = global.cacert.iter().map(|path| read("--cacert", path));
    let mut insecure = global.insecure_registry.clone();
    insecure.extend(mirrors::insecure()?);
    Ok(Settings {
        insecure,
        ca_certificates: authorities.collect::<Result<_, _>>()?,
        identity: global.client_cert.as_ref().map(identity).transpose()?,
        hosts: hosts(),
        user_agent: USER_AGENT.to_owned(),
        proxies: proxies(),
    })
}

fn proxies() -> Proxies {
    let of = |name: &str| either_case(name).or_else(|| either_case("ALL_PROXY"));
    Proxies {
        http: of("HTTP_PROXY"),
        https: of("HTTPS_PROXY"),
        exempt: either_case("NO_PROXY").unwrap_or_default(),
    }
}

/// What every `certs.d` has, the user's own before the system's.
fn hosts() -> Vec<HostSettings> {
    let own = config_home().into_iter();
    let own = own.flat_map(|home| ["containers", "docker"].map(|name| home.join(name).join("certs.d")));
    let mut found = Vec::new();
    for directory in own.chain(SYSTEM_CERTS.map(PathBuf::from)) {
        let Ok(entries) = fs::read_dir(&directory) else {
            continue;
        };
        let names = entries.flatten().map(|entry| entry.path());
        let mut paths: Vec<PathBuf> = names.filter(|path| path.is_dir()).collect();
        paths.sort();
        for path in paths {
            if let Some(host) = path.file_name().and_then(|name| name.to_str()) {
                found.push(HostSettings {
                    host: host.to_owned(),
                    certificates: certificates(&path),
                });
            }
        }
    }
    found
}

/// One host's: each `NAME.crt` is a CA, `NAME.cert` with `NAME.key` is what it is shown.
fn certificates(directory: &Path) -> Result<HostCertificates, String> {
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let entries = fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut found = HostCertificates::default();
    for path in paths {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("crt") => found.authorities.push(read(&path)?),
            Some("cert") if found.identity.is_none() => {
                found.identity = Some(Identity {
                    certificates: read(&path)?,
                    key: read(&path.with_extension("key"))?,
                });
            }
            _ => {}
        }
    }
    Ok(found)
}

/// For each host the first that knows it: `DOCKER_AUTH_CONFIG`, docker's `config.json`, podman's `auth.json`, of this
/// session and of the user.
fn credentials() -> Credentials {
    let of_variable = text("DOCKER_AUTH_CONFIG");
    let of_variable = of_variable.map(|text| parsed("DOCKER_AUTH_CONFIG", text.as_bytes()));
    let docker = from("DOCKER_CONFIG").or_else(|| Some(from("HOME")?.join(".docker")));
    let session =
        from("REGISTRY_AUTH_FILE").or_else(|| Some(from("XDG_RUNTIME_DIR")?.join("containers/auth.json")));
    let files = [
        docker.map(|directory| directory.join("config.json")),
        session,
        config_home().map(|home| home.join("containers/auth.json")),
    ];
    let of_files = files
        .into_iter()
        .flatten()
        .filter_map(|path| match fs::read(&path) {
            Ok(bytes) => Some(parsed(&path.display().to_string(), &bytes)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
            Err(error) => Some(Credentials::unreadable(format!("{}: {error}", path.display()))),
        });
    of_variable
        .into_iter()
        .chain(of_files)
        .fold(Credentials::default(), Credentials::or)
}

/// What a file says; one that says nothing that can be read is named where a login is missing.
fn parsed(name: &str, bytes: &[u8]) -> Credentials {
    Credentials::from_docker_config(bytes)
        .unwrap_or_else(|error| Credentials::unreadable(format!("{name}: {error}")))
}

pub(super) fn config_home() -> Option<PathBuf> {
    from("XDG_CONFIG_HOME").or_else(|| Some(from("HOME")?.join(".config")))
}
