//! Lanes beside a full lookup, at exact times: scripted lookups on the test kit's clock. The file
//! is longer than 400 lines, because the cases are short and share one script.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;

use futures_lite::StreamExt as _;
use stagger::error::LookupErrorKind;
use stagger::resolve::{Query, resolver_fn};
use stagger::{Dialer, Policy, Target};
use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, Sleep, ms};

use super::*;
use crate::lookup::error::Cause;

const V6: &str = "[2001:db8::1]:80";
const V4: &str = "192.0.2.1:80";

/// The result of a lookup, and after how many milliseconds it comes. With `None` it never comes.
type Fated = Option<(u64, Result<Vec<&'static str>, LookupErrorKind>)>;

fn finds<const N: usize>(after: u64, found: [&'static str; N]) -> Fated {
    Some((after, Ok(found.into())))
}

fn fails(after: u64, kind: LookupErrorKind) -> Fated {
    Some((after, Err(kind)))
}

const NEVER: Fated = None;

/// The scripted lookups and a clock, and a log with one line for each event.
#[derive(Clone)]
struct World {
    clock: Clock,
    story: Rc<RefCell<Vec<String>>>,
    full: Fated,
    ipv4: Fated,
    ipv6: Fated,
    preferred: Option<Family>,
    /// How often the preferred family was read.
    read: Rc<Cell<usize>>,
    /// The delay that each answer reports as spent.
    asked: Rc<RefCell<Vec<Duration>>>,
    alarms: Rc<Cell<usize>>,
    /// Converts the remaining time to the time after which an alarm rings.
    rings: fn(Duration) -> Duration,
}

impl World {
    fn new(full: Fated, ipv6: Fated, ipv4: Fated) -> Self {
        Self {
            clock: Clock::new(),
            story: Rc::default(),
            full,
            ipv4,
            ipv6,
            preferred: None,
            read: Rc::default(),
            asked: Rc::default(),
            alarms: Rc::default(),
            rings: |left| left,
        }
    }

    fn tell(&self, what: &str) {
        let line = format!("{} {what}", self.clock.elapsed().as_millis());
        self.story.borrow_mut().push(line);
    }

    fn lookups(&self, lanes: Lanes) -> Lookups<Self, Self> {
        Lookups::new(self.clone(), &query(), lanes, self.clone())
    }

    fn begin(&self, name: &'static str, fated: &Fated) -> Running {
        self.tell(&format!("asks {name}"));
        let sleep = fated.as_ref().map(|(after, end)| {
            let found = match end {
                Ok(found) => Ok(found.iter().map(|text| text.parse().unwrap()).collect()),
                Err(kind) => Err(error(name, *kind)),
            };
            (self.clock.sleep_until(self.clock.now() + ms(*after)), found)
        });
        Running { name, sleep, world: self.clone(), ended: false }
    }

    /// Reads the answers to their end.
    async fn listen(&self, mut answers: Pin<&mut Lookups<Self, Self>>) {
        while let Some(answer) = answers.next().await {
            let what = match answer.error() {
                Some(error) => {
                    assert_eq!(answer.kind(), Some(error.kind()));
                    format!("{:?}", error.kind())
                }
                None => answer.addresses().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            };
            let spent = answer.delay_spent().as_millis();
            assert_eq!(answer.is_sorted(), answer.record() != Record::Https);
            self.asked.borrow_mut().push(answer.asked_after());
            self.tell(&format!("{}, {spent} spent: {what}", answer.record()));
        }
        self.tell("end");
        assert_eq!(self.clock.timers(), 0, "when the answers end nothing is left");
        assert!(answers.next().await.is_none(), "the end is for ever");
    }

    /// Returns all events up to this time. Answers that have not ended are dropped then.
    fn until(&self, time: u64, lanes: Lanes) -> Vec<String> {
        let mut lookups = Box::pin(self.lookups(lanes));
        if self.clock.run_until(ms(time), pin!(self.listen(lookups.as_mut()))).is_pending() {
            drop(lookups);
        }
        assert_eq!(self.clock.timers(), 0);
        self.story.take()
    }

    /// Returns all events up to 100 s, with lanes when the full lookup is late.
    fn story(&self) -> Vec<String> {
        self.until(100_000, Lanes::default())
    }
}

fn query() -> Query {
    Query::new(Target::parse("example.com:80").unwrap())
}

fn error(name: &str, kind: LookupErrorKind) -> LookupError {
    let (symbol, words) = ("EAI_TEST", "scripted".into());
    LookupError::new(name, Cause::Code { kind, code: 1, symbol, os_error: None, words })
}

impl Source for World {
    type Lookup = Running;

    fn full(&self) -> Running {
        self.begin("all", &self.full)
    }

    fn lane(&self, families: Families) -> Running {
        match families {
            Families::Any => panic!("a lane is of one family"),
            Families::Ipv4 => self.begin("A", &self.ipv4),
            Families::Ipv6 => self.begin("AAAA", &self.ipv6),
        }
    }

    fn preferred(&self) -> Option<Family> {
        self.read.set(self.read.get() + 1);
        self.preferred
    }
}

impl Timer for World {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        self.alarms.set(self.alarms.get() + 1);
        let left = deadline.saturating_duration_since(self.now());
        self.clock.sleep_until(self.now() + (self.rings)(left))
    }
}

/// A lookup that logs when it is abandoned.
struct Running {
    name: &'static str,
    sleep: Option<(Sleep, Found)>,
    world: World,
    ended: bool,
}

impl Future for Running {
    type Output = Found;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Found> {
        assert!(!self.ended, "{} was polled after its end", self.name);
        let Some((sleep, found)) = &mut self.sleep else { return Poll::Pending };
        ready!(Pin::new(sleep).poll(cx));
        let found = found.clone();
        self.ended = true;
        Poll::Ready(found)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.world.tell(&format!("abandons {}", self.name));
        }
    }
}

