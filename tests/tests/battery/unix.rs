//! Unix-domain sockets.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::thread;

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use stagger::boxed::BoxEndpoint;
use stagger::connect::endpoint_fn;
use stagger::error::ErrorKind;
use stagger::report::AttemptOutcome;
use stagger::{Connector as _, Dialer, Endpoint as _, race};
use stagger_net::{TcpOptions, UnixAddr};
use stagger_tests::descriptor::open;
use stagger_tests::place::{Refusing, V4};
use stagger_tests::{Adapter, Listed, Runtime, Scratch, battery, cut_everywhere, polled};

battery! {
    {
        a_path_is_connected_to_and_carries_bytes_both_ways,
        an_abstract_name_is_connected_to,
        who_is_not_there_or_does_not_listen_is_an_error_of_the_system_s_kind,
        a_full_queue_is_an_error_that_says_so,
        a_resolver_s_dead_path_is_followed_by_a_live_one_at_once,
        every_path_dead_is_an_error_that_lists_them_escaped,
        endpoints_over_unix_sockets_and_tcp_race_in_one_list,
        every_future_over_unix_sockets_may_go_to_another_thread,
    }
    alone {
        a_connect_over_unix_sockets_opens_nothing_unpolled_and_leaves_nothing_open,
    }
}

const NAME: &str = "stagger.test:80";

/// The address of a file in a directory, and a listener there.
fn listening(scratch: &Scratch, name: &str) -> (UnixAddr, UnixListener) {
    let path = scratch.path().join(name);
    (UnixAddr::path(&path).unwrap(), UnixListener::bind(&path).unwrap())
}

fn dead(scratch: &Scratch, name: &str) -> UnixAddr {
    UnixAddr::path(scratch.path().join(name)).unwrap()
}

fn connector<R: Runtime>() -> <R::Adapter as Adapter>::UnixConnector {
    Default::default()
}

fn a_path_is_connected_to_and_carries_bytes_both_ways<R: Runtime>() {
    let scratch = Scratch::new();
    let (addr, listener) = listening(&scratch, "echo.sock");
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 5];
        stream.read_exact(&mut request).unwrap();
        stream.write_all(&request).unwrap();
    });
    let endpoint = R::Adapter::unix_endpoint(addr.clone());
    let answer = R::new().run(async move {
        let stream = endpoint.connect().await.unwrap();
        let peer = SockRef::from(&stream).peer_addr().unwrap();
        assert_eq!(peer.as_pathname(), addr.as_path());
        R::Adapter::exchange_unix(stream, b"hello").await
    });
    assert_eq!(answer, b"hello");
    served.join().unwrap();
}

/// A name that no other test has.
fn own_name(scratch: &Scratch) -> Vec<u8> {
    let mut name = scratch.path().to_str().unwrap().as_bytes().to_vec();
    name.push(0);
    name
}

fn abstract_listener(name: &[u8], backlog: i32) -> Socket {
    let path = [&[0], name].concat();
    let path = String::from_utf8(path).unwrap();
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    listener.bind(&SockAddr::unix(path).unwrap()).unwrap();
    listener.listen(backlog).unwrap();
    listener
}

fn an_abstract_name_is_connected_to<R: Runtime>() {
    let scratch = Scratch::new();
    let name = own_name(&scratch);
    let listener = abstract_listener(&name, 5);
    let addr = UnixAddr::abstract_name(&name).unwrap();
    let runtime = R::new();
    let stream = runtime.run(R::Adapter::unix_endpoint(addr.clone()).connect()).unwrap();
    let peer = SockRef::from(&stream).peer_addr().unwrap();
    assert_eq!(peer.as_abstract_namespace(), Some(&name[..]));
    assert!(listener.accept().is_ok());
    drop(listener);
    // A child of another test holds the listener too, from its fork to its exec.
    let gone = loop {
        match runtime.run(R::Adapter::unix_endpoint(addr.clone()).connect()) {
            Ok(_) => thread::yield_now(),
            Err(error) => break error,
        }
    };
    assert_eq!(gone.kind(), io::ErrorKind::ConnectionRefused);
}

fn who_is_not_there_or_does_not_listen_is_an_error_of_the_system_s_kind<R: Runtime>() {
    let scratch = Scratch::new();
    let runtime = R::new();
    let kind = |addr| {
        let connect = R::Adapter::unix_endpoint(addr).connect();
        runtime.run(connect).map(drop).unwrap_err().kind()
    };
    assert_eq!(kind(dead(&scratch, "nobody.sock")), io::ErrorKind::NotFound);
    // Bound and never listening: a listener that is dropped may live on for a moment in a process
    // that another test has just forked.
    let deaf = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let path = scratch.path().join("deaf.sock");
    deaf.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    assert_eq!(kind(UnixAddr::path(&path).unwrap()), io::ErrorKind::ConnectionRefused);
}

