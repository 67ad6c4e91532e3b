//! What a lookup of addresses brings.

use std::net::SocketAddr;
use std::sync::Arc;

use stagger::address::{Address as _, Family};

/// What a lookup of addresses brought: at least one entry, in the system's order, which is
/// RFC 6724's as the platform applies it.
///
/// Cloning is cheap: those who asked the same share it.
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

/// One address, and what kind of socket it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AddressEntry {
    /// The address, with the port of the service, or 0 if there was none. Scope id and flow info
    /// are as the system has them, and those of a literal as it had them.
    pub address: SocketAddr,
    /// The type of socket, if the system says one.
    pub socket_type: Option<SocketType>,
    /// The protocol, if the system says one.
    pub protocol: Option<Protocol>,
}

/// A type of socket.
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

    /// Every entry.
    pub fn entries(&self) -> &[AddressEntry] {
        &self.entries
    }

    /// The address of every entry. One comes several times if it is there for several types of
    /// socket, which it is only where every type was asked for.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.entries.iter().map(|entry| entry.address)
    }

    /// The canonical name, where it was asked for: the host's own name, at the end of its aliases.
    /// Of a literal it is the literal.
    ///
    /// It is as the system says it, so in A-labels, and not encoded or decoded here; bytes that
    /// are not UTF-8 stand as U+FFFD. It may come from the network: a program that prints it or
    /// decides by it does not know who wrote it.
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
    /// The family of the address.
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

    /// The protocol of this number. Which of them the system knows is for it to say.
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> i32 {
        self.0
    }
}
