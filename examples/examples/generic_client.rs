//! How do I write a client that speaks over any runtime's stream?
//!
//! The client is generic over an [`Endpoint`] whose connection has the I/O traits of `futures-io`.
//! smol's streams have these traits. Tokio's streams have tokio's own traits and need an adapter.
//! The one below has 30 lines, and the crate `tokio-util` has it as `compat`.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_lite::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use futures_lite::{AsyncRead, AsyncWrite};
use stagger::Endpoint;
use tokio::io::ReadBuf;

/// The client: sends its name and returns the greeting.
async fn greet<E>(endpoint: E, name: &str) -> Result<String, Box<dyn std::error::Error>>
where
    E: Endpoint<Error: std::error::Error + 'static>,
    E::Connection: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(endpoint.connect().await?);
    stream.write_all(format!("{name}\n").as_bytes()).await?;
    let mut greeting = String::new();
    stream.read_line(&mut greeting).await?;
    Ok(greeting.trim_end().to_owned())
}

/// Gives a stream with tokio's I/O traits those of `futures-io`.
struct FromTokio<S>(S);

impl<S: tokio::io::AsyncRead + Unpin> AsyncRead for FromTokio<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl<S: tokio::io::AsyncWrite + Unpin> AsyncWrite for FromTokio<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = stagger_examples::greeter()?;

    let on_smol = stagger_smol::dialer().endpoint(target)?;
    println!("{}", smol::block_on(greet(on_smol, "smol"))?);

    let on_tokio = stagger_tokio::dialer().endpoint(target)?.map(FromTokio);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!("{}", runtime.block_on(greet(on_tokio, "tokio"))?);
    Ok(())
}
