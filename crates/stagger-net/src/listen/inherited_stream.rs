//! Connected sockets that the process has inherited.

use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use socket2::{Domain, Socket};

use super::inherited::{self, Chosen, Kind};

/// A connected socket that a service manager passed (sd_listen_fds(3)), such as the one connection
/// of a service with `Accept=yes` (systemd.socket(5)). It is non-blocking.
///
/// The rules of [`ListenAddr::inherited`](crate::ListenAddr::inherited) for the variables and the
/// descriptors hold here too. A descriptor is taken over once.
///
/// # Examples
///
/// ```
/// use stagger_net::InheritedStream;
///
/// // Nothing is passed to this process.
/// let error = InheritedStream::take(0).unwrap_err();
/// assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum InheritedStream {
    /// A connection over TCP.
    Tcp(TcpStream),
    /// A connection over a Unix-domain socket.
    Unix(UnixStream),
}

impl InheritedStream {
    /// Takes over the socket at this index. Index 0 is descriptor 3.
    ///
    /// # Errors
    ///
    /// - No descriptor is passed to this process at this index.
    /// - The descriptor is taken over already.
    /// - It is close-on-exec, so this process opened it.
    /// - It is not a connected socket of TCP or of the Unix domain.
    /// - The system fails.
    pub fn take(index: u32) -> io::Result<Self> {
        let mut sockets = inherited::adopt(&Chosen::Index(index), Kind::Connected)?;
        let socket = sockets.pop().expect("an index is that of one descriptor");
        Ok(match is_unix(&socket)? {
            true => Self::Unix(socket.into()),
            false => Self::Tcp(socket.into()),
        })
    }
}

fn is_unix(socket: &Socket) -> io::Result<bool> {
    Ok(socket.local_addr()?.domain() == Domain::UNIX)
}
