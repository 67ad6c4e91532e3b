//! The kinds of streams that lead to a proxy.

use std::io;
use std::task::{Context, Poll};

/// A kind of streams `S` that may lead to a proxy.
///
/// Tokio and `futures-io` have traits of their own for reading and writing, and a stream may
/// implement both. So a connector names the kind: [`tokio::Tokio`](crate::tokio::Tokio) or
/// [`futures::Futures`](crate::futures::Futures). Programs use the aliases of the modules and need
/// this trait only in bounds.
///
/// It is sealed: a change of it breaks nothing.
#[expect(private_bounds, reason = "only this crate implements it")]
pub trait ProxyIo<S>: sealed::Sealed {
    /// Reads into `buffer`.
    #[doc(hidden)]
    fn poll_read(
        stream: &mut S,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>>;

    /// Writes some of `bytes`.
    #[doc(hidden)]
    fn poll_write(stream: &mut S, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Writes what is buffered.
    #[doc(hidden)]
    fn poll_flush(stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

pub(crate) mod sealed {
    pub(crate) trait Sealed {}
}

/// Writes the names of one module.
#[cfg(any(feature = "futures", feature = "tokio"))]
macro_rules! streams {
    ($module:ident, $adapter:literal, $kind:ident) => {
        /// A proxy of either protocol: see [`Proxy`](crate::Proxy).
        pub type Proxy<C> = crate::Proxy<C, $kind>;

        /// A SOCKS5 proxy: see [`Socks5`](crate::Socks5).
        pub type Socks5<C> = crate::Socks5<C, $kind>;

        /// An HTTP proxy: see [`HttpConnect`](crate::HttpConnect).
        pub type HttpConnect<C> = crate::HttpConnect<C, $kind>;

        /// A tunnel to one target: see [`Tunnel`](crate::Tunnel).
        pub type Tunnel<C> = crate::Tunnel<C, $kind>;

        /// A proxy that is reached by a race: see [`Through`](crate::Through).
        pub type Through<R, C, T, O = ()> = crate::Through<R, C, T, $kind, O>;

        /// A connector that chooses a proxy for each target: see [`Router`](crate::Router).
        pub type Router<C, T = crate::NoTls<C>> = crate::Router<C, $kind, T>;

        /// An attempt through a proxy: see [`ProxyAttempt`](crate::ProxyAttempt).
        pub type ProxyAttempt<F, S> = crate::ProxyAttempt<F, S, $kind>;

        /// A dialer through a proxy: see [`through`].
        pub type Dialer<R, C, T, O = ()> =
            stagger::Dialer<stagger::resolve::ByName, Through<R, C, T, O>, T>;

        /// A connect through a proxy in progress: see [`connect`].
        pub type Dial<R, C, T, O = ()> =
            stagger::connect::Dial<stagger::resolve::ByName, Through<R, C, T, O>, T>;

        /// Returns a dialer that connects through a proxy.
        ///
        /// It gives the target's name to the proxy and resolves only the name of the proxy, with
        /// `dialer`. See [`Through`](crate::Through). It has the timer and the policy of `dialer`,
        /// as [`Through::into_dialer`](crate::Through::into_dialer) says. The observer stays with
        /// the race to the proxy.
        ///
        /// # Examples
        ///
        /// ```
        /// use stagger_testkit::proxy::ProxyServer;
        #[doc = concat!("use stagger_proxy::", stringify!($module), "::through;")]
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// # let server = std::net::TcpListener::bind("127.0.0.1:0")?;
        /// # let target = server.local_addr()?;
        /// let proxy = ProxyServer::socks5()?;
        /// let url = format!("socks5h://{}", proxy.addr()).parse()?;
        #[doc = concat!("let dialer = through(&stagger_", $adapter, "::dialer(), &url);")]
        /// let stream = dialer.connect(target).await?;
        /// assert_eq!(stream.peer_addr()?, proxy.addr());
        /// assert_eq!(proxy.targets(), [target.to_string()]);
        /// # Ok(())
        /// # }
        /// ```
        pub fn through<R, C, T, O>(
            dialer: &stagger::Dialer<R, C, T, O>,
            proxy: &crate::ProxyUrl,
        ) -> Dialer<R, C, T, O>
        where
            R: Clone,
            C: Clone,
            T: Clone,
            O: Clone,
        {
            crate::Through::new(dialer.clone(), proxy).into_dialer()
        }

        /// Connects to a target through a proxy, like [`through`] with one connect.
        ///
        /// [`with_report`](stagger::connect::Dial::with_report) works. The race to the proxy is in
        /// the children of the report's attempt.
        ///
        /// # Errors
        ///
        /// As for [`Dialer::connect`](stagger::Dialer::connect).
        ///
        /// # Cancel safety
        ///
        /// Dropping it closes every socket.
        ///
        /// # Examples
        ///
        /// ```
        /// use stagger_testkit::proxy::ProxyServer;
        #[doc = concat!("use stagger_proxy::", stringify!($module), "::connect;")]
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// # let server = std::net::TcpListener::bind("127.0.0.1:0")?;
        /// # let target = server.local_addr()?;
        /// let proxy = ProxyServer::http()?.with_login("alice", "secret");
        /// let url = format!("http://alice:secret@{}", proxy.addr()).parse()?;
        #[doc = concat!("let dialer = stagger_", $adapter, "::dialer();")]
        /// let (_stream, report) = connect(&dialer, &url, target).with_report().await?;
        /// assert_eq!(report.attempts()[0].children.len(), 1);
        /// # Ok(())
        /// # }
        /// ```
        pub fn connect<R, C, T, O, G>(
            dialer: &stagger::Dialer<R, C, T, O>,
            proxy: &crate::ProxyUrl,
            target: G,
        ) -> Dial<R, C, T, O>
        where
            R: stagger::Resolver<
                    Address: stagger::address::Address,
                    Error: Into<stagger::boxed::BoxError>,
                > + Clone,
            C: stagger::Connector<R::Address, Error: Into<stagger::boxed::BoxError>> + Clone,
            $kind: crate::ProxyIo<C::Connection>,
            T: stagger::Timer + Clone,
            O: stagger::Observer<R::Address> + Clone,
            G: TryInto<stagger::Target>,
            stagger::target::TargetError: From<G::Error>,
        {
            through(dialer, proxy).connect(target)
        }
    };
}
#[cfg(any(feature = "futures", feature = "tokio"))]
pub(crate) use streams;
