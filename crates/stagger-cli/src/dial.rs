//! A connect that the command line asks for: to what, from where, through what, and how.

use std::fmt::Display;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use stagger::address::Address;
use stagger::boxed::{BoxError, LocalBoxConnector};
use stagger::connect::Dial;
use stagger::error::SharedError;
use stagger::observe::Recorder;
use stagger::resolve::ByName;
use stagger::{Connector, Dialer, Error, Policy, Report, Resolver, Target, Timer};
use stagger_net::TcpOptions;

use crate::args::ConnectArgs;
use crate::failure::Failure;
use crate::history::Kept;
use crate::nat64::Nat64Choice;
use crate::proxy::Chain;
use crate::race::Via;
use crate::resolver::ResolverChoice;
use crate::runtime::Runtime;
use crate::ssh::{FirstHop, HostDialing};
use crate::stream::BoxStream;
use crate::target::{self, target};
use crate::{bind, endpoint, nat64, policy, ssh, tls};

/// A connector of any addresses whose connections are streams.
pub(crate) type StreamConnector<A = SocketAddr> = LocalBoxConnector<A, BoxStream, SharedError>;

/// A connect, before the runtime is chosen.
#[derive(Debug)]
pub(crate) enum Dialing {
    Target(Box<TargetDialing>),
    /// The SSH port of a host.
    Host(Box<HostDialing>),
    /// The endpoint of a text, with a policy for the whole.
    Endpoint(String, Policy),
}

/// A connect to a target.
#[derive(Debug)]
pub(crate) struct TargetDialing {
    target: Target,
    policy: Policy,
    options: TcpOptions,
    resolver: ResolverChoice,
    nat64: Nat64Choice,
    chain: Chain,
    tls: Option<tls::Client>,
    ssh: Option<ssh::Setup>,
    kept: Option<Kept>,
}

/// A connect in progress.
pub(crate) struct Dialed {
    pub(crate) dial: Pin<Box<dyn Future<Output = Result<Connected, Error>>>>,
    /// The report so far, at this time after the begin.
    pub(crate) so_far: Box<dyn Fn(Duration) -> Report<String>>,
}

/// A connection and its race.
pub(crate) type Connected = (BoxStream, Report<String>);

impl Dialing {
    /// Reads the target and the options of `connect`, and the files that they name.
    ///
    /// # Errors
    ///
    /// The first value that is wrong, and a machine without root certificates.
    pub(crate) fn of(args: &ConnectArgs) -> Result<Self, Failure> {
        if let Some(text) = &args.endpoint {
            return Ok(Self::Endpoint(text.clone(), policy::of_connect(args)?));
        }
        if args.target.target.is_none() {
            return HostDialing::of(args).map(|dialing| Self::Host(Box::new(dialing)));
        }
        TargetDialing::of(args).map(|dialing| Self::Target(Box::new(dialing)))
    }

    /// Begins the connect on a runtime.
    ///
    /// # Errors
    ///
    /// What is wrong with the text of an endpoint.
    pub(crate) fn begin<R: Runtime>(self) -> Result<Dialed, Failure> {
        match self {
            Self::Target(dialing) => Ok(dialing.begin::<R>()),
            Self::Host(dialing) => Ok(dialing.begin::<R>()),
            Self::Endpoint(text, policy) => endpoint::begin::<R>(&text, outer(&policy)),
        }
    }

    /// Whether the handshakes of the outermost race are those of TLS.
    pub(crate) fn has_tls(&self) -> bool {
        matches!(self, Self::Target(dialing) if dialing.tls.is_some())
    }

    /// What the target is reached through.
    pub(crate) fn via(&self) -> Via {
        match self {
            Self::Target(dialing) => Via {
                ssh: dialing.ssh.as_ref().map(ssh::Setup::name),
                proxies: dialing.chain.names(),
            },
            Self::Host(_) | Self::Endpoint(..) => Via::default(),
        }
    }

    /// The history of the connect, and its file.
    pub(crate) fn history(&self) -> Option<Kept> {
        match self {
            Self::Target(dialing) => dialing.kept.clone(),
            Self::Host(dialing) => dialing.history(),
            Self::Endpoint(..) => None,
        }
    }

    /// The warning to print before the connection is used, if one is due.
    pub(crate) fn warning(&self) -> Option<&'static str> {
        match self {
            Self::Target(dialing) => dialing.tls.as_ref()?.warning(),
            Self::Host(_) | Self::Endpoint(..) => None,
        }
    }
}

