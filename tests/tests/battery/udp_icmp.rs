//! What ICMP reports about datagrams that could not be delivered.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};

use ::futures_lite::future;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;
use stagger_net::UdpOptions;
use stagger_net::udp::IcmpError;
use stagger_tests::namespace::shell;
use stagger_tests::{Adapter, Runtime, UdpSocketOf, apart, battery, counted, polled, received};

battery! {
    within ROUTER {
        what_a_router_reports_is_the_error_of_a_receive_with_its_reporter,
        a_report_wakes_a_receive_that_waits_and_nothing_spins_after_it,
        a_send_fails_for_its_own_datagram_alone_and_loses_no_report,
        a_socket_for_both_families_receives_reports_of_both,
        a_socket_of_std_s_with_the_option_is_known_to_have_it,
        a_send_that_waits_does_not_spin_after_a_report,
        a_send_that_waits_does_not_spin_after_a_refusal,
    }
}

const ROUTER_V4: [u8; 4] = [192, 0, 2, 1];
const ROUTER_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 7, 0, 0, 0, 0, 0, 1);

/// Destinations, what the router reports about each, and the type and code of the message.
fn destinations() -> [(SocketAddr, io::ErrorKind, [u8; 2]); 5] {
    use io::ErrorKind::{HostUnreachable, NetworkUnreachable, PermissionDenied};

    [
        ("198.51.100.7:53", NetworkUnreachable, [3, 0]),
        ("198.51.100.130:53", HostUnreachable, [3, 1]),
        ("198.51.100.200:53", HostUnreachable, [3, 13]),
        ("[2001:db8:1::7]:53", NetworkUnreachable, [1, 0]),
        ("[2001:db8:3::7]:53", PermissionDenied, [1, 1]),
    ]
    .map(|(addr, kind, numbers)| (addr.parse().unwrap(), kind, numbers))
}

/// A socket of this family that receives reports. Over IPv4 each has an address of its own.
fn bound<R: Runtime>(to: SocketAddr) -> UdpSocketOf<R> {
    static LAST: AtomicU8 = AtomicU8::new(64);

    let addr = match to.is_ipv4() {
        true => [192, 0, 2, LAST.fetch_add(1, Ordering::Relaxed)].into(),
        false => IpAddr::from([0xfd00, 7, 0, 0, 0, 0, 0, 2]),
    };
    R::Adapter::bind_udp((addr, 0), &UdpOptions::new().with_icmp_errors(true)).unwrap()
}

fn check(error: &IcmpError, to: SocketAddr, kind: io::ErrorKind, numbers: [u8; 2]) {
    let router = if to.is_ipv4() { IpAddr::from(ROUTER_V4) } else { ROUTER_V6.into() };
    assert_eq!((error.destination(), error.kind()), (to, kind), "{error}");
    assert_eq!(error.reporter(), Some(router), "{error}");
    assert_eq!([error.icmp_type(), error.icmp_code()], numbers, "{error}");
}

/// The report that a receive returns.
async fn report<R: Runtime>(socket: &UdpSocketOf<R>) -> IcmpError {
    let error = socket.recv_from(&mut [0; 8]).await.unwrap_err();
    let report = IcmpError::from_error(&error);
    let report = report.unwrap_or_else(|| panic!("{error} is no report")).clone();
    assert_eq!(error.kind(), report.kind());
    report
}

/// Waits until the system has an error for this socket, a second at most.
fn has_error(socket: &impl AsFd) -> bool {
    let mut one = [PollFd::new(socket, PollFlags::empty())];
    let patience = Timespec { tv_sec: 1, tv_nsec: 0 };
    poll(&mut one, Some(&patience)).unwrap();
    one[0].revents() == PollFlags::ERR
}

/// Sends until the system has an error for it: routers now and then send none (RFC 1812 §4.3.2.8).
async fn fail<R: Runtime>(socket: &UdpSocketOf<R>, to: impl Into<Option<SocketAddr>>) {
    let to = to.into();
    for _ in 0..PATIENCE {
        match to {
            Some(to) => socket.send_to(b"anybody?", to).await.unwrap(),
            None => socket.send(b"anybody?").await.unwrap(),
        }
        if has_error(socket) {
            return;
        }
    }
    panic!("{to:?} is never reported");
}

/// How many datagrams in a row a router may pass over.
const PATIENCE: usize = 30;

