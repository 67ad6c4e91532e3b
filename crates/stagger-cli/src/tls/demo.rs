//! A client and a server for the demo.

use std::io::{self, Read as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use stagger_testkit::tls::Authority;
use stagger_tls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::Client;

/// A server with a certificate that is made now, and a client that trusts only its issuer.
pub(crate) struct Pair {
    pub(crate) client: Client,
    server: Arc<ServerConfig>,
}

impl Pair {
    /// Makes the keys and certificates. The server's certificate is for this name.
    ///
    /// # Errors
    ///
    /// Why they could not be made.
    pub(crate) fn new(name: &str) -> io::Result<Self> {
        let authority = Authority::named("Stagger demo")?;
        let server = authority.issue(name)?.server()?;
        Ok(Self { client: Client::trusting(authority.client()?), server })
    }

    /// Performs a handshake on each connection of a listener, and then waits for the client to
    /// leave. The thread lives as long as the process.
    pub(crate) fn serve(&self, listener: TcpListener) {
        let config = Arc::clone(&self.server);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Ok(connection) = ServerConnection::new(Arc::clone(&config)) {
                    // An error also means that the client has left.
                    let _ = StreamOwned::new(connection, stream).read(&mut [0]);
                }
            }
        });
    }
}
