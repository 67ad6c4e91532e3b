//! One message over UDP.

use std::fmt;
use std::io::{self, Read as _};
use std::mem;
use std::net::{SocketAddr, UdpSocket};
#[cfg(unix)]
use std::os::fd::AsFd as AsSocket;
#[cfg(windows)]
use std::os::windows::io::AsSocket;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use stagger::sort::Unusable;
use stagger_net::Register;
use stagger_net::reactor::Interest;
use stagger_net::udp::IcmpError;

use super::send::send;
use crate::network::seam::MAX_DATAGRAM;

/// The stream of the datagrams that come back for one message of [`Sockets`](crate::Sockets).
///
/// # Panics
///
/// Polling it outside its runtime may panic, as the docs of the adapter say.
///
/// # Cancel safety
///
/// Dropping it closes the socket.
#[must_use = "streams do nothing unless polled"]
pub struct Datagrams<R: Register<UdpSocket>> {
    register: R,
    stage: Stage<R::Socket>,
}

enum Stage<S> {
    Idle { server: SocketAddr, message: Vec<u8> },
    Sending { socket: S, message: Vec<u8> },
    Listening(S),
    Ended,
}

/// No field is pinned.
impl<R: Register<UdpSocket>> Unpin for Datagrams<R> {}

impl<R: Register<UdpSocket>> Datagrams<R> {
    pub(super) fn new(register: R, server: SocketAddr, message: Vec<u8>) -> Self {
        Self { register, stage: Stage::Idle { server, message } }
    }
}

/// Opens a socket that only receives from this server, and ICMP errors about messages to it. The
/// system chooses its port.
fn open(server: SocketAddr) -> io::Result<UdpSocket> {
    Unusable::check_zone(&server)?;
    let socket = Socket::new(Domain::for_address(server), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    IcmpError::enable(&socket)?;
    socket.connect(&server.into())?;
    Ok(socket.into())
}

impl<R: Register<UdpSocket>> Stream for Datagrams<R> {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            // Taken out first, so that a failure or a panic closes the socket.
            match mem::replace(&mut this.stage, Stage::Ended) {
                Stage::Idle { server, message } => {
                    match open(server).and_then(|socket| this.register.register(socket)) {
                        Ok(socket) => this.stage = Stage::Sending { socket, message },
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    }
                }
                Stage::Sending { socket, message } => {
                    let operation = || send(&SockRef::from(&socket), &message);
                    match this.register.poll_io(&socket, Interest::Writable, cx, operation) {
                        Poll::Ready(Ok(_)) => this.stage = Stage::Listening(socket),
                        Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                        Poll::Pending => {
                            this.stage = Stage::Sending { socket, message };
                            return Poll::Pending;
                        }
                    }
                }
                Stage::Listening(socket) => {
                    let operation = || receive(&socket);
                    let polled = this.register.poll_io(&socket, Interest::Readable, cx, operation);
                    if !matches!(polled, Poll::Ready(Err(_))) {
                        this.stage = Stage::Listening(socket);
                    }
                    return polled.map(Some);
                }
                Stage::Ended => return Poll::Ready(None),
            }
        }
    }
}

/// Returns the next datagram, or the ICMP error that was reported.
///
/// The next read of a connected socket returns the error. The queue of errors has the details. It
/// is dropped with the socket, which is closed after any error.
fn receive(socket: &impl AsSocket) -> io::Result<Vec<u8>> {
    let mut buffer = [0; MAX_DATAGRAM];
    match (&*SockRef::from(socket)).read(&mut buffer) {
        Ok(length) => Ok(buffer[..length].to_vec()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(error),
        Err(error) => match IcmpError::take(socket)?.into_iter().next() {
            Some(report) => Err(report.into()),
            None => Err(error),
        },
    }
}

impl<R: Register<UdpSocket>> fmt::Debug for Datagrams<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Idle { .. } => "idle",
            Stage::Sending { .. } => "sending",
            Stage::Listening(_) => "listening",
            Stage::Ended => "ended",
        };
        write!(f, "Datagrams({stage})")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn every_question_has_a_port_that_is_drawn_by_lot() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = server.local_addr().unwrap();
        // All sockets are open at once, so their ports differ. The test is about the order of the
        // ports.
        let sockets: Vec<_> = (0..100).map(|_| open(server).unwrap()).collect();
        let ports = sockets.iter().map(|socket| i32::from(socket.local_addr().unwrap().port()));
        let ports: Vec<_> = ports.collect();
        let steps: HashSet<_> = ports.windows(2).map(|pair| pair[1] - pair[0]).collect();
        // A system that counts up has few different steps. Of 99 random steps nearly all differ.
        assert!(steps.len() > 80, "{ports:?}");
    }

    #[test]
    fn a_server_s_zone_is_kept() {
        // There is no such interface. The error proves that the system got the zone.
        let server: SocketAddr = "[fe80::1%4000000000]:53".parse().unwrap();
        assert!(open(server).is_err());
        assert_eq!(socket2::SockAddr::from(server).as_socket(), Some(server));
    }

    #[test]
    fn a_link_local_server_needs_a_zone() {
        let error = open("[fe80::1]:53".parse().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), Unusable::MissingZone.to_string());
    }
}
