//! quinn with Happy Eyeballs: a QUIC handshake is the attempt of a race.
//!
//! Traps:
//!
//! - UDP has no connect that fails, so only the handshake shows that an address works. quinn also
//!   ignores that a port is unreachable. So an address that refuses costs 250 ms too.
//! - quinn's `Endpoint::connect` takes one address and the name. It resolves nothing.
//! - An endpoint is a socket of one family. Keep one of each for all connections.
//! - Many networks drop UDP. `dial_raced` starts QUIC, and TLS over TCP 250 ms later.
//!
//! The server is a small one of our own: Debian packages no QUIC server.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::net::SocketAddr;
use std::sync::Arc;

use lab::Row;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, Endpoint, ServerConfig};
use stagger::Endpoint as _;
use stagger::boxed::{BoxDialer, BoxEndpoint, BoxError};
use stagger::connect::connector_fn;
use stagger::listen::{HandshakeListener, Listener as _};
use stagger_tls::tokio::{Tls, TlsAccept, TlsStream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The endpoints of a program, one for each family.
#[derive(Clone)]
struct Endpoints {
    ipv4: Endpoint,
    ipv6: Endpoint,
}

impl Endpoints {
    fn new(config: ClientConfig) -> lab::Result<Self> {
        let mut ipv4 = Endpoint::client("0.0.0.0:0".parse()?)?;
        let mut ipv6 = Endpoint::client("[::]:0".parse()?)?;
        ipv4.set_default_client_config(config.clone());
        ipv6.set_default_client_config(config);
        Ok(Self { ipv4, ipv6 })
    }

    fn of(&self, addr: SocketAddr) -> &Endpoint {
        if addr.is_ipv4() { &self.ipv4 } else { &self.ipv6 }
    }
}

/// The glue. The name is part of the connector.
fn quic(endpoints: &Endpoints, name: &'static str) -> BoxDialer<quinn::Connection> {
    let endpoints = endpoints.clone();
    let handshake = connector_fn(move |addr: SocketAddr| {
        let endpoints = endpoints.clone();
        async move { Ok::<_, BoxError>(endpoints.of(addr).connect(addr, name)?.await?) }
    });
    stagger_tokio::dialer().with_connector(handshake).boxed()
}

/// QUIC, or TLS over TCP.
enum Either {
    Quic(quinn::Connection),
    Tls(Box<TlsStream<TcpStream>>),
}

/// The glue with TLS over TCP in the same race, which starts 250 ms after QUIC or when QUIC fails.
async fn dial_raced(
    endpoints: &Endpoints,
    tls: Arc<rustls::ClientConfig>,
    name: &'static str,
    port: u16,
) -> lab::Result<Either> {
    let quic = quic(endpoints, name).endpoint((name, port))?;
    let tls = stagger_tokio::dialer().map_connector(|tcp| Tls::new(tcp, tls));
    let tls = tls.endpoint((name, port))?;
    let ways: [BoxEndpoint<Either, stagger::Error>; 2] = [
        BoxEndpoint::new(quic.map(Either::Quic)),
        BoxEndpoint::new(tls.map(|stream| Either::Tls(Box::new(stream)))),
    ];
    Ok(stagger::race(ways, stagger_tokio::Timer).await?.connection)
}

async fn answers(connection: quinn::Connection) -> lab::Result {
    let (mut writer, mut reader) = connection.open_bi().await?;
    writer.write_all(b"hello").await?;
    writer.finish()?;
    assert_eq!(reader.read_to_end(100).await?, b"hello");
    Ok(())
}

async fn answers_tls(mut stream: TlsStream<TcpStream>) -> lab::Result {
    stream.write_all(b"hello").await?;
    let mut echo = [0; 5];
    stream.read_exact(&mut echo).await?;
    assert_eq!(&echo, b"hello");
    Ok(())
}

/// Returns what comes, over QUIC.
async fn serve(endpoint: Endpoint) {
    while let Some(incoming) = endpoint.accept().await {
        tokio::spawn(async {
            let connection = incoming.await?;
            let (mut writer, mut reader) = connection.accept_bi().await?;
            writer.write_all(&reader.read_to_end(100).await?).await?;
            writer.finish()?;
            connection.closed().await;
            lab::Result::Ok(())
        });
    }
}

/// Returns what comes, over TLS.
async fn serve_tls(config: Arc<rustls::ServerConfig>, port: u16) -> lab::Result {
    let listener = stagger_tokio::listen(SocketAddr::from((lab::SERVER, port))).await?;
    let accept = TlsAccept::new(config);
    let mut listener = HandshakeListener::new(listener, stagger_tokio::Timer, accept);
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            tokio::spawn(async move {
                let (mut reader, mut writer) = tokio::io::split(stream);
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
            });
        }
    });
    Ok(())
}

fn main() {
    lab::run(async || {
        let port = 4433;
        let (authority, identity) = lab::certificates();
        let (mut server, mut client) = (
            rustls::ServerConfig::clone(&*identity.server()?),
            rustls::ClientConfig::clone(&*authority.client()?),
        );
        server.alpn_protocols = vec![b"echo".to_vec()];
        client.alpn_protocols = vec![b"echo".to_vec()];
        serve_tls(Arc::new(server.clone()), port).await?;
        let tls = &Arc::new(client.clone());
        let server = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(server)?));
        let server = Endpoint::server(server, (lab::SERVER, port).into())?;
        let serving = tokio::spawn(serve(server.clone()));
        let client = ClientConfig::new(Arc::new(QuicClientConfig::try_from(client)?));
        let endpoints = &Endpoints::new(client)?;

        let row = Row::new("quinn")
            // What its users write: the first address of the lookup.
            .with_own(async |host| {
                let mut addrs = tokio::net::lookup_host((host, port)).await?;
                let addr = addrs.next().ok_or("no address")?;
                answers(endpoints.of(addr).connect(addr, host)?.await?).await
            })
            .with_ours(async |host| {
                answers(quic(endpoints, host).connect((host, port)).await?).await
            });
        row.print(port).await;

        let host = lab::Situation::Refused.host();
        match dial_raced(endpoints, tls.clone(), host, port).await? {
            Either::Quic(connection) => answers(connection).await?,
            Either::Tls(stream) => answers_tls(*stream).await?,
        }
        // Without QUIC the TCP side answers.
        serving.abort();
        server.close(0_u32.into(), b"");
        drop(server);
        match dial_raced(endpoints, tls.clone(), host, port).await? {
            Either::Quic(_) => return Err("nothing serves QUIC".into()),
            Either::Tls(stream) => answers_tls(*stream).await?,
        }
        Ok(())
    });
}
