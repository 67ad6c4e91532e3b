//! Tokio's reactor and its socket for datagrams.

use std::fmt;
use std::future::Future;
use std::io;
#[cfg(unix)]
use std::os::fd::{AsFd as AsSocket, BorrowedFd as BorrowedSocket};
#[cfg(windows)]
use std::os::windows::io::{AsSocket, BorrowedSocket};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use stagger_net::Register;
use stagger_net::reactor::{Interest, ReactorMark};
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
///
/// After an error tokio takes the socket for closed to writers, for good, as if it were a pipe. From
/// then on a send that finds no room would be told at once, again and again, to try once more. So
/// it waits with a second registration, which has not seen the error.
// The seam has to name it; nobody else has.
#[allow(unnameable_types)]
pub struct Datagrams {
    waiting: Mutex<Option<Waiting>>,
    /// A duplicate for writers, if they have needed one.
    writer: Mutex<Option<Arc<UdpSocket>>>,
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

    fn poll_write<T>(
        &self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        let mut is_false = false;
        loop {
            // The lock is not held through the operation, which may wake tasks.
            let writer = self.writer().clone().unwrap_or_else(|| self.socket.clone());
            ready!(writer.poll_send_ready(cx))?;
            match writer.try_io(Tokio::WRITABLE, &mut operation) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
            // Old readiness is false once, and is cleared then. False readiness that stays comes
            // from an error.
            if is_false {
                let writer = UdpSocket::from_std(self.duplicate()?.into())?;
                *self.writer() = Some(Arc::new(writer));
            }
            is_false = true;
        }
    }

    fn writer(&self) -> MutexGuard<'_, Option<Arc<UdpSocket>>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(unix)]
    fn duplicate(&self) -> io::Result<std::os::fd::OwnedFd> {
        self.socket.as_fd().try_clone_to_owned()
    }

    #[cfg(windows)]
    fn duplicate(&self) -> io::Result<std::os::windows::io::OwnedSocket> {
        self.socket.as_socket().try_clone_to_owned()
    }
}

impl Register<std::net::UdpSocket> for Reactor {
    type Socket = Datagrams;
    type Stream = UdpSocket;

    fn register(&self, socket: std::net::UdpSocket) -> io::Result<Datagrams> {
        let socket = Arc::new(UdpSocket::from_std(socket)?);
        Ok(Datagrams { waiting: Mutex::default(), writer: Mutex::default(), socket })
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
        let tokio = match interest {
            Interest::Readable => &socket.socket,
            Interest::Writable => return socket.poll_write(cx, operation),
        };
        loop {
            // What would block clears the readiness that it was tried for, of which `try_io` takes
            // one kind at a time; tokio's budget bounds the loop.
            ready!(socket.poll_readable(cx))?;
            let outcome = match tokio.try_io(Tokio::READABLE, &mut operation) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    tokio.try_io(Tokio::ERROR, &mut operation)
                }
                outcome => outcome,
            };
            match outcome {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    fn poll_proceed(&self, _: &mut Context<'_>, _: u32) -> Poll<()> {
        // Each operation spends the task's budget.
        Poll::Ready(())
    }

    fn finish(&self, socket: Datagrams) -> io::Result<UdpSocket> {
        let Datagrams { waiting, writer, socket } = socket;
        drop(writer);
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
