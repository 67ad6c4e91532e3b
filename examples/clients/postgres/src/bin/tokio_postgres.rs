//! tokio-postgres with Happy Eyeballs: `Config::connect_raw` takes any stream.
//!
//! Traps:
//!
//! - `host` and `connect_timeout` of the `Config` have no effect on `connect_raw`. The timeout is
//!   the dialer's: `Policy::with_timeout`.
//! - `CancelToken::cancel_query` dials by itself, to the host of the configuration. After
//!   `connect_raw` it has none, so it fails. `cancel_query_raw` takes a second stream.
//! - With TLS, the connector must be made for the host's name: `connect_raw` does not know it.
//! - Libpq's way with several hosts (`target_session_attrs`) is part of `Config::connect` alone.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io;

use lab::{Row, Server};
use stagger::Connector as _;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

/// The glue.
async fn dial(config: &Config, host: &str, port: u16) -> lab::Result<Client> {
    let stream = stagger_tokio::connect((host, port)).await?;
    let (client, connection) = config.connect_raw(stream, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The glue with PostgreSQL's handshake inside the race. An address that accepts and then says
/// nothing costs 250 ms. A failed login ends an attempt, and the next address starts.
async fn dial_raced(config: &Config, host: &str, port: u16) -> lab::Result<Client> {
    let config = config.clone();
    let dialer = stagger_tokio::dialer().map_connector(|tcp| {
        tcp.and_then(move |stream, _| {
            let config = config.clone();
            async move { config.connect_raw(stream, NoTls).await.map_err(io::Error::other) }
        })
    });
    let (client, connection) = dialer.connect((host, port)).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Cancels what the client waits for, through a second stream.
async fn cancel(client: &Client, host: &str, port: u16) -> lab::Result {
    let token = client.cancel_token();
    let stream = stagger_tokio::connect((host, port)).await?;
    Ok(token.cancel_query_raw(stream, NoTls).await?)
}

async fn answers(client: &Client) -> lab::Result {
    assert_eq!(client.query_one("select 1 + 1", &[]).await?.get::<_, i32>(0), 2);
    Ok(())
}

fn main() {
    lab::run(async || {
        let server = Server::postgresql();
        let port = server.port();
        let config: Config = "user=postgres dbname=postgres".parse()?;
        let config = &config;
        let row = Row::new("tokio-postgres")
            .with_own(async |host| {
                let (client, connection) =
                    config.clone().host(host).port(port).connect(NoTls).await?;
                tokio::spawn(connection);
                answers(&client).await
            })
            .with_ours(async |host| answers(&dial(config, host, port).await?).await)
            .with_raced(async |host| answers(&dial_raced(config, host, port).await?).await);
        row.print(port).await;

        let host = lab::Situation::Hole.host();
        let client = dial(config, host, port).await?;
        assert!(client.cancel_token().cancel_query(NoTls).await.is_err(), "it has no host");
        // A request that comes before its query has no effect, so it is sent again.
        let cancel = async {
            loop {
                if let Err(error) = cancel(&client, host, port).await {
                    break error;
                }
            }
        };
        let query = client.simple_query("select pg_sleep(60)");
        let error = tokio::select! {
            query = query => query.expect_err("it is cancelled"),
            error = cancel => return Err(error),
        };
        assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED));
        Ok(())
    });
}
