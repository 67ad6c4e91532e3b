//! A hostile or endless resolver, list or attempt stays cheap, and never blocks a connect.

mod support;

use std::cell::Cell;
use std::future::{Ready, pending, ready};
use std::net::{Ipv6Addr, SocketAddr};

use futures_lite::{future, stream};
use stagger::connect::{connector_fn, endpoint_fn};
use stagger::error::{ErrorKind, Phase};
use stagger::race::Loss;
use stagger::race::race_stream;
use stagger::resolve::{Query, Record, Update, resolver_fn};
use stagger::{Answer, Policy, Resolver};
use stagger_testkit::{Clock, Fate, Place, ScriptedError, ms};
use support::told::race;
use support::{TARGET, World, attempts, connects, errors, fails, within};

fn address(number: usize) -> SocketAddr {
    let host = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, (number >> 16) as u16, number as u16);
    SocketAddr::from((host, 80))
}

/// Refuses every address at once.
fn refused(_: SocketAddr) -> Ready<Result<stagger_testkit::Connection, ScriptedError>> {
    ready(Err(ScriptedError::new("refused")))
}

/// Resolves every name to these answers.
fn answering<I>(
    answers: fn() -> I,
) -> impl Resolver<Address = SocketAddr, Error = ScriptedError, Answers: Unpin>
where
    I: Iterator<Item = Answer<SocketAddr, ScriptedError>>,
{
    resolver_fn(move |_: &Query| stream::iter(answers()))
}

fn found(numbers: std::ops::Range<usize>) -> Answer<SocketAddr, ScriptedError> {
    Answer::found(Record::Aaaa, numbers.map(address))
}

/// The numbers of attempts and skips if all attempts fail, and the kind of the error.
fn counts<R>(policy: Policy, resolver: R) -> (usize, usize, ErrorKind)
where
    R: Resolver<Address = SocketAddr, Error = ScriptedError>,
{
    let world = World::new();
    let dialer = world.dialer(resolver, connector_fn(refused)).with_policy(policy);
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    let made = error.report().failures().count();
    (made, error.report().attempts().len() - made, error.kind())
}

#[test]
fn no_more_than_sixty_four_addresses_are_tried() {
    let many = || std::iter::once(found(0..100));
    assert_eq!(counts(Policy::new(), answering(many)), (64, 0, ErrorKind::Connection));
    let few = Policy::new().with_max_addresses(3).unwrap();
    assert_eq!(counts(few, answering(many)), (3, 0, ErrorKind::Connection));
    let all = Policy::unlimited();
    assert_eq!(counts(all, answering(many)), (100, 0, ErrorKind::Connection));
}

#[test]
fn the_limit_counts_all_answers_together() {
    let policy = Policy::new().with_max_addresses(5).unwrap();
    let answers = || [found(0..3), found(3..6), found(6..9)].into_iter();
    assert_eq!(counts(policy, answering(answers)), (5, 0, ErrorKind::Connection));
}

#[test]
fn at_the_limit_both_families_have_their_share() {
    let world = World::new();
    let places = ["v6a", "v6b", "v6c", "v6d", "v4a", "v4b", "v4c"].map(|place| (place, fails(0)));
    let dialer = world.places(places).with_policy(Policy::new().with_max_addresses(4).unwrap());
    world.run(dialer.connect(TARGET)).unwrap_err();
    assert_eq!(world.starts(), ["0 v6a", "0 v4a", "0 v6b", "0 v4b"]);
}

#[test]
fn a_late_answer_may_still_take_what_the_limit_leaves() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(0), Record::Aaaa, ["v6a", "v6b", "v6c"]).finds(
        ms(10),
        Record::A,
        ["v4a"],
    );
    let fates = ["v6a", "v6b", "v4a"].map(|place| (place, Fate::silent()));
    let policy = Policy::new().with_max_addresses(2).unwrap();
    let dialer = world.dialer(resolver, world.connector(fates)).with_policy(policy);
    assert!(world.run_until(ms(5000), dialer.connect(TARGET)).is_pending());
    assert_eq!(world.starts(), ["0 v6a", "250 v4a"]);
}

