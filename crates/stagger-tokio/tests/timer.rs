//! When an alarm of the timer is set, and when it wakes.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use stagger_tokio::Timer;
use stagger_tokio::stagger::Timer as _;

/// How often a task has been woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

const HOUR: Duration = Duration::from_secs(3600);

fn polled(sleep: Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
    sleep.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a sleep of one hour, lets the hour pass, and counts the wakes of that hour.
async fn wakes_after(polls: usize) -> usize {
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let mut sleep = pin!(Timer.sleep_until(Timer.now() + HOUR));
    for _ in 0..polls {
        assert!(sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        // The runtime wakes the task of a first poll before it runs the next task.
        tokio::task::yield_now().await;
    }
    let before = wakes.0.load(Ordering::Relaxed);
    tokio::time::advance(HOUR + Duration::from_millis(1)).await;
    wakes.0.load(Ordering::Relaxed) - before
}

#[tokio::test(start_paused = true)]
async fn an_alarm_is_set_at_the_second_poll_and_wakes_at_its_time() {
    assert_eq!(wakes_after(1).await, 0);
    assert_eq!(wakes_after(2).await, 1);

    let before = Timer.now();
    tokio::time::timeout(2 * HOUR, Timer.sleep_until(before + HOUR)).await.unwrap();
    assert_eq!(Timer.now() - before, HOUR);
}

#[tokio::test(start_paused = true)]
async fn a_time_that_is_past_is_ready_at_the_first_poll() {
    assert!(polled(pin!(Timer.sleep_until(Timer.now()))).is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_time_that_passes_between_two_polls_is_ready_at_the_second() {
    let mut sleep = pin!(Timer.sleep_until(Timer.now() + Duration::from_secs(1)));
    assert!(polled(sleep.as_mut()).is_pending());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(polled(sleep.as_mut()).is_ready());
}

#[tokio::test(start_paused = true)]
async fn the_first_poll_has_the_task_polled_again() {
    let before = Timer.now();
    let mut sleep = pin!(Timer.sleep_until(before + HOUR));
    let mut polls = 0;
    let twice = poll_fn(|cx| {
        polls += 1;
        assert!(sleep.as_mut().poll(cx).is_pending());
        if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
    });
    // Without a second poll the timeout would end this, one second later.
    tokio::time::timeout(Duration::from_secs(1), twice).await.unwrap();
    assert_eq!((polls, Timer.now()), (2, before));
}
