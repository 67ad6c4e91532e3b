//! The seams of a server: a place to listen on, and a listener that accepts connections.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures_lite::{StreamExt as _, future};
use stagger::boxed::{BoxListen, LocalBoxListen, LocalBoxListener};
use stagger::error::SharedError;
use stagger::listen::{Accepted, Listen, Listener};

/// The waiting connections, and the task that accepts them.
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

/// No part of it is `Send`.
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

    fn local_addrs(&self) -> Vec<&'static str> {
        vec!["front", "back"]
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

/// A house that counts its open doors. All parts of it are `Send`.
struct Hall(&'static str, Arc<Mutex<usize>>);

struct Gate(&'static str, Arc<Mutex<usize>>);

impl Listen for Hall {
    type Listener = Gate;
    type Error = &'static str;
    type Listening = Ready<Result<Gate, &'static str>>;

    fn listen(&self) -> Self::Listening {
        if self.0.is_empty() {
            return ready(Err("no gate"));
        }
        *self.1.lock().unwrap() += 1;
        ready(Ok(Gate(self.0, self.1.clone())))
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        *self.1.lock().unwrap() -= 1;
    }
}

impl Listener for Gate {
    type Connection = u8;
    type Peer = &'static str;
    type Address = String;
    type Error = u32;

    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<Accepted<Self>> {
        Poll::Ready(Err(7))
    }

    fn local_addrs(&self) -> Vec<String> {
        vec![self.0.to_owned()]
    }
}

/// A listener that maps the addresses of another listener.
struct Mapped<L>(L);

impl<L: Listener<Address: ToString>> Listener for Mapped<L> {
    type Connection = L::Connection;
    type Peer = L::Peer;
    type Address = String;
    type Error = L::Error;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>> {
        self.0.poll_accept(cx)
    }

    fn local_addrs(&self) -> Vec<String> {
        self.0.local_addrs().iter().map(|addr| format!("tls+{}", addr.to_string())).collect()
    }
}

/// Listens like another, with its addresses mapped.
struct Wrapped<L>(L);

impl<L> Listen for Wrapped<L>
where
    L: Listen<Listener: Listener<Address: ToString>, Listening: Send + 'static, Error: 'static>,
{
    type Listener = Mapped<L::Listener>;
    type Error = L::Error;
    type Listening = future::Boxed<Result<Self::Listener, L::Error>>;

    fn listen(&self) -> Self::Listening {
        let listening = self.0.listen();
        Box::pin(async { listening.await.map(Mapped) })
    }
}

#[test]
fn listens_of_several_types_fit_one_list_and_their_listeners_another() {
    fn is_send<T: Send>(_: &T) {}
    fn is_sync<T: Sync>(_: &T) {}
    let open = Arc::new(Mutex::new(0));
    let hall = |name| Hall(name, open.clone());
    let list = [
        BoxListen::<_, _, _, _, _>::new(hall("front")),
        BoxListen::new(Wrapped(hall("back"))),
        BoxListen::new(hall("")),
    ];
    is_sync(&list);
    is_send(&list[0].listen());
    let list = list.clone();
    assert_eq!(format!("{:?}", list[0]), "BoxListen { .. }");
    let mut listeners = Vec::new();
    future::block_on(async {
        listeners.push(list[0].listen().await.unwrap());
        listeners.push(list[1].listen().await.unwrap());
        // The error of a listen is not the error of an accept.
        assert_eq!(list[2].listen().await.unwrap_err(), "no gate");
        is_send(&listeners);
        let addrs: Vec<_> = listeners.iter().map(Listener::local_addrs).collect();
        assert_eq!(addrs, [["front"], ["tls+back"]]);
        assert_eq!(format!("{:?}", listeners[1]), r#"BoxListener(["tls+back"])"#);
        assert_eq!(listeners[0].accept().await, Err(7));
    });
    assert_eq!(*open.lock().unwrap(), 2);
    listeners.pop().unwrap().close();
    assert_eq!(*open.lock().unwrap(), 1);
    drop(listeners);
    assert_eq!(*open.lock().unwrap(), 0);
    drop(list[0].listen());
    assert_eq!(*open.lock().unwrap(), 0);
}

#[test]
fn a_house_for_one_thread_has_a_box_too() {
    let street = Rc::new(Street::default());
    let house: LocalBoxListen<_, _, _, _> = LocalBoxListen::new(House(street.clone()));
    future::block_on(async {
        let mut door = house.clone().listen().await.unwrap();
        assert_eq!(future::poll_once(door.accept()).await, None);
        street.knock(Ok(4));
        assert_eq!(door.accept().await, Ok((4, "guest")));
        assert_eq!(door.local_addrs(), ["front", "back"]);
        assert_eq!(street.listening.get(), 1);
    });
    assert_eq!(street.listening.get(), 0);
}

#[test]
fn an_erased_listen_and_listener_have_one_error_type() {
    let street = Rc::new(Street::default());
    let house: LocalBoxListen<_, _, _, SharedError> = LocalBoxListen::erased(House(street.clone()));
    future::block_on(async {
        let mut door = house.listen().await.unwrap();
        street.knock(Err("nobody is there"));
        street.knock(Ok(4));
        assert_eq!(door.accept().await.unwrap_err().to_string(), "nobody is there");
        assert_eq!(door.accept().await.unwrap(), (4, "guest"));
        assert_eq!(door.local_addrs(), ["front", "back"]);
    });
    assert_eq!(street.listening.get(), 0);

    let shut = LocalBoxListen::<u8, &str, &str, SharedError>::erased(Shut);
    assert_eq!(future::block_on(shut.listen()).unwrap_err().to_string(), "it is shut");
    let mut door = LocalBoxListener::erased(Door(street.clone()));
    street.listening.set(1);
    street.knock(Err("nobody is there"));
    assert!(future::block_on(door.accept()).is_err());
}

/// A place that cannot be listened on.
struct Shut;

impl Listen for Shut {
    type Listener = Door;
    type Error = &'static str;
    type Listening = Ready<Result<Door, &'static str>>;

    fn listen(&self) -> Self::Listening {
        ready(Err("it is shut"))
    }
}
