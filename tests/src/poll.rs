//! Counting the polls of a future, dropping it in the middle, and polling several apart.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Polls a future so many times, each time when it has asked for it, and drops it.
///
/// Yields its output if it came to its end. With 0 it is dropped unpolled.
pub async fn polled<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = times;
    poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Polls a future at most so often, as [`polled`] does, and calls `after` after each poll. What it
/// finds there shows that a drop has something to close.
pub async fn watched<F: Future>(
    times: usize,
    future: F,
    mut after: impl FnMut(),
) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let watched = poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        after();
        polled
    });
    polled(times, watched).await
}

/// More polls than any future needs that is cut after each.
const MOST_POLLS: usize = 300;

/// How often a future is tried again that ended in too few polls.
const MOST_TRIES: usize = 1000;

/// Cuts a future after 0, 1, 2 and more polls, until it is not cut but ends. Yields its output.
///
/// `cut` polls a new future at most as often as it is told, drops it, and checks what is left.
///
/// The future is cut after every number of polls below `least`, whatever it finds there already:
/// on a busy machine, another thread or process may have done its part before one poll is over.
/// If it ends in fewer polls, that number is tried again.
pub fn cut_everywhere<T>(least: usize, mut cut: impl FnMut(usize) -> Option<T>) -> T {
    let (mut polls, mut tries) = (0, 0);
    while polls < MOST_POLLS {
        match cut(polls) {
            None => polls += 1,
            Some(output) if polls >= least => return output,
            Some(_) => {
                tries += 1;
                assert!(tries < MOST_TRIES, "it was over after {polls} polls, {tries} times");
            }
        }
    }
    panic!("{polls} polls, and no end");
}

/// Polls a future to its end, and yields its output and how often it was polled.
pub async fn counted<F: Future>(future: F) -> (F::Output, usize) {
    let mut future = pin!(future);
    let mut polls = 0;
    let output = poll_fn(|cx| {
        polls += 1;
        future.as_mut().poll(cx)
    });
    (output.await, polls)
}

/// Polls each future with a waker of its own, as a task is polled, so only when that has been
/// woken. Yields the outputs in the order in which they came.
pub async fn apart<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut left: Vec<(Pin<Box<F>>, Arc<Own>)> =
        futures.into_iter().map(|future| (Box::pin(future), Arc::new(Own::woken()))).collect();
    let mut outputs = Vec::new();
    poll_fn(|cx| {
        left.retain_mut(|(future, own)| {
            *own.outer.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
            if !own.woken.swap(false, Ordering::SeqCst) {
                return true;
            }
            let waker = Waker::from(own.clone());
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => outputs.push(output),
                Poll::Pending => return true,
            }
            false
        });
        if left.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outputs
}

/// The waker of one future among several.
struct Own {
    woken: AtomicBool,
    outer: Mutex<Option<Waker>>,
}

impl Own {
    fn woken() -> Self {
        Self { woken: AtomicBool::new(true), outer: Mutex::default() }
    }
}

impl Wake for Own {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        let outer = self.outer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(outer) = outer {
            outer.wake();
        }
    }
}
