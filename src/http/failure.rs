//! What a failed connection means, in words for people.
//!
//! A module of its own because every client tells it in the same words.

use std::io;

/// Why an exchange broke.
pub(crate) fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::UnexpectedEof => "it hung up".to_owned(),
        // TLS failures of a handshake come as InvalidData.
        io::ErrorKind::InvalidData => tls_words(&error.to_string()),
        _ => error.to_string(),
    }
}

/// Why TLS failed, with the way out.
pub(crate) fn tls_words(text: &str) -> String {
    let is_about_us = [
        "BadCertificate",
        "CertificateRequired",
        "CertificateUnknown",
        "UnknownCA",
    ];
    if is_about_us
        .iter()
        .any(|alert| text.contains(&format!("fatal alert: {alert}")))
    {
        "it wants another client certificate than it was shown, or any; give one with --client-cert"
            .to_owned()
    } else if text.contains("certificate") {
        format!("{text}; give its CA with --cacert, or allow the host with --insecure-registry")
    } else {
        format!("TLS: {text}")
    }
}