#[test]
fn when_the_limit_is_spent_the_last_failure_ends_a_connect_whose_lookup_goes_on() {
    let world = World::new();
    let resolver =
        world.resolver().finds(ms(0), Record::Addresses, ["v6a", "v6b", "v6c"]).never_ends();
    let connector = world.connector([("v6a", fails(5)), ("v6b", fails(5))]);
    let policy = Policy::new().with_max_addresses(2).unwrap();
    let dialer = world.dialer(resolver, connector).with_policy(policy);
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    assert_eq!((error.kind(), world.elapsed()), (ErrorKind::Connection, 10));
}

#[test]
fn a_thousand_copies_of_one_address_are_one_attempt() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(0), Record::Addresses, vec!["v6"; 1000]);
    let dialer = world.dialer(resolver, world.connector([("v6", fails(2))]));
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    assert_eq!(attempts(error.report()), ["v6 0-2 failed: v6 failed"]);
}

#[test]
fn a_thousand_refused_endpoints_take_no_time_and_a_deadline_holds_among_them() {
    let world = World::new();
    let refused = |after| vec![world.endpoint("refused", fails(after)); 1000];
    let error = world.run(stagger::race(refused(0), world.clock.clone())).unwrap_err();
    assert_eq!((errors(error.report()).len(), world.elapsed()), (1000, 0));
    let policy = Policy::unlimited().with_timeout(ms(100)).unwrap();
    let race = stagger::race(refused(1), world.clock.clone()).with_policy(policy);
    let error = world.run(race).unwrap_err();
    assert_eq!(error.loss(), Loss::TimedOut(Phase::Connecting));
    assert_eq!((errors(error.report()).len(), world.elapsed()), (100, 100));
}

#[test]
fn an_answer_of_ten_thousand_addresses_is_cut_short() {
    let huge = || std::iter::once(found(0..10_000));
    assert_eq!(counts(Policy::new(), answering(huge)), (64, 0, ErrorKind::Connection));
}

#[test]
fn of_ten_thousand_addresses_that_are_refused_few_are_kept_and_a_good_one_is_still_tried() {
    let world = World::new();
    let addresses = (0..10_000).map(address).chain(["192.0.2.1:80".parse().unwrap()]);
    let resolver = stagger_testkit::ScriptedResolver::<SocketAddr>::new(&world.ledger).finds(
        ms(0),
        Record::Addresses,
        addresses,
    );
    let connector = world.connector([("192.0.2.1:80", connects(3))]);
    let policy = Policy::new().with_families(stagger::resolve::Families::Ipv4);
    let dialer = world.dialer(resolver, connector).with_policy(policy);
    let (winner, report) = world.run(dialer.connect(TARGET).with_report()).unwrap();
    assert_eq!(winner.name(), "192.0.2.1:80");
    assert_eq!(report.attempts().len(), 65);
}

#[test]
fn a_resolver_that_answers_for_ever_without_a_pause_can_not_hang_a_connect() {
    let same = || std::iter::repeat_with(|| found(0..2));
    assert_eq!(counts(Policy::new(), answering(same)).0, 2);
    let negative = || std::iter::repeat_with(|| Answer::negative(Record::Aaaa));
    assert_eq!(counts(Policy::new(), answering(negative)), (0, 0, ErrorKind::NoAddresses));
    let failing =
        || std::iter::repeat_with(|| Answer::failed(Record::Aaaa, ScriptedError::new("no")));
    assert_eq!(counts(Policy::new(), answering(failing)), (0, 0, ErrorKind::Lookup));
    let new = || (0..).map(|n| found(n * 100..n * 100 + 100));
    assert_eq!(counts(Policy::new(), answering(new)).0, 64);
    let replacing = || (0..).map(|n| found(n..n + 10).with_update(Update::Replace));
    assert_eq!(counts(Policy::new(), answering(replacing)).2, ErrorKind::Connection);
}

