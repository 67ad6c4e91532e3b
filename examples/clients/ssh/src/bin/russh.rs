//! russh with Happy Eyeballs: `client::connect_stream` takes any stream.
//!
//! Traps:
//!
//! - The `Handler` never learns the host's name: `check_server_key` gets the key alone. Give the
//!   name to the handler, and check the key against the line of that name in `known_hosts`.
//! - The race ends before the login. So a user is asked for a password once, by the winner.
//! - The dialer's `Policy::with_timeout` limits the dial, and the key exchange if that is inside
//!   the race.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io;
use std::sync::Arc;

use lab::{Row, Ssh};
use russh::client::{Config, Handle, Handler, connect, connect_stream};
use russh::keys::{
    PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate, load_secret_key,
};
use russh::{ChannelMsg, Error};
use stagger::Connector as _;

/// Accepts one key.
#[derive(Clone)]
struct Known(PublicKey);

impl Handler for Known {
    type Error = Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        Ok(key.key_data() == self.0.key_data())
    }
}

/// The glue.
async fn dial(
    config: Arc<Config>,
    known: Known,
    host: &str,
    port: u16,
) -> lab::Result<Handle<Known>> {
    let stream = stagger_tokio::connect((host, port)).await?;
    Ok(connect_stream(config, stream, known).await?)
}

/// The glue with the key exchange inside the race. An address that accepts and then says nothing
/// costs 250 ms, and a wrong key costs nothing.
async fn dial_raced(
    config: Arc<Config>,
    known: Known,
    host: &str,
    port: u16,
) -> lab::Result<Handle<Known>> {
    let dialer = stagger_tokio::dialer().map_connector(|tcp| {
        tcp.and_then(move |stream, _| {
            let (config, known) = (config.clone(), known.clone());
            async { connect_stream(config, stream, known).await.map_err(io::Error::other) }
        })
    });
    Ok(dialer.connect((host, port)).await?)
}

/// Logs in, and runs a command.
async fn answers(mut session: Handle<Known>, key: Arc<PrivateKey>) -> lab::Result {
    let key = PrivateKeyWithHashAlg::new(key, None);
    assert!(session.authenticate_publickey("lab", key).await?.success(), "the key is known");
    let mut channel = session.channel_open_session().await?;
    channel.exec(true, "echo hello").await?;
    let mut output = Vec::new();
    while let Some(message) = channel.wait().await {
        if let ChannelMsg::Data { data } = message {
            output.extend_from_slice(&data);
        }
    }
    assert_eq!(output, b"hello\n");
    Ok(())
}

fn main() {
    lab::run(async || {
        let server = Ssh::start();
        let port = server.port();
        let config = Arc::new(Config::default());
        let key = Arc::new(load_secret_key(server.user_key(), None)?);
        let known = Known(PublicKey::from_openssh(&server.host_key())?);
        let (config, key, known) = (&config, &key, &known);
        let row = Row::new("russh")
            .with_own(async |host| {
                let session = connect(config.clone(), (host, port), known.clone()).await?;
                answers(session, key.clone()).await
            })
            .with_ours(async |host| {
                answers(dial(config.clone(), known.clone(), host, port).await?, key.clone()).await
            })
            .with_raced(async |host| {
                let session = dial_raced(config.clone(), known.clone(), host, port).await?;
                answers(session, key.clone()).await
            });
        row.print(port).await;
        Ok(())
    });
}
