//! The resolver that the command line asks for.

use std::net::SocketAddr;

use stagger::boxed::{BoxResolver, LocalBoxResolver};
use stagger::error::SharedError;
use stagger_dns::{Config, DnsResolver, Sockets, Switch};
use stagger_net::SystemResolver;
use stagger_net::lookup::Lanes;
use stagger_net::nat64::{Nat64, Nat64Resolver};

use crate::address::{address, check_zone};
use crate::args::{ResolverName, TargetArgs};
use crate::lanes::lanes;
use crate::overrides::{NameOverride, overridden, overrides};
use crate::runtime::Runtime;
use crate::usage::UsageError;

const SERVER: &str = "--server";

/// A resolver, before the runtime is chosen.
#[derive(Debug)]
pub(crate) struct ResolverChoice {
    base: BaseResolver,
    overrides: Vec<NameOverride>,
}

/// What resolves the names that `--resolve` does not have.
#[derive(Debug)]
enum BaseResolver {
    /// The system's resolver.
    System(Lanes),
    /// Name servers: those of the machine, or these.
    Dns(Option<Config>),
}

impl ResolverChoice {
    /// Reads the options for resolution.
    ///
    /// # Errors
    ///
    /// The first option whose value is wrong.
    pub(crate) fn of(args: &TargetArgs) -> Result<Self, UsageError> {
        Ok(Self { base: BaseResolver::of(args)?, overrides: overrides(&args.resolve)? })
    }

    /// The resolver without the overrides, for tasks of any thread.
    pub(crate) fn shared<R: Runtime>(&self) -> BoxResolver<SocketAddr, SharedError> {
        match &self.base {
            BaseResolver::System(lanes) => BoxResolver::erased(R::resolver().with_lanes(*lanes)),
            BaseResolver::Dns(None) => R::shared(system_over_dns::<R>()),
            BaseResolver::Dns(Some(config)) => R::shared(over_dns::<R>(config.clone())),
        }
    }

    /// The resolver, on a runtime, behind this NAT64.
    pub(crate) fn on<R: Runtime>(
        &self,
        nat64: Option<&Nat64>,
    ) -> LocalBoxResolver<SocketAddr, SharedError> {
        let inner = match &self.base {
            BaseResolver::System(lanes) => {
                LocalBoxResolver::erased(R::resolver().with_lanes(*lanes))
            }
            BaseResolver::Dns(None) => LocalBoxResolver::erased(system_over_dns::<R>()),
            BaseResolver::Dns(Some(config)) => {
                LocalBoxResolver::erased(over_dns::<R>(config.clone()))
            }
        };
        let inner = match nat64 {
            None => inner,
            Some(nat64) => LocalBoxResolver::new(Nat64Resolver::new(inner, nat64.clone())),
        };
        let overrides = overridden(inner, &self.overrides);
        LocalBoxResolver::new(overrides.expect("every name was checked when it was read"))
    }
}

#[cfg(all(feature = "ssh", unix))]
impl ResolverChoice {
    /// The resolver, on a runtime, for a task that may move between threads.
    pub(crate) fn sent_on<R: Runtime>(&self) -> BoxResolver<SocketAddr, SharedError> {
        let overrides = overridden(self.shared::<R>(), &self.overrides);
        BoxResolver::new(overrides.expect("every name was checked when it was read"))
    }
}

/// The resolver over DNS of a runtime.
pub(crate) type OverDns<R> = DnsResolver<
    Sockets<<R as Runtime>::Reactor>,
    <R as Runtime>::Timer,
    SystemResolver<<R as Runtime>::Timer>,
>;

fn system_over_dns<R: Runtime>() -> OverDns<R> {
    DnsResolver::system_on(Sockets::new(R::Reactor::default()), R::timer())
}

/// The resolver over DNS that asks the servers of this configuration. It reads no file: a server
/// that is named is asked.
pub(crate) fn over_dns<R: Runtime>(config: Config) -> OverDns<R> {
    system_over_dns::<R>().without_hosts().with_switch(Switch::default()).with_config(config)
}

impl BaseResolver {
    fn of(args: &TargetArgs) -> Result<Self, UsageError> {
        let dns = args.resolver == Some(ResolverName::Dns) || !args.server.is_empty();
        if !dns {
            return Ok(Self::System(lanes(args.lanes.as_deref())?));
        }
        if let Some(text) = &args.lanes {
            let reason =
                "for --resolver system only; over DNS each family always has its own query";
            return Err(UsageError::new("--lanes", text, reason));
        }
        let Some(first) = args.server.first() else { return Ok(Self::Dns(None)) };
        if args.resolver == Some(ResolverName::System) {
            let reason = "for --resolver dns only; the system's resolver has its own servers";
            return Err(UsageError::new(SERVER, first, reason));
        }
        let servers = args.server.iter().map(|text| {
            let server = address(SERVER, text, Config::PORT)?;
            check_zone(SERVER, text, server).map(|()| server)
        });
        let servers = servers.collect::<Result<Vec<_>, _>>()?;
        let config = Config::new().with_servers(servers);
        Ok(Self::Dns(Some(config.map_err(|error| UsageError::new(SERVER, first, error))?)))
    }
}
