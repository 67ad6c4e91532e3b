//! Opens listening sockets: one, or one for each family at the same port.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use stagger::address::Family;

use super::TcpListenOptions;
use crate::socket::{self, in_step};

/// How many ports are tried until a port is free in both families: at most 16.
///
/// The system chooses a port that is free in one family. If half of all ports are in use in the
/// other family, all 16 tries fail one time in 65 536. The number is ours.
const TRIES: u32 = 16;

/// The steps that make a listening socket. A test has its own implementation.
pub(super) trait Steps {
    type Socket;

    /// Makes a socket and binds it.
    fn bind(&mut self, addr: SocketAddr) -> io::Result<Self::Socket>;

    fn port(&self, socket: &Self::Socket) -> io::Result<u16>;

    fn listen(&mut self, socket: &Self::Socket) -> io::Result<()>;
}

/// The steps of the system.
pub(super) struct System<'a> {
    pub(super) options: &'a TcpListenOptions,
    pub(super) v6_only: bool,
}

impl Steps for System<'_> {
    type Socket = Socket;

    fn bind(&mut self, addr: SocketAddr) -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))
            .map_err(in_step("open a socket"))?;
        if addr.is_ipv6() {
            let set = socket.set_only_v6(self.v6_only);
            set.map_err(in_step(format_args!("set IPV6_V6ONLY to {}", self.v6_only)))?;
        }
        socket::set_listening(&socket, &addr, &self.options.sockets)?;
        socket::check_zone(&SockRef::from(&socket), &addr)?;
        socket.bind(&addr.into()).map_err(in_step("bind"))?;
        Ok(socket)
    }

    fn port(&self, socket: &Socket) -> io::Result<u16> {
        let addr = socket.local_addr().map_err(in_step("read the local address"))?;
        Ok(addr.as_socket().expect("it is bound to an IP address").port())
    }

    fn listen(&mut self, socket: &Socket) -> io::Result<()> {
        let backlog = i32::try_from(self.options.backlog).expect("its range is that of a C int");
        socket.listen(backlog).map_err(in_step("listen"))
    }
}

/// A family that the machine lacks, and the error that showed it.
#[derive(Debug)]
pub(crate) struct Missing {
    pub(crate) family: Family,
    pub(crate) error: io::Error,
}

/// Opens a socket that listens at this address.
///
/// # Errors
///
/// The system's error, with its kind, the address and the name of the step.
pub(super) fn one<S: Steps>(mut steps: S, addr: SocketAddr) -> io::Result<S::Socket> {
    let listen = steps.bind(addr).and_then(|socket| {
        steps.listen(&socket)?;
        Ok(socket)
    });
    listen.map_err(at(addr))
}

/// Opens a socket of each family, on all addresses and at one port. If the machine lacks one
/// family, it opens a socket of the other family only.
///
/// # Errors
///
/// The system's error, with its kind, the address and the name of the step. Nothing is bound then.
pub(super) fn both<S: Steps>(
    mut steps: S,
    port: u16,
) -> io::Result<(Vec<S::Socket>, Option<Missing>)> {
    let mut tries = 1;
    loop {
        match both_once(&mut steps, port) {
            Err(error) if port == 0 && error.kind() == io::ErrorKind::AddrInUse => {
                if tries == TRIES {
                    let step = format!("find a port that is free in both families, {TRIES} times");
                    return Err(in_step(step)(error));
                }
                tries += 1;
            }
            outcome => return outcome,
        }
    }
}

fn both_once<S: Steps>(
    steps: &mut S,
    mut port: u16,
) -> io::Result<(Vec<S::Socket>, Option<Missing>)> {
    let families = [
        (Family::Ipv6, Ipv6Addr::UNSPECIFIED.into()),
        (Family::Ipv4, Ipv4Addr::UNSPECIFIED.into()),
    ];
    let (mut sockets, mut missing) = (Vec::with_capacity(2), None);
    for (family, ip) in families {
        let addr = SocketAddr::new(ip, port);
        match steps.bind(addr) {
            Ok(socket) => {
                port = steps.port(&socket).map_err(at(addr))?;
                sockets.push((addr, socket));
            }
            Err(error) if missing.is_none() && lacks_family(&error) => {
                missing = Some(Missing { family, error });
            }
            Err(error) => return Err(at(addr)(error)),
        }
    }
    // Both binds have succeeded. So no client can connect to one socket before the other has
    // failed.
    for (addr, socket) in &sockets {
        steps.listen(socket).map_err(at(*addr))?;
    }
    Ok((sockets.into_iter().map(|(_, socket)| socket).collect(), missing))
}

fn at(addr: SocketAddr) -> impl FnOnce(io::Error) -> io::Error {
    in_step(format!("listen on {addr}"))
}

