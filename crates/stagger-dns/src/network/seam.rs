//! The seam to name servers.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use futures_core::Stream;
use stagger_net::reactor::ReactorMark;

/// The size to which a [`Network`] may cut a datagram: 4096 bytes.
///
/// No useful bytes are lost. The resolver allows servers at most 1232 bytes. Many servers are
/// configured to send up to 4096 bytes (RFC 6891 §6.2.5).
pub const MAX_DATAGRAM: usize = 4096;

/// Carries one DNS message to a name server and brings back the replies.
///
/// [`Sockets`](crate::Sockets) implements it for the sockets of a runtime. A test can implement it
/// as a script.
///
/// - The methods do no work. The streams and futures that they return work when they are polled,
///   and never block.
/// - A message is a whole DNS message, without the length that TCP puts before it.
/// - A network does not look into messages. The resolver checks everything that comes back.
/// - The resolver has the timeouts. Dropping a stream or future ends the exchange and closes its
///   socket.
///
/// # Examples
///
/// A network on which every server is unreachable:
///
/// ```
/// use std::{future, io, net::SocketAddr};
/// use futures_lite::{StreamExt as _, stream};
/// use stagger::error::LookupErrorKind;
/// use stagger::resolve::Query;
/// use stagger::{Resolver as _, Target};
/// use stagger_dns::{Config, DnsResolver, Network};
///
/// struct Unplugged;
///
/// fn unreachable() -> io::Result<Vec<u8>> {
///     Err(io::ErrorKind::NetworkUnreachable.into())
/// }
///
/// impl Network for Unplugged {
///     type Datagrams = stream::Once<io::Result<Vec<u8>>>;
///     type Reply = future::Ready<io::Result<Vec<u8>>>;
///
///     fn datagrams(&self, _: SocketAddr, _: Vec<u8>) -> Self::Datagrams {
///         stream::once(unreachable())
///     }
///
///     fn reply(&self, _: SocketAddr, _: Vec<u8>) -> Self::Reply {
///         future::ready(unreachable())
///     }
/// }
///
/// let clock = stagger_testkit::Clock::new();
/// let resolver = DnsResolver::new(Config::new(), Unplugged, clock.clone());
/// let query = Query::new(Target::parse("www.example.com:443")?);
/// let answer = clock.run(resolver.resolve(&query).next()).unwrap();
/// assert_eq!(answer.error().unwrap().kind(), LookupErrorKind::Temporary);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub trait Network {
    /// The datagrams that come back.
    type Datagrams: Stream<Item = io::Result<Vec<u8>>>;
    /// The one reply over TCP.
    type Reply: Future<Output = io::Result<Vec<u8>>>;

    /// Sends `message` to `server` in one datagram, and yields every datagram that comes back until
    /// the stream is dropped.
    ///
    /// - The socket is only for this message, and its port can not be guessed
    ///   (RFC 5452 §9.2).
    /// - The socket is connected to the server. It receives only datagrams from that address and
    ///   port, and ICMP errors.
    /// - A datagram longer than [`MAX_DATAGRAM`] may be cut to that
    ///   size.
    ///
    /// # Errors
    ///
    /// The system's errors are items. The first error ends the exchange with this server.
    fn datagrams(&self, server: SocketAddr, message: Vec<u8>) -> Self::Datagrams;

    /// Connects to `server` over TCP, sends `message`, and reads one reply.
    ///
    /// Both messages have their length before them, in two bytes (RFC 1035 §4.2.2). A reply has at
    /// most 65 535 bytes.
    ///
    /// # Errors
    ///
    /// The error is that of the system. It is [`io::ErrorKind::UnexpectedEof`] if the connection
    /// ends before the reply does.
    fn reply(&self, server: SocketAddr, message: Vec<u8>) -> Self::Reply;

    /// Returns the address of this machine from which messages to `server` would leave now.
    ///
    /// It is `None` if the address is not known, or if there is no route. The default is `None`.
    /// The resolver forgets remembered failures of servers when the address changes
    /// ([`ServerPolicy`](crate::ServerPolicy)).
    fn source_address(&self, server: SocketAddr) -> Option<IpAddr> {
        let _ = server;
        None
    }

    /// Marks the reactor that would have the sockets of a message sent now.
    ///
    /// The clones of a resolver share a lookup in flight only where its mark is current. The
    /// default is for processes with one reactor, as with smol, and for networks without sockets.
    fn reactor(&self) -> ReactorMark {
        ReactorMark::process()
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<N: Network + ?Sized> Network for $pointer {
            type Datagrams = N::Datagrams;
            type Reply = N::Reply;

            fn datagrams(&self, server: SocketAddr, message: Vec<u8>) -> Self::Datagrams {
                (**self).datagrams(server, message)
            }

            fn reply(&self, server: SocketAddr, message: Vec<u8>) -> Self::Reply {
                (**self).reply(server, message)
            }

            fn source_address(&self, server: SocketAddr) -> Option<IpAddr> {
                (**self).source_address(server)
            }

            fn reactor(&self) -> ReactorMark {
                (**self).reactor()
            }
        }
    )*};
}

forward!(&N, Box<N>, Rc<N>, Arc<N>);
