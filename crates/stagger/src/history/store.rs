//! The seam of a history's memory.

use super::{Key, Knowledge, NetworkKey};

/// Where a [`History`](crate::History) keeps its entries. [`Memory`](super::Memory) is the built-in store.
///
/// A store decides how long it keeps an entry, and may drop any entry. The history decides what is
/// in an entry. Many races may use one store at the same time. A store must not block, because a
/// race calls it in its poll. It must not call its history, because a history is locked while it
/// calls `update` or `forget`.
///
/// # Panics
///
/// A panic of a store passes to the code that polls the connect.
///
/// # Examples
///
/// A store without any limit:
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
/// use stagger::History;
/// use stagger::history::{Knowledge, Key, NetworkKey, Store};
///
/// #[derive(Default)]
/// struct Endless(Mutex<HashMap<Key, Knowledge>>);
///
/// impl Store for Endless {
///     fn read(&self, key: &Key) -> Option<Knowledge> {
///         self.0.lock().unwrap().get(key).cloned()
///     }
///
///     fn update(&self, key: &Key, change: &mut dyn FnMut(&mut Knowledge)) {
///         change(self.0.lock().unwrap().entry(*key).or_default());
///     }
///
///     fn forget(&self, network: NetworkKey) {
///         self.0.lock().unwrap().retain(|key, _| key.network != network);
///     }
/// }
///
/// let history = History::new().with_store(Endless::default());
/// # let address = "192.0.2.1".parse().unwrap();
/// # assert!(!history.recall(address, std::time::Instant::now()).is_demoted());
/// ```
pub trait Store {
    /// The entry of this key, if there is one.
    fn read(&self, key: &Key) -> Option<Knowledge>;

    /// Changes the entry of this key. Without an entry, it changes [`Knowledge::new`] and keeps the
    /// result. It calls `change` once, or not at all if it cannot keep the entry.
    fn update(&self, key: &Key, change: &mut dyn FnMut(&mut Knowledge));

    /// Drops every entry of this network, in all partitions.
    fn forget(&self, network: NetworkKey);
}
