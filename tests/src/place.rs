//! Places to connect to, all on this machine: one that answers, one that refuses, one that is
//! silent.

use std::io::{Read as _, Write as _};
use std::iter;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use socket2::{Domain, Socket, Type};

use crate::{skip, table};

/// The IPv4 address that most places have.
pub const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The IPv6 address that all places have; see [`has_ipv6`].
pub const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Whether this machine has `::1`. If not, the test is [skipped](skip::skip).
pub fn has_ipv6() -> bool {
    let found = TcpListener::bind((V6, 0));
    found.map_err(|error| skip::skip(&format!("no [::1] on this machine: {error}"))).is_ok()
}

/// Listens, and so answers, whether or not anybody accepts.
#[derive(Debug)]
pub struct Healthy(TcpListener);

impl Healthy {
    /// On a port that the system chooses.
    pub fn new(ip: IpAddr) -> Self {
        Self::at(SocketAddr::new(ip, 0))
    }

    /// At this very address.
    ///
    /// # Panics
    ///
    /// If it can't be had.
    pub fn at(addr: SocketAddr) -> Self {
        Self(TcpListener::bind(addr).unwrap_or_else(|error| panic!("{addr}: {error}")))
    }

    /// Where it is.
    pub fn addr(&self) -> SocketAddr {
        self.0.local_addr().expect("a listener has an address")
    }

    /// The near end of the next connection, as it is seen from here. Blocks until there is one.
    pub fn accept(&self) -> (TcpStream, SocketAddr) {
        self.0.accept().expect("a connection is accepted")
    }

    /// On a thread: takes the connection from `peer`, reads the request, answers, and closes.
    pub fn serve(
        self,
        peer: SocketAddr,
        request: &'static [u8],
        answer: &'static [u8],
    ) -> JoinHandle<()> {
        thread::spawn(move || {
            let mut accepted = iter::repeat_with(|| self.accept());
            let (mut stream, _) = accepted.find(|(_, from)| *from == peer).expect("it repeats");
            let mut read = vec![0; request.len()];
            stream.read_exact(&mut read).expect("the request comes");
            assert_eq!(read, request);
            stream.write_all(answer).expect("the answer is sent");
        })
    }
}

/// Holds a port and does not listen on it, so that nobody else can and all are refused.
#[derive(Debug)]
pub struct Refusing(Socket);

impl Refusing {
    /// On a port that the system chooses.
    pub fn new(ip: IpAddr) -> Self {
        Self(bound(ip))
    }

    /// Where it is.
    pub fn addr(&self) -> SocketAddr {
        local_addr(&self.0)
    }
}

/// A black hole: a listener whose queue is full, so that a SYN to it gets no answer (listen(2)).
#[derive(Debug)]
pub struct Silent {
    listener: Socket,
    _filling: Vec<TcpStream>,
}

impl Silent {
    /// The backlog, for which the kernel queues one connection more. With 0 the very first would
    /// depend on SYN cookies.
    const BACKLOG: u32 = 1;

    /// On a port that the system chooses.
    ///
    /// # Panics
    ///
    /// If the queue can't be filled.
    pub fn new(ip: IpAddr) -> Self {
        let listener = bound(ip);
        let backlog = i32::try_from(Self::BACKLOG).expect("a small number");
        listener.listen(backlog).expect("a bound socket listens");
        let addr = local_addr(&listener);
        let fill = |queued| {
            let stream = TcpStream::connect(addr).expect("the queue has room");
            // This end may be connected before the other has queued it.
            while table::accept_queue(addr) < queued {
                thread::yield_now();
            }
            stream
        };
        let _filling = (1..=Self::BACKLOG + 1).map(fill).collect();
        Self { listener, _filling }
    }

    /// Where it is.
    pub fn addr(&self) -> SocketAddr {
        local_addr(&self.listener)
    }

    /// How many sockets are still trying to connect to it.
    ///
    /// A process that another test starts holds copies of all descriptors until its program runs,
    /// and so keeps a socket that was closed here. A test that wants none must be
    /// [alone](crate::process::alone).
    pub fn connecting(&self) -> usize {
        table::connecting_to(self.addr())
    }
}

fn bound(ip: IpAddr) -> Socket {
    let addr = SocketAddr::new(ip, 0);
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None).expect("a socket");
    socket.bind(&addr.into()).expect("an address of this machine");
    socket
}

fn local_addr(socket: &Socket) -> SocketAddr {
    let addr = socket.local_addr().expect("a bound socket has an address");
    addr.as_socket().expect("it is an IP address")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_refusing_place_refuses() {
        let place = Refusing::new(V4);
        let error = TcpStream::connect(place.addr()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_silent_place_leaves_a_connect_pending_and_shows_it() {
        for ip in [V4, V6].into_iter().filter(|ip| ip.is_ipv4() || has_ipv6()) {
            let place = Silent::new(ip);
            assert_eq!(place.connecting(), 0);
            let socket = Socket::new(Domain::for_address(place.addr()), Type::STREAM, None);
            let socket = socket.unwrap();
            socket.set_nonblocking(true).unwrap();
            assert!(socket.connect(&place.addr().into()).is_err());
            assert_eq!(place.connecting(), 1);
            drop(socket);
            assert_eq!(place.connecting(), 0);
        }
    }
}
