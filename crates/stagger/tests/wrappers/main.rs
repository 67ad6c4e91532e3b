//! Resolvers that wrap others: their queries, their answers, and the times.

mod cache;
mod fallback;
mod fastest;
mod linger;
mod lookup;
mod map;
mod overrides;
mod routes;
mod sorted;
#[path = "../support/mod.rs"]
mod support;
mod timeout;

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use futures_core::Stream;
use stagger::resolve::Query;
use stagger::{Answer, Resolver, Target};
use support::World;

fn query(target: &str) -> Query {
    Query::new(Target::parse(target).unwrap())
}

/// An answer as `A: 192.0.2.1:80`, with its error if it failed, and its other settings.
fn line<A: fmt::Display, E: fmt::Display>(answer: &Answer<A, E>) -> String {
    let addresses: Vec<_> = answer.addresses().map(ToString::to_string).collect();
    let what = match answer.error() {
        Some(error) => format!("{error}"),
        None if addresses.is_empty() => "none".into(),
        None => addresses.join(" "),
    };
    let sorted = if answer.is_sorted() { ", sorted" } else { "" };
    let provisional = if answer.is_provisional() { ", provisional" } else { "" };
    let ttl = answer.ttl().map(|ttl| format!(", for {} s", ttl.as_secs())).unwrap_or_default();
    format!("{}: {what}{provisional}{sorted}{ttl}", answer.record())
}

/// Every answer with its time in milliseconds, and the time of the end.
fn told<R>(world: &World, resolver: &R, query: &Query) -> Vec<String>
where
    R: Resolver<Address: fmt::Display, Error: fmt::Display>,
{
    told_until(world, Duration::MAX, resolver.resolve(query))
}

/// Every answer until this time, counted from the clock's start, and the time of the end. The
/// stream is dropped then, and nothing of the lookup may remain.
fn told_until<S, A, E>(world: &World, time: Duration, answers: S) -> Vec<String>
where
    S: Stream<Item = Answer<A, E>>,
    A: fmt::Display,
    E: fmt::Display,
{
    let mut lines = Vec::new();
    {
        let mut answers = pin!(answers);
        let all = async {
            loop {
                let answer = poll_fn(|cx| answers.as_mut().poll_next(cx)).await;
                let now = world.elapsed();
                let Some(answer) = answer else {
                    lines.push(format!("{now} end"));
                    return;
                };
                lines.push(format!("{now} {}", line(&answer)));
            }
        };
        let all = pin!(all);
        if time == Duration::MAX {
            world.clock.run(all);
        } else {
            let _: Poll<()> = world.clock.run_until(time, all);
        }
    }
    world.ledger.assert_clean();
    assert_eq!(world.clock.timers(), 0, "a timer is left");
    lines
}

/// The targets of the queries to scripted resolvers.
fn asked(world: &World) -> Vec<String> {
    world.ledger.queries().iter().map(|query| query.target().to_string()).collect()
}

fn is_send<T: Send>(_: Pin<&T>) {}