fn what_a_router_reports_is_the_error_of_a_receive_with_its_reporter<R: Runtime>() {
    R::new().run(async move {
        for (to, kind, numbers) in destinations() {
            let socket = bound::<R>(to);
            fail::<R>(&socket, to).await;
            check(&report::<R>(&socket).await, to, kind, numbers);
            // It is told once.
            assert!(polled(1, socket.recv_from(&mut [0; 8])).await.is_none());
            assert_eq!(socket.take_icmp_errors().unwrap(), []);

            socket.connect(to).unwrap();
            fail::<R>(&socket, None).await;
            check(&report::<R>(&socket).await, to, kind, numbers);
            // Without a receive.
            fail::<R>(&socket, None).await;
            let taken = socket.take_icmp_errors().unwrap();
            assert_eq!(taken.len(), 1);
            check(&taken[0], to, kind, numbers);
            assert!(polled(1, socket.recv_from(&mut [0; 8])).await.is_none());
        }
    });
}

/// Turns of the reactor in which nothing happens to the sockets under test.
async fn turns<R: Runtime>() {
    let [one, other] = [(); 2].map(|()| R::Adapter::bind_udp("127.0.0.1:0", &UdpOptions::new()));
    let (one, other) = (one.unwrap(), other.unwrap());
    for _ in 0..TURNS {
        let sends = async {
            // The other waits by now.
            future::yield_now().await;
            one.send_to(b"turn", other.local_addr().unwrap()).await.unwrap();
        };
        future::zip(received::<R>(&other), sends).await;
    }
}

const TURNS: usize = 200;

/// How often a future that waits for one event may be polled: a few times, and far less often than
/// the reactor turns.
const FEW: usize = 10;

type Part<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

fn a_report_wakes_a_receive_that_waits_and_nothing_spins_after_it<R: Runtime>() {
    R::new().run(async move {
        for (to, kind, numbers) in destinations() {
            let socket = bound::<R>(to);
            let first: Part<'_> = Box::pin(async {
                check(&report::<R>(&socket).await, to, kind, numbers);
            });
            let sends: Part<'_> = Box::pin(async {
                future::yield_now().await;
                fail::<R>(&socket, to).await;
            });
            apart(vec![first, sends]).await;
            // Several reports, of which one has been received.
            for _ in 0..3 {
                fail::<R>(&socket, to).await;
            }
            for _ in 0..3 {
                check(&report::<R>(&socket).await, to, kind, numbers);
            }
            let waits: Part<'_> = Box::pin(async {
                let (_, polls) = counted(received::<R>(&socket)).await;
                assert!(polls <= FEW, "a receive was polled {polls} times");
            });
            let own = socket.local_addr().unwrap();
            let ends: Part<'_> = Box::pin(async {
                turns::<R>().await;
                socket.send_to(b"end", own).await.unwrap();
            });
            apart(vec![waits, ends]).await;
        }
    });
}

fn a_send_fails_for_its_own_datagram_alone_and_loses_no_report<R: Runtime>() {
    R::new().run(async move {
        let (v4, v6): (Vec<_>, Vec<_>) =
            destinations().into_iter().partition(|(addr, ..)| addr.is_ipv4());
        for far in [v4, v6] {
            let (socket, healthy) = (bound::<R>(far[0].0), bound::<R>(far[0].0));
            for (addr, ..) in &far {
                fail::<R>(&socket, *addr).await;
                // The system would fail this one for what became of the other.
                socket.send_to(b"delivered", healthy.local_addr().unwrap()).await.unwrap();
                assert_eq!(received::<R>(&healthy).await.1, b"delivered");
            }
            for (addr, kind, numbers) in &far {
                check(&report::<R>(&socket).await, *addr, *kind, *numbers);
            }
            // What is wrong with a datagram itself is told by its own send, and by nothing else.
            let error = socket.send_to(&[0; 70_000], healthy.local_addr().unwrap()).await;
            assert_eq!(error.unwrap_err().raw_os_error(), Some(90), "it is EMSGSIZE");
            assert_eq!(socket.take_icmp_errors().unwrap(), []);
            assert!(polled(1, socket.recv_from(&mut [0; 8])).await.is_none());
        }
    });
}

