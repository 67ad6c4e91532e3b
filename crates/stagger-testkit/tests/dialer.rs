//! The kit's parts work in a dialer and in the general combinator, and record what they do.

use std::panic::{AssertUnwindSafe, catch_unwind};

use stagger::resolve::Record;
use stagger::{Dialer, Error, race};
use stagger_testkit::{
    Clock, Connection, Fate, Ledger, LedgerStep, ScriptedConnector, ScriptedEndpoint,
    ScriptedResolver, ms,
};

struct Kit {
    clock: Clock,
    ledger: Ledger,
    resolver: ScriptedResolver,
    connector: ScriptedConnector,
}

fn kit() -> Kit {
    let clock = Clock::new();
    let ledger = Ledger::new(&clock);
    let (resolver, connector) = (ScriptedResolver::new(&ledger), ScriptedConnector::new(&ledger));
    Kit { clock, ledger, resolver, connector }
}

impl Kit {
    fn connect(&self) -> impl Future<Output = Result<Connection, Error>> + use<> {
        let (resolver, connector) = (self.resolver.clone(), self.connector.clone());
        Dialer::new(resolver, connector, self.clock.clone()).connect("example.com:443")
    }
}

#[test]
fn a_winner_ends_the_lookup_and_the_losers_before_it_is_handed_over() {
    let mut kit = kit();
    kit.resolver = kit
        .resolver
        .finds(ms(0), Record::Aaaa, ["v6a", "v6b"])
        .finds(ms(10), Record::A, ["v4"])
        .never_ends();
    kit.connector = kit
        .connector
        .at("v6a", Fate::silent())
        .at("v4", Fate::fails(ms(100)))
        .at("v6b", Fate::connects(ms(30)));
    let mut connecting = Box::pin(kit.connect());
    assert!(kit.clock.run_until(ms(379), connecting.as_mut()).is_pending());
    let connected = kit.clock.run_until(ms(400), connecting.as_mut());
    // The future still exists, so the race has dropped them.
    assert_eq!(kit.ledger.open(), ["v6b"]);
    let std::task::Poll::Ready(Ok(connection)) = connected else { panic!("{connected:?}") };
    connection.hand_over();
    kit.ledger.assert_clean();
    assert_eq!(kit.clock.elapsed(), ms(380));
    assert_eq!(kit.ledger.starts(), [(ms(0), "v6a"), (ms(250), "v4"), (ms(350), "v6b")]);
    assert_eq!(kit.ledger.dropped(), [(ms(380), "v6a")]);
    assert_eq!(kit.ledger.all(LedgerStep::Abandoned), [(ms(380), "example.com:443")]);
}

#[test]
fn a_cancelled_connect_leaves_nothing() {
    let mut kit = kit();
    kit.resolver = kit.resolver.finds(ms(0), Record::Addresses, ["v6", "v4"]).never_ends();
    kit.connector = kit.connector.at("v6", Fate::silent()).at("v4", Fate::connects(ms(9_000)));
    let mut connecting = Box::pin(kit.connect());
    assert!(kit.clock.run_until(ms(5_000), connecting.as_mut()).is_pending());
    assert_eq!(kit.ledger.open().len(), 3);
    drop(connecting);
    assert_eq!(kit.ledger.dropped().len(), 2);
    kit.ledger.assert_clean();
}

#[test]
fn an_attempt_that_panics_takes_the_others_with_it() {
    let mut kit = kit();
    kit.resolver = kit.resolver.finds(ms(0), Record::Addresses, ["v6", "v4"]);
    kit.connector = kit.connector.at("v6", Fate::silent()).at("v4", Fate::panics(ms(10)));
    let connecting = kit.connect();
    assert!(catch_unwind(AssertUnwindSafe(|| kit.clock.run(connecting))).is_err());
    assert_eq!(kit.ledger.all(LedgerStep::Panicked), [(ms(260), "v4")]);
    assert_eq!(kit.ledger.dropped(), [(ms(260), "v6")]);
    kit.ledger.assert_clean();
}

#[test]
fn endpoints_race_without_names() {
    let kit = kit();
    let endpoints =
        [("a", Fate::silent()), ("b", Fate::fails(ms(20))), ("c", Fate::connects(ms(5)))]
            .map(|(name, fate)| ScriptedEndpoint::new(&kit.ledger, name, fate));
    let raced = kit.clock.run(race(endpoints, kit.clock.clone())).unwrap();
    raced.connection.hand_over();
    assert_eq!(kit.ledger.starts(), [(ms(0), "a"), (ms(250), "b"), (ms(270), "c")]);
    assert_eq!(kit.ledger.dropped(), [(ms(275), "a")]);
    drop(raced);
    kit.ledger.assert_clean();
}
