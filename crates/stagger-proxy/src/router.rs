//! A connector that chooses between proxies and a direct connect. The file is long because its
//! settings have examples.

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, Pending};
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use stagger::boxed::BoxError;
use stagger::{Candidate, Connector, Target};

use crate::error::{ConnectError, ProxyError};
use crate::request::port;
use crate::{Environment, Proxy, ProxyAttempt, ProxyIo, ProxyUrl};

/// How a target is reached.
///
/// # Examples
///
/// ```
/// use stagger_proxy::Route;
///
/// let route = Route::Proxy("socks5h://proxy.example".parse()?);
/// assert_ne!(route, Route::Direct);
/// # Ok::<_, stagger_proxy::ProxyUrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// Without a proxy.
    Direct,
    /// Through this proxy.
    Proxy(ProxyUrl),
}

type Rule = dyn Fn(&Target) -> Option<Route> + Send + Sync;

/// A connector of targets that goes through proxies or directly, as a rule or the environment says.
///
/// The route of a target is the first of these:
///
/// 1. what the program's own [rule](Self::with_rule) returns;
/// 2. the proxy that the [`Environment`] has for the scheme and the target;
/// 3. direct.
///
/// The scheme is set with [`with_scheme`](Self::with_scheme). Without one it is `https` for port
/// 443, `http` for port 80, and unknown for other ports. Only `ALL_PROXY` counts for an unknown
/// scheme. This rule is ours.
///
/// A direct connect is the inner connector's own attempt. The inner connector also reaches a proxy,
/// with a [`Proxy`] over it. Another connector, which performs TLS, reaches the proxy of an
/// `https://` URL: see [`with_tls`](Self::with_tls).
///
/// Programs use the aliases [`tokio::Router`](crate::tokio::Router) and
/// [`futures::Router`](crate::futures::Router), which name the kind of streams `K`.
///
/// # Cancel safety
///
/// Dropping an attempt drops the inner attempt or its stream.
///
/// # Examples
///
#[cfg_attr(feature = "futures", doc = "```")]
#[cfg_attr(not(feature = "futures"), doc = "```ignore")]
/// use stagger::Dialer;
/// use stagger_proxy::futures::Router;
/// use stagger::resolve::ByName;
/// use stagger_proxy::Environment;
/// use stagger_testkit::proxy::ProxyServer;
///
/// # let server = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let target = server.local_addr()?;
/// let proxy = ProxyServer::http()?.with_name("web.example", target);
/// let variables = [("ALL_PROXY", proxy.addr().to_string()), ("NO_PROXY", "127.0.0.1".into())];
///
/// let router = Router::new(stagger_smol::dialer(), Environment::from_vars(variables)?);
/// let dialer = Dialer::new(ByName, router, stagger_smol::Timer);
/// let stream = futures_lite::future::block_on(dialer.connect("web.example:7"))?;
/// assert_eq!(stream.peer_addr()?, proxy.addr());
/// let stream = futures_lite::future::block_on(dialer.connect(target))?;
/// assert_eq!(stream.peer_addr()?, target);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Router<C, K, T = NoTls<C>> {
    inner: C,
    tls: Option<T>,
    environment: Arc<Environment>,
    rule: Option<Arc<Rule>>,
    scheme: Option<Arc<str>>,
    kind: PhantomData<fn() -> K>,
}

impl<C, K> Router<C, K> {
    /// Creates a connector over `inner`, which connects directly and to proxies.
    pub fn new(inner: C, environment: impl Into<Arc<Environment>>) -> Self {
        Self {
            inner,
            tls: None,
            environment: environment.into(),
            rule: None,
            scheme: None,
            kind: PhantomData,
        }
    }
}

impl<C, K, T> Router<C, K, T> {
    /// Sets the connector for proxies that need TLS, such as `Tls` over a dialer.
    ///
    /// It has the same type of connections as the inner connector. [`Connector::map`] can make both
    /// a boxed stream or an enum. Without it such a proxy is an error
    /// ([`TlsRequired`](crate::ProxyErrorKind::TlsRequired)).
    pub fn with_tls<U>(self, tls: U) -> Router<C, K, U> {
        let Self { inner, environment, rule, scheme, kind, .. } = self;
        Router { inner, tls: Some(tls), environment, rule, scheme, kind }
    }

    /// Removes the connector for proxies that need TLS.
    pub fn without_tls(self) -> Router<C, K> {
        let Self { inner, environment, rule, scheme, kind, .. } = self;
        Router { inner, tls: None, environment, rule, scheme, kind }
    }

