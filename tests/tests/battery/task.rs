//! What a connect leaves with a runtime: no task, no thread, no timer.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use ::futures_lite::future::poll_once;
use ::tokio::runtime::Handle;
use stagger::Policy;
use stagger_tests::place::{Healthy, Silent, V4};
use stagger_tests::process::threads;
use stagger_tests::{Runtime, TokioCurrentThread, battery, dialer, process};

battery! {
    alone {
        a_dropped_connect_leaves_no_thread_and_nobody_who_would_wake_it,
    }
}

/// How long a reactor may take to forget. It bounds a failing test only.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whoever has one would wake the connect: a timer, a reactor, a thread.
struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

fn a_dropped_connect_leaves_no_thread_and_nobody_who_would_wake_it<R: Runtime>() {
    let silent = [Silent::new(V4), Silent::new(V4)];
    let healthy = Healthy::new(V4);
    let policy = Policy::new().with_attempt_delay(Duration::from_millis(10)).unwrap();
    let runtime = R::new();
    // Has the runtime start what it starts once.
    let first = [silent[0].addr(), healthy.addr()];
    let first = dialer::<R>(first).with_policy(policy.clone()).connect("stagger.test:80");
    drop(runtime.run(first).unwrap());
    let before = threads();

    let addrs = silent.each_ref().map(Silent::addr);
    let mut dial = Box::pin(dialer::<R>(addrs).with_policy(policy).connect("stagger.test:80"));
    let waker = Arc::new(Nobody);
    let held = waker.clone();
    let pending = runtime.run(async move {
        let waker = Waker::from(held.clone());
        let pending = dial.as_mut().poll(&mut Context::from_waker(&waker)).is_pending();
        drop(waker);
        // The attempt and the alarm have it, beside the two here.
        pending && Arc::strong_count(&held) >= 4
    });
    assert!(pending, "it asked to be woken");
    assert_eq!(silent[0].connecting() + silent[1].connecting(), 0);
    assert_eq!(threads(), before);
    // smol's reactor takes a timer out at its next turn, which is no later than the timer's time.
    let start = Instant::now();
    while Arc::strong_count(&waker) > 1 {
        assert!(start.elapsed() < PATIENCE, "somebody would wake it still");
        thread::yield_now();
    }
}

#[test]
fn no_task_is_spawned_for_an_attempt() {
    let test = concat!(module_path!(), "::no_task_is_spawned_for_an_attempt");
    process::alone(test, || TokioCurrentThread::new().run(counts_tasks()));
}

async fn counts_tasks() {
    let (silent, healthy) = (Silent::new(V4), Healthy::new(V4));
    let policy = Policy::new().with_attempt_delay(Duration::from_millis(10));
    let dialer = dialer::<TokioCurrentThread>([silent.addr(), healthy.addr()]);
    let dialer = dialer.with_policy(policy.unwrap());
    let mut dial = Box::pin(dialer.connect("stagger.test:80"));
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    assert!(poll_once(&mut dial).await.is_none());
    assert_eq!(silent.connecting(), 1);
    assert_eq!(tasks(), before);
    let stream = dial.await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), healthy.addr());
    assert_eq!(silent.connecting(), 0);
    assert_eq!(tasks(), before);
}
