//! Boxed streams.

/// Writes the boxed stream of a kind of streams. `$poll` has the methods of its write trait that
/// end a stream.
macro_rules! box_stream {
    ($module:literal, $kind:literal, $traits:literal, $read:path, $write:path, { $($polls:item)* }, { $($more:item)* }) => {
        use std::any::Any;
        use std::fmt;
        use std::io::{self, IoSlice};
        use std::pin::Pin;
        use std::sync::Arc;
        use std::task::{Context, Poll, ready};

        trait Stream: $read + $write + Send + Unpin {
            fn as_any(&self) -> &dyn Any;
        }

        impl<T: $read + $write + Send + Unpin + 'static> Stream for T {
            fn as_any(&self) -> &dyn Any {
                self
            }
        }

        #[doc = concat!("Any stream with the traits of ", $kind, ", boxed. It knows its peer, if a layer told it.")]
        ///
        /// The end of each direction is the inner stream's: closing the write side leaves the read
        /// side open, if the inner stream can do so.
        ///
        /// # Examples
        ///
        /// ```
        #[doc = concat!("use stagger_endpoint::", $module, "::BoxStream;")]
        ///
        #[doc = concat!("use ", $traits, "::{AsyncRead, AsyncWrite};")]
        ///
        /// fn boxed(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        ///     let stream = BoxStream::new(stream).with_peer("192.0.2.1:80");
        ///     assert_eq!(stream.peer(), Some("192.0.2.1:80"));
        ///     assert_eq!(stream.without_peer().peer(), None);
        /// }
        /// ```
        pub struct BoxStream {
            inner: Box<dyn Stream>,
            peer: Option<Arc<str>>,
            /// Ends the write side of a stream that cannot do so itself.
            shutdown: Option<Shutdown>,
        }

        type Shutdown = fn(&dyn Any) -> io::Result<()>;

        impl BoxStream {
            /// Boxes a stream.
            pub fn new(stream: impl $read + $write + Send + Unpin + 'static) -> Self {
                Self { inner: Box::new(stream), peer: None, shutdown: None }
            }

            /// Sets the text of the peer.
            pub fn with_peer(mut self, peer: impl Into<Arc<str>>) -> Self {
                self.peer = Some(peer.into());
                self
            }

            /// Removes the text of the peer.
            pub fn without_peer(mut self) -> Self {
                self.peer = None;
                self
            }

            /// The peer of the transport, such as the socket address of a server or of a proxy.
            pub fn peer(&self) -> Option<&str> {
                self.peer.as_deref()
            }

            /// The boxed stream, if it is of this type. Over TLS, for example, it is a `TlsStream`
            /// of a `BoxStream`.
            pub fn downcast_ref<T: 'static>(&self) -> Option<&T> {
                (*self.inner).as_any().downcast_ref()
            }

            #[allow(dead_code, reason = "only streams of async-std need it")]
            pub(crate) fn with_shutdown(mut self, shutdown: Shutdown) -> Self {
                self.shutdown = Some(shutdown);
                self
            }

            fn shut_down(&mut self) -> io::Result<()> {
                match self.shutdown.take().map(|shutdown| shutdown((*self.inner).as_any())) {
                    // The peer has gone already.
                    Some(Err(error)) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
                    Some(done) => done,
                    None => Ok(()),
                }
            }

            #[cfg(feature = "tls")]
            pub(crate) fn with_peer_of(mut self, below: Option<Arc<str>>) -> Self {
                self.peer = below;
                self
            }

            #[cfg(feature = "tls")]
            pub(crate) fn shared_peer(&self) -> Option<Arc<str>> {
                self.peer.clone()
            }
        }

        impl fmt::Debug for BoxStream {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("BoxStream").field("peer", &self.peer).finish_non_exhaustive()
            }
        }

        impl $read for BoxStream {
            $($more)*
        }

        impl $write for BoxStream {
            fn poll_write(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut *self.inner).poll_write(cx, bytes)
            }

            fn poll_write_vectored(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut *self.inner).poll_write_vectored(cx, slices)
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Pin::new(&mut *self.inner).poll_flush(cx)
            }

            $($polls)*
        }
    };
}

/// Boxed streams of tokio.
#[cfg(feature = "tokio")]
pub(crate) mod tokio_stream {
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    box_stream!(
        "tokio",
        "tokio",
        "tokio::io",
        AsyncRead,
        AsyncWrite,
        {
            fn is_write_vectored(&self) -> bool {
                self.inner.is_write_vectored()
            }

            fn poll_shutdown(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                ready!(Pin::new(&mut *self.inner).poll_shutdown(cx))?;
                Poll::Ready(self.shut_down())
            }
        },
        {
            fn poll_read(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                Pin::new(&mut *self.inner).poll_read(cx, buffer)
            }
        }
    );
}

/// Boxed streams of `futures-io`.
#[cfg(feature = "futures")]
pub(crate) mod futures_stream {
    use std::io::IoSliceMut;

    use futures_io::{AsyncRead, AsyncWrite};

    box_stream!(
        "smol",
        "`futures-io`",
        "futures_io",
        AsyncRead,
        AsyncWrite,
        {
            fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                ready!(Pin::new(&mut *self.inner).poll_close(cx))?;
                Poll::Ready(self.shut_down())
            }
        },
        {
            fn poll_read(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut *self.inner).poll_read(cx, buffer)
            }

            fn poll_read_vectored(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffers: &mut [IoSliceMut<'_>],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut *self.inner).poll_read_vectored(cx, buffers)
            }
        }
    );
}
