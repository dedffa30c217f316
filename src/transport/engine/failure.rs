//! What a failure of an engine means, with the way out.
//!
//! A module of its own because every call fails in the same ways.

use std::io;

use super::address::DOCKER_SOCKET;
use super::{Engine, EngineError};
use crate::http::{self, Line, io_words};

impl Engine {
    /// What the engine says went wrong.
    pub(super) fn failure(&self, what: &str, message: &str) -> EngineError {
        let message = http::shown(message);
        let way = if message.contains("no space left") {
            "; the engine's disk is full: `docker system df` says of what"
        } else {
            ""
        };
        EngineError::Refused {
            address: self.address.to_string(),
            what: what.to_owned(),
            reason: format!("{message}{way}"),
        }
    }

    pub(super) fn odd(&self, reason: &str) -> EngineError {
        EngineError::Odd {
            address: self.address.to_string(),
            reason: http::shown(reason),
        }
    }

    pub(super) fn lost(&self, what: &str, reason: String) -> EngineError {
        EngineError::Lost {
            address: self.address.to_string(),
            what: what.to_owned(),
            reason,
        }
    }

    /// An exchange that broke: before there was a connection, or later.
    pub(super) fn broken(&self, what: &str, error: ureq::Error) -> EngineError {
        let reason = match error {
            ureq::Error::Io(error) => {
                if let Some(error) = self.unreachable(&error) {
                    return error;
                }
                match error.kind() {
                    io::ErrorKind::InvalidData => tls_words(&error.to_string()),
                    _ => io_words(&error),
                }
            }
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                return self.no_engine("it does not answer".to_owned());
            }
            ureq::Error::Timeout(_) => "it does not answer".to_owned(),
            ureq::Error::HostNotFound => return self.no_engine("no such host".to_owned()),
            ureq::Error::Protocol(_) | ureq::Error::Http(_) => {
                return self.odd("it does not speak HTTP as engines do");
            }
            ureq::Error::Rustls(error) => tls_words(&error.to_string()),
            error => http::shown(&error.to_string()),
        };
        self.lost(what, reason)
    }

    /// What an error means that says that there was no connection.
    pub(super) fn unreachable(&self, error: &io::Error) -> Option<EngineError> {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Some(EngineError::Permission {
                address: self.address.to_string(),
                way: match self.address.line() {
                    Line::Socket(path) if path.ends_with("podman.sock") => {
                        "it is another user's podman; `systemctl --user start podman.socket` starts your own"
                    }
                    Line::Socket(path) if path == std::path::Path::new(DOCKER_SOCKET) => {
                        "members of the group `docker` may speak to it, and root"
                    }
                    _ => "this user may not speak to it",
                },
            }),
            io::ErrorKind::NotFound => Some(self.no_engine("there is no such socket".to_owned())),
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::AddrNotAvailable => Some(self.no_engine(io_words(error))),
            _ => None,
        }
    }

    pub(super) fn no_engine(&self, reason: String) -> EngineError {
        EngineError::Unreachable {
            address: self.address.to_string(),
            reason,
        }
    }
}

/// Why TLS failed: one side does not trust the other.
fn tls_words(text: &str) -> String {
    let text = http::shown(text);
    if text.contains("received fatal alert") {
        format!(
            "{text}; it trusts no client without its certificate: DOCKER_CERT_PATH names the directory of cert.pem and key.pem"
        )
    } else if text.contains("certificate") {
        format!("{text}; DOCKER_CERT_PATH names the directory of its ca.pem")
    } else {
        format!("TLS: {text}")
    }
}
