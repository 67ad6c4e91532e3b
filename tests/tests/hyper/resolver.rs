//! Clients that take a resolver and dial themselves.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use stagger::error::ErrorKind;
use stagger::policy::Order;
use stagger_dns::{Config, ServerPolicy, Switch};
use stagger_hyper::{NameResolver, find_error};
use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_testkit::http::HttpServer;
use stagger_tests::place::V4;
use stagger_tests::{Adapter as _, Runtime as _, TokioCurrentThread};
use tower_service::Service as _;

use crate::on::{NAME, WebRuntime as _, dialer};

type Tokio = TokioCurrentThread;

/// How long a lookup without an answer takes. A test that waits for it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A name server that knows the IPv4 address of the name and never answers for IPv6.
fn without_aaaa() -> NameServer {
    let server = NameServer::start().unwrap();
    server.on(NAME, Record::A, Reply::addresses(["127.0.0.1"]));
    server.on(NAME, Record::Aaaa, Reply::silence());
    server
}

/// A resolver that asks this server and knows nothing else of the machine.
fn asking(server: &NameServer) -> NameResolver {
    let config = Config::new().with_servers([server.addr()]).unwrap();
    let config = config.with_timeout(PATIENCE).unwrap().with_attempts(1).unwrap();
    let resolver = stagger_tests::Tokio::dns()
        .without_hosts()
        .with_switch(Switch::default())
        .with_only_connected(false)
        .with_route_preference(false)
        .with_config(config)
        .with_server_policy(ServerPolicy::new().with_delay(PATIENCE).unwrap());
    NameResolver::new(stagger_tokio::dialer().with_resolver(resolver))
}

/// Checks that an answer came 50 ms after that of A (RFC 8305 §3), and long before that of AAAA.
fn assert_early(server: &NameServer, start: Instant) {
    assert!(start.elapsed() >= Duration::from_millis(50), "{:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!([Record::A, Record::Aaaa].map(|record| server.asked(NAME, record)), [1, 1]);
}

#[test]
fn reqwest_with_our_resolver_connects_soon_after_a_if_aaaa_is_never_answered() {
    let (names, server) = (without_aaaa(), HttpServer::start(V4).unwrap());
    let client = reqwest::Client::builder().no_proxy().dns_resolver(asking(&names));
    let client = client.build().unwrap();
    let url = format!("http://{NAME}:{}/", server.addr().port());
    let start = Instant::now();
    let body = Tokio::new()
        .run(async move { client.get(url).send().await.unwrap().text().await.unwrap() });
    assert_eq!(body, "hello\n");
    assert_early(&names, start);
}

#[test]
fn hypers_own_connector_with_our_resolver_connects_soon_after_a_if_aaaa_is_never_answered() {
    let (names, server) = (without_aaaa(), HttpServer::start(V4).unwrap());
    let connector = HttpConnector::new_with_resolver(asking(&names));
    let uri = format!("http://{NAME}:{}/", server.addr().port());
    let start = Instant::now();
    let answer = Tokio::new().get(connector, &uri).unwrap();
    assert_eq!(answer.body, "hello\n");
    assert_early(&names, start);
}

#[test]
fn our_resolver_keeps_the_order_of_the_race() {
    let addr = |text: &str| text.parse::<SocketAddr>().unwrap();
    let listed = ["192.0.2.1:0", "192.0.2.2:0", "[2001:db8::1]:0", "[2001:db8::2]:0"].map(addr);
    let found = |order| {
        let policy = stagger::Policy::new().with_order(order);
        let mut resolver = NameResolver::new(dialer::<Tokio>(listed).with_policy(policy));
        let call = resolver.call(NAME.parse::<Name>().unwrap());
        Tokio::new().run(async { call.await.unwrap().collect::<Vec<_>>() })
    };
    assert_eq!(found(Order::Resolver), listed);
    let [a, b, c, d] = listed;
    assert_eq!(found(Order::Alternate), [a, c, b, d]);
}

#[test]
fn the_error_of_a_failed_lookup_is_found_in_the_errors_of_both_clients() {
    let names = NameServer::start().unwrap();
    names.otherwise(Reply::not_found());
    let runtime = Tokio::new();
    let uri = format!("http://{NAME}/");
    let client = reqwest::Client::builder().no_proxy().dns_resolver(asking(&names));
    let client = client.build().unwrap();
    let url = uri.clone();
    let error = runtime.run(async move { client.get(url).send().await.unwrap_err() });
    assert_eq!(find_error(&error).unwrap().name_exists(), Some(false));

    let Err(error) = runtime.get(HttpConnector::new_with_resolver(asking(&names)), &uri) else {
        panic!("there is no such name")
    };
    let error = find_error(&error).unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!(error.kind(), ErrorKind::Lookup);
}
