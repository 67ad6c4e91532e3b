//! The candidates to start, in order.

use std::collections::VecDeque;
use std::time::Instant;

use super::event::Id;

/// A queue that stores its first element inline, so that few candidates need no heap memory. Behind
/// it are the candidates that were put back. Only they have memory of their own, because few races
/// have any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Queue {
    /// Absent only if the rest is empty.
    first: Option<u32>,
    rest: VecDeque<u32>,
    #[allow(clippy::box_collection, reason = "a third of the size in every connect")]
    put_back: Option<Box<Vec<PutBack>>>,
}

/// A candidate that was tried, and will be tried once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PutBack {
    pub(super) id: Id,
    /// The second attempt starts no earlier.
    pub(super) not_before: Instant,
}

/// An id in half the size.
fn narrow(id: Id) -> u32 {
    u32::try_from(id.0).expect("ids have no gaps, and there are fewer candidates")
}

fn wide(id: u32) -> Id {
    Id(id as usize)
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Id> {
        self.first.iter().chain(&self.rest).map(|id| wide(*id))
    }

    pub(super) fn push(&mut self, id: Id) {
        if self.first.is_none() {
            self.first = Some(narrow(id));
        } else {
            self.rest.push_back(narrow(id));
        }
    }

    pub(super) fn pop(&mut self) -> Option<Id> {
        std::mem::replace(&mut self.first, self.rest.pop_front()).map(wide)
    }

    /// Empties the queue. Candidates that were put back stay.
    pub(super) fn clear(&mut self) {
        self.first = None;
        self.rest.clear();
    }

    /// The candidates that were put back, in the order of their failures.
    pub(super) fn put_back(&self) -> &[PutBack] {
        self.put_back.as_ref().map_or(&[], |put_back| put_back)
    }

    /// Puts a candidate back, behind all others.
    pub(super) fn push_back(&mut self, put_back: PutBack) {
        self.put_back.get_or_insert_default().push(put_back);
    }

    /// Removes a candidate that was put back.
    pub(super) fn take_back(&mut self, id: Id) {
        if let Some(put_back) = &mut self.put_back {
            put_back.retain(|own| own.id != id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_first_leaves_first_whether_in_the_place_for_one_or_behind_it() {
        let mut queue = Queue::default();
        assert_eq!((queue.pop(), queue.is_empty()), (None, true));
        queue.push(Id(0));
        assert_eq!(queue.pop(), Some(Id(0)));
        for n in 1..5 {
            queue.push(Id(n));
        }
        assert_eq!(queue.pop(), Some(Id(1)));
        queue.push(Id(5));
        assert_eq!(queue.len(), 4);
        assert!(queue.iter().eq([2, 3, 4, 5].map(Id)));
        let left: Vec<Id> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(left, [2, 3, 4, 5].map(Id));
        assert_eq!(queue, Queue::default());
    }
}
