//! The words that some options choose from.

use clap::ValueEnum;
use stagger::policy::Order;
use stagger::resolve::Families;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuntimeName {
    #[default]
    Tokio,
    Smol,
    AsyncStd,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResolverName {
    /// `getaddrinfo`, as other programs on this machine
    System,
    /// Stagger's own resolver over DNS: the hosts file, then name servers
    Dns,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FamilyName {
    /// IPv4 and IPv6
    #[default]
    Any,
    /// Only IPv4
    #[value(alias = "ipv4")]
    V4,
    /// Only IPv6
    #[value(alias = "ipv6")]
    V6,
}

impl From<FamilyName> for Families {
    fn from(name: FamilyName) -> Self {
        match name {
            FamilyName::Any => Self::Any,
            FamilyName::V4 => Self::Ipv4,
            FamilyName::V6 => Self::Ipv6,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum OrderName {
    /// Alternate between families; the family of the resolver's first address leads
    #[default]
    Alternate,
    /// Keep the resolver's order
    Resolver,
    /// Alternate between families; IPv6 leads
    Ipv6First,
}

impl From<OrderName> for Order {
    fn from(name: OrderName) -> Self {
        match name {
            OrderName::Alternate => Self::Alternate,
            OrderName::Resolver => Self::Resolver,
            OrderName::Ipv6First => Self::Ipv6First,
        }
    }
}
