//! Listening sockets that a process inherits.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::{env, io};

use rustix::io::{FdFlags, fcntl_getfd};
use socket2::SockRef;
use stagger::{Listen as _, Listener as _};
use stagger_net::{ListenAddr, UnixListen};
use stagger_tests::descriptor::open;
use stagger_tests::place::{V4, V6};
use stagger_tests::process::inheriting;
use stagger_tests::{Adapter, ListenerOf, Runtime, battery};

battery! {
    alone {
        an_inherited_socket_is_taken_over_by_index_or_name_and_once,
        what_is_inherited_and_does_not_fit_stays_as_it_is,
        without_an_inheritance_there_is_an_error_that_says_what_is_not_set,
    }
}

/// A socket that blocks, as a service manager makes it.
fn listening(ip: std::net::IpAddr) -> Option<OwnedFd> {
    TcpListener::bind((ip, 0)).ok().map(OwnedFd::from)
}

/// Every open descriptor that children do not get.
fn kept(number: u32) -> bool {
    let entry = std::fs::File::open(format!("/proc/self/fdinfo/{number}")).unwrap();
    let flags = io::read_to_string(entry).unwrap();
    let flags = flags.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
    let flags = u32::from_str_radix(flags.trim(), 8).unwrap();
    // `O_CLOEXEC`.
    flags & 0o2_000_000 != 0
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
    assert!(!kept(4) && !kept(5), "what nobody has asked for stays as it is");
    accepts::<R>(&mut admin).await;

    let mut web = adopt::<R>(ListenAddr::inherited_by_name("web")).await.unwrap();
    assert_eq!(web.local_addrs().len(), 2);
    accepts::<R>(&mut web).await;

    for again in [ListenAddr::inherited(0), ListenAddr::inherited_by_name("web")] {
        let error = adopt::<R>(again.clone()).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{error}");
        assert!(error.to_string().starts_with(&again.to_string()), "{error}");
        assert!(error.to_string().contains("has been taken over already"), "{error}");
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
                (0, "descriptor 3: is not a stream socket"),
                (1, "descriptor 4: does not listen"),
                (2, "descriptor 5: is a Unix-domain socket, and not one of TCP"),
                (3, "descriptor 6: "),
                (5, "is not passed: LISTEN_FDS is 5"),
            ] {
                let error = adopt::<R>(ListenAddr::inherited(index)).await.map(drop).unwrap_err();
                let text = format!("inherited descriptor {index}: {words}");
                assert!(error.to_string().starts_with(&text), "{error}");
            }
            // One of the name does not fit, so neither is taken.
            let mixed = || adopt::<R>(ListenAddr::inherited_by_name("mixed"));
            let error = mixed().await.map(drop).unwrap_err();
            assert!(error.to_string().contains("descriptor 4: does not listen"), "{error}");
            for number in 3..8 {
                assert_eq!(open()[&number], before[&number]);
            }
            // It can be had by itself.
            let mut web = adopt::<R>(ListenAddr::inherited(4)).await.unwrap();
            accepts::<R>(&mut web).await;
        });
    });
}

fn without_an_inheritance_there_is_an_error_that_says_what_is_not_set<R: Runtime>() {
    let error = R::new().run(R::Adapter::listen(ListenAddr::inherited(0))).map(drop).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    let text = "inherited descriptor 0: nothing is passed to this process: LISTEN_PID is not set";
    assert_eq!(error.to_string(), text);
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
