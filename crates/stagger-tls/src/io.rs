//! The kinds of streams that TLS runs over.

use std::future::Future;
use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};

/// A kind of streams `S` that TLS can run over.
///
/// Tokio and `futures-io` have traits of their own for reading and writing, and a stream may
/// implement both. So a connector names the kind: [`tokio::Tokio`](crate::tokio::Tokio) or
/// [`futures::Futures`](crate::futures::Futures). Programs use the aliases of the modules and need
/// this trait only in bounds.
///
/// It is sealed: a change of it breaks nothing.
#[expect(private_bounds, reason = "only this crate implements it")]
pub trait TlsIo<S>: sealed::Sealed {
    /// The stream of a client.
    type ClientStream;
    /// The handshake of a client.
    type Connect: Future<Output = io::Result<Self::ClientStream>> + Unpin;
    /// The stream of a server.
    type ServerStream;
    /// The handshake of a server.
    type Accept: Future<Output = io::Result<Self::ServerStream>> + Unpin;

    /// Begins the handshake of a client.
    #[doc(hidden)]
    fn connect(config: Arc<ClientConfig>, name: ServerName<'static>, stream: S) -> Self::Connect;

    /// Begins the handshake of a server.
    #[doc(hidden)]
    fn accept(config: Arc<ServerConfig>, stream: S) -> Self::Accept;
}

pub(crate) mod sealed {
    pub(crate) trait Sealed {}
}

/// Writes the kind of streams of one module, its names, and `connect`.
#[cfg(any(feature = "futures", feature = "tokio"))]
macro_rules! streams {
    ($module:ident, $adapter:literal, $library:ident, $kind:ident, $read:path, $write:path, $doc:literal) => {
        use std::sync::Arc;

        use ::rustls::pki_types::ServerName;
        use ::rustls::{ClientConfig, ServerConfig};

        use crate::TlsIo;
        use crate::io::sealed::Sealed;

        #[doc = $doc]
        #[derive(Clone, Copy, Debug)]
        #[non_exhaustive]
        pub enum $kind {}

        impl Sealed for $kind {}

        impl<S: $read + $write + Unpin> TlsIo<S> for $kind {
            type ClientStream = TlsStream<S>;
            type Connect = $library::Connect<S>;
            type ServerStream = TlsServerStream<S>;
            type Accept = $library::Accept<S>;

            fn connect(
                config: Arc<ClientConfig>,
                name: ServerName<'static>,
                stream: S,
            ) -> Self::Connect {
                $library::TlsConnector::from(config).connect(name, stream)
            }

            fn accept(config: Arc<ServerConfig>, stream: S) -> Self::Accept {
                $library::TlsAcceptor::from(config).accept(stream)
            }
        }

        /// TLS over the connections of another connector: see [`Tls`](crate::Tls).
        pub type Tls<C> = crate::Tls<C, $kind>;

        /// An attempt of [`Tls`]: see [`TlsAttempt`](crate::TlsAttempt).
        pub type TlsAttempt<F, S> = crate::TlsAttempt<F, S, $kind>;

        /// The connection of [`Tls`]. `get_ref().1` has the protocol that was agreed on
        /// (`alpn_protocol()`), the version, the cipher suite and the server's certificates.
        pub type TlsStream<S> = $library::client::TlsStream<S>;

        /// TLS on accepted connections: see [`TlsAccept`](crate::TlsAccept).
        pub type TlsAccept = crate::TlsAccept<$kind>;

        /// A listener whose connections have TLS: see [`TlsAccept`](crate::TlsAccept).
        pub type TlsListener<L, T> = stagger::listen::HandshakeListener<L, T, TlsAccept>;

        /// The connection of a [`TlsListener`].
        pub type TlsServerStream<S> = $library::server::TlsStream<S>;

        /// A connect with TLS in progress: see [`connect`].
        #[cfg(feature = "platform-verifier")]
        pub type Dial<R, C, T, O = ()> = stagger::connect::Dial<R, Tls<C>, T, O>;

        /// Connects to a target over TLS, with the certificates that this machine trusts.
        ///
        /// It is the dialer's own connect with [`Tls::platform`](crate::Tls::platform) around its
        /// connector. So it looks up, races and reports like the dialer, and
        /// [`with_report`](stagger::connect::Dial::with_report) works. It offers no protocol (ALPN).
        ///
        /// # Errors
        ///
        /// As for [`Dialer::connect`](stagger::Dialer::connect). The causes of failed handshakes
        /// are [`TlsError`](crate::TlsError)s.
        ///
        /// # Cancel safety
        ///
        /// Dropping it closes every socket.
        ///
        /// # Examples
        ///
        /// This machine does not trust the certificate of a test's server:
        ///
        /// ```
        /// use stagger_testkit::tls::{Authority, Server};
        /// use stagger_tls::TlsError;
        #[doc = concat!("use stagger_tls::", stringify!($module), "::connect;")]
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> std::io::Result<()> {
        /// let server = Server::echo([127, 0, 0, 1], &Authority::new()?, "127.0.0.1")?;
        #[doc = concat!("let dialer = stagger_", $adapter, "::dialer();")]
        /// let error = connect(&dialer, server.addr()).await.unwrap_err();
        /// let tls: &TlsError = error.cause().unwrap().downcast_ref().unwrap();
        /// assert!(tls.certificate_fault().is_some() || tls.to_string().contains("this machine"));
        /// # Ok(())
        /// # }
        /// ```
        #[cfg(feature = "platform-verifier")]
        pub fn connect<R, C, T, O, G>(
            dialer: &stagger::Dialer<R, C, T, O>,
            target: G,
        ) -> Dial<R, C, T, O>
        where
            R: stagger::Resolver<
                    Address: stagger::address::Address,
                    Error: Into<stagger::boxed::BoxError>,
                > + Clone,
            C: stagger::Connector<
                    R::Address,
                    Connection: $read + $write + Unpin,
                    Error: Into<stagger::boxed::BoxError>,
                > + Clone,
            T: stagger::Timer + Clone,
            O: stagger::Observer<R::Address> + Clone,
            G: TryInto<stagger::Target>,
            stagger::target::TargetError: From<G::Error>,
        {
            let connector = Tls::platform(dialer.connector().clone());
            dialer.clone().with_connector(connector).connect(target)
        }
    };
}
#[cfg(any(feature = "futures", feature = "tokio"))]
pub(crate) use streams;
