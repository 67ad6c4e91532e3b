//! redis (redis-rs) with Happy Eyeballs: `MultiplexedConnection::new_with_config` takes any stream.
//!
//! Traps:
//!
//! - The client's own dial starts all addresses at once. So it is fast past a dead address, and
//!   opens a connection to each address every time. By default it gives up after a second.
//! - A `MultiplexedConnection` does not reconnect, and `ConnectionManager` takes no stream. Use
//!   `stagger-reconnect`, or a pool as `bb8.rs` does.
//! - With TLS (`rediss://`), put `stagger_tls::tokio::Tls` around the dialer's connector. It checks
//!   the host's name.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io;

use lab::{Row, Server};
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, AsyncConnectionConfig, RedisConnectionInfo};
use stagger::Connector as _;

/// The glue. Login and database number are in the `RedisConnectionInfo`.
async fn dial(host: &str, port: u16) -> lab::Result<MultiplexedConnection> {
    let stream = stagger_tokio::connect((host, port)).await?;
    let (login, settings) = (RedisConnectionInfo::default(), AsyncConnectionConfig::new());
    let (client, driver) = MultiplexedConnection::new_with_config(&login, stream, settings).await?;
    tokio::spawn(driver);
    Ok(client)
}

/// The glue with a first command inside the race. An address that accepts and then says nothing
/// costs 250 ms.
async fn dial_raced(host: &str, port: u16) -> lab::Result<MultiplexedConnection> {
    let dialer = stagger_tokio::dialer().map_connector(|tcp| {
        tcp.and_then(|stream, _| async {
            let (login, settings) = (RedisConnectionInfo::default(), AsyncConnectionConfig::new());
            let connected = MultiplexedConnection::new_with_config(&login, stream, settings).await;
            let (mut client, driver) = connected.map_err(io::Error::other)?;
            tokio::spawn(driver);
            // The handshake alone may wait for nothing.
            let () = client.ping().await.map_err(io::Error::other)?;
            Ok(client)
        })
    });
    Ok(dialer.connect((host, port)).await?)
}

async fn answers(mut client: MultiplexedConnection) -> lab::Result {
    let () = client.set("key", 42).await?;
    assert_eq!(client.get::<_, i32>("key").await?, 42);
    Ok(())
}

fn main() {
    lab::run(async || {
        let server = Server::redis();
        let port = server.port();
        let row = Row::new("redis")
            .with_own(async |host| {
                let client = redis::Client::open((host, port))?;
                // Without its own limits, as the others.
                let settings = AsyncConnectionConfig::new()
                    .set_connection_timeout(None)
                    .set_response_timeout(None);
                answers(client.get_multiplexed_async_connection_with_config(&settings).await?).await
            })
            .with_ours(async |host| answers(dial(host, port).await?).await)
            .with_raced(async |host| answers(dial_raced(host, port).await?).await);
        row.print(port).await;
        Ok(())
    });
}
