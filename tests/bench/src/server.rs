//! Where the contestants connect to.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs as _};
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

/// The name that the programs write into a hosts file of their own. It is not `localhost`, which
/// our lookups answer without the system.
pub const NAME: &str = "server.stagger.test";

/// How many connections wait for [`Server::drain`]: as many as Linux lets wait unless it is told
/// otherwise (`net.core.somaxconn`).
pub const BACKLOG: usize = 4096;

/// How often a free port is looked for. On each machine address another program may hold it.
const TRIES: usize = 16;

/// Listeners on one port of every address that the name has.
///
/// Nobody accepts while a connect is measured: the kernel does the handshake by itself, so no
/// second thread disturbs the first.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
    literal: SocketAddr,
}

impl Server {
    /// Starts to listen.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn start() -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for _ in 0..TRIES {
            match Self::on_one_port() {
                Ok(server) => return Ok(server),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn on_one_port() -> io::Result<Self> {
        let first = listener((Ipv4Addr::LOCALHOST, 0).into())?;
        let literal = first.local_addr()?;
        let mut listeners = vec![first];
        for addr in (NAME, literal.port()).to_socket_addrs()? {
            if addr != literal {
                listeners.push(listener(addr)?);
            }
        }
        Ok(Self { listeners, literal })
    }

    /// The two texts that lead here, `literal` and `name`, with what they are.
    pub fn places(&self) -> [(&'static str, String); 2] {
        let name = format!("{NAME}:{}", self.literal.port());
        [("literal", self.literal.to_string()), ("name", name)]
    }

    /// Accepts and closes whatever waits.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn drain(&self) -> io::Result<()> {
        for listener in &self.listeners {
            loop {
                match listener.accept() {
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    // It was reset while it waited (accept(2)).
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

fn listener(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG as i32)?;
    Ok(socket.into())
}

/// Closes a connection by a reset, so that no port is left in TIME_WAIT to run out of.
///
/// # Errors
///
/// The system's.
pub fn reset(stream: impl AsFd) -> io::Result<()> {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))
}
