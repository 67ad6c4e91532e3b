//! axum on all addresses of both families: the trait `Listener`, over our listener.
//!
//! Traps:
//!
//! - `axum::serve` takes one listener, and `TcpListener::bind("[::]:80")` accepts IPv4 only where
//!   the system's `bindv6only` is off. `listen_all` opens a socket of each family.
//! - Both traits are foreign to a program, so a newtype is between them.
//! - axum's `accept` cannot fail. An error of one client is skipped, and our listener itself pauses
//!   when the process has no descriptor left.
//! - `local_addr` is one address. A listener on port 0 has the same port in both families.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use stagger::listen::Listener as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The glue.
struct Listener(stagger_tokio::TcpListener);

impl axum::serve::Listener for Listener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            if let Ok(accepted) = self.0.accept().await {
                return accepted;
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.0.local_addrs()[0])
    }
}

async fn answers(addr: SocketAddr) -> lab::Result {
    let mut stream = TcpStream::connect(addr).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n\r\n").await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    assert!(response.starts_with("HTTP/1.1 200 ") && response.ends_with("hello"), "{response}");
    Ok(())
}

fn main() {
    lab::run(async || {
        let listener = stagger_tokio::listen_all(0).await?;
        let port = listener.local_addrs()[0].port();
        let app = Router::new().route("/", get(async || "hello"));
        tokio::spawn(async { axum::serve(Listener(listener), app).await });
        for text in ["127.0.0.1", "192.0.2.10", "::1", "2001:db8:7::1"] {
            answers(SocketAddr::new(text.parse()?, port)).await?;
        }
        Ok(())
    });
}
