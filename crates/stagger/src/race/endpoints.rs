//! The staggered race over any endpoints, without names or resolvers.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::connect::Progress;
use crate::error::Phase;
use crate::observe::Log;
use crate::policy::Order;
use crate::race::{
    Begun, Candidates, Course, CourseTypes, Driver, Entrant, Id, Loss, News, Note, Reading,
};
use crate::report::{AttemptOutcome, End};
use crate::resolve::Record;
use crate::text::Span;
use crate::{Endpoint, Policy, Report, Timer};

/// Races the endpoints of a list, in its order. Each starts when the previous endpoint has failed,
/// or has run for the attempt delay. The first that connects wins, and the others are dropped.
///
/// The race reads the list as it needs endpoints, so the list may be endless. There is no limit and
/// no timeout unless [`Race::with_policy`] sets one.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger::race;
/// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint};
///
/// let clock = Clock::new();
/// let ledger = Ledger::new(&clock);
/// let silent = ScriptedEndpoint::new(&ledger, "silent", Fate::silent());
/// let quick = Fate::connects(Duration::from_millis(40));
/// let quick = ScriptedEndpoint::new(&ledger, "quick", quick);
///
/// let won = clock.run(race([silent, quick], clock.clone())).unwrap();
/// assert_eq!(won.index, 1);
/// assert_eq!(won.report.elapsed(), Duration::from_millis(290));
/// ```
pub fn race<I, T>(endpoints: I, timer: T) -> Race<List<I::IntoIter>, T>
where
    I: IntoIterator<Item: Endpoint>,
    T: Timer,
{
    race_stream(List(endpoints.into_iter()), timer)
}

/// Races the endpoints of a stream, as [`race()`] races the endpoints of a list. The stream may
/// return new endpoints while attempts run.
pub fn race_stream<S, T>(endpoints: S, timer: T) -> Race<S, T>
where
    S: Stream<Item: Endpoint>,
    T: Timer,
{
    let course = ListCourse { endpoints: Some(endpoints), waiting: None, read: 0, log: Log::new() };
    let policy = Policy::unlimited().with_order(Order::Resolver);
    Race { driver: Driver::new(course, timer, policy) }
}

/// An iterator as a stream.
#[derive(Clone, Debug)]
pub struct List<I>(I);

// The iterator is never pinned.
impl<I> Unpin for List<I> {}

impl<I: Iterator> Stream for List<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.0.next())
    }
}

pin_project! {
    struct ListCourse<S, E>
    where
        E: Endpoint,
    {
        #[pin]
        endpoints: Option<S>,
        // The next endpoint. It is read when the next start is due.
        waiting: Option<(Id, E)>,
        read: usize,
        // An attempt's address is its endpoint's index in the list.
        log: Log<usize, E::Error>,
    }
}

impl<S: Stream<Item = E>, E: Endpoint> CourseTypes for ListCourse<S, E> {
    type Connection = E::Connection;
    type Failure = E::Error;
    type Attempt = E::Connecting;
}

impl<S: Stream<Item = E>, E: Endpoint> Course for ListCourse<S, E> {
    const LOOKAHEAD: usize = 1;

    fn poll_news(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        _: Reading,
        candidates: &mut Candidates,
    ) -> Poll<Option<News>> {
        let mut this = self.project();
        let next = match this.endpoints.as_mut().as_pin_mut() {
            Some(endpoints) => ready!(endpoints.poll_next(cx)),
            None => None,
        };
        let Some(endpoint) = next else {
            this.endpoints.set(None);
            return Poll::Ready(None);
        };
        let id = Id(*this.read);
        *this.read += 1;
        debug_assert!(this.waiting.is_none(), "one is read when none waits");
        *this.waiting = Some((id, endpoint));
        candidates.push(Entrant::new(id, None));
        Poll::Ready(Some(Record::Addresses.into()))
    }

    fn begin(self: Pin<&mut Self>, reading: Reading, id: Id) -> Begun<E::Connecting> {
        let this = self.project();
        let (next, endpoint) = this.waiting.take().expect("an endpoint that starts was waiting");
        assert_eq!(next, id, "endpoints start in their order");
        let attempt = endpoint.connect();
        let place = this.log.started(reading.elapsed, id.0, None);
        Begun { attempt, progress: Progress::default(), place, delay: None }
    }

    fn close(self: Pin<&mut Self>) {
        let mut this = self.project();
        this.endpoints.set(None);
        *this.waiting = None;
    }

    fn is_recorded(&self) -> bool {
        false
    }

    fn note_began(self: Pin<&mut Self>) {}

