//! A connector that reaches IPv4 addresses through a NAT64.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::net::{SocketAddr, SocketAddrV4};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use pin_project_lite::pin_project;
use stagger::address::Address as _;
use stagger::connect::Redirect;
use stagger::error::SharedError;
use stagger::{Candidate, Connector};

use super::discovery::Discovery;
use super::known::is_only_here;
use super::{Nat64, Nat64Error};

/// A connector that reaches IPv4 addresses without a route through a [`Nat64`].
///
/// The candidate keeps its IPv4 address, so the inner [`accepts`](Connector::accepts) and
/// everything outside see the IPv4 address. The inner connector then connects to the synthesised
/// address, and gets the IPv4 address as [`Candidate::translated`].
/// [`TcpConnector`](crate::TcpConnector) passes it to its [hook](crate::TcpOptions::with_hook). The
/// report has both, as [`Redirect`] describes.
///
/// An IPv6 candidate inside a known prefix is shown to the inner connector in the same way. The
/// IPv4 address in it may have a meaning only on this machine or its link. If so, and if no bit
/// after it is set, the connect goes to that IPv4 address without the NAT64. So `64:ff9b::7f00:1`
/// does not get around a check for `127.0.0.1`.
///
/// The inner connector's errors stay as they are, with one exception. If an IPv4 address without a
/// route is unreachable, and a discovery found no prefix, the error is a
/// [`NoPrefixError`](super::NoPrefixError), which has the cause.
///
/// The inner error must implement [`Error`](std::error::Error).
/// [`BoxConnector::erased`](stagger::boxed::BoxConnector::erased) makes such an error out of any.
///
/// [`Nat64`] lists the addresses that are translated. Nothing happens before an attempt is polled.
///
/// The inner connector may refuse a candidate that the NAT64 may translate. Then `accepts` asks it
/// again, with the IPv4 address also as [`Candidate::translated`]. So a
/// [`TcpConnector`](crate::TcpConnector) with only IPv6
/// [bind addresses](crate::TcpOptions::with_bind_addr) accepts it.
///
/// # Examples
///
/// ```
/// use std::net::SocketAddr;
/// use stagger::sort::SourceAddress;
/// use stagger::{Candidate, Connector as _};
/// use stagger_net::nat64::{Nat64, Nat64Connector};
/// use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ms};
///
/// let ledger = Ledger::new(&Clock::new());
/// let clock = ledger.clock().clone();
/// let inner = ScriptedConnector::new(&ledger)
///     .at("[2001:db8:64::c000:221]:80", Fate::connects(ms(30)));
/// // Only IPv6 has a route.
/// let nat64 = Nat64::new(clock.clone())
///     .with_prefix("2001:db8:64::/96".parse()?)?
///     .with_sources(|destination: &SocketAddr| {
///         destination.is_ipv6().then(|| SourceAddress::new("2001:db8::7".parse().unwrap()))
///     });
///
/// let connector = Nat64Connector::new(inner, nat64);
/// let to: SocketAddr = "192.0.2.33:80".parse()?;
/// let connection = clock.run(connector.connect(Candidate::new(to)))?;
/// assert_eq!(connection.name(), "[2001:db8:64::c000:221]:80");
/// # Ok::<_, stagger::boxed::BoxError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Nat64Connector<C> {
    connector: C,
    nat64: Nat64,
}

impl<C> Nat64Connector<C> {
    /// Puts a NAT64 around this connector.
    pub fn new(connector: C, nat64: Nat64) -> Self {
        Self { connector, nat64 }
    }

    /// The inner connector.
    pub fn connector(&self) -> &C {
        &self.connector
    }

    /// The NAT64.
    pub fn nat64(&self) -> &Nat64 {
        &self.nat64
    }
}

