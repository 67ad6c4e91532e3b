//! Connectors that wrap others, and their attempts.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::step::Steps;
use super::{AndThen, Map, MapConnect, MapErr};
use crate::connect::AttemptError;
use crate::{Candidate, Connector};

impl<A, N, F, T> Connector<A> for Map<N, F>
where
    N: Connector<A>,
    F: Fn(N::Connection) -> T + Clone,
{
    type Connection = T;
    type Error = N::Error;
    type Attempt = MapConnect<N::Attempt, F>;

    fn connect(&self, to: Candidate<A>) -> Self::Attempt {
        MapConnect { inner: self.inner.connect(to), map: self.map.clone() }
    }

    fn accepts(&self, to: &Candidate<A>) -> Result<(), N::Error> {
        self.inner.accepts(to)
    }

    fn is_final(&self, error: &N::Error) -> bool {
        self.inner.is_final(error)
    }

    fn is_local_shortage(&self, error: &N::Error) -> bool {
        self.inner.is_local_shortage(error)
    }

    fn reports_progress(&self) -> bool {
        self.inner.reports_progress()
    }
}

impl<A, N, F, E> Connector<A> for MapErr<N, F>
where
    N: Connector<A> + Clone,
    F: Fn(N::Error) -> E + Clone,
{
    type Connection = N::Connection;
    type Error = AttemptError<E>;
    type Attempt = MapErrAttempt<N::Attempt, N, F, A>;

    fn connect(&self, to: Candidate<A>) -> Self::Attempt {
        MapErrAttempt {
            inner: self.inner.connect(to),
            connector: self.inner.clone(),
            map: self.map.clone(),
            address: PhantomData,
        }
    }

    fn accepts(&self, to: &Candidate<A>) -> Result<(), AttemptError<E>> {
        self.inner.accepts(to).map_err(|error| judge(&self.inner, error, &self.map))
    }

    fn is_final(&self, error: &AttemptError<E>) -> bool {
        error.is_final()
    }

    fn is_local_shortage(&self, error: &AttemptError<E>) -> bool {
        error.is_local_shortage()
    }

    fn reports_progress(&self) -> bool {
        self.inner.reports_progress()
    }
}

/// Maps an error, and keeps the judgement of the connector that returned it.
fn judge<A, N, E>(connector: &N, error: N::Error, map: impl Fn(N::Error) -> E) -> AttemptError<E>
where
    N: Connector<A>,
{
    let (is_final, is_short) = (connector.is_final(&error), connector.is_local_shortage(&error));
    let verdict = AttemptError::new(map(error));
    let verdict = if is_final { verdict.with_final(true) } else { verdict };
    if is_short { verdict.with_local_shortage(true) } else { verdict }
}

pin_project! {
    /// An attempt whose error is judged and then mapped: see [`Connector::map_err`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inner attempt.
    #[must_use = "futures do nothing unless polled"]
    pub struct MapErrAttempt<C, N, F, A> {
        #[pin]
        inner: C,
        connector: N,
        map: F,
        address: PhantomData<fn(A)>,
    }
}

impl<A, C, N, F, E> Future for MapErrAttempt<C, N, F, A>
where
    N: Connector<A>,
    C: Future<Output = Result<N::Connection, N::Error>>,
    F: Fn(N::Error) -> E,
{
    type Output = Result<N::Connection, AttemptError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (connector, map) = (&*this.connector, &*this.map);
        let connected = this.inner.poll(cx);
        connected.map(|connected| connected.map_err(|error| judge(connector, error, map)))
    }
}

impl<A, N, F, S, T> Connector<A> for AndThen<N, F>
where
    A: Clone,
    N: Connector<A>,
    F: Fn(N::Connection, Candidate<A>) -> S + Clone,
    S: Future<Output = Result<T, N::Error>>,
{
    type Connection = T;
    type Error = N::Error;
    type Attempt = AndThenAttempt<N::Attempt, F, A, S>;

    fn connect(&self, to: Candidate<A>) -> Self::Attempt {
        let keep = (self.step.clone(), to.clone());
        AndThenAttempt { steps: Steps::new(self.inner.connect(to), keep) }
    }

    fn accepts(&self, to: &Candidate<A>) -> Result<(), N::Error> {
        self.inner.accepts(to)
    }

    fn is_final(&self, error: &N::Error) -> bool {
        self.inner.is_final(error)
    }

    fn is_local_shortage(&self, error: &N::Error) -> bool {
        self.inner.is_local_shortage(error)
    }
}

pin_project! {
    /// An attempt and the step after it: see [`Connector::and_then`].
    ///
    /// # Panics
    ///
    /// Panics if it is polled again after it was ready.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inner attempt, or the step and with it the connection.
    #[must_use = "futures do nothing unless polled"]
    pub struct AndThenAttempt<C, F, A, S> {
        #[pin]
        steps: Steps<C, (F, Candidate<A>), S>,
    }
}

impl<C, F, A, S, T, U, E> Future for AndThenAttempt<C, F, A, S>
where
    C: Future<Output = Result<T, E>>,
    F: Fn(T, Candidate<A>) -> S,
    S: Future<Output = Result<U, E>>,
{
    type Output = Result<U, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().steps.poll_with(cx, |(step, to), connection| {
            to.progress().made();
            step(connection, to)
        })
    }
}