    fn note_started(self: Pin<&mut Self>, _: Duration, _: usize) {}

    fn note_connected(self: Pin<&mut Self>, reading: Reading, place: usize) {
        self.project().log.ended(reading.elapsed, place, AttemptOutcome::Connected);
    }

    fn note(self: Pin<&mut Self>, at: Duration, note: Note<E::Error>) {
        let log = self.project().log;
        match note {
            Note::Failed(place, error, _) => log.ended(at, place, AttemptOutcome::Failed(error)),
            Note::TimedOut(place) => log.ended(at, place, AttemptOutcome::TimedOut),
            Note::Dropped(place) => log.ended(at, place, AttemptOutcome::Dropped),
            // The report does not contain an endpoint that was read and not tried.
            Note::Waiting(_) | Note::Untried(_) => {}
            Note::Progressed(_) | Note::Child(..) => {}
        }
    }
}

pin_project! {
    /// A race in progress: see [`race()`].
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after it was ready.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops every attempt before `drop` returns.
    #[must_use = "futures do nothing unless polled"]
    pub struct Race<S, T>
    where
        S: Stream,
        S::Item: Endpoint,
        T: Timer,
    {
        #[pin]
        driver: Driver<ListCourse<S, S::Item>, T>,
    }
}

impl<S, T> Race<S, T>
where
    S: Stream<Item: Endpoint>,
    T: Timer,
{
    /// Sets the policy, with its delays, limits and timeouts. Its order does not apply: endpoints
    /// have no family, so they keep the list's order.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.driver.set_policy(policy.with_order(Order::Resolver).with_https(false));
        self
    }
}

impl<S, T> Future for Race<S, T>
where
    S: Stream<Item: Endpoint>,
    T: Timer,
{
    type Output = Result<
        Winner<<S::Item as Endpoint>::Connection, <S::Item as Endpoint>::Error>,
        RaceError<<S::Item as Endpoint>::Error>,
    >;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut driver = self.project().driver;
        let result = ready!(driver.as_mut().poll(cx));
        let elapsed = driver.elapsed();
        let log = driver.course_mut().project().log;
        let mut log = std::mem::replace(log, Log::new());
        log.over(elapsed, if result.is_ok() { End::Connected } else { End::Lost });
        let report = log.into_report(None, Duration::ZERO, elapsed);
        Poll::Ready(match result {
            Ok((id, connection)) => Ok(Winner { connection, index: id.0, report }),
            Err(loss) => Err(RaceError { loss, report }),
        })
    }
}

impl<S, T> fmt::Debug for Race<S, T>
where
    S: Stream,
    S::Item: Endpoint,
    T: Timer,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Race").finish_non_exhaustive()
    }
}

/// The result of a race: the connection and the report.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Winner<C, E> {
    /// The connection.
    pub connection: C,
    /// The winning endpoint's index in the list, from 0.
    pub index: usize,
    /// The report of the race. An attempt's address is its endpoint's index in the list.
    pub report: Report<usize, E>,
}

/// The error of a race without a connection.
#[derive(Clone, Debug)]
pub struct RaceError<E> {
    loss: Loss,
    report: Report<usize, E>,
}

impl<E> RaceError<E> {
    /// Why the race ended.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// The report of the race. An attempt's address is its endpoint's index in the list.
    pub fn report(&self) -> &Report<usize, E> {
        &self.report
    }

    /// Returns the errors of the endpoints, in start order.
    pub fn into_errors(self) -> impl Iterator<Item = (usize, E)> {
        self.report.attempts.into_iter().filter_map(|attempt| match attempt.outcome {
            AttemptOutcome::Failed(error) => Some((attempt.address, error)),
            _ => None,
        })
    }
}

impl<E: fmt::Display> fmt::Display for RaceError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let started = self.report.attempts.len();
        let elapsed = Span(self.report.elapsed);
        match self.loss {
            Loss::NoCandidates => f.write_str("there was nothing to connect to"),
            Loss::AllFailed | Loss::GaveUp if started == 1 => {
                f.write_str("the only attempt failed")
            }
            Loss::AllFailed | Loss::GaveUp => write!(f, "all {started} attempts failed"),
            Loss::TimedOut(Phase::Connecting) => {
                write!(f, "no connection within {elapsed}, {started} attempts made")
            }
            Loss::TimedOut(_) => write!(f, "nothing to connect to within {elapsed}"),
        }
    }
}

/// The source is the first failure, in start order.
impl<E: StdError + 'static> StdError for RaceError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let failure = self.report.attempts.iter().find_map(|attempt| attempt.outcome.error());
        failure.map(|failure| failure as _)
    }
}
