//! The result of a handshake: protocol and certificate, for a person and for a script.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use stagger_tls::Certificate;
use stagger_tls::rustls::CommonState;

use super::date;

/// A certificate that ends sooner is worth a remark: 14 days. The number is ours: services that
/// renew certificates by themselves do it earlier.
const SOON: Duration = Duration::from_secs(14 * 86_400);

/// How many names of a certificate a person is shown: 4. The number is ours. JSON has all.
const MAX_NAMES: usize = 4;

/// What a handshake agreed on.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    version: String,
    cipher_suite: String,
    alpn: Option<String>,
    /// Whether the certificate was verified.
    verified: bool,
    /// The certificate of the peer, if it sent one that can be read.
    certificate: Option<Certificate>,
}

impl Session {
    /// The result of the handshake of a connection.
    pub(super) fn of(connection: &CommonState, verified: bool) -> Self {
        let version = connection.protocol_version().and_then(|version| version.as_str());
        let suite = connection.negotiated_cipher_suite();
        let suite = suite.and_then(|suite| suite.suite().as_str());
        let alpn = connection.alpn_protocol().map(|name| name.escape_ascii().to_string());
        let certificate = connection.peer_certificates().and_then(<[_]>::first);
        Self {
            version: version.map_or_else(|| "TLS".to_owned(), named),
            cipher_suite: suite.map_or_else(|| "an unknown cipher suite".to_owned(), iana),
            alpn,
            verified,
            certificate: certificate.and_then(|der| Certificate::parse(der).ok()),
        }
    }

    /// Version, cipher suite and protocol, in one line.
    pub(crate) fn protocol(&self) -> String {
        let alpn = self.alpn.as_ref().map(|name| format!(", ALPN {name}"));
        format!("{} with {}{}", self.version, self.cipher_suite, alpn.unwrap_or_default())
    }

    /// Lines for a person.
    pub(crate) fn text(&self) -> String {
        self.text_at(SystemTime::now())
    }

    fn text_at(&self, now: SystemTime) -> String {
        let mut lines = vec![self.protocol()];
        let verified = match self.verified {
            true => "verified",
            false => "not verified, because of --insecure",
        };
        match &self.certificate {
            None => lines.push(format!("certificate: {verified}; it cannot be read")),
            Some(certificate) => {
                lines.push(format!("certificate: {verified}"));
                lines.push(format!("  subject  {}", or_none(certificate.subject())));
                lines.push(format!("  issuer   {}", or_none(certificate.issuer())));
                lines.push(format!("  names    {}", listed(certificate.names())));
                lines.push(format!("  valid    {}", validity(certificate, now)));
            }
        }
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// The object in `--json`.
    pub(crate) fn json(&self) -> Value {
        json!({
            "version": self.version,
            "cipher_suite": self.cipher_suite,
            "alpn": self.alpn,
            "verified": self.verified,
            "certificate": self.certificate.as_ref().map(|certificate| json!({
                "subject": certificate.subject(),
                "issuer": certificate.issuer(),
                "names": certificate.names(),
                "not_before": date::rfc3339(certificate.not_before()),
                "not_after": date::rfc3339(certificate.not_after()),
            })),
        })
    }
}

/// The name of a version, as people write it: rustls has `TLSv1_3`.
fn named(version: &str) -> String {
    version.replacen("TLSv", "TLS ", 1).replace('_', ".")
}

/// The registered name of a cipher suite (RFC 8446 §B.4): rustls has `TLS13_` for `TLS_`.
fn iana(suite: &str) -> String {
    suite.replacen("TLS13_", "TLS_", 1)
}

fn or_none(name: &str) -> &str {
    if name.is_empty() { "(empty)" } else { name }
}

fn listed(names: &[String]) -> String {
    let mut text = names[..names.len().min(MAX_NAMES)].join(", ");
    if names.is_empty() {
        text.push_str("(none)");
    }
    if names.len() > MAX_NAMES {
        text.push_str(&format!(" and {} more", names.len() - MAX_NAMES));
    }
    text
}

/// From when to when, with a remark where that matters today.
fn validity(certificate: &Certificate, now: SystemTime) -> String {
    let (begin, end) = (certificate.not_before(), certificate.not_after());
    let between = |from: SystemTime, to: SystemTime| {
        date::rounded(to.duration_since(from).unwrap_or_default())
    };
    let remark = if now < begin {
        format!("; it becomes valid in {}", between(now, begin))
    } else if now > end {
        format!("; it expired {} ago", between(end, now))
    } else if end < now + SOON {
        format!("; it expires in {}", between(now, end))
    } else {
        String::new()
    };
    format!("{} to {}{remark}", date::day(begin), date::day(end))
}
