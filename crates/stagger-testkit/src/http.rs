//! An HTTP server on loopback, for tests of clients.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::thread;

/// An HTTP/1.1 server on a free port, which answers every request with `hello`. It lives as long as
/// the process.
///
/// It keeps connections open, and gives each a thread. It reads requests without a body.
///
/// # Examples
///
/// ```
/// use std::io::{Read as _, Write as _};
/// use std::net::TcpStream;
///
/// use stagger_testkit::http::HttpServer;
///
/// let server = HttpServer::start([127, 0, 0, 1])?;
/// let mut stream = TcpStream::connect(server.addr())?;
/// stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
/// let mut answer = [0; 15];
/// stream.read_exact(&mut answer)?;
/// assert_eq!(&answer, b"HTTP/1.1 200 OK");
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct HttpServer {
    addr: SocketAddr,
}

impl HttpServer {
    /// Starts a server without TLS.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it cannot listen on the address.
    pub fn start(ip: impl Into<IpAddr>) -> io::Result<Self> {
        Self::listen(ip.into(), Ok)
    }

    /// Starts a server with TLS. It speaks HTTP/1.1, whatever the configuration offers.
    ///
    /// # Errors
    ///
    /// Returns the system's error if it cannot listen on the address.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_testkit::http::HttpServer;
    /// use stagger_testkit::tls::Authority;
    ///
    /// let identity = Authority::new()?.issue("web.example")?;
    /// let server = HttpServer::start_tls([127, 0, 0, 1], identity.server()?)?;
    /// assert!(server.addr().ip().is_loopback());
    /// # Ok::<_, std::io::Error>(())
    /// ```
    #[cfg(feature = "tls")]
    pub fn start_tls(
        ip: impl Into<IpAddr>,
        config: std::sync::Arc<rustls::ServerConfig>,
    ) -> io::Result<Self> {
        Self::listen(ip.into(), move |stream| {
            let tls = rustls::ServerConnection::new(config.clone()).map_err(io::Error::other)?;
            Ok(rustls::StreamOwned::new(tls, stream))
        })
    }

    fn listen<S: Read + Write + Send + 'static>(
        ip: IpAddr,
        wrap: impl Fn(std::net::TcpStream) -> io::Result<S> + Send + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((ip, 0))?;
        let addr = listener.local_addr()?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(stream) = wrap(stream) else { continue };
                // A client that leaves early does not concern the next.
                thread::spawn(move || serve(stream));
            }
        });
        Ok(Self { addr })
    }

    /// The address that it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of its root, without TLS and by its address.
    pub fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }
}

/// Answers every request of a connection. A blank line ends a request.
fn serve(stream: impl Read + Write) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line)? > 0 {
        if line == "\r\n" {
            stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello\n")?;
            stream.get_mut().flush()?;
        }
        line.clear();
    }
    Ok(())
}
