//! A target and a dialer as one endpoint: names, literals, and cancelled connects.

mod support;

use std::cell::RefCell;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::rc::Rc;
use std::time::Duration;

use stagger::connect::connector_fn;
use stagger::error::ErrorKind;
use stagger::observe::Step;
use stagger::resolve::{Families, Record};
use stagger::target::TargetError;
use stagger::{Connector, Dialer, Endpoint, Observer, Policy, Target};
use stagger_testkit::{Clock, Fate, LedgerStep, Place, ScriptedConnector, ScriptedResolver, ms};
use support::{Scripted, TARGET, World, attempts, connects, fails, within};

#[derive(Clone, Default)]
struct Cancels(Rc<RefCell<Vec<String>>>, String);

impl<A> Observer<A> for Cancels {
    fn step(&mut self, at: Duration, step: Step<'_, A>) {
        match step {
            Step::Began { target, .. } => self.1 = target.expect("there is one").to_string(),
            Step::Cancelled => self.0.borrow_mut().push(format!("{} {}", at.as_millis(), self.1)),
            _ => {}
        }
    }
}

#[test]
fn a_cancelled_connect_stops_its_attempt_and_its_observer_hears_of_which_target() {
    let world = World::new();
    let cancels = Cancels::default();
    let dialer = world.places([("v6", Fate::silent())]).with_observer(cancels.clone());
    let endpoint = dialer.endpoint("example.com:https").unwrap();
    assert!(world.run_until(ms(120), endpoint.connect()).is_pending());
    assert_eq!(world.story(), ["0 started v6", "120 dropped v6"]);
    assert_eq!(*cancels.0.borrow(), ["120 example.com:https"]);
}

#[test]
fn a_candidate_that_can_not_be_dialed_takes_no_slot() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v4a", "unix", "v4b"]);
    let fates = [("v4a", Fate::silent()), ("v4b", connects(20))];
    let connector = world.connector(fates).refuses("unix");
    let connect = world.dialer(resolver, connector).connect(TARGET).with_report();
    let (winner, report) = world.run(connect).unwrap();
    assert_eq!(winner.name(), "v4b");
    assert_eq!(
        attempts(&report),
        ["unix 0-0 skipped: unix refused", "v4a 0-270 dropped", "v4b 250-270 connected"]
    );
    assert_eq!(world.starts(), ["0 v4a", "250 v4b"]);
}

#[test]
fn a_family_that_can_not_be_dialed_counts_as_answered_without_addresses() {
    let world = World::new();
    let resolver = world
        .resolver()
        .finds(ms(5), Record::A, ["v4"])
        .finds(ms(9), Record::Aaaa, ["v6"])
        .never_ends();
    let connector = world.connector([("v4", connects(20))]).refuses("v6");
    let winner = world.run(world.dialer(resolver, connector).connect(TARGET)).unwrap();
    assert_eq!((winner.name(), world.starts()), ("v4", vec!["9 v4".to_owned()]));
}

#[test]
fn when_every_candidate_is_refused_each_reason_is_kept() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(3), Record::Addresses, ["v6", "v4"]);
    let connector = ScriptedConnector::new(&world.ledger).refuses("v6").refuses("v4");
    let error = world.run(world.dialer(resolver, connector).connect(TARGET)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoneUsable);
    assert_eq!(
        attempts(error.report()),
        ["v6 3-3 skipped: v6 refused", "v4 3-3 skipped: v4 refused"]
    );
    assert!(world.starts().is_empty());
}

#[test]
fn when_the_second_wins_the_first_has_been_stopped_and_the_caller_s_code_runs_once() {
    let world = World::new();
    let dialer = world.places([("v6", connects(290)), ("v4", connects(40))]);
    let endpoint = dialer.endpoint(TARGET).unwrap();
    let runs = RefCell::new(Vec::new());
    let winner = world
        .run(async {
            let connected = endpoint.connect().await;
            if let Ok(connection) = &connected {
                runs.borrow_mut().push((connection.name().to_owned(), world.ledger.open()));
            }
            connected
        })
        .unwrap();
    // Both connect at 290, and the earlier start wins.
    assert_eq!(*runs.borrow(), [("v6".to_owned(), vec!["v6".to_owned()])]);
    drop(winner);
    let world = World::new();
    let dialer = world.places([("v6", Fate::silent()), ("v4", connects(40))]);
    assert!(world.run(dialer.connect(TARGET)).is_ok());
    assert_eq!(world.story()[2..], ["290 connected v4", "290 dropped v6", "290 handed over v4"]);
}

