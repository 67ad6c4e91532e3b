//! The built-in store: bounded tables that drop the least recently used.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::{Arc, Mutex};

use super::{Key, Knowledge, NetworkKey, Store, Subject, Subnet};
use crate::address::Family;
use crate::drivers::lock;

/// The built-in [`Store`]. Clones share their entries.
///
/// It keeps [`MAX_NETWORKS`](Self::MAX_NETWORKS) networks. For each network it keeps
/// [`MAX_PREFIXES`](Self::MAX_PREFIXES) prefixes in all partitions together, and as many families.
/// The same family in two partitions counts twice. Beyond these numbers it drops the least recently
/// used. It keeps nothing on disk.
///
/// # Examples
///
/// A program saves the entries, and puts them back at its next start:
///
/// ```
/// use std::time::{Duration, Instant};
/// use stagger::History;
/// use stagger::history::{Knowledge, Key, Memory, NetworkKey, Subnet};
///
/// let now = Instant::now();
/// let prefix = Subnet::of("192.0.2.1".parse().unwrap());
/// let entry = Knowledge::new().with_silences(1, now, Duration::from_secs(30));
///
/// let memory = Memory::new();
/// memory.restore([(Key::new(NetworkKey::default(), prefix), entry)]);
/// let history = History::new().with_store(memory.clone());
/// assert!(history.recall("192.0.2.1".parse().unwrap(), now).is_demoted());
///
/// let saved: Vec<(Key, Knowledge)> = memory.entries();
/// assert_eq!(saved[0].1.demoted_for(now), Some(Duration::from_secs(30)));
/// ```
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

/// At most [`Memory::MAX_NETWORKS`] networks.
type State = Table<NetworkKey, Tables>;

/// The entries of a network.
#[derive(Default)]
struct Tables {
    prefixes: Table<(u64, Subnet), Knowledge>,
    families: Table<(u64, Family), Knowledge>,
}

impl Memory {
    /// The number of networks that are kept: 8. The number is ours. A laptop sees a few networks in
    /// a week.
    pub const MAX_NETWORKS: usize = 8;

    /// The number of prefixes that are kept for each network: 1,024. The number is ours. It keeps
    /// the whole memory below 4 MiB.
    pub const MAX_PREFIXES: usize = 1024;

    /// The number of entries that [`restore`](Self::restore) reads: 16,384, which is all that can
    /// be kept.
    pub const MAX_RESTORED: usize = 2 * Self::MAX_NETWORKS * Self::MAX_PREFIXES;

    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// All entries, with the least recently used first. [`restore`](Self::restore) takes them back
    /// in this order.
    pub fn entries(&self) -> Vec<(Key, Knowledge)> {
        let state = lock(&self.0);
        let mut all = Vec::new();
        for (network, tables) in state.by_use() {
            let start = all.len();
            let key = |partition: u64, subject: Subject| {
                Key::new(*network, subject).with_partition(partition)
            };
            for ((partition, family), entry) in tables.families.by_use() {
                all.push((key(*partition, (*family).into()), entry.clone()));
            }
            for ((partition, prefix), entry) in tables.prefixes.by_use() {
                all.push((key(*partition, (*prefix).into()), entry.clone()));
            }
            debug_assert!(all.len() - start <= 2 * Self::MAX_PREFIXES);
        }
        all
    }

    /// Puts entries back, in place of entries with the same keys. It reads
    /// [`MAX_RESTORED`](Self::MAX_RESTORED) entries and ignores the rest. The limits of the store
    /// apply as always: the last entries stay.
    pub fn restore(&self, entries: impl IntoIterator<Item = (Key, Knowledge)>) {
        // The iterator may run any code, so nothing is locked while it does.
        for (key, entry) in entries.into_iter().take(Self::MAX_RESTORED) {
            self.update(&key, &mut |own| *own = entry.clone());
        }
    }
}

