//! Where an engine listens, in the words of `DOCKER_HOST`: `unix://PATH`, `tcp://HOST:PORT`, with or without TLS.
//!
//! A module of its own because the words come from variables, contexts and flags alike. It opens nothing.

use std::fmt;
use std::path::PathBuf;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::EngineError;
use crate::http::{self, Line};

/// Where Docker listens if nobody says otherwise.
pub(super) const DOCKER_SOCKET: &str = "/var/run/docker.sock";

/// Where an engine listens, and how it is trusted.
#[derive(Debug, Clone)]
pub struct Address {
    text: String,
    line: Line,
}

/// What TLS needs: PEM files as they are.
#[derive(Default)]
pub struct Tls {
    /// CA certificates beside the system's.
    pub ca: Option<Vec<u8>>,
    /// The client's certificate chain and its key.
    pub client: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether the engine's certificate is checked.
    pub trust: Trust,
}

/// Whether an engine's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// It is.
    #[default]
    Checked,
    /// It is not, because the user said so.
    Anything,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}

impl Address {
    /// The engine at a socket of this machine.
    pub fn socket(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            text: format!("unix://{}", path.display()),
            line: Line::Socket(path),
        }
    }

    /// Reads what `DOCKER_HOST` or a context holds. `what` names it in errors; `tls` is used for hosts.
    pub fn parse(what: &str, text: &str, tls: Option<&Tls>) -> Result<Self, EngineError> {
        let bad = |reason: &str| EngineError::Address {
            what: format!("{what}={}", http::shown(text)),
            reason: reason.to_owned(),
        };
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(bad("an engine is unix://PATH or tcp://HOST:PORT"));
        };
        let tls = match scheme {
            "unix" if rest.is_empty() => return Ok(Self::socket(DOCKER_SOCKET)),
            "unix" if rest.starts_with('/') => return Ok(Self::socket(rest)),
            "unix" => return Err(bad("a socket has a path that begins with a slash")),
            "tcp" | "http" | "https" => match tls {
                None if scheme == "https" => Some(&Tls {
                    ca: None,
                    client: None,
                    trust: Trust::Checked,
                }),
                tls => tls,
            },
            "ssh" => {
                return Err(bad(
                    "slim does not speak ssh; forward the socket with `ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock HOST` \
                     and set DOCKER_HOST=unix:///tmp/engine.sock",
                ));
            }
            "npipe" | "fd" => return Err(bad("slim speaks to sockets and to tcp:// only")),
            _ => return Err(bad("an engine is unix://PATH or tcp://HOST:PORT")),
        };
        let host = host(rest, tls.is_some()).ok_or_else(|| bad("the host is missing, or no host"))?;
        let tls = tls.map(|tls| tls.config(what)).transpose()?;
        Ok(Self {
            text: format!("tcp://{host}"),
            line: Line::Host(host, tls.map(Box::new)),
        })
    }

    pub(super) fn line(&self) -> &Line {
        &self.line
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `HOST:PORT`; the port that docker takes where none is given.
fn host(rest: &str, is_tls: bool) -> Option<String> {
    let host = rest.strip_suffix('/').unwrap_or(rest);
    let host = if host.starts_with(':') {
        format!("localhost{host}") // as docker reads it
    } else {
        host.to_owned()
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if host.is_empty() || !host.chars().all(is_name) {
        return None;
    }
    let behind = host.rsplit_once(']').map_or(host.as_str(), |(_, behind)| behind);
    Some(match (behind.contains(':'), is_tls) {
        (true, _) => host,
        (false, true) => format!("{host}:2376"),
        (false, false) => format!("{host}:2375"),
    })
}

impl Tls {
    fn config(&self, what: &str) -> Result<TlsConfig, EngineError> {
        let bad = |reason: String| EngineError::Address {
            what: what.to_owned(),
            reason,
        };
        let mut config = TlsConfig::builder();
        if self.trust == Trust::Anything {
            config = config.disable_verification(true);
        } else {
            config = config.root_certs(self.roots().map_err(bad)?);
        }
        if let Some((chain, key)) = &self.client {
            config = config.client_cert(Some(client(chain, key).map_err(bad)?));
        }
        Ok(config.build())
    }

    /// The system's CAs and the engine's own, as docker's client has them.
    fn roots(&self) -> Result<RootCerts, String> {
        let native = rustls_native_certs::load_native_certs().certs;
        let mut all: Vec<_> = native
            .iter()
            .map(|der| Certificate::from_der(der).to_owned())
            .collect();
        if let Some(pem) = &self.ca {
            let own = certificates(pem)?;
            if own.is_empty() {
                return Err("there is no PEM certificate in ca.pem".to_owned());
            }
            all.extend(own);
        }
        Ok(if all.is_empty() {
            RootCerts::WebPki
        } else {
            RootCerts::new_with_certs(&all)
        })
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, String> {
    let mut all = Vec::new();
    for item in parse_pem(pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => all.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(format!("a certificate cannot be read: {error}")),
        }
    }
    Ok(all)
}

/// The client's certificate, of which the HTTP library takes for granted that its key fits.
fn client(chain: &[u8], key: &[u8]) -> Result<ClientCert, String> {
    let ders: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("cert.pem cannot be read: {error}"))?;
    if ders.is_empty() {
        return Err("there is no PEM certificate in cert.pem".to_owned());
    }
    let der =
        PrivateKeyDer::from_pem_slice(key).map_err(|error| format!("key.pem cannot be read: {error}"))?;
    CertifiedKey::from_der(ders, der, &ring::default_provider())
        .map_err(|error| format!("cert.pem and key.pem cannot be used: {error}"))?;
    let key = PrivateKey::from_pem(key).map_err(|error| format!("key.pem cannot be read: {error}"))?;
    Ok(ClientCert::new_with_certs(&certificates(chain)?, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_docker_does() {
        let tls = Tls {
            trust: Trust::Anything,
            ..Tls::default()
        };
        for (text, with_tls, want) in [
            ("unix:///run/d.sock", false, "unix:///run/d.sock http://localhost"),
            ("unix://", false, "unix:///var/run/docker.sock http://localhost"),
            ("tcp://h", false, "tcp://h:2375 http://h:2375"),
            ("tcp://h", true, "tcp://h:2376 https://h:2376"),
            ("tcp://:99/", false, "tcp://localhost:99 http://localhost:99"),
            ("tcp://[::1]:99", true, "tcp://[::1]:99 https://[::1]:99"),
            ("http://h:80", false, "tcp://h:80 http://h:80"),
        ] {
            let address = Address::parse("DOCKER_HOST", text, with_tls.then_some(&tls)).unwrap();
            assert_eq!(format!("{address} {}", address.line().origin()), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_says_the_way_out() {
        for (text, part) in [
            ("ssh://me@h", "ssh -nNT -L"),
            ("h:2375", "unix://PATH or tcp://HOST:PORT"),
            ("unix://relative", "begins with a slash"),
            ("tcp://", "the host is missing"),
            ("tcp://u:p@h", "no host"),
            ("npipe:////./pipe/docker", "sockets"),
            ("\u{1b}[1m", "unix://PATH"),
        ] {
            let error = Address::parse("DOCKER_HOST", text, None).unwrap_err().to_string();
            assert!(
                error.contains(part) && error.starts_with("DOCKER_HOST="),
                "{error}"
            );
            assert!(!error.contains('\u{1b}'), "{error:?}");
        }
    }

    #[test]
    fn keys_that_are_none_are_said_and_never_shown() {
        let tls = Tls {
            client: Some((b"no certificate".to_vec(), b"secret".to_vec())),
            trust: Trust::Anything,
            ..Tls::default()
        };
        let error = Address::parse("DOCKER_HOST", "tcp://h", Some(&tls))
            .unwrap_err()
            .to_string();
        assert!(error.contains("cert.pem") && !error.contains("secret"), "{error}");
        assert!(!format!("{tls:?}").contains("secret"));
        let tls = Tls {
            ca: Some(b"none".to_vec()),
            ..Tls::default()
        };
        let error = Address::parse("DOCKER_HOST", "tcp://h", Some(&tls))
            .unwrap_err()
            .to_string();
        assert!(error.contains("ca.pem"), "{error}");
    }
}
