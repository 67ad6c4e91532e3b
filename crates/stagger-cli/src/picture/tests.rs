use std::net::SocketAddr;
use std::time::Duration;

use stagger::observe::Recorder;
use stagger::resolve::Record;
use stagger::{Dialer, Policy};
use stagger_testkit::{Fate, ScriptedConnector, ScriptedResolver, ms};

use super::*;
use crate::race::kit::{addrs, ledger, proxied, race};

mod drawn;
mod file;
mod inside;
mod shape;
mod tls;

const LOOK: Look = Look { width: 80, color: false, unicode: true };

/// Silence, a failure with hostile words, a win, and a candidate that was not needed.
fn won() -> Race {
    let found = addrs(&["[2001:db8::1]:80", "192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:80"]);
    race(
        Policy::new(),
        |resolver| resolver.finds(ms(3), Record::Addresses, found),
        |connector| {
            connector
                .at("[2001:db8::1]:80", Fate::silent())
                .at("192.0.2.1:80", Fate::fails(ms(10)).saying("no route\x1b[m"))
                .at("192.0.2.2:80", Fate::connects(ms(40)))
        },
    )
}

/// A query that fails, a candidate that is skipped, one that times out, and a long cause.
fn lost() -> Race {
    let found = addrs(&["192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:80"]);
    let policy =
        Policy::new().with_timeout(ms(600)).unwrap().with_attempt_timeout(ms(100)).unwrap();
    let said = "the network said something that does not fit on one line of a terminal";
    race(
        policy,
        |resolver| resolver.finds(ms(0), Record::A, found).fails(ms(1), Record::Aaaa),
        |connector| {
            connector
                .at("192.0.2.1:80", Fate::silent())
                .at("192.0.2.2:80", Fate::fails(ms(1)).saying(said))
                .refuses("192.0.2.3:80")
        },
    )
}

/// Addresses that wait for the preferred family in vain, and a deadline that cuts the attempt off.
fn cut_off() -> Race {
    let found = addrs(&["192.0.2.1:80"]);
    race(
        Policy::new().with_timeout(ms(600)).unwrap(),
        |resolver| resolver.finds(ms(20), Record::A, found).never_ends(),
        |connector| connector.at("192.0.2.1:80", Fate::silent()),
    )
}

/// As many candidates as are tried at most, each with a long address, all silent for minutes.
fn crowded() -> Race {
    let found = (1..=64).map(|n| format!("[2001:db8:1111:2222:3333:4444:5555:{n:x}]:65535"));
    let found: Vec<SocketAddr> = found.map(|text| text.parse().unwrap()).collect();
    let all = found.clone();
    race(
        Policy::new(),
        |resolver| resolver.finds(ms(5), Record::Addresses, found),
        |connector| {
            all.iter().fold(connector, |connector, address| {
                connector.at(address.to_string(), Fate::silent())
            })
        },
    )
}

/// A race that takes no time, with a long address and more candidates than have rows.
fn instant() -> Race {
    let long = "[2001:db8:1111:2222:3333:4444:5555:6666]:65535";
    let found = (1..=20).map(|n| format!("192.0.2.{n}:80"));
    let found: Vec<_> = found.map(|text| text.parse().unwrap()).collect();
    race(
        Policy::new(),
        |resolver| resolver.finds(ms(0), Record::Addresses, [addrs(&[long]), found].concat()),
        |connector| connector.at(long, Fate::connects(Duration::ZERO)),
    )
}

fn all() -> Vec<Race> {
    vec![
        won(),
        lost(),
        cut_off(),
        crowded(),
        instant(),
        proxied(),
        inside::handshakes(),
        inside::nested(6),
    ]
}

fn drawn(race: &Race, width: usize) -> String {
    timeline(race, &Look { width, ..LOOK })
}
