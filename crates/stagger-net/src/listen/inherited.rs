//! Listening sockets that the process has inherited, as a service manager passes them
//! (sd_listen_fds(3)).

use std::collections::BTreeSet;
use std::env::{self, VarError};
use std::fmt;
use std::io;
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::process;
use std::sync::{Mutex, PoisonError};

use socket2::{Domain, SockRef, Socket, Type};

use crate::socket::in_step;

/// The first descriptor that is passed (`SD_LISTEN_FDS_START`).
const FIRST: u32 = 3;

/// The descriptors that were taken over: once in a process, for whoever owns one closes it, and
/// its number may be another's then.
static ADOPTED: Mutex<BTreeSet<RawFd>> = Mutex::new(BTreeSet::new());

/// Which of the inherited sockets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Chosen {
    Index(u32),
    /// All of this name.
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

/// Takes the chosen sockets over: all of them, or on an error none.
///
/// # Errors
///
/// That nothing is passed to this process, or not this; that it was taken over already, is not open
/// or is no listening stream socket of the kind that `is_right` wants.
pub(super) fn adopt(
    chosen: &Chosen,
    is_right: fn(Domain) -> Result<(), &'static str>,
) -> io::Result<Vec<Socket>> {
    let passed = Passed::read(process::id(), env::var);
    let passed = passed.map_err(in_step(chosen))?;
    let numbers = passed.numbers(chosen).map_err(in_step(chosen))?;
    // Held to the end, so that of two who want the same one comes too late.
    let mut adopted = ADOPTED.lock().unwrap_or_else(PoisonError::into_inner);
    for &number in &numbers {
        if adopted.contains(&number) {
            let words = format!("descriptor {number} has been taken over already");
            let error = io::Error::new(io::ErrorKind::AlreadyExists, words);
            return Err(in_step(chosen)(error));
        }
        prepare(number, is_right)
            .map_err(in_step(format_args!("descriptor {number}")))
            .map_err(in_step(chosen))?;
    }
    let own = |number| {
        adopted.insert(number);
        // SAFETY: the descriptor is open, as `prepare` has seen. Nobody in this process owns it:
        // the variables say that whoever started the process opened it for it to take over, before
        // any of its own were opened, and by the set and its lock this is done once.
        unsafe { OwnedFd::from_raw_fd(number) }.into()
    };
    Ok(numbers.into_iter().map(own).collect())
}

/// Looks at a descriptor, and makes it non-blocking and none of a child's. Does not take it over.
fn prepare(number: RawFd, is_right: fn(Domain) -> Result<(), &'static str>) -> io::Result<()> {
    // SAFETY: the call takes any number, and reads a flag alone.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is open, as just seen, and stays so through the borrow: it is nobody's
    // in this process to close.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    let socket = SockRef::from(&borrowed);
    let unfit = |words| io::Error::new(io::ErrorKind::InvalidInput, words);
    if socket.r#type()? != Type::STREAM {
        return Err(unfit("is not a stream socket"));
    }
    is_right(domain(&socket)?).map_err(unfit)?;
    #[cfg(any(target_os = "android", target_os = "freebsd", target_os = "linux"))]
    if !socket.is_listener()? {
        return Err(unfit("does not listen"));
    }
    socket.set_cloexec(true)?;
    socket.set_nonblocking(true)
}

fn domain(socket: &Socket) -> io::Result<Domain> {
    Ok(socket.local_addr()?.domain())
}

/// What the environment says is passed.
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

    /// The descriptors that are chosen: one at least.
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
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> io::Result<Passed> {
        Passed::read(7, |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned()).ok_or(VarError::NotPresent)
        })
    }

    fn numbers(variables: &[(&str, &str)], chosen: Chosen) -> Result<Vec<RawFd>, String> {
        let numbers = read(variables).and_then(|passed| passed.numbers(&chosen));
        numbers.map_err(|error| error.to_string())
    }

    const PASSED: [(&str, &str); 3] =
        [("LISTEN_PID", "7"), ("LISTEN_FDS", "3"), ("LISTEN_FDNAMES", "web:admin:web")];

    #[test]
    fn what_is_passed_is_chosen_by_its_index_or_by_its_name() {
        assert_eq!(numbers(&PASSED, Chosen::Index(0)), Ok(vec![3]));
        assert_eq!(numbers(&PASSED, Chosen::Index(2)), Ok(vec![5]));
        assert_eq!(numbers(&PASSED, Chosen::Name("admin".into())), Ok(vec![4]));
        assert_eq!(numbers(&PASSED, Chosen::Name("web".into())), Ok(vec![3, 5]));
        assert_eq!(numbers(&PASSED[..2], Chosen::Index(1)), Ok(vec![4]));
    }

    #[test]
    fn what_is_not_passed_is_an_error_that_says_what_is() {
        let index = |variables: &[_]| numbers(variables, Chosen::Index(3)).unwrap_err();
        assert_eq!(index(&PASSED), "is not passed: LISTEN_FDS is 3");
        let unset = "nothing is passed to this process: LISTEN_PID is not set";
        assert_eq!(index(&[]), unset);
        let unset = "nothing is passed to this process: LISTEN_FDS is not set";
        assert_eq!(index(&PASSED[..1]), unset);
        let other = "LISTEN_PID is 8: what is passed is not for this process";
        assert_eq!(index(&[("LISTEN_PID", "8"), PASSED[1]]), other);
        for (text, words) in [
            ("-1", "LISTEN_FDS is \"-1\", which is no number"),
            ("\u{1b}", "LISTEN_FDS is \"\\u{1b}\", which is no number"),
            ("4294967296", "LISTEN_FDS is \"4294967296\", which is no number"),
        ] {
            assert_eq!(index(&[PASSED[0], ("LISTEN_FDS", text)]), words);
        }
        let name = |variables: &[_]| numbers(variables, Chosen::Name("mail".into())).unwrap_err();
        assert_eq!(name(&PASSED), "is not passed: LISTEN_FDNAMES is \"web:admin:web\"");
        assert_eq!(name(&PASSED[..2]), "is not passed: LISTEN_FDNAMES is not set");
        // A name beyond the number of descriptors is none's.
        let few = [PASSED[0], ("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", "web:mail")];
        assert!(name(&few).starts_with("is not passed"));
    }

    #[test]
    fn a_number_that_no_descriptor_has_is_an_error() {
        let variables = [PASSED[0], ("LISTEN_FDS", "4294967295")];
        let error = numbers(&variables, Chosen::Index(u32::MAX - 1)).unwrap_err();
        assert_eq!(error, "no descriptor has so large a number");
    }
}
