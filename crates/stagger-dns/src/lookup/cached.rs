//! Cached lookups.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use pin_project_lite::pin_project;
use stagger::Timer;
use stagger::drivers::lock;
use stagger_net::reactor::ReactorMark;

use super::record::RecordLookup;
use super::service::{FoundAddresses, LookupResult, LookupService, TimedLookups};
use crate::cache::Cache;
use crate::client::{Client, Runtime};
use crate::network::seam::Network;
use crate::question::Question;

/// The most addresses of an answer that is cached: 256. Longer answers are asked for again.
///
/// A hostile answer has a thousand addresses. With this limit a full cache stays below 5 MB. The
/// number is ours.
const MAX_ADDRESSES: usize = 256;

/// The results that may be cached, by question. Clones share them.
#[derive(Clone)]
pub(crate) struct AnswerCache(Arc<Mutex<Cache<Question, LookupResult>>>);

impl AnswerCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Arc::new(Mutex::new(Cache::new(capacity))))
    }

    fn lock(&self) -> MutexGuard<'_, Cache<Question, LookupResult>> {
        // No code of a caller runs under this lock.
        lock(&self.0)
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Returns the result of an equal lookup, with the rest of its TTL.
    fn recall(&self, question: &Question, now: Instant) -> Option<LookupResult> {
        let mut cache = self.lock();
        let hit = cache.get(question, now)?;
        Some(match hit.value {
            Ok(found) => Ok(FoundAddresses { ttl: hit.ttl, ..found.clone() }),
            Err(error) => Err(error.aged(question, hit.ttl)),
        })
    }

    /// Keeps a result until its TTL is over. A failure has no TTL and is not kept.
    fn keep(&self, question: &Question, result: &LookupResult, now: Instant) {
        let ttl = match result {
            Ok(found) if found.addresses.len() > MAX_ADDRESSES => return,
            Ok(found) => found.ttl,
            Err(error) => match error.ttl() {
                Some(ttl) => ttl,
                None => return,
            },
        };
        let (key, value) = (question.clone(), result.clone());
        match result {
            Ok(_) => self.lock().insert(key, value, ttl, now),
            Err(_) => self.lock().insert_negative(key, value, ttl, now),
        }
    }
}

/// Sends no question whose result is cached.
pub(crate) struct CachedLookups<N, T> {
    client: Client<N, T>,
    runtime: Arc<Runtime<N, T>>,
    cache: AnswerCache,
}

impl<N: Network, T: Timer> CachedLookups<N, T> {
    pub(crate) fn new(
        client: Client<N, T>,
        runtime: Arc<Runtime<N, T>>,
        cache: AnswerCache,
    ) -> Self {
        Self { client, runtime, cache }
    }
}

impl<N: Network, T: Timer> TimedLookups for CachedLookups<N, T> {
    type Timer = T;

    fn timer(&self) -> &T {
        &self.runtime.timer
    }
}

impl<N: Network, T: Timer> LookupService for CachedLookups<N, T> {
    type Lookup = CachedLookup<N, T>;

    fn look_up(&self, question: &Question) -> CachedLookup<N, T> {
        CachedLookup {
            client: self.client.clone(),
            cache: self.cache.clone(),
            question: question.clone(),
            lookup: None,
        }
    }

    fn known(&self, question: &Question) -> Option<LookupResult> {
        self.cache.recall(question, self.client.now())
    }

    fn reactor(&self) -> ReactorMark {
        self.client.reactor()
    }
}

pin_project! {
    /// A lookup whose result may be in the cache.
    pub(crate) struct CachedLookup<N, T>
    where
        N: Network,
        T: Timer,
    {
        client: Client<N, T>,
        cache: AnswerCache,
        question: Question,
        #[pin]
        lookup: Option<RecordLookup<N, T>>,
    }
}

impl<N: Network, T: Timer> Future for CachedLookup<N, T> {
    type Output = LookupResult;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LookupResult> {
        let mut this = self.project();
        if this.lookup.is_none() {
            if let Some(result) = this.cache.recall(this.question, this.client.now()) {
                return Poll::Ready(result);
            }
            this.lookup.set(Some(this.client.look_up(this.question)));
        }
        let lookup = this.lookup.as_mut().as_pin_mut().expect("it was set");
        let result = ready!(lookup.poll(cx));
        this.cache.keep(this.question, &result, this.client.now());
        Poll::Ready(result)
    }
}