#[test]
fn a_healthy_name_costs_one_lookup() {
    let world = World::new(finds(49, [V6, V4]), NEVER, NEVER);
    let story = ["0 asks all", "49 all, 0 spent: [2001:db8::1]:80 192.0.2.1:80", "49 end"];
    assert_eq!(world.story(), story);
    assert_eq!(world.alarms.get(), 1);
}

#[test]
fn a_lookup_that_is_ready_at_once_sets_no_alarm() {
    let world = World::new(finds(0, [V6]), NEVER, NEVER);
    assert_eq!(world.story(), ["0 asks all", "0 all, 0 spent: [2001:db8::1]:80", "0 end"]);
    assert_eq!(world.alarms.get(), 0);
}

#[test]
fn a_failed_lookup_starts_no_lanes() {
    let world = World::new(fails(20, LookupErrorKind::Temporary), NEVER, NEVER);
    assert_eq!(world.story(), ["0 asks all", "20 all, 0 spent: Temporary", "20 end"]);
}

#[test]
fn an_a_that_is_never_answered_does_not_hold_aaaa_up() {
    let world = World::new(NEVER, finds(10, [V6]), NEVER);
    assert_eq!(
        world.story(),
        [
            "0 asks all",
            "50 asks AAAA",
            "50 asks A",
            "60 AAAA, 60 spent: [2001:db8::1]:80",
            "100000 abandons all",
            "100000 abandons A",
        ]
    );
}

#[test]
fn an_aaaa_that_is_never_answered_does_not_hold_a_up() {
    let world = World::new(NEVER, NEVER, finds(10, [V4]));
    assert_eq!(
        world.story(),
        [
            "0 asks all",
            "50 asks AAAA",
            "50 asks A",
            "60 A, 60 spent: 192.0.2.1:80",
            "100000 abandons all",
            "100000 abandons AAAA",
        ]
    );
}

#[test]
fn the_full_answer_ends_the_lanes() {
    let world = World::new(finds(1000, [V4, V6]), NEVER, finds(10, [V4]));
    assert_eq!(
        world.story(),
        [
            "0 asks all",
            "50 asks AAAA",
            "50 asks A",
            "60 A, 60 spent: 192.0.2.1:80",
            "1000 abandons AAAA",
            "1000 all, 0 spent: 192.0.2.1:80 [2001:db8::1]:80",
            "1000 end",
        ]
    );
}

