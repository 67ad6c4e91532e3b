//! TLS over the streams of `futures-io`, such as those of smol and async-std.

crate::io::streams!(
    futures,
    "smol",
    futures_rustls,
    Futures,
    futures_io::AsyncRead,
    futures_io::AsyncWrite,
    "Streams with the traits of `futures-io`."
);
