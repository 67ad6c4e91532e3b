//! The ways to a TLS connection that are compared, runtime by runtime.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use smol::future::or;
use smol::io::AsyncReadExt as _;
use smol::io::AsyncWriteExt as _;
use smol::stream::{self, Once};
use stagger::boxed::BoxDialer;
use stagger::resolve::{Query, Record};
use stagger::target::Host;
use stagger::{Answer, Policy, Resolver, Target, Timer as _};
use stagger_testkit::tls::Authority;
use stagger_tls::rustls::pki_types::ServerName;
use stagger_tls::rustls::{ClientConfig, ClientConnection};
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;

use super::TlsServer;
use super::weight::{Scale, Weight};
use crate::{BoxError, Heap, Side, Smol, Tokio};

/// A way to a TLS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsWay {
    /// The runtime's own connect, then the handshake by `tokio-rustls` or `futures-rustls`: what
    /// the others are compared with.
    Own,
    /// The same within 300 s, by the adapter's timer. Ours has such a timeout by default.
    Timed,
    /// A dialer with `Tls`, kept.
    Dialer,
    /// The same dialer in a box, kept.
    Boxed,
}

impl TlsWay {
    /// All of them, [`Own`](Self::Own) first.
    pub const ALL: [Self; 4] = [Self::Own, Self::Timed, Self::Dialer, Self::Boxed];
}

impl fmt::Display for TlsWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Own => "own",
            Self::Timed => "timed",
            Self::Dialer => "dialer",
            Self::Boxed => "boxed",
        })
    }
}

/// The place of a connect, and the kind of its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An IP address, with a full handshake.
    Literal,
    /// A name with a fixed list of two addresses, with a full handshake. Our dialers have the
    /// target, and the runtime's own connect has the addresses.
    Name,
    /// The same name as text, which our dialers read in each connect.
    Text,
    /// An IP address, with a handshake that resumes the last session.
    Resumed,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Literal, Self::Name, Self::Text, Self::Resumed];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Literal => "literal",
            Self::Name => "name",
            Self::Text => "text",
            Self::Resumed => "resumed",
        })
    }
}

/// A resolver with two lists of addresses: for names that begin with `stalled`, and for the others.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The addresses of all other names.
    pub prompt: [SocketAddr; 2],
    /// The addresses of the names that begin with `stalled`.
    pub stalled: [SocketAddr; 2],
}

impl Resolver for Listed {
    type Address = SocketAddr;
    type Error = Infallible;
    type Answers = Once<Answer<SocketAddr, Infallible>>;

    fn resolve(&self, query: &Query) -> Self::Answers {
        let host = query.target().host();
        let is_stalled = matches!(host, Host::Name(name) if name.ascii().starts_with("stalled"));
        let addrs = if is_stalled { self.stalled } else { self.prompt };
        stream::once(Answer::found(Record::Addresses, addrs))
    }
}

/// A runtime with every way to a TLS connection on it.
pub trait Secure: Side {
    /// A connection.
    type Secured: Send + 'static;
    /// A dialer with `Tls`.
    type Dialer: Clone + Send + Sync + 'static;
    /// What connects without us.
    type Own;

    /// A dialer with this configuration over these addresses.
    fn dialer(addrs: Listed, config: Arc<ClientConfig>) -> Self::Dialer;

    /// The dialer in a box.
    fn boxed(dialer: Self::Dialer) -> BoxDialer<Self::Secured>;

    /// Connects by the dialer.
    fn dial(
        dialer: &Self::Dialer,
        to: Target,
    ) -> impl Future<Output = Result<Self::Secured, BoxError>> + Send;

    /// Weighs dials by the adapter's own parts: over `TcpConnector`, by `Tls`, and by `Tls` in a
    /// box. Their server accepts and then stalls.
    ///
    /// # Errors
    ///
    /// The system's.
    fn weigh_dials(&self, heap: &Heap) -> Result<[Weight; 3], BoxError>;

    /// The library's own connector with this configuration.
    fn own(config: Arc<ClientConfig>) -> Self::Own;

    /// Connects by the runtime's own connect, then performs the handshake.
    fn connect_own(
        own: &Self::Own,
        to: &To,
    ) -> impl Future<Output = Result<Self::Secured, BoxError>>;

    /// The runtime's stream below, and the session.
    fn parts(stream: &Self::Secured) -> (&Self::Stream, &ClientConnection);

    /// The server's address.
    ///
    /// # Errors
    ///
    /// The system's.
    fn peer(stream: &Self::Secured) -> io::Result<SocketAddr>;

    /// Reads one byte.
    fn read_byte(stream: &mut Self::Secured) -> impl Future<Output = io::Result<u8>> + Send;

    /// Writes one byte at once.
    fn write_byte(
        stream: &mut Self::Secured,
        byte: u8,
    ) -> impl Future<Output = io::Result<()>> + Send;
}

/// Where the runtime's own connect goes.
#[derive(Clone, Debug)]
pub struct To {
    text: String,
    /// The addresses of a name. A literal is parsed by the runtime.
    addrs: Option<[SocketAddr; 2]>,
    host: String,
}

/// A client for every way, each with a configuration of its own.
pub struct Clients<S: Secure> {
    /// The place.
    pub kind: Kind,
    to: To,
    target: Target,
    own: S::Own,
    timed: S::Own,
    dialer: S::Dialer,
    boxed: BoxDialer<S::Secured>,
}

