//! A connection over TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_lite::{AsyncRead, AsyncWrite};
use stagger_tls::TlsIo;
use stagger_tls::futures::{Futures, TlsStream};
use stagger_tls::rustls::{AlertDescription, Error};

use super::Session;
use crate::stream::{BoxStream, Ends, Stream};

/// A connection over TLS, with its description.
pub(super) struct Secured<T> {
    stream: T,
    ends: Ends,
    session: Session,
}

impl Secured<TlsStream<BoxStream>> {
    /// The connection of a client.
    pub(super) fn client(stream: TlsStream<BoxStream>, verified: bool) -> Self {
        let (tcp, connection) = stream.get_ref();
        let (ends, session) = (tcp.ends(), Session::of(connection, verified));
        Self { ends, session, stream }
    }
}

/// The connection of a server.
pub(super) type ServerStream = <Futures as TlsIo<BoxStream>>::ServerStream;

impl From<ServerStream> for Secured<ServerStream> {
    fn from(stream: ServerStream) -> Self {
        let (tcp, connection) = stream.get_ref();
        // This server asks for no certificate of a client.
        let (ends, session) = (tcp.ends(), Session::of(connection, false));
        Self { ends, session, stream }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin + 'static> From<Secured<T>> for BoxStream {
    fn from(stream: Secured<T>) -> Self {
        Box::new(stream)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for Secured<T> {
    fn ends(&self) -> Ends {
        self.ends
    }

    fn session(&self) -> Option<Session> {
        Some(self.session.clone())
    }

    fn half_closes(&self) -> bool {
        self.session.half_closes()
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Secured<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer).map_err(worded)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Secured<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

/// An error after the handshake, in words for a person.
fn worded(error: io::Error) -> io::Error {
    use AlertDescription as Alert;

    let text = match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        // With TLS 1.3 a server checks the certificate of a client after the client's handshake.
        Some(Error::AlertReceived(Alert::CertificateRequired)) => {
            "the server requires a client's certificate; --cert and --key present one".to_owned()
        }
        Some(Error::AlertReceived(
            alert @ (Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied),
        )) => format!("the peer refused our certificate, with the TLS alert {alert:?}"),
        Some(Error::AlertReceived(alert)) => {
            format!("the peer ended the connection with the TLS alert {alert:?}")
        }
        Some(_) => return error,
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the peer ended TCP without the end of TLS, so data may be missing".to_owned()
        }
        None => return error,
    };
    io::Error::new(error.kind(), text)
}
