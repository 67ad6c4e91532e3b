//! What a history changes in later connects, at exact times. The file is longer than 400 lines
//! because all cases share their dialer and its addresses.
#![allow(clippy::disallowed_methods, reason = "a clock that was set back needs an instant")]

mod support;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use stagger::address::Family;
use stagger::connect::connector_fn;
use stagger::history::{Key, Knowledge, Memory, Mode, NetworkKey, Reason, Store, Subject, Subnet};
use stagger::observe::{Recorder, Step};
use stagger::policy::Order;
use stagger::resolve::Record;
use stagger::{
    Candidate, Connector, Dialer, Error, History, Observer, Policy, Report, Target, Timer,
};
use stagger_testkit::{
    Clock, Connection, Fate, Ledger, LedgerStep, ScriptedConnector, ScriptedResolver, ms,
};
use support::{Scripted, TARGET, World, attempts, connects};

/// Addresses by their names. Every two have different prefixes, except `v6a` and `v6a2`.
const NAMES: [(&str, &str); 15] = [
    ("v6a", "[2001:db8:a::1]:443"),
    ("v6a2", "[2001:db8:a::2]:443"),
    ("v6b", "[2001:db8:b::1]:443"),
    ("v6c", "[2001:db8:c::1]:443"),
    ("v6d", "[2001:db8:d::1]:443"),
    ("v6e", "[2001:db8:e::1]:443"),
    ("v4a", "192.0.2.1:443"),
    ("v4b", "198.51.100.1:443"),
    ("v4c", "203.0.113.1:443"),
    ("v4d", "198.18.4.1:443"),
    ("v4e", "198.18.5.1:443"),
    ("v4f", "198.18.6.1:443"),
    ("v6local", "[::1]:443"),
    ("v4local", "127.0.0.1:443"),
    ("v6link", "[fe80::1%7]:443"),
];

fn address(name: &str) -> SocketAddr {
    let known = NAMES.iter().find(|(known, _)| *known == name);
    known.expect("it is in the table").1.parse().unwrap()
}

fn name(text: &str) -> &'static str {
    NAMES.iter().find(|(_, known)| *known == text).expect("it is in the table").0
}

/// A clock and a history that several connects share.
struct Life {
    world: World,
    memory: Memory,
    history: History,
    policy: Policy,
}

impl Life {
    fn new(mode: Mode) -> Self {
        let memory = Memory::new();
        let history = History::new().with_store(memory.clone()).with_mode(mode);
        Self { world: World::new(), memory, history, policy: Policy::new() }
    }

    /// A dialer to addresses of these names and fates, all known at once.
    fn dialer(&self, fates: &[(&str, Fate)]) -> Scripted<SocketAddr> {
        let found = fates.iter().map(|(name, _)| address(name));
        let resolver = ScriptedResolver::new(&self.world.ledger).finds(
            ms(0),
            Record::Addresses,
            found.collect::<Vec<_>>(),
        );
        let connector = fates
            .iter()
            .fold(ScriptedConnector::new(&self.world.ledger), |connector, (name, fate)| {
                connector.at(address(name), fate.clone())
            });
        self.world
            .dialer(resolver, connector)
            .with_policy(self.policy.clone())
            .with_history(self.history.clone())
    }

    /// The story of one connect, with times from its own beginning.
    #[track_caller]
    fn connect(&self, fates: &[(&str, Fate)]) -> Vec<String> {
        self.connect_with(&self.dialer(fates))
    }

    #[track_caller]
    fn connect_with(&self, dialer: &Scripted<SocketAddr>) -> Vec<String> {
        let (began, before) = (self.world.clock.elapsed(), self.world.ledger.entries().len());
        let _ = self.world.run(dialer.connect(TARGET));
        let told = |step| match step {
            LedgerStep::Started => Some(""),
            LedgerStep::HandedOver => Some(" won"),
            _ => None,
        };
        let entries = self.world.ledger.entries();
        let line = |entry: &stagger_testkit::Entry| {
            let at = (entry.time - began).as_millis();
            told(entry.step).map(|what| format!("{at}:{}{what}", name(&entry.name)))
        };
        entries[before..].iter().filter_map(line).collect()
    }

    fn waits(&self, milliseconds: u64) {
        self.world.clock.advance(ms(milliseconds));
    }

    fn entry_of(&self, subject: impl Into<Subject>) -> Option<Knowledge> {
        let key = Key::new(self.history.network(), subject);
        self.memory.read(&key.with_partition(self.history.partition()))
    }

    /// The entry of an address's prefix.
    fn entry(&self, name: &str) -> Option<Knowledge> {
        self.entry_of(Subnet::of(address(name).ip()))
    }

    fn silences(&self, name: &str) -> u32 {
        self.entry(name).map_or(0, |entry| entry.silences())
    }

    fn now(&self) -> Instant {
        self.world.clock.now()
    }
}

fn silent() -> Fate {
    Fate::silent()
}

