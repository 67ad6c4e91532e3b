//! bb8 with Happy Eyeballs: the trait `ManageConnection` makes the pool's connections.
//!
//! The connections here are of the crate `redis`. Traps:
//!
//! - `connection_timeout` of the pool, 30 s by default, is how long `get` waits. It does not stop a
//!   dial. The dialer's `Policy::with_timeout` does.
//! - bb8 tries a failed dial again by itself, with a back-off, until `connection_timeout`. So `get`
//!   of a dead name returns `TimedOut` and not the cause. An `ErrorSink` gets the causes.
//! - Give the pool an endpoint or a dialer, and clone nothing per connection.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bb8::{ErrorSink, ManageConnection, Pool, RunError};
use futures_util::future::join_all;
use lab::{Row, Server};
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, AsyncConnectionConfig, RedisConnectionInfo};
use stagger::boxed::BoxEndpoint;
use stagger::{Connector as _, Endpoint as _, Policy};
use tokio::net::TcpStream;

/// The glue.
struct Dialed(stagger_tokio::HostEndpoint);

impl ManageConnection for Dialed {
    type Connection = MultiplexedConnection;
    type Error = lab::BoxError;

    async fn connect(&self) -> lab::Result<MultiplexedConnection> {
        Ok(login(self.0.connect().await?).await?)
    }

    async fn is_valid(&self, client: &mut MultiplexedConnection) -> lab::Result {
        Ok(client.ping().await?)
    }

    fn has_broken(&self, _: &mut MultiplexedConnection) -> bool {
        false
    }
}

/// Login and database number are in the `RedisConnectionInfo`.
async fn login(stream: TcpStream) -> redis::RedisResult<MultiplexedConnection> {
    let (login, settings) = (RedisConnectionInfo::default(), AsyncConnectionConfig::new());
    let (mut client, driver) =
        MultiplexedConnection::new_with_config(&login, stream, settings).await?;
    tokio::spawn(driver);
    let () = client.ping().await?;
    Ok(client)
}

/// Logs why dials fail, because `get` returns `TimedOut` alone. Here the log is a list.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl ErrorSink<lab::BoxError> for Log {
    fn sink(&self, error: lab::BoxError) {
        self.0.lock().expect("nothing panics").push(error.to_string());
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<lab::BoxError>> {
        Box::new(self.clone())
    }
}

/// The glue with the login inside the race. An address that accepts and then says nothing costs
/// 250 ms.
struct Raced(BoxEndpoint<MultiplexedConnection, stagger::Error>);

impl Raced {
    fn new(host: &str, port: u16) -> lab::Result<Self> {
        let dialer = stagger_tokio::dialer().map_connector(|tcp| {
            tcp.and_then(|stream, _| async { login(stream).await.map_err(io::Error::other) })
        });
        Ok(Self(BoxEndpoint::new(dialer.endpoint((host, port))?)))
    }
}

impl ManageConnection for Raced {
    type Connection = MultiplexedConnection;
    type Error = lab::BoxError;

    async fn connect(&self) -> lab::Result<MultiplexedConnection> {
        Ok(self.0.connect().await?)
    }

    async fn is_valid(&self, client: &mut MultiplexedConnection) -> lab::Result {
        Ok(client.ping().await?)
    }

    fn has_broken(&self, _: &mut MultiplexedConnection) -> bool {
        false
    }
}

async fn answers<M>(manager: M) -> lab::Result
where
    M: ManageConnection<Connection = MultiplexedConnection, Error: fmt::Debug>,
{
    let pool = Pool::builder().max_size(3).build(manager).await.map_err(|e| format!("{e:?}"))?;
    let mut client = pool.get().await.map_err(|error| format!("{error:?}"))?;
    let () = client.set("key", 42).await?;
    assert_eq!(client.get::<_, i32>("key").await?, 42);
    Ok(())
}

/// A thousand callers at a dead name: each gets `TimedOut`, and the log has the cause.
async fn fails(port: u16) -> lab::Result {
    let policy = Policy::new().with_timeout(Duration::from_millis(500))?;
    let dialer = stagger_tokio::dialer().with_policy(policy);
    let log = Log::default();
    let pool = Pool::builder()
        .max_size(10)
        .connection_timeout(Duration::from_secs(2))
        .error_sink(Box::new(log.clone()))
        .build_unchecked(Dialed(dialer.endpoint((lab::DEAD, port))?));
    for result in join_all((0..1000).map(|_| pool.get())).await {
        assert!(matches!(result, Err(RunError::TimedOut)));
    }
    let causes = log.0.lock().expect("nothing panics");
    assert!(!causes.is_empty() && causes.iter().all(|cause| cause.contains(lab::DEAD)));
    // Ten dials of 500 ms at a time, for 2 s, and a back-off between them.
    assert!(causes.len() <= 50, "{}", causes.len());
    Ok(())
}

fn main() {
    lab::run(async || {
        let server = Server::redis();
        let port = server.port();
        let row = Row::new("bb8")
            .with_own(async |host| answers(redis::Client::open((host, port))?).await)
            .with_ours(async |host| {
                answers(Dialed(stagger_tokio::dialer().endpoint((host, port))?)).await
            })
            .with_raced(async |host| answers(Raced::new(host, port)?).await);
        row.print(port).await;
        fails(port).await
    });
}
