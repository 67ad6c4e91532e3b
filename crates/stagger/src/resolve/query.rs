//! The query of a resolver: what to look up.

use crate::Target;
use crate::address::Family;
use crate::resolve::{Record, Wanted};

/// The address families that a query asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Families {
    /// Both families.
    #[default]
    Any,
    /// Only IPv4.
    Ipv4,
    /// Only IPv6.
    Ipv6,
}

impl Families {
    /// Whether `family` is wanted.
    pub fn contains(self, family: Family) -> bool {
        match self {
            Self::Any => true,
            Self::Ipv4 => family == Family::Ipv4,
            Self::Ipv6 => family == Family::Ipv6,
        }
    }
}

/// The transport for which a service name is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Transport {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

/// A target, and which records of it are wanted.
///
/// # Examples
///
/// ```
/// use stagger::Target;
/// use stagger::resolve::{Families, Query};
///
/// let query = Query::new(Target::parse("example.com:https")?).with_families(Families::Ipv6);
/// assert_eq!(query.target().to_string(), "example.com:https");
/// # Ok::<_, stagger::target::TargetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    target: Target,
    families: Families,
    transport: Transport,
    https: bool,
    nat64: bool,
}

impl Query {
    /// Creates a query for TCP addresses of both families, without HTTPS records.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            families: Families::Any,
            transport: Transport::Tcp,
            https: false,
            nat64: false,
        }
    }

    /// Sets the target in place of the current one.
    pub fn with_target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// Sets the wanted families.
    pub fn with_families(mut self, families: Families) -> Self {
        self.families = families;
        self
    }

    /// Sets the transport for which a service name is looked up.
    pub fn with_transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Sets whether HTTPS records are wanted as well (RFC 9460).
    pub fn with_https(mut self, https: bool) -> Self {
        self.https = https;
        self
    }

    /// Sets whether IPv4 addresses are reached over IPv6, through a NAT64. A resolver that asks
    /// only for families with a route then asks for A all the same
    /// (draft-ietf-happy-happyeyeballs-v3 §8).
    pub fn with_nat64(mut self, nat64: bool) -> Self {
        self.nat64 = nat64;
        self
    }

    /// The target to look up.
    pub fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn into_target(self) -> Target {
        self.target
    }

    /// The wanted families.
    pub fn families(&self) -> Families {
        self.families
    }

    /// The transport for which a service name is looked up.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Whether HTTPS records are wanted.
    pub fn https(&self) -> bool {
        self.https
    }

    /// Whether IPv4 addresses are reached over IPv6, through a NAT64.
    pub fn nat64(&self) -> bool {
        self.nat64
    }

    /// Every record that the query asks for. A resolver answers each of them. The answer is
    /// negative if the resolver does not support the record.
    pub fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::addresses(self.families);
        if self.https {
            wanted.insert(Record::Https);
        }
        wanted
    }
}
