//! The words that some options choose from.

use clap::ValueEnum;
use stagger::policy::Order;
use stagger::resolve::Families;

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum RuntimeName {
    #[default]
    Tokio,
    Smol,
    AsyncStd,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum ColorWhen {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResolverName {
    /// `getaddrinfo`, with all that it reads
    System,
    /// The name servers themselves, each answer as soon as it is there
    Dns,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum FamilyName {
    /// Both
    #[default]
    Any,
    /// IPv4 alone
    V4,
    /// IPv6 alone
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
    /// The families alternate, and that of the resolver's first address leads
    #[default]
    Alternate,
    /// The resolver's own
    Resolver,
    /// The families alternate, and IPv6 leads
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
