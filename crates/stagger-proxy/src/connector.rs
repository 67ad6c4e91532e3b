//! Connectors through a proxy.

use std::fmt;
use std::marker::PhantomData;

use stagger::{Candidate, Connector, Target};

use crate::error::ConnectError;
use crate::settings::Settings;
use crate::{Login, LoginError, Protocol, ProxyAttempt, ProxyIo, ProxyUrl};

/// A connector through a proxy whose protocol is known at run time.
///
/// Programs use the aliases [`tokio::Proxy`](crate::tokio::Proxy) and
/// [`futures::Proxy`](crate::futures::Proxy), which name the kind of streams `K`. [`Socks5`] and
/// [`HttpConnect`] are the same with a fixed protocol.
///
/// The inner connector connects to the proxy's own target. It is any connector of targets: a
/// dialer, TLS over a dialer, or another proxy. Then the proxy is asked for the target of the
/// attempt, by its name. Nothing is resolved here. A name is sent as A-labels, and a trailing dot
/// stays.
///
/// The steps of the inner connector's race are children of the attempt in the report. When it has
/// connected, the attempt reports [progress](stagger::connect::Progress). The connection is the
/// inner connector's own stream, and no byte beyond the proxy's answer is read from it.
///
/// In this form the inner race ends when a transport to the proxy is up. If an address of the proxy
/// accepts and then stalls, only a timeout helps. With a [`Through`](crate::Through) the exchange
/// is inside the race of the proxy's addresses.
///
/// # Targets that a proxy cannot be asked for
///
/// These fail before anything is dialed: an address with a zone, the port 0, and a service whose
/// name is not well known. Such a name as `https` is.
///
/// # Which failures end the race
///
/// A failed login ends the race, because sending it again may lock the account
/// ([`LoginRefused`](crate::ProxyErrorKind::LoginRefused),
/// [`LoginRequired`](crate::ProxyErrorKind::LoginRequired),
/// [`LoginMethod`](crate::ProxyErrorKind::LoginMethod)). But an attempt that is running already may
/// have sent the login too. So a proxy that answers after the attempt delay gets it at two of its
/// addresses. Policies with [`without_overlap`](stagger::Policy::without_overlap) prevent this.
///
/// No other failure ends the race. Another address of the proxy may be another machine, which has
/// another route or another rule, and asking it costs one round trip. The inner connector judges
/// its own errors.
///
/// # Cancel safety
///
/// Dropping an attempt closes its stream, as the inner connector's stream does.
///
/// # Examples
///
/// SOCKS5 through an HTTP proxy:
///
#[cfg_attr(feature = "futures", doc = "```")]
#[cfg_attr(not(feature = "futures"), doc = "```ignore")]
/// use stagger::{Candidate, Connector as _, Target};
/// use stagger_proxy::futures::{HttpConnect, Socks5};
/// use stagger_testkit::proxy::ProxyServer;
///
/// # let server = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let target = Target::from(server.local_addr()?);
/// let (outer, inner) = (ProxyServer::http()?, ProxyServer::socks5()?);
/// let connector = HttpConnect::new(stagger_smol::dialer(), outer.addr().into());
/// let connector = Socks5::new(connector, inner.addr().into());
/// let connect = connector.connect(Candidate::new(target));
/// let stream = futures_lite::future::block_on(connect).expect("both are there");
/// assert_eq!(stream.peer_addr()?, outer.addr());
/// assert_eq!(outer.targets(), [inner.addr().to_string()]);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Proxy<C, K> {
    inner: C,
    pub(crate) settings: Settings,
    kind: PhantomData<fn() -> K>,
}

impl<C, K> Proxy<C, K> {
    /// Creates a connector through the proxy at this target, to which `inner` leads.
    pub fn new(protocol: Protocol, inner: C, proxy: Target) -> Self {
        Self { inner, settings: Settings::new(protocol, proxy), kind: PhantomData }
    }

    /// Creates a connector through the proxy that a URL names.
    ///
    /// For `https://` the inner connector must perform TLS: see
    /// [`with_inner_tls`](Self::with_inner_tls).
    pub fn from_url(inner: C, url: &ProxyUrl) -> Self {
        Self { inner, settings: Settings::of(url), kind: PhantomData }
    }

