//! Listening sockets that a process inherits.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::{env, io};

use rustix::io::{FdFlags, fcntl_getfd};
use socket2::SockRef;
use stagger::listen::{Listen as _, Listener as _};
use stagger::text::WithCauses;
use stagger_net::{ListenAddr, UnixListen};
use stagger_tests::descriptor::open;
use stagger_tests::place::{V4, V6};
use stagger_tests::process::inheriting;
use stagger_tests::{Adapter, ListenerOf, Runtime, UdpSocketOf, battery, received};

battery! {
    alone {
        an_inherited_socket_is_taken_over_by_index_or_name_and_once,
        what_is_inherited_and_does_not_fit_stays_as_it_is,
        what_this_process_has_opened_is_not_inherited_whatever_is_said,
        an_inherited_socket_for_datagrams_is_taken_over_by_index_or_name_and_once,
        without_an_inheritance_there_is_an_error_that_says_what_is_not_set,
    }
}

/// A socket that blocks, as a service manager makes it.
fn listening(ip: std::net::IpAddr) -> Option<OwnedFd> {
    TcpListener::bind((ip, 0)).ok().map(OwnedFd::from)
}

/// Whether children do not get a descriptor.
fn kept(number: u32) -> bool {
    // `O_CLOEXEC`.
    flags(number) & 0o2_000_000 != 0
}

/// Whether a descriptor blocks.
fn blocks(number: u32) -> bool {
    // `O_NONBLOCK`.
    flags(number) & 0o4000 == 0
}

fn flags(number: u32) -> u32 {
    let entry = std::fs::File::open(format!("/proc/self/fdinfo/{number}")).unwrap();
    let flags = io::read_to_string(entry).unwrap();
    let flags = flags.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
    u32::from_str_radix(flags.trim(), 8).unwrap()
}

async fn adopt<R: Runtime>(addr: ListenAddr) -> io::Result<ListenerOf<R>> {
    R::Adapter::tcp_listen(addr).listen().await
}

fn an_inherited_socket_is_taken_over_by_index_or_name_and_once<R: Runtime + 'static>() {
    let passed = || {
        let web = || listening(V4).unwrap();
        let web6 = listening(V6).unwrap_or_else(web);
        let unix = UnixListener::bind(env::temp_dir().join(unix_name())).unwrap();
        vec![(web(), "admin"), (web(), "web"), (unix.into(), "local"), (web6, "web")]
    };
    inheriting(passed, || R::new().run(inherits::<R>()));
    let _ = std::fs::remove_file(env::temp_dir().join(unix_name()));
}

/// Known to the process that passes the socket, and to nobody else.
fn unix_name() -> String {
    format!("stagger-inherit-{}.sock", std::process::id())
}

async fn inherits<R: Runtime>() {
    let before = open();
    let mut admin = adopt::<R>(ListenAddr::inherited(0)).await.unwrap();
    // It is the very descriptor, and no child of this process gets it.
    let only = |number: u32| open().contains_key(&number);
    assert!(only(3) && kept(3));
    assert!((4..7).all(kept), "no child gets what nobody has asked for either");
    assert!((4..7).all(blocks), "it is not changed otherwise");
    accepts::<R>(&mut admin).await;

    let mut web = adopt::<R>(ListenAddr::inherited_by_name("web")).await.unwrap();
    assert_eq!(web.local_addrs().len(), 2);
    accepts::<R>(&mut web).await;

    for again in [ListenAddr::inherited(0), ListenAddr::inherited_by_name("web")] {
        let error = adopt::<R>(again.clone()).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{error}");
        assert_eq!(error.to_string(), format!("could not take over {again}"));
        let text = WithCauses(&error).to_string();
        assert!(text.contains("has been taken over already"), "{text}");
    }

    type Reactor<R> = <<R as Runtime>::Adapter as Adapter>::Reactor;
    type Timer<R> = <<R as Runtime>::Adapter as Adapter>::Timer;
    let local = UnixListen::<Reactor<R>, Timer<R>>::inherited_by_name("local");
    let mut local = local.listen().await.unwrap();
    let _client = UnixStream::connect(local.local_addrs()[0].as_path().unwrap()).unwrap();
    local.accept().await.unwrap();

    // Closed with the listener, and then the number may be another's: still it is not taken again.
    drop((admin, web, local));
    assert!((3..7).all(|number| !only(number) || before[&number] != open()[&number]));
    let error = adopt::<R>(ListenAddr::inherited(0)).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{error}");
}

