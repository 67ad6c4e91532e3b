use std::net::SocketAddr;

use stagger::{Class, Dialer, Policy};
use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ScriptedResolver, ms as millis};

use super::*;
use crate::runtime::Ends;

fn addrs(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Runs a race on a virtual clock; its winner has the ends of a socket.
fn race(
    policy: Policy,
    resolver: impl FnOnce(ScriptedResolver<SocketAddr>) -> ScriptedResolver<SocketAddr>,
    connector: impl FnOnce(ScriptedConnector) -> ScriptedConnector,
) -> Race {
    let clock = Clock::new();
    let ledger = Ledger::new(&clock);
    let resolver = resolver(ScriptedResolver::new(&ledger));
    let connector = connector(ScriptedConnector::new(&ledger));
    let dialer = Dialer::new(resolver, connector, clock.clone()).with_policy(policy);
    match clock.run(dialer.connect("example.com:80").with_report()) {
        Ok((_, report)) => {
            let peer = report.winner().map(|attempt| attempt.address);
            let local = Some("192.0.2.200:4000".parse().unwrap());
            Race::won(Ends { peer, local }, &report)
        }
        Err(error) => Race::lost(&error),
    }
}

#[test]
fn a_race_has_a_row_for_each_query_and_candidate_and_says_who_won() {
    let found = addrs(&["[2001:db8::1]:80", "192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:80"]);
    let race = race(
        Policy::new(),
        |resolver| resolver.finds(millis(3), Class::All, found),
        |connector| {
            connector
                .at("[2001:db8::1]:80", Fate::silent())
                .at("192.0.2.1:80", Fate::fails(millis(10)).saying("no route\x1b[m"))
                .at("192.0.2.2:80", Fate::connects(millis(40)))
        },
    );
    assert_eq!(
        timeline(&race),
        "                     started     ended
  query all           0.0 ms    3.0 ms  4 addresses
  [2001:db8::1]:80    3.0 ms  303.0 ms  dropped, lost
  192.0.2.1:80      253.0 ms  263.0 ms  failed: no route\\u{1b}[m
  192.0.2.2:80      263.0 ms  303.0 ms  connected, won
  192.0.2.3:80             -         -  not tried

connected to 192.0.2.2:80 in 303.0 ms (from 192.0.2.200:4000)
"
    );
}

#[test]
fn a_race_that_is_lost_shows_every_cause_and_has_no_sentence() {
    let found = addrs(&["192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:80"]);
    let policy = Policy::new().timeout(millis(600)).unwrap();
    let policy = policy.attempt_timeout(millis(100)).unwrap();
    let race =
        race(
            policy,
            |resolver| resolver.finds(millis(0), Class::A, found).fails(millis(1), Class::Aaaa),
            |connector| {
                connector
                .at("192.0.2.1:80", Fate::silent())
                .at("192.0.2.2:80", Fate::fails(millis(1)).saying(
                    "the network said something that does not fit on one line of a terminal",
                ))
                .refuses("192.0.2.3:80")
            },
        );
    let text = timeline(&race);
    assert_eq!(
        text,
        "                 started     ended
  query A         0.0 ms    0.0 ms  3 addresses
  query AAAA      0.0 ms    1.0 ms  failed: AAAA lookup failed
  192.0.2.3:80         -         -  skipped: 192.0.2.3:80 refused
  192.0.2.1:80    1.0 ms  101.0 ms  timed out: no connection within the attempt
                                    timeout
  192.0.2.2:80  101.0 ms  102.0 ms  failed: the network said something that does
                                    not fit on one line of a terminal
"
    );
    assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
}

#[test]
fn an_attempt_that_the_deadline_cut_off_did_not_lose() {
    let found = addrs(&["192.0.2.1:80"]);
    let race = race(
        Policy::new().timeout(millis(600)).unwrap(),
        |resolver| resolver.finds(millis(0), Class::A, found).never_ends(),
        |connector| connector.at("192.0.2.1:80", Fate::silent()),
    );
    assert_eq!(
        timeline(&race),
        "                started     ended
  query A        0.0 ms    0.0 ms  1 address
  query AAAA     0.0 ms         -  not answered by then
  192.0.2.1:80  50.0 ms  600.0 ms  dropped, time was up
"
    );
}

#[test]
fn a_long_address_has_a_line_of_its_own_and_many_untried_are_counted() {
    let long = "[2001:db8:1111:2222:3333:4444:5555:6666]:65535";
    let found = (1..=20).map(|n| format!("192.0.2.{n}:80"));
    let found: Vec<_> = found.map(|text| text.parse().unwrap()).collect();
    let race = race(
        Policy::new(),
        |resolver| {
            let found = [addrs(&[long]), found].concat();
            resolver.finds(millis(0), Class::All, found)
        },
        |connector| connector.at(long, Fate::connects(millis(5))),
    );
    let text = timeline(&race);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[2], format!("  {long}"));
    assert_eq!(lines[3].trim_start(), "0.0 ms  5.0 ms  connected, won");
    assert_eq!(lines[12].split_whitespace().collect::<Vec<_>>()[..2], ["12", "more"]);
    // The sentence is one line whatever its length.
    assert!(lines[..13].iter().all(|line| line.chars().count() <= WIDTH));
}

#[test]
fn a_word_longer_than_a_line_is_broken() {
    let lines = wrap(&format!("short {}", "x".repeat(50)), 20);
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|line| line.chars().count() <= 20));
}
