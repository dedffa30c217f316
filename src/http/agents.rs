//! The HTTP agents: TLS roots, client certificates, proxies, timeouts, and which host is trusted how.
//!
//! A module of its own because what a host may be spoken to with is one decision: this machine and hosts
//! that the user named get no verification (as docker does), everything else gets all of it.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, RootCerts, TlsConfig};

use super::identity::authorities;
use super::url::is_loopback;
use super::{HostCertificates, Origin, Settings, SetupError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may be silent.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Who a host is to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Standing {
    /// The user named it: it is shown the client certificate, where there is one and it asks.
    Named,
    /// A redirect or a challenge leads there: it is shown nothing.
    Other,
}

/// The agents, one for each host and each made when it is needed: system roots take a while to load.
pub(crate) struct Agents {
    settings: Settings,
    authorities: Vec<Certificate<'static>>,
    identity: Option<ClientCert>,
    roots: OnceLock<RootCerts>,
    made: Mutex<HashMap<Key, Agent>>,
}

/// Scheme, authority, and who is spoken to.
type Key = (String, String, Standing);

impl Agents {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SetupError> {
        let authorities = authorities(&settings.ca_certificates, "the CA certificate")?;
        let identity = settings.identity.as_ref();
        let identity = identity.map(|identity| identity.client_certificate("the client certificate"));
        let mut settings = settings.clone();
        settings
            .insecure
            .iter_mut()
            .for_each(|host| host.make_ascii_lowercase());
        Ok(Self {
            settings,
            authorities,
            identity: identity.transpose()?,
            roots: OnceLock::new(),
            made: Mutex::default(),
        })
    }

    /// Whether a host is spoken to over plain HTTP or unverified TLS.
    pub(crate) fn is_lax(&self, host: &str) -> bool {
        let bare = host.to_ascii_lowercase();
        is_loopback(&bare) || self.settings.insecure.contains(&bare)
    }

    /// The agent that connects to where `url` is.
    pub(crate) fn of(&self, url: &str, standing: Standing) -> Result<Agent, SetupError> {
        let (scheme, authority) = match Origin::of(url) {
            Some(origin) => (origin.scheme, origin.authority),
            None => Default::default(), // what is no URL is refused where it is sent
        };
        let key = (scheme, authority, standing);
        let made = || self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = made().get(&key) {
            return Ok(agent.clone());
        }
        let agent = self.new_agent(&key)?;
        Ok(made().entry(key).or_insert(agent).clone())
    }

    fn new_agent(&self, (scheme, authority, standing): &Key) -> Result<Agent, SetupError> {
        let proxy = self.settings.proxies.on_the_way(scheme, authority)?;
        let config = Agent::config_builder()
            .tls_config(self.tls(authority, *standing)?)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(&self.settings.user_agent)
            .accept_encoding("identity")
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_per_read(Some(IDLE_TIMEOUT))
            .timeout_per_write(Some(IDLE_TIMEOUT))
            .proxy(proxy);
        Ok(config.build().new_agent())
    }

    fn tls(&self, authority: &str, standing: Standing) -> Result<TlsConfig, SetupError> {
        let own = self.certificates_of(authority)?;
        let identity = match (standing, own.and_then(|own| own.identity.as_ref())) {
            (Standing::Other, _) => None,
            (Standing::Named, Some(own)) => {
                Some(own.client_certificate(&format!("the client certificate of {authority}"))?)
            }
            (Standing::Named, None) => self.identity.clone(),
        };
        let tls = TlsConfig::builder().client_cert(identity);
        Ok(if self.is_lax(authority) {
            tls.disable_verification(true).build()
        } else {
            let pems = own.map_or(&[][..], |own| &own.authorities);
            let more = authorities(pems, &format!("the CA certificate of {authority}"))?;
            tls.root_certs(self.roots(&more)).build()
        })
    }

    fn certificates_of(&self, authority: &str) -> Result<Option<&HostCertificates>, SetupError> {
        let found = self
            .settings
            .hosts
            .iter()
            .find(|one| one.host.eq_ignore_ascii_case(authority));
        let read = found.map(|one| one.certificates.as_ref());
        read.transpose().map_err(|reason| SetupError::Certificate {
            what: format!("what certs.d has for {authority}"),
            reason: reason.clone(),
        })
    }

    /// The system's CAs, the given ones, and `more`; Mozilla's, as compiled in, where there are none (a container from
    /// scratch).
    fn roots(&self, more: &[Certificate<'static>]) -> RootCerts {
        let all = |more: &[Certificate<'static>]| {
            let native = rustls_native_certs::load_native_certs().certs;
            let native = native.iter().map(|der| Certificate::from_der(der).to_owned());
            let given = self.authorities.iter().chain(more).cloned();
            let all: Vec<Certificate<'static>> = native.chain(given).collect();
            if all.is_empty() {
                RootCerts::WebPki
            } else {
                RootCerts::new_with_certs(&all)
            }
        };
        if more.is_empty() {
            self.roots.get_or_init(|| all(&[])).clone()
        } else {
            all(more)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agents(insecure: &[&str], hosts: Vec<super::super::HostSettings>) -> Agents {
        Agents::new(&Settings {
            insecure: insecure.iter().map(|host| (*host).to_owned()).collect(),
            hosts,
            ..Settings::default()
        })
        .unwrap()
    }

    #[test]
    fn only_this_machine_and_named_hosts_go_unverified() {
        let agents = agents(&["Registry.lan:5000"], Vec::new());
        for (host, want) in [
            ("localhost:5000", true),
            ("127.0.0.1", true),
            ("[::1]:5000", true),
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
    fn what_certs_d_lacks_matters_only_to_its_host() {
        let unreadable = super::super::HostSettings {
            host: "registry.lan:5000".to_owned(),
            certificates: Err("permission denied".to_owned()),
        };
        let agents = agents(&[], vec![unreadable]);
        let error = agents
            .of("https://registry.lan:5000/v2/", Standing::Named)
            .unwrap_err();
        let words = error.to_string();
        assert!(
            words.contains("registry.lan:5000") && words.contains("permission denied"),
            "{words}"
        );
        assert!(agents.of("https://ghcr.io/v2/", Standing::Named).is_ok());
    }
}
