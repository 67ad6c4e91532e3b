//! The shared handle, on the virtual clock with exact times. One file, because all tests share the
//! scene and the waiter.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, ready};
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_lite::future;
use stagger::connect::endpoint_fn;
use stagger::error::SharedError;
use stagger::{Dialer, Policy, Timer as _};
use stagger_reconnect::{Connected, Link, LinkError, Reconnect, ReconnectState};
use stagger_testkit::{
    Clock, Connection, Fate, Ledger, ScriptedConnector, ScriptedEndpoint, ScriptedError,
    ScriptedResolver, ms,
};

const STEADY: Duration = ms(1_000);

/// 100 ms, 200 ms, 400 ms and so on, without jitter and without an end.
fn doubling() -> impl Iterator<Item = Duration> + Clone + Send + Sync + Unpin {
    iter::successors(Some(ms(100)), |delay| delay.checked_mul(2))
}

/// The number of the connection, counted from 1.
type Number = u32;

/// A link to an endpoint with these fates, whose connections are each lost after a time.
struct Scene {
    clock: Clock,
    ledger: Ledger,
    link: Link<Number>,
    keep: Pin<Box<dyn Future<Output = ()>>>,
}

impl Scene {
    fn new(fates: impl IntoIterator<Item = Fate>, lost_after: Duration) -> Self {
        Self::with_backoff(fates, lost_after, doubling())
    }

    fn with_backoff(
        fates: impl IntoIterator<Item = Fate>,
        lost_after: Duration,
        delays: impl Iterator<Item = Duration> + Clone + Send + Sync + Unpin + 'static,
    ) -> Self {
        let clock = Clock::new();
        let ledger = Ledger::new(&clock);
        let mut fates = fates.into_iter();
        let server = ScriptedEndpoint::new(&ledger, "server", fates.next().expect("a fate"));
        let server = fates.fold(server, ScriptedEndpoint::then);
        let connections =
            Reconnect::new(server, clock.clone()).with_backoff(delays).with_steady_after(STEADY);
        let timer = clock.clone();
        let mut number = 0;
        let (link, keep) = connections.into_link(move |connection: Connection| {
            number += 1;
            let over = timer.sleep(lost_after);
            let lost = async move {
                over.await;
                drop(connection);
            };
            (number, lost)
        });
        Self { clock, ledger, link, keep: Box::pin(keep) }
    }

    fn run_until(&mut self, time: u64) -> Poll<()> {
        self.clock.run_until(ms(time), self.keep.as_mut())
    }

    fn starts(&self) -> Vec<u128> {
        self.ledger.starts().iter().map(|entry| entry.time.as_millis()).collect()
    }
}

