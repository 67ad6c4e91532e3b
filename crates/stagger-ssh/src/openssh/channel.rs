//! Connections to a control socket, and channels over them.

use std::fs;
use std::future::poll_fn;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use blocking::unblock;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketType, send, sendmsg,
};
use rustix::process::geteuid;
use stagger_net::reactor::Interest;

use crate::runtime::{Local, Runtime};
use crate::{SshError, SshErrorKind, SshHost};

use super::mux::{Exchange, Fault, Request, Step};

/// The pause before another connect to a master with a full queue: 10 ms. The number is ours.
const PAUSE: Duration = Duration::from_millis(10);

/// How often a full queue is tried again: 500 times, which is 5 s. The number is ours.
const TRIES: u32 = 500;

/// How long a master may take to end: 5 s. The number is ours.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a control socket did not do what it was asked for.
#[derive(Debug)]
pub(super) enum ControlError {
    /// There is no socket.
    Absent,
    /// Nobody listens at the socket.
    Stale,
    /// The socket belongs to another user, with this id.
    Owner(u32),
    /// The master has ended.
    Ended,
    /// The master refuses, or breaks its protocol.
    Fault(Fault),
    /// A system call failed.
    System(io::Error),
}

impl From<io::Error> for ControlError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Absent,
            io::ErrorKind::ConnectionRefused => Self::Stale,
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Self::Ended,
            _ => Self::System(error),
        }
    }
}

impl ControlError {
    /// The error of the host whose master it is.
    pub(super) fn at(self, host: &SshHost, path: &Path, target: &str) -> SshError {
        let path = path.display();
        let error = |kind, text| SshError::new(kind, host, text);
        match self {
            Self::Absent => {
                error(SshErrorKind::Control, format!("no master has the control socket {path}"))
            }
            Self::Stale => {
                error(SshErrorKind::Control, format!("nobody listens at the control socket {path}"))
            }
            Self::Owner(user) => error(
                SshErrorKind::Control,
                format!("the control socket {path} belongs to another user ({user})"),
            ),
            Self::Ended => {
                error(SshErrorKind::Lost, format!("the master at the control socket {path} ended"))
            }
            Self::Fault(fault) => {
                let (kind, text) = match &fault {
                    Fault::Failure(reason) if reason.contains("prohibited") => {
                        (SshErrorKind::Forbidden, "the host forbids a connection to")
                    }
                    Fault::Failure(_) => (SshErrorKind::Refused, "the host did not connect to"),
                    Fault::Denied(_) => {
                        (SshErrorKind::Forbidden, "the user denied a connection to")
                    }
                    Fault::Protocol(_) => {
                        let text = format!("the control socket {path} is broken: {fault}");
                        return error(SshErrorKind::Control, text);
                    }
                };
                let reason = crate::command::one_line(&fault.to_string());
                error(kind, format!("{text} {target}: {reason}"))
            }
            Self::System(source) => {
                error(SshErrorKind::Control, format!("the control socket {path} cannot be used"))
                    .with_source(source)
            }
        }
    }
}

/// A connection to a master.
pub(super) struct Control(Box<dyn Local>);

impl Control {
    /// Connects to the master at this path. The socket must be ours, or root's.
    pub(super) async fn connect<S>(
        runtime: &dyn Runtime<S>,
        path: &Path,
    ) -> Result<Self, ControlError> {
        let mut tries = 0;
        loop {
            // A file system may block.
            let here = path.to_owned();
            match unblock(move || connect(&here)).await {
                Err(ControlError::System(error))
                    if error.kind() == io::ErrorKind::WouldBlock && tries < TRIES =>
                {
                    tries += 1;
                    runtime.sleep_until(runtime.now() + PAUSE).await;
                }
                connected => return Ok(Self(runtime.local(connected?)?)),
            }
        }
    }

