//! Accepting from several listening sockets of one kind, on any runtime.

use std::io;
use std::task::{Context, Poll, ready};

use socket2::{SockAddr, SockRef, Socket};
use stagger::Timer;

use super::error::{AcceptError, AcceptErrorKind};
use super::pause::Pause;
use crate::socket::in_step;
use crate::{Interest, Register};

/// After how many connections of the others a socket that had none is asked again, while they have
/// some: 64. To ask in vain takes Linux more than half as long as to accept, for it makes a file first:
/// asked each time, a family that nobody uses would cost the other that much. Whoever connects in
/// between waits for so many accepts at the most, some 0.3 ms. The number is ours.
const REST: u8 = 64;

/// A kind of listening socket.
pub(super) trait Kind {
    /// The type of `std` that owns a listening socket.
    type Listening: From<Socket>;
    /// The type of `std` that owns an accepted one.
    type Accepted: From<Socket>;
    /// Where one listens.
    type Address;
    /// Who has connected.
    type Peer;

    fn address(addr: SockAddr) -> io::Result<Self::Address>;

    fn peer(addr: &SockAddr) -> Self::Peer;
}

/// One or more listening sockets, from which connections are accepted in turn.
pub(super) struct Sockets<K: Kind, R: Register<K::Listening>, T: Timer> {
    register: R,
    sockets: Box<[R::Socket]>,
    addrs: Box<[K::Address]>,
    /// The socket to ask first.
    next: usize,
    /// For each, how many more connections of the others it need not be asked.
    rests: Box<[u8]>,
    pause: Pause<T>,
}

impl<K: Kind, R: Register<K::Listening>, T: Timer> Sockets<K, R, T> {
    /// Puts listening sockets into the reactor's care.
    ///
    /// # Errors
    ///
    /// The system's or the reactor's, with the name of the step. All are closed then.
    pub(super) fn new(register: R, timer: T, listening: Vec<Socket>) -> io::Result<Self> {
        let mut sockets = Vec::with_capacity(listening.len());
        let mut addrs = Vec::with_capacity(listening.len());
        for socket in listening {
            socket.set_nonblocking(true).map_err(in_step("make the socket non-blocking"))?;
            let addr = socket.local_addr().map_err(in_step("read the local address"))?;
            addrs.push(K::address(addr)?);
            let registered = register.register(socket.into());
            sockets.push(registered.map_err(in_step("register the socket"))?);
        }
        let rests = vec![0; sockets.len()].into();
        let (sockets, addrs) = (sockets.into(), addrs.into());
        Ok(Self { register, sockets, addrs, next: 0, rests, pause: Pause::new(timer) })
    }

    pub(super) fn addrs(&self) -> &[K::Address] {
        &self.addrs
    }

    pub(super) fn sockets(&self) -> impl Iterator<Item = SockRef<'_>> {
        self.sockets.iter().map(SockRef::from)
    }
}

impl<K, R, T> Sockets<K, R, T>
where
    K: Kind,
    R: Register<K::Listening> + Register<K::Accepted>,
    T: Timer,
{
    pub(super) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<K, R>> {
        ready!(self.pause.poll(cx));
        let outcome = ready!(self.poll_sockets(cx)).and_then(|(socket, peer)| {
            Ok((Register::<K::Accepted>::adopt(&self.register, socket.into())?, K::peer(&peer)))
        });
        Poll::Ready(match outcome {
            Ok(accepted) => {
                self.pause.reset();
                Ok(accepted)
            }
            Err(error) => {
                let error = AcceptError::new(error);
                Err(match error.kind() {
                    AcceptErrorKind::Connection => error,
                    // Asked again at once it would only fail again, for as long as whatever it
                    // wants is wanting.
                    _ => error.with_pause(self.pause.begin()),
                })
            }
        })
    }

    /// Asks the sockets in turn, beginning after the one that had a connection last, so that none
    /// keeps another waiting. One that had none lately rests, but all are asked before it waits.
    fn poll_sockets(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Socket, SockAddr)>> {
        let (first, count) = (self.next, self.sockets.len());
        for index in (first..count).chain(0..first) {
            if self.rests[index] > 0 {
                self.rests[index] -= 1;
            } else if let Poll::Ready(outcome) = self.poll_socket(index, cx) {
                return Poll::Ready(outcome);
            }
        }
        // Those that were asked have the whole of their rest before them.
        for index in (first..count).chain(0..first) {
            if self.rests[index] < REST {
                if let Poll::Ready(outcome) = self.poll_socket(index, cx) {
                    return Poll::Ready(outcome);
                }
            }
        }
        Poll::Pending
    }

    fn poll_socket(
        &mut self,
        index: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Socket, SockAddr)>> {
        let socket = &self.sockets[index];
        let accept = || accept(&SockRef::from(socket));
        let interest = Interest::Readable;
        let polled =
            Register::<K::Listening>::poll_io(&self.register, socket, interest, cx, accept);
        self.rests[index] = if polled.is_ready() { 0 } else { REST };
        if polled.is_ready() {
            self.next = (index + 1) % self.sockets.len();
        }
        polled
    }
}

