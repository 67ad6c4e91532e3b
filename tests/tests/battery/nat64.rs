//! A network with IPv6 alone and a NAT64, with and without DNS64.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use stagger::boxed::BoxResolver;
use stagger::error::SharedError;
use stagger::report::AttemptOutcome;
use stagger::{Dialer, Report};
use stagger_net::TcpOptions;
use stagger_net::nat64::{Nat64, Nat64Connector, Nat64Resolver, NoPrefixError};
use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_tests::namespace::{etc, far, shell};
use stagger_tests::place::Healthy;
use stagger_tests::{Adapter, Runtime, Scratch, battery};

battery! {
    within ONLY_IPV6 {
        a_name_with_a_alone_connects_by_the_discovered_prefix,
        an_ipv4_literal_connects_by_the_discovered_prefix,
        a_given_prefix_needs_no_discovery,
        an_answer_of_dns64_and_its_a_record_are_one_attempt,
        the_hook_has_the_ipv4_address_and_a_socket_of_ipv6,
        a_bind_address_of_ipv6_is_used_for_ipv4_destinations,
        without_a_prefix_ipv4_is_unreachable_at_once,
        the_error_has_the_cause_of_a_failed_discovery,
        a_machine_with_ipv4_takes_it_and_asks_for_no_prefix,
    }
}

const NAME: &str = "www.stagger.test:80";
const IPV4: &str = "192.0.2.33:80";
const SYNTHESISED: &str = "[2001:db8:64::c000:221]:80";
/// Far below every timeout, and far above what a slow machine does.
const SECONDS: Duration = Duration::from_secs(4);

type Resolver = BoxResolver<SocketAddr, SharedError>;

/// A dialer with NAT64 on the runtime `R`.
type Nat64Dialer<R> = Dialer<
    Nat64Resolver<Resolver>,
    Nat64Connector<<<R as Runtime>::Adapter as Adapter>::Connector>,
    <<R as Runtime>::Adapter as Adapter>::Timer,
>;

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The machine asks a server at 127.0.0.1, which knows the host's A record alone, and the network's
/// prefix.
fn network() -> (Scratch, NameServer) {
    let etc = etc(&[
        ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n"),
        ("nsswitch.conf", "hosts: dns\nservices: files\n"),
    ]);
    let server = NameServer::start_at(addr("127.0.0.1:53")).unwrap();
    server.otherwise(Reply::no_address());
    server.on("www.stagger.test", Record::A, Reply::addresses(["192.0.2.33"]));
    let known = Reply::addresses(["2001:db8:64::c000:aa", "2001:db8:64::c000:ab"]);
    server.on("ipv4only.arpa", Record::Aaaa, known);
    (etc, server)
}

/// Both of this project's resolvers, as the machine has them.
fn resolvers<R: Runtime>() -> [Resolver; 2] {
    let system = R::Adapter::dialer().resolver().clone();
    [BoxResolver::erased(R::Adapter::dns()), BoxResolver::erased(system)]
}

fn auto<R: Runtime>(resolver: &Resolver) -> Nat64 {
    Nat64::auto(resolver.clone(), <R::Adapter as Adapter>::Timer::default())
}

fn dialer<R: Runtime>(nat64: &Nat64, resolver: Resolver) -> Nat64Dialer<R> {
    nat64.wrap(R::Adapter::dialer().with_resolver(resolver))
}

/// Connects to the synthesised address, and the report has that and the IPv4 address.
fn connects<R: Runtime>(dialer: &Nat64Dialer<R>, target: &str) -> Report<SocketAddr> {
    let (stream, report) = R::new().run(dialer.connect(target).with_report()).unwrap();
    assert_eq!(R::Adapter::peer_addr(&stream), addr(SYNTHESISED));
    let [attempt] = report.attempts() else { panic!("{report:?}") };
    assert_eq!(attempt.address, addr(IPV4));
    assert_eq!(attempt.children[0].winner().unwrap().address, SYNTHESISED);
    report
}

fn a_name_with_a_alone_connects_by_the_discovered_prefix<R: Runtime>() {
    let (_etc, server) = network();
    let _healthy = far(|| Healthy::at(addr(SYNTHESISED)));
    for resolver in resolvers::<R>() {
        // Without NAT64 it does not connect.
        let plain = R::Adapter::dialer().with_resolver(resolver.clone());
        assert!(R::new().run(plain.connect(NAME)).is_err());
        connects::<R>(&dialer::<R>(&auto::<R>(&resolver), resolver), NAME);
    }
    assert!(server.asked("ipv4only.arpa", Record::Aaaa) >= 2);
    assert_eq!(server.asked("ipv4only.arpa", Record::A), 0);
}

