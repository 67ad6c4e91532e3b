//! A server with TLS in memory, whose bytes may be changed on their way.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_lite::{AsyncRead, AsyncWrite};
use stagger_tls::rustls::{ServerConfig, ServerConnection};

/// The client's end of a connection to a server that answers at once.
#[derive(Debug)]
pub struct Memory {
    server: Option<ServerConnection>,
    /// What the server has sent and the client has not read.
    sent: VecDeque<u8>,
    /// How many bytes the server has sent.
    count: usize,
    change: Change,
    ends: bool,
}

/// What is changed of the bytes that a server sends.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// These bytes of the stream get these bits flipped.
    pub flips: Vec<(usize, u8)>,
    /// The stream ends after so many bytes.
    pub cut: Option<usize>,
}

impl Memory {
    /// A server with this configuration, whose bytes are changed so. Once it has said all, the
    /// connection is closed.
    ///
    /// # Panics
    ///
    /// If the configuration can't be used.
    pub fn changed(config: Arc<ServerConfig>, change: Change) -> Self {
        let server = ServerConnection::new(config).expect("the configuration is good");
        Self { server: Some(server), sent: VecDeque::new(), count: 0, change, ends: true }
    }

    /// A server with this configuration, which waits for the client.
    ///
    /// # Panics
    ///
    /// If the configuration can't be used.
    pub fn server(config: Arc<ServerConfig>) -> Self {
        Self { ends: false, ..Self::changed(config, Change::default()) }
    }

    /// Something that says these bytes to everything, and closes.
    pub fn saying(bytes: impl IntoIterator<Item = u8>) -> Self {
        let sent = bytes.into_iter().collect();
        Self { server: None, sent, count: 0, change: Change::default(), ends: true }
    }

    /// Something that says nothing.
    pub fn silent() -> Self {
        Self { ends: false, ..Self::saying([]) }
    }
}

impl AsyncRead for Memory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.sent.is_empty() && !self.ends {
            // All that happens here is a consequence of the client's own writes.
            return Poll::Pending;
        }
        Poll::Ready(io::Read::read(&mut self.sent, buffer))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let (length, this) = (bytes.len(), &mut *self);
        let Some(server) = &mut this.server else { return Poll::Ready(Ok(length)) };
        while !bytes.is_empty() {
            if server.read_tls(&mut bytes)? == 0 {
                break;
            }
            // It sends an alert about what it does not understand.
            let _ = server.process_new_packets();
        }
        let mut sent = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut sent)?;
        }
        for byte in sent {
            let (at, change) = (this.count, &this.change);
            this.count += 1;
            if change.cut.is_none_or(|cut| at < cut) {
                let bits = change.flips.iter().filter(|(place, _)| *place == at);
                this.sent.push_back(bits.fold(byte, |byte, (_, bits)| byte ^ bits));
            }
        }
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
