//! async-nats with Happy Eyeballs: it has no hook, so the winner's address is given to it.
//!
//! Traps:
//!
//! - The race's connection is closed, and the client dials the winner's address again. So it costs
//!   one more round trip, and the address may fail in between.
//! - The client has an address, and no name. For TLS, `ConnectOptions::tls_client_config` needs a
//!   verifier for the name, because the client checks the certificate for the address.
//! - The client reconnects to this address, and to those that the server announces. If all of them
//!   die, dial again, and make a new client.
//! - An address that accepts and then says nothing wins a plain race. `dial_raced` waits for the
//!   server's greeting in the race.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io;
use std::net::SocketAddr;

use async_nats::Client;
use futures_util::StreamExt as _;
use lab::{Row, Server};
use stagger::Connector as _;

/// The glue.
async fn dial(host: &str, port: u16) -> lab::Result<Client> {
    let winner = stagger_tokio::connect((host, port)).await?.peer_addr()?;
    Ok(async_nats::connect(winner.to_string()).await?)
}

/// The glue with the server's greeting inside the race. An address that accepts and then says
/// nothing costs 250 ms.
async fn dial_raced(host: &str, port: u16) -> lab::Result<Client> {
    let dialer = stagger_tokio::dialer().map_connector(|tcp| {
        tcp.and_then(|stream, _| async move {
            stream.readable().await?;
            // A server that closes at once is readable too.
            if stream.peek(&mut [0]).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(stream)
        })
    });
    let winner: SocketAddr = dialer.connect((host, port)).await?.peer_addr()?;
    Ok(async_nats::connect(winner.to_string()).await?)
}

/// Publishes a message, and gets it back.
async fn answers(client: Client) -> lab::Result {
    let mut messages = client.subscribe("lab").await?;
    client.publish("lab", "hello".into()).await?;
    let message = messages.next().await.ok_or("the server is gone")?;
    assert_eq!(&message.payload[..], b"hello");
    Ok(())
}

fn main() {
    lab::run(async || {
        let server = Server::nats();
        let port = server.port();
        let row = Row::new("async-nats")
            .with_own(async |host| {
                answers(async_nats::connect(format!("nats://{host}:{port}")).await?).await
            })
            .with_ours(async |host| answers(dial(host, port).await?).await)
            .with_raced(async |host| answers(dial_raced(host, port).await?).await);
        row.print(port).await;
        Ok(())
    });
}