fn an_ipv4_literal_connects_by_the_discovered_prefix<R: Runtime>() {
    let (_etc, server) = network();
    let _healthy = far(|| Healthy::at(addr(SYNTHESISED)));
    for resolver in resolvers::<R>() {
        let plain = R::Adapter::dialer().with_resolver(resolver.clone());
        let error = R::new().run(plain.connect(IPV4)).map(drop).unwrap_err();
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NetworkUnreachable);
        let asked = server.questions().len();
        let dialer = dialer::<R>(&auto::<R>(&resolver), resolver);
        connects::<R>(&dialer, IPV4);
        // The prefix is kept.
        connects::<R>(&dialer, IPV4);
        assert_eq!(server.questions().len(), asked + 1);
    }
}

fn a_given_prefix_needs_no_discovery<R: Runtime>() {
    let (_etc, server) = network();
    let _healthy = far(|| Healthy::at(addr(SYNTHESISED)));
    let nat64 = Nat64::new(<R::Adapter as Adapter>::Timer::default());
    let nat64 = nat64.with_prefix("2001:db8:64::/96".parse().unwrap()).unwrap();
    for resolver in resolvers::<R>() {
        let dialer = dialer::<R>(&nat64, resolver);
        connects::<R>(&dialer, IPV4);
        connects::<R>(&dialer, NAME);
    }
    assert_eq!(server.asked("ipv4only.arpa", Record::Aaaa), 0);
}

fn an_answer_of_dns64_and_its_a_record_are_one_attempt<R: Runtime>() {
    let (_etc, server) = network();
    let _healthy = far(|| Healthy::at(addr(SYNTHESISED)));
    server.on("www.stagger.test", Record::Aaaa, Reply::addresses(["2001:db8:64::c000:221"]));
    for resolver in resolvers::<R>() {
        let dialer = dialer::<R>(&auto::<R>(&resolver), resolver);
        // A literal first, so that the prefix is known when the answers come.
        connects::<R>(&dialer, IPV4);
        let report = connects::<R>(&dialer, NAME);
        assert!(report.untried().is_empty(), "{report:?}");
    }
}

fn the_hook_has_the_ipv4_address_and_a_socket_of_ipv6<R: Runtime>() {
    let (_etc, _server) = network();
    let _healthy = far(|| Healthy::at(addr(SYNTHESISED)));
    let (told, heard) = mpsc::channel();
    let options = TcpOptions::new().with_hook(move |socket, addr| {
        let local = socket2::SockRef::from(&socket).local_addr()?;
        told.send((addr, local.is_ipv6())).unwrap();
        Ok(())
    });
    let [resolver, _] = resolvers::<R>();
    let nat64 = auto::<R>(&resolver);
    let connector = Nat64Connector::new(R::Adapter::connector(options), nat64.clone());
    connects::<R>(&dialer::<R>(&nat64, resolver).with_connector(connector), NAME);
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [(addr(IPV4), true)]);
}

fn a_bind_address_of_ipv6_is_used_for_ipv4_destinations<R: Runtime>() {
    let (_etc, server) = network();
    let _healthy = far(|| Healthy::at(addr(SYNTHESISED)));
    let [resolver, _] = resolvers::<R>();
    let bound = |local| {
        let options = TcpOptions::new().with_bind_addr(local).unwrap();
        let nat64 = auto::<R>(&resolver);
        let connector = Nat64Connector::new(R::Adapter::connector(options), nat64.clone());
        dialer::<R>(&nat64, resolver.clone()).with_connector(connector)
    };
    let dialer = bound(addr("[fd00:7::2]:0"));
    connects::<R>(&dialer, IPV4);
    connects::<R>(&dialer, NAME);
    // The address of a literal in the prefix is of IPv6 too.
    let stream = R::new().run(dialer.connect(SYNTHESISED)).unwrap();
    assert_eq!(R::Adapter::peer_addr(&stream), addr(SYNTHESISED));
    // An address of the other family still takes no part.
    let error = R::new().run(dialer.connect("127.0.0.1:80")).map(drop).unwrap_err();
    assert!(matches!(error.report().attempts()[0].outcome, AttemptOutcome::Skipped(_)), "{error}");
    let dialer = bound(addr("127.0.0.1:0"));
    for target in [IPV4, NAME, SYNTHESISED] {
        let error = R::new().run(dialer.connect(target)).map(drop).unwrap_err();
        assert!(error.report().elapsed() < SECONDS, "{error}");
    }
    assert!(server.asked("ipv4only.arpa", Record::Aaaa) >= 1);
}

