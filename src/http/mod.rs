//! HTTP for clients: connections with the TLS, the proxies and the trust that a user asked for, and URLs.
//!
//! A floor of its own because registries and forges are spoken to in the same way; what is said is theirs. It reads no
//! environment and no file, and keeps no login.

mod agents;
mod failure;
mod identity;
#[cfg(feature = "engine")]
mod line;
mod proxy;
mod url;

pub(crate) use agents::{Agents, Standing};
pub(crate) use failure::{io_words, tls_words};
pub use identity::Identity;
#[cfg(feature = "engine")]
pub(crate) use line::{Calling, Line};
pub use proxy::Proxies;
pub(crate) use url::{Origin, form, percent_encoded, resolve, without_query};

/// How hosts are spoken to.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Hosts (`registry.lan:5000`) that are spoken to over plain HTTP or unverified TLS. Loopback hosts always are, as
    /// docker does.
    pub insecure: Vec<String>,
    /// CA certificates to trust beside the system's, as PEM, one or more in each.
    pub ca_certificates: Vec<Vec<u8>>,
    /// What a registry is shown that asks who is there and has nothing of its own in `hosts`.
    pub identity: Option<Identity>,
    /// What single hosts are spoken to with.
    pub hosts: Vec<HostSettings>,
    /// What slim calls itself: `layerslim/1.0`.
    pub user_agent: String,
    /// The proxies.
    pub proxies: Proxies,
}

/// How one host is spoken to, as docker's `certs.d` says.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// The host, with its port where it is not the usual one.
    pub host: String,
    /// The certificates, or why they cannot be read: an error only where the host is spoken to.
    pub certificates: Result<HostCertificates, String>,
}

/// The certificates of one host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostCertificates {
    /// CA certificates to trust beside the system's, as PEM, one or more in each.
    pub authorities: Vec<Vec<u8>>,
    /// What it is shown where it asks who is there.
    pub identity: Option<Identity>,
}

/// Why hosts cannot be spoken to as was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// Occurs when a certificate that was given is none, or its key is another's.
    #[error("{what} cannot be used: {reason}")]
    Certificate {
        /// Which one: `the CA certificate`, `the client certificate of registry.lan:5000`.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// Occurs when a proxy that was given is none that slim speaks to.
    #[error("the proxy of {variable} cannot be used: {reason}")]
    Proxy {
        /// The variable that usually names it.
        variable: &'static str,
        /// What is wrong.
        reason: String,
    },
}

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
