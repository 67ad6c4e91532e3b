//! The exchange with a proxy inside the race of its addresses.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use stagger::address::Address;
use stagger::boxed::BoxError;
use stagger::connect::Dial;
use stagger::resolve::{ByName, Families};
use stagger::{Candidate, Connector, Dialer, Error, Observer, Resolver, Target, Timer};

use crate::error::{ConnectError, ProxyError};
use crate::settings::Settings;
use crate::{ProxyAttempt, ProxyIo, ProxyUrl};

/// A connector of the addresses of a proxy, whose attempts end when the proxy has connected to one
/// target.
///
/// A dialer with this connector races the addresses of the proxy. An address that accepts and then
/// stalls costs one attempt delay. [`Through`] makes one for each target; use it directly for one
/// target. Failures are judged as by a [`Proxy`](crate::Proxy#which-failures-end-the-race).
///
/// Programs use the aliases [`tokio::Tunnel`](crate::tokio::Tunnel) and
/// [`futures::Tunnel`](crate::futures::Tunnel), which name the kind of streams `K`.
///
/// # Cancel safety
///
/// Dropping an attempt closes its stream, as the inner connector's stream does.
///
/// # Examples
///
/// The first address of the proxy accepts and then stalls:
///
#[cfg_attr(feature = "futures", doc = "```")]
#[cfg_attr(not(feature = "futures"), doc = "```ignore")]
/// use stagger::Target;
/// use stagger_proxy::futures::Tunnel;
/// use stagger_testkit::proxy::ProxyServer;
///
/// # let server = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let target = Target::from(server.local_addr()?);
/// let (stalled, proxy) = (ProxyServer::stalled()?, ProxyServer::socks5()?);
/// let url = "socks5h://proxy.example".parse()?;
/// let dialer = stagger_smol::dialer().map_connector(|tcp| Tunnel::new(tcp, &url, target));
/// let connect = dialer.connect_at("proxy.example:1080", [stalled.addr(), proxy.addr()]);
/// let stream = futures_lite::future::block_on(connect)?;
/// assert_eq!(stream.peer_addr()?, proxy.addr());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Tunnel<C, K> {
    inner: C,
    settings: Settings,
    target: Target,
    kind: PhantomData<fn() -> K>,
}

impl<C, K> Tunnel<C, K> {
    /// Creates a connector that asks the proxy of this URL for a target. Of the URL only the
    /// protocol and the login count, because the address of an attempt is the proxy's.
    pub fn new(inner: C, proxy: &ProxyUrl, target: Target) -> Self {
        Self::of(inner, Settings::of(proxy), target)
    }

    fn of(inner: C, settings: Settings, target: Target) -> Self {
        Self { inner, settings, target, kind: PhantomData }
    }

    /// States that the inner connector performs TLS with the proxy: see
    /// [`Proxy::with_inner_tls`](crate::Proxy::with_inner_tls).
    pub fn with_inner_tls(mut self) -> Self {
        self.settings.lacks_tls = false;
        self
    }

    /// The target that the proxy is asked for.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The inner connector.
    pub fn get_ref(&self) -> &C {
        &self.inner
    }
}

impl<A, C, K> Connector<A> for Tunnel<C, K>
where
    C: Connector<A>,
    K: ProxyIo<C::Connection>,
{
    type Connection = C::Connection;
    type Error = ConnectError<C::Error>;
    type Attempt = ProxyAttempt<C::Attempt, C::Connection, K>;

    fn connect(&self, to: Candidate<A>) -> Self::Attempt {
        let settings = self.settings.clone();
        match settings.ask(&self.target) {
            Ok(machine) => {
                let progress = to.progress().clone();
                ProxyAttempt::new(self.inner.connect(to), machine, progress, settings)
            }
            Err(error) => ProxyAttempt::refused(error, settings),
        }
    }

    /// Refuses every address if the proxy cannot be asked for the target.
    fn accepts(&self, to: &Candidate<A>) -> Result<(), Self::Error> {
        self.settings.ask(&self.target).map_err(ConnectError::Proxy)?;
        self.inner.accepts(to).map_err(ConnectError::Transport)
    }

    fn is_final(&self, error: &Self::Error) -> bool {
        error.is_final(|error| self.inner.is_final(error))
    }

    fn is_local_shortage(&self, error: &Self::Error) -> bool {
        error.is_local_shortage(|error| self.inner.is_local_shortage(error))
    }
}

impl<C: Clone, K> Clone for Tunnel<C, K> {
    fn clone(&self) -> Self {
        Self::of(self.inner.clone(), self.settings.clone(), self.target.clone())
    }
}

impl<C: fmt::Debug, K> fmt::Debug for Tunnel<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel")
            .field("inner", &self.inner)
            .field("settings", &self.settings)
            .field("target", &self.target)
            .finish()
    }
}

