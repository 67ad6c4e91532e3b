//! A timeout for lookups.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::Resolver;
use crate::boxed::BoxError;
use crate::drivers::poll_until;
use crate::error::{LookupErrorKind, SharedError};
use crate::resolve::{Query, Wanted};
use crate::text::Span;
use crate::{Answer, Timer};

/// A resolver whose lookups end after a given time.
///
/// Answers that have come by then are kept. Each wanted record without an answer gets one more
/// answer with the error [`LookupTimedOut`]. Then the lookup is dropped. An answer that is ready at
/// the same moment still counts. The time runs from the first poll of the answers.
///
/// A race does not need this to begin: once it has an address, it waits at most for the resolution
/// delay. It is for a lookup without any result. A [`Fallback`](crate::resolve::Fallback) can then ask another resolver
/// before the whole connect fails.
///
/// # Examples
///
/// ```
/// use stagger::Dialer;
/// use stagger::resolve::{LookupTimedOut, ResolverTimeout};
/// use stagger_testkit::{Clock, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
///
/// let ledger = Ledger::new(&Clock::new());
/// let clock = ledger.clock();
/// let silent = ScriptedResolver::<Place>::new(&ledger).never_ends();
/// let resolver = ResolverTimeout::new(silent, clock.clone(), ms(2000));
/// let dialer = Dialer::new(resolver, ScriptedConnector::new(&ledger), clock.clone());
///
/// let error = clock.run(dialer.connect("example.com:443")).unwrap_err();
/// assert_eq!(clock.elapsed(), ms(2000));
/// let cause = error.report().queries()[0].error.as_ref().unwrap();
/// assert!(cause.is::<LookupTimedOut>());
/// assert_eq!(cause.to_string(), "no answer within 2 s");
/// ```
#[derive(Clone, Debug)]
pub struct ResolverTimeout<R, T> {
    resolver: R,
    timer: T,
    limit: Duration,
}

impl<R, T> ResolverTimeout<R, T> {
    /// Creates a resolver that ends the lookups of this resolver after this time.
    pub fn new(resolver: R, timer: T, limit: Duration) -> Self {
        Self { resolver, timer, limit }
    }
}

impl<R, T> Resolver for ResolverTimeout<R, T>
where
    R: Resolver<Error: Into<BoxError>>,
    T: Timer + Clone,
{
    type Address = R::Address;
    type Error = SharedError;
    type Answers = TimelyAnswers<R::Answers, T>;

    fn resolve(&self, query: &Query) -> Self::Answers {
        TimelyAnswers {
            answers: Some(self.resolver.resolve(query)),
            alarm: None,
            timer: self.timer.clone(),
            limit: self.limit,
            began: None,
            awaited: query.wanted(),
        }
    }
}

/// The error of a record without an answer in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LookupTimedOut {
    /// The time limit of the lookup.
    pub limit: Duration,
}

impl fmt::Display for LookupTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer within {}", Span(self.limit))
    }
}

impl Error for LookupTimedOut {}

pin_project! {
    /// The answers of a [`ResolverTimeout`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the lookup and the alarm.
    #[must_use = "streams do nothing unless polled"]
    pub struct TimelyAnswers<S, T>
    where
        T: Timer,
    {
        // Absent once the lookup has ended or its time is over.
        #[pin]
        answers: Option<S>,
        #[pin]
        alarm: Option<T::Sleep>,
        timer: T,
        limit: Duration,
        began: Option<Instant>,
        // The records that must still be answered once the time is over.
        awaited: Wanted,
    }
}

impl<S, T, A, E> Stream for TimelyAnswers<S, T>
where
    S: Stream<Item = Answer<A, E>>,
    T: Timer,
    E: Into<BoxError>,
{
    type Item = Answer<A, SharedError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if let Some(answers) = this.answers.as_mut().as_pin_mut() {
            let began = *this.began.get_or_insert_with(|| this.timer.now());
            match answers.poll_next(cx) {
                Poll::Ready(Some(answer)) => {
                    if !answer.is_provisional() {
                        this.awaited.remove(answer.record());
                    }
                    return Poll::Ready(Some(answer.map_err(SharedError::new)));
                }
                Poll::Ready(None) => *this.awaited = Wanted::NONE,
                Poll::Pending => {
                    // A time that the clock cannot represent never comes.
                    let Some(due) = began.checked_add(*this.limit) else { return Poll::Pending };
                    ready!(poll_until(due, this.timer, this.alarm.as_mut(), cx));
                }
            }
            this.answers.set(None);
            this.alarm.set(None);
        }
        let error = LookupTimedOut { limit: *this.limit };
        let missing = this.awaited.records().next();
        Poll::Ready(missing.map(|record| {
            this.awaited.remove(record);
            Answer::failed(record, SharedError::new(error)).with_kind(LookupErrorKind::TimedOut)
        }))
    }
}

impl<S, T: Timer> fmt::Debug for TimelyAnswers<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimelyAnswers")
            .field("limit", &self.limit)
            .field("awaited", &self.awaited)
            .finish_non_exhaustive()
    }
}
