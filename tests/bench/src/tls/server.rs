//! TLS servers in a process of their own.

use std::env;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use stagger_testkit::tls::Authority;
use stagger_tls::rustls::client::Resumption;
use stagger_tls::rustls::crypto::ring;
use stagger_tls::rustls::pki_types::CertificateDer;
use stagger_tls::rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection};

use super::Kind;
use crate::BoxError;

/// The names that a server has a certificate for.
pub(crate) const NAMES: &str = "*.stagger.test";

/// A process that runs this program with `--serve`, and what it printed when it was ready. The
/// process ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    child: Child,
    /// Where it listens.
    pub(crate) addrs: Vec<SocketAddr>,
    authority: CertificateDer<'static>,
}

impl Serving {
    /// Starts the process and waits until it listens.
    pub(crate) fn start() -> Result<Self, BoxError> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("--serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().ok_or("there is no pipe from the TLS server")?;
        // From here on the process ends with this value, also after an error.
        let mut serving = Self { child, addrs: Vec::new(), authority: Vec::<u8>::new().into() };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let mut words = line.split_whitespace();
        serving.authority = unhex(words.next().ok_or("the TLS server did not start")?)?.into();
        serving.addrs = words.map(str::parse).collect::<Result<_, _>>()?;
        Ok(serving)
    }

    /// A new configuration that trusts this server, with a memory of its own for resumption or
    /// without resumption.
    pub(crate) fn client(&self, resumes: bool) -> Result<Arc<ClientConfig>, BoxError> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone())?;
        let provider = Arc::new(ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        if !resumes {
            config.resumption = Resumption::disabled();
        }
        Ok(Arc::new(config))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Prints that the server is ready, and has the process end when its parent is gone.
pub(crate) fn ready(authority: &Authority, addrs: &[SocketAddr]) -> Result<(), BoxError> {
    thread::spawn(|| {
        // Ends with the pipe, whatever became of the other process.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let mut line = hex(&authority.certificate());
    for addr in addrs {
        line += &format!(" {addr}");
    }
    writeln!(io::stdout(), "{line}")?;
    Ok(io::stdout().flush()?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Result<Vec<u8>, BoxError> {
    let pair =
        |place| Ok(u8::from_str_radix(text.get(place..place + 2).ok_or("half a byte")?, 16)?);
    (0..text.len()).step_by(2).map(pair).collect()
}

/// A TLS server for one connection at a time, in a process of its own.
///
/// It performs handshakes on a thread for each listener. The next connection waits until the last
/// is closed, so the server does nothing else during a handshake.
#[derive(Debug)]
pub struct TlsServer(Serving);

impl TlsServer {
    /// Starts this very program as the server, with the argument `--serve`, and waits until it
    /// listens.
    ///
    /// # Errors
    ///
    /// The system's, or that of a server which did not start.
    pub fn start() -> Result<Self, BoxError> {
        Serving::start().map(Self)
    }

    /// Is the server, until its parent is gone.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn serve() -> Result<(), BoxError> {
        let authority = Authority::new()?;
        let ip = Ipv4Addr::LOCALHOST;
        let full = |name| {
            let mut config = ServerConfig::clone(&*authority.issue(name)?.server()?);
            // No ticket: the server would still send it while the client connects again.
            config.send_tls13_tickets = 0;
            Ok::<_, BoxError>(Arc::new(config))
        };
        let (literal, name) = (full(&ip.to_string())?, full(NAMES)?);
        let resumed = authority.issue(&ip.to_string())?.server()?;
        let other = Ipv4Addr::new(127, 0, 0, 2);
        let all = [(ip, literal), (ip, Arc::clone(&name)), (other, name), (ip, resumed)];
        let (mut addrs, mut threads) = (Vec::new(), Vec::new());
        for (ip, config) in all {
            let listener = TcpListener::bind((ip, 0))?;
            addrs.push(listener.local_addr()?);
            threads.push(thread::spawn(move || serve_one_by_one(&listener, &config)));
        }
        ready(&authority, &addrs)?;
        for thread in threads {
            thread.join().map_err(|_| "a thread of the TLS server panicked")??;
        }
        Ok(())
    }

    /// The addresses of a place, in the order in which a name lists them.
    pub fn addrs(&self, kind: Kind) -> [SocketAddr; 2] {
        let [literal, first, second, resumed] =
            self.0.addrs[..].try_into().expect("the server prints its four addresses");
        match kind {
            Kind::Literal => [literal, literal],
            Kind::Name | Kind::Text => [first, second],
            Kind::Resumed => [resumed, resumed],
        }
    }

    /// A new configuration of a client, with a memory of its own for resumption if the place
    /// resumes.
    ///
    /// # Errors
    ///
    /// rustls's.
    pub fn client(&self, kind: Kind) -> Result<Arc<ClientConfig>, BoxError> {
        self.0.client(kind == Kind::Resumed)
    }
}

fn serve_one_by_one(listener: &TcpListener, config: &Arc<ServerConfig>) -> io::Result<()> {
    loop {
        match listener.accept() {
            // Clients end their connections by a reset, which is an error here.
            Ok((mut socket, _)) => drop(talk(&mut socket, config)),
            // It was reset while it waited (accept(2)).
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Performs the handshake and waits until the client closes. Where a handshake can be resumed, the
/// server also sends one byte, which comes after the tickets.
fn talk(socket: &mut TcpStream, config: &Arc<ServerConfig>) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    while session.is_handshaking() {
        session.complete_io(socket)?;
    }
    if config.send_tls13_tickets > 0 {
        session.writer().write_all(b"x")?;
    }
    while session.wants_write() {
        session.write_tls(socket)?;
    }
    io::copy(socket, &mut io::sink())?;
    Ok(())
}
