//! Which proxy the way to a host leads through.
//!
//! A module of its own because the HTTP library reads the environment by itself, takes one proxy for every scheme and
//! knows neither subdomains nor networks in `NO_PROXY`: here everything is given, and read as curl and Go do.

use std::fmt;
use std::net::IpAddr;

use ureq::Proxy;

use super::SetupError;
use super::url::is_loopback;

/// The proxies; none by default. This machine itself is never spoken to through one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `http://`: what `HTTP_PROXY` holds.
    pub http: Option<String>,
    /// For `https://`: what `HTTPS_PROXY` holds.
    pub https: Option<String>,
    /// Hosts that need none, with commas between them, as `NO_PROXY` has them: `*`, a name with its subdomains, an
    /// address or a network, each with or without a port.
    pub exempt: String,
}

impl Proxies {
    /// The proxy on the way to `authority` (a host, with or without a port).
    pub(super) fn on_the_way(&self, scheme: &str, authority: &str) -> Result<Option<Proxy>, SetupError> {
        let (text, variable) = if scheme == "https" {
            (&self.https, "HTTPS_PROXY")
        } else {
            (&self.http, "HTTP_PROXY")
        };
        let Some(text) = text.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        if is_loopback(authority) || self.is_exempt(scheme, authority) {
            return Ok(None);
        }
        // The value may hold a password: it is never repeated.
        let bad = |reason: &str| SetupError::Proxy {
            variable,
            reason: reason.to_owned(),
        };
        let proxy = Proxy::new(text).map_err(|_| bad("not a URL"))?;
        match proxy.protocol() {
            ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https => Ok(Some(proxy)),
            _ => Err(bad("only http:// and https:// proxies are spoken to")),
        }
    }

    fn is_exempt(&self, scheme: &str, authority: &str) -> bool {
        let (host, port) = split_port(authority);
        let port = port.unwrap_or(if scheme == "https" { 443 } else { 80 });
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        let rules = self.exempt.split([',', ' ']).filter(|rule| !rule.is_empty());
        rules.into_iter().any(|rule| frees(rule, &host, port))
    }
}

/// A proxy's URL may hold a password.
impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("http", &self.http.is_some())
            .field("https", &self.https.is_some())
            .field("exempt", &self.exempt)
            .finish()
    }
}

/// Whether one rule of `NO_PROXY` frees a host.
fn frees(rule: &str, host: &str, port: u16) -> bool {
    if rule == "*" {
        return true;
    }
    let (pattern, wanted) = match rule.parse::<IpAddr>() {
        Ok(_) => (rule, None), // the colons of IPv6 are no port
        Err(_) => split_port(rule),
    };
    if wanted.is_some_and(|wanted| wanted != port) {
        return false;
    }
    let pattern = pattern.trim_matches(['[', ']']).to_ascii_lowercase();
    if let Ok(address) = host.parse::<IpAddr>() {
        let network = pattern.split_once('/');
        return match network.and_then(|(base, bits)| Some((base.parse().ok()?, bits.parse().ok()?))) {
            Some((base, bits)) => is_in(address, base, bits),
            None => pattern.parse() == Ok(address),
        };
    }
    let name = pattern.trim_start_matches('*').trim_start_matches('.');
    let below = host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    !name.is_empty() && (host == name || below)
}

fn is_in(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, 32),
        IpAddr::V6(v6) => (u128::from(v6), 128),
    };
    let ((a, width), (b, other)) = (number(address), number(network));
    let differ = a ^ b;
    width == other && bits <= width && differ.checked_shr(128 - bits).unwrap_or(0) == 0
}

/// Host and port; the colons of an IPv6 address stand in brackets.
fn split_port(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (authority, None),
        },
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(exempt: &str) -> Proxies {
        Proxies {
            http: Some("http://plain:3128".to_owned()),
            https: Some("http://user:hunter2@secure:3128".to_owned()),
            exempt: exempt.to_owned(),
        }
    }

    #[test]
    fn each_scheme_has_its_own_and_this_machine_none() {
        let proxies = proxies("");
        for (scheme, authority, want) in [
            ("https", "ghcr.io", Some("secure")),
            ("http", "registry.lan:5000", Some("plain")),
            ("https", "localhost:5000", None),
            ("http", "[::1]:5000", None),
        ] {
            let found = proxies.on_the_way(scheme, authority).unwrap();
            assert_eq!(found.as_ref().map(Proxy::host), want, "{scheme} {authority}");
        }
        let only_http = Proxies {
            https: None,
            ..proxies
        };
        assert!(only_http.on_the_way("https", "ghcr.io").unwrap().is_none());
    }

    #[test]
    fn no_proxy_knows_subdomains_networks_and_ports() {
        for (rule, authority, want) in [
            ("*", "ghcr.io", true),
            ("example.com", "example.com", true),
            ("example.com", "a.example.com:5000", true),
            ("example.com", "notexample.com", false),
            (".example.com, other.org", "a.example.com", true),
            ("x.y , other.org", "OTHER.org", true),
            ("*.example.com", "a.b.example.com", true),
            ("example.com:5000", "example.com:5000", true),
            ("example.com:5000", "example.com:5001", false),
            ("example.com:443", "example.com", true),
            ("10.0.0.0/8", "10.1.2.3:5000", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("0.0.0.0/0", "11.1.2.3", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("fd00::/8", "[fd12::1]:5000", true),
            ("fd12::1", "[fd12::1]", true),
            ("fd12::1", "[fd12::2]", false),
            ("10.0.0.0/99", "10.1.2.3", false),
            (".", "ghcr.io", false),
        ] {
            let found = proxies(rule).on_the_way("https", authority).unwrap();
            assert_eq!(found.is_none(), want, "{rule} frees {authority}");
        }
    }

    #[test]
    fn what_cannot_be_a_proxy_is_named_without_its_password() {
        for text in ["socks5://user:hunter2@host", "http://user:hunter2@", "::::"] {
            let proxies = Proxies {
                https: Some(text.to_owned()),
                ..Proxies::default()
            };
            let error = proxies.on_the_way("https", "ghcr.io").unwrap_err();
            let shown = format!("{error} {error:?} {proxies:?}");
            assert!(
                shown.contains("HTTPS_PROXY") && !shown.contains("hunter2"),
                "{shown}"
            );
        }
    }
}
