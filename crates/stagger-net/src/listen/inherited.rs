//! Sockets that the process has inherited from a service manager (sd_listen_fds(3)).

use std::collections::{BTreeMap, BTreeSet};
use std::env::{self, VarError};
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::process;
use std::sync::Mutex;

#[cfg(any(target_os = "android", target_os = "freebsd", target_os = "linux"))]
use socket2::Protocol;
use socket2::{Domain, SockRef, Socket, Type};

use crate::socket::in_step;
use stagger::drivers::lock;

/// The first descriptor that is passed (`SD_LISTEN_FDS_START`).
const FIRST: u32 = 3;

/// After this many closed numbers in a row, the rest counts as closed: 1024. It limits the time
/// that a wrong `LISTEN_FDS` costs. The number is ours.
const GAP: u32 = 1024;

/// The state of the inherited descriptors of this process.
static INHERITANCE: Mutex<Inheritance> =
    Mutex::new(Inheritance { found: None, adopted: BTreeSet::new() });

#[derive(Debug)]
struct Inheritance {
    /// All descriptors that were open when this process first looked.
    found: Option<BTreeMap<RawFd, Found>>,
    /// The descriptors that are already taken over. Each is taken over only once, because its owner
    /// closes it. Another file may then have its number.
    adopted: BTreeSet<RawFd>,
}

/// The state of a descriptor when this process first looked at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// It came through exec(3), and is this file.
    Passed(Identity),
    /// It is close-on-exec, so this process has opened it, or other code has taken it over.
    Foreign,
}

/// Device and number of a file. A file that is opened later at the same descriptor has other
/// values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(libc::dev_t, libc::ino_t);

/// The inherited sockets that the caller has chosen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Chosen {
    Index(u32),
    /// All sockets with this name.
    Name(Box<str>),
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "inherited descriptor {index}"),
            Self::Name(name) => write!(f, "inherited descriptor {name:?}"),
        }
    }
}

/// The kind of socket that the caller wants.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A listening stream socket of a domain that this function accepts.
    Listening(fn(Domain) -> Result<(), &'static str>),
    /// A connected stream socket of TCP or of the Unix domain.
    Connected,
    /// A UDP socket.
    Udp,
}

/// Takes all chosen sockets over. On an error it takes no socket over.
///
/// The first call in a process makes all passed descriptors close-on-exec, whatever is chosen.
///
/// # Errors
///
/// - No descriptor is passed to this process at this index, or under this name.
/// - The descriptor is taken over already, or is not open.
/// - It is close-on-exec, so this process opened it.
/// - It is another file now than when this process first looked.
/// - It is not a socket of the wanted kind.
/// - The system fails.
pub(crate) fn adopt(chosen: &Chosen, kind: Kind) -> io::Result<Vec<Socket>> {
    let refused = || in_step(format!("take over {chosen}"));
    let passed = Passed::read(process::id(), env::var);
    let passed = passed.map_err(refused())?;
    // The lock is held to the end. So of two callers that want the same descriptor, one fails.
    let mut inheritance = lock(&INHERITANCE);
    let Inheritance { found, adopted } = &mut *inheritance;
    let found = look(found, passed.count, close_on_exec).map_err(refused())?;
    let numbers = passed.numbers(chosen).map_err(refused())?;
    // All descriptors are checked before the first is changed.
    for &number in &numbers {
        if adopted.contains(&number) {
            let words = format!("descriptor {number} has been taken over already");
            let error = io::Error::new(io::ErrorKind::AlreadyExists, words);
            return Err(refused()(error));
        }
        check(number, found.get(&number), kind).map_err(refused())?;
    }
    let own = |number| {
        adopted.insert(number);
        // SAFETY: `check` has seen that the descriptor is open. It was open without close-on-exec
        // when this process first looked, and is still the same file. So it came through exec(3),
        // and the variables state that it is passed to be taken over. The set and its lock let this
        // happen only once.
        Socket::from(unsafe { OwnedFd::from_raw_fd(number) })
    };
    let sockets: Vec<_> = numbers.into_iter().map(own).collect();
    for socket in &sockets {
        let step = format!("make descriptor {} non-blocking", socket.as_raw_fd());
        socket.set_nonblocking(true).map_err(in_step(step)).map_err(refused())?;
    }
    Ok(sockets)
}

