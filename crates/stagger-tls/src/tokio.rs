//! TLS over the streams of tokio.

crate::io::streams!(
    tokio,
    "tokio",
    tokio_rustls,
    Tokio,
    ::tokio::io::AsyncRead,
    ::tokio::io::AsyncWrite,
    "Streams with tokio's traits."
);
