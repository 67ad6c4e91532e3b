//! What is left open: nothing.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use stagger::resolve::ByName;
use stagger::{Dialer, Policy};
use stagger_proxy::{Protocol, Proxy, ProxyUrl, Through};
use stagger_tests::descriptor::cut_leaving_none;
use stagger_tests::place::{Healthy, Refusing, V4};
use stagger_tests::proxy::{ProxyAdapter, ProxyDialerOf, ProxyRuntime};
use stagger_tests::{Adapter, Nginx, ProxyDaemon, battery, dialer};

battery! {
    within LOOPBACK {
        a_connect_through_a_proxy_won_or_dropped_at_any_await_leaves_no_descriptor,
        a_connect_through_a_proxy_lost_or_dropped_at_any_await_leaves_no_descriptor,
        a_connect_through_two_proxies_dropped_at_any_await_leaves_no_descriptor,
    }
}

const TARGET: &str = "127.0.0.1:80";

/// The proxies, in processes of their own so that their sockets are not counted.
fn proxies() -> Option<[(&'static str, ProxyDaemon); 2]> {
    Some([("socks5h", ProxyDaemon::microsocks(false)?), ("http", ProxyDaemon::tinyproxy(false)?)])
}

/// How many polls a connect needs at least: it starts, TCP connects, and the exchange goes on.
const LEAST: usize = 3;

fn through<R: ProxyRuntime>(
    scheme: &str,
    addrs: &[SocketAddr],
    policy: &Policy,
) -> ProxyDialerOf<R> {
    let url = ProxyUrl::parse(&format!("{scheme}://proxy.test")).unwrap();
    let dialer = dialer::<R>(addrs.iter().copied()).with_policy(policy.clone());
    Through::new(dialer, &url).into_dialer()
}

fn brisk() -> Policy {
    Policy::new().with_attempt_delay(Duration::from_millis(10)).unwrap()
}

/// Has the runtime open what it opens once: its reactor, its wakers.
fn warm_up<R: ProxyRuntime>(scheme: &str, proxy: &ProxyDaemon) -> R {
    let runtime = R::new();
    let dialer = through::<R>(scheme, &[proxy.addr()], &brisk());
    let stream = runtime.run(dialer.connect(TARGET));
    drop(stream.unwrap_or_else(|error| panic!("{error}")));
    runtime
}

fn a_connect_through_a_proxy_won_or_dropped_at_any_await_leaves_no_descriptor<R: ProxyRuntime>() {
    let (Some(_nginx), Some(proxies)) = (Nginx::start(), proxies()) else { return };
    // The system accepts for a listener, and nothing answers.
    let stalled = [Healthy::new(V4), Healthy::new(Ipv4Addr::new(127, 0, 0, 2).into())];
    let [first, second] = stalled.each_ref().map(Healthy::addr);
    for (scheme, proxy) in &proxies {
        let runtime: R = warm_up(scheme, proxy);
        let dialer = through::<R>(scheme, &[first, second, proxy.addr()], &brisk());
        let connected = cut_leaving_none(&runtime, LEAST, || {
            let dial = dialer.connect(TARGET).with_report();
            async move { dial.await.is_ok() }
        });
        assert!(connected);
    }
}

fn a_connect_through_a_proxy_lost_or_dropped_at_any_await_leaves_no_descriptor<R: ProxyRuntime>() {
    let (Some(_nginx), Some(proxies)) = (Nginx::start(), proxies()) else { return };
    let (stalled, refusing) = (Healthy::new(V4), Refusing::new(V4));
    let policy = brisk().with_attempt_timeout(Duration::from_millis(100)).unwrap();
    for (scheme, proxy) in &proxies {
        let runtime: R = warm_up(scheme, proxy);
        let dialer =
            through::<R>(scheme, &[stalled.addr(), proxy.addr(), refusing.addr()], &policy);
        // Nothing listens there.
        let connected = cut_leaving_none(&runtime, LEAST, || {
            let dial = dialer.connect("127.0.0.1:9");
            async move { dial.await.is_ok() }
        });
        assert!(!connected);
    }
}

fn a_connect_through_two_proxies_dropped_at_any_await_leaves_no_descriptor<R: ProxyRuntime>() {
    let (Some(_nginx), Some(proxies)) = (Nginx::start(), proxies()) else { return };
    let [(_, socks), (scheme, http)] = &proxies;
    let runtime: R = warm_up(scheme, http);
    type Kind<R> = <<R as stagger_tests::Runtime>::Adapter as ProxyAdapter>::ProxyKind;
    let stalled = Healthy::new(V4);
    let url = ProxyUrl::parse("http://proxy.test").unwrap();
    let inner = dialer::<R>([stalled.addr(), http.addr()]).with_policy(brisk());
    let outer: Through<_, _, _, Kind<R>> = Through::new(inner, &url);
    let connector: Proxy<_, Kind<R>> = Proxy::new(Protocol::Socks5, outer, socks.addr().into());
    let dialer = Dialer::new(ByName, connector, <R::Adapter as Adapter>::Timer::default());
    let connected = cut_leaving_none(&runtime, LEAST, || {
        let dial = dialer.connect(TARGET);
        async move { dial.await.map(|_| true).unwrap_or_else(|error| panic!("{error}")) }
    });
    assert!(connected);
}