/// Returns the content of `found`. The first call looks at `count` descriptors. It makes the
/// descriptors that came through exec(3) close-on-exec, because no child needs them
/// (sd_listen_fds(3)).
///
/// The first call stores its result before it changes a descriptor. Otherwise a later call would
/// find a passed descriptor close-on-exec, and would conclude that this process has opened it.
fn look(
    found: &mut Option<BTreeMap<RawFd, Found>>,
    count: u32,
    mut close_on_exec: impl FnMut(RawFd) -> io::Result<()>,
) -> io::Result<&BTreeMap<RawFd, Found>> {
    let found = match found {
        Some(found) => return Ok(found),
        None => found.insert(open_now(count)?),
    };
    let mut failure = None;
    for (&number, is) in &*found {
        if let Found::Passed(_) = is {
            // A failure does not stop the loop, because this runs only once.
            if let Err(error) = close_on_exec(number) {
                failure.get_or_insert((number, error));
            }
        }
    }
    match failure {
        None => Ok(found),
        Some((number, error)) => {
            Err(in_step(format_args!("make descriptor {number} close-on-exec"))(error))
        }
    }
}

fn close_on_exec(number: RawFd) -> io::Result<()> {
    // SAFETY: the call accepts any number, and only sets a flag.
    match unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Returns which of `count` descriptors are open. Changes nothing.
fn open_now(count: u32) -> io::Result<BTreeMap<RawFd, Found>> {
    let (mut found, mut gap) = (BTreeMap::new(), 0);
    for number in (FIRST..).take(count as usize).map_while(|number| number.try_into().ok()) {
        let is = match flags(number) {
            None => None,
            Some(flags) if flags & libc::FD_CLOEXEC == 0 => identity(number)?.map(Found::Passed),
            Some(_) => Some(Found::Foreign),
        };
        match is {
            Some(is) => {
                found.insert(number, is);
                gap = 0;
            }
            None => gap += 1,
        }
        if gap == GAP {
            break;
        }
    }
    Ok(found)
}

/// Returns the flags of a descriptor, if it is open.
fn flags(number: RawFd) -> Option<i32> {
    // SAFETY: the call accepts any number, and only reads a flag.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    (flags != -1).then_some(flags)
}

/// Returns which file a descriptor is, or `None` if it is not open. Another thread may have closed
/// it since its flags were read.
fn identity(number: RawFd) -> io::Result<Option<Identity>> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the call accepts any number, and writes a complete `stat` if it succeeds.
    if unsafe { libc::fstat(number, stat.as_mut_ptr()) } == -1 {
        let error = io::Error::last_os_error();
        return if error.raw_os_error() == Some(libc::EBADF) { Ok(None) } else { Err(error) };
    }
    // SAFETY: the call has succeeded.
    let stat = unsafe { stat.assume_init() };
    Ok(Some(Identity(stat.st_dev, stat.st_ino)))
}

/// Checks that a descriptor may be taken over, and is of the right kind. Changes nothing.
fn check(number: RawFd, found: Option<&Found>, kind: Kind) -> io::Result<()> {
    let unfit = |words: &str| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("descriptor {number} {words}"))
    };
    match found {
        None if flags(number).is_none() => return Err(unfit("is not open")),
        None => return Err(unfit("was not passed when this process first looked")),
        Some(Found::Foreign) => {
            return Err(unfit("was opened by this process: it is close-on-exec"));
        }
        Some(Found::Passed(was)) => match identity(number)? {
            Some(is) if is == *was => {}
            Some(_) => return Err(unfit("was closed, and is another file now")),
            None => return Err(unfit("was closed")),
        },
    }
    // SAFETY: the descriptor is open, as was just checked. It stays open during the borrow, because
    // no other code in this process owns it.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    let socket = SockRef::from(&borrowed);
    match kind {
        Kind::Listening(is_right) => {
            if socket.r#type()? != Type::STREAM {
                return Err(unfit("is not a stream socket"));
            }
            is_right(domain(&socket)?).map_err(unfit)?;
            #[cfg(any(target_os = "android", target_os = "freebsd", target_os = "linux"))]
            if !socket.is_listener()? {
                return Err(unfit("does not listen"));
            }
        }
        Kind::Connected => {
            if socket.r#type()? != Type::STREAM {
                return Err(unfit("is not a stream socket"));
            }
            if !matches!(domain(&socket)?, Domain::IPV4 | Domain::IPV6 | Domain::UNIX) {
                return Err(unfit("is neither a socket of TCP nor a Unix-domain socket"));
            }
            if socket.peer_addr().is_err() {
                return Err(unfit("is not connected"));
            }
        }
        Kind::Udp => {
            if socket.r#type()? != Type::DGRAM {
                return Err(unfit("is not a datagram socket"));
            }
            if !matches!(domain(&socket)?, Domain::IPV4 | Domain::IPV6) {
                return Err(unfit("is not a socket of UDP"));
            }
            #[cfg(any(target_os = "android", target_os = "freebsd", target_os = "linux"))]
            if socket.protocol()? != Some(Protocol::UDP) {
                return Err(unfit("is not a socket of UDP"));
            }
        }
    }
    Ok(())
}