const DEAD_A: fn() -> [(&'static str, Fate); 2] = || [("v6a", silent()), ("v4a", connects(40))];

#[test]
fn a_silent_address_is_noted_when_the_race_is_won() {
    let life = Life::new(Mode::Delay);
    assert_eq!(life.connect(&DEAD_A()), ["0:v6a", "250:v4a", "290:v4a won"]);
    let v6a = life.entry("v6a").unwrap();
    assert_eq!((v6a.silences(), v6a.round_trip()), (1, None));
    assert_eq!(v6a.demoted_for(life.now()), Some(ms(60_000)));
    let v4a = life.entry("v4a").unwrap();
    assert_eq!((v4a.silences(), v4a.round_trip(), v4a.variance()), (0, Some(ms(40)), Some(ms(20))));
    let family = |family| life.entry_of(family).unwrap();
    assert_eq!((family(Family::Ipv6).silences(), family(Family::Ipv4).silences()), (0, 0));
    assert_eq!(family(Family::Ipv4).round_trip(), Some(ms(40)));
}

#[test]
fn past_a_silent_address_the_next_starts_after_10_ms_in_the_mode_delay() {
    let life = Life::new(Mode::Delay);
    life.connect(&DEAD_A());
    life.waits(10_000);
    assert_eq!(life.connect(&DEAD_A()), ["0:v6a", "10:v4a", "50:v4a won"]);
    // It ran for 50 ms, which is not silence.
    assert_eq!(life.silences("v6a"), 1);
}

#[test]
fn a_silent_address_goes_last_by_default() {
    let memory = Memory::new();
    let history = History::new().with_store(memory.clone());
    assert_eq!((history.mode(), Mode::default()), (Mode::Order, Mode::Order));
    let life = Life { memory, history, ..Life::new(Mode::Delay) };
    life.connect(&DEAD_A());
    assert_eq!(life.connect(&DEAD_A()), ["0:v4a", "40:v4a won"]);
}

#[test]
fn a_silent_address_goes_last_in_the_mode_order() {
    let life = Life::new(Mode::Order);
    life.connect(&DEAD_A());
    life.waits(10_000);
    assert_eq!(life.connect(&DEAD_A()), ["0:v4a", "40:v4a won"]);
}

#[test]
fn two_silent_prefixes_of_a_family_demote_it_at_hosts_never_met() {
    let life = Life::new(Mode::Order);
    life.connect(&DEAD_A());
    life.connect(&[("v6b", silent()), ("v4b", connects(40))]);
    let fates = [("v6c", connects(30)), ("v4c", connects(40))];
    assert_eq!(life.connect(&fates), ["0:v4c", "40:v4c won"]);
}

#[test]
fn in_the_mode_delay_a_demoted_family_is_followed_after_10_ms_at_hosts_never_met() {
    let life = Life::new(Mode::Delay);
    life.connect(&DEAD_A());
    life.connect(&[("v6b", silent()), ("v4b", connects(40))]);
    let fates = [("v6c", silent()), ("v4c", connects(40))];
    assert_eq!(life.connect(&fates), ["0:v6c", "10:v4c", "50:v4c won"]);
}

#[test]
fn a_demoted_family_demotes_its_known_addresses_too() {
    let life = Life::new(Mode::Delay);
    life.connect(&[("v6c", connects(30)), ("v4c", connects(40))]);
    life.connect(&[("v6a", silent()), ("v4a", connects(100))]);
    life.connect(&[("v6b", silent()), ("v4b", connects(100))]);
    // It connected before its family fell silent, so the silence is newer.
    let fates = [("v6c", silent()), ("v4c", connects(40))];
    assert_eq!(life.connect(&fates), ["0:v6c", "10:v4c", "50:v4c won"]);
}

#[test]
fn a_history_that_was_saved_after_each_connect_demotes_a_family_too() {
    let life = Life::new(Mode::Order);
    life.connect(&DEAD_A());
    let put_back = |saved: Vec<(Key, Knowledge)>| {
        let next = Life { world: World::new(), ..Life::new(Mode::Order) };
        next.memory.restore(saved.into_iter().map(|(key, entry)| {
            let mut copy = Knowledge::new();
            if let Some((smoothed, variance)) = entry.round_trip().zip(entry.variance()) {
                copy = copy.with_round_trip(smoothed, variance);
            }
            if let Some(left) = entry.demoted_for(life.now()) {
                copy = copy.with_silences(entry.silences(), next.now(), left);
            }
            if let Some(prefix) = entry.silent_subnet() {
                copy = copy.with_silent_subnet(prefix);
            }
            (key, copy)
        }));
        next
    };
    let next = put_back(life.memory.entries());
    next.connect(&[("v6b", silent()), ("v4b", connects(40))]);
    assert_eq!(next.entry_of(Family::Ipv6).unwrap().silences(), 1);
    let fates = [("v6c", connects(30)), ("v4c", connects(40))];
    assert_eq!(next.connect(&fates), ["0:v4c", "40:v4c won"]);
}

#[test]
fn one_silent_prefix_says_nothing_about_its_family() {
    let life = Life::new(Mode::Order);
    life.connect(&DEAD_A());
    life.waits(70_000);
    life.connect(&[("v6a2", silent()), ("v4a", connects(40))]);
    assert_eq!(life.silences("v6a"), 2);
    let fates = [("v6c", connects(30)), ("v4c", connects(40))];
    assert_eq!(life.connect(&fates), ["0:v6c", "30:v6c won"]);
}

#[test]
fn a_fast_address_is_followed_after_100_ms() {
    let life = Life::new(Mode::Delay);
    for sample in [30, 32, 31] {
        life.connect(&[("v6a", connects(sample)), ("v4a", connects(40))]);
    }
    assert_eq!(life.connect(&DEAD_A()), ["0:v6a", "100:v4a", "140:v4a won"]);
    // It ran for 140 ms, which is not silence.
    assert_eq!(life.silences("v6a"), 0);
}

#[test]
fn a_slow_address_is_given_its_time() {
    let life = Life::new(Mode::Delay);
    let slow = |took| [("v6a", connects(took)), ("v4a", connects(400))];
    // Nothing is known in the first race, so the policy's delay applies.
    assert_eq!(life.connect(&slow(300)), ["0:v6a", "250:v4a", "300:v6a won"]);
    for sample in [310, 305, 320] {
        let won = format!("{sample}:v6a won");
        assert_eq!(life.connect(&slow(sample)), ["0:v6a", won.as_str()]);
    }
    // With a variance of 70 ms the delay is 590 ms, rounded up from 586.
    assert_eq!(life.connect(&slow(5000))[..2], ["0:v6a", "590:v4a"]);
}

#[test]
fn the_time_of_a_lost_packet_is_no_sample() {
    let life = Life::new(Mode::Delay);
    life.connect(&[("v6a", connects(40))]);
    let before = life.entry("v6a").unwrap();
    life.connect(&[("v6a", connects(1045))]);
    assert_eq!(life.entry("v6a"), Some(before));
}

#[test]
fn a_refused_address_leaves_no_trace() {
    let life = Life::new(Mode::Delay);
    let refused = Fate::fails(ms(5));
    life.connect(&[("v6a", refused), ("v4a", connects(40))]);
    assert_eq!(life.entry("v6a"), None);
    assert_eq!(life.entry_of(Family::Ipv6), None);
    assert!(life.entry("v4a").is_some());
}

#[test]
fn a_cancelled_connect_leaves_no_trace() {
    let life = Life::new(Mode::Delay);
    let dialer = life.dialer(&DEAD_A());
    assert!(life.world.run_until(ms(150), dialer.connect(TARGET)).is_pending());
    assert!(life.memory.entries().is_empty());
}

#[test]
fn a_lost_race_leaves_no_trace() {
    let life =
        Life { policy: Policy::new().with_timeout(ms(3000)).unwrap(), ..Life::new(Mode::Delay) };
    let fates = [("v6a", silent()), ("v4a", Fate::fails(ms(10))), ("v4b", silent())];
    assert_eq!(life.connect(&fates), ["0:v6a", "250:v4a", "260:v4b"]);
    assert!(life.memory.entries().is_empty());
}

#[test]
fn another_network_and_another_partition_know_nothing() {
    let life = Life::new(Mode::Delay);
    let first = ["0:v6a", "250:v4a", "290:v4a won"];
    assert_eq!(life.connect(&DEAD_A()), first);
    let other = life.history.clone().with_partition(1);
    let dialer = life.dialer(&DEAD_A()).with_history(other);
    assert_eq!(life.connect_with(&dialer), first);
    life.history.set_network(NetworkKey::new(1));
    assert_eq!(life.connect(&DEAD_A()), first);
    life.history.set_network(NetworkKey::default());
    assert_eq!(life.connect(&DEAD_A()), ["0:v6a", "10:v4a", "50:v4a won"]);
}

#[test]
fn in_the_mode_order_the_first_connect_after_the_demotion_finds_the_address_again() {
    let life = Life::new(Mode::Order);
    life.connect(&DEAD_A());
    let healed = [("v6a", connects(30)), ("v4a", connects(40))];
    life.waits(59_999);
    assert_eq!(life.connect(&healed), ["0:v4a", "40:v4a won"]);
    assert_eq!(life.connect(&healed), ["0:v6a", "30:v6a won"]);
    let v6a = life.entry("v6a").unwrap();
    assert_eq!((v6a.silences(), v6a.round_trip()), (0, Some(ms(30))));
    assert_eq!(life.connect(&healed), ["0:v6a", "30:v6a won"]);
}

#[test]
fn in_the_mode_delay_the_first_success_of_the_preferred_address_clears_it() {
    let life = Life::new(Mode::Delay);
    life.connect(&DEAD_A());
    let healed = [("v6a", connects(30)), ("v4a", connects(40))];
    assert_eq!(life.connect(&healed), ["0:v6a", "10:v4a", "30:v6a won"]);
    assert_eq!(life.silences("v6a"), 0);
    assert_eq!(life.connect(&healed), ["0:v6a", "30:v6a won"]);
}

#[test]
fn in_the_mode_delay_an_address_that_is_slower_by_more_than_10_ms_wins_after_its_demotion() {
    let life = Life::new(Mode::Delay);
    life.connect(&DEAD_A());
    let healed = [("v6a", connects(51)), ("v4a", connects(40))];
    assert_eq!(life.connect(&healed), ["0:v6a", "10:v4a", "50:v4a won"]);
    // It lost, but it was not silent, so its demotion is not longer for that.
    life.waits(60_000 - 50);
    assert_eq!(life.connect(&healed), ["0:v6a", "51:v6a won"]);
    assert_eq!(life.silences("v6a"), 0);
}

#[test]
fn each_further_silence_demotes_for_twice_as_long() {
    let life = Life::new(Mode::Order);
    for minutes in [1, 2, 4, 8, 10, 10] {
        life.connect(&DEAD_A());
        let left = life.entry("v6a").unwrap().demoted_for(life.now());
        assert_eq!(left, Some(Duration::from_secs(60 * minutes)));
        life.waits(60_000 * minutes);
    }
}

#[test]
fn races_that_overlap_note_one_silence() {
    let life = Life::new(Mode::Order);
    let dialer = life.dialer(&DEAD_A());
    let mut connects: Vec<_> = (0..6).map(|_| Box::pin(dialer.connect(TARGET))).collect();
    for connect in &mut connects {
        // Each starts 10 ms after the one before.
        let until = life.world.clock.elapsed() + ms(10);
        assert!(life.world.clock.run_until(until, connect.as_mut()).is_pending());
    }
    for connect in connects {
        life.world.clock.run(connect).unwrap().hand_over();
    }
    assert_eq!(life.silences("v6a"), 1);
    assert!(life.entry("v6a").unwrap().demoted_for(life.now()) <= Some(ms(60_000)));
    // An attempt that starts later is one silence more.
    life.waits(60_000);
    life.connect(&DEAD_A());
    assert_eq!(life.silences("v6a"), 2);
}

#[test]
fn a_demoted_family_leads_again_when_its_time_is_over() {
    let life = Life::new(Mode::Order);
    life.connect(&DEAD_A());
    life.connect(&[("v6b", silent()), ("v4b", connects(40))]);
    let family = || life.entry_of(Family::Ipv6).unwrap();
    assert_eq!(family().demoted_for(life.now()), Some(ms(60_000)));
    let healed = [("v6c", connects(30)), ("v4c", connects(40))];
    life.waits(59_999);
    assert_eq!(life.connect(&healed), ["0:v4c", "40:v4c won"]);
    assert_eq!(life.connect(&healed), ["0:v6c", "30:v6c won"]);
    assert_eq!((family().silences(), family().silent_subnet()), (0, None));
}

#[test]
fn a_loopback_address_neither_ends_nor_learns_the_demotion_of_its_family() {
    let life = Life::new(Mode::Order);
    life.connect(&DEAD_A());
    life.connect(&[("v6b", silent()), ("v4b", connects(40))]);
    let local = [("v6local", connects(0)), ("v4local", connects(0))];
    assert_eq!(life.connect(&local), ["0:v6local", "0:v6local won"]);
    assert_eq!(life.entry("v6local").unwrap().round_trip(), Some(ms(0)));
    let fates = [("v6c", connects(30)), ("v4c", connects(40))];
    assert_eq!(life.connect(&fates), ["0:v4c", "40:v4c won"]);
    // The round-trip time of the family is that of the network.
    assert_eq!(life.entry_of(Family::Ipv4).unwrap().round_trip(), Some(ms(40)));
    assert_eq!(life.connect(&[("v4local", connects(0))]), ["0:v4local", "0:v4local won"]);
    assert_eq!(life.entry_of(Family::Ipv4).unwrap().round_trip(), Some(ms(40)));
}

#[test]
fn a_link_local_address_has_no_history() {
    let life = Life::new(Mode::Order);
    let fates = [("v6link", silent()), ("v4a", connects(40))];
    for _ in 0..2 {
        assert_eq!(life.connect(&fates), ["0:v6link", "250:v4a", "290:v4a won"]);
    }
    assert_eq!((life.entry("v6link"), life.entry_of(Family::Ipv6)), (None, None));
    life.connect(&[("v6link", connects(1))]);
    assert_eq!((life.entry("v6link"), life.entry_of(Family::Ipv6)), (None, None));
    // An entry that a program puts back changes nothing.
    let key = Key::new(life.history.network(), Subnet::of(address("v6link").ip()));
    life.memory.restore([(key, Knowledge::new().with_silences(1, life.now(), ms(60_000)))]);
    assert_eq!(life.connect(&fates), ["0:v6link", "250:v4a", "290:v4a won"]);
}

#[test]
fn any_success_of_a_family_ends_its_demotion() {
    let life = Life::new(Mode::Delay);
    life.connect(&DEAD_A());
    life.connect(&[("v6b", silent()), ("v4b", connects(40))]);
    let next = life.history.recall(address("v6d").ip(), life.now()).pace().unwrap();
    assert_eq!((next.delay, next.reason), (ms(10), Reason::SilentFamily));
    life.connect(&[("v6c", connects(30)), ("v4c", connects(90))]);
    let next = life.history.recall(address("v6d").ip(), life.now()).pace().unwrap();
    assert_eq!((next.delay, next.reason), (ms(100), Reason::FamilyRoundTrip));
    // The prefixes stay demoted.
    let next = life.history.recall(address("v6a").ip(), life.now()).pace().unwrap();
    assert_eq!((next.delay, next.reason), (ms(10), Reason::Silent));
}

#[test]
fn an_unknown_address_of_a_known_family_is_followed_after_twice_its_round_trip_time() {
    let life = Life::new(Mode::Delay);
    life.connect(&[("v6a", connects(61)), ("v4a", connects(40))]);
    let fates = [("v6b", silent()), ("v4b", connects(40))];
    assert_eq!(life.connect(&fates), ["0:v6b", "130:v4b", "170:v4b won"]);
}

#[test]
fn inside_a_family_known_addresses_are_sorted_by_round_trip_time_in_steps_of_50_ms() {
    let life = Life::new(Mode::Delay);
    life.connect(&[("v6b", connects(120))]);
    life.connect(&[("v6c", connects(30))]);
    life.connect(&[("v6d", connects(49))]);
    let fates = |names: [&'static str; 4]| names.map(|name| (name, silent()));
    let started = |life: &Life, names| -> Vec<&str> {
        let began = life.world.ledger.starts().len();
        let dialer = life.dialer(&fates(names));
        let until = life.world.clock.elapsed() + ms(2000);
        assert!(life.world.run_until(until, dialer.connect(TARGET)).is_pending());
        life.world.ledger.starts()[began..].iter().map(|entry| name(&entry.name)).collect()
    };
    assert_eq!(started(&life, ["v6b", "v6a", "v6d", "v6c"]), ["v6d", "v6a", "v6c", "v6b"]);
    assert_eq!(started(&life, ["v6b", "v6a", "v6c", "v6d"]), ["v6c", "v6a", "v6d", "v6b"]);
    let life = Life { policy: Policy::new().with_order(Order::Resolver), ..life };
    assert_eq!(started(&life, ["v6b", "v6a", "v6d", "v6c"]), ["v6b", "v6a", "v6d", "v6c"]);
}

#[test]
fn demoted_addresses_alternate_behind_the_others() {
    let life = Life::new(Mode::Order);
    life.connect(&DEAD_A());
    let dead = |name| (name, silent());
    let fates = ["v6a", "v6b", "v6c", "v4b", "v4c"].map(dead);
    let began = life.world.ledger.starts().len();
    let until = life.world.clock.elapsed() + ms(3000);
    assert!(life.world.run_until(until, life.dialer(&fates).connect(TARGET)).is_pending());
    let starts = life.world.ledger.starts();
    let order: Vec<_> = starts[began..].iter().map(|entry| name(&entry.name)).collect();
    assert_eq!(order, ["v6b", "v4b", "v6c", "v4c", "v6a"]);
}

#[test]
fn a_history_makes_no_attempts_overlap_that_run_one_after_another() {
    let policy = Policy::new().without_overlap().with_attempt_timeout(ms(1000)).unwrap();
    let life = Life { policy, ..Life::new(Mode::Delay) };
    assert_eq!(life.connect(&DEAD_A()), ["0:v6a", "1000:v4a", "1040:v4a won"]);
    // The timed-out attempt was silent.
    assert_eq!(life.silences("v6a"), 1);
    assert_eq!(life.connect(&DEAD_A()), ["0:v6a", "1000:v4a", "1040:v4a won"]);
}

#[test]
fn an_unreachable_address_counts_as_silent() {
    for kind in [io::ErrorKind::NetworkUnreachable, io::ErrorKind::HostUnreachable] {
        let history = History::new();
        let clock = Clock::new();
        let connector = connector_fn(move |to: SocketAddr| async move {
            if to.is_ipv6() { Err(io::Error::from(kind)) } else { Ok(()) }
        });
        let resolver = ScriptedResolver::<SocketAddr>::new(&Ledger::new(&clock));
        let dialer = Dialer::new(resolver, connector, clock.clone()).with_history(history.clone());
        let addresses = ["v6a", "v4a"].map(address);
        clock.run(dialer.connect_addresses(addresses)).unwrap();
        let recall = history.recall(addresses[0].ip(), clock.now());
        assert_eq!(recall.demoted_for(), Some(ms(60_000)), "{kind}");
    }
}

#[test]
fn an_attempt_that_the_system_times_out_counts_as_silent() {
    for (kind, took, silences) in [
        (io::ErrorKind::TimedOut, 3000, 1),
        (io::ErrorKind::TimedOut, 199, 0),
        (io::ErrorKind::ConnectionReset, 3000, 0),
    ] {
        // One attempt at a time, because otherwise the race drops the attempt before.
        let policy = Policy::new().without_overlap();
        let life = Life { policy: policy.clone(), ..Life::new(Mode::Order) };
        let clock = life.world.clock.clone();
        let connector = connector_fn(move |to: SocketAddr| {
            let (clock, is_dead) = (clock.clone(), to.is_ipv6());
            async move {
                clock.sleep_until(clock.now() + ms(if is_dead { took } else { 40 })).await;
                if is_dead { Err(io::Error::from(kind)) } else { Ok(()) }
            }
        });
        let resolver = ScriptedResolver::<SocketAddr>::new(&life.world.ledger);
        let dialer = Dialer::new(resolver, connector, life.world.clock.clone())
            .with_policy(policy)
            .with_history(life.history.clone());
        life.world.clock.run(dialer.connect_addresses(["v6a", "v4a"].map(address))).unwrap();
        assert_eq!(life.silences("v6a"), silences, "{kind} after {took} ms");
    }
}

#[test]
fn a_handshake_that_stalls_is_silence() {
    let life = Life::new(Mode::Order);
    let stalls = [("v6a", silent().progressing(ms(20))), ("v4a", connects(40))];
    let race = life.connect(&stalls);
    assert_eq!(
        race.last().unwrap(),
        &format!("{}:v4a won", life.world.clock.elapsed().as_millis())
    );
    assert_eq!(life.silences("v6a"), 1);
    assert_eq!(life.connect(&stalls), ["0:v4a", "40:v4a won"]);
}

#[test]
fn a_race_that_a_final_failure_ends_leaves_no_trace() {
    let life = Life::new(Mode::Order);
    let addresses = ["v6a", "v4a"].map(address);
    let resolver = ScriptedResolver::<SocketAddr>::new(&life.world.ledger);
    let resolver = resolver.finds(ms(0), Record::Addresses, addresses);
    let connector = ScriptedConnector::new(&life.world.ledger)
        .at(addresses[0], silent())
        .at(addresses[1], Fate::fails(ms(40)).saying("the end"))
        .with_final_error("the end");
    let dialer = life.world.dialer(resolver, connector).with_history(life.history.clone());
    let error = life.world.run(dialer.connect(TARGET)).unwrap_err();
    assert!(error.is_final(), "{error}");
    assert_eq!(life.world.clock.elapsed(), ms(290));
    assert!(life.memory.entries().is_empty());
}

#[test]
fn a_literal_is_noted_with_its_own_time() {
    let life = Life::new(Mode::Delay);
    let dialer = life.dialer(&[("v4a", connects(40))]);
    life.waits(5);
    let _ = life.world.run(dialer.connect("192.0.2.1:443")).unwrap();
    assert_eq!(life.entry("v4a").unwrap().round_trip(), Some(ms(40)));
}

#[test]
fn a_network_that_changes_during_a_race_or_is_forgotten_learns_nothing_from_it() {
    let change = |history: &History| history.set_network(NetworkKey::new(1));
    let forget = |history: &History| history.forget(NetworkKey::default());
    for change in [change as fn(&History), forget] {
        let life = Life::new(Mode::Delay);
        let dialer = life.dialer(&DEAD_A());
        let mut connect = pin!(dialer.connect(TARGET));
        assert!(life.world.clock.run_until(ms(100), connect.as_mut()).is_pending());
        change(&life.history);
        life.world.clock.run(connect).unwrap().hand_over();
        assert!(life.memory.entries().is_empty());
        // The same network once more is no change.
        life.history.set_network(life.history.network());
        life.connect(&DEAD_A());
        assert_eq!(life.memory.entries().len(), 4);
    }
}

#[test]
fn a_clock_that_is_set_back_or_by_a_year_changes_delays_and_fails_no_connect() {
    let life = Life::new(Mode::Delay);
    life.connect(&DEAD_A());
    life.waits(1000 * 60 * 60 * 24 * 365);
    assert_eq!(life.connect(&DEAD_A()), ["0:v6a", "250:v4a", "290:v4a won"]);
    assert_eq!(life.silences("v6a"), 2);

    // A new clock starts a year earlier, with the same history.
    let early = Life {
        memory: life.memory.clone(),
        history: life.history.clone(),
        ..Life::new(Mode::Delay)
    };
    assert!(early.now() < life.now());
    assert_eq!(early.connect(&DEAD_A()), ["0:v6a", "250:v4a", "290:v4a won"]);
    assert_eq!(early.silences("v6a"), 3);
    assert_eq!(early.connect(&DEAD_A()), ["0:v6a", "10:v4a", "50:v4a won"]);
}

#[test]
fn ten_thousand_networks_leave_eight() {
    let life = Life::new(Mode::Delay);
    let dialer = life.dialer(&[("v4a", connects(0))]);
    for network in 0..10_000 {
        life.history.set_network(NetworkKey::new(network));
        life.world.clock.run(dialer.connect(TARGET)).unwrap().hand_over();
    }
    assert_eq!(life.memory.entries().len(), 8 * 2);
    assert!(life.entry("v4a").is_some());
}

#[test]
fn the_report_says_why_a_start_came_early() {
    let life = Life::new(Mode::Delay);
    life.connect(&DEAD_A());
    let connect = life.dialer(&DEAD_A()).connect(TARGET).with_report();
    let (_, report) = life.world.run(connect).unwrap();
    assert_eq!(
        attempts(&report),
        ["[2001:db8:a::1]:443 0-50 dropped", "192.0.2.1:443 10-50 connected"]
    );
    let reasons: Vec<_> = report.attempts().iter().map(|attempt| attempt.pace.unwrap()).collect();
    assert_eq!((reasons[0].delay, reasons[0].reason), (ms(10), Reason::Silent));
    assert_eq!((reasons[1].delay, reasons[1].reason), (ms(120), Reason::RoundTrip));
    let text = report.into_text().to_string();
    assert!(
        text.contains(
            "[2001:db8:a::1]:443, started at 0 s, dropped at 50 ms; \
             next start after 10 ms, because the address was silent before\n"
        ),
        "{text}"
    );
}

#[test]
fn the_report_says_why_an_address_came_late() {
    let life = Life::new(Mode::Order);
    life.connect(&DEAD_A());
    let connect = life.dialer(&DEAD_A()).connect(TARGET).with_report();
    let (_, report) = life.world.run(connect).unwrap();
    assert_eq!(report.demoted(), [address("v6a")]);
    let text = report.into_text().to_string();
    let expected =
        "[2001:db8:a::1]:443, behind all others because it or its family was silent before";
    assert!(text.lines().any(|line| line == expected), "{text}");
}

#[test]
fn the_report_of_a_demoted_family_does_not_say_that_its_address_was_silent() {
    let life = Life::new(Mode::Order);
    life.connect(&DEAD_A());
    life.connect(&[("v6b", silent()), ("v4b", connects(40))]);
    let fates = [("v6c", connects(30)), ("v4c", Fate::fails(ms(5)))];
    let connect = life.dialer(&fates).connect(TARGET).with_report();
    let (_, report) = life.world.run(connect).unwrap();
    assert_eq!(report.demoted(), [address("v6c")]);
    // The address itself was never tried before.
    let reasons: Vec<_> = report.attempts().iter().map(|attempt| attempt.pace.unwrap()).collect();
    assert_eq!(reasons[1].reason, Reason::SilentFamily);
    let text = report.into_text().to_string();
    assert!(text.contains("[2001:db8:c::1]:443, behind all others because it or its family "));
}

#[test]
fn a_dialer_without_a_history_reports_none() {
    let life = Life::new(Mode::Order);
    life.connect(&DEAD_A());
    let dialer = life.dialer(&DEAD_A()).without_history();
    assert!(dialer.history().is_none());
    let (_, report) = life.world.run(dialer.connect(TARGET).with_report()).unwrap();
    assert!(report.demoted().is_empty());
    assert!(report.attempts().iter().all(|attempt| attempt.pace.is_none()));
    assert_eq!(report.elapsed(), ms(290));
}

/// Records the steps that a history causes.
#[derive(Clone, Default)]
struct Diary(Rc<RefCell<Vec<String>>>);

impl Observer<SocketAddr> for Diary {
    fn step(&mut self, at: Duration, step: Step<'_, SocketAddr>) {
        let line = match step {
            Step::Demoted { address, demoted_for, .. } => {
                format!("{} demoted for {demoted_for:?}", name(&address.to_string()))
            }
            Step::Outranked { address, round_trip, .. } => {
                format!("{} outranked with {round_trip:?}", name(&address.to_string()))
            }
            Step::Started { address, pace, .. } => {
                let pace = pace.map_or_else(|| "unknown".to_owned(), |pace| pace.to_string());
                format!("{} started: {pace}", name(&address.to_string()))
            }
            _ => return,
        };
        self.0.borrow_mut().push(format!("{} {line}", at.as_millis()));
    }
}

#[test]
fn an_observer_receives_demotions_and_delays() {
    let life = Life::new(Mode::Order);
    life.connect(&DEAD_A());
    life.waits(30_000);
    let diary = Diary::default();
    let dialer = life.dialer(&DEAD_A()).with_observer(diary.clone());
    let _ = life.world.run(dialer.connect(TARGET)).unwrap();
    let expected = [
        "0 v6a demoted for 30s",
        "0 v4a started: 120 ms, because the address has connected before",
    ];
    assert_eq!(*diary.0.borrow(), expected);
}

/// A life in which these addresses have connected after these times.
fn life_with(round_trips: &[(&'static str, u64)]) -> Life {
    let life = Life::new(Mode::Order);
    for (name, took) in round_trips {
        let entry = Knowledge::new().with_round_trip(ms(*took), ms(0));
        let key = Key::new(NetworkKey::default(), Subnet::of(address(name).ip()));
        life.memory.restore([(key, entry)]);
    }
    life
}

/// The outranked addresses of a report.
fn outranked(report: &Report<SocketAddr>) -> Vec<(&'static str, Duration)> {
    let moved = report.outranked().iter();
    moved.map(|it| (name(&it.address.to_string()), it.round_trip)).collect()
}

#[test]
fn the_report_says_why_an_address_came_late_in_its_family() {
    let life = life_with(&[("v6a", 310), ("v6b", 30), ("v4a", 40)]);
    let fates = [("v6a", silent()), ("v4a", silent()), ("v6b", connects(200))];
    let connect = life.dialer(&fates).connect(TARGET).with_report();
    let (_, report) = life.world.run(connect).unwrap();
    assert_eq!(
        attempts(&report),
        ["[2001:db8:b::1]:443 0-200 connected", "192.0.2.1:443 100-200 dropped"]
    );
    assert_eq!(outranked(&report), [("v6a", ms(310))]);
    assert!(report.demoted().is_empty());
    let text = report.into_text().to_string();
    let expected = "[2001:db8:a::1]:443, behind faster addresses of its family, \
                    because its round-trip time is 310 ms";
    assert_eq!(text.lines().last(), Some(expected), "{text}");
    assert_eq!(text.matches("faster").count(), 1, "{text}");
}

#[test]
fn an_order_that_stays_is_not_told() {
    let both = |life: &Life, names: [&'static str; 2]| {
        let fates = names.map(|name| (name, connects(30)));
        let connect = life.dialer(&fates).connect(TARGET).with_report();
        let (_, report) = life.world.run(connect).unwrap();
        outranked(&report)
    };
    let known = || life_with(&[("v6a", 310), ("v6b", 30)]);
    assert_eq!(both(&known(), ["v6a", "v6b"]), [("v6a", ms(310))]);
    assert_eq!(both(&known(), ["v6b", "v6a"]), []);
    // These are in the same step of 50 ms.
    assert_eq!(both(&life_with(&[("v6a", 49), ("v6b", 30)]), ["v6a", "v6b"]), []);
    // Nothing compares an unknown address, or one of the other family.
    assert_eq!(both(&known(), ["v6a", "v6c"]), []);
    assert_eq!(both(&life_with(&[("v6a", 310), ("v4a", 30)]), ["v6a", "v4a"]), []);
    let order = Policy::new().with_order(Order::Resolver);
    assert_eq!(both(&Life { policy: order, ..known() }, ["v6a", "v6b"]), []);
    let other = known();
    other.history.set_network(NetworkKey::new(1));
    assert_eq!(both(&other, ["v6a", "v6b"]), []);
}

/// A dialer whose answers come one after another: IPv6, IPv6 again, and IPv4.
fn in_three_answers(life: &Life, connector: ScriptedConnector) -> Scripted<SocketAddr> {
    let found = |names: [&str; 2]| names.map(address);
    let resolver = ScriptedResolver::new(&life.world.ledger)
        .finds(ms(5), Record::Aaaa, found(["v6a", "v6b"]))
        .finds(ms(60), Record::A, found(["v4b", "v4a"]))
        .finds(ms(70), Record::Aaaa, found(["v6a", "v6b"]));
    Dialer::new(resolver, connector, life.world.clock.clone()).with_history(life.history.clone())
}

/// Known addresses that never connect, for [`in_three_answers`].
fn four_known() -> (Life, ScriptedConnector) {
    let life = life_with(&[("v6a", 310), ("v6b", 100), ("v4b", 210), ("v4a", 40)]);
    let names = ["v6a", "v6b", "v4b", "v4a"];
    let none = ScriptedConnector::new(&life.world.ledger);
    let silent = names.iter().fold(none, |all, name| all.at(address(name), silent()));
    (life, silent)
}

#[test]
fn an_observer_learns_at_each_answer_which_addresses_are_outranked_and_each_once() {
    let (life, connector) = four_known();
    let (diary, recorder) = (Diary::default(), Recorder::new());
    let observers = (diary.clone(), recorder.clone());
    let dialer = in_three_answers(&life, connector).with_observer(observers);
    assert!(life.world.run_until(ms(300), dialer.connect(TARGET)).is_pending());
    let expected = [
        "5 v6a outranked with 310ms",
        "5 v6b started: 130 ms, because the address has connected before",
        "60 v4b outranked with 210ms",
        "135 v4a started: 100 ms, because the address has connected before",
        "235 v6a started: 390 ms, because the address has connected before",
    ];
    assert_eq!(*diary.0.borrow(), expected);
    let report = recorder.report(ms(300));
    assert_eq!(outranked(&report), [("v6a", ms(310)), ("v4b", ms(210))]);
}

#[test]
fn an_address_that_has_started_is_not_outranked() {
    let life = life_with(&[("v6a", 310), ("v6b", 30)]);
    let resolver = ScriptedResolver::new(&life.world.ledger)
        .finds(ms(0), Record::Addresses, [address("v6a")])
        .finds(ms(50), Record::Addresses, [address("v6b")]);
    let connector = ScriptedConnector::new(&life.world.ledger)
        .at(address("v6a"), connects(310))
        .at(address("v6b"), silent());
    let diary = Diary::default();
    let dialer = Dialer::new(resolver, connector, life.world.clock.clone())
        .with_history(life.history.clone())
        .with_observer(diary.clone());
    let _ = life.world.run(dialer.connect(TARGET)).unwrap();
    assert_eq!(
        *diary.0.borrow(),
        ["0 v6a started: 390 ms, because the address has connected before"]
    );
}

/// A diary of an observer that is not listening.
#[derive(Clone, Default)]
struct Deaf(Diary);

impl Observer<SocketAddr> for Deaf {
    fn step(&mut self, at: Duration, step: Step<'_, SocketAddr>) {
        self.0.step(at, step);
    }

    fn is_listening(&self) -> bool {
        false
    }
}

#[test]
fn an_observer_that_is_not_listening_learns_of_no_moved_address() {
    let (life, connector) = four_known();
    let store = Counting::default();
    for (key, entry) in life.memory.entries() {
        store.update(&key, &mut |own| *own = entry.clone());
    }
    let life = Life { history: life.history.clone().with_store(store.clone()), ..life };
    let reads = || store.0.lock().unwrap().1[0];
    let (deaf, diary) = (Deaf::default(), Diary::default());
    let dialer = in_three_answers(&life, connector);
    let with_deaf = dialer.clone().with_observer(deaf.clone());
    assert!(life.world.run_until(ms(300), with_deaf.connect(TARGET)).is_pending());
    assert!(deaf.0.0.borrow().iter().all(|line| !line.contains("outranked")));
    let without = reads();
    let dialer = dialer.with_observer(diary.clone());
    assert!(life.world.run_until(ms(600), dialer.connect(TARGET)).is_pending());
    // Each of the two steps has read the entries of an address and of its family once more.
    assert_eq!(reads() - without, without + 2 * 2);
}

/// A connector that reaches every address through the same target.
#[derive(Clone)]
struct Via(Scripted<SocketAddr>);

impl Connector<SocketAddr> for Via {
    type Connection = Connection;
    type Error = Error;
    type Attempt = Pin<Box<dyn Future<Output = Result<Connection, Error>>>>;

    fn connect(&self, to: Candidate<SocketAddr>) -> Self::Attempt {
        let target = Target::parse("proxy.example:1080").unwrap();
        Box::pin(Connector::connect(&self.0, to.child(target)))
    }
}

#[test]
fn the_report_of_a_race_inside_an_attempt_has_its_outranked_addresses() {
    let (life, _) = four_known();
    let connector = ScriptedConnector::new(&life.world.ledger).at(address("v6b"), connects(20));
    let via = Via(in_three_answers(&life, connector));
    let dialer =
        Dialer::new(ScriptedResolver::new(&life.world.ledger), via, life.world.clock.clone());
    let connect = dialer.connect_addresses([address("v6c")]).with_report();
    let (_, report) = life.world.run(connect).unwrap();
    assert_eq!(outranked(&report), []);
    let [inner] = &report.attempts()[0].children[..] else { panic!("one race was inside") };
    let [late] = inner.outranked() else { panic!("one address was moved") };
    assert_eq!((&*late.address, late.round_trip), ("[2001:db8:a::1]:443", ms(310)));
}

#[test]
fn the_report_of_a_lookup_alone_has_its_outranked_addresses() {
    let (life, connector) = four_known();
    let dialer = in_three_answers(&life, connector);
    let (addresses, report) = life.world.clock.run(dialer.resolve_all(TARGET)).unwrap();
    assert_eq!(addresses, ["v6b", "v4a", "v6a", "v4b"].map(address));
    assert_eq!(outranked(&report), [("v6a", ms(310)), ("v4b", ms(210))]);
}

#[test]
fn a_lookup_alone_returns_the_addresses_in_the_order_of_the_history() {
    let life = Life::new(Mode::Order);
    life.connect(&DEAD_A());
    let dialer = life.dialer(&DEAD_A());
    let (addresses, report) = life.world.clock.run(dialer.resolve(TARGET)).unwrap();
    assert_eq!(addresses, [address("v4a"), address("v6a")]);
    assert_eq!(report.demoted(), [address("v6a")]);
}

#[test]
fn an_address_with_its_connector_has_the_history_of_the_address() {
    use stagger::address::Address;
    let ledger = Ledger::new(&Clock::new());
    let at = ScriptedConnector::new(&ledger).at(address("v4a"), connects(1));
    assert_eq!(
        Address::ip(&Connector::<SocketAddr>::at(at, address("v4a"))),
        Some(address("v4a").ip())
    );
    assert_eq!(Address::ip(&Target::parse("192.0.2.1:443").unwrap()), None);
}

/// A store that counts its calls.
#[derive(Clone, Default)]
struct Counting(Arc<Mutex<Counted>>);

/// The entries, and the calls of each method.
type Counted = (HashMap<Key, Knowledge>, [usize; 3]);

impl Store for Counting {
    fn read(&self, key: &Key) -> Option<Knowledge> {
        let mut state = self.0.lock().unwrap();
        state.1[0] += 1;
        state.0.get(key).cloned()
    }

    fn update(&self, key: &Key, change: &mut dyn FnMut(&mut Knowledge)) {
        let mut state = self.0.lock().unwrap();
        state.1[1] += 1;
        change(state.0.entry(*key).or_default());
    }

    fn forget(&self, network: NetworkKey) {
        let mut state = self.0.lock().unwrap();
        state.1[2] += 1;
        state.0.retain(|key, _| key.network != network);
    }
}

#[test]
fn a_custom_store_takes_the_place_of_the_built_in_store() {
    let store = Counting::default();
    let life = Life::new(Mode::Delay);
    let life = Life { history: life.history.clone().with_store(store.clone()), ..life };
    life.connect(&DEAD_A());
    assert_eq!(life.connect(&DEAD_A()), ["0:v6a", "10:v4a", "50:v4a won"]);
    life.history.forget(NetworkKey::default());
    let (entries, [reads, updates, forgotten]) = &*store.0.lock().unwrap();
    assert!(*reads > 0 && entries.is_empty());
    // Both winners with their family, and the silent address with its own.
    assert_eq!((*updates, *forgotten), (6, 1));
    assert!(life.memory.entries().is_empty());
}

/// A store whose first note lets another thread forget everything.
#[derive(Clone)]
struct Overtaken {
    memory: Memory,
    other: Arc<Mutex<Option<OtherThread>>>,
}

/// A request to another thread, and its answer.
type OtherThread = (mpsc::Sender<()>, mpsc::Receiver<()>);

impl Store for Overtaken {
    fn read(&self, key: &Key) -> Option<Knowledge> {
        self.memory.read(key)
    }

    fn update(&self, key: &Key, change: &mut dyn FnMut(&mut Knowledge)) {
        if let Some((ask, done)) = self.other.lock().unwrap().take() {
            ask.send(()).unwrap();
            // No answer can come while this note lasts. So this waits for its full time.
            let waited = done.recv_timeout(ms(50));
            assert_eq!(waited, Err(mpsc::RecvTimeoutError::Timeout));
        }
        self.memory.update(key, change);
    }

    fn forget(&self, network: NetworkKey) {
        self.memory.forget(network);
    }
}

#[test]
fn a_race_that_ends_while_another_thread_forgets_leaves_no_trace() {
    let ((ask, asked), (tell, done)) = (mpsc::channel(), mpsc::channel());
    let other = Arc::new(Mutex::new(Some((ask, done))));
    let store = Overtaken { memory: Memory::new(), other };
    let life = Life::new(Mode::Order);
    let life = Life { history: life.history.clone().with_store(store.clone()), ..life };
    let history = life.history.clone();
    let forgetting = thread::spawn(move || {
        asked.recv().unwrap();
        history.forget(NetworkKey::default());
        let _ = tell.send(());
    });
    life.connect(&DEAD_A());
    forgetting.join().unwrap();
    assert!(store.memory.entries().is_empty());
}

#[test]
fn a_literal_asks_its_store_nothing() {
    let store = Counting::default();
    let life = Life::new(Mode::Delay);
    let life = Life { history: life.history.clone().with_store(store.clone()), ..life };
    let dialer = life.dialer(&[("v4a", connects(40))]);
    let _ = life.world.run(dialer.connect("192.0.2.1:443")).unwrap();
    assert_eq!(store.0.lock().unwrap().1, [0, 2, 0]);
}

#[test]
fn hostile_entries_that_are_put_back_fail_no_connect() {
    let life = Life::new(Mode::Order);
    let now = life.now();
    let hostile = Knowledge::new().with_round_trip(Duration::MAX, Duration::MAX).with_silences(
        u32::MAX,
        now,
        Duration::MAX,
    );
    let key = |subject: Subject| Key::new(NetworkKey::default(), subject);
    let prefix = |name: &str| Subject::from(Subnet::of(address(name).ip()));
    let subjects = [prefix("v6a"), prefix("v4a"), Family::Ipv6.into(), Family::Ipv4.into()];
    life.memory.restore(subjects.map(|subject| (key(subject), hostile.clone())));
    assert_eq!(life.connect(&DEAD_A()), ["0:v6a", "10:v4a", "50:v4a won"]);
    assert_eq!(life.silences("v4a"), 0);
    let left = life.entry("v6a").unwrap().demoted_for(life.now());
    assert_eq!(left, Some(Duration::from_secs(600) - ms(50)));
}

#[test]
fn a_shared_history_can_be_sent_between_threads() {
    fn assert_shared<T: Send + Sync + 'static>(_: &T) {}
    let life = Life::new(Mode::Delay);
    assert_shared(&life.history);
    assert_shared(&life.memory);
    let dialer = life.dialer(&DEAD_A());
    fn assert_send<T: Send + 'static>(_: &T) {}
    assert_send(&dialer.connect(TARGET));
    let text = format!("{:?}", life.history);
    let expected = "History { mode: Delay, partition: 0, network: NetworkKey(0), .. }";
    assert_eq!(text, expected);
    let _: IpAddr = address("v6e").ip();
}