#[test]
fn the_full_failure_ends_the_lanes_too() {
    let world = World::new(fails(1000, LookupErrorKind::NotFound), finds(10, [V6]), NEVER);
    assert_eq!(
        world.story()[3..],
        [
            "60 AAAA, 60 spent: [2001:db8::1]:80",
            "1000 abandons A",
            "1000 all, 0 spent: NotFound",
            "1000 end",
        ]
    );
}

#[test]
fn both_lanes_end_the_full_lookup() {
    let world = World::new(NEVER, finds(30, [V6]), finds(10, [V4]));
    assert_eq!(
        world.story(),
        [
            "0 asks all",
            "50 asks AAAA",
            "50 asks A",
            "60 A, 60 spent: 192.0.2.1:80",
            "80 abandons all",
            "80 AAAA, 80 spent: [2001:db8::1]:80",
            "80 end",
        ]
    );
}

#[test]
fn of_one_instant_the_full_answer_is_alone_and_ipv6_is_before_ipv4() {
    let world = World::new(finds(60, [V4]), finds(10, [V6]), finds(10, [V4]));
    let end = ["60 abandons AAAA", "60 abandons A", "60 all, 0 spent: 192.0.2.1:80", "60 end"];
    assert_eq!(world.story()[3..], end);
    let world = World::new(NEVER, finds(10, [V6]), finds(10, [V4]));
    let end = [
        "60 AAAA, 60 spent: [2001:db8::1]:80",
        "60 abandons all",
        "60 A, 60 spent: 192.0.2.1:80",
        "60 end",
    ];
    assert_eq!(world.story()[3..], end);
}

#[test]
fn a_lane_that_finds_no_address_has_answered() {
    for kind in [LookupErrorKind::NotFound, LookupErrorKind::NoAddress] {
        let world = World::new(NEVER, fails(10, kind), finds(20, [V4]));
        let end = [
            format!("60 AAAA, 60 spent: {kind:?}"),
            "70 abandons all".into(),
            "70 A, 70 spent: 192.0.2.1:80".into(),
            "70 end".into(),
        ];
        assert_eq!(world.story()[3..], end);
    }
}

#[test]
fn a_lane_that_can_not_find_out_leaves_it_to_the_full_lookup() {
    for kind in [LookupErrorKind::Temporary, LookupErrorKind::Other] {
        let world = World::new(finds(500, [V6, V4]), fails(10, kind), fails(20, kind));
        let end = [
            format!("60 AAAA, 60 spent: {kind:?}"),
            format!("70 A, 70 spent: {kind:?}"),
            "500 all, 0 spent: [2001:db8::1]:80 192.0.2.1:80".into(),
            "500 end".into(),
        ];
        assert_eq!(world.story()[3..], end);
    }
}

#[test]
fn an_answer_says_when_it_was_asked() {
    let world = World::new(finds(1000, [V4, V6]), NEVER, finds(10, [V4]));
    world.story();
    assert_eq!(world.asked.take(), [ms(50), ms(0)]);
}

#[test]
fn every_answer_of_a_lane_sets_the_preferred_family_which_is_read_once() {
    for preferred in [None, Some(Family::Ipv4), Some(Family::Ipv6)] {
        let failed = fails(10, LookupErrorKind::Temporary);
        let full = fails(100, LookupErrorKind::Temporary);
        let world = World { preferred, ..World::new(full, failed, finds(20, [V4])) };
        let all = world.lookups(Lanes::default()).collect::<Vec<_>>();
        let said: Vec<_> = world.clock.run(all).iter().map(Answer::preferred_family).collect();
        assert_eq!(said, [preferred, preferred, None]);
        assert_eq!(world.read.get(), 1);
    }
}

#[test]
fn the_routes_are_not_read_for_a_healthy_name() {
    let world = World::new(finds(49, [V6, V4]), NEVER, NEVER);
    world.story();
    assert_eq!(world.read.get(), 0);
}

