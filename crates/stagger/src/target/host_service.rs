//! The target: a host and a service. The file is long because its tests have many texts.

use std::fmt;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

use super::error::Fault;
use super::{Host, Service, TargetError, TargetErrorKind, Zone};

/// The longest text that is read as a target: 1024 bytes. No name that can be encoded is nearly as
/// long. A longer text is refused before it costs any work. The bound is ours.
pub(super) const MAX_TEXT: usize = 1024;

/// A host and a service to connect to. The host is a name or an IP address, and the service is a
/// port or a service name.
///
/// A target is checked, normalised and encoded once, when it is made. Later code does not parse it
/// again. It prints in the form that [`Target::parse`] reads: `host:service`. The name is in
/// A-labels, and an IPv6 address is in brackets (RFC 5952 §6) with its zone (RFC 4007 §11). Flow
/// info has no text form, so it is not printed.
///
/// Two targets are equal if they lead to the same host and service. Equality ignores letter case in
/// a name (RFC 4343). It also ignores whether the name was written in Unicode or in A-labels (RFC
/// 5890 §2.3.2.4). A trailing dot counts, because it tells the resolver not to use its search list.
/// Cloning is cheap.
///
/// # Conversions
///
/// Functions that take a target accept any of these:
///
/// - a text with host and service: `&str`, `String`, `Cow<str>`;
/// - a host and a port: `(&str, u16)`, `(String, u16)`, `(Name, u16)`, `(IpAddr, u16)`;
/// - a host and a service: `(&str, &str)`, `(String, String)`;
/// - a `SocketAddr`, a `SocketAddrV4` or a `SocketAddrV6`;
/// - with the feature `http`, an `http::Uri` or an `http::uri::Authority`;
/// - with the feature `url`, a `url::Url`.
///
/// # Examples
///
/// ```
/// use stagger::Target;
///
/// # #[cfg(feature = "idna")] {
/// let target = Target::parse("Bücher.example:https")?;
/// assert_eq!(target.to_string(), "xn--bcher-kva.example:https");
/// assert_eq!(target, Target::parse("xn--bcher-kva.example:https")?);
/// # }
/// # Ok::<(), stagger::target::TargetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    pub(super) host: Host,
    pub(super) service: Service,
}