    /// The connector for proxies that need TLS, if one is set.
    pub fn tls(&self) -> Option<&T> {
        self.tls.as_ref()
    }

    /// Sets the program's own rule, which comes before the environment. It returns `None` for a
    /// target that it does not decide.
    ///
    /// # Examples
    ///
    #[cfg_attr(feature = "futures", doc = "```")]
    #[cfg_attr(not(feature = "futures"), doc = "```ignore")]
    /// use stagger::Target;
    /// use stagger_proxy::futures::Router;
    /// use stagger_proxy::{Environment, Route};
    ///
    /// let environment = Environment::from_vars([("ALL_PROXY", "socks5h://proxy.example")])?;
    /// let router = Router::new(stagger_smol::dialer(), environment).with_rule(|target| {
    ///     target.host().to_string().ends_with(".corp").then_some(Route::Direct)
    /// });
    /// assert_eq!(router.route(&Target::parse("git.corp:22").unwrap()), Route::Direct);
    /// assert_ne!(router.route(&Target::parse("example.com:22").unwrap()), Route::Direct);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_rule<F>(mut self, rule: F) -> Self
    where
        F: Fn(&Target) -> Option<Route> + Send + Sync + 'static,
    {
        self.rule = Some(Arc::new(rule));
        self
    }

    /// Removes the program's own rule.
    pub fn without_rule(mut self) -> Self {
        self.rule = None;
        self
    }

    /// Sets the scheme of all targets, by which the [`Environment`] chooses a proxy.
    pub fn with_scheme(mut self, scheme: &str) -> Self {
        self.scheme = Some(scheme.into());
        self
    }

    /// Derives the scheme from the port of a target again.
    pub fn without_scheme(mut self) -> Self {
        self.scheme = None;
        self
    }

    /// The scheme of all targets, if one is set.
    pub fn scheme(&self) -> Option<&str> {
        self.scheme.as_deref()
    }

    /// The environment.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The inner connector.
    pub fn get_ref(&self) -> &C {
        &self.inner
    }

    /// The route of a target.
    pub fn route(&self, target: &Target) -> Route {
        if let Some(route) = self.rule.as_ref().and_then(|rule| rule(target)) {
            return route;
        }
        let by_port = || match target.port().or_else(|| port(&target.service().to_string())) {
            Some(80) => Some("http"),
            Some(443) => Some("https"),
            _ => None,
        };
        let scheme = self.scheme.as_deref().or_else(by_port);
        match self.environment.proxy(scheme, target) {
            Some(proxy) => Route::Proxy(proxy.clone()),
            None => Route::Direct,
        }
    }

    /// What connects to a target.
    fn path(&self, target: &Target) -> Path<'_, C, K, T> {
        match (self.route(target), &self.tls) {
            (Route::Direct, _) => Path::Direct(&self.inner),
            (Route::Proxy(url), Some(tls)) if url.is_tls() => {
                Path::Tls(Proxy::from_url(tls, &url).with_inner_tls())
            }
            // Without a connector for TLS this refuses every target.
            (Route::Proxy(url), _) => Path::Proxy(Proxy::from_url(&self.inner, &url)),
        }
    }
}

enum Path<'a, C, K, T> {
    Direct(&'a C),
    Proxy(Proxy<&'a C, K>),
    Tls(Proxy<&'a T, K>),
}

impl<C, K, T> Connector<Target> for Router<C, K, T>
where
    C: Connector<Target>,
    T: Connector<Target, Connection = C::Connection>,
    K: ProxyIo<C::Connection>,
{
    type Connection = C::Connection;
    type Error = RouterError<C::Error, T::Error>;
    type Attempt = RouterAttempt<C::Attempt, T::Attempt, C::Connection, K>;

    fn connect(&self, to: Candidate<Target>) -> Self::Attempt {
        RouterAttempt {
            stage: match self.path(to.address()) {
                Path::Direct(inner) => Stage::Direct { attempt: inner.connect(to) },
                Path::Proxy(proxy) => Stage::Proxy { attempt: proxy.connect(to) },
                Path::Tls(proxy) => Stage::Tls { attempt: proxy.connect(to) },
            },
        }
    }

    fn accepts(&self, to: &Candidate<Target>) -> Result<(), Self::Error> {
        match self.path(to.address()) {
            Path::Direct(inner) => inner.accepts(to).map_err(RouterError::Direct),
            Path::Proxy(proxy) => proxy.accepts(to).map_err(RouterError::Proxy),
            Path::Tls(proxy) => proxy.accepts(to).map_err(RouterError::Tls),
        }
    }

    fn is_final(&self, error: &Self::Error) -> bool {
        let of_inner = |error: &_| self.inner.is_final(error);
        let of_tls = |error: &_| self.tls.as_ref().is_some_and(|tls| tls.is_final(error));
        match error {
            RouterError::Direct(error) => of_inner(error),
            RouterError::Proxy(error) => error.is_final(of_inner),
            RouterError::Tls(error) => error.is_final(of_tls),
        }
    }

    fn is_local_shortage(&self, error: &Self::Error) -> bool {
        let of_inner = |error: &_| self.inner.is_local_shortage(error);
        let of_tls = |error: &_| self.tls.as_ref().is_some_and(|tls| tls.is_local_shortage(error));
        match error {
            RouterError::Direct(error) => of_inner(error),
            RouterError::Proxy(error) => error.is_local_shortage(of_inner),
            RouterError::Tls(error) => error.is_local_shortage(of_tls),
        }
    }
}

impl<C: Clone, K, T: Clone> Clone for Router<C, K, T> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            tls: self.tls.clone(),
            environment: self.environment.clone(),
            rule: self.rule.clone(),
            scheme: self.scheme.clone(),
            kind: PhantomData,
        }
    }
}

