//! Accepting from several listening sockets of one kind, on any runtime.

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

/// How many turns a socket that had no connection sits out, while others have some, before it is
/// looked at: 16. Accepting in vain takes Linux more than half as long as accepting, for it makes a
/// file first, and a look takes a tenth of that: at every turn, a family that nobody uses would cost the
/// other as much. Whoever connects in between waits for so many accepts of each of the others, some
/// 0.1 ms. The number is ours.
const REST: u8 = 16;

/// In the place of a rest: the socket has just been asked in vain. The first turn of its rest makes a
/// rest of it.
const ASKED: u8 = REST + 1;

/// In the place of a rest: the socket has just been asked in vain, and yet a connection waits there.
/// The reactor does not know of it yet, or somebody else who listens there has taken it. It is looked
/// at again at its next turn.
const LATE: u8 = REST + 2;

/// The runtime's own stream with its far end, or why there is none.
type Outcome<L, R, E> = Result<(<R as Accept<L>>::Stream, <L as ListenSocket>::Peer), E>;

/// One or more listening sockets, from which connections are accepted in turn.
pub(super) struct Sockets<L: Kind, R: Accept<L>, T: Timer> {
    reactor: R,
    sockets: Box<[R::Listener]>,
    addrs: Box<[L::Address]>,
    /// The socket to ask first.
    next: usize,
    /// For each, in how many turns it is looked at. 0 if it needs no look to be asked, for it had a
    /// connection when it was asked last. Or [`ASKED`], or [`LATE`].
    rests: Box<[u8]>,
    pause: Pause<T>,
}

impl<L: Kind, R: Accept<L>, T: Timer> Sockets<L, R, T> {
    /// Puts listening sockets, one at the least, into the reactor's care.
    ///
    /// # Errors
    ///
    /// The system's or the reactor's, with the name of the step. All are closed then.
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

    /// Begins the pause that an error asks for.
    #[cold]
    fn fail(&mut self, error: io::Error) -> AcceptError {
        let error = AcceptError::new(error);
        match error.kind() {
            AcceptErrorKind::Connection => error,
            // Asked again at once it would only fail again, for as long as whatever it wants is
            // wanting.
            _ => error.with_pause(self.pause.begin()),
        }
    }

    /// Asks the sockets in turn, beginning after the one that had a connection last, so that none
    /// keeps another waiting. One that had none lately sits turns out, and is asked only if it has one
    /// when it is looked at; but all are asked before it waits.
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

    /// Asks those that have not been asked yet, for the others have nothing.
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
        // Which of them will wake it is not known: all are looked at, if there are several.
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

    /// The one whose turn comes after this one's.
    fn after(&self, index: usize) -> usize {
        if index + 1 == self.sockets.len() { 0 } else { index + 1 }
    }
}

/// Whether a connection waits on a listening socket, or an error that accepting would tell.
#[cfg(unix)]
fn has_waiting(socket: &impl AsFd) -> bool {
    let fd = socket.as_fd().as_raw_fd();
    let mut looked_at = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: it is one of one, and the descriptor is open as long as it is borrowed.
    let found = unsafe { libc::poll(&mut looked_at, 1, 0) };
    found != 0
}

/// It may be so.
#[cfg(not(unix))]
fn has_waiting<S>(_: &S) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests;
