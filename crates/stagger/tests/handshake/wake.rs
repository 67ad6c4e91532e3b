//! Which handshakes a poll polls, and which task a wake wakes.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use stagger::Timer;
use stagger::listen::{Accepted, Handshake, HandshakeError, HandshakeListener, Listener};
use stagger_testkit::{Clock, Sleep, ms};

use crate::Task;

/// Clients that wait to be accepted, and the task that accepts them. A client is its number.
#[derive(Default)]
pub(crate) struct Queue {
    clients: RefCell<VecDeque<Result<usize, &'static str>>>,
    task: RefCell<Option<Waker>>,
    accepted: Cell<usize>,
    /// How often it was polled.
    pub(crate) polls: Cell<usize>,
    /// Whether every accept fails once the queue is empty.
    pub(crate) fails: Cell<bool>,
}

impl Queue {
    pub(crate) fn of(clients: usize) -> Rc<Self> {
        let queue = Rc::<Self>::default();
        queue.clients.borrow_mut().extend((0..clients).map(Ok));
        queue
    }

    pub(crate) fn join(&self, client: usize) {
        self.clients.borrow_mut().push_back(Ok(client));
        if let Some(task) = self.task.take() {
            task.wake();
        }
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.get()
    }
}

pub(crate) struct Gate(pub(crate) Rc<Queue>);

impl Listener for Gate {
    type Connection = usize;
    type Peer = usize;
    type Address = ();
    type Error = &'static str;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>> {
        self.0.polls.set(self.0.polls.get() + 1);
        if let Some(client) = self.0.clients.borrow_mut().pop_front() {
            self.0.accepted.set(self.0.accepted.get() + 1);
            return Poll::Ready(client.map(|client| (client, client)));
        }
        if self.0.fails.get() {
            return Poll::Ready(Err("no chair"));
        }
        *self.0.task.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    fn local_addrs(&self) -> Vec<()> {
        vec![()]
    }
}

/// Handshakes that the test ends by hand, and their polls and wakers.
#[derive(Default)]
pub(crate) struct Hands {
    pub(crate) polls: RefCell<Vec<usize>>,
    wakers: RefCell<Vec<Option<Waker>>>,
    done: RefCell<Vec<bool>>,
    /// The clients from this number on wake themselves in each poll.
    pub(crate) restless_from: Cell<Option<usize>>,
}

impl Hands {
    pub(crate) fn wake(&self, client: usize) {
        let waker = self.wakers.borrow()[client].clone();
        waker.expect("it has been polled").wake();
    }

    /// Ends a handshake. Its next poll is ready.
    pub(crate) fn end(&self, client: usize) {
        self.done.borrow_mut()[client] = true;
    }

    pub(crate) fn all_polls(&self) -> usize {
        self.polls.borrow().iter().sum()
    }
}

pub(crate) struct Shake(pub(crate) Rc<Hands>);

impl Handshake<usize, usize> for Shake {
    type Connection = usize;
    type Error = Infallible;
    type Performing = Shaking;

    fn perform(&self, client: usize, _: &usize) -> Shaking {
        let len = self.0.polls.borrow().len().max(client + 1);
        self.0.polls.borrow_mut().resize(len, 0);
        self.0.wakers.borrow_mut().resize(len, None);
        self.0.done.borrow_mut().resize(len, false);
        Shaking { client, hands: self.0.clone() }
    }
}

pub(crate) struct Shaking {
    client: usize,
    hands: Rc<Hands>,
}

