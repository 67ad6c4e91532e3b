//! Accepting from several listening sockets of one kind, on any runtime.

use std::io;
use std::task::{Context, Poll, ready};

use socket2::{SockAddr, SockRef, Socket};
use stagger::Timer;

use super::error::{AcceptError, AcceptErrorKind};
use super::pause::Pause;
use crate::socket::in_step;
use crate::{Interest, Register};

/// After how many connections of the others a socket that had none is asked again, while they have
/// some: 64. To ask in vain takes Linux more than half as long as to accept, for it makes a file first:
/// asked each time, a family that nobody uses would cost the other that much. Whoever connects in
/// between waits for so many accepts at the most, some 0.3 ms. The number is ours.
const REST: u8 = 64;

/// A kind of listening socket.
pub(super) trait Kind {
    /// The type of `std` that owns a listening socket.
    type Listening: From<Socket>;
    /// The type of `std` that owns an accepted one.
    type Accepted: From<Socket>;
    /// Where one listens.
    type Address;
    /// Who has connected.
    type Peer;

    fn address(addr: SockAddr) -> io::Result<Self::Address>;

    fn peer(addr: &SockAddr) -> Self::Peer;
}

/// One or more listening sockets, from which connections are accepted in turn.
pub(super) struct Sockets<K: Kind, R: Register<K::Listening>, T: Timer> {
    register: R,
    sockets: Box<[R::Socket]>,
    addrs: Box<[K::Address]>,
    /// The socket to ask first.
    next: usize,
    /// For each, how many more connections of the others it need not be asked.
    rests: Box<[u8]>,
    pause: Pause<T>,
}

impl<K: Kind, R: Register<K::Listening>, T: Timer> Sockets<K, R, T> {
    /// Puts listening sockets into the reactor's care.
    ///
    /// # Errors
    ///
    /// The system's or the reactor's, with the name of the step. All are closed then.
    pub(super) fn new(register: R, timer: T, listening: Vec<Socket>) -> io::Result<Self> {
        let mut sockets = Vec::with_capacity(listening.len());
        let mut addrs = Vec::with_capacity(listening.len());
        for socket in listening {
            socket.set_nonblocking(true).map_err(in_step("make the socket non-blocking"))?;
            let addr = socket.local_addr().map_err(in_step("read the local address"))?;
            addrs.push(K::address(addr)?);
            let registered = register.register(socket.into());
            sockets.push(registered.map_err(in_step("register the socket"))?);
        }
        let rests = vec![0; sockets.len()].into();
        let (sockets, addrs) = (sockets.into(), addrs.into());
        Ok(Self { register, sockets, addrs, next: 0, rests, pause: Pause::new(timer) })
    }

    pub(super) fn addrs(&self) -> &[K::Address] {
        &self.addrs
    }

    pub(super) fn sockets(&self) -> impl Iterator<Item = SockRef<'_>> {
        self.sockets.iter().map(SockRef::from)
    }
}

impl<K, R, T> Sockets<K, R, T>
where
    K: Kind,
    R: Register<K::Listening> + Register<K::Accepted>,
    T: Timer,
{
    pub(super) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<K, R>> {
        ready!(self.pause.poll(cx));
        let outcome = ready!(self.poll_sockets(cx)).and_then(|(socket, peer)| {
            Ok((Register::<K::Accepted>::adopt(&self.register, socket.into())?, K::peer(&peer)))
        });
        Poll::Ready(match outcome {
            Ok(accepted) => {
                self.pause.reset();
                Ok(accepted)
            }
            Err(error) => {
                let error = AcceptError::new(error);
                Err(match error.kind() {
                    AcceptErrorKind::Connection => error,
                    // Asked again at once it would only fail again, for as long as whatever it
                    // wants is wanting.
                    _ => error.with_pause(self.pause.begin()),
                })
            }
        })
    }

    /// Asks the sockets in turn, beginning after the one that had a connection last, so that none
    /// keeps another waiting. One that had none lately rests, but all are asked before it waits.
    fn poll_sockets(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Socket, SockAddr)>> {
        let (first, count) = (self.next, self.sockets.len());
        for index in (first..count).chain(0..first) {
            if self.rests[index] > 0 {
                self.rests[index] -= 1;
            } else if let Poll::Ready(outcome) = self.poll_socket(index, cx) {
                return Poll::Ready(outcome);
            }
        }
        // Those that were asked have the whole of their rest before them.
        for index in (first..count).chain(0..first) {
            if self.rests[index] < REST {
                if let Poll::Ready(outcome) = self.poll_socket(index, cx) {
                    return Poll::Ready(outcome);
                }
            }
        }
        Poll::Pending
    }

    fn poll_socket(
        &mut self,
        index: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Socket, SockAddr)>> {
        let socket = &self.sockets[index];
        let accept = || accept(&SockRef::from(socket));
        let interest = Interest::Readable;
        let polled =
            Register::<K::Listening>::poll_io(&self.register, socket, interest, cx, accept);
        self.rests[index] = if polled.is_ready() { 0 } else { REST };
        if polled.is_ready() {
            self.next = (index + 1) % self.sockets.len();
        }
        polled
    }
}

/// The runtime's own stream with its far end, or why there is none.
type Outcome<K, R> =
    Result<(<R as Register<<K as Kind>::Accepted>>::Stream, <K as Kind>::Peer), AcceptError>;

/// Accepts a connection as a non-blocking socket that no child process gets.
fn accept(socket: &Socket) -> io::Result<(Socket, SockAddr)> {
    loop {
        match accept_once(socket) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(any(
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "linux",
    target_os = "netbsd",
    target_os = "openbsd"
))]
fn accept_once(socket: &Socket) -> io::Result<(Socket, SockAddr)> {
    socket.accept4(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC)
}

#[cfg(not(any(
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "linux",
    target_os = "netbsd",
    target_os = "openbsd"
)))]
fn accept_once(socket: &Socket) -> io::Result<(Socket, SockAddr)> {
    let (socket, addr) = socket.accept()?;
    socket.set_nonblocking(true)?;
    Ok((socket, addr))
}

#[cfg(all(test, unix))]
mod tests;
