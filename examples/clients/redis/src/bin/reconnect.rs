//! A pool of one connection that comes back: `stagger-reconnect` over any client with a stream
//! hook.
//!
//! A client of Redis, NATS or AMQP shares one connection among all tasks. The endpoint below
//! performs the client's handshake, `Reconnect` waits between failures, and a `Link` gives each
//! task the current client.
//!
//! Traps:
//!
//! - A command that is under way when the connection is lost fails. Only the caller knows whether
//!   it may be sent again.
//! - Give the waiting a limit, by a timeout or `Connected::with_max_failures`.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io;
use std::time::Duration;

use futures_util::future::join_all;
use lab::{Server, Situation};
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, AsyncConnectionConfig, RedisConnectionInfo};
use stagger::Connector as _;
use stagger_reconnect::{Link, Reconnect};

/// The longest time to the next connection. The back-off begins with 500 ms. The number is ours.
const LIMIT: Duration = Duration::from_secs(30);

/// The glue. The client makes two things of a stream: itself, and the future that drives it. The
/// future ends when the connection is lost, and then `Reconnect` makes the next one.
fn link(host: &str, port: u16) -> lab::Result<Link<MultiplexedConnection>> {
    let dialer = stagger_tokio::dialer().map_connector(|tcp| {
        tcp.and_then(|stream, _| async {
            let (login, settings) = (RedisConnectionInfo::default(), AsyncConnectionConfig::new());
            let connected = MultiplexedConnection::new_with_config(&login, stream, settings).await;
            let (client, driver) = connected.map_err(io::Error::other)?;
            // The task ends when the last clone of the client is dropped.
            Ok((client, tokio::spawn(driver)))
        })
    });
    let connections = Reconnect::new(dialer.endpoint((host, port))?, stagger_tokio::Timer);
    let (link, keep) = connections.into_link(|(client, driver)| {
        let lost = async { drop(driver.await) };
        (client, lost)
    });
    tokio::spawn(keep);
    Ok(link)
}

async fn answers(link: &Link<MultiplexedConnection>) -> lab::Result {
    let mut client = link.connected().await?;
    let () = client.set("key", 42).await?;
    assert_eq!(client.get::<_, i32>("key").await?, 42);
    Ok(())
}

fn main() {
    lab::run(async || {
        let server = Server::redis();
        lab::serve(server.port());
        let link = link(Situation::Hole.host(), server.port())?;

        // A thousand tasks wait for one dial, and share its connection.
        join_all((0..1000).map(|_| answers(&link))).await.into_iter().collect::<lab::Result>()?;
        let clients: String =
            redis::cmd("CLIENT").arg("LIST").query_async(&mut link.connected().await?).await?;
        assert_eq!(clients.lines().count(), 1, "{clients}");

        // While the server is gone the current client fails, and then there is none.
        let mut client = link.connected().await?;
        drop(server);
        assert!(client.ping::<()>().await.is_err(), "the server is gone");
        let _server = Server::redis();
        let again = async { while answers(&link).await.is_err() {} };
        tokio::time::timeout(LIMIT, again).await?;
        Ok(())
    });
}
