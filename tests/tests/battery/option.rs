//! What is set on a socket before it connects.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use socket2::SockRef;
use stagger::report::AttemptOutcome;
use stagger::{Error, Policy};
use stagger_net::TcpOptions;
use stagger_tests::place::{Healthy, Refusing, Silent, V4, V6, has_ipv6};
use stagger_tests::{Adapter, DialerOf, Runtime, battery, dialer};

battery! {
    {
        keep_alive_and_no_delay_are_set_on_every_socket_before_it_connects,
        the_header_s_options_are_those_of_each_family,
        buffers_are_sized_before_the_connect,
    }
    within LOOPBACK {
        a_mark_is_on_the_socket,
        a_mark_decides_the_route,
    }
    unprivileged {
        a_mark_without_the_privilege_is_an_error_that_names_the_step,
    }
    within ASIDE {
        a_socket_kept_to_an_interface_connects_by_that_one_alone,
        an_interface_that_is_not_there_is_an_error_that_names_it,
    }
}

const NAME: &str = "stagger.test:80";

fn set<R: Runtime>(
    options: TcpOptions,
    addrs: impl IntoIterator<Item = SocketAddr>,
) -> DialerOf<R> {
    dialer::<R>(addrs).with_connector(R::Adapter::connector(options))
}

fn keep_alive_and_no_delay_are_set_on_every_socket_before_it_connects<R: Runtime>() {
    let (refusing, silent, healthy) = (Refusing::new(V4), Silent::new(V4), Healthy::new(V4));
    let (told, heard) = mpsc::channel();
    let idle = Duration::from_secs(61);
    let interval = Duration::from_secs(7);
    let options = TcpOptions::new()
        .with_keepalive(idle)
        .and_then(|options| options.with_keepalive_interval(interval))
        .and_then(|options| options.with_keepalive_retries(4))
        .and_then(|options| options.with_user_timeout(Duration::from_secs(33)))
        .unwrap();
    let read = move |socket: &SockRef<'_>| {
        assert!(socket.tcp_nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), idle);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), interval);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 4);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(33)));
    };
    // The hook sees those of the losers too.
    let options = options.with_hook(move |socket, addr| {
        let socket = SockRef::from(&socket);
        assert!(socket.peer_addr().is_err(), "it is connected already");
        read(&socket);
        told.send(addr).unwrap();
        Ok(())
    });
    let addrs = [refusing.addr(), silent.addr(), healthy.addr()];
    let policy = Policy::new().with_attempt_delay(Duration::from_millis(10)).unwrap();
    let dial = set::<R>(options, addrs).with_policy(policy).connect(NAME);
    let stream = R::new().run(dial).unwrap();
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), addrs);
    read(&SockRef::from(&stream));
}

fn the_header_s_options_are_those_of_each_family<R: Runtime>() {
    let options = TcpOptions::new().with_hop_limit(21).unwrap().with_traffic_class(0xb8).unwrap();
    let runtime = R::new();
    let v4 = Healthy::new(V4);
    let stream = runtime.run(set::<R>(options.clone(), [v4.addr()]).connect(NAME)).unwrap();
    let socket = SockRef::from(&stream);
    assert_eq!((socket.ttl_v4().unwrap(), socket.tos_v4().unwrap()), (21, 0xb8));
    if has_ipv6() {
        let v6 = Healthy::new(V6);
        let stream = runtime.run(set::<R>(options, [v6.addr()]).connect(NAME)).unwrap();
        let socket = SockRef::from(&stream);
        assert_eq!((socket.unicast_hops_v6().unwrap(), socket.tclass_v6().unwrap()), (21, 0xb8));
    }
}