#[test]
fn an_attempt_wins_beside_a_resolver_that_answers_for_ever() {
    for answer in [
        Answer::negative(Record::A),
        Answer::found(Record::Aaaa, [Place("v6")]).with_update(Update::Replace),
    ] {
        let world = World::new();
        let resolver = resolver_fn(move |_: &Query| {
            let first = Answer::<_, ScriptedError>::found(Record::Aaaa, [Place("v6")]);
            let answer = answer.clone();
            stream::iter(std::iter::once(first).chain(std::iter::repeat(answer)))
        });
        let dialer = world.dialer(resolver, world.connector([("v6", connects(10))]));
        assert!(world.run(dialer.connect(TARGET)).is_ok());
        assert_eq!(world.starts(), ["0 v6"]);
        assert_eq!(world.elapsed(), 10);
    }
}

#[test]
fn a_resolver_that_never_ends_is_dropped_at_the_deadline_of_five_minutes() {
    let world = World::new();
    let dialer = world.dialer(world.resolver().never_ends(), world.connector([]));
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut(Phase::Resolving));
    assert_eq!(world.elapsed(), 300_000);
}

#[test]
fn a_failed_race_waits_for_the_lookup_only_until_the_deadline() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(0), Record::Aaaa, ["v6"]).never_ends();
    let dialer = world.dialer(resolver, world.connector([("v6", fails(5))]));
    let error = world.run(dialer.with_policy(within(700)).connect(TARGET)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut(Phase::Connecting));
    assert_eq!((errors(error.report()), world.elapsed()), (vec!["v6 failed".into()], 700));
}

#[test]
fn at_the_limit_in_flight_the_next_start_awaits_an_end() {
    let policy = Policy::new().with_max_in_flight(2).unwrap();
    let fates = [fails(1000), Fate::silent(), fails(3), fails(30), connects(100)];
    for told in race(&policy, &fates) {
        assert_eq!(told.starts, ["0 a", "250 b", "1000 c", "1010 d", "1040 e"]);
        assert_eq!((told.won.as_deref(), told.elapsed), (Some("e"), 1140));
    }
}

#[test]
fn at_the_limit_in_flight_no_alarm_is_armed() {
    let world = World::new();
    let endpoints = ["a", "b"].map(|name| world.endpoint(name, Fate::silent()));
    let policy = Policy::unlimited().with_max_in_flight(1).unwrap();
    let race = stagger::race(endpoints, world.clock.clone()).with_policy(policy);
    let mut race = Box::pin(race);
    assert!(world.clock.run_until(ms(5000), race.as_mut()).is_pending());
    assert_eq!((world.clock.timers(), world.starts()), (0, vec!["0 a".into()]));
}

#[test]
fn attempts_that_end_without_ever_waiting_neither_recurse_nor_starve_others() {
    const ENDPOINTS: usize = 100_000;
    let clock = Clock::new();
    let begun = Cell::new(0);
    let endpoint = endpoint_fn(|| {
        begun.set(begun.get() + 1);
        ready(Err::<(), _>(begun.get()))
    });
    let race = stagger::race(std::iter::repeat_n(&endpoint, ENDPOINTS), clock.clone());
    let seen = Cell::new(0);
    let neighbour = async {
        loop {
            seen.set(seen.get() + 1);
            future::yield_now().await;
        }
    };
    let error = clock.run(future::or(race, neighbour)).unwrap_err();
    assert!(error.into_errors().map(|(_, error)| error).eq(1..=ENDPOINTS));
    assert!(seen.get() >= 1000, "the neighbour ran {} times", seen.get());
    assert_eq!((clock.elapsed(), clock.timers()), (ms(0), 0));
}

