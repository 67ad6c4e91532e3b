//! One attempt at one address, on any runtime and over any kind of socket.

use std::fmt;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::{SockRef, Socket};

use crate::socket::{self, in_step};
use crate::{Interest, Register};

/// Where an attempt is to go, and all that it takes to go there.
pub(crate) trait Way: fmt::Display {
    /// The type of `std` that owns such a socket.
    type Owner: From<Socket>;

    /// Makes a non-blocking socket and begins to connect it.
    ///
    /// # Errors
    ///
    /// The system's, of the same kind; one from before the connect says which step failed.
    fn begin(&self) -> io::Result<Socket>;
}

/// One attempt: what the public ones consist of.
pub(crate) struct Attempt<W: Way, R: Register<W::Owner>> {
    register: R,
    stage: Stage<W, R::Socket>,
}

enum Stage<W, S> {
    Idle(W),
    Connecting(S),
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

    /// Writes an attempt of the type of this name.
    pub(crate) fn describe(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stage {
            Stage::Idle(way) => write!(f, "{name}({way})"),
            Stage::Connecting(_) => write!(f, "{name}(connecting)"),
            Stage::Done => write!(f, "{name}(done)"),
        }
    }
}

impl<W: Way, R: Register<W::Owner>> Future for Attempt<W, R> {
    type Output = io::Result<R::Stream>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        // Taken out first, so that a panic on the way leaves nothing open.
        let socket = match mem::replace(&mut this.stage, Stage::Done) {
            Stage::Idle(way) => match this.begin(&way) {
                Ok(socket) => socket,
                Err(error) => return Poll::Ready(Err(error)),
            },
            Stage::Connecting(socket) => socket,
            Stage::Done => panic!("an attempt was polled after it had ended"),
        };
        let check = || socket::outcome(&SockRef::from(&socket));
        match this.register.poll_io(&socket, Interest::Writable, cx, check) {
            Poll::Ready(outcome) => {
                Poll::Ready(outcome.and_then(|()| this.register.finish(socket)))
            }
            Poll::Pending => {
                this.stage = Stage::Connecting(socket);
                Poll::Pending
            }
        }
    }
}
