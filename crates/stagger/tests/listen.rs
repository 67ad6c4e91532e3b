//! The seams of a server: what is listened on, and what accepts.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_lite::{StreamExt as _, future};
use stagger::{Accepted, Listen, Listener};

/// Who knocks, and who waits for it.
#[derive(Default)]
struct Street {
    knocks: RefCell<VecDeque<Result<u8, &'static str>>>,
    waker: RefCell<Option<Waker>>,
    listening: Cell<usize>,
}

impl Street {
    fn knock(&self, knock: Result<u8, &'static str>) {
        self.knocks.borrow_mut().push_back(knock);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Nothing of it is `Send`.
struct House(Rc<Street>);

struct Door(Rc<Street>);

impl Listen for House {
    type Listener = Door;
    type Error = &'static str;
    type Listening = Ready<Result<Door, &'static str>>;

    fn listen(&self) -> Self::Listening {
        self.0.listening.set(self.0.listening.get() + 1);
        ready(Ok(Door(self.0.clone())))
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.0.listening.set(self.0.listening.get() - 1);
    }
}

impl Listener for Door {
    type Connection = u8;
    type Peer = &'static str;
    type Address = &'static str;
    type Error = &'static str;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>> {
        match self.0.knocks.borrow_mut().pop_front() {
            Some(knock) => Poll::Ready(knock.map(|who| (who, "guest"))),
            None => {
                *self.0.waker.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn local_addrs(&self) -> &[&'static str] {
        &["front", "back"]
    }
}

async fn accept_one<L: Listen>(endpoint: L) -> Option<<L::Listener as Listener>::Connection> {
    let mut listener = endpoint.listen().await.ok()?;
    Some(listener.accept().await.ok()?.0)
}

#[test]
#[allow(clippy::arc_with_non_send_sync, reason = "an Arc is a pointer like the others here")]
fn an_endpoint_to_listen_on_is_used_again_and_again_through_any_pointer() {
    let street = Rc::new(Street::default());
    let house = House(street.clone());
    (1..=5).for_each(|who| street.knock(Ok(who)));
    future::block_on(async {
        assert_eq!(accept_one(&house).await, Some(1));
        assert_eq!(accept_one(Box::new(&house)).await, Some(2));
        assert_eq!(accept_one(Rc::new(&house)).await, Some(3));
        assert_eq!(accept_one(Arc::new(&house)).await, Some(4));
        assert_eq!(accept_one(house).await, Some(5));
    });
    assert_eq!(street.listening.get(), 0);
}

#[test]
fn a_dropped_accept_loses_no_connection() {
    let street = Rc::new(Street::default());
    future::block_on(async {
        let mut door = House(street.clone()).listen().await.unwrap();
        assert_eq!(future::poll_once(door.accept()).await, None);
        street.knock(Ok(7));
        drop(door.accept());
        assert_eq!(door.accept().await, Ok((7, "guest")));
    });
}

#[test]
fn an_error_is_told_once_and_does_not_end_the_stream() {
    let street = Rc::new(Street::default());
    future::block_on(async {
        let mut incoming = House(street.clone()).listen().await.unwrap().incoming();
        for knock in [Ok(1), Err("out of chairs"), Ok(2)] {
            street.knock(knock);
        }
        assert_eq!(incoming.next().await, Some(Ok((1, "guest"))));
        assert_eq!(incoming.next().await, Some(Err("out of chairs")));
        assert_eq!(incoming.next().await, Some(Ok((2, "guest"))));
        assert_eq!(future::poll_once(incoming.next()).await, None);
        assert_eq!(incoming.get_ref().local_addrs(), ["front", "back"]);
        assert_eq!(street.listening.get(), 1);
        incoming.into_inner().close();
        assert_eq!(street.listening.get(), 0);
    });
}

#[test]
fn a_listener_may_be_lent_or_its_type_hidden_in_a_box() {
    type Hidden = Box<
        dyn Listener<
                Connection = u8,
                Peer = &'static str,
                Address = &'static str,
                Error = &'static str,
            >,
    >;
    let street = Rc::new(Street::default());
    (1..=2).for_each(|who| street.knock(Ok(who)));
    future::block_on(async {
        let mut door = House(street.clone()).listen().await.unwrap();
        assert_eq!((&mut door).incoming().next().await, Some(Ok((1, "guest"))));
        let mut hidden: Hidden = Box::new(door);
        assert_eq!(hidden.accept().await, Ok((2, "guest")));
        assert_eq!(hidden.local_addrs(), ["front", "back"]);
        assert_eq!(street.listening.get(), 1);
        hidden.close();
        assert_eq!(street.listening.get(), 0);
    });
}