    /// Asks the master to connect to a target. Returns our end of the connection, which is
    /// non-blocking.
    pub(super) async fn forward(&self, host: &str, port: u16) -> Result<UnixStream, ControlError> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut theirs = Some(theirs);
        let mut exchange = Exchange::new(Request::Forward { host: host.to_owned(), port });
        self.send(&Exchange::hello()).await?;
        let mut bytes = Vec::new();
        loop {
            match exchange.receive(&bytes).map_err(ControlError::Fault)? {
                Step::Receive => bytes = self.receive().await?,
                Step::Granted => return Ok(ours),
                Step::Send(request) => {
                    self.send(&request).await?;
                    if let Some(theirs) = theirs.take() {
                        // Its standard input, and its standard output.
                        self.pass(theirs.as_fd()).await?;
                        self.pass(theirs.as_fd()).await?;
                    }
                    // There may be more in the exchange.
                    bytes.clear();
                }
            }
        }
    }

    async fn send(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = poll_fn(|cx| {
                let mut write = |fd: BorrowedFd<'_>| Ok(send(fd, bytes, FLAGS)?);
                self.0.poll_io(Interest::Writable, cx, &mut write)
            });
            bytes = &bytes[sent.await?..];
        }
        Ok(())
    }

    /// Returns some bytes, at least one.
    async fn receive(&self) -> Result<Vec<u8>, ControlError> {
        let mut buffer = [0; 4096];
        let count = poll_fn(|cx| {
            let mut read = |fd: BorrowedFd<'_>| Ok(rustix::io::read(fd, &mut buffer)?);
            self.0.poll_io(Interest::Readable, cx, &mut read)
        });
        match count.await? {
            0 => Err(ControlError::Ended),
            count => Ok(buffer[..count].to_vec()),
        }
    }

    /// Sends one byte with a descriptor (SCM_RIGHTS, unix(7)).
    async fn pass(&self, passed: BorrowedFd<'_>) -> io::Result<()> {
        let passed = [passed];
        poll_fn(|cx| {
            let mut write = |fd: BorrowedFd<'_>| {
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
                let mut ancillary = SendAncillaryBuffer::new(&mut space);
                ancillary.push(SendAncillaryMessage::ScmRights(&passed));
                Ok(sendmsg(fd, &[IoSlice::new(&[0])], &mut ancillary, FLAGS)?)
            };
            self.0.poll_io(Interest::Writable, cx, &mut write)
        })
        .await
        .map(drop)
    }
}

/// No signal for a master that has ended.
#[cfg(any(target_os = "android", target_os = "linux"))]
const FLAGS: SendFlags = SendFlags::NOSIGNAL;
#[cfg(not(any(target_os = "android", target_os = "linux")))]
const FLAGS: SendFlags = SendFlags::empty();

/// A non-blocking connect: a full queue is [`io::ErrorKind::WouldBlock`].
fn connect(path: &Path) -> Result<UnixStream, ControlError> {
    let is_trusted = |user: u32| user == geteuid().as_raw() || user == 0;
    let owner = fs::metadata(path)?.uid();
    if !is_trusted(owner) {
        return Err(ControlError::Owner(owner));
    }
    let addr = SocketAddrUnix::new(path).map_err(io::Error::from)?;
    let socket = socket()?;
    rustix::net::connect(&socket, &addr).map_err(io::Error::from)?;
    let socket = UnixStream::from(socket);
    match peer(&socket)? {
        Some((user, _)) if !is_trusted(user) => Err(ControlError::Owner(user)),
        _ => Ok(socket),
    }
}

#[cfg(any(target_os = "android", target_os = "linux"))]
fn socket() -> io::Result<OwnedFd> {
    use rustix::net::{SocketFlags, socket_with};
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?)
}

#[cfg(not(any(target_os = "android", target_os = "linux")))]
fn socket() -> io::Result<OwnedFd> {
    use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

/// The user and the process that listened, if the system reports them.
#[cfg(any(target_os = "android", target_os = "linux"))]
fn peer(socket: &UnixStream) -> io::Result<Option<(u32, Option<i32>)>> {
    let peer = rustix::net::sockopt::socket_peercred(socket)?;
    Ok(Some((peer.uid.as_raw(), Some(peer.pid.as_raw_nonzero().get()))))
}

#[cfg(not(any(target_os = "android", target_os = "linux")))]
fn peer(_: &UnixStream) -> io::Result<Option<(u32, Option<i32>)>> {
    Ok(None)
}

/// Ends the master that this process started, and removes its socket. It blocks.
pub(super) fn terminate(path: &Path, process: u32) {
    // A killed master accepts connections for a moment, and leaves its socket.
    for _ in 0..TRIES {
        let socket = match connect(path) {
            Ok(socket) => socket,
            Err(ControlError::Stale) => {
                // It was killed. Another process may remove the socket too.
                let _ = fs::remove_file(path);
                return;
            }
            Err(_) => return,
        };
        // The process that listened is the one that we started, also after it went to the
        // background. Another master at this path belongs to another program.
        match peer(&socket) {
            Ok(Some((_, Some(listener)))) if u32::try_from(listener) != Ok(process) => return,
            Ok(_) => {}
            Err(_) => return,
        }
        // The next connect shows whether it has ended. A master that refuses or hangs stays.
        if let Err(ControlError::Fault(_) | ControlError::System(_)) = ask_to_end(socket) {
            return;
        }
    }
}

fn ask_to_end(mut socket: UnixStream) -> Result<(), ControlError> {
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.write_all(&Exchange::hello())?;
    let mut exchange = Exchange::new(Request::Terminate);
    let mut buffer = [0; 4096];
    let mut count = 0;
    loop {
        match exchange.receive(&buffer[..count]) {
            Ok(Step::Send(bytes)) => {
                socket.write_all(&bytes)?;
                count = 0;
                continue;
            }
            Ok(Step::Receive | Step::Granted) => {}
            Err(fault) => return Err(ControlError::Fault(fault)),
        }
        count = socket.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
    }
}