async fn accepts<R: Runtime>(listener: &mut ListenerOf<R>) {
    // It does not block.
    assert!(::futures_lite::future::poll_once(listener.accept()).await.is_none());
    let addrs: Vec<SocketAddr> = listener.local_addrs();
    for addr in addrs {
        let client = TcpStream::connect(addr).unwrap();
        assert_eq!(listener.accept().await.unwrap().1, client.local_addr().unwrap());
    }
}

fn what_is_inherited_and_does_not_fit_stays_as_it_is<R: Runtime>() {
    let passed = || {
        let udp = UdpSocket::bind((V4, 0)).unwrap();
        let connected =
            TcpStream::connect(TcpListener::bind((V4, 0)).unwrap().local_addr().unwrap());
        let (unix, _) = UnixStream::pair().unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        let web = listening(V4).unwrap();
        vec![
            (udp.into(), "udp"),
            (connected.unwrap().into(), "mixed"),
            (unix.into(), "unix"),
            (file.into(), "file"),
            (web, "mixed"),
        ]
    };
    inheriting(passed, || {
        R::new().run(async {
            let before = open();
            for (index, words) in [
                (0, "descriptor 3 is not a stream socket"),
                (1, "descriptor 4 does not listen"),
                (2, "descriptor 5 is a Unix-domain socket, and not one of TCP"),
                (3, ""),
                (5, "is not passed: LISTEN_FDS is 5"),
            ] {
                let error = adopt::<R>(ListenAddr::inherited(index)).await.map(drop).unwrap_err();
                let text = format!("could not take over inherited descriptor {index}: {words}");
                let line = WithCauses(&error).to_string();
                assert!(line.starts_with(&text), "{line}");
            }
            // One of the name does not fit, so neither is taken.
            let mixed = || adopt::<R>(ListenAddr::inherited_by_name("mixed"));
            let error = mixed().await.map(drop).unwrap_err();
            let line = WithCauses(&error).to_string();
            assert!(line.contains("descriptor 4 does not listen"), "{line}");
            for number in 3..8 {
                assert_eq!(open()[&number], before[&number]);
                assert!(kept(number));
            }
            assert!(blocks(7), "the one of the name that fits is not changed");
            // It can be had by itself.
            let mut web = adopt::<R>(ListenAddr::inherited(4)).await.unwrap();
            accepts::<R>(&mut web).await;
        });
    });
}

fn what_this_process_has_opened_is_not_inherited_whatever_is_said<R: Runtime>() {
    // Three are announced, and one is passed.
    let passed = || vec![(listening(V4).unwrap(), "web:web:web")];
    inheriting(passed, || {
        let own = TcpListener::bind((V4, 0)).unwrap();
        let datagrams = UdpSocket::bind((V4, 0)).unwrap();
        assert_eq!([own.as_raw_fd(), datagrams.as_raw_fd()], [4, 5]);
        R::new().run(async {
            for (addr, number) in [
                (ListenAddr::inherited(1), 4),
                (ListenAddr::inherited(2), 5),
                (ListenAddr::inherited_by_name("web"), 4),
            ] {
                let error = adopt::<R>(addr.clone()).await.map(drop).unwrap_err();
                let text = format!("could not take over {addr}: descriptor {number} was opened by");
                let line = WithCauses(&error).to_string();
                assert!(line.starts_with(&text), "{line}");
            }
            // All were looked at before the first was changed.
            assert!(kept(3) && blocks(3));
        });
        let error = R::new().run(async { UdpSocketOf::<R>::inherited(2).map(drop) }).unwrap_err();
        let line = WithCauses(&error).to_string();
        assert!(line.contains("descriptor 5 was opened by this process"), "{line}");
        // Their owner has them still.
        let client = TcpStream::connect(own.local_addr().unwrap()).unwrap();
        assert_eq!(own.accept().unwrap().1, client.local_addr().unwrap());
        datagrams.send_to(b"x", datagrams.local_addr().unwrap()).unwrap();
        assert_eq!(datagrams.recv(&mut [0; 8]).unwrap(), 1);
        R::new().run(async {
            let mut web = adopt::<R>(ListenAddr::inherited(0)).await.unwrap();
            accepts::<R>(&mut web).await;
        });
    });
}

