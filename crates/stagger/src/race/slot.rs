//! Storage for the attempts in flight, pinned without a box for each.

use std::pin::Pin;

use pin_project_lite::pin_project;

/// How many attempts share one allocation. Most races need only the first chunk, which is part of
/// the driver.
const CHUNK: usize = 4;

pin_project! {
    struct Chunk<F> {
        #[pin]
        first: Option<F>,
        #[pin]
        second: Option<F>,
        #[pin]
        third: Option<F>,
        #[pin]
        fourth: Option<F>,
    }
}

impl<F> Chunk<F> {
    const fn new() -> Self {
        Self { first: None, second: None, third: None, fourth: None }
    }

    fn slot(self: Pin<&mut Self>, place: usize) -> Pin<&mut Option<F>> {
        let this = self.project();
        match place {
            0 => this.first,
            1 => this.second,
            2 => this.third,
            _ => this.fourth,
        }
    }
}

pin_project! {
    /// Numbered slots for futures. Each future stays pinned until it is removed.
    pub(super) struct Slots<F> {
        #[pin]
        first: Chunk<F>,
        rest: Vec<Pin<Box<Chunk<F>>>>,
        free: Vec<usize>,
        used: usize,
    }
}

impl<F> Slots<F> {
    pub(super) fn new() -> Self {
        Self { first: Chunk::new(), rest: Vec::new(), free: Vec::new(), used: 0 }
    }

    /// Stores a future in a free slot and returns the slot's number.
    pub(super) fn insert(mut self: Pin<&mut Self>, future: F) -> usize {
        let this = self.as_mut().project();
        let place = this.free.pop().unwrap_or_else(|| {
            *this.used += 1;
            *this.used - 1
        });
        if place / CHUNK > this.rest.len() {
            this.rest.push(Box::pin(Chunk::new()));
        }
        self.slot(place).set(Some(future));
        place
    }

    /// The future at `place`, if there is one.
    pub(super) fn future(self: Pin<&mut Self>, place: usize) -> Option<Pin<&mut F>> {
        self.slot(place).as_pin_mut()
    }

    /// Drops the future at `place`.
    pub(super) fn remove(mut self: Pin<&mut Self>, place: usize) {
        self.as_mut().slot(place).set(None);
        let this = self.project();
        if place + 1 == *this.used {
            *this.used = place;
        } else {
            this.free.push(place);
        }
    }

    /// Drops every future.
    pub(super) fn clear(mut self: Pin<&mut Self>) {
        for place in 0..self.used {
            self.as_mut().slot(place).set(None);
        }
        let this = self.project();
        this.rest.clear();
        this.free.clear();
        *this.used = 0;
    }

    fn slot(self: Pin<&mut Self>, place: usize) -> Pin<&mut Option<F>> {
        let this = self.project();
        match place / CHUNK {
            0 => this.first.slot(place),
            chunk => this.rest[chunk - 1].as_mut().slot(place % CHUNK),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn a_place_is_used_again_and_everything_is_dropped_once() {
        let token = Rc::new(());
        let mut slots = pin!(Slots::new());
        let places: Vec<usize> = (0..11).map(|_| slots.as_mut().insert(token.clone())).collect();
        assert_eq!(places, (0..11).collect::<Vec<_>>());
        assert_eq!(Rc::strong_count(&token), 12);
        slots.as_mut().remove(9);
        slots.as_mut().remove(2);
        assert_eq!(Rc::strong_count(&token), 10);
        assert!(slots.as_mut().future(2).is_none());
        assert_eq!(slots.as_mut().insert(token.clone()), 2);
        assert_eq!(slots.as_mut().insert(token.clone()), 9);
        assert_eq!(slots.as_mut().insert(token.clone()), 11);
        slots.as_mut().clear();
        assert_eq!(Rc::strong_count(&token), 1);
    }
}
