//! fred with Happy Eyeballs: the trait `Resolve` gets the winner's address.
//!
//! Traps:
//!
//! - fred takes no stream. Its own dial tries one address after another, and the timeout of a
//!   connection is 10 s by default for each (`ConnectionConfig::connection_timeout`).
//! - The race's connection is closed, and the client dials the winner's address again. So it costs
//!   one more round trip, and the address may fail in between.
//! - A resolver is set on each client, before `init`. A pool has many clients.
//! - fred resolves again for each reconnect, so each reconnect is a race.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes_utils::Str;
use fred::interfaces::{ClientLike as _, KeysInterface as _};
use fred::prelude::{Builder, Client, Config, Error, ErrorKind};
use fred::types::Resolve;
use lab::{Row, Server};
use stagger::Connector as _;
use stagger::boxed::BoxDialer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The glue.
struct Winner(BoxDialer<TcpStream>);

#[async_trait]
impl Resolve for Winner {
    async fn resolve(&self, host: Str, port: u16) -> Result<Vec<SocketAddr>, Error> {
        let winner = self.0.connect((&*host, port)).await;
        let addr = winner.map_err(io::Error::from).and_then(|stream| stream.peer_addr());
        Ok(vec![addr.map_err(|error| Error::new(ErrorKind::IO, error.to_string()))?])
    }
}

/// A dialer with a question of Redis inside the race. An address that accepts and then says nothing
/// costs 250 ms. A server that wants a login answers with an error, which is an answer.
fn dialer_raced() -> BoxDialer<TcpStream> {
    stagger_tokio::dialer()
        .map_connector(|tcp| {
            tcp.and_then(|mut stream, _| async move {
                stream.write_all(b"PING\r\n").await?;
                stream.read_u8().await?;
                Ok(stream)
            })
        })
        .boxed()
}

async fn client(host: &str, port: u16) -> lab::Result<Client> {
    let config = Config::from_url(&format!("redis://{host}:{port}"))?;
    Ok(Builder::from_config(config).build()?)
}

async fn answers(client: Client) -> lab::Result {
    client.init().await?;
    let () = client.set("key", 42, None, None, false).await?;
    assert_eq!(client.get::<i32, _>("key").await?, 42);
    client.quit().await?;
    Ok(())
}

fn main() {
    lab::run(async || {
        let server = Server::redis();
        let port = server.port();
        let resolved = async |host, dialer| {
            let client = client(host, port).await?;
            client.set_resolver(Arc::new(Winner(dialer))).await;
            answers(client).await
        };
        let resolved = &resolved;
        let row = Row::new("fred")
            .with_own(async |host| answers(client(host, port).await?).await)
            .with_ours(async |host| resolved(host, stagger_tokio::dialer().boxed()).await)
            .with_raced(async |host| resolved(host, dialer_raced()).await);
        row.print(port).await;
        Ok(())
    });
}
