//! The clock decides and the alarm only wakes: timers that ring early, late or never.

mod support;

use std::cell::Cell;
use std::future::{Pending, pending};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_lite::future;
use stagger::error::Phase;
use stagger::race::Loss;
use stagger::{Dialer, Timer, race};
use stagger_testkit::{Clock, Fate, Sleep, ms};
use support::{TARGET, World, connects, within};

/// A clock whose alarms ring at wrong times.
#[derive(Clone)]
struct Odd {
    clock: Clock,
    /// Maps the time that is left to the time after which the alarm rings.
    rings: fn(Duration) -> Duration,
}

impl Timer for Odd {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let left = deadline.saturating_duration_since(self.clock.now());
        self.clock.sleep_until(self.clock.now() + (self.rings)(left))
    }
}

fn starts(rings: fn(Duration) -> Duration) -> Vec<String> {
    let world = World::new();
    let endpoints = ["a", "b", "c"].map(|name| world.endpoint(name, Fate::silent()));
    let timer = Odd { clock: world.clock.clone(), rings };
    let race = race(endpoints, timer).with_policy(within(900));
    let error = world.run(race).unwrap_err();
    assert_eq!(error.loss(), Loss::TimedOut(Phase::Connecting));
    let mut starts = world.starts();
    starts.push(format!("{} end", world.elapsed()));
    starts
}

#[test]
fn an_alarm_that_rings_on_time_is_obeyed() {
    assert_eq!(starts(|left| left), ["0 a", "250 b", "500 c", "900 end"]);
}

#[test]
fn an_alarm_that_rings_early_is_set_again_and_starts_nothing_early() {
    assert_eq!(starts(|left| left.min(ms(100))), ["0 a", "250 b", "500 c", "900 end"]);
    assert_eq!(starts(|left| left.min(ms(1))), ["0 a", "250 b", "500 c", "900 end"]);
}

#[test]
fn an_alarm_that_rings_late_starts_one_attempt_and_the_delay_counts_from_there() {
    assert_eq!(starts(|left| left + ms(40)), ["0 a", "290 b", "580 c", "940 end"]);
    assert_eq!(starts(|left| left + ms(300)), ["0 a", "550 b", "1100 end"]);
}

#[test]
fn a_wake_up_several_delays_late_starts_one_attempt() {
    let world = World::new();
    let places = ["a", "b", "c"].map(|name| (name, Fate::silent()));
    let mut connect = Box::pin(world.places(places).connect(TARGET));
    assert!(world.clock.run_until(ms(0), connect.as_mut()).is_pending());
    world.clock.advance_to(ms(1100));
    assert!(world.clock.run_until(ms(2000), connect.as_mut()).is_pending());
    assert_eq!(world.starts(), ["0 a", "1100 b", "1350 c"]);
    drop(connect);
    world.ledger.assert_clean();
}

#[test]
fn the_error_names_the_deadline_that_was_set_and_not_when_it_was_noticed() {
    let world = World::new();
    let parts = || {
        let resolver = world.resolver().never_ends();
        let timer = Odd { clock: world.clock.clone(), rings: |left| left + ms(30) };
        Dialer::new(resolver, world.connector([]), timer).with_policy(within(100))
    };
    let connect = world.run(parts().connect(TARGET)).unwrap_err();
    assert_eq!((world.elapsed(), connect.report().elapsed()), (130, ms(130)));
    let text = "could not connect to example.com:443 within 100 ms: no address was known yet";
    assert_eq!(connect.to_string(), text);
    let resolve = world.clock.run(parts().resolve_all(TARGET)).unwrap_err();
    assert_eq!((world.elapsed(), resolve.report().elapsed()), (260, ms(130)));
    let text = "could not resolve example.com:443 within 100 ms: no address was known yet";
    assert_eq!(resolve.to_string(), text);
}

/// A clock whose alarms never ring.
struct Mute(Clock);

impl Timer for Mute {
    type Sleep = Pending<()>;

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, _: Instant) -> Self::Sleep {
        pending()
    }
}

#[test]
fn a_start_that_is_due_is_made_whoever_wakes_the_race() {
    let world = World::new();
    let endpoints = [world.endpoint("a", Fate::silent()), world.endpoint("b", connects(5))];
    let race = race(endpoints, Mute(world.clock.clone()));
    let wakes = async {
        for wake in [100, 249, 260] {
            world.clock.sleep_until(world.clock.now() + ms(wake) - world.clock.elapsed()).await;
        }
        pending().await
    };
    assert!(world.run(future::or(race, wakes)).is_ok());
    assert_eq!(world.starts(), ["0 a", "260 b"]);
    assert_eq!(world.elapsed(), 265);
}

