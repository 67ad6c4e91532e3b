//! lettre with Happy Eyeballs: `AsyncSmtpConnection::connect_with_transport` takes any stream.
//!
//! Traps:
//!
//! - `AsyncSmtpTransport`, which most programs use, takes no stream. So its pool, its login and its
//!   choice of TLS are lost: `AsyncSmtpConnection::auth` logs in, and a pool is the caller's.
//! - For TLS from the start (port 465), put `stagger_tls::tokio::Tls` around the dialer's
//!   connector. It checks the host's name. `is_encrypted` of the connection is false then.
//! - For STARTTLS (port 587), call `AsyncSmtpConnection::starttls` with `TlsParameters` for the
//!   host's name. TLS is then after the race.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io;

use lab::{Row, Server};
use lettre::address::Envelope;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use stagger::Connector as _;

/// The glue.
async fn dial(host: &str, port: u16) -> lab::Result<AsyncSmtpConnection> {
    let stream = stagger_tokio::connect((host, port)).await?;
    let client = ClientId::default();
    Ok(AsyncSmtpConnection::connect_with_transport(Box::new(stream), &client).await?)
}

/// The glue with the server's greeting inside the race. An address that accepts and then says
/// nothing costs 250 ms.
async fn dial_raced(host: &str, port: u16) -> lab::Result<AsyncSmtpConnection> {
    let dialer = stagger_tokio::dialer().map_connector(|tcp| {
        tcp.and_then(|stream, _| async {
            let (stream, client) = (Box::new(stream), ClientId::default());
            let greeted = AsyncSmtpConnection::connect_with_transport(stream, &client).await;
            greeted.map_err(io::Error::other)
        })
    });
    Ok(dialer.connect((host, port)).await?)
}

async fn answers(mut connection: AsyncSmtpConnection) -> lab::Result {
    let to = vec!["you@lab.test".parse()?];
    let envelope = Envelope::new(Some("me@lab.test".parse()?), to)?;
    let response = connection.send(&envelope, b"Subject: hello\r\n\r\nhello\r\n").await?;
    assert!(response.is_positive(), "{response:?}");
    Ok(())
}

fn main() {
    lab::run(async || {
        let server = Server::smtp();
        let port = server.port();
        let row = Row::new("lettre")
            .with_own(async |host| {
                let client = ClientId::default();
                let to = (host, port);
                let own = AsyncSmtpConnection::connect_tokio1(to, None, &client, None, None);
                answers(own.await?).await
            })
            .with_ours(async |host| answers(dial(host, port).await?).await)
            .with_raced(async |host| answers(dial_raced(host, port).await?).await);
        row.print(port).await;
        Ok(())
    });
}
