//! The streams of SSH.

use std::io;
use std::net::Shutdown;

use stagger_ssh::SshStream;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

use crate::stream::{BoxStream, EndDirection, Ending, Ends, Stream};

type OnTokio = SshStream<tokio::net::TcpStream, tokio::net::UnixStream>;
type OnSmol = SshStream<smol::net::TcpStream, smol::net::unix::UnixStream>;
type OnAsyncStd = SshStream<async_std::net::TcpStream, async_std::os::unix::net::UnixStream>;

/// The ends of a TCP connection. A connection through a hop has none here: a program carries it.
macro_rules! ends {
    ($stream:expr) => {
        $stream.tcp().map_or_else(Ends::default, |tcp| Ends {
            peer: tcp.peer_addr().ok(),
            local: tcp.local_addr().ok(),
        })
    };
}

impl Stream for Compat<OnTokio> {
    fn ends(&self) -> Ends {
        ends!(self.get_ref())
    }
}

impl From<OnTokio> for BoxStream {
    fn from(stream: OnTokio) -> Self {
        Box::new(stream.compat())
    }
}

impl Stream for OnSmol {
    fn ends(&self) -> Ends {
        ends!(self)
    }
}

impl From<OnSmol> for BoxStream {
    fn from(stream: OnSmol) -> Self {
        Box::new(stream)
    }
}

impl Stream for Ending<OnAsyncStd> {
    fn ends(&self) -> Ends {
        ends!(self.0)
    }
}

impl From<OnAsyncStd> for BoxStream {
    fn from(stream: OnAsyncStd) -> Self {
        Box::new(Ending(stream))
    }
}

impl EndDirection for OnAsyncStd {
    fn end_direction(&self) -> Option<io::Result<()>> {
        let tcp = self.tcp().map(|tcp| tcp.shutdown(Shutdown::Write));
        tcp.or_else(|| self.unix().map(|unix| unix.shutdown(Shutdown::Write)))
    }
}