impl TargetDialing {
    fn of(args: &ConnectArgs) -> Result<Self, Failure> {
        let ssh = ssh::Setup::of(&args.ssh)?;
        let target = match args.proxy.is_empty() && ssh.is_none() {
            true => target(&args.target)?,
            false => target::distant(&args.target)?,
        };
        let chain = Chain::of(args, &target)?;
        let nat64 = Nat64Choice::of(args.target.nat64.as_deref())?;
        // The address of an SSH host is not known yet. Through a NAT64, an IPv4 address is dialed
        // over IPv6.
        let is_known = ssh.is_none() && nat64 == Nat64Choice::Off;
        let dialed = is_known.then(|| chain.first().unwrap_or(&target));
        Ok(Self {
            ssh,
            policy: policy::of_connect(args)?,
            options: bind::options(&args.bind, args.target.family, dialed)?,
            resolver: ResolverChoice::of(&args.target)?,
            nat64,
            tls: tls::Client::of(&args.tls)?,
            kept: Kept::of(&args.history),
            chain,
            target,
        })
    }

    fn begin<R: Runtime>(self) -> Dialed {
        let Self { target, policy, options, resolver, nat64, chain, tls, ssh, kept } = self;
        if let Some(setup) = ssh {
            let outer = outer(&policy);
            let history = kept.as_ref().map(Kept::history);
            let policy = policy.without_timeout();
            let first = FirstHop { resolver, options, policy, history, nat64 };
            let targets = setup.ways::<R>(first).targets;
            let targets = match chain.first() {
                Some(_) => {
                    let dialer = Dialer::new(ByName, targets, R::timer());
                    chain.over(dialer.with_policy(Policy::new().without_timeout()))
                }
                None => targets,
            };
            let dialer = Dialer::new(ByName, secured(tls.as_ref(), targets), R::timer());
            let dialed = Dialed::of(dialer.with_policy(outer), |dialer| dialer.connect(target));
            return dialed.then_save(kept);
        }
        let nat64 = nat64.on::<R>(&resolver);
        let resolver = resolver.on::<R>(nat64.as_ref());
        let dialer = Dialer::new(resolver, nat64::through(nat64, R::tcp(options)), R::timer());
        let dialer = match &kept {
            Some(kept) => dialer.with_history(kept.history()),
            None => dialer,
        };
        if chain.names().is_empty() {
            let dialer = dialer.map_connector(|tcp| secured(tls.as_ref(), tcp));
            let dialed = Dialed::of(dialer.with_policy(policy), |dialer| dialer.connect(target));
            return dialed.then_save(kept);
        }
        // The deadline of the outermost race ends every race inside it.
        let outer = outer(&policy);
        let dialer = dialer.with_policy(policy.without_timeout());
        let proxied = secured(tls.as_ref(), chain.over(dialer));
        let dialer = Dialer::new(ByName, proxied, R::timer()).with_policy(outer);
        Dialed::of(dialer, |dialer| dialer.connect(target)).then_save(kept)
    }
}

/// TLS over a connector, if asked for.
fn secured<A: Address + 'static>(
    tls: Option<&tls::Client>,
    connector: StreamConnector<A>,
) -> StreamConnector<A> {
    match tls {
        Some(tls) => tls.over(connector),
        None => connector,
    }
}

/// The policy of a race with one candidate, which has other races inside it: only the deadline.
pub(crate) fn outer(policy: &Policy) -> Policy {
    match policy.timeout() {
        Some(timeout) => {
            Policy::new().with_timeout(timeout).expect("another policy has this timeout")
        }
        None => Policy::new().without_timeout(),
    }
}

impl Dialed {
    /// The connect that `begin` begins.
    pub(crate) fn of<N, C, T>(
        dialer: Dialer<N, C, T>,
        begin: impl FnOnce(
            &Dialer<N, C, T, Recorder<N::Address>>,
        ) -> Dial<N, C, T, Recorder<N::Address>>,
    ) -> Self
    where
        N: Resolver<Address: Address + Display + 'static, Error: Into<BoxError>> + Clone + 'static,
        C: Connector<N::Address, Connection = BoxStream, Error: Into<BoxError>> + Clone + 'static,
        C::Attempt: 'static,
        T: Timer<Sleep: 'static> + Clone + 'static,
    {
        let recorder = Recorder::new();
        let dial = begin(&dialer.with_observer(recorder.clone())).with_report();
        let dial = async { dial.await.map(|(stream, report)| (stream, report.into_text())) };
        Self { dial: Box::pin(dial), so_far: Box::new(move |now| recorder.report(now).into_text()) }
    }

    /// Saves the history as soon as there is a connection. A pipe may be ended by a signal later.
    pub(crate) fn then_save(self, kept: Option<Kept>) -> Self {
        let Some(kept) = kept else { return self };
        let Self { dial, so_far } = self;
        let dial = async move {
            let connected = dial.await?;
            kept.save();
            Ok(connected)
        };
        Self { dial: Box::pin(dial), so_far }
    }
}
