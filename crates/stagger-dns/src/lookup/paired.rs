//! The two lookups of one name, and what they show about the server that answered A.
//!
//! A service is made for each query. It is asked for AAAA of a name first and then for A, in the
//! order of the query's records. [`LateServers`] has what is learned.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use stagger::drivers::lock;
use stagger::resolve::Record;
use stagger::{Policy, Timer};
use stagger_net::reactor::ReactorMark;

use super::joined::{JoinedLookup, JoinedLookups};
use super::late_servers::{LateAaaa, LateServers, is_late, is_timely};
use super::service::{FoundAddresses, LookupResult, LookupService, TimedLookups};
use crate::question::Question;

/// What is learned about the servers of a configuration. Clones share it.
pub(crate) type SharedLateServers = Arc<Mutex<LateServers>>;

/// Learns which servers answer AAAA too late.
pub(crate) struct PairedLookups<S: TimedLookups> {
    source: JoinedLookups<S>,
    learned: SharedLateServers,
    pair: Arc<Mutex<Pair>>,
}

/// The lookups of the last name.
#[derive(Default)]
struct Pair {
    /// Lookups of an earlier name have another number, and do not count.
    number: u64,
    aaaa: Aaaa,
    /// The server that answered A before AAAA had ended, and the time of that answer.
    a: Option<(SocketAddr, Instant)>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Aaaa {
    /// It is not asked for, or nothing more is learned from it.
    #[default]
    Over,
    Awaited {
        asked: Instant,
    },
    /// Its reply has come, and that of A has not.
    Came,
}

/// One lookup of a pair.
pub(crate) struct PairedLookup<S: TimedLookups> {
    lookup: JoinedLookup<S>,
    record: Record,
    source: JoinedLookups<S>,
    learned: SharedLateServers,
    pair: Arc<Mutex<Pair>>,
    number: u64,
    is_begun: bool,
    is_over: bool,
}

impl<S: TimedLookups> PairedLookups<S> {
    pub(crate) fn new(source: JoinedLookups<S>, learned: SharedLateServers) -> Self {
        Self { source, learned, pair: Arc::default() }
    }
}

impl<S: TimedLookups> LookupService for PairedLookups<S> {
    type Lookup = PairedLookup<S>;

    fn look_up(&self, question: &Question) -> PairedLookup<S> {
        let now = self.source.timer().now();
        let mut pair = lock(&self.pair);
        if question.record == Record::Aaaa {
            let (number, aaaa) = (pair.number + 1, Aaaa::Awaited { asked: now });
            *pair = Pair { number, aaaa, a: None };
        }
        PairedLookup {
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

    fn known(&self, question: &Question) -> Option<LookupResult> {
        self.source.known(question)
    }

    fn reactor(&self) -> ReactorMark {
        self.source.reactor()
    }
}

impl<S: TimedLookups> Future for PairedLookup<S> {
    type Output = LookupResult;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LookupResult> {
        // A result at the first poll is a cached one, and nothing waited for it.
        let is_known = !std::mem::replace(&mut self.is_begun, true);
        let mut result = ready!(Pin::new(&mut self.lookup).poll(cx));
        self.is_over = true;
        match (self.record, &mut result) {
            (Record::Aaaa, result) => {
                let is_reply =
                    result.as_ref().map_or_else(|error| error.kind().is_negative(), |_| true);
                self.end_aaaa(is_reply, is_known);
            }
            (_, Ok(found)) => self.end_a(found),
            (_, Err(_)) => {}
        }
        Poll::Ready(result)
    }
}

impl<S: TimedLookups> PairedLookup<S> {
    /// Records an A, and how much of the resolution delay is spent with it.
    fn end_a(&self, found: &mut FoundAddresses) {
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

    /// Records the end of an AAAA lookup: a reply, a failure or a drop.
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
            lock(&self.learned).missed(server, &LateAaaa { lookup, asked, now, waited });
        }
    }
}

impl<S: TimedLookups> Drop for PairedLookup<S> {
    fn drop(&mut self) {
        if self.record == Record::Aaaa && !self.is_over {
            self.end_aaaa(false, false);
        }
    }
}
