//! Certificates in files, and TLS servers.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use stagger_testkit::tls::{Authority, Identity};
use stagger_tls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::skip::skip;

/// The name of the servers.
pub(super) const HOST: &str = "tls.test";

/// A folder with the certificate of an authority. Dropping it removes the folder.
pub(super) struct Room {
    path: PathBuf,
    pub(super) authority: Authority,
}

impl Room {
    pub(super) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("stagger-cli-{}-tls-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        let room = Self { path, authority: Authority::named("Test authority").unwrap() };
        room.write("ca.pem", &room.authority.certificate_pem());
        room
    }

    /// The name of a file in it.
    pub(super) fn file(&self, name: &str) -> String {
        self.path.join(name).to_str().unwrap().to_owned()
    }

    pub(super) fn write(&self, name: &str, text: &str) -> String {
        let file = self.file(name);
        fs::write(&file, text).unwrap();
        file
    }

    /// The file with the certificate of the authority.
    pub(super) fn ca(&self) -> String {
        self.file("ca.pem")
    }

    /// The files of an identity: its certificates, and its key.
    pub(super) fn identity(&self, identity: &Identity) -> [String; 2] {
        let [cert, key] = ["cert.pem", "key.pem"];
        [self.write(cert, &identity.chain_pem()), self.write(key, &identity.key_pem())]
    }

    /// A certificate for the [`HOST`].
    pub(super) fn issued(&self) -> Identity {
        self.authority.issue(HOST).unwrap()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A server with this configuration on 127.0.0.1. Its thread lives as long as the process.
pub(super) fn serve(config: Arc<ServerConfig>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // The handshake, and then the end of the client.
            let _ = StreamOwned::new(connection, stream).read(&mut [0]);
        }
    });
    addr
}

/// A server at 127.0.0.1, and an address at the same port that accepts and says nothing. It stalls
/// as long as the listener is kept.
pub(super) fn after_a_stalled_one(config: &Arc<ServerConfig>) -> (TcpListener, IpAddr, SocketAddr) {
    let stalled = IpAddr::from([127, 0, 0, 2]);
    // Another program may have the port at the other address.
    for _ in 0..16 {
        let addr = serve(Arc::clone(config));
        if let Ok(listener) = TcpListener::bind((stalled, addr.port())) {
            return (listener, stalled, addr);
        }
    }
    panic!("no port is free at both addresses");
}

/// The words that resolve the host to these addresses without a lookup.
pub(super) fn at(ips: &[IpAddr]) -> String {
    let ips: Vec<_> = ips.iter().map(IpAddr::to_string).collect();
    format!("{HOST}:{}", ips.join(","))
}

/// Whether this program is here. If not, the test is skipped.
pub(super) fn has(program: &str, version: &str) -> bool {
    match Command::new(program).arg(version).output() {
        Ok(_) => true,
        Err(error) => {
            skip(&format!("{program}: {error}"));
            false
        }
    }
}

/// `openssl s_server` on a free port. Dropping it ends the process.
pub(super) struct OpensslServer {
    child: Child,
    pub(super) addr: SocketAddr,
}

impl OpensslServer {
    /// Starts a server with an identity and these options. It says where it listens.
    pub(super) fn start(room: &Room, options: &[&str]) -> Self {
        let [cert, key] = room.identity(&room.issued());
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-cert", &cert, "-key", &key]);
        command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let addr = lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT ")?.parse().ok());
        // It must not stop at a full pipe.
        thread::spawn(move || lines.for_each(drop));
        Self { child, addr: addr.expect("it listens") }
    }
}

impl Drop for OpensslServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
