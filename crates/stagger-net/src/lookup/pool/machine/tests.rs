//! The machine alone, with scripted events: exact order and exact times.
#![allow(clippy::print_stdout, reason = "the seed is for the reader")]

use super::*;

type Key = &'static str;
type Worker = char;

/// A machine with its clock. Keys name the calls, and letters name the threads.
struct Story {
    machine: Machine<Key, Key, Worker>,
    start: Instant,
}

const CAPACITIES: Capacities = Capacities { network: 2, lane: 1, local: 1 };

/// The thread on which a call starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    NewThread,
    Idle(Worker),
}
use On::{Idle as Woken, NewThread};

impl Story {
    fn new(capacities: Capacities) -> Self {
        Self { machine: Machine::new(capacities), start: Instant::now() }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn join(&mut self, ms: u64, key: Key, class: Class) -> CallId {
        let now = self.at(ms);
        self.machine.join(Arc::new(key), class, now, || key).0
    }

    fn ask(&mut self, ms: u64, key: Key) -> CallId {
        self.join(ms, key, Class::Network)
    }

    /// Returns all calls that start now, in order.
    fn starts(&mut self, ms: u64) -> Vec<(Key, On)> {
        let now = self.at(ms);
        let on = |worker: Option<Worker>| worker.map_or(NewThread, Woken);
        std::iter::from_fn(|| self.machine.next(now)).map(|s| (s.job, on(s.worker))).collect()
    }

    /// Returns what the thread does after its call: the next call, or a rest until this many
    /// milliseconds.
    fn finish(&mut self, ms: u64, id: CallId, worker: Worker) -> Result<Key, u128> {
        let now = self.at(ms);
        match self.machine.finish(id, worker, now) {
            Next::Run(_, job) => Ok(job),
            Next::Rest(until) => Err((until - self.start).as_millis()),
        }
    }

    fn ends(&mut self, ms: u64, worker: Worker) -> bool {
        let now = self.at(ms);
        self.machine.ends(&worker, now)
    }
}

#[test]
fn a_call_starts_at_once_on_a_new_thread_and_the_next_on_the_idle_one() {
    let mut story = Story::new(CAPACITIES);
    let a = story.ask(0, "a");
    assert_eq!(story.starts(0), [("a", NewThread)]);
    assert_eq!(story.finish(5, a, 'A'), Err(10_005));
    story.ask(6, "b");
    assert_eq!(story.starts(6), [("b", Woken('A'))]);
    story.ask(7, "c");
    assert_eq!(story.starts(7), [("c", NewThread)]);
}

#[test]
fn calls_beyond_the_places_wait_and_follow_in_the_order_in_which_they_were_asked_for() {
    let mut story = Story::new(CAPACITIES);
    let [a, b] = ["a", "b"].map(|key| story.ask(0, key));
    let c = story.ask(0, "c");
    story.ask(0, "d");
    assert_eq!(story.starts(0), [("a", NewThread), ("b", NewThread)]);
    assert_eq!(story.finish(1, b, 'B'), Ok("c"));
    assert_eq!(story.finish(2, a, 'A'), Ok("d"));
    assert_eq!(story.finish(3, c, 'B'), Err(10_003));
    assert_eq!(story.starts(3), []);
}

#[test]
fn each_class_has_places_of_its_own_and_none_takes_another_s() {
    let mut story = Story::new(CAPACITIES);
    for (key, class) in [
        ("a", Class::Network),
        ("b", Class::Network),
        ("c", Class::Network),
        ("a6", Class::Ipv6Lane),
        ("b6", Class::Ipv6Lane),
        ("a4", Class::Ipv4Lane),
        ("here", Class::Local),
        ("there", Class::Local),
    ] {
        story.join(0, key, class);
    }
    let started = story.starts(0).into_iter().map(|(key, on)| (key, on == NewThread));
    let expected = ["here", "a", "b", "a6", "a4"].map(|key| (key, true));
    assert!(started.eq(expected));
    // The waiting call has no place, because it cannot take places of other classes.
    assert!(!story.machine.has_more());
}

#[test]
fn an_idle_thread_ends_10_s_after_its_last_call_and_not_a_moment_before() {
    let mut story = Story::new(CAPACITIES);
    let a = story.ask(0, "a");
    story.starts(0);
    assert_eq!(story.finish(700, a, 'A'), Err(10_700));
    assert!(!story.ends(10_699, 'A'));
    assert!(story.ends(10_700, 'A'));
    // The thread is gone, so the next call has its own thread.
    story.ask(10_701, "b");
    assert_eq!(story.starts(10_701), [("b", NewThread)]);
}

#[test]
fn a_thread_that_was_given_a_call_at_the_last_moment_does_not_end() {
    let mut story = Story::new(CAPACITIES);
    let a = story.ask(0, "a");
    story.starts(0);
    story.finish(0, a, 'A').unwrap_err();
    story.ask(10_000, "b");
    assert_eq!(story.starts(10_000), [("b", Woken('A'))]);
    assert!(!story.ends(10_000, 'A'));
}

#[test]
fn the_last_to_become_idle_is_used_first_so_that_the_others_end() {
    let mut story = Story::new(CAPACITIES);
    let [a, b] = ["a", "b"].map(|key| story.ask(0, key));
    story.starts(0);
    story.finish(1, a, 'A').unwrap_err();
    story.finish(2, b, 'B').unwrap_err();
    for ms in [3000, 6000, 9000] {
        let id = story.ask(ms, "c");
        assert_eq!(story.starts(ms), [("c", Woken('B'))]);
        story.finish(ms, id, 'B').unwrap_err();
    }
    assert!(story.ends(10_001, 'A'));
    assert!(!story.ends(18_999, 'B'));
    assert!(story.ends(19_000, 'B'));
}

#[test]
fn an_equal_call_is_joined_while_somebody_waits_however_old_it_is() {
    let mut story = Story::new(CAPACITIES);
    let a = story.ask(0, "a");
    assert_eq!(story.starts(0), [("a", NewThread)]);
    assert_eq!(story.ask(60_000, "a"), a);
    // One of the two waiters leaves, and the other still waits.
    assert_eq!(story.machine.leave(a), None);
    assert_eq!(story.ask(61_000, "a"), a);
    assert_eq!(story.starts(61_000), []);
}

#[test]
fn an_abandoned_call_is_joined_for_250_ms_from_its_start_and_then_made_anew() {
    let mut story = Story::new(Capacities { network: 3, ..CAPACITIES });
    let a = story.ask(0, "a");
    story.starts(100);
    assert_eq!(story.machine.leave(a), None);
    assert_eq!(story.ask(349, "a"), a);
    assert_eq!(story.machine.leave(a), None);
    let again = story.ask(350, "a");
    assert_ne!(again, a);
    assert_eq!(story.starts(350), [("a", NewThread)]);
    // The new call is joined from now on, even after the old call has returned.
    assert_eq!(story.ask(350, "a"), again);
    assert_eq!(story.finish(400, a, 'A'), Err(10_400));
    assert_eq!(story.ask(401, "a"), again);
}

#[test]
fn an_abandoned_call_keeps_its_place_until_it_returns_and_one_that_waits_leaves() {
    let mut story = Story::new(Capacities { network: 1, ..CAPACITIES });
    let a = story.ask(0, "a");
    let b = story.ask(0, "b");
    assert_eq!(story.starts(0), [("a", NewThread)]);
    assert_eq!(story.machine.leave(a), None);
    assert_eq!(story.machine.leave(b), Some("b"));
    let c = story.ask(1, "b");
    assert_ne!(c, b);
    assert_eq!(story.starts(1), []);
    assert_eq!(story.finish(2, a, 'A'), Ok("b"));
}

#[test]
fn a_call_that_waits_is_joined_however_long_it_has_waited() {
    let mut story = Story::new(Capacities { network: 1, ..CAPACITIES });
    story.ask(0, "a");
    story.starts(0);
    let b = story.ask(0, "b");
    assert_eq!(story.ask(60_000, "b"), b);
}

#[test]
fn a_lane_that_waits_and_is_joined_by_a_full_lookup_waits_among_those() {
    let mut story = Story::new(Capacities { network: 1, ..CAPACITIES });
    story.join(0, "a", Class::Ipv4Lane);
    let b = story.join(0, "b", Class::Ipv4Lane);
    assert_eq!(story.starts(0), [("a", NewThread)]);
    assert_eq!(story.ask(1, "b"), b);
    assert_eq!(story.starts(1), [("b", NewThread)]);
    // A running call keeps its class, and takes no place of another class.
    story.join(2, "c", Class::Ipv6Lane);
    assert_eq!(story.starts(2), [("c", NewThread)]);
    story.ask(3, "c");
    assert_eq!(story.finish(4, b, 'B'), Err(10_004));
    story.ask(5, "d");
    assert_eq!(story.starts(5), [("d", Woken('B'))]);
}

#[test]
fn a_full_lookup_that_a_lane_joins_stays_one() {
    let mut story = Story::new(Capacities { network: 1, ..CAPACITIES });
    let a = story.ask(0, "a");
    story.starts(0);
    story.ask(0, "b");
    story.join(0, "b", Class::Ipv4Lane);
    assert_eq!(story.starts(0), []);
    assert_eq!(story.finish(1, a, 'A'), Ok("b"));
}

#[test]
fn without_any_thread_a_call_fails_and_the_next_one_tries_again() {
    let mut story = Story::new(CAPACITIES);
    let a = story.ask(0, "a");
    assert_eq!(story.starts(0), [("a", NewThread)]);
    assert_eq!(story.machine.failed(a), ["a"]);
    assert_eq!(story.starts(0), []);
    let b = story.ask(1, "a");
    assert_ne!(b, a);
    assert_eq!(story.starts(1), [("a", NewThread)]);
    assert_eq!(story.finish(2, b, 'A'), Err(10_002));
}

#[test]
fn with_a_thread_left_a_call_waits_its_turn_and_nothing_is_tried_in_between() {
    let mut story = Story::new(Capacities { network: 4, ..CAPACITIES });
    let a = story.ask(0, "a");
    story.starts(0);
    let [b, c] = ["b", "c"].map(|key| story.ask(1, key));
    let now = story.at(1);
    assert_eq!(story.machine.next(now).map(|start| start.id), Some(b));
    assert_eq!(story.machine.failed(b), [""; 0]);
    assert!(story.machine.has_more());
    assert_eq!(story.starts(1), []);
    // It was requested first, so it is first.
    assert_eq!(story.finish(2, a, 'A'), Ok("b"));
    assert_eq!(story.starts(2), [("c", NewThread)]);
    assert_eq!(story.machine.failed(c), [""; 0]);
    assert_eq!(story.starts(2), []);
    assert_eq!(story.finish(3, b, 'A'), Ok("c"));
    assert_eq!(story.finish(4, c, 'A'), Err(10_004));
}

#[test]
fn after_a_shortage_the_next_call_brings_threads_for_all_that_wait() {
    let mut story = Story::new(Capacities { network: 4, ..CAPACITIES });
    story.ask(0, "stuck");
    story.starts(0);
    for key in ["b", "c"] {
        let id = story.ask(1, key);
        let now = story.at(1);
        let start = story.machine.next(now).unwrap();
        assert_eq!(story.machine.failed(start.id), [""; 0]);
        assert!(id >= start.id);
    }
    // This includes a call that joins a waiting call.
    story.ask(650, "c");
    assert_eq!(story.starts(650), [("b", NewThread), ("c", NewThread)]);
}

#[test]
fn of_two_threads_that_can_not_be_started_the_last_fails_all_that_wait() {
    let mut story = Story::new(CAPACITIES);
    let [a, b] = ["a", "b"].map(|key| story.ask(0, key));
    story.ask(0, "c");
    assert_eq!(story.starts(0).len(), 2);
    // The other start may still become a thread.
    assert_eq!(story.machine.failed(a), [""; 0]);
    assert_eq!(story.machine.failed(b), ["a", "b", "c"]);
    story.ask(1, "d");
    assert_eq!(story.starts(1), [("d", NewThread)]);
}

#[test]
fn a_call_abandoned_while_its_thread_is_not_started_is_gone() {
    let mut story = Story::new(CAPACITIES);
    let a = story.ask(0, "a");
    story.starts(0);
    assert_eq!(story.machine.leave(a), None);
    assert_eq!(story.machine.failed(a), [""; 0]);
    assert_ne!(story.ask(1, "a"), a);
    assert_eq!(story.starts(1), [("a", NewThread)]);
}

#[test]
fn in_a_shortage_a_call_that_needs_no_network_is_before_those_that_do() {
    let mut story = Story::new(CAPACITIES);
    let a = story.ask(0, "a");
    story.starts(0);
    let b = story.ask(1, "b");
    assert_eq!(story.starts(1), [("b", NewThread)]);
    assert_eq!(story.machine.failed(b), [""; 0]);
    let here = story.join(2, "here", Class::Local);
    let now = story.at(2);
    assert_eq!(story.machine.next(now).map(|start| start.id), Some(here));
    assert_eq!(story.machine.failed(here), [""; 0]);
    assert_eq!(story.finish(3, a, 'A'), Ok("here"));
    assert_eq!(story.finish(4, here, 'A'), Ok("b"));
}

/// Events in any order keep the limits, and no call waits without a reason.
#[test]
fn at_random_there_are_never_more_threads_than_places_and_no_call_is_lost() {
    // The generator of Knuth's MMIX, so that a failure can be repeated.
    let seed = std::env::var("STAGGER_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut state: u64 = seed.unwrap_or(20_261_128);
    println!("STAGGER_SEED={state}");
    let mut draw = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    const KEYS: [Key; 6] = ["a", "b", "c", "d", "e", "f"];
    const ALL: [Class; 4] = [Class::Network, Class::Ipv6Lane, Class::Ipv4Lane, Class::Local];
    let mut story = Story::new(CAPACITIES);
    let (mut waiting, mut running, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    let (mut next_worker, mut most) = ('A', 0);
    for ms in 0..20_000 {
        let now = story.at(ms * 40);
        match draw(6) {
            0 | 1 => {
                let key = KEYS[draw(6) as usize];
                waiting.push(story.join(ms * 40, key, ALL[draw(4) as usize]));
            }
            2 if !waiting.is_empty() => {
                let id = waiting.swap_remove(draw(waiting.len() as u64) as usize);
                story.machine.leave(id);
            }
            3 | 4 if !running.is_empty() => {
                let (id, worker) = running.swap_remove(draw(running.len() as u64) as usize);
                waiting.retain(|known| *known != id);
                match story.machine.finish(id, worker, now) {
                    Next::Run(id, _) => running.push((id, worker)),
                    Next::Rest(until) => idle.push((worker, until)),
                }
            }
            _ => idle.retain(|(worker, until)| *until > now || !story.machine.ends(worker, now)),
        }
        while let Some(start) = story.machine.next(now) {
            if let Some(worker) = start.worker {
                idle.retain(|(known, _)| *known != worker);
                running.push((start.id, worker));
            } else if draw(3) == 0 {
                let failed = story.machine.failed(start.id);
                assert!(failed.is_empty() || running.is_empty() && idle.is_empty());
                // The failed calls are gone.
                waiting.retain(|id| story.machine.calls.contains_key(id));
            } else {
                next_worker = char::from_u32(u32::from(next_worker) + 1).unwrap_or('A');
                running.push((start.id, next_worker));
            }
        }
        let machine = &story.machine;
        assert_eq!(machine.threads, running.len() + idle.len());
        assert_eq!(machine.idle.len(), idle.len());
        most = most.max(machine.threads);
        for class in ALL {
            let runs = |(id, _): &&(CallId, Worker)| machine.calls[id].class == class;
            let count = running.iter().filter(runs).count();
            assert_eq!(count, machine.running[class as usize]);
            assert!(count <= machine.capacities[class as usize]);
        }
        assert!(waiting.iter().all(|id| machine.calls.contains_key(id)));
        // A call with a place waits only during a shortage of threads, and some thread will run it.
        assert!(!machine.has_more() || machine.is_short && machine.idle.is_empty());
        assert!(machine.queues.iter().all(BTreeSet::is_empty) || machine.threads > 0);
    }
    assert_eq!(most, 5, "the run was too tame");
}
