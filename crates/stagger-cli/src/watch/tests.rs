use std::net::SocketAddr;
use std::pin::pin;

use stagger::{Dialer, Policy};
use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ScriptedResolver, ms};

use super::*;
use crate::runtime::Ends;

fn addrs(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// What is connected to in a test, and how it is watched.
struct Scene {
    clock: Clock,
    watch: Watch,
    dialer: Dialer<ScriptedResolver<SocketAddr>, ScriptedConnector, Clock, Watch>,
}

impl Scene {
    fn new(
        policy: Policy,
        resolver: impl FnOnce(ScriptedResolver<SocketAddr>) -> ScriptedResolver<SocketAddr>,
        connector: impl FnOnce(ScriptedConnector) -> ScriptedConnector,
    ) -> Self {
        let clock = Clock::new();
        let ledger = Ledger::new(&clock);
        let resolver = resolver(ScriptedResolver::new(&ledger));
        let connector = connector(ScriptedConnector::new(&ledger));
        let watch = Watch::new(Families::Any);
        let dialer = Dialer::new(resolver, connector, clock.clone())
            .with_policy(policy)
            .with_observer(watch.clone());
        Self { clock, watch, dialer }
    }

    /// The race of the report, and the last that was seen.
    fn run(&self, target: &str) -> (Race, Race) {
        let reported = match self.clock.run(self.dialer.connect(target).with_report()) {
            Ok((_, report)) => Race::won(Ends::default(), &report),
            Err(error) => Race::lost(&error),
        };
        let mut seen = self.watch.race(self.clock.elapsed());
        seen.ends = reported.ends;
        (self.watch.complete(reported), seen)
    }
}

#[test]
fn what_was_seen_in_the_end_is_what_is_reported() {
    let three = addrs(&["[2001:db8::1]:80", "192.0.2.1:80", "192.0.2.2:80"]);
    let two = three[..2].to_vec();
    let (v6, v4) = (addrs(&["[2001:db8::1]:80"]), addrs(&["192.0.2.1:80", "192.0.2.2:80"]));
    let mapped = addrs(&["[::ffff:192.0.2.1]:80", "192.0.2.1:80"]);
    let impatient = Policy::new().attempt_timeout(ms(100)).unwrap();
    let scenes = [
        // Won, with one that lost and one that was not needed.
        Scene::new(
            Policy::new(),
            |resolver| resolver.finds(ms(3), Record::Addresses, three.clone()),
            |connector| {
                connector
                    .at("[2001:db8::1]:80", Fate::silent())
                    .at("192.0.2.1:80", Fate::connects(ms(40)))
            },
        ),
        // Lost: refused, timed out, skipped.
        Scene::new(
            impatient,
            |resolver| resolver.finds(ms(3), Record::Addresses, three.clone()),
            |connector| {
                connector
                    .at("[2001:db8::1]:80", Fate::fails(ms(5)).saying("refused"))
                    .at("192.0.2.1:80", Fate::silent())
                    .refuses("192.0.2.2:80")
            },
        ),
        // Answers one by one, after a wait, and the deadline.
        Scene::new(
            Policy::new().timeout(ms(900)).unwrap(),
            |resolver| resolver.finds(ms(3), Record::A, v4).finds(ms(200), Record::Aaaa, v6),
            |connector| {
                connector
                    .at("192.0.2.1:80", Fate::fails(ms(300)))
                    .at("192.0.2.2:80", Fate::silent())
                    .at("[2001:db8::1]:80", Fate::silent())
            },
        ),
        // One answer never comes.
        Scene::new(
            Policy::new(),
            |resolver| resolver.finds(ms(3), Record::A, mapped).never_ends(),
            |connector| connector.at("192.0.2.1:80", Fate::connects(ms(5))),
        ),
        // No lookup brings anything.
        Scene::new(
            Policy::new(),
            |resolver| resolver.fails(ms(3), Record::Aaaa).fails(ms(4), Record::A),
            |connector| connector,
        ),
        // Two that connect together.
        Scene::new(
            Policy::new(),
            |resolver| resolver.finds(ms(0), Record::Addresses, two),
            |connector| {
                connector
                    .at("[2001:db8::1]:80", Fate::connects(ms(300)))
                    .at("192.0.2.1:80", Fate::connects(ms(50)))
            },
        ),
    ];
    for scene in scenes {
        let (reported, seen) = scene.run("example.com:80");
        assert_eq!(seen, reported);
    }
}

#[test]
fn a_literal_has_no_query() {
    let scene = Scene::new(
        Policy::new(),
        |resolver| resolver,
        |connector| connector.at("192.0.2.1:80", Fate::connects(ms(5))),
    );
    let (reported, seen) = scene.run("192.0.2.1:80");
    assert_eq!(seen, reported);
    assert!(seen.queries.is_empty());
}

#[test]
fn a_race_can_be_seen_at_every_moment() {
    let scene = Scene::new(
        Policy::new(),
        |resolver| {
            resolver.finds(ms(20), Record::A, addrs(&["192.0.2.1:80", "192.0.2.2:80"])).never_ends()
        },
        |connector| {
            connector.at("192.0.2.1:80", Fate::fails(ms(30))).at("192.0.2.2:80", Fate::silent())
        },
    );
    assert!(scene.watch.race(ms(0)).queries.is_empty(), "nothing has begun");
    let mut connect = pin!(scene.dialer.connect("example.com:80"));
    let mut at = |time| {
        assert!(scene.clock.run_until(ms(time), connect.as_mut()).is_pending());
        scene.watch.race(ms(time))
    };

    let asking = at(10);
    assert!(asking.running);
    assert_eq!((asking.queries.len(), asking.queries[0].record), (1, "all"));
    assert_eq!(asking.queries[0].ended, None);

    let waiting = at(40);
    assert_eq!(waiting.wait, Some(Wait { from: ms(20), to: ms(40) }));
    let records: Vec<_> = waiting.queries.iter().map(|query| query.record).collect();
    assert_eq!(records, ["A", "AAAA"]);
    assert_eq!(waiting.untried, ["192.0.2.1:80", "192.0.2.2:80"]);

    let trying = at(90);
    assert_eq!(trying.wait, Some(Wait { from: ms(20), to: ms(70) }));
    assert_eq!((trying.attempts[0].end, trying.attempts[0].ended), (End::Running, ms(90)));
    assert_eq!(trying.untried, ["192.0.2.2:80"]);

    let next = at(100);
    assert_eq!((next.attempts[0].end, next.attempts[0].ended), (End::Failed, ms(100)));
    assert_eq!((next.attempts[1].end, next.attempts[1].started), (End::Running, ms(100)));
    assert!(next.untried.is_empty());
}

#[test]
fn a_race_that_was_given_up_stands_still() {
    let scene = Scene::new(
        Policy::new(),
        |resolver| resolver.finds(ms(0), Record::Addresses, addrs(&["192.0.2.1:80"])),
        |connector| connector.at("192.0.2.1:80", Fate::silent()),
    );
    {
        let connect = pin!(scene.dialer.connect("example.com:80"));
        assert!(scene.clock.run_until(ms(40), connect).is_pending());
    }
    let race = scene.watch.race(ms(1_000));
    assert!(!race.running);
    assert_eq!((race.elapsed, race.attempts[0].end), (ms(40), End::Dropped));
    assert_eq!(race.attempts[0].ended, ms(40));
}

#[test]
fn a_hostile_answer_is_not_kept_whole_as_candidates() {
    let found = (0..10_000_u32).map(|n| SocketAddr::from((n.to_be_bytes(), 80)));
    let scene = Scene::new(
        Policy::new(),
        |resolver| resolver.finds(ms(0), Record::A, found).never_ends(),
        |connector| connector,
    );
    let mut connect = pin!(scene.dialer.connect("example.com:80"));
    assert!(scene.clock.run_until(ms(40), connect.as_mut()).is_pending());
    assert_eq!(scene.watch.race(ms(40)).untried.len(), MAX_FOUND);
}
