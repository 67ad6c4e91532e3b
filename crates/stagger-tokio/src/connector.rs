//! Tokio's reactor and stream.

use std::io;
use std::task::{Context, Poll, ready};

use stagger_net::Register;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::task::coop;

/// Connects over TCP and yields [`tokio::net::TcpStream`].
///
/// # Panics
///
/// An attempt panics when polled outside a tokio runtime, or in one that was built without
/// `enable_io`, as tokio's own streams do.
///
/// # Runtime
///
/// Tokio, with its I/O enabled.
///
/// # Examples
///
/// ```
/// use stagger::Connector as _;
/// use stagger_tokio::{TcpConnector, TcpOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let options = TcpOptions::new().bind_ip("127.0.0.1".parse()?)?;
/// let stream = TcpConnector::new(options).connect(listener.local_addr()?).await?;
/// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
/// # Ok(())
/// # }
/// ```
pub type TcpConnector = stagger_net::TcpConnector<Reactor>;

/// One attempt of a [`TcpConnector`].
pub type TcpAttempt = stagger_net::TcpAttempt<Reactor>;

/// The reactor of the tokio runtime in which an attempt is polled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reactor;

impl Register for Reactor {
    type Socket = TcpStream;
    type Stream = TcpStream;

    fn register(&self, socket: std::net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::from_std(socket)
    }

    fn poll_writable(
        &self,
        socket: &TcpStream,
        cx: &mut Context<'_>,
        mut check: impl FnMut() -> io::Result<()>,
    ) -> Poll<io::Result<()>> {
        // A handshake with this machine is over before `connect(2)` returns: then there is nothing
        // to wait for, and no turn of the reactor is needed. The budget is spent as for a wait, so
        // that a task which connects again and again lets others run.
        let budget = ready!(coop::poll_proceed(cx));
        match check() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            outcome => {
                budget.made_progress();
                return Poll::Ready(outcome);
            }
        }
        // Given back: the wait below takes it.
        drop(budget);
        loop {
            ready!(socket.poll_write_ready(cx))?;
            // Clears the readiness if the check would block; tokio's budget bounds the loop.
            match socket.try_io(Interest::WRITABLE, &mut check) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    fn finish(&self, socket: TcpStream) -> io::Result<TcpStream> {
        Ok(socket)
    }
}
