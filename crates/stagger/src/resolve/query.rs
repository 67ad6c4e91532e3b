//! What is wanted of a resolver.

use crate::Target;
use crate::address::Family;
use crate::resolve::{Record, Wanted};

/// Which address families are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Families {
    /// Both.
    #[default]
    Any,
    /// IPv4 alone.
    Ipv4,
    /// IPv6 alone.
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

/// A target, and what is wanted of it.
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
    /// Asks for TCP addresses of both families, without HTTPS records.
    pub fn new(target: Target) -> Self {
        Self { target, families: Families::Any, transport: Transport::Tcp, https: false }
    }

    /// Asks for this target in place of the one it has.
    pub fn with_target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// Asks for these families.
    pub fn with_families(mut self, families: Families) -> Self {
        self.families = families;
        self
    }

    /// Looks a service name up for this transport.
    pub fn with_transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Asks for HTTPS records too (RFC 9460).
    pub fn with_https(mut self, https: bool) -> Self {
        self.https = https;
        self
    }

    /// What is looked up.
    pub fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn into_target(self) -> Target {
        self.target
    }

    /// Which families are wanted.
    pub fn families(&self) -> Families {
        self.families
    }

    /// For which transport a service name is looked up.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Whether HTTPS records are wanted.
    pub fn https(&self) -> bool {
        self.https
    }

    /// Every record that is asked for. A resolver answers each of them, negatively if it does not
    /// know the record.
    pub fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::addresses(self.families);
        if self.https {
            wanted.insert(Record::Https);
        }
        wanted
    }
}
