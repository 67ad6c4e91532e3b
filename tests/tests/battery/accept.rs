//! Accepting many connections, and going on when some can't be accepted.

use std::collections::VecDeque;
use std::env;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ::futures_lite::StreamExt as _;
use ::futures_lite::future::poll_once;
use rustix::io::Errno;
use stagger::listen::Listener as _;
use stagger_net::tcp::AcceptErrorKind;
use stagger_tests::descriptor::{allow, exhaust, open};
use stagger_tests::place::{V4, V6, has_ipv6};
use stagger_tests::{Adapter, ListenerOf, Runtime, battery, counted};

battery! {
    {
        a_flood_of_one_family_does_not_keep_the_other_waiting,
        a_dropped_accept_loses_no_connection,
        a_connection_that_is_reset_in_the_queue_does_not_end_the_listener,
    }
    alone {
        thousands_of_connections_are_accepted_and_all_are_closed,
        twenty_thousand_connections_opened_and_closed_leave_no_descriptor,
        without_descriptors_it_waits_with_next_to_no_polls_and_then_goes_on,
    }
}

async fn listen_all<R: Runtime>() -> (ListenerOf<R>, u16) {
    let listener = R::Adapter::listen_all(0).await.unwrap();
    let port = listener.local_addrs()[0].port();
    (listener, port)
}

fn a_flood_of_one_family_does_not_keep_the_other_waiting<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    R::new().run(async {
        let (mut listener, port) = listen_all::<R>().await;
        let connect = |ip, count| -> Vec<TcpStream> {
            (0..count).map(|_| TcpStream::connect((ip, port)).unwrap()).collect()
        };
        // A flood of one family, with none of the other before it.
        let mut flood = VecDeque::from(connect(V6, 50));
        for _ in 0..30 {
            assert!(listener.accept().await.unwrap().1.is_ipv6());
        }
        // It does not end, and a few of the other come after it. A reactor may learn of them late.
        let _few = connect(V4, 5);
        let (mut few, mut others) = (0, 0);
        while few < 5 {
            assert!(others < 10_000, "{few} were accepted beside {others} of the flood");
            if listener.accept().await.unwrap().1.is_ipv4() {
                few += 1;
            } else {
                others += 1;
                flood.extend(connect(V6, 1));
                flood.pop_front();
            }
        }
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

/// How many connections are open at once: 2000, or as `STAGGER_CONNECTIONS` says.
fn connections() -> usize {
    let number = env::var("STAGGER_CONNECTIONS");
    number.map_or(2000, |number| number.parse().expect("STAGGER_CONNECTIONS is a number"))
}

/// Fewer than fit the queue, for the client waits in its connect here.
const AT_ONCE: usize = 500;

/// Both ends of connections, over all families that are listened on by turns.
struct Both<R: Runtime> {
    clients: Vec<TcpStream>,
    accepted: Vec<(<R::Adapter as Adapter>::Stream, SocketAddr)>,
}

impl<R: Runtime> Both<R> {
    async fn open(listener: &mut ListenerOf<R>, count: usize) -> Self {
        let (own, port) = (listener.local_addrs().len(), listener.local_addrs()[0].port());
        let ips = [V4, V6].into_iter().take(own).cycle();
        let connect = |ip| TcpStream::connect(SocketAddr::new(ip, port)).unwrap();
        let clients: Vec<_> = ips.take(count).map(connect).collect();
        let mut incoming = listener.incoming();
        let mut accepted = Vec::new();
        while accepted.len() < count {
            accepted.push(incoming.next().await.unwrap().unwrap());
        }
        let mut peers: Vec<_> = accepted.iter().map(|(_, peer)| *peer).collect();
        let mut near: Vec<_> = clients.iter().map(|near| near.local_addr().unwrap()).collect();
        peers.sort_unstable();
        near.sort_unstable();
        assert_eq!(peers, near);
        Self { clients, accepted }
    }
}

fn thousands_of_connections_are_accepted_and_all_are_closed<R: Runtime>() {
    let count = connections();
    if !allow(2 * count + 100) {
        return;
    }
    let runtime = R::new();
    drop(runtime.run(R::Adapter::listen_all(0)).unwrap());
    let before = open();
    let known = before.len();
    let held = runtime.run(async move {
        let (mut listener, _) = listen_all::<R>().await;
        let mut all = Vec::new();
        for begun in (0..count).step_by(AT_ONCE) {
            all.push(Both::<R>::open(&mut listener, AT_ONCE.min(count - begun)).await);
        }
        let held = open().len();
        assert_eq!(held, known + listener.local_addrs().len() + 2 * count);
        held
    });
    assert_eq!(open(), before);
    let line = format!("{count} connections: {known} descriptors, then {held}, then {known}");
    assert!(held > known, "{line}");
    if env::var_os("STAGGER_CONNECTIONS").is_some() {
        let _ = writeln!(io::stderr(), "REPORT: {line}");
    }
}

fn twenty_thousand_connections_opened_and_closed_leave_no_descriptor<R: Runtime>() {
    const COUNT: usize = 20_000;

    if !allow(2 * AT_ONCE + 100) {
        return;
    }
    let runtime = R::new();
    drop(runtime.run(R::Adapter::listen_all(0)).unwrap());
    let before = open();
    runtime.run(async move {
        let (mut listener, _) = listen_all::<R>().await;
        let listening = open();
        for _ in (0..COUNT).step_by(AT_ONCE) {
            let both = Both::<R>::open(&mut listener, AT_ONCE).await;
            assert_eq!(open().len(), listening.len() + 2 * AT_ONCE);
            // Reset, so that no port stays behind in TIME_WAIT.
            for client in &both.clients {
                socket2::SockRef::from(client).set_linger(Some(Duration::ZERO)).unwrap();
            }
            let Both { clients, accepted } = both;
            drop((clients, accepted));
            assert_eq!(open(), listening);
        }
    });
    assert_eq!(open(), before);
}

fn without_descriptors_it_waits_with_next_to_no_polls_and_then_goes_on<R: Runtime>() {
    /// A pause costs a poll that begins it and one that ends it; a runtime may wake for a reason
    /// of its own now and then.
    const MOST_POLLS: usize = 8;

    R::new().run(async {
        let (mut listener, port) = listen_all::<R>().await;
        for round in 0..2 {
            let clients = [(); 3].map(|()| TcpStream::connect((V4, port)).unwrap());
            let exhausted = exhaust();
            // The second round begins with a short pause again.
            for pause in [5, 10, 20, 40].map(Duration::from_millis) {
                let (outcome, polls) = counted(listener.accept()).await;
                let error = outcome.map(drop).unwrap_err();
                assert_eq!(error.kind(), AcceptErrorKind::Exhausted, "{error}");
                assert_eq!(error.raw_os_error(), Some(Errno::MFILE.raw_os_error()));
                assert_eq!(error.pause(), Some(pause), "round {round}");
                assert!(polls <= MOST_POLLS, "{polls} polls before a pause of {pause:?}");
            }
            drop(exhausted);
            // None that has waited is lost.
            for client in &clients {
                let (_stream, peer) = listener.accept().await.unwrap();
                assert_eq!(peer, client.local_addr().unwrap());
            }
        }
    });
}
