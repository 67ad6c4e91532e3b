//! For connections that are streams of tokio.

super::connector!(tokio_rustls, ::tokio::io::AsyncRead, ::tokio::io::AsyncWrite);
