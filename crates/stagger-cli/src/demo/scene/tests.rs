use stagger::Policy;
use stagger::address::Family;
use stagger_testkit::{Fate, ScriptedConnector, ScriptedResolver, ms};

use super::*;
use crate::race::kit::{addrs, proxied, race};

/// An IPv4 address, another, and an IPv6 address.
const A: &str = "192.0.2.1:80";
const B: &str = "192.0.2.2:80";
const V6: &str = "[2001:db8::1]:80";

type Resolves = fn(ScriptedResolver<SocketAddr>) -> ScriptedResolver<SocketAddr>;
type Connects = fn(ScriptedConnector) -> ScriptedConnector;
type Judge = fn(&Race) -> Result<String, String>;

/// Both IPv4 addresses at once.
fn both(resolver: ScriptedResolver<SocketAddr>) -> ScriptedResolver<SocketAddr> {
    resolver.finds(ms(0), Record::Addresses, addrs(&[A, B]))
}

/// An answer for A after 1 ms, and no more.
fn a_alone(resolver: ScriptedResolver<SocketAddr>) -> ScriptedResolver<SocketAddr> {
    resolver.finds(ms(1), Record::A, addrs(&[A])).never_ends()
}

/// An answer for AAAA after 1 ms, and no more.
fn aaaa_alone(resolver: ScriptedResolver<SocketAddr>) -> ScriptedResolver<SocketAddr> {
    resolver.finds(ms(1), Record::Aaaa, addrs(&[V6])).never_ends()
}

/// All addresses accept within 1 ms.
fn accepts(connector: ScriptedConnector) -> ScriptedConnector {
    let accepts =
        |connector: ScriptedConnector, address| connector.at(address, Fate::connects(ms(1)));
    [A, B, V6].into_iter().fold(connector, accepts)
}

fn first_is(connector: ScriptedConnector, fate: Fate) -> ScriptedConnector {
    connector.at(A, fate).at(B, Fate::connects(ms(1)))
}

#[test]
fn what_was_seen_is_said_with_its_own_numbers() {
    let cases: [(Judge, Resolves, Connects, &str); 6] = [
        (
            healthy,
            both,
            accepts,
            "192.0.2.1:80 was tried first and won in 1.0 ms; 192.0.2.2:80 was never tried.",
        ),
        (
            first_silent,
            both,
            |connector| first_is(connector, Fate::silent()),
            "192.0.2.1:80 was silent; 192.0.2.2:80 was tried 250.0 ms after it and won in \
             251.0 ms.",
        ),
        (
            first_stalled,
            both,
            |connector| first_is(connector, Fate::silent().progressing(ms(2))),
            "192.0.2.1:80 accepted after 2.0 ms and then stalled in TLS; 192.0.2.2:80 was tried \
             250.0 ms after it and won in 251.0 ms. TLS after the race would still wait for \
             192.0.2.1:80.",
        ),
        (
            first_refused,
            both,
            |connector| first_is(connector, Fate::fails(ms(3))),
            "192.0.2.1:80 refused after 3.0 ms; 192.0.2.2:80 was tried at once, without the \
             250.0 ms wait, and won in 4.0 ms.",
        ),
        (
            aaaa_late,
            a_alone,
            accepts,
            "A waited 50.0 ms for AAAA, which had not come yet; then 192.0.2.1:80 was tried and \
             won in 52.0 ms.",
        ),
        (
            a_late,
            aaaa_alone,
            accepts,
            "[2001:db8::1]:80 was tried as soon as AAAA was known, without waiting for A, \
             which had not come yet, and won in 2.0 ms.",
        ),
    ];
    assert_eq!(
        proxy_silent(&proxied()).unwrap(),
        "The proxy was silent at [2001:db8::9]:1080; it was tried at 192.0.2.9:1080 250.0 ms \
         later, and had connected to 192.0.2.1:80 after 320.0 ms."
    );
    for (judge, resolves, connects, said) in cases {
        assert_eq!(judge(&race(Policy::new(), resolves, connects)).unwrap(), said);
    }
}

