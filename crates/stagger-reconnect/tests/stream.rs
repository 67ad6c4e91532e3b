//! The stream of connections, on the virtual clock with exact times. One file, because all tests
//! are of one type.
#![allow(clippy::print_stdout, reason = "the seed is for the reader")]

use std::cell::Cell;
use std::hash::BuildHasher as _;
use std::iter;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_lite::{Stream, StreamExt as _};
use stagger::connect::{AttemptError, connector_fn, endpoint_fn};
use stagger::{Candidate, Connector as _, Endpoint, Timer};
use stagger_reconnect::backon::{BackoffBuilder as _, ConstantBuilder};
use stagger_reconnect::{BACKOFF, Reconnect, ReconnectState, STEADY_AFTER, can_pass};
use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};

const STEADY: Duration = ms(1_000);

fn setup() -> (Clock, Ledger) {
    let clock = Clock::new();
    let ledger = Ledger::new(&clock);
    (clock, ledger)
}

/// 100 ms, 200 ms, 400 ms and so on, without jitter and without an end.
fn doubling() -> impl Iterator<Item = Duration> + Clone + Send + Sync + Unpin {
    iter::successors(Some(ms(100)), |delay| delay.checked_mul(2))
}

fn next<S: Stream + Unpin>(clock: &Clock, stream: &mut S) -> S::Item {
    clock.run(stream.next()).expect("the stream goes on")
}

/// The times of all starts, in milliseconds.
fn starts(ledger: &Ledger) -> Vec<u128> {
    ledger.starts().iter().map(|entry| entry.time.as_millis()).collect()
}

/// A new seed, or that of `STAGGER_SEED`. A failed test prints it.
fn seed() -> u64 {
    let seed = std::env::var("STAGGER_SEED").ok().map_or_else(
        || std::collections::hash_map::RandomState::new().hash_one(0),
        |seed| seed.parse().expect("STAGGER_SEED is a number"),
    );
    println!("STAGGER_SEED={seed}");
    seed
}

#[test]
fn a_connect_begins_only_when_it_is_asked_for() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::connects(ms(20)));
    let mut connections = Reconnect::new(server, clock.clone());
    clock.advance(ms(50));
    assert!(ledger.starts().is_empty());
    let first = next(&clock, &mut connections).unwrap();
    clock.advance(ms(3_600_000));
    assert_eq!(starts(&ledger), [50]);
    drop(first);
    let second = next(&clock, &mut connections).unwrap();
    assert_eq!(starts(&ledger), [50, 3_600_070]);
    second.hand_over();
    drop(connections);
    ledger.assert_clean();
}

#[test]
fn a_failure_is_an_item_at_once_and_the_next_connect_waits_for_the_next_delay() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(30)))
        .then(Fate::fails(ms(0)))
        .then(Fate::fails(ms(5)).saying("the third"))
        .then(Fate::connects(ms(20)));
    let mut connections = Reconnect::new(server, clock.clone()).with_backoff(doubling());
    let mut items = Vec::new();
    for _ in 0..4 {
        let item = next(&clock, &mut connections);
        let text = item.map(|connection| connection.hand_over()).map_err(|error| error.0);
        items.push((clock.elapsed(), text));
    }
    let failed = |text: &str| Err(text.to_owned());
    let expected = [
        (ms(30), failed("server failed")),
        (ms(130), failed("server failed")),
        (ms(335), failed("the third")),
        (ms(755), Ok(())),
    ];
    assert_eq!(items, expected);
    assert_eq!(starts(&ledger), [0, 130, 330, 735]);
    ledger.assert_clean();
}

#[test]
fn a_connection_that_held_for_the_steady_time_resets_the_back_off() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(0)))
        .then(Fate::fails(ms(0)))
        .then(Fate::connects(ms(0)))
        .then(Fate::fails(ms(0)));
    let mut connections =
        Reconnect::new(server, clock.clone()).with_backoff(doubling()).with_steady_after(STEADY);
    for _ in 0..3 {
        let _ = next(&clock, &mut connections);
    }
    assert_eq!(starts(&ledger), [0, 100, 300]);
    clock.advance(STEADY);
    // At once, and then the first delay again.
    let _ = next(&clock, &mut connections);
    let _ = next(&clock, &mut connections);
    assert_eq!(starts(&ledger), [0, 100, 300, 1_300, 1_400]);
}

