//! The result of a lookup of addresses.

use std::net::SocketAddr;
use std::sync::Arc;

use stagger::address::{Address as _, Family};

/// The result of a lookup of addresses: at least one entry, in the system's order, which is
/// RFC 6724's as the platform applies it.
///
/// Cloning is cheap, because joined lookups share it.
///
/// # Examples
///
/// ```
/// use futures_lite::future::block_on;
///
/// let found = block_on(async { stagger_net::lookup::lookup("127.0.0.1").with_service(443).await })?;
/// for entry in &found {
///     println!("{} {:?}", entry.address, entry.socket_type);
/// }
/// assert!(found.addresses().eq(["127.0.0.1:443".parse().unwrap()]));
/// # Ok::<_, stagger_net::lookup::LookupError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    entries: Arc<[AddressEntry]>,
    canonical_name: Option<Arc<str>>,
}

/// One address, and the kind of socket that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AddressEntry {
    /// The address, with the port of the service, or 0 without a service. The scope id and flow
    /// info are the system's, or those of a literal.
    pub address: SocketAddr,
    /// The socket type, if the system returns it.
    pub socket_type: Option<SocketType>,
    /// The protocol, if the system returns it.
    pub protocol: Option<Protocol>,
}

/// A socket type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocketType {
    /// A stream of bytes, as TCP's (`SOCK_STREAM`).
    Stream,
    /// Datagrams, as UDP's (`SOCK_DGRAM`).
    Datagram,
    /// A stream of packets, as SCTP's (`SOCK_SEQPACKET`).
    SequencedPacket,
    /// The network layer itself (`SOCK_RAW`).
    Raw,
    /// Another of the platform's `SOCK_` numbers.
    Other(i32),
}

/// A protocol over IP, by its number, which IANA assigns.
///
/// # Examples
///
/// ```
/// use stagger_net::lookup::Protocol;
///
/// assert_eq!(Protocol::from_number(6), Protocol::TCP);
/// assert_eq!(Protocol::UDP.number(), 17);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Protocol(i32);

impl Addresses {
    pub(super) fn new(
        entries: impl IntoIterator<Item = AddressEntry>,
        canonical_name: Option<&str>,
    ) -> Self {
        let canonical_name = canonical_name.map(Arc::from);
        Self { entries: entries.into_iter().collect(), canonical_name }
    }

    /// Returns every entry.
    pub fn entries(&self) -> &[AddressEntry] {
        &self.entries
    }

    /// Returns the address of every entry. An address occurs several times if it has entries for
    /// several socket types. This happens only if the lookup is for every type.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.entries.iter().map(|entry| entry.address)
    }

    /// Returns the canonical name, if it was requested: the host's own name, at the end of its
    /// aliases. For a literal it is the literal.
    ///
    /// The name is exactly what the system returns, so it is in A-labels. Bytes that are not UTF-8
    /// are replaced with U+FFFD. It may come from the network. A program that prints it or makes
    /// decisions by it does not know who wrote it.
    pub fn canonical_name(&self) -> Option<&str> {
        self.canonical_name.as_deref()
    }
}

impl<'a> IntoIterator for &'a Addresses {
    type Item = &'a AddressEntry;
    type IntoIter = std::slice::Iter<'a, AddressEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

impl AddressEntry {
    /// Returns the family of the address.
    pub fn family(&self) -> Family {
        self.address.family().expect("a socket address has a family")
    }
}

impl Protocol {
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// DCCP.
    pub const DCCP: Self = Self(33);
    /// ICMP for IPv6.
    pub const ICMPV6: Self = Self(58);
    /// ICMP for IPv4.
    pub const ICMPV4: Self = Self(1);
    /// SCTP.
    pub const SCTP: Self = Self(132);
    /// UDP-Lite.
    pub const UDPLITE: Self = Self(136);

    /// Returns the protocol with this number. The system may not know it.
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// Returns the number of the protocol.
    pub const fn number(self) -> i32 {
        self.0
    }
}
