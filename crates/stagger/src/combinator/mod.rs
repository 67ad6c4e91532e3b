//! The types that the combinators of [`Endpoint`], [`Connector`] and [`Resolver`] return.
//!
//! A program names these types only if a struct holds one of them. To make one, call a method of
//! the trait, such as [`Endpoint::map`] or [`Connector::and_then`]. No future here is boxed, and
//! each is `Send` if its parts are.

mod connector;
mod endpoint;
mod resolver;
mod step;

use std::fmt;

pub use self::connector::{AndThenAttempt, MapErrAttempt};
pub use self::endpoint::{AndThenConnect, MapConnect, MapErrConnect};
pub use self::resolver::{MapAddresses, MappedAddresses, MappedErrors};
#[cfg(doc)]
use crate::{Connector, Endpoint, Resolver};

/// An endpoint or a connector whose connections are mapped: see [`Endpoint::map`] and
/// [`Connector::map`].
#[derive(Clone, Copy)]
pub struct Map<N, F> {
    inner: N,
    map: F,
}

/// An endpoint, a connector or a resolver whose errors are mapped: see [`Endpoint::map_err`],
/// [`Connector::map_err`] and [`Resolver::map_err`].
#[derive(Clone, Copy)]
pub struct MapErr<N, F> {
    inner: N,
    map: F,
}

/// An endpoint or a connector with a second step after the connect: see [`Endpoint::and_then`] and
/// [`Connector::and_then`].
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

/// Closures have no `Debug`, so only the inner part is printed.
macro_rules! debug {
    ($($name:ident<$inner:ident $(, $other:ident)*>),*) => {$(
        impl<$inner: fmt::Debug $(, $other)*> fmt::Debug for $name<$inner $(, $other)*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.inner).finish_non_exhaustive()
            }
        }
    )*};
}

debug!(Map<N, F>, MapErr<N, F>, AndThen<N, F>, MapConnect<C, F>, MapErrConnect<C, F>, MapAddresses<N, F>);

/// Prints no parts, because some of them have no `Debug`.
macro_rules! opaque {
    ($($name:ident<$($part:ident),*>),*) => {$(
        impl<$($part),*> fmt::Debug for $name<$($part),*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

opaque!(
    AndThenConnect<C, F, S>, AndThenAttempt<C, F, A, S>, MapErrAttempt<C, N, F, A>, MappedAddresses<S, F>,
    MappedErrors<S, F>
);
