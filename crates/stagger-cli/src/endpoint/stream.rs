//! The streams of endpoints.

use std::io;
use std::net::Shutdown;

use stagger_endpoint::{smol, tokio};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

use crate::stream::{BoxStream, EndDirection, Ending, Ends, Stream};
use crate::tls::{self, Session};

/// The ends, if the peer has a socket address.
fn ends(peer: Option<&str>) -> Ends {
    Ends { peer: peer.and_then(|peer| peer.parse().ok()), local: None }
}

impl Stream for Compat<tokio::BoxStream> {
    fn ends(&self) -> Ends {
        ends(self.get_ref().peer())
    }

    fn session(&self) -> Option<Session> {
        tls::session_on_tokio(self.get_ref())
    }

    fn half_closes(&self) -> bool {
        self.session().is_none_or(|session| session.half_closes())
    }
}

impl From<tokio::BoxStream> for BoxStream {
    fn from(stream: tokio::BoxStream) -> Self {
        Box::new(stream.compat())
    }
}

/// On smol or async-std.
impl Stream for Ending<smol::BoxStream> {
    fn ends(&self) -> Ends {
        ends(self.0.peer())
    }

    fn session(&self) -> Option<Session> {
        tls::session_on_futures(&self.0)
    }

    fn half_closes(&self) -> bool {
        self.session().is_none_or(|session| session.half_closes())
    }
}

impl From<smol::BoxStream> for BoxStream {
    fn from(stream: smol::BoxStream) -> Self {
        Box::new(Ending(stream))
    }
}

impl EndDirection for smol::BoxStream {
    fn end_direction(&self) -> Option<io::Result<()>> {
        if let Some(stream) = self.downcast_ref::<async_std::net::TcpStream>() {
            return Some(stream.shutdown(Shutdown::Write));
        }
        #[cfg(unix)]
        if let Some(stream) = self.downcast_ref::<async_std::os::unix::net::UnixStream>() {
            return Some(stream.shutdown(Shutdown::Write));
        }
        None
    }
}
