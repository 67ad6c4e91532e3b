//! One attempt at one address, on any runtime and over any kind of socket.

use std::fmt;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::{SockRef, Socket};

use crate::Register;
use crate::reactor::Budget;
use crate::socket::{self, in_step};

/// The destination of an attempt, and everything that is needed to connect to it.
pub(crate) trait Way: fmt::Display {
    /// The type of `std` that owns such a socket.
    type Owner: From<Socket>;

    /// Makes a non-blocking socket and begins to connect it.
    ///
    /// # Errors
    ///
    /// The system's error, with its kind. An error of a step before the connect has the name of the
    /// step.
    fn begin(&self) -> io::Result<Socket>;

    /// Returns the destination's port, if the protocol has ports.
    fn port(&self) -> Option<u16>;
}

/// One attempt. The public attempts wrap it.
pub(crate) struct Attempt<W: Way, R: Register<W::Owner>> {
    register: R,
    stage: Stage<W, R::Socket>,
}

enum Stage<W, S> {
    Idle(W),
    /// Has the destination's port.
    Connecting(S, Option<u16>),
    Done,
}

/// Nothing in it is pinned.
impl<W: Way, R: Register<W::Owner>> Unpin for Attempt<W, R> {}

impl<W: Way, R: Register<W::Owner>> Attempt<W, R> {
    pub(crate) fn new(register: R, way: W) -> Self {
        Self { register, stage: Stage::Idle(way) }
    }

    fn begin(&self, way: &W) -> io::Result<R::Socket> {
        let socket = way.begin()?;
        self.register.register(socket.into()).map_err(in_step("register the socket"))
    }

    fn poll_connect(
        &mut self,
        socket: R::Socket,
        port: Option<u16>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<R::Socket>> {
        let outcome = |handshake| socket::outcome(&SockRef::from(&socket), port, handshake);
        match self.register.poll_connect(&socket, cx, outcome) {
            Poll::Ready(outcome) => Poll::Ready(outcome.map(|()| socket)),
            Poll::Pending => {
                self.stage = Stage::Connecting(socket, port);
                Poll::Pending
            }
        }
    }

    /// Prints an attempt under this type name.
    pub(crate) fn describe(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stage {
            Stage::Idle(way) => write!(f, "{name}({way})"),
            Stage::Connecting(..) => write!(f, "{name}(connecting)"),
            Stage::Done => write!(f, "{name}(done)"),
        }
    }
}

impl<W: Way, R: Register<W::Owner>> Future for Attempt<W, R> {
    type Output = io::Result<R::Stream>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        // The stage is taken out first, so that a panic leaves nothing open.
        let outcome = match mem::replace(&mut this.stage, Stage::Done) {
            Stage::Idle(way) => {
                // On loopback this connect may complete at once, and so may the next.
                if this.register.poll_proceed(cx, Budget::CONNECT).is_pending() {
                    this.stage = Stage::Idle(way);
                    return Poll::Pending;
                }
                let socket = this.begin(&way)?;
                ready!(this.poll_connect(socket, way.port(), cx))
            }
            Stage::Connecting(socket, port) => ready!(this.poll_connect(socket, port, cx)),
            Stage::Done => panic!("an attempt was polled after it had ended"),
        };
        Poll::Ready(outcome.and_then(|socket| this.register.finish(socket)))
    }
}
