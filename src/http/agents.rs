//! The HTTP agents: TLS roots, proxies, timeouts, and which host is trusted how.
//!
//! A module of its own because what a host may be spoken to with is one decision: this machine and hosts
//! that the user named get no verification (as docker does), everything else gets all of it.

use std::sync::OnceLock;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::url::is_loopback;
use super::{CertificateError, Proxies, Settings};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may be silent.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The agents, each made when a host needs it: system roots take a while to load.
pub(crate) struct Agents {
    user_agent: String,
    proxies: Proxies,
    insecure: Vec<String>,
    certificates: Vec<Certificate<'static>>,
    trusting: OnceLock<Agent>,
    lax: OnceLock<Agent>,
    local: OnceLock<Agent>,
}

impl Agents {
    pub(crate) fn new(settings: &Settings) -> Result<Self, CertificateError> {
        let mut certificates = Vec::new();
        for pem in &settings.ca_certificates {
            let before = certificates.len();
            for item in parse_pem(pem) {
                match item {
                    Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
                    Ok(_) => {}
                    Err(e) => return Err(CertificateError(e.to_string())),
                }
            }
            if certificates.len() == before {
                let reason = "there is no PEM certificate in it".to_owned();
                return Err(CertificateError(reason));
            }
        }
        Ok(Self {
            user_agent: settings.user_agent.clone(),
            proxies: settings.proxies,
            insecure: settings
                .insecure
                .iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
            certificates,
            trusting: OnceLock::new(),
            lax: OnceLock::new(),
            local: OnceLock::new(),
        })
    }

    /// Whether a host is spoken to over plain HTTP or unverified TLS.
    pub(crate) fn is_lax(&self, host: &str) -> bool {
        let bare = host.to_ascii_lowercase();
        is_loopback(&bare) || self.insecure.contains(&bare)
    }

    /// The agent that connects to `host`.
    pub(crate) fn of(&self, host: &str) -> &Agent {
        let unverified = || TlsConfig::builder().disable_verification(true).build();
        if is_loopback(host) {
            self.local
                .get_or_init(|| self.new_agent(unverified(), Proxies::None))
        } else if self.is_lax(host) {
            self.lax
                .get_or_init(|| self.new_agent(unverified(), self.proxies))
        } else {
            self.trusting.get_or_init(|| {
                let tls = TlsConfig::builder().root_certs(self.roots()).build();
                self.new_agent(tls, self.proxies)
            })
        }
    }

    /// The system's CAs and the given ones; Mozilla's, as compiled in, where there are neither (a
    /// container from scratch).
    fn roots(&self) -> RootCerts {
        let native = rustls_native_certs::load_native_certs().certs;
        let native = native.iter().map(|der| Certificate::from_der(der).to_owned());
        let all: Vec<Certificate<'static>> = native.chain(self.certificates.iter().cloned()).collect();
        if all.is_empty() {
            RootCerts::WebPki
        } else {
            RootCerts::new_with_certs(&all)
        }
    }

    fn new_agent(&self, tls: TlsConfig, proxies: Proxies) -> Agent {
        let mut config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(&self.user_agent)
            .accept_encoding("identity")
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_per_read(Some(IDLE_TIMEOUT))
            .timeout_per_write(Some(IDLE_TIMEOUT));
        if proxies == Proxies::None {
            config = config.proxy(None);
        }
        config.build().new_agent()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agents(insecure: &[&str], certificates: &[&str]) -> Result<Agents, CertificateError> {
        let certificates = certificates.iter().map(|pem| pem.as_bytes().to_vec());
        Agents::new(&Settings {
            insecure: insecure.iter().map(|host| (*host).to_owned()).collect(),
            ca_certificates: certificates.collect(),
            ..Settings::default()
        })
    }

    #[test]
    fn only_this_machine_and_named_hosts_go_unverified() {
        let agents = agents(&["Registry.lan:5000"], &[]).unwrap();
        for (host, want) in [
            ("localhost:5000", true),
            ("127.0.0.1", true),
            ("registry.lan:5000", true),
            ("REGISTRY.lan:5000", true),
            ("registry.lan", false),
            ("localhost.example.com", false),
            ("ghcr.io", false),
        ] {
            assert_eq!(agents.is_lax(host), want, "{host}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let broken = "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
        for pem in ["", "hello", broken] {
            let error = agents(&[], &[pem]).err().map(|error| error.to_string());
            assert!(error.is_some_and(|text| text.contains("CA certificate")), "{pem}");
        }
    }
}
