//! A connect that the command line asks for: to what, from where, and how.

use stagger::boxed::LocalBoxResolver;
use stagger::error::SharedError;
use stagger::{Dialer, Policy, Target};
use stagger_net::TcpOptions;

use std::net::SocketAddr;

use crate::args::ConnectArgs;
use crate::resolver::ResolverChoice;
use crate::runtime::Runtime;
use crate::target::target;
use crate::usage::UsageError;
use crate::{bind, policy};

/// A connect, before the runtime is chosen.
#[derive(Debug)]
pub(crate) struct Dialing {
    pub(crate) target: Target,
    policy: Policy,
    options: TcpOptions,
    resolver: ResolverChoice,
}

/// The dialer of a runtime.
pub(crate) type DialerOf<R> = Dialer<
    LocalBoxResolver<SocketAddr, SharedError>,
    <R as Runtime>::Connector,
    <R as Runtime>::Timer,
>;

impl Dialing {
    /// Reads the target and the options of `connect`.
    ///
    /// # Errors
    ///
    /// The first value that is wrong.
    pub(crate) fn of(args: &ConnectArgs) -> Result<Self, UsageError> {
        let target = target(&args.target)?;
        Ok(Self {
            policy: policy::of_connect(args)?,
            options: bind::options(&args.bind, args.target.family, &target)?,
            resolver: ResolverChoice::of(&args.target)?,
            target,
        })
    }

    /// The dialer, on a runtime.
    pub(crate) fn dialer<R: Runtime>(&self) -> DialerOf<R> {
        R::dialer(self.resolver.on::<R>(), self.options.clone()).with_policy(self.policy.clone())
    }
}
