//! Remembered lookups.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use pin_project_lite::pin_project;
use stagger::Timer;
use stagger_net::reactor::ReactorMark;

use crate::Cache;
use crate::client::{Client, Means};
use crate::joined::Timed;
use crate::lookup::{Found, Lookup, Lookups, Outcome};
use crate::network::Network;
use crate::question::Question;

/// The most addresses of an answer that is remembered: 256. Longer answers are asked for again.
///
/// A hostile answer has a thousand addresses. With this limit a full cache stays below 5 MB. The
/// number is ours.
const MAX_ADDRESSES: usize = 256;

/// The outcomes that may be kept, by question. Clones share them.
#[derive(Clone)]
pub(crate) struct Memory(Arc<Mutex<Cache<Question, Outcome>>>);

impl Memory {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Arc::new(Mutex::new(Cache::new(capacity))))
    }

    /// Nothing of a caller's runs under the lock, so a poisoned one is still sound.
    fn lock(&self) -> MutexGuard<'_, Cache<Question, Outcome>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// The outcome of an equal lookup, with what is left of its TTL.
    fn recall(&self, question: &Question, now: Instant) -> Option<Outcome> {
        let mut cache = self.lock();
        let hit = cache.get(question, now)?;
        Some(match hit.value {
            Ok(found) => Ok(Found { ttl: hit.ttl, ..found.clone() }),
            Err(error) => Err(error.aged(question, hit.ttl)),
        })
    }

    /// Keeps an outcome for as long as its TTL says. A failure has none and is not kept.
    fn keep(&self, question: &Question, outcome: &Outcome, now: Instant) {
        let ttl = match outcome {
            Ok(found) if found.addresses.len() > MAX_ADDRESSES => return,
            Ok(found) => found.ttl,
            Err(error) => match error.ttl() {
                Some(ttl) => ttl,
                None => return,
            },
        };
        let (key, value) = (question.clone(), outcome.clone());
        match outcome {
            Ok(_) => self.lock().insert(key, value, ttl, now),
            Err(_) => self.lock().insert_negative(key, value, ttl, now),
        }
    }
}

/// A source of lookups that sends no question whose outcome it remembers.
pub(crate) struct Remembering<N, T> {
    client: Client<N, T>,
    means: Arc<Means<N, T>>,
    memory: Memory,
}

impl<N: Network, T: Timer> Remembering<N, T> {
    pub(crate) fn new(client: Client<N, T>, means: Arc<Means<N, T>>, memory: Memory) -> Self {
        Self { client, means, memory }
    }
}

impl<N: Network, T: Timer> Timed for Remembering<N, T> {
    type Timer = T;

    fn timer(&self) -> &T {
        &self.means.timer
    }
}

impl<N: Network, T: Timer> Lookups for Remembering<N, T> {
    type Lookup = Remembered<N, T>;

    fn look_up(&self, question: &Question) -> Remembered<N, T> {
        Remembered {
            client: self.client.clone(),
            memory: self.memory.clone(),
            question: question.clone(),
            lookup: None,
        }
    }

    fn known(&self, question: &Question) -> Option<Outcome> {
        self.memory.recall(question, self.client.now())
    }

    fn reactor(&self) -> ReactorMark {
        self.client.reactor()
    }
}

pin_project! {
    /// A lookup that may turn out to be remembered.
    pub(crate) struct Remembered<N, T>
    where
        N: Network,
        T: Timer,
    {
        client: Client<N, T>,
        memory: Memory,
        question: Question,
        #[pin]
        lookup: Option<Lookup<N, T>>,
    }
}

impl<N: Network, T: Timer> Future for Remembered<N, T> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let mut this = self.project();
        if this.lookup.is_none() {
            if let Some(outcome) = this.memory.recall(this.question, this.client.now()) {
                return Poll::Ready(outcome);
            }
            this.lookup.set(Some(this.client.look_up(this.question)));
        }
        let lookup = this.lookup.as_mut().as_pin_mut().expect("it was set");
        let outcome = ready!(lookup.poll(cx));
        this.memory.keep(this.question, &outcome, this.client.now());
        Poll::Ready(outcome)
    }
}
