//! What `connect` and `resolve` have in common: a target, and how its name is resolved.

use clap::ValueHint;

use super::choice::{FamilyName, OrderName, ResolverName, RuntimeName};

/// A target, and how its name is resolved.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArgs {
    /// A host and a service, such as example.com:https, or only a host
    #[arg(required = true, index = 1, value_name = "HOST:SERVICE", value_hint = ValueHint::Hostname)]
    pub(crate) target: Option<String>,
    /// The service, if it is not in the first argument: a name or a port
    #[arg(index = 2)]
    pub(crate) service: Option<String>,
    /// Use only addresses of this family
    #[arg(long, value_enum, default_value_t)]
    pub(crate) family: FamilyName,
    /// The order in which addresses are tried
    #[arg(long, value_enum, default_value_t)]
    pub(crate) order: OrderName,
    /// Fail after this time, lookups included [default: 5m]
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<String>,
    /// How names are resolved [default: system, or dns with --server]
    #[arg(long, value_enum, value_name = "RESOLVER")]
    pub(crate) resolver: Option<ResolverName>,
    /// Ask this name server, and skip the hosts file (repeatable)
    #[arg(long, value_name = "ADDR")]
    pub(crate) server: Vec<String>,
    /// Resolve NAME to these addresses without a lookup (repeatable)
    ///
    /// Several addresses have commas between them. NAME:PORT:ADDR is for one port only; an IPv6
    /// address is in brackets there. An IPv6 address may have a zone, as in
    /// NAME:80:[fe80::1%eth0].
    #[arg(long, value_name = "NAME:ADDR")]
    pub(crate) resolve: Vec<String>,
    /// When the system is asked for IPv6 and IPv4 separately [default: late]
    ///
    /// `late`: when the lookup of both takes longer than 50ms. A duration up to 2s replaces the
    /// 50ms. `at-once`: from the beginning. `never`: only one lookup of both.
    #[arg(long, value_name = "WHEN")]
    pub(crate) lanes: Option<String>,
    /// Reach IPv4 through the NAT64 of a network with IPv6 alone [default: off]
    ///
    /// `auto` discovers the prefix by `ipv4only.arpa` when it is needed. A prefix, such as
    /// 64:ff9b::/96, needs no discovery. A machine with a route of IPv4 uses that.
    #[arg(long, value_name = "PREFIX|auto|off")]
    pub(crate) nat64: Option<String>,
    /// The async runtime
    #[arg(long, value_enum, default_value_t, display_order = 100)]
    pub(crate) runtime: RuntimeName,
    /// Print one JSON object instead of text
    #[arg(long, display_order = 101)]
    pub(crate) json: bool,
}
