//! Tokio's reactor and its socket for datagrams.

use std::future::Future;
use std::io;
#[cfg(unix)]
use std::os::fd::{AsFd as AsSocket, BorrowedFd as BorrowedSocket};
#[cfg(windows)]
use std::os::windows::io::{AsSocket, BorrowedSocket};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};

use stagger::drivers::lock;
use stagger_net::Register;
use stagger_net::reactor::{Interest, ReactorMark};
use tokio::io::Interest as Tokio;
use tokio::net::UdpSocket;

use crate::Reactor;
use crate::mark::mark;
use crate::reactor::{poll_now, unblocked};

/// A datagram waits, or the error of an earlier sent datagram.
const READABLE: Tokio = Tokio::READABLE.add(Tokio::ERROR);

/// A socket for datagrams in tokio's reactor.
///
/// An ICMP error does not wake a task that polls tokio to receive: `poll_recv_ready` waits for
/// datagrams only. `UdpSocket::ready` waits for errors too, so a boxed future of it exists while a
/// task waits.
///
/// After an error tokio treats the socket as closed to writers forever, like a pipe. A send that
/// finds no room would then try again without a wait. So it waits with a second registration, which
/// has not seen the error.
#[allow(unnameable_types, reason = "`<Reactor as Register<UdpSocket>>::Socket` names it")]
pub struct Datagrams {
    waiting: Mutex<Option<Waiting>>,
    /// The second registration, if a writer has needed it.
    writer: Mutex<Option<Arc<UdpSocket>>>,
    socket: Arc<UdpSocket>,
}

type Waiting = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

impl Datagrams {
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A panic in tokio has poisoned the lock. The future can still be dropped.
        let mut waiting = lock(&self.waiting);
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
            // The lock is not held during the operation, which may wake tasks.
            let writer = self.writer().clone().unwrap_or_else(|| self.socket.clone());
            ready!(writer.poll_send_ready(cx))?;
            if let Some(outcome) = unblocked(writer.try_io(Tokio::WRITABLE, &mut operation)) {
                return Poll::Ready(outcome);
            }
            // Stale readiness is cleared by now. Readiness that is still false comes from an error.
            if is_false {
                #[cfg(unix)]
                let duplicate = self.socket.as_fd().try_clone_to_owned()?;
                #[cfg(windows)]
                let duplicate = self.socket.as_socket().try_clone_to_owned()?;
                *self.writer() = Some(Arc::new(UdpSocket::from_std(duplicate.into())?));
            }
            is_false = true;
        }
    }

    fn writer(&self) -> MutexGuard<'_, Option<Arc<UdpSocket>>> {
        lock(&self.writer)
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
            // `try_io` clears the readiness if the operation would block, one kind at a time. Tokio's
            // budget bounds the loop.
            ready!(socket.poll_readable(cx))?;
            let outcome = unblocked(tokio.try_io(Tokio::READABLE, &mut operation))
                .or_else(|| unblocked(tokio.try_io(Tokio::ERROR, &mut operation)));
            if let Some(outcome) = outcome {
                return Poll::Ready(outcome);
            }
        }
    }

    fn poll_proceed(&self, _: &mut Context<'_>, _: u32) -> Poll<()> {
        // Each operation spends the task's budget.
        Poll::Ready(())
    }

    fn finish(&self, socket: Datagrams) -> io::Result<UdpSocket> {
        let Datagrams { waiting, writer, socket } = socket;
        // Both may share the socket.
        drop((waiting, writer));
        Ok(Arc::into_inner(socket).expect("no task waits for a socket that is given away"))
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
