//! Endpoints on async-std, which is discontinued upstream.

runtime! {
    module: "async_std", adapter: stagger_async_std, stream: futures_stream, boxed: boxed,
    tls: stagger_tls::futures::Futures, proxy: stagger_proxy::futures::Futures,
    example: (
        "futures_lite::future::block_on(async {",
        "Ok::<_, Box<dyn std::error::Error>>(()) })?; Ok::<_, Box<dyn std::error::Error>>(())"
    ),
}

/// A socket of async-std, whose `poll_close` does nothing. Without this a peer would never see the
/// end of what is sent.
trait Shutdown: futures_io::AsyncRead + futures_io::AsyncWrite + Send + Unpin + 'static {
    fn shutdown_write(&self) -> std::io::Result<()>;
}

impl Shutdown for ::async_std::net::TcpStream {
    fn shutdown_write(&self) -> std::io::Result<()> {
        self.shutdown(std::net::Shutdown::Write)
    }
}

#[cfg(unix)]
impl Shutdown for ::async_std::os::unix::net::UnixStream {
    fn shutdown_write(&self) -> std::io::Result<()> {
        self.shutdown(std::net::Shutdown::Write)
    }
}

#[cfg(all(unix, feature = "ssh"))]
impl Shutdown
    for stagger_ssh::SshStream<::async_std::net::TcpStream, ::async_std::os::unix::net::UnixStream>
{
    fn shutdown_write(&self) -> std::io::Result<()> {
        match (self.tcp(), self.unix()) {
            (Some(stream), _) => stream.shutdown_write(),
            (None, Some(stream)) => stream.shutdown_write(),
            (None, None) => Ok(()),
        }
    }
}

fn boxed<S: Shutdown>(stream: S) -> BoxStream {
    BoxStream::new(stream).with_shutdown(|stream| {
        let stream = stream.downcast_ref::<S>();
        stream.expect("it is the stream that was boxed").shutdown_write()
    })
}