fn a_full_queue_is_an_error_that_says_so<R: Runtime>() {
    let scratch = Scratch::new();
    let name = own_name(&scratch);
    let listener = abstract_listener(&name, 0);
    let endpoint = R::Adapter::unix_endpoint(UnixAddr::abstract_name(&name).unwrap());
    let runtime = R::new();
    let _queued = runtime.run(endpoint.connect()).unwrap();
    let error = runtime.run(endpoint.connect()).map(drop).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    assert!(error.to_string().contains("the listener's queue is full"), "{error}");
    // When it is taken out of the queue, there is room for the next.
    assert!(listener.accept().is_ok());
    assert!(runtime.run(endpoint.connect()).is_ok());
}

fn a_resolver_s_dead_path_is_followed_by_a_live_one_at_once<R: Runtime>() {
    let scratch = Scratch::new();
    let nobody = dead(&scratch, "nobody.sock");
    let (somebody, listener) = listening(&scratch, "somebody.sock");
    let resolver = Listed::new([nobody.clone(), somebody.clone()]);
    let timer = <R::Adapter as Adapter>::Timer::default();
    let dialer = Dialer::new(resolver, connector::<R>(), timer);
    let (stream, report) = R::new().run(dialer.connect(NAME).with_report()).unwrap();
    let peer = SockRef::from(&stream).peer_addr().unwrap();
    assert_eq!(peer.as_pathname(), somebody.as_path());
    assert!(listener.accept().is_ok());
    let [first, second] = report.attempts() else {
        panic!("{report:?}");
    };
    assert_eq!([&first.address, &second.address], [&nobody, &somebody]);
    assert!(matches!(first.outcome, AttemptOutcome::Failed(_)), "{first:?}");
    assert_eq!(second.started, first.ended);
}

fn every_path_dead_is_an_error_that_lists_them_escaped<R: Runtime>() {
    let scratch = Scratch::new();
    let addrs = ["a.sock", "b\u{1b}[31m.sock"].map(|name| dead(&scratch, name));
    let timer = <R::Adapter as Adapter>::Timer::default();
    let dialer = Dialer::new(Listed::new(addrs.clone()), connector::<R>(), timer);
    let error = R::new().run(dialer.connect(NAME)).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    let line = error.to_string();
    for addr in addrs {
        assert!(line.contains(&addr.to_string()), "{line}");
    }
    assert!(!line.contains(char::is_control), "{line:?}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
}

fn endpoints_over_unix_sockets_and_tcp_race_in_one_list<R: Runtime>() {
    let scratch = Scratch::new();
    let refusing = Refusing::new(V4).addr();
    let (somebody, listener) = listening(&scratch, "somebody.sock");
    // Each says what it leads to; a program would box its streams here.
    let tcp = endpoint_fn(move || {
        let attempt = R::Adapter::connector(TcpOptions::new()).connect(refusing.into());
        async move { attempt.await.map(|_| "TCP") }
    });
    let unix = R::Adapter::unix_endpoint(somebody);
    let unix = endpoint_fn(move || {
        let attempt = unix.connect();
        async move { attempt.await.map(|_| "Unix") }
    });
    let endpoints = [BoxEndpoint::new(tcp), BoxEndpoint::new(unix)];
    let won = R::new().run(race(endpoints, <R::Adapter as Adapter>::Timer::default()));
    let won = won.map_err(drop).unwrap();
    assert_eq!((won.connection, won.index), ("Unix", 1));
    assert!(listener.accept().is_ok());
}

fn every_future_over_unix_sockets_may_go_to_another_thread<R: Runtime>() {
    fn goes<T: Send + 'static>(value: T) -> T {
        value
    }
    let addr: UnixAddr = "/nowhere".parse().unwrap();
    drop(goes(goes(connector::<R>()).connect(addr.clone().into())));
    let endpoint = goes(R::Adapter::unix_endpoint(addr.clone()));
    drop(goes(endpoint.connect()));
    let timer = <R::Adapter as Adapter>::Timer::default();
    let dialer = goes(Dialer::new(Listed::new([addr]), connector::<R>(), timer));
    drop(goes(dialer.connect(NAME)));
}

fn a_connect_over_unix_sockets_opens_nothing_unpolled_and_leaves_nothing_open<R: Runtime>() {
    let scratch = Scratch::new();
    let (addr, listener) = listening(&scratch, "some.sock");
    let endpoint = R::Adapter::unix_endpoint(addr);
    let runtime = R::new();
    // Has the runtime open what it opens once.
    drop(runtime.run(endpoint.connect()).unwrap());
    drop(listener.accept().unwrap());
    let before = open();
    let connected = cut_everywhere(1, |polls| {
        let connect = endpoint.connect();
        assert_eq!(open(), before);
        let ended = runtime.run(async move { polled(polls, connect).await.map(|end| end.is_ok()) });
        assert_eq!(open(), before, "after {polls} polls");
        ended
    });
    assert!(connected);
}
