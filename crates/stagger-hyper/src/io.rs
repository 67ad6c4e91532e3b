//! The kinds of streams that hyper reads and writes.

use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::Connected;

/// A kind of streams `S` that hyper can use.
///
/// Tokio and `futures-io` have traits of their own for reading and writing, and a stream may
/// implement both. So a connector names the kind: [`tokio::Tokio`](crate::tokio::Tokio) or
/// [`futures::Futures`](crate::futures::Futures). Programs use the aliases of the modules and need
/// this trait only in bounds.
///
/// It is sealed, so a change to it breaks no program.
#[expect(private_bounds, reason = "only this crate implements it")]
pub trait HyperIo<S>: sealed::Sealed {
    /// The stream with hyper's traits.
    #[doc(hidden)]
    type Io: Read + Write + Unpin;

    /// Gives a stream hyper's traits.
    #[doc(hidden)]
    fn wrap(stream: S) -> Self::Io;

    /// The stream inside.
    #[doc(hidden)]
    fn get_ref(io: &Self::Io) -> &S;

    /// Returns the stream inside.
    #[doc(hidden)]
    fn into_inner(io: Self::Io) -> S;

    /// What hyper-util reports to its users about this stream.
    #[doc(hidden)]
    fn connected(stream: &S) -> Connected;
}

pub(crate) mod sealed {
    pub(crate) trait Sealed {}
}

