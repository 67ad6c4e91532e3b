//! The contents of a certificate, for a person.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};

use stagger::text::Escaped;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::time::ASN1Time;

use crate::error::{CertificateFault, TlsError, TlsErrorKind};

/// The contents of a certificate (RFC 5280 §4.1), for a person or a log.
///
/// Parsing checks nothing: neither a signature nor the dates. Texts are escaped, so they can be
/// printed.
///
/// # Examples
///
/// ```
/// use stagger_tls::Certificate;
/// # let authority = stagger_testkit::tls::Authority::new()?;
/// # let identity = authority.issue("tls.example")?;
/// # let der = &identity.chain()[0];
///
/// let certificate = Certificate::parse(der)?;
/// assert_eq!(certificate.names(), ["tls.example"]);
/// assert!(certificate.not_before() < certificate.not_after());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    subject: String,
    issuer: String,
    names: Vec<String>,
    not_before: SystemTime,
    not_after: SystemTime,
}

impl Certificate {
    /// Parses a certificate in DER, as a connection's `peer_certificates` has it.
    ///
    /// # Errors
    ///
    /// Returns [`CertificateFault::Invalid`] if it is not a certificate.
    pub fn parse(der: &[u8]) -> Result<Self, TlsError> {
        let (_, parsed) = parse_x509_certificate(der).map_err(|error| {
            let kind = TlsErrorKind::Certificate(CertificateFault::Invalid);
            TlsError::new(kind, format!("bad certificate: {error}"))
        })?;
        let names = match parsed.subject_alternative_name() {
            Ok(Some(extension)) => &extension.value.general_names[..],
            _ => &[],
        };
        Ok(Self {
            subject: escaped(&parsed.subject().to_string()),
            issuer: escaped(&parsed.issuer().to_string()),
            names: names.iter().filter_map(name).collect(),
            not_before: time(parsed.validity().not_before),
            not_after: time(parsed.validity().not_after),
        })
    }

    /// The distinguished name of its owner, such as `CN=example.com`. It may be empty.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The distinguished name of the authority that signed it.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The host names and IP addresses that it is for (RFC 5280 §4.2.1.6). Other kinds of names are
    /// left out.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The first instant at which it is valid.
    pub fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// The last instant at which it is valid.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(escaped(name)),
        GeneralName::IPAddress(octets) => {
            let v4 =
                <[u8; 4]>::try_from(*octets).map(|octets| IpAddr::from(Ipv4Addr::from(octets)));
            let v6 = || <[u8; 16]>::try_from(*octets).map(|octets| Ipv6Addr::from(octets).into());
            v4.or_else(|_| v6()).ok().map(|ip: IpAddr| ip.to_string())
        }
        _ => None,
    }
}

fn escaped(text: &str) -> String {
    Escaped(text).to_string()
}

/// A time of a certificate, which has whole seconds from the year 0 on.
fn time(time: ASN1Time) -> SystemTime {
    let seconds = Duration::from_secs(time.timestamp().unsigned_abs());
    match time.timestamp() < 0 {
        // Some systems have no time before 1601.
        true => SystemTime::UNIX_EPOCH.checked_sub(seconds).unwrap_or(SystemTime::UNIX_EPOCH),
        false => SystemTime::UNIX_EPOCH + seconds,
    }
}