impl Future for Shaking {
    type Output = Result<usize, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { client, hands } = &*self;
        hands.polls.borrow_mut()[*client] += 1;
        if hands.done.borrow()[*client] {
            return Poll::Ready(Ok(*client));
        }
        hands.wakers.borrow_mut()[*client] = Some(cx.waker().clone());
        if hands.restless_from.get().is_some_and(|first| *client >= first) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

pub(crate) type Shaken = HandshakeListener<Gate, Clock, Shake>;

pub(crate) struct Hall {
    pub(crate) clock: Clock,
    pub(crate) queue: Rc<Queue>,
    pub(crate) hands: Rc<Hands>,
    pub(crate) listener: Shaken,
    pub(crate) task: Arc<Task>,
}

impl Hall {
    pub(crate) fn of(clients: usize) -> Self {
        let (clock, queue, hands) = (Clock::new(), Queue::of(clients), Rc::<Hands>::default());
        let listener =
            HandshakeListener::new(Gate(queue.clone()), clock.clone(), Shake(hands.clone()));
        let listener = listener.with_limit(10_000).unwrap();
        Self { clock, queue, hands, listener, task: Arc::default() }
    }

    /// One call of `poll_accept`, for this task.
    pub(crate) fn poll_for(&mut self, task: &Arc<Task>) -> Poll<Accepted<Shaken>> {
        self.listener.poll_accept(&mut Context::from_waker(&Waker::from(task.clone())))
    }

    pub(crate) fn poll(&mut self) -> Poll<Accepted<Shaken>> {
        self.poll_for(&self.task.clone())
    }

    /// Polls as often as the task is woken.
    pub(crate) fn settle(&mut self) {
        loop {
            let woken = self.task.woken();
            assert!(self.poll().is_pending());
            if self.task.woken() == woken {
                return;
            }
        }
    }
}

#[test]
fn of_ten_thousand_handshakes_only_those_that_were_woken_are_polled() {
    const COUNT: usize = 10_000;

    let mut hall = Hall::of(COUNT);
    hall.settle();
    assert_eq!(hall.listener.in_flight(), COUNT);
    assert_eq!(*hall.hands.polls.borrow(), [1; COUNT]);
    for _ in 0..100 {
        hall.settle();
    }
    assert_eq!(hall.hands.all_polls(), COUNT);
    hall.hands.wake(7000);
    hall.settle();
    assert_eq!(hall.hands.all_polls(), COUNT + 1);
    assert_eq!(hall.hands.polls.borrow()[7000], 2);
    // A handshake that was woken twice is polled once.
    for client in [3, 9999, 3, 3] {
        hall.hands.wake(client);
    }
    hall.settle();
    assert_eq!(hall.hands.all_polls(), COUNT + 3);
    // Those that are over are polled no more, and their wakers wake nobody.
    hall.hands.end(5000);
    hall.hands.wake(5000);
    assert_eq!(hall.poll(), Poll::Ready(Ok((5000, 5000))));
    hall.settle();
    let woken = hall.task.woken();
    hall.hands.wake(5000);
    assert_eq!(hall.task.woken(), woken);
    hall.settle();
    assert_eq!(hall.hands.all_polls(), COUNT + 4);
    assert_eq!(hall.listener.in_flight(), COUNT - 1);
}

#[test]
fn only_the_waker_of_the_last_poll_is_woken_and_once() {
    let mut hall = Hall::of(3);
    let [first, last] = [(); 2].map(|()| Arc::<Task>::default());
    let mut woken = [0, 0];
    let sources: [fn(&Hall); 3] = [
        |hall| (0..3).for_each(|client| hall.hands.wake(client)),
        |hall| hall.queue.join(3),
        |hall| hall.clock.advance_to(ms(10_000)),
    ];
    for source in sources {
        assert!(hall.poll_for(&first).is_pending());
        assert!(hall.poll_for(&last).is_pending());
        woken = [first.woken(), last.woken() + 1].max(woken);
        source(&hall);
        assert_eq!([first.woken(), last.woken()], woken);
    }
    assert!(matches!(hall.poll_for(&last), Poll::Ready(Err(_))));
}

#[test]
fn a_wake_between_a_result_and_the_next_poll_is_not_lost_and_wakes_nobody() {
    let mut hall = Hall::of(2);
    hall.settle();
    hall.hands.end(0);
    hall.hands.wake(0);
    assert_eq!(hall.poll(), Poll::Ready(Ok((0, 0))));
    let woken = hall.task.woken();
    hall.hands.end(1);
    hall.hands.wake(1);
    assert_eq!(hall.task.woken(), woken);
    assert_eq!(hall.poll(), Poll::Ready(Ok((1, 1))));
}

#[test]
fn after_a_timeout_a_wake_wakes_nobody_before_the_next_poll() {
    let mut hall = Hall::of(1);
    hall.settle();
    hall.clock.advance_to(ms(1));
    hall.queue.join(1);
    hall.settle();
    hall.clock.advance_to(ms(10_000));
    assert!(matches!(hall.poll(), Poll::Ready(Err(_))));
    let woken = hall.task.woken();
    hall.hands.wake(1);
    assert_eq!(hall.task.woken(), woken);
}

#[test]
fn a_call_that_polls_many_handshakes_polls_a_pending_listener_once() {
    let mut hall = Hall::of(10);
    hall.settle();
    (0..10).for_each(|client| hall.hands.wake(client));
    let before = hall.queue.polls.get();
    assert!(hall.poll().is_pending());
    assert_eq!((hall.hands.all_polls(), hall.queue.polls.get()), (20, before + 1));
}

/// A clock that wakes a handshake when an alarm is set, as another thread may at that moment.
struct Nudging(Clock, Rc<Hands>);

impl Timer for Nudging {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        self.1.wake(0);
        self.0.sleep_until(deadline)
    }
}

