//! How messages reach name servers.
//!
//! [`Network`](crate::Network) is the seam, and [`Sockets`](crate::Sockets) implements it for the
//! sockets of any runtime. This module has the stream and the future of `Sockets`, and the limit on
//! datagrams.

pub(crate) mod seam;
mod send;
pub(crate) mod sockets;
pub(crate) mod tcp;
mod udp;

pub use self::seam::MAX_DATAGRAM;
pub use self::tcp::TcpReply;
pub use self::udp::Datagrams;
