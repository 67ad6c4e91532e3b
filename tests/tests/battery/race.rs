//! Candidates that answer, refuse and are silent, in every order.

use std::io;
use std::time::Duration;

use stagger::error::{ErrorKind, Phase};
use stagger::report::AttemptOutcome;
use stagger::{Policy, Timer as _};
use stagger_tests::place::{Healthy, Refusing, Silent, V4, V6, has_ipv6};
use stagger_tests::{Adapter, GET, Runtime, assert_at_once, assert_ok, battery, counted, dialer};

battery! {
    alone {
        silent_first_is_joined_after_the_delay,
        refused_first_is_followed_at_once,
        refused_ipv6_is_followed_by_ipv4_at_once,
        silent_ipv6_is_joined_by_ipv4_after_the_delay,
        everything_refused_is_an_error_with_each_failure_in_start_order,
        a_black_hole_ends_at_the_timeout,
        a_black_hole_ends_at_the_attempt_timeout,
        an_attempt_that_times_out_is_followed_at_once,
        no_deadline_touches_the_stream_after_success,
        a_connect_is_polled_only_when_something_has_happened,
    }
}

const NAME: &str = "stagger.test:80";

/// The longest attempt delay, so that no wait for it goes unseen.
const SLOW: Duration = Duration::from_secs(2);

fn kind<E>(outcome: &AttemptOutcome<E>) -> io::ErrorKind
where
    E: AsRef<dyn std::error::Error + Send + Sync>,
{
    match outcome {
        AttemptOutcome::Failed(error) => error.as_ref().downcast_ref::<io::Error>().unwrap().kind(),
        other => panic!("it {} instead of failing", other.as_str()),
    }
}

fn silent_is_joined<R: Runtime>(silent: Silent, healthy: Healthy) {
    let candidates = [silent.addr(), healthy.addr()];
    let dial = dialer::<R>(candidates).connect(NAME).with_report();
    R::new().run(async move {
        let mut dial = Box::pin(dial);
        let (stream, report) = dial.as_mut().await.unwrap();
        // The winner is in hand only when the loser is gone, and that is not left to the drop.
        assert_eq!(silent.connecting(), 0);
        drop(dial);
        assert_eq!(R::Adapter::peer_addr(&stream), healthy.addr());
        assert_eq!(R::Adapter::local_addr(&stream), healthy.accept().1);
        let [first, second] = report.attempts() else {
            panic!("{report:?}");
        };
        assert_eq!([first.address, second.address], candidates);
        assert!(matches!(first.outcome, AttemptOutcome::Dropped), "{first:?}");
        assert!(matches!(second.outcome, AttemptOutcome::Connected), "{second:?}");
        let gap = second.started - first.started;
        assert!(gap >= Duration::from_millis(250), "{gap:?}");
    });
}

fn silent_first_is_joined_after_the_delay<R: Runtime>() {
    silent_is_joined::<R>(Silent::new(V4), Healthy::new(V4));
}

fn silent_ipv6_is_joined_by_ipv4_after_the_delay<R: Runtime>() {
    if has_ipv6() {
        silent_is_joined::<R>(Silent::new(V6), Healthy::new(V4));
    }
}

fn refused_is_followed<R: Runtime>(refusing: &Refusing, healthy: &Healthy) {
    let candidates = [refusing.addr(), healthy.addr()];
    let slow = Policy::new().with_attempt_delay(SLOW).unwrap();
    let dialer = dialer::<R>(candidates).with_policy(slow);
    let dial = dialer.connect(NAME).with_report();
    let (stream, report) = R::new().run(dial).unwrap();
    assert_eq!(R::Adapter::peer_addr(&stream), healthy.addr());
    let [first, second] = report.attempts() else {
        panic!("{report:?}");
    };
    assert_eq!([first.address, second.address], candidates);
    assert!(matches!(second.outcome, AttemptOutcome::Connected), "{second:?}");
    assert_at_once(first, second, SLOW);
}

fn refused_first_is_followed_at_once<R: Runtime>() {
    refused_is_followed::<R>(&Refusing::new(V4), &Healthy::new(V4));
}

fn refused_ipv6_is_followed_by_ipv4_at_once<R: Runtime>() {
    if has_ipv6() {
        refused_is_followed::<R>(&Refusing::new(V6), &Healthy::new(V4));
    }
}

