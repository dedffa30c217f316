//! Certificates as files hold them: CAs, and what a client shows of itself.
//!
//! A module of its own because what is no certificate, and a key that is another certificate's, must be found before the
//! TLS library is given them: it would panic.

use std::fmt;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, parse_pem};

use super::SetupError;

/// What a client shows of itself to a server that asks: a certificate, and the key that proves that it is its own.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, and what leads from it to a CA, as PEM.
    pub certificates: Vec<u8>,
    /// Its private key, as PEM, not encrypted.
    pub key: Vec<u8>,
}

/// The key is nobody's business.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}

/// The certificates of PEM files, of which each holds one at least.
pub(super) fn authorities(pems: &[Vec<u8>], what: &str) -> Result<Vec<Certificate<'static>>, SetupError> {
    let mut all = Vec::new();
    for pem in pems {
        all.extend(certificates(pem, what)?);
    }
    Ok(all)
}

impl Identity {
    /// The certificate and its key, which belong together. `what` names it in errors.
    pub(super) fn client_certificate(&self, what: &str) -> Result<ClientCert, SetupError> {
        let bad = |reason: String| SetupError::Certificate {
            what: what.to_owned(),
            reason,
        };
        let chain = certificates(&self.certificates, what)?;
        // What the parsers say could quote the key.
        let none = |_| bad("there is no PEM private key with it".to_owned());
        let der = PrivateKeyDer::from_pem_slice(&self.key).map_err(none)?;
        let key = PrivateKey::from_pem(&self.key)
            .map_err(|_| bad("there is no PEM private key with it".to_owned()))?;
        let ders = chain.iter().map(|one| CertificateDer::from(one.der().to_vec()));
        CertifiedKey::from_der(ders.collect(), der, &ring::default_provider())
            .map_err(|error| bad(error.to_string()))?;
        Ok(ClientCert::new_with_certs(&chain, key))
    }
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<Certificate<'static>>, SetupError> {
    let bad = |reason: String| SetupError::Certificate {
        what: what.to_owned(),
        reason,
    };
    let mut all = Vec::new();
    for item in parse_pem(pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => all.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(bad(error.to_string())),
        }
    }
    if all.is_empty() {
        return Err(bad("there is no PEM certificate in it".to_owned()));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        let broken = "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
        for pem in ["", "hello", broken] {
            let error = authorities(&[pem.as_bytes().to_vec()], "the CA certificate").unwrap_err();
            assert!(error.to_string().contains("the CA certificate"), "{error}");
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        let key = "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n";
        let identity = Identity {
            certificates: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec(),
            key: key.as_bytes().to_vec(),
        };
        let error = identity.client_certificate("--cert").unwrap_err();
        let shown = format!("{identity:?} {error} {error:?}");
        assert!(
            shown.contains("--cert") && !shown.contains("aHVudGVyMg"),
            "{shown}"
        );
    }
}
