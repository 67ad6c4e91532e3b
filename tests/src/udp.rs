//! Functions that every test of datagrams uses.

use std::io;

use stagger_net::UdpSocket;
use stagger_net::tcp::LiteralError;
use stagger_net::udp::{Datagram, UdpAddrError};

use crate::{Adapter, Runtime};

/// The `UdpSocket` of the adapter for the runtime `R`.
pub type UdpSocketOf<R> = UdpSocket<<<R as Runtime>::Adapter as Adapter>::Reactor>;

/// One datagram, whole, and its bytes.
///
/// # Panics
///
/// If it can't be received, or is of more than 2048 bytes.
pub async fn received<R: Runtime>(socket: &UdpSocketOf<R>) -> (Datagram, Vec<u8>) {
    let mut buffer = [0; 2048];
    let datagram = socket.recv_from(&mut buffer).await.expect("a datagram comes");
    assert!(!datagram.truncated, "{datagram:?}");
    (datagram, buffer[..datagram.length].to_vec())
}

/// What is wrong with an address for this socket.
///
/// # Panics
///
/// If the error is another one.
pub fn udp_fault(error: io::Error) -> UdpAddrError {
    fault(error)
}

/// What is wrong with the text of an address.
///
/// # Panics
///
/// If the error is another one.
pub fn literal_fault(error: io::Error) -> LiteralError {
    fault(error)
}

fn fault<T: std::error::Error + Send + Sync + 'static>(error: io::Error) -> T {
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
    let inner = error.into_inner().expect("an error of ours");
    *inner.downcast().expect("a fault of an address")
}
