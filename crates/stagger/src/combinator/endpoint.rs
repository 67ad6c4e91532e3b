//! Endpoints that wrap others, and their connects.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::step::Steps;
use super::{AndThen, Map, MapErr};
use crate::Endpoint;

impl<N, F, T> Endpoint for Map<N, F>
where
    N: Endpoint,
    F: Fn(N::Connection) -> T + Clone,
{
    type Connection = T;
    type Error = N::Error;
    type Connecting = MapConnect<N::Connecting, F>;

    fn connect(&self) -> Self::Connecting {
        MapConnect { inner: self.inner.connect(), map: self.map.clone() }
    }
}

impl<N, F, E> Endpoint for MapErr<N, F>
where
    N: Endpoint,
    F: Fn(N::Error) -> E + Clone,
{
    type Connection = N::Connection;
    type Error = E;
    type Connecting = MapErrConnect<N::Connecting, F>;

    fn connect(&self) -> Self::Connecting {
        MapErrConnect { inner: self.inner.connect(), map: self.map.clone() }
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
    type Connecting = AndThenConnect<N::Connecting, F, S>;

    fn connect(&self) -> Self::Connecting {
        AndThenConnect { steps: Steps::new(self.inner.connect(), self.step.clone()) }
    }
}

pin_project! {
    /// A connect whose connection is mapped: see [`Endpoint::map`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the connect.
    #[must_use = "futures do nothing unless polled"]
    pub struct MapConnect<C, F> {
        #[pin]
        pub(super) inner: C,
        pub(super) map: F,
    }
}

impl<C, F, T, U, E> Future for MapConnect<C, F>
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
    pub struct MapErrConnect<C, F> {
        #[pin]
        pub(super) inner: C,
        pub(super) map: F,
    }
}

impl<C, F, T, E, G> Future for MapErrConnect<C, F>
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
    /// Panics if it is polled again after it was ready.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the connect, or the step and with it the connection.
    #[must_use = "futures do nothing unless polled"]
    pub struct AndThenConnect<C, F, S> {
        #[pin]
        steps: Steps<C, F, S>,
    }
}

impl<C, F, S, T, U, E> Future for AndThenConnect<C, F, S>
where
    C: Future<Output = Result<T, E>>,
    F: Fn(T) -> S,
    S: Future<Output = Result<U, E>>,
{
    type Output = Result<U, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().steps.poll_with(cx, |step, connection| step(connection))
    }
}
