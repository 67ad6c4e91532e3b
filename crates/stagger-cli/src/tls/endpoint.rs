//! TLS of an endpoint.

use stagger::error::SharedError;
use stagger::listen::HandshakeError;
use stagger::text::{Span, with_causes};
use stagger_endpoint::{AddrText, smol, tokio};
use stagger_tls::{TlsError, TlsIo};

use super::Session;

type Tokio = stagger_tls::tokio::Tokio;
type Futures = stagger_tls::futures::Futures;

/// The session of a stream, if its last hop is TLS.
pub(crate) fn session_on_tokio(stream: &tokio::BoxStream) -> Option<Session> {
    type Client = <Tokio as TlsIo<tokio::BoxStream>>::ClientStream;
    type Server = <Tokio as TlsIo<tokio::BoxStream>>::ServerStream;

    match stream.downcast_ref::<Client>() {
        Some(client) => Some(Session::of(client.get_ref().1, true)),
        // A server verifies no certificate of a client here.
        None => Some(Session::of(stream.downcast_ref::<Server>()?.get_ref().1, false)),
    }
}

/// The session of a stream, if its last hop is TLS.
pub(crate) fn session_on_futures(stream: &smol::BoxStream) -> Option<Session> {
    type Client = <Futures as TlsIo<smol::BoxStream>>::ClientStream;
    type Server = <Futures as TlsIo<smol::BoxStream>>::ServerStream;

    match stream.downcast_ref::<Client>() {
        Some(client) => Some(Session::of(client.get_ref().1, true)),
        None => Some(Session::of(stream.downcast_ref::<Server>()?.get_ref().1, false)),
    }
}

/// The peer whose handshake failed, and why, if this is the error of a handshake.
pub(crate) fn failed_handshake(error: &SharedError) -> Option<(AddrText, String)> {
    match error.downcast_ref::<HandshakeError<SharedError, TlsError, AddrText>>()? {
        HandshakeError::Failed { peer, error } => Some((peer.clone(), with_causes(error))),
        HandshakeError::TimedOut { peer, timeout } => Some((peer.clone(), took_too_long(*timeout))),
        _ => None,
    }
}

/// The reason of a handshake that ran out of time.
pub(super) fn took_too_long(timeout: std::time::Duration) -> String {
    format!("the TLS handshake took longer than {}", Span(timeout))
}
