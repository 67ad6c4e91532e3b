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
}

impl Query {
    /// Creates a query for TCP addresses of both families, without HTTPS records.
    pub fn new(target: Target) -> Self {
        Self { target, families: Families::Any, transport: Transport::Tcp, https: false }
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
