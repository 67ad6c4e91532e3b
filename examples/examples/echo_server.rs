//! How do I serve on all interfaces, over IPv6 and IPv4 at one port?
//!
//! `cargo run -p stagger-examples --example echo_server [PORT]`
//!
//! With a port it serves until it is interrupted; without one, a few clients of its own.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

use std::error::Error;
use std::time::Duration;

use stagger::Listener;
use tokio::io::{self, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1);
    let listener = match &port {
        Some(port) => stagger_tokio::listen_all(port.parse()?).await?,
        None => stagger_tokio::listen_all(0).await?,
    };
    if let Some((family, error)) = listener.missing() {
        println!("without {family:?}: {error}");
    }
    for addr in listener.interface_addrs()? {
        println!("listening on {addr}");
    }
    let own_port = listener.local_addrs()[0].port();
    let server = tokio::spawn(serve(listener));
    if port.is_none() {
        for greeting in ["hello", "servus", "ahoj"] {
            println!("echoed: {}", ask(own_port, greeting).await?);
        }
        // Dropping the server's future closes the listener.
        server.abort();
    }
    match server.await {
        Err(ended) if ended.is_cancelled() => Ok(()),
        ended => Ok(ended?),
    }
}

/// Echoes to everybody, each in a task of its own.
async fn serve(mut listener: stagger_tokio::TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                println!("{peer} is here");
                tokio::spawn(async move {
                    if let Err(error) = echo(stream).await {
                        eprintln!("{peer}: {error}");
                    }
                });
            }
            // Without descriptors, say. The listener pauses by itself before it tries again.
            Err(error) => eprintln!("{error}"),
        }
    }
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let (mut from, mut to) = stream.split();
    io::copy(&mut from, &mut to).await?;
    to.shutdown().await
}

async fn ask(port: u16, greeting: &str) -> Result<String, Box<dyn Error>> {
    let mut stream = stagger_tokio::connect(("localhost", port)).await?;
    stream.write_all(greeting.as_bytes()).await?;
    stream.shutdown().await?;
    let mut echoed = String::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut echoed)).await??;
    Ok(echoed)
}
