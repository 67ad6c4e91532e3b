//! What is remembered about a network's NAT64. It decides nothing about routes and time.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::task::Waker;
use std::time::Instant;

use stagger::error::SharedError;

use super::Nat64Prefix;

/// How many addresses are remembered with the prefix from which they were read: 256. The oldest
/// goes first. The number is ours.
const MAX_MARKS: usize = 256;

/// How many tasks are woken by another task's discovery: 256. A task that is not woken still has
/// its own discovery. The number is ours.
const MAX_WAITING: usize = 256;

#[derive(Default)]
pub(super) struct Memory {
    found: Option<Found>,
    /// IPv4 addresses that a name server has synthesised, with their prefix.
    marks: VecDeque<(Ipv4Addr, Nat64Prefix)>,
    waiting: VecDeque<Waker>,
    /// How often the program has called `forget`.
    forgotten: u64,
}

/// The prefixes that are given or discovered.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) prefixes: Vec<Nat64Prefix>,
    /// Why a discovery found none. Absent if it found some, or if there was none.
    pub(super) error: Option<SharedError>,
}

/// The result of a discovery: until when it counts, on which network, and what it found.
type Found = (Instant, Option<IpAddr>, Known);

impl Memory {
    pub(super) fn found(&self) -> Option<Found> {
        self.found.clone()
    }

    /// Keeps a result. Returns the tasks to wake.
    pub(super) fn keep(
        &mut self,
        until: Instant,
        network: Option<IpAddr>,
        known: Known,
    ) -> VecDeque<Waker> {
        self.found = Some((until, network, known));
        std::mem::take(&mut self.waiting)
    }

    pub(super) fn forget(&mut self) {
        self.forgotten += 1;
        self.found = None;
        self.marks.clear();
    }

    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Drops the result that counted until then, and the marks of its time. A later result stays.
    pub(super) fn expire(&mut self, until: Instant) {
        if self.found.take_if(|found| found.0 == until).is_some() {
            self.marks.clear();
        }
    }

    /// Wakes this task when a result is kept. Returns the waker that it displaces, because dropping
    /// a waker may drop a task, which must not happen under a lock.
    #[must_use = "it must be dropped without a lock"]
    pub(super) fn wait(&mut self, waker: &Waker) -> Option<Waker> {
        if self.waiting.iter().any(|known| known.will_wake(waker)) {
            return None;
        }
        let displaced =
            if self.waiting.len() == MAX_WAITING { self.waiting.pop_front() } else { None };
        self.waiting.push_back(waker.clone());
        displaced
    }

    /// Remembers the prefix from which an address was read.
    pub(super) fn mark(&mut self, ipv4: Ipv4Addr, prefix: Nat64Prefix) {
        self.marks.retain(|(known, _)| *known != ipv4);
        if self.marks.len() == MAX_MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back((ipv4, prefix));
    }

    pub(super) fn marked(&self, ipv4: Ipv4Addr) -> Option<Nat64Prefix> {
        self.marks.iter().find(|(known, _)| *known == ipv4).map(|(_, prefix)| *prefix)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;

    use super::*;

    #[test]
    fn marks_and_waiting_tasks_are_bounded_and_the_oldest_goes_first() {
        let mut memory = Memory::default();
        let addr = |n: u32| Ipv4Addr::from(0xc000_0200 + n);
        for n in 0..=256 {
            memory.mark(addr(n), Nat64Prefix::WELL_KNOWN);
        }
        assert_eq!(memory.marks.len(), MAX_MARKS);
        assert_eq!(memory.marked(addr(0)), None);
        assert_eq!(memory.marked(addr(1)), Some(Nat64Prefix::WELL_KNOWN));

        struct Task;
        impl Wake for Task {
            fn wake(self: Arc<Self>) {}
        }
        let waker: Waker = Arc::new(Task).into();
        assert!(memory.wait(&waker).is_none() && memory.wait(&waker).is_none());
        assert_eq!(memory.waiting.len(), 1);
        let displaced = (0..1000).filter_map(|_| memory.wait(&Arc::new(Task).into()));
        assert_eq!(displaced.count(), 1001 - MAX_WAITING);
        assert_eq!(memory.waiting.len(), MAX_WAITING);
    }

    #[test]
    fn an_older_result_that_expires_leaves_a_later_one() {
        let mut memory = Memory::default();
        let older = Instant::now();
        let later = older + std::time::Duration::from_secs(1);
        let keep = |memory: &mut Memory, until| {
            memory.keep(until, None, Known::default());
            memory.mark(Ipv4Addr::LOCALHOST, Nat64Prefix::WELL_KNOWN);
        };
        keep(&mut memory, later);
        memory.expire(older);
        assert!(memory.found().is_some() && memory.marked(Ipv4Addr::LOCALHOST).is_some());
        memory.expire(later);
        assert!(memory.found().is_none() && memory.marked(Ipv4Addr::LOCALHOST).is_none());
    }
}