impl<C> Connector<SocketAddr> for Nat64Connector<C>
where
    C: Connector<SocketAddr, Error: StdError + 'static> + Clone,
{
    type Connection = C::Connection;
    type Error = Nat64Error<C::Error>;
    type Attempt = Nat64Attempt<C>;

    fn connect(&self, to: Candidate<SocketAddr>) -> Nat64Attempt<C> {
        Nat64Attempt {
            stage: Stage::Waits { waiting: Waiting { of: self.clone(), to, discovery: None } },
        }
    }

    fn accepts(&self, to: &Candidate<SocketAddr>) -> Result<(), Self::Error> {
        let nat64 = &self.nat64;
        let addr = to.address().canonical();
        let shown = |ipv4: SocketAddrV4| to.clone().map(|_| ipv4.into());
        let accepted = match (addr, of_literal(nat64, &addr)) {
            (_, Way::Inside(ipv4)) => self.connector.accepts(&shown(ipv4).with_translated(ipv4)),
            (_, Way::Instead(ipv4)) => self.connector.accepts(&shown(ipv4)),
            (SocketAddr::V4(ipv4), _) => match self.connector.accepts(to) {
                // It may be refused only because of its family.
                Err(_) if nat64.may_translate(ipv4) => {
                    self.connector.accepts(&shown(ipv4).with_translated(ipv4))
                }
                accepted => accepted,
            },
            (SocketAddr::V6(_), _) => self.connector.accepts(to),
        };
        accepted.map_err(Nat64Error::Transport)
    }

    fn is_final(&self, error: &Self::Error) -> bool {
        self.connector.is_final(error.transport())
    }

    fn is_local_shortage(&self, error: &Self::Error) -> bool {
        self.connector.is_local_shortage(error.transport())
    }
}

/// The clock of the redirect.
type Now = Box<dyn Fn() -> Instant + Send + Sync>;

pin_project! {
    /// One attempt of a [`Nat64Connector`].
    ///
    /// It waits for the discovery of the prefixes, if it needs one. Then it is the inner
    /// connector's attempt.
    ///
    /// # Errors
    ///
    /// The errors of the inner attempt, as [`Nat64Error::Transport`]. Without a prefix that is the
    /// error of a connect to the IPv4 address. If it means that the network or the host is
    /// unreachable, and a discovery found no prefix, it is [`Nat64Error::NoPrefix`].
    ///
    /// # Panics
    ///
    /// If polled after it has ended, or if the inner attempt panics.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the discovery and the inner attempt.
    #[must_use = "futures do nothing unless polled"]
    pub struct Nat64Attempt<C>
    where
        C: Connector<SocketAddr>,
    {
        #[pin]
        stage: Stage<C>,
    }
}

pin_project! {
    #[project = StageProjection]
    #[project_replace = StageReplaced]
    enum Stage<C>
    where
        C: Connector<SocketAddr>,
    {
        Waits { waiting: Waiting<C> },
        Dials {
            #[pin]
            attempt: C::Attempt,
            redirect: Option<Redirect<Now>>,
            no_prefix: Option<SharedError>,
        },
        Done,
    }
}

/// A candidate whose way is not known yet.
struct Waiting<C> {
    of: Nat64Connector<C>,
    to: Candidate<SocketAddr>,
    discovery: Option<Discovery>,
}

/// Where a connect goes.
enum Way {
    /// To the address as it is.
    Plain,
    /// To the address as it is, although it has no route: this is why the discovery found no
    /// prefix.
    NoPrefix(SharedError),
    /// To the address, which stands for this IPv4 address.
    Inside(SocketAddrV4),
    /// To this address instead.
    Instead(SocketAddrV4),
    /// To the first address, which stands for the second.
    Synthesised(SocketAddr, SocketAddrV4),
}

/// The way to an IPv6 address. It is plain for an IPv4 address.
fn of_literal(nat64: &Nat64, addr: &SocketAddr) -> Way {
    match nat64.translated(addr) {
        Some(ipv4) if is_only_here(*ipv4.ip()) && nat64.is_synthesised(addr) => Way::Instead(ipv4),
        Some(ipv4) => Way::Inside(ipv4),
        None => Way::Plain,
    }
}