impl Target {
    /// Reads a host and a service with a colon between them.
    ///
    /// An IPv6 address needs brackets, as in RFC 3986 §3.2.2, with or without a zone:
    /// `[fe80::1%eth0]:22`. The text is not a URI, so nothing is percent-decoded. [`Host`],
    /// [`Name`](crate::target::Name), [`Zone`] and [`Service`] document the text of each part.
    ///
    /// # Errors
    ///
    /// Returns a [`TargetError`] with the text, what is wrong with it, and where. A text over 1024
    /// bytes is refused unread. A text with a scheme, such as `https://example.com/`, is an error
    /// of the kind [`Url`](TargetErrorKind::Url).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Target;
    /// use stagger::target::TargetErrorKind;
    ///
    /// for text in ["example.com:443", "example.com:https", "[fe80::1%eth0]:22", "192.0.2.1:80"] {
    ///     assert_eq!(Target::parse(text)?.to_string(), text);
    /// }
    ///
    /// let err = Target::parse("::1:80").unwrap_err();
    /// assert_eq!(err.kind(), TargetErrorKind::AmbiguousColons);
    /// # Ok::<(), stagger::target::TargetError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        if text.len() > MAX_TEXT {
            return Err(TargetError::too_long(text));
        }
        // The code below reads a socket address in the same way, but more slowly.
        if text.starts_with(|first: char| first == '[' || first.is_ascii_digit()) {
            if let Ok(addr) = text.parse::<SocketAddr>() {
                return Ok(addr.into());
            }
        }
        let read = || {
            Fault::find_url(text)?;
            let (host, service) = split(text)?;
            Ok(Self {
                host: Host::parse(host)?,
                service: Service::parse(service)
                    .map_err(|fault: Fault| fault.shifted(text.len() - service.len()))?,
            })
        };
        read().map_err(|fault: Fault| fault.of(text))
    }

    /// Reads a host and a service from two texts.
    ///
    /// Each part is read as [`Target::parse`] reads it. An IPv6 address may have brackets here, but
    /// does not need them.
    ///
    /// # Errors
    ///
    /// Returns a [`TargetError`] with the faulty part as its input. A part over 1024 bytes is
    /// refused unread.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Target;
    ///
    /// assert_eq!(Target::new("fe80::1%2", "22")?, Target::parse("[fe80::1%2]:22")?);
    /// assert_eq!(Target::new("example.com", "https")?, Target::parse("example.com:https")?);
    /// # Ok::<(), stagger::target::TargetError>(())
    /// ```
    pub fn new(host: &str, service: &str) -> Result<Self, TargetError> {
        Ok(Self {
            host: read_part(host, Host::parse)?,
            service: read_part(service, Service::parse)?,
        })
    }

    /// Sets the service.
    pub fn with_service(mut self, service: Service) -> Self {
        self.service = service;
        self
    }

    /// The host: a name or an IP address.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The service: a port or a service name.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The port, if the service is a number.
    pub fn port(&self) -> Option<u16> {
        match self.service {
            Service::Port(port) => Some(port),
            Service::Name(_) => None,
        }
    }

    /// The socket address of a target that needs no resolver: an IP address with a numeric port,
    /// and with a numeric zone if it has one.
    ///
    /// It keeps the scope id and the flow info. A v4-mapped address is not changed.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Target;
    ///
    /// assert!(Target::parse("[fe80::1%2]:22")?.literal().is_some());
    /// assert!(Target::parse("[fe80::1%eth0]:22")?.literal().is_none());
    /// assert!(Target::parse("192.0.2.1:https")?.literal().is_none());
    /// # Ok::<(), stagger::target::TargetError>(())
    /// ```
    pub fn literal(&self) -> Option<SocketAddr> {
        let port = self.port()?;
        match &self.host {
            Host::Name(_) => None,
            Host::Ipv4(addr) => Some(SocketAddrV4::new(*addr, port).into()),
            Host::Ipv6 { addr, zone, flow_info } => {
                let scope_id = match zone {
                    None => 0,
                    Some(Zone::Index(index)) => *index,
                    Some(Zone::Name(_)) => return None,
                };
                Some(SocketAddrV6::new(*addr, port, *flow_info, scope_id).into())
            }
        }
    }
}

/// Splits host and service. The brackets stay with the host.
fn split(text: &str) -> Result<(&str, &str), Fault> {
    if text.is_empty() {
        return Err(Fault::whole(TargetErrorKind::EmptyHost, text));
    }
    if text.starts_with('[') {
        let Some(close) = text.find(']') else {
            return Err(Fault::new(TargetErrorKind::UnclosedBracket, 0..1));
        };
        let (host, rest) = text.split_at(close + 1);
        return match rest.strip_prefix(':') {
            Some(service) => Ok((host, service)),
            None if rest.is_empty() => Err(Fault::whole(TargetErrorKind::MissingService, text)),
            None => Err(Fault::new(TargetErrorKind::TextAfterBracket, close + 1..text.len())),
        };
    }
    match text.split_once(':') {
        None => Err(Fault::whole(TargetErrorKind::MissingService, text)),
        Some((_, service)) if service.contains(':') => {
            Err(Fault::whole(TargetErrorKind::AmbiguousColons, text))
        }
        Some(parts) => Ok(parts),
    }
}