fn everything_refused_is_an_error_with_each_failure_in_start_order<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    let places = [V6, V6, V4, V4].map(Refusing::new);
    let [a, b, c, d] = places.each_ref().map(Refusing::addr);
    let policy = Policy::new().without_overlap();
    let dialer = dialer::<R>([a, b, c, d]).with_policy(policy);
    let error = R::new().run(dialer.connect(NAME)).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    // The families alternate.
    let order = [a, c, b, d].map(|addr| addr.to_string());
    let attempts = error.report().attempts();
    let tried: Vec<_> = attempts.iter().map(|attempt| &*attempt.address).collect();
    assert_eq!(tried, order);
    for attempt in attempts {
        assert_eq!(kind(&attempt.outcome), io::ErrorKind::ConnectionRefused);
    }
    for pair in attempts.windows(2) {
        assert_eq!(pair[1].started, pair[0].ended);
    }
    let source = error.cause().unwrap().downcast_ref::<io::Error>();
    assert_eq!(source.unwrap().kind(), io::ErrorKind::ConnectionRefused);

    let (line, all, debug) = (error.to_string(), format!("{error:#}"), format!("{error:?}"));
    assert!(line.contains(NAME) && !line.contains('\n'), "{line}");
    for addr in &order {
        assert!(line.contains(addr), "{line}");
        assert!(all.contains(addr), "{all}");
        assert!(debug.contains(addr), "{debug}");
    }
    let error = io::Error::from(error);
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(error.to_string(), line);
}

fn a_black_hole_ends_at_the_timeout<R: Runtime>() {
    let silent = Silent::new(V4);
    let timeout = Duration::from_millis(60);
    let policy = Policy::new().with_timeout(timeout).unwrap();
    let dialer = dialer::<R>([silent.addr()]).with_policy(policy);
    let error = R::new().run(dialer.connect(NAME)).map(drop).unwrap_err();
    assert_eq!(silent.connecting(), 0);
    assert_eq!(error.kind(), ErrorKind::TimedOut(Phase::Connecting));
    assert!(error.report().elapsed() >= timeout, "{error:#}");
    assert!(matches!(error.report().attempts()[0].outcome, AttemptOutcome::Dropped));
    let line = error.to_string();
    assert!(line.contains(NAME), "{line}");
    assert!(line.contains(&silent.addr().to_string()), "{line}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
}

fn a_black_hole_ends_at_the_attempt_timeout<R: Runtime>() {
    let silent = Silent::new(V4);
    let timeout = Duration::from_millis(60);
    let policy = Policy::new().with_attempt_timeout(timeout).unwrap();
    let dialer = dialer::<R>([silent.addr()]).with_policy(policy);
    let error = R::new().run(dialer.connect(NAME)).map(drop).unwrap_err();
    assert_eq!(silent.connecting(), 0);
    assert_eq!(error.kind(), ErrorKind::Connection);
    let attempt = &error.report().attempts()[0];
    assert!(matches!(attempt.outcome, AttemptOutcome::TimedOut), "{attempt:?}");
    assert!(attempt.ended - attempt.started >= timeout, "{attempt:?}");
    let line = error.to_string();
    assert!(line.contains(&silent.addr().to_string()), "{line}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
}

fn an_attempt_that_times_out_is_followed_at_once<R: Runtime>() {
    let (silent, refusing) = (Silent::new(V4), Refusing::new(V4));
    let policy = Policy::new().without_overlap();
    let policy = policy.with_attempt_timeout(Duration::from_millis(60)).unwrap();
    let candidates = [silent.addr(), refusing.addr()];
    let dialer = dialer::<R>(candidates).with_policy(policy);
    let error = R::new().run(dialer.connect(NAME)).map(drop).unwrap_err();
    assert_eq!(silent.connecting(), 0);
    let [first, second] = error.report().attempts() else {
        panic!("{error:#}");
    };
    assert!(matches!(first.outcome, AttemptOutcome::TimedOut), "{first:?}");
    assert_eq!(second.address, refusing.addr().to_string());
    assert_eq!(second.started, first.ended);
}

fn no_deadline_touches_the_stream_after_success<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let addr = healthy.addr();
    let runtime = R::new();
    let (stream, timeout) = runtime.run(async move {
        let mut timeout = Duration::from_millis(200);
        loop {
            let policy = Policy::new().with_timeout(timeout).unwrap();
            let policy = policy.with_attempt_timeout(timeout).unwrap();
            let dialer = dialer::<R>([addr]).with_policy(policy);
            match dialer.connect(NAME).await {
                Ok(stream) => return (stream, timeout),
                // This machine needs longer.
                Err(_) => timeout *= 2,
            }
        }
    });
    let local = R::Adapter::local_addr(&stream);
    let served = healthy.serve(local, GET, b"HTTP/1.1 200 OK\r\n\r\n");
    let answer = runtime.run(async move {
        // The deadlines have come by then.
        let timer = <R::Adapter as Adapter>::Timer::default();
        timer.sleep(timeout).await;
        R::Adapter::exchange(stream, GET).await
    });
    assert_ok(&answer);
    served.join().unwrap();
}

fn a_connect_is_polled_only_when_something_has_happened<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let runtime = R::new();
    for _ in 0..100 {
        let dial = counted(dialer::<R>([healthy.addr()]).connect(NAME));
        let (stream, polls) = runtime.run(dial);
        assert_eq!(R::Adapter::local_addr(&stream.unwrap()), healthy.accept().1);
        // It starts, it is connected, and a wake-up may be for nothing now and then; a reactor that
        // is asked in a way it can't answer takes thousands.
        assert!(polls <= 64, "{polls} polls for one attempt");
    }
}
