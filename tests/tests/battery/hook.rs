//! The caller's hook for sockets.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::mpsc;
use std::time::Duration;

use ::futures_lite::FutureExt as _;
use socket2::{SockRef, Type};
use stagger::Policy;
use stagger::error::ErrorKind;
use stagger::report::AttemptOutcome;
use stagger_net::TcpOptions;
use stagger_tests::descriptor::open;
use stagger_tests::place::{Healthy, Refusing, Silent, V4, V6, has_ipv6};
use stagger_tests::{Adapter, Runtime, assert_at_once, battery, dialer};

battery! {
    {
        the_hook_is_called_once_for_each_socket_before_it_connects,
        an_error_of_the_hook_is_that_attempt_s_and_the_other_family_wins,
        an_error_of_the_hook_for_every_socket_is_the_error_of_the_connect,
        a_skipped_address_gets_no_call,
    }
    alone {
        a_panic_in_the_hook_reaches_who_polls_and_leaves_nothing_open,
    }
}

const NAME: &str = "stagger.test:80";

/// The longest attempt delay, so that no wait for it goes unseen.
const SLOW: Duration = Duration::from_secs(2);

fn the_hook_is_called_once_for_each_socket_before_it_connects<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    let (refusing, silent, healthy) = (Refusing::new(V6), Silent::new(V4), Healthy::new(V4));
    let (told, heard) = mpsc::channel();
    let options = TcpOptions::new().with_bind_ip(V4).unwrap().with_bind_ip(V6).unwrap();
    let options = options.with_hook(move |socket, addr| {
        let socket = SockRef::from(&socket);
        let local = socket.local_addr()?.as_socket().expect("an IP socket");
        // The family of the socket is that of the address.
        assert_eq!(local.is_ipv6(), addr.is_ipv6());
        // It is not bound yet, and not connected.
        assert!(local.ip().is_unspecified() && local.port() == 0, "{local}");
        assert_eq!(socket.peer_addr().unwrap_err().kind(), io::ErrorKind::NotConnected);
        assert_eq!(socket.r#type()?, Type::STREAM);
        told.send(addr).unwrap();
        Ok(())
    });
    let addrs = [refusing.addr(), silent.addr(), healthy.addr()];
    let policy = Policy::new().with_attempt_delay(Duration::from_millis(10)).unwrap();
    let dialer = dialer::<R>(addrs).with_connector(R::Adapter::connector(options));
    let stream = R::new().run(dialer.with_policy(policy).connect(NAME)).unwrap();
    assert_eq!(R::Adapter::peer_addr(&stream), healthy.addr());
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), addrs);
}

fn an_error_of_the_hook_is_that_attempt_s_and_the_other_family_wins<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    let (v6, v4) = (Healthy::new(V6), Healthy::new(V4));
    let options = TcpOptions::new().with_hook(|_, addr| {
        if addr.is_ipv6() {
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "no IPv6 today"));
        }
        Ok(())
    });
    let slow = Policy::new().with_attempt_delay(SLOW).unwrap();
    let dialer = dialer::<R>([v6.addr(), v4.addr()]).with_policy(slow);
    let dialer = dialer.with_connector(R::Adapter::connector(options));
    let (stream, report) = R::new().run(dialer.connect(NAME).with_report()).unwrap();
    assert_eq!(R::Adapter::peer_addr(&stream), v4.addr());
    let [first, second] = report.attempts() else {
        panic!("{report:?}");
    };
    assert_eq!([first.address, second.address], [v6.addr(), v4.addr()]);
    let AttemptOutcome::Failed(error) = &first.outcome else {
        panic!("{first:?}");
    };
    let error: &io::Error = error.downcast_ref().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::QuotaExceeded);
    assert_eq!(stagger::text::WithCauses(error).to_string(), "the hook failed: no IPv6 today");
    assert_at_once(first, second, SLOW);
}

fn an_error_of_the_hook_for_every_socket_is_the_error_of_the_connect<R: Runtime>() {
    let healthy = Healthy::new(V4);
    // A system's error, as a failed option would bring.
    let options = TcpOptions::new().with_hook(|_, _| Err(io::Error::from_raw_os_error(1)));
    let dialer = dialer::<R>([healthy.addr()]).with_connector(R::Adapter::connector(options));
    let error = R::new().run(dialer.connect(NAME)).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    let line = error.to_string();
    for part in [NAME, &healthy.addr().to_string(), "the hook failed: "] {
        assert!(line.contains(part), "{line}");
    }
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::PermissionDenied);
}

fn a_skipped_address_gets_no_call<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    let (v6, v4) = (Healthy::new(V6), Healthy::new(V4));
    let (told, heard) = mpsc::channel();
    let options = TcpOptions::new().with_bind_ip(V4).unwrap().with_hook(move |_, addr| {
        told.send(addr).unwrap();
        Ok(())
    });
    let dialer = dialer::<R>([v6.addr(), v4.addr()]);
    let dialer = dialer.with_connector(R::Adapter::connector(options));
    assert!(R::new().run(dialer.connect(NAME)).is_ok());
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [v4.addr()]);
}

fn a_panic_in_the_hook_reaches_who_polls_and_leaves_nothing_open<R: Runtime>() {
    let (silent, healthy) = (Silent::new(V4), Healthy::new(V4));
    let runtime = R::new();
    // Has the runtime open what it opens once.
    drop(runtime.run(dialer::<R>([silent.addr(), healthy.addr()]).connect(NAME)).unwrap());
    let before = open();
    let panicking = healthy.addr();
    let options = TcpOptions::new().with_hook(move |_, addr| {
        assert_ne!(addr, panicking, "the hook has had enough");
        Ok(())
    });
    let dialer = dialer::<R>([silent.addr(), healthy.addr()]);
    let dial = dialer.with_connector(R::Adapter::connector(options)).connect(NAME);
    let panic = runtime.run(async {
        let outcome = AssertUnwindSafe(dial).catch_unwind().await;
        let panic = outcome.map(drop).expect_err("it panicked");
        panic.downcast::<String>().expect("a panic with a text")
    });
    assert!(panic.contains("the hook has had enough"), "{panic}");
    assert_eq!(silent.connecting(), 0);
    assert_eq!(open(), before);
}
