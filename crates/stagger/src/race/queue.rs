//! What is left to start, in order.

use std::collections::VecDeque;

use super::event::Id;

/// A queue whose first is part of it, so that one candidate, or one after another, needs no
/// memory of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Queue {
    /// None only if the rest is empty.
    first: Option<Id>,
    rest: VecDeque<Id>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Id> {
        self.first.iter().chain(&self.rest).copied()
    }

    pub(super) fn push(&mut self, id: Id) {
        if self.first.is_none() {
            self.first = Some(id);
        } else {
            self.rest.push_back(id);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Id> {
        std::mem::replace(&mut self.first, self.rest.pop_front())
    }

    pub(super) fn clear(&mut self) {
        self.first = None;
        self.rest.clear();
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