#[test]
fn a_spurious_poll_changes_nothing_and_arms_no_second_alarm() {
    let world = World::new();
    let places = ["v6", "v4"].map(|name| (name, Fate::silent()));
    let mut connect = Box::pin(world.places(places).connect(TARGET));
    for time in 0..250 {
        assert!(world.clock.run_until(ms(time), connect.as_mut()).is_pending());
        assert_eq!((world.clock.timers(), world.clock.next_wake()), (1, Some(ms(250))));
    }
    assert_eq!(world.starts(), ["0 v6"]);
    drop(connect);
    world.ledger.assert_clean();
}

/// A clock that counts its alarms.
struct Counted<'a>(&'a Clock, &'a Cell<usize>);

impl Timer for Counted<'_> {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        self.1.set(self.1.get() + 1);
        self.0.sleep_until(deadline)
    }
}

#[test]
fn one_alarm_is_made_for_each_deadline_however_often_the_race_is_polled() {
    let world = World::new();
    let made = Cell::new(0);
    let endpoints = ["a", "b", "c"].map(|name| world.endpoint(name, connects(700)));
    let mut race = Box::pin(race(endpoints, Counted(&world.clock, &made)));
    for time in 0..700 {
        assert!(world.clock.run_until(ms(time), race.as_mut()).is_pending());
    }
    assert!(world.run(race).is_ok());
    assert_eq!(made.get(), 2);
}

/// Ready at the first poll, at any time.
struct Hasty(Clock, Cell<bool>);

struct Once(Sleep, bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.1 { Poll::Ready(()) } else { Pin::new(&mut self.0).poll(cx) }
    }
}

impl Timer for Hasty {
    type Sleep = Once;

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Once {
        Once(self.0.sleep_until(deadline), self.1.replace(false))
    }
}

#[test]
fn an_alarm_that_rings_at_once_is_set_again() {
    let world = World::new();
    let endpoints = [world.endpoint("a", Fate::silent()), world.endpoint("b", connects(5))];
    let race = race(endpoints, Hasty(world.clock.clone(), Cell::new(true)));
    assert!(world.run(race).is_ok());
    assert_eq!(world.starts(), ["0 a", "250 b"]);
}

#[test]
fn nothing_is_done_before_the_first_poll_and_the_deadline_counts_from_there() {
    let world = World::new();
    let resolver = world.resolver().never_ends();
    let connect = world.dialer(resolver, world.connector([])).with_policy(within(100));
    let connect = connect.connect(TARGET);
    let endpoints = [world.endpoint("a", Fate::silent()), world.endpoint("b", Fate::silent())];
    let race = race(endpoints, world.clock.clone()).with_policy(within(300));
    world.clock.advance(ms(70_000));
    assert_eq!((world.clock.timers(), world.starts().len()), (0, 0));
    let error = world.clock.run(connect).unwrap_err();
    assert_eq!((error.report().elapsed(), world.elapsed()), (ms(100), 70_100));
    let error = world.run(race).unwrap_err();
    assert_eq!(error.report().elapsed(), ms(300));
    assert_eq!(world.starts(), ["70100 a", "70350 b"]);
}

#[test]
fn a_sleep_ends_after_its_delay_and_counts_from_the_call() {
    let clock = Clock::new();
    let sleep = clock.sleep(ms(250));
    clock.advance(ms(100));
    clock.run(sleep);
    assert_eq!(clock.elapsed(), ms(250));
    clock.run(clock.sleep(Duration::ZERO));
    assert_eq!((clock.elapsed(), clock.timers()), (ms(250), 0));
}

#[test]
fn a_sleep_that_no_clock_can_tell_never_ends() {
    let clock = Clock::new();
    let age = Duration::from_secs(60 * 60 * 24 * 365 * 10_000_000_000);
    for delay in [Duration::MAX, Duration::MAX / 2, Duration::from_secs(i64::MAX as u64)] {
        let mut sleep = pin!(clock.sleep(delay));
        assert!(clock.run_until(age, sleep.as_mut()).is_pending());
    }
    assert_eq!(clock.timers(), 0);
}

/// A clock with its own sleep type.
struct Own(Clock);

impl Timer for Own {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, _: Instant) -> Sleep {
        unreachable!("it has a sleep of its own")
    }

    fn sleep(&self, delay: Duration) -> Sleep {
        self.0.sleep_until(self.now() + delay)
    }
}

#[test]
fn a_timer_s_own_sleep_is_forwarded_by_every_pointer() {
    fn sleep<T: Timer>(timer: T) -> T::Sleep {
        timer.sleep(ms(5))
    }
    let own = || Own(Clock::new());
    let clocks = [own(), own(), own(), own()];
    let [one, two, three, four] = clocks;
    let all = [one.0.clone(), two.0.clone(), three.0.clone(), four.0.clone()];
    let sleeps = [sleep(&one), sleep(Box::new(two)), sleep(Rc::new(three)), sleep(Arc::new(four))];
    for (clock, sleep) in all.iter().zip(sleeps) {
        clock.run(sleep);
        assert_eq!(clock.elapsed(), ms(5));
    }
}
