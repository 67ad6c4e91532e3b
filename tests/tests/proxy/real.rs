//! Real proxies, with nginx behind them, each test in a network of its own.

use std::io::{Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use stagger::Policy;
use stagger_proxy::{Login, ProxyErrorKind, ProxyUrl};
use stagger_tests::place::{Silent, V4};
use stagger_tests::proxy::{ProxyRuntime, proxy_dialer};
use stagger_tests::raw::Raw;
use stagger_tests::{Adapter, GET, Nginx, ProxyDaemon, assert_ok, battery};

use crate::scripted::proxy_error;

battery! {
    within LOOPBACK {
        each_proxy_resolves_the_name_itself,
        a_silent_first_address_of_each_proxy_costs_one_attempt_delay,
        each_proxy_refuses_a_wrong_login_that_is_sent_once,
        each_proxy_says_that_the_target_is_not_reached,
        squid_forbids_a_target,
    }
}

/// The proxies, with the schemes of their URLs. It is `None` if one is not installed.
fn proxies(has_login: bool) -> Option<[(&'static str, ProxyDaemon); 3]> {
    Some([
        ("socks5h", ProxyDaemon::microsocks(has_login)?),
        ("http", ProxyDaemon::tinyproxy(has_login)?),
        ("http", ProxyDaemon::squid(has_login)?),
    ])
}

fn url(scheme: &str, password: Option<&str>) -> ProxyUrl {
    let url = ProxyUrl::parse(&format!("{scheme}://proxy.test")).unwrap();
    match password {
        Some(password) => url.with_login(Login::new("alice", password)).unwrap(),
        None => url,
    }
}

/// A name that only the proxies know.
const NAME: &str = "only.proxy.test:80";

fn each_proxy_resolves_the_name_itself<R: ProxyRuntime>() {
    let Some(nginx) = Nginx::start() else { return };
    let runtime = R::new();
    assert!(runtime.run(R::Adapter::connect(NAME)).is_err(), "we do not know the name");
    for (has_login, password) in [(false, None), (true, Some("right"))] {
        let Some(proxies) = proxies(has_login) else { return };
        for (scheme, proxy) in &proxies {
            let dialer = proxy_dialer::<R>([proxy.addr()], &url(scheme, password));
            for target in [NAME, "127.0.0.1:80"] {
                let connect = dialer.connect(target);
                let answer = runtime.run(async move {
                    let stream = connect.await.unwrap_or_else(|error| panic!("{error}"));
                    R::Adapter::exchange(stream, GET).await
                });
                assert_ok(&answer);
                assert!(answer.ends_with(b"it is nginx\n"));
            }
        }
    }
    drop(nginx);
}

fn a_silent_first_address_of_each_proxy_costs_one_attempt_delay<R: ProxyRuntime>() {
    let Some(_nginx) = Nginx::start() else { return };
    let Some(proxies) = proxies(false) else { return };
    let silent = Silent::new(V4);
    let runtime = R::new();
    for (scheme, proxy) in &proxies {
        let dialer = proxy_dialer::<R>([silent.addr(), proxy.addr()], &url(scheme, None));
        let start = Instant::now();
        let stream = runtime.run(dialer.connect(NAME));
        let stream = stream.unwrap_or_else(|error| panic!("{error}"));
        assert!(start.elapsed() >= Policy::ATTEMPT_DELAY);
        assert!(start.elapsed() < Duration::from_secs(20));
        assert_eq!(R::Adapter::peer_addr(&stream), proxy.addr());
    }
}

/// Passes everything on to an address, and counts the connections.
fn counted(to: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let relay = Raw::new(V4, move |near| {
        counter.fetch_add(1, Ordering::SeqCst);
        let far = TcpStream::connect(to).ok()?;
        let (near_too, far_too) = (near.try_clone().ok()?, far.try_clone().ok()?);
        thread::spawn(move || copy(near, far));
        thread::spawn(move || copy(far_too, near_too));
        None
    });
    (relay.addr(), count)
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn each_proxy_refuses_a_wrong_login_that_is_sent_once<R: ProxyRuntime>() {
    let Some(proxies) = proxies(true) else { return };
    let runtime = R::new();
    for (scheme, proxy) in &proxies {
        for (password, kind) in
            [(Some("wrong"), ProxyErrorKind::LoginRefused), (None, ProxyErrorKind::LoginRequired)]
        {
            let [(first, sent), (second, sent_again)] = [(); 2].map(|()| counted(proxy.addr()));
            let dialer = proxy_dialer::<R>([first, second], &url(scheme, password));
            let error = runtime.run(dialer.connect(NAME)).map(drop).unwrap_err();
            assert_eq!(proxy_error(&error).kind(), kind, "{error}");
            assert!(error.is_final(), "{error}");
            assert_eq!(sent.load(Ordering::SeqCst), 1);
            assert_eq!(sent_again.load(Ordering::SeqCst), 0);
        }
    }
}

fn each_proxy_says_that_the_target_is_not_reached<R: ProxyRuntime>() {
    let Some(proxies) = proxies(false) else { return };
    let runtime = R::new();
    for (scheme, proxy) in &proxies {
        let dialer = proxy_dialer::<R>([proxy.addr()], &url(scheme, None));
        // Nothing listens there.
        let error = runtime.run(dialer.connect("127.0.0.1:9")).map(drop).unwrap_err();
        let error = proxy_error(&error);
        assert!(
            matches!(error.kind(), ProxyErrorKind::TargetFailed | ProxyErrorKind::Refused),
            "{error}"
        );
        assert!(error.code().is_some(), "{error}");
    }
}

fn squid_forbids_a_target<R: ProxyRuntime>() {
    let Some(proxy) = ProxyDaemon::squid(false) else { return };
    let dialer = proxy_dialer::<R>([proxy.addr()], &url("http", None));
    let error = R::new().run(dialer.connect("127.0.0.1:25")).map(drop).unwrap_err();
    assert_eq!(proxy_error(&error).kind(), ProxyErrorKind::NotAllowed, "{error}");
    assert!(!error.is_final());
}
