//! What the examples share: something on loopback to connect to, and something not to.
#![forbid(unsafe_code)]

#[cfg(doctest)]
pub mod page;
#[cfg(unix)]
mod rehearsal;

use std::convert::Infallible;
use std::future::ready;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

#[cfg(unix)]
pub use self::rehearsal::{Rehearsal, SshConfig};
use socket2::{Domain, Socket, Type};
use stagger::Resolver;
use stagger::resolve::{Query, lookup_fn};

/// Starts a server on loopback that reads one line from each connection and greets whoever it
/// names. It lives as long as the process.
///
/// # Errors
///
/// The system's, where loopback can't be listened on.
pub fn greeter() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut line = String::new();
            let mut stream = BufReader::new(stream);
            // A client that leaves early is no concern of the next.
            let _ = stream.read_line(&mut line);
            let _ = writeln!(stream.get_mut(), "hello, {}", line.trim_end());
        }
    });
    Ok(addr)
}

/// A loopback address that is silent, as a host behind a broken route is: its backlog is full, so
/// nothing answers.
#[derive(Debug)]
pub struct Silent {
    addr: SocketAddr,
    /// The listener, and the connections that fill its backlog.
    _sockets: Vec<Socket>,
}

impl Silent {
    /// Silent until it is dropped.
    ///
    /// # Errors
    ///
    /// The system's, where loopback can't be listened on; or that the backlog does not fill up.
    pub fn new() -> io::Result<Self> {
        let socket = || Socket::new(Domain::IPV4, Type::STREAM, None);
        let listener = socket()?;
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        listener.listen(0)?;
        let local = listener.local_addr()?;
        let addr = local.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let mut sockets = vec![listener];
        // With a backlog of 0 Linux takes one connection. Over loopback it is there at once.
        for _ in 0..64 {
            let filler = socket()?;
            match filler.connect_timeout(&local, Duration::from_millis(100)) {
                Ok(()) => sockets.push(filler),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Ok(Self { addr, _sockets: sockets });
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("the backlog does not fill up"))
    }

    /// Where it is.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// A resolver for which every name has these addresses.
pub fn listed<const N: usize>(
    addresses: [SocketAddr; N],
) -> impl Resolver<Address = SocketAddr, Error = Infallible, Answers: Send> + Clone {
    lookup_fn(move |_: Query| ready(Ok(addresses)))
}

/// What to connect to: the program's first argument, or a [`greeter`] of its own.
///
/// # Errors
///
/// As for [`greeter`].
pub fn target() -> io::Result<String> {
    std::env::args().nth(1).map_or_else(|| Ok(greeter()?.to_string()), Ok)
}
