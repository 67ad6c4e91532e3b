//! A target in the form in which a proxy is asked for it.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use stagger::Target;
use stagger::target::{Host, Service, Zone};

use crate::error::{Fault, ProxyErrorKind};

/// Services and their ports, from the IANA registry (RFC 6335). A target may name these services,
/// because their ports are the same on every machine. The choice is ours.
const SERVICES: [(&str, u16); 26] = [
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("domain", 53),
    ("http", 80),
    ("www", 80),
    ("pop3", 110),
    ("imap", 143),
    ("ldap", 389),
    ("https", 443),
    ("submissions", 465),
    ("submission", 587),
    ("ldaps", 636),
    ("domain-s", 853),
    ("imaps", 993),
    ("pop3s", 995),
    ("mqtt", 1883),
    ("mysql", 3306),
    ("xmpp-client", 5222),
    ("xmpp-server", 5269),
    ("postgresql", 5432),
    ("amqps", 5671),
    ("amqp", 5672),
    ("redis", 6379),
    ("secure-mqtt", 8883),
];

/// The longest name in a request of SOCKS5: 255 bytes (RFC 1928 §5).
const MAX_NAME: usize = 255;

/// What a proxy is asked to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) host: RequestHost,
    pub(crate) port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestHost {
    /// A name in A-labels. A trailing dot stays: it keeps the proxy from using its search list.
    Name(Arc<str>),
    Ipv4(Ipv4Addr),
    Ipv6(Ipv6Addr),
}

impl Request {
    /// The request for a target, or why there is none.
    pub(crate) fn new(target: &Target) -> Result<Self, Fault> {
        let fault = |text: String| Fault::new(ProxyErrorKind::Target, text);
        let port = match target.service() {
            Service::Port(0) => return Err(fault(format!("{target} has the port 0"))),
            Service::Port(port) => *port,
            Service::Name(name) => match port(name) {
                Some(port) => port,
                None => {
                    return Err(fault(format!(
                        "{target} has a service without a well-known port: give the port as a number"
                    )));
                }
            },
        };
        let host = match target.host() {
            Host::Name(name) if name.ascii().len() > MAX_NAME => {
                return Err(fault(format!("the name of {target} is over {MAX_NAME} bytes")));
            }
            Host::Name(name) => RequestHost::Name(name.ascii().into()),
            Host::Ipv4(addr) => RequestHost::Ipv4(*addr),
            Host::Ipv6 { zone: Some(Zone::Index(_) | Zone::Name(_)), .. } => {
                return Err(fault(format!(
                    "{target} has a zone, which means nothing on the proxy's machine"
                )));
            }
            Host::Ipv6 { addr, .. } => RequestHost::Ipv6(*addr),
        };
        Ok(Self { host, port })
    }

    /// The request of SOCKS5 (RFC 1928 §4): a connect to this address.
    pub(crate) fn socks5(&self) -> Vec<u8> {
        let mut message = vec![5, 1, 0];
        match &self.host {
            RequestHost::Ipv4(addr) => {
                message.push(1);
                message.extend(addr.octets());
            }
            RequestHost::Name(name) => {
                message.push(3);
                message.push(u8::try_from(name.len()).expect("the length was checked"));
                message.extend(name.as_bytes());
            }
            RequestHost::Ipv6(addr) => {
                message.push(4);
                message.extend(addr.octets());
            }
        }
        message.extend(self.port.to_be_bytes());
        message
    }
}

/// Prints the authority of a request of HTTP (RFC 9110 §9.3.6).
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            RequestHost::Name(name) => write!(f, "{name}:{}", self.port),
            RequestHost::Ipv4(addr) => write!(f, "{addr}:{}", self.port),
            RequestHost::Ipv6(addr) => write!(f, "[{addr}]:{}", self.port),
        }
    }
}

/// The port of a well-known service.
pub(crate) fn port(service: &str) -> Option<u16> {
    let found = SERVICES.iter().find(|(name, _)| name.eq_ignore_ascii_case(service));
    found.map(|(_, port)| *port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str) -> Result<Request, Fault> {
        Request::new(&Target::parse(target).unwrap())
    }

    #[test]
    fn a_target_is_said_by_its_name_in_a_labels_or_its_address() {
        for (target, authority, message) in [
            ("EXAMPLE.com:443", "example.com:443", &b"\x05\x01\0\x03\x0bexample.com\x01\xbb"[..]),
            ("a.b.:https", "a.b.:443", b"\x05\x01\0\x03\x04a.b.\x01\xbb"),
            ("bücher.de:80", "xn--bcher-kva.de:80", b"\x05\x01\0\x03\x10xn--bcher-kva.de\0\x50"),
            ("192.0.2.1:22", "192.0.2.1:22", b"\x05\x01\0\x01\xc0\0\x02\x01\0\x16"),
            (
                "[2001:db8::1]:22",
                "[2001:db8::1]:22",
                b"\x05\x01\0\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\0\x16",
            ),
        ] {
            let request = request(target).unwrap();
            assert_eq!(request.to_string(), authority);
            assert_eq!(request.socks5(), message, "{target}");
        }
    }

    #[test]
    fn a_target_that_cannot_be_said_is_refused() {
        for (target, why) in [
            ("[fe80::1%eth0]:80", "has a zone"),
            ("[fe80::1%3]:80", "has a zone"),
            ("example.com:nosuch", "without a well-known port"),
            ("example.com:0", "has the port 0"),
        ] {
            let fault = request(target).unwrap_err();
            assert_eq!(fault.kind, ProxyErrorKind::Target);
            assert!(fault.text.contains(why), "{}", fault.text);
        }
    }
}