/// The runtime's own stream with its far end, or why there is none.
type Outcome<K, R> =
    Result<(<R as Register<<K as Kind>::Accepted>>::Stream, <K as Kind>::Peer), AcceptError>;

/// Accepts a connection as a non-blocking socket that no child process gets.
fn accept(socket: &Socket) -> io::Result<(Socket, SockAddr)> {
    loop {
        match accept_once(socket) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(any(
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "linux",
    target_os = "netbsd",
    target_os = "openbsd"
))]
fn accept_once(socket: &Socket) -> io::Result<(Socket, SockAddr)> {
    socket.accept4(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC)
}

#[cfg(not(any(
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "linux",
    target_os = "netbsd",
    target_os = "openbsd"
)))]
fn accept_once(socket: &Socket) -> io::Result<(Socket, SockAddr)> {
    let (socket, addr) = socket.accept()?;
    socket.set_nonblocking(true)?;
    Ok((socket, addr))
}

#[cfg(all(test, unix))]
mod tests {
    use std::cell::RefCell;
    use std::future::poll_fn;
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::rc::Rc;
    use std::time::Duration;

    use stagger_testkit::{Clock, ms};

    use super::*;

    struct Plain;

    impl Kind for Plain {
        type Listening = TcpListener;
        type Accepted = TcpStream;
        type Address = SocketAddr;
        type Peer = SocketAddr;

        fn address(addr: SockAddr) -> io::Result<SocketAddr> {
            Ok(addr.as_socket().expect("it is over TCP"))
        }

        fn peer(addr: &SockAddr) -> SocketAddr {
            addr.as_socket().expect("it is over TCP")
        }
    }

    /// A reactor in which the system fails as told, each call one error, and then accepts.
    #[derive(Clone)]
    struct Failing {
        clock: Clock,
        errors: Rc<RefCell<Vec<i32>>>,
        calls: Rc<RefCell<Vec<Duration>>>,
    }

    impl Register<TcpListener> for Failing {
        type Socket = TcpListener;
        type Stream = TcpListener;

        fn register(&self, socket: TcpListener) -> io::Result<TcpListener> {
            Ok(socket)
        }

        fn poll_io<T>(
            &self,
            _: &TcpListener,
            interest: Interest,
            _: &mut Context<'_>,
            mut operation: impl FnMut() -> io::Result<T>,
        ) -> Poll<io::Result<T>> {
            assert_eq!(interest, Interest::Readable);
            self.calls.borrow_mut().push(self.clock.elapsed());
            match self.errors.borrow_mut().pop() {
                Some(code) => Poll::Ready(Err(io::Error::from_raw_os_error(code))),
                None => Poll::Ready(operation()),
            }
        }

        fn finish(&self, socket: TcpListener) -> io::Result<TcpListener> {
            Ok(socket)
        }
    }

    impl Register<TcpStream> for Failing {
        type Socket = TcpStream;
        type Stream = TcpStream;

        fn register(&self, socket: TcpStream) -> io::Result<TcpStream> {
            Ok(socket)
        }

        fn poll_io<T>(
            &self,
            _: &TcpStream,
            _: Interest,
            _: &mut Context<'_>,
            mut operation: impl FnMut() -> io::Result<T>,
        ) -> Poll<io::Result<T>> {
            Poll::Ready(operation())
        }

        fn finish(&self, socket: TcpStream) -> io::Result<TcpStream> {
            Ok(socket)
        }
    }

