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
use stagger::{Connector, Dialer, Error, Policy, Report, Resolver, Target, Timer};
use stagger_net::TcpOptions;
use stagger_proxy::ByName;

use crate::args::ConnectArgs;
use crate::failure::Failure;
use crate::nat64::Nat64Choice;
use crate::proxy::Chain;
use crate::resolver::ResolverChoice;
use crate::runtime::Runtime;
use crate::stream::BoxStream;
use crate::target::{self, target};
use crate::{bind, endpoint, nat64, policy, tls};

/// A connector of any addresses whose connections are streams.
pub(crate) type StreamConnector<A = SocketAddr> = LocalBoxConnector<A, BoxStream, SharedError>;

/// A connect, before the runtime is chosen.
#[derive(Debug)]
pub(crate) enum Dialing {
    Target(Box<TargetDialing>),
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
            Self::Endpoint(text, policy) => endpoint::begin::<R>(&text, outer(&policy)),
        }
    }

    /// Whether the handshakes of the outermost race are those of TLS.
    pub(crate) fn has_tls(&self) -> bool {
        matches!(self, Self::Target(dialing) if dialing.tls.is_some())
    }

    /// The proxies on the way, without their logins.
    pub(crate) fn proxies(&self) -> Vec<String> {
        match self {
            Self::Target(dialing) => dialing.chain.names(),
            Self::Endpoint(..) => Vec::new(),
        }
    }

    /// The warning to print before the connection is used, if one is due.
    pub(crate) fn warning(&self) -> Option<&'static str> {
        match self {
            Self::Target(dialing) => dialing.tls.as_ref()?.warning(),
            Self::Endpoint(..) => None,
        }
    }
}

impl TargetDialing {
    fn of(args: &ConnectArgs) -> Result<Self, Failure> {
        let target = match args.proxy.is_empty() {
            true => target(&args.target)?,
            false => target::distant(&args.target)?,
        };
        let chain = Chain::of(args, &target)?;
        let dialed = chain.first().unwrap_or(&target);
        Ok(Self {
            policy: policy::of_connect(args)?,
            options: bind::options(&args.bind, args.target.family, dialed)?,
            resolver: ResolverChoice::of(&args.target)?,
            nat64: Nat64Choice::of(args.target.nat64.as_deref())?,
            tls: tls::Client::of(&args.tls)?,
            chain,
            target,
        })
    }

    fn begin<R: Runtime>(self) -> Dialed {
        let Self { target, policy, options, resolver, nat64, chain, tls } = self;
        let nat64 = nat64.on::<R>(&resolver);
        let resolver = resolver.on::<R>(nat64.as_ref());
        let dialer = Dialer::new(resolver, nat64::through(nat64, R::tcp(options)), R::timer());
        if chain.names().is_empty() {
            let dialer = dialer.map_connector(|tcp| secured(tls.as_ref(), tcp));
            return Dialed::of(dialer.with_policy(policy), |dialer| dialer.connect(target));
        }
        // The deadline of the outermost race ends every race inside it.
        let outer = outer(&policy);
        let dialer = dialer.with_policy(policy.without_timeout());
        let proxied = secured(tls.as_ref(), chain.over(dialer));
        let dialer = Dialer::new(ByName, proxied, R::timer()).with_policy(outer);
        Dialed::of(dialer, |dialer| dialer.connect(target))
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
fn outer(policy: &Policy) -> Policy {
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
}
