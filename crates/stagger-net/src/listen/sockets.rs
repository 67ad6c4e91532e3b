//! Accepts from several listening sockets of one kind, on any runtime.

use std::io;
#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd as _};
use std::task::{Context, Poll, ready};

use socket2::{SockRef, Socket};
use stagger::Timer;

use super::accept::{Accept, Kind, ListenSocket};
use super::error::{AcceptError, AcceptErrorKind};
use super::pause::Pause;
use crate::socket::{NON_BLOCKING, in_step};

/// How many turns a socket without a connection is skipped while other sockets have
/// connections: 16.
///
/// On Linux a failed accept costs more than half as much as a successful one, because it makes a
/// file first. A check of the socket costs a tenth of that. Without the rest, an unused family
/// would add that cost to each accept of the other family. A client that connects in between waits
/// for 16 accepts of each other socket, about 0.1 ms. The number is ours.
const REST: u8 = 16;

/// In place of a rest: an accept at this socket has just failed. The next turn replaces this with a
/// rest.
const ASKED: u8 = REST + 1;

/// In place of a rest: an accept at this socket has just failed, and yet a connection waits there.
/// Either the reactor does not know of the connection yet, or another listener has taken it. The
/// socket is checked again at its next turn.
const LATE: u8 = REST + 2;

/// The runtime's own stream with the address of its peer, or the error.
type Outcome<L, R, E> = Result<(<R as Accept<L>>::Stream, <L as ListenSocket>::Peer), E>;

/// One or more listening sockets, from which connections are accepted in turn.
pub(super) struct Sockets<L: Kind, R: Accept<L>, T: Timer> {
    reactor: R,
    sockets: Box<[R::Listener]>,
    addrs: Box<[L::Address]>,
    /// The socket to try first.
    next: usize,
    /// For each socket, after how many turns it is checked. 0 means that it is tried without a
    /// check, because its last accept succeeded. Or [`ASKED`], or [`LATE`].
    rests: Box<[u8]>,
    pause: Pause<T>,
}

impl<L: Kind, R: Accept<L>, T: Timer> Sockets<L, R, T> {
    /// Registers listening sockets, at least one, with the reactor.
    ///
    /// # Errors
    ///
    /// The error of the system or the reactor, with the name of the step. All sockets are closed
    /// then.
    pub(super) fn new(reactor: R, timer: T, listening: Vec<Socket>) -> io::Result<Self> {
        let mut sockets = Vec::with_capacity(listening.len());
        let mut addrs = Vec::with_capacity(listening.len());
        for socket in listening {
            socket.set_nonblocking(true).map_err(in_step(NON_BLOCKING))?;
            let addr = socket.local_addr().map_err(in_step("read the local address"))?;
            addrs.push(L::address(&addr)?);
            let registered = reactor.adopt(socket.into());
            sockets.push(registered.map_err(in_step("register the socket"))?);
        }
        let rests = vec![0; sockets.len()].into();
        let (sockets, addrs) = (sockets.into(), addrs.into());
        Ok(Self { reactor, sockets, addrs, next: 0, rests, pause: Pause::new(timer) })
    }

    pub(super) fn addrs(&self) -> &[L::Address] {
        &self.addrs
    }

    pub(super) fn sockets(&self) -> impl Iterator<Item = SockRef<'_>> {
        self.sockets.iter().map(SockRef::from)
    }

    pub(super) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<L, R, AcceptError>> {
        ready!(self.pause.poll(cx));
        ready!(self.reactor.poll_proceed(cx));
        match ready!(self.poll_sockets(cx)) {
            Ok(accepted) => {
                self.pause.reset();
                Poll::Ready(Ok(accepted))
            }
            Err(error) => Poll::Ready(Err(self.fail(error))),
        }
    }

    /// Begins the pause that an error needs.
    #[cold]
    fn fail(&mut self, error: io::Error) -> AcceptError {
        let error = AcceptError::new(error);
        match error.kind() {
            AcceptErrorKind::Connection => error,
            // Another try would fail at once, until the shortage is over.
            _ => error.with_pause(self.pause.begin()),
        }
    }

    /// Tries the sockets in turn, and starts after the last socket that had a connection. So no
    /// socket blocks another. A socket without a recent connection is skipped for some turns, and
    /// is then tried only if a check finds a connection. Before this method waits, it tries all
    /// sockets.
    fn poll_sockets(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<L, R, io::Error>> {
        let first = self.next;
        let mut index = first;
        loop {
            let rest = self.rests[index];
            let is_looked_at = rest == 1 || rest == LATE;
            if rest == 0 || is_looked_at && has_waiting(&self.sockets[index]) {
                if let Poll::Ready(outcome) = self.poll_socket(index, cx) {
                    return Poll::Ready(outcome);
                }
                if is_looked_at {
                    self.rests[index] = LATE;
                }
            } else {
                self.rests[index] = if is_looked_at { REST } else { rest - 1 };
            }
            index = self.after(index);
            if index == first {
                return self.poll_rested(cx);
            }
        }
    }

    /// Tries the remaining sockets, because the others have no connection.
    fn poll_rested(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<L, R, io::Error>> {
        let mut index = self.next;
        for _ in 0..self.sockets.len() {
            if self.rests[index] < ASKED {
                if let Poll::Ready(outcome) = self.poll_socket(index, cx) {
                    return Poll::Ready(outcome);
                }
            }
            index = self.after(index);
        }
        // Any of them may wake this task. If there are several, all are checked.
        self.rests.fill(u8::from(self.sockets.len() > 1));
        Poll::Pending
    }

    #[inline]
    fn poll_socket(
        &mut self,
        index: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Outcome<L, R, io::Error>> {
        let polled = self.reactor.poll_accept(&self.sockets[index], cx);
        if polled.is_ready() {
            self.rests[index] = 0;
            self.next = self.after(index);
        } else {
            self.rests[index] = ASKED;
        }
        polled
    }

    /// Returns the index of the socket whose turn is next.
    fn after(&self, index: usize) -> usize {
        if index + 1 == self.sockets.len() { 0 } else { index + 1 }
    }
}

/// Whether a connection waits on a listening socket, or an error that an accept would return.
#[cfg(unix)]
fn has_waiting(socket: &impl AsFd) -> bool {
    let fd = socket.as_fd().as_raw_fd();
    let mut looked_at = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: the array has one element, and the descriptor is open while it is borrowed.
    let found = unsafe { libc::poll(&mut looked_at, 1, 0) };
    found != 0
}

/// A connection may be waiting.
#[cfg(not(unix))]
fn has_waiting<S>(_: &S) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests;
