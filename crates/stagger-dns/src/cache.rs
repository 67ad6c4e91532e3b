//! Answers for as long as they hold.

use std::fmt;
use std::hash::{Hash, RandomState};
use std::time::{Duration, Instant};

use hashlink::LruCache;

/// How many answers are kept unless it is said otherwise: 1024. The number is ours.
pub const CACHE_CAPACITY: usize = 1024;

/// The longest that an answer with records is kept: 1 day, whatever its TTL. RFC 8767 §4 asks for
/// a cap in days to weeks. Ours is the shortest of that, for a client may be on the move.
pub const MAX_TTL: Duration = Duration::from_secs(86_400);

/// The longest that an answer without records is kept: 3 hours, the upper end of what RFC 2308 §5
/// calls sensible. There is no least time.
pub const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(3 * 3600);

/// The TTL of an answer without records, of the SOA record beside it: the lesser of its own TTL
/// and its MINIMUM field (RFC 2308 §5). Without an SOA record such an answer must not be kept, so
/// its TTL is 0. So is it if the record's has its top bit set (RFC 2181 §8).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger_dns::negative_ttl;
///
/// assert_eq!(negative_ttl(3600, 300), Duration::from_secs(300));
/// assert_eq!(negative_ttl(60, 300), Duration::from_secs(60));
/// assert_eq!(negative_ttl(1 << 31, 300), Duration::ZERO);
/// ```
pub fn negative_ttl(soa_ttl: u32, soa_minimum: u32) -> Duration {
    seconds(soa_ttl).min(Duration::from_secs(soa_minimum.into()))
}

/// The TTL that a record says. One with its top bit set is none (RFC 2181 §8). RFC 8767 §4 would
/// rather have the cap; what is asked for again too early does no harm.
pub(crate) fn seconds(ttl: u32) -> Duration {
    Duration::from_secs(if ttl > i32::MAX as u32 { 0 } else { ttl.into() })
}

/// Answers by key, each until its TTL is over; when it is full, the one that was not asked for
/// the longest goes.
///
/// A key is what was asked: name, record and type. Names must be in one case, for keys are compared
/// as they are. Time is given in and never asked for. The number of answers is bounded, not their
/// size.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use stagger_dns::Cache;
///
/// let mut cache = Cache::new(100);
/// let now = Instant::now();
/// cache.insert("example.com", "192.0.2.1", Duration::from_secs(60), now);
///
/// let later = now + Duration::from_secs(20);
/// let hit = cache.get("example.com", later).unwrap();
/// assert_eq!((*hit.value, hit.ttl), ("192.0.2.1", Duration::from_secs(40)));
/// assert!(cache.get("example.com", now + Duration::from_secs(60)).is_none());
/// ```
pub struct Cache<K, V> {
    // The keyed hash of `std`, because whoever chooses the names that are asked for must not
    // choose their places too.
    entries: LruCache<K, Entry<V>, RandomState>,
}

struct Entry<V> {
    value: V,
    stored: Instant,
    ttl: Duration,
    is_negative: bool,
}

/// An answer that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit<'a, V> {
    /// The answer.
    pub value: &'a V,
    /// How long it holds from now on; more than nothing.
    pub ttl: Duration,
    /// Whether it is one without records.
    pub is_negative: bool,
}

impl<K: Eq + Hash, V> Cache<K, V> {
    /// An empty one for so many answers. With a capacity of 0 it is off and keeps none.
    pub fn new(capacity: usize) -> Self {
        Self { entries: LruCache::with_hasher(capacity, RandomState::new()) }
    }

    /// Keeps an answer with records, for its TTL or [`MAX_TTL`] if that is less.
    ///
    /// It replaces what there was under the key. With a TTL of 0 it is not kept (RFC 1035
    /// §3.2.1), but what it replaces is gone.
    pub fn insert(&mut self, key: K, value: V, ttl: Duration, now: Instant) {
        let ttl = ttl.min(MAX_TTL);
        self.store(key, Entry { value, stored: now, ttl, is_negative: false });
    }

    /// Keeps an answer without records, for its TTL (see [`negative_ttl`]) or [`MAX_NEGATIVE_TTL`]
    /// if that is less; otherwise as [`Cache::insert`].
    ///
    /// That there is no such name and that it has no such records are two answers (RFC 2308 §2);
    /// the value tells them apart.
    pub fn insert_negative(&mut self, key: K, value: V, ttl: Duration, now: Instant) {
        let ttl = ttl.min(MAX_NEGATIVE_TTL);
        self.store(key, Entry { value, stored: now, ttl, is_negative: true });
    }

    fn store(&mut self, key: K, entry: Entry<V>) {
        if entry.ttl.is_zero() || self.capacity() == 0 {
            self.entries.remove(&key);
        } else {
            self.entries.insert(key, entry);
        }
    }

    /// The answer to the key, if there is one that holds still. One that does not is dropped.
    pub fn get<Q>(&mut self, key: &Q, now: Instant) -> Option<Hit<'_, V>>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if self.entries.peek(key)?.remaining(now).is_none() {
            self.entries.remove(key);
            return None;
        }
        let entry = self.entries.get(key)?;
        let ttl = entry.remaining(now)?;
        Some(Hit { value: &entry.value, ttl, is_negative: entry.is_negative })
    }

    /// Drops what is over. There is no need to call it: what is over is never returned, and makes
    /// room when it is the next to go.
    pub fn remove_expired(&mut self, now: Instant) {
        self.entries.retain(|_, entry| entry.remaining(now).is_some());
    }

    /// Drops all answers, as is right when the network has changed.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// How many answers are kept, those included that are over and were not asked for since.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many are kept at the most.
    pub fn capacity(&self) -> usize {
        self.entries.capacity()
    }
}

impl<K: Eq + Hash, V> Default for Cache<K, V> {
    /// An empty one for [`CACHE_CAPACITY`] answers.
    fn default() -> Self {
        Self::new(CACHE_CAPACITY)
    }
}

impl<V> Entry<V> {
    /// How long it holds from now on, if it does. Its age is none at a time before it was stored.
    fn remaining(&self, now: Instant) -> Option<Duration> {
        let age = now.saturating_duration_since(self.stored);
        self.ttl.checked_sub(age).filter(|ttl| !ttl.is_zero())
    }
}

/// Prints how many answers there are.
impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("len", &self.entries.len())
            .field("capacity", &self.entries.capacity())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
