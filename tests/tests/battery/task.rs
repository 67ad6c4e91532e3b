//! What a connect asks of tokio's scheduler: nothing.

use std::time::Duration;

use ::futures_lite::future::poll_once;
use stagger::Policy;
use stagger_tests::place::{Healthy, Silent, V4};
use stagger_tests::{Runtime as _, TokioCurrentThread, dialer, process};
use tokio::runtime::Handle;

#[test]
fn no_task_is_spawned_for_an_attempt() {
    let test = concat!(module_path!(), "::no_task_is_spawned_for_an_attempt");
    process::alone(test, || TokioCurrentThread::new().run(counts_tasks()));
}

async fn counts_tasks() {
    let (silent, healthy) = (Silent::new(V4), Healthy::new(V4));
    let policy = Policy::new().attempt_delay(Duration::from_millis(10));
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
