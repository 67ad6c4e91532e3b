//! One message to one server, and what comes back.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::machine::{Heard, Id, Message};
use crate::MAX_DATAGRAM;
use crate::error::Trouble;
use crate::message::{Received, Reply, Request};
use crate::network::Network;
use crate::question::Question;

/// The least size at which a datagram may have been cut: 512 bytes, the most that DNS has without
/// EDNS (RFC 1035 §4.2.1). Boxes on the way cut there, and at larger sizes, without saying so.
const LEAST_CUT: usize = 512;

pin_project! {
    /// One message to one server over UDP or TCP.
    pub(super) struct Exchange<N>
    where
        N: Network,
    {
        id: Id,
        request: Request,
        #[pin]
        datagrams: Option<N::Datagrams>,
        #[pin]
        reply: Option<N::Reply>,
    }
}

/// What comes back.
pub(super) enum Incoming {
    /// There is such a name, or there is none.
    Reply(Reply),
    Else(Heard),
}

impl<N: Network> Exchange<N> {
    pub(super) fn new(
        network: &N,
        server: SocketAddr,
        question: &Question,
        message: Message,
    ) -> Self {
        let Message { id, tcp, edns, .. } = message;
        let request = Request::new(question, edns);
        let bytes = request.bytes().to_vec();
        let (datagrams, reply) = match tcp {
            true => (None, Some(network.reply(server, bytes))),
            false => (Some(network.datagrams(server, bytes)), None),
        };
        Self { id, request, datagrams, reply }
    }

    pub(super) fn id(&self) -> Id {
        self.id
    }

    /// The next thing that comes back. Over TCP there is one.
    pub(super) fn poll_incoming(
        self: Pin<&mut Self>,
        question: &Question,
        cx: &mut Context<'_>,
    ) -> Poll<Incoming> {
        let this = self.project();
        let over_udp = this.datagrams.is_some();
        let bytes = match (this.datagrams.as_pin_mut(), this.reply.as_pin_mut()) {
            (Some(datagrams), _) => ready!(datagrams.poll_next(cx)).unwrap_or_else(|| {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the socket is closed"))
            }),
            (None, Some(reply)) => ready!(reply.poll(cx)),
            (None, None) => unreachable!("an exchange is over UDP or TCP"),
        };
        let heard = match bytes {
            Err(error) => {
                // A socket that finds no free port would block, as it is (udp(7)).
                let would_block = error.kind() == io::ErrorKind::WouldBlock;
                let is_shortage = would_block || stagger_net::system::is_local_shortage(&error);
                let trouble = Trouble::Network(Arc::new(error));
                if is_shortage { Heard::Shortage(trouble) } else { Heard::Failed(trouble) }
            }
            // It may be longer than what can be received, and then nothing says so.
            Ok(bytes) if over_udp && bytes.len() >= MAX_DATAGRAM => {
                match this.request.read(question, &bytes) {
                    Received::Stray(stray) => Heard::Stray(stray),
                    _ => Heard::Truncated,
                }
            }
            Ok(bytes) => match this.request.read(question, &bytes) {
                Received::Stray(stray) => Heard::Stray(stray),
                Received::Truncated => Heard::Truncated,
                Received::Cut(_) if over_udp => Heard::Truncated,
                Received::Cut(what) => Heard::Failed(Trouble::Malformed(what)),
                Received::Malformed(_) if over_udp && bytes.len() >= LEAST_CUT => Heard::Truncated,
                Received::Malformed(what) => Heard::Failed(Trouble::Malformed(what)),
                Received::Failed { code, extended } => {
                    Heard::Failed(Trouble::Code { code, extended })
                }
                Received::Lame => Heard::Failed(Trouble::Lame),
                Received::Reply(reply) => return Poll::Ready(Incoming::Reply(reply)),
            },
        };
        Poll::Ready(Incoming::Else(heard))
    }
}
