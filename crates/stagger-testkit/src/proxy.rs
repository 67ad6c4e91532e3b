//! Proxies on loopback, for tests of clients.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// A SOCKS5 or HTTP proxy on a free port of 127.0.0.1, or on a listener of the test. It lives as
/// long as the process.
///
/// It connects to addresses, and to the names that [`with_name`](Self::with_name) gives it. It
/// resolves nothing, so no traffic leaves the machine unless a test asks for an address elsewhere.
///
/// # Examples
///
/// ```
/// use std::io::{Read as _, Write as _};
/// use std::net::{TcpListener, TcpStream};
///
/// use stagger_testkit::proxy::ProxyServer;
///
/// let server = TcpListener::bind("127.0.0.1:0")?;
/// let proxy = ProxyServer::http()?.with_name("web.example", server.local_addr()?);
/// let mut stream = TcpStream::connect(proxy.addr())?;
/// stream.write_all(b"CONNECT web.example:80 HTTP/1.1\r\n\r\n")?;
/// let mut answer = [0; 12];
/// stream.read_exact(&mut answer)?;
/// assert_eq!(&answer, b"HTTP/1.1 200");
/// assert_eq!(proxy.targets(), ["web.example:80"]);
/// # Ok::<_, std::io::Error>(())
/// ```
pub struct ProxyServer {
    addr: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    login: Option<(String, String)>,
    names: HashMap<String, SocketAddr>,
    targets: Vec<String>,
    logins: usize,
    // What a stalled proxy has accepted.
    kept: Vec<TcpStream>,
}

/// What a client asks for: a text for the test, and a host with its port.
struct Asked {
    host: String,
    port: u16,
}

impl ProxyServer {
    /// Starts a SOCKS5 proxy (RFC 1928).
    ///
    /// # Errors
    ///
    /// Returns the system's error if no port can be listened on.
    pub fn socks5() -> io::Result<Self> {
        Self::start(socks5)
    }

    /// Starts a SOCKS5 proxy (RFC 1928) on a listener of the test.
    ///
    /// # Errors
    ///
    /// Returns the system's error if the listener has no address.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_testkit::proxy::ProxyServer;
    ///
    /// let listener = std::net::TcpListener::bind("127.0.0.2:0")?;
    /// let addr = listener.local_addr()?;
    /// assert_eq!(ProxyServer::socks5_on(listener)?.addr(), addr);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn socks5_on(listener: TcpListener) -> io::Result<Self> {
        Self::start_on(listener, socks5)
    }

    /// Starts an HTTP proxy (RFC 9110 §9.3.6).
    ///
    /// # Errors
    ///
    /// Returns the system's error if no port can be listened on.
    pub fn http() -> io::Result<Self> {
        Self::start(http)
    }

    /// Starts a server that accepts, keeps what it has accepted, and never answers.
    ///
    /// # Errors
    ///
    /// Returns the system's error if no port can be listened on.
    pub fn stalled() -> io::Result<Self> {
        Self::start(|stream, state| {
            lock(state).kept.push(stream);
            Ok(())
        })
    }

    fn start(serve: fn(TcpStream, &Mutex<State>) -> io::Result<()>) -> io::Result<Self> {
        Self::start_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, serve)
    }

    fn start_on(
        listener: TcpListener,
        serve: fn(TcpStream, &Mutex<State>) -> io::Result<()>,
    ) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // A client that breaks off ends its own connection alone.
                thread::spawn(move || serve(stream, &state));
            }
        });
        Ok(Self { addr, state })
    }

    /// Requires this login.
    pub fn with_login(self, user: &str, password: &str) -> Self {
        lock(&self.state).login = Some((user.into(), password.into()));
        self
    }

    /// Makes a name known to the proxy. The port of a request for it does not count.
    pub fn with_name(self, name: &str, addr: SocketAddr) -> Self {
        lock(&self.state).names.insert(name.into(), addr);
        self
    }

    /// The address of the proxy.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The targets that it was asked for, in order.
    pub fn targets(&self) -> Vec<String> {
        lock(&self.state).targets.clone()
    }

    /// How many logins it received.
    pub fn logins(&self) -> usize {
        lock(&self.state).logins
    }
}

