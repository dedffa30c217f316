//! HTTP for clients: connections with the TLS, the proxies and the trust that a user asked for, and URLs.
//!
//! A floor of its own because registries and forges are spoken to in the same way; what is said is theirs. It reads no
//! environment but the proxies', through the HTTP library, and keeps no login.

mod agents;
mod failure;
#[cfg(feature = "engine")]
mod line;
mod url;

pub(crate) use agents::Agents;
pub(crate) use failure::{io_words, tls_words};
#[cfg(feature = "engine")]
pub(crate) use line::{Calling, Line};
pub(crate) use url::{Origin, form, percent_encoded, resolve, without_query};

/// How hosts are spoken to.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Hosts (`registry.lan:5000`) that are spoken to over plain HTTP or unverified TLS. Loopback hosts always are, as
    /// docker does.
    pub insecure: Vec<String>,
    /// CA certificates to trust beside the system's, as PEM, one or more in each.
    pub ca_certificates: Vec<Vec<u8>>,
    /// What slim calls itself: `layerslim/1.0`.
    pub user_agent: String,
    /// The proxies.
    pub proxies: Proxies,
}

/// Which proxies are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Proxies {
    /// Those that the environment names (`HTTPS_PROXY`, `NO_PROXY` …), never for this machine itself.
    #[default]
    Environment,
    /// None.
    None,
}

/// Occurs when a CA certificate that was given is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the CA certificate cannot be read: {0}")]
pub struct CertificateError(pub(crate) String);

/// A server's text for people: shortened, on one line, with nothing that a terminal would obey.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::new();
    for c in text.trim().chars().take(300) {
        match c {
            '"' | '\'' | '\\' => out.push(c),
            _ => out.extend(c.escape_debug()),
        }
    }
    out
}
