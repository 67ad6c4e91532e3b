//! The reactor of async-io, and smol's stream.

use std::io;
use std::net;
use std::task::{Context, Poll, ready};

use async_io::Async;
use async_net::TcpStream;
use stagger_net::Register;

/// Connects over TCP and yields `smol::net::TcpStream`, which is [`async_net::TcpStream`].
///
/// # Runtime
///
/// Any executor: `async-io` runs its own thread.
///
/// # Examples
///
/// ```
/// use stagger::Connector as _;
/// use stagger_smol::{TcpConnector, TcpOptions};
///
/// # smol::block_on(async {
/// let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
/// let options = TcpOptions::new().bind_ip("127.0.0.1".parse()?)?;
/// let stream = TcpConnector::new(options).connect(listener.local_addr()?).await?;
/// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub type TcpConnector = stagger_net::TcpConnector<Reactor>;

/// One attempt of a [`TcpConnector`].
pub type TcpAttempt = stagger_net::TcpAttempt<Reactor>;

/// The reactor of `async-io`, of which a process has one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reactor;

impl Register for Reactor {
    type Socket = Async<net::TcpStream>;
    type Stream = TcpStream;

    fn register(&self, socket: net::TcpStream) -> io::Result<Self::Socket> {
        Async::new_nonblocking(socket)
    }

    fn poll_writable(
        &self,
        socket: &Self::Socket,
        cx: &mut Context<'_>,
        mut check: impl FnMut() -> io::Result<()>,
    ) -> Poll<io::Result<()>> {
        loop {
            // Asked first, because async-io takes an event of a turn that had begun before the
            // question for a stale one: a connect that is over by then would be asked after again
            // and again, for as long as the reactor's thread is in a turn.
            match check() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
            ready!(socket.poll_writable(cx))?;
        }
    }

    fn finish(&self, socket: Self::Socket) -> io::Result<TcpStream> {
        Ok(socket.into())
    }
}