fn buffers_are_sized_before_the_connect<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let options =
        TcpOptions::new().with_receive_buffer(8_000).unwrap().with_send_buffer(9_000).unwrap();
    let read = |socket: &SockRef<'_>| {
        // Linux doubles what is asked for (socket(7)).
        assert_eq!(socket.recv_buffer_size().unwrap(), 16_000);
        assert_eq!(socket.send_buffer_size().unwrap(), 18_000);
    };
    // What the hook sees, the handshake does.
    let options = options.with_hook(move |socket, _| {
        read(&SockRef::from(&socket));
        Ok(())
    });
    let stream = R::new().run(set::<R>(options, [healthy.addr()]).connect(NAME)).unwrap();
    read(&SockRef::from(&stream));
}

fn a_mark_is_on_the_socket<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let options = TcpOptions::new().with_mark(0x5ca1_ab1e);
    let stream = R::new().run(set::<R>(options, [healthy.addr()]).connect(NAME)).unwrap();
    assert_eq!(SockRef::from(&stream).mark().unwrap(), 0x5ca1_ab1e);
}

/// The only failure of a connect that failed.
fn failure(error: &Error) -> &io::Error {
    let [attempt] = error.report().attempts() else {
        panic!("{error:#}");
    };
    let AttemptOutcome::Failed(error) = &attempt.outcome else {
        panic!("{error:#}");
    };
    error.downcast_ref().expect("a connector's error")
}

fn a_mark_decides_the_route<R: Runtime>() {
    // The table of local addresses comes first otherwise, and nothing decides before it.
    stagger_tests::namespace::shell(
        "ip rule add pref 100 lookup local && ip rule del pref 0 && \
         ip rule add pref 50 fwmark 7 prohibit",
    );
    let healthy = Healthy::new(V4);
    let runtime = R::new();
    let marked = |mark| set::<R>(TcpOptions::new().with_mark(mark), [healthy.addr()]).connect(NAME);
    assert!(runtime.run(marked(8)).is_ok());
    let error = runtime.run(marked(7)).map(drop).unwrap_err();
    // What a route prohibits is the connect's own failure, of no step before it.
    assert_eq!(failure(&error).raw_os_error(), Some(13), "{error:#}");
}

fn a_mark_without_the_privilege_is_an_error_that_names_the_step<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let dial = set::<R>(TcpOptions::new().with_mark(7), [healthy.addr()]).connect(NAME);
    let error = R::new().run(dial).map(drop).unwrap_err();
    let failed = failure(&error);
    assert_eq!(failed.kind(), io::ErrorKind::PermissionDenied);
    assert_eq!(failed.to_string(), "could not set SO_MARK to 7");
    assert!(error.to_string().contains("SO_MARK"), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::PermissionDenied);
}

fn a_socket_kept_to_an_interface_connects_by_that_one_alone<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let policy = Policy::new().with_attempt_timeout(Duration::from_millis(100)).unwrap();
    let kept = |name| {
        let options = TcpOptions::new().with_interface(name).unwrap();
        set::<R>(options, [healthy.addr()]).with_policy(policy.clone()).connect(NAME)
    };
    let runtime = R::new();
    // Loopback's own address is not to be had by another way, however long one waits.
    assert!(runtime.run(kept("aside0")).is_err());
    // A machine that is slow to connect says nothing of the interface.
    let stream = loop {
        match runtime.run(kept("lo")) {
            Ok(stream) => break stream,
            Err(error) => assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut),
        }
    };
    let device = SockRef::from(&stream).device().unwrap();
    assert_eq!(device.as_deref(), Some(&b"lo"[..]));
}

fn an_interface_that_is_not_there_is_an_error_that_names_it<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let options = TcpOptions::new().with_interface("nowhere0").unwrap();
    let error = R::new().run(set::<R>(options, [healthy.addr()]).connect(NAME));
    let error = error.map(drop).unwrap_err();
    let failed = failure(&error).to_string();
    assert_eq!(failed, "could not keep to interface \"nowhere0\"");
    assert!(error.to_string().contains("nowhere0\": No such device"), "{error}");
}