/// A wait with a waker of its own, which counts how often it was woken.
struct Waiter {
    wait: Connected<Number>,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Waiter {
    fn new(wait: Connected<Number>) -> Self {
        let mut waiter = Self { wait, woken: Arc::default() };
        assert!(waiter.poll().is_pending());
        waiter
    }

    fn poll(&mut self) -> Poll<Result<Number, LinkError>> {
        let waker = Waker::from(self.woken.clone());
        Pin::new(&mut self.wait).poll(&mut Context::from_waker(&waker))
    }

    fn woken(&self) -> usize {
        self.woken.0.load(Ordering::SeqCst)
    }
}

fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[test]
fn a_hundred_waits_get_the_connection_and_dropped_ones_take_nothing_from_them() {
    let mut scene = Scene::new([Fate::fails(ms(30)), Fate::connects(ms(20))], ms(5_000));
    let mut waiters: Vec<_> = (0..100).map(|_| Waiter::new(scene.link.connected())).collect();
    let mut number = 0;
    let mut every_third = |_: &mut Waiter| {
        number += 1;
        number % 3 != 0
    };
    waiters.retain_mut(&mut every_third);
    assert!(scene.run_until(60).is_pending());
    waiters.retain_mut(&mut every_third);
    // A spurious poll keeps its place.
    assert!(waiters.iter_mut().all(|waiter| waiter.poll().is_pending()));
    assert!(waiters.iter().all(|waiter| waiter.woken() == 0), "a failure wakes no such wait");
    assert!(scene.run_until(150).is_pending());
    assert!(waiters.iter().all(|waiter| waiter.woken() == 1));
    waiters.retain_mut(&mut every_third);
    assert_eq!(waiters.len(), 30);
    for waiter in &mut waiters {
        assert!(matches!(waiter.poll(), Poll::Ready(Ok(1))));
    }
    assert!(matches!(now(scene.link.connected()), Some(Ok(1))));
}

#[test]
fn a_dropped_wait_leaves_no_waker_behind() {
    let mut scene = Scene::new([Fate::silent()], ms(0));
    assert!(scene.run_until(10).is_pending());
    let waiter = Waiter::new(scene.link.connected());
    let woken = waiter.woken.clone();
    assert_eq!(Arc::strong_count(&woken), 3);
    drop(waiter);
    assert_eq!(Arc::strong_count(&woken), 1);
}

#[test]
fn a_driver_that_has_ended_leaves_no_waker_behind() {
    for fate in [Fate::silent(), Fate::fails(ms(0)), Fate::connects(ms(0))] {
        let mut scene = Scene::new([fate], ms(5_000));
        assert!(scene.run_until(10).is_pending());
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(woken.clone());
        assert!(scene.keep.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(Arc::strong_count(&woken) > 2, "it is registered");
        scene.link.stop();
        assert!(scene.keep.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
        drop(waker);
        assert_eq!(Arc::strong_count(&woken), 1, "the link is still there");
    }
}

#[test]
fn a_wait_during_a_loss_gets_the_next_connection() {
    let mut scene = Scene::new([Fate::connects(ms(20))], STEADY);
    assert!(scene.run_until(20).is_pending());
    assert_eq!(scene.link.current(), Some(1));
    assert!(scene.run_until(1_030).is_pending());
    assert_eq!((scene.link.current(), scene.link.state()), (None, ReconnectState::Connecting));
    let mut waiter = Waiter::new(scene.link.connected());
    assert!(scene.run_until(1_040).is_pending());
    assert_eq!(waiter.woken(), 1);
    assert!(matches!(waiter.poll(), Poll::Ready(Ok(2))));
    assert_eq!(scene.starts(), [0, 1_020]);
}

#[test]
fn a_server_that_hangs_up_at_once_gets_no_storm() {
    let mut scene = Scene::new([Fate::connects(ms(0))], ms(0));
    assert!(scene.run_until(3_000).is_pending());
    assert_eq!(scene.starts(), [0, 100, 300, 700, 1_500]);
    assert_eq!(scene.link.failures(), 5);
    assert!(scene.link.last_error().is_none());
    scene.link.stop();
    assert!(scene.run_until(3_000).is_ready());
    scene.ledger.assert_clean();
}

#[test]
fn a_wait_ends_after_as_many_failures_as_it_allows_from_its_first_poll() {
    let fails = Fate::fails(ms(0)).saying("it is closed");
    let mut scene = Scene::new([fails, Fate::fails(ms(0)), Fate::fails(ms(0))], ms(0));
    let mut none = Waiter::new(scene.link.connected());
    let mut two = Waiter::new(scene.link.connected().with_max_failures(2));
    let unpolled = scene.link.connected().with_max_failures(1);
    assert!(scene.run_until(99).is_pending());
    let one = Waiter::new(unpolled);
    assert_eq!((two.woken(), one.woken()), (0, 0));
    assert!(two.poll().is_pending());
    assert_eq!(scene.link.last_error().unwrap().to_string(), "it is closed");
    assert!(scene.run_until(100).is_pending());
    assert_eq!((none.woken(), two.woken(), one.woken()), (0, 1, 1));
    for (mut waiter, most) in [(two, 2), (one, 1)] {
        let Poll::Ready(Err(error)) = waiter.poll() else { panic!("it has failed") };
        assert!(matches!(error, LinkError::Failed { failures, .. } if failures == most));
        assert!(error.last().unwrap().is::<ScriptedError>());
    }
    assert!(none.poll().is_pending());
    let zero = now(scene.link.connected().with_max_failures(0)).unwrap().unwrap_err();
    assert!(matches!(zero, LinkError::Failed { failures: 0, .. }));
    // The link has gone on.
    assert!(scene.run_until(300).is_pending());
    assert_eq!(scene.link.failures(), 3);
}

#[test]
fn a_connection_that_did_not_hold_counts_for_a_wait_with_a_limit() {
    let mut scene = Scene::new([Fate::connects(ms(0))], ms(0));
    let mut waiter = Waiter::new(scene.link.connected().with_max_failures(2));
    assert!(scene.run_until(100).is_pending());
    let Poll::Ready(Err(error)) = waiter.poll() else { panic!("it has failed") };
    let text = "no connection after 2 failures, because the last connection did not hold";
    assert_eq!(error.to_string(), text);
    assert!(error.last().is_none());
}

#[test]
fn a_limit_does_not_end_a_wait_for_a_connection_that_is_there() {
    let mut scene = Scene::new([Fate::fails(ms(0)), Fate::connects(ms(0))], ms(5_000));
    let mut waiter = Waiter::new(scene.link.connected().with_max_failures(1));
    assert!(scene.run_until(100).is_pending());
    assert!(matches!(waiter.poll(), Poll::Ready(Ok(1))));
    assert!(matches!(now(scene.link.connected().with_max_failures(0)), Some(Ok(1))));
}

#[test]
fn stopped_while_it_connects_or_waits_it_drops_everything_at_its_next_poll() {
    for time in [10, 60] {
        let mut scene = Scene::new([Fate::fails(ms(30)), Fate::silent()], ms(0));
        let mut waiter = Waiter::new(scene.link.connected());
        assert!(scene.run_until(time).is_pending());
        let starts = scene.starts();
        scene.link.stop();
        assert_eq!((waiter.woken(), scene.link.state()), (1, ReconnectState::Ended));
        assert!(matches!(waiter.poll(), Poll::Ready(Err(LinkError::Stopped))));
        assert!(matches!(now(scene.link.connected()), Some(Err(LinkError::Stopped))));
        assert!(scene.run_until(time).is_ready());
        scene.ledger.assert_clean();
        assert_eq!(scene.starts(), starts);
    }
}

#[test]
fn stopped_while_connected_it_drops_the_value_at_once_and_the_connection_when_polled() {
    let clock = Clock::new();
    let ledger = Ledger::new(&clock);
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::connects(ms(20)));
    let value = Rc::new(());
    let (link, keep) = Reconnect::new(server, clock.clone()).into_link(|connection| {
        let lost = async move {
            pending::<()>().await;
            drop(connection);
        };
        (value.clone(), lost)
    });
    let mut keep = Box::pin(keep);
    assert!(clock.run_until(ms(50), keep.as_mut()).is_pending());
    assert_eq!(Rc::strong_count(&value), 2);
    link.stop();
    assert_eq!(Rc::strong_count(&value), 1);
    assert_eq!(ledger.open(), ["server"]);
    clock.run(keep.as_mut());
    // The future is still there, and holds nothing.
    ledger.assert_clean();
    assert_eq!(ledger.starts().len(), 1);
    drop(keep);
}

#[test]
fn stop_wakes_the_driver() {
    let mut scene = Scene::new([Fate::silent()], ms(0));
    let link = scene.link.clone();
    let (clock, keep) = (scene.clock.clone(), scene.keep.as_mut());
    let stop_later = async {
        clock.sleep(ms(50)).await;
        link.stop();
    };
    // Without a wake-up the clock reports a deadlock.
    clock.run(future::zip(keep, stop_later));
    assert_eq!(clock.elapsed(), ms(50));
}

#[test]
fn drained_while_connected_it_goes_on_until_the_connection_is_lost() {
    let mut scene = Scene::new([Fate::connects(ms(20))], ms(5_000));
    assert!(scene.run_until(50).is_pending());
    scene.link.drain();
    assert!(scene.run_until(5_019).is_pending());
    assert!(matches!(now(scene.link.connected()), Some(Ok(1))));
    assert!(scene.run_until(5_020).is_ready());
    assert!(matches!(now(scene.link.connected()), Some(Err(LinkError::Stopped))));
    assert_eq!(scene.starts(), [0]);
    scene.ledger.assert_clean();
}

#[test]
fn drained_without_a_connection_it_stops() {
    for time in [10, 60] {
        let mut scene = Scene::new([Fate::fails(ms(30)), Fate::silent()], ms(0));
        let mut waiter = Waiter::new(scene.link.connected());
        assert!(scene.run_until(time).is_pending());
        scene.link.drain();
        assert!(matches!(waiter.poll(), Poll::Ready(Err(LinkError::Stopped))));
        assert!(scene.run_until(time).is_ready());
        scene.ledger.assert_clean();
    }
}

#[test]
fn a_drained_link_can_be_stopped() {
    let mut scene = Scene::new([Fate::connects(ms(20))], ms(5_000));
    assert!(scene.run_until(50).is_pending());
    scene.link.drain();
    scene.link.stop();
    assert!(scene.run_until(50).is_ready());
    scene.ledger.assert_clean();
}

#[test]
fn dropped_at_any_time_the_driver_leaves_nothing_and_all_waits_end() {
    for time in 0..200 {
        let fates = [Fate::fails(ms(30)), Fate::connects(ms(20)), Fate::silent()];
        let mut scene = Scene::new(fates, ms(10));
        let mut waiters: Vec<_> = (0..3).map(|_| Waiter::new(scene.link.connected())).collect();
        assert!(scene.run_until(time).is_pending());
        let connected = scene.link.current().is_some();
        let woken = usize::from(time >= 150);
        assert!(waiters.iter().all(|waiter| waiter.woken() == woken));
        let rest = waiters.split_off(1);
        drop(waiters);
        drop(scene.keep);
        scene.ledger.assert_clean();
        for mut waiter in rest {
            let again = usize::from(time < 150);
            assert_eq!(waiter.woken(), woken + again, "at {time} ms, connected: {connected}");
            assert!(matches!(waiter.poll(), Poll::Ready(Err(LinkError::Abandoned))));
        }
        assert_eq!(scene.link.state(), ReconnectState::Ended);
        assert!(scene.link.current().is_none());
    }
}

#[test]
fn a_driver_that_was_never_polled_ends_its_waits() {
    let scene = Scene::new([Fate::silent()], ms(0));
    let mut waiter = Waiter::new(scene.link.connected());
    drop(scene.keep);
    assert_eq!(waiter.woken(), 1);
    assert!(matches!(waiter.poll(), Poll::Ready(Err(LinkError::Abandoned))));
}

#[test]
fn the_driver_ends_when_the_last_handle_is_dropped_and_a_wait_is_a_handle() {
    let mut scene = Scene::new([Fate::connects(ms(20))], ms(5_000));
    let (clock, ledger) = (scene.clock.clone(), scene.ledger.clone());
    assert!(scene.run_until(50).is_pending());
    let wait = scene.link.clone().connected();
    let Scene { link, keep, .. } = scene;
    let drop_later = async {
        clock.sleep(ms(50)).await;
        drop(link);
        clock.sleep(ms(50)).await;
        drop(wait);
    };
    clock.run(future::zip(keep, drop_later));
    assert_eq!(clock.elapsed(), ms(150));
    ledger.assert_clean();
    assert_eq!(ledger.starts().len(), 1);
}

#[test]
fn the_link_gives_up_when_the_back_off_ends() {
    let fates = [Fate::fails(ms(0)), Fate::fails(ms(10)).saying("the last")];
    let mut scene = Scene::with_backoff(fates, ms(0), [ms(100)].into_iter());
    let mut waiter = Waiter::new(scene.link.connected());
    assert!(scene.run_until(110).is_ready());
    assert_eq!(waiter.woken(), 1);
    let Poll::Ready(Err(error)) = waiter.poll() else { panic!("it has given up") };
    assert!(matches!(error, LinkError::GaveUp { .. }));
    assert_eq!(error.to_string(), "the link gave up after its last connect failed");
    assert_eq!(error.last().unwrap().to_string(), "the last");
    assert_eq!((scene.link.failures(), scene.link.state()), (2, ReconnectState::Ended));
    scene.ledger.assert_clean();
}

#[test]
fn the_link_gives_up_after_an_error_that_the_program_names() {
    let clock = Clock::new();
    let ledger = Ledger::new(&clock);
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::fails(ms(5)));
    let (link, keep) = Reconnect::new(server, clock.clone())
        .with_retry(|_: &ScriptedError| false)
        .into_link(|_| ((), pending()));
    clock.run(keep);
    assert!(matches!(clock.run(link.connected()), Err(LinkError::GaveUp { last: Some(_) })));
    assert_eq!(ledger.starts().len(), 1);
}

#[test]
fn the_link_gives_up_after_a_connection_that_did_not_hold() {
    let mut scene = Scene::with_backoff([Fate::connects(ms(0))], ms(5), [].into_iter());
    assert!(scene.run_until(5).is_ready());
    let error = now(scene.link.connected()).unwrap().unwrap_err();
    assert!(matches!(error, LinkError::GaveUp { last: None }));
    assert_eq!(error.to_string(), "the link gave up after its last connection did not hold");
}

#[test]
fn the_state_and_the_failures_are_known_at_every_step() {
    let mut scene = Scene::new([Fate::fails(ms(30)), Fate::connects(ms(20))], ms(10));
    let start = scene.clock.now();
    let mut at = |time| {
        assert!(scene.run_until(time).is_pending());
        let error = scene.link.last_error().map(|error| error.to_string());
        (scene.link.state(), scene.link.failures(), error)
    };
    let waiting = |until| ReconnectState::Waiting { until: start + ms(until) };
    let failed = Some("server failed".to_owned());
    assert_eq!(at(0), (ReconnectState::Connecting, 0, None));
    assert_eq!(at(30), (waiting(130), 1, failed.clone()));
    assert_eq!(at(130), (ReconnectState::Connecting, 1, failed));
    assert_eq!(at(150), (ReconnectState::Connected { since: start + ms(150) }, 0, None));
    assert_eq!(at(160), (waiting(360), 2, None));
}

#[test]
fn an_endpoint_that_fails_at_once_without_a_delay_leaves_time_to_others() {
    let scene = Scene::with_backoff([Fate::fails(ms(0))], ms(0), iter::repeat(Duration::ZERO));
    let Scene { clock, ledger, link, keep, .. } = scene;
    let stop_soon = async {
        for _ in 0..5 {
            future::yield_now().await;
        }
        link.stop();
    };
    clock.run(future::zip(keep, stop_soon));
    assert!(ledger.starts().len() <= 6, "{ledger}");
}

#[test]
fn an_error_keeps_the_kind_of_its_cause() {
    use std::io::{Error, ErrorKind};
    let kind = |error: LinkError| Error::from(error).kind();
    let gave_up = |error| LinkError::GaveUp { last: Some(SharedError::new(error)) };
    assert_eq!(kind(LinkError::Stopped), ErrorKind::NotConnected);
    assert_eq!(kind(gave_up(Error::from(ErrorKind::TimedOut))), ErrorKind::TimedOut);
    assert_eq!(kind(gave_up(Error::other(ScriptedError::new("its own")))), ErrorKind::Other);

    let clock = Clock::new();
    let ledger = Ledger::new(&clock);
    let resolver = ScriptedResolver::<std::net::SocketAddr>::new(&ledger);
    let dialer = Dialer::new(resolver, ScriptedConnector::new(&ledger), clock.clone());
    let dialer = dialer.with_policy(Policy::new().with_timeout(ms(5)).unwrap());
    let endpoint = dialer.endpoint("silent.example:443").unwrap();
    let connections = Reconnect::new(endpoint, clock.clone()).with_backoff([].into_iter());
    let (link, keep) = connections.into_link(|_| ((), pending()));
    clock.run(keep);
    let error = clock.run(link.connected()).unwrap_err();
    let race = error.last().unwrap().downcast_ref::<stagger::Error>().unwrap();
    assert_eq!(kind(error.clone()), Error::from(race.clone()).kind());
    assert_ne!(kind(error), ErrorKind::NotConnected);
}

/// A value whose code calls the link back: it would deadlock under the link's lock.
struct Nosy {
    link: Rc<RefCell<Option<Link<Self>>>>,
    calls: Rc<Cell<usize>>,
}

impl Nosy {
    fn ask(&self) {
        if let Some(link) = &*self.link.borrow() {
            let _ = (link.state(), link.failures(), link.last_error());
            self.calls.set(self.calls.get() + 1);
        }
    }
}

impl Clone for Nosy {
    fn clone(&self) -> Self {
        self.ask();
        Self { link: self.link.clone(), calls: self.calls.clone() }
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        self.ask();
    }
}

/// A waker that asks the link whenever its code runs.
struct NosyWaker(Link<Number>, AtomicUsize);

impl Wake for NosyWaker {
    fn wake(self: Arc<Self>) {
        let _ = (self.0.state(), self.0.current());
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for NosyWaker {
    fn drop(&mut self) {
        let _ = (self.0.state(), self.0.current());
    }
}

#[test]
fn no_lock_is_held_while_the_code_of_a_value_runs() {
    let clock = Clock::new();
    let server = ScriptedEndpoint::new(&Ledger::new(&clock), "server", Fate::connects(ms(20)));
    let place = Rc::new(RefCell::new(None));
    let calls = Rc::new(Cell::new(0));
    let (link, keep) = Reconnect::new(server, clock.clone()).into_link(|_| {
        if let Some(link) = &*place.borrow() {
            let link: &Link<Nosy> = link;
            assert!(now(link.connected()).is_none());
        }
        (Nosy { link: place.clone(), calls: calls.clone() }, clock.sleep(ms(30)))
    });
    *place.borrow_mut() = Some(link.clone());
    let mut keep = Box::pin(keep);
    assert!(clock.run_until(ms(20), keep.as_mut()).is_pending());
    drop(clock.run(link.connected()).unwrap());
    drop(link.current());
    // Each was cloned and dropped.
    assert_eq!(calls.get(), 4);
    // Lost, and then stopped while the next is there.
    assert!(clock.run_until(ms(50), keep.as_mut()).is_pending());
    assert_eq!(calls.get(), 5);
    assert!(clock.run_until(ms(2_000), keep.as_mut()).is_pending());
    link.stop();
    clock.run(keep);
    place.borrow_mut().take();
}

#[test]
fn no_lock_is_held_while_the_code_of_a_waker_runs() {
    let mut scene = Scene::new([Fate::connects(ms(20))], ms(5_000));
    let nosy = Arc::new(NosyWaker(scene.link.clone(), AtomicUsize::new(0)));
    let waker = Waker::from(nosy.clone());
    let mut wait = scene.link.connected();
    let mut second = scene.link.connected();
    let mut dropped = scene.link.connected();
    for wait in [&mut wait, &mut second, &mut dropped] {
        assert!(Pin::new(wait).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    // The last reference to a waker goes with the wait, or by a poll with another waker.
    let own = Waker::from(Arc::new(NosyWaker(scene.link.clone(), AtomicUsize::new(0))));
    assert!(Pin::new(&mut dropped).poll(&mut Context::from_waker(&own)).is_pending());
    drop(own);
    drop(dropped);
    let own = Waker::from(Arc::new(NosyWaker(scene.link.clone(), AtomicUsize::new(0))));
    assert!(Pin::new(&mut second).poll(&mut Context::from_waker(&own)).is_pending());
    drop(own);
    assert!(Pin::new(&mut second).poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(scene.run_until(20).is_pending());
    assert_eq!(nosy.1.load(Ordering::SeqCst), 2);
}

#[test]
fn a_panic_of_prepare_ends_the_link_when_the_driver_is_dropped() {
    let clock = Clock::new();
    let ledger = Ledger::new(&clock);
    let server = ScriptedEndpoint::new(&ledger, "server", Fate::connects(ms(20)));
    let (link, keep) = Reconnect::new(server, clock.clone())
        .into_link(|_| -> ((), future::Ready<()>) { panic!("as the test says") });
    let wait = link.connected();
    assert!(catch_unwind(AssertUnwindSafe(|| clock.run(keep))).is_err());
    assert!(matches!(clock.run(wait), Err(LinkError::Abandoned)));
    ledger.assert_clean();
}

#[test]
fn parts_that_stay_on_their_thread_are_fine() {
    let clock = Clock::new();
    let local = endpoint_fn(|| async { Ok::<_, ScriptedError>(Rc::new(5)) });
    let (link, keep) =
        Reconnect::new(local, Rc::new(clock.clone())).into_link(|number| (number, pending()));
    let mut keep = pin!(keep);
    assert!(clock.run_until(ms(0), keep.as_mut()).is_pending());
    assert_eq!(*clock.run(link.connected()).unwrap(), 5);
}

#[test]
fn it_is_send_if_its_parts_are() {
    fn assert_send<T: Send + 'static>(_: &T) {}
    fn assert_sync<T: Sync>(_: &T) {}
    let clock = Clock::new();
    let server = ScriptedEndpoint::new(&Ledger::new(&clock), "server", Fate::fails(ms(0)));
    let connections = Reconnect::new(server, clock.clone());
    let (link, keep) = connections.into_link(|_| ((), ready(())));
    assert_send(&keep);
    assert_send(&link.connected());
    assert_send(&link);
    assert_sync(&link);
}

/// Real threads: eight wait again and again, and drop every other wait after its first poll. Each
/// connection is lost after two polls. A lost wake-up would hang a thread.
#[test]
fn no_wake_up_is_lost_between_threads() {
    let server = endpoint_fn(|| async { Ok::<_, ScriptedError>(()) });
    let mut number = 0;
    let (link, keep) = Reconnect::new(server, Clock::new())
        .with_backoff(iter::repeat(Duration::ZERO))
        .with_steady_after(Duration::ZERO)
        .into_link(move |()| {
            number += 1;
            (number, future::yield_now())
        });
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let link = link.clone();
            std::thread::spawn(move || {
                let mut last = 0;
                for _ in 0..500 {
                    let _ = now(link.connected());
                    let number = future::block_on(link.connected()).expect("it is not stopped");
                    assert!(number >= last, "an older connection came later");
                    last = number;
                }
            })
        })
        .collect();
    drop(link);
    // It ends because the threads drop their links.
    future::block_on(keep);
    for thread in threads {
        thread.join().expect("the thread is content");
    }
}
