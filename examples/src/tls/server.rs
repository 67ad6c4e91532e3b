//! TLS servers on loopback, with certificates of their own.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// Signs certificates, and is trusted by its own clients alone.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one, with a key of its own.
    ///
    /// # Errors
    ///
    /// That no key or certificate could be made.
    pub fn new() -> io::Result<Self> {
        let mut params = CertificateParams::new(Vec::<String>::new()).map_err(io::Error::other)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        CertifiedIssuer::self_signed(params, key).map(Self).map_err(io::Error::other)
    }

    /// A client's configuration that trusts this authority alone.
    ///
    /// # Errors
    ///
    /// That the certificate was refused.
    pub fn client(&self) -> io::Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).map_err(io::Error::other)?;
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(Arc::new(config))
    }

    /// A server's configuration with a certificate for this name.
    fn server(&self, name: &str) -> io::Result<Arc<ServerConfig>> {
        let params = CertificateParams::new([name.to_owned()]).map_err(io::Error::other)?;
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.0).map_err(io::Error::other)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(io::Error::other)?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .map_err(io::Error::other)?;
        Ok(Arc::new(config))
    }
}

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
    /// The system's, where the address can't be listened on.
    pub fn echo(ip: impl Into<IpAddr>, authority: &Authority, name: &str) -> io::Result<Self> {
        let config = authority.server(name)?;
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

    /// Accepts and says nothing, as a server does whose TLS has stalled. What it has accepted is
    /// kept open.
    ///
    /// # Errors
    ///
    /// The system's, where the address can't be listened on.
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

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The next connection that a stalled server has accepted; waits for one.
    ///
    /// # Panics
    ///
    /// If the server is not a stalled one.
    pub fn accepted(&self) -> TcpStream {
        let accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        accepted.recv().expect("a stalled server keeps what it accepts")
    }
}