#[test]
fn a_list_is_read_as_it_is_needed_and_may_be_endless() {
    let world = World::new();
    let read = Cell::new(0);
    let endpoints = std::iter::repeat_with(|| {
        read.set(read.get() + 1);
        let fate = if read.get() == 5 { connects(10) } else { Fate::silent() };
        world.endpoint("endpoint", fate)
    });
    let won = world.run(stagger::race(endpoints, world.clock.clone())).unwrap();
    assert_eq!((won.index, won.report.elapsed()), (4, ms(1010)));
    assert_eq!(read.get(), 6);
}

#[test]
fn an_endless_list_is_read_no_further_than_its_limit() {
    let world = World::new();
    let read = Cell::new(0);
    let endpoints = std::iter::repeat_with(|| {
        read.set(read.get() + 1);
        world.endpoint("endpoint", Fate::silent())
    });
    let policy = Policy::new().with_max_addresses(2).unwrap();
    let race = stagger::race(endpoints, world.clock.clone()).with_policy(policy);
    let error = world.run(race).unwrap_err();
    assert_eq!(error.loss(), Loss::TimedOut(Phase::Connecting));
    assert_eq!((world.ledger.starts().len(), read.get()), (2, 2));
}

#[test]
fn a_list_does_not_wait_for_service_bindings_that_its_policy_asks_for() {
    let world = World::new();
    let race = stagger::race([world.endpoint("quick", connects(3))], world.clock.clone());
    world.run(race.with_policy(Policy::new().with_https(true))).unwrap();
    assert_eq!(world.elapsed(), 3);
}

#[test]
fn a_stream_brings_endpoints_while_attempts_run_and_is_dropped_at_the_end() {
    let world = World::new();
    let clock = world.clock.clone();
    let late = world.endpoint("late", connects(5));
    let first = world.endpoint("first", Fate::silent());
    let endpoints = Box::pin(stream::unfold(0, |step| {
        let (clock, late, first) = (clock.clone(), late.clone(), first.clone());
        async move {
            match step {
                0 => Some((first, 1)),
                1 => {
                    clock.sleep_for(900).await;
                    Some((late, 2))
                }
                _ => pending().await,
            }
        }
    }));
    assert!(world.run(race_stream(endpoints, world.clock.clone())).is_ok());
    assert_eq!(world.starts(), ["0 first", "900 late"]);
}

trait SleepFor {
    fn sleep_for(&self, milliseconds: u64) -> stagger_testkit::Sleep;
}

impl SleepFor for Clock {
    fn sleep_for(&self, milliseconds: u64) -> stagger_testkit::Sleep {
        use stagger::Timer as _;
        self.sleep_until(self.now() + ms(milliseconds))
    }
}

#[test]
fn a_stream_that_ends_late_and_empty_is_nothing_to_connect_to() {
    let world = World::new();
    let clock = world.clock.clone();
    let endpoints = Box::pin(stream::unfold((), |()| {
        let clock = clock.clone();
        async move {
            clock.sleep_for(40).await;
            None::<(stagger_testkit::ScriptedEndpoint, ())>
        }
    }));
    let error = world.run(race_stream(endpoints, world.clock.clone())).unwrap_err();
    assert_eq!((error.loss(), world.elapsed()), (Loss::NoCandidates, 40));
}

#[test]
fn the_combinator_has_no_limits_unless_they_are_set() {
    let world = World::new();
    let silent = || vec![world.endpoint("silent", Fate::silent()); 300];
    let mut endpoints = silent();
    endpoints.push(world.endpoint("last", connects(1)));
    let won = world.run(stagger::race(endpoints, world.clock.clone())).unwrap();
    assert_eq!((won.index, world.elapsed()), (300, 300 * 250 + 1));
    let policy = Policy::new().with_max_addresses(2).unwrap();
    let race = stagger::race(silent(), world.clock.clone()).with_policy(policy);
    world.run(race).unwrap_err();
    assert_eq!(world.ledger.starts().len(), 301 + 2);
}
