//! The race to a proxy.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use stagger::report::AttemptOutcome;
use stagger::resolve::ByName;
use stagger::{Dialer, Policy};
use stagger_proxy::{Login, Protocol, Proxy, ProxyError};
use stagger_testkit::proxy::ProxyServer;
use stagger_tests::place::{Healthy, Silent, V4};
use stagger_tests::proxy::{ProxyAdapter, ProxyRuntime, proxy_dialer};
use stagger_tests::{Adapter, battery, dialer};

use crate::scripted::{TARGET, url};

battery! {
    {
        names_go_to_the_proxy,
        a_silent_or_stalled_first_address_of_the_proxy_costs_one_attempt_delay,
        a_wrong_login_is_sent_once_also_if_the_proxy_has_several_addresses,
        the_race_to_the_proxy_is_in_the_children_of_the_attempt,
        over_a_dialer_progress_is_reported_when_the_transport_to_the_proxy_is_up,
        a_refused_login_ends_a_race_of_several_targets_through_one_proxy,
        the_inner_connector_s_errors_keep_their_type,
    }
}

fn servers() -> [(&'static str, ProxyServer); 2] {
    [("socks5h", ProxyServer::socks5().unwrap()), ("http", ProxyServer::http().unwrap())]
}

fn names_go_to_the_proxy<R: ProxyRuntime>() {
    let runtime = R::new();
    for (scheme, proxy) in servers() {
        let server = TcpListener::bind((V4, 0)).unwrap();
        let addr = server.local_addr().unwrap();
        let proxy = proxy.with_name("xn--bcher-kva.example", addr).with_name("web.example.", addr);
        let dialer = proxy_dialer::<R>([proxy.addr()], &url(scheme, false));
        for target in ["Bücher.example:https", "web.example.:80"] {
            runtime.run(dialer.connect(target)).unwrap();
        }
        assert_eq!(proxy.targets(), ["xn--bcher-kva.example:443", "web.example.:80"]);
    }
}

fn a_silent_or_stalled_first_address_of_the_proxy_costs_one_attempt_delay<R: ProxyRuntime>() {
    let runtime = R::new();
    let (silent, stalled) = (Silent::new(V4), Healthy::new(V4));
    for first in [silent.addr(), stalled.addr()] {
        for (scheme, proxy) in servers() {
            let server = TcpListener::bind((V4, 0)).unwrap();
            let proxy = proxy.with_name("web.example", server.local_addr().unwrap());
            let dialer = proxy_dialer::<R>([first, proxy.addr()], &url(scheme, false));
            let start = Instant::now();
            let connect = dialer.connect(TARGET).with_report();
            let (stream, report) = runtime.run(connect).unwrap();
            assert!(start.elapsed() >= Policy::ATTEMPT_DELAY);
            assert!(start.elapsed() < Duration::from_secs(20));
            assert_eq!(R::Adapter::peer_addr(&stream), proxy.addr());
            let [race] = &report.attempts()[0].children[..] else { panic!("{report}") };
            let [lost, won] = race.attempts() else { panic!("{report}") };
            assert!(matches!(lost.outcome, AttemptOutcome::Dropped), "{report}");
            assert!(matches!(won.outcome, AttemptOutcome::Connected), "{report}");
            assert!(won.started >= Policy::ATTEMPT_DELAY);
        }
    }
}

fn a_wrong_login_is_sent_once_also_if_the_proxy_has_several_addresses<R: ProxyRuntime>() {
    let runtime = R::new();
    let start: [fn() -> std::io::Result<ProxyServer>; 2] = [ProxyServer::socks5, ProxyServer::http];
    for (scheme, start) in ["socks5h", "http"].into_iter().zip(start) {
        let proxies = [0; 3].map(|_| start().unwrap().with_login("alice", "right"));
        let addrs = proxies.each_ref().map(ProxyServer::addr);
        let dialer = proxy_dialer::<R>(addrs, &url(scheme, true));
        let error = runtime.run(dialer.connect(TARGET)).map(drop).unwrap_err();
        assert!(error.is_final(), "{error}");
        assert_eq!(proxies.each_ref().map(ProxyServer::logins), [1, 0, 0]);
    }
}

fn the_race_to_the_proxy_is_in_the_children_of_the_attempt<R: ProxyRuntime>() {
    let runtime = R::new();
    for (scheme, proxy) in servers() {
        let server = TcpListener::bind((V4, 0)).unwrap();
        let proxy = proxy.with_name("web.example", server.local_addr().unwrap());
        let dialer = proxy_dialer::<R>([proxy.addr()], &url(scheme, false));
        let (_, report) = runtime.run(dialer.connect(TARGET).with_report()).unwrap();
        let [attempt] = report.attempts() else { panic!("{report}") };
        assert_eq!(attempt.address.to_string(), TARGET);
        let [race] = &attempt.children[..] else { panic!("{report}") };
        assert_eq!(race.target().unwrap().to_string(), "proxy.example:1080");
        assert_eq!(race.attempts()[0].address, proxy.addr().to_string());
        assert!(race.attempts()[0].progressed.is_some(), "the transport was up before the answer");
    }
}

/// A connector over a dialer of one address.
type Over<R> = Proxy<
    stagger_tests::DialerOf<R>,
    <<R as stagger_tests::Runtime>::Adapter as ProxyAdapter>::ProxyKind,
>;

fn over<R: ProxyRuntime>(protocol: Protocol, addr: std::net::SocketAddr) -> Over<R> {
    Proxy::new(protocol, dialer::<R>([addr]), "proxy.example:1080".parse().unwrap())
}

fn over_a_dialer_progress_is_reported_when_the_transport_to_the_proxy_is_up<R: ProxyRuntime>() {
    let runtime = R::new();
    for (scheme, proxy) in servers() {
        let server = TcpListener::bind((V4, 0)).unwrap();
        let proxy = proxy.with_name("web.example", server.local_addr().unwrap());
        let protocol = url(scheme, false).protocol();
        let timer = <R::Adapter as Adapter>::Timer::default();
        let dialer = Dialer::new(ByName, over::<R>(protocol, proxy.addr()), timer);
        let (_, report) = runtime.run(dialer.connect(TARGET).with_report()).unwrap();
        let [attempt] = report.attempts() else { panic!("{report}") };
        let race = &attempt.children[0];
        assert_eq!(race.target().unwrap().to_string(), "proxy.example:1080");
        assert!(attempt.progressed.unwrap() >= race.attempts()[0].started);
        assert!(attempt.progressed.unwrap() <= attempt.ended);
    }
}

fn a_refused_login_ends_a_race_of_several_targets_through_one_proxy<R: ProxyRuntime>() {
    let runtime = R::new();
    for (scheme, proxy) in servers() {
        let proxy = proxy.with_login("alice", "right");
        let connector = over::<R>(url(scheme, false).protocol(), proxy.addr());
        let connector = connector.with_login(Login::new("alice", "wrong")).unwrap();
        let targets = ["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"].map(|it| it.parse().unwrap());
        let timer = <R::Adapter as Adapter>::Timer::default();
        let dialer = Dialer::new(stagger_tests::Listed::new(targets), connector, timer);
        let error = runtime.run(dialer.connect(TARGET)).map(drop).unwrap_err();
        assert!(error.is_final(), "{error}");
        assert_eq!(proxy.logins(), 1);
        assert!(error.cause().unwrap().is::<ProxyError>(), "{error}");
    }
}

fn the_inner_connector_s_errors_keep_their_type<R: ProxyRuntime>() {
    let refusing = stagger_tests::place::Refusing::new(V4);
    let dialer = proxy_dialer::<R>([refusing.addr()], &url("http", false));
    let error = R::new().run(dialer.connect(TARGET)).map(drop).unwrap_err();
    let inner: &stagger::Error = error.cause().unwrap().downcast_ref().unwrap();
    let inner: &std::io::Error = inner.cause().unwrap().downcast_ref().unwrap();
    assert_eq!(inner.kind(), std::io::ErrorKind::ConnectionRefused);
}