/// Whether the machine lacks the family completely: it has no sockets of the family, or not even
/// its wildcard address.
pub(crate) fn lacks_family(error: &io::Error) -> bool {
    #[cfg(unix)]
    const NO_FAMILY: [i32; 2] = [libc::EAFNOSUPPORT, libc::EPROTONOSUPPORT];
    /// `WSAEAFNOSUPPORT` and `WSAEPROTONOSUPPORT`.
    #[cfg(windows)]
    const NO_FAMILY: [i32; 2] = [10047, 10043];

    let code = socket::raw_os_error(error);
    code.is_some_and(|code| NO_FAMILY.contains(&code))
        || error.kind() == io::ErrorKind::AddrNotAvailable
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use stagger::text::WithCauses;

    use super::*;

    /// A machine that assigns ports in sequence, and on which some ports of IPv4 are in use.
    struct Machine {
        next: u16,
        taken_ipv4: Vec<u16>,
        lacks: &'static [Family],
        deaf: Option<u16>,
        bound: Rc<Cell<usize>>,
    }

    struct Bound(u16, Rc<Cell<usize>>);

    impl Drop for Bound {
        fn drop(&mut self) {
            self.1.set(self.1.get() - 1);
        }
    }

    impl Machine {
        fn new() -> Self {
            let bound = Rc::new(Cell::new(0));
            Self { next: 1000, taken_ipv4: Vec::new(), lacks: &[], deaf: None, bound }
        }
    }

    impl Steps for &mut Machine {
        type Socket = Bound;

        fn bind(&mut self, addr: SocketAddr) -> io::Result<Bound> {
            let family = if addr.is_ipv6() { Family::Ipv6 } else { Family::Ipv4 };
            if self.lacks.contains(&family) {
                #[cfg(unix)]
                let error = io::Error::from_raw_os_error(libc::EAFNOSUPPORT);
                #[cfg(not(unix))]
                let error = io::Error::from(io::ErrorKind::AddrNotAvailable);
                return Err(in_step("open a socket")(error));
            }
            let mut port = addr.port();
            if port == 0 {
                port = self.next;
                self.next += 1;
            }
            if addr.is_ipv4() && self.taken_ipv4.contains(&port) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            self.bound.set(self.bound.get() + 1);
            Ok(Bound(port, self.bound.clone()))
        }

        fn port(&self, socket: &Bound) -> io::Result<u16> {
            Ok(socket.0)
        }

        fn listen(&mut self, socket: &Bound) -> io::Result<()> {
            if self.deaf == Some(socket.0) { Err(io::ErrorKind::AddrInUse.into()) } else { Ok(()) }
        }
    }

    fn ports(sockets: &[Bound]) -> Vec<u16> {
        sockets.iter().map(|socket| socket.0).collect()
    }

    #[test]
    fn a_port_that_one_family_lacks_is_given_up_for_another() {
        let mut machine = Machine::new();
        machine.taken_ipv4 = vec![1000, 1001];
        machine.deaf = Some(1002);
        let (sockets, missing) = both(&mut machine, 0).unwrap();
        assert_eq!(ports(&sockets), [1003, 1003]);
        assert!(missing.is_none());
        assert_eq!(machine.bound.get(), 2);
    }

    #[test]
    fn after_sixteen_ports_it_is_given_up_and_nothing_is_bound() {
        let mut machine = Machine::new();
        machine.taken_ipv4 = (1000..2000).collect();
        let error = both(&mut machine, 0).map(drop).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let text = "could not find a port that is free in both families, 16 times: \
                    could not listen on 0.0.0.0:1015: ";
        assert!(WithCauses(&error).to_string().starts_with(text), "{error}");
        assert_eq!((machine.next, machine.bound.get()), (1016, 0));
    }

    #[test]
    fn a_fixed_port_that_clashes_is_an_error_at_once_and_nothing_is_bound() {
        let mut machine = Machine::new();
        machine.taken_ipv4 = vec![80];
        let error = both(&mut machine, 80).map(drop).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(
            WithCauses(&error).to_string().starts_with("could not listen on 0.0.0.0:80: "),
            "{error}"
        );
        assert_eq!(machine.bound.get(), 0);
    }

    #[test]
    fn a_machine_without_one_family_listens_in_the_other_and_says_so() {
        for (lacks, family) in [(&[Family::Ipv6], Family::Ipv6), (&[Family::Ipv4], Family::Ipv4)] {
            let mut machine = Machine::new();
            machine.lacks = lacks;
            let (sockets, missing) = both(&mut machine, 0).unwrap();
            assert_eq!(ports(&sockets), [1000]);
            let missing = missing.unwrap();
            assert_eq!(missing.family, family);
            assert!(
                missing.error.to_string().starts_with("could not open a socket"),
                "{missing:?}"
            );
        }
    }

    #[test]
    fn a_machine_without_any_family_can_not_listen() {
        let mut machine = Machine::new();
        machine.lacks = &[Family::Ipv6, Family::Ipv4];
        let error = both(&mut machine, 80).map(drop).unwrap_err();
        let text = "could not listen on 0.0.0.0:80: could not open a socket: ";
        assert!(WithCauses(&error).to_string().starts_with(text), "{error}");
    }
}