impl Store for Memory {
    fn read(&self, key: &Key) -> Option<Knowledge> {
        let mut state = lock(&self.0);
        let tables = state.find(&key.network)?;
        match key.subject {
            Subject::Subnet(prefix) => tables.prefixes.find(&(key.partition, prefix)).cloned(),
            Subject::Family(family) => tables.families.find(&(key.partition, family)).cloned(),
        }
    }

    fn update(&self, key: &Key, change: &mut dyn FnMut(&mut Knowledge)) {
        let mut state = lock(&self.0);
        let tables = state.find_or_add(key.network, Self::MAX_NETWORKS);
        let most = Self::MAX_PREFIXES;
        change(match key.subject {
            Subject::Subnet(prefix) => tables.prefixes.find_or_add((key.partition, prefix), most),
            Subject::Family(family) => tables.families.find_or_add((key.partition, family), most),
        });
    }

    fn forget(&self, network: NetworkKey) {
        lock(&self.0).remove(&network);
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("networks", &lock(&self.0).len()).finish_non_exhaustive()
    }
}

/// A table that drops the least recently used value when it is full.
struct Table<K, V> {
    /// Each value with the time of its last use.
    values: HashMap<K, (u64, V), BuildHasherDefault<Folding>>,
    uses: u64,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { values: HashMap::default(), uses: 0 }
    }
}

impl<K: Copy + Eq + Hash, V: Default> Table<K, V> {
    fn len(&self) -> usize {
        self.values.len()
    }

    /// The value of this key, which is now the most recently used.
    fn find(&mut self, key: &K) -> Option<&mut V> {
        let (used, value) = self.values.get_mut(key)?;
        self.uses += 1;
        *used = self.uses;
        Some(value)
    }

    /// The value of this key. If there is none and the table holds `most`, a new one takes the
    /// place of the least recently used.
    fn find_or_add(&mut self, key: K, most: usize) -> &mut V {
        if self.len() >= most && !self.values.contains_key(&key) {
            let oldest = self.values.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.values.remove(&oldest);
            }
        }
        self.uses += 1;
        let (used, value) = self.values.entry(key).or_default();
        *used = self.uses;
        value
    }

    fn remove(&mut self, key: &K) {
        self.values.remove(key);
    }

    /// All values, with the least recently used first.
    fn by_use(&self) -> impl Iterator<Item = (&K, &V)> {
        let mut all: Vec<_> = self.values.iter().collect();
        all.sort_by_key(|(_, (used, _))| *used);
        all.into_iter().map(|(key, (_, value))| (key, value))
    }
}

/// A fast hasher without a secret. The standard hasher took half of what a history costs a connect.
/// An attacker who makes keys collide gains little, because a table has at most 1,024 keys.
struct Folding(u64);

impl Default for Folding {
    fn default() -> Self {
        Self(Self::SPREAD)
    }
}

impl Folding {
    /// Any odd number with well-spread bits: the golden ratio's.
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

    fn fold(&mut self, word: u64) {
        let wide = u128::from(self.0.rotate_left(23) ^ word).wrapping_mul(Self::SPREAD.into());
        self.0 = (wide as u64) ^ ((wide >> 64) as u64);
    }
}