impl<C> Waiting<C> {
    fn poll_way(&mut self, cx: &mut Context<'_>) -> Poll<Way> {
        let nat64 = &self.of.nat64;
        let addr = self.to.address().canonical();
        let SocketAddr::V4(ipv4) = addr else {
            return Poll::Ready(of_literal(nat64, &addr));
        };
        if self.discovery.is_none() {
            if nat64.is_native(ipv4) || !nat64.is_needed() {
                return Poll::Ready(Way::Plain);
            }
            // A name server has synthesised this very address, so it needs no discovery.
            let known = nat64.known().unwrap_or_default();
            if let Some(synthesised) = nat64.synthesise(ipv4, &known.prefixes) {
                return Poll::Ready(Way::Synthesised(synthesised.into(), ipv4));
            }
        }
        let discovery = self.discovery.get_or_insert_with(|| Discovery::new(nat64.clone()));
        let known = ready!(discovery.poll(cx));
        let synthesised = nat64.synthesise(ipv4, &known.prefixes);
        Poll::Ready(match (synthesised, known.error) {
            (Some(synthesised), _) => Way::Synthesised(synthesised.into(), ipv4),
            (None, Some(error)) => Way::NoPrefix(error),
            (None, None) => Way::Plain,
        })
    }
}

impl<C: Connector<SocketAddr>> Waiting<C> {
    fn dial(self, way: Way) -> Stage<C> {
        let Self { of, to, .. } = self;
        let progress = to.progress().clone();
        let mut no_prefix = None;
        let (to, instead) = match way {
            Way::Plain => (to, None),
            Way::NoPrefix(error) => {
                no_prefix = Some(error);
                (to, None)
            }
            Way::Inside(ipv4) => (to.with_translated(ipv4), None),
            Way::Instead(ipv4) => (to.map(|_| ipv4.into()), Some(ipv4.into())),
            Way::Synthesised(addr, ipv4) => (to.map(|_| addr).with_translated(ipv4), Some(addr)),
        };
        let redirect = instead.map(|addr| {
            let nat64 = of.nat64.clone();
            let now: Now = Box::new(move || nat64.now());
            Redirect::new(&progress, addr, now)
        });
        Stage::Dials { attempt: of.connector.connect(to), redirect, no_prefix }
    }
}

impl<C> Future for Nat64Attempt<C>
where
    C: Connector<SocketAddr, Error: StdError + 'static>,
{
    type Output = Result<C::Connection, Nat64Error<C::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        if let StageProjection::Waits { waiting } = stage.as_mut().project() {
            let way = ready!(waiting.poll_way(cx));
            let StageReplaced::Waits { waiting } = stage.as_mut().project_replace(Stage::Done)
            else {
                unreachable!("it waited")
            };
            stage.set(waiting.dial(way));
        }
        let StageProjection::Dials { attempt, redirect, no_prefix } = stage.as_mut().project()
        else {
            panic!("an attempt was polled after it had ended")
        };
        let outcome = ready!(attempt.poll(cx));
        match (redirect.take(), &outcome) {
            (Some(redirect), Ok(_)) => redirect.connected(),
            (Some(redirect), Err(error)) => redirect.failed(error),
            (None, _) => {}
        }
        let no_prefix = no_prefix.take();
        stage.set(Stage::Done);
        Poll::Ready(outcome.map_err(|error| match no_prefix {
            Some(cause) => Nat64Error::without_prefix(error, cause),
            None => Nat64Error::Transport(error),
        }))
    }
}

impl<C: Connector<SocketAddr>> fmt::Debug for Nat64Attempt<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Waits { .. } => "waits",
            Stage::Dials { .. } => "dials",
            Stage::Done => "done",
        };
        f.debug_struct("Nat64Attempt").field("stage", &stage).finish_non_exhaustive()
    }
}