pub(super) fn read_part<T>(
    text: &str,
    read: fn(&str) -> Result<T, Fault>,
) -> Result<T, TargetError> {
    if text.len() > MAX_TEXT {
        return Err(TargetError::too_long(text));
    }
    Fault::find_url(text).and_then(|()| read(text)).map_err(|fault| fault.of(text))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            host @ Host::Ipv6 { .. } => write!(f, "[{host}]:{}", self.service),
            host => write!(f, "{host}:{}", self.service),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        Target::parse(text).unwrap_or_else(|err| panic!("{err}"))
    }

    #[test]
    fn what_is_printed_parses_to_the_same_target() {
        for (written, printed) in [
            ("example.com:443", "example.com:443"),
            ("EXAMPLE.com.:https", "example.com.:https"),
            ("_sip._tcp.example.com:0080", "_sip._tcp.example.com:80"),
            ("192.0.2.1:80", "192.0.2.1:80"),
            ("[::1]:0", "[::1]:0"),
            ("[2001:DB8:0::1]:z39.50", "[2001:db8::1]:z39.50"),
            ("[::ffff:192.0.2.1]:80", "[::ffff:192.0.2.1]:80"),
            ("[fe80::1%eth0]:22", "[fe80::1%eth0]:22"),
            ("[fe80::1%007]:22", "[fe80::1%7]:22"),
            ("[fe80::1%0]:22", "[fe80::1]:22"),
            ("[fe80::1%25]:22", "[fe80::1%25]:22"),
            ("web.1:80", "web.1:80"),
            ("123456789012:80", "123456789012:80"),
        ] {
            let first = target(written);
            assert_eq!(first.to_string(), printed);
            assert_eq!(target(printed), first);
        }
    }

    /// All texts of up to four of these fragments, in every order.
    #[test]
    fn no_text_panics_and_every_target_round_trips() {
        const FRAGMENTS: [&str; 16] = [
            "[", "]", ":", "%", ".", "::1", "80", "1.2.3.4", "a", "xn--", "fa-hia", "ß", "\u{ad}",
            "。", "\0", "１",
        ];
        for length in 0..=4 {
            for number in 0..16usize.pow(length) {
                let text: String =
                    (0..length).map(|place| FRAGMENTS[(number >> (4 * place)) & 15]).collect();
                match Target::parse(&text) {
                    Ok(target) => {
                        let printed = target.to_string();
                        assert!(printed.is_ascii(), "{text:?}");
                        assert_eq!(Target::parse(&printed), Ok(target), "{text:?}");
                    }
                    Err(err) => {
                        assert_eq!(err.input(), text);
                        assert!(!err.to_string().contains(char::is_control), "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_bad_text_is_an_error_of_its_own_kind() {
        use TargetErrorKind::*;
        for (text, kind) in [
            ("", EmptyHost),
            (":", EmptyHost),
            (":80", EmptyHost),
            ("example.com", MissingService),
            ("[::1]", MissingService),
            ("example.com:", EmptyService),
            ("[::1]:", EmptyService),
            ("example.com:65536", InvalidPort),
            ("example.com:99999999999999999999", InvalidPort),
            ("example.com:+80", InvalidService),
            ("example.com:-1", InvalidService),
            ("example.com:８０", InvalidService),
            ("http://example.com", Url),
            ("[::1:80", UnclosedBracket),
            ("[::1]80", TextAfterBracket),
            ("[::1]]:80", TextAfterBracket),
            ("[]:80", InvalidIpv6),
            ("[[::1]:80", InvalidIpv6),
            ("[192.0.2.1]:80", InvalidIpv6),
            ("[example.com]:80", InvalidIpv6),
            ("[%eth0]:80", InvalidIpv6),
            ("::1:80", AmbiguousColons),
            ("::1", AmbiguousColons),
            ("example.com:80:81", AmbiguousColons),
            ("[fe80::1%]:80", EmptyZone),
            ("[fe80::1%a%b]:80", InvalidZone),
            ("[fe80::1%25eth0]:80", EncodedZone),
            ("[fe80::1%4294967296]:80", InvalidZone),
            ("192.0.2.1%eth0:80", UnexpectedZone),
            ("example.com%eth0:80", UnexpectedZone),
            ("exa mple.com:80", ControlCharacter),
            ("exa\0mple.com:80", ControlCharacter),
            ("exa\u{3000}mple.com:80", ControlCharacter),
            ("[::1 ]:80", ControlCharacter),
            ("[fe80::1%\n]:80", ControlCharacter),
            ("example.com:80\n", ControlCharacter),
            ("user@example.com:80", ForbiddenCharacter),
            ("example.com/:80", ForbiddenCharacter),
            ("256.1.1.1:80", InvalidIpv4),
            ("example..com:80", EmptyLabel),
        ] {
            let err = Target::parse(text).unwrap_err();
            assert_eq!((text, err.kind()), (text, kind));
            assert_eq!(err.input(), text);
        }
    }

    #[test]
    fn parts_given_apart_are_read_as_they_are_together() {
        for (host, bracketed) in [
            ("example.com", "example.com"),
            ("192.0.2.1", "192.0.2.1"),
            ("::1", "[::1]"),
            ("[::1]", "[::1]"),
            ("fe80::1%2", "[fe80::1%2]"),
        ] {
            let together = target(&format!("{bracketed}:443"));
            assert_eq!(Target::new(host, "443").as_ref(), Ok(&together));
            assert_eq!(Target::try_from((host, 443)).as_ref(), Ok(&together));
            assert_eq!(Target::try_from((host, "443")).as_ref(), Ok(&together));
            assert_eq!(Target::try_from((host.to_owned(), 443)).as_ref(), Ok(&together));
        }
        for host in ["", "a b", "127.1", "a..b", "192.0.2.1%1", "[::1%]", "[::1", "[::1]x"] {
            let together = Target::parse(&format!("{host}:80")).unwrap_err().kind();
            let apart = Target::try_from((host, 80)).unwrap_err().kind();
            assert_eq!((host, apart), (host, together));
        }
        assert_eq!(Target::new("h", "65536").unwrap_err().input(), "65536");
    }

    #[test]
    fn a_literal_keeps_scope_id_and_flow_info() {
        let addr = SocketAddr::V6(SocketAddrV6::new("fe80::1".parse().unwrap(), 22, 7, 3));
        assert_eq!(Target::from(addr).literal(), Some(addr));
        assert_eq!(Target::from(addr).to_string(), "[fe80::1%3]:22");
        assert_eq!(target("[fe80::1%3]:22").literal(), Some("[fe80::1%3]:22".parse().unwrap()));
        assert_eq!(target("192.0.2.1:80").literal(), Some("192.0.2.1:80".parse().unwrap()));
        for text in ["192.0.2.1:http", "[fe80::1%eth0]:22", "example.com:80"] {
            assert_eq!(target(text).literal(), None);
        }
    }

    /// A socket address is read in one step, and other texts by their parts.
    #[test]
    fn a_socket_address_is_read_as_its_parts_are() {
        for (host, service) in [
            ("192.0.2.1", "80"),
            ("192.0.2.1", "0000000080"),
            ("192.0.2.1", "65536"),
            ("192.0.2.01", "80"),
            ("1.2.3", "80"),
            ("[::1]", "0"),
            ("[::ffff:192.0.2.1]", "80"),
            ("[::192.0.2.1]", "80"),
            ("[fe80::1%3]", "22"),
            ("[fe80::1%0]", "22"),
            ("[fe80::1%007]", "22"),
            ("[fe80::1%25]", "22"),
            ("[fe80::1%25eth0]", "22"),
            ("[fe80::1%4294967296]", "22"),
            ("[fe80::1]", "+22"),
        ] {
            let whole = Target::parse(&format!("{host}:{service}"));
            let parts = Target::new(host, service);
            let kind = |err: TargetError| err.kind();
            assert_eq!(whole.map_err(kind), parts.map_err(kind), "{host} {service}");
        }
    }

    #[test]
    fn a_megabyte_is_refused_unread() {
        for fragment in ["a", "[", ":", "é", "xn--a.", "1.", "\0"] {
            let text = fragment.repeat(1 << 20);
            for err in [
                Target::parse(&text).unwrap_err(),
                Target::new(&text, "80").unwrap_err(),
                Target::new("example.com", &text).unwrap_err(),
                Target::try_from((text.clone(), 80)).unwrap_err(),
            ] {
                assert_eq!(err.kind(), TargetErrorKind::InputTooLong);
                assert!(err.input().len() <= MAX_TEXT && err.to_string().len() < 800);
            }
        }
    }
}
