//! lapin with Happy Eyeballs: `Connection::connector` takes a closure that dials.
//!
//! Traps:
//!
//! - The closure returns a stream of `async-rs`, which has the traits of `futures-io`. On tokio,
//!   `async_compat::Compat` of a `TcpStream` is that stream, and no other type.
//! - So for `amqps`, TLS is performed by lapin's own types, after the race.
//! - Automatic recovery calls the closure again, so keep the dialer in it.
//! - AMQP's handshake starts after the closure. `dial_raced` puts a whole connection into an
//!   attempt instead, which has no recovery.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io;
use std::sync::Mutex;

use async_compat::Compat;
use futures_util::StreamExt as _;
use lab::{Row, Server};
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions,
};
use lapin::tcp::AsyncTcpStream;
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use stagger::Connector as _;

/// The glue.
async fn dial(uri: AMQPUri) -> lab::Result<Connection> {
    let dialer = stagger_tokio::dialer();
    let runtime = lapin::runtime::default_runtime()?;
    let connect = async move |uri: AMQPUri, _| {
        let dialed = dialer.connect((uri.authority.host.as_str(), uri.authority.port)).await;
        let stream = dialed.map_err(io::Error::from)?;
        Ok(AsyncTcpStream::Plain(Compat::new(stream)))
    };
    Ok(Connection::connector(uri, runtime, connect, ConnectionProperties::default()).await?)
}

/// The glue with AMQP's handshake inside the race. An address that accepts and then says nothing
/// costs 250 ms.
async fn dial_raced(uri: AMQPUri) -> lab::Result<Connection> {
    let (host, port) = (uri.authority.host.clone(), uri.authority.port);
    let dialer = stagger_tokio::dialer().map_connector(|tcp| {
        tcp.and_then(move |stream, _| {
            let uri = uri.clone();
            async {
                let stream = Mutex::new(Some(AsyncTcpStream::Plain(Compat::new(stream))));
                let connect = async move |_, _| {
                    let stream = stream.lock().expect("nothing panics").take();
                    Ok(stream.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?)
                };
                let runtime = lapin::runtime::default_runtime().map_err(io::Error::other)?;
                let properties = ConnectionProperties::default();
                let connected = Connection::connector(uri, runtime, connect, properties).await;
                connected.map_err(io::Error::other)
            }
        })
    });
    Ok(dialer.connect((host, port)).await?)
}

/// Publishes a message, and gets it back.
async fn answers(connection: Connection) -> lab::Result {
    let channel = connection.create_channel().await?;
    let queue = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare("".into(), queue, FieldTable::default()).await?;
    let (publish, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let name = queue.name().clone();
    channel.basic_publish("".into(), name.clone(), publish, b"hello", properties).await?;
    let consume = BasicConsumeOptions::default();
    let mut consumer =
        channel.basic_consume(name, "".into(), consume, FieldTable::default()).await?;
    let delivery = consumer.next().await.ok_or("the server is gone")??;
    assert_eq!(delivery.data, b"hello");
    delivery.ack(BasicAckOptions::default()).await?;
    Ok(())
}

fn main() {
    lab::run(async || {
        let server = Server::rabbitmq();
        let port = server.port();
        let text = |host| format!("amqp://{host}:{port}/%2f");
        let uri = |host| text(host).parse::<AMQPUri>();
        let row = Row::new("lapin")
            .with_own(async |host| {
                let properties = ConnectionProperties::default();
                answers(Connection::connect(&text(host), properties).await?).await
            })
            .with_ours(async |host| answers(dial(uri(host)?).await?).await)
            .with_raced(async |host| answers(dial_raced(uri(host)?).await?).await);
        row.print(port).await;
        Ok(())
    });
}
