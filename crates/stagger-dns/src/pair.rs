//! The two lookups of one name, and what they say of the server that answered A.
//!
//! A source for one query. Each name is asked for AAAA first and then for A, as `sources/walk.rs`
//! does. See [`Late`] for what is learned.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use stagger::resolve::Record;
use stagger::{Policy, Timer};
use stagger_net::reactor::ReactorMark;

use crate::joined::{Joined, Joining, Timed};
use crate::late::{Late, Miss, is_late, is_timely};
use crate::lookup::{Found, Lookups, Outcome};
use crate::question::Question;

/// What is learned of the servers of a configuration. Clones share it.
pub(crate) type Learned = Arc<Mutex<Late>>;

/// Nothing of a caller's runs under these locks, so a poisoned one is still sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A source of lookups that learns which servers answer AAAA too late.
pub(crate) struct Pairing<S: Timed> {
    source: Joining<S>,
    learned: Learned,
    pair: Arc<Mutex<Pair>>,
}

/// The lookups of the name that was asked for last.
#[derive(Default)]
struct Pair {
    /// Lookups of an earlier name have another number, and count no more.
    number: u64,
    aaaa: Aaaa,
    /// The server that answered A while AAAA was awaited, and when.
    a: Option<(SocketAddr, Instant)>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Aaaa {
    /// It is not asked for, or nothing more is learned of it.
    #[default]
    Over,
    Awaited {
        asked: Instant,
    },
    /// Its reply has come, and A has not.
    Came,
}

/// One lookup of a pair.
pub(crate) struct Paired<S: Timed> {
    lookup: Joined<S>,
    record: Record,
    source: Joining<S>,
    learned: Learned,
    pair: Arc<Mutex<Pair>>,
    number: u64,
    is_begun: bool,
    is_over: bool,
}

impl<S: Timed> Pairing<S> {
    pub(crate) fn new(source: Joining<S>, learned: Learned) -> Self {
        Self { source, learned, pair: Arc::default() }
    }
}

impl<S: Timed> Lookups for Pairing<S> {
    type Lookup = Paired<S>;

    fn look_up(&self, question: &Question) -> Paired<S> {
        let now = self.source.timer().now();
        let mut pair = lock(&self.pair);
        if question.record == Record::Aaaa {
            let (number, aaaa) = (pair.number + 1, Aaaa::Awaited { asked: now });
            *pair = Pair { number, aaaa, a: None };
        }
        Paired {
            lookup: self.source.look_up(question),
            record: question.record,
            source: self.source.clone(),
            learned: Arc::clone(&self.learned),
            pair: Arc::clone(&self.pair),
            number: pair.number,
            is_begun: false,
            is_over: false,
        }
    }

    fn known(&self, question: &Question) -> Option<Outcome> {
        self.source.known(question)
    }

    fn reactor(&self) -> ReactorMark {
        self.source.reactor()
    }
}

impl<S: Timed> Future for Paired<S> {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        // What is there at the first poll is remembered, and was not waited for.
        let is_known = !std::mem::replace(&mut self.is_begun, true);
        let mut outcome = ready!(Pin::new(&mut self.lookup).poll(cx));
        self.is_over = true;
        match (self.record, &mut outcome) {
            (Record::Aaaa, outcome) => {
                let is_reply =
                    outcome.as_ref().map_or_else(|error| error.kind().is_negative(), |_| true);
                self.end_aaaa(is_reply, is_known);
            }
            (_, Ok(found)) => self.end_a(found),
            (_, Err(_)) => {}
        }
        Poll::Ready(outcome)
    }
}

impl<S: Timed> Paired<S> {
    /// Notes an A, and how much of the resolution delay is spent with it.
    fn end_a(&self, found: &mut Found) {
        let Some(server) = found.server else { return };
        let now = self.source.timer().now();
        let mut pair = lock(&self.pair);
        if pair.number != self.number {
            return;
        }
        match pair.aaaa {
            Aaaa::Over => {}
            Aaaa::Came => lock(&self.learned).came(server),
            Aaaa::Awaited { .. } => {
                pair.a = Some((server, now));
                found.delay_spent = lock(&self.learned).spent(server);
            }
        }
    }

    /// Notes the end of an AAAA lookup: a reply, or a failure or a drop.
    fn end_aaaa(&self, is_reply: bool, is_known: bool) {
        let now = self.source.timer().now();
        let mut pair = lock(&self.pair);
        let Aaaa::Awaited { asked } = pair.aaaa else { return };
        if pair.number != self.number {
            return;
        }
        pair.aaaa = Aaaa::Over;
        if is_known {
            return;
        }
        let Some((server, at)) = pair.a else {
            if is_reply {
                pair.aaaa = Aaaa::Came;
            }
            return;
        };
        let after = now.saturating_duration_since(at);
        let waited = match is_reply {
            true if is_timely(after) => return lock(&self.learned).came(server),
            // A race with a longer delay waits for such replies, so no more is spent.
            true => Policy::RESOLUTION_DELAY,
            false if is_late(after) => after,
            false => return,
        };
        if let Some(lookup) = self.lookup.number() {
            lock(&self.learned).missed(server, &Miss { lookup, asked, now, waited });
        }
    }
}

impl<S: Timed> Drop for Paired<S> {
    fn drop(&mut self) {
        if self.record == Record::Aaaa && !self.is_over {
            self.end_aaaa(false, false);
        }
    }
}