    /// Sets the login.
    ///
    /// # Errors
    ///
    /// Returns why the protocol cannot send it.
    pub fn with_login(mut self, login: Login) -> Result<Self, LoginError> {
        login.check(self.settings.protocol)?;
        self.settings.login = Some(login);
        Ok(self)
    }

    /// Sends no login.
    pub fn without_login(mut self) -> Self {
        self.settings.login = None;
        self
    }

    /// States that the inner connector performs TLS with the proxy.
    ///
    /// Without this statement a proxy of an `https://` URL is not dialed, so no login is sent in
    /// clear ([`TlsRequired`](crate::ProxyErrorKind::TlsRequired)). It has no effect on other
    /// proxies.
    ///
    /// # Examples
    ///
    #[cfg_attr(feature = "futures", doc = "```")]
    #[cfg_attr(not(feature = "futures"), doc = "```ignore")]
    /// use stagger::{Candidate, Connector as _, Target};
    /// use stagger_proxy::futures::Proxy;
    ///
    /// let url = "https://proxy.example".parse()?;
    /// let to = Candidate::new(Target::parse("example.com:443")?);
    /// // Here it would be `Tls` over a dialer.
    /// let proxy = Proxy::from_url(stagger_smol::dialer(), &url);
    /// assert!(proxy.accepts(&to).is_err());
    /// assert!(proxy.with_inner_tls().accepts(&to).is_ok());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_inner_tls(mut self) -> Self {
        self.settings.lacks_tls = false;
        self
    }

    /// The protocol.
    pub fn protocol(&self) -> Protocol {
        self.settings.protocol
    }

    /// The proxy's own target.
    pub fn proxy(&self) -> &Target {
        &self.settings.proxy
    }

    /// The login, if one is set.
    pub fn login(&self) -> Option<&Login> {
        self.settings.login.as_ref()
    }

    /// The inner connector.
    pub fn get_ref(&self) -> &C {
        &self.inner
    }

    /// Returns the inner connector.
    pub fn into_inner(self) -> C {
        self.inner
    }
}

impl<C, K> Connector<Target> for Proxy<C, K>
where
    C: Connector<Target>,
    K: ProxyIo<C::Connection>,
{
    type Connection = C::Connection;
    type Error = ConnectError<C::Error>;
    type Attempt = ProxyAttempt<C::Attempt, C::Connection, K>;

    fn connect(&self, to: Candidate<Target>) -> Self::Attempt {
        let settings = self.settings.clone();
        match settings.ask(to.address()) {
            Ok(machine) => {
                let progress = to.progress().clone();
                let connecting = self.inner.connect(to.child(settings.proxy.clone()));
                ProxyAttempt::new(connecting, machine, progress, settings)
            }
            Err(error) => ProxyAttempt::refused(error, settings),
        }
    }

    /// Refuses a target that the proxy cannot be asked for, and what the inner connector refuses.
    fn accepts(&self, to: &Candidate<Target>) -> Result<(), Self::Error> {
        self.settings.ask(to.address()).map_err(ConnectError::Proxy)?;
        let proxy = to.child(self.settings.proxy.clone());
        self.inner.accepts(&proxy).map_err(ConnectError::Transport)
    }

    fn is_final(&self, error: &Self::Error) -> bool {
        error.is_final(|error| self.inner.is_final(error))
    }

    fn is_local_shortage(&self, error: &Self::Error) -> bool {
        error.is_local_shortage(|error| self.inner.is_local_shortage(error))
    }
}

impl<C: Clone, K> Clone for Proxy<C, K> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), settings: self.settings.clone(), kind: PhantomData }
    }
}

impl<C: fmt::Debug, K> fmt::Debug for Proxy<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("inner", &self.inner)
            .field("settings", &self.settings)
            .finish()
    }
}

