//! deadpool-postgres with Happy Eyeballs: the trait `Connect` makes the pool's connections.
//!
//! Traps:
//!
//! - The error of `Connect` is `tokio_postgres::Error`, which only that crate can make. A failed
//!   dial has to become one. Below, `Config::connect` without a host makes it, and the cause goes
//!   to the log.
//! - deadpool has no timeout by default. Set `wait_timeout` and `create_timeout`, or the policy's
//!   timeout of the dialer.
//! - Give one dialer to the whole pool. It is cheap, but its resolver keeps answers.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io;
use std::pin::Pin;

use deadpool_postgres::{Connect, Manager, ManagerConfig, Pool};
use lab::{Row, Server};
use stagger::boxed::BoxEndpoint;
use stagger::{Connector as _, Endpoint as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_postgres::config::Host;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{Client, Config, Connection, Error, NoTls};

/// The glue.
struct Dialed(stagger_tokio::Dialer);

impl Connect for Dialed {
    fn connect(
        &self,
        config: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        let config = config.clone();
        Box::pin(async move {
            let Some(Host::Tcp(host)) = config.get_hosts().first() else {
                // Another kind of host is the client's own.
                return spawned(config.connect(NoTls).await?);
            };
            let port = config.get_ports().first().copied().unwrap_or(5432);
            match self.0.connect((host.as_str(), port)).await {
                Ok(stream) => spawned(config.connect_raw(stream, NoTls).await?),
                Err(error) => Err(failed(&error).await),
            }
        })
    }
}

fn spawned<S, T>(
    (client, connection): (Client, Connection<S, T>),
) -> Result<(Client, JoinHandle<()>), Error>
where
    Connection<S, T>: Future<Output = Result<(), Error>> + Send + 'static,
{
    Ok((client, tokio::spawn(async { drop(connection.await) })))
}

/// An error of the client's type. Without a host it dials nothing.
async fn failed(error: &stagger::Error) -> Error {
    eprintln!("no connection: {error}");
    match Config::new().connect(NoTls).await {
        Err(error) => error,
        Ok(_) => unreachable!("a configuration without a host connects to nothing"),
    }
}

/// What the client's `connect_raw` returns.
type Raw = (Client, Connection<TcpStream, NoTlsStream>);

/// The glue with PostgreSQL's handshake inside the race. An address that accepts and then says
/// nothing costs 250 ms. The pool has one host, as most have.
struct Raced(BoxEndpoint<Raw, stagger::Error>);

impl Raced {
    fn new(login: Config, host: &str, port: u16) -> lab::Result<Self> {
        let dialer = stagger_tokio::dialer().map_connector(|tcp| {
            tcp.and_then(move |stream, _| {
                let login = login.clone();
                async move { login.connect_raw(stream, NoTls).await.map_err(io::Error::other) }
            })
        });
        Ok(Self(BoxEndpoint::new(dialer.endpoint((host, port))?)))
    }
}

impl Connect for Raced {
    fn connect(
        &self,
        _: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        Box::pin(async {
            match self.0.connect().await {
                Ok(connected) => spawned(connected),
                Err(error) => Err(failed(&error).await),
            }
        })
    }
}

async fn answers(manager: Manager) -> lab::Result {
    let pool = Pool::builder(manager).max_size(4).build()?;
    let client = pool.get().await?;
    assert_eq!(client.query_one("select 1 + 1", &[]).await?.get::<_, i32>(0), 2);
    Ok(())
}

fn main() {
    lab::run(async || {
        let server = Server::postgresql();
        let port = server.port();
        let mut config: Config = "user=postgres dbname=postgres".parse()?;
        config.port(port);
        let config = &config;
        let settings = ManagerConfig::default;
        let row = Row::new("deadpool-postgres")
            .with_own(async |host| {
                let config = config.clone().host(host).clone();
                answers(Manager::from_config(config, NoTls, settings())).await
            })
            .with_ours(async |host| {
                let config = config.clone().host(host).clone();
                let dialed = Dialed(stagger_tokio::dialer());
                answers(Manager::from_connect(config, dialed, settings())).await
            })
            .with_raced(async |host| {
                let raced = Raced::new(config.clone(), host, port)?;
                answers(Manager::from_connect(config.clone(), raced, settings())).await
            });
        row.print(port).await;

        // A name without an address is an error of the pool, and the log has its cause.
        let config = config.clone().host("no-such-name.lab.test").clone();
        let dialed = Dialed(stagger_tokio::dialer());
        let failed = answers(Manager::from_connect(config, dialed, settings())).await;
        assert!(failed.is_err(), "there is no such name");
        Ok(())
    });
}
