//! A cache of answers, which keeps each one until its TTL is over.
//!
//! A [`DnsResolver`](crate::DnsResolver) has one of its own, and its clones share it. This one is
//! for programs with other answers to keep.

use std::fmt;
use std::hash::{Hash, RandomState};
use std::time::{Duration, Instant};

use hashlink::LruCache;

/// How many answers a cache keeps by default: 1024. The number is ours.
pub const CAPACITY: usize = 1024;

/// The longest time that an answer with records is kept: 1 day, whatever its TTL.
///
/// RFC 8767 §4 asks for a cap of days to weeks. This is the shortest such cap, because a client may
/// move to another network.
pub const MAX_TTL: Duration = Duration::from_secs(86_400);

/// The longest time that an answer without records is kept: 3 hours.
///
/// It is the upper end of what RFC 2308 §5 calls sensible. There is no least time.
pub const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(3 * 3600);

/// Returns the TTL of an answer without records, which comes from the SOA record in its reply.
///
/// It is the lesser of the record's TTL and its MINIMUM field (RFC 2308 §5). It is 0 if the
/// record's TTL has its top bit set (RFC 2181 §8). An answer without an SOA record must not be
/// kept.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger_dns::cache::negative_ttl;
///
/// assert_eq!(negative_ttl(3600, 300), Duration::from_secs(300));
/// assert_eq!(negative_ttl(60, 300), Duration::from_secs(60));
/// assert_eq!(negative_ttl(1 << 31, 300), Duration::ZERO);
/// ```
pub fn negative_ttl(soa_ttl: u32, soa_minimum: u32) -> Duration {
    seconds(soa_ttl).min(Duration::from_secs(soa_minimum.into()))
}

/// Returns the TTL of a record. A TTL with its top bit set is 0 (RFC 2181 §8).
///
/// RFC 8767 §4 recommends the cap instead. Asking again too early does no harm.
pub(crate) fn seconds(ttl: u32) -> Duration {
    Duration::from_secs(if ttl > i32::MAX as u32 { 0 } else { ttl.into() })
}

/// Keeps answers by key, each until its TTL is over. When it is full, it drops the answer that was
/// not used for the longest time.
///
/// A key is what was asked for: name, record and type. Keys are compared as they are, so names must
/// be in one letter case. Every method takes the time as an argument. The number of answers is
/// bounded, and their size is not.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use stagger_dns::cache::Cache;
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
    // The keyed hash of `std`, because an attacker may choose the names that are asked for.
    entries: LruCache<K, CachedAnswer<V>, RandomState>,
}

struct CachedAnswer<V> {
    value: V,
    stored: Instant,
    ttl: Duration,
    is_negative: bool,
}

/// An answer in a [`Cache`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hit<'a, V> {
    /// The answer.
    pub value: &'a V,
    /// The rest of its TTL, which is more than zero.
    pub ttl: Duration,
    /// Whether it is an answer without records.
    pub is_negative: bool,
}

impl<K: Eq + Hash, V> Cache<K, V> {
    /// An empty cache for this number of answers. With a capacity of 0 it keeps no answers.
    pub fn new(capacity: usize) -> Self {
        Self { entries: LruCache::with_hasher(capacity, RandomState::new()) }
    }

    /// Keeps an answer with records, for its TTL or [`MAX_TTL`] if that is less.
    ///
    /// It replaces the answer of the same key. An answer with a TTL of 0 is not kept (RFC 1035
    /// §3.2.1), but the former answer is dropped.
    pub fn insert(&mut self, key: K, value: V, ttl: Duration, now: Instant) {
        let ttl = ttl.min(MAX_TTL);
        self.store(key, CachedAnswer { value, stored: now, ttl, is_negative: false });
    }

    /// Keeps an answer without records, for its TTL (see [`negative_ttl`]) or [`MAX_NEGATIVE_TTL`]
    /// if that is less. Otherwise it does the same as [`insert`](Self::insert).
    ///
    /// A name that does not exist and a name without such records are different answers (RFC 2308
    /// §2). The value must tell them apart.
    pub fn insert_negative(&mut self, key: K, value: V, ttl: Duration, now: Instant) {
        let ttl = ttl.min(MAX_NEGATIVE_TTL);
        self.store(key, CachedAnswer { value, stored: now, ttl, is_negative: true });
    }

    fn store(&mut self, key: K, entry: CachedAnswer<V>) {
        if entry.ttl.is_zero() || self.capacity() == 0 {
            self.entries.remove(&key);
        } else {
            self.entries.insert(key, entry);
        }
    }

    /// Returns the answer of the key, unless its TTL is over. It drops an answer whose TTL is over.
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

    /// Drops the answers whose TTL is over.
    ///
    /// Calling it is optional, because such answers are never returned, and a full cache drops
    /// them.
    pub fn remove_expired(&mut self, now: Instant) {
        self.entries.retain(|_, entry| entry.remaining(now).is_some());
    }

    /// Drops all answers. Call it when the network has changed.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// How many answers there are. It counts answers whose TTL is over and that were not dropped
    /// yet.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no answers.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many answers are kept at most.
    pub fn capacity(&self) -> usize {
        self.entries.capacity()
    }
}

impl<K: Eq + Hash, V> Default for Cache<K, V> {
    /// An empty cache for [`CAPACITY`] answers.
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

impl<V> CachedAnswer<V> {
    /// The rest of its TTL, if it is not over. At a time before it was stored, its age is zero.
    fn remaining(&self, now: Instant) -> Option<Duration> {
        let age = now.saturating_duration_since(self.stored);
        self.ttl.checked_sub(age).filter(|ttl| !ttl.is_zero())
    }
}

/// Prints the number of answers.
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
