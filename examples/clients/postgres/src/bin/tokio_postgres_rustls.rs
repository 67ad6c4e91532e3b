//! tokio-postgres over TLS with Happy Eyeballs: `Config::connect_raw` takes a TLS connector too.
//!
//! Traps:
//!
//! - `connect_raw` does not know the host's name. The TLS connector is made for a name, and checks
//!   the certificate for it. So make it for the name that was dialed, and never for the winner's
//!   address or for a constant.
//! - By default `sslmode` is `prefer`: a server without TLS, or an attacker between, gets the login
//!   in clear. Set `SslMode::Require`.
//! - `cancel_query_raw` speaks TLS as the connection does. It needs a second stream, and a second
//!   TLS connector for the name.
//! - PostgreSQL's own request comes before TLS, so `stagger_tls` around the dialer's connector does
//!   not fit. With `sslnegotiation=direct` and PostgreSQL 17 or later it would.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io;

use lab::{Row, Server, Situation};
use rustls::ClientConfig;
use stagger::Connector as _;
use tokio::net::TcpStream;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The glue. The name is given twice: to the dialer, and to TLS.
async fn dial(
    config: &Config,
    mut tls: MakeRustlsConnect,
    host: &str,
    port: u16,
) -> lab::Result<Client> {
    let stream = stagger_tokio::connect((host, port)).await?;
    let tls = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, host)?;
    let (client, connection) = config.connect_raw(stream, tls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The glue with TLS and PostgreSQL's handshake inside the race. An address that accepts and then
/// says nothing costs 250 ms. So does one that stalls in TLS.
async fn dial_raced(
    config: &Config,
    tls: MakeRustlsConnect,
    host: &'static str,
    port: u16,
) -> lab::Result<Client> {
    let config = config.clone();
    let dialer = stagger_tokio::dialer().map_connector(|tcp| {
        tcp.and_then(move |stream, _| {
            let (config, mut tls) = (config.clone(), tls.clone());
            async move {
                let tls = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, host)
                    .map_err(io::Error::other)?;
                config.connect_raw(stream, tls).await.map_err(io::Error::other)
            }
        })
    });
    let (client, connection) = dialer.connect((host, port)).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Cancels what the client waits for, through a second stream with TLS.
async fn cancel(client: &Client, mut tls: MakeRustlsConnect, host: &str, port: u16) -> lab::Result {
    let token = client.cancel_token();
    let stream = stagger_tokio::connect((host, port)).await?;
    let tls = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, host)?;
    Ok(token.cancel_query_raw(stream, tls).await?)
}

/// The session's own row says whether it is encrypted.
async fn answers(client: &Client) -> lab::Result {
    let row =
        client.query_one("select ssl from pg_stat_ssl where pid = pg_backend_pid()", &[]).await?;
    assert!(row.get::<_, bool>(0), "the session is encrypted");
    Ok(())
}

/// The certificate is checked for the name that the TLS connector was made for.
async fn checks_the_name(config: &Config, tls: &MakeRustlsConnect, port: u16) -> lab::Result {
    for name in ["other.lab.test", "192.0.2.10"] {
        let stream = stagger_tokio::connect((Situation::Hole.host(), port)).await?;
        let tls = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls.clone(), name)?;
        let Err(error) = config.connect_raw(stream, tls).await else {
            return Err(format!("the certificate is not for {name}").into());
        };
        assert!(format!("{error:?}").contains("NotValidForName"), "{error:?}");
    }
    Ok(())
}

/// A server without TLS is spoken to in clear with `prefer`, and not with `require`.
async fn requires_tls(config: &Config, tls: &MakeRustlsConnect) -> lab::Result {
    let server = Server::postgresql();
    let (host, port) = (Situation::Hole.host(), server.port());
    let prefer = config.clone().ssl_mode(SslMode::Prefer).clone();
    let client = dial(&prefer, tls.clone(), host, port).await?;
    assert!(answers_in_clear(&client).await?, "by default nothing is encrypted");
    let error = dial(config, tls.clone(), host, port).await.expect_err("it has no TLS");
    assert!(format!("{error:?}").contains("server does not support TLS"), "{error:?}");
    Ok(())
}

async fn answers_in_clear(client: &Client) -> lab::Result<bool> {
    let row = client.query_one("select not ssl from pg_stat_ssl where pid = pg_backend_pid()", &[]);
    Ok(row.await?.get(0))
}

fn main() {
    lab::run(async || {
        let (server, rustls) = Server::postgresql_tls();
        let port = server.port();
        let tls = MakeRustlsConnect::new(ClientConfig::clone(&rustls));
        let mut config: Config = "user=postgres dbname=postgres".parse()?;
        config.ssl_mode(SslMode::Require);
        let (config, tls) = (&config, &tls);
        let row = Row::new("tokio-postgres-rustls")
            .with_own(async |host| {
                let mut config = config.clone();
                let config = config.host(host).port(port);
                let (client, connection) = config.connect(tls.clone()).await?;
                tokio::spawn(connection);
                answers(&client).await
            })
            .with_ours(async |host| answers(&dial(config, tls.clone(), host, port).await?).await)
            .with_raced(async |host| {
                answers(&dial_raced(config, tls.clone(), host, port).await?).await
            });
        row.print(port).await;

        checks_the_name(config, tls, port).await?;
        requires_tls(config, tls).await?;

        let host = Situation::Hole.host();
        let client = dial(config, tls.clone(), host, port).await?;
        let token = client.cancel_token();
        let stream = stagger_tokio::connect((host, port)).await?;
        assert!(token.cancel_query_raw(stream, NoTls).await.is_err(), "it wants TLS");
        // A request that comes before its query has no effect, so it is sent again.
        let cancel = async {
            loop {
                if let Err(error) = cancel(&client, tls.clone(), host, port).await {
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