#[test]
fn an_a_is_not_held_back_where_the_routes_prefer_ipv4() {
    for (preferred, starts_at) in [(Some(Family::Ipv4), 5), (Some(Family::Ipv6), 50), (None, 50)] {
        let world = World { preferred, ..World::new(NEVER, NEVER, finds(5, [V4])) };
        assert_eq!(starts(&world, Lanes::at_once()), [format!("{starts_at} {V4}")]);
        // The program's setting has precedence.
        let world = World { preferred, ..World::new(NEVER, NEVER, finds(5, [V4])) };
        let policy = Policy::new().with_preferred_family(Family::Ipv6);
        assert_eq!(starts_with(&world, Lanes::at_once(), policy), [format!("50 {V4}")]);
    }
}

#[test]
fn lanes_may_start_at_once() {
    let world = World::new(finds(30, [V6, V4]), NEVER, finds(10, [V4]));
    let story = world.until(1000, Lanes::at_once());
    assert_eq!(
        story,
        [
            "0 asks all",
            "0 asks AAAA",
            "0 asks A",
            "10 A, 10 spent: 192.0.2.1:80",
            "30 abandons AAAA",
            "30 all, 0 spent: [2001:db8::1]:80 192.0.2.1:80",
            "30 end",
        ]
    );
    assert_eq!(world.alarms.get(), 0);
}

#[test]
fn lanes_may_start_never() {
    let world = World::new(NEVER, finds(0, [V6]), finds(0, [V4]));
    assert_eq!(world.until(1000, Lanes::never()), ["0 asks all", "1000 abandons all"]);
    assert_eq!(world.alarms.get(), 0);
}

#[test]
fn lanes_may_start_earlier_or_later() {
    for (delay, asked) in [(1, "1 asks AAAA"), (2000, "2000 asks AAAA")] {
        let world = World::new(NEVER, NEVER, NEVER);
        let story = world.until(3000, Lanes::when_late(ms(delay)).unwrap());
        assert_eq!(story[..2], ["0 asks all", asked]);
    }
}

#[test]
fn one_family_alone_has_no_lanes() {
    for (families, record) in [(Families::Ipv4, Record::A), (Families::Ipv6, Record::Aaaa)] {
        let world = World::new(finds(500, [V6]), NEVER, NEVER);
        let query = query().with_families(families);
        let lookups = Lookups::new(world.clone(), &query, Lanes::at_once(), world.clone());
        world.clock.run(world.listen(pin!(lookups)));
        let answer = format!("500 {record}, 0 spent: {V6}");
        assert_eq!(world.story.take(), ["0 asks all", &answer, "500 end"]);
    }
}

#[test]
fn a_drop_at_any_millisecond_abandons_what_runs_and_nothing_else() {
    let world = World::new(finds(80, [V6]), NEVER, finds(10, [V4]));
    for time in 0..=90 {
        let world = World { clock: Clock::new(), ..world.clone() };
        let story = world.until(time, Lanes::default());
        let of = |what: &str| story.iter().filter(|line| line.contains(what)).count();
        let (asked, open) = match time {
            0..=49 => (1, 1),
            50..=59 => (3, 3),
            60..=79 => (3, 2),
            // The full answer abandons the remaining lane.
            _ => (3, 1),
        };
        assert_eq!((of("asks"), of("abandons")), (asked, open), "{story:?}");
        assert_eq!(of("end"), usize::from(time >= 80), "{story:?}");
    }
}

#[test]
fn nothing_is_done_before_the_first_poll() {
    let world = World::new(NEVER, NEVER, NEVER);
    drop(world.lookups(Lanes::at_once()));
    assert!(world.story.take().is_empty());
}

#[test]
fn an_alarm_that_rings_early_is_set_again() {
    let world = World { rings: |left| left.min(ms(20)), ..World::new(NEVER, NEVER, NEVER) };
    assert_eq!(world.until(60, Lanes::default())[1], "50 asks AAAA");
    assert_eq!(world.alarms.get(), 3);
}

