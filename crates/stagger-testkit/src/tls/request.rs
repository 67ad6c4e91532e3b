//! The contents of a certificate that is to be issued.

use std::io;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, KeyPair};

use super::Identity;

/// The extension with addresses for those who check a certificate (RFC 5280 §4.2.2.1).
const AUTHORITY_INFO_ACCESS: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 1, 1];

/// The DER of its access method `caIssuers`, 1.3.6.1.5.5.7.48.2 (RFC 5280 §4.2.2.1).
const CA_ISSUERS: [u8; 10] = [6, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 2];

/// The contents of a certificate that is to be issued, for
/// [`Authority::sign`](super::Authority::sign).
///
/// # Examples
///
/// ```
/// use stagger_testkit::tls::{Authority, Request, Usage};
///
/// let request = Request::new("alice.example").with_usage(Usage::Client);
/// let alice = Authority::new()?.sign(&request)?;
/// let self_signed = Request::new("tls.example").with_name("192.0.2.1").self_sign()?;
/// # let _ = (alice, self_signed);
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Request {
    names: Vec<String>,
    validity: Option<(SystemTime, SystemTime)>,
    issuer_url: Option<String>,
    usage: Usage,
}

/// The purpose of a certificate (RFC 5280 §4.2.1.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Usage {
    /// Every purpose: the certificate names none.
    #[default]
    Any,
    /// It is a client's certificate.
    Client,
    /// It is a server's certificate.
    Server,
}

impl Request {
    /// Creates a request for this host name or IP address, valid from 1975 to 4096.
    pub fn new(name: &str) -> Self {
        let names = vec![name.to_owned()];
        Self { names, validity: None, issuer_url: None, usage: Usage::Any }
    }

    /// Adds a host name or an IP address.
    pub fn with_name(mut self, name: &str) -> Self {
        self.names.push(name.to_owned());
        self
    }

    /// The host names and IP addresses.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Sets the first and the last instant at which the certificate is valid, in whole seconds.
    ///
    /// # Examples
    ///
    /// A certificate that becomes valid in an hour:
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// use stagger_testkit::tls::Request;
    ///
    /// let from = SystemTime::now() + Duration::from_secs(3600);
    /// let to = from + Duration::from_secs(3600);
    /// let request = Request::new("tls.example").with_validity(from, to);
    /// assert_eq!(request.validity(), Some((from, to)));
    /// ```
    pub fn with_validity(mut self, not_before: SystemTime, not_after: SystemTime) -> Self {
        self.validity = Some((not_before, not_after));
        self
    }

    /// Makes the certificate valid from 1975 to 4096 again.
    pub fn without_validity(mut self) -> Self {
        self.validity = None;
        self
    }

    /// The first and the last instant at which the certificate is valid, if they are set.
    pub fn validity(&self) -> Option<(SystemTime, SystemTime)> {
        self.validity
    }

    /// Sets the URL from which the issuer's certificate can be fetched (RFC 5280 §4.2.2.1). The
    /// certificates of public authorities have one.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_testkit::tls::Request;
    ///
    /// let request = Request::new("tls.example").with_issuer_url("http://ca.example/ca.der");
    /// assert_eq!(request.issuer_url(), Some("http://ca.example/ca.der"));
    /// ```
    pub fn with_issuer_url(mut self, url: &str) -> Self {
        self.issuer_url = Some(url.to_owned());
        self
    }

    /// Removes the URL of the issuer's certificate.
    pub fn without_issuer_url(mut self) -> Self {
        self.issuer_url = None;
        self
    }

    /// The URL of the issuer's certificate, if it is set.
    pub fn issuer_url(&self) -> Option<&str> {
        self.issuer_url.as_deref()
    }

    /// Sets the purpose of the certificate.
    pub fn with_usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// The purpose of the certificate.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Makes a certificate that its own key has signed, so that no authority has issued it.
    ///
    /// # Errors
    ///
    /// Returns why a name is invalid, or why no certificate could be made.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_testkit::tls::Request;
    ///
    /// let server = Request::new("tls.example").self_sign()?.server()?;
    /// # let _ = server;
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn self_sign(&self) -> io::Result<Identity> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = self.params()?.self_signed(&key).map_err(io::Error::other)?;
        Ok(Identity::new(vec![certificate.der().clone()], &key))
    }

    pub(super) fn params(&self) -> io::Result<CertificateParams> {
        let mut params = CertificateParams::new(self.names.clone()).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, &self.names[0]);
        if let Some((not_before, not_after)) = self.validity {
            // The library for calendar times is named by `rcgen` only.
            let epoch = rcgen::date_time_ymd(1970, 1, 1);
            let secs = |duration: Duration| Duration::from_secs(duration.as_secs());
            let time = |time: SystemTime| match time.duration_since(SystemTime::UNIX_EPOCH) {
                Ok(after) => epoch + secs(after),
                Err(before) => epoch - secs(before.duration()),
            };
            (params.not_before, params.not_after) = (time(not_before), time(not_after));
        }
        if let Some(url) = &self.issuer_url {
            let content = authority_info_access(url)?;
            let extension = CustomExtension::from_oid_content(&AUTHORITY_INFO_ACCESS, content);
            params.custom_extensions.push(extension);
        }
        params.extended_key_usages = match self.usage {
            Usage::Any => vec![],
            Usage::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
            Usage::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
        };
        Ok(params)
    }
}

/// The content of the extension: one address, of the issuer's certificate (RFC 5280 §4.2.2.1).
fn authority_info_access(url: &str) -> io::Result<Vec<u8>> {
    /// The tags of a sequence and of `uniformResourceIdentifier` in a general name.
    const SEQUENCE: u8 = 0x30;
    const URI: u8 = 0x86;

    let description = [&CA_ISSUERS[..], &der(URI, url.as_bytes())?].concat();
    der(SEQUENCE, &der(SEQUENCE, &description)?)
}

/// A value in DER (X.690 §8.1) of at most 65535 bytes.
fn der(tag: u8, content: &[u8]) -> io::Result<Vec<u8>> {
    let length = u16::try_from(content.len());
    let length = length.map_err(|_| io::Error::other("the URL is longer than 64 KiB"))?;
    let [high, low] = length.to_be_bytes();
    let header = match length {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    Ok([&header[..], content].concat())
}