fn an_inherited_socket_for_datagrams_is_taken_over_by_index_or_name_and_once<R: Runtime>() {
    let passed = || {
        let udp = |ip| UdpSocket::bind((ip, 0)).ok().map(OwnedFd::from);
        let udp6 = udp(V6).unwrap_or_else(|| udp(V4).unwrap());
        let unix = std::os::unix::net::UnixDatagram::unbound().unwrap();
        vec![
            (udp(V4).unwrap(), "dns"),
            (listening(V4).unwrap(), "web"),
            (udp6, "dns"),
            (unix.into(), "log"),
            (udp(V4).unwrap(), "mixed"),
            (listening(V4).unwrap(), "mixed"),
        ]
    };
    inheriting(passed, || {
        R::new().run(async {
            for (index, words) in [
                (1, "descriptor 4 is not a datagram socket"),
                (3, "descriptor 6 is not a socket of UDP"),
                (6, "is not passed: LISTEN_FDS is 6"),
            ] {
                let error = UdpSocketOf::<R>::inherited(index).unwrap_err();
                let text = format!("could not take over inherited descriptor {index}: {words}");
                let line = WithCauses(&error).to_string();
                assert!(line.starts_with(&text), "{line}");
            }
            assert!((3..9).all(kept) && (3..9).all(blocks));
            let error = UdpSocketOf::<R>::inherited_by_name("mixed").unwrap_err();
            let line = WithCauses(&error).to_string();
            assert!(line.contains("descriptor 8 is not a datagram"), "{line}");
            assert!(blocks(7), "all or none are taken");
            let mixed = UdpSocketOf::<R>::inherited(4).unwrap();
            assert!(!blocks(7));
            exchanges::<R>(&mixed).await;
            let dns = UdpSocketOf::<R>::inherited_by_name("dns").unwrap();
            assert_eq!(dns.len(), 2);
            for socket in &dns {
                exchanges::<R>(socket).await;
            }
            for again in [0, 4] {
                let error = UdpSocketOf::<R>::inherited(again).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{error}");
            }
            drop(dns);
            let error = UdpSocketOf::<R>::inherited(0).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{error}");
            // Listeners and sockets for datagrams share what is passed.
            let error = adopt::<R>(ListenAddr::inherited(4)).await.map(drop).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{error}");
        });
    });
}

/// It receives from elsewhere, and answers.
async fn exchanges<R: Runtime>(socket: &UdpSocketOf<R>) {
    let local = socket.local_addr().unwrap();
    let client = UdpSocket::bind((local.ip(), 0)).unwrap();
    client.send_to(b"question", local).unwrap();
    let (datagram, bytes) = received::<R>(socket).await;
    assert_eq!((datagram.peer, &*bytes), (client.local_addr().unwrap(), &b"question"[..]));
    socket.send_to(b"answer", datagram.peer).await.unwrap();
    assert_eq!(client.recv(&mut [0; 16]).unwrap(), 6);
}

fn without_an_inheritance_there_is_an_error_that_says_what_is_not_set<R: Runtime>() {
    let error = R::new().run(R::Adapter::listen(ListenAddr::inherited(0))).map(drop).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    let text = "could not take over inherited descriptor 0: nothing is passed to this process: \
                LISTEN_PID is not set";
    assert_eq!(WithCauses(&error).to_string(), text);
}

/// A socket of ours that a listener accepts is none of a child's either.
#[test]
fn what_is_accepted_is_closed_in_a_child() {
    type R = stagger_tests::SmolBlockOn;

    R::new().run(async {
        let mut listener = adopt::<R>(SocketAddr::from((V4, 0)).into()).await.unwrap();
        let _client = TcpStream::connect(listener.local_addrs()[0]).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        assert_eq!(fcntl_getfd(&stream).unwrap(), FdFlags::CLOEXEC);
        assert!(SockRef::from(&stream).nonblocking().unwrap());
    });
}
