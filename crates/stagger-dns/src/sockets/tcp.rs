//! One question over TCP.

#[cfg(fuzzing)]
pub(super) mod fuzzing;

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

use super::send;

/// How many bytes are read at a time. A reply grows by what has come, so that one that only claims
/// to be long takes no room.
const CHUNK: usize = 4096;

/// How many reads one poll makes before it lets others run: 32. A server that sends byte by byte
/// could keep it busy for a whole reply. The number is ours.
const READS_PER_POLL: usize = 32;

/// The reply to one question of [`Sockets`](crate::Sockets) over TCP.
///
/// # Panics
///
/// If polled after it has ended, and outside its runtime as the adapter says.
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
    /// What has come so far, with its length before it.
    reply: Vec<u8>,
}

enum Stage<R: Register<TcpStream>> {
    Connecting(TcpConnect<AsItIs<R>>),
    /// So many bytes are sent.
    Sending(R::Socket, usize),
    Reading(R::Socket),
    Ended,
}

/// A reactor whose stream is the socket in its care: nothing here needs the runtime's own.
#[derive(Clone)]
pub(crate) struct AsItIs<R>(R);

impl<R: Register<TcpStream>> Register<TcpStream> for AsItIs<R> {
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

/// Nothing in it is pinned: an attempt is not either.
impl<R: Register<TcpStream>> Unpin for TcpReply<R> {}

impl<R: Register<TcpStream> + Clone> TcpReply<R> {
    pub(super) fn new(register: R, server: SocketAddr, message: &[u8]) -> Self {
        let length = u16::try_from(message.len()).expect("a question is short");
        let connector = TcpConnector::new_on(AsItIs(register.clone()), TcpOptions::default());
        Self {
            register,
            stage: Stage::Connecting(connector.connect(server.into())),
            message: [&length.to_be_bytes(), message].concat(),
            reply: Vec::new(),
        }
    }
}

/// How many bytes the reply has with the length before it, as far as what has come tells.
fn whole(reply: &[u8]) -> usize {
    match reply {
        [high, low, ..] => 2 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => 2,
    }
}

/// Reads no more than is missing.
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
            // Taken out first, so that a failure or a panic on the way leaves nothing open.
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
                // With a length of 0 it is there as soon as its length is.
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
