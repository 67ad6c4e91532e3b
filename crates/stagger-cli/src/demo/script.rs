//! A resolver with answers at set times.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_lite::stream;
use stagger::resolve::{Record, resolver_fn};
use stagger::{Answer, Resolver, Timer};

/// One step of the script.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    /// After this time, the query for this record finds these addresses.
    Finds(Duration, Record, Vec<SocketAddr>),
    /// No further answer comes, and no end.
    Hangs,
}

/// A resolver with these answers for every query, in this order. The times count from the first
/// poll, on this clock.
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

/// Waits for a deadline. The clock decides and the sleep only wakes. So the earlier of two
/// deadlines comes first, even on a slow machine.
async fn sleep_until<T: Timer>(timer: &T, deadline: Instant) {
    let mut sleep = pin!(timer.sleep_until(deadline));
    poll_fn(|cx| if timer.now() >= deadline { Poll::Ready(()) } else { sleep.as_mut().poll(cx) })
        .await;
}
