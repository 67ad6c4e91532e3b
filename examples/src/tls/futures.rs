//! For connections that are streams of `futures-io`, as those of smol are.

super::connector!(futures_rustls, ::futures_lite::io::AsyncRead, ::futures_lite::io::AsyncWrite);