#[test]
fn a_race_that_goes_wrong_is_found_out() {
    let prompt = || Policy::new().with_resolution_delay(ms(0)).unwrap();
    let slow_first: Connects =
        |connector| connector.at(A, Fate::connects(ms(50))).at(V6, Fate::connects(ms(1)));
    let trickles: Resolves = |resolver| {
        let resolver = resolver.finds(ms(20), Record::A, addrs(&[A]));
        resolver.finds(ms(60), Record::Aaaa, addrs(&[V6])).never_ends()
    };
    let cases: [(Judge, Policy, Resolves, Connects, &str); 17] = [
        (proxy_silent, Policy::new(), both, accepts, "0 races to the proxy were seen"),
        (healthy, Policy::new(), |resolver| resolver, accepts, "only 0 attempts"),
        (
            healthy,
            Policy::new(),
            both,
            |connector| first_is(connector, Fate::fails(ms(1))),
            "ended as failed instead of connected (192.0.2.1:80 failed)",
        ),
        (
            first_silent,
            Policy::new().with_attempt_delay(ms(239)).unwrap(),
            both,
            |connector| first_is(connector, Fate::silent()),
            "only 239.0 ms after the first",
        ),
        (
            first_stalled,
            Policy::new(),
            both,
            |connector| first_is(connector, Fate::silent()),
            "192.0.2.1:80 did not accept",
        ),
        (
            first_stalled,
            Policy::new().with_attempt_delay(ms(239)).unwrap(),
            both,
            |connector| first_is(connector, Fate::silent().progressing(ms(2))),
            "only 239.0 ms after the first",
        ),
        (
            first_refused,
            prompt(),
            |resolver| {
                let resolver = resolver.finds(ms(0), Record::A, addrs(&[A]));
                resolver.finds(ms(250), Record::Aaaa, addrs(&[V6]))
            },
            |connector| connector.at(A, Fate::fails(ms(1))).at(V6, Fate::connects(ms(1))),
            "249.0 ms after the failure",
        ),
        (trickling, prompt(), trickles, slow_first, "before AAAA's address"),
        // It waits for the HTTPS record too.
        (
            trickling,
            Policy::new().with_https(true),
            trickles,
            slow_first,
            "10.0 ms after both answers",
        ),
        (without_aaaa, prompt(), a_alone, accepts, "only 0.0 ms"),
        (
            without_aaaa,
            Policy::new(),
            |resolver| resolver.finds(ms(20), Record::A, addrs(&[A])),
            accepts,
            "no query for AAAA",
        ),
        (
            aaaa_late,
            Policy::new().with_resolution_delay(ms(49)).unwrap(),
            a_alone,
            accepts,
            "only 49.0 ms",
        ),
        (
            aaaa_late,
            Policy::new(),
            |resolver| {
                let resolver = resolver.finds(ms(1), Record::A, addrs(&[A]));
                resolver.finds(ms(2), Record::Aaaa, addrs(&[V6]))
            },
            accepts,
            "AAAA was answered",
        ),
        // The attempt goes to the IPv4 address within the one that was found.
        (
            aaaa_late,
            Policy::new(),
            |resolver| {
                let found = addrs(&["[::ffff:192.0.2.1]:80"]);
                resolver.finds(ms(1), Record::A, found).never_ends()
            },
            accepts,
            "192.0.2.1:80 is not in the answer for A",
        ),
        (
            a_late,
            Policy::new().with_preferred_family(Family::Ipv4),
            aaaa_alone,
            accepts,
            "started 50.0 ms after AAAA",
        ),
        (a_late, Policy::new(), a_alone, accepts, "not for AAAA"),
        (all_refused, Policy::new(), both, accepts, "the race connected"),
    ];
    for (judge, policy, resolves, connects, fault) in cases {
        let found = judge(&race(policy, resolves, connects)).unwrap_err();
        assert!(found.contains(fault), "{fault}: {found}");
    }
}

#[test]
fn without_ipv6_nothing_is_left_that_needs_it() {
    let all = scenes(Some(loopback(9)));
    let rest = scenes(None);
    let with_tls = usize::from(tls::PRESENT);
    assert_eq!((all.len(), rest.len()), (9 + with_tls, 7 + with_tls));
    let over_dns = rest.iter().filter(|scene| matches!(scene.answers, Answers::OverDns(_)));
    let spots: Vec<_> = over_dns.map(|scene| &scene.spots[..]).collect();
    assert_eq!(spots, [[(loopback(1), Behaviour::Accepts)]]);
}
