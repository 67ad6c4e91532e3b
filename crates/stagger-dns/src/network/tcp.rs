//! One message over TCP.

#[cfg(fuzzing)]
pub(crate) mod fuzzing;

use std::fmt;
use std::future::Future;
use std::io::{self, Read};
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockRef;
use stagger::Connector as _;
use stagger_net::reactor::{Interest, ReactorMark};
use stagger_net::tcp::TcpConnect;
use stagger_net::{Register, TcpConnector, TcpOptions};

use super::send::send;

/// How many bytes are read at a time. The buffer of a reply grows with the received bytes, so a
/// reply that only claims to be long takes no memory.
const CHUNK: usize = 4096;

/// How many reads one poll makes before it lets other tasks run: 32. The number is ours. A server
/// that sends byte by byte could keep the task busy for a whole reply.
const READS_PER_POLL: usize = 32;

/// The future of the reply to one message of [`Sockets`](crate::Sockets) over TCP.
///
/// # Panics
///
/// Polling it after its end panics. Polling it outside its runtime may panic, as the docs of the
/// adapter say.
///
/// # Cancel safety
///
/// Dropping it closes the socket.
#[must_use = "futures do nothing unless polled"]
pub struct TcpReply<R: Register<TcpStream>> {
    register: R,
    stage: Stage<R>,
    /// The message, after its length.
    message: Vec<u8>,
    /// The received bytes, with the length of the reply before them.
    reply: Vec<u8>,
}

enum Stage<R: Register<TcpStream>> {
    Connecting(TcpConnect<RawStream<R>>),
    /// This number of bytes is sent.
    Sending(R::Socket, usize),
    Reading(R::Socket),
    Ended,
}

/// A reactor whose stream is the registered socket, because the runtime's own stream is not needed.
#[derive(Clone)]
pub(crate) struct RawStream<R>(R);

impl<R: Register<TcpStream>> Register<TcpStream> for RawStream<R> {
    type Socket = R::Socket;
    type Stream = R::Socket;

    fn register(&self, socket: TcpStream) -> io::Result<R::Socket> {
        self.0.register(socket)
    }

    fn poll_io<T>(
        &self,
        socket: &R::Socket,
        interest: Interest,
        cx: &mut Context<'_>,
        operation: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        self.0.poll_io(socket, interest, cx, operation)
    }

    fn finish(&self, socket: R::Socket) -> io::Result<R::Socket> {
        Ok(socket)
    }

    fn reactor(&self) -> ReactorMark {
        self.0.reactor()
    }
}

/// No field is pinned, and the attempt is not either.
impl<R: Register<TcpStream>> Unpin for TcpReply<R> {}

impl<R: Register<TcpStream> + Clone> TcpReply<R> {
    pub(super) fn new(register: R, server: SocketAddr, message: &[u8]) -> Self {
        let length = u16::try_from(message.len()).expect("a question is short");
        let connector = TcpConnector::new_on(TcpOptions::default(), RawStream(register.clone()));
        Self {
            register,
            stage: Stage::Connecting(connector.connect(server.into())),
            message: [&length.to_be_bytes(), message].concat(),
            reply: Vec::new(),
        }
    }
}

/// Returns the number of bytes of the reply and its length, as far as the received bytes show it.
fn whole(reply: &[u8]) -> usize {
    match reply {
        [high, low, ..] => 2 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => 2,
    }
}

/// Reads at most the missing bytes.
fn read(mut socket: impl Read, reply: &mut Vec<u8>) -> io::Result<()> {
    let mut chunk = [0; CHUNK];
    let missing = (whole(reply) - reply.len()).min(CHUNK);
    match socket.read(&mut chunk[..missing])? {
        0 => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "it was closed before the reply ended",
        )),
        length => {
            reply.extend_from_slice(&chunk[..length]);
            Ok(())
        }
    }
}

impl<R: Register<TcpStream>> Future for TcpReply<R> {
    type Output = io::Result<Vec<u8>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { register, stage, message, reply } = self.get_mut();
        let mut reads = 0;
        loop {
            // Taken out first, so that a failure or a panic closes the socket.
            match mem::replace(stage, Stage::Ended) {
                Stage::Connecting(mut attempt) => match Pin::new(&mut attempt).poll(cx) {
                    Poll::Ready(Ok(socket)) => *stage = Stage::Sending(socket, 0),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {
                        *stage = Stage::Connecting(attempt);
                        return Poll::Pending;
                    }
                },
                Stage::Sending(socket, sent) if sent == message.len() => {
                    *stage = Stage::Reading(socket);
                }
                Stage::Sending(socket, sent) => {
                    let operation = || send(&SockRef::from(&socket), &message[sent..]);
                    match register.poll_io(&socket, Interest::Writable, cx, operation) {
                        Poll::Ready(Ok(more)) => *stage = Stage::Sending(socket, sent + more),
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        Poll::Pending => {
                            *stage = Stage::Sending(socket, sent);
                            return Poll::Pending;
                        }
                    }
                }
                // A reply of length 0 is complete as soon as its length is there.
                Stage::Reading(_) if reply.len() >= 2 && reply.len() == whole(reply) => {
                    return Poll::Ready(Ok(reply.split_off(2)));
                }
                Stage::Reading(socket) if reads == READS_PER_POLL => {
                    *stage = Stage::Reading(socket);
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Stage::Reading(socket) => {
                    reads += 1;
                    let operation = || read(&*SockRef::from(&socket), reply);
                    match register.poll_io(&socket, Interest::Readable, cx, operation) {
                        Poll::Ready(Ok(())) => *stage = Stage::Reading(socket),
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        Poll::Pending => {
                            *stage = Stage::Reading(socket);
                            return Poll::Pending;
                        }
                    }
                }
                Stage::Ended => panic!("a reply was polled after it had ended"),
            }
        }
    }
}

impl<R: Register<TcpStream>> fmt::Debug for TcpReply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Connecting(_) => "connecting",
            Stage::Sending(..) => "sending",
            Stage::Reading(_) => "reading",
            Stage::Ended => "ended",
        };
        write!(f, "TcpReply({stage})")
    }
}
