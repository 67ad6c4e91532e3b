//! What the combinators of [`Endpoint`] return.
//!
//! These types are named only where a struct holds one. To make one, call [`Endpoint::map`],
//! [`Endpoint::map_err`] or [`Endpoint::and_then`]. No future here is boxed, and each is `Send` if its
//! parts are.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::Endpoint;

/// An endpoint whose connections are mapped: see [`Endpoint::map`].
#[derive(Clone, Copy)]
pub struct Map<N, F> {
    inner: N,
    map: F,
}

/// An endpoint whose errors are mapped: see [`Endpoint::map_err`].
#[derive(Clone, Copy)]
pub struct MapErr<N, F> {
    inner: N,
    map: F,
}

/// An endpoint with a second step after the connect: see [`Endpoint::and_then`].
#[derive(Clone, Copy)]
pub struct AndThen<N, F> {
    inner: N,
    step: F,
}

impl<N, F> Map<N, F> {
    pub(crate) fn new(inner: N, map: F) -> Self {
        Self { inner, map }
    }
}

impl<N, F> MapErr<N, F> {
    pub(crate) fn new(inner: N, map: F) -> Self {
        Self { inner, map }
    }
}

impl<N, F> AndThen<N, F> {
    pub(crate) fn new(inner: N, step: F) -> Self {
        Self { inner, step }
    }
}

impl<N, F, T> Endpoint for Map<N, F>
where
    N: Endpoint,
    F: Fn(N::Connection) -> T + Clone,
{
    type Connection = T;
    type Error = N::Error;
    type Connecting = Mapping<N::Connecting, F>;

    fn connect(&self) -> Self::Connecting {
        Mapping { inner: self.inner.connect(), map: self.map.clone() }
    }
}

impl<N, F, E> Endpoint for MapErr<N, F>
where
    N: Endpoint,
    F: Fn(N::Error) -> E + Clone,
{
    type Connection = N::Connection;
    type Error = E;
    type Connecting = MappingErr<N::Connecting, F>;

    fn connect(&self) -> Self::Connecting {
        MappingErr { inner: self.inner.connect(), map: self.map.clone() }
    }
}

impl<N, F, S, T> Endpoint for AndThen<N, F>
where
    N: Endpoint,
    F: Fn(N::Connection) -> S + Clone,
    S: Future<Output = Result<T, N::Error>>,
{
    type Connection = T;
    type Error = N::Error;
    type Connecting = Stepping<N::Connecting, F, S>;

    fn connect(&self) -> Self::Connecting {
        let state = State::First { inner: self.inner.connect(), step: self.step.clone() };
        Stepping { state }
    }
}

pin_project! {
    /// A connect whose connection is mapped: see [`Endpoint::map`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the connect.
    #[must_use = "futures do nothing unless polled"]
    pub struct Mapping<C, F> {
        #[pin]
        inner: C,
        map: F,
    }
}

impl<C, F, T, U, E> Future for Mapping<C, F>
where
    C: Future<Output = Result<T, E>>,
    F: Fn(T) -> U,
{
    type Output = Result<U, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let map = &*this.map;
        this.inner.poll(cx).map(|connected| connected.map(map))
    }
}

pin_project! {
    /// A connect whose error is mapped: see [`Endpoint::map_err`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the connect.
    #[must_use = "futures do nothing unless polled"]
    pub struct MappingErr<C, F> {
        #[pin]
        inner: C,
        map: F,
    }
}

impl<C, F, T, E, G> Future for MappingErr<C, F>
where
    C: Future<Output = Result<T, E>>,
    F: Fn(E) -> G,
{
    type Output = Result<T, G>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let map = &*this.map;
        this.inner.poll(cx).map(|connected| connected.map_err(map))
    }
}

pin_project! {
    /// A connect and the step after it: see [`Endpoint::and_then`].
    ///
    /// # Panics
    ///
    /// If it is polled after it was ready.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the connect, or the step and with it the connection.
    #[must_use = "futures do nothing unless polled"]
    pub struct Stepping<C, F, S> {
        #[pin]
        state: State<C, F, S>,
    }
}

pin_project! {
    #[project = StateProjection]
    #[project_replace = StateReplaced]
    enum State<C, F, S> {
        First { #[pin] inner: C, step: F },
        Second { #[pin] step: S },
        Over,
    }
}

impl<C, F, S, T, U, E> Future for Stepping<C, F, S>
where
    C: Future<Output = Result<T, E>>,
    F: Fn(T) -> S,
    S: Future<Output = Result<U, E>>,
{
    type Output = Result<U, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProjection::First { inner, .. } => {
                    let connected = ready!(inner.poll(cx));
                    // The connect is dropped before the step begins.
                    let first = state.as_mut().project_replace(State::Over);
                    let StateReplaced::First { step, .. } = first else {
                        unreachable!("it was the first step")
                    };
                    match connected {
                        Ok(connection) => state.set(State::Second { step: step(connection) }),
                        Err(error) => return Poll::Ready(Err(error)),
                    }
                }
                StateProjection::Second { step } => {
                    let output = ready!(step.poll(cx));
                    state.set(State::Over);
                    return Poll::Ready(output);
                }
                StateProjection::Over => panic!("polled after it was ready"),
            }
        }
    }
}

/// Closures have no `Debug`, so what is left is the inner part.
macro_rules! debug {
    ($($name:ident<$inner:ident $(, $other:ident)*>),*) => {$(
        impl<$inner: fmt::Debug $(, $other)*> fmt::Debug for $name<$inner $(, $other)*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.inner).finish_non_exhaustive()
            }
        }
    )*};
}

debug!(Map<N, F>, MapErr<N, F>, AndThen<N, F>, Mapping<C, F>, MappingErr<C, F>);

impl<C, F, S> fmt::Debug for Stepping<C, F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stepping").finish_non_exhaustive()
    }
}