#[test]
fn a_connection_lost_a_moment_too_early_counts_as_a_failure_from_the_ask() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(0)))
        .then(Fate::connects(ms(0)))
        .then(Fate::fails(ms(0)));
    let mut connections =
        Reconnect::new(server, clock.clone()).with_backoff(doubling()).with_steady_after(STEADY);
    let _ = next(&clock, &mut connections);
    let _ = next(&clock, &mut connections);
    assert_eq!((clock.elapsed(), connections.failures()), (ms(100), 0));
    clock.advance(STEADY - ms(1));
    // The second delay counts from here, at 1,099 ms.
    let _ = next(&clock, &mut connections);
    assert_eq!(connections.failures(), 3);
    let _ = next(&clock, &mut connections);
    assert_eq!(starts(&ledger), [0, 100, 1_299, 1_699]);
}

#[test]
fn a_server_that_hangs_up_at_once_gets_no_storm() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::connects(ms(0)));
    let mut connections = Reconnect::new(server, clock.clone()).with_backoff(doubling());
    for _ in 0..6 {
        drop(next(&clock, &mut connections).unwrap());
    }
    assert_eq!(starts(&ledger), [0, 100, 300, 700, 1_500, 3_100]);
    ledger.assert_clean();
}

#[test]
fn the_defaults_connect_at_most_nine_times_in_the_first_two_minutes() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::connects(ms(0)));
    let mut connections = Reconnect::new(server, clock.clone());
    let hang_up = async { while connections.next().await.is_some() {} };
    assert!(clock.run_until(ms(120_000), pin!(hang_up)).is_pending());
    // 0, then at least 0.5, 1, 2, 4, 8, 16, 30, 30 and 30 s later.
    let count = ledger.starts().len();
    assert!((6..=9).contains(&count), "{count} connects");
}

#[test]
fn a_delay_counts_from_the_failure_so_a_late_ask_waits_for_the_rest_only() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(30)));
    let mut connections = Reconnect::new(server, clock.clone())
        .with_backoff(ConstantBuilder::new().with_delay(ms(200)).without_max_times());
    let _ = next(&clock, &mut connections);
    clock.advance_to(ms(100));
    let _ = next(&clock, &mut connections);
    assert_eq!(starts(&ledger), [0, 230]);
    clock.advance_to(ms(10_000));
    let _ = next(&clock, &mut connections);
    assert_eq!(starts(&ledger), [0, 230, 10_000]);
}

#[test]
fn a_clock_that_jumps_over_many_delays_causes_one_connect() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(0)));
    let mut connections = Reconnect::new(server, clock.clone()).with_backoff(doubling());
    let _ = next(&clock, &mut connections);
    {
        let mut ask = pin!(connections.next());
        assert!(clock.run_until(ms(50), ask.as_mut()).is_pending());
        clock.advance_to(ms(3_600_000));
        assert!(clock.run_until(ms(3_600_000), ask.as_mut()).is_ready());
    }
    assert_eq!(starts(&ledger), [0, 3_600_000]);
    let _ = next(&clock, &mut connections);
    assert_eq!(starts(&ledger), [0, 3_600_000, 3_600_200]);
}

#[test]
fn a_spurious_poll_begins_nothing_and_sets_no_second_alarm() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(0)));
    let mut connections = Reconnect::new(server, clock.clone()).with_backoff(doubling());
    let _ = next(&clock, &mut connections);
    for time in 0..100 {
        clock.advance_to(ms(time));
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut connections).poll_next(cx).is_pending());
        assert_eq!((clock.timers(), clock.next_wake()), (1, Some(ms(100))));
    }
    assert_eq!(starts(&ledger), [0]);
    let _ = next(&clock, &mut connections);
    assert_eq!(starts(&ledger), [0, 100]);
}

/// A timer whose alarms ring at half of their time.
struct Early(Clock);

impl Timer for Early {
    type Sleep = stagger_testkit::Sleep;

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        let now = self.0.now();
        self.0.sleep_until(now + (deadline - now) / 2)
    }
}

