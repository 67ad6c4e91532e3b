//! Tokio's reactor and streams.

use std::io;
use std::task::{Context, Poll, ready};

use stagger_net::Register;
use tokio::io::Interest;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// The reactor of the tokio runtime in which an attempt is polled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reactor;

// Tokio's streams have the same methods, and no trait has them all.
macro_rules! register {
    ($socket:ty => $stream:ident) => {
        impl Register<$socket> for Reactor {
            type Socket = $stream;
            type Stream = $stream;

            fn register(&self, socket: $socket) -> io::Result<$stream> {
                $stream::from_std(socket)
            }

            fn poll_writable(
                &self,
                socket: &$stream,
                cx: &mut Context<'_>,
                mut check: impl FnMut() -> io::Result<()>,
            ) -> Poll<io::Result<()>> {
                loop {
                    ready!(socket.poll_write_ready(cx))?;
                    // Clears the readiness if the check would block; tokio's budget bounds the
                    // loop.
                    match socket.try_io(Interest::WRITABLE, &mut check) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        outcome => return Poll::Ready(outcome),
                    }
                }
            }

            fn finish(&self, socket: $stream) -> io::Result<$stream> {
                Ok(socket)
            }
        }
    };
}

register!(std::net::TcpStream => TcpStream);
#[cfg(unix)]
register!(std::os::unix::net::UnixStream => UnixStream);
