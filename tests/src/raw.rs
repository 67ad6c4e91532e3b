//! A server that does with each connection what a test wants.

use std::io::Read as _;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// A server on a free port that lives as long as the process.
#[derive(Debug)]
pub struct Raw(SocketAddr);

impl Raw {
    /// Does this with each connection, one after another. A connection that is returned stays open.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub fn new<F>(ip: IpAddr, serve: F) -> Self
    where
        F: Fn(TcpStream) -> Option<TcpStream> + Send + 'static,
    {
        let listener = TcpListener::bind((ip, 0)).expect("a port is free");
        let addr = listener.local_addr().expect("a listener has an address");
        thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming().flatten() {
                open.extend(serve(stream));
            }
        });
        Self(addr)
    }

    /// Where it is.
    pub fn addr(&self) -> SocketAddr {
        self.0
    }
}

/// Reads one record of TLS, such as a `ClientHello` (RFC 8446 §5.1). A server that closes with
/// bytes unread resets the connection.
pub fn read_record(mut stream: &TcpStream) {
    let mut header = [0; 5];
    // A client that has gone has nothing to read.
    if stream.read_exact(&mut header).is_ok() {
        let length = u16::from_be_bytes([header[3], header[4]]);
        let _ = stream.read_exact(&mut vec![0; length.into()]);
    }
}
