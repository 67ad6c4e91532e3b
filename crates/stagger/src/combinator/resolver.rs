//! Resolvers that wrap others, and their answers.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::MapErr;
use crate::resolve::Query;
use crate::{Answer, Resolver};

/// A resolver whose addresses are mapped: see [`Resolver::map_addresses`].
#[derive(Clone, Copy)]
pub struct MapAddresses<N, F> {
    pub(super) inner: N,
    map: F,
}

impl<N, F> MapAddresses<N, F> {
    pub(crate) fn new(inner: N, map: F) -> Self {
        Self { inner, map }
    }
}

impl<N, F, B> Resolver for MapAddresses<N, F>
where
    N: Resolver,
    F: Fn(N::Address) -> B + Clone,
{
    type Address = B;
    type Error = N::Error;
    type Answers = MappedAddresses<N::Answers, F>;

    fn resolve(&self, query: &Query) -> Self::Answers {
        MappedAddresses { answers: self.inner.resolve(query), map: self.map.clone() }
    }
}

impl<N, F, E> Resolver for MapErr<N, F>
where
    N: Resolver,
    F: Fn(N::Error) -> E + Clone,
{
    type Address = N::Address;
    type Error = E;
    type Answers = MappedErrors<N::Answers, F>;

    fn resolve(&self, query: &Query) -> Self::Answers {
        MappedErrors { answers: self.inner.resolve(query), map: self.map.clone() }
    }
}

pin_project! {
    /// Answers whose addresses are mapped: see [`Resolver::map_addresses`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the lookup.
    #[must_use = "streams do nothing unless polled"]
    pub struct MappedAddresses<S, F> {
        #[pin]
        answers: S,
        map: F,
    }
}

impl<S, F, A, B, E> Stream for MappedAddresses<S, F>
where
    S: Stream<Item = Answer<A, E>>,
    F: Fn(A) -> B,
{
    type Item = Answer<B, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let map = &*this.map;
        let answer = this.answers.poll_next(cx);
        answer.map(|answer| answer.map(|answer| answer.map_addresses(map)))
    }
}

pin_project! {
    /// Answers whose errors are mapped: see [`Resolver::map_err`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the lookup.
    #[must_use = "streams do nothing unless polled"]
    pub struct MappedErrors<S, F> {
        #[pin]
        pub(crate) answers: S,
        pub(crate) map: F,
    }
}

impl<S, F, A, E, G> Stream for MappedErrors<S, F>
where
    S: Stream<Item = Answer<A, E>>,
    F: Fn(E) -> G,
{
    type Item = Answer<A, G>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let map = &*this.map;
        let answer = this.answers.poll_next(cx);
        answer.map(|answer| answer.map(|answer| answer.map_err(map)))
    }
}
