//! async-tungstenite on smol with Happy Eyeballs: `client_async` takes any stream of `futures-io`.
//!
//! Traps: as for tokio-tungstenite. For `wss`, the connector is `stagger_tls::futures::Tls`.
//!
//! The own dial is what its users write: `smol::net::TcpStream::connect`, then `client_async`. The
//! server is a small one of our own, because Debian packages no WebSocket server to speak to.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io;
use std::net::SocketAddr;

use async_tungstenite::tungstenite::Message;
use async_tungstenite::{WebSocketStream, accept_async, client_async};
use futures_util::StreamExt as _;
use http::Uri;
use lab::Row;
use smol::net::{TcpListener, TcpStream};
use stagger::Connector as _;

/// The glue.
async fn dial(url: &str) -> lab::Result<WebSocketStream<TcpStream>> {
    let uri: Uri = url.parse()?;
    let stream = stagger_smol::connect(&uri).await?;
    let (socket, _response) = client_async(uri, stream).await?;
    Ok(socket)
}

/// The glue with the upgrade inside the race. An address that accepts and then says nothing costs
/// 250 ms.
async fn dial_raced(url: &str) -> lab::Result<WebSocketStream<TcpStream>> {
    let uri: Uri = url.parse()?;
    let upgraded = uri.clone();
    let dialer = stagger_smol::dialer().map_connector(|tcp| {
        tcp.and_then(move |stream, _| {
            let uri = upgraded.clone();
            async { Ok(client_async(uri, stream).await.map_err(io::Error::other)?.0) }
        })
    });
    Ok(dialer.connect(&uri).await?)
}

async fn answers(mut socket: WebSocketStream<TcpStream>) -> lab::Result {
    socket.send(Message::text("hello")).await?;
    let echo = socket.next().await.ok_or("the server is gone")??;
    assert_eq!(echo, Message::text("hello"));
    Ok(())
}

/// Returns every message.
async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        smol::spawn(async {
            let Ok(mut socket) = accept_async(stream).await else { return };
            while let Some(Ok(message)) = socket.next().await {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
        })
        .detach();
    }
}

fn main() {
    lab::within(|| {
        smol::block_on(async {
            let port = 8000;
            let listener = TcpListener::bind(SocketAddr::from((lab::SERVER, port))).await?;
            smol::spawn(serve(listener)).detach();
            let url = |host| format!("ws://{host}:{port}/chat");
            let row = Row::new("async-tungstenite")
                .with_own(async |host| {
                    let stream = TcpStream::connect((host, port)).await?;
                    let (socket, _response) = client_async(url(host), stream).await?;
                    answers(socket).await
                })
                .with_ours(async |host| answers(dial(&url(host)).await?).await)
                .with_raced(async |host| answers(dial_raced(&url(host)).await?).await);
            row.print(port).await;
            Ok(())
        })
    });
}
