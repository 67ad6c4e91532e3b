//! A history over real sockets: past a silent address the second connect does not wait.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use stagger::history::{Key, Knowledge, Memory, Mode, Reason, Subnet};
use stagger::report::{AttemptOutcome, AttemptReport};
use stagger::{History, Policy, Timer as _};
use stagger_tests::place::{Healthy, Silent, V4, V6, has_ipv6};
use stagger_tests::{Adapter, Runtime, battery, dialer};

battery! {
    alone {
        past_a_silent_address_the_second_connect_starts_the_next_after_10_ms,
        past_silent_ipv6_the_second_connect_starts_ipv4_after_10_ms,
        in_the_mode_order_the_second_connect_starts_with_the_live_address,
        in_the_mode_order_the_second_connect_starts_with_ipv4_past_silent_ipv6,
        in_the_mode_delay_an_address_that_is_back_wins_again,
        in_the_mode_order_an_address_that_is_back_leads_when_its_demotion_is_over,
    }
}

const NAME: &str = "stagger.test:80";

/// An address of another prefix than [`V4`].
const OTHER_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 1, 1));

/// The delay at an unknown address. No connect past a known one takes that long on its account.
const DELAY: Duration = Duration::from_millis(250);

/// A connect to both addresses, and its attempts.
fn attempts<R: Runtime>(
    candidates: [SocketAddr; 2],
    history: &History,
) -> Vec<AttemptReport<SocketAddr>> {
    let dialer = dialer::<R>(candidates)
        .with_policy(Policy::new().with_attempt_delay(DELAY).unwrap())
        .with_history(history.clone());
    let dial = dialer.connect(NAME).with_report();
    let (stream, report) = R::new().run(dial).unwrap();
    drop(stream);
    report.into_attempts()
}

/// The first connect, which finds the silent address, and its attempts in order.
fn learns<R: Runtime>(candidates: [SocketAddr; 2], history: &History) {
    let [first, second] = &attempts::<R>(candidates, history)[..] else {
        panic!("two attempts start");
    };
    assert_eq!([first.address, second.address], candidates);
    assert!(matches!(first.outcome, AttemptOutcome::Dropped), "{first:?}");
    assert!(second.started - first.started >= DELAY, "{first:?} and {second:?}");
    let timer = <R::Adapter as Adapter>::Timer::default();
    let recall = history.recall(candidates[0].ip(), timer.now());
    assert!(recall.is_demoted(), "{recall:?}");
}

fn starts_after_10_ms<R: Runtime>(silent: IpAddr) {
    let (silent, healthy) = (Silent::new(silent), Healthy::new(V4));
    let candidates = [silent.addr(), healthy.addr()];
    let history = History::new().with_mode(Mode::Delay);
    learns::<R>(candidates, &history);
    let [first, second] = &attempts::<R>(candidates, &history)[..] else {
        panic!("two attempts start");
    };
    assert_eq!(silent.connecting(), 0);
    assert_eq!([first.address, second.address], candidates);
    let pace = first.pace.unwrap();
    assert_eq!((pace.delay, pace.reason), (Duration::from_millis(10), Reason::Silent));
    assert!(second.started - first.started >= pace.delay, "{first:?} and {second:?}");
    assert!(matches!(second.outcome, AttemptOutcome::Connected), "{second:?}");
}

fn past_a_silent_address_the_second_connect_starts_the_next_after_10_ms<R: Runtime>() {
    starts_after_10_ms::<R>(OTHER_V4);
}

fn past_silent_ipv6_the_second_connect_starts_ipv4_after_10_ms<R: Runtime>() {
    if has_ipv6() {
        starts_after_10_ms::<R>(V6);
    }
}

fn starts_at_once<R: Runtime>(silent: IpAddr) {
    let (silent, healthy) = (Silent::new(silent), Healthy::new(V4));
    let candidates = [silent.addr(), healthy.addr()];
    let history = History::new();
    learns::<R>(candidates, &history);
    let attempts = attempts::<R>(candidates, &history);
    assert_eq!(attempts[0].address, healthy.addr());
    let winner = attempts.iter().find(|it| matches!(it.outcome, AttemptOutcome::Connected));
    assert_eq!(winner.unwrap().address, healthy.addr());
}

fn in_the_mode_order_the_second_connect_starts_with_the_live_address<R: Runtime>() {
    starts_at_once::<R>(OTHER_V4);
}

fn in_the_mode_order_the_second_connect_starts_with_ipv4_past_silent_ipv6<R: Runtime>() {
    if has_ipv6() {
        starts_at_once::<R>(V6);
    }
}

fn in_the_mode_delay_an_address_that_is_back_wins_again<R: Runtime>() {
    let (silent, healthy) = (Silent::new(OTHER_V4), Healthy::new(V4));
    let candidates = [silent.addr(), healthy.addr()];
    let history = History::new().with_mode(Mode::Delay);
    learns::<R>(candidates, &history);
    drop(silent);
    let _back = Healthy::at(candidates[0]);
    // A busy machine may be slower than 10 ms, and then the other one wins.
    let won =
        std::iter::repeat_with(|| attempts::<R>(candidates, &history)).take(100).any(|attempts| {
            assert_eq!(attempts[0].address, candidates[0]);
            matches!(attempts[0].outcome, AttemptOutcome::Connected)
        });
    assert!(won, "it never wins");
    let timer = <R::Adapter as Adapter>::Timer::default();
    let recall = history.recall(candidates[0].ip(), timer.now());
    assert!(!recall.is_demoted(), "{recall:?}");
}

fn in_the_mode_order_an_address_that_is_back_leads_when_its_demotion_is_over<R: Runtime>() {
    let (back, healthy) = (Healthy::new(OTHER_V4), Healthy::new(V4));
    let candidates = [back.addr(), healthy.addr()];
    let memory = Memory::new();
    let history = History::new().with_store(memory.clone());
    let now = <R::Adapter as Adapter>::Timer::default().now();
    let minute = Duration::from_secs(60);
    let silent_since = |since| {
        let key = Key::new(history.network(), Subnet::of(back.addr().ip()));
        memory.restore([(key, Knowledge::new().with_silences(1, since, minute))]);
        attempts::<R>(candidates, &history)[0].address
    };
    assert_eq!(silent_since(now), healthy.addr());
    let before = now.checked_sub(minute).expect("the machine has run for a minute");
    assert_eq!(silent_since(before), back.addr());
    let entry = memory
        .entries()
        .into_iter()
        .find(|(key, _)| key.subject == Subnet::of(back.addr().ip()).into());
    assert_eq!(entry.unwrap().1.silences(), 0);
}
