//! redis (redis-rs) with Happy Eyeballs: `MultiplexedConnection::new_with_config` takes any stream.
//!
//! Traps:
//!
//! - The client's own dial starts all addresses at once. So it is fast past a dead address, and
//!   opens a connection to each address every time. By default it gives up after a second.
//! - A `MultiplexedConnection` does not reconnect, and `ConnectionManager` takes no stream and no
//!   resolver. Use `stagger-reconnect`, or a pool as `bb8.rs` does.
//! - A cluster's client takes no stream, but a resolver. `Winner` below gives it the winner's
//!   address, which it dials again.
//! - With TLS (`rediss://`), put `stagger_tls::tokio::Tls` around the dialer's connector. It checks
//!   the host's name.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lab::{Row, Server, Situation};
use redis::aio::MultiplexedConnection;
use redis::io::AsyncDNSResolver;
use redis::{AsyncCommands as _, AsyncConnectionConfig, RedisConnectionInfo, RedisFuture};
use stagger::Connector as _;
use stagger::boxed::BoxDialer;
use tokio::net::TcpStream;

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

/// A resolver that returns the winner's address alone, for clients of the crate that take no
/// stream.
struct Winner(BoxDialer<TcpStream>);

impl AsyncDNSResolver for Winner {
    fn resolve<'a, 'b: 'a>(
        &'a self,
        host: &'b str,
        port: u16,
    ) -> RedisFuture<'a, Box<dyn Iterator<Item = SocketAddr> + Send + 'a>> {
        Box::pin(async move {
            let stream = self.0.connect((host, port)).await.map_err(io::Error::from)?;
            Ok(Box::new([stream.peer_addr()?].into_iter()) as _)
        })
    }
}

/// The second best: the client dials the winner again. `ClusterClientBuilder::async_dns_resolver`
/// takes this resolver too.
async fn dial_again(host: &str, port: u16) -> lab::Result<MultiplexedConnection> {
    let winner = Winner(stagger_tokio::dialer().boxed());
    let settings = AsyncConnectionConfig::new().set_dns_resolver(winner);
    let client = redis::Client::open((host, port))?;
    Ok(client.get_multiplexed_async_connection_with_config(&settings).await?)
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

        // The client's own dial starts both addresses at once. A race waits 250 ms for the first.
        let start = Instant::now();
        answers(dial_again(Situation::Hole.host(), port).await?).await?;
        assert!(start.elapsed() >= Duration::from_millis(250), "{:?}", start.elapsed());
        Ok(())
    });
}
