//! tokio-tungstenite with Happy Eyeballs: `client_async` takes any stream.
//!
//! Traps:
//!
//! - `client_async` performs no TLS. For `wss`, put `stagger_tls::tokio::Tls` around the dialer's
//!   connector. It checks the name of the URL, and TLS is then inside the race. HTTP/2 must not be
//!   offered by ALPN.
//! - The URL is the target. The port of its scheme is added.
//!
//! The server is a small one of our own, because Debian packages no WebSocket server to speak to.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::io;
use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use http::Uri;
use lab::Row;
use stagger::Connector as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, accept_async, client_async};

/// The glue.
async fn dial(url: &str) -> lab::Result<WebSocketStream<TcpStream>> {
    let uri: Uri = url.parse()?;
    let stream = stagger_tokio::connect(&uri).await?;
    let (socket, _response) = client_async(uri, stream).await?;
    Ok(socket)
}

/// The glue with the upgrade inside the race. An address that accepts and then says nothing costs
/// 250 ms.
async fn dial_raced(url: &str) -> lab::Result<WebSocketStream<TcpStream>> {
    let uri: Uri = url.parse()?;
    let upgraded = uri.clone();
    let dialer = stagger_tokio::dialer().map_connector(|tcp| {
        tcp.and_then(move |stream, _| {
            let uri = upgraded.clone();
            async { Ok(client_async(uri, stream).await.map_err(io::Error::other)?.0) }
        })
    });
    Ok(dialer.connect(&uri).await?)
}

async fn answers<S>(mut socket: WebSocketStream<S>) -> lab::Result
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    socket.send(Message::text("hello")).await?;
    let echo = socket.next().await.ok_or("the server is gone")??;
    assert_eq!(echo, Message::text("hello"));
    Ok(())
}

/// Returns every message.
async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async {
            let Ok(socket) = accept_async(stream).await else { return };
            let (writer, reader) = socket.split();
            let _ = reader.forward(writer).await;
        });
    }
}

fn main() {
    lab::run(async || {
        let port = 8000;
        tokio::spawn(serve(TcpListener::bind(SocketAddr::from((lab::SERVER, port))).await?));
        let url = |host| format!("ws://{host}:{port}/chat");
        let row = Row::new("tokio-tungstenite")
            .with_own(async |host| {
                let (socket, _): (WebSocketStream<MaybeTlsStream<TcpStream>>, _) =
                    tokio_tungstenite::connect_async(url(host)).await?;
                answers(socket).await
            })
            .with_ours(async |host| answers(dial(&url(host)).await?).await)
            .with_raced(async |host| answers(dial_raced(&url(host)).await?).await);
        row.print(port).await;
        Ok(())
    });
}