impl fmt::Debug for ProxyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyServer").field("addr", &self.addr).finish_non_exhaustive()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads so many bytes.
fn read<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Reads a text after its length.
fn text(stream: &mut TcpStream) -> io::Result<String> {
    let [length] = read(stream)?;
    let mut bytes = vec![0; length.into()];
    stream.read_exact(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn socks5(mut stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let [_, count] = read(&mut stream)?;
    let mut methods = vec![0; count.into()];
    stream.read_exact(&mut methods)?;
    let login = lock(state).login.clone();
    match login {
        Some(_) if !methods.contains(&2) => return stream.write_all(&[5, 0xff]),
        Some(expected) => {
            stream.write_all(&[5, 2])?;
            let [_] = read(&mut stream)?;
            let sent = (text(&mut stream)?, text(&mut stream)?);
            lock(state).logins += 1;
            if sent != expected {
                return stream.write_all(&[1, 1]);
            }
            stream.write_all(&[1, 0])?;
        }
        None => stream.write_all(&[5, 0])?,
    }
    let [_, _, _, kind] = read(&mut stream)?;
    let host = match kind {
        1 => Ipv4Addr::from(read::<4>(&mut stream)?).to_string(),
        4 => format!("[{}]", Ipv6Addr::from(read::<16>(&mut stream)?)),
        _ => text(&mut stream)?,
    };
    let port = u16::from_be_bytes(read(&mut stream)?);
    match connect(&Asked { host, port }, state) {
        Ok(server) => {
            stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
            relay(stream, server)
        }
        Err(_) => stream.write_all(&[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]),
    }
}

fn http(mut stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    // A client of a tunnel sends nothing more before the answer.
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut head = Vec::new();
    for line in lines.by_ref() {
        match line? {
            line if line.is_empty() => break,
            line => head.push(line),
        }
    }
    let login = lock(state).login.clone();
    if let Some((user, password)) = login {
        let sent = head.iter().find_map(|line| line.strip_prefix("Proxy-Authorization: Basic "));
        lock(state).logins += usize::from(sent.is_some());
        if sent.map(decode) != Some(format!("{user}:{password}").into_bytes()) {
            let answer = b"HTTP/1.1 407 Proxy Authentication Required\r\n\
                Proxy-Authenticate: Basic realm=\"test\"\r\nContent-Length: 0\r\n\r\n";
            return stream.write_all(answer);
        }
    }
    let target = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let (host, port) = target.rsplit_once(':').unwrap_or_default();
    let asked = Asked { host: host.into(), port: port.parse().unwrap_or_default() };
    match connect(&asked, state) {
        Ok(server) => {
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
            relay(stream, server)
        }
        Err(_) => stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
    }
}

fn connect(asked: &Asked, state: &Mutex<State>) -> io::Result<TcpStream> {
    let target = format!("{}:{}", asked.host, asked.port);
    let addr = {
        let mut state = lock(state);
        state.targets.push(target.clone());
        state.names.get(&asked.host).copied()
    };
    match addr.or_else(|| target.parse().ok()) {
        Some(addr) => TcpStream::connect(addr),
        None => Err(io::ErrorKind::NotFound.into()),
    }
}

/// Copies both ways until each side has closed.
fn relay(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_client) = (client.try_clone()?, client);
    let (mut from_server, mut to_server) = (server.try_clone()?, server);
    let back = thread::spawn(move || {
        let _ = io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Write);
    });
    let _ = io::copy(&mut from_client, &mut to_server);
    let _ = to_server.shutdown(Shutdown::Write);
    let _ = back.join();
    Ok(())
}

/// Decodes Base64 (RFC 4648 §4).
fn decode(text: &str) -> Vec<u8> {
    let digits = text.bytes().filter_map(|byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    });
    let (mut bytes, mut word, mut bits) = (Vec::new(), 0_u32, 0);
    for digit in digits {
        word = (word << 6 | u32::from(digit)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(((word >> bits) & 0xff) as u8);
        }
    }
    bytes
}