impl<S: Secure> Clients<S> {
    /// Makes them for one place.
    ///
    /// # Errors
    ///
    /// rustls's.
    pub fn new(server: &TlsServer, kind: Kind) -> Result<Self, BoxError> {
        let addrs = server.addrs(kind);
        let (host, port) = match kind {
            Kind::Name | Kind::Text => ("server.stagger.test".to_owned(), 443),
            Kind::Literal | Kind::Resumed => (addrs[0].ip().to_string(), addrs[0].port()),
        };
        let listed = matches!(kind, Kind::Name | Kind::Text).then_some(addrs);
        let dialer = || Ok::<_, BoxError>(S::dialer(Listed::of(addrs), server.client(kind)?));
        let text = format!("{host}:{port}");
        Ok(Self {
            kind,
            target: text.parse()?,
            to: To { text, addrs: listed, host },
            own: S::own(server.client(kind)?),
            timed: S::own(server.client(kind)?),
            dialer: dialer()?,
            boxed: S::boxed(dialer()?),
        })
    }

    /// Connects one way.
    ///
    /// # Errors
    ///
    /// Those of a connect or a handshake.
    pub async fn connect(&self, way: TlsWay) -> Result<S::Secured, BoxError> {
        match way {
            TlsWay::Own => S::connect_own(&self.own, &self.to).await,
            TlsWay::Timed => {
                let own = S::connect_own(&self.timed, &self.to);
                or(own, async {
                    let timer = S::Timer::default();
                    timer.sleep_until(timer.now() + Policy::TIMEOUT).await;
                    Err("a connect took too long".into())
                })
                .await
            }
            TlsWay::Dialer => S::dial(&self.dialer, self.target()?).await,
            TlsWay::Boxed => Ok(self.boxed.connect(self.target()?).await?),
        }
    }
}

impl<S: Secure> Clients<S> {
    fn target(&self) -> Result<Target, BoxError> {
        match self.kind {
            Kind::Name => Ok(self.target.clone()),
            Kind::Literal | Kind::Text | Kind::Resumed => Ok(self.to.text.parse()?),
        }
    }
}

impl Listed {
    /// The same addresses for every name.
    pub(crate) fn of(addrs: [SocketAddr; 2]) -> Self {
        Self { prompt: addrs, stalled: addrs }
    }
}

macro_rules! secure {
    ($side:ty, $adapter:ident, $module:ident, $library:ident, $stream:ty) => {
        impl Secure for $side {
            type Secured = $library::client::TlsStream<$stream>;
            type Dialer =
                $adapter::Dialer<Listed, stagger_tls::$module::Tls<$adapter::TcpConnector>>;
            type Own = $library::TlsConnector;

            fn dialer(addrs: Listed, config: Arc<ClientConfig>) -> Self::Dialer {
                let dialer = $adapter::dialer().with_resolver(addrs);
                let connector = dialer.connector().clone();
                dialer.with_connector(stagger_tls::$module::Tls::new(connector, config))
            }

            fn boxed(dialer: Self::Dialer) -> BoxDialer<Self::Secured> {
                dialer.boxed()
            }

            async fn dial(dialer: &Self::Dialer, to: Target) -> Result<Self::Secured, BoxError> {
                Ok(dialer.connect(to).await?)
            }

            fn weigh_dials(&self, heap: &Heap) -> Result<[Weight; 3], BoxError> {
                let scale = Scale::new(heap)?;
                let tcp = $adapter::dialer();
                let connector = tcp.connector().clone();
                let config = Authority::new()?.client()?;
                let connector = stagger_tls::$module::Tls::new(connector, config);
                let dialer = tcp.clone().with_connector(connector);
                let boxed = dialer.clone().boxed();
                // The first dial has the runtime make what it makes once.
                self.run(scale.weigh_handshake(|to| dialer.connect(to)))?;
                Ok([
                    scale.weigh_new(|to| tcp.connect(to)),
                    self.run(scale.weigh_handshake(|to| dialer.connect(to)))?,
                    self.run(scale.weigh_handshake(|to| boxed.connect(to)))?,
                ])
            }

            fn own(config: Arc<ClientConfig>) -> Self::Own {
                config.into()
            }

            async fn connect_own(own: &Self::Own, to: &To) -> Result<Self::Secured, BoxError> {
                let stream = match &to.addrs {
                    None => <$stream>::connect(to.text.as_str()).await?,
                    Some(addrs) => <$stream>::connect(&addrs[..]).await?,
                };
                let name = ServerName::try_from(to.host.as_str())?.to_owned();
                Ok(own.connect(name, stream).await?)
            }

            fn parts(stream: &Self::Secured) -> (&Self::Stream, &ClientConnection) {
                stream.get_ref()
            }

            fn peer(stream: &Self::Secured) -> io::Result<SocketAddr> {
                stream.get_ref().0.peer_addr()
            }

            async fn read_byte(stream: &mut Self::Secured) -> io::Result<u8> {
                let mut byte = [0];
                stream.read_exact(&mut byte).await?;
                Ok(byte[0])
            }

            async fn write_byte(stream: &mut Self::Secured, byte: u8) -> io::Result<()> {
                stream.write_all(&[byte]).await?;
                stream.flush().await
            }
        }
    };
}

secure!(Tokio, stagger_tokio, tokio, tokio_rustls, tokio::net::TcpStream);
secure!(Smol, stagger_smol, futures, futures_rustls, async_net::TcpStream);