#[cfg(feature = "idna")]
#[test]
fn a_name_is_encoded_once_and_asked_for_in_its_a_labels() {
    for (text, shown) in [
        // As one character, and as a letter with a combining mark.
        ("b\u{fc}cher.example:443", "xn--bcher-kva.example:443"),
        ("bu\u{308}cher.example:443", "xn--bcher-kva.example:443"),
        ("xn--bcher-kva.example:443", "xn--bcher-kva.example:443"),
        ("fa\u{df}.de:443", "xn--fa-hia.de:443"),
        ("fass.de:443", "fass.de:443"),
        ("_dmarc.example.com.:443", "_dmarc.example.com.:443"),
    ] {
        let world = World::new();
        let endpoint = world.places([("v6", connects(1))]).endpoint(text).unwrap();
        assert_eq!(endpoint.to_string(), shown);
        assert!(world.run(endpoint.connect()).is_ok());
        assert_eq!(world.ledger.queries()[0].target().to_string(), shown);
    }
}

#[test]
fn a_bad_name_is_an_error_before_any_query() {
    for (text, shown) in [
        ("exa\u{0}mple.com:443", r#""exa\0mple.com:443""#),
        ("exa mple.com:443", r#""exa mple.com:443""#),
        ("xn--\u{a0}.com:443", r#""xn--\u{a0}.com:443""#),
        ("example..com:443", r#""example..com:443""#),
        ("example.com", r#""example.com""#),
    ] {
        let world = World::new();
        let dialer = world.places([("v6", connects(1))]);
        let parsed: TargetError = dialer.clone().endpoint(text).unwrap_err();
        assert!(parsed.to_string().starts_with(&format!("bad target {shown}: ")), "{parsed}");
        let error = world.run(dialer.connect(text)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidTarget);
        assert_eq!(error.to_string(), parsed.to_string());
        let looked_up = world.clock.run(dialer.resolve(text)).unwrap_err();
        assert_eq!(looked_up.to_string(), parsed.to_string());
        assert!(world.ledger.entries().is_empty(), "{}", world.ledger);
    }
}

#[test]
fn an_endpoint_prints_as_host_and_port() {
    let world = World::new();
    for (text, shown) in [
        ("EXAMPLE.com:443", "example.com:443"),
        ("example.com:https", "example.com:https"),
        ("192.0.2.1:80", "192.0.2.1:80"),
        ("[2001:DB8::1]:80", "[2001:db8::1]:80"),
        ("[fe80::1%eth0]:22", "[fe80::1%eth0]:22"),
    ] {
        let endpoint = world.places([]).endpoint(text).unwrap();
        assert_eq!(endpoint.to_string(), shown);
        assert_eq!(endpoint.target().to_string(), shown);
    }
}

#[test]
fn a_target_may_be_given_in_parts() {
    let world = World::new();
    let dialer = world.places([("v6", connects(0))]);
    assert!(world.run(dialer.connect(("example.com", 443))).is_ok());
    assert!(world.run(dialer.connect(("example.com", "443"))).is_ok());
    assert!(world.run(dialer.connect(Target::parse(TARGET).unwrap())).is_ok());
    assert!(world.run(dialer.connect("example.com:443".to_owned())).is_ok());
    assert!(world.run(Connector::connect(&dialer, Target::parse(TARGET).unwrap().into())).is_ok());
    let asked = world.ledger.queries();
    assert_eq!(asked.len(), 5);
    assert!(asked.iter().all(|query| query.target().to_string() == TARGET));
}

#[test]
fn a_name_without_addresses_is_an_error_that_has_the_name() {
    let world = World::new();
    let error = world.run(world.dialer(world.resolver(), world.connector([])).connect(TARGET));
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoAddresses);
    assert_eq!(error.target().unwrap().to_string(), TARGET);
    assert!(error.to_string().contains("example.com:443"));
    assert_eq!(world.elapsed(), 0);
}

#[test]
fn a_resolver_may_fail_at_once_or_later_or_after_addresses_or_never_end() {
    let connect = |answers: fn(ScriptedResolver) -> ScriptedResolver| {
        let world = World::new();
        let resolver = answers(world.resolver());
        let connector = world.connector([("v4", connects(10))]);
        let dialer = world.dialer(resolver, connector).with_policy(within(900));
        let kind = world.run(dialer.connect(TARGET)).map(drop).map_err(|error| error.kind());
        (kind, world.elapsed())
    };
    let failed = Err(ErrorKind::Lookup);
    assert_eq!(connect(|r| r.fails(ms(0), Record::Addresses)), (failed, 0));
    assert_eq!(connect(|r| r.fails(ms(70), Record::Addresses)), (failed, 70));
    assert_eq!(
        connect(|r| r.finds(ms(5), Record::A, ["v4"]).fails(ms(6), Record::Aaaa)),
        (Ok(()), 16)
    );
    assert_eq!(connect(|r| r.finds(ms(5), Record::A, ["v4"]).never_ends()), (Ok(()), 65));
    let never = Err(ErrorKind::TimedOut(stagger::error::Phase::Resolving));
    assert_eq!(connect(ScriptedResolver::never_ends), (never, 900));
}

#[test]
fn a_literal_makes_no_query() {
    for text in ["192.0.2.1:80", "[2001:db8::1]:80", "[fe80::1%3]:22"] {
        let world = World::new();
        let resolver = ScriptedResolver::<SocketAddr>::new(&world.ledger).never_ends();
        let dialer = world.dialer(resolver, world.connector([(text, connects(7))]));
        let (winner, report) = world.run(dialer.connect(text).with_report()).unwrap();
        assert_eq!((winner.name(), world.elapsed()), (text, 7));
        assert!(report.queries().is_empty() && world.ledger.queries().is_empty());
    }
}

#[test]
fn a_literal_keeps_scope_id_and_flow_info_to_the_connector() {
    let addr = SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 22, 7, 3));
    let resolver = ScriptedResolver::<SocketAddr>::new(&World::new().ledger);
    let connector = connector_fn(|addr: SocketAddr| async move { Ok::<_, std::io::Error>(addr) });
    let clock = Clock::new();
    let dialer = Dialer::new(resolver, connector, clock.clone());
    assert_eq!(clock.run(dialer.connect(Target::from(addr))).unwrap(), addr);
}

#[test]
fn a_literal_that_is_not_complete_goes_through_the_resolver() {
    for text in ["192.0.2.1:https", "[fe80::1%eth0]:22"] {
        let world = World::new();
        let resolver = world.sockets(["192.0.2.1:443"]);
        let connector = world.connector([("192.0.2.1:443", connects(0))]);
        assert!(world.run(world.dialer(resolver, connector).connect(text)).is_ok());
        assert_eq!(world.ledger.queries()[0].target().to_string(), text);
    }
}

#[test]
fn a_literal_of_a_family_that_is_not_wanted_is_not_dialed() {
    let world = World::new();
    let resolver = ScriptedResolver::<SocketAddr>::new(&world.ledger);
    let dialer = world
        .dialer(resolver, world.connector([]))
        .with_policy(Policy::new().with_families(Families::Ipv6));
    let error = world.run(dialer.connect("192.0.2.1:80")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoneUsable);
    assert!(world.ledger.entries().is_empty());
}

#[test]
fn each_connect_asks_the_endpoint_s_own_resolver_anew() {
    let world = World::new();
    let dialer = world.places([("v6", connects(5))]);
    let other = world.resolver().finds(ms(1), Record::Addresses, ["v4"]);
    let connector = world.connector([("v4", fails(1))]);
    let endpoint = dialer.clone().endpoint(TARGET).unwrap();
    let special = dialer.with_resolver(other).with_connector(connector).endpoint(TARGET).unwrap();
    assert!(world.ledger.entries().is_empty(), "nothing is asked before a connect");
    assert!(world.run(endpoint.connect()).is_ok());
    assert!(world.run(endpoint.clone().connect()).is_ok());
    assert!(world.run(special.connect()).is_err());
    assert_eq!(world.starts(), ["0 v6", "5 v6", "11 v4"]);
    assert_eq!(world.ledger.all(LedgerStep::Queried).len(), 3);
}

#[test]
fn a_lookup_alone_lists_the_addresses_in_their_order_and_starts_nothing() {
    let world = World::new();
    let resolver = world
        .resolver()
        .finds(ms(5), Record::A, ["v4a", "v4b"])
        .finds(ms(500), Record::Aaaa, ["v6a"])
        .ends_at(ms(600));
    let dialer: Scripted = world.dialer(resolver, world.connector([]));
    let (addresses, report) = world.clock.run(dialer.resolve_all(TARGET)).unwrap();
    assert_eq!(addresses, ["v6a", "v4a", "v4b"].map(Place));
    assert_eq!(support::queries(&report), ["A at 5: v4a v4b", "AAAA at 500: v6a"]);
    assert_eq!(world.elapsed(), 600);
    world.ledger.assert_clean();
}

#[test]
fn a_lookup_alone_ends_at_the_deadline() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(5), Record::A, ["v4"]).never_ends();
    let dialer = world.dialer(resolver, world.connector([])).with_policy(within(80));
    let error = world.clock.run(dialer.resolve_all(TARGET)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut(stagger::error::Phase::Waiting));
    assert_eq!(support::queries(error.report()), ["A at 5: v4", "AAAA awaited:"]);
    assert_eq!(world.elapsed(), 80);
    world.ledger.assert_clean();
}

#[test]
fn a_lookup_of_a_literal_is_the_literal() {
    let world = World::new();
    let resolver = ScriptedResolver::<SocketAddr>::new(&world.ledger).never_ends();
    let dialer = world.dialer(resolver, world.connector([]));
    let (addresses, report) = world.clock.run(dialer.resolve("[fe80::1%3]:22")).unwrap();
    assert_eq!(addresses, ["[fe80::1%3]:22".parse().unwrap()]);
    assert!(report.queries().is_empty() && world.ledger.entries().is_empty());
}
