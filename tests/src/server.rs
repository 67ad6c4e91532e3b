//! nginx, a web server that we have not written.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;

use stagger_testkit::tls::Identity;

use crate::{Scratch, skip, table};

/// How often a start is tried, because another process may take the port. The number is ours.
const TRIES: usize = 10;

/// nginx, killed when this is dropped.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
    addr: SocketAddr,
    _scratch: Scratch,
}

/// One process, with all its files in its prefix. The user is named so that nginx, which is root
/// in a namespace, does not look for one that the namespace lacks. SERVER is what it serves.
const CONFIGURATION: &str = "
    daemon off;
    master_process off;
    user root root;
    pid nginx.pid;
    events {}
    http {
        access_log off;
        client_body_temp_path body;
        proxy_temp_path proxy;
        fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi;
        scgi_temp_path scgi;
        server {
            SERVER
            root .;
        }
    }
";

impl Nginx {
    /// Starts it on port 80 of every address, for a namespace of its own, and waits until it
    /// listens. None where nginx is not installed: the test is then [skipped](skip::skip).
    ///
    /// # Panics
    ///
    /// If it ends before it listens.
    pub fn start() -> Option<Self> {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
        let listen = "listen 0.0.0.0:80; listen [::]:80 ipv6only=on;";
        let mut nginx = Self::spawn(addr, listen, Scratch::new())?;
        while TcpStream::connect(addr).is_err() {
            assert!(nginx.lives(), "nginx ended before it listened");
            thread::yield_now();
        }
        Some(nginx)
    }

    /// Starts it on a free port of this address, as [`start`](Self::start) does. It serves plain
    /// HTTP.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_plain(ip: IpAddr) -> Option<Self> {
        Self::start_at(ip, |addr| (format!("listen {addr};"), Scratch::new()))
    }

    /// Starts it on a free port of this address with this certificate, as [`start`](Self::start)
    /// does. `listen` are more parameters of the directive of that name, `more` are directives of
    /// the server, and `clients` is the text of `clients.pem`.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_tls(
        ip: IpAddr,
        identity: &Identity,
        listen: &str,
        more: &str,
        clients: &str,
    ) -> Option<Self> {
        Self::start_at(ip, |addr| {
            let scratch = Scratch::new();
            scratch.write("chain.pem", &identity.chain_pem());
            scratch.write("key.pem", &identity.key_pem());
            scratch.write("clients.pem", clients);
            let server = format!(
                "listen {addr} ssl {listen}; ssl_certificate chain.pem;
                ssl_certificate_key key.pem; ssl_protocols TLSv1.2 TLSv1.3; {more}"
            );
            (server, scratch)
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    fn start_at(ip: IpAddr, server: impl Fn(SocketAddr) -> (String, Scratch)) -> Option<Self> {
        for _ in 0..TRIES {
            let free = TcpListener::bind((ip, 0)).expect("a port is free");
            let addr = free.local_addr().expect("it is bound");
            drop(free);
            let (server, scratch) = server(addr);
            let mut nginx = Self::spawn(addr, &server, scratch)?;
            // A connect could take the port for itself before the server has it.
            while !table::listens(addr) && nginx.lives() {
                thread::yield_now();
            }
            if nginx.lives() {
                return Some(nginx);
            }
        }
        panic!("nginx does not start");
    }

    fn spawn(addr: SocketAddr, server: &str, scratch: Scratch) -> Option<Self> {
        let configuration = CONFIGURATION.replace("SERVER", server);
        let configuration = scratch.write("nginx.conf", &configuration);
        scratch.write("index.html", "it is nginx\n");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(scratch.path());
        command.arg("-c").arg(configuration).args(["-e", "stderr"]);
        match command.stdout(Stdio::null()).spawn() {
            Ok(child) => Some(Self { child, addr, _scratch: scratch }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                skip::skip("nginx is not installed");
                None
            }
            Err(error) => panic!("nginx: {error}"),
        }
    }

    fn lives(&mut self) -> bool {
        self.child.try_wait().expect("nginx is our child").is_none()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
