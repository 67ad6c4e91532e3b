//! A server with TLS that reports what each client has asked for.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use stagger_testkit::tls::Identity;
use stagger_tls::rustls::ServerConfig;
use stagger_tls::rustls::server::Acceptor;

/// What a client has asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Hello {
    /// The name of the server (RFC 6066 §3).
    pub server_name: Option<String>,
    /// The protocols (RFC 7301 §3.1).
    pub alpn: Vec<String>,
}

/// A server on a free port, one client after another. It sends back one message of each.
#[derive(Debug)]
pub struct Asked {
    addr: SocketAddr,
    hellos: Receiver<Hello>,
}

impl Asked {
    /// Starts it with this certificate. It supports these protocols, if there are any.
    ///
    /// # Panics
    ///
    /// If there is no such address, or if the certificate is refused.
    pub fn new(ip: impl Into<SocketAddr>, identity: &Identity, alpn: &[&str]) -> Self {
        let listener = TcpListener::bind(ip.into()).expect("a port is free");
        let addr = listener.local_addr().expect("a listener has an address");
        let config = identity.server().expect("the certificate is good");
        let mut config = ServerConfig::clone(&config);
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let config = Arc::new(config);
        let (tell, hellos) = mpsc::channel();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut acceptor = Acceptor::default();
                let accepted = loop {
                    match acceptor.accept() {
                        Ok(Some(accepted)) => break Some(accepted),
                        Ok(None) if acceptor.read_tls(&mut stream).is_ok_and(|read| read > 0) => {}
                        _ => break None,
                    }
                };
                // A client that has gone has asked for nothing.
                let Some(accepted) = accepted else { continue };
                let hello = accepted.client_hello();
                let alpn = hello.alpn().into_iter().flatten();
                let hello = Hello {
                    server_name: hello.server_name().map(str::to_owned),
                    alpn: alpn.map(|name| name.escape_ascii().to_string()).collect(),
                };
                if tell.send(hello).is_err() {
                    return;
                }
                let Ok(mut session) = accepted.into_connection(Arc::clone(&config)) else {
                    continue;
                };
                let mut tls = stagger_tls::rustls::Stream::new(&mut session, &mut stream);
                let mut message = [0; 64];
                if let Ok(length) = tls.read(&mut message) {
                    let _ = tls.write_all(&message[..length]).and_then(|()| tls.flush());
                }
            }
        });
        Self { addr, hellos }
    }

    /// On a free port of this address.
    ///
    /// # Panics
    ///
    /// As for [`new`](Self::new).
    pub fn at(ip: IpAddr, identity: &Identity, alpn: &[&str]) -> Self {
        Self::new((ip, 0), identity, alpn)
    }

    /// Where it is.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What the next client has asked for; waits for one.
    ///
    /// # Panics
    ///
    /// If the server has ended.
    pub fn hello(&self) -> Hello {
        self.hellos.recv().expect("the server lives as long as the process")
    }

    /// Whether no other client has asked for anything.
    pub fn is_idle(&self) -> bool {
        self.hellos.try_recv().is_err()
    }
}