/// A connector of targets through a proxy that a dialer's race reaches. The exchange with the proxy
/// is inside that race.
///
/// Each attempt is a connect of the dialer to the proxy, with a [`Tunnel`] over the dialer's
/// connector. So an address of the proxy that is silent, or that accepts and then stalls, costs one
/// attempt delay. A refused login [ends the race](crate::Proxy#which-failures-end-the-race).
/// [`tokio::through`] and [`futures::through`] make a dialer with this connector.
///
/// [`tokio::through`]: crate::tokio::through
/// [`futures::through`]: crate::futures::through
///
/// Programs use the aliases of the modules, which name the kind of streams `K`.
///
/// # Cancel safety
///
/// Dropping an attempt closes every socket.
///
/// # Examples
///
#[cfg_attr(feature = "futures", doc = "```")]
#[cfg_attr(not(feature = "futures"), doc = "```ignore")]
/// use stagger::{Candidate, Connector as _, Target};
/// use stagger_proxy::futures::Through;
/// use stagger_testkit::proxy::ProxyServer;
///
/// # let server = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let target = Target::from(server.local_addr()?);
/// let proxy = ProxyServer::http()?;
/// let url = format!("http://{}", proxy.addr()).parse()?;
/// let connector = Through::new(stagger_smol::dialer(), &url);
/// let connect = connector.connect(Candidate::new(target));
/// let stream = futures_lite::future::block_on(connect).expect("it is there");
/// assert_eq!(stream.peer_addr()?, proxy.addr());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Through<R, C, T, K, O = ()> {
    dialer: Dialer<R, C, T, O>,
    settings: Settings,
    kind: PhantomData<fn() -> K>,
}

impl<R, C, T, K, O> Through<R, C, T, K, O> {
    /// Creates a connector through the proxy of this URL, which `dialer` reaches.
    pub fn new(dialer: Dialer<R, C, T, O>, proxy: &ProxyUrl) -> Self {
        Self { dialer, settings: Settings::of(proxy), kind: PhantomData }
    }

    /// States that the dialer's connector performs TLS with the proxy: see
    /// [`Proxy::with_inner_tls`](crate::Proxy::with_inner_tls).
    pub fn with_inner_tls(mut self) -> Self {
        self.settings.lacks_tls = false;
        self
    }

    /// The proxy's own target.
    pub fn proxy(&self) -> &Target {
        &self.settings.proxy
    }

    /// The dialer that reaches the proxy.
    pub fn dialer(&self) -> &Dialer<R, C, T, O> {
        &self.dialer
    }

    /// Returns a dialer with this connector, and with the timer and the policy of the dialer that
    /// reaches the proxy.
    ///
    /// Two settings of the policy stay with that dialer, because they are for the addresses of the
    /// proxy: the [attempt timeout](stagger::Policy::with_attempt_timeout) and the
    /// [families](stagger::Policy::with_families).
    pub fn into_dialer(self) -> Dialer<ByName, Self, T>
    where
        T: Clone,
    {
        let (timer, policy) = (self.dialer.timer().clone(), self.dialer.policy().clone());
        // The only attempt of this dialer is the whole race to the proxy, and its only address is
        // the target, which is not dialed here.
        let policy = policy.without_attempt_timeout().with_families(Families::Any);
        Dialer::new(ByName, self, timer).with_policy(policy)
    }
}

impl<R, C, T, K, O> Connector<Target> for Through<R, C, T, K, O>
where
    R: Resolver<Address: Address, Error: Into<BoxError>> + Clone,
    C: Connector<R::Address, Error: Into<BoxError>> + Clone,
    K: ProxyIo<C::Connection>,
    T: Timer + Clone,
    O: Observer<R::Address> + Clone,
{
    type Connection = C::Connection;
    type Error = ConnectError<Error>;
    type Attempt = ThroughAttempt<Dial<R, Tunnel<C, K>, T, O>>;

    fn connect(&self, to: Candidate<Target>) -> Self::Attempt {
        if let Err(error) = self.settings.ask(to.address()) {
            return ThroughAttempt { dial: None, refusal: Some(error) };
        }
        let proxy = to.child(self.settings.proxy.clone());
        let target = to.into_address();
        let tunnel = |inner| Tunnel::of(inner, self.settings.clone(), target);
        let dial = Connector::connect(&self.dialer.clone().map_connector(tunnel), proxy);
        ThroughAttempt { dial: Some(dial), refusal: None }
    }

    /// Refuses a target that the proxy cannot be asked for.
    fn accepts(&self, to: &Candidate<Target>) -> Result<(), Self::Error> {
        self.settings.ask(to.address()).map(drop).map_err(ConnectError::Proxy)
    }

    fn is_final(&self, error: &Self::Error) -> bool {
        error.is_final(Error::is_final)
    }
}

pin_project! {
    /// An attempt of [`Through`]: a connect to the proxy, or the error of a target that the proxy
    /// cannot be asked for.
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after it was ready.
    ///
    /// # Cancel safety
    ///
    /// Dropping it closes every socket.
    #[must_use = "futures do nothing unless polled"]
    pub struct ThroughAttempt<F> {
        #[pin]
        dial: Option<F>,
        refusal: Option<ProxyError>,
    }
}

impl<F, S> Future for ThroughAttempt<F>
where
    F: Future<Output = Result<S, Error>>,
{
    type Output = Result<S, ConnectError<Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.dial.as_pin_mut() {
            Some(dial) => dial.poll(cx).map_err(ConnectError::Transport),
            None => {
                let error = this.refusal.take().expect("an attempt was polled after it had ended");
                Poll::Ready(Err(ConnectError::Proxy(error)))
            }
        }
    }
}

impl<R: Clone, C: Clone, T: Clone, K, O: Clone> Clone for Through<R, C, T, K, O> {
    fn clone(&self) -> Self {
        Self { dialer: self.dialer.clone(), settings: self.settings.clone(), kind: PhantomData }
    }
}

impl<R, C, T, K, O> fmt::Debug for Through<R, C, T, K, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Through").field("settings", &self.settings).finish_non_exhaustive()
    }
}
