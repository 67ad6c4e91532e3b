//! TLS servers on loopback.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::Authority;

/// A server on loopback. It lives as long as the process.
pub struct Server {
    addr: SocketAddr,
    accepted: Mutex<Receiver<TcpStream>>,
}

impl Server {
    /// Performs handshakes with a certificate for this name, and sends back one message of each
    /// connection.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it cannot listen on the address.
    pub fn echo(ip: impl Into<IpAddr>, authority: &Authority, name: &str) -> io::Result<Self> {
        Self::echo_with(ip, authority.issue(name)?.server()?)
    }

    /// Does the same as [`echo`](Self::echo), with this configuration.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it cannot listen on the address.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_testkit::tls::{Request, Server};
    ///
    /// let self_signed = Request::new("tls.example").self_sign()?;
    /// let server = Server::echo_with([127, 0, 0, 1], self_signed.server()?)?;
    /// # let _ = server;
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn echo_with(ip: impl Into<IpAddr>, config: Arc<ServerConfig>) -> io::Result<Self> {
        Self::listen(ip.into(), move |stream| {
            let config = Arc::clone(&config);
            let Ok(connection) = ServerConnection::new(config) else { return None };
            thread::spawn(move || {
                let mut stream = StreamOwned::new(connection, stream);
                let mut message = [0; 64];
                // A client that refuses the certificate has gone.
                if let Ok(length) = stream.read(&mut message) {
                    let _ = stream.write_all(&message[..length]).and_then(|()| stream.flush());
                }
            });
            None
        })
    }

    /// Accepts connections and sends nothing, like a server that stalls in TLS. The connections
    /// stay open.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it cannot listen on the address.
    pub fn stalled(ip: impl Into<IpAddr>) -> io::Result<Self> {
        Self::listen(ip.into(), Some)
    }

    fn listen<F>(ip: IpAddr, mut serve: F) -> io::Result<Self>
    where
        F: FnMut(TcpStream) -> Option<TcpStream> + Send + 'static,
    {
        let listener = TcpListener::bind((ip, 0))?;
        let addr = listener.local_addr()?;
        let (keep, accepted) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Some(stream) = serve(stream) {
                    if keep.send(stream).is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Self { addr, accepted: Mutex::new(accepted) })
    }

    /// The address that it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits for the next connection that a stalled server accepts, and returns it.
    ///
    /// # Panics
    ///
    /// Panics if the server is not [`stalled`](Self::stalled).
    pub fn accepted(&self) -> TcpStream {
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.recv().expect("a stalled server keeps what it accepts")
    }
}
