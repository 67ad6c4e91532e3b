//! Tokio's reactor and its socket for datagrams.

use std::fmt;
use std::future::Future;
use std::io;
#[cfg(unix)]
use std::os::fd::{AsFd as AsSocket, BorrowedFd as BorrowedSocket};
#[cfg(windows)]
use std::os::windows::io::{AsSocket, BorrowedSocket};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use stagger_net::{Interest, ReactorMark, Register};
use tokio::io::Interest as Tokio;
use tokio::net::UdpSocket;

use crate::Reactor;
use crate::mark::mark;
use crate::reactor::poll_now;

/// A socket that has something to receive, or to say what became of a datagram sent earlier.
const READABLE: Tokio = Tokio::READABLE.add(Tokio::ERROR);

/// A socket for datagrams in the care of tokio's reactor.
///
/// What ICMP says of a datagram wakes nobody who polls tokio to receive: `poll_recv_ready` is for
/// datagrams alone. What awaits `UdpSocket::ready` can ask for errors too, so there is a future of
/// that as long as somebody waits, which is boxed.
// The seam has to name it; nobody else has.
#[allow(unnameable_types)]
pub struct Datagrams {
    waiting: Mutex<Option<Waiting>>,
    socket: Arc<UdpSocket>,
}

type Waiting = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

impl Datagrams {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Poisoned by a panic of tokio's; what is there is dropped with it.
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let future = waiting.get_or_insert_with(|| {
            let socket = self.socket.clone();
            Box::pin(async move { socket.ready(READABLE).await.map(drop) })
        });
        let outcome = ready!(future.as_mut().poll(cx));
        *waiting = None;
        Poll::Ready(outcome)
    }
}

impl Register<std::net::UdpSocket> for Reactor {
    type Socket = Datagrams;
    type Stream = UdpSocket;

    fn register(&self, socket: std::net::UdpSocket) -> io::Result<Datagrams> {
        let socket = Arc::new(UdpSocket::from_std(socket)?);
        Ok(Datagrams { waiting: Mutex::default(), socket })
    }

    fn poll_io<T>(
        &self,
        socket: &Datagrams,
        interest: Interest,
        cx: &mut Context<'_>,
        mut operation: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        if let Some(outcome) = ready!(poll_now(cx, &mut operation)) {
            return Poll::Ready(outcome);
        }
        let Datagrams { socket: tokio, .. } = socket;
        loop {
            // What would block clears the readiness that it was tried for, of which `try_io` takes
            // one kind at a time; tokio's budget bounds the loop.
            let outcome = match interest {
                Interest::Readable => {
                    ready!(socket.poll_readable(cx))?;
                    match tokio.try_io(Tokio::READABLE, &mut operation) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            tokio.try_io(Tokio::ERROR, &mut operation)
                        }
                        outcome => outcome,
                    }
                }
                Interest::Writable => {
                    ready!(tokio.poll_send_ready(cx))?;
                    tokio.try_io(Tokio::WRITABLE, &mut operation)
                }
            };
            match outcome {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    fn finish(&self, socket: Datagrams) -> io::Result<UdpSocket> {
        let Datagrams { waiting, socket } = socket;
        // It has the other share of the socket.
        drop(waiting);
        Ok(Arc::into_inner(socket).expect("nobody waits for a socket that is given away"))
    }

    fn reactor(&self) -> ReactorMark {
        mark()
    }
}

#[cfg(unix)]
impl AsSocket for Datagrams {
    fn as_fd(&self) -> BorrowedSocket<'_> {
        self.socket.as_fd()
    }
}

#[cfg(windows)]
impl AsSocket for Datagrams {
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.socket.as_socket()
    }
}

impl fmt::Debug for Datagrams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}
