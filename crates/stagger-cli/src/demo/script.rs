//! A resolver whose answers come at set times.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_lite::stream;
use stagger::resolve::{Record, resolver_fn};
use stagger::{Answer, Resolver, Timer};

/// What becomes of one query.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    /// After this time the query of this record brings these addresses.
    Finds(Duration, Record, Vec<SocketAddr>),
    /// No more is said, and no end either.
    Hangs,
}

/// A resolver that gives every query these answers, in this order, at their times after the first
/// poll on this clock.
pub(crate) fn resolver<T>(
    lines: Vec<Line>,
    timer: T,
) -> impl Resolver<Address = SocketAddr, Error = Infallible>
where
    T: Timer + Clone,
{
    resolver_fn(move |_: &_| {
        let state = (lines.clone().into_iter(), timer.clone(), None);
        stream::unfold(state, |(mut lines, timer, start)| async move {
            let start = start.unwrap_or_else(|| timer.now());
            match lines.next()? {
                Line::Finds(after, record, addresses) => {
                    sleep_until(&timer, start + after).await;
                    let answer = Answer::found(record, addresses);
                    Some((answer, (lines, timer, Some(start))))
                }
                Line::Hangs => pending().await,
            }
        })
    })
}

/// Waits for a deadline. The clock decides and the alarm only wakes, so that of two deadlines on
/// one clock the earlier is seen first, however late the machine is.
async fn sleep_until<T: Timer>(timer: &T, deadline: Instant) {
    let mut sleep = pin!(timer.sleep_until(deadline));
    poll_fn(|cx| if timer.now() >= deadline { Poll::Ready(()) } else { sleep.as_mut().poll(cx) })
        .await;
}