/// Writes a connector with a fixed protocol.
macro_rules! fixed {
    ($name:ident, $protocol:expr, $server:literal, $doc:literal) => {
        #[doc = $doc]
        ///
        /// It is a [`Proxy`] with a fixed protocol. Programs use the aliases of the modules
        /// [`tokio`](crate::tokio) and [`futures`](crate::futures), which name the kind of streams
        /// `K`.
        ///
        /// # Cancel safety
        ///
        /// Dropping an attempt closes its stream, as the inner connector's stream does.
        ///
        /// # Examples
        ///
        #[cfg_attr(feature = "futures", doc = "```")]
        #[cfg_attr(not(feature = "futures"), doc = "```ignore")]
        /// use stagger::Dialer;
        #[doc = concat!("use stagger_proxy::futures::", stringify!($name), ";")]
        /// use stagger::resolve::ByName;
        /// use stagger_proxy::Login;
        /// use stagger_testkit::proxy::ProxyServer;
        ///
        /// # let server = std::net::TcpListener::bind("127.0.0.1:0")?;
        /// # let target = server.local_addr()?;
        #[doc = concat!("let server = ProxyServer::", $server, "()?.with_login(\"alice\", \"secret\");")]
        #[doc = concat!("let proxy = ", stringify!($name), "::new(stagger_smol::dialer(), server.addr().into())")]
        ///     .with_login(Login::new("alice", "secret"))?;
        /// let dialer = Dialer::new(ByName, proxy, stagger_smol::Timer);
        /// let stream = futures_lite::future::block_on(dialer.connect(target))?;
        /// assert_eq!(stream.peer_addr()?, server.addr());
        /// # Ok::<_, Box<dyn std::error::Error>>(())
        /// ```
        pub struct $name<C, K>(Proxy<C, K>);

        impl<C, K> $name<C, K> {
            /// Creates a connector through the proxy at this target, to which `inner` leads.
            pub fn new(inner: C, proxy: Target) -> Self {
                Self(Proxy::new($protocol, inner, proxy))
            }

            /// Sets the login.
            ///
            /// # Errors
            ///
            /// Returns why the protocol cannot send it.
            pub fn with_login(self, login: Login) -> Result<Self, LoginError> {
                self.0.with_login(login).map(Self)
            }

            /// Sends no login.
            pub fn without_login(self) -> Self {
                Self(self.0.without_login())
            }

            /// The login, if one is set.
            pub fn login(&self) -> Option<&Login> {
                self.0.login()
            }

            /// The proxy's own target.
            pub fn proxy(&self) -> &Target {
                self.0.proxy()
            }

            /// The inner connector.
            pub fn get_ref(&self) -> &C {
                self.0.get_ref()
            }

            /// Returns the inner connector.
            pub fn into_inner(self) -> C {
                self.0.into_inner()
            }
        }

        impl<C, K> From<$name<C, K>> for Proxy<C, K> {
            fn from(proxy: $name<C, K>) -> Self {
                proxy.0
            }
        }

        impl<C, K> Connector<Target> for $name<C, K>
        where
            C: Connector<Target>,
            K: ProxyIo<C::Connection>,
        {
            type Connection = C::Connection;
            type Error = ConnectError<C::Error>;
            type Attempt = ProxyAttempt<C::Attempt, C::Connection, K>;

            fn connect(&self, to: Candidate<Target>) -> Self::Attempt {
                self.0.connect(to)
            }

            fn accepts(&self, to: &Candidate<Target>) -> Result<(), Self::Error> {
                self.0.accepts(to)
            }

            fn is_final(&self, error: &Self::Error) -> bool {
                self.0.is_final(error)
            }

            fn is_local_shortage(&self, error: &Self::Error) -> bool {
                self.0.is_local_shortage(error)
            }
        }

        impl<C: Clone, K> Clone for $name<C, K> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<C: fmt::Debug, K> fmt::Debug for $name<C, K> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        }
    };
}

fixed!(
    Socks5,
    Protocol::Socks5,
    "socks5",
    "A connector through a SOCKS5 proxy (RFC 1928), with or without a login (RFC 1929)."
);
fixed!(
    HttpConnect,
    Protocol::Http,
    "http",
    "A connector through an HTTP proxy with the method CONNECT (RFC 9110 §9.3.6), with or without \
     a login (RFC 7617)."
);
