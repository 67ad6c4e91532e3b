//! A connect that the command line asks for: to what, from where, and how.

use std::net::SocketAddr;

use stagger::boxed::LocalBoxResolver;
use stagger::error::SharedError;
use stagger::{Dialer, Policy, Target};
use stagger_net::TcpOptions;

use crate::args::ConnectArgs;
use crate::failure::Failure;
use crate::resolver::ResolverChoice;
use crate::runtime::{Runtime, StreamConnector};
use crate::target::target;
use crate::{bind, policy, tls};

/// A connect, before the runtime is chosen.
#[derive(Debug)]
pub(crate) struct Dialing {
    pub(crate) target: Target,
    policy: Policy,
    options: TcpOptions,
    resolver: ResolverChoice,
    tls: Option<tls::Client>,
}

/// The dialer of a runtime.
pub(crate) type DialerOf<R> =
    Dialer<LocalBoxResolver<SocketAddr, SharedError>, StreamConnector, <R as Runtime>::Timer>;

impl Dialing {
    /// Reads the target and the options of `connect`, and the files that they name.
    ///
    /// # Errors
    ///
    /// The first value that is wrong, and a machine without root certificates.
    pub(crate) fn of(args: &ConnectArgs) -> Result<Self, Failure> {
        let target = target(&args.target)?;
        Ok(Self {
            policy: policy::of_connect(args)?,
            options: bind::options(&args.bind, args.target.family, &target)?,
            resolver: ResolverChoice::of(&args.target)?,
            tls: tls::Client::of(&args.tls)?,
            target,
        })
    }

    /// The dialer, on a runtime.
    pub(crate) fn dialer<R: Runtime>(&self) -> DialerOf<R> {
        let connector = R::tcp(self.options.clone());
        let connector = match &self.tls {
            Some(tls) => tls.over(connector),
            None => connector,
        };
        Dialer::new(self.resolver.on::<R>(), connector, R::timer()).with_policy(self.policy.clone())
    }

    /// Whether the connections are encrypted.
    pub(crate) fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The warning to print before the connection is used, if one is due.
    pub(crate) fn warning(&self) -> Option<&'static str> {
        self.tls.as_ref()?.warning()
    }
}
