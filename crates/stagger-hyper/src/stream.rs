//! The stream that hyper reads and writes.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

use crate::{HyperIo, RaceReport};

/// A connection of an [`HttpConnector`](crate::HttpConnector), with the traits that hyper wants.
///
/// Programs use the aliases [`tokio::Stream`](crate::tokio::Stream) and
/// [`futures::Stream`](crate::futures::Stream), which name the kind of streams `K`.
///
/// hyper-util puts what a stream knows into each response's extensions:
///
/// | extension | with |
/// | --- | --- |
/// | `HttpInfo` of hyper-util: both addresses | tokio's `TcpStream`, also below TLS |
/// | [`RaceReport`] | `reporting` and `https_reporting` |
///
/// # Examples
///
#[cfg_attr(feature = "tokio", doc = "```")]
#[cfg_attr(not(feature = "tokio"), doc = "```ignore")]
/// use tower_service::Service as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let uri = format!("http://{}/", listener.local_addr()?).parse()?;
/// let stream = stagger_hyper::tokio::connector(stagger_tokio::dialer()).call(uri).await?;
/// assert_eq!(stream.get_ref().peer_addr()?, listener.local_addr()?);
/// # Ok(())
/// # }
/// ```
pub struct Stream<S, K: HyperIo<S>> {
    io: K::Io,
    is_h2: bool,
    report: Option<RaceReport>,
}

impl<S, K: HyperIo<S>> Stream<S, K> {
    pub(crate) fn new(stream: S) -> Self {
        Self { io: K::wrap(stream), is_h2: false, report: None }
    }

    #[cfg(all(feature = "tls", any(feature = "tokio", feature = "futures")))]
    pub(crate) fn with_h2(mut self, is_h2: bool) -> Self {
        self.is_h2 = is_h2;
        self
    }

    #[cfg(any(feature = "tokio", feature = "futures"))]
    pub(crate) fn with_report(mut self, report: RaceReport) -> Self {
        self.report = Some(report);
        self
    }

    /// The stream of the dialer.
    pub fn get_ref(&self) -> &S {
        K::get_ref(&self.io)
    }

    /// Returns the stream of the dialer.
    pub fn into_inner(self) -> S {
        K::into_inner(self.io)
    }

    /// The report of the race, if the connector reports.
    pub fn report(&self) -> Option<&RaceReport> {
        self.report.as_ref()
    }
}

impl<S, K: HyperIo<S>> Unpin for Stream<S, K> {}

impl<S, K: HyperIo<S>> Connection for Stream<S, K> {
    fn connected(&self) -> Connected {
        let mut connected = K::connected(self.get_ref());
        if self.is_h2 {
            connected = connected.negotiated_h2();
        }
        match &self.report {
            Some(report) => connected.extra(report.clone()),
            None => connected,
        }
    }
}

impl<S, K: HyperIo<S>> Read for Stream<S, K> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<S, K: HyperIo<S>> Write for Stream<S, K> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }
}

impl<S: fmt::Debug, K: HyperIo<S>> fmt::Debug for Stream<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("stream", self.get_ref())
            .field("is_h2", &self.is_h2)
            .finish_non_exhaustive()
    }
}