fn without_a_prefix_ipv4_is_unreachable_at_once<R: Runtime>() {
    let (_etc, server) = network();
    server.on("ipv4only.arpa", Record::Aaaa, Reply::no_address());
    for resolver in resolvers::<R>() {
        let dialer = dialer::<R>(&auto::<R>(&resolver), resolver);
        for target in [IPV4, NAME] {
            let error = R::new().run(dialer.connect(target)).map(drop).unwrap_err();
            assert!(error.report().elapsed() < SECONDS, "{error}");
            if target == IPV4 {
                assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NetworkUnreachable);
            }
        }
    }
}

fn the_error_has_the_cause_of_a_failed_discovery<R: Runtime>() {
    let (_etc, server) = network();
    for reply in [Reply::not_found(), Reply::no_address(), Reply::code(2)] {
        server.on("ipv4only.arpa", Record::Aaaa, reply);
        for resolver in resolvers::<R>() {
            let nat64 = auto::<R>(&resolver);
            // The later connects have the cause that was kept.
            for target in [NAME, IPV4, NAME] {
                let dialer = dialer::<R>(&nat64, resolver.clone());
                let error = R::new().run(dialer.connect(target)).map(drop).unwrap_err();
                let cause = nat64.discovery_error().unwrap();
                let found = error.causes().find_map(|cause| cause.downcast_ref::<NoPrefixError>());
                let found = found.unwrap_or_else(|| panic!("{error}"));
                assert_eq!(found.cause().to_string(), cause.to_string());
                assert_eq!(found.kind(), io::ErrorKind::NetworkUnreachable);
                let line = error.to_string();
                assert!(line.ends_with(&format!("{found}: {cause:#}")), "{line}");
                assert!(error.report().attempts()[0].is_unreachable());
                assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NetworkUnreachable);
            }
        }
    }
    // IPv4 has a default route and the host has none; then no family has a route.
    for route in [
        "ip address add 198.51.100.2/24 dev near0 && ip route add default via 198.51.100.1 && \
         ip route add unreachable 192.0.2.33",
        "ip route del default && ip -6 route del default",
    ] {
        shell(route);
        let [resolver, _] = resolvers::<R>();
        let nat64 = auto::<R>(&resolver);
        let dialer = dialer::<R>(&nat64, resolver);
        let error = R::new().run(dialer.connect(IPV4)).map(drop).unwrap_err();
        assert!(!error.causes().any(|cause| cause.is::<NoPrefixError>()), "{error}");
        assert!(nat64.discovery_error().is_none());
    }
}

fn a_machine_with_ipv4_takes_it_and_asks_for_no_prefix<R: Runtime>() {
    let (_etc, server) = network();
    shell("ip address add 198.51.100.2/24 dev near0 && ip route add default via 198.51.100.1");
    shell("ip -n far address add 198.51.100.1/24 dev far0");
    shell("ip -n far address add 192.0.2.33/32 dev far0");
    let inside = "[64:ff9b::c000:221]:80";
    let _healthy = far(|| [inside, IPV4].map(|text| Healthy::at(addr(text))));
    server.on("www.stagger.test", Record::Aaaa, Reply::addresses(["64:ff9b::c000:221"]));
    for resolver in resolvers::<R>() {
        let dialer = dialer::<R>(&auto::<R>(&resolver), resolver);
        for target in [IPV4, NAME] {
            let (stream, report) = R::new().run(dialer.connect(target).with_report()).unwrap();
            assert_eq!(R::Adapter::peer_addr(&stream), addr(IPV4));
            let [attempt] = report.attempts() else { panic!("{report:?}") };
            assert!(attempt.children.is_empty(), "{report:?}");
        }
    }
    assert_eq!(server.asked("ipv4only.arpa", Record::Aaaa), 0);
}
