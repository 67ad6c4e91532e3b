//! Connecting by the environment, by a rule, or directly.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;

use stagger::resolve::ByName;
use stagger::{Candidate, Connector as _, Dialer, Target};
use stagger_proxy::{ConnectError, Environment, ProxyErrorKind, Route, Router, RouterError};
use stagger_testkit::proxy::ProxyServer;
use stagger_tests::place::V4;
use stagger_tests::proxy::{ProxyAdapter, ProxyRuntime};
use stagger_tests::raw::Raw;
use stagger_tests::{Adapter, Listed, Runtime, battery};

battery! {
    {
        the_scheme_is_set_or_that_of_the_port,
        a_rule_comes_before_the_environment,
        a_proxy_with_tls_needs_a_connector_for_it,
        a_refused_login_is_final_also_behind_a_router,
    }
}

type Kind<R> = <<R as Runtime>::Adapter as ProxyAdapter>::ProxyKind;
type RouterOf<R> = Router<stagger_tests::DialerOf<R>, Kind<R>>;

fn server() -> SocketAddr {
    let server = Raw::new(V4, |mut stream| {
        let mut message = [0; 5];
        stream.read_exact(&mut message).ok()?;
        stream.write_all(&message).ok()?;
        None
    });
    server.addr()
}

/// A proxy for each of these.
struct Proxies {
    http: ProxyServer,
    https: ProxyServer,
    all: ProxyServer,
    direct: SocketAddr,
}

impl Proxies {
    fn new() -> Self {
        let direct = server();
        let named = |proxy: std::io::Result<ProxyServer>| {
            proxy.unwrap().with_name("web.example", direct).with_name("a.corp", direct)
        };
        Self {
            http: named(ProxyServer::http()),
            https: named(ProxyServer::http()),
            all: named(ProxyServer::socks5()),
            direct,
        }
    }

    /// Routes over a connector for which each name but that of an address is the server.
    fn router<R: ProxyRuntime>(&self) -> RouterOf<R> {
        let environment = Environment::from_vars([
            ("http_proxy", format!("http://{}", self.http.addr())),
            ("HTTPS_PROXY", format!("http://{}", self.https.addr())),
            ("ALL_PROXY", format!("socks5h://{}", self.all.addr())),
            ("NO_PROXY", ".direct.example".into()),
        ]);
        let resolver = Listed::new([self.direct]);
        Router::new(R::Adapter::dialer().with_resolver(resolver), environment.unwrap())
    }

    fn asked(&self) -> [Vec<String>; 3] {
        [&self.http, &self.https, &self.all].map(ProxyServer::targets)
    }
}

fn connect<R: ProxyRuntime>(router: &RouterOf<R>, target: &str) {
    let timer = <R::Adapter as Adapter>::Timer::default();
    let dialer = Dialer::new(ByName, router.clone(), timer);
    let connect = dialer.connect(target);
    let answer = R::new().run(async move {
        let stream = connect.await.unwrap();
        R::Adapter::exchange(stream, b"hello").await
    });
    assert_eq!(answer, b"hello", "{target}");
}

fn the_scheme_is_set_or_that_of_the_port<R: ProxyRuntime>() {
    let proxies = Proxies::new();
    let router = proxies.router::<R>();
    for target in ["web.example:80", "web.example:https", "web.example:22", "a.direct.example:80"] {
        connect::<R>(&router, target);
    }
    let [http, https, all] = proxies.asked();
    assert_eq!(
        (http.join(" "), https.join(" ")),
        ("web.example:80".into(), "web.example:443".into())
    );
    assert_eq!(all, ["web.example:22"]);
    let router = router.with_scheme("https");
    connect::<R>(&router, "web.example:22");
    assert_eq!(proxies.https.targets(), ["web.example:443", "web.example:22"]);
}

fn a_rule_comes_before_the_environment<R: ProxyRuntime>() {
    let proxies = Proxies::new();
    let all = format!("socks5h://{}", proxies.all.addr()).parse().unwrap();
    let router = proxies.router::<R>().with_rule(move |target| match target.host().to_string() {
        host if host.ends_with(".corp") => Some(Route::Proxy(stagger_proxy::ProxyUrl::clone(&all))),
        host if host == "web.example" => Some(Route::Direct),
        _ => None,
    });
    connect::<R>(&router, "a.corp:443");
    connect::<R>(&router, "web.example:443");
    assert_eq!(proxies.asked(), [vec![], vec![], vec!["a.corp:443".to_owned()]]);
    let target = Target::parse("other.example:443").unwrap();
    assert!(matches!(router.route(&target), Route::Proxy(_)));
}

fn a_proxy_with_tls_needs_a_connector_for_it<R: ProxyRuntime>() {
    let proxies = Proxies::new();
    let environment = Environment::from_vars([("ALL_PROXY", "https://proxy.example")]).unwrap();
    let dialer = R::Adapter::dialer().with_resolver(Listed::new([proxies.http.addr()]));
    let router: RouterOf<R> = Router::new(dialer.clone(), environment);
    let to = Candidate::new(Target::parse("web.example:22").unwrap());
    let Err(RouterError::Proxy(ConnectError::Proxy(error))) = router.accepts(&to) else {
        panic!("it is accepted");
    };
    assert_eq!(error.kind(), ProxyErrorKind::TlsRequired);
    // The connector need not perform TLS here, because the proxy does not.
    let router = router.with_tls(dialer);
    let answer = R::new().run(async move {
        let Ok(stream) = router.connect(to).await else { panic!("it does not connect") };
        R::Adapter::exchange(stream, b"hello").await
    });
    assert_eq!(answer, b"hello");
    assert_eq!(proxies.http.targets(), ["web.example:22"]);
}

fn a_refused_login_is_final_also_behind_a_router<R: ProxyRuntime>() {
    let proxy = ProxyServer::socks5().unwrap().with_login("alice", "right");
    let url = format!("socks5h://alice:wrong@{}", proxy.addr());
    let environment = Environment::from_vars([("ALL_PROXY", url)]).unwrap();
    let dialer = R::Adapter::dialer().with_resolver(Listed::new([]));
    let router: RouterOf<R> = Router::new(dialer, environment);
    let targets = ["192.0.2.1:1", "192.0.2.2:1"].map(|target| target.parse().unwrap());
    let timer = <R::Adapter as Adapter>::Timer::default();
    let dialer = Dialer::new(Listed::new(targets), router, timer);
    let error = R::new().run(dialer.connect("web.example:22")).map(drop).unwrap_err();
    assert!(error.is_final(), "{error}");
    assert_eq!(proxy.logins(), 1);
}