#[test]
fn an_early_alarm_begins_nothing() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(0)));
    let mut connections = Reconnect::new(server, Early(clock.clone())).with_backoff(doubling());
    let _ = next(&clock, &mut connections);
    let ask = connections.next();
    assert!(clock.run_until(ms(99), pin!(ask)).is_pending());
    assert_eq!(starts(&ledger), [0]);
}

#[test]
fn the_default_jitter_is_bounded_and_differs_between_streams() {
    let seed = seed();
    let delays = |seed| BACKOFF.with_jitter_seed(seed).build().take(50).collect::<Vec<_>>();
    let first = delays(seed);
    for (delay, base) in first.iter().zip([500, 1_000, 2_000, 4_000, 8_000, 16_000]) {
        assert!((ms(base)..ms(2 * base)).contains(delay), "{delay:?} of {base} ms");
    }
    for delay in &first[6..] {
        assert!((ms(30_000)..ms(60_000)).contains(delay), "{delay:?}");
    }
    assert_eq!(first, delays(seed));
    // Without a seed too: a fixed one would make all clients connect at the same instant.
    let unseeded = || BACKOFF.build().take(50).collect::<Vec<_>>();
    assert_ne!(unseeded(), unseeded());
}

#[test]
fn a_stream_waits_for_the_jittered_delays_of_its_seed() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(0)));
    let backoff = BACKOFF.with_jitter_seed(7);
    let mut connections = Reconnect::new(server, clock.clone()).with_backoff(backoff);
    for _ in 0..20 {
        let _ = next(&clock, &mut connections);
    }
    let mut expected = vec![Duration::ZERO];
    expected.extend(backoff.build().take(19).scan(Duration::ZERO, |time, delay| {
        *time += delay;
        Some(*time)
    }));
    let starts: Vec<_> = ledger.starts().iter().map(|entry| entry.time).collect();
    assert_eq!(starts, expected);
}

#[test]
fn a_finite_back_off_ends_the_stream_after_its_last_failure() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(30)));
    let mut connections =
        Reconnect::new(server, clock.clone()).with_backoff(BACKOFF.with_max_times(2));
    clock.run(async {
        for _ in 0..3 {
            assert!(connections.next().await.expect("three connects").is_err());
        }
        assert_eq!(connections.state(), ReconnectState::Ended);
        for _ in 0..3 {
            assert!(connections.next().await.is_none());
        }
    });
    assert_eq!(ledger.starts().len(), 3);
    ledger.assert_clean();
}

#[test]
fn a_finite_back_off_begins_anew_after_a_connection_that_held() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(0)))
        .then(Fate::connects(ms(0)))
        .then(Fate::fails(ms(0)));
    let mut connections = Reconnect::new(server, clock.clone()).with_backoff([ms(5)].into_iter());
    let _ = next(&clock, &mut connections);
    let _ = next(&clock, &mut connections);
    clock.advance(STEADY_AFTER);
    assert_eq!(clock.run(connections.count()), 2);
}

#[test]
fn a_finite_back_off_ends_the_stream_after_a_connection_that_did_not_hold() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::connects(ms(0)));
    let connections = Reconnect::new(server, clock.clone()).with_backoff([].into_iter());
    assert_eq!(clock.run(connections.count()), 1);
    ledger.assert_clean();
}

#[test]
fn the_program_decides_after_which_errors_it_goes_on() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(0)))
        .then(Fate::fails(ms(0)).saying("a wrong password"));
    let mut asked = Vec::new();
    let connections = Reconnect::new(server, clock.clone()).with_backoff(doubling()).with_retry(
        |error: &stagger_testkit::ScriptedError| {
            asked.push(error.0.clone());
            error.0 != "a wrong password"
        },
    );
    let items = clock.run(connections.collect::<Vec<_>>());
    assert_eq!(items.last().unwrap().as_ref().unwrap_err().0, "a wrong password");
    assert_eq!(asked, ["server failed", "a wrong password"]);
    assert_eq!(starts(&ledger), [0, 100]);
}