impl<C: fmt::Debug, K, T> fmt::Debug for Router<C, K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("inner", &self.inner)
            .field("environment", &self.environment)
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

/// The connector for proxies that need TLS, if the program gives none. It never connects, because a
/// [`Router`] refuses such a proxy before.
#[derive(Clone, Copy, Debug)]
pub struct NoTls<C>(Infallible, PhantomData<fn() -> C>);

impl<C: Connector<Target>> Connector<Target> for NoTls<C> {
    type Connection = C::Connection;
    type Error = ProxyError;
    type Attempt = Pending<Result<C::Connection, ProxyError>>;

    fn connect(&self, _: Candidate<Target>) -> Self::Attempt {
        match self.0 {}
    }
}

pin_project! {
    /// An attempt of [`Router`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inner attempt or its stream.
    #[must_use = "futures do nothing unless polled"]
    pub struct RouterAttempt<F, G, S, K> {
        #[pin]
        stage: Stage<F, G, S, K>,
    }
}

pin_project! {
    #[project = Projection]
    enum Stage<F, G, S, K> {
        Direct { #[pin] attempt: F },
        Proxy { #[pin] attempt: ProxyAttempt<F, S, K> },
        Tls { #[pin] attempt: ProxyAttempt<G, S, K> },
    }
}

impl<F, G, S, E, D, K> Future for RouterAttempt<F, G, S, K>
where
    F: Future<Output = Result<S, E>>,
    G: Future<Output = Result<S, D>>,
    K: ProxyIo<S>,
{
    type Output = Result<S, RouterError<E, D>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().stage.project() {
            Projection::Direct { attempt } => attempt.poll(cx).map_err(RouterError::Direct),
            Projection::Proxy { attempt } => attempt.poll(cx).map_err(RouterError::Proxy),
            Projection::Tls { attempt } => attempt.poll(cx).map_err(RouterError::Tls),
        }
    }
}

/// The error of an attempt of [`Router`], by the way that the attempt took.
///
/// Like [`ConnectError`] it is not itself an [`Error`](std::error::Error). A dialer converts it
/// into a [`BoxError`], which holds the innermost error.
///
/// # Examples
///
/// ```
/// use std::io;
///
/// use stagger_proxy::RouterError;
///
/// let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
/// let error: RouterError<io::Error, io::Error> = RouterError::Direct(refused);
/// assert_eq!(error.to_string(), "connection refused");
/// ```
#[derive(Debug)]
pub enum RouterError<E, D> {
    /// A direct connect failed.
    Direct(E),
    /// A connect through a proxy failed.
    Proxy(ConnectError<E>),
    /// A connect through a proxy with TLS failed.
    Tls(ConnectError<D>),
}

macro_rules! convert {
    ($($target:ty),*) => {$(
        impl<E: Into<Self>, D: Into<Self>> From<RouterError<E, D>> for $target {
            fn from(error: RouterError<E, D>) -> Self {
                match error {
                    RouterError::Direct(error) => error.into(),
                    RouterError::Proxy(error) => error.into(),
                    RouterError::Tls(error) => error.into(),
                }
            }
        }
    )*};
}

convert!(BoxError, io::Error);

impl<E: fmt::Display, D: fmt::Display> fmt::Display for RouterError<E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct(error) => error.fmt(f),
            Self::Proxy(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
        }
    }
}
