//! What is left open: nothing.

use std::net::SocketAddr;
use std::time::Duration;

use stagger::Policy;
use stagger_tests::descriptor::{open, return_to};
use stagger_tests::place::{Healthy, Refusing, Silent, V4, V6, has_ipv6};
use stagger_tests::{Adapter, Runtime, battery, cut_everywhere, dialer, polled};

battery! {
    alone {
        ten_dials_to_both_families_leave_no_descriptor,
        a_race_won_or_dropped_at_any_await_leaves_no_descriptor,
        a_race_lost_or_dropped_at_any_await_leaves_no_descriptor,
        a_race_timed_out_or_dropped_at_any_await_leaves_no_descriptor,
        a_lookup_and_a_race_dropped_at_any_await_leave_no_descriptor,
    }
}

const NAME: &str = "stagger.test:80";

fn brisk() -> Policy {
    Policy::new().with_attempt_delay(Duration::from_millis(10)).unwrap()
}

/// Has the runtime open what it opens once: its reactor, its wakers.
fn warm_up<R: Runtime>() -> R {
    let (silent, healthy) = (Silent::new(V4), Healthy::new(V4));
    let dialer = dialer::<R>([silent.addr(), healthy.addr()]).with_policy(brisk());
    let runtime = R::new();
    let stream = runtime.run(dialer.connect(NAME));
    drop(stream.unwrap());
    let before = open();
    let target = ("localhost", healthy.addr().port());
    drop(runtime.run(R::Adapter::connect(target)).unwrap());
    // On a slow machine a lookup may have been abandoned for another that answered first.
    return_to(&before);
    runtime
}

/// Drops a connect after every number of polls that it can be dropped after, and says whether it
/// succeeded when it was let be.
fn cut_races<R: Runtime>(addrs: &[SocketAddr], policy: &Policy) -> bool {
    let runtime = warm_up::<R>();
    let before = open();
    let dialer = dialer::<R>(addrs.iter().copied()).with_policy(policy.clone());
    // It starts, it waits, and it goes on at least once.
    cut_everywhere(2, |polls| {
        let dial = dialer.connect(NAME).with_report();
        let ended = runtime.run(async move {
            let ended = polled(polls, dial).await;
            // Nothing is owed to what the runtime does afterwards.
            ended.map(|outcome| outcome.is_ok())
        });
        assert_eq!(open(), before, "after {polls} polls");
        ended
    })
}

fn ten_dials_to_both_families_leave_no_descriptor<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    let runtime = warm_up::<R>();
    let (v6, v4) = (Silent::new(V6), Healthy::new(V4));
    let before = open();
    for _ in 0..10 {
        let dialer = dialer::<R>([v6.addr(), v4.addr()]).with_policy(brisk());
        let stream = runtime.run(dialer.connect(NAME)).unwrap();
        assert_eq!(open().len(), before.len() + 1, "the winner alone is open");
        assert_eq!(R::Adapter::peer_addr(&stream), v4.addr());
    }
    assert_eq!(open(), before);
}

fn a_race_won_or_dropped_at_any_await_leaves_no_descriptor<R: Runtime>() {
    let silent = [Silent::new(V4), Silent::new(V4)];
    let (refusing, healthy) = (Refusing::new(V4), Healthy::new(V4));
    let [first, third] = silent.each_ref().map(Silent::addr);
    let addrs = [first, refusing.addr(), third, healthy.addr()];
    assert!(cut_races::<R>(&addrs, &brisk()));
}

fn a_race_lost_or_dropped_at_any_await_leaves_no_descriptor<R: Runtime>() {
    let (silent, refusing) = (Silent::new(V4), Refusing::new(V4));
    let policy = brisk().with_attempt_timeout(Duration::from_millis(40)).unwrap();
    let addrs = [silent.addr(), refusing.addr()];
    assert!(!cut_races::<R>(&addrs, &policy));
}

fn a_race_timed_out_or_dropped_at_any_await_leaves_no_descriptor<R: Runtime>() {
    let silent = [Silent::new(V4), Silent::new(V4)];
    let policy = brisk().with_timeout(Duration::from_millis(40)).unwrap();
    let addrs = silent.each_ref().map(Silent::addr);
    assert!(!cut_races::<R>(&addrs, &policy));
}

fn a_lookup_and_a_race_dropped_at_any_await_leave_no_descriptor<R: Runtime>() {
    let runtime = warm_up::<R>();
    let healthy = Healthy::new(V4);
    let port = healthy.addr().port();
    let before = open();
    let connected = cut_everywhere(2, |polls| {
        let dial = R::Adapter::connect(("localhost", port));
        let ended = runtime.run(async move {
            let ended = polled(polls, dial).await;
            ended.map(|outcome| outcome.is_ok())
        });
        // The thread of an abandoned lookup reads its files to the end.
        return_to(&before);
        ended
    });
    assert!(connected);
}
