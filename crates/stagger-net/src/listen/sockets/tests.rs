//! Which socket is tried, and when.

use std::cell::RefCell;
use std::future::poll_fn;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use stagger_testkit::{Clock, ms};

use super::*;

/// A reactor that never wakes. First each system call fails with one of the given errors, and then
/// the calls reach the system. It records the time and the socket of each call.
#[derive(Clone, Default)]
struct Scripted {
    clock: Clock,
    errors: Rc<RefCell<Vec<i32>>>,
    calls: Rc<RefCell<Vec<(Duration, SocketAddr)>>>,
    /// The sockets whose connections the reactor does not know yet.
    behind: Rc<RefCell<Vec<SocketAddr>>>,
}

impl Accept for Scripted {
    type Listener = TcpListener;
    type Stream = TcpStream;

    fn adopt(&self, socket: TcpListener) -> io::Result<TcpListener> {
        Ok(socket)
    }

    fn poll_accept(
        &self,
        listener: &TcpListener,
        _: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let addr = listener.local_addr().unwrap();
        self.calls.borrow_mut().push((self.clock.elapsed(), addr));
        if self.behind.borrow().contains(&addr) {
            return Poll::Pending;
        }
        if let Some(code) = self.errors.borrow_mut().pop() {
            return Poll::Ready(Err(io::Error::from_raw_os_error(code)));
        }
        match TcpListener::accept_from(listener) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            outcome => Poll::Ready(outcome),
        }
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
    let reactor = Scripted { clock: clock.clone(), errors, ..Scripted::default() };
    let calls = reactor.calls.clone();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let listening = vec![Socket::from(listener)];
    let mut sockets = Sockets::<TcpListener, _, _>::new(reactor, clock.clone(), listening).unwrap();
    let mut told = Vec::new();
    let peer = loop {
        match clock.run(poll_fn(|cx| sockets.poll_accept(cx))) {
            Ok((_, peer)) => break peer,
            Err(error) => told.push(error.raw_os_error().unwrap()),
        }
    };
    assert_eq!(peer, client.local_addr().unwrap());
    assert_eq!(told, codes);
    // At once after an error of one connection, and otherwise after a pause that doubles up to 1 s.
    let times = [0, 5, 5, 5, 15, 35, 75, 155, 315, 635, 1275, 2275, 3275, 4275, 5275, 6275, 7275];
    let called: Vec<_> = calls.borrow().iter().map(|(at, _)| *at).collect();
    assert_eq!(called, times.map(ms));
}

/// Sockets at this many addresses, which are tried one call at a time.
struct Asked {
    sockets: Sockets<TcpListener, Scripted, Clock>,
    addrs: Vec<SocketAddr>,
    reactor: Scripted,
}

impl Asked {
    fn new(count: usize) -> Self {
        let bind = |_| TcpListener::bind("127.0.0.1:0").unwrap();
        let listening: Vec<_> = (0..count).map(bind).collect();
        let addrs = listening.iter().map(|socket| socket.local_addr().unwrap()).collect();
        let listening = listening.into_iter().map(Socket::from).collect();
        let reactor = Scripted::default();
        let sockets = Sockets::new(reactor.clone(), Clock::new(), listening).unwrap();
        Self { sockets, addrs, reactor }
    }

    fn connect(&self, index: usize, count: usize) -> Vec<TcpStream> {
        (0..count).map(|_| TcpStream::connect(self.addrs[index]).unwrap()).collect()
    }

    /// Whether there was a connection.
    fn accept(&mut self) -> bool {
        let polled = self.sockets.poll_accept(&mut Context::from_waker(Waker::noop()));
        polled.map(|outcome| drop(outcome.unwrap())).is_ready()
    }

    /// Accepts this many connections, and returns which sockets were tried meanwhile.
    #[track_caller]
    fn accepts(&mut self, count: usize) -> Vec<usize> {
        for place in 0..count {
            assert!(self.accept(), "only {place} of {count}");
        }
        self.calls()
    }

    /// Returns which sockets were tried since the last call.
    fn calls(&self) -> Vec<usize> {
        let calls = self.reactor.calls.take();
        let place = |addr| self.addrs.iter().position(|known| *known == addr).unwrap();
        calls.into_iter().map(|(_, addr)| place(addr)).collect()
    }
}

#[test]
fn a_socket_that_had_nothing_rests_but_not_for_long_and_never_before_a_wait() {
    let (busy, quiet) = (0, 1);
    let mut asked = Asked::new(2);
    let _many = asked.connect(busy, 69);
    // The quiet socket is tried once, and then only checked.
    assert_eq!(asked.accepts(40), [vec![busy, quiet], vec![busy; 39]].concat());
    // After 16 skipped turns it is checked and gets its turn. From then on the sockets alternate.
    let _few = asked.connect(quiet, 2);
    let by_turns = [quiet, busy, quiet, busy, quiet, busy].to_vec();
    assert_eq!(asked.accepts(15), [vec![busy; 10], by_turns].concat());
    // No connection is left. Both sockets are tried before the wait, and after it.
    assert_eq!(asked.accepts(16), [busy; 16]);
    assert!(!asked.accept() && !asked.accept());
    assert_eq!(asked.calls(), [busy, quiet, quiet, busy]);
    // A client that connects to either socket during the wait is next.
    for index in [quiet, quiet, busy, quiet] {
        let _late = asked.connect(index, 1);
        assert_eq!(asked.accepts(1), [index]);
        assert!(!asked.accept());
        asked.calls();
    }
}

#[test]
fn a_socket_has_its_turn_between_two_that_are_busy() {
    let mut asked = Asked::new(3);
    let _many = [0, 1].map(|index| asked.connect(index, 40));
    assert_eq!(asked.accepts(4), [0, 1, 2, 0, 1]);
    let _one = asked.connect(2, 1);
    let calls = asked.accepts(40);
    // It is skipped for 16 turns, one after each two.
    assert_eq!(calls.iter().position(|index| *index == 2), Some(2 * 16));
}

#[test]
fn a_socket_of_which_the_reactor_learns_late_is_next_when_it_has_learnt() {
    let (busy, late) = (0, 1);
    let mut asked = Asked::new(2);
    let _many = asked.connect(busy, 60);
    let _late = asked.connect(late, 3);
    asked.reactor.behind.borrow_mut().push(asked.addrs[late]);
    assert_eq!(asked.accepts(18), [vec![busy, late], vec![busy; 17]].concat());
    // It is tried at each of its turns from the first check on.
    assert_eq!(asked.accepts(3), [late, busy, late, busy, late, busy]);
    asked.reactor.behind.borrow_mut().clear();
    assert_eq!(asked.accepts(4), [late, busy, late, busy]);
    // It is skipped no longer than any other socket when it has no connection.
    assert_eq!(asked.accepts(20), [vec![late, busy, late], vec![busy; 18]].concat());
}
