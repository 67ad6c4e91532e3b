//! The result of a handshake: protocol and certificate, for a person and for a script.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use stagger_tls::Certificate;
use stagger_tls::rustls::{CommonState, ProtocolVersion};

use super::date;

/// A remark is printed for a certificate that expires within 14 days. The number is ours: services
/// that renew certificates by themselves do so earlier.
const SOON: Duration = Duration::from_secs(14 * 86_400);

/// The text has at most 4 names of a certificate. The number is ours. JSON has all names.
const MAX_NAMES: usize = 4;

/// The text has at most 253 letters of a name, because no host name is longer (RFC 1035 §2.3.4). A
/// certificate may have names of many kilobytes.
const MAX_LETTERS: usize = 253;

/// The result of a handshake.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    version: String,
    cipher_suite: String,
    alpn: Option<String>,
    /// Whether the certificate was verified.
    verified: bool,
    /// Whether one direction can end without the other: from TLS 1.3 on (RFC 8446 §6.1).
    half_closes: bool,
    /// The certificate of the peer, if it sent one that can be read.
    certificate: Option<Certificate>,
}

impl Session {
    /// Reads the result from a connection after its handshake.
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
            half_closes: connection.protocol_version() == Some(ProtocolVersion::TLSv1_3),
            certificate: certificate.and_then(|der| Certificate::parse(der).ok()),
        }
    }

    /// Version, cipher suite and protocol, in one line.
    pub(crate) fn protocol(&self) -> String {
        let alpn = self.alpn.as_ref().map(|name| format!(", ALPN {name}"));
        format!("{} with {}{}", self.version, self.cipher_suite, alpn.unwrap_or_default())
    }

    /// Whether one direction can end without the other.
    pub(crate) fn half_closes(&self) -> bool {
        self.half_closes
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
                lines.push(format!("  subject  {}", shown(certificate.subject())));
                lines.push(format!("  issuer   {}", shown(certificate.issuer())));
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

/// A name for a person: not empty, and not too long.
fn shown(name: &str) -> String {
    match name.char_indices().nth(MAX_LETTERS) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None if name.is_empty() => "(empty)".to_owned(),
        None => name.to_owned(),
    }
}

fn listed(names: &[String]) -> String {
    let first = names.iter().take(MAX_NAMES).map(|name| shown(name));
    let mut text = first.collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        text.push_str("(none)");
    }
    if names.len() > MAX_NAMES {
        text.push_str(&format!(" and {} more", names.len() - MAX_NAMES));
    }
    text
}

/// The first and the last day, and a remark if the certificate is not valid or expires soon.
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

#[cfg(test)]
mod tests {
    use stagger_testkit::tls::{Authority, Request};

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    /// 2026-03-01.
    fn noon() -> SystemTime {
        SystemTime::UNIX_EPOCH + 20_513 * DAY + DAY / 2
    }

    fn session(request: &Request) -> Session {
        let identity = Authority::named("An authority").unwrap().sign(request).unwrap();
        Session {
            half_closes: true,
            version: named("TLSv1_2"),
            cipher_suite: iana("TLS13_AES_128_GCM_SHA256"),
            alpn: None,
            verified: true,
            certificate: Some(Certificate::parse(&identity.chain()[0]).unwrap()),
        }
    }

    #[test]
    fn the_dates_have_a_remark_only_where_they_matter() {
        for (from, to, validity) in [
            (-30, 14, "2026-01-30 to 2026-03-15"),
            (-30, 13, "2026-01-30 to 2026-03-14; it expires in 13 days"),
            (-30, 1, "2026-01-30 to 2026-03-02; it expires in 24 hours"),
            (-30, -2, "2026-01-30 to 2026-02-27; it expired 2 days ago"),
            (3, 30, "2026-03-04 to 2026-03-31; it becomes valid in 3 days"),
        ] {
            let at = |days: i32| match u32::try_from(days) {
                Ok(days) => noon() + days * DAY,
                Err(_) => noon() - days.unsigned_abs() * DAY,
            };
            let text = session(&Request::new("a.test").with_validity(at(from), at(to)));
            let text = text.text_at(noon());
            let line = text.lines().last().unwrap();
            assert_eq!(line, format!("  valid    {validity}"));
        }
    }

    #[test]
    fn a_long_list_of_names_is_cut_for_a_person_and_whole_for_a_script() {
        let long = ["x".repeat(60), "y".repeat(60), "z".repeat(60), "t".repeat(60)].join(".");
        let mut request = Request::new("a.test");
        for name in ["b.test", "c.test", "d.test", "e.test", &format!("{long}.example.test")] {
            request = request.with_name(name);
        }
        let session = session(&request);
        let text = session.text_at(noon());
        assert!(text.contains("  names    a.test, b.test, c.test, d.test and 2 more\n"), "{text}");
        let names = session.json()["certificate"]["names"].as_array().unwrap().len();
        assert_eq!(names, 6);
        assert_eq!(shown(&long), long);
        assert_eq!(shown(&"x".repeat(254)), format!("{}...", "x".repeat(253)));
        assert_eq!(shown(""), "(empty)");
        assert_eq!(listed(&[]), "(none)");
    }

    #[test]
    fn versions_and_suites_have_their_registered_names() {
        let session = session(&Request::new("a.test"));
        assert_eq!(session.protocol(), "TLS 1.2 with TLS_AES_128_GCM_SHA256");
        let session = Session { alpn: Some("h2".into()), certificate: None, ..session };
        let text = "TLS 1.2 with TLS_AES_128_GCM_SHA256, ALPN h2
certificate: verified; it cannot be read
";
        assert_eq!(session.text_at(noon()), text);
        assert!(session.json()["certificate"].is_null());
    }
}