impl Hasher for Folding {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.fold(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.fold(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.fold(word as u64);
    }

    fn write_u128(&mut self, word: u128) {
        self.fold(word as u64);
        self.fold((word >> 64) as u64);
    }

    fn finish(&self) -> u64 {
        let mut last = Self(self.0);
        last.fold(Self::SPREAD);
        last.0
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    fn key(network: u128, place: u32) -> Key {
        let address = Ipv4Addr::from(place << 8);
        Key::new(NetworkKey::new(network), Subnet::of(address.into()))
    }

    fn entry(milliseconds: u64) -> Knowledge {
        Knowledge::new().with_round_trip(Duration::from_millis(milliseconds), Duration::ZERO)
    }

    fn set(memory: &Memory, key: Key, value: u64) {
        memory.update(&key, &mut |own| *own = entry(value));
    }

    #[test]
    fn the_whole_memory_is_below_4_mib() {
        use std::mem::size_of;
        // A table of 1,024 values has 2,048 places, and one byte more for each.
        let table = |size: usize| Memory::MAX_PREFIXES.next_power_of_two() * 2 * (size + 1);
        let prefixes = table(size_of::<((u64, Subnet), (u64, Knowledge))>());
        let families = table(size_of::<((u64, Family), (u64, Knowledge))>());
        assert!(Memory::MAX_NETWORKS * (prefixes + families) < 4 * 1024 * 1024);
    }

    #[test]
    fn the_least_recently_used_prefix_is_dropped_when_1024_are_kept() {
        let memory = Memory::new();
        (0..1024).for_each(|place| set(&memory, key(1, place), 1));
        assert!(memory.read(&key(1, 0)).is_some());
        set(&memory, key(1, 1024), 1);
        assert_eq!(memory.entries().len(), 1024);
        assert!(memory.read(&key(1, 0)).is_some());
        assert_eq!(memory.read(&key(1, 1)), None);
    }

    #[test]
    fn of_ten_thousand_networks_the_last_eight_are_kept() {
        let memory = Memory::new();
        for network in 0..10_000 {
            set(&memory, key(network, 0), 1);
            set(&memory, Key::new(NetworkKey::new(network), Family::Ipv6), 2);
        }
        let networks: Vec<u128> =
            memory.entries().iter().map(|(key, _)| key.network.value()).collect();
        let expected: Vec<u128> = (9_992..10_000).flat_map(|network| [network; 2]).collect();
        assert_eq!(networks, expected);
    }

    #[test]
    fn partitions_share_the_limits_and_not_the_entries() {
        let memory = Memory::new();
        for partition in 0..3000 {
            set(&memory, key(1, 0).with_partition(partition), partition);
            let family = Key::new(NetworkKey::new(1), Family::Ipv4);
            set(&memory, family.with_partition(partition), partition);
        }
        assert_eq!(memory.entries().len(), 2048);
        assert_eq!(memory.read(&key(1, 0).with_partition(2999)), Some(entry(2999)));
        assert_eq!(memory.read(&key(1, 0)), None);
    }

    #[test]
    fn what_is_read_out_and_put_back_is_the_same_in_the_same_order() {
        let memory = Memory::new();
        for place in [3, 1, 2] {
            set(&memory, key(2, place), place.into());
            set(&memory, key(1, place), place.into());
        }
        assert!(memory.read(&key(2, 3)).is_some());
        let saved = memory.entries();
        let other = Memory::new();
        other.restore(saved.clone());
        assert_eq!(other.entries(), saved);
        assert_eq!(saved.last(), Some(&(key(2, 3), entry(3))));
    }

    #[test]
    fn an_endless_list_is_read_up_to_its_limit() {
        let memory = Memory::new();
        let mut read = 0;
        memory.restore(std::iter::from_fn(|| {
            read += 1;
            Some((key(1, read % 5000), entry(1)))
        }));
        assert_eq!((read as usize, memory.entries().len()), (Memory::MAX_RESTORED, 1024));
    }

    #[test]
    fn keys_that_differ_in_one_bit_have_different_hashes() {
        let hash = |value: &dyn Fn(&mut Folding)| {
            let mut hasher = Folding::default();
            value(&mut hasher);
            hasher.finish()
        };
        let mut hashes: Vec<u64> = (0..4096).map(|n: u64| hash(&|it| (n, 0u8).hash(it))).collect();
        hashes.extend((0..64).map(|bit| hash(&|it| (1u128 << (64 + bit)).hash(it))));
        hashes.extend((0..=24).map(|length| hash(&|it| it.write(&[7; 24][..length]))));
        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
    }

    #[test]
    fn a_forgotten_network_is_gone_and_no_other_is() {
        let memory = Memory::new();
        [1, 2].into_iter().for_each(|network| set(&memory, key(network, 0), 1));
        set(&memory, key(1, 0).with_partition(7), 1);
        memory.forget(NetworkKey::new(1));
        let left: Vec<Key> = memory.entries().into_iter().map(|(key, _)| key).collect();
        assert_eq!(left, [key(2, 0)]);
    }
}