fn domain(socket: &Socket) -> io::Result<Domain> {
    Ok(socket.local_addr()?.domain())
}

/// The content of the environment variables.
#[derive(Debug, PartialEq, Eq)]
struct Passed {
    count: u32,
    names: Option<String>,
}

impl Passed {
    /// Reads `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES`.
    fn read(
        own: u32,
        variable: impl Fn(&'static str) -> Result<String, VarError>,
    ) -> io::Result<Self> {
        let invalid = |words: String| io::Error::new(io::ErrorKind::InvalidInput, words);
        let number = |name| match variable(name) {
            Ok(text) => {
                let number = text.parse::<u32>();
                number.map_err(|_| invalid(format!("{name} is {text:?}, which is no number")))
            }
            Err(VarError::NotPresent) => {
                let words = format!("nothing is passed to this process: {name} is not set");
                Err(io::Error::new(io::ErrorKind::NotFound, words))
            }
            Err(VarError::NotUnicode(text)) => {
                Err(invalid(format!("{name} is {text:?}, which is no number")))
            }
        };
        let pid = number("LISTEN_PID")?;
        if pid != own {
            let words = format!("LISTEN_PID is {pid}: what is passed is not for this process");
            return Err(io::Error::new(io::ErrorKind::NotFound, words));
        }
        let count = number("LISTEN_FDS")?;
        let names = match variable("LISTEN_FDNAMES") {
            Ok(names) => Some(names),
            Err(VarError::NotPresent) => None,
            Err(VarError::NotUnicode(_)) => {
                return Err(invalid("LISTEN_FDNAMES is not UTF-8".into()));
            }
        };
        Ok(Self { count, names })
    }

    /// Returns the chosen descriptors: at least one.
    fn numbers(&self, chosen: &Chosen) -> io::Result<Vec<RawFd>> {
        let count = self.count;
        let number = |index: u32| {
            let number = FIRST.checked_add(index).and_then(|number| number.try_into().ok());
            let words = "no descriptor has so large a number";
            number.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, words))
        };
        match chosen {
            Chosen::Index(index) if *index < count => Ok(vec![number(*index)?]),
            Chosen::Index(_) => {
                let words = format!("is not passed: LISTEN_FDS is {count}");
                Err(io::Error::new(io::ErrorKind::NotFound, words))
            }
            Chosen::Name(name) => {
                let Some(names) = &self.names else {
                    let words = "is not passed: LISTEN_FDNAMES is not set";
                    return Err(io::Error::new(io::ErrorKind::NotFound, words));
                };
                let named = (0..count).zip(names.split(':'));
                let of_name = named.filter(|(_, found)| **found == **name);
                let numbers: Vec<_> =
                    of_name.map(|(index, _)| number(index)).collect::<Result<_, _>>()?;
                if numbers.is_empty() {
                    let words = format!("is not passed: LISTEN_FDNAMES is {names:?}");
                    return Err(io::Error::new(io::ErrorKind::NotFound, words));
                }
                Ok(numbers)
            }
        }
    }
}

#[cfg(test)]
mod tests;