#[test]
fn who_is_polled_late_starts_late_and_all_of_it_counts_as_spent() {
    let world = World::new(NEVER, NEVER, finds(10, [V4]));
    let mut lookups = Box::pin(world.lookups(Lanes::default()));
    {
        let mut listening = pin!(world.listen(lookups.as_mut()));
        assert!(world.clock.run_until(ms(0), listening.as_mut()).is_pending());
        world.clock.advance_to(ms(700));
        assert!(world.clock.run_until(ms(800), listening.as_mut()).is_pending());
    }
    let story = ["700 asks AAAA", "700 asks A", "710 A, 710 spent: 192.0.2.1:80"];
    assert_eq!(world.story.take()[1..], story);
}

/// Returns when attempts start. Each attempt connects after 40 ms.
fn starts(world: &World, lanes: Lanes) -> Vec<String> {
    starts_with(world, lanes, Policy::new())
}

fn starts_with(world: &World, lanes: Lanes, policy: Policy) -> Vec<String> {
    let ledger = Ledger::new(&world.clock);
    let connector =
        [V4, V6].into_iter().fold(ScriptedConnector::new(&ledger), |connector, addr| {
            connector.at(addr, Fate::connects(ms(40)))
        });
    let lookups = |query: &Query| Lookups::new(world.clone(), query, lanes, world.clone());
    let resolver = resolver_fn(lookups);
    let dialer = Dialer::new(resolver, connector, world.clock.clone()).with_policy(policy);
    world.clock.run(dialer.connect("example.com:80")).unwrap().hand_over();
    assert_eq!(world.clock.timers(), 0);
    ledger.assert_clean();
    let starts = ledger.starts().into_iter();
    starts.map(|start| format!("{} {}", start.time.as_millis(), start.name)).collect()
}

#[test]
fn a_race_does_not_wait_again_for_what_a_lane_finds() {
    let world = World::new(NEVER, NEVER, finds(1, [V4]));
    assert_eq!(starts(&world, Lanes::default()), [format!("51 {V4}")]);
    let world = World::new(NEVER, finds(1, [V6]), NEVER);
    assert_eq!(starts(&world, Lanes::default()), [format!("51 {V6}")]);
    let abandoned: Vec<_> = world.story.take().split_off(3);
    assert_eq!(abandoned, ["91 abandons all", "91 abandons A"]);
}

#[test]
fn with_lanes_at_once_the_delay_counts_from_the_question() {
    let world = World::new(NEVER, NEVER, finds(5, [V4]));
    assert_eq!(starts(&world, Lanes::at_once()), [format!("50 {V4}")]);
    let world = World::new(NEVER, finds(30, [V6]), finds(5, [V4]));
    assert_eq!(starts(&world, Lanes::at_once()), [format!("30 {V6}")]);
}

#[test]
fn a_query_for_https_is_answered_negatively_at_once_and_the_rest_is_as_without() {
    for families in [Families::Any, Families::Ipv4, Families::Ipv6] {
        let story = |https| {
            let world = World::new(fails(80, LookupErrorKind::Temporary), NEVER, finds(10, [V4]));
            let query = query().with_families(families).with_https(https);
            let lookups = Lookups::new(world.clone(), &query, Lanes::default(), world.clone());
            world.clock.run(world.listen(pin!(lookups)));
            world.story.take()
        };
        let mut with = story(true);
        assert_eq!(with.remove(1), "0 HTTPS, 0 spent: ");
        assert_eq!(with, story(false));
    }
}

#[test]
fn a_dial_for_https_begins_as_soon_as_one_without() {
    for policy in [Policy::new(), Policy::new().with_https(true)] {
        let world = World::new(finds(5, [V4]), NEVER, NEVER);
        assert_eq!(starts_with(&world, Lanes::default(), policy.clone()), [format!("5 {V4}")]);
        // IPv6 is preferred, so the race does not wait for anything else.
        let world = World::new(NEVER, finds(5, [V6]), NEVER);
        assert_eq!(starts_with(&world, Lanes::at_once(), policy), [format!("5 {V6}")]);
    }
}
