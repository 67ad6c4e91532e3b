//! Which socket is asked, and when.

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

/// A reactor that never wakes, in which the system fails as told, each call one error, and then
/// does as it does. It notes each call: when it was and of which socket.
#[derive(Clone, Default)]
struct Scripted {
    clock: Clock,
    errors: Rc<RefCell<Vec<i32>>>,
    calls: Rc<RefCell<Vec<(Duration, SocketAddr)>>>,
}

impl Register<TcpListener> for Scripted {
    type Socket = TcpListener;
    type Stream = TcpListener;

    fn register(&self, socket: TcpListener) -> io::Result<TcpListener> {
        Ok(socket)
    }

    fn poll_io<T>(
        &self,
        socket: &TcpListener,
        interest: Interest,
        _: &mut Context<'_>,
        mut operation: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        assert_eq!(interest, Interest::Readable);
        self.calls.borrow_mut().push((self.clock.elapsed(), socket.local_addr().unwrap()));
        if let Some(code) = self.errors.borrow_mut().pop() {
            return Poll::Ready(Err(io::Error::from_raw_os_error(code)));
        }
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            outcome => Poll::Ready(outcome),
        }
    }

    fn finish(&self, socket: TcpListener) -> io::Result<TcpListener> {
        Ok(socket)
    }
}

impl Register<TcpStream> for Scripted {
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
    let register = Scripted { clock: clock.clone(), errors, calls: Rc::default() };
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
    let times = [0, 5, 5, 5, 15, 35, 75, 155, 315, 635, 1275, 2275, 3275, 4275, 5275, 6275, 7275];
    let called: Vec<_> = calls.borrow().iter().map(|(at, _)| *at).collect();
    assert_eq!(called, times.map(ms));
}

#[test]
fn a_socket_that_had_nothing_rests_but_not_for_long_and_never_before_a_wait() {
    let register = Scripted::default();
    let calls = Rc::clone(&register.calls);
    let asked = || calls.take().into_iter().map(|(_, socket)| socket).collect::<Vec<_>>();
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