#[test]
fn a_wake_just_before_the_task_sleeps_is_not_lost() {
    let (clock, hands, task) = (Clock::new(), Rc::<Hands>::default(), Arc::<Task>::default());
    let timer = Nudging(clock, hands.clone());
    let mut listener = HandshakeListener::new(Gate(Queue::of(1)), timer, Shake(hands.clone()));
    let waker = Waker::from(task.clone());
    assert!(listener.poll_accept(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!((task.woken(), hands.all_polls()), (1, 1));
    hands.end(0);
    let accepted = listener.poll_accept(&mut Context::from_waker(&waker));
    assert_eq!(accepted, Poll::Ready(Ok((0, 0))));
}

#[test]
fn after_a_drop_no_waker_wakes_the_task() {
    let mut hall = Hall::of(3);
    hall.settle();
    let Hall { listener, hands, task, queue, .. } = hall;
    let woken = task.woken();
    drop((listener, queue));
    (0..3).for_each(|client| hands.wake(client));
    assert_eq!(task.woken(), woken);
    // Only the test holds the waker of the task.
    assert_eq!(Arc::strong_count(&task), 1);
}

#[test]
fn the_oldest_handshake_is_polled_once_more_before_it_times_out() {
    for ends in [true, false] {
        let mut hall = Hall::of(2);
        hall.settle();
        hall.hands.end(1);
        hall.hands.wake(1);
        if ends {
            hall.hands.end(0);
        }
        hall.hands.wake(0);
        hall.clock.advance_to(ms(10_000));
        assert_eq!(hall.poll(), Poll::Ready(Ok((1, 1))));
        // Now it is the turn of the timeouts.
        let late = HandshakeError::TimedOut { peer: 0, timeout: ms(10_000) };
        let expected = if ends { Ok((0, 0)) } else { Err(late) };
        assert_eq!(hall.poll(), Poll::Ready(expected));
        assert_eq!(*hall.hands.polls.borrow(), [2, 2]);
        // It is still listed as woken, and that does no harm.
        let woken = hall.task.woken();
        assert!(hall.poll().is_pending());
        assert_eq!((hall.task.woken(), hall.hands.all_polls()), (woken, 4));
    }
}

#[test]
fn a_handshake_that_was_woken_and_timed_out_wakes_nobody() {
    let mut hall = Hall::of(1);
    hall.settle();
    hall.hands.wake(0);
    hall.clock.advance_to(ms(10_000));
    // Its last poll is pending, and its time is over.
    assert!(matches!(hall.poll(), Poll::Ready(Err(_))));
    let woken = hall.task.woken();
    assert!(hall.poll().is_pending());
    assert_eq!(hall.task.woken(), woken);
    assert_eq!((hall.hands.all_polls(), hall.clock.timers()), (2, 0));
}
