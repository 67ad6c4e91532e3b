//! How do I serve on all interfaces on tokio, over IPv6 and IPv4 at one port?
//!
//! `cargo run -p stagger-examples --example echo_server_tokio [PORT]`
//!
//! With a port it serves until it is interrupted. Without a port it serves its own client at each
//! address of loopback.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

use std::error::Error;
use std::net::SocketAddr;

use stagger::listen::Listener;
use tokio::io::{self, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).map(|port| port.parse()).transpose()?;
    let listener = stagger_tokio::listen_all(port.unwrap_or(0)).await?;
    if let Some((family, error)) = listener.missing() {
        println!("without {family}: {error}");
    }
    let addrs = listener.interface_addrs()?;
    for addr in &addrs {
        println!("listening on {addr}");
    }
    if port.is_some() {
        serve(listener).await;
    }
    let server = tokio::spawn(serve(listener));
    for addr in addrs.into_iter().filter(|addr| addr.ip().is_loopback()) {
        println!("{addr} echoes {:?}", ask(addr).await?);
    }
    // Dropping the server's future closes the listener.
    server.abort();
    Ok(())
}

/// Echoes to each client in a task of its own.
async fn serve(mut listener: stagger_tokio::TcpListener) -> ! {
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
            // For example no descriptor is free. The listener pauses before it tries again.
            Err(error) => eprintln!("{error}"),
        }
    }
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let (mut from, mut to) = stream.split();
    io::copy(&mut from, &mut to).await?;
    to.shutdown().await
}

async fn ask(addr: SocketAddr) -> Result<String, Box<dyn Error>> {
    let mut stream = stagger_tokio::connect(addr).await?;
    stream.write_all(b"ahoj").await?;
    stream.shutdown().await?;
    let mut echoed = String::new();
    stream.read_to_string(&mut echoed).await?;
    Ok(echoed)
}