    #[test]
    fn the_system_is_asked_once_a_pause_and_every_error_is_told_once() {
        let clock = Clock::new();
        let mut codes = vec![
            libc::EMFILE,
            libc::ECONNABORTED,
            libc::EPROTO,
            libc::ENFILE,
            libc::EPERM,
            libc::ENOBUFS,
        ];
        codes.extend([libc::ENOMEM; 10]);
        let errors = Rc::new(RefCell::new(codes.iter().rev().copied().collect()));
        let register = Failing { clock: clock.clone(), errors, calls: Rc::default() };
        let calls = register.calls.clone();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let listening = vec![Socket::from(listener)];
        let mut sockets = Sockets::<Plain, _, _>::new(register, clock.clone(), listening).unwrap();
        let mut told = Vec::new();
        let peer = loop {
            match clock.run(poll_fn(|cx| sockets.poll_accept(cx))) {
                Ok((_, peer)) => break peer,
                Err(error) => told.push(error.raw_os_error().unwrap()),
            }
        };
        assert_eq!(peer, client.local_addr().unwrap());
        assert_eq!(told, codes);
        // After an error of one connection at once, else after a pause that doubles up to 1 s.
        let times =
            [0, 5, 5, 5, 15, 35, 75, 155, 315, 635, 1275, 2275, 3275, 4275, 5275, 6275, 7275];
        assert_eq!(*calls.borrow(), times.map(ms));
    }

    /// A reactor that notes which socket is asked, and never wakes.
    #[derive(Clone, Default)]
    struct Noting(Rc<RefCell<Vec<SocketAddr>>>);

    impl Register<TcpListener> for Noting {
        type Socket = TcpListener;
        type Stream = TcpListener;

        fn register(&self, socket: TcpListener) -> io::Result<TcpListener> {
            Ok(socket)
        }

        fn poll_io<T>(
            &self,
            socket: &TcpListener,
            _: Interest,
            _: &mut Context<'_>,
            mut operation: impl FnMut() -> io::Result<T>,
        ) -> Poll<io::Result<T>> {
            self.0.borrow_mut().push(socket.local_addr().unwrap());
            match operation() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
                outcome => Poll::Ready(outcome),
            }
        }

        fn finish(&self, socket: TcpListener) -> io::Result<TcpListener> {
            Ok(socket)
        }
    }

    impl Register<TcpStream> for Noting {
        type Socket = TcpStream;
        type Stream = TcpStream;

        fn register(&self, socket: TcpStream) -> io::Result<TcpStream> {
            Ok(socket)
        }

        fn poll_io<T>(
            &self,
            _: &TcpStream,
            _: Interest,
            _: &mut Context<'_>,
            mut operation: impl FnMut() -> io::Result<T>,
        ) -> Poll<io::Result<T>> {
            Poll::Ready(operation())
        }

        fn finish(&self, socket: TcpStream) -> io::Result<TcpStream> {
            Ok(socket)
        }
    }

    #[test]
    fn a_socket_that_had_nothing_rests_but_not_for_long_and_never_before_a_wait() {
        let register = Noting::default();
        let asked = Rc::clone(&register.0);
        let asked = || std::mem::take(&mut *asked.borrow_mut());
        let listening = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [busy, quiet] = listening.each_ref().map(|socket| socket.local_addr().unwrap());
        let listening = listening.into_iter().map(Socket::from).collect();
        let mut sockets = Sockets::<Plain, _, _>::new(register, Clock::new(), listening).unwrap();
        let mut accept = || {
            let polled = sockets.poll_accept(&mut Context::from_waker(std::task::Waker::noop()));
            polled.map(|outcome| drop(outcome.unwrap())).is_ready()
        };
        let connect = |addr| TcpStream::connect(addr).unwrap();
        let _many = [(); 69].map(|()| connect(busy));
        // The quiet one is asked once in so many accepts.
        for accepts in [1, 65] {
            let mut expected = vec![busy; accepts];
            if accepts > 1 {
                expected.insert(0, quiet);
            }
            assert!((0..accepts).all(|_| accept()));
            assert_eq!(asked(), expected);
        }
        // It has its turn as soon as it is asked again, and is asked by turns from then on.
        let _few = [(); 2].map(|()| connect(quiet));
        assert!((0..4).all(|_| accept()));
        assert_eq!(asked(), [quiet, busy, quiet, busy]);
        // Nothing is left: both are asked before it waits, and after it.
        assert!(accept());
        assert!(!accept() && !accept());
        assert_eq!(asked(), [quiet, busy, busy, quiet, quiet, busy]);
        let _late = connect(quiet);
        assert!(accept());
        assert_eq!(asked().last(), Some(&quiet));
    }
}