#[test]
fn an_invalid_target_and_a_final_error_cannot_pass_and_a_lost_race_can() {
    let (clock, ledger) = setup();
    let resolver = stagger_testkit::ScriptedResolver::<SocketAddr>::new(&ledger);
    let connector = stagger_testkit::ScriptedConnector::new(&ledger)
        .at("192.0.2.1:443".parse::<SocketAddr>().unwrap(), Fate::fails(ms(20)));
    let dialer = stagger::Dialer::new(resolver, connector, clock.clone());
    let lost = clock.run(dialer.connect("192.0.2.1:443")).unwrap_err();
    assert!(can_pass(&lost));
    let invalid = clock.run(dialer.connect("a name without a port")).unwrap_err();
    assert!(!can_pass(&invalid));
    let tcp = connector_fn(|_: SocketAddr| async { Ok::<_, std::io::Error>(()) });
    let login = tcp.map_err(|error| error).and_then(|_, _: Candidate<_>| async {
        let error = std::io::Error::other("the password is wrong");
        Err::<(), _>(AttemptError::new(error).with_final(true))
    });
    let dialer = dialer.with_connector(login);
    let refused = clock.run(dialer.connect("192.0.2.1:443")).unwrap_err();
    assert!(!can_pass(&refused));
}

#[test]
fn dropped_at_any_time_it_leaves_nothing() {
    for time in 0..200 {
        let (clock, ledger) = setup();
        let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(30)))
            .then(Fate::connects(ms(20)))
            .then(Fate::silent());
        let mut connections = Reconnect::new(server, clock.clone()).with_backoff(doubling());
        let use_all = async { while connections.next().await.is_some() {} };
        assert!(clock.run_until(ms(time), pin!(use_all)).is_pending());
        drop(connections);
        ledger.assert_clean();
    }
}

#[test]
fn a_dropped_ask_loses_nothing() {
    let (clock, ledger) = setup();
    let server =
        ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(30))).then(Fate::connects(ms(20)));
    let mut connections = Reconnect::new(server, clock.clone()).with_backoff(doubling());
    let mut items = 0;
    for time in 1..=150 {
        let ask = pin!(connections.next());
        items += usize::from(clock.run_until(ms(time), ask).is_ready());
        if items == 2 {
            break;
        }
    }
    assert_eq!((clock.elapsed(), items), (ms(150), 2));
    assert_eq!(starts(&ledger), [0, 130]);
}

#[test]
fn the_state_and_the_failures_are_known_at_every_step() {
    let (clock, ledger) = setup();
    let server =
        ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(30))).then(Fate::connects(ms(20)));
    let mut connections =
        Reconnect::new(server, clock.clone()).with_backoff(doubling()).with_steady_after(STEADY);
    let start = clock.now();
    let mut at = |time| {
        let outcome = clock.run_until(ms(time), pin!(connections.next()));
        (outcome.is_ready(), connections.state(), connections.failures())
    };
    let waiting = |until| ReconnectState::Waiting { until: start + ms(until) };
    assert_eq!(at(29), (false, ReconnectState::Connecting, 0));
    assert_eq!(at(30), (true, waiting(130), 1));
    assert_eq!(at(129), (false, waiting(130), 1));
    assert_eq!(at(130), (false, ReconnectState::Connecting, 1));
    let since = start + ms(150);
    assert_eq!(at(150), (true, ReconnectState::Connected { since }, 0));
    assert_eq!(at(160), (false, waiting(350), 2));
    assert_eq!(at(370), (true, ReconnectState::Connected { since: start + ms(370) }, 0));
}

#[test]
fn a_connection_that_held_clears_the_failures() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(0)))
        .then(Fate::fails(ms(0)))
        .then(Fate::connects(ms(0)))
        .then(Fate::fails(ms(0)));
    let mut connections = Reconnect::new(server, clock.clone());
    let mut failures = Vec::new();
    for _ in 0..4 {
        let _ = next(&clock, &mut connections);
        failures.push(connections.failures());
        clock.advance(STEADY_AFTER);
    }
    assert_eq!(failures, [1, 2, 0, 1]);
}

/// A connect that holds something even after its end.
struct Holding(Rc<()>);

impl Future for Holding {
    type Output = Result<(), usize>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Err(Rc::strong_count(&self.0)))
    }
}

#[test]
fn a_connect_that_has_ended_is_dropped_before_its_item_is_returned() {
    let (clock, _) = setup();
    let held = Rc::new(());
    let endpoint = endpoint_fn(|| Holding(held.clone()));
    let mut connections = Reconnect::new(endpoint, clock.clone());
    assert_eq!(next(&clock, &mut connections), Err(2));
    assert_eq!(Rc::strong_count(&held), 1);
}