fn a_socket_for_both_families_receives_reports_of_both<R: Runtime>() {
    R::new().run(async move {
        let options = UdpOptions::new().with_v6_only(false).with_icmp_errors(true);
        let socket = R::Adapter::bind_udp("[::]:0", &options).unwrap();
        for (to, kind, numbers) in destinations() {
            fail::<R>(&socket, to).await;
            check(&report::<R>(&socket).await, to, kind, numbers);
        }
    });
}

fn a_socket_of_std_s_with_the_option_is_known_to_have_it<R: Runtime>() {
    R::new().run(async move {
        for (to, kind, numbers) in destinations() {
            let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let std = std::net::UdpSocket::bind(any).unwrap();
            IcmpError::enable(&std).unwrap();
            let socket = R::Adapter::udp_from_std(std).unwrap();
            fail::<R>(&socket, to).await;
            check(&report::<R>(&socket).await, to, kind, numbers);
        }
    });
}

/// Fills the send buffer of a socket with datagrams to a host of this link that nobody has.
async fn fill<R: Runtime>(socket: &UdpSocketOf<R>, nobody: SocketAddr) {
    let mut sent = 0;
    while polled(1, socket.send_to(&[0; 1000], nobody)).await.map(Result::unwrap).is_some() {
        sent += 1;
        assert!(sent < 64, "there is always room");
    }
}

/// Sends at once, whatever the send buffer holds, until the system has an error for it.
fn fail_at_once(socket: &impl AsFd, to: SocketAddr) {
    // Behind the back of the runtime.
    let system = SockRef::from(socket);
    for _ in 0..PATIENCE {
        system.set_send_buffer_size(100_000).unwrap();
        let sent = system.send_to(b"anybody?", &to.into());
        system.set_send_buffer_size(1).unwrap();
        sent.unwrap();
        if has_error(socket) {
            return;
        }
    }
    panic!("{to} is never reported");
}

/// Makes room, for the link knows now who nobody is.
fn make_room() {
    shell("ip neighbour replace 192.0.2.10 lladdr 02:00:00:00:00:10 dev near0");
}

/// The part of a test that fails if this send is polled often before there is room.
fn rarely_polled<'a>(send: impl Future<Output = io::Result<()>> + Send + 'a) -> Part<'a> {
    Box::pin(async {
        let (sent, polls) = counted(send).await;
        sent.unwrap();
        assert!(polls <= FEW, "a send was polled {polls} times");
    })
}

const NOBODY: ([u8; 4], u16) = ([192, 0, 2, 10], 9);

fn a_send_that_waits_does_not_spin_after_a_report<R: Runtime>() {
    R::new().run(async move {
        let options = UdpOptions::new().with_send_buffer(1).unwrap().with_icmp_errors(true);
        let socket = R::Adapter::bind_udp("192.0.2.2:0", &options).unwrap();
        let (unreachable, kind, numbers) = destinations()[0];
        fill::<R>(&socket, NOBODY.into()).await;
        let waits = rarely_polled(socket.send_to(&[0; 1000], SocketAddr::from(NOBODY)));
        let reports: Part<'_> = Box::pin(async {
            future::yield_now().await;
            for _ in 0..3 {
                fail_at_once(&socket, unreachable);
                turns::<R>().await;
            }
            make_room();
        });
        apart(vec![waits, reports]).await;
        // The send has left the reports to receives.
        for _ in 0..3 {
            check(&report::<R>(&socket).await, unreachable, kind, numbers);
        }
    });
}

/// Without the option, of a connected socket.
fn a_send_that_waits_does_not_spin_after_a_refusal<R: Runtime>() {
    R::new().run(async move {
        let options = UdpOptions::new().with_send_buffer(1).unwrap();
        let socket = R::Adapter::bind_udp("192.0.2.2:0", &options).unwrap();
        socket.connect(SocketAddr::from((ROUTER_V4, 9))).unwrap();
        fill::<R>(&socket, NOBODY.into()).await;
        let refused: Part<'_> = Box::pin(async {
            let refused = socket.send_to(&[0; 1000], SocketAddr::from(NOBODY)).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        });
        let refuses: Part<'_> = Box::pin(async {
            future::yield_now().await;
            fail_at_once(&socket, (ROUTER_V4, 9).into());
        });
        apart(vec![refused, refuses]).await;
        let waits = rarely_polled(socket.send_to(&[0; 1000], SocketAddr::from(NOBODY)));
        let ends: Part<'_> = Box::pin(async {
            turns::<R>().await;
            make_room();
        });
        apart(vec![waits, ends]).await;
    });
}
