//! One message to one server, and its replies.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::server_race::{MessageEvent, MessageId, OutgoingMessage};
use crate::dns_error::Trouble;
use crate::message::{Received, Reply, Request};
use crate::network::seam::MAX_DATAGRAM;
use crate::network::seam::Network;
use crate::question::Question;

/// The least size at which a datagram may have been cut: 512 bytes, the limit of DNS without EDNS
/// (RFC 1035 §4.2.1). Middleboxes cut datagrams at this size and at larger ones without marking
/// them.
const LEAST_CUT: usize = 512;

pin_project! {
    /// One message to one server over UDP or TCP.
    pub(super) struct Exchange<N>
    where
        N: Network,
    {
        id: MessageId,
        request: Request,
        #[pin]
        datagrams: Option<N::Datagrams>,
        #[pin]
        reply: Option<N::Reply>,
    }
}

/// The output of an exchange.
pub(super) enum ExchangeOutput {
    /// A reply that says whether the name exists.
    Reply(Reply),
    Event(MessageEvent),
}

impl<N: Network> Exchange<N> {
    pub(super) fn new(
        network: &N,
        server: SocketAddr,
        question: &Question,
        message: OutgoingMessage,
    ) -> Self {
        let OutgoingMessage { id, tcp, edns, .. } = message;
        let request = Request::new(question, edns);
        let bytes = request.bytes().to_vec();
        let (datagrams, reply) = match tcp {
            true => (None, Some(network.reply(server, bytes))),
            false => (Some(network.datagrams(server, bytes)), None),
        };
        Self { id, request, datagrams, reply }
    }

    pub(super) fn id(&self) -> MessageId {
        self.id
    }

    /// Returns the next output. Over TCP there is one.
    pub(super) fn poll_output(
        self: Pin<&mut Self>,
        question: &Question,
        cx: &mut Context<'_>,
    ) -> Poll<ExchangeOutput> {
        let this = self.project();
        let over_udp = this.datagrams.is_some();
        let bytes = match (this.datagrams.as_pin_mut(), this.reply.as_pin_mut()) {
            (Some(datagrams), _) => ready!(datagrams.poll_next(cx)).unwrap_or_else(|| {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the socket is closed"))
            }),
            (None, Some(reply)) => ready!(reply.poll(cx)),
            (None, None) => unreachable!("an exchange is over UDP or TCP"),
        };
        let event = match bytes {
            Err(error) => {
                // `connect` fails with EAGAIN if no port is free (udp(7)).
                let would_block = error.kind() == io::ErrorKind::WouldBlock;
                let is_shortage = would_block || stagger_net::system::is_local_shortage(&error);
                let trouble = Trouble::Network(Arc::new(error));
                if is_shortage {
                    MessageEvent::Shortage(trouble)
                } else {
                    MessageEvent::Failed(trouble)
                }
            }
            // The datagram may have been longer than the buffer.
            Ok(bytes) if over_udp && bytes.len() >= MAX_DATAGRAM => {
                match this.request.read(question, &bytes) {
                    Received::Stray(stray) => MessageEvent::Stray(stray),
                    _ => MessageEvent::Truncated,
                }
            }
            Ok(bytes) => match this.request.read(question, &bytes) {
                Received::Stray(stray) => MessageEvent::Stray(stray),
                Received::Truncated => MessageEvent::Truncated,
                Received::Cut(_) if over_udp => MessageEvent::Truncated,
                Received::Cut(what) => MessageEvent::Failed(Trouble::Malformed(what)),
                Received::Malformed(_) if over_udp && bytes.len() >= LEAST_CUT => {
                    MessageEvent::Truncated
                }
                Received::Malformed(what) => MessageEvent::Failed(Trouble::Malformed(what)),
                Received::Failed { code, extended } => {
                    MessageEvent::Failed(Trouble::Code { code, extended })
                }
                Received::Lame => MessageEvent::Failed(Trouble::Lame),
                Received::Reply(reply) => return Poll::Ready(ExchangeOutput::Reply(reply)),
            },
        };
        Poll::Ready(ExchangeOutput::Event(event))
    }
}
