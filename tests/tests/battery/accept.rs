//! Accepting many connections, and going on when some can't be accepted.

use std::env;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ::futures_lite::StreamExt as _;
use ::futures_lite::future::poll_once;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use stagger::Listener as _;
use stagger_net::AcceptErrorKind;
use stagger_tests::descriptor::open;
use stagger_tests::place::{V4, V6, has_ipv6};
use stagger_tests::{Adapter, ListenerOf, Runtime, battery, counted, skip};

battery! {
    {
        both_families_are_accepted_from_in_turn,
        a_dropped_accept_loses_no_connection,
        a_connection_that_is_reset_in_the_queue_does_not_end_the_listener,
    }
    alone {
        thousands_of_connections_are_accepted_and_all_are_closed,
        without_descriptors_it_waits_with_next_to_no_polls_and_then_goes_on,
    }
}

async fn listen_all<R: Runtime>() -> (ListenerOf<R>, u16) {
    let listener = R::Adapter::listen_all(0).await.unwrap();
    let port = listener.local_addrs()[0].port();
    (listener, port)
}

fn both_families_are_accepted_from_in_turn<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    R::new().run(async {
        let (mut listener, port) = listen_all::<R>().await;
        let connect = |ip, count| -> Vec<TcpStream> {
            (0..count).map(|_| TcpStream::connect((ip, port)).unwrap()).collect()
        };
        // A flood of one family, and a few of the other that have come after it.
        let _flood = connect(V6, 50);
        let _few = connect(V4, 5);
        for place in 0..55 {
            let (_, peer) = listener.accept().await.unwrap();
            let expected = place < 10 && place % 2 == 1;
            assert_eq!(peer.is_ipv4(), expected, "the connection accepted after {place} others");
        }
        assert!(poll_once(listener.accept()).await.is_none());
    });
}

fn a_dropped_accept_loses_no_connection<R: Runtime>() {
    R::new().run(async {
        let (mut listener, port) = listen_all::<R>().await;
        for _ in 0..20 {
            assert!(poll_once(listener.accept()).await.is_none());
            let client = TcpStream::connect((V4, port)).unwrap();
            drop(listener.accept());
            let (_, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
        }
    });
}

fn a_connection_that_is_reset_in_the_queue_does_not_end_the_listener<R: Runtime>() {
    R::new().run(async {
        let (mut listener, port) = listen_all::<R>().await;
        let reset = TcpStream::connect((V4, port)).unwrap();
        socket2::SockRef::from(&reset).set_linger(Some(Duration::ZERO)).unwrap();
        let gone = reset.local_addr().unwrap();
        drop(reset);
        let client = TcpStream::connect((V4, port)).unwrap();
        // Linux hands it out all the same, and other systems an error about it alone.
        let mut next = listener.accept().await;
        if !matches!(&next, Ok((_, peer)) if *peer == client.local_addr().unwrap()) {
            match next {
                Ok((_, peer)) => assert_eq!(peer, gone),
                Err(error) => assert_eq!(error.kind(), AcceptErrorKind::Connection),
            }
            next = listener.accept().await;
        }
        assert_eq!(next.unwrap().1, client.local_addr().unwrap());
    });
}

/// How many connections: 2000, or as `STAGGER_CONNECTIONS` says.
fn connections() -> usize {
    let number = env::var("STAGGER_CONNECTIONS");
    number.map_or(2000, |number| number.parse().expect("STAGGER_CONNECTIONS is a number"))
}

fn thousands_of_connections_are_accepted_and_all_are_closed<R: Runtime>() {
    /// Fewer than fit the queue, for the client waits in its connect here.
    const AT_ONCE: usize = 500;

    let count = connections();
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = 2 * count as u64 + 100;
    if limit.maximum.is_some_and(|maximum| maximum < wanted) {
        return skip::skip(&format!("{wanted} descriptors are wanted, and allowed are {limit:?}"));
    }
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();

    let runtime = R::new();
    drop(runtime.run(R::Adapter::listen_all(0)).unwrap());
    let before = open();
    let known = before.len();
    let held = runtime.run(async move {
        let (listener, port) = listen_all::<R>().await;
        let own = listener.local_addrs().len();
        let mut incoming = listener.incoming();
        let (mut clients, mut accepted) = (Vec::new(), Vec::new());
        while clients.len() < count {
            let batch = AT_ONCE.min(count - clients.len());
            let ips = [V4, V6].into_iter().take(own).cycle();
            let connect = |ip| TcpStream::connect(SocketAddr::new(ip, port)).unwrap();
            clients.extend(ips.take(batch).map(connect));
            while accepted.len() < clients.len() {
                accepted.push(incoming.next().await.unwrap().unwrap());
            }
        }
        let mut peers: Vec<_> = accepted.iter().map(|(_, peer)| *peer).collect();
        let mut near: Vec<_> = clients.iter().map(|near| near.local_addr().unwrap()).collect();
        peers.sort_unstable();
        near.sort_unstable();
        assert_eq!(peers, near);
        let held = open().len();
        assert_eq!(held, known + own + 2 * count);
        held
    });
    assert_eq!(open(), before);
    let line = format!("{count} connections: {known} descriptors, then {held}, then {known}");
    assert!(held > known, "{line}");
    if env::var_os("STAGGER_CONNECTIONS").is_some() {
        let _ = writeln!(io::stderr(), "REPORT: {line}");
    }
}

fn without_descriptors_it_waits_with_next_to_no_polls_and_then_goes_on<R: Runtime>() {
    /// A pause costs a poll that begins it and one that ends it; a runtime may wake for a reason
    /// of its own now and then.
    const MOST_POLLS: usize = 8;

    R::new().run(async {
        let (mut listener, port) = listen_all::<R>().await;
        for round in 0..2 {
            let clients = [(); 3].map(|()| TcpStream::connect((V4, port)).unwrap());
            let limit = getrlimit(Resource::Nofile);
            take_all_descriptors(limit);
            // The second round begins with a short pause again.
            for pause in [5, 10, 20, 40].map(Duration::from_millis) {
                let (outcome, polls) = counted(listener.accept()).await;
                let error = outcome.map(drop).unwrap_err();
                assert_eq!(error.kind(), AcceptErrorKind::Exhausted, "{error}");
                assert_eq!(error.raw_os_error(), Some(Errno::MFILE.raw_os_error()));
                assert_eq!(error.pause(), Some(pause), "round {round}");
                assert!(polls <= MOST_POLLS, "{polls} polls before a pause of {pause:?}");
            }
            setrlimit(Resource::Nofile, limit).unwrap();
            // None that has waited is lost.
            for client in &clients {
                let (_stream, peer) = listener.accept().await.unwrap();
                assert_eq!(peer, client.local_addr().unwrap());
            }
        }
    });
}

/// Allows no number that is free; what is open above stays so.
fn take_all_descriptors(limit: Rlimit) {
    let taken = open();
    let free: u32 = (0..).find(|number| !taken.contains_key(number)).expect("few are taken");
    setrlimit(Resource::Nofile, Rlimit { current: Some(free.into()), ..limit }).unwrap();
}
