//! How do I serve on all interfaces on async-std, over IPv6 and IPv4 at one port?
//!
//! `cargo run -p stagger-examples --example echo_server_async_std [PORT]`
//!
//! With a port it serves until it is interrupted. Without a port it serves its own client at each
//! address of loopback.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

use std::error::Error;
use std::net::{Shutdown, SocketAddr};

use async_std::io::{self, ReadExt as _, WriteExt as _};
use async_std::net::TcpStream;
use async_std::task;
use stagger::listen::Listener;

fn main() -> Result<(), Box<dyn Error>> {
    task::block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).map(|port| port.parse()).transpose()?;
    let listener = stagger_async_std::listen_all(port.unwrap_or(0)).await?;
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
    let server = task::spawn(serve(listener));
    for addr in addrs.into_iter().filter(|addr| addr.ip().is_loopback()) {
        println!("{addr} echoes {:?}", ask(addr).await?);
    }
    // Cancelling the server's task closes the listener.
    server.cancel().await;
    Ok(())
}

/// Echoes to each client in a task of its own.
async fn serve(mut listener: stagger_async_std::TcpListener) -> ! {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                println!("{peer} is here");
                task::spawn(async move {
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

async fn echo(stream: TcpStream) -> io::Result<()> {
    io::copy(&mut &stream, &mut &stream).await?;
    stream.shutdown(Shutdown::Write)
}

async fn ask(addr: SocketAddr) -> Result<String, Box<dyn Error>> {
    let mut stream = stagger_async_std::connect(addr).await?;
    stream.write_all(b"ahoj").await?;
    stream.shutdown(Shutdown::Write)?;
    let mut echoed = String::new();
    stream.read_to_string(&mut echoed).await?;
    Ok(echoed)
}
