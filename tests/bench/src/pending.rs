//! How much memory a race takes while it is pending.

use std::future::Future;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures_core::Stream;
use pin_project_lite::pin_project;
use stagger::connect::Dial;
use stagger::resolve::{Query, Record};
use stagger::{Answer, Candidate, Connector, Dialer, Policy, Resolver, Timer};
use stagger_testkit::Clock;

use crate::Heap;

/// How many bytes a race of eight may take, its future included: 4 KiB.
pub const MOST_BYTES: usize = 4096;

/// How many candidates a race has, half of them of each family.
const CANDIDATES: usize = 8;

/// How many attempts have begun in this process.
static BEGUN: AtomicUsize = AtomicUsize::new(0);

/// What one race takes, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Race {
    /// Its future.
    pub future: usize,
    /// What it holds on the heap, its alarm on the test kit's clock included.
    pub heap: usize,
}

impl Race {
    /// All of it.
    pub fn bytes(&self) -> usize {
        self.future + self.heap
    }
}

/// Weighs so many races at once, each with eight attempts in flight, that are as large as those
/// over the connector `C`, the resolver `R` and the timer `T`: their attempts, answers and alarms
/// are kept, and never polled. In their place the test kit's clock wakes, and nobody answers.
///
/// # Panics
///
/// If a race ends, or has not eight attempts in flight.
pub fn weigh<C, R, T>(heap: &Heap, races: usize) -> Race
where
    C: Connector<SocketAddr> + Clone + Default,
    C::Error: std::error::Error + Send + Sync + 'static,
    R: Resolver<Address = SocketAddr> + Default,
    R::Error: std::error::Error + Send + Sync + 'static,
    T: Timer + Clone,
{
    let clock = Clock::new();
    let timer = RoomyTimer::<T> { clock: clock.clone(), room: PhantomData };
    let dialer = Dialer::new(Prompt(R::default()), Silent(C::default()), timer);
    let mut all: Vec<Pin<Box<Dial<_, _, _>>>> = Vec::with_capacity(races);
    all.extend((0..races).map(|_| Box::pin(dialer.connect("example.com:443"))));
    let future = size_of_val(&*all[0]);

    let begun = BEGUN.load(Ordering::Relaxed);
    let before = heap.stats();
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..CANDIDATES {
        for race in &mut all {
            assert!(race.as_mut().poll(&mut cx).is_pending(), "a silent race goes on");
        }
        clock.advance(Policy::ATTEMPT_DELAY);
    }
    let taken = heap.stats() - before;
    assert_eq!(BEGUN.load(Ordering::Relaxed) - begun, races * CANDIDATES);
    Race { future, heap: (taken.bytes_allocated - taken.bytes_deallocated) / races }
}

/// Attempts of which nothing is heard.
#[derive(Clone)]
struct Silent<C>(C);

impl<C: Connector<SocketAddr>> Connector<SocketAddr> for Silent<C> {
    type Connection = C::Connection;
    type Error = C::Error;
    type Attempt = SilentAttempt<C::Attempt>;

    fn connect(&self, to: Candidate<SocketAddr>) -> Self::Attempt {
        BEGUN.fetch_add(1, Ordering::Relaxed);
        SilentAttempt { _real: self.0.connect(to) }
    }

    fn reports_progress(&self) -> bool {
        self.0.reports_progress()
    }
}

/// As large as the attempt that it keeps.
struct SilentAttempt<F> {
    _real: F,
}

impl<C, E, F: Future<Output = Result<C, E>>> Future for SilentAttempt<F> {
    type Output = Result<C, E>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Pending
    }
}

/// A resolver that answers at once with eight addresses.
struct Prompt<R>(R);

impl<R: Resolver<Address = SocketAddr>> Resolver for Prompt<R> {
    type Address = SocketAddr;
    type Error = R::Error;
    type Answers = PromptAnswers<R::Answers, R::Error>;

    fn resolve(&self, query: &Query) -> Self::Answers {
        let hosts = 1..=CANDIDATES as u16 / 2;
        let ipv6 = |host| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host).into();
        let ipv4 = |host: u16| Ipv4Addr::new(192, 0, 2, host as u8).into();
        let all = hosts.clone().map(ipv6).chain(hosts.map(ipv4));
        let answer =
            Answer::found(Record::Addresses, all.map(|ip: IpAddr| SocketAddr::new(ip, 443)));
        PromptAnswers { answer: Some(answer), _real: self.0.resolve(query) }
    }
}

pin_project! {
    /// As large as the answers that it keeps, and its one answer.
    struct PromptAnswers<S, E> {
        answer: Option<Answer<SocketAddr, E>>,
        #[pin]
        _real: S,
    }
}

impl<S, E> Stream for PromptAnswers<S, E> {
    type Item = Answer<SocketAddr, E>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.project().answer.take())
    }
}

/// The test kit's clock, with alarms that have room for those of `T`.
#[derive(Clone)]
struct RoomyTimer<T> {
    clock: Clock,
    room: PhantomData<T>,
}

impl<T: Timer> Timer for RoomyTimer<T> {
    type Sleep = RoomySleep<T::Sleep>;

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        RoomySleep { sleep: self.clock.sleep_until(deadline), _room: None }
    }
}

pin_project! {
    /// As large as the alarm of the runtime and the one that it keeps.
    struct RoomySleep<S> {
        #[pin]
        sleep: stagger_testkit::Sleep,
        #[pin]
        _room: Option<S>,
    }
}

impl<S> Future for RoomySleep<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().sleep.poll(cx)
    }
}
