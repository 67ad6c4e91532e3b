//! All addresses of the command as one listener.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use stagger::boxed::LocalBoxListener;
use stagger::listen::{Accepted, Listener};
use stagger::text::with_causes;
use stagger_endpoint::AddrText;
use stagger_net::TcpListener;

use crate::endpoint::EndpointListenerOf;
use crate::runtime::Runtime;
use crate::stream::BoxStream;
use crate::tls;

/// A listener whose connections are streams, with TLS or without.
pub(crate) type Door = LocalBoxListener<BoxStream, AddrText, AddrText, NotAccepted>;

/// Why an accept returned no connection. The listener can be polled again.
#[derive(Debug)]
pub(crate) enum NotAccepted {
    /// The accept failed for this reason.
    Accept(String),
    /// The handshake with this peer failed for this reason.
    Handshake(AddrText, String),
}

impl NotAccepted {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let line = with_causes(error);
        // Some errors name the step themselves.
        let named = line.starts_with("could not ");
        Self::Accept(if named { line } else { format!("cannot {line}") })
    }
}

impl fmt::Display for NotAccepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept(reason) => f.write_str(reason),
            Self::Handshake(peer, reason) => write!(f, "{peer} failed: {reason}"),
        }
    }
}

/// The listener of a runtime.
pub(super) type ListenerOf<R> = TcpListener<<R as Runtime>::Reactor, <R as Runtime>::Timer>;

/// Several listeners in turn.
pub(super) struct Doors<R: Runtime>(pub(super) Vec<ListenerOf<R>>);

impl<R: Runtime> Listener for Doors<R> {
    type Connection = BoxStream;
    type Peer = AddrText;
    type Address = AddrText;
    type Error = NotAccepted;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>> {
        for index in 0..self.0.len() {
            if let Poll::Ready(accepted) = self.0[index].poll_accept(cx) {
                // It goes to the end, so that a busy listener does not starve the others.
                self.0[index..].rotate_left(1);
                let accepted = accepted.map(|(stream, peer)| (stream.into(), text(peer)));
                return Poll::Ready(accepted.map_err(|error| NotAccepted::of(&error)));
            }
        }
        Poll::Pending
    }

    fn local_addrs(&self) -> Vec<AddrText> {
        self.0.iter().flat_map(Listener::local_addrs).map(text).collect()
    }
}

fn text(addr: SocketAddr) -> AddrText {
    AddrText::new(addr.to_string())
}

/// The listener of an endpoint.
pub(super) struct EndpointDoor<R: Runtime>(pub(super) EndpointListenerOf<R>);

impl<R: Runtime> Listener for EndpointDoor<R> {
    type Connection = BoxStream;
    type Peer = AddrText;
    type Address = AddrText;
    type Error = NotAccepted;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>> {
        self.0.poll_accept(cx).map(|accepted| match accepted {
            Ok((stream, peer)) => Ok((stream.into(), peer)),
            Err(error) => Err(match tls::failed_handshake(&error) {
                Some((peer, reason)) => NotAccepted::Handshake(peer, reason),
                None => NotAccepted::of(&error),
            }),
        })
    }

    fn local_addrs(&self) -> Vec<AddrText> {
        self.0.local_addrs()
    }
}
