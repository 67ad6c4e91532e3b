//! The way to name servers.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use futures_core::Stream;
use stagger_net::ReactorMark;

/// The most bytes of a datagram that are received: 4096. What a [`Network`] cuts off beyond is not
/// missed: servers are asked for 1232 at the most, and 4096 is what many are set up to send, asked
/// or not (RFC 6891 §6.2.5).
pub const MAX_DATAGRAM: usize = 4096;

/// Carries one DNS message to a name server and brings back what it says: a runtime's sockets, or
/// a script.
///
/// Neither method does any work; what they make does, when it is polled, and never blocks. Messages
/// are whole DNS messages, without the length that TCP puts in front. Nothing here looks into them:
/// what comes back may be anything, and the resolver checks it.
///
/// Timeouts are the resolver's as well. Dropping what was made ends it, and closes its socket.
pub trait Network {
    /// The datagrams that come back.
    type Datagrams: Stream<Item = io::Result<Vec<u8>>>;
    /// The one reply over TCP.
    type Reply: Future<Output = io::Result<Vec<u8>>>;

    /// Sends `message` to `server` in one datagram and yields each that comes back, until it is
    /// dropped.
    ///
    /// The socket is made for this message alone, is bound to a port that nobody can guess, and is
    /// connected to the server, so that only what comes from that very address and port is
    /// received, and an ICMP error is too (RFC 5452 §9.2). Of a datagram beyond [`MAX_DATAGRAM`] the
    /// rest may be cut off.
    ///
    /// # Errors
    ///
    /// The system's, as items. The first one ends the conversation with this server.
    fn datagrams(&self, server: SocketAddr, message: Vec<u8>) -> Self::Datagrams;

    /// Connects to `server` over TCP, sends `message` after its length in two bytes, and reads
    /// one reply of the length that stands before it (RFC 1035 §4.2.2): at most 65 535 bytes.
    ///
    /// # Errors
    ///
    /// The system's; and [`io::ErrorKind::UnexpectedEof`] if the connection ends before the reply
    /// does.
    fn reply(&self, server: SocketAddr, message: Vec<u8>) -> Self::Reply;

    /// Marks the reactor on which the sockets of a message would live that is sent now.
    ///
    /// A resolver shares lookups between its clones, but only where their mark is current. The
    /// default is right where all sockets have the same reactor, as on smol, and where there are no
    /// sockets.
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

            fn reactor(&self) -> ReactorMark {
                (**self).reactor()
            }
        }
    )*};
}

forward!(&N, Box<N>, Rc<N>, Arc<N>);
