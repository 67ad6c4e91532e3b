//! The history that a program shares between its dialers.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::note::{Attempted, note};
use super::{Key, Memory, NetworkKey, Recall, Store, Subject, Subnet};
use crate::drivers::lock;

/// How a history uses what it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Demoted addresses keep their place in the order, and the next start follows 10 ms later. So
    /// the preferred address is tried in every connect, and its first success ends its demotion.
    Delay,
    /// Demoted addresses also go behind all others until their time is over. The next connect then
    /// tries them in their own place again. This mode is ours. It is the default, because it makes
    /// fewer attempts and loses less time in the simulation (see `docs/history.md`).
    #[default]
    Order,
}

/// What earlier connects have shown about addresses, by network. [`Dialer::with_history`] takes it.
///
/// Clones are the same history, and so are the results of the setters: they share the network and
/// the entries. It is cheap to clone. [`history`](crate::history) has the rules.
///
/// [`Dialer::with_history`]: crate::Dialer::with_history
///
/// # Examples
///
/// Two tenants share nothing, and the program sets the network when it changes:
///
/// ```
/// use std::net::IpAddr;
/// use std::time::{Duration, Instant};
/// use stagger::History;
/// use stagger::history::{Knowledge, Key, Memory, NetworkKey, Subnet};
///
/// let now = Instant::now();
/// let address: IpAddr = "192.0.2.1".parse().unwrap();
/// let home = NetworkKey::from_bytes(b"home");
/// let memory = Memory::new();
/// # let key = Key::new(home, Subnet::of(address)).with_partition(1);
/// # memory.restore([(key, Knowledge::new().with_silences(1, now, Duration::from_secs(60)))]);
/// let history = History::new().with_store(memory);
/// history.set_network(home);
///
/// let (first, second) = (history.clone().with_partition(1), history.clone().with_partition(2));
/// assert!(first.recall(address, now).is_demoted());
/// assert!(!second.recall(address, now).is_demoted());
/// history.set_network(NetworkKey::from_bytes(b"office"));
/// assert!(!first.recall(address, now).is_demoted());
/// ```
#[derive(Clone)]
pub struct History(Arc<Handle>);

#[derive(Clone)]
struct Handle {
    mode: Mode,
    partition: u64,
    network: Arc<Mutex<Current>>,
    store: Arc<dyn Store + Send + Sync>,
}

#[derive(Clone, Copy, Default)]
struct Current {
    network: NetworkKey,
    /// How often the network was changed or forgotten, in two bytes for each race. A race does not
    /// last for 65,536 changes.
    changes: u16,
}

impl History {
    /// Creates an empty history with the built-in store, in the mode [`Order`](Mode::Order).
    pub fn new() -> Self {
        let store = Arc::new(Memory::new());
        Self(Arc::new(Handle {
            mode: Mode::default(),
            partition: 0,
            network: Arc::default(),
            store,
        }))
    }

    /// Sets the store. Entries of the former store are not moved.
    pub fn with_store(self, store: impl Store + Send + Sync + 'static) -> Self {
        self.with(|handle| handle.store = Arc::new(store))
    }

    /// Sets the mode. The default is [`Order`](Mode::Order).
    pub fn with_mode(self, mode: Mode) -> Self {
        self.with(|handle| handle.mode = mode)
    }

    /// Sets the partition: a tenant or a site. The default is 0. Partitions share nothing.
    pub fn with_partition(self, partition: u64) -> Self {
        self.with(|handle| handle.partition = partition)
    }

    fn with(self, change: impl FnOnce(&mut Handle)) -> Self {
        let mut handle = (*self.0).clone();
        change(&mut handle);
        Self(Arc::new(handle))
    }

    /// The store.
    pub fn store(&self) -> &(dyn Store + Send + Sync) {
        &*self.0.store
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.0.mode
    }

    /// The partition.
    pub fn partition(&self) -> u64 {
        self.0.partition
    }

    /// The current network of this history, its clones, and their other partitions.
    pub fn network(&self) -> NetworkKey {
        self.current().network
    }

    /// Sets the current network, for this history, its clones, and their other partitions. Races
    /// that run at this moment note nothing if the network is a different one.
    pub fn set_network(&self, network: NetworkKey) {
        let mut current = lock(&self.0.network);
        if current.network != network {
            *current = Current { network, changes: current.changes.wrapping_add(1) };
        }
    }

    /// Drops every entry of a network, in all partitions. Races that run at this moment note
    /// nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use stagger::History;
    /// use stagger::address::Family;
    /// use stagger::history::{Knowledge, Key, Memory, NetworkKey};
    ///
    /// let memory = Memory::new();
    /// memory.restore([(Key::new(NetworkKey::default(), Family::Ipv6), Knowledge::new())]);
    /// let history = History::new().with_store(memory.clone());
    /// history.forget(history.network());
    /// assert!(memory.entries().is_empty());
    /// ```
    pub fn forget(&self, network: NetworkKey) {
        let mut current = lock(&self.0.network);
        current.changes = current.changes.wrapping_add(1);
        self.0.store.forget(network);
    }

    /// What it knows about an address now, on the current network. It knows nothing about
    /// link-local addresses.
    pub fn recall(&self, address: IpAddr, now: Instant) -> Recall {
        let Current { network, .. } = self.current();
        let prefix = Subnet::of(address);
        if prefix.is_link_local() {
            return Recall::default();
        }
        let read = |subject: Subject| self.0.store.read(&self.key(network, subject));
        let family = prefix.counts_for_family().then(|| read(prefix.family().into())).flatten();
        let prefix = read(prefix.into());
        Recall::of(prefix.as_ref(), family.as_ref(), self.0.mode, now)
    }

    /// The number of changes of the network so far. A race keeps it for [`note`](Self::note).
    pub(crate) fn changes(&self) -> u16 {
        self.current().changes
    }

    /// Notes a race that was won, unless the network has changed since.
    pub(crate) fn note(
        &self,
        changes: u16,
        winner: (IpAddr, Duration),
        others: impl Iterator<Item = Attempted>,
        now: Instant,
    ) {
        // It stays locked. Otherwise a network that another thread forgets meanwhile would get
        // entries again.
        let current = lock(&self.0.network);
        if current.changes == changes {
            note(winner, others, now, |subject, change| {
                self.0.store.update(&self.key(current.network, subject), change);
            });
        }
    }

    fn key(&self, network: NetworkKey, subject: Subject) -> Key {
        Key::new(network, subject).with_partition(self.0.partition)
    }

    fn current(&self) -> Current {
        *lock(&self.0.network)
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History")
            .field("mode", &self.mode())
            .field("partition", &self.partition())
            .field("network", &self.network())
            .finish_non_exhaustive()
    }
}