/// Writes the names of one module.
#[cfg(any(feature = "futures", feature = "tokio"))]
macro_rules! streams {
    ($module:ident, $adapter:literal, $kind:ident, $read:path, $write:path $(, $stream:ty)?) => {
        use http::Uri;
        use stagger::address::Address;
        use stagger::boxed::BoxError;
        use stagger::{Connector, Dialer, Error, Observer, Resolver, Target, Timer};

        use crate::connector::Dialing;
        use crate::{HyperIo, RaceReport};

        /// A dialer as the connector of an HTTP client: see
        /// [`HttpConnector`](crate::HttpConnector).
        pub type HttpConnector<S $(= $stream)?> = crate::HttpConnector<S, $kind>;

        /// A connection of an [`HttpConnector`]: see [`Stream`](crate::Stream).
        pub type Stream<S $(= $stream)?> = crate::Stream<S, $kind>;

        /// A connector with TLS inside the race, which [`https`] makes.
        #[cfg(feature = "tls")]
        pub type HttpsConnector<S $(= $stream)?> = crate::HttpConnector<MaybeTls<S>, $kind>;

        /// Makes a connector of any dialer, without TLS.
        ///
        /// It takes the place of hyper-util's `HttpConnector`. The [table](crate::HttpConnector) has
        /// the other constructors.
        ///
        /// # Examples
        ///
        /// A boxed dialer:
        ///
        /// ```
        #[doc = concat!("let dialer = stagger_", $adapter, "::dialer().boxed();")]
        #[doc = concat!("let connector = stagger_hyper::", stringify!($module), "::connector(dialer);")]
        /// assert!(!connector.tls_schemes());
        /// ```
        pub fn connector<D>(dialer: D) -> HttpConnector<D::Connection>
        where
            D: Connector<Target, Error = Error, Attempt: Send + 'static> + Send + Sync + 'static,
            $kind: HyperIo<D::Connection>,
        {
            crate::HttpConnector::new(dialer)
        }

        /// Makes a connector without TLS that puts a [`RaceReport`] into each response.
        ///
        /// # Examples
        ///
        /// ```
        /// use tower_service::Service as _;
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        /// # let uri = format!("http://{}/", listener.local_addr()?).parse()?;
        #[doc = concat!("let dialer = stagger_", $adapter, "::dialer();")]
        #[doc = concat!("let stream = stagger_hyper::", stringify!($module), "::reporting(dialer).call(uri).await?;")]
        /// assert_eq!(stream.report().unwrap().report().attempts().len(), 1);
        /// # Ok(())
        /// # }
        /// ```
        pub fn reporting<R, C, T, O>(
            dialer: Dialer<R, C, T, O>,
        ) -> HttpConnector<C::Connection>
        where
            R: Resolver<Address: Address + Send, Error: Into<BoxError>, Answers: Send>
                + Send
                + Sync
                + 'static,
            C: Connector<
                    R::Address,
                    Connection: Send + 'static,
                    Error: Into<BoxError>,
                    Attempt: Send,
                > + Clone
                + Send
                + Sync
                + 'static,
            T: Timer<Sleep: Send> + Clone + Send + Sync + 'static,
            O: Observer<R::Address> + Clone + Send + Sync + 'static,
            $kind: HyperIo<C::Connection>,
        {
            crate::HttpConnector::of(false, move |target, _: &Uri| {
                dial(&dialer, target, true, Stream::new)
            })
        }

        /// Makes a connector with TLS inside the race, for `http` and `https`.
        ///
        /// It takes the place of hyper-rustls's `HttpsConnector`. The handshake is a part of each
        /// attempt, so an address that accepts and then stalls costs one attempt delay. It performs
        /// TLS for the schemes `https`, `wss` and `grpcs`. All others are dialed without TLS.
        ///
        /// The configuration's protocols (ALPN) are offered, for every scheme. If it has none, the
        /// scheme decides:
        ///
        /// - `https`: HTTP/1.1, and with the feature `http2` also HTTP/2, which is preferred.
        /// - `wss`: HTTP/1.1 alone (RFC 6455 §4.1).
        /// - `grpcs`: HTTP/2 alone.
        ///
        /// hyper-util's client then speaks the protocol that the server chose. It panics if that is
        /// HTTP/2 and hyper-util's feature `http2` is off. So offer `h2` yourself only with that
        /// feature.
        ///
        /// # Examples
        ///
        /// The first address accepts and then stalls:
        ///
        /// ```
        /// use stagger_testkit::tls::{Authority, Server};
        /// use tower_service::Service as _;
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// let authority = Authority::new()?;
        /// let server = Server::echo([127, 0, 0, 1], &authority, "127.0.0.1")?;
        #[doc = concat!("let dialer = stagger_", $adapter, "::dialer();")]
        #[doc = concat!("let mut connector = stagger_hyper::", stringify!($module), "::https(dialer, authority.client()?);")]
        /// let stream = connector.call(format!("https://{}/", server.addr()).parse()?).await?;
        /// assert!(stream.get_ref().is_tls());
        /// # Ok(())
        /// # }
        /// ```
        #[cfg(feature = "tls")]
        pub fn https<R, C, T, O>(
            dialer: Dialer<R, C, T, O>,
            config: impl Into<std::sync::Arc<stagger_tls::rustls::ClientConfig>>,
        ) -> HttpsConnector<C::Connection>
        where
            R: Resolver<Address: Address + Send, Error: Into<BoxError>, Answers: Send>
                + Clone
                + Send
                + Sync
                + 'static,
            C: Connector<
                    R::Address,
                    Connection: $read + $write + Unpin + Send + 'static,
                    Error: Into<BoxError> + Send,
                    Attempt: Send,
                > + Clone
                + Send
                + Sync
                + 'static,
            T: Timer<Sleep: Send> + Clone + Send + Sync + 'static,
            O: Observer<R::Address> + Clone + Send + Sync + 'static,
        {
            with_tls(dialer, config.into(), false)
        }

        /// Makes a connector with TLS inside the race that puts a [`RaceReport`] into each
        /// response. Otherwise it is like [`https`].
        ///
        /// # Examples
        ///
        /// ```
        /// use stagger_testkit::tls::{Authority, Server};
        #[doc = concat!("use stagger_hyper::", stringify!($module), "::https_reporting;")]
        /// use tower_service::Service as _;
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// let authority = Authority::new()?;
        /// let server = Server::echo([127, 0, 0, 1], &authority, "127.0.0.1")?;
        #[doc = concat!("let dialer = stagger_", $adapter, "::dialer();")]
        /// let mut connector = https_reporting(dialer, authority.client()?);
        /// let stream = connector.call(format!("https://{}/", server.addr()).parse()?).await?;
        /// assert!(stream.report().unwrap().report().attempts()[0].progressed.is_some());
        /// # Ok(())
        /// # }
        /// ```
        #[cfg(feature = "tls")]
        pub fn https_reporting<R, C, T, O>(
            dialer: Dialer<R, C, T, O>,
            config: impl Into<std::sync::Arc<stagger_tls::rustls::ClientConfig>>,
        ) -> HttpsConnector<C::Connection>
        where
            R: Resolver<Address: Address + Send, Error: Into<BoxError>, Answers: Send>
                + Clone
                + Send
                + Sync
                + 'static,
            C: Connector<
                    R::Address,
                    Connection: $read + $write + Unpin + Send + 'static,
                    Error: Into<BoxError> + Send,
                    Attempt: Send,
                > + Clone
                + Send
                + Sync
                + 'static,
            T: Timer<Sleep: Send> + Clone + Send + Sync + 'static,
            O: Observer<R::Address> + Clone + Send + Sync + 'static,
        {
            with_tls(dialer, config.into(), true)
        }

        #[cfg(feature = "tls")]
        fn with_tls<R, C, T, O>(
            dialer: Dialer<R, C, T, O>,
            config: std::sync::Arc<stagger_tls::rustls::ClientConfig>,
            reports: bool,
        ) -> HttpsConnector<C::Connection>
        where
            R: Resolver<Address: Address + Send, Error: Into<BoxError>, Answers: Send>
                + Clone
                + Send
                + Sync
                + 'static,
            C: Connector<
                    R::Address,
                    Connection: $read + $write + Unpin + Send + 'static,
                    Error: Into<BoxError> + Send,
                    Attempt: Send,
                > + Clone
                + Send
                + Sync
                + 'static,
            T: Timer<Sleep: Send> + Clone + Send + Sync + 'static,
            O: Observer<R::Address> + Clone + Send + Sync + 'static,
        {
            let over_tls = crate::alpn::ByProtocols::new(&config, |config| {
                let over_tls = |inner| stagger_tls::$module::Tls::new(inner, config);
                dialer.clone().map_connector(over_tls)
            });
            crate::HttpConnector::of(true, move |target, uri: &Uri| {
                if !crate::target::wants_tls(uri) {
                    let plain = |stream| Stream::new(MaybeTls::Plain(stream));
                    return dial(&dialer, target, reports, plain);
                }
                dial(over_tls.of(uri), target, reports, |stream| {
                    let is_h2 = crate::alpn::is_h2(stream.get_ref().1.alpn_protocol());
                    Stream::new(MaybeTls::Tls(Box::new(stream))).with_h2(is_h2)
                })
            })
        }

        /// Connects, and makes a stream of the connection.
        fn dial<R, C, T, O, S>(
            dialer: &Dialer<R, C, T, O>,
            target: Target,
            reports: bool,
            wrap: impl FnOnce(C::Connection) -> Stream<S> + Send + 'static,
        ) -> Dialing<S, $kind>
        where
            R: Resolver<Address: Address + Send, Error: Into<BoxError>, Answers: Send> + 'static,
            C: Connector<
                    R::Address,
                    Connection: Send,
                    Error: Into<BoxError>,
                    Attempt: Send,
                > + Clone
                + Send
                + 'static,
            T: Timer<Sleep: Send> + Clone + Send + 'static,
            O: Observer<R::Address> + Clone + Send + 'static,
            $kind: HyperIo<S>,
        {
            let dial = dialer.connect(target);
            if !reports {
                return Box::pin(async move { Ok(wrap(dial.await?)) });
            }
            let dial = dial.with_report();
            Box::pin(async move {
                let (connection, report) = dial.await?;
                Ok(wrap(connection).with_report(RaceReport::new(report.into_text())))
            })
        }

        /// The connection of an [`HttpsConnector`]: with TLS or without.
        ///
        /// # Examples
        ///
        /// ```
        #[doc = concat!("use stagger_hyper::", stringify!($module), "::MaybeTls;")]
        ///
        /// fn protocol<S>(stream: &MaybeTls<S>) -> Option<&[u8]> {
        ///     match stream {
        ///         MaybeTls::Plain(_) => None,
        ///         MaybeTls::Tls(stream) => stream.get_ref().1.alpn_protocol(),
        ///     }
        /// }
        /// # let _ = protocol::<std::net::TcpStream>;
        /// ```
        #[cfg(feature = "tls")]
        #[derive(Debug)]
        pub enum MaybeTls<S> {
            /// Without TLS.
            Plain(S),
            /// With TLS.
            Tls(Box<stagger_tls::$module::TlsStream<S>>),
        }

        #[cfg(feature = "tls")]
        impl<S> MaybeTls<S> {
            /// Whether it has TLS.
            pub fn is_tls(&self) -> bool {
                matches!(self, Self::Tls(_))
            }

            /// The stream of the dialer's connector, below TLS.
            pub fn get_ref(&self) -> &S {
                match self {
                    Self::Plain(stream) => stream,
                    Self::Tls(stream) => stream.get_ref().0,
                }
            }
        }
    };
}
#[cfg(any(feature = "futures", feature = "tokio"))]
pub(crate) use streams;

/// Calls a method of the stream inside a `MaybeTls`.
#[cfg(all(feature = "tls", any(feature = "futures", feature = "tokio")))]
macro_rules! either {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Self::Plain($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
            Self::Tls($stream) => {
                let $stream = Pin::new(&mut **$stream);
                $call
            }
        }
    };
}
#[cfg(all(feature = "tls", any(feature = "futures", feature = "tokio")))]
pub(crate) use either;
