//! The caller's hook for each new socket.

use std::fmt;
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::os::fd::{AsFd as _, BorrowedFd as BorrowedSocket};
#[cfg(windows)]
use std::os::windows::io::{AsSocket as _, BorrowedSocket};
use std::sync::Arc;

use socket2::Socket;

/// The function that is called for each socket.
type Call = dyn Fn(BorrowedSocket<'_>, SocketAddr) -> io::Result<()> + Send + Sync;

/// A hook. Two hooks are equal only if they share one closure, because closures cannot be compared.
#[derive(Clone)]
pub(super) struct Hook(Arc<Call>);

impl Hook {
    pub(super) fn new(
        call: impl Fn(BorrowedSocket<'_>, SocketAddr) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(call))
    }

    pub(super) fn call(&self, socket: &Socket, addr: SocketAddr) -> io::Result<()> {
        #[cfg(unix)]
        let socket = socket.as_fd();
        #[cfg(windows)]
        let socket = socket.as_socket();
        (self.0)(socket, addr)
    }
}

impl PartialEq for Hook {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Hook {}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}