#[test]
fn the_longest_delay_is_no_overflow() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(0)));
    let mut connections =
        Reconnect::new(server, clock.clone()).with_backoff(iter::repeat(Duration::MAX));
    let _ = next(&clock, &mut connections);
    assert!(matches!(connections.state(), ReconnectState::Waiting { .. }));
    assert!(clock.run_until(ms(1_000_000), pin!(connections.next())).is_pending());
}

#[test]
fn a_panic_of_the_program_ends_the_stream() {
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(0)));
    let mut connections = Reconnect::new(server, clock.clone())
        .with_retry(|_: &stagger_testkit::ScriptedError| panic!("as the test says"));
    assert!(catch_unwind(AssertUnwindSafe(|| clock.run(connections.next()))).is_err());
    assert!(clock.run(connections.next()).is_none());
    ledger.assert_clean();
}

#[test]
fn parts_that_stay_on_their_thread_are_fine() {
    let clock = Clock::new();
    let calls = Rc::new(Cell::new(0));
    let counted = endpoint_fn({
        let calls = calls.clone();
        move || {
            let calls = calls.clone();
            async move {
                calls.set(calls.get() + 1);
                Ok::<_, Rc<str>>(calls)
            }
        }
    });
    let mut connections = pin!(Reconnect::new(counted, Rc::new(clock.clone())));
    for _ in 0..3 {
        assert!(clock.run(connections.next()).unwrap().is_ok());
    }
    assert_eq!(calls.get(), 3);
}

#[test]
fn it_is_send_if_its_parts_are() {
    fn assert_send<T: Send + 'static>(_: &T) {}
    let (clock, ledger) = setup();
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(0)));
    let connections = Reconnect::new(server, clock.clone()).with_backoff(doubling());
    assert_send(&connections);
}

/// An endpoint with a script of outcomes, one for each connect.
struct Fixed(Rc<[bool]>, Cell<usize>, Clock, Rc<std::cell::RefCell<Vec<Instant>>>);

impl Endpoint for Fixed {
    type Connection = ();
    type Error = ();
    type Connecting = std::future::Ready<Result<(), ()>>;

    fn connect(&self) -> Self::Connecting {
        let number = self.1.replace(self.1.get() + 1);
        self.3.borrow_mut().push(self.2.now());
        std::future::ready(if self.0[number] { Ok(()) } else { Err(()) })
    }
}

/// The same rules as plain arithmetic over random outcomes, holding times and late asks.
#[test]
fn random_courses_start_when_the_rules_say() {
    // xorshift64 (Marsaglia, "Xorshift RNGs", 2003).
    let mut state = seed() | 1;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for _ in 0..500 {
        let outcomes: Rc<[bool]> = (0..12).map(|_| random(2) == 0).collect();
        // How long after an item the next is asked for: often about the steady time.
        let pauses: Vec<u64> =
            (0..12).map(|_| [0, 50, 100, 999, 1_000, 1_001, 5_000][random(7) as usize]).collect();
        let clock = Clock::new();
        let begun = Rc::default();
        let endpoint = Fixed(outcomes.clone(), Cell::new(0), clock.clone(), Rc::clone(&begun));
        let mut connections = Reconnect::new(endpoint, clock.clone())
            .with_backoff(doubling())
            .with_steady_after(STEADY);
        let start = clock.now();
        for pause in &pauses {
            let _ = next(&clock, &mut connections);
            clock.advance(ms(*pause));
        }

        let (mut expected, mut now, mut earliest, mut delay) = (Vec::new(), 0, 0, 100);
        for (connected, pause) in iter::zip(&*outcomes, &pauses) {
            now = now.max(earliest);
            expected.push(start + ms(now));
            let ask = now + pause;
            if *connected && *pause >= 1_000 {
                (delay, earliest) = (100, ask);
            } else {
                earliest = if *connected { ask } else { now } + delay;
                delay *= 2;
            }
            now = ask;
        }
        assert_eq!(*begun.borrow(), expected, "{outcomes:?} {pauses:?}");
    }
}
